"""Connected regions on every device: the same numbers as the slow twin gives."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import naive
from numpy.testing import assert_array_equal

from classicseg import connected_regions
from classicseg._array import array_kind
from classicseg._kernels.cuda import regions_connected

SHAPES = [(1, 1), (1, 300), (300, 1), (7, 32), (9, 31), (6, 33), (3, 257), (40, 29), (8, 64)]  # warps: 32, blocks: 256
DTYPES = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def found_on(device, labels, connectivity=1, mask=None, view=lambda array: array):
    there = None if mask is None else view(device.put(mask))
    found = device.take(connected_regions(view(device.put(labels)), connectivity, mask=there))
    assert found.dtype == np.int32
    return found


def patches(rng, shape, n_labels, size=3):
    """Patches of labels with single pixels of others in them."""
    labels = rng.integers(0, n_labels, [-(-side // size) for side in shape]).repeat(size, axis=0).repeat(size, axis=1)
    labels = labels[: shape[0], : shape[1]]
    return np.where(rng.random(shape) < 0.2, rng.integers(0, n_labels, shape), labels)


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(cuda, rng, shape, connectivity):
    for n_labels in (1, 2, 3):
        labels = patches(rng, shape, n_labels)
        assert_array_equal(found_on(cuda, labels, connectivity), naive.connected_regions(labels, connectivity))


@pytest.mark.parametrize("connectivity", [1, 2])
def test_mask_and_negative_labels_are_outside(device, rng, connectivity):
    labels, mask = patches(rng, (21, 40), 3) - 1, rng.random((21, 40)) < 0.8
    found = found_on(device, labels, connectivity, mask)
    assert_array_equal(found, naive.connected_regions(labels, connectivity, mask))
    assert_array_equal(found == 0, ~(mask & (labels >= 0)))


def test_a_binary_image_that_is_its_own_mask(device, rng):
    shape = rng.random((20, 37)) < 0.5
    there = device.put(shape)
    assert_array_equal(device.take(connected_regions(there, mask=there)), naive.connected_regions(shape, 1, shape))


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("turn", [lambda a: a, lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.T])
def test_regions_that_are_long(device, turn, connectivity):
    """A comb whose teeth meet in the last row, and a snake: trees that grow deep, and meet late."""
    comb = np.zeros((40, 41), int)
    comb[:, ::2] = comb[-1] = 1
    snake = np.ones((41, 40), int)
    snake[1::2] = 0
    snake[1::4, -1] = snake[3::4, 0] = 1
    for labels in (comb, snake, np.eye(40, dtype=int), 1 - np.eye(40, dtype=int)):
        labels = turn(labels)
        assert_array_equal(found_on(device, labels, connectivity), naive.connected_regions(labels, connectivity))


@pytest.mark.parametrize("connectivity", [1, 2])
def test_every_order_of_threads_gives_the_same(emulated_order, rng, connectivity):
    for n_labels in (1, 2, 4):
        labels, mask = patches(rng, (19, 45), n_labels), rng.random((19, 45)) < 0.9
        found = found_on(emulated_order, labels, connectivity, mask)
        assert_array_equal(found, naive.connected_regions(labels, connectivity, mask))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(cuda, rng, dtype):
    labels = patches(rng, (9, 33), 2) * (1 if dtype == np.bool_ else 100)
    labels = labels.astype(dtype)
    if np.dtype(dtype).kind == "i":
        labels[2:4] = -1
    assert_array_equal(found_on(cuda, labels), naive.connected_regions(labels.astype(int), 1))


@pytest.mark.parametrize("view", [lambda a: a[::-1, ::2], lambda a: a.T[3:], lambda a: a[:, ::-3]])
def test_strides(device, rng, view):
    labels, mask = patches(rng, (14, 50), 3), rng.random((14, 50)) < 0.8
    expected = naive.connected_regions(view(labels), 2, view(mask))
    assert_array_equal(found_on(device, labels, 2, mask, view), expected)


def test_nothing_inside(device):
    assert not found_on(device, np.full((5, 40), -1)).any()
    assert not found_on(device, np.ones((5, 40), int), mask=np.zeros((5, 40), bool)).any()


def test_the_host_waits_for_nothing(emulated, rng):
    labels = emulated.put(patches(rng, (12, 40), 3).astype(np.int32))
    emulated.cupy.transfers = 0
    connected_regions(labels)
    assert emulated.cupy.transfers == 0


def test_the_input_is_left_alone(cuda, rng):
    labels = patches(rng, (12, 40), 3).astype(np.int32)
    there = cuda.put(labels)
    connected_regions(there)
    assert_array_equal(cuda.take(there), labels)


def test_a_tensor_of_another_library_on_the_device(cuda, rng):
    from test_device import Tensor

    labels, mask = patches(rng, (9, 40), 3).astype(np.int32), rng.random((9, 40)) < 0.8
    tensors = [Tensor(cuda.put(array), (2, 0)) for array in (labels, mask)]
    found = connected_regions(tensors[0], mask=tensors[1])
    assert array_kind(found) == "cupy"
    assert_array_equal(cuda.take(found), naive.connected_regions(labels, 1, mask))


def test_what_lies_apart_is_refused(cuda, rng):
    labels, mask = np.ones((3, 4), np.int32), np.ones((3, 4), bool)
    for pair in ((cuda.put(labels), mask), (labels, cuda.put(mask))):
        with pytest.raises(TypeError, match=r"^mask must lie where labels does, "):
            connected_regions(pair[0], mask=pair[1])


def test_labels_beyond_int32_are_refused_on_the_device(cuda):
    with pytest.raises(ValueError, match=r"^labels must fit into int32, got values from 1 to 1099511627776"):
        connected_regions(cuda.put(np.array([[1, 2**40]])))


def test_images_too_large_for_the_forest_are_refused():
    class Labels:
        shape, size = (2**15, 2**15 + 1), 2**15 * (2**15 + 1)

    with pytest.raises(ValueError, match=r"at most 2\*\*30 pixels, got 1073774592; cut tiles"):
        regions_connected.roots(Labels(), None, 1)


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (every_shape or negative or long)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
