"""Sums over regions on every device: the bits of the CPU, whatever the order in which pixels are added."""

import numpy as np
import pytest

from classicseg._kernels import kernels_for
from classicseg._kernels.cpu import segment_sums as cpu
from classicseg._kernels.cuda import segment_sums as cuda_kernels

N_CODES = (7, 5)
SHAPES = [(1, 1), (1, 300), (300, 1), (13, 17), (cuda_kernels.ROWS, 40), (cuda_kernels.ROWS + 1, 260), (70, 41)]


def picture(shape, n_planes, n_regions, size=100.0):
    """Planes, codes and labels; one region in streaks, the others in spots, and some pixels outside."""
    rng = np.random.default_rng(11)
    planes = (rng.normal(0, 1, (n_planes, *shape)) * size).astype(np.float32)
    colors, textons = (rng.integers(0, n, shape).astype(np.uint8) for n in N_CODES)
    labels = rng.integers(0, n_regions + 1, shape).astype(np.int32)
    labels[:, ::3] = n_regions
    planes[:, labels == 0] = np.float32(3e38)
    return labels, planes, colors, textons


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert isinstance(one, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def described(device, given, n_regions):
    labels, planes, colors, textons = map(device.put, given)
    return kernels_for(planes, "segment_sums").describe(labels, planes, colors, textons, N_CODES, n_regions)


@pytest.mark.parametrize("n_planes", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_have_the_bits_of_the_cpu(cuda, shape, n_planes):
    for n_regions, size in ((1, 1e6), (4, 100.0), (50, 1e-20)):
        given = picture(shape, n_planes, n_regions, size)
        n_regions = int(given[0].max())
        if np.bincount(given[0].ravel(), minlength=n_regions + 1)[1:].all():
            same(described(cuda, given, n_regions), cpu.describe(*given, N_CODES, n_regions))


def test_every_order_of_threads_gives_the_same(emulated_order):
    given = picture((70, 41), 3, 6)
    same(described(emulated_order, given, 6), cpu.describe(*given, N_CODES, 6))


def test_planes_that_are_views(cuda):
    labels, planes, colors, textons = picture((40, 50), 2, 3)
    given = [array[..., ::2] for array in (labels, planes, colors, textons)]
    expected = cpu.describe(*map(np.ascontiguousarray, given), N_CODES, 3)
    on_device = [cuda.put(array)[..., ::2] for array in (labels, planes, colors, textons)]
    found = kernels_for(on_device[1], "segment_sums").describe(*on_device, N_CODES, 3)
    same(found, expected)
