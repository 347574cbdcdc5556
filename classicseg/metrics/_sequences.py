"""A sequence of soft masks against ground truth that has no order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array, check_float
from classicseg.metrics._boxes import check_column

LOWEST_LOG = -100.0  # what the logarithm of a score of 0 counts


@dataclass(frozen=True, eq=False)
class SequenceMatch:
    """Which mask of a sequence stands for which ground truth, and the loss.

    Parameters
    ----------
    matched_true, matched_pred : ndarray of int64, shape (min(n, t),)
        Pairs: index of the ground truth, ascending, and of the mask of the sequence.
    iou : ndarray, shape (min(n, t),)
        Soft intersection over union of each pair.
    coverage : float
        Sum of `iou` over the number of ground truths: 1 where all are found exactly. NaN without ground truth.
    score_loss : float
        Sum of the cross entropies of the scores.
    loss : float
        ``score_weight * score_loss - iou.sum()``.
    """

    matched_true: NDArray[np.int64]
    matched_pred: NDArray[np.int64]
    iou: NDArray[np.float64]
    coverage: float
    score_loss: float
    loss: float


def soft_iou(masks_true: ArrayLike, masks_pred: ArrayLike) -> NDArray[np.float64]:
    """Return the soft intersection over union of every pair of masks.

    For masks a and b with values from 0 to 1 it is ``sum(a * b) / (sum(a) + sum(b) - sum(a * b))``; for masks of 0
    and 1 the usual IoU.

    Parameters
    ----------
    masks_true, masks_pred : array_like, shapes (n, M, N) and (t, M, N)
        Bool, or numbers from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n, t)
        0 to 1; 0 where both masks are empty.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or values outside 0 to 1.

    Examples
    --------
    >>> soft_iou([[[1, 1, 0]]], [[[0.5, 0.5, 0.0]], [[0, 0, 1]]])
    array([[0.5, 0. ]])
    """
    truth, pred = _check_soft("masks_true", masks_true), _check_soft("masks_pred", masks_pred)
    if truth.size and pred.size and truth.shape[1:] != pred.shape[1:]:
        raise ValueError(
            f"masks_pred must have the shape of masks_true, {truth.shape[1:]}, got {pred.shape[1:]}; resize them first"
        )
    if not truth.size or not pred.size:
        return np.zeros((len(truth), len(pred)))
    flat, other = (masks.reshape(len(masks), -1) for masks in (truth, pred))
    shared = flat @ other.T
    whole = flat.sum(axis=1)[:, None] + other.sum(axis=1) - shared
    table: NDArray[np.float64] = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return table


def match_sequences(
    masks_true: ArrayLike, masks_pred: ArrayLike, scores: ArrayLike, *, score_weight: float = 1.0
) -> SequenceMatch:
    """Match a sequence of soft masks to ground truth of any order, and return the loss of the sequence.

    Pairs are chosen, each mask and each ground truth at most once, so that the sum of their soft intersections over
    union is as large as it can be (Hungarian algorithm). The score of step i says whether there was still something
    to find: it should be 1 for the first n steps, n being the number of ground truths, and 0 after.

    Parameters
    ----------
    masks_true : array_like, shape (n, M, N)
        The ground truth: bool, or numbers from 0 to 1.
    masks_pred : array_like, shape (t, M, N)
        The sequence, values from 0 to 1.
    scores : array_like, shape (t,)
        0 to 1: how sure each step is that its mask is an instance.
    score_weight : float
        How much the scores count against the masks, 0 or more; 1 as published. 0 judges the masks alone.

    Returns
    -------
    SequenceMatch
        The pairs, their IoU, and the loss.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or values out of range.

    Notes
    -----
    B. Romera-Paredes and P. H. S. Torr, "Recurrent instance segmentation", ECCV 2016,
    doi:10.1007/978-3-319-46466-4_19. The logarithm of a score of 0 counts -100, so that the loss stays finite.

    Examples
    --------
    >>> truth = [[[1, 1, 0, 0]], [[0, 0, 1, 1]]]
    >>> found = match_sequences(truth, [[[0, 0, 1, 0]], [[1, 1, 0, 0]], [[0, 0, 0, 0]]], [1, 1, 0])
    >>> found.matched_pred.tolist(), found.coverage, found.loss
    ([1, 0], 0.75, -1.5)
    """
    from scipy.optimize import linear_sum_assignment

    table = soft_iou(masks_true, masks_pred)
    n, t = table.shape
    score = check_column("scores", scores, t, "mask of the sequence")
    if ((score < 0) | (score > 1)).any():
        worst = float(score[(score < 0) | (score > 1)][0])
        raise ValueError(f"scores must be from 0 to 1, got {worst}; pass them through a sigmoid first")
    score_weight = check_float("score_weight", score_weight, low=0)
    rows, cols = linear_sum_assignment(table, maximize=True)
    iou = table[rows, cols]
    hit = np.where(np.arange(t) < n, score, 1 - score)
    logs = np.log(hit, out=np.full(t, LOWEST_LOG), where=hit > 0)
    score_loss = -float(np.maximum(logs, LOWEST_LOG).sum()) + 0.0
    coverage = float(iou.sum() / n) if n else float("nan")
    loss = score_weight * score_loss - float(iou.sum())
    return SequenceMatch(rows.astype(np.int64), cols.astype(np.int64), iou, coverage, score_loss, loss)


def _check_soft(name: str, masks: ArrayLike) -> NDArray[np.float64]:
    array = check_array(name, masks)
    if array.size == 0 and array.ndim == 1:
        return np.zeros((0, 0, 0))
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have shape (n, M, N), got {array.shape}; one mask becomes a stack with mask[None]"
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be boolean or numbers from 0 to 1, got dtype {array.dtype}; convert it first")
    values = array.astype(np.float64)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{name} must have values from 0 to 1, got {values.min()} to {values.max()}; divide 8-bit masks by 255"
        )
    return values
