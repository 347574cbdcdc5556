"""Non-maximum suppression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_array, check_float
from classicseg.metrics._boxes import check_boxes, check_column, check_keys
from classicseg.metrics._masks import check_masks, check_one_shape, table_of


def non_maximum_suppression(
    instances: ArrayLike | Sequence[Mapping[str, Any]],
    scores: ArrayLike,
    *,
    max_iou: float = 0.5,
    classes: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Return which boxes or masks stay when those that overlap a better one too much are left out.

    In turns the best that is left stays, and all others of its class whose intersection over union with it is
    greater than `max_iou` go.

    Parameters
    ----------
    instances : array_like
        Boxes, shape (n, 4): `row_min`, `col_min`, `row_max`, `col_max`, half open. Or masks of one image: bool of
        shape (n, M, N), or n run-length masks as `encode_rle` makes them.
    scores : array_like, shape (n,)
        Confidence of each; of equal scores the first goes first.
    max_iou : float
        0 to 1. 0.5 is usual. Lower it where objects never overlap, such as modules of a solar plant; raise it where
        they stand in crowds.
    classes : array_like of int or str, shape (n,), optional
        Class of each; only those of one class suppress each other. None: all are of one class.

    Returns
    -------
    ndarray of int64
        Indices of what stays, by descending score.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or `max_iou` is out of range.

    Notes
    -----
    Greedy suppression by intersection over union, class by class, as in R. Girshick et al., "Rich feature hierarchies
    for accurate object detection and semantic segmentation", CVPR 2014, doi:10.1109/CVPR.2014.81.

    Examples
    --------
    >>> boxes = [[0, 0, 4, 4], [0, 1, 4, 5], [8, 8, 9, 9]]
    >>> non_maximum_suppression(boxes, [0.6, 0.9, 0.3])
    array([1, 2])
    """
    if are_masks(instances):
        return _keep_masks(instances, scores, max_iou, classes)
    boxes = check_boxes("instances", instances)  # type: ignore[arg-type]
    order, kinds, max_iou = _in_turn(len(boxes), scores, max_iou, classes)
    kept = np.empty(len(boxes), bool)
    kernels_for(boxes, "boxes").suppress_boxes(boxes[order], kinds[order], max_iou, kept)
    return order[kept]


def _keep_masks(instances: object, scores: ArrayLike, max_iou: float, classes: ArrayLike | None) -> NDArray[np.int64]:
    masks = check_masks("instances", instances)
    check_one_shape(masks.shapes)
    n = len(masks.first)
    order, kinds, max_iou = _in_turn(n, scores, max_iou, classes)
    masks = masks.take(order)
    iou, kept = table_of(masks, masks, np.zeros(n, bool)), np.empty(n, bool)
    kernels_for(iou, "boxes").suppress_table(iou, kinds[order], max_iou, kept)
    return order[kept]


def _in_turn(
    n: int, scores: ArrayLike, max_iou: float, classes: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Return the indices by descending score, the classes as numbers, and the checked `max_iou`."""
    column = check_column("scores", scores, n, "instance")
    max_iou = check_float("max_iou", max_iou, low=0, high=1)
    kinds = np.unique(check_keys("classes", classes, n), return_inverse=True)[1]
    return np.argsort(-column, kind="stable"), kinds.astype(np.int64), max_iou


def are_masks(instances: object) -> bool:
    """Tell masks from boxes: run-length masks, or an array of three axes."""
    if isinstance(instances, (list, tuple)) and any(isinstance(one, Mapping) for one in instances):
        return True
    return check_array("instances", instances).ndim == 3
