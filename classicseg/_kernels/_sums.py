"""Sums over the pixels of regions in fixed point: the same bits on every device, in whatever order pixels are added."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

ROWS = 1 << 12  # regions whose sums are converted at a time
BITS = 62  # of a sum, its sign left out, and one more for what rounding adds


class Scales(NamedTuple):
    """What values and their squares are multiplied by, both powers of two, before they are rounded to int64."""

    values: float
    squares: float


def scales_of(planes: Any, labels: Any) -> Scales:
    """Return the largest scales at which no sum over the pixels of `planes` (C, M, N) with a label leaves 64 bits.

    What lies outside, where labels are 0, counts for nothing.
    """
    inside = planes if bool((labels > 0).all()) else planes[:, labels > 0]
    largest = max(float(inside.max()), -float(inside.min())) if inside.size else 0.0
    return Scales(*(2.0 ** (BITS - math.frexp(most * labels.size)[1]) for most in (largest, largest**2)))


def channels_of(sums: Any, n_planes: int, scales: Scales) -> Any:
    """Turn the int64 sums (R, D) of planes, squares and codes into float64, where they lie: they are a large table."""
    found = sums.view("f8")
    for begin in range(0, len(sums), ROWS):
        rows = slice(begin, begin + ROWS)
        found[rows] = sums[rows]  # with a copy of these rows, since both are one memory
    found[:, :n_planes] /= scales.values
    found[:, n_planes : 2 * n_planes] /= scales.squares
    return found
