"""Basins, passes and the merging by a score: equal to their slow twins, for any number of threads."""

import naive_segment_tree as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import connected_regions
from classicseg._kernels import _sums
from classicseg._kernels.cpu import borders, regions_runs, segment_merge, segment_sums, watershed

INF = np.float32(np.inf)


def relief_of(rng, shape, levels=0, outside=0.0):
    relief = (rng.integers(0, levels, shape) if levels else rng.random(shape)).astype(np.float32)
    relief[rng.random(shape) < outside] = INF
    return relief


def start_of(relief, planes, min_size, flat=-1.0):
    labels, count = watershed.basins(relief)
    between = borders.passes(labels, relief, planes)
    numbers = borders.joined(between, borders.areas(labels, count), min_size, flat)
    return numbers[labels], borders.renamed(between, numbers)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (11, 14), (300, 3)])
@pytest.mark.parametrize("levels", [0, 1, 2, 4])
def test_basins_equal_the_slow_twin(rng, shape, levels):
    """300 rows are more than two strips; with few levels there are many ties."""
    assert regions_runs.STRIP < 150
    for outside in (0.0, 0.3):
        relief = relief_of(rng, shape, levels, outside)
        labels, count = watershed.basins(relief)
        assert labels.dtype == np.int32
        assert_array_equal(labels, naive.basins(relief))
        assert count == labels.max()


def test_a_basin_is_connected_and_holds_one_minimum(rng):
    relief = relief_of(rng, (60, 70))
    labels, count = watershed.basins(relief)
    assert_array_equal(connected_regions(labels), labels)
    wall = np.pad(relief, 1, constant_values=INF)
    around = np.stack([wall[:-2, 1:-1], wall[2:, 1:-1], wall[1:-1, :-2], wall[1:-1, 2:]])
    assert count == (relief < around.min(axis=0)).sum()


def test_basins_are_those_of_the_watershed_by_flooding(rng):
    """Flooding gives a pixel to the basin whose water comes first, which is another one on few pixels."""
    segmentation = pytest.importorskip("skimage.segmentation", reason="scikit-image comes with the extra benchmarks")
    filters = pytest.importorskip("skimage.filters")
    relief = filters.gaussian(rng.random((80, 90)), 2).astype(np.float32)
    labels, count = watershed.basins(relief)
    flooded = segmentation.watershed(relief)
    assert flooded.max() == count
    pairs, pixels = np.unique(np.stack([labels, flooded]).reshape(2, -1), axis=1, return_counts=True)
    best = np.zeros(count + 1, int)
    np.maximum.at(best, pairs[0], pixels)
    assert best.sum() > 0.95 * labels.size


@pytest.mark.parametrize("outside", [0.0, 0.2])
def test_passes_equal_the_slow_twin(rng, outside):
    relief, planes = relief_of(rng, (270, 9), outside=outside), rng.random((2, 270, 9), np.float32)
    labels = naive.basins(relief)
    found, expected = borders.passes(labels, relief, planes), naive.passes(labels, relief, planes)
    assert [tuple(pair) for pair in found.pairs.tolist()] == sorted(expected)
    for i, pair in enumerate(sorted(expected)):
        assert (found.lengths[i], found.lowest[i]) == expected[pair][:2]
        assert_allclose(found.sums[i], expected[pair][2], rtol=1e-12)


def test_more_borders_than_there_is_room_for(rng):
    """Every pixel a region: the tables of a strip have to grow, twice."""
    labels = np.arange(1, 130 * 200 + 1, dtype=np.int32).reshape(130, 200)
    assert borders.ROOM * 4 < 128 * 200 * 2
    relief = rng.random(labels.shape, np.float32)
    found = borders.passes(labels, relief, relief[None])
    assert len(found.lengths) == 129 * 200 + 130 * 199
    assert (found.lengths == 1).all()
    across = found.pairs[:, 1] - found.pairs[:, 0] == 1
    assert_array_equal(found.lowest[across], np.maximum(relief[:, 1:], relief[:, :-1]).ravel())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0, 2, 5]), st.sampled_from([1, 2, 5, 12, 1000]))
def test_small_regions_equal_the_slow_twin(seed, levels, min_size):
    rng = np.random.default_rng(seed)
    relief = relief_of(rng, (9, 11), levels, outside=0.1)
    labels, between = start_of(relief, relief[None], min_size)
    assert_array_equal(labels, naive.without_small(naive.basins(relief), relief, min_size))
    areas = np.bincount(labels.ravel())[1:]
    alone = np.setdiff1d(np.arange(1, len(areas) + 1), between.pairs)
    assert (np.delete(areas, alone - 1) >= min_size).all()
    expected = naive.passes(labels, relief, relief[None])
    assert [tuple(pair) for pair in between.pairs.tolist()] == sorted(expected)
    for i, pair in enumerate(sorted(expected)):
        assert (between.lengths[i], between.lowest[i]) == expected[pair][:2]


def test_basins_of_a_flat_area_are_one():
    """Water on a plateau runs to its corners; what is parted by less than can be seen is one region."""
    relief = np.zeros((20, 30), np.float32)
    relief[:12, 15] = 1  # a wall, around which the plateau goes on
    labels, between = start_of(relief, relief[None], 1)
    assert labels.max() == 2
    assert between.lowest.tolist() == [0]
    labels, between = start_of(relief, relief[None], 1, flat=0.0)
    assert labels.max() == 1
    assert len(between.lowest) == 0
    assert start_of(relief + 1, relief[None], 1, flat=0.5)[0].max() == 2


def scene(rng, shape=(16, 18), n_planes=3):
    planes = (rng.random((n_planes, *shape)) * 100).astype(np.float32)
    strengths = rng.random((2, *shape), np.float32)
    colors, textons = (rng.integers(0, n, shape).astype(np.uint8) for n in (5, 4))
    return planes, strengths, colors, textons, (5, 4)


@pytest.mark.parametrize("n_planes", [1, 3])
@pytest.mark.parametrize("outside", [0.0, 0.05])
def test_steps_equal_the_slow_twin(rng, n_planes, outside):
    planes, strengths, colors, textons, n_codes = described = scene(rng, n_planes=n_planes)
    labels, between = start_of(relief_of(rng, planes.shape[1:], outside=outside), strengths, 9)
    weights = rng.normal(size=3 * 11 + 1)
    weights[22:33] = np.quantile(np.abs(weights), rng.random(11)) * 2  # the largest values that count
    n_regions = int(labels.max())
    first_pixel, area, sums = segment_sums.describe(labels, planes, colors, textons, n_codes, n_regions)
    assert_array_equal(first_pixel, np.unique(labels, return_index=True)[1][int(labels.min() == 0) :])
    ends, layout = between.pairs - np.int32(1), (n_planes, *n_codes)
    given = segment_merge.Described(area, sums, layout, ends, between.lengths, between.sums)
    steps, scores = segment_merge.merge_by_score(given, weights)
    expected = naive.merge_by_score(labels, weights, *described)
    assert len(steps) > 8
    assert [tuple(step) for step in (steps + 1).tolist()] == [(low, high) for low, high, _ in expected]
    assert_allclose(scores, [score for *_, score in expected], rtol=1e-6, atol=1e-6)

    for most_steps in (0, 5):
        *_, rows, features = segment_merge.features_after(given, weights, most_steps)
        after = labels.copy()
        for low, high in steps[:most_steps] + 1:
            after[after == high] = low
        assert len(rows) == len(naive.passes(after, strengths[0], strengths))
        for (a, b), found in zip(rows + 1, features):
            assert_allclose(found, naive.features(after, a, b, *described), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e6])
@pytest.mark.parametrize("n_planes", [1, 3])
def test_sums_equal_the_slow_twin(rng, size, n_planes):
    """To the bit, and those of float64 but for its rounding; some values are tiny, region 3 is nowhere, and what is
    outside is huge.
    """
    planes, _, colors, textons, n_codes = scene(rng, (21, 33), n_planes)
    planes = ((30 - planes) * size / 100 * rng.choice([1, 1e-9, 1e-13], planes.shape)).astype(np.float32)
    labels = rng.choice(np.array([0, 1, 2, 4], np.int32), colors.shape)
    planes[:, labels == 0] = 1e30
    described = labels, planes, colors, textons, n_codes
    first, area, sums = segment_sums.describe(*described, 4)
    assert (first.dtype, area.dtype, sums.dtype) == (np.int64, np.int64, np.float64)
    assert area.tolist() == [(labels == label).sum() for label in (1, 2, 3, 4)]
    for label in (1, 2, 4):
        assert first[label - 1] == np.flatnonzero(labels == label)[0]
        assert_array_equal(sums[label - 1], naive.sums(*described, label))
        values = planes[:, labels == label].astype(np.float64)
        assert_allclose(sums[label - 1, :n_planes], values.sum(axis=1), rtol=1e-11, atol=1e-11 * size)
        assert_allclose(sums[label - 1, n_planes : 2 * n_planes], (values**2).sum(axis=1), rtol=1e-11)


@pytest.mark.parametrize("value", [1e6, -1e6, 65.0, 2.0**-140, 0.0])
def test_sums_stay_within_64_bits(value):
    """One region of the largest values there are; the scales leave as much room for pictures of any size."""
    planes, codes = np.full((1, 300, 400), value, np.float32), np.zeros((300, 400), np.uint8)
    sums = segment_sums.describe(np.ones((300, 400), np.int32), planes, codes, codes, (1, 1), 1)[2]
    assert sums.tolist() == [[120_000 * value, 120_000 * value**2, 120_000, 120_000]]
    for n_pixels in (1, 12_000_000, 2**31):
        scales = _sums.scales_of(np.broadcast_to(np.float32(value), (1, 1, n_pixels)), Everywhere(n_pixels))
        for scale, most in zip(scales, (abs(value), value**2), strict=True):
            assert n_pixels * (int(most * scale) + 1) < 2**63


class Everywhere:
    """Labels of as many pixels as no test has room for."""

    def __init__(self, size):
        self.size = size

    def __gt__(self, _):
        return np.array(True)


def test_the_same_for_any_number_of_threads(rng):
    shape = (300, 40)
    planes, strengths, colors, textons, n_codes = scene(rng, shape)
    relief = relief_of(rng, shape)
    results = []
    for n_threads in (1, 2, 5):
        labels, count = watershed.basins(relief, n_threads)
        between = borders.passes(labels, relief, strengths, n_threads)
        results.append(
            (labels, *between, *segment_sums.describe(labels, planes, colors, textons, n_codes, count, n_threads))
        )
    for other in results[1:]:
        for one, same in zip(results[0], other):
            assert_array_equal(one, same)


def test_sums_become_numbers_where_they_lie(rng):
    n_regions = 2 * _sums.ROWS + 5
    sums = rng.integers(-(2**62), 2**62, (n_regions, 7))
    scales = _sums.Scales(2.0**40, 2.0**30)
    expected = sums.astype(float)
    expected[:, :2] /= scales.values
    expected[:, 2:4] /= scales.squares
    found = _sums.channels_of(sums, 2, scales)
    assert_array_equal(found, expected)
    assert np.shares_memory(found, sums)
