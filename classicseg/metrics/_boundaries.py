"""Recall, precision and F of boundaries against one or several annotators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_array, check_finite, check_int
from classicseg.metrics._boundary_maps import check_boundaries, check_boundary_stack, is_sequence_of_maps
from classicseg.metrics._matching import Matcher, check_max_distance, check_same_shape

Array = NDArray[Any]
N_THRESHOLDS = 99  # as in the benchmark


@dataclass(frozen=True)
class BoundaryScore:
    """How well boundaries agree.

    Parameters
    ----------
    f : float
        Harmonic mean of recall and precision; 0 where both are 0.
    precision : float
        Part of the predicted boundary pixels that is matched; 0 where there are none.
    recall : float
        Part of the true boundary pixels that is matched; 0 where there are none.
    """

    f: float
    precision: float
    recall: float


@dataclass(frozen=True)
class BoundaryCounts:
    """Matched and all boundary pixels of one image, per setting: one of T thresholds or maps.

    Parameters
    ----------
    tp_recall : ndarray of int64, shape (T,)
        True boundary pixels that are matched, summed over the annotators.
    n_recall : ndarray of int64, shape (T,)
        True boundary pixels, summed over the annotators.
    tp_precision : ndarray of int64, shape (T,)
        Predicted boundary pixels that are matched with at least one annotator's.
    n_precision : ndarray of int64, shape (T,)
        Predicted boundary pixels.
    thresholds : ndarray of float64, shape (T,), or None
        Where boundary strengths were cut; None where the settings are maps.
    """

    tp_recall: NDArray[np.int64]
    n_recall: NDArray[np.int64]
    tp_precision: NDArray[np.int64]
    n_precision: NDArray[np.int64]
    thresholds: NDArray[np.float64] | None = None


def boundary_counts(
    boundaries_true: ArrayLike | Sequence[ArrayLike],
    boundaries_pred: ArrayLike | Sequence[ArrayLike],
    *,
    max_distance: float = 0.0075,
    thresholds: int | ArrayLike | None = None,
    thinning: bool = True,
) -> BoundaryCounts:
    """Count matched boundary pixels of one image against its annotators, at one or several settings.

    Parameters
    ----------
    boundaries_true : array_like of bool, shape (M, N) or (n, M, N), or sequence of n maps
        Boundary maps of the annotators, taken as they are. CuPy arrays are copied to the host.
    boundaries_pred : array_like of bool or float
        A boundary map (M, N); a stack (T, M, N) or sequence of maps, one per setting; or boundary strengths (M, N)
        of a floating dtype, which are cut at the `thresholds`. Label images pass through `boundary_map` first.
    max_distance : float, default 0.0075
        How far apart two matched pixels may lie, as a part of the image's diagonal, 0 to 1.
    thresholds : int or array_like of float, shape (T,), optional
        Boundaries are where the strength is at least the threshold. A number t stands for 1/(t+1), ..., t/(t+1).
        Default: 99 of them. For strengths only.
    thinning : bool, default True
        Whether the predicted boundaries are thinned first, as in the Berkeley benchmark.

    Returns
    -------
    BoundaryCounts
        The four counts per setting. Counts of several images go into `boundary_sweep`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    See Also
    --------
    match_boundaries : The matching with each annotator.
    boundary_f : The score of one image at one setting.

    Notes
    -----
    Each annotator is matched on his own, so recall is over all annotators, and a predicted pixel is right where any
    of them drew it. Source: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image
    Segmentation", IEEE TPAMI 33(5), 2011, doi:10.1109/TPAMI.2010.161.

    Examples
    --------
    >>> drawn = np.zeros((40, 60), bool)
    >>> drawn[20] = True
    >>> counts = boundary_counts(drawn, np.roll(drawn[:, :40], 1, axis=0).repeat(2, axis=1)[:, :60], max_distance=0.02)
    >>> counts.tp_recall, counts.n_recall, counts.tp_precision, counts.n_precision
    (array([60]), array([60]), array([60]), array([60]))
    """
    true = check_boundary_stack("boundaries_true", boundaries_true)
    maps, levels = _settings(boundaries_pred, thresholds)
    check_same_shape(true[0], maps[0])
    matcher = Matcher(true[0].shape, check_max_distance(max_distance))
    thinner = kernels_for(true[0], "thin").thin if thinning else np.asarray
    counts = np.array([_count(true, thinner(one), matcher) for one in maps], np.int64)
    tp_recall, n_recall, tp_precision, n_precision = counts.T.copy()
    return BoundaryCounts(tp_recall, n_recall, tp_precision, n_precision, levels)


def boundary_f(
    boundaries_true: ArrayLike | Sequence[ArrayLike],
    boundaries_pred: ArrayLike,
    *,
    max_distance: float = 0.0075,
    thinning: bool = True,
) -> BoundaryScore:
    """Score the boundaries of one image against those of one or several annotators.

    Parameters
    ----------
    boundaries_true : array_like of bool, shape (M, N) or (n, M, N), or sequence of n maps
        Boundary maps of the annotators, taken as they are; of label images, ``thin(boundary_map(labels))``. CuPy
        arrays are copied to the host.
    boundaries_pred : array_like of bool, shape (M, N)
        Boundary map to be judged; of a label image, ``boundary_map(labels)``.
    max_distance : float, default 0.0075
        How far apart two matched pixels may lie, as a part of the image's diagonal, 0 to 1.
    thinning : bool, default True
        Whether the predicted boundaries are thinned first, as in the Berkeley benchmark.

    Returns
    -------
    BoundaryScore
        F, precision and recall.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    See Also
    --------
    boundary_counts : The counts behind the score, to be pooled over images.

    Examples
    --------
    >>> labels = np.repeat([1, 2, 3], 20)[None].repeat(40, axis=0)
    >>> boundary_f(thin(boundary_map(labels)), boundary_map(labels >= 2))
    BoundaryScore(f=0.6666666666666666, precision=1.0, recall=0.5)
    """
    pred = check_boundaries("boundaries_pred", boundaries_pred)
    counts = boundary_counts(boundaries_true, pred, max_distance=max_distance, thinning=thinning)
    recall, precision, f = scores_of(table_of(counts)[0])
    return BoundaryScore(float(f), float(precision), float(recall))


def table_of(counts: BoundaryCounts) -> NDArray[np.int64]:
    """Return the counts as one array (T, 4)."""
    return np.stack([counts.tp_recall, counts.n_recall, counts.tp_precision, counts.n_precision], axis=-1)


def scores_of(table: Array) -> tuple[Array, Array, Array]:
    """Return recall, precision and F of counts (..., 4); nothing of nothing is 0."""
    recall, precision = (table[..., i] / np.maximum(table[..., i + 1], 1) for i in (0, 2))
    return recall, precision, f_of(recall, precision)


def f_of(recall: Array, precision: Array) -> Array:
    """Return the harmonic mean, 0 where both are 0."""
    total = recall + precision
    f: Array = 2 * recall * precision / np.where(total > 0, total, 1)
    return f


def _count(true: list[Array], pred: Array, matcher: Matcher) -> tuple[int, int, int, int]:
    matched = np.zeros(pred.size, np.bool_)
    tp_recall = n_recall = 0
    for one in true:
        of_true, of_pred = matcher(one, pred)
        matched[of_pred] = True
        tp_recall += len(of_true)
        n_recall += int(np.count_nonzero(one))
    return tp_recall, n_recall, int(np.count_nonzero(matched)), int(np.count_nonzero(pred))


def _settings(boundaries_pred: Any, thresholds: Any) -> tuple[list[Array], NDArray[np.float64] | None]:
    """Return the maps to be judged, and where strengths were cut."""
    strength = None if is_sequence_of_maps("boundaries_pred", boundaries_pred) else _strength(boundaries_pred)
    if strength is None:
        if thresholds is not None:
            raise ValueError(
                "thresholds are for boundary strengths of a floating dtype, got boundaries_pred of boolean maps; "
                "leave thresholds out"
            )
        return check_boundary_stack("boundaries_pred", boundaries_pred), None
    levels = _thresholds(thresholds)
    return [strength >= level for level in levels], levels


def _strength(boundaries_pred: Any) -> Array | None:
    """Return boundary strengths (M, N) on the host, None for anything that is not floating."""
    array = to_host(check_array("boundaries_pred", adopt(boundaries_pred), cuda=True))
    if array.dtype.kind != "f":
        return None
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"boundaries_pred of strengths must have shape (M, N) and not be empty, got {array.shape}")
    return check_finite("boundaries_pred", array, "give such pixels a strength of 0")


def _thresholds(thresholds: Any) -> NDArray[np.float64]:
    if thresholds is None or np.ndim(thresholds) == 0:
        n = N_THRESHOLDS if thresholds is None else check_int("thresholds", thresholds, low=1)
        return np.linspace(1 / (n + 1), 1 - 1 / (n + 1), n)
    levels = to_host(check_array("thresholds", thresholds, cuda=True))
    if levels.dtype.kind not in "iuf" or levels.ndim != 1 or len(levels) == 0:
        raise ValueError(
            f"thresholds must be a number of them or numbers of shape (T,), got {levels.dtype} of shape {levels.shape}"
        )
    check_finite("thresholds", levels, "leave such thresholds out")
    if (np.diff(levels) <= 0).any():
        raise ValueError("thresholds must increase; sort them, each once, for example with np.unique()")
    return levels.astype(np.float64)
