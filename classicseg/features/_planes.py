"""Planes: the (M, N) sources of features, as views where the dtype allows and checked in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import FLOAT32_MAX

Array = NDArray[Any]

DTYPES = (np.uint8, np.uint16, np.float32, np.float64)  # the dtypes that algorithms read as they are
BLOCK = 1 << 14  # pixels looked at together, so that checks need memory for these only
LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of R, G and B as they are encoded


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices of rows of about BLOCK pixels each."""
    rows = max(1, BLOCK // shape[1])
    for start in range(0, shape[0], rows):
        yield slice(start, start + rows)


def native(array: Array) -> Array:
    """Return `array` in a dtype that algorithms read: as it is, else as float32."""
    return array if any(array.dtype == dtype for dtype in DTYPES) else array.astype(np.float32)


def check_inside(name: str, array: Array, mask: NDArray[np.bool_] | None) -> None:
    """Refuse NaN, infinity and what float32 cannot hold inside the mask."""
    if array.dtype.kind != "f":
        return
    count, largest = 0, 0.0
    for rows in row_blocks(array.shape):
        values = array[rows] if mask is None else array[rows][mask[rows]]
        count += values.size - int(np.count_nonzero(np.isfinite(values)))
        if array.dtype.itemsize > 4 and not count:
            largest = max(largest, -float(values.min(initial=0)), float(values.max(initial=0)))
    if count:
        raise ValueError(f"{name} must be finite, got {count} NaN or infinite values; mark such pixels False in mask")
    if largest > FLOAT32_MAX:
        raise ValueError(
            f"{name} must lie within the range of float32, ±3.4e38, got values up to {largest:.1e}; "
            "mark such pixels False in mask, or divide by a constant"
        )


def check_encoded(image: Array, mask: NDArray[np.bool_] | None) -> None:
    """Refuse float colours that no formula for Lab and Luv fits."""
    if image.dtype.kind != "f":
        return
    low = high = 0.0
    for rows in row_blocks(image.shape):
        values = image[rows] if mask is None else image[rows][mask[rows]]
        low, high = min(low, values.min(initial=0)), max(high, values.max(initial=0))
    if low < -0.5 or high > 1.5:
        raise ValueError(
            f"image must range over 0 to 1 for the tokens Lab and Luv, got values from {low:g} to {high:g}; "
            "divide by the highest value that the source can hold, such as 255"
        )


def converted(image: Array, space: str) -> Array:
    """Return the three channels of Lab or Luv, (3, M, N) float32."""
    out = np.empty((3, *image.shape[:2]), np.float32)
    getattr(kernels_for(image, "color"), space.lower())(image, out)
    return out


def luma(image: Array) -> Array:
    """Return a gray image as it is; of a colour one 0.2126 R + 0.7152 G + 0.0722 B, float32, in its own units."""
    if image.ndim == 2:
        return image
    out = np.empty(image.shape[:2], np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # outside the mask anything may stand
        for rows in row_blocks(image.shape):
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
