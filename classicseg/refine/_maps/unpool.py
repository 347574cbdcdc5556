"""Max pooling that remembers where each maximum was, and its way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array
from classicseg.refine._maps.grid import Array, Pair, as_grid, check_map, check_pair, check_shape, from_grid, places


@dataclass(frozen=True, eq=False)
class MaxPoolResult:
    """What max pooling leaves, and what its way back needs.

    Parameters
    ----------
    values : ndarray, shape (m,), (m, n) or (m, n, C)
        Largest value of each window, in the dtype of the array.
    positions : ndarray of int64, shape of `values`
        Where it was: ``row * N + col`` in the array (M, N) that was pooled, in each channel for itself.
    shape : tuple of int
        Rows and columns of the array that was pooled.
    """

    values: Array  # (m,), (m, n) or (m, n, C), dtype of the array
    positions: NDArray[np.int64]  # shape of `values`, row * N + col
    shape: tuple[int, ...]  # (N,) or (M, N)


def max_pool(array: ArrayLike, size: int | Pair = 2, *, stride: int | Pair | None = None) -> MaxPoolResult:
    """Return the largest value of each window, and where in the array it was.

    Parameters
    ----------
    array : array_like, shape (N,), (M, N) or (M, N, C)
        Finite numbers.
    size : int or pair of int, optional
        Rows and columns of the window; one number is for both.
    stride : int or pair of int, optional
        Rows and columns from one window to the next; by default `size`, so that windows tile the array.

    Returns
    -------
    MaxPoolResult
        The values, their positions and the array's shape, as `max_unpool` takes them. Windows lie wholly in the
        array: what is left over at the lower and right border is in none. Of equal values the first in reading order
        counts.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or a window is larger than the array.

    Notes
    -----
    Source: V. Badrinarayanan, A. Kendall and R. Cipolla, "SegNet: a deep convolutional encoder-decoder architecture
    for image segmentation", IEEE TPAMI 39, 2017, doi:10.1109/TPAMI.2016.2644615. Positions are those that PyTorch's
    ``max_pool2d(..., return_indices=True)`` returns.

    Examples
    --------
    >>> pooled = max_pool([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]])
    >>> pooled.values
    array([[5, 6],
           [7, 8]])
    >>> max_unpool([[1, 2], [3, 4]], pooled.positions, pooled.shape)
    array([[0, 0, 2, 0],
           [0, 1, 0, 0],
           [0, 0, 0, 0],
           [3, 0, 0, 4]])
    """
    array = check_map("array", array)
    grid = as_grid(array)
    size = check_pair("size", size, array.ndim, low=1, unused=1)
    stride = size if stride is None else check_pair("stride", stride, array.ndim, low=1, unused=1)
    if size[0] > grid.shape[0] or size[1] > grid.shape[1]:
        raise ValueError(
            f"size must be at most {places(array)}, the rows and columns of the array, "
            f"got {size[-len(places(array)) :]}; choose a smaller window"
        )
    values, positions = _largest(grid, size, stride)
    return MaxPoolResult(from_grid(values, array.ndim), from_grid(positions, array.ndim), places(array))


def _largest(grid: Array, size: Pair, stride: Pair) -> tuple[Array, NDArray[np.int64]]:
    """Return the maximum of each window of an (M, N, C) grid, and its position, tap by tap of the window."""
    n_cols = grid.shape[1]
    last = grid.shape[0] - size[0], grid.shape[1] - size[1]
    rows, cols = (np.arange(0, end + 1, step, dtype=np.int64) for end, step in zip(last, stride))
    corner = (rows[:, None] * n_cols + cols)[..., None]
    values = grid[: last[0] + 1 : stride[0], : last[1] + 1 : stride[1]].copy()
    positions = np.broadcast_to(corner, values.shape).copy()
    for i, j in np.ndindex(size):
        candidate = grid[i : i + last[0] + 1 : stride[0], j : j + last[1] + 1 : stride[1]]
        larger = candidate > values  # strict: of equal values the first stays
        np.copyto(values, candidate, where=larger)
        np.copyto(positions, corner + (i * n_cols + j), where=larger)
    return values, positions


def max_unpool(values: ArrayLike, positions: ArrayLike, shape: int | tuple[int, ...]) -> Array:
    """Put values where the maxima of `max_pool` were, and zeros everywhere else.

    Parameters
    ----------
    values : array_like, shape (m,), (m, n) or (m, n, C)
        What to put there: after layers of a network others than the maxima that were pooled.
    positions : array_like of int, shape of `values`
        `MaxPoolResult.positions`: ``row * N + col`` in the array of `shape`, in each channel for itself.
    shape : int or tuple of int
        `MaxPoolResult.shape`: rows and columns of the array that was pooled.

    Returns
    -------
    ndarray, shape (N,), (M, N) or (M, N, C)
        The array in the dtype of `values`. Where several windows had one maximum, the value of the last window in
        reading order stays.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or a position lies outside `shape`.

    Notes
    -----
    Source: M. D. Zeiler, G. W. Taylor and R. Fergus, "Adaptive deconvolutional networks for mid and high level
    feature learning", ICCV 2011, doi:10.1109/ICCV.2011.6126474.

    Examples
    --------
    >>> max_unpool([5, 7], [1, 2], 4)
    array([0, 5, 7, 0])
    """
    values = check_map("values", values)
    shape = check_shape(shape, values.ndim)
    where = _check_positions(positions, values.shape, shape)
    grid, where = as_grid(values), as_grid(where)
    n_channels = grid.shape[2]
    out = np.zeros((shape[0] * shape[1], n_channels), grid.dtype)
    # Of indices that repeat, NumPy keeps the last assigned.
    out[where.reshape(-1, n_channels), np.arange(n_channels)] = grid.reshape(-1, n_channels)
    return from_grid(out.reshape(*shape, n_channels), values.ndim)


def _check_positions(positions: ArrayLike, shape: tuple[int, ...], target: Pair) -> NDArray[np.int64]:
    """Return `positions` as int64, one per value, each within an array of `target` rows and columns."""
    array = check_array("positions", positions)
    if array.shape != shape:
        raise ValueError(f"positions must have the shape of values {shape}, got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"positions must be of an integer dtype, got {array.dtype}; take those of max_pool()")
    low, high, n = int(array.min()), int(array.max()), target[0] * target[1]
    places_of = target if array.ndim > 1 else target[1:]
    if low < 0 or high >= n:
        raise ValueError(
            f"positions must lie within the {n} places of shape {places_of}, got {low} to {high}; "
            "pass the shape of the array that was pooled"
        )
    return array.astype(np.int64, copy=False)
