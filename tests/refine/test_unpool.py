"""Max pooling with positions and its way back: the lectures' example, slow twin, PyTorch, SciPy, ties, borders."""

import naive_upsample as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from classicseg.refine import MaxPoolResult, max_pool, max_unpool

LECTURE = [[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]


def test_the_example_of_the_lectures():
    pooled = max_pool(LECTURE)
    assert_array_equal(pooled.values, [[5, 6], [7, 8]])
    assert_array_equal(pooled.positions, [[5, 2], [12, 15]])
    assert pooled.shape == (4, 4)
    back = max_unpool([[1, 2], [3, 4]], pooled.positions, pooled.shape)
    assert_array_equal(back, [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pooling_equals_the_slow_twin(data):
    n_rows, n_cols = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    size = data.draw(st.integers(1, n_rows)), data.draw(st.integers(1, n_cols))
    stride = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    array = rng.integers(-3, 3, (n_rows, n_cols))  # few values: many ties
    pooled = max_pool(array, size, stride=stride)
    values, positions = naive.max_pool(array, size, stride)
    assert_array_equal(pooled.values, values)
    assert_array_equal(pooled.positions, positions)
    assert pooled.positions.dtype == np.int64
    assert_array_equal(array.ravel()[pooled.positions], pooled.values)


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), ((2, 3), (1, 2))])
def test_both_ways_equal_pytorch(rng, size, stride):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    array = rng.random((7, 9, 3))
    tensor = torch.from_numpy(array).permute(2, 0, 1)[None]
    values, positions = torch.nn.functional.max_pool2d(tensor, size, stride, return_indices=True)
    pooled = max_pool(array, size, stride=stride)
    assert_array_equal(pooled.values, values[0].permute(1, 2, 0))
    assert_array_equal(pooled.positions, positions[0].permute(1, 2, 0))
    back = torch.nn.functional.max_unpool2d(values, positions, size, stride, output_size=(7, 9))
    assert_array_equal(max_unpool(pooled.values, pooled.positions, pooled.shape), back[0].permute(1, 2, 0))


def test_the_values_equal_scipy(rng):
    from scipy.ndimage import maximum_filter

    array = rng.random((8, 9))
    assert_array_equal(max_pool(array, 3, stride=1).values, maximum_filter(array, 3)[1:-1, 1:-1])


def test_pooling_what_was_unpooled_gives_the_values_back(rng):
    array = rng.random((6, 8, 2)) + 1  # above the zeros between
    pooled = max_pool(array)
    again = max_pool(max_unpool(pooled.values, pooled.positions, pooled.shape))
    assert_array_equal(again.values, pooled.values)
    assert_array_equal(again.positions, pooled.positions)


def test_of_equal_values_the_first_counts():
    assert_array_equal(max_pool(np.zeros((4, 4))).positions, [[0, 2], [8, 10]])
    assert_array_equal(max_pool([3, 3, -1, -1]).positions, [0, 2])
    assert_array_equal(max_pool([[1, 2], [2, 1]]).positions, [[1]])


def test_what_is_left_over_is_in_no_window():
    pooled = max_pool([[1, 2, 9], [3, 4, 9], [9, 9, 9]])
    assert_array_equal(pooled.values, [[4]])
    assert_array_equal(max_unpool([[7]], pooled.positions, pooled.shape), [[0, 0, 0], [0, 7, 0], [0, 0, 0]])


def test_windows_tile_the_array_unless_told_otherwise():
    assert_array_equal(max_pool(np.arange(9), 3).values, [2, 5, 8])
    assert_array_equal(max_pool(np.arange(9), 3, stride=2).values, [2, 4, 6, 8])


def test_channels_have_positions_of_their_own():
    pooled = max_pool([[[1, 8], [2, 7]], [[3, 6], [4, 5]]])
    assert_array_equal(pooled.positions, [[[3, 0]]])
    back = max_unpool(np.array([[[9, 5]]]), pooled.positions, pooled.shape)
    assert_array_equal(back[..., 0], [[0, 0], [0, 9]])
    assert_array_equal(back[..., 1], [[5, 0], [0, 0]])


def test_a_maximum_of_several_windows_takes_the_last_value():
    pooled = max_pool([0, 5, 1], 2, stride=1)
    assert_array_equal(pooled.positions, [1, 1])
    assert_array_equal(max_unpool([10, 20], pooled.positions, 3), [0, 20, 0])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_dtypes_layouts_and_the_callers_array(dtype):
    array = np.asfortranarray(np.array(LECTURE, dtype))
    array.flags.writeable = False
    kept = array.copy()
    pooled = max_pool(array, 1)
    assert pooled.values.dtype == dtype
    assert not np.shares_memory(pooled.values, array)
    assert_array_equal(array, kept)
    assert max_unpool(pooled.values, pooled.positions.astype(np.int32), pooled.shape).dtype == dtype


def test_the_result_is_frozen():
    pooled = max_pool(LECTURE)
    assert isinstance(pooled, MaxPoolResult)
    with pytest.raises(AttributeError):
        pooled.shape = (2, 2)


POOL_REFUSED = [
    (
        (LECTURE, 5),
        {},
        ValueError,
        "size must be at most (4, 4), the rows and columns of the array, got (5, 5); choose a smaller window",
    ),
    (
        ([1, 2], 3),
        {},
        ValueError,
        "size must be at most (2,), the rows and columns of the array, got (3,); choose a smaller window",
    ),
    ((LECTURE, 0), {}, ValueError, "size must be at least 1, got 0"),
    ((LECTURE, (2, 2.0)), {}, TypeError, "size[1] must be an integer, got 2.0 of type float"),
    ((LECTURE,), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    (
        ([[np.inf, 0]], 1),
        {},
        ValueError,
        "array must be finite, got 1 NaN or infinite values; replace such values, for example with np.nan_to_num()",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), POOL_REFUSED)
def test_pooling_refused(arguments, options, error, message):
    with pytest.raises(error) as caught:
        max_pool(*arguments, **options)
    assert str(caught.value) == message


UNPOOL_REFUSED = [
    (
        ([[1]], [[4]], (2, 2)),
        ValueError,
        "positions must lie within the 4 places of shape (2, 2), got 4 to 4; pass the shape of the array that was "
        "pooled",
    ),
    (
        ([[1]], [[-1]], (2, 2)),
        ValueError,
        "positions must lie within the 4 places of shape (2, 2), got -1 to -1; pass the shape of the array that was "
        "pooled",
    ),
    (
        ([5], [2], 2),
        ValueError,
        "positions must lie within the 2 places of shape (2,), got 2 to 2; pass the shape of the array that was pooled",
    ),
    (([[1]], [[0, 1]], (2, 2)), ValueError, "positions must have the shape of values (1, 1), got (1, 2)"),
    (
        ([[1]], [[0.0]], (2, 2)),
        TypeError,
        "positions must be of an integer dtype, got float64; take those of max_pool()",
    ),
    (([[1]], [[0]], 4), ValueError, "shape must be two whole numbers, rows and columns, got 4"),
    (([[1]], [[0]], None), ValueError, "shape must be two whole numbers, rows and columns, got None"),
    (([5], [0], (2, 2)), ValueError, "shape must be one whole number, got (2, 2)"),
    (
        ([[np.nan]], [[0]], (2, 2)),
        ValueError,
        "values must be finite, got 1 NaN or infinite values; replace such values, for example with np.nan_to_num()",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "message"), UNPOOL_REFUSED)
def test_unpooling_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        max_unpool(*arguments)
    assert str(caught.value) == message
