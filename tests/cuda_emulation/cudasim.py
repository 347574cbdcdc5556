"""Build and launch CUDA text on the CPU: what `cupy.RawModule` does, with g++ and `cudasim.h` in place of a GPU.

The emulator is stricter than a GPU: it refuses arguments of another type than the kernel's parameters, launches
that CUDA refuses, and barriers that CUDA leaves undefined. With `sanitize` the text is built with AddressSanitizer,
which ends the process at the first access out of bounds; its library must be preloaded (see `sanitizer_environment`).
"""

from __future__ import annotations

import ctypes
import hashlib
import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
HEADER, SCHEDULER = HERE / "cudasim.h", HERE / "cudasim.cpp"
FORWARD, REVERSE, RANDOM = 0, 1, 77  # orders in which threads and blocks run; 2 and above are seeds
# Tiny inputs: at -O2 the compiler takes longer than the launches gain. CUDA text is built with --fmad=false.
FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing", "-w")
SANITIZE = ("-fsanitize=address", "-fno-omit-frame-pointer", "-g", "-DCUDASIM_SANITIZE")
MOST_THREADS, MOST_SHARED, MOST_BLOCKS = 1024, 48 << 10, (2**31 - 1, 65535, 65535)
# What is the same, or means nothing, for g++.
IGNORED_OPTIONS = {"--std=c++17", "--fmad=false"}

KERNEL = re.compile(r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(')
DYNAMIC_SHARED = re.compile(r"extern\s+__shared__\s+([\w ]+?)\s+(\w+)\[\];")


class EmulationError(Exception):
    """The text does not build, or a launch did what CUDA refuses or leaves undefined."""


def missing() -> str | None:
    """Return why nothing can be emulated here, or None."""
    return None if shutil.which("g++") else "g++ is not installed; it compiles the CUDA text for the CPU"


def sanitizer_library() -> Path | None:
    """Return the AddressSanitizer library of g++, or None."""
    if missing():
        return None
    command = ["g++", "-print-file-name=libasan.so"]
    path = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    return path if path.is_absolute() and path.exists() else None


def sanitizer_environment() -> dict[str, str]:
    """Return the variables of a process that runs sanitized text: Python itself leaks, and caches small blocks."""
    library = sanitizer_library()
    assert library is not None
    options = "detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=0"
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": options, "PYTHONMALLOC": "malloc"}


class Emulator:
    """Builds CUDA text into shared libraries, kept in `cache` by the hash of all that went into them."""

    def __init__(self, cache: Path, *, order: int = FORWARD, sanitize: bool = False, flags: Sequence[str] = ()) -> None:
        self.order = order  # of the launches from now on
        self.cache = cache
        self._flags = (*FLAGS, *(SANITIZE if sanitize else ()), *flags)

    def module(self, code: str, options: Sequence[str] = ()) -> Module:
        """Return the module of `code`, as `cupy.RawModule(code=code, options=options)` does."""
        return Module(self, code, options)

    def build(self, source: str, defines: Sequence[str]) -> Path:
        """Return the shared library of `source`, linked with the scheduler."""
        scheduler = self._compile(SCHEDULER.read_text(encoding="utf-8"), ("-c",), ".o")
        return self._compile(source, ("-shared", *defines), ".so", scheduler)

    def _compile(self, source: str, options: Sequence[str], suffix: str, *objects: Path) -> Path:
        flags = (*self._flags, *options)
        parts = (source, HEADER.read_text(encoding="utf-8"), SCHEDULER.read_text(encoding="utf-8"), repr(flags))
        path = self.cache / (hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24] + suffix)
        if path.exists():
            return path
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            made = Path(scratch) / path.name
            command = ["g++", "-x", "c++", f"-I{HERE}", *flags, "-", "-x", "none", *map(str, objects), "-o", str(made)]
            run = subprocess.run(command, input=source, capture_output=True, text=True)
            if run.returncode:
                raise EmulationError(run.stderr[:4000])
            os.replace(made, path)  # other processes build the same
        return path


class Module:
    """The kernels of one CUDA text."""

    def __init__(self, emulator: Emulator, code: str, options: Sequence[str]) -> None:
        unknown = [one for one in options if not one.startswith("-D") and one not in IGNORED_OPTIONS]
        if unknown:
            raise EmulationError(f"the emulator does not know what {', '.join(unknown)} should change")
        self._emulator = emulator
        names = KERNEL.findall(code)
        text = re.sub(r'extern\s+"C"\s+(?=__global__)', "", code)
        text = DYNAMIC_SHARED.sub(r"\1* \2 = static_cast<\1*>(cudasim::dynamic_shared());", text)
        exported = 'extern "C" __attribute__((visibility("default"))) const char* '
        for name in names:
            text += (
                f"\n{exported}{name}__launch(const unsigned* d, size_t s, void** a, unsigned o) "
                f"{{ return cudasim::start({name}, d, s, a, o); }}"
                f"\n{exported}{name}__signature() {{ return cudasim::signature({name}); }}\n"
            )
        defines = [one for one in options if one.startswith("-D")]
        self._library = ctypes.CDLL(str(emulator.build(f'#include "cudasim.h"\n#line 1 "module.cu"\n{text}', defines)))
        self._names = names

    def get_function(self, name: str) -> Kernel:
        """Return the kernel `name`."""
        if name not in self._names:
            raise EmulationError(f"no kernel {name} in this module; there are {', '.join(self._names)}")
        return Kernel(self._emulator, self._library, name)


class Kernel:
    """One kernel; calling it runs all its blocks before it returns."""

    def __init__(self, emulator: Emulator, library: ctypes.CDLL, name: str) -> None:
        self.name = name
        self._emulator = emulator
        self._launch = library[f"{name}__launch"]
        self._launch.restype = ctypes.c_char_p
        signature = library[f"{name}__signature"]
        signature.restype = ctypes.c_char_p
        self._parameters = signature().decode().split()

    def __call__(
        self, grid: Sequence[int], block: Sequence[int], args: Sequence[object], *, shared_mem: int = 0
    ) -> None:
        """Launch; `args` are the emulator's host arrays (addresses on this machine) or NumPy scalars."""
        grid, block = (*grid, 1, 1)[:3], (*block, 1, 1)[:3]
        self._check_launch(grid, block, shared_mem)
        if len(args) != len(self._parameters):
            raise EmulationError(f"{self.name} takes {len(self._parameters)} arguments, got {len(args)}")
        values = [self._argument(at, *pair) for at, pair in enumerate(zip(self._parameters, args))]
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(value) for value in values])
        sizes = (ctypes.c_uint * 6)(*grid, *block)
        failure = self._launch(sizes, ctypes.c_size_t(shared_mem), pointers, ctypes.c_uint(self._emulator.order))
        if failure:
            raise EmulationError(f"{self.name}: {failure.decode()}")

    def _check_launch(self, grid: Sequence[int], block: Sequence[int], shared_mem: int) -> None:
        if any(size < 1 for size in (*grid, *block)):
            raise EmulationError(f"{self.name}: grid {grid} and block {block} must be at least 1 in each direction")
        if any(size > most for size, most in zip(grid, MOST_BLOCKS)):
            raise EmulationError(f"{self.name}: grid {grid} is beyond CUDA's {MOST_BLOCKS}")
        if math.prod(block) > MOST_THREADS:
            raise EmulationError(f"{self.name}: block {block} has more than {MOST_THREADS} threads")
        if shared_mem > MOST_SHARED:
            raise EmulationError(f"{self.name}: {shared_mem} bytes of shared memory, more than {MOST_SHARED}")

    def _argument(self, at: int, parameter: str, value: object) -> ctypes._SimpleCData:
        where = f"argument {at} of {self.name}"
        if isinstance(value, np.generic):
            if value.dtype.str[1:] != parameter:
                raise EmulationError(f"{where} is {value.dtype.str[1:]}, the kernel's parameter is {parameter}")
            return np.ctypeslib.as_ctypes_type(value.dtype)(value.item())
        if not isinstance(value, np.ndarray):
            raise EmulationError(f"{where} is a {type(value).__name__}; a kernel takes device arrays and NumPy scalars")
        if parameter != f"*{value.dtype.str[1:]}":
            raise EmulationError(f"{where} is an array of {value.dtype.str[1:]}, the kernel's parameter is {parameter}")
        return ctypes.c_void_p(value.ctypes.data)
