"""The best setting for a data set and for each image, and the precision-recall curve, of boundary counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classicseg.metrics._boundaries import BoundaryCounts, BoundaryScore, f_of, scores_of, table_of

STEPS = np.linspace(0, 1, 100)  # between neighbouring thresholds, as in the benchmark
RECALLS = np.arange(101) / 100  # where the curve is sampled for its area


@dataclass(frozen=True)
class BoundarySweep:
    """Boundary scores of a data set over T settings, from `boundary_sweep`.

    Parameters
    ----------
    ods : BoundaryScore
        Optimal data set scale: the best score that one setting reaches on all images together.
    ois : BoundaryScore
        Optimal image scale: the score of all images together, each at its own best setting.
    average_precision : float
        Area under the precision-recall curve, from the least to the largest recall that occurs.
    best_setting : int
        Index of the setting with the best pooled F; of equal ones the first.
    best_threshold : float or None
        Threshold of `ods`, which may lie between two that were tried; None where the settings are maps.
    best_settings : ndarray of int64, shape (n_images,)
        Index of the best setting of each image; of equal ones the first.
    f : ndarray of float64, shape (T,)
        Pooled F of each setting.
    precision : ndarray of float64, shape (T,)
        Pooled precision of each setting.
    recall : ndarray of float64, shape (T,)
        Pooled recall of each setting.
    """

    ods: BoundaryScore
    ois: BoundaryScore
    average_precision: float
    best_setting: int
    best_threshold: float | None
    best_settings: NDArray[np.int64]
    f: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def boundary_sweep(counts: Iterable[BoundaryCounts]) -> BoundarySweep:
    """Pool the boundary counts of many images and find their best settings.

    Parameters
    ----------
    counts : iterable of BoundaryCounts
        Counts of each image from `boundary_counts`, all at the same settings.

    Returns
    -------
    BoundarySweep
        Scores at the optimal data set scale (ODS) and the optimal image scale (OIS), average precision, and the
        curve behind them.

    Raises
    ------
    ValueError, TypeError
        If there are no counts, or those of the images are at different settings.

    Notes
    -----
    As in the Berkeley benchmark, sums over images are divided, not scores averaged; for thresholds, recall and
    precision of the ODS are interpolated in 100 steps between neighbours; and the curve is sampled at recalls of 0,
    0.01, ..., 1, with precision 0 beyond its ends. Settings that are maps have no order, so nothing is interpolated
    between them for the ODS.
    Source: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation",
    IEEE TPAMI 33(5), 2011, doi:10.1109/TPAMI.2010.161.

    Examples
    --------
    >>> one = BoundaryCounts(*np.array([[8, 4], [10, 10], [8, 4], [16, 4]]))
    >>> sweep = boundary_sweep([one, one])
    >>> sweep.ods
    BoundaryScore(f=0.6153846153846154, precision=0.5, recall=0.8)
    >>> sweep.best_setting
    0
    """
    images, thresholds = _check_counts(counts)
    table = np.stack([table_of(one) for one in images])  # (images, settings, 4)
    recall, precision, f = scores_of(table.sum(axis=0))
    best = scores_of(table)[2].argmax(axis=1)
    ois = [float(score) for score in scores_of(table[np.arange(len(table)), best].sum(axis=0))]
    ods, threshold = _optimal(recall, precision, thresholds)
    return BoundarySweep(
        ods=ods,
        ois=BoundaryScore(ois[2], ois[1], ois[0]),
        average_precision=_area(recall, precision),
        best_setting=int(f.argmax()),
        best_threshold=threshold,
        best_settings=best,
        f=f,
        precision=precision,
        recall=recall,
    )


def _check_counts(counts: object) -> tuple[list[BoundaryCounts], NDArray[np.float64] | None]:
    if isinstance(counts, BoundaryCounts) or not isinstance(counts, Iterable):
        raise TypeError(
            f"counts must be an iterable of BoundaryCounts, got {type(counts).__name__}; "
            "put those of one image in a list"
        )
    images = list(counts)
    for one in images:
        if not isinstance(one, BoundaryCounts):
            raise TypeError(
                f"counts must hold BoundaryCounts, got {type(one).__name__}; make them with boundary_counts()"
            )
    if not images:
        raise ValueError("counts must hold those of at least one image, got none")
    first = images[0]
    for i, one in enumerate(images):
        if len(one.tp_recall) != len(first.tp_recall):
            raise ValueError(
                f"counts must all be at the same settings, got {len(first.tp_recall)} for image 0 and "
                f"{len(one.tp_recall)} for image {i}"
            )
        if not _equal(one.thresholds, first.thresholds):
            raise ValueError(
                f"counts must all be at the same settings, got other thresholds for image {i} than for image 0"
            )
    return images, first.thresholds


def _equal(a: NDArray[np.float64] | None, b: NDArray[np.float64] | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def _optimal(
    recall: NDArray[np.float64], precision: NDArray[np.float64], thresholds: NDArray[np.float64] | None
) -> tuple[BoundaryScore, float | None]:
    """Return the best score and its threshold; between neighbouring thresholds too."""
    values = [recall, precision, recall if thresholds is None else thresholds]
    if thresholds is not None and len(thresholds) > 1:
        values = [((1 - STEPS) * x[:-1, None] + STEPS * x[1:, None]).ravel() for x in values]
    f = f_of(values[0], values[1])
    best = int(f.argmax())
    score = BoundaryScore(float(f[best]), float(values[1][best]), float(values[0][best]))
    return score, None if thresholds is None else float(values[2][best])


def _area(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    """Return the area under the curve; of settings with equal recall the first counts, one point has no area."""
    at, first = np.unique(recall, return_index=True)
    if len(at) < 2:
        return 0.0
    return float(np.interp(RECALLS, at, precision[first], left=0.0, right=0.0).sum() * 0.01)
