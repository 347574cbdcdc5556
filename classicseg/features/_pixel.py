"""Pixel features: an image, its depth and its pixel positions as the [R, G, B, x, y, d] of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._kernels import adopt
from classicseg._validate import FLOAT32_MAX, check_image, check_mask
from classicseg.features._channels import tokens_of, unit_of, weights_of
from classicseg.features._planes import check_encoded, check_inside, converted, luma, native, value_range
from classicseg.features._recipe import PixelFeatures

MAX_FEATURES = 64  # as many as the algorithms take


def pixel_features(
    image: ArrayLike,
    channels: str = "RGBxy",
    *,
    depth: ArrayLike | None = None,
    extra: ArrayLike | None = None,
    channel_weights: Mapping[str, float] | None = None,
    mask: ArrayLike | None = None,
) -> PixelFeatures:
    """Describe every pixel by colour or temperature, position, depth and computed channels.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        RGB image (C = 3) for the tokens RGB, Lab and Luv; RGB or 2-D intensities for I; 2-D temperatures in °C, or
        raw counts, for T. uint8, uint16, float32 and float64 are kept as they are; other integer and floating
        dtypes are copied to float32. Lab and Luv read floats as 0 to 1 (overshoot by up to 0.5 is taken; Luv takes
        what is negative for 0, since hue has no bound there).
    channels : str, default "RGBxy"
        Tokens in the order wanted: RGB, Lab, Luv (CIE, D65), I (intensity), T (temperature), x (column), y (row),
        d (depth). RGB suits most pictures; Lab or Luv where equal steps should look equal, or where light and
        shadow should count less (lower the weight of L); "Txy" a thermal frame. May be "" with `extra`.
    depth : array_like, shape (M, N), optional
        Depth for the token d, in any unit. A hole, which is NaN or infinity in a float depth and 0 in an integer
        one (what depth cameras write where they saw nothing), takes the pixel out of the mask.
    extra : array_like, shape (M, N) or (M, N, E), optional
        Computed channels, such as those of `texture_features` and `motion_features`. They follow the tokens, named
        e0, e1, ...
    channel_weights : mapping of str to float, optional
        Factors on top of the defaults, by name, token or "extra" for all extra channels:
        ``{"xy": 0.5, "T": 2, "e0": 0.1}``. Larger means that a difference in this channel counts more; 0 leaves it
        out of every comparison. Keys that share a channel multiply. 0, or 1e-30 to 1e30.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part.

    Returns
    -------
    PixelFeatures
        The recipe; `kmeans` takes it as it is.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, a token does not fit the image, `image` or `extra` has
        NaN or infinity inside the mask, a channel times its weight leaves the range of float32, or the arrays do not
        lie on one device.

    Notes
    -----
    Units are fixed by dtype and token; the values in the image never change them. RGB and I are in the image's own
    units (0 to 255 for uint8, 0 to 65535 for uint16, 0 to 1 for floats), Lab and Luv in those of CIE (L from 0 to
    100), T, d and extra channels as given. x and y are scaled by U / max(M, N), so that crossing the image weighs as
    much as a difference of U in the first of the other tokens: for RGB and I, U is 1 for floats and the highest
    value of the dtype for integers of 8 and 16 bits (255 and 65535; 127 and 32767 where they are signed), and 255 for
    wider integers, as which NumPy reads lists; for Lab and Luv 100; for T 10 (°C) for floats, 500 (counts) for
    integers above 8 bits, and for those of 8 bits as for I. Position so weighs the same against colour whatever the
    dtype and the resolution.

    I of an RGB image is the luma 0.2126 R + 0.7152 G + 0.0722 B of ITU-R BT.709. Lab and Luv are those of
    scikit-image (sRGB as in IEC 61966-2-1, CIE 15:2004 with D65 and the 2° observer) within 3e-4, in float32,
    and within 4e-4 beyond 0 to 1; Luv of negative colours, where u and v have no bound, is that of 0.
    Luma, Lab and Luv are computed here, once, into float32 planes; every other feature is a view. CuPy arrays and
    other arrays on a CUDA device stay there, planes and mask too.

    Examples
    --------
    >>> pixel_features(np.zeros((4, 6, 3), np.uint8)).names
    ('R', 'G', 'B', 'x', 'y')
    >>> pixel_features(np.zeros((4, 6, 3), np.uint8), "Lab", extra=np.zeros((4, 6, 2))).names
    ('L', 'a', 'b', 'e0', 'e1')
    """
    given = check_image("image", adopt(image), cuda=True)
    array = native(given)
    inside = check_mask(adopt(mask), array.shape[:2], cuda=True)
    if inside is not None:
        check_same_device("mask", inside, "image", array)
    tokens = tokens_of(channels, given, has_depth=depth is not None, has_extra=extra is not None)
    distance = None if depth is None else _like_image("depth", depth, (2,), array)
    more = None if extra is None else _like_image("extra", extra, (2, 3), array)
    if distance is not None:
        inside = _without_holes(distance, inside)  # before `native` makes floats of integers, which mark holes by 0
    given_sources = {"image": array, "depth": distance, "extra": more}
    sources = {name: native(source) for name, source in given_sources.items() if source is not None}
    largest = {name: check_inside(name, source, inside) for name, source in sources.items()}
    planes: dict[str, NDArray[Any] | None] = {}
    for token in tokens:
        planes |= _planes_of(token, array, sources.get("depth"), inside)
    if "extra" in sources:
        planes |= {f"e{e}": plane for e, plane in enumerate(_channels(sources["extra"]))}
    names = tuple(planes)
    if len(names) > MAX_FEATURES:
        raise ValueError(f"channels and extra must give at most {MAX_FEATURES} features, got {len(names)}")
    unit = unit_of(tokens, given.dtype)
    weights = weights_of(names, channel_weights, unit / max(array.shape[:2]))
    for name, plane, weight in zip(names, planes.values(), weights):
        if plane is not None:
            _check_weighted(name, plane, weight, largest[{"d": "depth", "e": "extra"}.get(name[0], "image")], inside)
    return PixelFeatures((*array.shape[:2], len(names)), names, tuple(planes.values()), weights, inside, unit)


def _like_image(name: str, value: ArrayLike, ndim: tuple[int, ...], image: NDArray[Any]) -> NDArray[Any]:
    array = check_image(name, adopt(value), ndim=ndim, cuda=True)
    check_same_device(name, array, "image", image)
    if array.shape[:2] != image.shape[:2]:
        raise ValueError(f"{name} must have the image's shape {image.shape[:2]}, got {array.shape}")
    return array


def _channels(array: NDArray[Any]) -> list[NDArray[Any]]:
    return [array] if array.ndim == 2 else [array[..., c] for c in range(array.shape[2])]


def _without_holes(depth: NDArray[Any], inside: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    known: NDArray[np.bool_] = np.isfinite(depth) if depth.dtype.kind == "f" else depth != 0
    if known.all():
        return inside
    return known if inside is None else inside & known


def _check_weighted(
    name: str, plane: NDArray[Any], weight: float, bound: float, inside: NDArray[np.bool_] | None
) -> None:
    """Refuse a channel whose features leave float32; it is looked at only where the `bound` of its source may."""
    if weight * bound < FLOAT32_MAX / 2:
        return
    low, high = value_range(plane, inside)
    # Weight and value are rounded to float32 before they are multiplied.
    if float(np.float32(weight)) * float(np.float32(max(-low, high))) > FLOAT32_MAX:
        raise ValueError(
            f"channel_weights must keep every channel within the range of float32, ±3.4e38, got {weight:g} for {name}, "
            f"whose values reach {max(-low, high):.1e}; only how they compare matters, so divide all by a constant"
        )


def _planes_of(
    token: str, image: NDArray[Any], depth: NDArray[Any] | None, inside: NDArray[np.bool_] | None
) -> dict[str, NDArray[Any] | None]:
    """Return the source of each channel of one token; None for a position."""
    if token == "RGB":
        return dict(zip(token, _channels(image)))
    if token in ("Lab", "Luv"):
        check_encoded(image, inside)
        return dict(zip(token, converted(image, token)))
    if token in ("x", "y"):
        return {token: None}
    return {token: depth if token == "d" else luma(image)}
