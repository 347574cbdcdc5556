"""Kernels: the inner loops. `kernels_for` picks the twin for an array; nothing else dispatches."""

from __future__ import annotations

import importlib
from types import ModuleType

from classicseg._array import array_kind

_ROOM = {"numpy": "cpu", "cupy": "cuda"}


def kernels_for(array: object, name: str) -> ModuleType:
    """Return the kernel module `name` that works on arrays of `array`'s kind.

    The module is imported at first use, so that importing classicseg loads neither Numba nor CuPy.
    """
    return importlib.import_module(f"classicseg._kernels.{_ROOM[array_kind(array)]}.{name}")
