"""What a test needs of a device, alike on the CPU and on CUDA."""

import os

import numpy as np
import pytest


def no_gpu(reason):
    """Skip the test, or fail it where CLASSICSEG_REQUIRE_GPU=1 says that there must be a GPU."""
    give_up = pytest.fail if os.environ.get("CLASSICSEG_REQUIRE_GPU") == "1" else pytest.skip
    give_up(reason)


class Cpu:
    """NumPy arrays and the CPU's kernels."""

    name = "cpu"

    @property
    def kernels(self):
        from classicseg._kernels.cpu import kmeans

        return kmeans

    def put(self, array):
        return array

    def take(self, array):
        assert isinstance(array, np.ndarray)
        return array


class Cuda:
    """CuPy arrays, real or emulated, and the CUDA kernels."""

    name = "cuda"

    def __init__(self, cupy, emulator=None):
        self.cupy = cupy
        self.emulator = emulator

    @property
    def kernels(self):
        from classicseg._kernels.cuda import kmeans

        return kmeans

    def put(self, array):
        return self.cupy.asarray(array)

    def take(self, array):
        assert isinstance(array, self.cupy.ndarray)
        return array.get()
