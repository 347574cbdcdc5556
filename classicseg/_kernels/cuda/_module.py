"""Compile CUDA text at first use, once per device and set of compile-time constants."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from types import SimpleNamespace

from classicseg._errors import DeviceError

# Products and sums keep the rounding that is written; where one multiply-add is meant, the text says fmaf.
OPTIONS = ("--std=c++17", "--fmad=false")
OLDEST = 80  # compute capability: sums over a warp in one instruction came with 8.0
_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)


def source(name: str) -> str:
    """Return the CUDA text `name`, which lies beside this file, with the headers that it includes in their places."""
    return _INCLUDE.sub(lambda found: _text(found[1]), _text(f"{name}.cu"))


def _text(file: str) -> str:
    return Path(__file__).with_name(file).read_text(encoding="utf-8")


def defines(**constants: object) -> tuple[str, ...]:
    """Return the compiler's options that define `constants` as macros."""
    return tuple(f"-D{macro}={value}" for macro, value in constants.items())


@functools.cache
def kernels(name: str, functions: tuple[str, ...], constants: tuple[str, ...], device: int) -> SimpleNamespace:
    """Return the `functions` of the text `name`, compiled for `device` with `constants` from `defines`."""
    import cupy

    with cupy.cuda.Device(device) as current:
        if int(current.compute_capability) < OLDEST:
            raise DeviceError(
                f"CUDA kernels need compute capability {OLDEST / 10} or newer, this device has "
                f"{int(current.compute_capability) / 10}; pass classicseg.to_device(array, 'cpu') to compute on the CPU"
            )
        module = cupy.RawModule(code=source(name), options=(*OPTIONS, *constants))
        return SimpleNamespace(**{function: module.get_function(function) for function in functions})
