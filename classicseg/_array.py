"""Recognise array kinds without importing their libraries."""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np

ArrayKind = Literal["numpy", "cupy"]
# DLPack's numbers of kinds of memory.
_CUDA = (2, 13)  # kDLCUDA, kDLCUDAManaged
_HOST = (1, 3, 11)  # kDLCPU, kDLCUDAHost, kDLROCMHost


def array_kind(array: object) -> ArrayKind:
    """Return which library owns `array`: ``"numpy"`` (also for anything `numpy.asarray` takes) or ``"cupy"``.

    CuPy is looked up in ``sys.modules``: an array of it cannot exist before the caller imported it.
    """
    cupy = sys.modules.get("cupy")
    if cupy is not None and isinstance(array, cupy.ndarray):
        return "cupy"
    return "numpy"


def on_cuda(array: object) -> bool:
    """Say whether `array` is CuPy's, or lies in the memory of a CUDA device as its DLPack interface tells."""
    if array_kind(array) == "cupy":
        return True
    device = getattr(array, "__dlpack_device__", None)
    return device is not None and not isinstance(array, np.ndarray) and int(device()[0]) in _CUDA


def as_array(name: str, array: object, *, cuda: bool = False) -> np.ndarray[Any, Any]:
    """Return `array` as a NumPy array without a copy where that is possible; with `cuda`, CuPy's as it is.

    DLPack objects that live in host memory (PyTorch, JAX on the CPU) are taken zero-copy.
    """
    if array_kind(array) == "cupy":
        if cuda:
            return array  # type: ignore[return-value]  # it has the interface that is used
        raise TypeError(
            f"{name} is a CuPy array, and this function runs on the CPU only; "
            f"pass classicseg.to_device({name}, 'cpu') to copy it to the host"
        )
    if isinstance(array, np.ndarray):
        return array
    if on_cuda(array):
        raise TypeError(
            f"{name} lies on a CUDA device, and this function runs on the CPU only; "
            f"pass classicseg.to_device({name}, 'cpu') to copy it to the host"
        )
    if hasattr(array, "__dlpack__") and hasattr(array, "__dlpack_device__"):
        try:
            return np.from_dlpack(array)
        except (BufferError, RuntimeError) as error:
            if int(array.__dlpack_device__()[0]) in _HOST:
                raise TypeError(
                    f"{name} cannot be read from its library ({error}); pass it as a plain array, "
                    "for example with .detach().float()"
                ) from error
            raise TypeError(
                f"{name} is not in host memory ({error}); copy it there first, for example with .cpu()"
            ) from error
    return np.asarray(array)


def to_host(array: Any) -> np.ndarray[Any, Any]:
    """Return a NumPy array as it is, and the copy of CuPy's: for the few numbers that the host decides on."""
    host: np.ndarray[Any, Any] = array.get() if array_kind(array) == "cupy" else array
    return host


def contiguous(array: Any) -> Any:
    """Return an array in C order, on the device where it lies."""
    return array if array.flags.c_contiguous else array.copy()


def like(array: Any, other: object) -> Any:
    """Return a small NumPy array on the device of `other`."""
    return sys.modules["cupy"].asarray(array) if array_kind(other) == "cupy" else array


def check_same_device(name: str, array: Any, other_name: str, other: Any) -> None:
    """Refuse two arrays that lie apart: nothing is copied between devices unasked."""
    kinds = array_kind(array), array_kind(other)
    if kinds[0] != kinds[1]:
        where = {"numpy": ("in host memory", "cpu"), "cupy": ("on a CUDA device", "cuda")}
        raise TypeError(
            f"{name} must lie where {other_name} does, got {name} {where[kinds[0]][0]} and {other_name} "
            f"{where[kinds[1]][0]}; pass classicseg.to_device({name}, {where[kinds[1]][1]!r})"
        )
    if kinds[0] == "cupy" and array.device != other.device:
        raise ValueError(
            f"{name} must lie on the device of {other_name}, got {array.device} and {other.device}; "
            "copy one of them with cupy.asarray inside `with cupy.cuda.Device(...)`"
        )
