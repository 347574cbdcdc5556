"""The samples of mean shift: one float32 column per feature, in the caller's units but for an exact shift and scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster._source import Source

Array = NDArray[Any]
SAFE = 1e30  # columns whose values leave 1/SAFE to SAFE are scaled by a power of two: squares stay float64
FARTHEST = 1e140  # in scaled units, of lengths: their squares are finite, and no sample lies so far


@dataclass(frozen=True)
class Columns:
    """Samples inside the mask, feature by feature: feature = offset + v * 2**exponent."""

    values: list[Array]  # v: float32 (n,), F of them
    offset: NDArray[np.float64]  # (F,), 0 but for float64 features, which may be large beside their differences
    exponent: int
    shape: tuple[int, ...]  # of the labels
    mask: Array | None  # bool (n_all,), flat

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

    def paint(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the labels in the shape of the samples, -1 outside the mask."""
        if self.mask is None:
            return labels.reshape(self.shape)
        out = np.full(self.mask.shape, -1, np.int32)
        out[self.mask] = labels
        return out.reshape(self.shape)


def columns_of(source: Source) -> Columns:
    """Return the features of the samples inside the mask, as ``np.asarray`` gives those of `PixelFeatures`."""
    samples = source.samples
    mask = samples.mask
    planes = list(samples.planes)
    if samples.x:
        planes.append(np.broadcast_to(np.arange(samples.shape[1], dtype=np.float32), samples.shape))
    if samples.y:
        planes.append(np.broadcast_to(np.arange(samples.shape[0], dtype=np.float32)[:, None], samples.shape))
    n_features = len(planes)
    columns: list[Array] = [np.empty(0)] * n_features
    offset = np.zeros(n_features)
    for plane, weight, f in zip(planes, source.weights, source.order):
        column = plane.reshape(-1) if mask is None else plane[mask]
        if column.dtype == np.float64:
            column = column * weight
            low, high = float(column.min()), float(column.max())
            if abs(low / 2 + high / 2) > high / 2 - low / 2:  # float32 would spend its digits on where they lie
                offset[f] = low / 2 + high / 2
                column -= offset[f]
        else:
            # Weight and value are rounded to float32 first, as by `PixelFeatures`; a view is kept where it can be.
            column = np.multiply(column, np.float32(weight), dtype=np.float32)
        columns[f] = column
    largest = max(max(-float(column.min()), float(column.max())) for column in columns)
    exponent = 0 if largest == 0 or 1 / SAFE < largest < SAFE else math.frexp(largest)[1]
    for f, column in enumerate(columns):
        if exponent:
            column = np.ldexp(column.astype(np.float64), -exponent)
        columns[f] = column.astype(np.float32, copy=False)
    return Columns(columns, offset, exponent, source.shape, None if mask is None else mask.reshape(-1))
