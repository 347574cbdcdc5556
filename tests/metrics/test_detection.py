"""Boxes, masks and average precision of one class."""

import bad_input
import naive_detection as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.metrics import (
    PanopticImage,
    average_precision,
    box_iou,
    boxes_from_coco,
    boxes_to_coco,
    mask_iou,
    non_maximum_suppression,
    panoptic_quality,
    soft_iou,
)

# Published with the files, for IoU .1, .3, .5, .75.
VOC = {
    "11-point": (0.3333333333, 0.2683982683, 0.0303030303, 0.0),
    "every-point": (0.3371980676, 0.2456866804, 0.0222222222, 0.0),
}


def random_boxes(rng, n, size=12):
    """Boxes of whole numbers, so that equal overlaps are frequent; some without area."""
    corner = rng.integers(0, size, (n, 2))
    return np.concatenate([corner, corner + rng.integers(0, size // 2, (n, 2))], axis=1)


def random_masks(rng, n, shape=(7, 9)):
    return rng.random((n, *shape)) < rng.uniform(0.1, 0.9, (n, 1, 1))


@pytest.mark.parametrize("make", [random_boxes, random_masks])
def test_iou_equals_the_slow_twin(rng, make):
    truth, pred, crowd = make(rng, 9), make(rng, 7), rng.random(9) < 0.4
    measure = box_iou if make is random_boxes else mask_iou
    for flags in (None, crowd):
        found = measure(truth, pred, crowd=flags)
        assert found.shape == (9, 7)
        expected = [[naive.iou_of(t, p, flags is not None and flags[i]) for p in pred] for i, t in enumerate(truth)]
        assert_array_equal(found, expected)


def test_iou_known_by_construction():
    assert_array_equal(box_iou([[0, 0, 2, 4]], [[0, 2, 2, 6], [2, 0, 4, 4]]), [[1 / 3, 0]])  # touching is apart
    assert_array_equal(box_iou([[0, 0, 10, 10]], [[2, 2, 4, 4]], crowd=[True]), [[1]])
    assert_array_equal(box_iou([[1, 1, 1, 5]], [[1, 1, 1, 5]]), [[0]])  # nothing covered, nothing shared
    assert box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert mask_iou([], []).shape == (0, 0)


def test_mask_iou_of_blocks_is_the_box_iou(rng):
    boxes = random_boxes(rng, 8)
    masks = np.zeros((8, 20, 20), bool)
    for mask, (top, left, bottom, right) in zip(masks, boxes):
        mask[top:bottom, left:right] = True
    assert_array_equal(mask_iou(masks, masks), box_iou(boxes, boxes))


def test_boxes_of_coco_and_back(rng):
    boxes = random_boxes(rng, 6)
    assert_array_equal(boxes_from_coco([[3, 5, 2, 4]]), [[5, 3, 9, 5]])
    assert_array_equal(boxes_from_coco(boxes_to_coco(boxes)), boxes)


# --- Average precision ---------------------------------------------------------------------------------------------


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["free", "all"]),
    st.sampled_from(["every-point", "11-point", "none"]),
    st.booleans(),
)
def test_average_precision_equals_the_slow_twin(seed, candidates, interpolation, masks):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(0, 7), rng.integers(0, 12)
    make = random_masks if masks else random_boxes
    truth, pred = make(rng, n), make(rng, m)
    scores = rng.integers(0, 5, m) / 4  # ties
    images_true, images_pred = rng.integers(0, 2, n), rng.integers(0, 3, m)
    ignore, min_iou = rng.random(n) < 0.2, float(rng.choice([0.0, 0.25, 0.5]))
    found = average_precision(
        truth,
        pred,
        scores,
        images_true=images_true,
        images_pred=images_pred,
        ignore=ignore,
        min_iou=min_iou,
        candidates=candidates,
        interpolation=interpolation,
    )
    ap, outcome = naive.average_precision(
        truth, pred, scores, images_true, images_pred, ignore, min_iou, candidates, interpolation
    )
    assert_array_equal(found.outcome, outcome)
    assert_allclose(found.ap, ap, atol=1e-12)
    right = found.outcome == 1
    assert len(set(found.matched[right].tolist())) == right.sum()  # each ground truth is found once
    assert_array_equal(found.order, np.argsort(-scores, kind="stable"))


def test_the_steps_of_a_lecture():
    """Three dogs, five detections: right, right, wrong, wrong, right."""
    dogs = [[0, 0, 10, 10], [0, 20, 10, 30], [0, 40, 10, 50]]
    found = [[0, 0, 10, 9], [0, 21, 10, 30], [30, 0, 40, 10], [0, 0, 10, 8], [0, 40, 10, 52]]
    result = average_precision(dogs, found, [0.99, 0.95, 0.9, 0.5, 0.1])
    assert_array_equal(result.outcome, [1, 1, 0, 0, 1])
    assert_array_equal(result.matched, [0, 1, -1, -1, 2])
    assert_allclose(result.precision, [1, 1, 2 / 3, 1 / 2, 3 / 5])
    assert_allclose(result.recall, [1 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    assert_allclose(result.ap, (1 + 1 + 0.6) / 3)


def test_a_second_choice_counts_where_only_free_ground_truth_is_seen():
    truth = [[0, 0, 10, 10], [0, 2, 10, 12]]
    pred = [[0, 0, 10, 10], [0, 0, 10, 11]]  # the second lies nearest to the first one, too
    assert average_precision(truth, pred, [0.9, 0.8]).outcome.tolist() == [1, 1]
    assert average_precision(truth, pred, [0.9, 0.8], candidates="all").outcome.tolist() == [1, 0]


def test_the_threshold_is_to_be_exceeded():
    assert average_precision([[0, 0, 2, 4]], [[0, 0, 2, 2]], [1]).ap == 0  # IoU 0.5
    assert average_precision([[0, 0, 2, 4]], [[0, 0, 2, 2]], [1], min_iou=0.49).ap == 1


def test_nothing_to_find_and_nothing_found():
    nothing = average_precision([], [[0, 0, 1, 1]], [1])
    assert np.isnan(nothing.ap)
    assert np.isnan(nothing.recall).all()
    assert average_precision([[0, 0, 1, 1]], [], []).ap == 0
    assert average_precision(np.zeros((0, 4)), np.zeros((0, 4)), []).order.size == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_only_the_order_of_scores_counts(seed):
    rng = np.random.default_rng(seed)
    truth, pred, scores = random_boxes(rng, 5), random_boxes(rng, 9), rng.random(9)
    one = average_precision(truth, pred, scores, min_iou=0.2)
    shuffled = rng.permutation(9)
    two = average_precision(truth, pred[shuffled], np.exp(3 * scores[shuffled]), min_iou=0.2)
    assert one.ap == two.ap
    assert one.ap <= 1


def test_the_voc_files_give_the_published_numbers(test_data):
    folder = test_data / "metrics" / "voc_ap"
    if not folder.is_dir():
        pytest.skip("CLASSICSEG_TEST_DATA has no metrics/voc_ap")
    check_voc(*(read_voc(folder / side) for side in ("gts", "dets")))


def read_voc(folder):
    """Return boxes, scores and images of lines ``name [score] x y width height``; both ends belong to a box."""
    rows = [
        (path.stem, [float(word) for word in line.split()[1:]])
        for path in sorted(folder.glob("*.txt"))
        for line in path.read_text().splitlines()
        if line.strip()
    ]
    boxes = [(y, x, y + height + 1, x + width + 1) for _, (*_, x, y, width, height) in rows]
    return boxes, [numbers[0] for _, numbers in rows], [image for image, _ in rows]


def check_voc(truth, pred):
    for interpolation, published in VOC.items():
        for min_iou, expected in zip((0.1, 0.3, 0.5, 0.75), published):
            for candidates in ("free", "all"):
                found = average_precision(
                    truth[0],
                    *pred[:2],
                    images_true=truth[2],
                    images_pred=pred[2],
                    min_iou=min_iou,
                    interpolation=interpolation,
                    candidates=candidates,
                )
                assert_allclose(found.ap, expected, atol=2e-10)


def test_generated_detections_give_the_published_numbers():
    """The counterpart of the files: their order of right and wrong detections at IoU 0.3, of 15 to find."""
    right = [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    truth = [[0, 20 * i, 10, 20 * i + 10] for i in range(15)]
    pred = [truth[i] if one else [50, 20 * i, 60, 20 * i + 10] for i, one in enumerate(right)]
    result = average_precision(truth, pred, np.linspace(1, 0.1, 14))
    assert_allclose(result.ap, (1 / 2 + 2 / 10) / 15)
    eleven = average_precision(truth, pred, np.linspace(1, 0.1, 14), interpolation="11-point")
    assert_allclose(eleven.ap, (1 / 2 + 2 / 10) / 11)  # recalls 0 and 0.1 are reached, 2 / 15 is


def test_nine_of_fifteen_miss_the_float_six_tenths():
    truth = [[0, 20 * i, 10, 20 * i + 10] for i in range(15)]
    result = average_precision(truth, truth[:9], np.linspace(1, 0.1, 9), interpolation="11-point")
    assert_allclose(result.ap, 6 / 11)


def test_inputs_stay_unchanged_and_may_be_read_only(rng):
    truth, pred, scores = random_boxes(rng, 5), random_boxes(rng, 8)[::2], rng.random(8)[::2]
    kept = [array.copy() for array in (truth, pred, scores)]
    for array in (truth, pred, scores):
        array.setflags(write=False)
    average_precision(truth, pred, scores)
    for array, copy in zip((truth, pred, scores), kept):
        assert_array_equal(array, copy)


@pytest.mark.parametrize("form", bad_input.STORED)
def test_the_way_values_are_stored_does_not_count(rng, form):
    """Strided, reversed, read-only, big-endian, from another library: never another number."""
    store = bad_input.STORED[form]
    truth, pred, scores = random_boxes(rng, 6), random_boxes(rng, 8), np.linspace(1, 0, 8)
    assert_array_equal(box_iou(store(truth), store(pred)), box_iou(truth, pred))
    assert_array_equal(non_maximum_suppression(store(pred), scores), non_maximum_suppression(pred, scores))
    assert average_precision(store(truth), store(pred), scores).ap == average_precision(truth, pred, scores).ap
    masks = random_masks(rng, 3, (5, 6)).astype(np.uint8)
    assert_array_equal(mask_iou(store(masks), masks), mask_iou(masks, masks))
    assert_array_equal(soft_iou(store(masks), masks), soft_iou(masks, masks))
    labels = rng.integers(0, 3, (7, 8)).astype(np.int32)
    one, two = (PanopticImage(image, {1: "car", 2: "road"}) for image in (store(labels), np.roll(labels, 1)))
    assert_array_equal(
        panoptic_quality(one, two).iou_sum, panoptic_quality(PanopticImage(labels, one.classes), two).iou_sum
    )


BOX = [[0, 0, 2, 2]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: box_iou([[0, 0, 1]], BOX),
            ValueError,
            "boxes_true must have shape (n, 4): row_min, col_min, row_max, col_max; got (1, 3)",
        ),
        (
            lambda: box_iou(BOX, [[5, 5, 2, 2]]),
            ValueError,
            "boxes_pred must have row_min <= row_max and col_min <= col_max, got [5.0, 5.0, 2.0, 2.0] in row 0; "
            "pass boxes of x, y, width, height through boxes_from_coco() first",
        ),
        (
            lambda: box_iou([[0, 0, np.nan, 1]], BOX),
            ValueError,
            "boxes_true must be finite, got [0.0, 0.0, nan, 1.0] in row 0; leave such rows out",
        ),
        (
            lambda: box_iou([["a", "b", "c", "d"]], BOX),
            TypeError,
            "boxes_true must be of an integer or floating dtype, got <U1; pass numbers",
        ),
        (
            lambda: box_iou(BOX, BOX, crowd=[True, False]),
            ValueError,
            "crowd must have shape (1,), one flag per row of the ground truth; got (2,)",
        ),
        (
            lambda: box_iou(BOX, BOX, crowd=[0.5]),
            TypeError,
            "crowd must be boolean, got dtype float64; compare first, for example with > 0",
        ),
        (
            lambda: boxes_from_coco([[0, 0, -1, 2]]),
            ValueError,
            "boxes must have a width and height of at least 0, got [0.0, 0.0, -1.0, 2.0] in row 0; "
            "boxes of row_min, col_min, row_max, col_max are ready as they are",
        ),
        (
            lambda: mask_iou([[True]], []),
            ValueError,
            "masks_true must have shape (n, M, N), got (1, 1); one mask becomes a stack with mask[None]",
        ),
        (
            lambda: mask_iou([[[0.5]]], []),
            TypeError,
            "masks_true must be boolean, got dtype float64; compare first, for example with >= 0.5",
        ),
        (
            lambda: mask_iou(np.ones((1, 2, 2), bool), np.ones((1, 2, 3), bool)),
            ValueError,
            "masks must be of one shape, got (2, 2) and (2, 3); compare masks of one image at a time",
        ),
        (
            lambda: average_precision(BOX, BOX, [1, 2]),
            ValueError,
            "scores must have shape (1,), one number per prediction; got (2,)",
        ),
        (
            lambda: average_precision(BOX, BOX, [np.nan]),
            ValueError,
            "scores must be finite, got nan in row 0; leave such rows out",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], min_iou=2),
            ValueError,
            "min_iou must be at most 1, got 2.0",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], interpolation="101-point"),
            ValueError,
            "interpolation must be one of 'every-point', '11-point', 'none', got '101-point'",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], candidates=True),
            ValueError,
            "candidates must be one of 'free', 'all', got True",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], images_pred=[1, 2]),
            ValueError,
            "images_pred must have shape (1,), one per row; got (2,)",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], images_true=[0.5]),
            TypeError,
            "images_true must be integers or strings, got dtype float64; number them first",
        ),
        (
            lambda: average_precision(BOX, BOX, [1], images_true=[1], images_pred=["1"]),
            TypeError,
            "images must be named alike, got 1 in images_true and '1' in images_pred",
        ),
        (
            lambda: average_precision(BOX, np.ones((1, 2, 2), bool), [1]),
            TypeError,
            "instances_true and instances_pred must both be boxes or both masks, got one of each",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
