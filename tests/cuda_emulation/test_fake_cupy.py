"""The stand-in for CuPy refuses what CuPy refuses, and offers nothing that CuPy has not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


def test_nothing_becomes_numpy_unasked(fake_cupy):
    array = fake_cupy.arange(6)
    for convert in (np.asarray, np.array, np.ascontiguousarray, lambda one: np.arange(6)[one > 2]):
        with pytest.raises(TypeError, match="Implicit conversion to a NumPy array is not allowed"):
            convert(array)
    assert isinstance(array.get(), np.ndarray)
    assert isinstance(fake_cupy.asnumpy(array), np.ndarray)


def test_numpy_arrays_do_not_mix_in(fake_cupy):
    array, host = fake_cupy.ones(3), np.ones(3)
    for mixed in (
        lambda: array + host,
        lambda: host + array,
        lambda: array == host,
        lambda: fake_cupy.where(array > 0, array, host),
        lambda: fake_cupy.maximum(array, host),
        lambda: np.maximum(host, array),
        lambda: array.__setitem__(slice(None), host),
        lambda: array.__iadd__(host),
    ):
        with pytest.raises(TypeError, match="Unsupported type"):
            mixed()
    assert (array + 1.5).get().tolist() == [2.5, 2.5, 2.5]
    assert (array * np.float64(2)).get().tolist() == [2, 2, 2]


def test_functions_of_numpy_give_device_arrays(fake_cupy):
    array = fake_cupy.asarray([3.0, np.nan, 1.0])
    for result in (np.isfinite(array), np.sqrt(array), np.flatnonzero(array), np.concatenate([array, array])):
        assert isinstance(result, fake_cupy.ndarray)
    with pytest.raises(TypeError):
        np.linalg.svd(array)


def test_fresh_memory_is_poisoned(fake_cupy):
    assert set(fake_cupy.empty((3, 5), np.float32).get().view(np.uint8).ravel()) == {0xCB}
    assert set(fake_cupy.empty_like(fake_cupy.zeros(4)).get().view(np.uint8)) == {0xCB}


def test_an_upload_is_a_copy_and_a_view_is_none(fake_cupy):
    host = np.arange(6.0)
    array = fake_cupy.asarray(host)
    host[0] = 7
    assert float(array[0]) == 0
    view = array.reshape(2, 3)[:, ::-1]
    view[0, 0] = 9
    assert array.get()[2] == 9
    assert view.strides == (24, -8)
    assert view.data.ptr == array.data.ptr + 16


def test_transfers_to_the_host_are_counted(fake_cupy):
    array = fake_cupy.arange(3)
    before = fake_cupy.transfers
    array.get(), float(array[0]), bool(array.any())
    assert fake_cupy.transfers == before + 3


def test_a_kernel_takes_no_numpy_array(fake_cupy):
    kernel = fake_cupy.RawModule(code='extern "C" __global__ void f(int* o) { *o = 3; }').get_function("f")
    with pytest.raises(TypeError, match="Unsupported type"):
        kernel((1,), (1,), (np.zeros(1, np.int32),))
    out = fake_cupy.zeros(1, np.int32)
    kernel((1,), (1,), (out,))
    assert int(out[0]) == 3


def test_objects_and_other_devices_are_refused(fake_cupy):
    with pytest.raises(ValueError, match="Unsupported dtype object"):
        fake_cupy.asarray(np.array([None]))
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        fake_cupy.cuda.Device(1)


COMPARE = """
import sys
sys.path.insert(0, sys.argv[1])
import cupy, fake_cupy
for fake, real in ((fake_cupy.module, cupy), (fake_cupy.module.cuda, cupy.cuda), (fake_cupy.ndarray, cupy.ndarray)):
    for name in vars(fake):
        if not name.startswith("_") and name not in {"emulator", "transfers"} and not hasattr(real, name):
            print(name)
"""


def test_cupy_has_every_name_that_the_stand_in_has():
    pytest.importorskip("cupy", reason="cupy is not installed; it comes with cupy-cuda12x or cupy-cuda13x")
    done = subprocess.run([sys.executable, "-c", COMPARE, str(HERE)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
