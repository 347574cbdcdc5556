"""How good a segmentation is: scores of pixels, regions, boundaries, boxes, masks and panoptic maps.

The first two arguments are the ground truth and what is judged. Label images are integers of any dtype; `mask`
marks the pixels that take part, `void` the ground truth's labels that are not judged.
"""

from typing import TYPE_CHECKING

__all__: list[str] = []

if TYPE_CHECKING:
    pass
else:
    from classicseg._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {},
    )
