"""Recall, precision and F of boundaries, sweeps over settings, and boundary IoU."""

import dataclasses

import naive_boundaries as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from classicseg.metrics import (
    BoundaryCounts,
    BoundaryScore,
    boundary_counts,
    boundary_f,
    boundary_iou,
    boundary_map,
    boundary_sweep,
    match_boundaries,
    thin,
)

NAMES = ("tp_recall", "n_recall", "tp_precision", "n_precision")


def fields(counts: BoundaryCounts) -> np.ndarray:
    return np.stack([getattr(counts, name) for name in NAMES])


def annotated(rng, shape=(41, 57), n=3):
    """Boundaries of several annotators of one scene, and a strength that is high near them."""
    scene = ndimage.gaussian_filter(rng.standard_normal(shape), 4)
    drawn = [
        thin(boundary_map(scene + 0.01 * ndimage.gaussian_filter(rng.standard_normal(shape), 2) > 0)) for _ in range(n)
    ]
    strength = np.exp(-40 * np.abs(scene + 0.003 * rng.standard_normal(shape))) * rng.uniform(0.7, 1, shape)
    return drawn, strength


def counted_by_hand(drawn, pred, max_distance):
    """Each annotator on his own; what any of them confirms is right."""
    matches = [match_boundaries(one, pred, max_distance=max_distance) for one in drawn]
    right = {tuple(pixel) for match in matches for pixel in match.pixels_pred.tolist()}
    return [sum(len(m.distance) for m in matches), sum(one.sum() for one in drawn), len(right), pred.sum()]


@pytest.mark.parametrize("thinning", [True, False])
def test_counts_are_those_of_each_annotator_put_together(rng, thinning):
    drawn, strength = annotated(rng)
    levels = [0.2, 0.45, 0.7]
    counts = boundary_counts(drawn, strength, thresholds=levels, max_distance=0.02, thinning=thinning)
    maps = [thin(strength >= level) if thinning else strength >= level for level in levels]
    assert_array_equal(fields(counts).T, [counted_by_hand(drawn, one, 0.02) for one in maps])
    assert_array_equal(counts.thresholds, levels)
    for one, level in zip(fields(counts).T, maps):
        assert one[0] == sum(naive.match(true, level, 0.02)[0] for true in drawn)
    assert 0 < counts.tp_recall[-1] < counts.n_recall[-1]
    assert fields(counts).dtype == np.int64


def test_maps_are_settings_and_strengths_their_thresholds(rng):
    drawn, strength = annotated(rng)
    counts = boundary_counts(drawn, strength, thresholds=4)
    assert_allclose(counts.thresholds, [0.2, 0.4, 0.6, 0.8])
    maps = [strength >= level for level in counts.thresholds]
    for given_maps in (maps, tuple(maps), np.stack(maps)):
        again = boundary_counts(np.stack(drawn), given_maps)
        assert again.thresholds is None
        assert_array_equal(fields(again), fields(counts))
    alone = boundary_counts(drawn, maps[2])
    assert_array_equal(fields(alone), fields(counts)[:, 2:3])
    assert_array_equal(fields(boundary_counts(drawn[0], maps[2])), fields(boundary_counts(drawn[:1], maps[2])))
    assert_array_equal(
        fields(boundary_counts(drawn[0].tolist(), maps[2].tolist())), fields(boundary_counts(drawn[0], maps[2]))
    )


def test_a_strength_equal_to_its_threshold_is_a_boundary():
    drawn = np.zeros((9, 9), bool)
    drawn[4] = True
    for dtype in (np.float32, np.float64):
        counts = boundary_counts(drawn, np.where(drawn, 0.5, 0.25).astype(dtype), thresholds=[0.5, 0.75])
        assert_array_equal(counts.n_precision, [9, 0])


def test_the_default_is_99_thresholds():
    drawn = np.zeros((9, 9), bool)
    drawn[4] = True
    counts = boundary_counts(drawn, drawn * 0.505)
    assert_allclose(counts.thresholds, np.arange(1, 100) / 100)
    assert_array_equal(counts.n_precision, np.repeat([9, 0], [50, 49]))


def test_an_image_without_boundaries_scores_nothing_and_warns_not():
    none, some = np.zeros((8, 8), bool), np.eye(8, dtype=bool)
    assert boundary_f(none, none) == boundary_f(none, some) == boundary_f(some, none) == BoundaryScore(0.0, 0.0, 0.0)
    assert boundary_f(some, some) == BoundaryScore(1.0, 1.0, 1.0)


def test_f_of_one_image_by_hand():
    """Two lines of which one is found, and another that nobody drew."""
    drawn, found = np.zeros((2, 100, 100), bool)
    drawn[20], drawn[50] = True, True
    found[21], found[80, :50] = True, True
    score = boundary_f(drawn, found)
    assert score == BoundaryScore(f=pytest.approx(4 / 7), precision=pytest.approx(2 / 3), recall=0.5)
    assert type(score.f) is type(score.precision) is type(score.recall) is float


def test_thick_lines_count_once_when_thinned():
    drawn, found = np.zeros((2, 60, 80), bool)
    drawn[30], found[29:32] = True, True
    assert boundary_f(drawn, found).precision > 0.97
    assert boundary_f(drawn, found, thinning=False).precision == pytest.approx(1 / 3)
    assert boundary_f(
        [drawn, np.roll(drawn, 1, axis=0)], found, thinning=False, max_distance=0
    ).precision == pytest.approx(2 / 3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_f_lies_between_recall_and_precision_and_more_annotators_confirm_more(seed, n):
    rng = np.random.default_rng(seed)
    drawn, pred = rng.random((n, 12, 13)) < 0.2, rng.random((12, 13)) < 0.3
    score = boundary_f(drawn, pred, max_distance=0.1)
    assert 0 <= min(score.recall, score.precision) <= score.f + 1e-12
    assert score.f <= max(score.recall, score.precision) + 1e-12 <= 1 + 1e-12
    assert boundary_f(drawn[:1], pred, max_distance=0.1).precision <= score.precision + 1e-12
    assert boundary_f(pred, pred, thinning=False).f == (1 if pred.any() else 0)


# --- Many images ----------------------------------------------------------------------------------------------


def made(rng, n_images, n_settings, thresholds):
    n_recall, n_precision = rng.integers(0, 60, (2, n_images, n_settings))
    tp_recall, tp_precision = rng.integers(0, n_recall + 1), rng.integers(0, n_precision + 1)
    images = zip(tp_recall, n_recall, tp_precision, n_precision)
    return [BoundaryCounts(*one, thresholds) for one in images]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_a_sweep_equals_its_slow_twin(seed, n_images, n_settings, cut):
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.uniform(0, 1, n_settings)) if cut else None
    counts = made(rng, n_images, n_settings, thresholds)
    table = np.stack([fields(one).T for one in counts])
    best, own, area = naive.sweep(table, thresholds)
    found = boundary_sweep(iter(counts))
    assert_allclose([found.ods.recall, found.ods.precision, found.ods.f], best[:3], atol=1e-12)
    assert_allclose([found.ois.recall, found.ois.precision, found.ois.f], own, atol=1e-12)
    assert_allclose(found.average_precision, area, atol=1e-12)
    assert_allclose(found.f, [naive.scores(*setting)[2] for setting in table.sum(axis=0)])
    assert found.best_setting == found.f.argmax()
    assert [naive.scores(*image[i])[2] for image, i in zip(table, found.best_settings)] == [
        max(naive.scores(*setting)[2] for setting in image) for image in table
    ]
    if cut:
        assert found.best_threshold == pytest.approx(best[3], abs=0.02)
        assert found.ods.f >= found.f.max() - 1e-12
    else:
        assert found.best_threshold is None
        assert found.ods.f == pytest.approx(found.f.max())


def test_between_thresholds_the_score_may_be_better():
    """Recall falls and precision rises: the best lies between, where both are 0.5, but maps have no between."""
    counts = BoundaryCounts(*np.array([[9, 1], [10, 10], [1, 9], [10, 10]]), np.array([0.25, 0.75]))
    found = boundary_sweep([counts])
    assert found.ods.f == pytest.approx(0.5, abs=1e-3)
    assert found.best_threshold == pytest.approx(0.5, abs=0.01)
    assert_allclose(found.f, 0.18)
    assert boundary_sweep([dataclasses.replace(counts, thresholds=None)]).ods.f == pytest.approx(0.18)


def test_sums_are_pooled_and_not_scores():
    small = BoundaryCounts(*np.array([[1], [1], [1], [1]]))
    large = BoundaryCounts(*np.array([[0], [99], [0], [99]]))
    found = boundary_sweep([small, large])
    assert found.ods == found.ois == BoundaryScore(pytest.approx(0.01), 0.01, 0.01)


def test_images_without_boundaries_change_nothing():
    """One true pixel in three images, found: a recall of 1, not of a third."""
    one, none = BoundaryCounts(*np.ones((4, 1), int)), BoundaryCounts(*np.zeros((4, 1), int))
    found = boundary_sweep([none, one, none])
    assert found.ods == found.ois == BoundaryScore(1.0, 1.0, 1.0)


def test_of_equal_settings_the_first_is_best():
    counts = BoundaryCounts(*np.array([[5, 8, 8], [10, 10, 10], [5, 8, 8], [10, 10, 10]]))
    found = boundary_sweep([counts])
    assert found.best_setting == 1
    assert_array_equal(found.best_settings, [1])


def test_area_under_a_straight_curve():
    thresholds = np.linspace(0.1, 0.9, 9)
    falling = np.arange(100, 9, -11)[:9]
    counts = BoundaryCounts(falling, np.full(9, 100), np.full(9, 70), np.full(9, 100), thresholds)
    found = boundary_sweep([counts])
    assert found.average_precision == pytest.approx(0.7 * 0.01 * (100 - falling[-1] + 1))


# --- Boundary IoU ---------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 15), st.integers(1, 15), st.floats(0.01, 1), st.floats(0.3, 1))
def test_boundary_iou_equals_its_slow_twin(seed, n_rows, n_cols, ratio, density):
    rng = np.random.default_rng(seed)
    true, pred = rng.random((2, n_rows, n_cols)) < density
    width = max(1, round(ratio * np.hypot(n_rows, n_cols)))
    found = boundary_iou(true, pred, dilation_ratio=ratio)
    assert type(found) is float
    assert found == pytest.approx(naive.boundary_iou(true, pred, width))
    assert found == boundary_iou(pred, true, dilation_ratio=ratio)
    assert boundary_iou(true, true) == 1


def test_boundary_iou_of_a_shifted_square_by_hand():
    """100 × 75: the boundary is round(0.02 · 125) = 2 wide (a half to the even number); rings of 20² - 16² pixels."""
    true = np.zeros((100, 75), bool)
    true[20:40, 20:40] = True
    pred = np.roll(true, 20, axis=0)
    assert boundary_iou(true, pred) == 0
    hollow = true.copy()
    hollow[25:35, 25:35] = False  # the boundary of the hole is another 14² - 10² pixels
    assert boundary_iou(true, hollow) == pytest.approx((20**2 - 16**2) / (20**2 - 16**2 + 14**2 - 10**2))
    deep = true.copy()
    deep[28:32, 28:32] = False
    assert boundary_iou(true, deep) == pytest.approx(144 / (144 + 64 - 16))


def test_boundary_iou_at_the_border_of_the_image():
    """Outside the image nothing belongs to the mask: a mask that fills it has a boundary all around."""
    full = np.ones((50, 50), bool)
    assert boundary_iou(full, ndimage.binary_erosion(full)) < 1
    assert boundary_iou(full, np.zeros_like(full)) == 0
    assert boundary_iou(np.zeros_like(full), np.zeros_like(full)) == 1


def test_inputs_of_every_layout_stay_unchanged(rng):
    drawn, strength = annotated(rng, (40, 60))
    for array in (*drawn, strength):
        array.setflags(write=False)
    true, strengths = [one[::2, ::-1] for one in drawn], strength[::2, ::-1]
    copies = [one.copy() for one in true]
    assert_array_equal(
        fields(boundary_counts(true, strengths, thresholds=3)),
        fields(boundary_counts(copies, np.asfortranarray(strengths), thresholds=3)),
    )
    assert boundary_iou(true[0], true[1]) == boundary_iou(copies[0], copies[1])


ONE = np.ones((2, 2), bool)
HALF = np.full((2, 2), 0.5)
COUNTS = BoundaryCounts(*np.ones((4, 2), int))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: boundary_counts(ONE * 1, ONE), TypeError, "boundaries_true must be boolean, got int64; make a map"),
        (lambda: boundary_counts(HALF, ONE), TypeError, "boundaries_true must be boolean, got float64"),
        (lambda: boundary_counts([ONE, ONE * 1], ONE), TypeError, "boundaries_true must be boolean, got int64"),
        (
            lambda: boundary_counts(ONE, ONE * 1),
            TypeError,
            "boundaries_pred must be boolean, got int64; make a map of 0",
        ),
        (
            lambda: boundary_counts(ONE[0], ONE),
            ValueError,
            "boundaries_true must have shape (M, N) or (n, M, N), got (2,)",
        ),
        (lambda: boundary_counts(ONE[:0], ONE), ValueError, "boundaries_true must not be empty, got shape (0, 2)"),
        (
            lambda: boundary_counts([ONE, ONE[:1]], ONE),
            ValueError,
            "boundaries_true must hold maps of one shape, got (1, 2) and (2, 2)",
        ),
        (
            lambda: boundary_counts(ONE, [ONE[:1]]),
            ValueError,
            "boundaries_pred must have the shape of boundaries_true, (2, 2), got (1, 2)",
        ),
        (
            lambda: boundary_counts(ONE, ONE, thresholds=5),
            ValueError,
            "thresholds are for boundary strengths of a floating dtype, got boundaries_pred of boolean maps; leave",
        ),
        (lambda: boundary_counts(ONE, HALF, thresholds=0), ValueError, "thresholds must be at least 1, got 0"),
        (lambda: boundary_counts(ONE, HALF, thresholds=0.5), TypeError, "thresholds must be an integer, got 0.5"),
        (
            lambda: boundary_counts(ONE, HALF, thresholds=[]),
            ValueError,
            "thresholds must be a number of them or numbers",
        ),
        (lambda: boundary_counts(ONE, HALF, thresholds=[0.5, 0.5]), ValueError, "thresholds must increase; sort them"),
        (
            lambda: boundary_counts(ONE, HALF, thresholds=[0.5, np.nan]),
            ValueError,
            "thresholds must be finite, got 1 NaN",
        ),
        (
            lambda: boundary_counts(ONE, HALF * np.nan),
            ValueError,
            "boundaries_pred must be finite, got 4 NaN or infinite",
        ),
        (lambda: boundary_counts(ONE, HALF[None]), ValueError, "boundaries_pred of strengths must have shape (M, N)"),
        (lambda: boundary_counts(ONE, ONE, max_distance=2), ValueError, "max_distance must be at most 1, got 2.0"),
        (lambda: boundary_f(ONE, HALF), TypeError, "boundaries_pred must be boolean, got float64"),
        (lambda: boundary_f(ONE, ONE[None]), ValueError, "boundaries_pred must have shape (M, N), got (1, 2, 2)"),
        (lambda: boundary_sweep([]), ValueError, "counts must hold those of at least one image, got none"),
        (
            lambda: boundary_sweep(COUNTS),
            TypeError,
            "counts must be an iterable of BoundaryCounts, got BoundaryCounts;",
        ),
        (lambda: boundary_sweep(7), TypeError, "counts must be an iterable of BoundaryCounts, got int"),
        (lambda: boundary_sweep([COUNTS, 7]), TypeError, "counts must hold BoundaryCounts, got int; make them with"),
        (
            lambda: boundary_sweep([COUNTS, BoundaryCounts(*np.ones((4, 3), int))]),
            ValueError,
            "counts must all be at the same settings, got 2 for image 0 and 3 for image 1",
        ),
        (
            lambda: boundary_sweep([COUNTS, dataclasses.replace(COUNTS, thresholds=np.array([0.1, 0.2]))]),
            ValueError,
            "counts must all be at the same settings, got other thresholds for image 1 than for image 0",
        ),
        (lambda: boundary_iou(ONE, HALF), TypeError, "mask_pred must be boolean, got float64; compare first"),
        (lambda: boundary_iou(ONE[0], ONE), ValueError, "mask_true must have shape (M, N) and not be empty, got (2,)"),
        (
            lambda: boundary_iou(ONE, ONE[:1]),
            ValueError,
            "mask_pred must have the shape of mask_true, (2, 2), got (1, 2)",
        ),
        (lambda: boundary_iou(ONE, ONE, dilation_ratio=0), ValueError, "dilation_ratio must be greater than 0"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "result", [BoundaryScore(1, 1, 1), COUNTS, boundary_sweep([COUNTS]), match_boundaries(ONE, ONE)]
)
def test_results_are_frozen(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(result, dataclasses.fields(result)[0].name, 0)
