"""An image as networks take it: planes of float32 in their unit, without pixels that do not take part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_numbers
from classicseg.features._channels import full_range
from classicseg.features._planes import filled
from classicseg.refine._table import RegionTable

Array = NDArray[Any]
Moments = tuple[NDArray[np.float32], NDArray[np.float32]]  # mean and standard deviation of each channel
Normalize = None | Moments | Callable[[Array], Any]

# Of ImageNet's pictures, 0 to 1: what networks trained on it subtract and divide by.
IMAGENET: Moments = (np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32))


def check_normalize(normalize: object) -> Normalize:
    """Return how an image is brought to the unit of a network."""
    if normalize is None or callable(normalize):
        return normalize
    if isinstance(normalize, str) and normalize == "imagenet":
        return IMAGENET
    if isinstance(normalize, str) or not isinstance(normalize, (tuple, list)) or len(normalize) != 2:
        raise ValueError(
            f'normalize must be None, "imagenet", (mean, standard deviation) or a function of the image, '
            f"got {normalize!r}"
        )
    mean, deviation = (
        np.atleast_1d(check_numbers(f"normalize[{i}]", part)).astype(np.float32) for i, part in enumerate(normalize)
    )
    if mean.ndim != 1 or mean.shape != deviation.shape:
        raise ValueError(
            "normalize must give one mean and one standard deviation per channel, "
            f"got shapes {mean.shape} and {deviation.shape}"
        )
    if not np.isfinite([mean, deviation]).all() or not (deviation > 0).all():
        raise ValueError(
            f"normalize must have finite means and standard deviations above 0, got {mean.tolist()} and "
            f"{deviation.tolist()}"
        )
    return mean, deviation


def planes_of(regions: RegionTable, normalize: Normalize) -> NDArray[np.float32]:
    """Return the image as (M, N, C) float32; a pixel outside the mask is seen as the nearest inside."""
    image = filled(regions.image, regions.mask)
    if callable(normalize):
        return _check_planes(normalize(image), image.shape[:2])
    planes = image.reshape(*image.shape[:2], -1).astype(np.float32)
    planes /= np.float32(full_range(image.dtype))
    if normalize is None:
        return planes
    mean, deviation = normalize
    if len(mean) not in (1, planes.shape[2]):
        raise ValueError(
            f"normalize must have a mean for each of the {planes.shape[2]} channels of the image, got {len(mean)}; "
            "a function of the image can give other channels"
        )
    planes -= mean
    planes /= deviation
    return planes


def _check_planes(planes: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    array = check_numbers("normalize(image)", planes)
    if array.ndim not in (2, 3) or array.shape[:2] != shape:
        raise ValueError(
            f"normalize must give planes of the image's shape {shape}, or with channels, got {array.shape}"
        )
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, as it would within a network
        return array.reshape(*shape, -1).astype(np.float32, copy=False)
