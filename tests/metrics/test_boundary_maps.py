"""Boundary maps of label images, and their thinning."""

import naive_boundaries as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage
from skimage import morphology

from classicseg.metrics import boundary_map, thin

SHAPES = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 9), (8, 1), (7, 5), (12, 17)]
EIGHT = np.ones((3, 3))


def blobs(rng, shape, threshold):
    return ndimage.gaussian_filter(rng.standard_normal(shape), 2) > threshold


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64, bool])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_boundary_map_equals_the_drawn_grid(rng, shape, dtype):
    for n in (1, 2, 5):
        labels = rng.integers(0, n, shape).astype(dtype)
        found = boundary_map(labels)
        assert found.dtype == bool
        assert_array_equal(found, naive.boundary_map(labels))


def test_a_corner_is_marked_where_four_pixels_meet():
    labels = np.ones((4, 4), int)
    labels[2, 2] = 7
    expected = np.zeros((4, 4), bool)
    expected[1:3, 1:3] = True
    assert_array_equal(boundary_map(labels), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 10), st.integers(1, 10))
def test_names_of_labels_do_not_matter(seed, n_rows, n_cols):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, (n_rows, n_cols))
    names = rng.permutation(1000)[:4] - 500
    assert_array_equal(boundary_map(labels), boundary_map(names[labels]))
    assert not boundary_map(labels)[-1, -1]


@pytest.mark.parametrize("density", [0.1, 0.5, 0.8, 0.95, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_thinning_equals_the_slow_twin_and_scikit_image(rng, shape, density):
    for _ in range(3):
        mask = rng.random(shape) < density
        found = thin(mask)
        assert found.dtype == bool
        assert_array_equal(found, naive.thin(mask))
        assert_array_equal(found, morphology.thin(mask))


@pytest.mark.parametrize("threshold", [-0.1, 0, 0.1])
def test_wide_shapes_wear_down_as_in_scikit_image(rng, threshold):
    mask = blobs(rng, (70, 90), threshold)
    assert_array_equal(thin(mask), morphology.thin(mask))


def test_boundaries_of_regions_are_thinned_as_in_scikit_image(rng):
    labels = ndimage.label(blobs(rng, (60, 70), 0))[0] + 5 * ndimage.label(blobs(rng, (60, 70), 0.05))[0]
    mask = boundary_map(labels)
    assert mask.sum() > thin(mask).sum() > 100
    assert_array_equal(thin(mask), naive.thin(mask))


def test_all_256_neighbourhoods_in_both_half_steps():
    """Each alone in the middle of 5 × 5 pixels, so that every rule meets every neighbourhood."""
    for code in range(256):
        mask = np.zeros((5, 5), bool)
        bits = [bool(code >> i & 1) for i in range(8)]
        mask[1:4, 1:4] = np.array([*bits[:4], True, *bits[4:]]).reshape(3, 3)
        assert_array_equal(thin(mask), naive.thin(mask), err_msg=str(code))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 14), st.integers(1, 14), st.floats(0.05, 1))
def test_thinning_keeps_every_part_and_ends(seed, n_rows, n_cols, density):
    mask = np.random.default_rng(seed).random((n_rows, n_cols)) < density
    found = thin(mask)
    assert not (found & ~mask).any()
    assert_array_equal(thin(found), found)
    parts, n_parts = ndimage.label(mask, EIGHT)
    n_left = ndimage.label(found, EIGHT)[1]
    assert n_left == n_parts
    assert set(np.unique(parts[found])) == set(range(1, n_parts + 1))


def test_inputs_of_every_layout_stay_unchanged(rng):
    labels = rng.integers(0, 3, (24, 30)).astype(np.uint16)
    labels.setflags(write=False)
    found = boundary_map(labels[::2, ::-1])
    assert_array_equal(found, naive.boundary_map(labels[::2, ::-1].copy()))
    found.setflags(write=False)
    assert_array_equal(thin(found[::-1, ::2]), naive.thin(found[::-1, ::2].copy()))
    assert_array_equal(thin(found.tolist()), thin(found))
    assert_array_equal(boundary_map(labels.tolist()), boundary_map(labels))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: boundary_map([1, 2]), ValueError, "labels must have shape (M, N), got (2,); pass one image at a time"),
        (
            lambda: boundary_map([[0.5]]),
            TypeError,
            "labels must be of an integer dtype, got float64; number the regions",
        ),
        (lambda: boundary_map(np.zeros((0, 3), int)), ValueError, "labels must not be empty, got shape (0, 3)"),
        (
            lambda: thin([[1, 0]]),
            TypeError,
            "boundaries must be boolean, got int64; make a map of 0 and 1 one with > 0",
        ),
        (lambda: thin([True]), ValueError, "boundaries must have shape (M, N), got (1,); pass one image at a time"),
        (lambda: thin(np.zeros((3, 0), bool)), ValueError, "boundaries must not be empty, got shape (3, 0)"),
        (lambda: thin("edges.png"), TypeError, "boundaries must be an array, got the text 'edges.png'"),
        (lambda: thin(None), TypeError, "boundaries must be an array of numbers, got None"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
