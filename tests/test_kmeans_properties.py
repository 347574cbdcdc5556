"""k-means as a black box: what must hold for any image, whatever form of the kernel does the work."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import kmeans, pixel_features

KINDS = (np.uint8, np.uint16, np.float32, np.float64)
# A row of samples, and rasters around 16 × 16: one less, one more, and several with a rest.
SHAPES = [(1, 1), (1, 2), (1, 255), (1, 256), (1, 257), (15, 17), (16, 16), (17, 16), (33, 31), (70, 5), (3, 1000)]
seeds = st.integers(0, 2**32 - 1)
counts = st.sampled_from((1, 3, 5))  # of features: kernels are compiled for each


def planted(rng, shape, n_features, n_clusters, dtype):
    """Return an image and centers among its samples; half the samples lie midway between two of the centers.

    All values are whole multiples of a power of two, and midpoints too, so that distances tie exactly.
    """
    top = {np.uint8: 127, np.uint16: 32_000}.get(dtype, 500)
    unit = 1.0 if np.issubdtype(dtype, np.integer) else 0.25
    samples = 2 * rng.integers(0, top, (shape[0] * shape[1], n_features)).astype(np.float64)
    centers = samples[rng.integers(0, len(samples), n_clusters)]
    ties = rng.random(len(samples)) < 0.5
    pairs = centers[rng.integers(0, n_clusters, (2, int(ties.sum())))]
    samples[ties] = pairs.mean(axis=0)
    return (samples * unit).astype(dtype).reshape(*shape, n_features), centers * unit


def squared(samples, centers):
    """Squared distances (n, K) in float64, features added in order."""
    total = np.zeros((len(samples), len(centers)))
    for f in range(samples.shape[1]):
        total += (samples[:, f, None].astype(np.float64) - centers[None, :, f]) ** 2
    return total


def assert_same(one, other):
    """Every bit of two results is the same."""
    assert_array_equal(one.labels, other.labels)
    assert one.centers.tobytes() == other.centers.tobytes()
    assert one.inertia == other.inertia
    assert (one.n_iter, one.converged) == (other.n_iter, other.converged)


def assert_nearest(samples, found, weights=1.0, rtol=1e-6):
    """Labels are nearest up to ties, and the inertia is that of labels and centers."""
    distance = squared(samples, found.centers)
    chosen = np.take_along_axis(distance, found.labels.reshape(-1, 1), axis=1)[:, 0]
    # A squared distance moves by 2 · distance · rounding of a sample, which is that of its range in float32.
    rounding = float(np.ptp(samples.astype(np.float64), axis=0).max(initial=0)) * 2.0**-22
    slack = rounding * (2 * np.sqrt(distance.min(axis=1)) + rounding) * samples.shape[1]
    assert (chosen <= distance.min(axis=1) * (1 + rtol) + slack).all()
    assert_allclose(found.inertia, (chosen * weights).sum(), rtol=1e-5, atol=(slack * weights).sum())


def assert_means(samples, labels, found, before, rtol=1e-6):
    """Centers are the means of the labels that the centers `before` gave; an empty cluster keeps its center."""
    for k, center in enumerate(found.centers):
        own = samples[labels.ravel() == k].astype(np.float64)
        expected = own.mean(axis=0) if len(own) else before[k]
        assert_allclose(center, expected, rtol=0, atol=rtol * max(np.abs(samples).max(), 1e-300))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from((np.uint8, np.uint16)), counts, st.integers(1, 12), st.integers(1, 5), seeds)
def test_on_integers_every_label_is_that_of_float64(dtype, n_features, n_clusters, n_iter, seed):
    """Sums are exact and ties go to the lower index, so a float64 Lloyd takes the same way, bit for bit."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(4, 40, 2))
    image, init = planted(rng, shape, n_features, n_clusters, dtype)
    samples = image.reshape(-1, n_features).astype(np.float64)
    found = kmeans(image, n_clusters, init=init, max_num_iter=n_iter, tol=0)
    centers = init
    for _ in range(found.n_iter):
        labels = squared(samples, centers).argmin(axis=1)
        means = [samples[labels == k].mean(axis=0) if (labels == k).any() else c for k, c in enumerate(centers)]
        centers = np.array(means)
    assert_allclose(found.centers, centers, rtol=1e-12)
    assert_array_equal(found.labels.ravel(), squared(samples, found.centers).argmin(axis=1))
    assert_allclose(found.inertia, squared(samples, centers).min(axis=1).sum(), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), counts, st.integers(1, 12), seeds)
def test_every_step_is_one_of_lloyd(dtype, n_features, n_clusters, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (21, 34), n_features, n_clusters, dtype)
    if np.issubdtype(dtype, np.floating):  # ties that miss by the last bits of float32
        image += rng.choice([0, 2.0**-12, -(2.0**-12)], image.shape).astype(dtype)
    samples = image.reshape(-1, n_features)
    steps = [kmeans(image, n_clusters, init=init, max_num_iter=n, tol=0) for n in (1, 2, 3, 4)]
    for before, after in itertools.pairwise(steps):
        assert_nearest(samples, after)
        if after.n_iter > before.n_iter:
            assert_means(samples, before.labels, after, before.centers)
        else:
            assert before.converged
            assert_same(before, after)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("n_features", [1, 3, 5])
def test_at_every_edge_of_a_chunk(rng, shape, dtype, n_features):
    n_clusters = min(shape[0] * shape[1], 5)
    image, init = planted(rng, shape, n_features, n_clusters, dtype)
    found = kmeans(image, n_clusters, init=init, max_num_iter=2, tol=0)
    samples = image.reshape(-1, n_features)
    labels, centers, inertia = naive.lloyd(samples, init, 2)
    assert_allclose(found.centers, centers, rtol=1e-9, atol=1e-9)
    assert_allclose(found.inertia, inertia, rtol=1e-9, atol=1e-9)
    assert_nearest(samples, found)
    if np.issubdtype(dtype, np.integer):
        assert_array_equal(found.labels.ravel(), labels)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("grain", [0, 2, 12])
@pytest.mark.parametrize("channels", ["RGB", "RGBxy"])
def test_many_steps_on_a_smooth_image(rng, dtype, grain, channels):
    """Where neighbours are alike, bounds spare most of the work, and must not be wrong once in many steps."""
    y, x = np.mgrid[:90, :131]
    waves = np.stack([np.sin(x / 19 + y / 31), np.cos(x / 43 - y / 17), np.sin(y / 23)], axis=2)
    image = np.clip(128 + 90 * waves + rng.normal(0, 1, waves.shape) * grain, 0, 255).astype(dtype)
    features = pixel_features(image, channels, channel_weights={"xy": 0.25} if "xy" in channels else None)
    samples = np.asarray(features).reshape(-1, len(channels))
    init = samples[rng.choice(len(samples), 13, replace=False)].astype(np.float64)
    before = None
    for n_iter in (1, 2, 7, 8, 29, 30, 79, 80):
        found = kmeans(features, 13, init=init, max_num_iter=n_iter, tol=0)
        assert_nearest(samples, found)
        if channels == "RGB" and dtype == np.uint8:
            assert_array_equal(found.labels.ravel(), squared(samples, found.centers).argmin(axis=1))
        if before is not None and found.n_iter == before.n_iter + 1:
            assert_means(samples, before.labels, found, before.centers)
        before = found


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(("n_features", "n_clusters"), [(64, 3), (5, 65), (3, 300), (1, 257), (3, 1000)])
def test_many_features_and_many_clusters(rng, dtype, n_features, n_clusters):
    image, init = planted(rng, (41, 50), n_features, n_clusters, dtype)
    one, two = (kmeans(image, n_clusters, init=init, max_num_iter=n, tol=0) for n in (1, 2))
    samples = image.reshape(-1, n_features)
    assert_nearest(samples, two)
    assert_means(samples, one.labels, two, one.centers)
    if np.issubdtype(dtype, np.integer):
        assert_array_equal(two.labels.ravel(), squared(samples, two.centers).argmin(axis=1))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 9)])
def test_as_many_clusters_as_samples(rng, dtype, shape):
    image = rng.permutation(shape[0] * shape[1]).astype(dtype).reshape(*shape, 1)
    for init in ("random", "k-means++", "subset", image.reshape(-1, 1).astype(np.float64)):
        found = kmeans(image, image.size, init=init, rng=0, tol=0)
        assert found.inertia == 0
        assert_array_equal(np.sort(found.centers.ravel()), np.arange(image.size))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("far", [1e3, 1e6, 1e18, 1e30])
def test_centers_far_away_get_no_samples_and_stay(rng, dtype, far):
    image = rng.integers(0, 200, (21, 33, 3)).astype(dtype)
    near = image.reshape(-1, 3)[:4].astype(np.float64)
    found = kmeans(image, 6, init=[[far] * 3, *near, [-far, 0, 0]], tol=0, max_num_iter=5)
    alone = kmeans(image, 4, init=near, tol=0, max_num_iter=5)
    assert_array_equal(found.labels, alone.labels + 1)
    assert_allclose(found.centers[1:5], alone.centers, rtol=1e-9)
    assert_allclose(found.centers[[0, 5]], [[far] * 3, [-far, 0, 0]], rtol=1e-6, atol=far * 1e-6)


@pytest.mark.parametrize("dtype", KINDS)
def test_equal_centers_the_lower_takes_all(rng, dtype):
    image = rng.integers(0, 200, (21, 33, 3)).astype(dtype)
    center = image.reshape(-1, 3)[5].astype(np.float64)
    found = kmeans(image, 5, init=[center] * 5, tol=0, max_num_iter=1)
    assert_allclose(found.centers[0], image.reshape(-1, 3).mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert_array_equal(found.centers[1:], [center] * 4)


@pytest.mark.parametrize("dtype", KINDS)
def test_a_constant_image_and_a_constant_feature(rng, dtype):
    flat = kmeans(np.full((20, 30, 3), 77, dtype), 4, rng=0)
    assert flat.inertia == 0
    assert not flat.labels.any()
    image = rng.integers(0, 200, (20, 30, 3)).astype(dtype)
    image[..., 1] = 9
    init = image.reshape(-1, 3)[:5].astype(np.float64)
    found = kmeans(image, 5, init=init, tol=0, max_num_iter=4)
    without = kmeans(image[..., [0, 2]], 5, init=init[:, [0, 2]], tol=0, max_num_iter=4)
    assert_array_equal(found.labels, without.labels)
    assert_array_equal(found.centers[:, 1], [9] * 5)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("extra", ["plain", "weights", "mask", "both", "xy"])
def test_the_same_bits_for_any_number_of_threads(rng, dtype, extra):
    image, init = planted(rng, (150, 133), 3, 9, dtype)
    options = {"tol": 0.1, "max_num_iter": 8}
    if extra in ("weights", "both"):
        options["sample_weight"] = rng.random(image.shape[:2]) * 3
    if extra in ("mask", "both"):
        options["mask"] = rng.random(image.shape[:2]) < 0.7
    features = image
    if extra == "xy":
        features = pixel_features(image, "RGBxy")
        init = np.concatenate([init, rng.uniform(0, 255, (9, 2))], axis=1)
    one = kmeans(features, 9, init=init, n_threads=1, **options)
    for n_threads in (2, 3, 7):
        assert_same(kmeans(features, 9, init=init, n_threads=n_threads, **options), one)


@pytest.mark.parametrize("init", ["subset", "random", "uniform", "k-means++"])
def test_a_seed_gives_the_same_bits_for_any_number_of_threads(rng, init):
    image, _ = planted(rng, (60, 71), 3, 6, np.uint8)
    one = kmeans(image, 6, init=init, rng=5, n_threads=1)
    for n_threads in (2, 3, 7):
        assert_same(kmeans(image, 6, init=init, rng=5, n_threads=n_threads), one)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 8), seeds)
def test_the_order_and_the_shape_of_samples_are_no_matter(dtype, n_clusters, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (24, 30), 3, n_clusters, dtype)
    options = {"init": init, "max_num_iter": 4, "tol": 0}
    samples = image.reshape(-1, 3)
    order = rng.permutation(len(samples))
    found, mixed = kmeans(samples, n_clusters, **options), kmeans(samples[order], n_clusters, **options)
    assert found.centers.tobytes() == mixed.centers.tobytes()
    assert_array_equal(found.labels[order], mixed.labels)
    for shape in ((24, 30), (30, 24), (2, 3, 120), (1, 720), (720, 1)):
        shaped = kmeans(image.reshape(*shape, 3), n_clusters, **options)
        assert shaped.labels.shape == shape
        assert_array_equal(shaped.labels.ravel(), found.labels)
        assert shaped.centers.tobytes() == found.centers.tobytes()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 8), seeds)
def test_whole_weights_count_like_repeats(dtype, n_clusters, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (17, 23), 3, n_clusters, dtype)
    weights = rng.integers(0, 5, image.shape[:2])
    weights[0, 0] = 1
    weighted = kmeans(image, n_clusters, init=init, sample_weight=weights, tol=0, max_num_iter=3)
    often = np.repeat(image.reshape(-1, 3), weights.ravel(), axis=0)
    repeated = kmeans(often, n_clusters, init=init, tol=0, max_num_iter=3)
    assert_allclose(weighted.centers, repeated.centers, rtol=1e-6, atol=1e-6)
    assert_allclose(weighted.inertia, repeated.inertia, rtol=1e-5, atol=1e-6)
    assert_nearest(image.reshape(-1, 3), weighted, weights.ravel())


def test_the_scale_of_weights_is_no_matter(rng):
    image, init = planted(rng, (40, 50), 3, 6, np.uint8)
    weights = rng.random((40, 50))
    one = kmeans(image, 6, init=init, sample_weight=weights, tol=0, max_num_iter=5)
    for factor in (2.0**-900, 2.0**-60, 2.0**120):
        other = kmeans(image, 6, init=init, sample_weight=weights * factor, tol=0, max_num_iter=5)
        assert_array_equal(other.labels, one.labels)
        assert_allclose(other.centers, one.centers, rtol=1e-9)
        assert_allclose(other.inertia, one.inertia * factor, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from((np.float32, np.float64)), st.integers(-60, 60), seeds)
def test_scaling_by_a_power_of_two_changes_no_bit(dtype, power, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (20, 27), 3, 6, dtype)
    image += rng.normal(0, 5, image.shape).astype(dtype)
    factor = dtype(2.0**power)
    one = kmeans(image, 6, init=init, tol=0, max_num_iter=4)
    other = kmeans(image * factor, 6, init=init * float(factor), tol=0, max_num_iter=4)
    assert_array_equal(one.labels, other.labels)
    assert_array_equal(one.centers * float(factor), other.centers)
    assert one.inertia * float(factor) ** 2 == other.inertia


@settings(max_examples=30, deadline=None)
@given(st.sampled_from((np.float32, np.float64)), st.integers(-4000, 4000), seeds)
def test_shifting_by_a_whole_number_shifts_the_centers(dtype, shift, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (20, 27), 3, 6, dtype)
    one = kmeans(image, 6, init=init, tol=0, max_num_iter=4)
    other = kmeans(image + dtype(shift), 6, init=init + shift, tol=0, max_num_iter=4)
    assert_array_equal(one.labels, other.labels)
    assert_allclose(one.centers + shift, other.centers, rtol=1e-9, atol=1e-9)
    assert_allclose(one.inertia, other.inertia, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 120), seeds)
def test_8_bit_data_shifts_too(shift, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 130, (20, 27, 3)).astype(np.uint8)
    init = image.reshape(-1, 3)[:6].astype(np.float64)
    one = kmeans(image, 6, init=init, tol=0, max_num_iter=4)
    other = kmeans(image + np.uint8(shift), 6, init=init + shift, tol=0, max_num_iter=4)
    assert_allclose(one.centers + shift, other.centers, rtol=1e-9, atol=1e-9)
    assert_nearest((image + np.uint8(shift)).reshape(-1, 3), other)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 7), st.floats(0.02, 1), seeds)
def test_a_mask_leaves_samples_out(dtype, n_clusters, share, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (23, 37), 3, n_clusters, dtype)
    mask = rng.random((23, 37)) < share
    mask[3, 5] = True
    init = np.resize(image[mask], init.shape).astype(np.float64)
    n_clusters = min(n_clusters, int(mask.sum()))
    init = init[:n_clusters]
    alone = kmeans(image[mask], n_clusters, init=init, tol=0, max_num_iter=4)
    image[~mask] = np.nan if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    found = kmeans(image, n_clusters, init=init, mask=mask, tol=0, max_num_iter=4)
    assert_array_equal(found.labels == -1, ~mask)
    assert_array_equal(found.labels[mask], alone.labels)
    assert found.centers.tobytes() == alone.centers.tobytes()
    assert_allclose(found.inertia, alone.inertia, rtol=1e-12)


@pytest.mark.parametrize("dtype", KINDS)
def test_samples_of_weight_zero_move_no_center(rng, dtype):
    image, init = planted(rng, (30, 21), 3, 5, dtype)
    mask = rng.random((30, 21)) < 0.5
    masked = kmeans(image, 5, init=init, mask=mask, tol=0, max_num_iter=4)
    weighted = kmeans(image, 5, init=init, sample_weight=mask.astype(float), tol=0, max_num_iter=4)
    assert_allclose(weighted.centers, masked.centers, rtol=1e-7, atol=1e-7)
    assert_allclose(weighted.inertia, masked.inertia, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(["RGB", "RGBxy", "RGBd", "RGBxyd", "xyRGB"]), seeds)
def test_pixel_features_are_their_array(dtype, channels, seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(10, 40, 2))
    image = (rng.integers(0, 200, (*shape, 3))).astype(dtype)
    depth = rng.uniform(1, 9, shape) if "d" in channels else None
    if depth is not None:
        depth[0, :3] = np.nan
    features = pixel_features(image, channels, depth=depth, channel_weights={"R": 0.7})
    array = np.asarray(features)
    inside = np.isfinite(array).all(axis=2)
    init = array[inside][:: max(int(inside.sum()) // 5, 1)][:5].astype(np.float64)
    found = kmeans(features, len(init), init=init, tol=0, max_num_iter=1)
    plain = kmeans(array, len(init), init=init, mask=inside, tol=0, max_num_iter=1)
    assert (found.labels != plain.labels).mean() < 0.02
    assert_allclose(found.inertia, plain.inertia, rtol=1e-4)
    # Both are nearest to their own centers in the array's float32 values, which x and y of the recipe round to.
    samples = array[inside]
    for result in (found, plain):
        distance = squared(samples, result.centers)
        chosen = np.take_along_axis(distance, result.labels[inside][:, None], axis=1)[:, 0]
        assert_allclose(chosen, distance.min(axis=1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("weighted", [False, True])
def test_very_small_and_very_large_values(rng, dtype, size, weighted):
    middles = np.array([[0, 0, 0], [90, 10, 0], [10, 80, 40], [100, 100, 100.0]])
    truth = rng.integers(0, 4, (40, 50))
    image = ((middles[truth] + rng.normal(0, 3, (40, 50, 3))) * size).astype(dtype)
    weights = rng.random((40, 50)) * 1e-30 / size if weighted else None
    found = kmeans(image, 4, init=(middles + 5) * size, sample_weight=weights, tol=0)
    assert found.converged
    assert_array_equal(found.labels, truth)
    share = np.ones(truth.shape) if weights is None else weights
    expected = [np.average(image[truth == k].astype(np.float64), axis=0, weights=share[truth == k]) for k in range(4)]
    assert_allclose(found.centers, expected, rtol=1e-5, atol=1e-5 * size)
    distance = ((image.astype(np.float64) - found.centers[truth]) ** 2).sum(axis=2)
    assert_allclose(found.inertia, (distance * share).sum(), rtol=1e-5)


def test_features_of_very_different_sizes(rng):
    """A plane of 1e20 beside one of 1e-20 decides alone, and the small one still gets its mean."""
    big = rng.integers(0, 2, 500) * 1e20
    samples = np.stack([big, rng.normal(0, 1e-20, 500)], axis=1)
    found = kmeans(samples, 2, init=[[0, 0], [1e20, 0]], tol=0)
    assert_array_equal(found.labels, big > 0)
    for k in range(2):
        own = samples[found.labels == k]
        # float32 resolves 2**-24 of the range of a feature.
        assert (np.abs(found.centers[k] - own.mean(axis=0)) <= 1e-7 * np.ptp(samples, axis=0)).all()


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.integers(2, 9), seeds)
def test_agrees_with_scikit_learn_in_float64(dtype, n_clusters, seed):
    cluster = pytest.importorskip("sklearn.cluster", reason="scikit-learn is not installed")
    rng = np.random.default_rng(seed)
    middles = rng.uniform(30, 220, (n_clusters, 3))
    image = np.clip(middles[rng.integers(0, n_clusters, (40, 50))] + rng.normal(0, 9, (40, 50, 3)), 0, 255)
    image = image.astype(dtype)
    samples = image.reshape(-1, 3).astype(np.float64)
    init = middles + rng.normal(0, 20, middles.shape)  # no samples: whole numbers tie, and ties may fall either way
    # scikit-learn moves an empty cluster elsewhere, we leave it: compare where the first assignment fills all.
    if len(np.unique(squared(samples, init).argmin(axis=1))) < n_clusters:
        return
    found = kmeans(image, n_clusters, init=init, tol=0, max_num_iter=5)
    peer = cluster.KMeans(n_clusters, init=init, n_init=1, max_iter=5, tol=0, algorithm="lloyd")
    peer.fit(samples)
    assert_allclose(found.inertia, peer.inertia_, rtol=1e-5)
    assert (found.labels.ravel() != peer.labels_).mean() < 1e-3


def test_converges_where_no_label_changes(rng):
    image, init = planted(rng, (31, 45), 3, 7, np.uint8)
    found = kmeans(image, 7, init=init, tol=0, max_num_iter=1000)
    assert found.converged
    again = kmeans(image, 7, init=found.centers, tol=0, max_num_iter=1000)
    assert again.n_iter == 1
    assert_same(again, kmeans(image, 7, init=found.centers, tol=0, max_num_iter=1))
    assert_array_equal(again.labels, found.labels)
    assert not kmeans(image, 7, init=init, tol=0, max_num_iter=found.n_iter - 1).converged


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(KINDS), st.integers(1, 12), seeds)
def test_inertia_never_grows(dtype, n_clusters, seed):
    rng = np.random.default_rng(seed)
    image, init = planted(rng, (25, 31), 3, n_clusters, dtype)
    inertia = [kmeans(image, n_clusters, init=init, tol=0, max_num_iter=n).inertia for n in (1, 2, 3, 5, 9)]
    assert (np.diff(inertia) <= 1e-9 * inertia[0]).all()


@pytest.mark.parametrize("dtype", KINDS)
def test_predict_gives_the_labels_again(rng, dtype):
    image, init = planted(rng, (25, 31), 3, 8, dtype)
    mask = rng.random((25, 31)) < 0.8
    found = kmeans(image, 8, init=init, mask=mask, tol=0, max_num_iter=3)
    assert_array_equal(found.predict(image, mask=mask), found.labels)
    part = image[3:11, ::2]  # other samples, another shape, strides
    assert_array_equal(found.predict(part), squared(part.reshape(-1, 3), found.centers).argmin(axis=1).reshape(8, -1))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_twelve_megapixels(rng, dtype):
    shape = (3000, 4000)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    waves = np.stack([128 + 100 * np.sin(x / 290 + y / 530), 128 + 90 * np.cos(x / 870), 128 + 80 * np.sin(y / 410)], 2)
    image = np.clip(waves + rng.normal(0, 9, waves.shape), 0, 255).astype(dtype)
    init = image[::700, ::700].reshape(-1, 3)[:16].astype(np.float64)
    one, two = (kmeans(image, 16, init=init, tol=0, max_num_iter=n) for n in (1, 2))
    samples = image.reshape(-1, 3)
    for k, center in enumerate(two.centers):
        own = samples[one.labels.ravel() == k]
        assert_allclose(center, own.mean(axis=0, dtype=np.float64), rtol=1e-6)
    inertia = 0.0
    for start in range(0, len(samples), 500_000):
        distance = squared(samples[start : start + 500_000], two.centers)
        labels = two.labels.ravel()[start : start + 500_000]
        chosen = np.take_along_axis(distance, labels[:, None], axis=1)[:, 0]
        assert_allclose(chosen, distance.min(axis=1), rtol=1e-5, atol=1e-5)
        inertia += chosen.sum()
    assert_allclose(two.inertia, inertia, rtol=1e-6)
