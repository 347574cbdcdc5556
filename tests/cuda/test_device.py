"""`to_device`, and arrays of other libraries that speak DLPack."""

import sys

import numpy as np
import pytest
from devices import no_gpu

import classicseg
from classicseg import DeviceError, to_device
from classicseg._array import array_kind, as_array
from classicseg._kernels import adopt, kernels_for


class Tensor:
    """Another library's array: it knows DLPack and nothing else."""

    def __init__(self, owner, device):
        self._owner = owner
        self._device = device

    def __dlpack__(self, **options):
        return self._owner.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._device


def test_a_missing_gpu_skips_or_fails_as_it_was_asked(monkeypatch):
    monkeypatch.setenv("CLASSICSEG_REQUIRE_GPU", "1")
    with pytest.raises(pytest.fail.Exception, match="none here"):
        no_gpu("none here")
    monkeypatch.delenv("CLASSICSEG_REQUIRE_GPU")
    with pytest.raises(pytest.skip.Exception, match="none here"):
        no_gpu("none here")


def test_there_and_back(cuda):
    image = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    there = to_device(image, "cuda")
    assert array_kind(there) == "cupy"
    assert (there.shape, there.dtype) == (image.shape, image.dtype)
    assert to_device(there, "cuda") is there
    back = to_device(there, "cpu")
    assert isinstance(back, np.ndarray)
    assert np.array_equal(back, image)


def test_what_lies_on_the_host_stays_there():
    image = np.arange(6)
    assert to_device(image, "cpu") is image
    assert to_device([[1, 2], [3, 4]], "cpu").tolist() == [[1, 2], [3, 4]]
    shared = to_device(Tensor(image, (1, 0)), "cpu")
    assert np.shares_memory(shared, image)


def test_a_tensor_in_host_memory_is_taken_without_a_copy():
    image = np.random.default_rng(0).random((5, 6, 3))
    assert np.shares_memory(as_array("image", Tensor(image, (1, 0))), image)
    assert np.array_equal(
        classicseg.kmeans(Tensor(image, (1, 0)), 3, rng=0).labels, classicseg.kmeans(image, 3, rng=0).labels
    )


def test_a_tensor_on_a_cuda_device_is_taken_without_a_copy(cuda):
    image = np.random.default_rng(0).random((5, 6, 3)).astype(np.float32)
    owner = cuda.put(image)
    for kind in (2, 13):  # kDLCUDA, kDLCUDAManaged
        tensor = Tensor(owner, (kind, 0))
        adopted = adopt(tensor)
        assert array_kind(adopted) == "cupy"
        assert adopted.data.ptr == owner.data.ptr
        assert np.array_equal(to_device(tensor, "cpu"), image)
        assert to_device(tensor, "cuda").data.ptr == owner.data.ptr
        labels = classicseg.kmeans(
            tensor, 3, rng=0, tol=0.01, mask=Tensor(cuda.put(np.ones((5, 6), bool)), (kind, 0))
        ).labels
        assert array_kind(labels) == "cupy"
        assert np.array_equal(cuda.take(labels), classicseg.kmeans(image, 3, rng=0, tol=0.01).labels)


def test_a_tensor_on_a_cuda_device_is_refused_where_only_the_cpu_computes():
    labels = Tensor(np.ones((3, 4), np.int32), (2, 0))
    with pytest.raises(TypeError, match=r"labels lies on a CUDA device, .* pass classicseg.to_device\(labels, 'cpu'\)"):
        classicseg.merge_small_regions(labels, 2)


def test_without_cupy_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    for call in (lambda: to_device([1.0], "cuda"), lambda: classicseg.kmeans(Tensor(np.ones((4, 2)), (2, 0)), 2)):
        with pytest.raises(DeviceError) as caught:
            call()
        assert isinstance(caught.value, classicseg.ClassicsegError | RuntimeError)
        text = str(caught.value)
        assert text.startswith("CUDA cannot be used here: CuPy cannot be imported (")
        assert text.endswith(
            "pip install 'classicseg[cuda12]' or 'classicseg[cuda13]', whichever CUDA version nvidia-smi shows"
        )


def test_without_a_device_the_error_says_so(fake_cupy, monkeypatch):
    monkeypatch.setattr(fake_cupy.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"CuPy 0\.0-emulated finds no CUDA device; see that nvidia-smi lists one"):
        to_device([1.0], "cuda")


def test_bad_arguments():
    with pytest.raises(ValueError, match="device must be one of 'cpu', 'cuda', got 'gpu'"):
        to_device([1.0], "gpu")
    with pytest.raises(TypeError, match=r"array must be an array, got the text 'a\.png'"):
        to_device("a.png", "cpu")


def test_what_has_no_kernels_on_cuda_says_so(cuda):
    with pytest.raises(
        TypeError, match=r"there is no regions on CUDA yet, .* pass classicseg.to_device\(array, 'cpu'\)"
    ):
        kernels_for(cuda.put(np.ones(3)), "regions")


def test_a_kernel_module_that_fails_to_import_is_not_taken_for_a_missing_one():
    with pytest.raises(ModuleNotFoundError, match=r"classicseg\._kernels\.cpu\.none"):
        kernels_for(np.ones(3), "none")
