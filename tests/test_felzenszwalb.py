"""Felzenszwalb's segmentation against its definition, and on images whose answer is known."""

import naive_felzenszwalb as naive
import numpy as np
import pytest
from felzenszwalb_checks import SMALL, patches
from numpy.testing import assert_array_equal

from classicseg import felzenszwalb
from classicseg._kernels.cpu import felzenszwalb as kernels
from classicseg._kernels.cpu.felzenszwalb_edges import LEVELS, SHIFT, count_levels
from classicseg._kernels.cpu.felzenszwalb_order import sort_buckets


def quarters(values):
    return np.array(values).repeat(10, axis=0).repeat(10, axis=1)


@pytest.fixture
def small_pieces(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setattr(kernels, name, value)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 2), (11, 17)])
@pytest.mark.parametrize(("n_channels", "noise"), [(1, 0), (1, 3), (3, 12), (5, 60)])
@pytest.mark.parametrize("min_size", [0, 8])
def test_labels_are_those_of_the_definition(rng, small_pieces, shape, n_channels, noise, min_size):
    image, mask = patches(rng, shape, n_channels, noise), rng.random(shape) < 0.9
    scales = [0, 5, 100, 3000]
    for options in ({}, {"mask": mask}):
        found = felzenszwalb(image, scales, 0, min_size, **options)
        for scale, labels in zip(scales, found):
            expected = naive.felzenszwalb(image, scale, min_size, dtype=np.float32, **options)
            assert_array_equal(labels, expected)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sigma", [0, 0.8, 4.0])
def test_float64_is_compared_in_float64(rng, small_pieces, sigma, masked):
    image = rng.random((13, 14, 2)) ** 3
    mask = rng.random((13, 14)) < 0.8 if masked else None
    values = naive.smoothed(image, sigma, mask) if sigma else image
    for scale in (0.3, 40, 400):
        expected = naive.felzenszwalb(values, scale / 255.0, 10, mask)
        assert_array_equal(felzenszwalb(image, scale, sigma, 10, mask=mask), expected)


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


def test_a_round_has_the_edges_of_its_levels_and_no_other():
    """Differences of whole numbers: 1, 2 and 4 are the least weights of their levels."""
    planes = np.array([[[0, 1, 3, 7, 15, 15, 14, 12, 8]]], np.float32)
    homes = np.arange(9, dtype=np.int32).reshape(1, 1, 9)
    counts = np.zeros((1, LEVELS), np.int32)
    count_levels(planes, homes, False, 0, 1, counts[0])
    one, two, four, eight = np.array([1, 2, 4, 8], np.float32).view(np.uint32) >> SHIFT
    assert_array_equal(counts[0, [0, one, two, four, eight]], [1, 2, 2, 2, 1])
    for low, high, expected in (
        (0, one, [0]),
        (one, two, [1, 1]),
        (one, eight, [1, 1, 2, 2, 4, 4]),
        (eight, LEVELS, [8]),
    ):
        weights, edges, _, sizes = kernels._sorted(planes, homes, False, int(low), int(high), counts, 1)
        assert len(weights) == len(edges) == sizes.sum() == len(expected)
        assert_array_equal(weights, expected)
