"""The samples of k-means: one view of arrays and of `PixelFeatures`, without the matrix of their features."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, like, to_host
from classicseg._kernels import adopt
from classicseg._kernels._samples import Samples
from classicseg._validate import FLOAT32_MAX, check_array, check_features, check_finite, check_mask, check_weights
from classicseg.features import PixelFeatures
from classicseg.features._channels import full_range

Array = NDArray[Any]
STORED = (np.uint8, np.uint16, np.float32, np.float64)  # dtypes that kernels read as they are
TOP = 8  # features are scaled by a power of two so that the largest is below 2**8: nothing overflows in float32
SUM_BITS = 61  # of an int64 sum: one is the sign, and one is left free


@dataclass(frozen=True)
class Source:
    """Samples inside the mask, feature by feature, with the way from feature values to the kernels' v and back."""

    samples: Samples
    shape: tuple[int, ...]  # of the labels
    order: NDArray[np.intp]  # the kernels' features, planes before positions, as features of the caller
    weights: NDArray[np.float64]  # factor of each of the kernels' features
    offset: NDArray[np.float64]  # feature = weights * (offset + v * unit)
    unit: NDArray[np.float64]
    exponent: int  # gain = weights * unit * 2**-exponent
    weight_exponent: int  # the kernels' sample weights are the caller's * 2**-weight_exponent
    largest: NDArray[np.float64]  # of |v| of each feature, and 1 for the count
    drawn: NDArray[np.intp] | None  # flat index of the samples to draw from: inside the mask, of a weight above 0
    n_samples: int  # of those; `drawn` is None where that is all, else it lies on their device
    full_range: float  # what counts as the whole range of the features' values

    def to_v(self, centers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return centers (K, F) in the kernels' order and units; a feature of weight 0 tells nothing."""
        ordered = centers[:, self.order]
        values = np.divide(ordered, self.weights, out=np.zeros_like(ordered), where=self.weights != 0)
        return np.where(self.weights != 0, (values - self.offset) / self.unit, 0.0)

    def from_v(self, centers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the kernels' centers as the caller's features."""
        out = np.empty_like(centers)
        out[:, self.order] = self.weights * (self.offset + centers * self.unit)
        return out

    def subset(self, size: int, rng: np.random.Generator) -> Source:
        """Return `size` of the samples, drawn without replacement, or all if fewer; without weights.

        As a mask, so that the same kernels run on the same dtypes: they need not be compiled twice.
        """
        flat = self._flat(self._chosen(size, rng))
        mask = np.zeros(math.prod(self.samples.shape), np.bool_)
        mask[flat] = True
        planes, largest = self.samples.planes, self.largest
        return replace(
            self,
            samples=self.samples._replace(
                mask=like(mask.reshape(self.samples.shape), self.samples.home),
                weight=None,
                sum_scale=_sum_scale(largest, planes, None, len(flat)),
            ),
            drawn=like(flat, self.samples.home),
            n_samples=len(flat),
        )

    def draw(self, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the features of `size` samples drawn without replacement, in raster order, or of all if fewer."""
        return self.take(self._chosen(size, rng))

    def _chosen(self, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
        if size >= self.n_samples:
            return np.arange(self.n_samples)
        return np.sort(rng.choice(self.n_samples, size, replace=False))

    def _flat(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        return chosen if self.drawn is None else to_host(self.drawn[like(chosen, self.drawn)])

    def take(self, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the features (n, F) of samples by their number among those to draw from."""
        flat = self._flat(chosen)
        row, column = np.divmod(flat, self.samples.shape[1])
        columns = []
        for plane in self.samples.planes:  # of arrays on a GPU only these samples come to the host
            columns.append(to_host(plane[like(row, plane), like(column, plane)]).astype(np.float64))
        columns += [index for index, used in ((column, self.samples.x), (row, self.samples.y)) if used]
        out = np.empty((len(flat), len(self.order)))
        out[:, self.order] = np.stack(columns, axis=1) * self.weights
        return out

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the least and the greatest value of each feature."""
        samples, drawn = self.samples, None
        if self.drawn is not None:
            drawn = like(np.zeros(samples.shape, np.bool_), samples.home)
            drawn.reshape(-1)[self.drawn] = True
        ends = [_limits(plane, drawn) for plane in samples.planes]
        for axis, used in ((1, samples.x), (0, samples.y)):
            if used:
                seen = np.arange(samples.shape[axis]) if drawn is None else np.flatnonzero(drawn.any(axis=1 - axis))
                ends.append((float(seen[0]), float(seen[-1])))
        low, high = np.empty(len(self.order)), np.empty(len(self.order))
        low[self.order], high[self.order] = np.array(ends).T * self.weights
        return low, high


def source_of(
    features: ArrayLike | PixelFeatures, mask: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> Source:
    """Check the samples, and describe them for the kernels."""
    if isinstance(features, PixelFeatures):
        shape: tuple[int, ...] = features.shape[:2]
        names, planes, weights = features.names, features.planes, np.array(features.weights)
        own_mask, unit = features.mask, features.full_range
    else:
        array = check_features(adopt(features), cuda=True)
        unit = full_range(array.dtype)
        array = array if array.dtype in STORED and array.dtype.isnative else array.astype(np.float32)
        shape = array.shape[:-1]
        flat = array.reshape(-1, array.shape[-1])
        names, weights = tuple(map(str, range(flat.shape[1]))), np.ones(flat.shape[1])
        planes, own_mask = tuple(flat.T), None
    inside = check_mask(adopt(mask), shape, cuda=True)
    # Positions alone lie where their mask does.
    place = next((array for array in (*planes, own_mask, inside) if array is not None), np.empty(0))
    if inside is not None:
        check_same_device("mask", inside, "features", place)
    if own_mask is not None:
        inside = own_mask if inside is None else inside & own_mask
    if inside is not None and not inside.any():
        raise ValueError("mask must mark at least one sample as True, got none")
    weight = None
    if sample_weight is not None:
        given = check_array("sample_weight", adopt(sample_weight), cuda=True)
        check_same_device("sample_weight", given, "features", place)
        weight = check_weights("sample_weight", given, shape, inside, cuda=True)
        if not weight.any():
            raise ValueError("sample_weight must have a positive sum inside the mask, got only zeros")
    return replace(_described(shape, names, planes, weights, inside, weight), full_range=unit)


def _described(
    shape: tuple[int, ...],
    names: tuple[str, ...],
    planes: tuple[Array | None, ...],
    weights: NDArray[np.float64],
    inside: Array | None,
    weight: Array | None,
) -> Source:
    stored = [f for f, plane in enumerate(planes) if plane is not None]
    positions = [names.index(name) for name in ("x", "y") if name in names and planes[names.index(name)] is None]
    # Without positions the order of the samples means nothing: they are one long row.
    raster = (shape[0], shape[1]) if positions else (1, math.prod(shape))
    arrays = tuple(plane.reshape(raster) for plane in planes if plane is not None)
    inside = None if inside is None or inside.all() else inside.reshape(raster)
    counted, weight_exponent = inside, 0
    if weight is not None:
        weight = weight.reshape(raster)
        counted = weight > 0
        weight_exponent = math.frexp(float(weight.max()))[1]
        half = weight_exponent // 2  # 2**-weight_exponent may not be a float64
        weight = weight * 2.0**-half * 2.0 ** (half - weight_exponent)  # below 1: sums of them cannot overflow
    drawn = None if counted is None or counted.all() else np.flatnonzero(counted)
    n_samples = math.prod(shape) if drawn is None else len(drawn)

    order = np.array([*stored, *positions], np.intp)
    offset, exponent, largest = np.zeros(len(order)), np.zeros(len(order), np.int64), np.empty(len(order))
    for f, array in enumerate(arrays):
        if array.dtype.kind == "f":
            offset[f], exponent[f], largest[f] = _span(array, inside)
        else:
            largest[f] = np.iinfo(array.dtype).max
    largest[len(arrays) :] = [raster["yx".index(names[f])] for f in positions]
    unit = np.ldexp(1.0, exponent)
    top = int(np.frexp(np.abs(weights[order] * unit * largest).max())[1])
    largest = np.append(largest, 1.0)
    samples = Samples(
        shape=raster,
        planes=arrays,
        offset=offset[: len(arrays)],
        exponent=exponent[: len(arrays)],
        x="x" in [names[f] for f in positions],
        y="y" in [names[f] for f in positions],
        gain=np.ldexp(weights[order] * unit, TOP - top),
        mask=inside,
        weight=weight,
        sum_scale=_sum_scale(largest, arrays, weight, n_samples),
    )
    return Source(
        samples, shape, order, weights[order], offset, unit, top - TOP, weight_exponent, largest, drawn, n_samples, 1.0
    )


def _span(plane: Array, inside: Array | None) -> tuple[float, int, float]:
    """Return offset, exponent and largest |v| of a float plane: (x - offset) * 2**-exponent is within [-1, 1]."""
    low, high = _limits(plane, inside)
    if not max(-low, high) <= FLOAT32_MAX:  # or NaN
        check_finite("features", plane if inside is None else plane[inside], "mark such samples False in mask")
    middle = low / 2 + high / 2
    half = max(high - middle, middle - low)
    return middle, max(math.frexp(half)[1], -1000) if half > 0 else 0, 1.0


def _limits(plane: Array, inside: Array | None) -> tuple[float, float]:
    """Return the least and the greatest value; NaN where there is one."""
    values = plane if inside is None else plane[inside]
    return float(values.min()), float(values.max())


def _sum_scale(
    largest: NDArray[np.float64],
    planes: tuple[Array, ...],
    weight: Array | None,
    n_samples: int,
) -> NDArray[np.float64]:
    """Return the powers of two that make sums of weight * v integers below 2**61."""
    if weight is not None:
        total = np.frexp(n_samples * float(weight.max()) * largest)[1]
        weighted: NDArray[np.float64] = np.ldexp(1.0, SUM_BITS - total)
        return weighted
    scale = np.ones(len(largest))
    for f, plane in enumerate(planes):
        if plane.dtype.kind == "f":
            scale[f] = math.ldexp(1.0, SUM_BITS - n_samples.bit_length())
    return scale
