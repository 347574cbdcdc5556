"""One-to-one matching of boundary pixels."""

import naive_boundaries as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching, min_weight_full_bipartite_matching

from classicseg._kernels.cpu import matching
from classicseg.metrics import BoundaryMatch, boundary_map, match_boundaries, thin

SHAPES = [(1, 1), (1, 40), (33, 1), (6, 7), (15, 22)]


def price(match: BoundaryMatch) -> int:
    return int(np.rint(100 * match.distance).sum())


def check_pairs(match, true, pred, max_distance):
    """Every pair is two set pixels, near enough, and no pixel is in two pairs."""
    assert match.n_true == true.sum()
    assert match.n_pred == pred.sum()
    for pixels, image in ((match.pixels_true, true), (match.pixels_pred, pred)):
        assert pixels.dtype == np.int32
        assert pixels.shape == (len(match.distance), 2)
        assert image[tuple(pixels.T)].all()
        assert len(np.unique(pixels, axis=0)) == len(pixels)
    apart = match.pixels_true.astype(float) - match.pixels_pred
    assert_allclose(match.distance, np.sqrt((apart**2).sum(axis=1)))
    assert (match.distance <= max_distance * np.hypot(*true.shape) * (1 + 1e-9)).all()


def lines(rng, shape, n=6):
    """Thin boundaries of random half planes, as annotators draw them: long, and a few pixels apart at most."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, int)
    moved = np.zeros(shape, int)
    for k in range(n):
        angle, shift = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8)
        side = (rows - shift * shape[0]) * np.cos(angle) + (cols - shift * shape[1]) * np.sin(angle)
        labels += (side > 0) << k
        moved += (side + 2.5 * np.sin(0.1 * (rows + cols) + k) + rng.normal(0, 0.4, shape) > 0) << k
    return thin(boundary_map(labels)), thin(boundary_map(moved))


def sparse_assignment(true, pred, max_distance):
    """Return number and price of the pairs by SciPy's sparse matchings: another algorithm for larger maps."""
    cost, near = naive.costs(true, pred, max_distance)
    rows, cols = np.nonzero(near)
    n, m = cost.shape
    outlier = int(cost[near].max(initial=0) + 1) * (n + 1)
    weights = np.r_[cost[near] + 1.0, np.full(n, outlier + 1.0)]
    table = csr_array((weights, (np.r_[rows, np.arange(n)], np.r_[cols, m + np.arange(n)])), shape=(n, m + n))
    found = min_weight_full_bipartite_matching(table)[1]
    paired = found < m
    most = maximum_bipartite_matching(csr_array((np.ones(len(rows), int), (rows, cols)), shape=(n, m)))
    assert paired.sum() == (most >= 0).sum()
    return int(paired.sum()), int(cost[np.arange(n)[paired], found[paired]].sum())


@pytest.mark.parametrize("max_distance", [0, 0.05, 0.15, 0.4, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_many_and_as_near_as_the_dense_assignment(rng, shape, max_distance):
    for densities in ((0.1, 0.1), (0.5, 0.1), (0.1, 0.6), (0.4, 0.4), (1, 0.3)):
        true, pred = (rng.random(shape) < density for density in densities)
        match = match_boundaries(true, pred, max_distance=max_distance)
        check_pairs(match, true, pred, max_distance)
        assert (len(match.distance), price(match)) == naive.match(true, pred, max_distance)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.floats(0.05, 0.9))
def test_as_the_dense_assignment_on_any_map(seed, n_rows, n_cols, max_distance, density):
    rng = np.random.default_rng(seed)
    true, pred = rng.random((2, n_rows, n_cols)) < density
    match = match_boundaries(true, pred, max_distance=max_distance)
    check_pairs(match, true, pred, max_distance)
    assert (len(match.distance), price(match)) == naive.match(true, pred, max_distance)


@pytest.mark.parametrize("max_distance", [0.0075, 0.02, 0.05])
def test_long_lines_equal_the_sparse_assignment(rng, max_distance):
    for _ in range(3):
        true, pred = lines(rng, (97, 141))
        match = match_boundaries(true, pred, max_distance=max_distance)
        check_pairs(match, true, pred, max_distance)
        assert (len(match.distance), price(match)) == sparse_assignment(true, pred, max_distance)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.5))
def test_swapped_flipped_and_turned_maps_match_as_well(seed, max_distance):
    rng = np.random.default_rng(seed)
    true, pred = rng.random((2, 9, 14)) < rng.uniform(0.05, 0.8, (2, 1, 1))
    match = match_boundaries(true, pred, max_distance=max_distance)
    found = [
        match_boundaries(pred, true, max_distance=max_distance),
        match_boundaries(true[::-1], pred[::-1], max_distance=max_distance),
        match_boundaries(true[:, ::-1], pred[:, ::-1], max_distance=max_distance),
        match_boundaries(true.T, pred.T, max_distance=max_distance),
    ]
    assert {(len(one.distance), price(one)) for one in found} == {(len(match.distance), price(match))}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_more_pixels_or_a_longer_reach_never_match_less(seed):
    rng = np.random.default_rng(seed)
    true, pred = rng.random((2, 10, 11)) < 0.3
    more = pred | (rng.random(pred.shape) < 0.1)
    counts = [len(match_boundaries(true, pred, max_distance=part).distance) for part in (0, 0.08, 0.15, 0.3)]
    assert counts == sorted(counts)
    assert counts[0] == (true & pred).sum()
    assert len(match_boundaries(true, more, max_distance=0.08).distance) >= counts[1]


def test_a_map_matches_itself_at_no_distance(rng):
    drawn = rng.random((30, 20)) < 0.3
    match = match_boundaries(drawn, drawn, max_distance=0.2)
    assert_array_equal(match.pixels_true, np.argwhere(drawn))
    assert_array_equal(match.pixels_pred, match.pixels_true)
    assert match.distance.max() == 0


@pytest.mark.parametrize(("apart", "matched"), [(4, 321), (5, 0)])
def test_the_benchmarks_distance_in_its_images(apart, matched):
    """0.0075 of the diagonal of 481 × 321 pixels is 4.34."""
    true, pred = np.zeros((2, 481, 321), bool)
    true[200], pred[200 + apart] = True, True
    match = match_boundaries(true, pred)
    assert len(match.distance) == matched
    assert (match.distance == apart).all()


def test_a_distance_that_is_just_reached_counts():
    """0.01 of the diagonal of 300 × 400 pixels is 5: straight, and as 3 and 4."""
    true, pred = np.zeros((2, 300, 400), bool)
    true[10, 10] = true[100, 100] = true[200, 200] = True
    pred[15, 10] = pred[103, 96] = pred[204, 204] = True
    assert_array_equal(match_boundaries(true, pred, max_distance=0.01).distance, [5, 5])


def test_pixels_set_in_both_part_where_that_makes_room():
    true, pred = np.array([[True, True, False]]), np.array([[False, True, True]])
    match = match_boundaries(true, pred, max_distance=0.4)
    assert_array_equal(match.pixels_true[:, 1], [0, 1])
    assert_array_equal(match.pixels_pred[:, 1], [1, 2])


def test_a_chain_that_moves_up_from_end_to_end():
    """Each pixel must give its twin away for the last to find room: the longest path of exchanges there is."""
    true, pred = np.zeros((2, 3, 200), bool)
    true[1, :150], pred[1, 1:151] = True, True
    match = match_boundaries(true, pred, max_distance=1 / np.hypot(3, 200))
    assert len(match.distance) == 150
    assert_array_equal(match.pixels_pred[:, 1], match.pixels_true[:, 1] + 1)


def test_of_a_crowd_the_nearest_are_taken():
    true, pred = np.zeros((2, 9, 9), bool)
    true[:, 4] = True
    true[:, 2] = True
    pred[:, 5] = True
    match = match_boundaries(true, pred, max_distance=0.3)
    assert set(match.pixels_true[:, 1]) == {4}


@pytest.mark.parametrize(("true", "pred"), [(0, 0), (0, 1), (1, 0)])
def test_nothing_to_match(true, pred):
    match = match_boundaries(np.full((5, 6), true == 1), np.full((5, 6), pred == 1))
    assert match.pixels_true.shape == match.pixels_pred.shape == (0, 2)
    assert match.distance.shape == (0,)
    assert (match.n_true, match.n_pred) == (30 * true, 30 * pred)


def test_of_equal_matchings_always_the_same_is_chosen(rng):
    true, pred = rng.random((2, 40, 50)) < 0.4
    first = match_boundaries(true, pred, max_distance=0.05)
    for again in (match_boundaries(true.copy(), pred.copy(), max_distance=0.05) for _ in range(3)):
        assert_array_equal(again.pixels_true, first.pixels_true)
        assert_array_equal(again.pixels_pred, first.pixels_pred)


def test_prices_of_many_rows_stay_whole_numbers():
    """Left out at a price of some 2**40, beyond the range of int32 and of float32."""
    starts = np.array([0, 1, 3, 4], np.int64)
    columns, prices = np.array([0, 0, 1, 1], np.int32), np.array([2**30, 3, 2**30, 5], np.int32)
    found = matching.assign(starts, columns, prices, 2, np.int64(2**40))
    assert_array_equal(found, [-1, 0, 1])
    assert_array_equal(matching.assign(starts[:3], columns[:3], prices[:3], 2, np.int64(2**40)), [0, 1])


def test_the_heap_gives_the_least_first(rng):
    heap = np.empty(200, np.int64)
    keys = rng.integers(0, 60, 200)
    for n, key in enumerate(keys):
        matching._push(heap, n, key)
    assert [matching._pop(heap, n) for n in range(200, 0, -1)] == sorted(keys)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 1023, 1024, 1025])
def test_bits_hold_every_number_below(n):
    bits = matching._bits(n)
    assert (n - 1) >> bits == 0
    assert bits == 1 or (n - 1) >> (bits - 1) > 0


ONE = np.ones((2, 2), bool)
NOT_BOOL = "make a map of 0 and 1 one with > 0, and a label image with boundary_map()"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: match_boundaries(ONE * 1, ONE), TypeError, f"boundaries_true must be boolean, got int64; {NOT_BOOL}"),
        (
            lambda: match_boundaries(ONE, ONE * 0.5),
            TypeError,
            f"boundaries_pred must be boolean, got float64; {NOT_BOOL}",
        ),
        (
            lambda: match_boundaries(ONE, ONE[:1]),
            ValueError,
            "boundaries_pred must have the shape of boundaries_true, (2, 2), got (1, 2); "
            "compare maps of one image at one size",
        ),
        (
            lambda: match_boundaries(ONE[None], ONE),
            ValueError,
            "boundaries_true must have shape (M, N), got (1, 2, 2); pass one image at a time",
        ),
        (lambda: match_boundaries(ONE[:0], ONE), ValueError, "boundaries_true must not be empty, got shape (0, 2)"),
        (
            lambda: match_boundaries(ONE, ONE, max_distance=-0.1),
            ValueError,
            "max_distance must be at least 0, got -0.1",
        ),
        (lambda: match_boundaries(ONE, ONE, max_distance=4.3), ValueError, "max_distance must be at most 1, got 4.3"),
        (lambda: match_boundaries(ONE, ONE, max_distance=np.nan), ValueError, "max_distance must be finite, got nan"),
        (
            lambda: match_boundaries(ONE, ONE, max_distance="far"),
            TypeError,
            "max_distance must be a number, got 'far' of type str",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
