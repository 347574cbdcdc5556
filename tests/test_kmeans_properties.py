"""k-means as a black box: what must hold for any image, whatever form of the kernel does the work."""

import itertools

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kmeans_checks import KINDS, SHAPES, assert_means, assert_nearest, assert_same, counts, planted, seeds, squared
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import kmeans, pixel_features


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
