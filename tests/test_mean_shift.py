"""Mean shift of features: equality with the slow twin and with scikit-learn, and every promise of the docstring."""

import math

import naive_mean_shift_features as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import kmeans, mean_shift, pixel_features
from classicseg._kernels.cpu.mean_shift_tree import FANOUT, LEAF

SIZES = [1, 2, LEAF - 1, LEAF, LEAF + 1]
SLOW = bool(numba.config.DISABLE_JIT)  # then a window takes milliseconds
if not SLOW:
    SIZES += [LEAF * FANOUT, LEAF * FANOUT + 1, 1500]
KERNELS = ("flat", "epanechnikov", "gaussian")


def grid(rng, n, n_features, top=50):
    """Integer samples in heaps: sums are exact, so the flat kernel must agree bit for bit."""
    heaps = rng.integers(0, top, (5, n_features))
    return (heaps[rng.integers(0, 5, n)] + rng.integers(-9, 10, (n, n_features))).astype(np.float32)


def blobs(rng, middles, spread=2.0, n=150):
    return np.concatenate([rng.normal(middle, spread, (n, len(middle))) for middle in middles])


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("n_features", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", KERNELS)
def test_equals_the_slow_twin(rng, n, n_features, kernel):
    samples = grid(rng, n, n_features)
    found = mean_shift(samples, 8, kernel=kernel)
    labels, modes, densities = naive.mean_shift(samples, 8, naive.cells(samples, 8), kernel)
    if kernel == "flat":
        assert_array_equal(found.modes, modes)
        assert_array_equal(found.densities, densities)
        assert_array_equal(found.labels, labels)
    assert_allclose(found.modes, modes, rtol=1e-10, atol=1e-10)
    assert_allclose(found.densities, densities, rtol=1e-10)
    assert_array_equal(found.labels, labels)


@pytest.mark.parametrize("n_features", [1, 5, 12, 40])
@pytest.mark.parametrize("kernel", KERNELS)
def test_equals_the_slow_twin_from_every_sample(rng, n_features, kernel):
    samples = grid(rng, 150, n_features)
    bandwidth = 6.0 * math.sqrt(n_features)
    found = mean_shift(samples, bandwidth, kernel=kernel, seeds="samples")
    labels, modes, densities = naive.mean_shift(samples, bandwidth, np.unique(samples, axis=0), kernel)
    assert_allclose(found.modes, modes, rtol=1e-10, atol=1e-10)
    assert_allclose(found.densities, densities, rtol=1e-10)
    assert_array_equal(found.labels, labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_every_dtype_gives_the_same(rng, dtype):
    samples = grid(rng, 400, 3) + 20
    found = mean_shift(samples.astype(dtype), 8)
    expected = mean_shift(samples, 8)
    assert_array_equal(found.labels, expected.labels)
    assert_allclose(found.modes, expected.modes, rtol=1e-12)


@pytest.mark.parametrize("seeds", ["bins", "samples"])
def test_agrees_with_scikit_learn(rng, seeds):
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    samples = blobs(rng, [(0, 0, 0), (20, 3, 5), (9, 25, 1)]).round(2)
    peer = cluster.MeanShift(bandwidth=6.0, bin_seeding=seeds == "bins").fit(samples)
    found = mean_shift(samples, 6.0, seeds=seeds)
    assert len(found.modes) == len(peer.cluster_centers_)
    nearest = naive.nearest(found.modes, peer.cluster_centers_)  # a density taken at the end may part a tie
    assert_allclose(found.modes, peer.cluster_centers_[nearest], atol=0.1)
    assert (nearest[found.labels] == peer.labels_).mean() > 0.998


def test_agrees_with_scikit_learn_on_orphans_and_rare_cells(rng):
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    samples = np.concatenate([blobs(rng, [(0, 0), (30, 0)]), rng.uniform(-60, 60, (25, 2))])
    peer = cluster.MeanShift(bandwidth=7.0, bin_seeding=True, min_bin_freq=5, cluster_all=False).fit(samples)
    found = mean_shift(samples, 7.0, min_bin_freq=5, cluster_all=False)
    assert len(found.modes) == len(peer.cluster_centers_) == 2
    assert ((found.labels == -1) == (peer.labels_ == -1)).mean() > 0.99
    assert (found.labels == -1).sum() > 10


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_blobs", [1, 2, 5])
def test_finds_how_many_groups_there_are(rng, kernel, n_blobs):
    middles = np.array([(0, 0), (60, 0), (0, 60), (60, 60), (30, 110)], np.float64)[:n_blobs]
    samples = blobs(rng, middles)
    found = mean_shift(samples, 3.0 if kernel == "gaussian" else 9.0, kernel=kernel)
    assert len(found.modes) == n_blobs
    assert_allclose(middles[naive.nearest(found.modes, middles)], found.modes, atol=1.5)
    assert found.converged


def test_outliers_move_no_mode(rng):
    """Each is a mode of its own or an orphan; the mean of k-means is drawn away."""
    samples = blobs(rng, [(0, 0), (40, 0)]).round()
    far = np.concatenate([samples, [(5000.0, 9000.0), (-7000.0, 100.0)]])
    before, after = mean_shift(samples, 9), mean_shift(far, 9, min_bin_freq=2)
    assert_array_equal(before.modes, after.modes)
    assert_array_equal(before.labels, after.labels[:-2])
    alone = mean_shift(far, 9)
    assert_array_equal(alone.modes[:2], before.modes)
    assert_array_equal(alone.modes[2:], [(5000.0, 9000.0), (-7000.0, 100.0)])
    drawn = kmeans(far, 2, rng=0).centers
    assert np.abs(drawn - before.modes[naive.nearest(drawn, before.modes)]).max() > 100


def test_a_long_group_stays_one_where_k_means_would_part_it(rng):
    """Steps of the window follow a ridge: groups need not be balls of one size."""
    samples = np.concatenate([blobs(rng, [(0, 0)], 1.0, 400), blobs(rng, [(25, 0)], 1.0, 20)])
    found = mean_shift(samples, 6)
    assert np.bincount(found.labels).tolist() == [400, 20]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("seeds", ["bins", "samples"])
def test_the_same_bits_for_any_number_of_threads(rng, kernel, seeds):
    samples = blobs(rng, [(0, 0, 0), (20, 3, 5), (9, 25, 1)])
    one = mean_shift(samples, 5, kernel=kernel, seeds=seeds, n_threads=1)
    for n_threads in (2, 3, 8):
        more = mean_shift(samples, 5, kernel=kernel, seeds=seeds, n_threads=n_threads)
        assert_array_equal(one.labels, more.labels)
        assert one.modes.tobytes() == more.modes.tobytes()
        assert one.densities.tobytes() == more.densities.tobytes()
        assert one.n_iter == more.n_iter


@pytest.mark.parametrize("kernel", KERNELS)
def test_densities_are_sums_of_weights_and_modes_rest(rng, kernel):
    samples = blobs(rng, [(0, 0), (15, 4)]).astype(np.float32)
    found = mean_shift(samples, 4, kernel=kernel, tol=1e-9, max_num_iter=5000)
    for mode, density in zip(found.modes, found.densities, strict=True):
        weight = naive.weights(samples.astype(np.float64), mode, 4, kernel)
        assert_allclose(weight.sum(), density, rtol=1e-12)
        assert_allclose((weight[:, None] * samples).sum(axis=0) / weight.sum(), mode, atol=1e-8)
    assert (np.diff(found.densities) <= 0).all()


def test_modes_are_farther_apart_than_the_bandwidth(rng):
    samples = rng.uniform(0, 99, (1200, 2))
    for seeds in ("bins", "samples"):
        modes = mean_shift(samples, 5, seeds=seeds).modes
        gaps = np.linalg.norm(modes[:, None] - modes, axis=2) + np.eye(len(modes)) * 99
        assert len(modes) > LEAF
        assert gaps.min() > 5


def test_equal_modes_are_sorted_by_coordinates():
    found = mean_shift([[0.0, 9.0], [0.0, 3.0], [5.0, 0.0]], 1)
    assert found.modes.tolist() == [[5.0, 0.0], [0.0, 9.0], [0.0, 3.0]]


def test_a_mode_at_the_bandwidth_from_a_denser_one_is_that_one():
    assert mean_shift([[0.0], [0.0], [2.0]], 1.0, seeds=[[0.0], [2.0]]).modes.ravel().tolist() == [0.0, 2.0]
    within = mean_shift([[0.0], [0.0], [0.0], [4.0]], 4.0, seeds=[[-3.0], [7.0]], max_num_iter=1)
    assert within.modes.ravel().tolist() == [4.0]  # both hold four samples, and the greater comes first


def test_the_window_takes_a_sample_at_the_bandwidth():
    assert mean_shift([[0.0], [3.0]], 3, seeds=[[0.0]]).densities.tolist() == [2.0]
    assert mean_shift([[0.0], [np.nextafter(np.float32(3), 4)]], 3, seeds=[[0.0]]).densities.tolist() == [1.0]


def test_a_sample_between_two_modes_goes_to_the_lower_index():
    found = mean_shift([[0.0], [0.0], [9.0]], 2)
    assert found.modes.ravel().tolist() == [0.0, 9.0]
    assert found.predict([[4.5]]).tolist() == [0]
    turned = mean_shift([[0.0], [9.0], [9.0]], 2)
    assert turned.modes.ravel().tolist() == [9.0, 0.0]
    assert turned.predict([[4.5]]).tolist() == [0]


def test_predict_among_many_modes(rng):
    samples = rng.uniform(0, 90, (900, 2)).astype(np.float32)
    found = mean_shift(samples, 3)
    others = rng.uniform(-20, 110, (777, 2)).astype(np.float32)
    assert len(found.modes) > 200
    assert_array_equal(found.predict(others), naive.nearest(others, found.modes))
    assert_array_equal(found.predict(samples), found.labels)


@pytest.mark.parametrize(("kernel", "reach"), [("flat", 1), ("epanechnikov", 1), ("gaussian", 3)])
def test_orphans(rng, kernel, reach):
    samples = np.concatenate([np.zeros((50, 1)), [[2.0 * reach + 0.1], [-2.0 * reach]]]).astype(np.float32)
    options = {"kernel": kernel, "seeds": [[0.0]], "max_num_iter": 1}
    found = mean_shift(samples, 2, cluster_all=False, **options)
    mode = found.modes[0, 0]
    assert found.orphan_distance == 2 * reach
    assert_array_equal(found.labels == -1, np.abs(samples[:, 0] - mode) > 2 * reach)
    assert (found.labels == -1).sum() == 1
    assert_array_equal(found.predict(samples), found.labels)
    assert found.predict([[mode + 2 * reach + 1]]).tolist() == [-1]
    everyone = mean_shift(samples, 2, **options)
    assert everyone.orphan_distance == math.inf
    assert not everyone.labels.any()
    assert everyone.predict([[1e30]]).tolist() == [0]


def test_cells_with_few_samples_are_no_seeds():
    samples = np.repeat([0.0, 10.0, 20.0], [5, 3, 1])[:, None]
    for least, modes in ((1, [0.0, 10.0, 20.0]), (2, [0.0, 10.0]), (3, [0.0, 10.0]), (4, [0.0]), (5, [0.0])):
        assert mean_shift(samples, 2, min_bin_freq=least).modes.ravel().tolist() == modes


def test_a_cell_whose_middle_reaches_no_sample_starts_at_one():
    """In 9 dimensions a corner of a cell lies 1.5 bandwidths from its middle."""
    samples = np.array([[0.45] * 9, [10.45] * 9])
    found = mean_shift(samples, 1)
    assert_allclose(found.modes, samples[::-1], rtol=1e-6)
    assert found.densities.tolist() == [1.0, 1.0]


def test_seeds_given():
    samples = np.array([[0.0], [10.0], [20.0]])
    found = mean_shift(samples, 3, seeds=[[1.0], [19.5], [500.0]])
    assert found.modes.ravel().tolist() == [20.0, 0.0]
    assert found.labels.tolist() in ([1, 0, 0], [1, 1, 0])
    assert found.converged


def test_repeats_count(rng):
    samples = grid(rng, 300, 3, 20)
    times = rng.integers(1, 4, 300)
    repeated = np.repeat(samples, times, axis=0)[rng.permutation(times.sum())]
    found = mean_shift(repeated, 6)
    labels, modes, densities = naive.mean_shift(repeated, 6, naive.cells(repeated, 6))
    assert_array_equal(found.modes, modes)
    assert_array_equal(found.densities, densities)
    assert_array_equal(found.labels, labels)


@settings(max_examples=3 if SLOW else 25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_samples_means_nothing(seed):
    rng = np.random.default_rng(seed)
    samples = grid(rng, 90, 3)
    order = rng.permutation(90)
    one, other = mean_shift(samples, 7), mean_shift(samples[order], 7)
    assert_array_equal(one.modes, other.modes)
    assert_array_equal(one.labels[order], other.labels)


def test_mask_leaves_samples_out(rng):
    image = rng.normal(0, 9, (20, 30, 3)).astype(np.float32)
    mask = rng.random((20, 30)) < 0.6
    image[~mask] = np.nan
    found, alone = mean_shift(image, 9, mask=mask), mean_shift(image[mask], 9)
    assert_array_equal(found.labels == -1, ~mask)
    assert_array_equal(found.labels[mask], alone.labels)
    assert_array_equal(found.modes, alone.modes)
    assert_array_equal(found.predict(image, mask=mask), found.labels)
    assert mean_shift(image, mask=mask).bandwidth == mean_shift(image[mask]).bandwidth


@pytest.mark.parametrize("channels", ["RGBxy", "yRGB", "xI", "Lab", "xy", "RGBd"])
def test_pixel_features_give_the_same_as_their_array(rng, channels):
    image = rng.integers(0, 255, (15, 21, 3)).astype(np.uint8)
    depth = rng.random((15, 21))
    depth[3:5] = np.nan
    features = pixel_features(image, channels, depth=depth if "d" in channels else None, channel_weights={})
    found = mean_shift(features, 40)
    expected = mean_shift(np.asarray(features), 40, mask=features.mask)
    assert found.labels.shape == (15, 21)
    assert_array_equal(found.labels, expected.labels)
    assert_allclose(found.modes, expected.modes, rtol=1e-6)


def test_weights_of_channels(rng):
    frame = np.full((10, 20), 20.0, np.float32)
    frame[:, 12:] = 26
    features = pixel_features(frame, "Txy", channel_weights={"T": 10, "xy": 0.1})
    found = mean_shift(features, 15)
    assert_array_equal(np.unique(found.labels), [0, 1])
    assert_array_equal(found.labels, np.broadcast_to(np.arange(20) >= 12, (10, 20)))
    assert_allclose(found.modes[:, 0], [200, 260])


def test_steps_and_rest():
    """A flat window creeps along a comb of samples, half a gap at a time."""
    samples = np.arange(40.0)[:, None] ** 1.02
    found = mean_shift(samples, 5, seeds=[[0.0]])
    assert found.converged
    assert found.n_iter > 3
    least = mean_shift(samples, 5, seeds=[[0.0]], max_num_iter=found.n_iter - 1)
    assert not least.converged
    assert least.n_iter == found.n_iter - 1
    assert mean_shift(samples, 5, seeds=[[0.0]], max_num_iter=found.n_iter).converged
    _, _, steps = naive.climb(samples.astype(np.float32).astype(np.float64), [0.0], 5, "flat", 5e-3, 300)
    assert found.n_iter == steps


def test_a_flat_window_comes_to_rest_without_tolerance(rng):
    """On integers its mean is exact, so the last step is 0."""
    found = mean_shift(grid(rng, 300, 3), 7, tol=0)
    assert found.converged
    assert found.n_iter < 300
    assert not mean_shift(rng.normal(0, 9, (99, 2)), 7, tol=0, kernel="gaussian", max_num_iter=20).converged


@pytest.mark.parametrize("tol", [0.5, 0.05, 0.005])
def test_a_seed_rests_at_its_first_step_within_tol(rng, tol):
    samples = rng.normal(0, 9, (400, 2)).astype(np.float32)
    found = mean_shift(samples, 6, kernel="gaussian", seeds=[[14.0, -11.0]], tol=tol)
    end, _, steps = naive.climb(samples.astype(np.float64), [14.0, -11.0], 6, "gaussian", tol, 300)
    assert found.n_iter == steps
    assert_allclose(found.modes[0], end, rtol=1e-9)
    default = mean_shift(samples, 6, kernel="gaussian", seeds=[[14.0, -11.0]])
    same = mean_shift(samples, 6, kernel="gaussian", seeds=[[14.0, -11.0]], tol=0.006)
    assert default.n_iter == same.n_iter


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_features", [1, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 9, 10, 31, 1024, 2500])
def test_bandwidth_by_the_rule(rng, kernel, n_features, n):
    samples = rng.normal(0, 9, (n, n_features)).astype(np.float32)
    some = samples[:: math.ceil(n / 1024)].astype(np.float64)
    distances = np.sort(np.linalg.norm(some[:, None] - some, axis=2), axis=1)
    expected = distances[:, min(max(len(some) // 10, 1), len(some) - 1)].mean() or 1
    expected *= {
        "flat": 1,
        "epanechnikov": math.sqrt((n_features + 6) / (n_features + 4)),
        "gaussian": 1 / math.sqrt(n_features + 4),
    }[kernel]
    options = {"kernel": kernel, "seeds": samples[:1]}
    assert_allclose(mean_shift(samples, **options).bandwidth, expected, rtol=1e-9)


def test_bandwidth_of_samples_that_are_mostly_equal():
    assert mean_shift(np.full((9, 2), 5.0)).bandwidth == 1.0
    assert mean_shift([[0.0]]).modes.tolist() == [[0.0]]
    distances = np.zeros((100, 2))
    distances[0] = 30, 40
    assert_allclose(mean_shift(distances).bandwidth, 50 / 100)  # one sample is 50 away from its tenth neighbour


@pytest.mark.parametrize("kernel", KERNELS)
def test_bandwidths_of_the_kernels_smooth_as_much(kernel):
    """The variance per feature of the kernel whose gradient is followed: the integral of the weight over u."""
    weight = {
        "flat": lambda u: u <= 1,
        "epanechnikov": lambda u: (1 - u * u).clip(0),
        "gaussian": lambda u: np.exp(-u * u / 2),
    }
    u = np.linspace(0, 8, 400_001)
    shadow = np.cumsum((weight[kernel](u) * u)[::-1])[::-1]  # its derivative is -u times the weight
    variance = (shadow * u**4).sum() / (shadow * u**2).sum() / 3
    samples = np.random.default_rng(0).normal(0, 9, (300, 3))
    radius = mean_shift(samples).bandwidth
    assert_allclose(variance * mean_shift(samples, kernel=kernel).bandwidth ** 2, radius**2 / 7, rtol=1e-3)


def test_auto_parts_groups(rng):
    samples = blobs(rng, [(0, 0), (60, 0), (0, 60)], 4.0, 300)
    modes = mean_shift(samples).modes[:3]  # samples at the fringe may be modes of their own, after these
    assert_allclose(modes[np.lexsort(modes.round(-1).T)], [(0, 0), (60, 0), (0, 60)], atol=2)


@pytest.mark.parametrize("scale", [1e-300, 1e-60, 1e-38, 1e-30, 1e-5, 1e5, 1e30, 1e36])
def test_scale_means_nothing(rng, scale):
    samples = blobs(rng, [(0, 0, 0), (20, 3, 5), (9, 25, 1)])
    found = mean_shift(samples * scale, 6 * scale)
    expected = mean_shift(samples, 6)
    assert_allclose(found.modes, expected.modes * scale, rtol=0, atol=6e-3 * scale)
    assert_allclose(mean_shift(samples * scale).bandwidth, mean_shift(samples).bandwidth * scale, rtol=1e-5)
    assert (found.labels == expected.labels).mean() > 0.99


def test_small_differences_of_large_float64(rng):
    samples = np.repeat([0.0, 0.25, 0.5], 20)[:, None] + 5e6
    assert mean_shift(samples, 0.1).modes.ravel().tolist() == [5e6 + 0.5, 5e6 + 0.25, 5e6]


@pytest.mark.parametrize("bandwidth", [1e-300, 1e-30, 1e-3])
def test_a_bandwidth_below_every_difference_parts_all(bandwidth):
    assert len(mean_shift([[0.0, 1.0], [0.5, 1.0], [0.5, 1.0], [9.0, 9.0]], bandwidth).modes) == 3


@pytest.mark.parametrize("bandwidth", [1e3, 1e30, 1e300])
def test_a_bandwidth_above_every_difference_joins_all(bandwidth):
    found = mean_shift([[0.0, 1.0], [0.5, 1.0], [0.5, 1.0], [3.0, 9.0]], bandwidth)
    assert_allclose(found.modes, [[1.0, 3.0]])
    assert found.densities.tolist() == [4.0]


def test_inputs_are_read_only_strided_and_unchanged(rng):
    image = rng.integers(0, 255, (16, 24, 6)).astype(np.float32)
    image.setflags(write=False)
    view = image[::2, ::3, ::2]
    before = image.copy()
    assert_array_equal(mean_shift(view, 60).labels, mean_shift(view.copy(), 60).labels)
    assert_array_equal(image, before)
    column = np.arange(9, dtype=np.float32)[::-1][:, None].copy()
    mean_shift(column, 2)
    assert_array_equal(column[:, 0], np.arange(9)[::-1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bandwidth": 0}, ValueError, "bandwidth must be greater than 0, got 0.0"),
        ({"bandwidth": -1}, ValueError, "bandwidth must be greater than 0, got -1.0"),
        ({"bandwidth": np.nan}, ValueError, "bandwidth must be finite, got nan"),
        ({"bandwidth": "best"}, ValueError, "bandwidth must be one of 'auto', got 'best'"),
        ({"bandwidth": None}, TypeError, "bandwidth must be a number, got None of type NoneType"),
        ({"bandwidth": True}, TypeError, "bandwidth must be a number, got True of type bool"),
        ({"kernel": "box"}, ValueError, "kernel must be one of 'flat', 'epanechnikov', 'gaussian', got 'box'"),
        ({"seeds": "all"}, ValueError, "seeds must be one of 'bins', 'samples', got 'all'"),
        ({"seeds": [1.0]}, ValueError, "seeds must have shape (n, n_features) = (n, 3), got (1,)"),
        ({"seeds": np.zeros((0, 3))}, ValueError, "seeds must have shape (n, n_features) = (n, 3), got (0, 3)"),
        (
            {"seeds": [[np.nan, 0, 0]]},
            ValueError,
            "seeds must be finite, got 1 NaN or infinite values; give every seed a number for every feature",
        ),
        (
            {"seeds": [[900.0, 0, 0]]},
            ValueError,
            "seeds must have samples within reach of the kernel, got none that has; pass a larger bandwidth, "
            "or seeds='bins'",
        ),
        (
            {"min_bin_freq": 6},
            ValueError,
            "min_bin_freq must be at most 1, the samples in the fullest cell, got 6; lower it, or pass a larger "
            "bandwidth",
        ),
        ({"min_bin_freq": 0}, ValueError, "min_bin_freq must be at least 1, got 0"),
        ({"cluster_all": "no"}, TypeError, "cluster_all must be True or False, got 'no'"),
        ({"max_num_iter": 0}, ValueError, "max_num_iter must be at least 1, got 0"),
        ({"tol": -1}, ValueError, "tol must be at least 0, got -1.0"),
        ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
        ({"mask": np.zeros(5, bool)}, ValueError, "mask must mark at least one sample as True, got none"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error) as caught:
        mean_shift(np.arange(15.0).reshape(5, 3), **{"bandwidth": 4, **options})
    assert str(caught.value) == message


def test_predict_wants_the_same_features():
    found = mean_shift(np.zeros((4, 3)), 1)
    with pytest.raises(ValueError, match="features must have 3 values per sample as the modes have, got 2"):
        found.predict(np.zeros((4, 2)))
