"""The features of pixels as planes, positions and a mask, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, to_host
from classicseg._kernels import adopt
from classicseg._validate import check_float, check_image, check_mask
from classicseg.features import PixelFeatures
from classicseg.features._channels import full_range
from classicseg.features._planes import check_inside

Array = NDArray[Any]
NARROWEST = 1e-30  # of widths
CONTOUR_SIGMA = 0.25
FARTHEST = 80.0  # widths, and exponents: such links are none
LARGEST = 1e18  # of a feature divided by its width: squares are finite in float32, and farther than any that counts
TINY = 1e-37  # about the least normal number of float32
PAIRS = 1 << 16  # pairs of pixels in each direction that tell the typical distance: it changes little with more
LEAST = (
    100  # parts of the range: a typical distance below is noise, or that of a picture that is flat almost everywhere
)


@dataclass(frozen=True)
class Sources:
    """Feature f is ``weights[f]`` times ``planes[f]``; where that is None, times the position along ``axes[f]``."""

    shape: tuple[int, int]
    planes: tuple[Array | None, ...]
    axes: tuple[int, ...]  # 0: row, 1: column
    weights: NDArray[np.float64]
    largest: tuple[float, ...]  # no value of the plane inside the mask is beyond
    inside: NDArray[np.bool_] | None  # None where all pixels are
    full_range: float

    @property
    def n_features(self) -> int:
        """Return F."""
        return len(self.planes)

    @property
    def there(self) -> Array:
        """Return an array that lies where the features do."""
        given = (array for array in (*self.planes, self.inside) if array is not None)
        return next(given, self.weights)

    def scaled(self, factors: NDArray[np.float64]) -> tuple[list[Array], list[float], list[float]]:
        """Return the planes, what is subtracted from each and what then multiplies it, for features times `factors`."""
        stored, origins, scales = [], [], []
        first = (0, 0) if self.inside is None else np.unravel_index(int(self.inside.argmax()), self.shape)
        for plane, factor, largest in zip(self.planes, factors * self.weights, self.largest):
            if plane is not None:
                stored.append(plane)
                origins.append(float(plane[first]))
                most = min(LARGEST / max(2 * largest, TINY), 1 / TINY)
                scales.append(float(np.float32(min(float(factor), most))))  # one rounding for all dtypes
        return stored, origins, scales

    def place(self, factors: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return for each offset the squared difference of the features that are positions, times `factors`."""
        total = np.zeros(len(offsets))
        for plane, axis, factor in zip(self.planes, self.axes, factors * self.weights):
            if plane is None:
                total += (factor * offsets[:, axis]) ** 2
        return total

    def typical_distance(self, radius: float) -> float:
        """Return the median distance of the features of pixels `radius` apart in a row or a column."""
        found = []
        stride = max(1, int(np.ceil((self.shape[0] * self.shape[1] / PAIRS) ** 0.5)))
        for axis in (0, 1):
            apart = min(round(radius), self.shape[axis] - 1)
            if apart > 0:
                found.append(self._distances(axis, apart, stride))
        distances = np.concatenate([*found, np.empty(0)])
        return float(max(np.median(distances) if distances.size else 0, self.full_range / LEAST))

    def _distances(self, axis: int, apart: int, stride: int) -> NDArray[np.float64]:
        """Return the distances of pixels and those `apart` from them along `axis`, of every stride-th."""
        ends = [slice(None, None, stride)] * 2, [slice(None, None, stride)] * 2
        ends[0][axis], ends[1][axis] = slice(None, -apart, stride), slice(apart, None, stride)
        one, other = tuple(ends[0]), tuple(ends[1])
        squares = np.zeros(np.empty(self.shape, np.bool_)[one].shape)
        with np.errstate(invalid="ignore", over="ignore"):  # outside the mask anything may stand
            for plane, plane_axis, weight in zip(self.planes, self.axes, self.weights):
                if plane is not None:
                    squares += (weight * (to_host(plane[one]).astype(np.float64) - to_host(plane[other]))) ** 2
                elif plane_axis == axis:
                    squares += (weight * apart) ** 2
        if self.inside is not None:
            squares = squares[to_host(self.inside[one]) & to_host(self.inside[other])]
        return np.sqrt(squares.reshape(-1))


def sources_of(features: ArrayLike | PixelFeatures, mask: ArrayLike | None) -> Sources:
    """Check the features and their mask."""
    if isinstance(features, PixelFeatures):
        shape, planes, inside = features.shape[:2], features.planes, features.mask
        weights, unit = np.array(features.weights, np.float64), features.full_range
        axes = tuple("yx".find(name) for name in features.names)
    else:
        array = check_image("features", adopt(features), cuda=True)
        shape, inside, unit = (array.shape[0], array.shape[1]), None, full_range(array.dtype)
        planes = tuple(np.moveaxis(array.reshape(*shape, -1), 2, 0))
        weights, axes = np.ones(len(planes)), (-1,) * len(planes)
    given = check_mask(adopt(mask), shape, cuda=True)
    if given is not None:
        for other in (*planes, inside):
            if other is not None:
                check_same_device("mask", given, "features", other)
        inside = given if inside is None else inside & given
    if inside is not None and inside.all():
        inside = None
    if inside is not None and not inside.any():
        raise ValueError("mask must mark at least one pixel as True, got none")
    largest = tuple(0.0 if plane is None else check_inside("features", plane, inside) for plane in planes)
    return Sources(shape, planes, axes, weights, largest, inside, unit)


def contour_of(contour: ArrayLike | None, sigma: float | None, sources: Sources) -> NDArray[np.float64]:
    """Return the contour divided by its width, 0 outside the mask; an empty array where there is none."""
    if contour is None:
        if sigma is not None:
            raise ValueError("contour_sigma must go with a contour, got it alone; leave it out")
        return np.empty((0, 0))
    array = check_image("contour", adopt(contour), ndim=(2,), cuda=True)
    if array.shape != sources.shape:
        raise ValueError(f"contour must have the features' shape {sources.shape}, got {array.shape}")
    check_same_device("contour", array, "features", sources.there)
    check_inside("contour", array, sources.inside)
    values = array.astype(np.float64) if sources.inside is None else np.where(sources.inside, array, 0.0)
    if float(values.min()) < 0:
        raise ValueError(f"contour must not be negative, got {float(values.min())}; take np.abs() of a gradient")
    width = CONTOUR_SIGMA if sigma is None else check_float("contour_sigma", sigma, low=NARROWEST)
    with np.errstate(over="ignore"):
        return np.minimum(values / width, FARTHEST)
