"""The kernels of normalized cuts: equal to dense matrices and to trying everything."""

import naive_ncut
import numpy as np
import pytest
from ncut_scenes import picture, planar
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from classicseg import pixel_affinity
from classicseg._kernels.cpu import ncut as kernels
from classicseg._kernels.cpu import ncut_pixels as pixel_kernels
from classicseg._kernels.cpu.ncut_vector import first_vectors
from classicseg.graph import _pixel_graph, ncut
from classicseg.graph._discretize import rotated_labels
from classicseg.graph._pixel_graph import PixelGraph, graph_of_pixels
from classicseg.graph._sparse import SparseGraph, graph_of_scipy


@pytest.fixture
def small_graphs(monkeypatch):
    """Let small images take the way of large ones."""
    monkeypatch.setattr(_pixel_graph, "FEW", 40)
    monkeypatch.setattr(_pixel_graph, "COARSE", 100)


def arrays(matrix):
    graph = graph_of_scipy(csr_array(matrix))
    return graph.indptr, graph.indices, graph.data, graph.own, graph.degree


def dense(affinity):
    return affinity.to_scipy().toarray().astype(np.float64)


def whole(affinity):
    return graph_of_pixels(affinity, np.flatnonzero(affinity.degree > 0), affinity.shape, (0, 0), None)


# --- Sparse graphs ---


@pytest.mark.parametrize("own", [0.0, 1.0])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 7, 20, 60])
def test_the_second_eigenvector_is_that_of_the_dense_matrix(rng, n, own):
    matrix = planar(rng, n, own)
    indptr, indices, data, _, degree = arrays(matrix)
    found = first_vectors(indptr, indices, data, degree)[0]
    vector, value = naive_ncut.second_vector(matrix)
    quotient = (found @ (np.diag(degree) - matrix) @ found) / (degree @ found**2 - (degree @ found) ** 2 / degree.sum())
    assert quotient == pytest.approx(value, rel=1e-5)
    alike = abs(np.corrcoef(found, vector)[0, 1])  # the constant vector may be left in it
    assert alike > 1 - 1e-4 or n == 2
    assert found[np.abs(found).argmax()] > 0


def test_the_second_eigenvector_across_a_link_of_almost_nothing(rng):
    matrix = np.zeros((12, 12))
    matrix[:7, :7], matrix[7:, 7:] = planar(rng, 7), planar(rng, 5)
    matrix[6, 7] = matrix[7, 6] = 1e-9
    indptr, indices, data, own, degree = arrays(matrix)
    off, value, _ = kernels.cut_in_two(indptr, indices, data, own, degree)
    assert off.tolist() == [False] * 7 + [True] * 5
    assert value == pytest.approx(1e-9 / degree[:7].sum() + 1e-9 / degree[7:].sum(), rel=1e-6)


def test_vectors_of_a_larger_graph_start_those_of_a_part(rng):
    matrix = planar(rng, 50)
    whole = graph_of_scipy(csr_array(matrix))
    _, _, known = whole.cut_in_two()
    part = known.part_of(np.arange(30))
    assert part.start is not None
    _, alone = naive_ncut.second_vector(matrix[:30, :30])
    found = first_vectors(part.indptr, part.indices, part.data, part.degree, part.start)[0]
    found -= part.degree @ found / part.degree.sum()
    quotient = found @ (np.diag(part.degree) - matrix[:30, :30]) @ found / (part.degree @ found**2)
    assert quotient == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize("n", [2, 3, 9, 30])
def test_every_place_of_the_order_is_tried(rng, n):
    matrix = planar(rng, n, rng.choice([0.0, 1.0]))
    order = rng.permutation(n)
    indptr, indices, data, _, degree = arrays(matrix)
    place = kernels.best_place(indptr, indices, data, degree, order)
    labels = np.zeros(n, int)
    labels[order[:place]] = 1
    assert naive_ncut.value(matrix, labels) == pytest.approx(naive_ncut.best_place(matrix, order), abs=1e-12)


def test_of_equal_places_the_fewest_nodes_are_cut_off():
    indptr, indices, data, _, degree = arrays(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    assert kernels.best_place(indptr, indices, data, degree, np.arange(3)) == 1


def test_the_rotation_finds_segments_that_are_clear(rng):
    truth = np.repeat(np.arange(4), 10)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    vectors = (np.eye(4)[truth] + rng.normal(0, 0.25, (40, 4))) @ turn
    labels = rotated_labels(vectors, np.ones(40))
    assert len(np.unique(np.stack([labels, truth]), axis=1).T) == 4


@pytest.mark.parametrize("n_segments", [2, 3, 5])
@pytest.mark.parametrize("own", [0.0, 1.0])
def test_nodes_move_until_no_move_lowers_the_cut(rng, n_segments, own):
    matrix = planar(rng, 25, own)
    labels = rng.integers(0, n_segments, 25).astype(np.int32)
    labels[:n_segments] = np.arange(n_segments)
    before = naive_ncut.value(matrix, labels)
    value = kernels.refined(*arrays(matrix), labels, n_segments)
    assert value == pytest.approx(naive_ncut.value(matrix, labels), abs=1e-12)
    assert value <= before
    assert set(labels) == set(range(n_segments))
    assert naive_ncut.least_by_a_move(matrix, labels) >= value - 1e-11


def test_of_equal_moves_the_one_to_the_lowest_label():
    """A node between two segments that are alike, in a segment of its own kind that it hardly belongs to."""
    matrix = np.zeros((7, 7))
    for one, other in ((0, 1), (2, 3), (4, 5)):
        matrix[one, other] = 1.0
    matrix[6, 1], matrix[6, 3], matrix[6, 5] = 0.01, 0.5, 0.5
    matrix += matrix.T
    labels = np.array([0, 0, 2, 2, 1, 1, 0], np.int32)
    kernels.refined(*arrays(matrix), labels, 3)
    assert labels.tolist() == [0, 0, 2, 2, 1, 1, 1]


def test_components_and_parts(rng):
    matrix = np.zeros((9, 9))
    for one, other in ((0, 4), (4, 7), (1, 2), (5, 8)):
        matrix[one, other] = matrix[other, one] = 1 + one
    indptr, indices, data, _, _ = arrays(matrix)
    part, n_parts = kernels.components(indptr, indices)
    assert part.tolist() == [0, 1, 1, 2, 0, 3, 4, 0, 3]
    assert n_parts == 5
    begins, others, weights = kernels.subgraph(indptr, indices, data, np.array([1, 2, 4, 7]))
    dense = csr_array((weights, others, begins), shape=(4, 4)).toarray()
    assert_array_equal(dense, matrix[np.ix_([1, 2, 4, 7], [1, 2, 4, 7])])


def test_the_most_alike_direction(rng):
    vectors, directions, less = rng.normal(size=(50, 3)), rng.normal(size=(4, 3)), rng.random(4)
    found = kernels.most_alike(vectors, directions, less)
    assert_array_equal(found, (vectors @ directions.T - less).argmax(axis=1))
    assert kernels.most_alike(np.ones((1, 3)), np.ones((3, 3)), np.zeros(3)).tolist() == [0]


# --- Graphs of pixels ---


def test_a_part_has_the_links_among_its_pixels(rng, small_graphs):
    affinity = pixel_affinity(picture(rng), 2.5, sigma=1)
    graph = whole(affinity)
    inside = rng.random(320) < 0.6
    inside[:40] = inside[200:] = False
    chosen = np.flatnonzero(inside)
    part = graph.part_of(chosen)
    assert isinstance(part, PixelGraph)
    assert_array_equal(part.nodes, chosen)
    assert part.affinity.shape[0] < 16  # only the box around them
    box = dense(part.affinity)
    places = np.ravel_multi_index(part.places, part.affinity.shape)
    assert_array_equal(box[np.ix_(places, places)], dense(affinity)[np.ix_(chosen, chosen)])
    assert box.sum() == pytest.approx(box[np.ix_(places, places)].sum())
    again = part.part_of(np.arange(50))
    assert_array_equal(again.nodes, chosen[:50])
    few = part.part_of(np.arange(0, 60, 2))
    assert isinstance(few, SparseGraph)
    assert_allclose(few.to_scipy().toarray(), dense(affinity)[np.ix_(chosen[:60:2], chosen[:60:2])])


def test_every_place_of_an_order_of_pixels_is_tried(rng):
    affinity = pixel_affinity(picture(rng, (5, 7)), 2, sigma=1)
    order = rng.permutation(35)
    rank = np.empty(35, np.int32)
    rank[order] = np.arange(35)
    degree = affinity.degree.reshape(-1)[order]
    place = pixel_kernels.best_place(affinity.stored, affinity.offsets, rank.reshape(5, 7), degree)
    labels = (rank < place).astype(int)
    matrix = dense(affinity)
    assert naive_ncut.value(matrix, labels) == pytest.approx(naive_ncut.best_place(matrix, order), rel=1e-6)


def test_pixels_move_until_no_pixel_beside_another_segment_would_lower_the_cut(rng):
    affinity = pixel_affinity(picture(rng, (9, 11)), 2, sigma=1)
    matrix = dense(affinity)
    labels = rng.integers(0, 3, (9, 11)).astype(np.int32)
    before = naive_ncut.value(matrix, labels.ravel())
    value = pixel_kernels.refined(affinity.stored, affinity.offsets, affinity.degree, labels, 3)
    assert value == pytest.approx(naive_ncut.value(matrix, labels.ravel()), rel=1e-6)
    assert value < before
    for row in range(9):
        for col in range(11):
            if pixel_kernels.beside_another(labels, row, col):
                for label in range(3):
                    moved = labels.copy()
                    moved[row, col] = label
                    if len(np.unique(moved)) == 3 and (matrix[row * 11 + col] > 0)[labels.ravel() == label].any():
                        assert naive_ncut.value(matrix, moved.ravel()) >= value - 1e-6


def test_the_last_pixel_of_a_segment_stays():
    affinity = pixel_affinity(np.zeros((4, 5)), 1.5)
    labels = np.zeros((4, 5), np.int32)
    labels[2, 2] = 1
    pixel_kernels.refined(affinity.stored, affinity.offsets, affinity.degree, labels, 2)
    assert set(labels.ravel()) == {0, 1}


def test_groups_have_the_links_of_their_pixels(rng, small_graphs):
    affinity = pixel_affinity(picture(rng), 2.5, sigma=1)
    graph = whole(affinity)
    group, groups = graph.coarse()
    assert 20 < len(groups.nodes) <= 100
    assert group.max() + 1 == len(groups.nodes)
    labels = rng.integers(0, 4, len(groups.nodes)).astype(np.int32)
    of_pixels, of_groups = ncut(affinity, labels[group].reshape(16, 20)), groups.refined(labels, 4)
    assert naive_ncut.value(groups.to_scipy().toarray(), labels) == pytest.approx(of_pixels, rel=1e-5)
    assert ncut(affinity, of_groups[0][group].reshape(16, 20)) == pytest.approx(of_groups[1], rel=1e-5)
