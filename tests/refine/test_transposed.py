"""Transposed convolution and its matrix: the lectures' examples, slow twins, SciPy, PyTorch; the checkerboard test."""

import naive_upsample as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import checkerboard, convolution_matrix, transposed_convolution, upsample

# Letters of the lectures as numbers that no two sums of products share.
A, B, C, D = 2.0, 3.0, 5.0, 7.0
X, Y, Z = 11.0, 13.0, 17.0


# --- The examples of the lectures --------------------------------------------------------------------------------


def test_one_axis_with_the_overlap_summed():
    expected = [A * X, A * Y, A * Z + B * X, B * Y, B * Z]
    assert_array_equal(transposed_convolution([A, B], [X, Y, Z], stride=2), expected)


def test_stride_one_as_a_product_with_the_transposed_matrix():
    matrix = convolution_matrix([X, Y, Z], 4, padding=1)
    rows = [[Y, Z, 0, 0], [X, Y, Z, 0], [0, X, Y, Z], [0, 0, X, Y]]
    assert_array_equal(matrix.toarray(), rows)
    signal = np.array([A, B, C, D])
    assert_array_equal(matrix @ signal, [A * Y + B * Z, A * X + B * Y + C * Z, B * X + C * Y + D * Z, C * X + D * Y])
    wide = convolution_matrix([X, Y, Z], 6)  # as lectures write it, the padding among the values
    assert_array_equal(wide.toarray()[1], [0, X, Y, Z, 0, 0])
    assert_array_equal(wide @ np.pad(signal, 1), matrix @ signal)
    grown = [A * X, A * Y + B * X, A * Z + B * Y + C * X, B * Z + C * Y + D * X, C * Z + D * Y, D * Z]
    assert_array_equal(wide.T @ signal, grown)
    assert_array_equal(transposed_convolution(signal, [X, Y, Z]), grown)


def test_a_kernel_may_reach_as_far_as_the_padding():
    assert_array_equal(convolution_matrix([X, Y, Z], 1, padding=1).toarray(), [[Y]])


def test_stride_two_as_a_product_with_the_transposed_matrix():
    matrix = convolution_matrix([X, Y, Z], 6, stride=2)
    assert_array_equal(matrix.toarray(), [[X, Y, Z, 0, 0, 0], [0, 0, X, Y, Z, 0]])
    assert_array_equal(matrix @ [0, A, B, C, D, 0], [A * Y + B * Z, B * X + C * Y + D * Z])
    grown = [A * X, A * Y, A * Z + B * X, B * Y, B * Z, 0]
    assert_array_equal(matrix.T @ [A, B], grown)
    assert_array_equal(transposed_convolution([A, B], [X, Y, Z], stride=2, output_padding=1), grown)


def test_two_axes():
    """The 2 × 2 example that textbooks print, with strides 1 and 2."""
    square = np.arange(4.0).reshape(2, 2)
    assert_array_equal(transposed_convolution(square, square), [[0, 0, 1], [0, 4, 6], [4, 12, 9]])
    apart = [[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]]
    assert_array_equal(transposed_convolution(square, square, stride=2), apart)


def test_three_by_three_with_stride_two_and_padding_one():
    """As the lectures draw it: 2 × 2 becomes 4 × 4, and where copies overlap they add up."""
    grown = transposed_convolution(np.ones((2, 2)), np.ones((3, 3)), stride=2, padding=1, output_padding=1)
    assert_array_equal(grown, [[1, 2, 1, 1], [2, 4, 2, 2], [1, 2, 1, 1], [1, 2, 1, 1]])


# --- Slow twins and other libraries ------------------------------------------------------------------------------

options = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    options,
    options,
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    options,
    st.data(),
)
def test_transposed_convolution_equals_the_slow_twin(n_rows, n_cols, sides, stride, padding, dilation, data):
    more = tuple(data.draw(st.integers(0, max(step, gap) - 1)) for step, gap in zip(stride, dilation))
    rng = np.random.default_rng(0)
    array, kernel = rng.normal(size=(n_rows, n_cols, 2)), rng.normal(size=(*sides, 2, 3))
    given = {"stride": stride, "padding": padding, "output_padding": more, "dilation": dilation}
    sizes = zip(array.shape, sides, stride, padding, more, dilation)
    if min((n - 1) * step - 2 * cut + gap * (side - 1) + m + 1 for n, side, step, cut, m, gap in sizes) < 1:
        with pytest.raises(ValueError, match="padding must leave something"):
            transposed_convolution(array, kernel, **given)
        return
    expected = naive.transposed_convolution(array, kernel, **given)
    assert_allclose(transposed_convolution(array, kernel, **given), expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(4, 7),
    st.integers(4, 7),
    options,
    options,
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.integers(1, 2),
)
def test_the_matrix_is_the_convolution_and_its_transpose_the_way_back(n_rows, n_cols, sides, stride, padding, gap):
    rng = np.random.default_rng(1)
    array, kernel = rng.normal(size=(n_rows, n_cols)), rng.normal(size=sides)
    if gap == 2 and max(sides) == 3 and min(n_rows + 2 * padding[0], n_cols + 2 * padding[1]) < 5:
        return  # the kernel reaches further than the map: refused below
    matrix = convolution_matrix(kernel, (n_rows, n_cols), stride=stride, padding=padding, dilation=gap)
    small = naive.convolution(array, kernel, stride, padding, (gap, gap))
    assert matrix.shape == (small.size, array.size)
    assert_allclose((matrix @ array.ravel()).reshape(small.shape), small, atol=1e-12)
    reach = [(n - 1) * s - 2 * p + gap * (a - 1) + 1 for n, s, p, a in zip(small.shape, stride, padding, sides)]
    more = tuple(n - r for n, r in zip(array.shape, reach))  # which of the shapes that the stride makes equal
    back = transposed_convolution(small, kernel, stride=stride, padding=padding, output_padding=more, dilation=gap)
    assert_allclose((matrix.T @ small.ravel()).reshape(array.shape), back, atol=1e-12)


def test_the_two_ways_are_adjoint(rng):
    """<K x, y> = <x, Kᵀ y>: what makes it the transpose."""
    kernel, large, small = rng.normal(size=(3, 3)), rng.normal(size=(9, 7)), rng.normal(size=(5, 4))
    matrix = convolution_matrix(kernel, large.shape, stride=2, padding=1)
    grown = transposed_convolution(small, kernel, stride=2, padding=1)
    assert grown.shape == large.shape
    assert_allclose(np.vdot(matrix @ large.ravel(), small), np.vdot(large, grown), atol=1e-12)


def test_it_equals_scipy(rng):
    from scipy.signal import convolve2d, correlate2d

    array, kernel = rng.normal(size=(5, 6)), rng.normal(size=(3, 2))
    nails = upsample(array, 2, method="bed-of-nails")[:-1, :-1]
    assert_allclose(transposed_convolution(array, kernel, stride=2), convolve2d(nails, kernel), atol=1e-12)
    matrix = convolution_matrix(kernel, array.shape)
    assert_allclose(matrix @ array.ravel(), correlate2d(array, kernel, mode="valid").ravel(), atol=1e-12)


@pytest.mark.parametrize(
    ("stride", "padding", "output_padding", "dilation"),
    [(1, 0, 0, 1), (2, 1, 1, 1), ((2, 3), (1, 0), (0, 2), 1), (2, 2, 0, 2), (1, 1, 1, 2)],
)
def test_it_equals_pytorch(rng, stride, padding, output_padding, dilation):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    array, weight = rng.normal(size=(4, 5, 3)), rng.normal(size=(3, 2, 3, 4))  # PyTorch's (C, D, a, b)
    given = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    tensor = torch.from_numpy(array).permute(2, 0, 1)[None]
    expected = torch.nn.functional.conv_transpose2d(tensor, torch.from_numpy(weight), **given)
    ours = transposed_convolution(array, weight.transpose(2, 3, 0, 1), **given)
    assert_allclose(ours, expected[0].permute(1, 2, 0), atol=1e-12)


def test_a_kernel_without_channels_is_used_on_each(rng):
    array, kernel = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 3))
    both = [transposed_convolution(array[..., c], kernel, stride=2) for c in range(2)]
    assert_array_equal(transposed_convolution(array, kernel, stride=2), np.stack(both, axis=2))


def test_dtypes_and_the_callers_arrays():
    array, kernel = np.ones((2, 2), np.float32), np.ones((3, 3), np.float32)
    for argument in (array, kernel):
        argument.flags.writeable = False
    assert transposed_convolution(array, kernel).dtype == np.float32
    assert transposed_convolution(array, kernel.astype(np.float64)).dtype == np.float64
    small = transposed_convolution(np.array([200], np.uint8), np.array([2, 100], np.uint8))
    assert small.dtype == np.float32
    assert_array_equal(small, [400, 20000])
    assert_array_equal(array, 1)


# --- The checkerboard test ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "stride", "pattern"), [(3, 2, [2, 1]), (4, 2, [2, 2]), (5, 3, [2, 2, 1]), (1, 2, [1, 0])]
)
def test_overlaps_of_equal_weights(side, stride, pattern):
    found = checkerboard(np.ones(side), stride)
    assert_array_equal(found.pattern, pattern)
    assert found.unevenness == (max(pattern) - min(pattern)) / max(pattern)
    both = checkerboard(np.ones((side, side)), stride)
    assert_array_equal(both.pattern, np.outer(pattern, pattern))


@pytest.mark.parametrize("shape", [(3,), (5,), (5, 4), (2, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_pattern_is_what_a_map_of_ones_becomes_inside(rng, shape, stride):
    kernel = rng.normal(size=shape)
    grown = transposed_convolution(np.ones((9,) * kernel.ndim), kernel, stride=stride)
    inner = grown[(slice(4 * stride, 5 * stride),) * kernel.ndim]  # one period, where no kernel reaches the border
    assert_allclose(checkerboard(kernel, stride).pattern, inner, atol=1e-12)


def test_every_pair_of_channels_has_a_pattern(rng):
    kernel = rng.normal(size=(3, 5, 2, 4))
    found = checkerboard(kernel, (2, 3))
    assert found.pattern.shape == (2, 3, 2, 4)
    for c, d in np.ndindex(2, 4):
        assert_allclose(found.pattern[:, :, c, d], checkerboard(kernel[:, :, c, d], (2, 3)).pattern)
    assert found.unevenness == max(checkerboard(kernel[..., c, d], (2, 3)).unevenness for c, d in np.ndindex(2, 4))


def test_unevenness_is_that_of_the_worst_channels():
    kernel = np.ones((2, 2, 2, 2))
    kernel[0, 0, 1, 0] = 0.5
    found = checkerboard(kernel, 2)
    assert found.unevenness == 0.5
    assert checkerboard(kernel, 1).unevenness == 0
    assert checkerboard(np.zeros((3, 3)), 2).unevenness == 0  # nothing is written evenly
    assert checkerboard([-2.0, 1.0], 2).unevenness == 1.5


def test_bilinear_weights_are_even():
    tent = np.array([1, 3, 3, 1]) / 4
    assert checkerboard(np.outer(tent, tent), 2).unevenness == 0


# --- What is refused ---------------------------------------------------------------------------------------------

TRANSPOSED_REFUSED = [
    (([1, 2], [[1]]), {}, ValueError, "kernel must have shape (a,) for an array of shape (2,), got (1, 1)"),
    (([[1, 2]], [1]), {}, ValueError, "kernel must have shape (a, b) for an array of shape (1, 2), got (1,)"),
    (
        (np.ones((2, 2, 3)), np.ones((3, 3, 3))),
        {},
        ValueError,
        "kernel must have shape (a, b) or (a, b, 3, D) for an array of shape (2, 2, 3), got (3, 3, 3)",
    ),
    (
        (np.ones((2, 2, 3)), np.ones((4, 4, 2, 3))),
        {},
        ValueError,
        "kernel must have the array's 3 channels on its third axis, got shape (4, 4, 2, 3); PyTorch's weights are "
        "brought into this form by .transpose(2, 3, 0, 1)",
    ),
    (([1, 2], []), {}, ValueError, "kernel must not be empty, got shape (0,)"),
    (([1, 2], [np.nan]), {}, ValueError, "kernel must be finite, got 1 NaN or infinite values; replace such weights"),
    (([1, 2], [1]), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    (([1, 2], [1]), {"padding": -1}, ValueError, "padding must be at least 0, got -1"),
    (([1, 2], [1]), {"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    (
        ([1, 2], [1]),
        {"output_padding": 1},
        ValueError,
        "output_padding must be less than stride or dilation, got 1 with stride 1 and dilation 1; it chooses among the "
        "shapes that one stride makes equal",
    ),
    (
        ([[1, 2]], [[1, 1, 1]]),
        {"padding": (0, 2)},
        ValueError,
        "padding must leave something of the output, got 2, which cuts off 4 of 4 columns",
    ),
    (
        ([1], [1, 1, 1]),
        {"padding": 2},
        ValueError,
        "padding must leave something of the output, got 2, which cuts off 4 of 3 columns",
    ),
]


@pytest.mark.parametrize(("arguments", "given", "error", "message"), TRANSPOSED_REFUSED)
def test_transposed_convolution_refused(arguments, given, error, message):
    with pytest.raises(error) as caught:
        transposed_convolution(*arguments, **given)
    assert str(caught.value) == message


MATRIX_REFUSED = [
    ((np.ones((1, 1, 1)), 3), {}, "kernel must have shape (a,) or (a, b), got (1, 1, 1)"),
    (([1, 1], (3, 3)), {}, "shape must be one whole number, got (3, 3)"),
    (([[1, 1]], 3), {}, "shape must be two whole numbers, rows and columns, got 3"),
    (([1, 1, 1], 2), {}, "kernel must not reach further than the padded map, got 3 columns on 2; add padding"),
    (
        (np.ones((3, 1)), (4, 4)),
        {"dilation": 2},
        "kernel must not reach further than the padded map, got 5 rows on 4; add padding",
    ),
]


@pytest.mark.parametrize(("arguments", "given", "message"), MATRIX_REFUSED)
def test_matrix_refused(arguments, given, message):
    with pytest.raises(ValueError) as caught:
        convolution_matrix(*arguments, **given)
    assert str(caught.value) == message


CHECKERBOARD_REFUSED = [
    ((np.ones((2, 2, 2)), 2), "kernel must have shape (a,), (a, b) or (a, b, C, D), not empty, got (2, 2, 2)"),
    (([], 2), "kernel must have shape (a,), (a, b) or (a, b, C, D), not empty, got (0,)"),
    (([1], 0), "stride must be at least 1, got 0"),
    (([np.inf], 1), "kernel must be finite, got 1 NaN or infinite values; replace such weights"),
]


@pytest.mark.parametrize(("arguments", "message"), CHECKERBOARD_REFUSED)
def test_checkerboard_refused(arguments, message):
    with pytest.raises(ValueError) as caught:
        checkerboard(*arguments)
    assert str(caught.value) == message
