"""One test body for three devices: the CPU, CUDA emulated on the CPU, and a GPU."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "cuda_emulation"))

import cudasim
from devices import Cpu, Cuda, no_gpu
from emulated import build_folder, emulator, fake_cupy, sanitizer

__all__ = ["build_folder", "emulator", "fake_cupy", "sanitizer"]

EMULATED = "cuda-emulated"
ORDERS = {"forward": cudasim.FORWARD, "reverse": cudasim.REVERSE, "random": cudasim.RANDOM}


@pytest.fixture(params=["cpu", EMULATED, pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    """Where a test runs: it has `kernels`, `put` for arrays that go there, and `take` for those that come back."""
    if request.param == "cpu":
        return Cpu()
    return request.getfixturevalue("emulated" if request.param == EMULATED else "gpu")


@pytest.fixture(params=[EMULATED, pytest.param("cuda", marks=pytest.mark.gpu)])
def cuda(request):
    """A CUDA device, emulated or real."""
    return request.getfixturevalue("emulated" if request.param == EMULATED else "gpu")


@pytest.fixture
def emulated(emulator, fake_cupy):
    """The emulated device; CLASSICSEG_SANITIZE=1 builds with AddressSanitizer, for a process prepared for it."""
    from classicseg._kernels.cuda import _module

    if os.environ.get("CLASSICSEG_SANITIZE") == "1":
        fake_cupy.emulator = cudasim.Emulator(emulator.cache, sanitize=True)
    _module.kernels.cache_clear()  # a compiled module belongs to one cupy, and this one lasts a test
    yield Cuda(fake_cupy, fake_cupy.emulator)
    _module.kernels.cache_clear()


@pytest.fixture(params=list(ORDERS))
def emulated_order(request, emulated):
    """The emulated device in each order of threads and blocks."""
    emulated.emulator.order = ORDERS[request.param]
    return emulated


@pytest.fixture
def gpu():
    """A real device. Where there is none, tests are skipped, or fail with CLASSICSEG_REQUIRE_GPU=1."""
    try:
        import cupy
    except ImportError:
        no_gpu("cupy is not installed; it comes with cupy-cuda12x or cupy-cuda13x")
    if not cupy.cuda.is_available():
        no_gpu("cupy finds no CUDA device here")
    return Cuda(cupy)
