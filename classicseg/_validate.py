"""One checker per kind of argument. A checker returns the normal form, or raises an error that names the
argument, the rule, the value and the way out."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from classicseg._array import as_array

Array = np.ndarray[Any, Any]
T = TypeVar("T")


def check_int(name: str, value: object, *, low: int | None = None, high: int | None = None) -> int:
    """Return `value` as an int between `low` and `high`, both included."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}") from None
    _check_range(name, number, low, high)
    return number


def check_float(
    name: str,
    value: object,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
) -> float:
    """Return `value` as a finite float, within `low` and `high` (both included) and greater than `above`."""
    if isinstance(value, (bool, np.bool_, str, bytes)):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    if above is not None and not number > above:
        raise ValueError(f"{name} must be greater than {above}, got {number}")
    _check_range(name, number, low, high)
    return number


def _check_range(name: str, number: float, low: float | None, high: float | None) -> None:
    if low is not None and number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    if high is not None and number > high:
        raise ValueError(f"{name} must be at most {high}, got {number}")


def check_choice(name: str, value: object, choices: Sequence[T]) -> T:
    """Return the member of `choices` that equals `value`."""
    for choice in choices:
        if isinstance(value, type(choice)) and value == choice:
            return choice
    raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_image(name: str, image: object, *, ndim: tuple[int, ...] = (2, 3)) -> Array:
    """Return `image` as an array of one of the `ndim`, of a dtype the package computes on, not empty."""
    array = as_array(name, image)
    if array.ndim not in ndim:
        shapes = " or ".join({2: "(M, N)", 3: "(M, N, C)"}[n] for n in ndim)
        raise ValueError(f"{name} must have shape {shapes}, got {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return _check_dtype(name, array)


def check_features(features: object) -> Array:
    """Return `features` as an array of shape (..., F), 1 <= F <= 64, of a dtype the package computes on."""
    array = as_array("features", features)
    if array.ndim < 2:
        raise ValueError(
            f"features must have shape (..., n_features), got {array.shape}; add the last axis with features[..., None]"
        )
    if not 1 <= array.shape[-1] <= 64:
        raise ValueError(
            f"features must have 1 to 64 values per sample on the last axis, got shape {array.shape}; "
            "a 2-D gray image becomes features with image[..., None]"
        )
    if array.size == 0:
        raise ValueError(f"features must not be empty, got shape {array.shape}")
    return _check_dtype("features", array)


def _check_dtype(name: str, array: Array) -> Array:
    if array.dtype == np.bool_ or array.dtype.kind not in "uif":
        raise TypeError(
            f"{name} must be of an integer or floating dtype, got {array.dtype}; "
            "convert it, for example with .astype('float32')"
        )
    return array


def check_finite(name: str, array: Array, way_out: str) -> Array:
    """Return `array` when it has no NaN or infinity, which integers never have."""
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise ValueError(f"{name} must be finite, got {count} NaN or infinite values; {way_out}")
    return array


def check_mask(mask: object, shape: tuple[int, ...]) -> Array | None:
    """Return `mask` as a bool array of `shape`, or None. True marks what takes part."""
    if mask is None:
        return None
    array = as_array("mask", mask)
    if array.shape != shape:
        raise ValueError(f"mask must have the image's shape {shape}, got {array.shape}")
    if array.dtype.kind not in "biu":
        raise TypeError(f"mask must be boolean, True where pixels take part, got dtype {array.dtype}")
    return array.astype(bool, copy=False)


def check_labels(name: str, labels: object, *, ndim: tuple[int, ...] = (2,)) -> Array:
    """Return `labels` as an int32 array; values must fit."""
    array = as_array(name, labels)
    if array.ndim not in ndim:
        raise ValueError(f"{name} must have {' or '.join(map(str, ndim))} axes, got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name} must be of an integer dtype, got {array.dtype}")
    if array.dtype.itemsize >= 4 and array.dtype != np.int32:
        low, high = int(array.min()), int(array.max())
        if low < np.iinfo(np.int32).min or high > np.iinfo(np.int32).max:
            raise ValueError(f"{name} must fit into int32, got values from {low} to {high}; renumber them first")
    return array.astype(np.int32, copy=False)
