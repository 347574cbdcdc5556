"""Compile CUDA text with NVIDIA's run-time compiler, which needs neither a GPU nor a driver.

The library comes from the pip package ``nvidia-cuda-nvrtc``. The assembler's report, which it puts into the program
log, tells registers, stack and spills of every kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ARCHITECTURES = ("sm_80", "sm_90", "sm_100")  # A100; H100 and H200; B200


class CompileFailed(Exception):
    """The compiler refused the text; the message is its log."""


@dataclass(frozen=True)
class Usage:
    """What the assembler reports of one kernel on one architecture, in bytes except for the registers."""

    registers: int
    stack: int
    spill_stores: int
    spill_loads: int


def library_path() -> Path | None:
    """Return the newest libnvrtc that pip installed, or None."""
    spec = find_spec("nvidia")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    found = [
        path
        for folder in folders
        for path in Path(folder).glob("*/lib/libnvrtc.so.*")
        if re.fullmatch(r"libnvrtc\.so\.\d+", path.name)
    ]
    return max(found, key=lambda path: int(path.suffix[1:]), default=None)


@functools.cache
def _library(path: Path) -> ctypes.CDLL:
    for builtins in path.parent.glob("libnvrtc-builtins.so.*"):  # some versions do not find it beside themselves
        ctypes.CDLL(str(builtins))
    library = ctypes.CDLL(str(path))
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def compile_usage(code: str, name: str, options: Sequence[str], architecture: str) -> dict[str, Usage]:
    """Compile `code` for `architecture` and return what each kernel in it uses."""
    flags = (f"--gpu-architecture={architecture}", *options, "--ptxas-options=-v")
    with _compiled(code, name, flags) as (library, program):
        return parse_usage(_text(library, program, "ProgramLog"))


def compile_ptx(code: str, name: str, options: Sequence[str]) -> str:
    """Return the intermediate form of `code`, in which the rounding of each operation is written."""
    with _compiled(code, name, ("--gpu-architecture=compute_90", *options)) as (library, program):
        return _text(library, program, "PTX")


@contextlib.contextmanager
def _compiled(code: str, name: str, flags: Sequence[str]) -> Iterator[tuple[ctypes.CDLL, ctypes.c_void_p]]:
    path = library_path()
    assert path is not None
    library = _library(path)
    program = ctypes.c_void_p()
    _check(library, library.nvrtcCreateProgram(ctypes.byref(program), code.encode(), name.encode(), 0, None, None))
    try:
        argv = (ctypes.c_char_p * len(flags))(*[flag.encode() for flag in flags])
        if library.nvrtcCompileProgram(program, len(flags), argv) != 0:
            raise CompileFailed(_text(library, program, "ProgramLog"))
        yield library, program
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _text(library: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> str:
    size = ctypes.c_size_t()
    _check(library, library[f"nvrtcGet{what}Size"](program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(library, library[f"nvrtcGet{what}"](program, text))
    return text.value.decode()


def _check(library: ctypes.CDLL, status: int) -> None:
    if status != 0:
        raise RuntimeError(f"NVRTC: {library.nvrtcGetErrorString(status).decode()}")


_REPORT = re.compile(
    r"Compiling entry function '(?P<kernel>\w+)'.*?"
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads.*?"
    r"Used (?P<registers>\d+) registers",
    re.DOTALL,
)


def parse_usage(log: str) -> dict[str, Usage]:
    """Read the assembler's report; a log without one is an error, never an empty success."""
    found = {
        match["kernel"]: Usage(*(int(match[key]) for key in ("registers", "stack", "stores", "loads")))
        for match in _REPORT.finditer(log)
    }
    if not found or len(found) != log.count("Compiling entry function"):
        raise RuntimeError(f"no report of every kernel in the compiler's log:\n{log}")
    return found
