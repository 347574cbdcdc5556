"""Foreground and background by a cut: least of all, proven by the flow, and equal to SciPy's maximum flow."""

import naive_flow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from classicseg import graph_cut, kmeans, pixel_affinity, pixel_features, region_graph
from classicseg._kernels.cpu import maxflow, maxflow_graph, maxflow_trees
from classicseg.graph import cut


def weighted(image, connectivity=1, sigma=1.0):
    """The weights of the docstring, as a matrix."""
    affinity = pixel_affinity(image, 1.5 if connectivity == 2 else 1, sigma=sigma, spatial_sigma=np.inf)
    matrix = affinity.to_scipy().toarray().astype(float)
    rows, cols = np.divmod(np.arange(len(matrix)), affinity.shape[1])
    slanted = (np.abs(np.subtract.outer(rows, rows)) == 1) & (np.abs(np.subtract.outer(cols, cols)) == 1)
    return np.where(slanted, matrix / np.sqrt(2), matrix)


def assert_proven(result, slack=1e-5):
    assert result.energy == pytest.approx(result.bound, rel=slack, abs=slack)


# --- The flow --------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([1, 1.5, 2.3]),
    st.sampled_from([1, 4, 1000]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_the_flow_of_a_grid_is_scipys_and_its_cut_carries_no_less(n_rows, n_cols, radius, most, seeded, seed):
    rng = np.random.default_rng(seed)
    affinity = pixel_affinity(rng.random((n_rows, n_cols)), radius, sigma=0.3)
    net = rng.integers(-most, most + 1, affinity.shape).astype(float)
    seeds = rng.choice([0, 1, 2], affinity.shape, p=[0.8, 0.1, 0.1] if seeded else [1, 0, 0]).astype(np.uint8)
    factors = np.full(len(affinity.offsets), rng.choice([1.5, 30, 1000]))
    capacity, nodes, shifts, frame = maxflow.grid(affinity.stored, affinity.offsets, factors, net, 1.0, seeds, 1)
    before, excess = naive_flow.dense(capacity, shifts), nodes[:, maxflow_trees.EXCESS].astype(np.int64)
    assert_array_equal(before, before.T)
    flow = maxflow_trees.run(capacity, nodes, shifts)
    source = nodes[:, maxflow_trees.ARC] > 0
    assert flow == naive_flow.flow(before, excess) == naive_flow.capacity_of_cut(before, excess, source)
    after = naive_flow.dense(capacity, shifts)
    assert_array_equal(after + after.T, before + before.T)
    assert not after[np.ix_(source, ~source)].any()  # nothing more can flow out
    foreground, again = maxflow.least_cut(affinity.stored, affinity.offsets, factors, net, 1.0, seeds, 2)
    top, left, columns = frame
    inner = source.reshape(-1, columns)[top : top + n_rows, left : left + n_cols]
    assert_array_equal(foreground, inner)
    assert again == flow


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.floats(0.1, 1), st.integers(0, 2**32 - 1))
def test_the_flow_of_a_graph_is_scipys_and_its_cut_carries_no_less(n, density, seed):
    rng = np.random.default_rng(seed)
    capacity = np.triu(rng.integers(0, 20, (n, n)) * (rng.random((n, n)) < density), 1)
    assert_flow_is_scipys(capacity + capacity.T, rng.integers(-30, 31, n))


def test_flow_that_the_shortest_path_took_is_given_back():
    """The path 0-1-2-3 comes first; in the end as much as fits flows the other way from 2 to 1."""
    capacity = np.zeros((8, 8), int)
    path, around = ((0, 1), (1, 2), (2, 3)), ((0, 4), (4, 5), (5, 2), (1, 6), (6, 7), (7, 3))
    for pairs, most in ((path, 1), (around, 2)):
        capacity[tuple(np.transpose(pairs))] = most
    excess = np.array([99, 0, 0, -99, 0, 0, 0, 0])
    assert_flow_is_scipys(capacity + capacity.T, excess)
    assert naive_flow.flow(capacity + capacity.T, excess) == 3


def assert_flow_is_scipys(capacity, excess):
    n, graph = len(excess), csr_array(capacity)
    tails, heads = np.repeat(np.arange(n), np.diff(graph.indptr)), graph.indices
    begin, twin = graph.indptr.astype(np.int64), np.lexsort((tails, heads))
    source, flow = maxflow_graph.least_cut(begin, heads, twin, graph.data, excess)
    assert flow == naive_flow.flow(capacity, excess) == naive_flow.capacity_of_cut(capacity, excess, source)


# --- What it means ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connectivity", [1, 2])
@pytest.mark.parametrize("smoothness", [0.0, 0.7, 3.0])
def test_no_labelling_has_less_energy(rng, connectivity, smoothness):
    for _ in range(4):
        image, costs = rng.normal(size=(3, 4)), rng.normal(size=(3, 4, 2))
        seeds = rng.choice([0, 1, 2], (3, 4), p=[0.7, 0.15, 0.15])
        result = graph_cut(image, seeds, costs=costs, smoothness=smoothness, sigma=1, connectivity=connectivity)
        flat, net = seeds.ravel(), (costs[..., 0] - costs[..., 1]).ravel()
        matrix = smoothness * weighted(image, connectivity)
        least, best = naive_flow.best_labellings(matrix, net, flat)
        least += costs[..., 1][seeds == 0].sum()
        assert result.energy == pytest.approx(least, abs=1e-6)
        assert any((result.foreground.ravel() == own).all() for own in best)
        assert_proven(result)


def test_the_smallest_foreground_of_several():
    result = graph_cut(np.zeros((1, 9)), [[1, 0, 0, 0, 0, 0, 0, 0, 2]])
    assert result.foreground[0].tolist() == [True] + [False] * 8
    tied = graph_cut(np.zeros((2, 2)), costs=np.zeros((2, 2, 2)))
    assert not tied.foreground.any()
    assert tied.energy == tied.bound == 0


def test_the_formulas_of_the_docstring():
    image, seeds = [[0.0, 3.0], [0.0, 3.0]], [[1, 2], [1, 2]]
    straight = 2 * np.exp(-9 / 8)
    for connectivity, weight in ((1, straight), (2, straight * (1 + 1 / np.sqrt(2)))):
        result = graph_cut(image, seeds, sigma=2, smoothness=5, connectivity=connectivity)
        assert result.energy == pytest.approx(5 * weight, rel=1e-6)
        assert result.sigma == (2.0,)
        assert_proven(result)


def test_seeds_of_one_square_take_it_whole(rng):
    """A bright square in noise, of which one pixel is marked, and one far outside."""
    image = rng.normal(0, 0.03, (40, 50))
    image[10:30, 15:40] += 1
    seeds = np.zeros(image.shape, int)
    seeds[20, 20], seeds[2, 2] = 1, 2
    for connectivity in (1, 2):
        result = graph_cut(image, seeds, sigma=0.15, connectivity=connectivity)
        assert_array_equal(result.foreground, image > 0.5)
        assert_proven(result)


def test_costs_with_and_without_links(rng):
    truth = np.add.outer(np.arange(30), np.arange(30)) < 30
    noise = truth + rng.normal(0, 0.8, truth.shape)
    costs = np.stack([noise**2, (noise - 1) ** 2], axis=2)
    alone = graph_cut(np.zeros(truth.shape), costs=costs, smoothness=0)
    assert_array_equal(alone.foreground, noise > 0.5)
    assert alone.energy == pytest.approx(costs.min(axis=2).sum())
    joined = graph_cut(np.zeros(truth.shape), costs=costs, smoothness=2, connectivity=2)
    assert (joined.foreground != truth).mean() < 0.03 < (alone.foreground != truth).mean()


def test_whoever_prefers_a_side_keeps_it_where_no_link_counts():
    costs = np.zeros((1, 4, 2))
    costs[0, :, 0] = 1e-300, -1e-300, 1e300, 0
    result = graph_cut([[0.0, 1e3, 0.0, 1e3]], costs=costs, sigma=1)
    assert result.foreground.tolist() == [[True, False, True, False]]


def test_infinite_costs_are_seeds(rng):
    image = rng.random((8, 9))
    seeds = rng.choice([0, 1, 2], image.shape, p=[0.8, 0.1, 0.1])
    costs = np.stack([np.where(seeds == 1, np.inf, 0), np.where(seeds == 2, np.inf, 0)], axis=2)
    by_costs, by_seeds = graph_cut(image, costs=costs), graph_cut(image, seeds)
    assert_array_equal(by_costs.foreground, by_seeds.foreground)
    assert by_costs.energy == pytest.approx(by_seeds.energy)


def test_seeds_outrank_costs():
    costs = np.zeros((1, 3, 2))
    costs[0, 0] = -1e9, 1e9
    result = graph_cut(np.zeros((1, 3)), [[1, 0, 2]], costs=costs)
    assert result.foreground.tolist() == [[True, False, False]]
    assert result.energy == pytest.approx(1)  # what is cut, and no cost of the seeds


def test_seeds_of_one_kind_take_what_they_are_linked_to():
    mask = np.array([[True, True, False, True]])
    result = graph_cut(np.zeros((1, 4)), [[1, 0, 0, 0]], mask=mask)
    assert result.foreground.tolist() == [[True, True, False, False]]
    assert graph_cut(np.zeros((1, 4)), [[2, 0, 0, 0]]).foreground.sum() == 0


def test_nothing_outside_the_mask_counts(rng):
    image, mask = rng.random((7, 8)), rng.random((7, 8)) > 0.3
    seeds = rng.choice([0, 1, 2], mask.shape, p=[0.8, 0.1, 0.1])
    costs = rng.random((7, 8, 2))
    clean = graph_cut(image, np.where(mask, seeds, 0), costs=costs, mask=mask, sigma=0.3)
    image[~mask] = rng.choice([np.nan, np.inf], int((~mask).sum()))
    costs[~mask] = rng.choice([np.nan, np.inf, -np.inf, 1e300], (int((~mask).sum()), 2))
    found = graph_cut(image, seeds, costs=costs, mask=mask, sigma=0.3)
    assert_array_equal(found.foreground, clean.foreground)
    assert found.energy == clean.energy
    assert not found.foreground[~mask].any()
    assert_proven(found)
    features = pixel_features(image, "I", mask=mask)
    assert_array_equal(graph_cut(features, seeds, costs=costs, sigma=0.3).foreground, clean.foreground)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (maxflow.ROWS + 1, 2)])
def test_images_of_any_shape_are_proven(rng, shape):
    for connectivity in (1, 2):
        costs = rng.normal(size=(*shape, 2))
        result = graph_cut(rng.random(shape), costs=costs, connectivity=connectivity, n_threads=2)
        assert result.foreground.shape == shape
        assert_proven(result)


def test_the_same_bits_for_any_number_of_threads(rng):
    image, costs = rng.random((2 * maxflow.ROWS + 5, 9)), rng.normal(size=(2 * maxflow.ROWS + 5, 9, 2))
    found = [graph_cut(image, costs=costs, n_threads=n) for n in (1, 2, 5)]
    for other in found[1:]:
        assert_array_equal(other.foreground, found[0].foreground)
        assert (other.energy, other.bound) == (found[0].energy, found[0].bound)


def test_scaling_costs_and_smoothness_together_changes_nothing(rng):
    image, costs = rng.random((9, 9)), rng.normal(size=(9, 9, 2))
    one = graph_cut(image, costs=costs, smoothness=1.5)
    for factor in (2.0**-300, 2.0**-20, 2.0**20, 2.0**300):
        other = graph_cut(image, costs=costs * factor, smoothness=1.5 * factor)
        assert_array_equal(other.foreground, one.foreground)
        assert other.bound == one.bound * factor


def test_sides_are_alike(rng):
    """With the sides changed, the foreground becomes what the background was, where no two labellings are equal."""
    image, costs = rng.random((8, 8)), rng.normal(size=(8, 8, 2))
    one, other = graph_cut(image, costs=costs), graph_cut(image, costs=costs[..., ::-1])
    assert_array_equal(one.foreground, ~other.foreground)
    assert one.bound == pytest.approx(other.bound)


def test_temperatures_have_their_own_width():
    celsius = np.full((20, 20), 20.0)
    celsius[5:15, 5:15] = 23.0
    celsius += np.indices(celsius.shape).sum(axis=0) % 2 * 0.1
    seeds = np.zeros(celsius.shape, int)
    seeds[10, 10], seeds[0] = 1, 2
    found = graph_cut(pixel_features(celsius.astype(np.float32), "T"), seeds, connectivity=2)
    assert_array_equal(found.foreground, celsius > 22)


# --- Graphs ----------------------------------------------------------------------------------------------------


def test_an_affinity_of_any_radius(rng):
    image, seeds = rng.random((4, 5)), np.zeros((4, 5), int)
    seeds[0, 0], seeds[3, 4] = 1, 2
    affinity = pixel_affinity(image, 2.5, sigma=0.3)
    result = graph_cut(affinity, seeds, smoothness=2)
    assert result.energy == pytest.approx(2 * cut(affinity, result.foreground))
    assert_proven(result)
    as_sparse = graph_cut(affinity.to_scipy(), seeds.ravel(), smoothness=2)
    assert_array_equal(as_sparse.foreground.reshape(4, 5), result.foreground)
    assert as_sparse.energy == pytest.approx(result.energy, rel=1e-6)


def test_sparse_arrays_are_cut_at_their_least(rng):
    for _ in range(5):
        matrix = np.triu(rng.random((9, 9)) * (rng.random((9, 9)) < 0.5), 1)
        matrix += matrix.T
        net, seeds = rng.normal(size=9), rng.choice([0, 1, 2], 9, p=[0.7, 0.15, 0.15])
        costs = np.stack([net, np.zeros(9)], axis=1)
        result = graph_cut(csr_array(matrix), seeds, costs=costs, smoothness=0.5)
        least, best = naive_flow.best_labellings(0.5 * matrix, net, seeds)
        assert result.energy == pytest.approx(least, rel=1e-12, abs=1e-12)
        assert any((result.foreground == own).all() for own in best)
        assert result.bound == pytest.approx(result.energy, rel=1e-12, abs=1e-12)


def test_who_is_surer_than_all_its_links_keeps_its_side(rng):
    """The links of such a node are full in the end, and nothing but what exceeds them says where it belongs."""
    for _ in range(100):
        matrix = np.triu(rng.random((9, 9)) * (rng.random((9, 9)) < 0.4), 1)
        matrix += matrix.T
        costs = rng.normal(0, 2, (9, 2))
        result = graph_cut(csr_array(matrix), costs=costs)
        assert result.bound == pytest.approx(result.energy, rel=1e-12, abs=1e-12)
        surer = abs(costs[:, 0] - costs[:, 1]) > matrix.sum(axis=1)
        assert_array_equal(result.foreground[surer], costs[surer, 0] > costs[surer, 1])


def test_a_node_linked_to_itself_and_links_in_parts():
    graph = csr_array((np.array([5.0, 1, 1, 2, 2]), ([0, 0, 1, 0, 1], [0, 1, 0, 1, 0])), shape=(2, 2))
    assert graph_cut(graph, [1, 2]).energy == 3


def test_links_in_parts_and_out_of_order_count_as_their_sum():
    """The links 0-1 of 1 and 2, 1-2 of 4, each row from the highest column down."""
    data, heads, begin = np.array([1.0, 2, 4, 1, 2, 4]), np.array([1, 1, 2, 0, 0, 1]), np.array([0, 2, 5, 6])
    graph = csr_array((data, heads, begin), shape=(3, 3))
    result = graph_cut(graph, [1, 0, 2])
    assert result.foreground.tolist() == [True, False, False]
    assert result.energy == 3
    assert graph.nnz == 6  # the caller's array stays


def test_whoever_prefers_a_side_keeps_it_without_links():
    costs = np.array([[1e-3, 0], [0, 1e-3], [0.4, 0]])
    assert graph_cut(csr_array((3, 3)), costs=costs).foreground.tolist() == [True, False, True]


def test_regions_are_cut_as_the_definition_says(rng):
    labels = np.arange(1, 13).reshape(3, 4).repeat(2, axis=0).repeat(2, axis=1)
    image = rng.integers(0, 50, (12,))[labels - 1].astype(float)
    graph = region_graph(labels, image)
    sigma = np.median(graph.difference[graph.difference > 0])
    own_weights = graph.boundary_length * np.exp(-(graph.difference**2) / (2 * sigma**2))
    costs = rng.normal(size=(12, 2))
    matrix = np.zeros((12, 12))
    matrix[graph.edges[:, 0], graph.edges[:, 1]] = own_weights
    net = costs[:, 0] - costs[:, 1]
    least, _ = naive_flow.best_labellings(matrix + matrix.T, net, np.zeros(12))
    per_pixel = costs[labels - 1] / 4
    calls = ({"costs": costs}, {"costs": costs, "weights": own_weights}, {"costs": per_pixel}, {"sigma": sigma})
    for options in calls:
        result = graph_cut(graph, **{"costs": costs, **options})
        assert result.energy == pytest.approx(least + costs[:, 1].sum(), rel=1e-9)
        assert_proven(result, 1e-9)
        assert result.sigma == (() if "weights" in options else pytest.approx((sigma,)))
        assert result.foreground.shape == labels.shape


def test_scribbles_on_regions_and_regions_without_pixels():
    labels = np.array([[1, 1, 1, 3, 3, 0, 5, 5]])
    graph = region_graph(labels, [[0.0, 0, 0, 1, 1, 9, 1, 1]])
    scribbles = [[1, 1, 2, 2, 1, 1, 2, 2]]  # 3 is marked by both alike: it goes where it is linked
    result = graph_cut(graph, scribbles, sigma=1)
    assert result.foreground.tolist() == [[True, True, True, True, True, False, False, False]]
    by_number = graph_cut(graph, [1, 2, 0, 2, 2], sigma=1)  # nobody is region 2 or 4
    assert_array_equal(by_number.foreground, result.foreground)
    assert graph_cut(region_graph(labels), scribbles).sigma == (1.0,)


def test_regions_find_what_pixels_find(rng):
    image = rng.normal(0, 4, (60, 80, 3)) + 90
    image[15:45, 20:60] += 80
    image = image.clip(0, 255).astype(np.uint8)
    seeds = np.zeros(image.shape[:2], int)
    seeds[30, 30:50], seeds[5, 10:70] = 1, 2
    blocks = np.add.outer(np.arange(60) // 5 * 16, np.arange(80) // 5) + 1
    by_regions = graph_cut(region_graph(blocks, image), seeds)
    by_pixels = graph_cut(image, seeds)
    assert_array_equal(by_regions.foreground, by_pixels.foreground)


# --- Colours of both sides, learnt in turns with the cut -------------------------------------------------------


def distance_costs(image, foreground, n_colors=3):
    """Negative log-likelihoods of the nearest of a few colours of each side."""
    costs = []
    for side in (~foreground, foreground):
        model = kmeans(image[side], min(n_colors, int(side.sum())), rng=0)
        nearest = model.centers[model.predict(image.reshape(-1, 3))].reshape(image.shape)
        apart = ((image - nearest) ** 2).sum(axis=2)
        spread = apart[side].mean() + 1
        costs.append(apart / (2 * spread / 3) + 1.5 * np.log(spread))
    return np.stack(costs, axis=2)


def test_colours_are_learnt_in_turns_with_the_cut(rng):
    """From a box around a thing of two colours to its outline, as GrabCut does it."""
    rows, cols = np.indices((48, 64))
    truth = ((rows - 24) / 15) ** 2 + ((cols - 32) / 20) ** 2 < 1
    image = np.where(truth[..., None], np.where((cols < 32)[..., None], (200, 60, 40), (220, 180, 60)), (60, 90, 120))
    image = (image + rng.normal(0, 12, image.shape)).clip(0, 255).astype(np.uint8)
    seeds = np.where((np.abs(rows - 24) < 18) & (np.abs(cols - 32) < 23), 0, 2)
    foreground, energies = seeds == 0, []
    for _ in range(4):
        costs = distance_costs(image, foreground)
        result = graph_cut(image, seeds, costs=costs, smoothness=4, connectivity=2)
        foreground = result.foreground
        energies.append(result.energy)
    assert (foreground != truth).mean() < 0.005
    assert energies[-1] <= energies[0]


# --- Errors ----------------------------------------------------------------------------------------------------

SEEDS = np.array([[1, 0], [0, 2]])
AFFINITY = pixel_affinity(np.zeros((2, 2)), 1)
GRAPH = region_graph([[1, 2], [1, 2]], [[0.0, 1.0], [0.0, 1.0]])
SPARSE = csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
FINITE = (
    "costs must be numbers, of which one of each pixel is finite and none is -inf; mark pixels without False in mask"
)
ERRORS = [
    ((np.zeros((2, 2)),), {}, "seeds or costs must be given, got neither; mark some pixels of both sides"),
    ((np.zeros((2, 2)), SEEDS), {"smoothness": -1}, "smoothness must be at least 0, got -1.0"),
    ((np.zeros((2, 2)), SEEDS), {"connectivity": 4}, "connectivity must be one of 1, 2, got 4"),
    ((np.zeros((2, 2)), SEEDS), {"n_threads": 0}, "n_threads must be at least 1, got 0"),
    ((np.zeros((2, 2)), SEEDS), {"sigma": 0}, "sigma must be at least 1e-30, got 0.0"),
    (
        (np.zeros((2, 2)), SEEDS),
        {"weights": [1.0]},
        "weights must be left out with other than a RegionGraph, got it; it is part of the graph",
    ),
    ((np.zeros((2, 3)), SEEDS), {}, "seeds must have shape (2, 3), got (2, 2)"),
    ((np.zeros((2, 2)), SEEDS * 2), {}, "seeds must be 0, 1 (foreground) or 2 (background), got 0 to 4"),
    ((np.zeros((2, 2)), -SEEDS), {}, "seeds must be 0, 1 (foreground) or 2 (background), got -2 to 0"),
    ((np.zeros((2, 2)), SEEDS), {"costs": np.zeros((2, 2))}, "costs must have shape (2, 2, 2), got (2, 2)"),
    ((np.zeros((2, 2)),), {"costs": np.full((2, 2, 2), np.nan)}, FINITE),
    ((np.zeros((2, 2)),), {"costs": np.full((2, 2, 2), np.inf)}, FINITE),
    ((np.zeros((2, 2)),), {"costs": np.full((2, 2, 2), -np.inf)}, FINITE),
    (
        (AFFINITY, SEEDS),
        {"sigma": 1},
        "sigma must be left out with a PixelAffinity, got it; it is part of the graph",
    ),
    (
        (AFFINITY, SEEDS),
        {"mask": SEEDS > 0},
        "mask must be left out with a PixelAffinity, got it; it is part of the graph",
    ),
    ((GRAPH, SEEDS), {"mask": SEEDS > 0}, "mask must be left out with a RegionGraph, got it; it is part of the graph"),
    ((GRAPH, [1, 0, 2]), {}, "seeds must have shape (2, 2) or (2,), got (3,)"),
    ((GRAPH,), {"costs": np.zeros((3, 2))}, "costs must have shape (2, 2, 2) or (2, 2), got (3, 2)"),
    ((GRAPH, SEEDS), {"weights": [1.0, 2.0]}, "weights must have shape (1,), one per edge, got (2,)"),
    (
        (GRAPH, SEEDS),
        {"weights": [-1.0]},
        "weights must not be negative, got -1.0; give links that do not count a weight of 0",
    ),
    ((GRAPH, SEEDS), {"weights": [1.0], "sigma": 1}, "sigma must go without weights, got both; leave one out"),
    ((SPARSE, [1, 2]), {"sigma": 1}, "sigma must be left out with a sparse array, got it; it is part of the graph"),
    ((SPARSE[:1], [1]), {}, "features must have shape (n, n), got (1, 2)"),
    ((csr_array([[0.0, 1.0], [2.0, 0.0]]), [1, 2]), {}, "features must be symmetric; pass (graph + graph.T) / 2"),
    (
        (csr_array([[0.0, -1.0], [-1.0, 0.0]]), [1, 2]),
        {},
        "features must not be negative, got -1.0; give links that do not count a weight of 0",
    ),
    (
        (SPARSE * 1j, [1, 2]),
        {},
        "features must be of an integer or floating dtype, got complex128; pass weights",
    ),
]


@pytest.mark.parametrize(("arguments", "options", "message"), ERRORS)
def test_arguments_are_refused_in_words(arguments, options, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        graph_cut(*arguments, **options)
    assert str(caught.value) == message
