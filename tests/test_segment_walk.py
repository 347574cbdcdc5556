"""Eigenvectors of small graphs, and the coordinates of regions that come from them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import _segment_walk as walk
from classicseg._kernels.cpu import lanczos, segment_merge


def grid(rows, cols):
    places = np.arange(rows * cols).reshape(rows, cols)
    across = np.stack([places[:, :-1].ravel(), places[:, 1:].ravel()], axis=1)
    return np.concatenate([across, np.stack([places[:-1].ravel(), places[1:].ravel()], axis=1)])


def normalised(ends, weights, n_nodes):
    matrix = np.zeros((n_nodes, n_nodes))
    np.add.at(matrix, (ends[:, 0], ends[:, 1]), weights)
    matrix += matrix.T
    root = np.sqrt(matrix.sum(axis=1))
    return matrix / root / root[:, None]


@pytest.mark.parametrize("n", [1, 2, 3, 17, 40])
def test_a_tridiagonal_matrix_is_made_diagonal(rng, n):
    diagonal, beside = rng.normal(size=n), np.append(rng.normal(size=n - 1), 0.0)
    beside[n // 2] = 0  # falls apart
    matrix = np.diag(diagonal) + np.diag(beside[: n - 1], 1) + np.diag(beside[: n - 1], -1)
    values, rows = diagonal.copy(), np.eye(n)
    lanczos.diagonalise(values, beside, rows)
    assert_allclose(rows @ matrix @ rows.T, np.diag(values), atol=1e-12)
    assert_allclose(rows @ rows.T, np.eye(n), atol=1e-12)


@pytest.mark.parametrize("most_steps", [1000, 60])
def test_the_largest_eigenvectors_but_the_first(rng, most_steps):
    """Of two grids that hardly touch, so that the second eigenvalue is far from the rest, and of one grid."""
    ends = grid(8, 12)
    for weights in (rng.random(len(ends)) + 0.1, np.where((ends % 12 == [5, 6]).all(axis=1), 1e-3, 1.0)):
        expected, vectors = np.linalg.eigh(normalised(ends, weights, 96))
        values, rows = lanczos.largest(ends, weights, 96, 4, most_steps)
        assert_allclose(values, expected[::-1][1:5], atol=1e-9)
        assert_allclose(np.abs(rows @ vectors[:, ::-1][:, 1:5]), np.eye(4), atol=1e-5)


def test_small_graphs_have_as_many_vectors_as_there_are():
    values, rows = lanczos.largest(np.array([[0, 1]]), np.array([2.0]), 2, 8, 100)
    assert_allclose(values, [-1])
    assert_allclose(np.abs(rows), [[0.5**0.5] * 2])
    values, rows = lanczos.largest(grid(1, 3), np.ones(2), 3, 8, 100)
    assert_allclose(values, [0, -1], atol=1e-12)


def described(n_rows, n_cols, apart, rng):
    """Regions in a grid, whose colours differ by 100 between the columns before `apart` and those from it on."""
    ends = grid(n_rows, n_cols).astype(np.int32)
    area = rng.integers(30, 60, n_rows * n_cols)
    mean = np.where(np.arange(n_rows * n_cols) % n_cols < apart, 0.0, 100.0)
    strengths = np.abs(mean[ends[:, 0]] - mean[ends[:, 1]])[:, None] / 10
    codes = np.stack([mean == 0, mean > 0, mean >= 0], axis=1)
    sums = np.concatenate([mean[:, None], mean[:, None] ** 2, codes], axis=1) * area[:, None]
    return segment_merge.Described(area, sums, (1, 2, 1, 0), ends, np.full(len(ends), 6), strengths * 6)


WEIGHTS = np.zeros(2 * 10 + 1)
WEIGHTS[0], WEIGHTS[-1] = 2.0, -2.0  # the distance of the mean colours


@pytest.mark.parametrize("n_nodes", [400, 20])
def test_the_first_coordinate_parts_what_hardly_any_way_joins(rng, monkeypatch, n_nodes):
    monkeypatch.setattr(walk, "N_NODES", n_nodes)  # with 20 there are merged regions, which share their coordinates
    given = described(6, 10, 4, rng)
    found = walk.with_coordinates(given, WEIGHTS)
    assert found.layout == (1, 2, 1, walk.N_VECTORS)
    assert_array_equal(found.sums[:, :5], given.sums)
    assert_array_equal(found.strengths[:, :1], given.strengths)
    coordinates = found.sums[:, 5:] / given.area[:, None]
    side = np.arange(60) % 10 < 4
    assert len(np.unique(np.sign(coordinates[side, 0]))) == len(np.unique(np.sign(coordinates[~side, 0]))) == 1
    assert np.sign(coordinates[0, 0]) != np.sign(coordinates[9, 0])
    assert coordinates[:, 0] ** 2 @ given.area / given.area.sum() == pytest.approx(1)
    squares = (coordinates**2 * given.area[:, None]).sum(axis=0)
    assert (squares[1:] < squares[0]).all()  # those that are less slow count less
    apart = np.abs(coordinates[given.ends[:, 0]] - coordinates[given.ends[:, 1]]).sum(axis=1) * walk.SHARE * 6
    assert_allclose(found.strengths[:, 1], apart, atol=1e-12)
    assert len(np.unique(coordinates.round(9), axis=0)) == min(n_nodes, 60)
    assert found.n_features() == given.n_features() + 2


def test_regions_without_links_lie_at_zero(rng):
    given = described(2, 4, 2, rng)
    none = given._replace(ends=given.ends[:0], lengths=given.lengths[:0], strengths=given.strengths[:0])
    assert not walk.with_coordinates(none, WEIGHTS).sums[:, 5:].any()
    one = given._replace(ends=given.ends[:1], lengths=given.lengths[:1], strengths=given.strengths[:1])
    coordinates = walk.with_coordinates(one, WEIGHTS).sums[:, 5:]
    assert coordinates[:2, 0].all()
    assert not coordinates[2:].any()
    assert not coordinates[:, 1:].any()
