"""The least cut of a whole graph: equal to every way tried and to networkx, and biased as the lectures say."""

import naive_flow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from classicseg import minimum_cut, pixel_affinity, region_graph
from classicseg.graph import assoc, cut, ncut


def random_graph(rng, n, density, whole):
    weights = rng.integers(1, 9, (n, n)).astype(float) if whole else rng.random((n, n))
    matrix = np.triu(weights * (rng.random((n, n)) < density), 1)
    return matrix + matrix.T


def assert_parts(result, matrix):
    """Both parts have nodes, the first one lies in part 0, and what lies between weighs what is said."""
    part = result.labels.ravel() == 1
    assert set(result.labels.ravel().tolist()) == {0, 1}
    assert result.labels.ravel()[0] == 0
    assert result.labels.dtype == np.int32
    assert result.weight == pytest.approx(matrix[np.ix_(part, ~part)].sum(), rel=1e-12, abs=1e-15)


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 8), st.floats(0.2, 1), st.booleans(), st.integers(0, 2**32 - 1))
def test_no_way_to_part_a_graph_weighs_less(n, density, whole, seed):
    matrix = random_graph(np.random.default_rng(seed), n, density, whole)
    result = minimum_cut(csr_array(matrix))
    assert result.weight == pytest.approx(naive_flow.least_cut(matrix), rel=1e-12, abs=1e-15)
    assert_parts(result, matrix)


@pytest.mark.parametrize("n", [30, 60])
@pytest.mark.parametrize("density", [0.1, 0.5])
def test_as_networkx_finds_it(rng, n, density):
    networkx = pytest.importorskip("networkx", reason="the peer is not installed")
    for whole in (True, False):
        matrix = random_graph(rng, n, density, whole)
        chain = np.arange(n - 1)
        matrix[chain, chain + 1] = matrix[chain + 1, chain] = 5  # connected, as networkx asks
        expected, _ = networkx.stoer_wagner(networkx.from_numpy_array(matrix))
        result = minimum_cut(csr_array(matrix))
        assert result.weight == pytest.approx(expected, rel=1e-12)
        assert_parts(result, matrix)


def test_two_halves_and_a_bridge(rng):
    """A cut that no single node makes, and that is found after several orders."""
    n = 40
    matrix = np.zeros((n, n))
    matrix[:20, :20], matrix[20:, 20:] = 1 + rng.random((20, 20)), 1 + rng.random((20, 20))
    matrix = np.triu(matrix, 1)
    matrix[5, 30], matrix[11, 21] = 0.5, 0.25
    matrix += matrix.T
    order = rng.permutation(n)
    result = minimum_cut(csr_array(matrix[np.ix_(order, order)]))
    assert result.weight == pytest.approx(0.75)
    assert len({(result.labels[i], order[i] < 20) for i in range(n)}) == 2


def test_parts_without_links_between_weigh_nothing():
    matrix = np.kron(np.eye(3), np.ones((4, 4)))
    result = minimum_cut(csr_array(matrix))
    assert result.weight == 0
    assert_parts(result, matrix)
    assert minimum_cut(csr_array((3, 3))).weight == 0


def test_rings_and_pairs():
    assert minimum_cut(csr_array([[7.0, 2.5], [2.5, 0.0]])).weight == 2.5  # links to oneself count nothing
    ring = np.roll(np.eye(9), 1, axis=0)
    assert minimum_cut(csr_array(ring + ring.T)).weight == 2


def test_regions_have_the_weights_of_the_docstring(rng):
    labels = np.arange(1, 10).reshape(3, 3).repeat(3, axis=0).repeat(3, axis=1)
    labels[labels == 5] = 11  # numbers 5 and 10 are of no pixel
    labels[0, 0] = 0
    image = rng.integers(0, 40, labels.max() + 1)[labels].astype(float)
    graph = region_graph(labels, image)
    for sigma in (None, 7.0):
        width = np.median(graph.difference[graph.difference > 0]) if sigma is None else sigma
        weights = graph.boundary_length * np.exp(-(graph.difference**2) / (2 * width**2))
        nodes = np.flatnonzero(graph.area)
        matrix = np.zeros((len(graph.area),) * 2)
        matrix[graph.edges[:, 0], graph.edges[:, 1]] = weights
        matrix = (matrix + matrix.T)[np.ix_(nodes, nodes)]
        for options in ({"sigma": sigma}, {"weights": weights}):
            result = minimum_cut(graph, **options)
            assert result.weight == pytest.approx(naive_flow.least_cut(matrix), rel=1e-12)
            assert_array_equal(result.labels < 0, labels == 0)
            assert result.labels[labels == 1].max() == 0
            for number in np.unique(labels[labels > 0]):
                assert len(np.unique(result.labels[labels == number])) == 1


def test_pixels_outside_the_mask_are_no_nodes(rng):
    mask = rng.random((4, 4)) > 0.2
    affinity = pixel_affinity(rng.random((4, 4)), 2, sigma=0.4, mask=mask)
    result = minimum_cut(affinity)
    inside = np.flatnonzero(mask)
    matrix = affinity.to_scipy().toarray().astype(float)[np.ix_(inside, inside)]
    assert result.weight == pytest.approx(naive_flow.least_cut(matrix), rel=1e-12, abs=1e-15)
    assert_array_equal(result.labels < 0, ~mask)
    assert result.weight == pytest.approx(cut(affinity, result.labels), rel=1e-12, abs=1e-15)


def test_the_least_cut_prefers_a_small_part_and_the_normalized_one_does_not(rng):
    """The lectures' picture: two clouds of points, and one point aside. The least cut takes off that point; parting the
    clouds cuts more, but a far smaller share of what each is linked to."""
    clouds = np.concatenate([rng.normal((0, 0), 0.4, (30, 2)), rng.normal((4, 0), 0.4, (30, 2)), [[2, 3.2]]])
    apart = np.linalg.norm(clouds[:, None] - clouds[None], axis=2)
    graph = csr_array(np.where(apart > 0, np.exp(-(apart**2) / 2), 0))
    clouds_apart = (clouds[:, 0] > 2).astype(int)
    least = minimum_cut(graph)
    assert np.bincount(least.labels).tolist() == [60, 1]
    assert least.labels[-1] == 1
    assert least.weight < cut(graph, clouds_apart)
    assert ncut(graph, clouds_apart) < 0.1 < 1 < ncut(graph, least.labels)
    assert assoc(graph, least.labels)[1] < 0.01 * assoc(graph, clouds_apart)[1]


ERRORS = [
    (csr_array((1, 1)), {}, "graph must have 2 to 20000 nodes, got 1; one node cannot be parted"),
    (
        pixel_affinity(np.zeros((200, 101)), 1),
        {},
        "graph must have 2 to 20000 nodes, got 20200; join pixels to regions first, as slic() does",
    ),
    (
        np.zeros((3, 3)),
        {},
        "graph must be a RegionGraph, a PixelAffinity or a SciPy sparse array, got ndarray; pass an image through "
        "slic() and region_graph() first",
    ),
    (csr_array((2, 2)), {"sigma": 1}, "sigma must go with a RegionGraph, got it with csr_array; leave it out"),
    (csr_array((2, 2)), {"weights": [1]}, "weights must go with a RegionGraph, got it with csr_array; leave it out"),
    (csr_array((2, 3)), {}, "graph must have shape (n, n), got (2, 3)"),
    (csr_array([[0, 1.0], [0, 0]]), {}, "graph must be symmetric; pass (graph + graph.T) / 2"),
    (
        csr_array([[0, np.nan], [np.nan, 0]]),
        {},
        "graph must be finite, got 2 NaN or infinite values; give links that do not count a weight of 0",
    ),
    (region_graph([[1, 1]]), {}, "graph must have 2 to 20000 nodes, got 1; one node cannot be parted"),
    (region_graph([[1, 2]]), {"sigma": -1}, "sigma must be at least 1e-30, got -1.0"),
]


@pytest.mark.parametrize(("graph", "options", "message"), ERRORS)
def test_arguments_are_refused_in_words(graph, options, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        minimum_cut(graph, **options)
    assert str(caught.value) == message
