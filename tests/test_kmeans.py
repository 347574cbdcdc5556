"""k-means: equality with the slow twin and with scikit-learn, and every promise of the docstring."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import kmeans, pixel_features
from classicseg._kernels.cpu.kmeans_tiles import TILE
from classicseg.cluster._initial import first_centers
from classicseg.cluster._source import source_of

SIZES = [1, 2, TILE - 1, TILE, TILE + 1, 2 * TILE, 4 * TILE + 3]


def grid(rng, n, n_features):
    """Integer samples: float32 distances are exact, so labels must agree bit for bit."""
    return rng.integers(0, 50, (n, n_features)).astype(np.float32)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("n_features", [1, 3, 5])
def test_equals_the_slow_twin(rng, n, n_features):
    samples = grid(rng, n, n_features)
    n_clusters = min(n, 7)
    init = samples[:n_clusters]
    found = kmeans(samples, n_clusters, init=init, max_num_iter=1, tol=0)
    labels, centers, inertia = naive.lloyd(samples, init, 1)
    assert_allclose(found.centers, centers, rtol=1e-12)
    # The centers are no integers any more: a label may differ at a tie only, so compare distances.
    _, best = naive.nearest_centers(samples, found.centers)
    chosen = ((samples - found.centers[found.labels]) ** 2).sum(axis=1)
    assert_allclose(chosen, best, rtol=1e-5, atol=1e-5)
    assert_allclose(found.inertia, inertia, rtol=1e-5, atol=1e-4)
    assert (found.labels != labels).mean() < 0.02


@pytest.mark.parametrize("n", SIZES)
def test_labels_are_the_nearest_center_exactly_on_integers(rng, n):
    samples = grid(rng, n, 3)
    centers = grid(rng, min(n, 9), 3).astype(np.float64)
    found = kmeans(samples, len(centers), init=centers, max_num_iter=1, tol=1e9)
    assert_array_equal(found.predict(samples), naive.nearest_centers(samples, found.centers.astype(np.float32))[0])


def test_a_tie_goes_to_the_lower_index():
    found = kmeans([[0.0], [2.0]], 2, init=[[0.0], [2.0]], tol=0)
    assert_array_equal(found.predict([[1.0]]), [0])
    turned = kmeans([[0.0], [2.0]], 2, init=[[2.0], [0.0]], tol=0)
    assert_array_equal(turned.predict([[1.0]]), [0])


def test_agrees_with_scikit_learn(rng):
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    samples = np.concatenate([rng.normal(m, 4, (700, 3)) for m in (0, 20, 45, 70)])
    init = samples[:: len(samples) // 6][:6]
    peer = cluster.KMeans(6, init=init, n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(samples)
    found = kmeans(samples, 6, init=init, tol=0, max_num_iter=300)
    assert_allclose(found.inertia, peer.inertia_, rtol=1e-5)
    assert_allclose(found.centers, peer.cluster_centers_, rtol=0, atol=1e-3)
    assert (found.labels != peer.labels_).mean() < 1e-3


@pytest.mark.parametrize("init", ["subset", "random", "uniform", "k-means++"])
def test_the_same_bits_for_any_number_of_threads(rng, init):
    samples = rng.normal(0, 30, (20 * TILE + 17, 4)).astype(np.float32)
    options = {"init": init, "rng": 3, "tol": 0.01, "sample_weight": rng.random(len(samples))}
    one = kmeans(samples, 5, n_threads=1, **options)
    for n_threads in (2, 3, 8):
        more = kmeans(samples, 5, n_threads=n_threads, **options)
        assert_array_equal(one.labels, more.labels)
        assert one.centers.tobytes() == more.centers.tobytes()
        assert one.inertia == more.inertia


def test_finds_groups_that_are_apart(rng):
    middles = np.array([[0, 0], [100, 0], [0, 100], [100, 100]], np.float64)
    samples = np.concatenate([rng.normal(m, 3, (300, 2)) for m in middles])
    for init in ("subset", "k-means++"):
        found = kmeans(samples, 4, init=init, rng=1)
        order = np.lexsort((found.centers[:, 0], found.centers[:, 1]))
        assert_allclose(found.centers[order], middles, atol=1)
        assert found.converged


def test_weights_count_like_repeats(rng):
    samples = grid(rng, 400, 2)
    weights = rng.integers(0, 4, 400)
    init = samples[:5]
    weighted = kmeans(samples, 5, init=init, sample_weight=weights, tol=0)
    repeated = kmeans(np.repeat(samples, weights, axis=0), 5, init=init, tol=0)
    assert_allclose(weighted.centers, repeated.centers, rtol=1e-9)
    assert_allclose(weighted.inertia, repeated.inertia, rtol=1e-9)


def test_mask_leaves_samples_out(rng):
    image = rng.normal(0, 9, (20, 30, 3)).astype(np.float32)
    mask = rng.random((20, 30)) < 0.6
    image[~mask] = np.nan
    found = kmeans(image, 4, mask=mask, rng=0)
    assert_array_equal(found.labels == -1, ~mask)
    alone = kmeans(image[mask], 4, rng=0)
    assert_array_equal(found.labels[mask], alone.labels)
    assert_array_equal(found.predict(image, mask=mask), found.labels)


def test_both_masks_and_the_weights_of_the_samples_inside(rng):
    """Depth holes and a mask of one's own leave samples out together, and weights stay with their samples."""
    image = rng.normal(0, 9, (12, 15, 3)).astype(np.float32)
    depth, mask = rng.random((12, 15)), rng.random((12, 15)) < 0.7
    depth[rng.random((12, 15)) < 0.3] = np.nan
    inside = mask & np.isfinite(depth)
    weights = rng.integers(1, 9, (12, 15))
    found = kmeans(pixel_features(image, "RGBd", depth=depth), 3, mask=mask, sample_weight=weights, rng=0)
    assert_array_equal(found.labels == -1, ~inside)
    alone = kmeans(np.dstack([image, depth])[inside], 3, sample_weight=weights[inside], rng=0)
    assert_array_equal(found.labels[inside], alone.labels)
    assert_array_equal(found.centers, alone.centers)


def test_fewer_distinct_samples_than_clusters():
    found = kmeans(np.repeat([[1.0], [5.0]], 10, axis=0), 6, rng=0)
    assert found.inertia == 0
    assert len(np.unique(found.labels)) == 2


def test_an_empty_cluster_keeps_its_center():
    found = kmeans([[0.0], [1.0]], 2, init=[[0.5], [99.0]], tol=0)
    assert found.centers.ravel().tolist() == [0.5, 99.0]


def test_random_init_parts_centers():
    samples = np.concatenate([np.zeros((500, 1)), np.full((500, 1), 100.0)])
    for seed in range(20):
        found = kmeans(samples, 2, init="random", rng=seed, max_num_iter=1)
        assert found.inertia == 0


def test_random_init_draws_again_while_two_lie_within_a_hundredth_of_the_spread():
    samples = np.repeat([[0.0], [0.5], [100.0], [101.5]], 50, axis=0)  # 0.5 is too close, 1.5 is not: the spread is 50
    drawn = [first_centers(source_of(samples), 2, "random", np.random.default_rng(seed)).ravel() for seed in range(60)]
    gaps = {abs(first - second) for first, second in drawn}
    assert 1.5 in gaps
    assert gaps.isdisjoint({0.0, 0.5})


def test_plus_plus_takes_the_largest_number_below_one():
    class Last(np.random.Generator):
        def random(self):
            return np.nextafter(1.0, 0.0)

    samples = np.random.default_rng(0).random((1000, 3))
    for seed in range(50):
        source = source_of(samples * seed)
        assert len(first_centers(source, 4, "k-means++", Last(np.random.PCG64(seed)))) == 4


def test_subset_init_runs_k_means_first(rng):
    samples = rng.normal(0, 9, (600, 2)).astype(np.float32)  # fewer than the subset holds, so it holds all
    subset = kmeans(samples, 5, init="subset", rng=4, tol=0, max_num_iter=1)
    spread = kmeans(samples, 5, init="k-means++", rng=4, tol=0, max_num_iter=21)
    assert_array_equal(subset.centers, spread.centers)


def test_plus_plus_draws_by_squared_distance():
    # One far sample among 20: drawn with 100 of 110 parts by squared distance, with 10 of 20 by distance.
    samples = np.concatenate([np.zeros((10, 1)), np.ones((10, 1)), [[10.0]]])
    drawn = sum(
        10.0 in first_centers(source_of(samples), 2, "k-means++", np.random.default_rng(seed)) for seed in range(200)
    )
    assert drawn > 160


def test_uniform_init_stays_in_the_range_of_each_feature(rng):
    samples = rng.random((50, 2)) * [1, 100] + [5, 1000]  # temperatures beside positions, say
    centers = first_centers(source_of(samples), 40, "uniform", rng)
    assert (centers >= samples.min(axis=0)).all()
    assert (centers <= samples.max(axis=0)).all()


@pytest.mark.parametrize(
    ("dtype", "scale", "channels", "tol"),
    [
        (np.uint8, 255, "", 0.5),
        (np.uint16, 65535, "", 128.5),
        (np.float32, 1, "", 1 / 510),
        (np.uint8, 255, "Ixy", 0.5),
        (np.float32, 10, "T", 10 / 510),
        (np.uint8, 255, "Lab", 100 / 510),
    ],
)
def test_default_tolerance_is_half_a_step_of_255(rng, dtype, scale, channels, tol):
    image = (rng.random((40, 50)) ** 2 * scale).astype(dtype)
    image = np.repeat(image[..., None], 3, axis=2) if channels == "Lab" else image
    given = pixel_features(image, channels) if channels else image[..., None]
    init = (np.linspace(0, 0.1, 6) * (100 if channels == "Lab" else scale))[:, None] * np.ones(max(len(channels), 1))
    n = kmeans(given, 6, init=init, max_num_iter=300).n_iter
    before, last, end = (kmeans(given, 6, init=init, max_num_iter=i, tol=0).centers for i in (n - 2, n - 1, n))
    assert np.linalg.norm(end - last, axis=1).max() <= tol < np.linalg.norm(last - before, axis=1).max()
    assert tol / 4 < np.linalg.norm(last - before, axis=1).max() < 4 * tol  # what was measured is close to it


@pytest.mark.parametrize("tol", [0.0, 0.4])
def test_stops_when_the_farthest_moving_center_is_within_tol(rng, tol):
    """`tol` is in feature units and holds for every center, so a center that still moves is never left behind."""
    samples = np.concatenate([rng.normal(0, 20, (300, 2)), 1000 * np.arange(1, 6)[:, None].repeat(2, axis=1)])
    init = np.concatenate([samples[:3], samples[-5:]])  # five of the eight centers never move
    found = kmeans(samples, 8, init=init, tol=tol)
    assert found.converged
    assert found.n_iter > 5
    before = [kmeans(samples, 8, init=init, tol=0, max_num_iter=found.n_iter - n).centers for n in (0, 1, 2)]
    moved = [np.linalg.norm(after - earlier, axis=1).max() for after, earlier in itertools.pairwise(before)]
    assert moved[0] <= tol < moved[1]
    assert_array_equal(found.centers, before[0])
    assert not kmeans(samples, 8, init=init, tol=tol, max_num_iter=found.n_iter - 1).converged


def test_labels_and_inertia_belong_to_the_returned_centers(rng):
    samples = grid(rng, 900, 3)
    found = kmeans(samples, 8, max_num_iter=2, tol=0, rng=0)
    assert not found.converged
    assert found.n_iter == 2
    assert_array_equal(found.labels, found.predict(samples))
    assert_allclose(found.inertia, ((samples - found.centers[found.labels]) ** 2).sum(), rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_permuting_features_permutes_centers(n_clusters, seed):
    samples = np.random.default_rng(seed).normal(0, 9, (60, 3)).astype(np.float32)  # no ties: they turn on the order
    order = [2, 0, 1]
    init = samples[:n_clusters]
    one = kmeans(samples, n_clusters, init=init, max_num_iter=3, tol=0)
    other = kmeans(samples[:, order], n_clusters, init=init[:, order], max_num_iter=3, tol=0)
    assert_allclose(one.inertia, other.inertia, rtol=1e-4, atol=1e-3)


def test_inputs_are_read_only_strided_and_unchanged(rng):
    image = rng.integers(0, 255, (16, 24, 6)).astype(np.uint8)
    image.setflags(write=False)
    view = image[::2, ::3, ::2]
    before = image.copy()
    assert_array_equal(kmeans(view, 3, rng=0).labels, kmeans(view.copy(), 3, rng=0).labels)
    assert_array_equal(image, before)


def test_pixel_features_give_the_same_as_their_array(rng):
    image = rng.integers(0, 255, (15, 21, 3)).astype(np.uint8)
    features = pixel_features(image)
    assert_array_equal(kmeans(features, 4, rng=0).labels, kmeans(np.asarray(features), 4, rng=0).labels)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0], 1), ValueError, "features must have shape (..., n_features), got (2,)"),
        ((np.zeros((0, 3)), 1), ValueError, "features must not be empty"),
        ((np.zeros((3, 65)), 1), ValueError, "1 to 64 values per sample"),
        ((np.zeros((3, 1)), 4), ValueError, "n_clusters must be at most 3, got 4"),
        ((np.zeros((3, 1)), 0), ValueError, "n_clusters must be at least 1, got 0"),
        ((np.zeros((3, 1)), 1.5), TypeError, "n_clusters must be an integer, got 1.5"),
        ((np.zeros((3, 1)), True), TypeError, "n_clusters must be an integer, got True"),
        ((np.full((3, 1), np.nan), 1), ValueError, "features must be finite, got 3 NaN or infinite values"),
        ((np.zeros((3, 1), complex), 1), TypeError, "features must be of an integer or floating dtype"),
    ],
)
def test_bad_features(arguments, error, message):
    with pytest.raises(error) as caught:
        kmeans(*arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"init": "best"}, ValueError, "init must be one of 'subset', 'random', 'uniform', 'k-means++', got 'best'"),
        ({"init": [[1.0]]}, ValueError, "init must have shape (n_clusters, n_features) = (2, 3), got (1, 1)"),
        ({"init": [[np.nan] * 3] * 2}, ValueError, "init must be finite"),
        ({"init": [["a"] * 3] * 2}, TypeError, "init must be of an integer or floating dtype"),
        ({"init": [[1j] * 3] * 2}, TypeError, "init must be of an integer or floating dtype, got complex128"),
        ({"init": [[True] * 3] * 2}, TypeError, "init must be of an integer or floating dtype, got bool"),
        ({"init": [[None] * 3] * 2}, TypeError, "init must be of an integer or floating dtype, got object"),
        ({"init": [[10**400] * 3] * 2}, TypeError, "init must be of an integer or floating dtype, got object"),
        ({"rng": -1}, ValueError, "rng must be a whole number from 0 on, a numpy.random.Generator or None, got -1"),
        ({"rng": "a"}, TypeError, "rng must be a whole number from 0 on, a numpy.random.Generator or None, got 'a'"),
        ({"mask": np.ones(4, bool)}, ValueError, "mask must have one value per sample, shape (5,), got (4,)"),
        ({"mask": np.zeros(5, bool)}, ValueError, "mask must mark at least one sample as True"),
        ({"sample_weight": [1, 2]}, ValueError, "sample_weight must have shape (5,)"),
        ({"sample_weight": [0] * 5}, ValueError, "sample_weight must have a positive sum inside the mask"),
        ({"sample_weight": [-1] * 5}, ValueError, "sample_weight must not be negative"),
        ({"tol": -1}, ValueError, "tol must be at least 0, got -1.0"),
        ({"tol": "much"}, TypeError, "tol must be a number, got 'much'"),
        ({"max_num_iter": True}, TypeError, "max_num_iter must be an integer, got True of type bool"),
        ({"max_num_iter": 0}, ValueError, "max_num_iter must be at least 1"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error) as caught:
        kmeans(np.arange(15.0).reshape(5, 3), 2, **options)
    assert message in str(caught.value)


def test_predict_wants_the_same_number_of_features():
    with pytest.raises(ValueError, match=r"features must have 1 values per sample as the centers have, got 2"):
        kmeans([[0.0], [1.0]], 1).predict([[0.0, 1.0]])


def test_a_tolerance_beyond_all_numbers_stops_at_once():
    found = kmeans(np.array([[1e-30], [3e-30]], np.float32), 1, init=[[0.0]], tol=1e300)
    assert (found.n_iter, found.converged) == (1, True)


def test_results_are_compared_as_objects():
    one, other = (kmeans([[0.0], [1.0]], 2, rng=0) for _ in range(2))
    assert one == one
    assert one != other
    assert hash(one) == hash(one)
