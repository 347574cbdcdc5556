"""Regions of one mode: against their definition, and on images whose answer is known."""

import numpy as np
import pytest
from naive_mean_shift import climb_opencv, filtered, fused
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import mean_shift_filter, mean_shift_segment, merge_small_regions

KERNELS = ("flat", "epanechnikov", "opencv")


def blotches(rng, shape, n_channels):
    image = rng.integers(0, 3, (*shape, n_channels)).repeat(4, axis=0).repeat(3, axis=1)[: shape[0], : shape[1]]
    return (image * 30 + rng.integers(0, 12, image.shape)).astype(np.uint8)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_neighbours_of_near_modes_belong_together(rng, kernel, n_channels, masked):
    image = blotches(rng, (15, 17), n_channels)
    mask = rng.random((15, 17)) < 0.8 if masked else np.ones((15, 17), bool)
    widths = [14.0] * n_channels
    rule = {"rule": climb_opencv} if kernel == "opencv" else {"kernel": kernel}
    expected = filtered(image, 3, 14 if kernel == "opencv" else widths, mask=mask, **rule)
    found = mean_shift_segment(image, 3, 14, kernel=kernel, mask=mask)
    assert_array_equal(found.modes[mask], expected[mask][:, :n_channels].astype(np.float32))
    assert_array_equal(found.positions[mask], expected[mask][:, -3:-1].astype(np.float32))
    assert_allclose(found.densities, expected[..., -1], rtol=1e-6)
    assert_array_equal(found.labels, fused(expected, mask, 3, widths))
    assert found.labels.max() > 2
    assert np.isnan(found.modes[~mask]).all()
    assert np.isnan(found.positions[~mask]).all()


def test_a_bandwidth_per_channel(rng):
    image = blotches(rng, (14, 15), 2)
    mask = np.ones((14, 15), bool)
    found = mean_shift_segment(image, 3, [10, 30])
    assert_array_equal(found.labels, fused(filtered(image, 3, [10.0, 30.0]), mask, 3, [10.0, 30.0]))


@pytest.mark.parametrize(("value", "labels"), [(10.0, [[1, 1]]), (10.25, [[1, 2]])])
def test_modes_at_one_bandwidth_belong_together_and_those_beyond_do_not(value, labels):
    """By the Epanechnikov kernel a pixel at one bandwidth has no weight, so both stay where they are."""
    assert_array_equal(mean_shift_segment([[0.0, value]], 2, 10, kernel="epanechnikov").labels, labels)


def test_a_pixel_outside_the_mask_joins_none():
    """It is near both of its neighbours, and they are not near each other."""
    found = mean_shift_segment([[0.0, 8.0], [-8.0, -8.0]], 2, 10, mask=[[False, True], [True, True]])
    assert_array_equal(found.labels, [[0, 1], [2, 2]])


@pytest.mark.parametrize("min_size", [2, 9, 40])
def test_small_regions_are_merged_into_the_nearest_mode(rng, min_size):
    image = blotches(rng, (20, 22), 3)
    found, all_of_them = mean_shift_segment(image, 3, 14, min_size=min_size), mean_shift_segment(image, 3, 14)
    assert_array_equal(found.labels, merge_small_regions(all_of_them.labels, min_size, image=all_of_them.modes))
    assert np.bincount(found.labels.ravel())[1:].min() >= min_size


def test_the_modes_are_those_of_the_filter(rng):
    image = blotches(rng, (16, 18), 3)
    modes = mean_shift_segment(image, 3, 14).modes
    assert_array_equal(np.rint(modes).astype(np.uint8), mean_shift_filter(image, 3, 14))


def test_patches_are_found_without_their_number(rng):
    labels = np.ones((30, 36), np.int32)
    labels[:, 12:24], labels[:, 24:] = 2, 3
    image = np.array([0, 40, 90])[labels - 1][..., None] + rng.integers(-5, 6, (30, 36, 3)) + 20
    found = mean_shift_segment(image.astype(np.uint8), 6, 20)
    assert_array_equal(found.labels, labels)


def test_a_hot_pixel_changes_the_partition_nowhere_else(rng):
    image = blotches(rng, (24, 25), 3)
    mask = np.ones((24, 25), bool)
    mask[12, 13] = False
    clean = mean_shift_segment(image, 3, 14, mask=mask).labels
    image[12, 13] = 255
    hot = mean_shift_segment(image, 3, 14).labels
    pairs = np.unique(np.stack([clean[mask], hot[mask]]), axis=1)
    assert len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1]
    assert (hot == hot[12, 13]).sum() == 1


@pytest.mark.parametrize("n_threads", [2, 5])
def test_the_same_bits_for_any_number_of_threads(rng, n_threads):
    image = blotches(rng, (33, 21), 3)
    one, more = (mean_shift_segment(image, 3, 14, min_size=5, n_threads=n) for n in (1, n_threads))
    for name in ("labels", "modes", "positions", "densities"):
        assert_array_equal(getattr(one, name), getattr(more, name))


def test_one_pixel():
    found = mean_shift_segment(np.array([[5.0]]), 3, 1)
    assert found.labels.tolist() == [[1]]
    assert found.densities.tolist() == [[1]]


@pytest.mark.parametrize("min_size", [0, 2.5])
def test_a_bad_size(min_size):
    error, rule = (
        (ValueError, "at least 1, got 0") if min_size == 0 else (TypeError, "an integer, got 2.5 of type float")
    )
    with pytest.raises(error) as caught:
        mean_shift_segment(np.zeros((3, 3)), 3, 1, min_size=min_size)
    assert str(caught.value) == f"min_size must be {rule}"
