"""Recognise array kinds without importing their libraries."""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np

ArrayKind = Literal["numpy", "cupy"]


def array_kind(array: object) -> ArrayKind:
    """Return which library owns `array`: ``"numpy"`` (also for anything `numpy.asarray` takes) or ``"cupy"``.

    CuPy is looked up in ``sys.modules``: an array of it cannot exist before the caller imported it.
    """
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return "cupy"
    return "numpy"


def as_array(name: str, array: object) -> np.ndarray[Any, Any]:
    """Return `array` as a NumPy array without a copy where that is possible.

    DLPack objects that live in host memory (PyTorch, JAX on the CPU) are taken zero-copy.
    """
    if array_kind(array) == "cupy":
        raise TypeError(
            f"{name} is a CuPy array, and this function runs on the CPU only; pass {name}.get() to copy it to the host"
        )
    if isinstance(array, np.ndarray):
        return array
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        try:
            return np.from_dlpack(array)
        except (BufferError, RuntimeError) as error:
            raise TypeError(
                f"{name} is not in host memory ({error}); copy it there first, for example with .cpu()"
            ) from error
    return np.asarray(array)
