"""What k-means runs on: a plain description of the samples that both twins of its kernels take."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple


class Samples(NamedTuple):
    """Samples of F features on a raster; the (M, N, F) matrix of their values is never built.

    The features are the `planes` in order, then the column index where `x`, then the row index where `y`.
    Kernels work on v: the integer itself, or float32((value - offset) * 2**-exponent), which lies within [-1, 1].
    Where all planes are uint8 v can be stored so, else as float32; that is exact for uint16 too.

    The label of a sample is, by definition, the k with the least float64 value of the sum over f, in order, of
    ``t * t`` with ``t = gain[f] * (v[f] - center[k, f])``, without contraction; a tie goes to the lower k.
    """

    shape: tuple[int, int]  # (M, N) of the raster; a list of n samples is (1, n), as may be a raster without x and y
    planes: tuple[Any, ...]  # C arrays (M, N), any strides, each of uint8, uint16, float32 or float64
    offset: Any  # float64 (C,)
    exponent: Any  # int64 (C,), 0 for integers
    x: bool
    y: bool
    gain: Any  # float64 (F,), factor of each feature in the distance
    mask: Any  # bool (M, N), or None
    weight: Any  # float64 (M, N), or None
    sum_scale: Any  # float64 (F + 1,): sums are int64 of rint(weight * v * sum_scale), the last one is the count's

    @property
    def is_list(self) -> bool:
        """Return whether the order of the samples means nothing: one row of them, without positions."""
        return self.shape[0] == 1 and not (self.x or self.y)

    @property
    def n_features(self) -> int:
        """Return F."""
        return len(self.planes) + self.x + self.y

    @property
    def home(self) -> Any:
        """Return an array that lies where the samples do."""
        arrays = (*self.planes, self.mask, self.weight, self.gain)
        return next(array for array in arrays if array is not None)


def scaled(value: float, exponent: int) -> float:
    """Return value * 2**exponent, the largest float64 where it is beyond."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return sys.float_info.max
