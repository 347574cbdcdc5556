"""An image of any kind as the picture that networks trained on photographs take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array
from classicseg.features._channels import full_range
from classicseg.features._planes import filled
from classicseg.refine._table import RegionTable

Picture = Callable[[NDArray[Any]], ArrayLike]
SHOWN = (1, 99)  # percentiles of a gray image that become black and white: hot spots and cold sky may saturate


def check_picture(picture: object) -> Picture | None:
    """Return the function that makes pictures, or None for `picture_of`'s own way."""
    if picture is None or callable(picture):
        return picture
    raise TypeError(f"picture must be a function of the image, got {picture!r} of type {type(picture).__name__}")


def picture_of(regions: RegionTable, picture: Picture | None) -> NDArray[np.uint8]:
    """Return the image as (M, N, 3) uint8; a pixel outside the mask is seen as the nearest inside.

    RGB and 8-bit gray stay as they are. Other gray images, temperatures and counts, are stretched over most of their
    own range.
    """
    image = filled(regions.image, regions.mask)
    if picture is not None:
        return _check_drawn(picture(image), image.shape[:2])
    if image.ndim == 3 and image.shape[2] not in (1, 3):
        raise ValueError(
            f"image must be gray or RGB to be shown to this refiner, got {image.shape[2]} channels; pass a function as "
            "picture= that makes RGB of it"
        )
    channels = image.reshape(*image.shape[:2], -1)
    if channels.shape[2] == 3 or channels.dtype == np.uint8:
        low, high = 0.0, full_range(channels.dtype)
    else:
        low, high = (float(bound) for bound in np.percentile(channels[regions.mask], SHOWN))
    if channels.dtype != np.uint8:
        shares = (channels.astype(np.float32) - np.float32(low)) / np.float32(high - low or 1)
        channels = np.rint(255 * shares.clip(0, 1)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(channels, (*image.shape[:2], 3)))


def _check_drawn(drawn: object, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    array = check_array("picture(image)", drawn)
    if array.shape != (*shape, 3) or array.dtype != np.uint8:
        raise ValueError(
            f"picture must give RGB of uint8, shape {(*shape, 3)}, got {array.dtype} of shape {array.shape}"
        )
    return np.ascontiguousarray(array)
