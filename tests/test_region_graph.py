"""The graph of regions: equal to its slow twin and to scikit-image's."""

import dataclasses

import naive_regions
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from skimage.graph import RAG, cut_threshold, rag_mean_color

from classicseg import connected_regions, region_graph
from classicseg._kernels.cpu.regions_graph import ROOM
from classicseg._kernels.cpu.regions_runs import STRIP

FIELDS = ["labels", "area", "mean", "first_pixel", "edges", "boundary_length", "difference", "contrast"]
FIELDS += ["indptr", "indices", "edge_index"]


def patches(rng, rows=6, cols=7, size=2, n=4):
    return connected_regions(np.kron(rng.integers(0, n, (rows, cols)), np.ones((size, size), int)))


def assert_equals_the_slow_twin(graph, labels, image, connectivity):
    expected = naive_regions.region_graph(labels, image, connectivity)
    assert [tuple(edge) for edge in (graph.edges + 1).tolist()] == list(expected)
    assert_array_equal(graph.boundary_length, [pairs for pairs, _ in expected.values()])
    assert_allclose(graph.contrast, [contrast for _, contrast in expected.values()], rtol=1e-12)


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint16", "float32", "float64"])
def test_equals_the_slow_twin(rng, dtype, connectivity):
    labels = connected_regions(rng.integers(-1, 3, (13, 15)))
    image = (rng.random((13, 15, 2)) * 200).astype(dtype)
    graph = region_graph(labels, image, connectivity=connectivity)
    assert_equals_the_slow_twin(graph, labels, image, connectivity)
    for row, area in enumerate(graph.area):
        own = labels == row + 1
        assert area == own.sum()
        assert_allclose(graph.mean[row], image[own].astype(np.float64).mean(axis=0), rtol=1e-12)
        assert graph.first_pixel[row] == np.flatnonzero(own)[0]
    low, high = graph.edges.T
    assert_allclose(graph.difference, np.linalg.norm(graph.mean[low] - graph.mean[high], axis=1), rtol=1e-12)


@pytest.mark.parametrize("rows", [STRIP - 1, STRIP, STRIP + 1, 2 * STRIP + 3])
def test_borders_that_cross_strips_are_counted_once(rng, rows):
    assert STRIP % 4 == 0  # so that labels change where a strip begins
    labels = np.repeat(rng.permutation(3 * (rows // 4 + 1)).reshape(-1, 3), 4, axis=0)[:rows] + 1
    image = rng.random(labels.shape)
    assert_equals_the_slow_twin(region_graph(labels, image), labels, image, 1)


@pytest.mark.parametrize("n", [ROOM, ROOM + 1, 3 * ROOM])
def test_tables_of_borders_grow(n):
    """Regions side by side in one strip: n borders of two pixels, and as many again below."""
    labels = np.concatenate([np.arange(1, n + 2), np.arange(1, n + 2)]).reshape(2, -1)
    graph = region_graph(labels, labels**2)
    assert_array_equal(graph.edges, np.stack([np.arange(n), np.arange(1, n + 1)], axis=1))
    assert (graph.boundary_length == 2).all()
    assert_allclose(graph.contrast, 2 * np.arange(1, n + 1) + 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_scikit_image(rng, channels):
    labels = patches(rng, 9, 11, 3)
    image = rng.integers(0, 256, (*labels.shape, channels)).astype(np.uint8)
    theirs = rag_mean_color(np.broadcast_to(image, (*labels.shape, 3)) if channels == 1 else image, labels)
    graph = region_graph(labels, image, connectivity=2)
    ours = graph.to_networkx()
    assert isinstance(ours, RAG)
    assert set(ours) == set(theirs)
    assert {frozenset(edge) for edge in ours.edges} == {frozenset(edge) for edge in theirs.edges}
    for a, b, data in theirs.edges(data=True):
        assert ours[a][b]["weight"] == pytest.approx(data["weight"] / np.sqrt(3 / channels), rel=1e-12)
    for node, data in theirs.nodes(data=True):
        assert ours.nodes[node]["labels"] == data["labels"]
        assert ours.nodes[node]["pixel count"] == data["pixel count"]
        for name in ("total color", "mean color"):
            assert_allclose(np.broadcast_to(ours.nodes[node][name], 3), data[name], rtol=1e-12)


def test_weights_of_the_networkx_form(rng):
    labels, image = patches(rng), rng.random((12, 14))
    graph = region_graph(labels, image)
    by_name = graph.to_networkx("contrast")
    by_number = graph.to_networkx(np.exp(-(graph.difference**2)))
    for i, (a, b) in enumerate((graph.edges + 1).tolist()):
        assert by_name[a][b]["weight"] == by_name[a][b]["contrast"] == graph.contrast[i]
        assert by_name[a][b]["boundary length"] == graph.boundary_length[i]
        assert by_number[a][b]["weight"] == np.exp(-(graph.difference[i] ** 2))


def test_scikit_image_cuts_our_graph(rng):
    labels, image = patches(rng, 9, 9), rng.random((18, 18, 3))
    theirs = cut_threshold(labels, rag_mean_color(image, labels), 0.4)
    ours = cut_threshold(labels, region_graph(labels, image, connectivity=2).to_networkx(), 0.4)
    assert_array_equal(connected_regions(ours, 2), connected_regions(theirs, 2))


def test_neighbours_are_a_csr_matrix(rng):
    graph = region_graph(patches(rng, 8, 9), rng.random((16, 18)))
    n = len(graph.area)
    dense = np.zeros((n, n))
    for i, (low, high) in enumerate(graph.edges):
        dense[low, high] = dense[high, low] = i + 1
    for row in range(n):
        here = slice(graph.indptr[row], graph.indptr[row + 1])
        assert_array_equal(graph.indices[here], np.flatnonzero(dense[row]))
        assert_array_equal(graph.edge_index[here] + 1, dense[row][dense[row] > 0])


def test_the_same_for_any_number_of_threads(rng):
    labels = patches(rng, 60, 30, 9)
    image = rng.normal(0, 1, (*labels.shape, 3)).astype(np.float32)
    one = region_graph(labels, image, n_threads=1)
    for n_threads in (2, 5):
        other = region_graph(labels, image, n_threads=n_threads)
        for name in FIELDS:
            assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2]))
def test_boundaries_of_all_regions_are_the_changes_of_label(seed, connectivity):
    rng = np.random.default_rng(seed)
    labels = connected_regions(rng.integers(0, 3, (9, 11)))
    graph = region_graph(labels, connectivity=connectivity)
    pairs = [(labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])]
    if connectivity == 2:
        pairs += [(labels[1:, 1:], labels[:-1, :-1]), (labels[1:, :-1], labels[:-1, 1:])]
    assert graph.boundary_length.sum() == sum((one != other).sum() for one, other in pairs)
    assert (graph.edges[:, 0] < graph.edges[:, 1]).all()


def test_without_an_image(rng):
    labels = patches(rng)
    graph = region_graph(labels)
    assert graph.mean.shape == (labels.max(), 0)
    assert not graph.difference.any()
    assert not graph.contrast.any()
    assert_array_equal(graph.boundary_length, region_graph(labels, rng.random(labels.shape)).boundary_length)


def test_numbers_that_no_pixel_has():
    graph = region_graph([[0, 4, 4], [2, 2, 0]], [[9, 1, 3], [5, 7, 9]])
    assert_array_equal(graph.area, [0, 2, 0, 2])
    assert_array_equal(graph.mean[:, 0], [np.nan, 6, np.nan, 2])
    assert_array_equal(graph.first_pixel, [-1, 3, -1, 1])
    assert_array_equal(graph.edges, [[1, 3]])
    assert set(graph.to_networkx()) == {2, 4}


def test_mask_is_as_if_the_labels_were_0(rng):
    labels, image = patches(rng), rng.random((12, 14))
    mask = rng.random(labels.shape) < 0.8
    expected = region_graph(np.where(mask, labels, 0), image)
    found = region_graph(labels, np.where(mask, image, np.nan), mask=mask)
    for name in FIELDS:
        assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("labels", [np.zeros((3, 4), int), np.ones((3, 4), int)])
def test_nothing_side_by_side(labels):
    graph = region_graph(labels, np.ones((3, 4)))
    assert graph.edges.shape == (0, 2)
    assert_array_equal(graph.area, [12] * labels[0, 0])
    assert len(graph.indices) == 0


def test_the_graph_is_frozen_and_inputs_stay_unchanged(rng):
    labels, image = patches(rng), rng.random((12, 14))
    for array in (labels, image):
        array.setflags(write=False)
    graph = region_graph(labels, image)
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.area = None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: region_graph([[-1]]), ValueError, "pass cluster labels through connected_regions() first"),
        (lambda: region_graph([[0, 9]]), ValueError, "labels must be numbered 1..n, got 9 in an image of 2 pixels"),
        (lambda: region_graph([[1]], [[1, 2]]), ValueError, "image must have the labels' shape (1, 1), got (1, 2)"),
        (lambda: region_graph([[1]], [[np.inf]]), ValueError, "set the labels of such pixels to 0"),
        (lambda: region_graph([[1]], connectivity=4), ValueError, "connectivity must be one of 1, 2, got 4"),
        (lambda: region_graph([[1]], n_threads=0), ValueError, "n_threads must be at least 1, got 0"),
        (lambda: region_graph([[1]]).to_networkx("size"), ValueError, "weight must be one of 'difference', 'contrast'"),
        (lambda: region_graph([[1, 2]]).to_networkx([1, 2]), ValueError, "weight must have shape (1,), one per edge"),
        (lambda: region_graph([[1, 2]]).to_networkx([np.nan]), ValueError, "weight must be finite"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
