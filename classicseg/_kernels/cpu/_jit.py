"""One JIT, cache and thread policy for every CPU kernel.

Kernels are serial, compiled with ``nogil``, and run on fixed blocks by a pool of Python threads; none uses
``parallel=True``. The measurement behind it, `python -m benchmarks threading` of 2026-11-21 on 2 cores: one
plain k-means step takes 10.7 ms both on the pool and under ``prange`` (1 MP RGB, k = 16), 53.7 and 53.5 ms (RGBxy,
k = 64), with the same bits; but the first call takes 0.6 s against 1.1 s for this one small kernel, and compile
time is the worst cost a new user meets.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numba.core import caching, config
from numba.core.dispatcher import Dispatcher

_ENVIRONMENT_THREADS = "CLASSICSEG_NUM_THREADS"
_ENVIRONMENT_CACHE = "CLASSICSEG_CACHE_DIR"


class CacheState(NamedTuple):
    """Where compiled kernels are kept between processes; `directory` is None when they are not."""

    directory: Path | None
    reason: str


def _source_key() -> str:
    """Hash what compiled kernels depend on beside the processor.

    Numba notices an edited kernel, but neither an edited callee or constant in another file nor another vector library.
    """
    makers = f"{numba.__version__} {np.__version__} {sys.version_info[:2]} {config.USING_SVML}"
    digest = hashlib.sha256(makers.encode())
    here = Path(__file__).parent
    for path in (*sorted(here.parent.glob("*.py")), *sorted(here.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _cache_root() -> Path:
    """Return the user's cache folder for classicseg, by the custom of the operating system."""
    chosen = os.environ.get(_ENVIRONMENT_CACHE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "classicseg"


def _find_cache() -> CacheState:
    """Return the first state that works. Numba itself would raise at import when it cannot write."""
    if config.DISABLE_JIT:
        return CacheState(None, "the JIT is off (NUMBA_DISABLE_JIT)")
    try:
        directory = _cache_root() / f"kernels-{_source_key()}"
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except (OSError, RuntimeError) as error:  # Path.home() raises RuntimeError where there is no home
        return CacheState(
            None,
            f"not writable ({error}); every process compiles anew, set {_ENVIRONMENT_CACHE} to a writable folder",
        )
    return CacheState(directory, "on")


_STATE = _find_cache()


def cache_state() -> CacheState:
    """Return where compiled kernels are kept, or why they are not."""
    return _STATE


@functools.cache
def _contents(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class _Locator(caching._CacheLocator):
    """Tells Numba to keep kernels by what they are, and not by where they are installed as it would by itself.

    So all environments of one user that hold the same kernels compile them once.
    """

    def __init__(self, kernel, path):
        self._py_file, self._line = path, kernel.__code__.co_firstlineno

    @classmethod
    def from_function(cls, kernel, path):
        return cls(kernel, path)

    def get_cache_path(self):
        return str(_STATE.directory)

    def get_source_stamp(self):
        return _contents(self._py_file)

    def get_disambiguator(self):
        return str(self._line)


class _Form(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _KernelCache(caching.FunctionCache):
    """Numba's cache in our folder; other users of Numba keep theirs."""

    _impl_class = _Form

    def save_overload(self, signature, compiled):
        with contextlib.suppress(OSError):  # a full disk costs the next process time, and not this one its run
            super().save_overload(signature, compiled)


_NO_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def jit(kernel):
    """Compile `kernel` at its first call: no GIL, cached on disk, IEEE arithmetic (no reassociation)."""
    return _compiled(kernel, fastmath=False)


def jit_inline(kernel):
    """Compile `kernel` as part of its callers only, which halves the time that compiling it takes."""
    return numba.njit(nogil=True, inline="always")(kernel)


def jit_part(kernel):
    """Compile `kernel` for itself, and put its instructions into its callers."""
    return _one_form(numba.njit(nogil=True, forceinline=True, **_NO_WRAPPERS)(kernel))


def jit_called(kernel):
    """Compile `kernel` like `jit`, for other kernels only: what takes a call from Python is not made."""
    # Without being told so a kernel takes the arithmetic of the first one that calls it.
    return _one_form(numba.njit(nogil=True, fastmath=False, **_NO_WRAPPERS)(kernel))


def jit_lean(kernel):
    """Compile like `jit` a kernel that makes no arrays, and counts no references to those that it is given.

    Numba counts them wherever an array is handed on to an inlined part, which took three quarters of the time of
    merging regions. Slices and tuples of arrays may not be made either.
    """
    return _compiled(kernel, fastmath=False, _nrt=False)


def jit_lean_called(kernel):
    """Compile like `jit_lean`, for other kernels only: a part that they call in several places is compiled once."""
    return _one_form(numba.njit(nogil=True, fastmath=False, _nrt=False, **_NO_WRAPPERS)(kernel))


def jit_vectorised(kernel):
    """Compile like `jit`, and let the compiler fuse and reorder float sums so that it can vectorise them.

    For float32 scores whose near-ties are decided again in float64, and for sums that decide no label. The bits
    are the same on one machine for any number of threads.
    """
    return _compiled(kernel, fastmath={"contract", "reassoc", "nnan", "nsz"})


def _compiled(kernel, fastmath, **options):
    compiled = numba.njit(nogil=True, no_cfunc_wrapper=True, fastmath=fastmath, **options)(kernel)
    if _STATE.directory is not None:
        compiled._cache = _KernelCache(kernel)
    return _one_form(compiled)


def _one_form(compiled):
    """Let numbers that are written in calls be integers like others; Numba would compile a form for each of them."""
    if isinstance(compiled, Dispatcher):  # not with the JIT off
        choose = compiled.get_call_template

        def without_literals(arguments, named):
            named = {name: types.unliteral(kind) for name, kind in named.items()}
            return choose(tuple(map(types.unliteral, arguments)), named)

        compiled.get_call_template = without_literals
    return compiled


def thread_count(n_threads: int | None = None) -> int:
    """Return `n_threads`, else CLASSICSEG_NUM_THREADS, else the processors this process may use."""
    if n_threads is not None:
        return n_threads
    text = os.environ.get(_ENVIRONMENT_THREADS, "")
    if text:
        if not text.isdecimal() or int(text) < 1:
            raise ValueError(
                f"{_ENVIRONMENT_THREADS} must be a positive integer, got {text!r}; unset it for the default"
            )
        return int(text)
    return available_processors()


def available_processors() -> int:
    """Count the processors of the affinity mask, capped by the cgroup's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity mask
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            count = min(count, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # no cgroup version 2 here: the mask alone decides
    return count


_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_pool_lock = threading.Lock()


def _forget_pool() -> None:
    """Drop the pool in a forked child: its threads did not come along."""
    global _pool, _pool_size, _pool_lock
    _pool, _pool_size, _pool_lock = None, 0, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _pool_of(size: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    with _pool_lock:
        if _pool is None or _pool_size < size:
            _pool = ThreadPoolExecutor(size, thread_name_prefix="classicseg")
            _pool_size = size
        return _pool


def run_blocks(function: Callable[[int], object], n_blocks: int, n_threads: int | None = None) -> None:
    """Call ``function(block)`` for every block, on `n_threads` threads.

    Which thread takes a block is left open, so `function` writes only to places that belong to its block. The
    number of blocks must not follow the number of threads: this is what keeps results bit-identical.
    """
    n_threads = min(thread_count(n_threads), n_blocks)
    if n_threads <= 1:
        for block in range(n_blocks):
            function(block)
        return

    def share(first: int) -> None:
        for block in range(first, n_blocks, n_threads):
            function(block)

    futures = [_pool_of(n_threads).submit(share, first) for first in range(1, n_threads)]
    try:
        share(0)
    finally:
        for future in futures:
            future.result()
