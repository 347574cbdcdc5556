"""Kernels: the inner loops. `kernels_for` picks the twin for an array; nothing else dispatches."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from classicseg._array import array_kind, on_cuda
from classicseg._errors import DeviceError

_ROOM = {"numpy": "cpu", "cupy": "cuda"}


def kernels_for(array: object, name: str) -> ModuleType:
    """Return the kernel module `name` that works on arrays of `array`'s kind.

    The module is imported at first use, so that importing classicseg loads neither Numba nor CuPy.
    """
    room = _ROOM[array_kind(array)]
    module = f"classicseg._kernels.{room}.{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if room == "cpu" or error.name != module:
            raise
    raise TypeError(
        f"there is no {name} on CUDA yet, and the input is a CuPy array; "
        "pass classicseg.to_device(array, 'cpu') to compute it on the CPU"
    )


def adopt(array: Any) -> Any:
    """Return another library's array on a CUDA device, such as a torch tensor, as CuPy's of the same memory.

    Anything else is returned as it is.
    """
    if array_kind(array) == "cupy" or not on_cuda(array):
        return array
    return cuda_arrays("from_dlpack")(array)


def cuda_arrays(function: str) -> Any:
    """Return a function of `cuda._device`; a DeviceError says what is missing where CUDA cannot be used."""
    room = importlib.import_module("classicseg._kernels.cuda._device")
    if reason := room.missing():
        raise DeviceError(f"CUDA cannot be used here: {reason}")
    return getattr(room, function)
