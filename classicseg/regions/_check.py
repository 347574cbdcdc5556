"""Checks that the functions on regions share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_image, check_int, check_labels, check_mask

OUTSIDE = "set the labels of such pixels to 0"  # the way out of NaN in an image
_KERNEL_DTYPES = (np.uint8, np.uint16, np.float32, np.float64)  # each costs compile time


def check_regions(labels: ArrayLike, mask: ArrayLike | None = None) -> tuple[NDArray[np.int32], int]:
    """Return region labels as a contiguous int32 image, 0 outside `mask`, and the highest of them."""
    array = check_labels("labels", labels)
    inside = check_mask(mask, array.shape)
    if int(array.min()) < 0:
        raise ValueError("labels must not be negative; pass cluster labels through connected_regions() first")
    if inside is not None:
        array = np.where(inside, array, np.int32(0))
    n_regions = int(array.max())
    if n_regions > array.size:
        raise ValueError(
            f"labels must be numbered 1..n, got {n_regions} in an image of {array.size} pixels; "
            "pass them through connected_regions() first"
        )
    return np.ascontiguousarray(array), n_regions


def check_channels(image: ArrayLike | None, labels: NDArray[Any]) -> NDArray[Any]:
    """Return `image` as (M, N, C), finite inside the regions; no channels where there is no image."""
    if image is None:
        return np.empty((*labels.shape, 0), np.float32)
    array = check_image("image", image)
    if array.shape[:2] != labels.shape:
        raise ValueError(f"image must have the labels' shape {labels.shape}, got {array.shape}")
    array = array.reshape(*labels.shape, -1)
    if array.dtype.kind == "f":
        outside = labels == 0
        check_finite("image", np.where(outside[..., None], 0, array) if outside.any() else array, OUTSIDE)
    return array


def for_kernels(channels: NDArray[Any]) -> NDArray[Any]:
    """Return the channels contiguous, and of one of the few dtypes that kernels are compiled for."""
    dtype = channels.dtype if channels.dtype in _KERNEL_DTYPES else np.float64
    return np.ascontiguousarray(channels, dtype)


def check_threads(n_threads: int | None) -> int | None:
    """Return `n_threads`, a positive number or None."""
    return None if n_threads is None else check_int("n_threads", n_threads, low=1)
