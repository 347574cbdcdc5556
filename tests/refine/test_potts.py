"""Smoothing over the region graph: least of all labellings for two classes, and never worse by a turn for more."""

import naive_region_ops as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from classicseg import region_graph
from classicseg.refine import SmoothResult, describe_regions, pool, smooth, unpool
from classicseg.refine._potts import LEAST, _Model


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


def scene(rng, n_classes, side=3, unsure=1.5):
    """Regions of several sizes, an image that tells some apart, and what a refiner says of them."""
    labels = np.arange(1, side * side + 1).reshape(side, side).repeat(rng.integers(1, 4, side), axis=0)
    labels = labels.repeat(rng.integers(1, 4, side), axis=1)
    image = unpool(rng.integers(0, 3, side * side) * 4.0, labels) + rng.normal(0, 0.3, labels.shape)
    return labels, image, softmax(rng.normal(0, unsure, (side * side, n_classes)))


def model_of(labels, image, probabilities, strength):
    """The formulas of the docstring, of region labels without gaps."""
    graph = region_graph(labels, image)
    costs = -np.log(probabilities) * (graph.area / graph.area.mean())[:, None]
    sigma = np.median(graph.difference[graph.difference > 0])
    relative = graph.boundary_length / graph.boundary_length.mean()
    return costs, graph.edges, strength * relative * np.exp(-(graph.difference**2) / (2 * sigma**2))


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 4.0])
def test_two_classes_have_the_least_energy_of_all_labellings(rng, strength):
    changed = 0
    for _ in range(12):
        labels, image, probabilities = scene(rng, 2)
        result = smooth(probabilities, region_graph(labels, image), strength)
        model = model_of(labels, image, probabilities, strength)
        least, best = naive.best_labellings(*model)
        assert result.energy == pytest.approx(least, abs=1e-9)
        assert any((result.labels == own).all() for own in best)
        assert result.n_iter == 1
        changed += (result.labels != probabilities.argmax(axis=1)).sum()
    assert (changed > 0) == (strength > 0)


@pytest.mark.parametrize("n_classes", [3, 4])
@pytest.mark.parametrize("strength", [0.3, 1.0, 4.0])
def test_more_classes_end_where_no_class_can_take_over_more(rng, n_classes, strength):
    for _ in range(20):
        labels, image, probabilities = scene(rng, n_classes, unsure=0.7)
        result = smooth(probabilities, region_graph(labels, image), strength)
        model = model_of(labels, image, probabilities, strength)
        expected, n_iter = naive.expanded_in_turns(*model)
        assert_array_equal(result.labels, expected)
        assert result.n_iter == n_iter
        assert result.energy == pytest.approx(naive.potts_energy(expected, *model), abs=1e-9)


def test_more_classes_come_within_twice_the_least_energy_and_mostly_to_it(rng):
    reached = 0
    for _ in range(12):
        labels, image, probabilities = scene(rng, 3, unsure=0.5)
        result = smooth(probabilities, region_graph(labels, image), 1)
        least, _ = naive.best_labellings(*model_of(labels, image, probabilities, 1))
        assert least - 1e-9 <= result.energy <= 2 * least
        reached += result.energy < least + 1e-9
    assert reached >= 10


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 4), st.integers(1, 8), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_a_turn_takes_over_what_is_best(n_classes, n, density, seed):
    """From any labels, on a graph of any shape."""
    rng = np.random.default_rng(seed)
    edges = np.argwhere(np.triu(rng.random((n, n)) < density, 1))
    model = _Model(rng.normal(size=(n, n_classes)), edges, rng.choice([0, 0.5, rng.random()], len(edges)))
    labels, taker = rng.integers(0, n_classes, n), int(rng.integers(n_classes))
    moved = model.expanded(labels, taker)
    assert ((moved == labels) | (moved == taker)).all()
    assert model.energy(labels) == pytest.approx(naive.potts_energy(labels, *model), abs=1e-9)
    least = model.energy(naive.best_expansion(labels, taker, *model))
    assert model.energy(moved) == pytest.approx(least, abs=1e-9)


def test_no_strength_gives_the_most_probable_class_the_lower_one_of_equals(rng):
    for n_classes in (1, 2, 5):
        labels, image, probabilities = scene(rng, n_classes)
        graph = region_graph(labels, image)
        result = smooth(probabilities, graph, 0)
        assert_array_equal(result.labels, probabilities.argmax(axis=1))
        assert result.labels.dtype == np.int32
        assert isinstance(result, SmoothResult)
        even = np.full((9, n_classes), 1 / n_classes)
        for strength in (0, 1):
            assert not smooth(even, graph, strength).labels.any()


def test_ever_stronger_leaves_ever_fewer_borders(rng):
    labels = np.arange(1, 401).reshape(20, 20).repeat(2, axis=0).repeat(2, axis=1)
    probabilities = softmax(rng.normal(size=(400, 3)))
    graph = region_graph(labels)
    parted = []
    for strength in (0, 0.1, 0.3, 1, 3, 10, 1e9):
        found = smooth(probabilities, graph, strength).labels
        parted.append((found[graph.edges[:, 0]] != found[graph.edges[:, 1]]).sum())
    assert parted == sorted(parted, reverse=True)
    assert parted[-1] == 0
    assert set(found) == {np.log(probabilities).sum(axis=0).argmax()}


def test_noise_goes_and_the_edge_of_the_image_stays(rng):
    """Modules 8 K warmer than the ground; a refiner that errs on every seventh region."""
    rows, cols = np.indices((60, 80))
    truth = (cols > 36).astype(int)
    labels = (rows // 5 * 16 + cols // 5 + 1).astype(np.int32)
    truth = unpool(pool(truth.astype(float), labels).round().astype(int), labels)
    image = (20 + 8 * truth + rng.normal(0, 0.5, truth.shape)).astype(np.float32)
    right = pool(truth, labels).astype(int)
    wrong = np.arange(len(right)) % 7 == 3  # no two of them side by side
    probabilities = np.where(np.eye(2)[right ^ wrong] > 0, 0.7, 0.3)
    assert (probabilities.argmax(axis=1) != right).sum() == wrong.sum()
    for regions in (region_graph(labels, image), describe_regions(image, labels)):
        assert_array_equal(smooth(probabilities, regions, sigma=2).labels, right)
    plain = smooth(probabilities, regions, weights=regions.boundary_length / regions.boundary_length.mean())
    assert (
        plain.energy > smooth(probabilities, regions, sigma=2).energy
    )  # without the image, its edge costs like others


def test_a_table_and_a_graph_give_the_same(rng):
    for channels in ((), (3,)):
        labels = rng.integers(0, 9, (7, 8)) * 3  # gaps, and some pixels outside
        image = rng.random((*labels.shape, *channels), dtype=np.float32)
        probabilities = softmax(rng.normal(size=(len(np.unique(labels)) - 1, 3)))
        table, graph = describe_regions(image, labels), region_graph(labels, image)
        one, other = smooth(probabilities, table), smooth(probabilities, graph)
        assert_array_equal(one.labels, other.labels)
        assert one.energy == pytest.approx(other.energy, rel=1e-5)
        weights = rng.random(len(table.edges))
        assert_array_equal(
            smooth(probabilities, table, weights=weights).labels, smooth(probabilities, graph, weights=weights).labels
        )


def test_pixels_of_one_mind_speak_for_their_region_and_others_by_the_mean_of_their_logarithms(rng):
    labels, image, probabilities = scene(rng, 3)
    labels = np.where(rng.random(labels.shape) < 0.2, 0, labels)
    graph = region_graph(labels, image)
    probabilities = probabilities[graph.area > 0]
    pixels = unpool(probabilities, labels, fill=np.nan)
    one, other = smooth(pixels, graph), smooth(probabilities, graph)
    assert_array_equal(one.labels, other.labels)
    assert one.energy == pytest.approx(other.energy, rel=1e-12)
    pixels = softmax(rng.normal(size=(*labels.shape, 3)))
    means = np.exp(naive.pool(np.log(pixels), labels))
    assert_array_equal(smooth(pixels, graph).labels, smooth(means, graph).labels)


def test_the_size_of_pixels_does_not_count(rng):
    """Each pixel becomes 3 × 3 of them."""
    labels, image, probabilities = scene(rng, 4, side=5)
    larger = [array.repeat(3, axis=0).repeat(3, axis=1) for array in (labels, image)]
    one, other = smooth(probabilities, region_graph(labels, image)), smooth(probabilities, region_graph(*larger))
    assert_array_equal(one.labels, other.labels)
    assert one.energy == pytest.approx(other.energy, rel=1e-12)


def test_other_names_of_classes_give_the_same_classes(rng):
    for n_classes in (2, 3):
        labels, image, probabilities = scene(rng, n_classes, side=6)
        graph, order = region_graph(labels, image), rng.permutation(n_classes)
        one, other = smooth(probabilities, graph), smooth(probabilities[:, order], graph)
        assert one.energy == pytest.approx(other.energy, rel=1e-3)
        if n_classes == 2:  # the least energy has one labelling here
            assert_array_equal(one.labels, order[other.labels])


def test_certainty_forbids_no_class(rng):
    labels = np.array([[1, 2, 3]])
    graph = region_graph(labels)
    sure = np.array([[1.0, 0], [0, 1], [1, 0]])
    assert smooth(sure, graph, 1).labels.tolist() == [0, 1, 0]
    assert smooth(sure, graph, -np.log(LEAST) / 2 + 0.1).labels.tolist() == [0, 0, 0]
    assert smooth(sure * 1.001 - 5e-4, graph, 1).labels.tolist() == [0, 1, 0]  # as rounding leaves them
    assert smooth(sure.astype(int), graph, 1).labels.tolist() == [0, 1, 0]


def test_odd_graphs():
    nothing = region_graph(np.zeros((2, 3), int))
    result = smooth(np.empty((0, 3)), nothing)
    assert (result.labels.shape, result.labels.dtype, result.energy) == ((0,), np.int32, 0)
    assert smooth(np.empty((2, 3, 4)), nothing).labels.shape == (0,)
    single = region_graph(np.ones((2, 3), int), np.ones((2, 3)))
    assert smooth([[0.2, 0.5, 0.3]], single).labels.tolist() == [1]
    flat = region_graph([[1, 2]], [[5.0, 5.0]])  # no difference to estimate σ from
    assert smooth([[0.9, 0.1], [0.45, 0.55]], flat).labels.tolist() == [0, 0]
    assert smooth([[0.9, 0.1], [0.45, 0.55]], region_graph([[1, 2]], [[5.0, 9.0]]), sigma=1e-300).labels.tolist() == [
        0,
        1,
    ]


def test_the_result_does_not_depend_on_the_threads_and_nothing_is_changed(rng):
    labels, image, _ = scene(rng, 4, side=6)
    pixels = softmax(rng.normal(size=(*labels.shape, 4))).astype(np.float32)
    pixels.setflags(write=False)
    table = describe_regions(image, labels)
    one, other = (smooth(pixels, table, n_threads=n) for n in (1, 3))
    assert_array_equal(one.labels, other.labels)
    assert one.energy == other.energy


TABLE = describe_regions(np.array([[1.0, 2, 3], [1, 2, 3]]), [[1, 2, 4], [1, 2, 4]])
EVEN = np.full((3, 2), 0.5)
BAD = [
    (
        (EVEN[:2], TABLE),
        {},
        ValueError,
        "probabilities must have shape (3, K), one row for each region that occurs, or (2, 3, K), got (2, 2)",
    ),
    (
        (EVEN[0], TABLE),
        {},
        ValueError,
        "probabilities must have shape (3, K), one row for each region that occurs, or (2, 3, K), got (2,)",
    ),
    (
        (np.ones((3, 0)), TABLE),
        {},
        ValueError,
        "probabilities must have shape (3, K), one row for each region that occurs, or (2, 3, K), got (3, 0)",
    ),
    (
        (3 * EVEN, TABLE),
        {},
        ValueError,
        "probabilities must lie in 0 to 1, got 1.5; pass logits through a softmax first",
    ),
    (
        (np.full((2, 3, 2), -0.25), TABLE),
        {},
        ValueError,
        "probabilities must lie in 0 to 1, got -0.25; pass logits through a softmax first",
    ),
    (
        (EVEN * np.nan, TABLE),
        {},
        ValueError,
        "probabilities must lie in 0 to 1, got nan; pass logits through a softmax first",
    ),
    (
        (EVEN > 0, TABLE),
        {},
        TypeError,
        "probabilities must be of an integer or floating dtype, got bool; convert it with .astype('uint8')",
    ),
    (
        (EVEN, TABLE.labels),
        {},
        TypeError,
        "regions must be a RegionTable or a RegionGraph, got ndarray; pass image and labels through "
        "describe_regions() first",
    ),
    ((EVEN, TABLE, -1), {}, ValueError, "strength must be at least 0, got -1.0"),
    ((EVEN, TABLE, np.inf), {}, ValueError, "strength must be finite, got inf"),
    ((EVEN, TABLE, 1e10), {}, ValueError, "strength must be at most 1000000000.0, got 10000000000.0"),
    ((EVEN, TABLE), {"sigma": 0}, ValueError, "sigma must be greater than 0, got 0.0"),
    (
        (EVEN, TABLE),
        {"sigma": 1, "weights": [1, 1]},
        ValueError,
        "sigma must go without weights, got both; leave one out",
    ),
    ((EVEN, TABLE), {"weights": [1]}, ValueError, "weights must have shape (2,), one per edge, got (1,)"),
    (
        (EVEN, TABLE),
        {"weights": [1, -1]},
        ValueError,
        "weights must not be negative, got -1.0; give borders that do not count a weight of 0",
    ),
    (
        (EVEN, TABLE),
        {"weights": [1, np.nan]},
        ValueError,
        "weights must be finite, got 1 NaN or infinite values; give borders that do not count a weight of 0",
    ),
    ((EVEN, TABLE), {"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BAD)
def test_bad_input(arguments, options, error, message):
    with pytest.raises(error) as caught:
        smooth(*arguments, **options)
    assert str(caught.value) == message
