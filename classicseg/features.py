"""Pixel features: an image, its depth and its pixel positions as the [R, G, B, x, y, d] of the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_float, check_image, check_mask

_TOKENS = re.compile(r"RGB|[ITxyd]")


@dataclass(frozen=True)
class PixelFeatures:
    """A recipe for the features of every pixel; ``np.asarray(features)`` is the (M, N, F) float32 array.

    Made by `pixel_features`; frozen, and it keeps the arrays it was made from instead of a matrix.

    Parameters
    ----------
    image : ndarray, shape (M, N) or (M, N, 3)
        Colours, intensities or temperatures.
    depth : ndarray of shape (M, N) or None
        Depth, in its own unit.
    names : tuple of str
        One name per feature, such as ("R", "G", "B", "x", "y").
    weights : tuple of float
        Factor of each feature, the scaling of x and y included.
    mask : ndarray of bool, shape (M, N), or None
        True where pixels take part.
    """

    image: NDArray[Any]
    depth: NDArray[Any] | None
    names: tuple[str, ...]
    weights: tuple[float, ...]
    mask: NDArray[np.bool_] | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (M, N, F) of the features as an array."""
        return (self.image.shape[0], self.image.shape[1], len(self.names))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the features as an (M, N, F) float32 array."""
        if copy is False:
            raise ValueError("PixelFeatures keeps no array, so copy=False cannot be met; use np.asarray(features)")
        out = np.empty(self.shape, np.float32)
        for f, (name, weight) in enumerate(zip(self.names, self.weights)):
            out[..., f] = self._plane(name) * np.float32(weight)
        return out if dtype is None else out.astype(dtype)

    def _plane(self, name: str) -> NDArray[np.float32]:
        if name == "y":
            return np.arange(self.shape[0], dtype=np.float32)[:, None]
        if name == "x":
            return np.arange(self.shape[1], dtype=np.float32)[None, :]
        if name == "d" and self.depth is not None:
            return self.depth.astype(np.float32)
        plane = self.image[..., "RGB".index(name)] if name in "RGB" else self.image
        return plane.astype(np.float32)


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
    planes = None if depth is None else check_image("depth", depth, ndim=(2,))
    if planes is not None:
        if planes.shape != array.shape[:2]:
            raise ValueError(f"depth must have the image's shape {array.shape[:2]}, got {planes.shape}")
        if planes.dtype.kind == "f" and not np.isfinite(planes).all():
            inside = np.isfinite(planes) if inside is None else inside & np.isfinite(planes)
    pixels = array if inside is None else array[inside]
    check_finite("image", pixels, "mark such pixels False in mask")
    return PixelFeatures(array, planes, names, _feature_weights(names, channel_weights or {}, array.shape), inside)


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
