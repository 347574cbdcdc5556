"""Upsampling: the printed tables of lectures, slow twins, OpenCV, SciPy and PyTorch, borders, channels, dtypes."""

import naive_upsample as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import max_pool, pixel_shuffle, transposed_convolution, upsample
from classicseg.refine._maps import interpolate

SQUARE = np.array([[1, 2], [3, 4]])
WEIGHTS = {"bilinear": naive.tent, "bicubic": naive.cubic}
DENSE = ["nearest", "bilinear", "bicubic"]


# --- The tables of the lectures: 1 2 / 3 4, twice as large -------------------------------------------------------


TABLES = {
    "bed-of-nails": [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]],
    "nearest": [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]],
    "bilinear": [
        [1.00, 1.25, 1.75, 2.00],
        [1.50, 1.75, 2.25, 2.50],
        [2.50, 2.75, 3.25, 3.50],
        [3.00, 3.25, 3.75, 4.00],
    ],
    "bicubic": [
        [0.68, 1.02, 1.56, 1.89],
        [1.35, 1.68, 2.23, 2.56],
        [2.44, 2.77, 3.32, 3.65],
        [3.11, 3.44, 3.98, 4.32],
    ],
}


@pytest.mark.parametrize("method", TABLES)
def test_the_table_of_the_lectures(method):
    assert_array_equal(upsample(SQUARE, 2, method=method).round(2), TABLES[method])


def test_the_cubic_of_the_table_is_told_from_the_other():
    """Keys' own a = -0.5 prints 0.79 where the lectures have 0.68."""
    other = naive.interpolate(SQUARE, (4, 4), lambda distance: naive.cubic(distance, -0.5))
    assert other[0, 0].round(2) == 0.79
    assert_allclose(upsample(SQUARE, 2, method="bicubic")[0, 0], 1 - 3 * 0.75 * 0.140625)


def test_max_unpooling_puts_values_where_the_maxima_were():
    pooled = max_pool([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]])
    expected = [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]
    assert_array_equal(upsample(SQUARE, 2, method="max-unpooling", positions=pooled.positions), expected)
    wider = max_pool([[1, 5, 9], [2, 3, 9]])  # what the windows leave over comes back as zeros
    back = upsample(wider.values, shape=wider.shape, method="max-unpooling", positions=wider.positions)
    assert_array_equal(back, [[0, 5, 0], [0, 0, 0]])


def test_sub_pixels_of_one_pixel_are_a_block():
    array = np.array([[[1, 2, 3, 4]]])
    assert_array_equal(upsample(array, 2, method="subpixel")[..., 0], SQUARE)
    assert_array_equal(
        upsample(np.arange(48).reshape(2, 2, 12), (2, 3), method="subpixel"),
        pixel_shuffle(np.arange(48).reshape(2, 2, 12), (2, 3)),
    )


# --- Transposed convolution as upsampling ------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2, 3, 4, (2, 3)])
def test_the_kernel_that_networks_start_with_is_bilinear_inside(rng, scale):
    array = rng.random((7, 6, 2))
    grown = upsample(array, scale, method="transposed")
    rows, cols = np.broadcast_to(scale, 2)
    inner = np.s_[rows:-rows, cols:-cols]
    assert_allclose(grown[inner], upsample(array, scale)[inner], atol=1e-12)
    if scale != 1:
        assert (grown[0] < upsample(array, scale)[0]).all()  # beyond the border there is 0


@pytest.mark.parametrize(
    ("side", "scale", "padding", "output_padding"),
    [(4, 2, 1, 0), (3, 2, 1, 1), (5, 2, 2, 1), (2, 2, 0, 0)],
)
def test_a_kernel_of_ones_own_grows_the_map_by_the_scale(rng, side, scale, padding, output_padding):
    array, kernel = rng.random((4, 5)), rng.random((side, side))
    grown = upsample(array, scale, method="transposed", kernel=kernel)
    assert grown.shape == (4 * scale, 5 * scale)
    expected = transposed_convolution(array, kernel, stride=scale, padding=padding, output_padding=output_padding)
    assert_array_equal(grown, expected)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("scale", [1, 2, 3, 4, 5])
def test_the_middle_of_a_kernel_lies_on_that_of_its_block(side, scale):
    """Exactly, or half a place further up and to the left."""
    array, kernel = np.zeros((9, 9, 2)), np.ones((side, side, 2, 3))
    array[4, 4] = 1
    places = np.argwhere(upsample(array, scale, method="transposed", kernel=kernel)[..., 0])
    apart = places.mean(axis=0) - (4 * scale + (scale - 1) / 2)
    assert_array_equal(apart, -0.5 if (side - scale) % 2 else 0)
    assert len(places) == side**2


# --- Slow twins and other libraries ------------------------------------------------------------------------------


SHAPES = [(6, 10), (9, 15), (12, 5), (3, 5), (4, 7), (2, 3), (1, 1), (7, 23)]  # larger, equal, smaller


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", WEIGHTS)
def test_interpolation_equals_the_slow_twin(rng, method, shape):
    array = rng.normal(size=(3, 5))
    assert_allclose(
        upsample(array, shape=shape, method=method), naive.interpolate(array, shape, WEIGHTS[method]), atol=1e-12
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_nearest_equals_the_slow_twin(rng, shape):
    array = rng.integers(0, 9, (3, 5))
    assert_array_equal(upsample(array, shape=shape, method="nearest"), naive.nearest(array, shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("method", "flag"), [("bilinear", "INTER_LINEAR"), ("bicubic", "INTER_CUBIC")])
def test_interpolation_equals_opencv(rng, method, flag, shape):
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    array = rng.random((3, 5, 4)).astype(np.float32)
    theirs = cv2.resize(array, shape[::-1], interpolation=getattr(cv2, flag))
    assert_allclose(upsample(array, shape=shape, method=method), theirs, atol=2e-6)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bilinear_equals_scipy(rng, scale):
    from scipy.ndimage import zoom

    array = rng.random((5, 4))
    assert_allclose(upsample(array, scale), zoom(array, scale, order=1, mode="nearest", grid_mode=True), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("method", "theirs"), [("bilinear", "bilinear"), ("bicubic", "bicubic"), ("nearest", "nearest-exact")]
)
def test_interpolation_equals_pytorch(rng, method, theirs, shape):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    array = rng.random((3, 5, 2))
    tensor = torch.from_numpy(array).permute(2, 0, 1)[None]
    options = {} if method == "nearest" else {"align_corners": False}
    expected = torch.nn.functional.interpolate(tensor, size=shape, mode=theirs, **options)
    assert_allclose(upsample(array, shape=shape, method=method), expected[0].permute(1, 2, 0), atol=1e-12)


# --- What holds for every map ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", DENSE)
def test_a_row_is_a_map_of_one_axis(rng, method):
    row = rng.random(5)
    assert_array_equal(upsample(row, 3, method=method), upsample(row[None], (1, 3), method=method)[0])
    assert_array_equal(upsample(row, shape=7, method=method), upsample(row[None], shape=(1, 7), method=method)[0])


@pytest.mark.parametrize("method", [*DENSE, "bed-of-nails", "transposed"])
def test_channels_are_taken_one_by_one(rng, method):
    array = rng.random((3, 4, 5))
    channels = [upsample(array[..., c], 2, method=method) for c in range(5)]
    assert_array_equal(upsample(array, 2, method=method), np.stack(channels, axis=2))


@pytest.mark.parametrize("method", [*DENSE, "bed-of-nails", "transposed"])
def test_rows_and_columns_have_their_own_factors(rng, method):
    array = rng.random((3, 4))
    grown = upsample(array, (2, 3), method=method)
    assert grown.shape == (6, 12)
    assert_allclose(upsample(array.T, (3, 2), method=method).T, grown, rtol=1e-12)


@pytest.mark.parametrize("method", [*DENSE, "bed-of-nails", "transposed"])
def test_a_factor_of_one_changes_nothing(rng, method):
    array = rng.random((3, 4))
    assert_array_equal(upsample(array, 1, method=method), array)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_probabilities_stay_probabilities(n_rows, n_cols, out_rows, out_cols, seed):
    array = np.random.default_rng(seed).dirichlet(np.ones(3), (n_rows, n_cols)).astype(np.float32)
    grown = upsample(array, shape=(out_rows, out_cols))
    assert grown.dtype == np.float32
    assert grown.min() >= array.min() - 1e-6
    assert grown.max() <= array.max() + 1e-6
    assert_allclose(grown.sum(axis=2), 1, atol=1e-6)


def test_a_ramp_stays_a_ramp_inside():
    ramp = np.arange(8.0)
    expected = (np.arange(32) + 0.5) / 4 - 0.5
    assert_allclose(upsample(ramp, 4)[2:-2], expected[2:-2], atol=1e-12)
    assert_allclose(upsample(np.full(8, 3.25), 4, method="bicubic"), 3.25, atol=1e-12)


def test_nearest_gives_a_tie_to_the_later_value():
    assert_array_equal(upsample([5, 6], shape=1, method="nearest"), [6])
    assert_array_equal(upsample([5, 6], shape=3, method="nearest"), [5, 6, 6])


@pytest.mark.parametrize("block", [1, 12, 13, 24, 25, 10**6])
def test_blocks_of_rows_change_no_bit(rng, monkeypatch, block):
    array = rng.random((5, 2, 3))
    whole = upsample(array, 2, method="bicubic")
    monkeypatch.setattr(interpolate, "BLOCK", block)
    assert_array_equal(upsample(array, 2, method="bicubic"), whole)


@pytest.mark.parametrize(
    ("given", "bilinear"),
    [("uint8", "float32"), ("uint16", "float32"), ("int32", "float64"), ("float32", "float32"), ("float64", "float64")],
)
def test_dtypes(given, bilinear):
    array = SQUARE.astype(given)
    for method in ("nearest", "bed-of-nails"):
        assert upsample(array, 2, method=method).dtype == given
    for method in ("bilinear", "bicubic", "transposed"):
        assert upsample(array, 2, method=method).dtype == bilinear
    assert_array_equal(upsample(array, 2).round(2), TABLES["bilinear"])


@pytest.mark.parametrize("method", [*DENSE, "bed-of-nails", "transposed"])
def test_any_layout_is_taken_and_nothing_is_changed(rng, method):
    array = rng.random((3, 4, 2))
    expected = upsample(array, 2, method=method)
    wide = np.zeros((6, 8, 4))
    wide[::2, ::2, ::2] = array
    for other in (wide[::2, ::2, ::2], np.asfortranarray(array), array[::-1][::-1]):
        assert_array_equal(upsample(other, 2, method=method), expected)
    array.flags.writeable = False
    kept = array.copy()
    out = upsample(array, 1, method=method)
    assert out.flags.writeable
    assert not np.shares_memory(out, array)
    assert_array_equal(array, kept)


# --- What is refused ---------------------------------------------------------------------------------------------

ONES = np.ones((2, 3), np.int64)
REFUSED = [
    ((SQUARE,), {}, ValueError, "scale or shape must be given, and not both, got neither"),
    ((SQUARE, 2), {"shape": (4, 4)}, ValueError, "scale or shape must be given, and not both, got both"),
    ((SQUARE, 0), {}, ValueError, "scale must be at least 1, got 0"),
    ((SQUARE, 1.5), {}, TypeError, "scale must be an integer, got 1.5 of type float"),
    ((SQUARE, (2, 0)), {}, ValueError, "scale[1] must be at least 1, got 0"),
    (
        (SQUARE, (2, 2, 2)),
        {},
        ValueError,
        "scale must be one whole number, or two for rows and columns, got (2, 2, 2)",
    ),
    (([1, 2], (2, 2)), {}, ValueError, "scale must be one whole number, got (2, 2)"),
    (
        (SQUARE, 2),
        {"method": "linear"},
        ValueError,
        "method must be one of 'bed-of-nails', 'nearest', 'bilinear', 'bicubic', 'max-unpooling', 'transposed', "
        "'subpixel', got 'linear'",
    ),
    ((SQUARE,), {"shape": 4}, ValueError, "shape must be two whole numbers, rows and columns, got 4"),
    ((SQUARE,), {"shape": (4, 0)}, ValueError, "shape[1] must be at least 1, got 0"),
    (
        (SQUARE,),
        {"shape": (4, 4), "method": "bed-of-nails"},
        ValueError,
        "shape must go with one of 'nearest', 'bilinear', 'bicubic', 'max-unpooling', got it with 'bed-of-nails'; "
        "give scale",
    ),
    (
        (SQUARE, 2),
        {"positions": SQUARE},
        ValueError,
        "positions must go with method='max-unpooling', got it with 'bilinear'; leave it out",
    ),
    (
        (SQUARE, 2),
        {"kernel": SQUARE, "method": "nearest"},
        ValueError,
        "kernel must go with method='transposed', got it with 'nearest'; leave it out",
    ),
    (
        (SQUARE, 2),
        {"method": "max-unpooling"},
        ValueError,
        "positions must be given with method='max-unpooling'; max_pool() returns them",
    ),
    (
        (SQUARE, 2),
        {"method": "subpixel"},
        ValueError,
        "array must have shape (M, N, C), got (2, 2); pass one map at a time",
    ),
    (
        (np.ones((2, 2, 6)), 2),
        {"method": "subpixel"},
        ValueError,
        "array must have a multiple of 2 × 2 = 4 channels for blocks of that size, got 6",
    ),
    (
        (np.ones((1, 2, 2, 1)), 2),
        {},
        ValueError,
        "array must have shape (N,), (M, N) or (M, N, C), got (1, 2, 2, 1); pass one map at a time",
    ),
    ((np.ones((0, 2)), 2), {}, ValueError, "array must not be empty, got shape (0, 2)"),
    (
        ([1.0, np.nan], 2),
        {},
        ValueError,
        "array must be finite, got 1 NaN or infinite values; replace such values, for example with np.nan_to_num()",
    ),
    (
        ([True, False], 2),
        {},
        TypeError,
        "array must be of an integer or floating dtype, got bool; convert it with .astype('uint8')",
    ),
    (
        ("map.npy", 2),
        {},
        TypeError,
        "array must be an array, got the text 'map.npy'; read the file into an array first",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), REFUSED)
def test_refused(arguments, options, error, message):
    with pytest.raises(error) as caught:
        upsample(*arguments, **options)
    assert str(caught.value) == message
