"""One checker per kind of argument. A checker returns the normal form, or raises an error that names the
argument, the rule, the value and the way out."""

from __future__ import annotations

import math
import numbers
import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from classicseg._array import as_array

Array = np.ndarray[Any, Any]
T = TypeVar("T")
FLOAT32_MAX = float(np.finfo(np.float32).max)
# What to do about a dtype that holds no plain numbers, by its kind.
_OTHER_KIND = {
    "b": "convert it with .astype('uint8')",
    "c": "take the part you need, for example np.abs() or .real",
    "O": "convert it, for example with .astype('float32')",
}


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
    if not _is_real(value):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:  # Python's integers and fractions have no end
        raise ValueError(f"{name} must be at most 1.8e308 in size, got a longer number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    if above is not None and not number > above:
        raise ValueError(f"{name} must be greater than {above}, got {number}")
    _check_range(name, number, low, high)
    return number


def _is_real(value: object) -> bool:
    """Say whether `value` is a real number, or an array of one without axes; `float` takes much else."""
    dtype = getattr(value, "dtype", None)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "uif" and getattr(value, "ndim", None) == 0
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _check_range(name: str, number: float, low: float | None, high: float | None) -> None:
    if low is not None and number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    if high is not None and number > high:
        raise ValueError(f"{name} must be at most {high}, got {number}")


def check_str(name: str, value: object) -> str:
    """Return `value`, which must be a string."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r} of type {type(value).__name__}")
    return value


def check_choice(name: str, value: object, choices: Sequence[T]) -> T:
    """Return the member of `choices` that equals `value`."""
    kinds = (str, int, np.integer)  # an array would compare element by element, and True equals 1
    if isinstance(value, kinds) and not isinstance(value, bool):
        for choice in choices:
            if value == choice:
                return choice
    raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_unused(options: Mapping[str, object], method: str, other: str) -> None:
    """Refuse `options` of the method `other` that were given where `method` is used: they would do nothing."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name} must go with method={other!r}, got it with {method!r}; leave it out")


def check_image(name: str, image: object, *, ndim: tuple[int, ...] = (2, 3), cuda: bool = False) -> Array:
    """Return `image` as an array of one of the `ndim`, of a dtype the package computes on, not empty."""
    array = check_array(name, image, cuda=cuda)
    if array.ndim not in ndim:
        *others, last = ({2: "(M, N)", 3: "(M, N, C)", 4: "(B, M, N, C)"}[n] for n in ndim)
        shapes = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{name} must have shape {shapes}, got {array.shape}; pass one image at a time")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return _check_dtype(name, array)


def check_features(features: object, *, cuda: bool = False) -> Array:
    """Return `features` as an array of shape (..., F), 1 <= F <= 64, of a dtype the package computes on."""
    array = check_array("features", features, cuda=cuda)
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


def check_array(name: str, value: object, *, cuda: bool = False) -> Array:
    """Return `value` as an array, or say what it is instead; with `cuda`, CuPy's stays on its device."""
    if isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(
            f"{name} must be an array, got the text {os.fspath(value)!r}; read the file into an array first"
        )
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be a plain array, got a masked array; pass {name}.data, "
            f"and mask=~np.ma.getmaskarray({name}) where there is a mask argument"
        )
    try:
        array = as_array(name, value, cuda=cuda)
    except ValueError as error:
        if isinstance(value, (list, tuple)):
            raise ValueError(
                f"{name} must be a regular array, got a sequence whose parts differ in length; make them equally long"
            ) from error
        raise ValueError(
            f"{name} must be an array, got a value of type {type(value).__name__} that cannot be made one ({error}); "
            "convert it first"
        ) from error
    if array.dtype == object and array.ndim == 0:
        raise TypeError(f"{name} must be an array of numbers, got {value!r} of type {type(value).__name__}")
    # A matrix or a memory map is looked at as what it is based on: their operators and types differ.
    return np.asarray(array) if isinstance(array, np.ndarray) else array


def _check_dtype(name: str, array: Array) -> Array:
    """Return `array` in a dtype that kernels know: native byte order, no float narrower or wider than they take."""
    kind = array.dtype.kind
    if kind not in "uif":
        way_out = _OTHER_KIND.get(kind, "pass numbers")
        raise TypeError(f"{name} must be of an integer or floating dtype, got {array.dtype}; {way_out}")
    wanted = array.dtype.newbyteorder("=")
    if kind == "f":
        wanted = np.dtype({2: np.float32, 4: np.float32}.get(array.dtype.itemsize, np.float64))
    with np.errstate(over="ignore"):  # what leaves float64 becomes infinite, which `check_finite` reports
        return array.astype(wanted, copy=False)


def check_numbers(name: str, value: object, *, cuda: bool = False) -> Array:
    """Return `value` as an array of numbers of any shape."""
    return _check_dtype(name, check_array(name, value, cuda=cuda))


def check_finite(name: str, array: Array, way_out: str) -> Array:
    """Return `array` when it has no NaN or infinity and nothing beyond float32; integers never have."""
    if array.dtype.kind != "f" or array.size == 0:
        return array
    if not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise ValueError(f"{name} must be finite, got {count} NaN or infinite values; {way_out}")
    if array.dtype.itemsize > 4:
        largest = max(-float(array.min()), float(array.max()))
        if largest > FLOAT32_MAX:
            raise ValueError(
                f"{name} must lie within the range of float32, ±3.4e38, got values up to {largest:.1e}; "
                f"{way_out}, or divide by a constant"
            )
    return array


def check_rng(rng: int | np.random.Generator | None) -> np.random.Generator:
    """Return a Generator seeded by `rng`."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng must be a whole number from 0 on, a numpy.random.Generator or None, got {rng!r}"
        ) from error


def check_weights(
    name: str, weights: object, shape: tuple[int, ...], inside: Array | None = None, *, cuda: bool = False
) -> Array:
    """Return `weights` as a float64 array of `shape`, finite and not negative; 0 where `inside` is False."""
    array = check_numbers(name, weights, cuda=cuda)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, one value per sample, got {array.shape}")
    if inside is not None:
        array = array.copy()
        array[~inside] = 0
    check_finite(name, array, "give such samples a weight of 0")
    if array.size and float(array.min()) < 0:
        raise ValueError(
            f"{name} must not be negative, got {float(array.min())}; give samples that do not count a weight of 0"
        )
    return array.astype(np.float64, copy=False)


def check_mask(mask: object, shape: tuple[int, ...], *, cuda: bool = False) -> Array | None:
    """Return `mask` as a bool array of `shape`, or None. True marks what takes part."""
    if mask is None:
        return None
    array = check_array("mask", mask, cuda=cuda)
    if array.shape != shape:
        whose = "the image's shape" if len(shape) == 2 else "one value per sample, shape"
        raise ValueError(f"mask must have {whose} {shape}, got {array.shape}")
    if array.dtype.kind not in "biu":
        raise TypeError(
            f"mask must be boolean, True where pixels take part, got dtype {array.dtype}; "
            "compare first, for example with > 0"
        )
    return array.astype(bool, copy=False)


def check_labels(name: str, labels: object, *, ndim: tuple[int, ...] = (2,)) -> Array:
    """Return `labels` as an int32 array; values must fit."""
    return check_integers(name, labels, ndim=ndim).astype(np.int32, copy=False)


def check_integers(name: str, labels: object, *, ndim: tuple[int, ...] = (2,), cuda: bool = False) -> Array:
    """Return `labels` as an array of its own integer or boolean dtype; int32 must hold its values."""
    array = check_array(name, labels, cuda=cuda)
    if array.ndim not in ndim:
        axes = " or ".join(map(str, ndim))
        raise ValueError(f"{name} must have {axes} axes, got shape {array.shape}; pass one label image at a time")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if array.dtype.kind not in "biu":
        raise TypeError(
            f"{name} must be of an integer dtype, got {array.dtype}; number the regions, "
            "for example with np.unique(..., return_inverse=True)"
        )
    if array.dtype.itemsize >= 4 and array.dtype != np.int32:
        low, high = int(array.min()), int(array.max())
        if low < np.iinfo(np.int32).min or high > np.iinfo(np.int32).max:
            raise ValueError(f"{name} must fit into int32, got values from {low} to {high}; renumber them first")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
