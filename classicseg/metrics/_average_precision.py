"""Average precision of one class, step by step, with the curve it is the area of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_float
from classicseg.metrics._boxes import check_boxes, check_column, check_flags, check_keys, one_group
from classicseg.metrics._masks import check_masks, check_one_shape, table_of
from classicseg.metrics._suppression import are_masks

Table = NDArray[np.float64]
ELEVEN = np.linspace(0, 1, 11)  # three of them lie a rounding above the tenth that they stand for: 0.3, 0.6, 0.7


@dataclass(frozen=True, eq=False)
class AveragePrecision:
    """Average precision and the steps to it; predictions stand by descending score.

    Parameters
    ----------
    ap : float
        Area under the curve of precision over recall; NaN without ground truth.
    order : ndarray of int64, shape (m,)
        Index of each prediction, best score first.
    matched : ndarray of int64, shape (m,)
        The ground truth that it found; -1 where none.
    outcome : ndarray of int8, shape (m,)
        1 right, 0 wrong, -1 left out, as what it found is to be ignored.
    precision : ndarray, shape (m,)
        Right predictions over all judged so far; NaN before the first that is judged.
    recall : ndarray, shape (m,)
        Ground truth found so far over all there is.
    """

    ap: float
    order: NDArray[np.int64]
    matched: NDArray[np.int64]
    outcome: NDArray[np.int8]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def average_precision(
    instances_true: ArrayLike | Sequence[Mapping[str, Any]],
    instances_pred: ArrayLike | Sequence[Mapping[str, Any]],
    scores: ArrayLike,
    *,
    images_true: ArrayLike | None = None,
    images_pred: ArrayLike | None = None,
    ignore: ArrayLike | None = None,
    min_iou: float = 0.5,
    candidates: str = "free",
    interpolation: str = "every-point",
) -> AveragePrecision:
    """Return the average precision of the boxes or masks of one class.

    1. Sort the predictions of all images by descending score.
    2. Each in turn finds the ground truth of its image with the highest intersection over union, which must be
       greater than `min_iou`. It is right if it finds one, and that one is removed; wrong if it does not.
    3. After each prediction, precision is the right ones over all so far, recall the right ones over all ground
       truth.
    4. Average precision is the area under precision over recall.

    Parameters
    ----------
    instances_true, instances_pred : array_like
        Boxes, shapes (n, 4) and (m, 4): `row_min`, `col_min`, `row_max`, `col_max`, half open. Or masks, bool of
        shapes (n, M, N) and (m, M, N), or run-length masks as `encode_rle` makes them.
    scores : array_like, shape (m,)
        Confidence of the predictions; of equal scores the first goes first.
    images_true, images_pred : array_like of int or str, shapes (n,) and (m,), optional
        The image that each lies in. None: all lie in one.
    ignore : array_like of bool, shape (n,), optional
        True where a ground truth need not be found ("difficult" in PASCAL VOC): it does not count, and neither do
        predictions that find it.
    min_iou : float
        0 to 1, to be exceeded. 0.5 is usual; the higher, the tighter boxes must be.
    candidates : {"free", "all"}
        What a prediction chooses from: the ground truth that is not found yet, or all of it. With ``"all"``, as in
        PASCAL VOC, a prediction whose best choice is found already is wrong, even if another would do.
    interpolation : {"every-point", "11-point", "none"}
        Precision at a recall is the highest at that recall or beyond: ``"every-point"`` takes the area under this
        (PASCAL VOC from 2010), ``"11-point"`` its mean at the recalls 0, 0.1, ..., 1 (before). ``"none"`` takes
        the area under the steps as they are.

    Returns
    -------
    AveragePrecision
        The number, what became of each prediction, and the curve.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or is out of range.

    Notes
    -----
    M. Everingham et al., "The PASCAL visual object classes (VOC) challenge", IJCV 88, 2010,
    doi:10.1007/s11263-009-0275-4. Its mean over classes is the mean of the `ap` of each. `coco_average_precision`
    takes all classes at once. The eleven recalls are floats, as in the programs in use: 9 of 15 found is a recall
    just below the float 0.6000000000000001, so that it does not count there.

    Examples
    --------
    >>> truth = [[0, 0, 4, 4], [10, 10, 14, 14]]
    >>> found = [[0, 0, 4, 4], [0, 1, 4, 5], [10, 10, 14, 15]]
    >>> result = average_precision(truth, found, [0.9, 0.8, 0.7])
    >>> result.outcome.tolist(), round(result.ap, 4)
    ([1, 0, 1], 0.8333)
    """
    table = _iou_table(instances_true, instances_pred)
    score = check_column("scores", scores, len(table), "prediction")
    ignored = check_flags("ignore", ignore, table.shape[1])
    min_iou = check_float("min_iou", min_iou, low=0, high=1)
    candidates = check_choice("candidates", candidates, ("free", "all"))
    interpolation = check_choice("interpolation", interpolation, ("every-point", "11-point", "none"))
    names_true = check_keys("images_true", images_true, table.shape[1])
    names_pred = check_keys("images_pred", images_pred, len(table))
    if len(table) and table.shape[1] and (names_true.dtype.kind == "U") != (names_pred.dtype.kind == "U"):
        one, other = names_true[0].item(), names_pred[0].item()
        raise TypeError(f"images must be named alike, got {one!r} in images_true and {other!r} in images_pred")
    table = np.where(names_pred[:, None] == names_true[None], table, -1.0)  # another image is out of reach

    order = np.argsort(-score, kind="stable")
    matched, outcome = _match(table[order], ignored, min_iou, candidates == "all")
    n_true = int((~ignored).sum())
    right, judged = np.cumsum(outcome == 1), np.cumsum(outcome >= 0)
    precision = np.divide(right, judged, out=np.full(len(order), np.nan), where=judged > 0)
    recall = np.divide(right, n_true, out=np.full(len(order), np.nan), where=n_true > 0)
    ap = _area(precision[outcome == 1], n_true, interpolation)
    return AveragePrecision(ap, order, matched, outcome, precision, recall)


def _iou_table(instances_true: Any, instances_pred: Any) -> Table:
    """Return the IoU of all pairs, predictions by ground truth."""
    given = (instances_true, instances_pred)
    some = [one for one in given if not (hasattr(one, "__len__") and len(one) == 0)]
    kinds = {are_masks(one) for one in some or given}  # none at all may stand for either kind
    if len(kinds) > 1:
        raise TypeError("instances_true and instances_pred must both be boxes or both masks, got one of each")
    if True in kinds:
        truth, pred = check_masks("instances_true", instances_true), check_masks("instances_pred", instances_pred)
        check_one_shape(np.concatenate([truth.shapes, pred.shapes]))
        return table_of(truth, pred, np.zeros(len(truth.first), bool))
    boxes, others = check_boxes("instances_true", instances_true), check_boxes("instances_pred", instances_pred)
    out = np.empty(len(others) * len(boxes))
    no_crowd = np.zeros(len(boxes), bool)
    kernels_for(out, "boxes").box_tables(one_group(len(others), len(boxes)), boxes, others, no_crowd, out)
    return out.reshape(len(others), len(boxes))


def _match(
    table: Table, ignored: NDArray[np.bool_], min_iou: float, from_all: bool
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Let predictions, best first, find ground truth; of equal IoU the first is found."""
    matched, outcome = np.full(len(table), -1, np.int64), np.zeros(len(table), np.int8)
    free = np.ones(table.shape[1], bool)
    for i, row in enumerate(table):
        reachable = row if from_all else np.where(free, row, -1.0)
        best = int(reachable.argmax()) if len(row) else -1
        if best < 0 or not reachable[best] > min_iou:
            continue
        if ignored[best]:
            matched[i], outcome[i] = best, -1  # it stays, to be found by others too
        elif free[best]:
            matched[i], outcome[i], free[best] = best, 1, False
    return matched, outcome


def _area(at_right: NDArray[np.float64], n_true: int, interpolation: str) -> float:
    """Return the area under the curve, given the precision after each right prediction."""
    if n_true == 0:
        return float("nan")
    if interpolation == "none":
        return float(at_right.sum() / n_true)
    highest = np.maximum.accumulate(at_right[::-1])[::-1]
    if interpolation == "every-point":
        return float(highest.sum() / n_true)
    reached = np.searchsorted(np.arange(1, len(highest) + 1) / n_true, ELEVEN, side="left")
    return float(highest[reached[reached < len(highest)]].sum() / len(ELEVEN))
