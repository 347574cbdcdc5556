"""k-means as a black box: what must not change its result."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kmeans_checks import KINDS, assert_nearest, assert_same, planted, seeds, squared
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import kmeans, pixel_features


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
    for factor in (2.0**-1000, 2.0**-60, 2.0**120):
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
    assert_array_equal(weighted.labels[mask], masked.labels[mask])
    assert weighted.labels.min() >= 0  # they get a label all the same


@pytest.mark.parametrize("init", ["subset", "random", "uniform", "k-means++"])
def test_samples_of_weight_zero_are_not_drawn(rng, init):
    samples = rng.normal(0, 3, (300, 2)).astype(np.float32)
    outliers = np.concatenate([samples, samples[:9] + 1000])
    weight = np.repeat([1.0, 0.0], [300, 9])
    options = {"init": init, "rng": 5, "max_num_iter": 3, "tol": 0}
    found = kmeans(outliers, 7, sample_weight=weight, **options)
    assert_allclose(found.centers, kmeans(samples, 7, **options).centers, atol=1e-4)
    with pytest.raises(ValueError, match="n_clusters must be at most 300, got 301"):
        kmeans(outliers, 301, sample_weight=weight)


@pytest.mark.parametrize("outside", [1e30, np.nan, -1.0])
def test_weights_outside_the_mask_are_not_looked_at(outside):
    samples, mask = [[0.0], [1.0], [10.0], [11.0], [5.0]], [True] * 4 + [False]
    found = kmeans(samples, 2, init=[[0.0], [9.0]], mask=mask, sample_weight=[1, 1, 1, 1, outside])
    assert found.centers.ravel().tolist() == [0.5, 10.5]
    assert found.inertia == 1


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
