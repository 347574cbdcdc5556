"""Texture features of values of any size beside one another, and the memory they take."""

import os

import numpy as np
import pytest
from memory_probe import peak_of
from numpy.testing import assert_allclose, assert_array_equal
from patterns import stripes

from classicseg import texture_features

KINDS = ["textons", "filters", "lbp"]
compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")


@pytest.mark.parametrize("power", [-120, -99, -41, -20, 39, 41, 51, 99, 120, 127])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_very_small_and_very_large_values(rng, kind, sign, power):
    image = sign * rng.random((20, 20)).astype(np.float32)
    options = {"kind": kind, "size": 5}
    scaled = texture_features(image * np.float32(2.0**power), **options, contrast=0.1 * 2.0**power)
    expected = texture_features(image, **options, contrast=0.1)
    assert_array_equal(scaled, expected * np.float32(2.0**power if kind == "filters" else 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 31])
def test_values_to_the_end_of_float32(kind, size):
    rows, cols = np.mgrid[:40, :40]
    largest = np.finfo(np.float32).max
    image = np.where((rows % 9 < 3) & (cols % 9 < 3), largest, -largest)  # spots, as centre-surround likes them
    found = texture_features(image, kind=kind, size=size)
    assert np.isfinite(found).all()
    assert (found[..., -1].max() == largest) == (kind == "filters" and size == 1)  # there it is more than float32 holds
    small = texture_features(image / 2.0**100, kind=kind, size=size, contrast=0)
    factor = 2.0**100 if kind == "filters" else 1
    assert_array_equal(found, np.minimum(small.astype(float) * factor, largest).astype(np.float32))


@pytest.mark.parametrize("power", [12, 16, 17.95])
def test_energies_of_large_values_in_large_windows(power):
    image = (np.sign(np.sin(np.arange(200.0) + 0.5)) * np.ones((200, 1))).astype(np.float32)
    small = texture_features(image, kind="filters", size=401)
    assert_allclose(texture_features(image * 10.0**power, kind="filters", size=401), small * 10.0**power, rtol=1e-5)


@pytest.mark.parametrize("largest", [1e-15, 1e-13, 1.0, 1e11, 1e16, 1e30])
def test_how_weak_structure_beside_the_largest_value_may_be(largest):
    """As the notes say: down to 1e-18 of it, or 1e-18 where the largest is between 1e-12 and 1e12."""
    weakest = 1e-18 * (largest if not 1e-12 <= largest <= 1e12 else 1.0)
    image = np.zeros((60, 60))
    image[:, 30:] = weakest * stripes(0.3, (60, 30)).astype(float)
    alone = texture_features(image / weakest, kind="filters", size=9)
    image[5, 5] = largest
    beside = texture_features(image, kind="filters", size=9)
    assert_allclose(beside[20:, 35:] / weakest, alone[20:, 35:], rtol=2e-4, atol=2e-3)
    assert beside[20:, 35:].min() > 0


def test_no_value_at_all():
    for value in (0.0, 1e-45):
        features = texture_features(np.full((5, 5), value, np.float32), contrast=3e38)
        assert_array_equal(features[..., 0], 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hot", [5000, 1e6, 9e11])
@pytest.mark.parametrize("masked", [False, True])
def test_one_hot_pixel_changes_nothing_elsewhere(kind, hot, masked):
    image = stripes(0.7, (60, 60)).astype(np.float32)
    mask = np.arange(3600).reshape(60, 60) % 7 > 0 if masked else None
    before = texture_features(image, kind=kind, size=9, mask=mask)
    image[25, 15] = hot
    after = texture_features(image, kind=kind, size=9, mask=mask)
    near = np.zeros((60, 60), bool)
    near[25 - 8 : 25 + 9, 15 - 8 : 15 + 9] = True  # the window and the filters reach 4 pixels each
    assert_array_equal(after[~near], before[~near])
    assert (after[25, 15] != before[25, 15]).any()


def test_beyond_the_range_of_squares_a_hot_pixel_changes_rounding_at_most(rng):
    image = rng.random((60, 90)).astype(np.float32)
    before = texture_features(image, kind="filters", size=9)
    image[25, 15] = 1e15
    after = texture_features(image, kind="filters", size=9)
    assert_allclose(after[:, 30:], before[:, 30:], rtol=1e-5)


@compiled
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "n_channels"), [(np.uint8, 1), (np.float64, 1), (np.uint8, 3)])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("size", "sigma"), [(31, 1.0), (301, 1.0), (31, 10.0)])
def test_memory_is_what_the_notes_say(kind, dtype, n_channels, masked, size, sigma):
    image = np.zeros((800, 2000, 3)[: 2 + (n_channels > 1)], dtype)
    mask = np.arange(800)[:, None] % 9 + np.zeros(2000, int) > 0 if masked else None
    options = {"kind": kind, "size": size, "sigma": sigma, "n_threads": 2}
    texture_features(image[:99, :99], **options)  # compiling takes memory of its own
    peak, features = peak_of(lambda: texture_features(image, mask=mask, **options))
    per_pixel = 1 + 4 * (n_channels > 1) + masked * (12 if dtype == np.float64 else 4)
    assert peak < features.nbytes + per_pixel * 800 * 2000 + 2 * max(4e6, 800 * sigma * 2000) + 1e5
