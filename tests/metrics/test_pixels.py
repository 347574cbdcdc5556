"""Contingency table, confusion matrix and the scores of class labels."""

import dataclasses

import naive_metrics
import numpy as np
import pytest
from bad_input import FORMS, MASKS, SAME, Refused, asked, labels_table, masks_table, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg._kernels.cpu import contingency as kernels
from classicseg.metrics import (
    class_scores,
    confusion_matrix,
    contingency_table,
    dice,
    frequency_weighted_iou,
    mean_iou,
    pixel_accuracy,
    region_scores,
)

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64, np.uint64]


def assert_table(found, expected):
    rows, cols, counts = expected
    assert found.true.tolist() == rows
    assert found.pred.tolist() == cols
    assert_array_equal(found.counts, np.asarray(counts).reshape(len(rows), len(cols)))
    assert_array_equal(found.area_true, found.counts.sum(axis=1))
    assert_array_equal(found.area_pred, found.counts.sum(axis=0))
    assert (found.n_pixels > 0).all()
    cells = list(zip(found.rows.tolist(), found.cols.tolist()))
    assert cells == sorted(set(cells))


@pytest.fixture(params=["table", "ranks", "order"])
def form(request, monkeypatch):
    """Each way to count: in a table of all values, of those that occur, and by sorting labels that are far apart."""
    if request.param != "table":
        monkeypatch.setattr(kernels, "WIDE", 0)
    return request.param


def spread(labels, form):
    """Labels as they are, or too far apart to be looked up, the order kept."""
    return labels.astype(np.int64) * {"table": 1, "ranks": 3, "order": 10**9}[form] - 7


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 8), (9, 1), (13, 17), (4, 5, 6)])
@pytest.mark.parametrize("n_labels", [1, 2, 40])
def test_the_table_equals_the_slow_twin(rng, form, shape, n_labels):
    true, pred = spread(rng.integers(0, 3, shape), form), spread(rng.integers(-2, n_labels, shape), form)
    assert_table(contingency_table(true, pred), naive_metrics.table(true, pred))
    mask = rng.random(shape) < 0.6
    found = contingency_table(true, pred, mask=mask, void=int(true.flat[0]))
    assert_table(found, naive_metrics.table(true, pred, [int(true.flat[0])], mask))


@pytest.mark.parametrize("n_labels", [2, 9, 80])
def test_runs_of_many_labels(rng, form, monkeypatch, n_labels):
    """With 80 labels most cells of the table are empty, and pairs come again after others."""
    true, pred = (np.tile(np.repeat(rng.integers(0, n_labels, 60), 4), 2) for _ in range(2))
    true, pred = spread(true, form), spread(np.roll(pred, 2), form)
    sorts = []
    in_order = kernels.in_order
    monkeypatch.setattr(kernels, "in_order", lambda *given: sorts.append(1) or in_order(*given))
    assert_table(contingency_table(true, pred), naive_metrics.table(true, pred))
    assert len(sorts) == (2 if form != "table" and n_labels == 80 else 0)


@pytest.mark.parametrize("n_pixels", [1, 2, 15, 16, 17, 31, 32, 33, 53])
def test_blocks_are_added_up(rng, form, monkeypatch, n_pixels):
    monkeypatch.setattr(kernels, "BLOCK", 16)
    true, pred = spread(rng.integers(0, 4, n_pixels), form), spread(rng.integers(0, 9, n_pixels) // 3, form)
    mask = rng.random(n_pixels) < 0.7
    mask[:16] = False  # a block without a pixel
    assert_table(contingency_table(true, pred), naive_metrics.table(true, pred))
    assert_table(contingency_table(true, pred, mask=mask), naive_metrics.table(true, pred, (), mask))


def test_large_images_by_any_number_of_threads(rng, monkeypatch):
    true = np.sort(rng.integers(0, 30, kernels.BLOCK * 2 + 5)).astype(np.int32)
    pred = np.roll(true, 1000) // 2
    tables = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CLASSICSEG_NUM_THREADS", threads)
        tables.append(contingency_table(true, pred).counts)
    assert_array_equal(tables[0], tables[1])
    assert_array_equal(tables[0], tables[2])
    expected = np.zeros((30, 15), int)
    np.add.at(expected, (true, pred), 1)
    assert_array_equal(tables[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_integer_dtype_to_its_ends(dtype):
    low, high = np.iinfo(dtype).min, min(np.iinfo(dtype).max, np.iinfo(np.int64).max)
    labels = np.array([[low, high, high], [low, 1, high]], dtype)
    table = contingency_table(labels, labels[::-1])
    assert table.true.tolist() == table.pred.tolist() == [low, 1, high]
    assert_table(table, naive_metrics.table(labels, labels[::-1]))


@pytest.mark.parametrize("turn", ["rows", "columns", "mixed", "strided", "negative"])
def test_order_in_memory_does_not_matter(rng, turn):
    true, pred, mask = rng.integers(0, 4, (6, 10)), rng.integers(0, 4, (6, 10)), rng.random((6, 10)) < 0.8
    held = {
        "rows": (true, pred, mask),
        "columns": tuple(map(np.asfortranarray, (true, pred, mask))),
        "mixed": (np.asfortranarray(true), pred, mask),
        "strided": (true.repeat(2, axis=1)[:, ::2], pred, mask),
        "negative": (np.ascontiguousarray(true[::-1])[::-1], pred, mask),
    }[turn]
    assert_table(contingency_table(*held[:2], mask=held[2]), naive_metrics.table(true, pred, (), mask))


def test_nothing_left_is_an_empty_table():
    for options in ({"mask": [[False, False]]}, {"void": [1, 2]}):
        table = contingency_table([[1, 2]], [[1, 1]], **options)
        assert table.counts.shape == (0, 0)
        assert_array_equal(confusion_matrix([[1, 2]], [[1, 1]], 3, **options), np.zeros((3, 3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 200))
def test_a_table_is_a_partition_of_the_pixels(seed, n_labels, n_pixels):
    rng = np.random.default_rng(seed)
    true, pred = rng.integers(-3, n_labels, n_pixels), rng.integers(0, n_labels, n_pixels)
    table, turned = contingency_table(true, pred), contingency_table(pred, true)
    assert table.n_pixels.sum() == n_pixels
    assert_array_equal(turned.counts, table.counts.T)
    shuffled = rng.permutation(n_pixels)
    assert_array_equal(contingency_table(true[shuffled], pred[shuffled]).counts, table.counts)
    assert_array_equal(contingency_table(true * 10**12, pred).counts, table.counts)  # labels are names


def classes(seed):
    """Two images of classes 0 to 4: 3 is in neither, and 4 is never given."""
    rng = np.random.default_rng(seed)
    true, pred = rng.integers(0, 5, (12, 9)), rng.integers(0, 5, (12, 9))
    true[true == 3], pred[pred == 3] = 1, 2
    pred[pred == 4] = 0
    return true, pred


def test_class_scores_equal_those_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics", reason="scikit-learn comes with the extra benchmarks")
    true, pred = (labels.ravel() for labels in classes(7))
    scores = class_scores(confusion_matrix(true, pred, 5))
    assert_array_equal(confusion_matrix(true, pred, 5), sklearn.confusion_matrix(true, pred, labels=range(5)))
    assert_allclose(scores.mean_iou, sklearn.jaccard_score(true, pred, average="macro"))
    assert_allclose(scores.mean_dice, sklearn.f1_score(true, pred, average="macro"))
    assert_allclose(scores.mean_accuracy, recall_of_those_that_occur(sklearn, true, pred))


def recall_of_those_that_occur(sklearn, true, pred):
    return sklearn.recall_score(true, pred, labels=np.unique(true), average="macro")


@pytest.mark.parametrize("seed", range(4))
def test_class_scores_equal_the_slow_twin(seed):
    true, pred = classes(seed)
    matrix = confusion_matrix(true, pred, 6)
    scores, expected = class_scores(matrix), naive_metrics.class_scores(true, pred, 6)
    for name, value in dataclasses.asdict(scores).items():
        assert_allclose(value, expected[name], rtol=1e-12, err_msg=name)
    assert pixel_accuracy(true, pred) == scores.pixel_accuracy
    assert mean_iou(true, pred) == mean_iou(true, pred, n_classes=6) == scores.mean_iou
    assert frequency_weighted_iou(true, pred, n_classes=6) == scores.frequency_weighted_iou
    assert_array_equal(dice(true, pred, n_classes=6), scores.dice)
    assert_array_equal(dice(true, pred), scores.dice[:5])


def test_void_is_not_judged_and_matrices_add_up(rng):
    images = []
    for _ in range(3):
        true, pred = rng.integers(0, 3, (8, 8)), rng.integers(0, 3, (8, 8))
        true[rng.random((8, 8)) < 0.2] = 255
        images.append((true, pred))
    total = sum(confusion_matrix(true, pred, 3, void=255) for true, pred in images)
    judged = [(true[true != 255], pred[true != 255]) for true, pred in images]
    expected = confusion_matrix(*(np.concatenate(side) for side in zip(*judged)), 3)
    assert_array_equal(total, expected)
    true, pred = images[0]
    assert pixel_accuracy(true, pred, void=255) == np.mean(true[true != 255] == pred[true != 255])
    for score in (pixel_accuracy, mean_iou, frequency_weighted_iou):
        assert score(true, pred, void=[255, 254]) == score(*judged[0])
        assert score(true, pred, mask=true != 255) == score(*judged[0])


def test_boolean_masks_are_two_classes():
    true, pred = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])
    assert dice(true, pred).tolist() == [0.5, 0.5]
    assert mean_iou(true, pred) == pytest.approx(1 / 3)
    assert dice(true, true).tolist() == [1.0, 1.0]


def test_scores_of_a_huge_data_set_do_not_overflow():
    scores = class_scores(np.full((2, 2), 2**60))
    assert scores.pixel_accuracy == 0.5
    assert scores.iou.tolist() == pytest.approx([1 / 3, 1 / 3])


def test_arguments_stay_unchanged(rng):
    given = [rng.integers(0, 3, (5, 6)), rng.integers(0, 3, (5, 6)), rng.random((5, 6)) < 0.5]
    before = [array.copy() for array in given]
    for array in given:
        array.setflags(write=False)
    confusion_matrix(given[0], given[1], 3, mask=given[2], void=2)
    for array, copy in zip(given, before):
        assert_array_equal(array, copy)


ONE_SHAPE = "labels_true and labels_pred must have one shape, got {} and {}; resize the labels of one of them without "
NONE_JUDGED = "mask and void must leave at least one pixel to judge, got none"
FLOAT = "must be of an integer dtype, got float64; number the regions, for example with np.unique(..., "
OUTSIDE = "must be classes from 0 to 1 where pixels are judged, got {}; name what is not judged in void (labels of the "


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: contingency_table([[1]], [[1, 2]]),
            ValueError,
            ONE_SHAPE.format((1, 1), (1, 2)) + "interpolation",
        ),
        (lambda: contingency_table([[0.5]], [[1]]), TypeError, f"labels_true {FLOAT}return_inverse=True)"),
        (lambda: contingency_table([[1]], [[0.5]]), TypeError, f"labels_pred {FLOAT}return_inverse=True)"),
        (
            lambda: contingency_table(3, 3),
            ValueError,
            "labels_true must have at least one axis, got a single number; pass a label image",
        ),
        (lambda: contingency_table([], []), ValueError, "labels_true must not be empty, got shape (0,)"),
        (
            lambda: contingency_table(np.array([2**63], np.uint64), [1]),
            ValueError,
            "labels_true must fit into int64, got values up to 9223372036854775808; renumber them first",
        ),
        (
            lambda: contingency_table("a.png", [1]),
            TypeError,
            "labels_true must be an array, got the text 'a.png'; read the file into an array first",
        ),
        (
            lambda: contingency_table([[1]], [[1]], mask=[[1.0]]),
            TypeError,
            "mask must be boolean, True where pixels take part, got dtype float64; compare first, for example with > 0",
        ),
        (
            lambda: contingency_table([[1]], [[1]], mask=[True]),
            ValueError,
            "mask must have the image's shape (1, 1), got (1,)",
        ),
        (
            lambda: contingency_table([1], [1], void=0.5),
            TypeError,
            "void must be a label or a sequence of labels, got 0.5; None judges all of them",
        ),
        (lambda: confusion_matrix([0], [0], 0), ValueError, "n_classes must be at least 1, got 0"),
        (
            lambda: confusion_matrix([0, 2], [0, 1], 2),
            ValueError,
            f"labels_true {OUTSIDE.format(2)}ground truth) or mask",
        ),
        (
            lambda: confusion_matrix([0, 1], [0, -1], 2),
            ValueError,
            f"labels_pred {OUTSIDE.format(-1)}ground truth) or mask",
        ),
        (
            lambda: mean_iou([0, 1], [0, -1]),
            ValueError,
            f"labels_pred {OUTSIDE.format(-1)}ground truth) or mask",
        ),
        (lambda: mean_iou([0, 1], [0, 1], n_classes=0), ValueError, "n_classes must be at least 1, got 0"),
        (lambda: pixel_accuracy([1], [1], void=1), ValueError, NONE_JUDGED),
        (lambda: dice([1], [1], mask=[False]), ValueError, NONE_JUDGED),
        (
            lambda: class_scores([1, 2]),
            ValueError,
            "confusion must have shape (n_classes, n_classes), got (2,)",
        ),
        (
            lambda: class_scores([[0.5]]),
            TypeError,
            "confusion must be numbers of pixels of an integer dtype, got float64",
        ),
        (lambda: class_scores([[1, -1], [0, 0]]), ValueError, "confusion must not be negative, got -1"),
        (
            lambda: class_scores([[0]]),
            ValueError,
            "confusion must count at least one pixel, got none; leave out images without judged pixels",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is error


def shown():
    """Labels 0 to 8, each on 12 pixels."""
    return np.arange(9, dtype=np.uint8).repeat(12).reshape(9, 12)


def scores_of(labels_true, labels_pred, mask=None):
    table = contingency_table(labels_true, labels_pred, mask=mask)
    return [table.true, table.pred, table.counts, region_scores(labels_true, labels_pred, mask=mask).covering]


ANY_AXES = dict.fromkeys(("1-d", "5-d", "1×1", "constant", "bool", "int64", "uint64"), SAME)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("argument", ["labels_true", "labels_pred"])
def test_labels_of_another_form(form, argument):
    """Images of labels may be held in any way; what holds no labels is refused by the name of the argument."""
    given, clean = FORMS[form](shown()), shown()
    expected = (labels_table(clean.shape) | ANY_AXES)[form]
    other = np.zeros(np.shape(plain(given)), np.uint8) if expected == SAME else clean
    pair = (given, other) if argument == "labels_true" else (other, given)
    if expected == SAME:
        held = plain(given)
        for found, told in zip(scores_of(*pair), scores_of(*((held, other) if pair[0] is given else (other, held)))):
            assert_array_equal(found, told)
        return
    with pytest.raises(expected.error) as caught:
        contingency_table(*pair)
    if form == "0-d":
        assert str(caught.value) == f"{argument} must have at least one axis, got a single number; pass a label image"
    else:
        assert str(caught.value) == expected.message.format(name=argument)


@pytest.mark.parametrize("form", MASKS)
def test_a_mask_of_another_form(form):
    nothing = Refused(ValueError, "mask and void must leave at least one pixel to judge, got none")
    labels, given = shown(), MASKS[form](shown())
    expected = masks_table(nothing, labels.shape)[form]
    if expected == SAME:
        for found, told in zip(scores_of(labels, labels // 2, given), scores_of(labels, labels // 2, asked(given))):
            assert_array_equal(found, told)
        return
    with pytest.raises(expected.error) as caught:
        scores_of(labels, labels // 2, given)
    assert str(caught.value) == expected.message
