"""Compile CUDA text at first use, once per device and set of compile-time constants."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from types import SimpleNamespace

# Products and sums keep the rounding that is written; where one multiply-add is meant, the text says fmaf.
OPTIONS = ("--std=c++17", "--fmad=false")
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

    with cupy.cuda.Device(device):
        module = cupy.RawModule(code=source(name), options=(*OPTIONS, *constants))
        return SimpleNamespace(**{function: module.get_function(function) for function in functions})
