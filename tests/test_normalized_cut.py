"""Normalized cuts of graphs of regions and of sparse arrays: the values they promise, whatever the graph."""

import warnings

import naive_ncut
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ncut_scenes import blocks, planar, scene
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csr_array, diags_array, eye_array

from benchmarks.quality.data import pictures_of, read_image, read_truth
from classicseg import (
    RegionGraph,
    normalized_cut,
    pixel_features,
    region_affinity,
    region_graph,
    slic,
    split_tree,
)
from classicseg.graph import ncut
from classicseg.metrics import covering, region_scores

# --- Region affinity -------------------------------------------------------------------------------------------


def test_region_affinity_is_its_formula(rng):
    graph = region_graph(blocks(), scene(rng))
    found = region_affinity(graph, sigma=20).toarray()
    expected = np.eye(len(graph.area))
    for (one, other), difference in zip(graph.edges, graph.difference, strict=True):
        expected[one, other] = expected[other, one] = np.exp(-(difference**2) / (2 * 20**2))
    assert_allclose(found, np.where(expected < 1e-12, 0, expected), rtol=1e-12)


def test_the_default_width_is_a_share_of_the_median_difference_of_neighbours_that_differ():
    graph = region_graph([[1, 2, 3, 4, 5]], [[10, 10, 13, 14, 24]])  # differences 0, 3, 1 and 10
    assert_allclose(region_affinity(graph).toarray(), region_affinity(graph, sigma=0.65 * 3).toarray())
    alike = region_graph([[1, 2, 3]], np.zeros((1, 3)))
    assert_array_equal(region_affinity(alike).toarray(), [[1, 1, 0], [1, 1, 1], [0, 1, 1]])


def test_weights_of_ones_own(rng):
    graph = region_graph(blocks(), scene(rng))
    weights = rng.random(len(graph.edges))
    weights[3] = 0
    found = region_affinity(graph, weights=weights).toarray()
    expected = np.eye(len(graph.area))
    expected[tuple(graph.edges.T)] = expected[tuple(graph.edges.T[::-1])] = weights
    assert_array_equal(found, expected)
    labels = normalized_cut(graph, 3, weights=weights)
    by_region = labels.reshape(-1)[graph.first_pixel]
    assert_array_equal(normalized_cut(csr_array(found), 3), by_region)


def test_numbers_that_no_pixel_has_have_no_links():
    labels = np.array([[1, 1, 4, 4, 0]])
    graph = region_graph(labels, [[5.0, 5, 9, 9, 0]])
    affinity = region_affinity(graph, sigma=4).toarray()
    assert not affinity[1:3].any()
    assert normalized_cut(graph, 2, sigma=4).tolist() == [[0, 0, 1, 1, -1]]
    assert normalized_cut(graph, 2, sigma=4, connected=True).tolist() == [[1, 1, 2, 2, 0]]


# --- Segments found together -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 8), n_segments=st.integers(2, 3))
def test_small_graphs_are_cut_at_least_nearly_as_well_as_can_be(seed, n, n_segments):
    """The least of all segmentations is known; no single move leads from one that is much worse."""
    rng = np.random.default_rng(seed)
    matrix = planar(rng, n)
    n_segments = min(n_segments, n)
    labels = normalized_cut(csr_array(matrix), n_segments)
    assert set(labels) == set(range(n_segments))
    least, found = naive_ncut.least(matrix, n_segments), naive_ncut.value(matrix, labels)
    assert least - 1e-12 <= found <= 1.3 * least


@pytest.mark.parametrize("n_segments", [1, 2, 3, 7, 20, 47, 48])
def test_just_as_many_segments_as_asked_for_numbered_by_their_first_pixel(rng, n_segments):
    graph = region_graph(blocks(), scene(rng))
    labels = normalized_cut(graph, n_segments)
    assert labels.dtype == np.int32
    numbers, first = np.unique(labels, return_index=True)
    assert numbers.tolist() == list(range(n_segments))
    assert (np.diff(first) > 0).all()


def test_three_surfaces_are_three_segments(rng):
    image = scene(rng)
    labels = normalized_cut(region_graph(blocks(), image, connectivity=2), 3, sigma=30)
    truth = np.unique(scene(rng, noise=0).reshape(-1, 3), axis=0, return_inverse=True)[1].reshape(24, 32)
    pairs = np.unique(np.stack([labels.ravel(), truth.ravel()]), axis=1)
    assert pairs.shape[1] == 3


def test_the_default_width_finds_surfaces_under_noise():
    """Of a third of the contrast between them, per pixel of regions of 16."""
    truth = np.unique(scene(np.random.default_rng(0), noise=0).reshape(-1, 3), axis=0, return_inverse=True)[1]
    for seed in range(6):
        noisy = scene(np.random.default_rng(seed), noise=45)
        labels = normalized_cut(region_graph(blocks(), noisy, connectivity=2), 3)
        assert covering(truth.reshape(labels.shape), labels) == 1


def test_the_default_width_is_nearly_the_best_for_photographs(test_data):
    if not (test_data / "bsds").is_dir():
        pytest.skip("the folder of real images has no bsds")
    shares, counts = (0.4, 0.65, 1.0), (12, 16, 24)
    covered = np.zeros((len(shares), len(counts)))
    area = 0.0
    for one in [one for one in pictures_of(test_data / "bsds") if one.split == "train"]:
        image, drawn = read_image(one.image), read_truth(one.truth).labels
        graph = region_graph(slic(image, 400, 20), np.asarray(pixel_features(image, "Lab")), connectivity=2)
        median = np.median(graph.difference[graph.difference > 0])
        for i, share in enumerate(shares):
            tree = split_tree(graph, n_segments=max(counts), sigma=None if share == 0.65 else share * median)
            scores = [region_scores(drawn, 1 + tree.cut(n_segments=n_segments)) for n_segments in counts]
            covered[i] += [score.covered for score in scores]
        area += scores[0].area
    best = dict(zip(shares, covered.max(axis=1) / area, strict=True))
    assert best[0.65] > max(best.values()) - 0.02


def test_regions_instead_of_segments():
    labels = np.array([[1, 2, 3, 4, 5]])
    graph = region_graph(labels, [[0, 50, 0, 50, 0]], connectivity=1)
    weights = [0.0, 0.0, 0.0, 0.0]
    assert normalized_cut(graph, 2, weights=weights).tolist() == [[0, 1, 1, 1, 1]]
    graph = region_graph(np.array([[1, 2], [3, 1]]), np.zeros((2, 2)))  # region 1 lies in two places
    assert normalized_cut(graph, 3).tolist() == [[0, 1], [2, 0]]
    assert normalized_cut(graph, 3, connected=True).tolist() == [[1, 2], [3, 4]]


# --- Where others end in an error ------------------------------------------------------------------------------


def test_all_regions_alike():
    graph = region_graph(blocks(), np.full((24, 32), 7.0))
    labels = normalized_cut(graph, 4)
    assert labels.max() == 3
    assert ncut(region_affinity(graph), by_region(graph, labels)) < 1.2  # four quarters: 4 * 0.25 or so
    assert normalized_cut(graph, threshold=0.001).max() == 0


@pytest.mark.parametrize("weight", [0.0, 1e-300, 1e-13, 1e-11, 0.3, 1.0, 1e30])
def test_two_nodes(weight):
    graph = region_graph([[1, 2]], [[0.0, 1.0]])
    assert normalized_cut(graph, 2, weights=[weight]).tolist() == [[0, 1]]
    assert normalized_cut(graph, 1, weights=[weight]).tolist() == [[0, 0]]
    below = 2 * weight / (1 + weight) < 0.5
    assert normalized_cut(graph, threshold=0.5, weights=[weight]).tolist() == [[0, int(below)]]


def test_one_node():
    graph = region_graph([[1, 1]], [[3.0, 4.0]])
    assert normalized_cut(graph, 1).tolist() == normalized_cut(graph, threshold=2).tolist() == [[0, 0]]
    assert len(split_tree(graph, threshold=2).values) == 0


def test_zero_weights():
    graph = region_graph(blocks(), np.zeros((24, 32)))
    weights = np.zeros(len(graph.edges))
    assert normalized_cut(graph, threshold=0.1, weights=weights).max() == 47
    assert normalized_cut(graph, 5, weights=weights).max() == 4
    nothing = csr_array((6, 6))
    assert normalized_cut(nothing, 3).tolist() == [0, 1, 2, 2, 2, 2]
    assert normalized_cut(nothing, threshold=0.1).tolist() == [0, 1, 2, 3, 4, 5]


def test_weights_of_all_sizes(rng):
    for scale in (1e-280, 1e-9, 1.0, 1e9, 1e280):
        matrix = planar(rng, 20, own=0)
        labels = normalized_cut(csr_array(matrix * scale), 3)
        assert_array_equal(labels, normalized_cut(csr_array(matrix), 3))


def test_nodes_without_links_among_others(rng):
    matrix = np.zeros((9, 9))
    matrix[2:8, 2:8] = planar(rng, 6, own=0)
    for n_segments in (2, 3, 4, 5, 6):
        labels = normalized_cut(csr_array(matrix), n_segments)
        assert set(labels) == set(range(n_segments))
    assert len(set(normalized_cut(csr_array(matrix), 4)[2:8])) == 1  # the others are parts already


def by_region(graph, labels):
    return labels.reshape(-1)[graph.first_pixel]


def pictures(rng):
    """Return generated pictures, and those in scikit-image's wheel, at a size that takes seconds."""
    from skimage import data

    rows, cols = np.mgrid[:60, :80]
    rings = 127 + 100 * np.sin(np.hypot(rows - 30, cols - 30) / 6)[..., None] * [1, 0.5, -0.7]
    found = {
        "scene": np.kron(scene(rng, 12), np.ones((3, 3, 1))),
        "rings": rings + rng.normal(0, 8, rings.shape),
        "noise": rng.uniform(0, 255, (60, 80, 3)),
        "ramp": np.broadcast_to((cols * 3.0)[..., None], (60, 80, 3)),
    }
    for name in ("astronaut", "coffee", "chelsea"):
        found[name] = getattr(data, name)()[::4, ::4]
    return {name: np.clip(image, 0, 255).astype(np.uint8) for name, image in found.items()}


def test_no_higher_than_scikit_image_at_the_same_number_of_segments(rng):
    graphs = pytest.importorskip("skimage.graph")
    compared = 0
    for name, image in pictures(rng).items():
        side = image.shape[0] // 6
        labels = blocks((image.shape[0] // side * side, image.shape[1] // side * side), side)
        image = image[: labels.shape[0], : labels.shape[1]]
        graph = region_graph(labels, image, connectivity=2)
        affinity = region_affinity(graph, sigma=np.sqrt(255 / 2))
        similar = graph.to_networkx(np.exp(-(graph.difference**2) / 255))
        for threshold in (0.01, 0.2):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    theirs = graphs.cut_normalized(labels, similar, threshold, in_place=False, rng=0)
                except Exception:  # noqa: BLE001  it ends in many ways
                    continue
            theirs = np.unique(by_region(graph, theirs), return_inverse=True)[1]
            ours = normalized_cut(graph, int(theirs.max()) + 1, sigma=np.sqrt(255 / 2))
            assert ours.max() == theirs.max()
            found, peer = (ncut(affinity, labels) for labels in (by_region(graph, ours), theirs))
            assert found <= peer * (1 + 1e-9) + 1e-12, (name, threshold)
            compared += 1
    assert compared >= 6


def test_the_value_is_that_of_a_segmentation_known_to_be_good(rng):
    """The generated counterpart: no scikit-image is needed to know that the surfaces are a good segmentation."""
    for seed in range(4):
        image = scene(np.random.default_rng(seed), noise=15)
        graph = region_graph(blocks(), image, connectivity=2)
        truth = np.unique(scene(rng, noise=0).reshape(-1, 3), axis=0, return_inverse=True)[1].reshape(-1)
        affinity = region_affinity(graph, sigma=30)
        found = ncut(affinity, by_region(graph, normalized_cut(graph, 3, sigma=30)))
        assert found <= ncut(affinity, truth[graph.first_pixel]) + 1e-12


# --- Errors ----------------------------------------------------------------------------------------------------

GRAPH = region_graph([[1, 2, 3, 4]], [[10, 12, 30, 34]])
LINE = csr_array(diags_array([1.0, 1.0], offsets=1, shape=(3, 3)) + diags_array([1.0, 1.0], offsets=-1, shape=(3, 3)))
AFFINE = "affinity must be"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: normalized_cut(GRAPH), ValueError, "one of n_segments and threshold must be given, got neither"),
        (
            lambda: normalized_cut(GRAPH, 2, threshold=0.1),
            ValueError,
            "one of n_segments and threshold must be given, got both",
        ),
        (lambda: normalized_cut(GRAPH, 5), ValueError, "n_segments must be at most 4, got 5"),
        (lambda: normalized_cut(GRAPH, 0), ValueError, "n_segments must be at least 1, got 0"),
        (lambda: normalized_cut(GRAPH, 2.0), TypeError, "n_segments must be an integer, got 2.0 of type float"),
        (lambda: normalized_cut(GRAPH, threshold=np.nan), ValueError, "threshold must be finite, got nan"),
        (lambda: normalized_cut(GRAPH, 2, sigma=0), ValueError, "sigma must be at least 1e-30, got 0.0"),
        (lambda: normalized_cut(GRAPH, 2, n_threads=0), ValueError, "n_threads must be at least 1, got 0"),
        (lambda: normalized_cut(GRAPH, 2, radius=3), ValueError, "radius must go with an image, got it with regions"),
        (
            lambda: normalized_cut(LINE, 2, sigma=3),
            ValueError,
            "sigma must go with an image, got it with a sparse array",
        ),
        (
            lambda: normalized_cut(np.zeros((3, 4)), 2, weights=[1]),
            ValueError,
            "weights must go with a RegionGraph, got it with other graphs",
        ),
        (
            lambda: normalized_cut(LINE, 2, connected=True),
            ValueError,
            "connected must be False for a sparse array, whose nodes lie nowhere; leave it out",
        ),
        (
            lambda: normalized_cut(csr_array((0, 0)), 1),
            ValueError,
            "features must have at least one node, got a graph of none",
        ),
        (
            lambda: normalized_cut(region_graph([[0, 0]], [[1.0, 2.0]]), 1),
            ValueError,
            "features must have at least one region, got labels of 0 alone",
        ),
        (lambda: normalized_cut(csr_array((2, 3)), 1), ValueError, f"{AFFINE} square, got shape (2, 3)"),
        (
            lambda: normalized_cut(-1.0 * LINE, 2),
            ValueError,
            f"{AFFINE[:-2]}not be negative, got -1.0; a weight of 0 is no link",
        ),
        (
            lambda: normalized_cut(np.nan * LINE, 2),
            ValueError,
            f"{AFFINE} finite, got NaN or infinite weights; drop such links",
        ),
        (
            lambda: normalized_cut(csr_array(np.triu(LINE.toarray())), 2),
            ValueError,
            f"{AFFINE} symmetric, got other weights one way than back; take (W + W.T) / 2",
        ),
        (lambda: split_tree(GRAPH), ValueError, "one of n_segments and threshold must be given, got neither"),
        (lambda: split_tree(GRAPH, n_segments=9), ValueError, "n_segments must be at most 4, got 9"),
        (
            lambda: split_tree(GRAPH, n_segments=2).cut(),
            ValueError,
            "one of threshold and n_segments must be given, got neither",
        ),
        (
            lambda: split_tree(GRAPH, n_segments=2).cut(n_segments=1, threshold=1.0),
            ValueError,
            "one of threshold and n_segments must be given, got both",
        ),
        (lambda: split_tree(GRAPH, n_segments=2).cut(n_segments=3), ValueError, "n_segments must be at most 2, got 3"),
        (
            lambda: region_affinity("graph"),
            TypeError,
            "graph must be a RegionGraph, got str; make one with region_graph()",
        ),
        (
            lambda: region_affinity(GRAPH, sigma=1, weights=[1, 1, 1]),
            ValueError,
            "one of sigma and weights may be given, got both",
        ),
        (
            lambda: region_affinity(GRAPH, weights=[1, 1]),
            ValueError,
            "weights must have shape (3,), one per edge, got (2,)",
        ),
        (
            lambda: region_affinity(GRAPH, weights=[1, -1, 1]),
            ValueError,
            "weights must not be negative, got -1.0; a weight of 0 is no link",
        ),
        (
            lambda: region_affinity(GRAPH, weights=[1, np.nan, 1]),
            ValueError,
            "weights must be finite, got 1 NaN or infinite values; give such edges a weight of 0",
        ),
    ],
)
def test_an_error_says_what_to_do(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_what_is_given_stays_as_it_is(rng):
    matrix = csr_array(planar(rng, 12))
    links = coo_array(matrix)
    before = matrix.copy()
    expected = normalized_cut(matrix, 3)
    assert (matrix != before).nnz == 0
    assert matrix.diagonal().all()
    for other in (links, matrix.astype(np.float32), matrix.tocsc(), matrix + 0 * eye_array(12)):
        assert_array_equal(normalized_cut(other, 3), expected)
    assert isinstance(GRAPH, RegionGraph)
