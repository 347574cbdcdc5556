"""What scikit-image's functions on graphs of regions are here: the table in the docstring of `region_graph`.

Images are constructed so that it is known what is joined.
"""

import networkx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from skimage import graph as skgraph

from classicseg import connected_regions, merge_regions, merge_tree, region_graph

SIDE = 10
SHADES = np.array([[255, 254], [2, 1]])  # of four squares, those side by side alike
SQUARES = np.kron([[1, 2], [3, 4]], np.ones((SIDE, SIDE), np.uint8)).astype(np.uint8)
STAIRS = np.repeat(np.arange(1, 7), 4)[None].repeat(5, axis=0)  # six stripes
STEPS = np.array([0, 3, 6, 10, 40, 44])  # and their values


def colours(shades, labels):
    return np.repeat(np.asarray(shades).ravel()[labels.astype(int) - 1][..., None], 3, axis=2).astype(np.uint8)


def merge_means(graph, source, target):
    into, taken = graph.nodes[target], graph.nodes[source]
    for name in ("total color", "pixel count"):
        into[name] = into[name] + taken[name]
    into["mean color"] = into["total color"] / into["pixel count"]


def difference_of_means(graph, source, target, neighbour):
    return {"weight": np.linalg.norm(graph.nodes[target]["mean color"] - graph.nodes[neighbour]["mean color"])}


def merged_by_theirs(labels, rag, threshold, in_place=True):
    return skgraph.merge_hierarchical(labels, rag, threshold, True, in_place, merge_means, difference_of_means)


def parts(labels):
    """Number a partition by first pixels."""
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].reshape(np.shape(labels)) + 1


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_neighbours_corners_and_differences(dtype):
    labels, image = SQUARES.astype(dtype), colours(SHADES, SQUARES)
    for connectivity, pairs in ((2, 6), (1, 4)):
        theirs = skgraph.rag_mean_color(image, labels, connectivity=connectivity)
        graph = region_graph(labels, image, connectivity=connectivity)
        assert len(graph.edges) == theirs.number_of_edges() == pairs
        assert_allclose([theirs[a][b]["weight"] for a, b in (graph.edges + 1).tolist()], graph.difference)
        ours = graph.to_networkx()
        assert networkx.utils.graphs_equal(networkx.Graph(ours.edges), networkx.Graph(theirs.edges))


@pytest.mark.parametrize(("threshold", "n_left"), [(1.0, 4), (2.0, 2), (10, 2), (450, 1), (0, 4)])
def test_cuts_at_a_threshold(threshold, n_left):
    """Neighbours in a row are apart by √3; a difference equal to the threshold does not join, in both."""
    image = colours(SHADES, SQUARES)
    theirs = skgraph.cut_threshold(SQUARES, skgraph.rag_mean_color(image, SQUARES), threshold)
    ours = merge_regions(region_graph(SQUARES, image, connectivity=2), threshold=threshold, linkage="single")
    assert ours.max() == n_left
    assert_array_equal(ours, parts(theirs))
    through = skgraph.cut_threshold(SQUARES, region_graph(SQUARES, image, connectivity=2).to_networkx(), threshold)
    assert_array_equal(parts(through), ours)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("threshold", [3.0, 3.5, 5.0, 7.0, 30.0, 50.0])
def test_merging_step_by_step(threshold, in_place):
    """On one channel weights are whole: 3 between the first stripes, which a threshold of 3 leaves apart."""
    graph = region_graph(STAIRS, STEPS[STAIRS - 1])
    rag = graph.to_networkx()
    expected = parts(merged_by_theirs(STAIRS, rag, threshold, in_place))
    assert_array_equal(merge_regions(graph, threshold=threshold, linkage="mean"), expected)
    assert rag.number_of_nodes() == 6
    by_function = merge_tree(graph, lambda pairs: np.abs(np.diff(pairs.mean[..., 0], axis=1))[:, 0])
    assert_array_equal(by_function.cut(threshold=threshold), expected)


def test_a_mean_moves_as_regions_join():
    """A block of 11 √3 from each of two: joining the nearer two first takes the third out of reach."""
    labels = np.ones((8, 8), np.uint8)
    labels[:4, :4], labels[4:, :4] = 2, 3
    image = colours([31, 10, 20], labels)
    rag = skgraph.rag_mean_color(image, labels)
    ours = merge_regions(region_graph(labels, image, connectivity=2), threshold=20, linkage="mean")
    assert_array_equal(ours, np.where(np.arange(8) < 4, 1, 2)[None].repeat(8, axis=0))
    assert_array_equal(parts(merged_by_theirs(labels, rag, 20)), ours)
    chained = merge_regions(region_graph(labels, image, connectivity=2), threshold=20, linkage="single")
    assert_array_equal(chained, np.ones((8, 8)))
    assert_array_equal(parts(skgraph.cut_threshold(labels, rag, 20)), chained)


def test_similarities_for_normalized_cut():
    image, sigma = colours(SHADES, SQUARES), 255.0
    graph = region_graph(SQUARES, image, connectivity=2)
    ours = graph.to_networkx(np.exp(-(graph.difference**2) / sigma))
    theirs = skgraph.rag_mean_color(image, SQUARES, mode="similarity", sigma=sigma)
    for a, b, weight in theirs.edges(data="weight"):
        assert ours[a][b]["weight"] == pytest.approx(weight, rel=1e-12)
    cuts = [parts(skgraph.cut_normalized(SQUARES, rag, rng=0)) for rag in (ours, theirs)]
    assert_array_equal(cuts[0], cuts[1])
    assert cuts[0].max() == 2


def test_label_0_is_a_region_of_theirs_and_outside_here():
    labels, image = SQUARES - 1, colours(SHADES, SQUARES)
    theirs = skgraph.rag_mean_color(image, labels)
    assert set(theirs) == {0, 1, 2, 3}
    assert set(region_graph(labels, image, connectivity=2).to_networkx()) == {1, 2, 3}
    shifted = region_graph(labels + 1, image, connectivity=2)
    assert_allclose([theirs[a][b]["weight"] for a, b in shifted.edges.tolist()], shifted.difference)


def test_gray_is_one_channel_and_theirs_are_three():
    image = np.asarray(SHADES).ravel()[SQUARES.astype(int) - 1]
    theirs = skgraph.rag_mean_color(image, SQUARES)
    graph = region_graph(SQUARES, image, connectivity=2)
    for (a, b), difference in zip((graph.edges + 1).tolist(), graph.difference):
        assert theirs[a][b]["weight"] == pytest.approx(difference * 3**0.5)


def test_new_labels_and_the_graph_that_stays():
    labels = connected_regions(np.array([[5, 5, 7], [7, 7, 5]]))[::-1]  # the first pixel has label 3
    image = np.arange(6).reshape(2, 3) * 40
    graph = region_graph(labels, image, connectivity=2)
    edges = graph.edges.copy(), graph.difference.copy()
    ours = merge_regions(graph, threshold=0, linkage="single")
    assert_array_equal(ours, parts(labels))
    assert_array_equal(edges[0], graph.edges)
    assert_array_equal(edges[1], graph.difference)
    rag = graph.to_networkx()
    assert skgraph.cut_threshold(labels, rag, 1e9).min() == 0
    assert rag.number_of_edges() == len(graph.edges)
    skgraph.cut_threshold(labels, rag, 0)
    assert rag.number_of_edges() == 0


def test_volumes_are_refused():
    volume = np.arange(1, 9).reshape(2, 2, 2)
    assert skgraph.rag_mean_color(np.zeros((2, 2, 2, 3)), volume).number_of_nodes() == 8
    with pytest.raises(ValueError, match=r"labels must have 2 axes, got shape \(2, 2, 2\)"):
        region_graph(volume)
