"""Pixel features: an image, its depth and its pixel positions as the [R, G, B, x, y, d] of the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_float, check_image, check_mask
from classicseg.features._recipe import PixelFeatures

_TOKENS = re.compile(r"RGB|[ITxyd]")


def pixel_features(
    image: ArrayLike,
    channels: str = "RGBxy",
    *,
    depth: ArrayLike | None = None,
    channel_weights: Mapping[str, float] | None = None,
    mask: ArrayLike | None = None,
) -> PixelFeatures:
    """Describe every pixel by colour or temperature, position and depth.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, 3)
        RGB image for the token RGB; 2-D intensities for I, 2-D temperatures in °C (or counts) for T.
    channels : str, default "RGBxy"
        Tokens in the order wanted: RGB, I, T, x (column), y (row), d (depth). "Txy" suits a thermal frame.
    depth : array_like, shape (M, N), optional
        Depth for the token d, in any unit; NaN where it is unknown, which takes the pixel out of the mask.
    channel_weights : mapping of str to float, optional
        Factors on top of the defaults, by name or token: ``{"xy": 0.5, "T": 2}``. Larger means that a
        difference in this channel counts more.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part.

    Returns
    -------
    PixelFeatures
        The recipe; `kmeans` takes it as it is.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or a token does not fit the image.

    Notes
    -----
    Colour is in the image's own units, T and d as given. x and y are scaled by 255 / max(M, N), so that crossing
    the image weighs as much as crossing the range of 8-bit colour, at any resolution.

    Examples
    --------
    >>> pixel_features(np.zeros((4, 6, 3), np.uint8)).names
    ('R', 'G', 'B', 'x', 'y')
    """
    array = check_image("image", image)
    names = _names(channels, array, depth is not None)
    inside = check_mask(mask, array.shape[:2])
    distance = None if depth is None else check_image("depth", depth, ndim=(2,))
    if distance is not None:
        if distance.shape != array.shape[:2]:
            raise ValueError(f"depth must have the image's shape {array.shape[:2]}, got {distance.shape}")
        if distance.dtype.kind == "f" and not np.isfinite(distance).all():
            known = np.isfinite(distance)
            inside = known if inside is None else inside & known
    pixels = array if inside is None else array[inside]
    check_finite("image", pixels, "mark such pixels False in mask")
    planes = tuple(_plane(name, array, distance) for name in names)
    weights = _feature_weights(names, channel_weights or {}, array.shape)
    return PixelFeatures((array.shape[0], array.shape[1], len(names)), names, planes, weights, inside)


def _plane(name: str, image: NDArray[Any], depth: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the source of one feature as a view; None for a position."""
    if name in "xy":
        return None
    if name == "d":
        return depth
    return image[..., "RGB".index(name)] if name in "RGB" else image


def _names(channels: str, image: NDArray[Any], has_depth: bool) -> tuple[str, ...]:
    tokens = _TOKENS.findall(channels)
    if not tokens or "".join(tokens) != channels:
        raise ValueError(
            f'channels must be made of the tokens RGB, I, T, x, y and d, such as "RGBxy"; got {channels!r}'
        )
    names = tuple("".join(tokens))
    if len(set(names)) != len(names) or {"I", "T"} <= set(names):
        raise ValueError(f"channels must name each channel once, got {channels!r}")
    if "RGB" in tokens and (image.ndim != 3 or image.shape[2] != 3):
        raise ValueError(f'the token RGB needs an image of shape (M, N, 3), got {image.shape}; use "I" or "T" for 2-D')
    if ("I" in tokens or "T" in tokens) and image.ndim != 2:
        raise ValueError(f'the tokens I and T need an image of shape (M, N), got {image.shape}; use "RGB" for colour')
    if ("d" in tokens) != has_depth:
        raise ValueError(
            f"the token d and depth= go together; got channels {channels!r} and "
            f"depth {'given' if has_depth else 'missing'}"
        )
    return names


def _feature_weights(
    names: tuple[str, ...], channel_weights: Mapping[str, float], shape: tuple[int, ...]
) -> tuple[float, ...]:
    weights = {name: 255 / max(shape[:2]) if name in "xy" else 1.0 for name in names}
    for key, value in channel_weights.items():
        factor = check_float(f"channel_weights[{key!r}]", value, low=0)
        if not key or not set(key) <= set(names):
            raise ValueError(f"channel_weights must name channels among {''.join(names)!r}, got {key!r}")
        for name in key:
            weights[name] *= factor
    return tuple(weights[name] for name in names)
