"""Sums over windows, each made of the values in its own window only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def window_sums(values: Array, radius: int, axis: int) -> Array:
    """Sum what lies within `radius` along axis 0 or 1, as far as the array goes.

    Sums of 1, 2, 4, ... neighbours are made of one another, and those of which the window's size consists are added:
    the work grows with the logarithm of the size. A running sum would take less for large windows, but rounding that
    one large value leaves in it stays in every sum after.
    """
    n = values.shape[axis]
    radius = min(radius, n - 1)  # a larger window holds the whole line too
    margin = [(0, 0)] * values.ndim
    margin[axis] = (radius, radius)
    spans = np.pad(values, margin)
    size, start = 2 * radius + 1, 0
    total = np.zeros_like(values)
    for bit in range(size.bit_length()):
        span = 1 << bit
        if size & span:
            total += _cut(spans, axis, start, start + n)
            start += span
        if 2 * span <= size:
            length = spans.shape[axis]
            spans = _cut(spans, axis, 0, length - span) + _cut(spans, axis, span, length)
    return total


def window_sizes(n: int, radius: int) -> NDArray[np.float32]:
    """Return how many of `n` places lie within `radius` of each."""
    at = np.arange(n)
    return (np.minimum(at + radius, n - 1) - np.maximum(at - radius, 0) + 1).astype(np.float32)


def _cut(values: Array, axis: int, start: int, stop: int) -> Array:
    return values[:, start:stop] if axis else values[start:stop]
