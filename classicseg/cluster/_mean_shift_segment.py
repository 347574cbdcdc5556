"""Regions of pixels whose modes are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for
from classicseg._kernels._climb import Climb
from classicseg._validate import check_int
from classicseg.cluster._mean_shift_filter import Kernel, Problem, all_rows, as_frames, checked, climb
from classicseg.regions import merge_small_regions


@dataclass(frozen=True, eq=False)
class MeanShiftSegmentation:
    """Regions found by `mean_shift_segment`, and the mode of every pixel; of a batch each array has B frames of them.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        Region labels: connected, 1, 2, ... by the first pixel in raster order, 0 outside the mask. Every frame of a
        batch has labels from 1 on.
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
    image : array_like, shape (M, N), (M, N, C) or (B, M, N, C)
        Image of any number of channels: colours, °C, bands, colour and depth. Computed in float32. With 4 axes a
        batch: each of its B frames gives what it gives by itself. A CuPy array is computed on its device.
    spatial_bandwidth : float
        Radius of the window in pixels, 1 to 4096. The larger, the coarser is the texture that is smoothed.
    range_bandwidth : float or array_like, shape (C,)
        Radius of the window in the image's own units, one for all channels or one per channel. Contrasts below it
        do not part regions; 6 to 20 for 8-bit colours, 1 or 2 for °C.
    min_size : int, default 1
        Regions of fewer pixels are merged into the neighbour of the nearest mean mode, smallest first; 1 keeps all.
        Choose the area of the smallest thing worth finding: 20 takes away specks, and a thirtieth of the pixels leaves
        what people tell apart in a photograph. Merging is done on the host.
    kernel : {"flat", "gaussian", "epanechnikov", "opencv"}, default "flat"
        Weight of a pixel in the mean, as for `mean_shift_filter`.
    tol : float, optional
        A pixel stays where its step, in bandwidths, is at most this, as for `mean_shift_filter`.
    max_num_iter : int, optional
        Most steps of a pixel, as for `mean_shift_filter`.
    mask : array_like of bool, shape (M, N), of a batch (B, M, N), optional
        True where pixels take part.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use. Means nothing on a GPU.

    Returns
    -------
    MeanShiftSegmentation
        Region labels, and mode, position and density of every pixel, on the device of `image`.

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
        labels = _without_small(labels, values, min_size)
    if problem.mask is not None:
        values[~problem.mask] = positions[~problem.mask] = np.nan
    return MeanShiftSegmentation(labels, values, positions, densities)


def _modes(problem: Problem) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return values, positions and weights of all pixels; those that stay what they are have their own."""
    image = problem.image
    shape = image.shape[:-1]
    values = np.empty_like(image, np.float32, order="C")
    values[...] = image
    positions = np.empty_like(image, np.float32, order="C", shape=(*shape, 2))
    own_row, own_col = (like(np.arange(size, dtype=np.float32), image) for size in shape[-2:])
    positions[..., 0], positions[..., 1] = own_row[:, None], own_col
    densities = values[..., 0].copy()
    rows = all_rows(values), all_rows(positions), densities.reshape(-1, shape[-1])

    def write(first: int, last: int, found: NDArray[np.float64]) -> None:
        moved = found[..., -1:] > 0
        for out, new in zip(rows, (found[..., :-3], found[..., -3:-1])):
            out[first:last] = np.where(moved, new, out[first:last])
        rows[2][first:last] = found[..., -1]

    climb(problem, write)
    return values, positions, densities


def _fused(problem: Problem, values: NDArray[Any], positions: NDArray[Any]) -> NDArray[np.int32]:
    """Return the connected regions of pixels whose modes are near their neighbours'."""
    kernels: Any = kernels_for(values, "mean_shift_segment")
    frames, masks = as_frames(problem)
    modes = values.reshape(frames.shape), positions.reshape(*frames.shape[:-1], 2)
    rule, n_threads = Climb(*problem[2:7]), problem.n_threads
    labels: NDArray[np.int32] = kernels.connected_modes(*modes, masks, rule, n_threads=n_threads)
    return labels.reshape(values.shape[:-1])


def _without_small(labels: NDArray[np.int32], values: NDArray[Any], min_size: int) -> NDArray[np.int32]:
    """Merge the small regions of each frame, on the host."""
    frames = to_host(labels).reshape(-1, *labels.shape[-2:])
    modes = to_host(values).reshape(*frames.shape, -1)
    merged = [merge_small_regions(frame, min_size, image=mode) for frame, mode in zip(frames, modes)]
    found: NDArray[np.int32] = like(np.stack(merged).reshape(labels.shape), labels)
    return found
