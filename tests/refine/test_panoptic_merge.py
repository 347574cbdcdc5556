"""Classes and instances merged into segments: equal to the slow twin, and the rules one by one."""

import naive_region_ops as naive
import numpy as np
import pytest
from bad_input import spaced
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from classicseg._kernels.cpu.classes import most_probable
from classicseg._kernels.cpu.regions_runs import STRIP
from classicseg.metrics import PanopticImage, panoptic_quality
from classicseg.refine import (
    InstanceResult,
    PanopticResult,
    Segment,
    SemanticResult,
    classes_from_panoptic,
    instances_from_panoptic,
    panoptic_merge,
)

THINGS = [1, 3]  # of four classes


def boxes(rng, n, shape):
    """Masks of n random boxes, which overlap; some of no pixel."""
    masks = np.zeros((n, *shape), bool)
    for mask in masks:
        (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)) for side in shape)
        mask[top:bottom, left:right] = True
    return masks


def objects(rng, n, shape, soft=False):
    masks = boxes(rng, n, shape)
    if soft:  # a pixel of one half belongs to the object
        masks = np.where(masks, rng.choice([0.5, 0.7, 1.0], masks.shape), rng.choice([0.0, 0.4, 0.49], masks.shape))
    scores = rng.choice([0.2, 0.5, 0.7, 0.9], n).astype(np.float32)
    return InstanceResult(masks, scores, rng.choice(THINGS, n))


def summary(result):
    """What the slow twin returns; and that the table holds what the image does."""
    assert result.segment_ids.dtype == np.int32
    assert [segment.id for segment in result.segments] == list(range(1, len(result.segments) + 1))
    for segment in result.segments:
        assert segment.area == (result.segment_ids == segment.id).sum() > 0
        assert 0 <= segment.score <= 1
    assert result.segment_ids.max() == len(result.segments)
    return [(segment.category, segment.is_thing, segment.area) for segment in result.segments]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 7),
    st.sampled_from([0, 0.5, 0.7, 1]),
    st.sampled_from([0, 0.25, 0.5, 1]),
    st.sampled_from([0, 1, 3, 9]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_equals_the_slow_twin(n_rows, n_cols, n, min_score, max_overlap, min_area, soft, seed):
    rng = np.random.default_rng(seed)
    classes, found = rng.integers(-1, 4, (n_rows, n_cols)), objects(rng, n, (n_rows, n_cols), soft)
    options = {"min_score": min_score, "max_overlap": max_overlap, "min_area": min_area}
    result = panoptic_merge(classes, found, things=THINGS, **options)
    masks = found.masks >= 0.5
    ids, segments = naive.panoptic_merge(
        classes, masks, found.scores.tolist(), found.categories, THINGS, np.float32(min_score), max_overlap, min_area
    )
    assert_array_equal(result.segment_ids, ids)
    assert summary(result) == segments


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_probabilities_give_their_most_probable_class_and_its_mean_is_the_score(rng, dtype):
    probabilities = rng.dirichlet(np.ones(4), (9, 14))
    probabilities[2, 3] = 0.25  # all alike: the lowest class
    if dtype == "uint8":  # 0 and 1
        probabilities = np.eye(4)[probabilities.argmax(axis=2)]
    probabilities = probabilities.astype(dtype)
    found, classes = objects(rng, 4, (9, 14)), probabilities.argmax(axis=2)
    result = panoptic_merge(SemanticResult(probabilities), found, things=THINGS)
    plain = panoptic_merge(classes, found, things=THINGS)
    assert_array_equal(result.segment_ids, plain.segment_ids)
    assert_array_equal(panoptic_merge(probabilities, found, things=THINGS).segment_ids, plain.segment_ids)
    for segment, other in zip(result.segments, plain.segments, strict=True):
        own = result.segment_ids == segment.id
        expected = other.score if segment.is_thing else probabilities[own][:, segment.category].mean(dtype=float)
        assert segment.score == pytest.approx(expected, rel=1e-6)
        assert segment.is_thing or other.score == 1


@pytest.mark.parametrize("n_rows", [1, STRIP, STRIP + 1, 2 * STRIP + 3])
@pytest.mark.parametrize("n_classes", [1, 5])
def test_the_most_probable_class(rng, n_rows, n_classes):
    numbers = rng.integers(0, 4, (n_rows, 5, n_classes)).astype(np.float32)
    for n_threads in (1, 3):
        classes, highest = most_probable(numbers, n_threads)
        assert classes.dtype == np.int32
        assert_array_equal(classes, numbers.argmax(axis=2))
        assert_array_equal(highest, numbers.max(axis=2))
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    assert_array_equal(most_probable(numbers)[1], numbers.max(axis=2))


# --- The rules -------------------------------------------------------------------------------------------------


def row(*masks, scores, categories=None):
    """Objects in an image of one row, drawn as text: # where they are."""
    drawn = np.array([[[pixel == "#" for pixel in mask]] for mask in masks])
    return InstanceResult(drawn, np.array(scores, np.float32), np.array(categories or [1] * len(masks)))


def ids_of(result):
    return "".join(map(str, result.segment_ids[0]))


def test_the_surest_comes_first_and_of_equals_the_first():
    sky = np.zeros((1, 6), int)
    for scores, expected in (([0.6, 0.9], "221113"), ([0.9, 0.6], "111223"), ([0.6, 0.6], "111223")):
        found = row("###...", "..###.", scores=scores)
        result = panoptic_merge(sky, found, things=[1])
        assert ids_of(result) == expected
        assert [segment.score for segment in result.segments[:2]] == sorted(np.float32(scores), reverse=True)


def test_an_object_that_others_have_too_much_of_is_left_out():
    sky = np.full((1, 6), -1)
    both = row("####..", "..####", scores=[0.9, 0.8])
    assert ids_of(panoptic_merge(sky, both, things=[1])) == "111122"  # one half is not too much
    assert ids_of(panoptic_merge(sky, both, things=[1], max_overlap=0.49)) == "111100"
    within = row("######", "..##..", scores=[0.9, 0.8])
    assert ids_of(panoptic_merge(sky, within, things=[1], max_overlap=1)) == "111111"  # nothing is left of it


def test_the_share_is_that_of_the_whole_object():
    """29 of 100 pixels are exactly 0.29 of it, which binary fractions have no way to say."""
    masks = np.zeros((2, 1, 171), bool)
    masks[0, 0, :100], masks[1, 0, 71:] = True, True
    both = InstanceResult(masks, np.array([0.9, 0.8]), np.array([1, 1]))
    nothing = np.full((1, 171), -1)
    assert len(panoptic_merge(nothing, both, things=[1], max_overlap=0.29).segments) == 2
    assert len(panoptic_merge(nothing, both, things=[1], max_overlap=0.28).segments) == 1


def test_scores_as_high_as_asked_for_are_kept():
    nothing = np.full((1, 2), -1)
    for score in (0.1, 0.3, 0.7):  # each is another number in float32
        assert ids_of(panoptic_merge(nothing, row("##", scores=[score]), things=[1], min_score=score)) == "11"
        assert ids_of(panoptic_merge(nothing, row("##", scores=[score]), things=[1], min_score=score + 1e-6)) == "00"


def test_whole_scores_count_as_others():
    found = InstanceResult(np.ones((2, 1, 2), bool), np.array([0, 1], np.uint8), np.array([1, 3]))
    (segment,) = panoptic_merge(np.zeros((1, 2), int), found, things=THINGS, min_score=0).segments
    assert (segment.category, segment.score) == (3, 1)


def test_stuff_takes_what_is_free_and_no_scraps():
    classes = np.array([[0, 0, 0, 2, 1, 1, -1, 2]])
    one = row(".#......", scores=[0.9])
    assert ids_of(panoptic_merge(classes, one, things=[1])) == "21230003"  # class 1 is a thing: nothing without one
    assert ids_of(panoptic_merge(classes, one, things=[1], min_area=2)) == "21230003"
    assert ids_of(panoptic_merge(classes, one, things=[1], min_area=3)) == "01000000"  # the object is no scrap
    assert ids_of(panoptic_merge(classes, NONE, things=[])) == "11132203"


def test_what_lies_outside_the_mask_belongs_to_nothing_and_counts_in_no_area():
    classes, inside = np.array([[0, 0, 0, 2, 2]]), np.array([[1, 1, 1, 0, 1]], bool)
    both = row("##...", ".####", scores=[0.9, 0.8])  # one of the three pixels inside is taken, not of four
    assert ids_of(panoptic_merge(classes, both, things=[1], mask=inside)) == "11202"
    assert len(panoptic_merge(classes, both, things=[1], mask=inside, max_overlap=0.3).segments) == 3
    assert len(panoptic_merge(classes, both, things=[1], max_overlap=0.3).segments) == 2
    probabilities = np.eye(3)[classes]
    probabilities[0, 3] = np.nan
    result = panoptic_merge(probabilities, row(".....", scores=[1]), things=[1], mask=inside)
    assert ids_of(result) == "11102"
    assert [segment.score for segment in result.segments] == [1, 1]
    assert ids_of(panoptic_merge(classes, both, things=[1], mask=np.zeros((1, 5), bool))) == "00000"
    for anything in (-7, 2**31 - 1):
        outside = np.where(inside, classes, anything)
        assert ids_of(panoptic_merge(outside, both, things=[1], mask=inside)) == "11202"


def test_truth_gives_itself_and_a_better_quality_than_either_model_alone(rng):
    """Modules of a solar plant on soil, under sky: the masks overlap a little, and the classes are frayed."""
    truth, masks = np.ones((40, 60), int), []
    truth[:6] = 2
    for top in (10, 24):
        for left in (4, 22, 40):
            masks.append(np.zeros(truth.shape, bool))
            masks[-1][top : top + 10, left : left + 14] = True
            truth[masks[-1]] = len(masks) + 2
    names = {1: 0, 2: 1, **dict.fromkeys(range(3, 9), 2)}  # soil, sky, module
    classes = np.vectorize(names.get)(truth)
    exact = panoptic_merge(classes, InstanceResult(np.array(masks), np.ones(6), np.full(6, 2)), things=[2])
    assert quality(truth, names, exact).all.pq == 1
    wider = np.array([np.roll(mask, 3, axis=1) | mask for mask in masks])
    again = np.roll(wider[:2], 2, axis=1)  # two of them are found twice
    found = InstanceResult(np.concatenate([wider, again]), np.linspace(0.9, 0.6, 8), np.full(8, 2))
    frayed = np.where(rng.random(truth.shape) < 0.05, 2, classes)
    merged = quality(truth, names, panoptic_merge(frayed, found, things=[2]))
    assert merged.all.pq > 0.85
    assert merged.things.rq == 1  # each once
    assert quality(truth, names, panoptic_merge(frayed, found, things=[2], max_overlap=1)).things.rq < 1
    assert quality(truth, names, panoptic_merge(frayed, none(truth.shape), things=[])).all.pq < merged.all.pq


def quality(truth, names, result):
    pred = PanopticImage(result.segment_ids, {segment.id: segment.category for segment in result.segments})
    return panoptic_quality(PanopticImage(truth, names), pred, things=[2])


def none(shape):
    return InstanceResult(np.zeros((0, *shape), bool), np.zeros(0), np.zeros(0, int))


# --- The way back ----------------------------------------------------------------------------------------------


def test_the_way_back_and_there_again_gives_the_same(rng):
    for shape in ((1, 1), (9, 14)):
        for n in (0, 5):
            classes = rng.integers(-1, 4, shape)
            result = panoptic_merge(classes, objects(rng, n, shape), things=THINGS)
            back, found = classes_from_panoptic(result), instances_from_panoptic(result)
            assert back.dtype == np.int32
            assert_array_equal(back == -1, result.segment_ids == 0)
            free = ~np.isin(classes, THINGS) & (found.masks.sum(axis=0) == 0)
            assert_array_equal(back[free], classes[free])
            assert found.masks.sum(axis=0, dtype=int).max(initial=0) <= 1
            assert found.scores.dtype == np.float32
            assert found.categories.dtype == np.int64
            again = panoptic_merge(back, found, things=THINGS)
            assert_array_equal(again.segment_ids, result.segment_ids)
            assert again.segments == result.segments


def test_ids_in_any_order_with_gaps():
    ids = np.array([[9, 9, 0, 4, 70_000_000]])
    result = PanopticResult(
        ids, (Segment(9, 2, True, 2, 0.5), Segment(70_000_000, 0, False, 1), Segment(4, 1, True, 1))
    )
    assert_array_equal(classes_from_panoptic(result), [[2, 2, -1, 1, 0]])
    found = instances_from_panoptic(result)
    assert_array_equal(found.masks, [[[1, 1, 0, 0, 0]], [[0, 0, 0, 1, 0]]])
    assert found.categories.tolist() == [2, 1]
    assert found.scores.tolist() == [0.5, 1]
    assert found.boxes.tolist() == [[0, 0, 1, 2], [0, 3, 1, 4]]


def test_the_result_does_not_depend_on_threads_or_how_arrays_are_held_and_none_is_changed(rng):
    probabilities, found = (
        rng.dirichlet(np.ones(4), (2 * STRIP + 5, 9)).astype(np.float32),
        objects(rng, 4, (2 * STRIP + 5, 9)),
    )
    expected = panoptic_merge(probabilities, found, things=THINGS, n_threads=1)
    for form in (np.asfortranarray, spaced, lambda array: array.tolist()):
        odd = InstanceResult(*(form(array) for array in (found.masks, found.scores, found.categories)), found.boxes)
        before = repr(odd)
        result = panoptic_merge(form(probabilities), odd, things=THINGS, n_threads=3)
        assert_array_equal(result.segment_ids, expected.segment_ids)
        assert result.segments == expected.segments
        assert repr(odd) == before


NONE = none((1, 8))
SKY, ONE = np.zeros((1, 3), int), row("##.", scores=[0.9])
WITH = {"masks": ONE.masks, "scores": ONE.scores, "categories": ONE.categories, "boxes": ONE.boxes}


def merging(semantic=SKY, instances=ONE, things=(1,), **options):
    return panoptic_merge(semantic, instances, things=things, **options)


def changed(**columns):
    return {"instances": InstanceResult(**{**WITH, **columns})}


BAD = [
    (
        {"semantic": SemanticResult(np.ones((5, 2), np.float32))},
        ValueError,
        "semantic must hold probabilities per pixel, (M, N, K), got (5, 2); pass those of regions through unpool() "
        "first",
    ),
    (
        {"semantic": SKY * 0.5},
        TypeError,
        "semantic must be of an integer dtype, got float64; number the regions, for example with "
        "np.unique(..., return_inverse=True)",
    ),
    ({"semantic": SKY - 2}, ValueError, "semantic must hold classes from 0 on, or -1 for none, got -2"),
    (
        {"semantic": SKY + 2**31 - 1},
        ValueError,
        "semantic must hold classes up to 65535, got 2147483647; set pixels of no class to -1",
    ),
    (
        {"semantic": np.full((1, 3, 2), np.nan)},
        ValueError,
        "semantic must lie in 0 to 1, got nan; pass logits through a softmax first",
    ),
    (
        {"semantic": np.full((1, 3, 2), 4.5)},
        ValueError,
        "semantic must lie in 0 to 1, got 4.5; pass logits through a softmax first",
    ),
    (
        {"semantic": np.full((1, 3, 2), -0.5)},
        ValueError,
        "semantic must lie in 0 to 1, got -0.5; pass logits through a softmax first",
    ),
    (
        {"semantic": np.zeros((1, 3, 2)), "things": [2]},
        ValueError,
        "things must be at most 1, got 2",
    ),
    ({"things": [-1]}, ValueError, "things must be at least 0, got -1"),
    ({"things": ["car"]}, TypeError, "things must be an integer, got 'car' of type str"),
    ({"things": 1}, TypeError, "things must be a collection of class numbers, got 1; put them into a list"),
    ({"things": "1"}, TypeError, "things must be a collection of class numbers, got '1'; put them into a list"),
    (
        {"things": [0, 2]},
        ValueError,
        "categories must be of the classes in things, [0, 2], got 1 in row 0; "
        "add it to things, or leave the object out",
    ),
    (
        {"instances": ONE.masks},
        TypeError,
        "instances must be an InstanceResult, got ndarray; put masks, scores and categories into one",
    ),
    (
        {"semantic": SKY.T},
        ValueError,
        "masks must have shape (n, 3, 1), each of the image's, got (1, 1, 3)",
    ),
    (
        changed(masks=ONE.masks.astype(int)),
        TypeError,
        "masks must be bool, or floats from 0 to 1, got int64; compare them first, > 0",
    ),
    (
        changed(masks=ONE.masks * np.nan),
        ValueError,
        "masks must lie in 0 to 1, got nan; pass logits through a sigmoid first",
    ),
    (changed(scores=np.ones(2)), ValueError, "scores must have shape (1,), one for each mask, got (2,)"),
    (
        changed(scores=np.array([1.5])),
        ValueError,
        "scores must lie in 0 to 1, got 1.5; pass logits through a softmax or a sigmoid first",
    ),
    (
        changed(scores=np.array([np.nan])),
        ValueError,
        "scores must lie in 0 to 1, got nan; pass logits through a softmax or a sigmoid first",
    ),
    (
        changed(categories=np.ones((1, 1), int)),
        ValueError,
        "categories must have shape (1,), one for each mask, got (1, 1)",
    ),
    (changed(categories=np.array([1.0])), TypeError, "categories must be an integer, got 1.0 of type float"),
    ({"min_score": 2}, ValueError, "min_score must be at most 1, got 2.0"),
    ({"max_overlap": -1}, ValueError, "max_overlap must be at least 0, got -1.0"),
    ({"min_area": 0.5}, TypeError, "min_area must be an integer, got 0.5 of type float"),
    ({"min_area": -1}, ValueError, "min_area must be at least 0, got -1"),
    ({"mask": np.ones(3, bool)}, ValueError, "mask must have the image's shape (1, 3), got (3,)"),
    ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_bad_input(options, error, message):
    with pytest.raises(error) as caught:
        merging(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize("function", [classes_from_panoptic, instances_from_panoptic])
def test_bad_input_of_the_way_back(function):
    with pytest.raises(TypeError) as caught:
        function(SKY)
    assert str(caught.value) == "panoptic must be a PanopticResult, got ndarray; see panoptic_merge()"
    for missing in (7, 1, -3):
        with pytest.raises(ValueError) as caught:
            function(PanopticResult(np.array([[0, 4, missing]]), (Segment(4, 0, True, 1),)))
        assert str(caught.value) == f"segments must name every id in segment_ids, got none for {missing}"
