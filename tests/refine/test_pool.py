"""Pooling over regions and the way back: equal to the slow twin, and what the docstrings promise."""

import naive_region_ops as naive
import numpy as np
import pytest
from bad_input import read_only, spaced
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg._kernels.cpu.regions_runs import STRIP
from classicseg.refine import pool, snap, unpool

DTYPES = {
    "uint8": "float32",
    "uint16": "float32",
    "float16": "float32",
    "float32": "float32",
    "int32": "float64",
    "float64": "float64",
}
HOW = ["mean", "max", "median"]


def regions(rng, shape):
    """Region labels with gaps, in several pieces each, and some pixels outside."""
    return rng.choice([0, 1, 2, 5, 9, 11], shape).astype(np.int32)


def frame(rng, shape, dtype):
    return (rng.normal(100, 20, shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [(), (1,), (4,)])
@pytest.mark.parametrize("how", HOW)
def test_pool_equals_the_slow_twin(rng, dtype, channels, how):
    labels, values = regions(rng, (9, 14)), frame(rng, (9, 14, *channels), dtype)
    found = pool(values, labels, how=how)
    assert found.dtype == DTYPES[dtype]
    assert found.shape == (5, *channels)
    assert_allclose(found, naive.pool(values, labels, how=how), rtol=1e-6 if found.dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_weights_count(rng, dtype, channels):
    labels, values = regions(rng, (9, 14)), frame(rng, (9, 14, *channels), dtype)
    weights = rng.random((9, 14)).astype(np.float32)
    weights[labels == 5] = 0  # its plain mean
    weights[labels == 9] *= np.arange((labels == 9).sum()) % 2  # some pixels of a region count nothing
    assert_allclose(pool(values, labels, weights=weights), naive.pool(values, labels, weights), rtol=1e-6)


def test_equal_weights_are_none_and_whole_ones_are_repeats(rng):
    labels, values = regions(rng, (8, 10)), rng.random((8, 10, 2))
    assert_allclose(pool(values, labels, weights=np.full((8, 10), 3)), pool(values, labels), rtol=1e-14)
    times = rng.integers(1, 4, (8, 10))
    twice = pool(
        np.repeat(values.reshape(1, 80, 2), times.ravel(), 1), np.repeat(labels.reshape(1, 80), times.ravel(), 1)
    )
    assert_allclose(pool(values, labels, weights=times), twice, rtol=1e-14)


@pytest.mark.parametrize("n_rows", [1, STRIP - 1, STRIP, STRIP + 1, 2 * STRIP + 3])
def test_all_equal_the_slow_twins_at_the_bounds_of_strips(rng, n_rows):
    labels, values = regions(rng, (n_rows, 5)), rng.random((n_rows, 5, 2))
    weights = rng.random((n_rows, 5))
    assert_allclose(pool(values, labels), naive.pool(values, labels), rtol=1e-13)
    assert_allclose(pool(values, labels, weights=weights), naive.pool(values, labels, weights), rtol=1e-13)
    assert_allclose(snap(values, labels, weight=0.3), naive.snap(values, labels, 0.3), rtol=1e-13)


@pytest.mark.parametrize("how", HOW)
def test_what_lies_outside_does_not_count(rng, how):
    labels, values = regions(rng, (9, 14)), rng.random((9, 14, 2), dtype=np.float32)
    expected = pool(values, labels, how=how)
    values[labels == 0] = np.nan
    assert_array_equal(pool(values, labels, how=how), expected)
    assert np.isnan(snap(values, labels)[labels == 0]).all()
    assert np.isfinite(snap(values, labels)[labels > 0]).all()
    weights = np.where(labels == 0, np.nan, 1.0)
    assert_allclose(pool(values, labels, weights=weights), pool(values, labels), rtol=1e-6)


def test_no_regions_give_no_rows():
    nothing = np.zeros((3, 4), np.int32)
    for how in HOW:
        assert pool(np.ones((3, 4, 2)), nothing, how=how).shape == (0, 2)
    assert pool(np.ones((3, 4)), nothing, weights=np.ones((3, 4))).shape == (0,)
    assert_array_equal(unpool(np.empty((0, 2)), nothing, fill=7), np.full((3, 4, 2), 7.0))
    assert_array_equal(snap(np.full((3, 4), 2.0), nothing, weight=1), np.full((3, 4), 2.0))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_pool_undoes_unpool(n_rows, n_cols, n_channels, seed):
    rng = np.random.default_rng(seed)
    labels = np.minimum(regions(rng, (n_rows, n_cols)), n_rows * n_cols)  # higher labels than pixels are refused
    n = len(np.unique(labels[labels > 0]))
    table = rng.integers(-50, 50, (n, n_channels) if n_channels else n).astype(np.float32)
    image = unpool(table, labels, fill=np.nan)
    assert image.shape == labels.shape + table.shape[1:]
    assert np.isnan(image[labels == 0]).all()
    for how in HOW:
        assert_array_equal(pool(image, labels, how=how), table)
    assert_array_equal(snap(image, labels, weight=1), image)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
def test_unpool_keeps_the_dtype(rng, dtype):
    labels = regions(rng, (6, 7))
    table = np.array([0, 1, 1, 0, 1]).astype(dtype)
    image = unpool(table, labels)
    assert image.dtype == dtype
    for row, label in enumerate((1, 2, 5, 9, 11)):
        assert (image[labels == label] == table[row]).all()
    assert not image[labels == 0].any()


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
@pytest.mark.parametrize("weight", [0, 0.25, 0.5, 1])
def test_snap_equals_the_slow_twin(rng, dtype, channels, weight):
    labels, values = regions(rng, (9, 14)), frame(rng, (9, 14, *channels), dtype)
    found = snap(values, labels, weight=weight)
    assert found.dtype == DTYPES[dtype]
    assert found.shape == values.shape
    assert_allclose(found, naive.snap(values, labels, weight), rtol=1e-6)


def test_snap_by_nothing_and_by_all_is_exact(rng):
    labels, values = regions(rng, (9, 14)), rng.random((9, 14, 3), dtype=np.float32)
    left, hard = snap(values, labels, weight=0), snap(values, labels, weight=1)
    assert_array_equal(left, values)
    assert not np.shares_memory(left, values)
    assert_array_equal(hard[labels > 0], unpool(pool(values, labels), labels)[labels > 0])
    assert_array_equal(hard[labels == 0], values[labels == 0])


def test_snapped_probabilities_still_sum_to_one(rng):
    logits = rng.normal(0, 3, (20, 30, 5)).astype(np.float32)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    for weight in (0.2, 0.5, 0.9, 1):
        assert_allclose(snap(probabilities, regions(rng, (20, 30)), weight=weight).sum(axis=2), 1, rtol=2e-6)


def test_half_keeps_a_hot_cell_that_whole_regions_lose_and_mends_a_frayed_edge(rng):
    """A cell of 3 × 3 pixels in superpixels of 8 × 8, and a module at whose border pixels are unsure."""
    rows, cols = np.indices((40, 40))
    labels = (rows // 8 * 5 + cols // 8 + 1).astype(np.int32)
    cell = (abs(rows - 20) <= 1) & (abs(cols - 20) <= 1)
    module = cols < 24
    unsure = (cols == 23) & (rng.random((40, 40)) < 0.3)
    hot = np.where(cell, 0.95, 0.05)
    on_module = np.select([unsure, module], [0.4, 0.8], 0.2)
    assert ((snap(hot, labels) > 0.5) == cell).all()
    assert not (snap(hot, labels, weight=1) > 0.5).any()
    assert unsure.any()
    assert ((snap(on_module, labels) > 0.5) == module).all()


@pytest.mark.parametrize("how", HOW)
def test_the_result_does_not_depend_on_the_threads(rng, how):
    labels = (np.add.outer(np.arange(260) // 9 * 40, np.arange(300) // 9) + 1).astype(np.int32)
    values = rng.random((260, 300, 2), dtype=np.float32)
    weights = rng.random((260, 300)) if how == "mean" else None
    for shares in (None, weights):
        expected = pool(values, labels, how=how, weights=shares, n_threads=1)
        assert_array_equal(pool(values, labels, how=how, weights=shares, n_threads=3), expected)
    assert_array_equal(snap(values, labels, n_threads=3), snap(values, labels, n_threads=1))


def test_other_forms_of_arrays_give_the_same_and_none_is_changed(rng):
    labels, values, weights = regions(rng, (9, 14)), rng.random((9, 14, 2)), rng.random((9, 14))
    expected = pool(values, labels, weights=weights), snap(values, labels), unpool(pool(values, labels), labels)
    for form in (np.asfortranarray, spaced, read_only, lambda array: array.tolist()):
        odd = [form(array) for array in (values, labels, weights)]
        before = repr(odd)
        found = pool(odd[0], odd[1], weights=odd[2]), snap(*odd[:2]), unpool(form(pool(values, labels)), odd[1])
        for one, other in zip(found, expected, strict=True):
            assert_array_equal(one, other)
        assert repr(odd) == before


LABELS, VALUES = np.array([[1, 1, 4], [1, 0, 4]]), np.arange(6.0).reshape(2, 3)
NAN = np.where(LABELS == 4, np.nan, 1.0)
ONE_NAN = np.array([[0.0, np.nan, 1.0], [2.0, 0.0, 1.0]])
BAD = [
    (pool, (VALUES[:1], LABELS), {}, ValueError, "values must have the labels' shape (2, 3), got (1, 3)"),
    (
        pool,
        (VALUES[0], LABELS),
        {},
        ValueError,
        "values must have shape (M, N) or (M, N, C), got (3,); pass one image at a time",
    ),
    (
        pool,
        (NAN, LABELS),
        {},
        ValueError,
        "values must be finite, got 2 NaN or infinite values; set the labels of such pixels to 0",
    ),
    (
        pool,
        (ONE_NAN, LABELS),
        {"how": "max"},
        ValueError,
        "values must be finite, got 1 NaN or infinite values; set the labels of such pixels to 0",
    ),
    (
        pool,
        (NAN, LABELS),
        {"weights": VALUES},
        ValueError,
        "values must be finite, got 2 NaN or infinite values; set the labels of such pixels to 0",
    ),
    (
        pool,
        (VALUES, LABELS - 1),
        {},
        ValueError,
        "labels must not be negative; pass cluster labels through connected_regions() first",
    ),
    (
        pool,
        (VALUES, LABELS * 9),
        {},
        ValueError,
        "labels must be numbered 1..n, got 36 in an image of 6 pixels; pass them through connected_regions() first",
    ),
    (
        pool,
        (VALUES, VALUES),
        {},
        TypeError,
        "labels must be of an integer dtype, got float64; number the regions, for example with "
        "np.unique(..., return_inverse=True)",
    ),
    (pool, (VALUES, LABELS), {"how": "min"}, ValueError, "how must be one of 'mean', 'max', 'median', got 'min'"),
    (
        pool,
        (VALUES, LABELS),
        {"how": "max", "weights": VALUES},
        ValueError,
        "weights must go with how='mean', got them with 'max'; leave them out",
    ),
    (
        pool,
        (VALUES, LABELS),
        {"weights": VALUES[0]},
        ValueError,
        "weights must have shape (2, 3), one value per sample, got (3,)",
    ),
    (
        pool,
        (VALUES, LABELS),
        {"weights": -VALUES},
        ValueError,
        "weights must not be negative, got -5.0; give samples that do not count a weight of 0",
    ),
    (pool, (VALUES, LABELS), {"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    (
        unpool,
        ([1, 2, 3], LABELS),
        {},
        ValueError,
        "table must have shape (2,) or (2, K), one row for each region that occurs, got (3,); "
        "pass what pool() gives for the same labels",
    ),
    (
        unpool,
        (np.zeros((2, 1, 1)), LABELS),
        {},
        ValueError,
        "table must have shape (2,) or (2, K), one row for each region that occurs, got (2, 1, 1); "
        "pass what pool() gives for the same labels",
    ),
    (
        unpool,
        (["a", "b"], LABELS),
        {},
        TypeError,
        "table must be of a numeric or boolean dtype, got <U1; pass numbers",
    ),
    (
        unpool,
        (np.array([1, 2], np.uint8), LABELS),
        {"fill": -1},
        ValueError,
        "fill must be a value of the table's dtype uint8, got -1.0; convert the table first",
    ),
    (
        unpool,
        ([1, 2], LABELS),
        {"fill": 0.5},
        ValueError,
        "fill must be a value of the table's dtype int64, got 0.5; convert the table first",
    ),
    (
        unpool,
        (np.ones(2, np.float32), LABELS),
        {"fill": 1e300},
        ValueError,
        "fill must be a value of the table's dtype float32, got 1e+300; convert the table first",
    ),
    (unpool, ([1, 2], LABELS), {"fill": np.nan}, ValueError, "fill must be finite, got nan"),
    (unpool, ([1, 2], LABELS), {"fill": "0"}, TypeError, "fill must be a number, got '0' of type str"),
    (snap, (VALUES, LABELS), {"weight": 1.5}, ValueError, "weight must be at most 1, got 1.5"),
    (snap, (VALUES, LABELS), {"weight": -1}, ValueError, "weight must be at least 0, got -1.0"),
    (
        snap,
        (NAN, LABELS),
        {},
        ValueError,
        "probabilities must be finite, got 2 NaN or infinite values; set the labels of such pixels to 0",
    ),
    (snap, (VALUES.T, LABELS), {}, ValueError, "probabilities must have the labels' shape (2, 3), got (3, 2)"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "error", "message"), BAD)
def test_bad_input(function, arguments, options, error, message):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    assert str(caught.value) == message
