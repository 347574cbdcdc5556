"""Eigenvectors of small graphs, and the coordinates of regions that come from them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import _segment_walk as walk
from classicseg._kernels.cpu import lanczos, segment_merge, segment_trees


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
    return segment_merge.Described(area, sums, (1, 2, 1), ends, np.full(len(ends), 6), strengths * 6)


WEIGHTS = np.zeros(3 * 10 + 1)
WEIGHTS[0], WEIGHTS[-1] = 2.0, -2.0  # the distance of the mean colours
WEIGHTS[20:30] = np.inf


def scores_of(given, weights):
    return segment_merge.merge_with_scores(given, weights, 0)[2]


@pytest.mark.parametrize("n_steps", [0, 40])
def test_a_border_that_hardly_any_way_crosses_is_the_strongest(rng, n_steps):
    """After 40 steps some nodes are many regions, most links of which lie inside."""
    given = described(6, 10, 4, rng)
    nodes = walk.nodes_after(given, segment_merge.merge_by_score(given, WEIGHTS, n_steps)[0])
    found = walk.with_walk(nodes, given, scores_of(given, WEIGHTS))
    assert_array_equal(found.sums, nodes.described.sums)
    assert_array_equal(found.strengths[:, :1], nodes.described.strengths)
    assert found.n_features() == given.n_features() + 1
    side = nodes.roots % 10 < 4
    across = side[found.ends[:, 0]] != side[found.ends[:, 1]]
    apart = found.strengths[:, 1] / found.lengths
    assert apart[across].min() > apart[~across].max() if n_steps == 0 else apart[across].mean() > apart[~across].mean()


def test_strengths_are_those_of_the_walk_on_all_regions_that_stays_within_nodes(rng):
    """By definition: the generalised eigenvectors of the links, each side summed over the regions of a node."""
    given = described(5, 7, 3, rng)
    weights = WEIGHTS.copy()
    weights[20] = 1.5  # a distance of more than 45 counts as that
    nodes = walk.nodes_after(given, segment_merge.merge_by_score(given, weights, 12)[0])
    a, b = given.ends.T
    mean = given.sums[:, 0] / given.area
    probable = 1 / (1 + np.exp(-(2 * np.minimum(np.abs(mean[a] - mean[b]) / 30, 1.5) - 2)))
    links = np.zeros((35, 35))
    links[a, b] = links[b, a] = np.maximum((1 - probable) ** walk.STEEPNESS, walk.FAINTEST)
    parts = np.eye(len(nodes.roots))[nodes.node]
    links = parts.T @ links @ parts
    root = np.sqrt(links.sum(axis=1))
    values, vectors = np.linalg.eigh(links / root / root[:, None])
    rows = vectors[:, ::-1][:, 1 : 1 + walk.N_VECTORS].T / root
    rows /= np.sqrt(rows**2 @ nodes.described.area / given.area.sum())[:, None]
    rows *= np.sqrt((1 - values[-2]) / (1 - values[::-1][1 : 1 + walk.N_VECTORS]))[:, None]
    found = walk.with_walk(nodes, given, scores_of(given, weights))
    expected = np.abs(rows[:, found.ends[:, 0]] - rows[:, found.ends[:, 1]]).sum(axis=0) * walk.SHARE
    assert_allclose(found.strengths[:, 1] / found.lengths, expected, atol=1e-6)


def test_nodes_are_the_sums_of_their_regions(rng):
    given = described(5, 7, 3, rng)
    steps, _ = segment_merge.merge_by_score(given, WEIGHTS, 12)
    nodes = walk.nodes_after(given, steps)
    assert len(nodes.roots) == 35 - 12
    for index, root in enumerate(nodes.roots):
        parts = np.flatnonzero(nodes.node == index)
        assert parts[0] == root
        assert nodes.described.area[index] == given.area[parts].sum()
        assert_allclose(nodes.described.sums[index], given.sums[parts].sum(axis=0))
    for (a, b), length, strengths in zip(nodes.described.ends, nodes.described.lengths, nodes.described.strengths):
        sides = nodes.node[given.ends]
        both = (sides == (a, b)).all(axis=1) | (sides == (b, a)).all(axis=1)
        assert a < b
        assert length == given.lengths[both].sum()
        assert_allclose(strengths, given.strengths[both].sum(axis=0))


def test_regions_without_links_are_left_out(rng):
    given = described(2, 4, 2, rng)
    no_steps = np.empty((0, 2), np.int32)
    for count in (0, 1, 2):
        few = given._replace(ends=given.ends[:count], lengths=given.lengths[:count], strengths=given.strengths[:count])
        found = walk.with_walk(walk.nodes_after(few, no_steps), few, scores_of(few, WEIGHTS))
        assert found.strengths.shape == (count, 2)
        assert np.isfinite(found.strengths).all()
        assert (found.strengths[:, 1] > 0).all()


def test_the_mean_of_trees(rng):
    """Heights of two trees by their definition, and the tree of their means."""
    given = described(4, 5, 2, rng)
    models = [WEIGHTS + rng.normal(size=31) * 0.1 for _ in range(3)]
    expected = np.zeros(len(given.ends))
    for weights in models:
        steps, scores = segment_merge.merge_by_score(given, weights)
        root = np.arange(20)
        heights = np.full(len(given.ends), np.inf)
        for (low, high), score in zip(steps, np.maximum.accumulate(scores)):
            root[root == high] = low
            one = root[given.ends[:, 0]] == root[given.ends[:, 1]]
            heights[one] = np.minimum(heights[one], 1 / (1 + np.exp(-score)))
        expected += heights / 3
    for n_threads in (1, 2):
        found = segment_trees.mean_heights((given,), [(0, weights) for weights in models], n_threads)
        assert_allclose(found, expected, rtol=1e-12)
    steps, heights = segment_trees.merge_by_heights(given, expected)
    assert len(steps) == 19
    assert heights[0] == pytest.approx(expected.min())
    assert sorted(steps[0].tolist()) == given.ends[expected.argmin()].tolist()
    _, one_tree = segment_trees.merge_by_heights(given, segment_trees.mean_heights((given,), [(0, models[0])]))
    _, scores = segment_merge.merge_by_score(given, models[0])
    assert_allclose(one_tree, segment_trees.probabilities(scores), rtol=1e-9)  # one tree agrees with itself
