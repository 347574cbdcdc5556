"""Twin kernels share file name, function names and arguments: a driver is written once."""

import importlib
import inspect
from pathlib import Path

import pytest

from classicseg._kernels import cuda

MODULES = sorted(path.stem for path in Path(cuda.__file__).parent.glob("[!_]*.py"))
# Many small frames at once; what the compiler is told; the two halves of `connected`, for those who build on it.
ONLY_ON_CUDA = {"start_batch", "constants_of", "values_constants_of", "roots", "number"}


def functions(room, name):
    module = importlib.import_module(f"classicseg._kernels.{room}.{name}")
    return {
        key: value
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
    }


@pytest.mark.parametrize("name", MODULES)
def test_what_is_called_on_cuda_is_called_alike_on_the_cpu(name):
    there = {key: value for key, value in functions("cuda", name).items() if key not in ONLY_ON_CUDA}
    module = importlib.import_module(f"classicseg._kernels.cpu.{name}")
    assert there
    for key, value in there.items():
        twin = getattr(module, key)
        twin = getattr(twin, "py_func", twin)  # of a compiled kernel, the function it was made from
        arguments = list(inspect.signature(value).parameters)
        assert arguments == list(inspect.signature(twin).parameters)[: len(arguments)]


def test_kmeans_has_what_its_driver_calls():
    for room in ("cpu", "cuda"):
        assert {"start", "lloyd_step", "progress", "means", "finish", "lloyd_frames"} <= functions(
            room, "kmeans"
        ).keys()
        assert importlib.import_module(f"classicseg._kernels.{room}.kmeans").CHECK_EVERY >= 1
