"""One-to-one matching of boundary pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_float
from classicseg.metrics._boundary_maps import check_boundaries

Array = NDArray[Any]
UNITS = 100  # per pixel: distances are compared in hundredths, rounded, so that sums are exact
SLACK = 1e-9  # 0.01 of the diagonal of 300 × 400 pixels is 5, whatever the last bit says


@dataclass(frozen=True)
class BoundaryMatch:
    """Pairs of boundary pixels found by `match_boundaries`, in no particular order.

    Parameters
    ----------
    pixels_true : ndarray of int32, shape (n, 2)
        Row and column of the matched pixels of the ground truth.
    pixels_pred : ndarray of int32, shape (n, 2)
        Row and column of the partner of each.
    distance : ndarray of float64, shape (n,)
        How far apart the two are, in pixels.
    n_true : int
        Boundary pixels of the ground truth, matched or not.
    n_pred : int
        Boundary pixels of the prediction, matched or not.
    """

    pixels_true: NDArray[np.int32]
    pixels_pred: NDArray[np.int32]
    distance: NDArray[np.float64]
    n_true: int
    n_pred: int


def match_boundaries(
    boundaries_true: ArrayLike, boundaries_pred: ArrayLike, *, max_distance: float = 0.0075
) -> BoundaryMatch:
    """Match the pixels of two boundary maps one to one, as many as possible and of those the nearest.

    Parameters
    ----------
    boundaries_true : array_like of bool, shape (M, N)
        Boundary map of the ground truth. CuPy arrays are copied to the host: the matching is sequential.
    boundaries_pred : array_like of bool, shape (M, N)
        Boundary map to be judged, usually passed through `thin`.
    max_distance : float, default 0.0075
        How far apart two matched pixels may lie, as a part of the image's diagonal, 0 to 1. The default is the
        Berkeley benchmark's, 4.3 pixels in its images of 481 × 321; 0 matches equal pixels only.

    Returns
    -------
    BoundaryMatch
        The pairs: their number is the largest possible, and of all such matchings theirs has the least sum of
        distances, each rounded to a hundredth of a pixel. Where several are equal, the choice is always the same.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    The benchmark's own matcher solves nearly the same problem on a graph with random edges, so its counts vary from
    run to run and stay a little lower, by less than 0.001 of the pixels. A pixel that is set in both maps is not
    always matched with itself: parting two such can make room for one pair more.
    Source: D. R. Martin, C. C. Fowlkes, J. Malik, "Learning to Detect Natural Image Boundaries Using Local
    Brightness, Color, and Texture Cues", IEEE TPAMI 26(5), 2004, doi:10.1109/TPAMI.2004.1273918.

    Examples
    --------
    >>> match = match_boundaries([[True, False, True]], [[False, True, False]], max_distance=0.4)
    >>> match.pixels_true, match.pixels_pred, match.distance
    (array([[0, 0]], dtype=int32), array([[0, 1]], dtype=int32), array([1.]))
    """
    true = check_boundaries("boundaries_true", boundaries_true)
    pred = check_boundaries("boundaries_pred", boundaries_pred)
    check_same_shape(true, pred)
    max_distance = check_max_distance(max_distance)
    found = [np.stack(np.divmod(flat, true.shape[1]), axis=1) for flat in Matcher(true.shape, max_distance)(true, pred)]
    distance = np.hypot(*(found[0] - found[1]).T.astype(np.float64))
    return BoundaryMatch(found[0], found[1], distance, int(np.count_nonzero(true)), int(np.count_nonzero(pred)))


def check_max_distance(max_distance: object) -> float:
    """Return a part of the diagonal."""
    return check_float("max_distance", max_distance, low=0, high=1)


def check_same_shape(true: Array, pred: Array) -> None:
    """Refuse maps of two sizes."""
    if true.shape != pred.shape:
        raise ValueError(
            f"boundaries_pred must have the shape of boundaries_true, {true.shape}, got {pred.shape}; "
            "compare maps of one image at one size"
        )


class Matcher:
    """Match maps of one shape: which pixels may pair and at what cost is worked out once."""

    def __init__(self, shape: tuple[int, ...], max_distance: float) -> None:
        diagonal = math.hypot(*shape)
        limit = int((max_distance * diagonal) ** 2 * (1 + SLACK))  # of squared distances, which are integers
        radius = min(math.isqrt(limit), max(shape) - 1)
        steps = np.arange(-radius, radius + 1)
        self._reach = np.array([min(math.isqrt(limit - int(d) ** 2), radius) for d in steps], np.int64)
        self._costs = np.rint(UNITS * np.hypot(steps[:, None], steps)).astype(np.int32)

    def __call__(self, true: Array, pred: Array) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the flat indices of the matched pixels of both maps, pair by pair."""
        kernels = kernels_for(true, "matching")
        if np.count_nonzero(true) <= np.count_nonzero(pred):
            rows, cols = kernels.match(true, pred, self._reach, self._costs)
            return rows, cols
        rows, cols = kernels.match(pred, true, self._reach, self._costs)
        return cols, rows
