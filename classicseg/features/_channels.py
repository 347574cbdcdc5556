"""Channel tokens: what "RGBxyd" names, and how much each channel weighs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_float, check_str

COLOURS = ("RGB", "Lab", "Luv")  # tokens of three channels, from an image of shape (M, N, 3)
KELVIN = 10.0  # a difference in temperature that weighs like the range of colour
COUNTS = 500.0  # the same in raw counts, by which cameras differ: `channel_weights` is for them
LIGHTEST, HEAVIEST = 1e-30, 1e30  # weights whose squares, times squared values, stay within float64
_TOKENS = re.compile(r"RGB|Lab|Luv|[ITxyd]")
_NAMES = re.compile(r"e\d+|.", re.DOTALL)


def tokens_of(channels: str, image: NDArray[Any], *, has_depth: bool, has_extra: bool) -> list[str]:
    """Split `channels` into tokens that fit the image, each channel named once."""
    tokens = _TOKENS.findall(check_str("channels", channels))
    if "".join(tokens) != channels or not (tokens or has_extra):
        raise ValueError(
            f'channels must be made of the tokens RGB, Lab, Luv, I, T, x, y and d, such as "RGBxy"; got {channels!r}'
        )
    names = "".join(tokens)
    if len(set(names)) != len(names):
        raise ValueError(f"channels must name each channel once, got {channels!r}")
    if {"I", "T"} <= set(tokens):
        raise ValueError(f"channels must not hold both I and T, the same gray image, got {channels!r}; choose one")
    colours = [token for token in tokens if token in COLOURS]
    if colours and (image.ndim != 3 or image.shape[2] != 3):
        raise ValueError(
            f'the token {colours[0]} needs an image of shape (M, N, 3), got {image.shape}; use "I" or "T" for 2-D'
        )
    if {"Lab", "Luv"} & set(tokens) and image.dtype.kind != "f" and image.dtype not in (np.uint8, np.uint16):
        raise TypeError(
            f"image must be uint8, uint16 or floating for the tokens Lab and Luv, got {image.dtype}; "
            "convert it, for example with .astype('uint8')"
        )
    if "I" in tokens and not (image.ndim == 2 or image.shape[2] == 3):
        raise ValueError(
            f"the token I needs an image of shape (M, N) or (M, N, 3), got {image.shape}; pass other channels as extra="
        )
    if "T" in tokens and image.ndim != 2:
        raise ValueError(f'the token T needs an image of shape (M, N), got {image.shape}; use "RGB" for colour')
    if ("d" in tokens) != has_depth:
        raise ValueError(
            f"the token d and depth= go together; got channels {channels!r} and "
            f"depth {'given' if has_depth else 'missing'}"
        )
    return tokens


def weights_of(
    names: tuple[str, ...], channel_weights: Mapping[str, float] | None, position: float
) -> tuple[float, ...]:
    """Return the factor of every name: `position` for x and y, 1 for others, times what `channel_weights` says."""
    factors = dict.fromkeys(names, 1.0)
    for key, value in _pairs(channel_weights):
        factor = check_float(f"channel_weights[{key!r}]", value, low=0)
        for name in _named(key, names):
            factors[name] *= factor
    for name, factor in factors.items():
        if factor and not LIGHTEST <= factor <= HEAVIEST:
            raise ValueError(
                f"channel_weights must give each channel 0 or a factor of {LIGHTEST:g} to {HEAVIEST:g}, "
                f"got {factor:g} for {name}; only how they compare matters, so divide all by a constant"
            )
    return tuple(factors[name] * (position if name in ("x", "y") else 1.0) for name in names)


def _pairs(channel_weights: object) -> Iterable[tuple[str, object]]:
    if channel_weights is None:
        return ()
    if not isinstance(channel_weights, Mapping):
        raise TypeError(
            'channel_weights must map channels to factors, such as {"xy": 0.5}, '
            f"got {channel_weights!r} of type {type(channel_weights).__name__}"
        )
    return [(check_str("a key of channel_weights", key), value) for key, value in channel_weights.items()]


def _named(key: str, names: tuple[str, ...]) -> list[str]:
    """Return the channels that one key of `channel_weights` names, each once."""
    chosen = [name for name in names if name[0] == "e"] if key == "extra" else _NAMES.findall(key)
    if not chosen or not set(chosen) <= set(names):
        raise ValueError(f"channel_weights must name channels among {''.join(names)!r}, got {key!r}")
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"a key of channel_weights must name each channel once, got {key!r}")
    return chosen


def unit_of(tokens: list[str], dtype: np.dtype[Any]) -> float:
    """Return the difference that crossing the image weighs as much as: the range of the first token with values."""
    first = next((token for token in tokens if token not in ("x", "y", "d")), "RGB")
    if first in ("Lab", "Luv"):
        return 100.0  # from black to white
    if first == "T" and dtype.itemsize > 1:  # 8 bits hold a picture, not a temperature
        return KELVIN if dtype.kind == "f" else COUNTS
    return full_range(dtype)


def full_range(dtype: np.dtype[Any]) -> float:
    """Return the range of colour in the image's own units: the highest integer, 1 for floats.

    Integers above 16 bits hold no such range. NumPy makes them of lists, which are of 8-bit values mostly: 255.
    """
    if dtype.kind == "f":
        return 1.0
    return float(np.iinfo(dtype).max) if dtype.itemsize <= 2 else 255.0
