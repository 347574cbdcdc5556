"""Connected superpixels of bounded size on every device: the labels of the CPU, and of the slow twin."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from naive_slic import connected
from numpy.testing import assert_array_equal

from classicseg._kernels import kernels_for
from classicseg._kernels.cpu import slic_connect as on_cpu
from classicseg._kernels.cuda import slic_connect as on_cuda

SIZES = [(1, 10**9), (3, 1000), (8, 1000), (2, 5), (1, 1), (40, 60), (4, 33), (10**9, 10**9)]


def random_labels(rng, shape, n_labels):
    """Patches of labels with single pixels of others in them."""
    labels = rng.integers(0, n_labels, (-(-shape[0] // 4), -(-shape[1] // 4))).repeat(4, axis=0).repeat(4, axis=1)
    labels = labels[: shape[0], : shape[1]]
    return np.where(rng.random(shape) < 0.25, rng.integers(0, n_labels, shape), labels).astype(np.int32)


def made(device, labels, min_size, max_size, start_label=1):
    there = device.put(labels)
    found = device.take(kernels_for(there, "slic_connect").connected_parts(there, min_size, max_size, start_label))
    assert found.dtype == np.int32
    return found


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (21, 34)])
@pytest.mark.parametrize("n_labels", [1, 3])
@pytest.mark.parametrize(("min_size", "max_size"), SIZES)
def test_parts_as_defined(cuda, rng, shape, n_labels, min_size, max_size):
    labels = random_labels(rng, shape, n_labels)
    found = made(cuda, labels, min_size, max_size)
    assert_array_equal(found, on_cpu.connected_parts(labels, min_size, max_size, 1))
    if min_size < labels.size:  # the slow twin leaves out what is smaller than the image alone
        assert_array_equal(found, connected(labels, min_size, max_size))


@pytest.mark.parametrize(("min_size", "max_size"), SIZES)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_under_a_mask(cuda, rng, min_size, max_size, share):
    """Many islands, whose first parts are small and wait in groups."""
    for start_label in (0, 1):
        labels = np.where(rng.random((20, 33)) < share, random_labels(rng, (20, 33), 3), np.int32(-1))
        expected = on_cpu.connected_parts(labels, min_size, max_size, start_label)
        assert_array_equal(made(cuda, labels, min_size, max_size, start_label), expected)


def test_every_order_of_threads_gives_the_same(emulated_order, rng):
    for sizes in ((8, 50), (30, 10**6)):
        labels = random_labels(rng, (24, 41), 3)
        labels[10:13, 5:30] = -1
        assert_array_equal(made(emulated_order, labels, *sizes), on_cpu.connected_parts(labels, *sizes, 1))


def test_a_part_whose_walk_is_wide(cuda):
    """More pixels wait in the queue than a warp takes at a time."""
    labels = np.zeros((90, 90), np.int32)
    for sizes in ((1, 3000), (1, 64), (1, 65), (5000, 4000)):
        assert_array_equal(made(cuda, labels, *sizes), on_cpu.connected_parts(labels, *sizes, 1))


def test_pieces_far_apart(cuda, rng):
    """What is left of a part after the first piece begins rows later."""
    labels = np.full((12, 300), -1, np.int32)
    labels[:, 0] = labels[-1] = labels[6:, -1] = labels[0, :40] = 0
    for most in (5, 45, 200):
        assert_array_equal(made(cuda, labels, 1, most), on_cpu.connected_parts(labels, 1, most, 1))


@pytest.mark.parametrize("inside", [False, True])
def test_nothing_and_one_pixel_inside(cuda, inside):
    labels = np.full((5, 40), -1, np.int32)
    labels[3, 7] = 0 if inside else -1
    for sizes in ((1, 10), (5, 10)):
        assert_array_equal(made(cuda, labels, *sizes), labels + 1)


def test_the_input_is_left_alone(cuda, rng):
    labels = random_labels(rng, (12, 40), 3)
    there = cuda.put(labels)
    on_cuda.connected_parts(there, 4, 20, 1)
    assert_array_equal(cuda.take(there), labels)


def test_the_host_asks_for_a_few_numbers(emulated, rng):
    labels = emulated.put(random_labels(rng, (40, 60), 3))
    emulated.cupy.transfers = 0
    on_cuda.connected_parts(labels, 4, 20, 1)
    assert emulated.cupy.transfers <= 4


def test_images_too_large_for_a_walk_are_refused():
    class Labels:
        shape, size = (2**15, 2**14 + 1), 2**15 * (2**14 + 1)

    with pytest.raises(ValueError, match=r"at most 2\*\*29 pixels together, got 536903680; cut tiles"):
        on_cuda.connected_parts(Labels(), 1, 10, 1)


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (shape3 or mask or inside or apart)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
