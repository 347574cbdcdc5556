"""What superpixels compare: the channels of an image in units that compactness is told in, or Lab."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg._array import to_host
from classicseg._validate import check_choice, check_float
from classicseg.features._channels import full_range
from classicseg.features._planes import HIGHEST, LOWEST, check_inside

Array = NDArray[Any]
Scaling = Literal["fixed", "minmax"]

BITS = 21  # values are whole numbers below 2**BITS, and outliers below twice that
LAB_EXPONENT = 14  # Lab is within ±256
FINE = 14  # float values are held in steps of compactness / 2**FINE, if they then fit
ORDINARY = 0.99  # the share of float values that must fit
SAMPLES = 1 << 16  # pixels that this is judged by


class Values(NamedTuple):
    """How values are read: ``(image - origin) * factor``, then Lab where `to_lab`; None for as they are."""

    origin: float | None
    factor: float | None
    to_lab: bool
    exponent: int  # the values compared are whole numbers of 2**-exponent


def values_of(
    image: Array, mask: NDArray[np.bool_] | None, scaling: Scaling | float, compactness: float, *, to_lab: bool
) -> Values:
    """Return how the pixels of `image` (M, N, C) are read; refuse what is not finite inside the mask."""
    top = check_inside("image", image, mask)
    origin, factor = None, None
    if isinstance(scaling, str) and check_choice("scaling", scaling, ("fixed", "minmax")) == "minmax":
        inside = image if mask is None else image[mask]
        low, high = float(inside.min()), float(inside.max())
        origin, factor = low, 1 / (high - low) if high > low else 1.0
    elif not isinstance(scaling, str):
        factor = 1 / check_float("scaling", scaling, low=1e-30, high=1e30)
    elif not to_lab or image.dtype not in (np.uint8, np.uint16):
        factor = 1 / full_range(image.dtype)
    if to_lab:
        if origin is None and factor is not None:
            _check_encoded(image, mask, factor)
        return Values(origin, factor, True, LAB_EXPONENT)
    if origin is not None:
        return Values(origin, factor, False, BITS)
    assert factor is not None
    if image.dtype.kind != "f" and image.dtype.itemsize <= 2:  # wider ones hold no range that is their own
        return Values(None, factor, False, _fitting(float(np.iinfo(image.dtype).max) * factor))
    return Values(None, factor, False, _float_exponent(image, mask, factor, top * factor, compactness))


def _check_encoded(image: Array, mask: NDArray[np.bool_] | None, factor: float) -> None:
    inside = image if mask is None else image[mask]
    low, high = float(inside.min()) * factor, float(inside.max()) * factor
    if low < LOWEST or high > HIGHEST:
        raise ValueError(
            f"image must range over 0 to 1 to be converted to Lab, got values from {low:g} to {high:g}; give the "
            "highest value that its source can hold as scaling, such as scaling=255, or pass convert2lab=False"
        )


def _fitting(top: float) -> int:
    """Return the exponent by which values up to `top` fill the bits."""
    return BITS - math.ceil(math.log2(top)) if top > 0 else BITS


def _float_exponent(image: Array, mask: NDArray[np.bool_] | None, factor: float, top: float, compactness: float) -> int:
    """Return the exponent for floats, the same whatever a few outliers are.

    Steps far below the compactness are small enough; where values do not fit then, nearly all of them decide, and
    those that lie beyond are clipped: they are farther from the others than any position can make up for.
    """
    finest = FINE - round(math.log2(compactness))
    if top > 2.0 ** (BITS - finest):
        step = max(1, math.isqrt(image.shape[0] * image.shape[1] // SAMPLES))
        some = image[::step, ::step]
        some = to_host(some if mask is None else some[mask[::step, ::step]])
        ordinary = float(np.quantile(np.abs(some.astype(np.float64)), ORDINARY)) * factor if some.size else 0.0
        finest = min(finest, _fitting(2 * ordinary)) if ordinary > 0 else finest
    return max(-120, min(120, finest))
