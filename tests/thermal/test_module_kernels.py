"""The kernels behind hot spots, against their slow twins."""

import naive_modules as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from classicseg._kernels.cpu import modules as kernels
from classicseg._kernels.cpu import regions as regions_kernels
from classicseg._kernels.cpu import roughness
from classicseg.thermal._windows import closed, maximum


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 5), (2, 2), (3, 1), (6, 1), (9, 13)])
def test_local_variance_and_octaves(rng, shape):
    values = (20000 + rng.normal(0, 2, shape)).astype(np.float32)
    inside = rng.random(shape) < 0.8
    mean, variance, out = (np.empty(shape, np.float32) for _ in range(3))
    roughness.local_variance(values, inside, mean, variance)
    expected_mean, expected = naive.local_variance(values, inside)
    assert_allclose(mean, expected_mean, rtol=1e-6)
    assert_allclose(variance, expected, atol=1e-5)
    roughness.octaves(variance, 0.5, out)
    assert_allclose(out, naive.octaves(np.sqrt(variance.astype(np.float64)), 0.5), atol=1e-6)


def test_octaves_over_the_whole_range_of_numbers():
    """From the noise, where the logarithm is 0, over every mantissa, to the largest variance of float32."""
    ratio = np.concatenate([[0, 1e-38, 0.999, 1], 1 + np.arange(4096) / 2048, 2.0 ** np.arange(1, 127), [3e38]])
    for noise in (1.0, 1e-6):
        variance = (ratio * noise**2)[:, None].repeat(3, axis=1).repeat(3, axis=0).astype(np.float32)
        out = np.empty(variance.shape, np.float32)
        roughness.octaves(variance, noise, out)
        expected = np.log2(np.maximum(np.sqrt(variance[::3, 0].astype(np.float64)), noise) / noise)
        assert_allclose(out[1::3, 1], expected, rtol=3e-7, atol=4e-7)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (9, 13)])
def test_nearest_is(rng, shape):
    temperature, texture = rng.integers(0, 5, (2, *shape)).astype(np.float32)
    steps = np.array([0.5, 0.25], np.float32)
    centers = rng.integers(0, 5, (6, 4)).astype(np.float32)  # so that there are ties, and float32 is exact
    centers[4] = centers[1]
    chosen = np.array([True, False, True, False, True, False])
    out = np.empty(shape, bool)
    kernels.nearest_is(temperature, texture, steps, centers, chosen, out)
    assert_array_equal(out, naive.nearest_is(temperature, texture, steps, centers, chosen))


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


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (8, 1), (7, 8), (12, 17)])
def test_nearest_owner_equals_its_slow_twin(rng, shape):
    for _ in range(20):
        owner = (rng.integers(1, 9, shape) * (rng.random(shape) < 0.1)).astype(np.int32)
        where = rng.random(shape) < 0.8
        expected = naive.nearest_owner(owner, where)
        kernels.nearest_owner(owner, where)
        assert_array_equal(owner, expected)


@pytest.mark.parametrize(("n", "m", "count"), [(1, 1, 1), (5, 3, 3), (9, 40, 1), (30, 30, 7)])
def test_nearest_points(rng, n, m, count):
    points, others = rng.integers(0, 5, (n, 2)).astype(np.float64), rng.integers(0, 5, (m, 2)).astype(np.float64)
    index, squared = np.empty((n, count), np.int64), np.empty((n, count))
    kernels.nearest_points(points, others, index, squared)
    expected = ((points[:, None] - others) ** 2).sum(axis=2)
    order = np.argsort(expected, axis=1, kind="stable")[:, :count]  # many ties on so small a grid
    assert_array_equal(index, order)
    assert_array_equal(squared, np.take_along_axis(expected, order, axis=1))


def test_extents(rng):
    owner = np.repeat(rng.integers(0, 4, (9, 7)), 3, axis=1).astype(np.int32)
    values = rng.normal(30, 5, owner.shape).astype(np.float32)
    boxes, total = np.empty((4, 4), np.int64), np.zeros(4)
    kernels.extents(owner, values, boxes, total)
    for number, found in enumerate(ndimage.find_objects(owner, 3)):
        assert_array_equal(boxes[number], [found[0].start, found[1].start, found[0].stop, found[1].stop])
    assert_array_equal(total, np.bincount(owner.ravel(), values.ravel(), 5)[1:])  # the very bits
    assert (boxes[3, :2] > boxes[3, 2:]).all()


def test_nearest_owner_stays_inside(rng):
    owner = np.zeros((5, 5), np.int32)
    owner[0, 0] = 3
    where = np.zeros((5, 5), bool)
    where[0, 1:4] = True
    kernels.nearest_owner(owner, where)
    assert_array_equal(owner[0], [3, 3, 3, 3, 0])
    assert not owner[1:].any()


@pytest.mark.parametrize("n_neighbours", [1, 3, 6, 8])
def test_compare(rng, n_neighbours):
    image = rng.normal(0, 1, (12, 15)).astype(np.float32)
    image[rng.random((12, 15)) < 0.1] = -np.inf  # nodata
    owner = np.repeat(rng.integers(0, 4, (12, 5)), 3, axis=1).astype(np.int32)
    where, within = rng.random((2, 12, 15)) < 0.8
    offsets = rng.integers(-6, 7, (3, n_neighbours, 2)).astype(np.int32)
    offsets[0, 0] = 0, -15  # just beside the image
    for at_least in (1, 3, 6):
        reference = np.empty((12, 15), np.float32)
        kernels.compare(image, owner, where, within, offsets, at_least, reference)
        assert_allclose(reference, naive.compare(image, owner, where, within, offsets, at_least), rtol=1e-6)


@pytest.mark.parametrize("n_lines", range(1, 10))
def test_exchanges_sort_everything(n_lines):
    """What sorts every column of zeros and ones sorts every column."""
    lines = np.array([[number >> line & 1 for number in range(2**n_lines)] for line in range(n_lines)], np.float32)
    expected = np.sort(lines, axis=0)
    kernels._sort_columns(lines)
    assert_array_equal(lines, expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (11, 14)])
@pytest.mark.parametrize("radius", [0, 1, 2, 3, 4, 20])
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


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (9, 17)])
def test_sole_neighbours_equal_their_slow_twin(rng, shape):
    for _ in range(20):
        regions = (rng.integers(0, 9, shape) * (rng.random(shape) < 0.4) + 1).astype(np.int32)
        regions[rng.random(shape) < 0.03] = 0
        sole = np.empty(int(regions.max()) + 1, np.int32)
        regions_kernels.sole_neighbours(regions, sole)
        assert_array_equal(sole, naive.sole_neighbours(regions))


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
