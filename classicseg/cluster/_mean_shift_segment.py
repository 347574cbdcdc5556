"""Regions of pixels whose modes are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_int
from classicseg.cluster._mean_shift_filter import Kernel, Problem, checked, climb
from classicseg.regions import connected_regions, merge_small_regions


@dataclass(frozen=True, eq=False)
class MeanShiftSegmentation:
    """Regions found by `mean_shift_segment`, and the mode of every pixel.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        Region labels: connected, 1, 2, ... by the first pixel in raster order, 0 outside the mask.
    modes : ndarray of float32, shape (M, N, C)
        Value of each pixel's mode, NaN outside the mask.
    positions : ndarray of float32, shape (M, N, 2)
        Row and column of each pixel's mode, NaN outside the mask.
    densities : ndarray of float32, shape (M, N)
        Weight of the pixels in the last window, 0 outside the mask: the higher, the better founded is the mode.
    """

    labels: NDArray[np.int32]
    modes: NDArray[np.float32]
    positions: NDArray[np.float32]
    densities: NDArray[np.float32]


def mean_shift_segment(
    image: ArrayLike,
    spatial_bandwidth: float,
    range_bandwidth: float | ArrayLike,
    *,
    min_size: int = 1,
    kernel: Kernel = "flat",
    tol: float | None = None,
    max_num_iter: int | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> MeanShiftSegmentation:
    """Segment an image into regions whose pixels climb to one mode; their number is found, not given.

    Every pixel climbs as in `mean_shift_filter`. Neighbours (4) belong together where their modes lie within one
    bandwidth of each other, in position and in value; small regions are then merged.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        Image of any number of channels: colours, °C, bands, colour and depth. Computed in float32.
    spatial_bandwidth : float
        Radius of the window in pixels, 1 to 4096. The larger, the coarser is the texture that is smoothed.
    range_bandwidth : float or array_like, shape (C,)
        Radius of the window in the image's own units, one for all channels or one per channel. Contrasts below it
        do not part regions; 6 to 20 for 8-bit colours, 1 or 2 for °C.
    min_size : int, default 1
        Regions of fewer pixels are merged into the neighbour of the nearest mean mode, smallest first; 1 keeps all.
    kernel : {"flat", "gaussian", "epanechnikov", "opencv"}, default "flat"
        Weight of a pixel in the mean, as for `mean_shift_filter`.
    tol : float, optional
        A pixel stays where its step, in bandwidths, is at most this, as for `mean_shift_filter`.
    max_num_iter : int, optional
        Most steps of a pixel, as for `mean_shift_filter`.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    MeanShiftSegmentation
        Region labels, and mode, position and density of every pixel.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN inside the mask.

    Notes
    -----
    The fusing rule is that of the source, modes closer than the bandwidths in both domains, asked of neighbours: so
    regions are connected. Source: D. Comaniciu and P. Meer, "Mean Shift: A Robust Approach Toward Feature Space
    Analysis", IEEE Trans. Pattern Anal. Mach. Intell. 24(5), 2002, section 4.2, doi:10.1109/34.1000236.

    Examples
    --------
    >>> mean_shift_segment([[10.0, 12.0, 11.0, 90.0, 91.0]], 4, 20).labels
    array([[1, 1, 1, 2, 2]], dtype=int32)
    """
    min_size = check_int("min_size", min_size, low=1)
    problem, _ = checked(image, spatial_bandwidth, range_bandwidth, kernel, tol, max_num_iter, mask, n_threads)
    values, positions, densities = _modes(problem)
    labels = _fused(problem, values, positions)
    if min_size > 1:
        labels = merge_small_regions(labels, min_size, image=values)
    if problem.mask is not None:
        values[~problem.mask] = positions[~problem.mask] = np.nan
    return MeanShiftSegmentation(labels, values, positions, densities)


def _modes(problem: Problem) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return values, positions and weights of all pixels; those that stay what they are have their own."""
    n_rows, n_cols, n_channels = problem.image.shape
    values = problem.image.astype(np.float32)
    positions = np.moveaxis(np.indices((n_rows, n_cols)).astype(np.float32), 0, 2).copy()
    densities = np.zeros((n_rows, n_cols), np.float32)

    def write(first: int, last: int, found: NDArray[np.float64]) -> None:
        moved = found[..., -1] > 0
        values[first:last][moved] = found[moved, :n_channels]
        positions[first:last][moved] = found[moved, n_channels:-1]
        densities[first:last] = found[..., -1]

    climb(problem, write)
    return values, positions, densities


def _fused(problem: Problem, values: NDArray[Any], positions: NDArray[Any]) -> NDArray[np.int32]:
    """Return the connected regions of pixels whose modes are near their neighbours'."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    shape = problem.image.shape[:2]
    index = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    pairs = []
    for axis in (0, 1):
        one, other = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
        together = _near(problem, values, positions, one, other)
        pairs.append(np.stack([index[one][together], index[other][together]]))
    first, second = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(first), np.bool_), (first, second)), shape=(index.size, index.size))
    return connected_regions(connected_components(graph, directed=False)[1].reshape(shape), mask=problem.mask)


def _near(problem: Problem, values: NDArray[Any], positions: NDArray[Any], one: Any, other: Any) -> NDArray[np.bool_]:
    """Say which modes at `one` are within the bandwidths of those at `other`; none where a pixel is outside."""
    apart = np.zeros(values[one].shape[:2])
    for c, width in enumerate(problem.range_bandwidth):
        apart += ((values[one][..., c].astype(np.float64) - values[other][..., c]) / width) ** 2
    near: NDArray[np.bool_] = apart <= 1
    near &= ((positions[one] - positions[other]) ** 2).sum(axis=2) <= problem.spatial_bandwidth**2
    if problem.mask is not None:
        near &= problem.mask[one] & problem.mask[other]
    return near
