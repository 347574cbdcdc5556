"""The kernels behind hot spots, against their slow twins."""

import naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from classicseg._kernels.cpu import modules as kernels
from classicseg._kernels.cpu import regions as regions_kernels
from classicseg.thermal._windows import closed, maximum


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 1), (9, 13)])
def test_local_deviation(rng, shape):
    values = (20000 + rng.normal(0, 2, shape)).astype(np.float32)
    inside = rng.random(shape) < 0.8
    mean, deviation = np.empty(shape, np.float32), np.empty(shape, np.float32)
    kernels.local_deviation(values, inside, mean, deviation)
    expected_mean, expected = naive.local_deviation(values, inside)
    assert_allclose(mean, expected_mean, rtol=1e-6)
    assert_allclose(deviation, expected, atol=1e-5)
    out = np.empty(shape, np.float32)
    kernels.octaves(deviation, 0.5, out)
    assert_allclose(out, naive.octaves(deviation.astype(np.float64), 0.5), atol=1e-6)


def test_moments(rng):
    regions = rng.integers(0, 4, (9, 11)).astype(np.int32)
    member = rng.random((9, 11)) < 0.5
    sums = np.zeros((3, 7), np.int64)
    kernels.moments(regions, member, sums)
    for region in (1, 2, 3):
        r, c = np.nonzero(regions == region)
        expected = [len(r), r.sum(), c.sum(), (r * r).sum(), (c * c).sum(), (r * c).sum(), member[r, c].sum()]
        assert_array_equal(sums[region - 1], expected)


def test_nearest_owner_without_obstacles(rng):
    owner = np.zeros((30, 40), np.int32)
    owner[rng.integers(0, 30, 9), rng.integers(0, 40, 9)] = np.arange(1, 10)
    start = owner.copy()
    where = np.ones(owner.shape, bool)
    kernels.nearest_owner(owner, where)
    steps = naive.steps_to_owner(start, where)
    places = {n: np.argwhere(start == n)[0] for n in np.unique(start[start > 0])}
    for row, col in np.ndindex(owner.shape):
        assert np.abs(places[owner[row, col]] - (row, col)).sum() == steps[row, col]


def test_nearest_owner_stays_inside(rng):
    owner = np.zeros((5, 5), np.int32)
    owner[0, 0] = 3
    where = np.zeros((5, 5), bool)
    where[0, 1:4] = True
    kernels.nearest_owner(owner, where)
    assert_array_equal(owner[0], [3, 3, 3, 3, 0])
    assert not owner[1:].any()


def test_compare(rng):
    image = rng.normal(0, 1, (12, 15)).astype(np.float32)
    owner = rng.integers(0, 4, (12, 15)).astype(np.int32)
    where, within = rng.random((2, 12, 15)) < 0.8
    offsets = rng.integers(-4, 5, (3, 6, 2)).astype(np.int32)
    for at_least in (1, 3, 6):
        reference = np.empty((12, 15), np.float32)
        kernels.compare(image, owner, where, within, offsets, at_least, reference)
        assert_allclose(reference, naive.compare(image, owner, where, within, offsets, at_least), rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (11, 14)])
@pytest.mark.parametrize("radius", [0, 1, 3, 20])
def test_maximum_and_closing(rng, shape, radius):
    image = rng.normal(0, 1, shape).astype(np.float32)
    size = 2 * radius + 1
    assert_array_equal(maximum(image, radius), ndimage.maximum_filter(image, size, mode="nearest"))
    mask = rng.random(shape) < 0.1
    padded = np.pad(mask, 2 * size)  # far enough for the border not to matter
    expected = ndimage.binary_closing(padded, np.ones((size, size), bool))[2 * size : -2 * size, 2 * size : -2 * size]
    before = mask.copy()
    assert_array_equal(closed(mask, radius), expected)
    assert_array_equal(mask, before)


def test_sole_neighbours():
    regions = np.ones((9, 12), np.int32)
    regions[1:5, 1:5] = 2  # within 1, and itself around 3
    regions[2, 2] = 3
    regions[7, 8] = 4  # within 1
    regions[4, 5] = 5  # touches 1 and 2
    regions[8, 11] = 6  # in the corner of the image
    regions[6, 2] = 7
    regions[6, 3] = 0  # beside a pixel outside
    sole = np.empty(8, np.int32)
    regions_kernels.sole_neighbours(regions, sole)
    assert_array_equal(sole[1:], [-1, -1, 2, 1, -1, -1, -1])


def test_what_touches_the_border_the_outside_or_a_corner_has_no_sole_neighbour():
    regions = np.ones((9, 12), np.int32)
    for number, place in enumerate(((0, 4), (8, 6), (3, 0), (5, 11)), start=2):
        regions[place] = number  # one at each side of the image
    regions[2, 5], regions[3, 6] = 6, 7  # these two share a corner
    regions[5:8, 2:5], regions[6, 3] = 0, 8  # on an island in the outside
    regions[3, 9] = 9  # within 1
    sole = np.empty(10, np.int32)
    regions_kernels.sole_neighbours(regions, sole)
    assert_array_equal(sole, [-1] * 9 + [1])
