"""Joining of regions: equal to the slow twin and to scikit-image's, and what any cut must be."""

from dataclasses import replace

import naive_regions
import naive_segment_tree
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from skimage.graph import cut_threshold, merge_hierarchical, rag_mean_color

from classicseg import connected_regions, merge_regions, merge_tree, region_graph
from classicseg._kernels.cpu.regions_tree import FAN
from classicseg.metrics import boundary_map
from classicseg.regions._tree import LINKAGES


def patches(rng, rows=5, cols=6, n=4):
    return connected_regions(np.kron(rng.integers(0, n, (rows, cols)), np.ones((2, 2), int)))


def ward(pairs):
    size = pairs.area.prod(axis=1) / pairs.area.sum(axis=1)
    return size * ((pairs.mean[:, 0] - pairs.mean[:, 1]) ** 2).sum(axis=1)


WRITTEN = {
    "ward": ward,
    "mean": lambda pairs: np.linalg.norm(pairs.mean[:, 0] - pairs.mean[:, 1], axis=1),
    "contrast": lambda pairs: pairs.contrast,
}


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_equals_the_slow_twin(rng, linkage, channels):
    for _ in range(3):
        labels = patches(rng)
        image = rng.random((*labels.shape, *channels))
        tree = merge_tree(region_graph(labels, image), linkage)
        expected = naive_regions.merge_steps(labels, image, linkage)
        assert [tuple(step) for step in tree.merges.tolist()] == [(low, high) for low, high, _ in expected]
        assert_allclose(tree.heights, [weight for *_, weight in expected], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("linkage", WRITTEN)
def test_a_function_is_taken_for_the_weights(rng, linkage):
    """With whole numbers there are many ties, which both forms decide alike."""
    labels = patches(rng, 12, 13)
    for image in (rng.random(labels.shape), rng.integers(0, 3, labels.shape)):
        graph = region_graph(labels, image)
        found, expected = merge_tree(graph, WRITTEN[linkage]), merge_tree(graph, linkage)
        if image.dtype.kind == "f":
            assert_array_equal(found.merges, expected.merges)
            assert_allclose(found.heights, expected.heights, rtol=1e-9)
        else:
            assert_array_equal(found.cut(threshold=1e-6), expected.cut(threshold=1e-6))


@pytest.mark.parametrize("seed", [0, 1, 188])
def test_the_closest_pair_is_known_after_every_step(seed):
    """Chains of regions; with seed 188 the pair that is closest by then was the second of its region before."""
    rng = np.random.default_rng(seed)
    labels = connected_regions(rng.integers(0, 4, (40, 2)).repeat(2, axis=0))
    graph = region_graph(labels, rng.random(labels.shape))
    assert_array_equal(merge_tree(graph, "ward").merges, merge_tree(graph, ward).merges)


@pytest.mark.parametrize("n", [FAN - 1, FAN, FAN + 1, FAN**2, FAN**2 + 1, FAN**3 + 1])
def test_any_number_of_regions(rng, n):
    graph = region_graph(np.arange(1, n + 1)[None], rng.random((1, n)))
    assert_array_equal(merge_tree(graph, "mean").merges, merge_tree(graph, WRITTEN["mean"]).merges)


@pytest.mark.parametrize("linkage", LINKAGES)
def test_merging_is_a_cut_of_the_tree(rng, linkage):
    labels = patches(rng, 9, 9)
    graph = region_graph(labels, rng.random(labels.shape))
    tree = merge_tree(graph, linkage)
    for n_segments in (1, 5, int(labels.max())):
        assert_array_equal(
            merge_regions(graph, n_segments=n_segments, linkage=linkage), tree.cut(n_segments=n_segments)
        )
    for threshold in (0.0, *tree.heights[::7], 1e9):
        assert_array_equal(merge_regions(graph, threshold=threshold, linkage=linkage), tree.cut(threshold=threshold))


def test_equals_merging_by_scikit_image(rng):
    def merge(graph, source, target):
        for name in ("total color", "pixel count"):
            graph.nodes[target][name] = graph.nodes[target][name] + graph.nodes[source][name]
        graph.nodes[target]["mean color"] = graph.nodes[target]["total color"] / graph.nodes[target]["pixel count"]

    def weigh(graph, source, target, neighbour):
        return {"weight": np.linalg.norm(graph.nodes[target]["mean color"] - graph.nodes[neighbour]["mean color"])}

    for threshold in (0.15, 0.3, 0.6):
        labels = patches(rng, 9, 9)
        image = rng.random((*labels.shape, 3))
        for rag in (rag_mean_color(image, labels), region_graph(labels, image, connectivity=2).to_networkx()):
            theirs = merge_hierarchical(
                labels, rag, threshold, rag_copy=False, in_place_merge=True, merge_func=merge, weight_func=weigh
            )
            ours = merge_regions(region_graph(labels, image, connectivity=2), threshold=threshold, linkage="mean")
            assert_same_partition(ours, theirs)


def test_a_cut_of_single_linkage_is_that_by_scikit_image(rng):
    for threshold in (0.1, 0.2, 0.4):
        labels = patches(rng, 9, 9)
        image = rng.random((*labels.shape, 3))
        theirs = cut_threshold(labels, rag_mean_color(image, labels), threshold)
        ours = merge_regions(region_graph(labels, image, connectivity=2), threshold=threshold, linkage="single")
        assert_same_partition(ours, theirs)


def assert_same_partition(one, other):
    pairs = {(int(a), int(b)) for a, b in zip(one.ravel(), other.ravel())}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_what_ward_loses_is_what_the_heights_add_up_to(rng):
    """The squared deviations from the means of the last regions, less those of the first: the sum of the steps."""
    labels, image = patches(rng, 10, 10), rng.random((20, 20, 2))
    tree = merge_tree(region_graph(labels, image), "ward")

    def deviations(regions):
        return sum(
            ((image[regions == r] - image[regions == r].mean(axis=0)) ** 2).sum() for r in range(1, regions.max() + 1)
        )

    for n_segments in (1, 2, 7, labels.max()):
        n_steps = labels.max() - n_segments
        lost = deviations(tree.cut(n_segments=n_segments)) - deviations(labels)
        assert lost == pytest.approx(tree.heights[:n_steps].sum(), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(LINKAGES), st.integers(2, 5))
def test_every_cut_is_a_segmentation_and_cuts_are_nested(seed, linkage, levels):
    rng = np.random.default_rng(seed)
    labels = connected_regions(rng.integers(-1, 3, (9, 10)))
    n_regions, image = int(labels.max()), rng.integers(0, levels, (9, 10))
    graph = region_graph(labels, image)
    tree = merge_tree(graph, linkage)
    n_parts = int(connected_regions(labels > 0, mask=labels > 0).max())
    assert len(tree.merges) == n_regions - n_parts
    assert (tree.merges[:, 0] < tree.merges[:, 1]).all()
    coarser = tree.cut(n_segments=1)
    for n_segments in range(1, n_regions + 1):
        cut = tree.cut(n_segments=n_segments)
        assert cut.max() == max(n_segments, n_parts)
        assert_array_equal(connected_regions(cut - (cut == 0)), cut)  # connected, and numbered by first pixel
        assert_array_equal(cut == 0, labels == 0)
        for region in range(1, int(cut.max()) + 1):
            assert len(np.unique(coarser[cut == region])) == 1
        coarser = cut
    assert_array_equal(coarser, labels)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(LINKAGES))
def test_a_cut_at_a_threshold_stops_at_the_first_step_that_is_not_below(seed, linkage):
    rng = np.random.default_rng(seed)
    labels = patches(rng)
    tree = merge_tree(region_graph(labels, rng.integers(0, 50, labels.shape)), linkage)
    for threshold in (*tree.heights, tree.heights.max(initial=0) + 1, 0.0):
        n_steps = next((i for i, height in enumerate(tree.heights) if height >= threshold), len(tree.heights))
        assert_array_equal(tree.cut(threshold=threshold), tree.cut(n_segments=int(labels.max()) - n_steps))


def test_ties_go_to_the_lowest_labels():
    graph = region_graph([[1, 2, 3, 4, 5]], [[0, 1, 2, 3, 4]])
    assert merge_tree(graph, "single").merges.tolist() == [[1, 2], [1, 3], [1, 4], [1, 5]]
    assert merge_tree(graph, "mean").merges.tolist() == [[1, 2], [3, 4], [3, 5], [1, 3]]
    assert merge_tree(graph, WRITTEN["mean"]).merges.tolist() == [[1, 2], [3, 4], [3, 5], [1, 3]]


def test_weights_may_fall():
    """Three colours at the corners of a triangle: once two are one, the third is nearer than those were."""
    labels = np.array([[1, 2], [3, 3]])
    image = np.array([[[0, 0], [1, 0]], [[0.5, 0.9], [0.5, 0.9]]])
    tree = merge_tree(region_graph(labels, image), "mean")
    assert_array_equal(tree.merges, [[1, 2], [1, 3]])
    assert_allclose(tree.heights, [1, 0.9])
    assert_array_equal(tree.cut(threshold=0.95), labels)  # as no step is taken at all
    assert_array_equal(tree.cut(threshold=1.01), np.ones((2, 2)))


def test_labels_in_another_order_are_numbered_by_first_pixel():
    """A watershed numbers its regions as its markers were."""
    labels = np.array([[5, 5, 2, 2], [7, 7, 2, 2], [7, 7, 3, 3]])
    image = np.choose(labels, [0, 0, 50, 90, 0, 10, 0, 12])
    graph = region_graph(labels, image)
    assert_array_equal(merge_regions(graph, n_segments=4), [[1, 1, 2, 2], [3, 3, 2, 2], [3, 3, 4, 4]])
    assert_array_equal(merge_regions(graph, threshold=5, linkage="mean"), [[1, 1, 2, 2], [1, 1, 2, 2], [1, 1, 3, 3]])


def test_the_same_for_any_number_of_threads_and_the_graph_stays(rng):
    labels = connected_regions(np.kron(rng.integers(0, 4, (70, 20)), np.ones((5, 4), int)))
    graph = region_graph(labels, rng.random(labels.shape))
    before = [graph.area.copy(), graph.edges.copy(), graph.boundary_length.copy(), graph.difference.copy()]
    one = merge_regions(graph, n_segments=9, n_threads=1)
    for n_threads in (2, 5):
        assert_array_equal(one, merge_regions(graph, n_segments=9, n_threads=n_threads))
    for linkage in (*LINKAGES, ward):
        merge_tree(graph, linkage)
    for old, new in zip(before, (graph.area, graph.edges, graph.boundary_length, graph.difference), strict=True):
        assert_array_equal(old, new)


@pytest.mark.parametrize("linkage", [*LINKAGES, ward])
@pytest.mark.parametrize("labels", [[[0, 0]], [[1, 1]], [[1, 0, 2]], [[0, 4]]])
def test_nothing_to_join(labels, linkage):
    labels = np.pad(np.array(labels), ((0, 3), (0, 0)))
    tree = merge_tree(region_graph(labels, np.ones(labels.shape)), linkage)
    assert len(tree.merges) == 0
    assert_array_equal(tree.cut(n_segments=1), connected_regions(labels, mask=labels > 0))
    assert_array_equal(tree.cut(threshold=1e9), connected_regions(labels, mask=labels > 0))


GRAPH = region_graph([[1, 2, 3]], [[1, 2, 9]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: merge_tree([[1]]), TypeError, "graph must be a RegionGraph, got list; make one with region_graph()"),
        (
            lambda: merge_tree(GRAPH, "average"),
            ValueError,
            "linkage must be one of 'ward', 'mean', 'single', 'contrast'",
        ),
        (
            lambda: merge_tree(GRAPH, lambda pairs: pairs.mean),
            ValueError,
            "the weights of linkage must have shape (2,)",
        ),
        (lambda: merge_tree(GRAPH, lambda pairs: [np.nan, 1]), ValueError, "the weights of linkage must be finite"),
        (lambda: merge_regions(GRAPH), ValueError, "one of threshold and n_segments must be given, got neither"),
        (lambda: merge_regions(GRAPH, threshold=1, n_segments=2), ValueError, "must be given, got both"),
        (lambda: merge_regions(GRAPH, n_segments=0), ValueError, "n_segments must be at least 1, got 0"),
        (lambda: merge_regions(GRAPH, n_segments=4), ValueError, "n_segments must be at most 3, got 4"),
        (lambda: merge_regions(GRAPH, n_segments=2.0), TypeError, "n_segments must be an integer"),
        (lambda: merge_regions(GRAPH, threshold=np.nan), ValueError, "threshold must be finite"),
        (lambda: merge_regions(GRAPH, threshold=1, n_threads=0), ValueError, "n_threads must be at least 1, got 0"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


# --- Contours ---------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(LINKAGES), st.integers(2, 50))
def test_contours_from_a_threshold_on_are_the_boundaries_of_the_cut_there(seed, linkage, levels):
    rng = np.random.default_rng(seed)
    labels = connected_regions(rng.integers(0, 4, (9, 10)))
    tree = merge_tree(region_graph(labels, rng.integers(0, levels, labels.shape)), linkage)
    drawn = tree.contour_map()
    assert drawn.dtype == np.float32
    heights = np.append(0, np.unique(tree.heights))
    apart = np.diff(heights) > 1e-4 * heights.max()  # what float32 tells apart
    for threshold in (heights[:-1] + np.diff(heights) / 2)[apart]:
        assert_array_equal(drawn >= threshold, boundary_map(tree.cut(threshold=threshold)))


@pytest.mark.parametrize("linkage", LINKAGES)
def test_contours_equal_the_slow_twin(rng, linkage):
    """130 rows are more than a strip, and a mask parts the image."""
    labels = connected_regions(rng.integers(-1, 5, (130, 3)))
    tree = merge_tree(region_graph(labels, rng.random(labels.shape)), linkage)
    expected = naive_segment_tree.contours(labels, tree.merges, tree.heights)
    for n_threads in (1, 3):
        assert_array_equal(tree.contour_map(n_threads=n_threads), expected)


def test_borders_to_the_outside_are_no_contours(rng):
    """They and the contours from a threshold on are the boundaries of the cut there."""
    assert_array_equal(
        merge_tree(region_graph([[0, 1, 2], [0, 1, 2], [0, 0, 0]], [[9, 1, 5]] * 3), "mean").contour_map(),
        [[0, 4, 0], [0, 4, 0], [0, 0, 0]],
    )
    labels = connected_regions(rng.integers(0, 4, (20, 30)), mask=rng.random((20, 30)) > 0.2)
    tree = merge_tree(region_graph(labels, rng.integers(0, 9, labels.shape)), "mean")
    drawn, rim = tree.contour_map(), boundary_map(labels > 0)
    assert (drawn[rim] == 0).any()
    for threshold in (0.5, 2.5, 4.5):
        assert_array_equal((drawn >= threshold) | rim, boundary_map(tree.cut(threshold=threshold)))


def test_regions_that_nothing_joins_have_contours_without_end():
    tree = merge_tree(region_graph([[1, 2, 3]], [[1, 5, 19]]), "mean")
    assert_array_equal(tree.contour_map(), [[4, 16, 0]])
    assert_array_equal(replace(tree, merges=tree.merges[:1], heights=tree.heights[:1]).contour_map(), [[4, np.inf, 0]])
    assert_array_equal(
        replace(tree, merges=tree.merges[:0], heights=tree.heights[:0]).contour_map(), [[np.inf] * 2 + [0]]
    )


def test_a_scale_is_a_threshold():
    tree = merge_tree(region_graph([[1, 2, 3, 4]], [[10, 11, 30, 34]]), "mean")
    assert_array_equal(tree.cut(scale=2), tree.cut(threshold=2))
    with pytest.raises(ValueError, match="one of scale and threshold must be given, got both; they are the same"):
        tree.cut(scale=2, threshold=2)
    with pytest.raises(ValueError, match="scale must be finite"):
        tree.cut(scale=np.inf)
