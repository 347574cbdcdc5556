"""Felzenszwalb's segmentation beside scikit-image's, and what holds for images of any kind."""

import numpy as np
import pytest
from felzenszwalb_checks import SMALL, patches
from memory_probe import peak_of
from numpy.testing import assert_array_equal
from scipy import ndimage

from classicseg import felzenszwalb, pixel_features
from classicseg._kernels.cpu import felzenszwalb as kernels
from classicseg.metrics import covering


@pytest.fixture
def small_pieces(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setattr(kernels, name, value)


@pytest.mark.parametrize("sigma", [0, 0.8, 2.5])
@pytest.mark.parametrize("ties", [False, True])
def test_labels_are_those_of_scikit_image(rng, monkeypatch, sigma, ties):
    """With edges of one weight in the order that they have in its list, which is ours."""
    segmentation = pytest.importorskip("skimage.segmentation", reason="scikit-image comes with the extra benchmarks")
    images = [rng.random((60, 71, 3)), rng.random((60, 71))]
    images += [np.round(image * 3) / 3 for image in images] if ties else [patches(rng, (60, 71)) / 255]
    argsort = np.argsort
    for image in images:
        for scale, min_size in ((1, 20), (50, 0), (300, 40)):
            with monkeypatch.context() as patch:
                patch.setattr(np, "argsort", lambda a, *rest: argsort(a, kind="stable"))
                expected = segmentation.felzenszwalb(image, scale, sigma, min_size)
            assert_array_equal(felzenszwalb(image, scale, sigma, min_size), expected)


def test_float32_is_near_to_float64(rng):
    yy, xx = np.mgrid[:120, :150]
    image = 90 + 60 * np.sin(xx / 19) + 50 * np.cos(yy / 13 + xx / 40) + 60 * (xx > 70)
    image = np.clip(image[..., None] * [1, 0.8, 0.6] + rng.normal(0, 4, (120, 150, 3)), 0, 255).astype(np.uint8)
    for scale in (50, 300):
        ours, exact = felzenszwalb(image, scale, min_size=20), felzenszwalb(image / 255, scale, min_size=20)
        assert min(covering(exact + 1, ours + 1), covering(ours + 1, exact + 1)) >= 0.98


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_the_same_bits_for_any_number_of_threads(rng, small_pieces, dtype):
    image = patches(rng, (70, 61)).astype(dtype)
    mask = rng.random((70, 61)) < 0.95
    one = felzenszwalb(image, [100, 1000], n_threads=1, mask=mask)
    for n_threads in (2, 3, 5):
        assert_array_equal(felzenszwalb(image, [100, 1000], n_threads=n_threads, mask=mask), one)


def test_rounds_change_nothing(rng, monkeypatch):
    image = patches(rng, (50, 61))
    expected = felzenszwalb(image, 100)
    for share in (0.01, 0.5, 9):
        monkeypatch.setattr(kernels, "SHARE", share)
        monkeypatch.setattr(kernels, "SMALLEST_ROUND", 1)
        assert_array_equal(felzenszwalb(image, 100), expected)


def test_many_scales_at_once(rng, small_pieces):
    image = patches(rng, (40, 45), noise=30)
    scales = [3000, 1, 40, 300]
    found = felzenszwalb(image, scales)
    assert found.shape == (4, 40, 45)
    assert len(np.unique(found.max(axis=(1, 2)))) == 4
    for scale, labels in zip(scales, found):
        assert_array_equal(labels, felzenszwalb(image, scale))
    assert felzenszwalb(image, [40]).shape == (1, 40, 45)


def test_values_outside_the_mask_change_nothing(rng):
    image, mask = rng.random((30, 41, 3)), rng.random((30, 41)) < 0.8
    other = np.where(mask[..., None], image, np.nan)
    found = felzenszwalb(other, 100, mask=mask)
    assert_array_equal(found < 0, ~mask)
    assert_array_equal(found[~mask], -1)
    assert_array_equal(felzenszwalb(np.where(mask[..., None], image, 1e9), 100, mask=mask), found)
    assert_array_equal(felzenszwalb(image, 100, mask=np.ones((30, 41), bool)), felzenszwalb(image, 100))
    assert_array_equal(felzenszwalb(image, [1, 2], mask=np.zeros((30, 41), bool)), np.full((2, 30, 41), -1))


@pytest.mark.parametrize("masked", [False, True])
def test_regions_are_connected_numbered_and_large_enough(rng, masked):
    image = patches(rng, (60, 67), noise=40)
    mask = np.ones((60, 67), bool)
    if masked:
        mask[:, 20] = mask[33] = False
    found = felzenszwalb(image, 60, min_size=25, mask=mask if masked else None)
    assert found.dtype == np.int32
    numbers, first = np.unique(found[mask], return_index=True)
    assert_array_equal(numbers, np.arange(len(numbers)))
    assert (np.diff(first) > 0).all()
    assert np.bincount(found[mask]).min() >= 25
    assert all(ndimage.label(found == label, np.ones((3, 3)))[1] == 1 for label in numbers)


def test_one_scale_for_all_dtypes(rng):
    image = patches(rng, (40, 44))
    expected = felzenszwalb(image, 100, 0)
    assert_array_equal(felzenszwalb(image.astype(np.uint16) * 257, 100, 0), expected)
    assert_array_equal(felzenszwalb(image.astype(np.float32), 100 * 255, 0), expected)
    assert_array_equal(felzenszwalb(image.astype(np.int64), 100, 0), expected)
    assert_array_equal(felzenszwalb(image.tolist(), 100, 0), expected)


def test_features_are_compared_as_they_are(rng):
    image, depth = patches(rng, (30, 34)), rng.integers(0, 3, (30, 34)).astype(np.float32)
    depth[4:9, 5:9] = np.nan
    features = pixel_features(image, "RGBd", depth=depth, channel_weights={"d": 50})
    holes = np.isnan(depth)
    stack = np.concatenate([image, np.where(holes, 0, 50 * depth)[..., None]], axis=2).astype(np.float32)
    found = felzenszwalb(features, 100 * 255)
    assert_array_equal(found, felzenszwalb(stack, 100 * 255, mask=~holes))
    mask = rng.random((30, 34)) < 0.9
    assert_array_equal(felzenszwalb(features, mask=mask) < 0, holes | ~mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [2.0**-120, 2.0**100])
def test_values_of_any_size(rng, dtype, factor):
    """A power of two is a unit, even where squares would leave the range of the dtype."""
    image = rng.random((30, 31)).astype(dtype)
    expected = felzenszwalb(image, 100)
    assert_array_equal(felzenszwalb(image * dtype(factor), 100 * factor), expected)
    assert_array_equal(felzenszwalb(image * 0, 100), 0)


@pytest.mark.parametrize("value", [1e3, -1e20, 3e38])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_hot_pixel_changes_nothing_elsewhere(rng, value, dtype):
    temperature = (25 + patches(rng, (30, 60), 1)[..., 0] / 50).astype(dtype)
    hot = temperature.copy()
    hot[15, 10] = value
    clean, found = (felzenszwalb(image, 255 * 5, min_size=1)[:, 30:] for image in (temperature, hot))
    assert_array_equal(np.unique(np.stack([clean, found]).reshape(2, -1), axis=1).shape[1], len(np.unique(clean)))
    assert len(np.unique(clean)) == len(np.unique(found))


def test_smoothing_has_the_bits_of_scipy(rng):
    for shape in ((1, 1), (5, 3), (70, 40), (150, 9)):
        image = rng.random((*shape, 2))
        for sigma in (0.1, 0.8, 3.0, 20.0):
            expected = ndimage.gaussian_filter(image, (sigma, sigma, 0))
            found = kernels.smoothed_planes(image, None, 1.0, np.float64, sigma, 2)
            assert_array_equal(np.moveaxis(found, 0, 2), expected)


def test_memory_of_a_large_image(rng, monkeypatch):
    """Planes of float32, link and limit of each pixel, and one round of edges; the counts of levels are as for any."""
    monkeypatch.setattr(kernels, "LARGEST_ROUND", 1)
    monkeypatch.setattr(kernels, "STRIPS", 2)
    image = patches(rng, (800, 500))
    felzenszwalb(image[:20], 100)
    peak, labels = peak_of(lambda: felzenszwalb(image, 100, n_threads=1))
    assert (peak - labels.nbytes) / labels.size < 26


def test_equal_values_join_however_high():
    """Nodata of 3e38, smoothed: its sums stay finite, and its differences are 0."""
    temperature = np.full((12, 40), 25, np.float32)
    temperature[:, :12] = 3e38
    found = felzenszwalb(temperature, 255 * 5, min_size=1)
    assert len(np.unique(found[:, :6])) == len(np.unique(found[:, 20:])) == 1
