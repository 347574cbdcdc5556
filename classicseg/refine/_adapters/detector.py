"""Detectors that answer with boxes, scores and masks of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_array, check_float, check_int, check_numbers
from classicseg.metrics import non_maximum_suppression
from classicseg.refine._adapters.picture import picture_of
from classicseg.refine._adapters.torch import as_input, evaluating, is_module, to_numpy
from classicseg.refine._errors import RefinerError, kind_of
from classicseg.refine._maps.paste import paste_masks
from classicseg.refine._refiner import Named, Refiner, check_classes, function_name
from classicseg.refine._results import InstanceResult, Task
from classicseg.refine._table import RegionTable

Array = NDArray[Any]


def from_detector(
    function: Callable[..., Any],
    *,
    classes: Sequence[str],
    first_label: int = 1,
    min_score: float = 0.5,
    max_iou: float | None = None,
) -> Refiner:
    """Make a refiner of a detector in the manner of Mask R-CNN: boxes, labels, scores and soft masks.

    Parameters
    ----------
    function : callable or torch.nn.Module
        Takes the image as it was given and returns a mapping, as torchvision's detectors do, of arrays or tensors:

        - "boxes" (n, 4): x and y of the upper left and of the lower right corner, in pixels;
        - "labels" (n,): whole numbers;
        - "scores" (n,): 0 to 1;
        - "masks", where it has any: (n, M, N) or (n, 1, M, N) over the image, or (n, a, b) or (n, 1, a, b), drawn
          inside the boxes, such as 28 × 28; probabilities or bool.

        A PyTorch module is called as torchvision's are, with a list of one tensor (3, M, N) from 0 to 1, in
        evaluation mode; gray and temperatures become pictures as in `from_promptable`.
    classes : sequence of str
        Names of the classes, without background.
    first_label : int, default 1
        The label of the first class; the others follow. 1 where 0 is the background, as in torchvision.
    min_score : float, default 0.5
        Score from which an object is kept.
    max_iou : float, optional
        Of boxes of one class that overlap by a larger intersection over union only the one with the best score is
        kept. Default: all, for detectors that have thinned them out.

    Returns
    -------
    Refiner
        A refiner of task "instances": soft masks by descending score.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.

    See Also
    --------
    from_region_head : A classifier of each region's surroundings.
    paste_masks : How masks drawn inside boxes are laid out over the image.

    Notes
    -----
    An object without a mask consists of the regions that lie in its box by half of their pixels at least; where none
    does, of the pixels in its box. Source: K. He, G. Gkioxari, P. Dollár, R. Girshick, "Mask R-CNN", ICCV 2017,
    doi:10.1109/ICCV.2017.322.

    Examples
    --------
    >>> def detect(image):
    ...     return {"boxes": [[0, 0, 2, 2]], "labels": [1], "scores": [0.9]}
    >>> table = describe_regions(np.array([[9, 9, 1], [9, 9, 1]], np.uint8), [[1, 1, 2], [1, 1, 2]])
    >>> from_detector(detect, classes=["module"]).refine(table).masks.astype(int)
    array([[[1, 1, 0],
            [1, 1, 0]]])
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r} of type {type(function).__name__}")
    options = DetectorOptions(
        check_int("first_label", first_label),
        check_float("min_score", min_score, low=0, high=1),
        None if max_iou is None else check_float("max_iou", max_iou, low=0, high=1),
    )
    return DetectorRefiner(function, check_classes("classes", classes), options)


@dataclass(frozen=True)
class DetectorOptions:
    """What labels mean, and which objects are kept."""

    first_label: int
    min_score: float
    max_iou: float | None


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector gave, checked."""

    boxes: Array  # (n, 4) row_min, col_min, row_max, col_max
    categories: NDArray[np.int64]
    scores: NDArray[np.float32]
    masks: Array | None  # (n, M, N) or (n, a, b)

    def take(self, index: Array) -> Detections:
        """Return some of them."""
        masks = None if self.masks is None else self.masks[index]
        return Detections(self.boxes[index], self.categories[index], self.scores[index], masks)


class DetectorRefiner(Named):
    """A detector as a refiner."""

    task: Task = "instances"

    def __init__(self, function: Callable[..., Any], classes: tuple[str, ...], options: DetectorOptions) -> None:
        self.name = function_name(function)
        self.classes = classes
        self._function = function
        self._options = options

    def refine(self, regions: RegionTable) -> InstanceResult:
        """Return the objects that the detector finds in the image, by descending score."""
        answer = _run_module(self._function, regions) if is_module(self._function) else self._function(regions.image)
        try:
            found = _check_answer(answer, len(self.classes), self._options.first_label)
            found = _kept(found, self._options)
            masks = _masks(found, regions)
        except (ValueError, TypeError) as error:
            raise RefinerError(self.name, str(error)) from error
        return InstanceResult(masks, found.scores, found.categories, found.boxes)


def _run_module(module: Any, regions: RegionTable) -> Any:
    import torch

    picture = torch.tensor(picture_of(regions, None)).permute(2, 0, 1).float() / 255
    with evaluating(module), torch.inference_mode():
        answer = module([as_input(picture, module)])
    return answer[0] if isinstance(answer, (list, tuple)) and len(answer) == 1 else answer


# --- What is found ---------------------------------------------------------------------------------------------


def _check_answer(answer: Any, n_classes: int, first_label: int) -> Detections:
    if not isinstance(answer, Mapping):
        raise TypeError(f'the detector must return a mapping with "boxes", "labels", "scores", got {kind_of(answer)}')
    missing = [name for name in ("boxes", "labels", "scores") if name not in answer]
    if missing:
        raise ValueError(
            f"the detector must return boxes, labels and scores, got {', '.join(map(str, answer)) or 'nothing'} "
            f"without {', '.join(missing)}"
        )
    boxes, labels, scores = (_array(name, answer[name]) for name in ("boxes", "labels", "scores"))
    n = len(np.atleast_1d(labels))
    boxes = boxes.reshape(-1, 4) if boxes.size == 0 else boxes
    if boxes.shape != (n, 4) or labels.shape != (n,) or scores.shape != (n,):
        raise ValueError(
            f"boxes, labels and scores must have shapes (n, 4), (n,) and (n,), got {boxes.shape}, {labels.shape} and "
            f"{scores.shape}"
        )
    if not np.isfinite(boxes).all() or (boxes[:, :2] > boxes[:, 2:]).any():
        raise ValueError("boxes must be x_min, y_min, x_max, y_max, finite, min <= max; convert x, y, width, height")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite, got NaN or infinite values; look for overflow")
    if n and labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers of an integer dtype, got {labels.dtype}")
    categories = labels.astype(np.int64) - first_label
    if ((categories < 0) | (categories >= n_classes)).any():
        raise ValueError(
            f"labels must lie in {first_label} to {first_label + n_classes - 1} for the {n_classes} classes, got "
            f"{int(labels.min())} to {int(labels.max())}; first_label= is that of the first class"
        )
    masks = None if answer.get("masks") is None else _check_masks(_array("masks", answer["masks"]), n)
    return Detections(boxes[:, [1, 0, 3, 2]].astype(np.float64), categories, scores.astype(np.float32), masks)


def _check_masks(masks: Array, n: int) -> Array:
    flat = masks[:, 0] if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if flat.ndim != 3 or len(flat) != n:
        raise ValueError(f"masks must have shape ({n}, M, N) or ({n}, 1, M, N), got {masks.shape}")
    return flat


def _array(name: str, value: Any) -> Array:
    """Return an array of a detector's; tensors of any device are copied to the host."""
    value = to_numpy(value) if hasattr(value, "detach") else value
    array = check_array(name, value)
    return array if array.dtype == bool else check_numbers(name, array)


def _kept(found: Detections, options: DetectorOptions) -> Detections:
    """Return what scores high enough, by descending score, without doubles."""
    order = np.argsort(-found.scores, kind="stable")
    found = found.take(order[found.scores[order] >= options.min_score])
    if options.max_iou is None:
        return found
    best = non_maximum_suppression(found.boxes, found.scores, max_iou=options.max_iou, classes=found.categories)
    return found.take(best)


def _masks(found: Detections, regions: RegionTable) -> Array:
    """Return the masks (n, M, N) of what was found, inside the mask of the regions."""
    shape = regions.labels.shape
    if found.masks is None:
        return (
            np.stack([_of_box(box, regions) for box in found.boxes])
            if len(found.boxes)
            else np.empty((0, *shape), bool)
        )
    if found.masks.shape[1:] == shape:
        masks = found.masks
    else:
        masks = paste_masks(found.masks, found.boxes, shape, threshold=None)
    return masks & regions.mask if masks.dtype == bool else (masks * regions.mask).astype(np.float32)


def _of_box(box: Array, regions: RegionTable) -> NDArray[np.bool_]:
    """Return the regions that lie in a box by half at least, or else the pixels whose centers do."""
    rows, cols = (np.arange(size) + 0.5 for size in regions.labels.shape)
    inside = ((rows >= box[0]) & (rows < box[2]))[:, None] & ((cols >= box[1]) & (cols < box[3])) & regions.mask
    count = np.bincount(regions.rows[inside], minlength=len(regions.area))
    chosen = np.append(2 * count >= regions.area, False)  # the last for -1, outside
    return chosen[regions.rows] if chosen.any() else inside
