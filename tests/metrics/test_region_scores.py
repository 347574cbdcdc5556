"""Covering, Rand indices, variation of information, and the best settings of a sweep."""

import math

import naive_metrics
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.io import loadmat
from skimage import metrics as skimage

from classicseg.metrics import (
    adapted_rand_error,
    best_covering,
    best_probabilistic_rand_index,
    best_variation_of_information,
    covering,
    probabilistic_rand_index,
    region_scores,
    variation_of_information,
)

SHAPES = [(1, 1), (1, 2), (6, 1), (5, 9), (3, 4, 3)]


@pytest.mark.parametrize("n_labels", [1, 3, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_slow_twins(rng, shape, n_labels):
    for _ in range(3):
        true, pred = rng.integers(0, 3, shape), rng.integers(0, n_labels, shape)
        bits = naive_metrics.variation_of_information(true, pred)
        assert_allclose(covering(true, pred), naive_metrics.covering(true, pred), rtol=1e-12)
        assert_allclose(probabilistic_rand_index(true, pred), naive_metrics.rand_index(true, pred), rtol=1e-12)
        assert_allclose(variation_of_information(true, pred), bits, atol=1e-12)
        assert_allclose(adapted_rand_error(true, pred), naive_metrics.adapted_rand(true, pred), atol=1e-12)
        scores = region_scores(true, pred)
        assert scores.covering == covering(true, pred)
        assert scores.probabilistic_rand_index == probabilistic_rand_index(true, pred)
        assert (scores.split, scores.merge) == variation_of_information(true, pred)
        assert scores.variation_of_information == scores.split + scores.merge
        assert scores.covering == scores.covered / scores.area
        assert scores.area == true.size


@pytest.mark.parametrize("n_labels", [2, 30])
def test_equals_scikit_image(rng, n_labels):
    true, pred = rng.integers(0, 9, (20, 30)), rng.integers(0, n_labels, (20, 30))
    assert_allclose(variation_of_information(true, pred), skimage.variation_of_information(true, pred), atol=1e-12)
    error, *others = skimage.adapted_rand_error(true, pred, ignore_labels=(0, 3))
    found = adapted_rand_error(true, pred, void=[0, 3])
    assert found.error == pytest.approx(error, rel=1e-12)
    assert sorted(found[1:]) == pytest.approx(sorted(others), rel=1e-12)


def test_equals_scikit_learn(rng):
    cluster = pytest.importorskip("sklearn.metrics.cluster", reason="scikit-learn comes with the extra benchmarks")
    true, pred = rng.integers(0, 9, 500), rng.integers(0, 4, 500)
    assert_allclose(probabilistic_rand_index(true, pred), cluster.rand_score(true, pred), rtol=1e-12)
    (apart, split), (merged, both) = cluster.pair_confusion_matrix(true, pred)
    found = adapted_rand_error(true, pred)
    assert_allclose((found.precision, found.recall), (both / (both + split), both / (both + merged)), rtol=1e-12)
    mutual = cluster.mutual_info_score(true, pred) / math.log(2)
    bits = naive_metrics.entropy(pred) - mutual, naive_metrics.entropy(true) - mutual
    assert_allclose(variation_of_information(true, pred), bits, atol=1e-12)
    assert apart > 0


def halves(true, pred):
    """What one region of the truth and two of the other are."""
    return np.full((4, 6), true), np.repeat([[pred, pred + 1]], 3, axis=1).repeat(4, axis=0)


def test_cut_in_halves():
    """Known by construction: one bit of splitting, and every second pair is put apart."""
    whole, cut = halves(5, 8)
    assert covering(whole, cut) == 0.5
    assert covering(cut, whole) == 0.5
    assert variation_of_information(whole, cut) == (1.0, 0.0)
    assert variation_of_information(cut, whole) == (0.0, 1.0)
    assert probabilistic_rand_index(whole, cut) == pytest.approx(1 - (12 * 12) / (24 * 23 / 2), rel=1e-12)
    split = adapted_rand_error(whole, cut)
    assert (split.precision, split.recall) == (1.0, 2 * (12 * 11) / (24 * 23))
    merged = adapted_rand_error(cut, whole)
    assert (merged.precision, merged.recall) == (split.recall, 1.0)


@pytest.mark.parametrize("stack", ["list", "array", "tuple of lists"])
def test_several_annotators(rng, stack):
    true, pred = rng.integers(0, 5, (3, 7, 8)), rng.integers(0, 4, (7, 8))
    given = {"list": list(true), "array": true, "tuple of lists": tuple(one.tolist() for one in true)}[stack]
    single = [region_scores(one, pred) for one in true]
    scores = region_scores(given, pred)
    assert scores.area == 3 * 56
    assert_allclose(scores.covered, sum(one.covered for one in single), rtol=1e-12)
    for name in ("covering", "probabilistic_rand_index", "variation_of_information", "split", "merge"):
        assert_allclose(getattr(scores, name), np.mean([getattr(one, name) for one in single]), rtol=1e-12)
    assert covering(given, pred) == scores.covering
    assert probabilistic_rand_index(given, pred) == scores.probabilistic_rand_index
    assert variation_of_information(given, pred) == (scores.split, scores.merge)


def test_annotators_of_unlike_size_are_pooled_by_area(rng):
    """With void pixels the annotators judge areas of their own: sums are divided, not means."""
    true, pred = rng.integers(1, 4, (2, 6, 6)), rng.integers(0, 4, (6, 6))
    true[1, :4] = 0
    parts = [region_scores(one, pred, void=0) for one in true]
    assert [one.area for one in parts] == [36, 12]
    scores = region_scores(true, pred, void=0)
    assert scores.covering == pytest.approx(sum(one.covered for one in parts) / 48, rel=1e-12)
    assert scores.merge == pytest.approx((parts[0].merge + parts[1].merge) / 2, rel=1e-12)


def test_void_and_mask_leave_pixels_out(rng):
    true, pred, mask = rng.integers(0, 4, (9, 9)), rng.integers(0, 4, (9, 9)), rng.random((9, 9)) < 0.7
    judged = mask & (true != 2) & (true != 3)
    left = true[judged], pred[judged]
    for score in (covering, probabilistic_rand_index, variation_of_information, adapted_rand_error, region_scores):
        assert score(true, pred, void=(2, 3), mask=mask) == score(*left)


SEEDS = st.integers(0, 10**6)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 7), st.integers(1, 7), st.integers(1, 120))
def test_properties(seed, n_true, n_pred, n_pixels):
    rng = np.random.default_rng(seed)
    true, pred = rng.integers(0, n_true, n_pixels), rng.integers(0, n_pred, n_pixels)
    scores, turned = region_scores(true, pred), region_scores(pred, true)
    assert 0 < scores.covering <= 1
    assert 0 <= scores.probabilistic_rand_index <= 1
    assert 0 <= scores.variation_of_information <= 2 * math.log2(n_pixels) + 1e-9
    assert turned.probabilistic_rand_index == pytest.approx(scores.probabilistic_rand_index, rel=1e-12)
    assert (turned.split, turned.merge) == pytest.approx((scores.merge, scores.split), abs=1e-12)
    names, order = rng.permutation(50) - 25, rng.permutation(n_pixels)
    renamed = region_scores(names[true][order], names[pred][order])
    assert renamed.covering == pytest.approx(scores.covering, rel=1e-12)
    assert renamed.variation_of_information == pytest.approx(scores.variation_of_information, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 9), st.integers(1, 100))
def test_equal_partitions_are_perfect_exactly(seed, n_labels, n_pixels):
    labels = np.random.default_rng(seed).integers(0, n_labels, n_pixels)
    scores = region_scores(labels, 100 - labels)
    assert scores.covering == scores.probabilistic_rand_index == 1
    assert scores.split == scores.merge == 0
    assert adapted_rand_error(labels, 100 - labels) == (0, 1, 1)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 60))
def test_variation_of_information_is_a_metric(seed, n_pixels):
    one, two, three = np.random.default_rng(seed).integers(0, 4, (3, n_pixels))
    distance = [sum(variation_of_information(a, b)) for a, b in ((one, two), (two, three), (one, three))]
    assert distance[2] <= distance[0] + distance[1] + 1e-12


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_finer_segmentation_only_splits(seed):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 4, 90)
    assert variation_of_information(true, true * 3 + rng.integers(0, 3, 90)).merge == 0
    assert adapted_rand_error(true, true * 3 + rng.integers(0, 3, 90)).precision == 1


def test_squares_of_large_areas_are_exact():
    """Of 12 million pixels the pairs leave the exact range of float32 and of 32 bits."""
    true = np.repeat([1, 2], [12_000_000, 1]).astype(np.uint8)
    whole = np.ones_like(true)
    wrong_pairs, pairs = 12_000_000, 12_000_001 * 12_000_000 // 2
    assert probabilistic_rand_index(true, whole) == 1 - wrong_pairs / pairs


def test_no_pairs_are_nothing_to_be_wrong_about():
    assert adapted_rand_error([1, 2, 3], [4, 5, 6]) == (0, 1, 1)
    assert adapted_rand_error([1, 2, 3], [4, 4, 6]) == (1, 0, 1)
    assert adapted_rand_error([1, 1, 3], [4, 5, 6]) == (1, 1, 0)
    assert region_scores([[7]], [[3]]).probabilistic_rand_index == 1


# --- Sweeps ---------------------------------------------------------------------------------------------------


def test_settings_of_a_sweep():
    covered = np.array([[10.0, 40, 40], [90, 60, 20], [5, 5, 9]])
    scores = best_covering(covered, [50, 100, 10])
    assert scores.per_setting.tolist() == [105 / 160, 105 / 160, 69 / 160]
    assert (scores.ods, scores.best_setting) == (105 / 160, 0)  # the first of equals
    assert scores.best_setting_per_image.tolist() == [1, 0, 2]
    assert scores.ois == (40 + 90 + 9) / 160
    rand = best_probabilistic_rand_index([[0.5, 0.75], [0.5, 0.25]])
    assert (rand.ods, rand.ois, rand.best_setting) == (0.5, 0.625, 0)
    bits = best_variation_of_information([[1, 2, 4], [3, 2, 1]])
    assert (bits.ods, bits.ois, bits.best_setting) == (2, 1, 0)
    assert bits.best_setting_per_image.tolist() == [0, 2]
    assert bits.per_setting.tolist() == [2, 2, 2.5]


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 5), st.integers(1, 6))
def test_the_best_setting_of_each_image_is_never_worse(seed, n_images, n_settings):
    rng = np.random.default_rng(seed)
    values = rng.random((n_images, n_settings))
    covered = best_covering(values, rng.uniform(1, 2, n_images))
    assert covered.ois >= covered.ods - 1e-12
    assert covered.ods == covered.per_setting.max()
    rand, bits = best_probabilistic_rand_index(values), best_variation_of_information(values)
    assert rand.ois >= rand.ods - 1e-12
    assert bits.ois <= bits.ods + 1e-12
    assert bits.ods == values.mean(axis=0).min()


# --- The Berkeley benchmark's own outputs (github.com/BIDS/BSDS500, bench/data) --------------------------------


def benchmark_scores(folder):
    """Scores of each of the 5 images at each of its 5 levels."""
    scores = []
    for path in sorted((folder / "segs").glob("*.mat")):
        truth = loadmat(folder / "groundTruth" / path.name)["groundTruth"].ravel()
        annotators = [one["Segmentation"][0, 0] for one in truth]
        scores.append([region_scores(annotators, labels) for labels in loadmat(path)["segs"].ravel()])
    return scores


def field(scores, name):
    return np.array([[getattr(one, name) for one in image] for image in scores])


def test_the_outputs_of_the_berkeley_benchmark(test_data):
    folder = test_data / "bsds" / "bench_oracle"
    if not folder.is_dir():
        pytest.skip("the test data lack bsds/bench_oracle")
    scores, told = benchmark_scores(folder), folder / "test_5"
    areas = field(scores, "area")
    assert (areas == areas[:, :1]).all()
    cover = best_covering(field(scores, "covered"), areas[:, 0])
    rand = best_probabilistic_rand_index(field(scores, "probabilistic_rand_index"))
    bits = best_variation_of_information(field(scores, "variation_of_information"))
    assert_allclose(cover.per_setting, np.loadtxt(told / "eval_cover_th.txt")[:, 1], rtol=1e-5)
    by_level = np.loadtxt(told / "eval_RI_VOI_thr.txt")
    assert_allclose(np.stack([rand.per_setting, bits.per_setting], axis=1), by_level[:, 1:], rtol=1e-5)
    level, ods, ois, _ = np.loadtxt(told / "eval_cover.txt")
    assert (cover.best_setting + 1, cover.ods, cover.ois) == pytest.approx((level, ods, ois), rel=1e-5)
    expected = np.loadtxt(told / "eval_RI_VOI.txt")
    found = rand.best_setting + 1, rand.ods, rand.ois, bits.best_setting + 1, bits.ods, bits.ois
    assert_allclose(found, expected, rtol=1e-5)
    per_image = np.loadtxt(told / "eval_cover_img.txt")
    assert_allclose(field(scores, "covering").max(axis=1), per_image[:, 2], rtol=1e-5)
    assert (cover.best_setting_per_image + 1).tolist() == per_image[:, 1].tolist()


def test_generated_segmentations_over_a_sweep(rng):
    """What the test above does, on patches that are cut finer and finer: the slow twins are the answer."""
    rows, cols = np.mgrid[:8, :12]
    truth = [[rows // 4 * 4 + cols // 3 + step for step in (0, 1)], [cols // 6, rows // 2]]
    sweep = [[(rows + shift) // size * 100 + cols // size for size in (2, 4, 6)] for shift in (0, 1)]
    scores = [[region_scores(annotators, labels) for labels in image] for annotators, image in zip(truth, sweep)]
    expected = np.array(
        [
            [
                [
                    np.mean([twin(one, labels) for one in annotators])
                    for twin in (naive_metrics.covering, naive_metrics.rand_index)
                ]
                for labels in image
            ]
            for annotators, image in zip(truth, sweep)
        ]
    )
    found = best_covering(field(scores, "covered"), field(scores, "area")[:, 0])
    assert_allclose(found.per_setting, expected[..., 0].mean(axis=0), rtol=1e-12)
    assert_allclose(found.ois, expected[..., 0].max(axis=1).mean(), rtol=1e-12)
    rand = best_probabilistic_rand_index(field(scores, "probabilistic_rand_index"))
    assert_allclose(rand.per_setting, expected[..., 1].mean(axis=0), rtol=1e-12)


IMAGES = "must have shape (images, settings), not empty, got"
ANNOTATORS = "labels_true and labels_pred must have one shape, got {} and {}; resize the labels of one of them without "
NONE_JUDGED = "mask and void must leave at least one pixel to judge, got none"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: covering([[1, 2]], [[1], [2]]), ValueError, ANNOTATORS.format((1, 2), (2, 1)) + "interpolation"),
        (
            lambda: region_scores([np.ones((2, 2), int), np.ones((2, 3), int)], np.ones((2, 2), int)),
            ValueError,
            ANNOTATORS.format((2, 3), (2, 2)) + "interpolation",
        ),
        (
            lambda: region_scores(np.ones((2, 2, 2, 2), int), np.ones((2, 2), int)),
            ValueError,
            ANNOTATORS.format((2, 2, 2, 2), (2, 2)) + "interpolation",
        ),
        (lambda: region_scores([], [[1]]), ValueError, "labels_true must not be empty, got shape (0,)"),
        (lambda: covering([1, 1], [1, 2], void=1), ValueError, NONE_JUDGED),
        (lambda: region_scores([[1, 1], [1, 2]], [1, 2], void=1), ValueError, NONE_JUDGED),
        (lambda: adapted_rand_error([1], [1], mask=[False]), ValueError, NONE_JUDGED),
        (lambda: best_covering([1, 2], [1, 2]), ValueError, f"covered {IMAGES} (2,)"),
        (lambda: best_variation_of_information(np.ones((0, 3))), ValueError, f"scores {IMAGES} (0, 3)"),
        (
            lambda: best_probabilistic_rand_index([["a"]]),
            TypeError,
            "scores must be numbers, got <U1; take one score of each RegionScores",
        ),
        (
            lambda: best_probabilistic_rand_index([[np.nan]]),
            ValueError,
            "scores must be finite, got 1 NaN or infinite values; leave such images out",
        ),
        (
            lambda: best_covering([[1.0]], [0]),
            ValueError,
            "area must hold one positive number of pixels per image, 1 as covered has rows, got shape (1,); "
            "leave images without ground truth out of both",
        ),
        (
            lambda: best_covering([[1.0]], [2, 3]),
            ValueError,
            "area must hold one positive number of pixels per image, 1 as covered has rows, got shape (2,); "
            "leave images without ground truth out of both",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is error
