"""What a refiner gives is held against what it promised: every rule has an error that names refiner, value, way out."""

import pickle

import numpy as np
import pytest
from fixed_refiner import Fixed
from numpy.testing import assert_array_equal

from classicseg.refine import (
    InstanceResult,
    PanopticResult,
    Refiner,
    RefinerError,
    Segment,
    SemanticResult,
    check_result,
    describe_regions,
)


@pytest.fixture(scope="module")
def table():
    """Regions 2 and 5 of 4 × 6 pixels; the first column is outside, and holds NaN."""
    image = np.full((4, 6), 20.0)
    image[:, 0] = np.nan
    labels = np.full((4, 6), 2)
    labels[:, 3:], labels[:, 0] = 5, 0
    return describe_regions(image, labels)


def checked(table, task, result):
    return check_result(result, table, Fixed(task))


def by_pixel(*numbers, at=None):
    """Probabilities of every pixel (4, 6, 3), or of the pixel `at` only, where the others have thirds."""
    found = np.full((4, 6, 3), 1 / 3, np.float32)
    found[at or ...] = numbers
    return found


def masks(dtype=bool):
    found = np.zeros((2, 4, 6), dtype)
    found[0, 1:3, 2:5] = 1
    found[1, 0, 0] = 1
    return found


def ids():
    return np.array([[1, 1, 1, 0, 7, 7]] * 4, np.int32)


SEGMENTS = (Segment(1, 0, False, 12), Segment(7, 2, True, 8, 0.5))


def instances(**changes):
    return InstanceResult(**{"masks": masks(), "scores": [0.9, 0.2], "categories": [1, 2], **changes})


def panoptic(segment_ids=None, segments=SEGMENTS):
    return PanopticResult(ids() if segment_ids is None else segment_ids, segments)


def test_anything_with_the_three_members_is_a_refiner():
    assert isinstance(Fixed("semantic"), Refiner)
    assert not isinstance(object(), Refiner)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f8", list])
def test_probabilities_become_float32(table, dtype):
    given = by_pixel(0.25, 0.5, 0.25)
    given = given.tolist() if dtype is list else given.astype(dtype)
    found = checked(table, "semantic", SemanticResult(given)).probabilities
    assert found.dtype == np.float32
    assert_array_equal(found, by_pixel(0.25, 0.5, 0.25))


def test_what_fits_is_not_copied(table):
    result = SemanticResult(by_pixel(0.25, 0.5, 0.25))
    assert checked(table, "semantic", result).probabilities is result.probabilities


def test_probabilities_may_miss_one_by_their_rounding(table):
    for total in (0.9991, 1.0009):
        checked(table, "semantic", SemanticResult(np.array([[total, 0, 0], [0, 1, 0]])))
    for total in (0.9989, 1.0011):
        with pytest.raises(RefinerError, match="must sum to 1 over the classes within"):
            checked(table, "semantic", SemanticResult(np.array([[total, 0, 0], [0, 1, 0]])))


def test_probabilities_outside_the_mask_may_be_anything(table):
    given = by_pixel(0.25, 0.5, 0.25)
    given[:, 0] = np.nan, -7, np.inf
    assert checked(table, "semantic", SemanticResult(given)).probabilities is given


def test_the_place_is_told_of_an_image_that_is_looked_at_in_parts():
    large = describe_regions(np.zeros((300, 200)), np.ones((300, 200), int))
    given = np.full((300, 200, 3), 1 / 3, np.float32)
    given[250, 7] = 0.5
    with pytest.raises(RefinerError, match=r"got 1\.5 in pixel \(250, 7\); pass logits"):
        checked(large, "semantic", SemanticResult(given))


def test_instances_in_their_normal_form(table):
    found = checked(table, "instances", instances(masks=masks(np.float64)))
    assert found.masks.dtype == found.scores.dtype == np.float32
    assert found.categories.dtype == np.int64
    assert_array_equal(found.boxes, [[1, 2, 3, 5], [0, 0, 1, 1]])
    assert found.boxes.dtype == np.float64
    own = instances(boxes=[[0, 0, 4, 6], [1, 1, 1, 1]])
    assert_array_equal(checked(table, "instances", own).boxes, [[0, 0, 4, 6], [1, 1, 1, 1]])


def test_scores_and_masks_end_at_0_and_1(table):
    soft = masks(np.float32) * 1.0005 - 0.0002
    found = checked(table, "instances", InstanceResult(soft, [1.0005, -0.0005], [0, 1]))
    assert_array_equal(found.scores, [1, 0])
    assert (found.masks.min(), found.masks.max()) == (0, 1)
    assert_array_equal(soft.max(), np.float32(1.0005) - np.float32(0.0002))  # the refiner's own stay


def test_boxes_of_masks():
    soft = np.zeros((3, 5, 7), np.float32)
    soft[0, 2, 3:5] = 0.5, 0.49  # one half belongs to the object
    soft[1, :, 6] = 1
    assert_array_equal(InstanceResult(soft, [1, 1, 1], [0, 0, 0]).boxes, [[2, 3, 3, 4], [0, 6, 5, 7], [0, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"^masks must have shape \(n, M, N\), got \(5, 7\); a single one needs"):
        InstanceResult(soft[0], [1], [0])


def test_no_instances_are_a_result(table):
    found = checked(table, "instances", InstanceResult(np.zeros((0, 4, 6), bool), [], []))
    assert [len(field) for field in (found.masks, found.scores, found.categories, found.boxes)] == [0] * 4
    assert found.boxes.shape == (0, 4)


def test_panoptic_in_its_normal_form(table):
    found = checked(table, "panoptic", panoptic(ids().astype(np.uint8), list(SEGMENTS)))
    assert found.segment_ids.dtype == np.int32
    assert found.segments == SEGMENTS
    once = checked(table, "panoptic", panoptic(ids(), (segment for segment in SEGMENTS)))
    assert once.segments == SEGMENTS


SOFTMAX = "; pass logits through a softmax first"
SIGMOID = "; pass logits through a sigmoid first"
PLACES = "the places of ground, module, hot spot"
REFUSED = {
    "another type": (
        "semantic",
        np.zeros((2, 3)),
        "refine must return a SemanticResult for task 'semantic', got ndarray; put the arrays into one",
    ),
    "nothing": (
        "instances",
        None,
        "refine must return a InstanceResult for task 'instances', got NoneType; put the arrays into one",
    ),
    "another task": (
        "panoptic",
        instances(),
        "refine must return a PanopticResult for task 'panoptic', got InstanceResult; put the arrays into one",
    ),
    "a class is missing": (
        "semantic",
        SemanticResult(np.full((4, 6, 2), 0.5)),
        "probabilities must have shape (4, 6, 3), per pixel, or (2, 3), per region, for the classes ground, module, "
        "hot spot; got (4, 6, 2)",
    ),
    "another image": (
        "semantic",
        SemanticResult(np.full((8, 6, 3), 1 / 3)),
        "probabilities must have shape (4, 6, 3), per pixel, or (2, 3), per region, for the classes ground, module, "
        "hot spot; got (8, 6, 3)",
    ),
    "text": (
        "semantic",
        SemanticResult("probabilities.npy"),
        "probabilities must be an array, got the text 'probabilities.npy'; read the file into an array first",
    ),
    "NaN of a pixel": (
        "semantic",
        SemanticResult(by_pixel(0.5, np.nan, 0.5, at=(2, 3))),
        "probabilities must be finite, got nan in pixel (2, 3); look for overflow or a division by zero before the "
        "softmax",
    ),
    "infinite in a region": (
        "semantic",
        SemanticResult(np.array([[1, 0, 0], [0, np.inf, 0]])),
        "probabilities must be finite, got inf in region 5; look for overflow or a division by zero before the softmax",
    ),
    "beyond float32": (
        "semantic",
        SemanticResult(np.array([[1, 0, 0], [0, 1e300, 0]])),
        "probabilities must be finite, got inf in region 5; look for overflow or a division by zero before the softmax",
    ),
    "logits": (
        "semantic",
        SemanticResult(by_pixel(3.0, -4.5, 2.5, at=(0, 5))),
        "probabilities must lie in 0 to 1, got -4.5 in pixel (0, 5)" + SOFTMAX,
    ),
    "a sum beyond 1": (
        "semantic",
        SemanticResult(np.array([[0.5, 0.25, 0.5], [1, 0, 0]])),
        "probabilities must sum to 1 over the classes within 0.001, got 1.25 in region 2" + SOFTMAX,
    ),
    "the last pixel": (
        "semantic",
        SemanticResult(by_pixel(0.5, 0.25, 0, at=(3, 5))),
        "probabilities must sum to 1 over the classes within 0.001, got 0.75 in pixel (3, 5)" + SOFTMAX,
    ),
    "masks of another image": (
        "instances",
        instances(masks=np.ones((2, 4, 5), bool)),
        "masks must have shape (n, 4, 6), each of the image's, got (2, 4, 5)",
    ),
    "masks of numbers": (
        "instances",
        instances(masks=masks(np.uint8)),
        "masks must be bool, or floats from 0 to 1, got uint8; compare them first, > 0",
    ),
    "masks of logits": (
        "instances",
        instances(masks=masks(np.float32) * -3),
        "masks must lie in 0 to 1, got -3" + SIGMOID,
    ),
    "masks of NaN": (
        "instances",
        instances(masks=masks(np.float32) * np.nan),
        "masks must lie in 0 to 1, got nan" + SIGMOID,
    ),
    "scores beyond 1": (
        "instances",
        instances(scores=[0.5, 17]),
        "scores must lie in 0 to 1, got 17; pass logits through a softmax or a sigmoid first",
    ),
    "too few scores": (
        "instances",
        instances(scores=[0.5]),
        "scores must have shape (2,), one for each mask, got (1,)",
    ),
    "too many categories": (
        "instances",
        instances(categories=[0, 1, 2]),
        "categories must have shape (2,), one for each mask, got (3,)",
    ),
    "a category without a name": (
        "instances",
        instances(categories=[0, 3]),
        f"categories must be from 0 to 2, {PLACES}, got 3; name every class in classes",
    ),
    "a negative category": (
        "instances",
        instances(categories=[0, -1]),
        f"categories must be from 0 to 2, {PLACES}, got -1; name every class in classes",
    ),
    "categories of floats": (
        "instances",
        instances(categories=[0.0, 1.0]),
        "categories must be an integer, got 0.0 of type float",
    ),
    "boxes of another number": (
        "instances",
        instances(boxes=np.zeros((1, 4))),
        "boxes must have shape (2, 4), one for each mask, got (1, 4)",
    ),
    "boxes as x, y, width, height": (
        "instances",
        instances(boxes=[[0, 0, 4, 6], [3, 3, 1, 2]]),
        "boxes must be row_min, col_min, row_max, col_max, got [3.0, 3.0, 1.0, 2.0] in row 1; leave them out for "
        "those of the masks",
    ),
    "boxes with NaN": (
        "instances",
        instances(boxes=[[0, 0, np.nan, 6], [0, 0, 1, 2]]),
        "boxes must be row_min, col_min, row_max, col_max, got [0.0, 0.0, nan, 6.0] in row 0; leave them out for "
        "those of the masks",
    ),
    "ids of another image": (
        "panoptic",
        panoptic(ids()[:2]),
        "segment_ids must have the image's shape (4, 6), got (2, 6)",
    ),
    "ids of floats": (
        "panoptic",
        panoptic(ids() / 1.0),
        "segment_ids must be of an integer dtype, got float64; number the regions, for example with "
        "np.unique(..., return_inverse=True)",
    ),
    "negative ids": (
        "panoptic",
        panoptic(ids() - 1),
        "segment_ids must not be negative, got -1; 0 stands for no segment",
    ),
    "an id without a segment": (
        "panoptic",
        panoptic(segments=SEGMENTS[:1]),
        "segments must name every id in segment_ids, got none for 7",
    ),
    "a segment twice": (
        "panoptic",
        panoptic(segments=(*SEGMENTS, SEGMENTS[0])),
        "segments must name each id once, got 1 again",
    ),
    "a segment of 0": (
        "panoptic",
        panoptic(segments=(*SEGMENTS, Segment(0, 0, False, 4))),
        "id of a segment must be at least 1, got 0",
    ),
    "a segment without pixels": (
        "panoptic",
        panoptic(segments=(*SEGMENTS, Segment(9, 0, False, 0))),
        "area of segment 9 must be its pixels in segment_ids, 0, got 0; leave out segments without pixels",
    ),
    "a wrong area": (
        "panoptic",
        panoptic(segments=(SEGMENTS[0], Segment(7, 2, True, 9))),
        "area of segment 7 must be its pixels in segment_ids, 8, got 9; leave out segments without pixels",
    ),
    "a segment of no class": (
        "panoptic",
        panoptic(segments=(SEGMENTS[0], Segment(7, 3, True, 8))),
        f"category of segment 7 must be from 0 to 2, {PLACES}, got 3; name every class in classes",
    ),
    "a score beyond 1": (
        "panoptic",
        panoptic(segments=(SEGMENTS[0], Segment(7, 2, True, 8, 1.5))),
        "score of segment 7 must be at most 1, got 1.5",
    ),
    "no segments": (
        "panoptic",
        panoptic(segments=None),
        "segments must be a sequence of Segment, got None",
    ),
    "a segment as a dict": (
        "panoptic",
        panoptic(segments=(SEGMENTS[0], {"id": 7})),
        "segments must be of type Segment, got {'id': 7}",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_result_is_refused(table, case):
    task, result, message = REFUSED[case]
    with pytest.raises(RefinerError) as caught:
        checked(table, task, result)
    assert str(caught.value) == f"refiner fixed: {message}"
    assert caught.value.refiner == "fixed"


def test_the_error_survives_pickling():
    error = pickle.loads(pickle.dumps(RefinerError("fixed", "no result")))
    assert type(error) is RefinerError
    assert (str(error), error.refiner, error.message) == ("refiner fixed: no result", "fixed", "no result")


@pytest.mark.parametrize("result", [SemanticResult(by_pixel(1, 0, 0)), instances(), panoptic()])
def test_results_survive_pickling(result):
    again = pickle.loads(pickle.dumps(result))
    assert type(again) is type(result)
    for name, value in vars(result).items():
        assert_array_equal(getattr(again, name), value)
