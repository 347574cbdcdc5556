"""Connected regions and the merging of small ones."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from skimage.measure import label

from classicseg import connected_regions, merge_small_regions
from classicseg._kernels.cpu.regions_runs import STRIP
from classicseg.regions._merge import merge_equal_regions

SHAPES = [(1, 1), (1, 7), (7, 1), (13, 17), (STRIP - 1, 3), (STRIP, 3), (STRIP + 1, 3), (2 * STRIP + 5, 9)]


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_slow_twin_and_scikit_image(rng, shape, connectivity):
    labels = rng.integers(0, 3, shape)
    found = connected_regions(labels, connectivity)
    assert found.dtype == np.int32
    assert_array_equal(found, naive.connected_regions(labels, connectivity))
    assert_array_equal(found, label(labels + 1, connectivity=connectivity))


@pytest.mark.parametrize("connectivity", [1, 2])
def test_mask_and_negative_labels_are_outside(rng, connectivity):
    labels = rng.integers(-1, 3, (40, 30))
    mask = rng.random((40, 30)) < 0.7
    found = connected_regions(labels, connectivity, mask=mask)
    assert_array_equal(found == 0, ~(mask & (labels >= 0)))
    assert_array_equal(found, naive.connected_regions(labels, connectivity, mask))


def test_a_spiral_and_a_comb_across_strips():
    comb = np.zeros((3 * STRIP, 41), int)
    comb[:, ::2] = 1
    comb[-1] = 1  # the teeth join in the last row only
    found = connected_regions(comb)
    assert found[0, 0] == found[0, 40] == 1
    assert found.max() == 1 + 20


def test_the_same_for_any_number_of_threads(rng):
    labels = rng.integers(0, 2, (4 * STRIP + 3, 50))
    one = connected_regions(labels, n_threads=1)
    for n_threads in (2, 5):
        assert_array_equal(one, connected_regions(labels, n_threads=n_threads))


@pytest.mark.parametrize("with_image", [False, True])
@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("min_size", [1, 2, 5, 20, 10**6])
def test_merging_equals_the_slow_twin(rng, with_image, connectivity, min_size):
    for _ in range(4):
        labels = rng.integers(0, 4, (14, 15))
        mask = rng.random(labels.shape) < 0.9
        regions = connected_regions(labels, connectivity, mask=mask)
        image = rng.integers(0, 9, (14, 15, 2)).astype(np.float64) if with_image else None
        found = merge_small_regions(regions, min_size, image=image, connectivity=connectivity)
        assert_array_equal(found, naive.merge_small_regions(regions, min_size, image, connectivity))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_merging_leaves_no_small_region_that_has_a_neighbour(seed, min_size):
    rng = np.random.default_rng(seed)
    regions = connected_regions(rng.integers(0, 3, (12, 18)))
    merged = merge_small_regions(regions, min_size)
    areas = np.bincount(merged.ravel())[1:]
    assert len(areas) == 1 or areas.min() >= min_size
    assert_array_equal(connected_regions(merged), merged)  # still connected, numbered by first pixel
    for region in range(1, int(regions.max()) + 1):
        assert len(np.unique(merged[regions == region])) == 1  # a region is never split


def test_closest_is_by_value_or_by_border():
    regions = np.array([[1, 1, 1, 1], [1, 2, 3, 3], [3, 3, 3, 3]])
    image = np.choose(regions, [0, 10, 29, 30])
    assert merge_small_regions(regions, 2, image=image)[1, 1] == 2  # nearest in value: the lower one
    assert merge_small_regions(regions, 2)[1, 1] == 1  # equal borders: the lower number


def test_nan_outside_is_no_value():
    """Nodata of a thermal frame is NaN, and 0 in the labels."""
    regions = np.array([[1, 1, 2, 3, 3, 0]])
    image = np.array([[10.0, 10.0, 19.0, 20.0, 20.0, np.nan]])
    assert_array_equal(merge_small_regions(regions, 2, image=image), [[1, 1, 2, 2, 2, 0]])


def test_a_lonely_small_region_stays():
    regions = np.array([[1, 0, 2], [0, 0, 2]])
    assert_array_equal(merge_small_regions(regions, 5), regions)


def test_nothing_inside():
    assert_array_equal(merge_small_regions(np.zeros((3, 4), int), 2), np.zeros((3, 4)))


def test_inputs_stay_unchanged(rng):
    labels = rng.integers(0, 3, (12, 12)).astype(np.int32)
    labels.setflags(write=False)
    image = rng.random((12, 12))
    image.setflags(write=False)
    regions = connected_regions(labels[::2, ::2])
    regions.setflags(write=False)
    merge_small_regions(regions, 4, image=image[::2, ::2])
    assert_array_equal(regions, connected_regions(labels[::2, ::2].copy()))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: connected_regions([1, 2]), ValueError, "labels must have 2 axes, got shape (2,)"),
        (lambda: connected_regions([[0.5]]), TypeError, "labels must be of an integer dtype, got float64"),
        (lambda: connected_regions([[2**40]]), ValueError, "labels must fit into int32"),
        (lambda: connected_regions(np.zeros((0, 3), int)), ValueError, "labels must not be empty"),
        (lambda: connected_regions([[1]], 3), ValueError, "connectivity must be one of 1, 2, got 3"),
        (lambda: connected_regions([[1]], mask=[[0.5]]), TypeError, "mask must be boolean"),
        (lambda: connected_regions([[1]], n_threads=0), ValueError, "n_threads must be at least 1"),
        (lambda: merge_small_regions([[-1]], 2), ValueError, "pass cluster labels through connected_regions()"),
        (lambda: merge_small_regions([[1]], 0), ValueError, "min_size must be at least 1"),
        (lambda: merge_small_regions([[1]], 1, image=[[1, 2]]), ValueError, "image must have the labels' shape (1, 1)"),
        (lambda: merge_small_regions([[1]], 1, image=[[np.nan]]), ValueError, "set the labels of such pixels to 0"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_labels_far_beyond_the_number_of_pixels_are_refused_at_once():
    """A table of that many regions would be made for them: gigabytes, for a few pixels."""
    with pytest.raises(
        ValueError, match=r"labels must be numbered 1\.\.n, got 100000000 in an image of 3 pixels; pass"
    ):
        merge_small_regions([[0, 1, 10**8]], 2)
    assert_array_equal(merge_small_regions([[0, 1, 3]], 1), [[0, 1, 2]])


def test_joined_regions_are_those_with_one_mean():
    """Rounding of the means tells nothing apart, and a mere difference of 1e-5 does."""
    regions = np.repeat([[1, 2, 3], [4, 5, 6]], 4, axis=0).astype(np.int32)
    image = np.repeat([[0.3, 0.3, 0.7], [0.7, 0.3 + 1e-5, 0.7]], 4, axis=0).astype(np.float32)
    joined = merge_equal_regions(regions, image)
    assert_array_equal(joined[[0, 4]], [[1, 1, 2], [3, 4, 2]])
    regions[0, 0] = 0
    assert merge_equal_regions(regions, image)[0, 0] == 0
