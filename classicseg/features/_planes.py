"""Planes: the (M, N) sources of features, as views where the dtype allows and checked in blocks of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._array import array_kind
from classicseg._kernels import kernels_for
from classicseg._validate import FLOAT32_MAX

Array = NDArray[Any]

DTYPES = (np.uint8, np.uint16, np.float32, np.float64)  # the dtypes that algorithms read as they are
BLOCK = 1 << 14  # pixels looked at together, so that checks need memory for these only
LOWEST, HIGHEST = -0.5, 1.5  # what interpolation may make of floats of 0 to 1
LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of R, G and B as they are encoded


def row_blocks(array: Array) -> Iterator[slice]:
    """Yield slices of rows of about BLOCK pixels each; all rows at once on a device, where every look waits."""
    rows = max(1, BLOCK // array.shape[1]) if array_kind(array) == "numpy" else len(array)
    for start in range(0, len(array), rows):
        yield slice(start, start + rows)


def native(array: Array) -> Array:
    """Return `array` in a dtype that algorithms read: as it is, else as float32."""
    return array if any(array.dtype == dtype for dtype in DTYPES) else array.astype(np.float32)


def inside_blocks(array: Array, mask: NDArray[np.bool_] | None) -> Iterator[Array]:
    """Yield the values inside the mask, block by block; none that is empty."""
    for rows in row_blocks(array):
        values = array[rows] if mask is None else array[rows][mask[rows]]
        if values.size:
            yield values


def value_range(array: Array, mask: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return the lowest and the highest value inside the mask, or 0 where that lies between; NaN where one is NaN."""
    low = high = 0.0
    with np.errstate(invalid="ignore"):
        for values in inside_blocks(array, mask):
            low, high = float(np.minimum(low, values.min())), float(np.maximum(high, values.max()))
    return low, high


def check_inside(name: str, array: Array, mask: NDArray[np.bool_] | None) -> float:
    """Refuse NaN, infinity and what float32 cannot hold inside the mask; return what no value exceeds, up or down."""
    if array.dtype.kind != "f":
        return float(np.iinfo(array.dtype).max)
    low, high = value_range(array, mask)
    if not (math.isfinite(low) and math.isfinite(high)):
        blocks = inside_blocks(array, mask)
        count = sum(values.size - int(np.count_nonzero(np.isfinite(values))) for values in blocks)
        raise ValueError(f"{name} must be finite, got {count} NaN or infinite values; mark such pixels False in mask")
    if max(-low, high) > FLOAT32_MAX:
        raise ValueError(
            f"{name} must lie within the range of float32, ±3.4e38, got values up to {max(-low, high):.1e}; "
            "mark such pixels False in mask, or divide by a constant"
        )
    return max(-low, high)


def check_encoded(image: Array, mask: NDArray[np.bool_] | None) -> None:
    """Refuse float colours that no formula for Lab and Luv fits."""
    if image.dtype.kind != "f":
        return
    low, high = value_range(image, mask)
    if low < LOWEST or high > HIGHEST:
        raise ValueError(
            f"image must range over 0 to 1 for the tokens Lab and Luv, got values from {low:g} to {high:g}; "
            "divide by the highest value that the source can hold, such as 255"
        )


def converted(image: Array, space: str) -> Array:
    """Return the three channels of Lab or Luv, (3, M, N) float32."""
    out = np.empty_like(image, np.float32, "C", shape=(3, *image.shape[:2]))  # where the image lies
    getattr(kernels_for(image, "color"), space.lower())(image, out)
    return out


def luma(image: Array) -> Array:
    """Return a gray image as it is; of a colour one 0.2126 R + 0.7152 G + 0.0722 B, float32, in its own units."""
    if image.ndim == 2:
        return image
    out = np.empty_like(image, np.float32, "C", shape=image.shape[:2])  # where the image lies
    with np.errstate(invalid="ignore", over="ignore"):  # outside the mask anything may stand
        for rows in row_blocks(image):
            red, green, blue = (image[rows, :, c].astype(np.float32) * np.float32(LUMA[c]) for c in range(3))
            np.add(red + green, blue, out=out[rows])
    return out


def filled(gray: Array, mask: NDArray[np.bool_] | None) -> Array:
    """Return a gray image with every pixel outside the mask replaced by the nearest inside."""
    if mask is None or mask.all():
        return gray
    if not mask.any():
        raise ValueError("mask must mark at least one pixel as True, got none")
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return np.asarray(gray[tuple(nearest)])
