"""A classifier of what is around each region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_choice, check_float, check_int, check_numbers
from classicseg.refine._adapters.dense import OUTPUTS, Output, class_probabilities
from classicseg.refine._adapters.planes import Normalize, check_normalize, planes_of
from classicseg.refine._adapters.torch import as_input, evaluating, is_module, tensor_in, to_numpy
from classicseg.refine._errors import RefinerError
from classicseg.refine._maps.roi import roi_align
from classicseg.refine._refiner import Named, Refiner, check_classes, function_name
from classicseg.refine._results import SemanticResult, Task
from classicseg.refine._table import RegionTable


def from_region_head(
    function: Callable[..., Any],
    *,
    classes: Sequence[str],
    size: int = 64,
    margin: float = 0.25,
    batch_size: int = 64,
    normalize: str | tuple[ArrayLike, ArrayLike] | Callable[[NDArray[Any]], ArrayLike] | None = None,
    output: Output = "auto",
) -> Refiner:
    """Make a refiner of a classifier of small pictures: it is shown the box of every region.

    Parameters
    ----------
    function : callable or torch.nn.Module
        Takes pictures (b, size, size, C) of float32, b at most `batch_size`, and returns a score for each class
        (b, K). A PyTorch module takes (b, C, size, size) instead, such as a ResNet, in evaluation mode.
    classes : sequence of str
        Names of the K classes, in the order of the function. Two names for a single score: that of the second one.
    size : int, default 64
        Rows and columns to which every box is brought, whatever its form: what the classifier was trained on.
    margin : float, default 0.25
        How much of its surroundings is shown with a box, as a share of its sides on every side.
    batch_size : int, default 64
        How many pictures are shown at a time.
    normalize : "imagenet", (mean, std), callable or None, optional
        How the image becomes the classifier's input, see `from_torch`.
    output : {"auto", "logits", "probabilities"}, default "auto"
        What the scores are, see `from_torch`.

    Returns
    -------
    Refiner
        A refiner of task "semantic" that answers per region.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.

    See Also
    --------
    from_sklearn : A classifier of the regions' features.
    roi_align : How a box is brought to a size.

    Notes
    -----
    This is the second stage of a two-stage detector, with regions instead of proposals. Source: R. Girshick et al.,
    "Rich feature hierarchies for accurate object detection and semantic segmentation", CVPR 2014,
    doi:10.1109/CVPR.2014.81.

    Examples
    --------
    >>> def brightness(pictures):
    ...     share = pictures.mean(axis=(1, 2, 3))
    ...     return np.stack([1 - share, share], axis=1)
    >>> table = describe_regions(np.array([[0, 0, 255, 255]] * 4, np.uint8), [[1, 1, 2, 2]] * 4)
    >>> refiner = from_region_head(brightness, classes=["dark", "bright"], size=8, margin=0)
    >>> refiner.refine(table).probabilities.round(2)[:, 1]
    array([0.06, 0.94], dtype=float32)
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r} of type {type(function).__name__}")
    options = HeadOptions(
        check_int("size", size, low=1),
        check_float("margin", margin, low=0),
        check_int("batch_size", batch_size, low=1),
        check_normalize(normalize),
        check_choice("output", output, OUTPUTS),
    )
    return HeadRefiner(function, check_classes("classes", classes), options)


@dataclass(frozen=True)
class HeadOptions:
    """How regions are shown, and what the scores are."""

    size: int
    margin: float
    batch_size: int
    normalize: Normalize
    output: Output


class HeadRefiner(Named):
    """A classifier of pictures as a refiner."""

    task: Task = "semantic"

    def __init__(self, function: Callable[..., Any], classes: tuple[str, ...], options: HeadOptions) -> None:
        self.name = function_name(function)
        self.classes = classes
        self._function = function
        self._options = options

    def refine(self, regions: RegionTable) -> SemanticResult:
        """Return the probability of each class in every region (n, K)."""
        planes = planes_of(regions, self._options.normalize)
        boxes = widened(regions.boxes, self._options.margin, planes.shape[:2])
        size, step = self._options.size, self._options.batch_size
        scores = []
        try:
            for start in range(0, len(boxes), step):
                pictures = roi_align(planes, boxes[start : start + step], size, samples=None)
                scores.append(self._scores(np.ascontiguousarray(pictures, np.float32)))
            column = np.concatenate(scores)[:, None]
            found = class_probabilities(column, column.shape[:2], len(self.classes), self._options.output)
        except (ValueError, TypeError) as error:
            raise RefinerError(self.name, str(error)) from error
        return SemanticResult(found[:, 0])

    def _scores(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores (b, K) of some pictures."""
        answer = _run_module(self._function, pictures) if is_module(self._function) else self._function(pictures)
        scores, n_classes = check_numbers("scores", answer), len(self.classes)
        allowed = {n_classes, 1} if n_classes == 2 else {n_classes}
        if scores.ndim != 2 or len(scores) != len(pictures) or scores.shape[1] not in allowed:
            raise ValueError(
                f"scores must have shape ({len(pictures)}, {n_classes}), one per picture and class, got {scores.shape}"
            )
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which is told below
            scores = scores.astype(np.float32, copy=False)
        if not np.isfinite(scores).all():
            raise ValueError(
                "scores must be finite, got NaN or infinite values; see that the image is in the unit that the "
                "classifier was trained on (normalize=)"
            )
        return scores


def _run_module(module: Any, pictures: NDArray[np.float32]) -> NDArray[Any]:
    import torch

    with evaluating(module), torch.inference_mode():
        answer = module(as_input(torch.from_numpy(pictures).permute(0, 3, 1, 2), module))
    return to_numpy(tensor_in(answer))


def widened(boxes: NDArray[np.int64], margin: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return boxes with a margin of so much of their sides all around, cut at the border of the image."""
    sides = boxes[:, 2:] - boxes[:, :2]
    wide = np.concatenate([boxes[:, :2] - margin * sides, boxes[:, 2:] + margin * sides], axis=1)
    return wide.clip(0, [*shape, *shape])
