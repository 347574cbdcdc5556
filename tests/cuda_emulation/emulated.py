"""Fixtures of the emulated device, for the conftest files of the folders that use them."""

import os
import sys
from pathlib import Path

import cudasim
import pytest


@pytest.fixture(scope="session")
def build_folder(request, tmp_path_factory):
    """Where compiled CUDA text is kept, between runs too; the names are hashes of all that went in."""
    if folder := os.environ.get("CLASSICSEG_CUDA_BUILD"):
        return Path(folder)
    cache = getattr(request.config, "cache", None)  # None under -p no:cacheprovider
    return cache.mkdir("cuda_emulation") if cache else tmp_path_factory.mktemp("cuda_emulation")


@pytest.fixture
def emulator(build_folder):
    """A device that runs threads in forward order; set `order` for another one."""
    if reason := cudasim.missing():
        pytest.skip(reason)
    return cudasim.Emulator(build_folder)


@pytest.fixture
def fake_cupy(emulator, monkeypatch):
    """The stand-in for CuPy, as `import cupy` gives it, on the emulated device."""
    import fake_cupy

    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module)
    monkeypatch.setattr(fake_cupy.module, "emulator", emulator)
    return fake_cupy.module


@pytest.fixture(scope="session")
def sanitizer():
    """The environment of a process that runs text built with AddressSanitizer."""
    if cudasim.sanitizer_library() is None:
        pytest.skip(cudasim.missing() or "g++ has no AddressSanitizer library here (libasan)")
    return os.environ | cudasim.sanitizer_environment()
