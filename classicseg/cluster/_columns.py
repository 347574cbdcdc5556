"""The samples of mean shift: float32 values read block by block from the caller's arrays, but for a shift and scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster._source import Source

Array = NDArray[Any]
Part = slice | NDArray[np.intp]  # flat indices
Reader = Callable[[Part], Array]
SAFE = 1e30  # columns whose values leave 1/SAFE to SAFE are scaled by a power of two: squares stay float64
FARTHEST = 1e140  # in scaled units, of lengths: their squares are finite, and no sample lies so far
BLOCK = 1 << 16  # samples read at a time; a copy of all would take 4 bytes per feature and pixel
MOST = 1 << 31  # samples: their index takes 4 bytes


@dataclass(frozen=True)
class Columns:
    """Samples inside the mask, feature by feature: feature = offset + v * 2**exponent."""

    readers: list[Reader]  # of what the caller gave
    weights: NDArray[np.float64]  # (F,)
    offset: NDArray[np.float64]  # (F,), 0 but for float64 features, which may be large beside their differences
    exponent: int
    shape: tuple[int, ...]  # of the labels
    mask: Array | None  # bool (n_all,), flat
    starts: NDArray[np.int64]  # (n_blocks + 1,), samples inside the mask before each block of BLOCK
    low: NDArray[np.float64]  # (F,), the least v
    high: NDArray[np.float64]  # (F,), the greatest

    @property
    def n_features(self) -> int:
        """Return F."""
        return len(self.readers)

    def index(self, block: int) -> Part:
        """Return which of all samples are those of the block."""
        return _inside(self.mask, math.prod(self.shape), block)

    def values(self, feature: int, part: Part) -> NDArray[np.float32]:
        """Return v of some samples, contiguous."""
        column = _weighted(self.readers[feature](part), self.weights[feature])
        if column.dtype == np.float64:
            column = column - self.offset[feature]
        return _scaled(column, self.exponent)

    def spaced(self, step: int) -> NDArray[np.float64]:
        """Return v (n, F) of every `step`-th sample inside the mask."""
        inside = np.arange(0, self.starts[-1], step) if self.mask is None else np.flatnonzero(self.mask)[::step]
        return np.stack([self.values(f, inside) for f in range(self.n_features)], axis=1).astype(np.float64)

    def to_v(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, F) in features as v."""
        return np.ldexp(points - self.offset, -self.exponent)

    def from_v(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points (n, F) in v as features."""
        return self.offset + np.ldexp(points, self.exponent)

    def length(self, value: float) -> float:
        """Return a length in features as one in v."""
        try:
            return min(math.ldexp(value, -self.exponent), FARTHEST)
        except OverflowError:
            return FARTHEST

    def blank(self) -> NDArray[np.int32]:
        """Return labels (n_all,) of which those inside the mask are to be written; -1 outside."""
        size = math.prod(self.shape)
        return np.empty(size, np.int32) if self.mask is None else np.full(size, -1, np.int32)


def columns_of(source: Source) -> Columns:
    """Return the features of the samples inside the mask, as ``np.asarray`` gives those of `PixelFeatures`."""
    samples = source.samples
    size = math.prod(source.shape)
    if size >= MOST:
        raise ValueError(f"features must have fewer than 2**31 samples, got {size}; take every second pixel")
    mask = None if samples.mask is None else samples.mask.reshape(-1)
    given = [_plane(plane) for plane in samples.planes]
    given += [_position(samples.shape[1], axis) for axis, used in ((1, samples.x), (0, samples.y)) if used]
    n_features = len(given)
    readers, weights, offset = list(given), np.empty(n_features), np.zeros(n_features)
    n_blocks = -(-size // BLOCK)
    ends: list[Array] = [np.empty(0)] * n_features  # the least and the greatest
    for reader, weight, f in zip(given, source.weights, source.order):
        readers[f], weights[f] = reader, weight
        blocks = (reader(part) for block in range(n_blocks) if _count(part := _inside(mask, size, block)))
        found = _weighted(np.array([(values.min(), values.max()) for values in blocks]), weight)
        ends[f] = np.array([found.min(), found.max()])
        if found.dtype == np.float64:
            low, high = ends[f].tolist()
            if abs(low / 2 + high / 2) > high / 2 - low / 2:  # float32 would spend its digits on where they lie
                offset[f] = low / 2 + high / 2
                ends[f] -= offset[f]
    largest = float(np.abs(np.array(ends, np.float64)).max())
    exponent = 0 if largest == 0 or 1 / SAFE < largest < SAFE else math.frexp(largest)[1]
    low, high = np.array([_scaled(pair, exponent) for pair in ends], np.float64).T
    counts = [_count(_inside(mask, size, block)) for block in range(n_blocks)]
    starts = np.cumsum([0, *counts])
    return Columns(readers, weights, offset, exponent, source.shape, mask, starts, low, high)


def _plane(plane: Array) -> Reader:
    flat = plane.reshape(-1)  # a view, but of a part of an image that is not one run of memory
    return lambda part: flat[part]


def _position(n_columns: int, axis: int) -> Reader:
    def read(part: Part) -> Array:
        index = np.arange(part.start, part.stop) if isinstance(part, slice) else part
        return (index % n_columns if axis else index // n_columns).astype(np.float32)

    return read


def _inside(mask: Array | None, size: int, block: int) -> Part:
    first, last = block * BLOCK, min((block + 1) * BLOCK, size)
    return slice(first, last) if mask is None else np.flatnonzero(mask[first:last]) + first


def _count(part: Part) -> int:
    return part.stop - part.start if isinstance(part, slice) else len(part)


def _weighted(values: Array, weight: float) -> Array:
    if values.dtype == np.float64:
        return values * weight
    # Weight and value are rounded to float32 first, as by `PixelFeatures`.
    return np.multiply(values, np.float32(weight), dtype=np.float32)


def _scaled(values: Array, exponent: int) -> NDArray[np.float32]:
    if exponent:
        values = np.ldexp(values.astype(np.float64), -exponent)
    return values.astype(np.float32, copy=False)
