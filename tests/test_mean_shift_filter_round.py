"""Round windows: of several columns of lanes, at the sides of blocks, and when a pixel stays."""

import numpy as np
import pytest
from naive_mean_shift import climb_opencv, filtered
from numpy.testing import assert_array_equal
from test_mean_shift_filter import KERNELS, blotches, modes

from classicseg import mean_shift_segment, merge_small_regions


@pytest.mark.parametrize(
    ("kernel", "spatial"), [("flat", 9), ("flat", 17.5), ("epanechnikov", 4.5), ("epanechnikov", 13), ("gaussian", 4.3)]
)
def test_windows_of_several_columns(rng, kernel, spatial):
    """What lies beside the circle's chord is left out, and nothing that lies in it."""
    image = blotches(rng, (37, 41), 1)
    found, _ = modes(image, spatial, 15, kernel=kernel, max_num_iter=4)
    expected = filtered(image, spatial, [15.0], kernel=kernel, max_num_iter=4)
    assert_array_equal(found[..., :-1], expected[..., :-1])


@pytest.mark.parametrize("radius", [5, 10, 13, 25])
def test_pixels_on_the_circle_count(radius):
    """5, 10, 13 and 25 have pixels at exactly their distance, also off the axes: (3, 4), (6, 8), (5, 12), (7, 24)."""
    rows, cols = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    found, _ = modes(np.zeros(rows.shape), radius, 1, max_num_iter=1)
    assert found[radius, radius, -1] == (rows**2 + cols**2 <= radius**2).sum()


def test_a_count_beyond_what_float32_holds_of_moments():
    """A window of 513 × 513: sums of positions need 27 bits, and differences as many."""
    image = np.zeros((513, 513), np.uint16)
    image[:, 257:] = 2047
    found, _ = modes(image[:2], 256, 2048, max_num_iter=1)
    dx = np.arange(513)
    for x in (0, 256, 512):
        near = abs(dx - x) <= 256
        near_below = (dx - x) ** 2 + 1 <= 256**2
        mass = near.sum() + near_below.sum()
        value = (image[0, near].sum(dtype=float) + image[0, near_below].sum(dtype=float)) / mass
        assert found[0, x, -1] == mass
        assert found[0, x, 0] == np.rint(value)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_block_of_floats_gives_the_bits_of_the_whole_image(rng, kernel):
    image = (20 + 3 * rng.integers(0, 3, (50, 64, 2)) + rng.normal(0, 0.4, (50, 64, 2))).astype(np.float32)
    whole, _ = modes(image, 2.5, 1.5, kernel=kernel, max_num_iter=5)
    place = (9, 7, 50, 64)
    part, left = modes(image[9:45, 7:57], 2.5, 1.5, kernel=kernel, max_num_iter=5, place=place)
    assert_array_equal(part[~left], whole[9:45, 7:57][~left])
    assert 0.05 < left.mean() < 0.95


def test_a_mask_of_more_rows_than_are_prepared_at_once(rng):
    image, mask = blotches(rng, (41, 17), 2), rng.random((41, 17)) < 0.6
    image[~mask] = 255
    found, _ = modes(image, 3, 14, mask=mask, max_num_iter=3)
    assert_array_equal(found[mask], filtered(image, 3, [14.0] * 2, mask=mask, max_num_iter=3)[mask])
    assert not found[~mask].any()


@pytest.mark.parametrize("n_channels", [5, 16, 17, 70])
@pytest.mark.parametrize("kernel", KERNELS)
def test_many_channels(rng, kernel, n_channels):
    image = blotches(rng, (9, 10), n_channels)
    width = 12.0 * n_channels**0.5
    found, _ = modes(image, 3, width, kernel=kernel, max_num_iter=3)
    expected = filtered(image, 3, [width] * n_channels, kernel=kernel, max_num_iter=3)
    assert_array_equal(found[..., :-1], expected[..., :-1])


@pytest.mark.parametrize("kernel", KERNELS)
def test_many_channels_with_a_mask_and_a_bandwidth_each(rng, kernel):
    image, mask = blotches(rng, (11, 14), 18), rng.random((11, 14)) < 0.7
    image[~mask] = 255
    widths = rng.integers(40, 80, 18).astype(float)
    found, _ = modes(image, 3.5, widths, kernel=kernel, mask=mask)
    expected = filtered(image, 3.5, widths, kernel=kernel, mask=mask)
    assert_array_equal(found[..., :-1], expected[..., :-1])
    np.testing.assert_allclose(found[..., -1], expected[..., -1], rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_many_channels_in_a_block(rng, kernel):
    image = rng.normal(0, 1, (30, 33, 17)).astype(np.float32)
    whole, _ = modes(image, 2, 6, kernel=kernel, max_num_iter=2)
    part, left = modes(image[5:26, 4:29], 2, 6, kernel=kernel, max_num_iter=2, place=(5, 4, 30, 33))
    assert_array_equal(part[~left], whole[5:26, 4:29][~left])
    assert 0.05 < left.mean() < 0.95


@pytest.mark.parametrize(("tol", "column"), [(0.5, 1.0), (0.4999, 1.5)])
def test_a_step_of_just_the_tolerance_is_the_last(tol, column):
    """The first pixel's window holds columns 0 to 2: a step of half a bandwidth; from 1 it would hold one more."""
    image = np.zeros((1, 6))
    found, _ = modes(image, 2, 5, tol=tol)
    assert found[0, 0, 2] == column
    assert_array_equal(found, filtered(image[..., None], 2, [5.0], tol=tol))
    many, _ = modes(np.zeros((1, 6, 20)), 2, 5, tol=tol)
    assert many[0, 0, -2] == column


@pytest.mark.parametrize(("tol", "column"), [(1.0, 1.0), (0.9999, 2.0)])
def test_by_opencv_too(tol, column):
    image = np.zeros((1, 8), np.uint8)
    found, _ = modes(image, 2, 5, kernel="opencv", tol=tol)
    assert found[0, 0, 2] >= column
    assert (found[0, 0, 2] == 1.0) == (tol == 1.0)
    assert_array_equal(found, filtered(image[..., None], 2, 5, rule=climb_opencv, eps=tol))


def test_a_small_region_joins_the_nearest_mode_and_not_the_nearest_mean():
    """Two of the left region's pixels pull its mean from 0 to 2, and its modes to 0.5: 15.5 is nearer to 30 then."""
    image = np.array([[9.0, 9, 0, 0, 0, 0, 0, 0, 15.5, 30, 30, 30, 30]])
    found = mean_shift_segment(image, 6, 10, kernel="epanechnikov", min_size=2)
    assert_array_equal(found.labels, [[1] * 8 + [2] * 5])
    every = mean_shift_segment(image, 6, 10, kernel="epanechnikov").labels
    assert_array_equal(merge_small_regions(every, 2, image=image), [[1] * 9 + [2] * 4])
