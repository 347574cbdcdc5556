"""Maps: arrays with one or two axes of places and perhaps one of channels, and what the operators on them share.

Inside, every map is a grid of shape (M, N, C), so that an operator is written once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from classicseg._validate import check_finite, check_int, check_numbers

Array = NDArray[Any]
Pair = tuple[int, int]

_SHAPES = {1: "(N,)", 2: "(M, N)", 3: "(M, N, C)"}


def check_map(name: str, value: object, *, ndim: tuple[int, ...] = (1, 2, 3)) -> Array:
    """Return `value` as a finite array of numbers, not empty, with one of the `ndim`."""
    array = check_numbers(name, value)
    if array.ndim not in ndim:
        *others, last = (_SHAPES[n] for n in ndim)
        shapes = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{name} must have shape {shapes}, got {array.shape}; pass one map at a time")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return check_finite(name, array, "replace such values, for example with np.nan_to_num()")


def check_pair(name: str, value: object, ndim: int, *, low: int, unused: int) -> Pair:
    """Return whole numbers for rows and columns, given as one for both or as two.

    A map of one axis has columns only: it takes one number, and `unused` stands for its rows.
    """
    if not isinstance(value, (tuple, list, np.ndarray)):
        number = check_int(name, value, low=low)
        return (unused if ndim == 1 else number), number
    n_axes = 1 if ndim == 1 else 2
    if len(value) != n_axes:
        numbers = "one whole number" if ndim == 1 else "one whole number, or two for rows and columns"
        raise ValueError(f"{name} must be {numbers}, got {value!r}")
    last = [check_int(f"{name}[{axis}]", number, low=low) for axis, number in enumerate(value)]
    return (last[0] if n_axes == 2 else unused), last[-1]


def check_shape(shape: object, ndim: int) -> Pair:
    """Return rows and columns of a map; one row where it has one axis."""
    if ndim > 1 and not (isinstance(shape, (tuple, list, np.ndarray)) and len(shape) == 2):
        raise ValueError(f"shape must be two whole numbers, rows and columns, got {shape!r}")
    return check_pair("shape", shape, ndim, low=1, unused=1)


def as_grid(array: Array) -> Array:
    """Return a view of a map of any number of axes with all three: rows, columns, channels."""
    if array.ndim == 3:
        return array
    return array[None, :, None] if array.ndim == 1 else array[..., None]


def from_grid(grid: Array, ndim: int) -> Array:
    """Return a view of a grid without the axes that a map of `ndim` axes does not have."""
    if ndim == 3:
        return grid
    return grid[0, :, 0] if ndim == 1 else grid[..., 0]


def places(array: Array) -> tuple[int, ...]:
    """Return the shape of a map without its channels."""
    return array.shape[:2]


def floating(*arrays: Array) -> DTypeLike:
    """Return the dtype in which a mean of `arrays` is computed: float32 where it holds their values."""
    return np.result_type(np.float32, *arrays)
