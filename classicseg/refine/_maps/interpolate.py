"""Interpolation between the centres of pixels, along rows and columns for themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from classicseg.refine._maps.grid import Array, Pair, floating

CUBIC = -0.75  # slope of the cubic at distance 1, as in OpenCV and PyTorch; -0.5 is that of Keys, Pillow and MATLAB
BLOCK = 1 << 18  # values of the output that are computed at a time: they stay in the cache


def linear(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of pixels at `distance`, at most 1."""
    return 1 - distance


def cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of pixels at `distance`, at most 2, in the convolution that R. Keys defined."""
    near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
    far = CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return np.where(distance <= 1, near, far)


# Pixels from the one before a place on, and what they weigh by their distance to it.
METHODS: dict[str, tuple[tuple[int, ...], Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "bilinear": ((0, 1), linear),
    "bicubic": ((-1, 0, 1, 2), cubic),
}


def interpolate(grid: Array, shape: Pair, method: str) -> Array:
    """Return an (M, N, C) grid at the rows and columns of `shape`; both cover the same area."""
    out = np.empty((*shape, grid.shape[2]), floating(grid))
    sampled = sampler(grid, shape, method)
    step = max(BLOCK // (shape[1] * grid.shape[2]), 1)
    for start in range(0, shape[0], step):
        rows = slice(start, start + step)
        out[rows] = sampled(rows)
    return out


def sampler(grid: Array, shape: Pair, method: str) -> Callable[[slice], Array]:
    """Return what gives any rows of the interpolated grid, so that a large one never needs to exist."""
    row_index, row_weight = taps(grid.shape[0], shape[0], method, floating(grid))
    col_index, col_weight = taps(grid.shape[1], shape[1], method, floating(grid))

    def sampled(rows: slice) -> Array:
        narrow: Array = sum(w[:, None, None] * grid[i] for i, w in zip(row_index[:, rows], row_weight[:, rows]))
        wide: Array = sum(w[:, None] * narrow[:, j] for j, w in zip(col_index, col_weight))
        return wide

    return sampled


def taps(n_in: int, n_out: int, method: str, dtype: DTypeLike) -> tuple[NDArray[np.intp], Array]:
    """Return which pixels each output is made of along an axis, and their weights, one row per tap."""
    offsets, weight_of = METHODS[method]
    place = (np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5
    before = np.floor(place)
    near = before + np.array(offsets)[:, None]
    weights = weight_of(np.abs(place - near)).astype(dtype)
    return near.clip(0, n_in - 1).astype(np.intp), weights  # beyond the border its pixels are repeated
