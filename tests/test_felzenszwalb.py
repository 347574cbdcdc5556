"""Felzenszwalb's segmentation against its definition and scikit-image, and on images whose answer is known."""

import naive_felzenszwalb as naive
import numpy as np
import pytest
from memory_probe import peak_of
from numpy.testing import assert_array_equal
from scipy import ndimage

from classicseg import felzenszwalb, pixel_features
from classicseg._kernels.cpu import felzenszwalb as kernels
from classicseg._kernels.cpu.felzenszwalb_order import sort_buckets
from classicseg.metrics import covering


def patches(rng, shape, n_channels=3, noise=12):
    """Blocks of random colours and noise, so that there are edges, textures and equal weights."""
    small = rng.integers(20, 230, (-(-shape[0] // 7), -(-shape[1] // 9), n_channels))
    image = small.repeat(7, axis=0).repeat(9, axis=1)[: shape[0], : shape[1]]
    return (image + rng.integers(-noise, noise + 1, image.shape)).astype(np.uint8)


def quarters(values):
    return np.array(values).repeat(10, axis=0).repeat(10, axis=1)


@pytest.fixture
def small_pieces(monkeypatch):
    """Many rounds, strips and buckets of even a small image."""
    for name, value in {"SHARE": 0.3, "SMALLEST_ROUND": 1, "BUCKET": 50, "ROWS_OF_STRIP": 3}.items():
        monkeypatch.setattr(kernels, name, value)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (23, 1), (2, 2), (20, 31)])
@pytest.mark.parametrize(("n_channels", "noise"), [(1, 0), (1, 3), (3, 12), (5, 60)])
@pytest.mark.parametrize("scale", [0, 5, 100, 3000])
def test_labels_are_those_of_the_definition(rng, small_pieces, shape, n_channels, noise, scale):
    image, mask = patches(rng, shape, n_channels, noise), rng.random(shape) < 0.9
    for min_size in (0, 8):
        expected = naive.felzenszwalb(image, scale, min_size, dtype=np.float32)
        assert_array_equal(felzenszwalb(image, scale, 0, min_size), expected)
        expected = naive.felzenszwalb(image, scale, min_size, mask, dtype=np.float32)
        assert_array_equal(felzenszwalb(image, scale, 0, min_size, mask=mask), expected)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sigma", [0, 0.8, 4.0])
def test_float64_is_compared_in_float64(rng, small_pieces, sigma, masked):
    image = rng.random((19, 24, 2)) ** 3
    mask = rng.random((19, 24)) < 0.8 if masked else None
    values = naive.smoothed(image, sigma, mask) if sigma else image
    for scale in (0.3, 40, 400):
        expected = naive.felzenszwalb(values, scale / 255.0, 10, mask)
        assert_array_equal(felzenszwalb(image, scale, sigma, 10, mask=mask), expected)


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


def test_four_quarters():
    gray = quarters([[0.0, 0.2], [0.4, 0.6]])
    expected = quarters([[0, 1], [2, 3]])
    for image in (gray, gray[..., None], np.dstack([gray, 1 - gray, gray]), (255 * gray).astype(np.uint8)):
        assert_array_equal(felzenszwalb(image, sigma=0), expected)
        assert_array_equal(felzenszwalb(image, sigma=0, min_size=101).max(), 1)
        assert_array_equal(felzenszwalb(image, sigma=0, min_size=201), 0)
    many = np.zeros((20, 20, 8))
    np.put_along_axis(many, expected[..., None], 1.0, axis=2)
    assert_array_equal(felzenszwalb(many, sigma=0), expected)
    assert_array_equal(felzenszwalb(np.moveaxis(many, 2, 0), sigma=0, channel_axis=0), expected)
    assert_array_equal(felzenszwalb(gray, sigma=0, channel_axis=None), expected)


def test_an_edge_of_the_limit_does_not_join():
    """Two pixels of 8 differ by 4: they join from a scale above that on; then 5 is below 4 + 2.5 and 7 is not."""
    row = np.array([[0, 4, 9, 16]], np.uint8)
    assert_array_equal(felzenszwalb(row, 4, 0, 0), [[0, 1, 2, 3]])
    assert_array_equal(felzenszwalb(row, 5.5, 0, 0), [[0, 0, 0, 1]])
    assert_array_equal(felzenszwalb(row[:, :3], 5, 0, 0), [[0, 0, 1]])
    assert_array_equal(felzenszwalb(row[:, :3], 5 + 1e-5, 0, 0), [[0, 0, 0]])


def test_regions_joined_by_size_grow():
    """Each small region joins by its lightest edge, and what has grown enough joins no other."""
    row = np.array([[0, 1, 3, 6, 10, 15]], np.uint8)
    assert_array_equal(felzenszwalb(row, 0, 0, 2), [[0, 0, 0, 0, 0, 0]])
    assert_array_equal(felzenszwalb(row[:, [0, 1, 4, 5]], 0, 0, 2), [[0, 0, 1, 1]])


def test_corners_connect_and_equal_edges_have_an_order():
    diagonal = np.eye(3, dtype=np.uint8) * 9
    assert_array_equal(felzenszwalb(diagonal, 1, 0, 0), [[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    # One gray pixel between two others of equal distance: the edge to the right comes before the one down.
    image = np.array([[5, 9, 9], [1, 1, 1], [1, 1, 1]], np.uint8)
    found = felzenszwalb(image, 0.5, 0, 2)
    assert found[0, 0] == found[0, 1] != found[1, 0]


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_buckets_are_sorted_by_weight_direction_and_pixel(rng, dtype):
    """Pieces of 3 strips with gaps between them, of weights of any exponent, many of them equal."""
    for n, exponents in ((1, 0), (2, 60), (700, 0), (900, 1), (500, 120)):
        weights = np.ldexp(rng.integers(0, 9, n) / 8, rng.integers(-exponents, exponents + 1, n)).astype(dtype)
        edges = np.arange(n, dtype=np.uint32) | (rng.integers(0, 4, n, dtype=np.uint32) << np.uint32(30))
        room = 2 * n
        begins = np.array([[7, 7 + room, 7 + 2 * room]])
        cuts = [0, n // 3, n // 2, n]
        ends = (begins + np.diff(cuts)).T.copy()
        places = np.concatenate([np.arange(a, b) for a, b in zip(begins[0], ends[:, 0])])
        bits, codes = np.zeros(7 + 3 * room, dtype), np.zeros(7 + 3 * room, np.uint32)
        bits[places], codes[places] = weights, edges
        sizes = np.zeros(1, np.int64)
        sort_buckets(bits.view(f"u{bits.itemsize}"), codes, begins, ends, 0, 1, sizes)
        order = np.lexsort([edges, weights])
        assert sizes[0] == n
        assert_array_equal(bits[7 : 7 + n], weights[order])
        assert_array_equal(codes[7 : 7 + n], edges[order])


def test_memory_of_a_large_image(rng, monkeypatch):
    """Planes of float32, link and limit of each pixel, and one round of edges; the counts of levels are as for any."""
    monkeypatch.setattr(kernels, "LARGEST_ROUND", 1)
    monkeypatch.setattr(kernels, "STRIPS", 2)
    image = patches(rng, (800, 500))
    felzenszwalb(image[:20], 100)
    peak, labels = peak_of(lambda: felzenszwalb(image, 100, n_threads=1))
    assert (peak - labels.nbytes) / labels.size < 26


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -1}, "scale must be at least 0, got -1.0"),
        ({"scale": [1, np.inf]}, "scale must be finite, got inf"),
        ({"scale": []}, "scale must be one number or a sequence of them, got shape (0,)"),
        ({"scale": [[1, 2]]}, "scale must be one number or a sequence of them, got shape (1, 2)"),
        ({"sigma": -0.1}, "sigma must be at least 0, got -0.1"),
        ({"sigma": 1e5}, "sigma must be at most 10000.0, got 100000.0"),
        ({"min_size": -1}, "min_size must be at least 0, got -1"),
        ({"n_threads": 0}, "n_threads must be at least 1, got 0"),
        ({"channel_axis": 3}, "channel_axis must be at most 2, got 3"),
        (
            {"channel_axis": None},
            "image must have shape (M, N) with channel_axis=None, got (4, 5, 3); volumes are not segmented: "
            "pass one slice at a time, or the axis of the channels",
        ),
        ({"mask": np.ones((2, 2), bool)}, "mask must have the image's shape (4, 5), got (2, 2)"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError) as error:
        felzenszwalb(np.zeros((4, 5, 3)), **options)
    assert str(error.value) == message


def test_a_gray_image_too_large_for_its_edges_is_refused():
    image = np.broadcast_to(np.zeros(1, np.uint8), (1 << 15, 1 << 15))
    with pytest.raises(ValueError, match="at most 1073741823 pixels"):
        felzenszwalb(image)
