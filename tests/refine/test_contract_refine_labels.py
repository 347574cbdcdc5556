"""Regions to a refiner and its answer back onto the pixels: by construction, pixel by pixel, and when it fails."""

import numpy as np
import pytest
from fixed_refiner import Fixed
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import refine_labels
from classicseg.refine import InstanceResult, PanopticResult, RefinerError, Segment, SemanticResult, describe_regions

CLASSES = ("ground", "module", "hot spot")


def scene(rng):
    """An image of 6 × 9 pixels, its regions 1, 4 and 9, and a mask without one pixel of each."""
    labels = np.array([[1, 1, 1, 4, 4, 4, 9, 9, 9]] * 6, np.int32)
    mask = np.ones(labels.shape, bool)
    mask[2, [0, 5, 7]] = False
    return rng.normal(20, 4, labels.shape), labels, mask


def shares(rng, shape, dtype=np.float32):
    found = rng.random((*shape, 3))
    return (found / found.sum(axis=-1, keepdims=True)).astype(dtype)


def semantic(result):
    return Fixed("semantic", SemanticResult(result))


def test_a_class_for_each_region(rng):
    image, labels, mask = scene(rng)
    table = np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2], [0.4, 0.2, 0.4]], np.float32)
    found = refine_labels(image, labels, semantic(table), mask=mask)
    of_label = {1: 1, 4: 0, 9: 0}  # a tie goes to the lower class
    assert found.labels.dtype == np.int32
    assert found.probabilities.dtype == np.float32
    for place in np.ndindex(labels.shape):
        assert found.labels[place] == (of_label[labels[place]] if mask[place] else -1)
        expected = table[[1, 4, 9].index(labels[place])] if mask[place] else [0, 0, 0]
        assert_array_equal(found.probabilities[place], expected)
    assert found.classes == CLASSES
    assert_array_equal(found.result.probabilities, table)
    assert_array_equal(found.regions.numbers, [1, 4, 9])


@pytest.mark.parametrize("pooling", [0.0, 0.25, 0.5, 1.0])
def test_probabilities_of_pixels_are_drawn_to_the_mean_of_their_region(rng, pooling):
    image, labels, mask = scene(rng)
    given = shares(rng, labels.shape)
    given[~mask] = np.nan
    found = refine_labels(image, labels, semantic(given), mask=mask, pooling=pooling)
    for place in np.ndindex(labels.shape):
        if not mask[place]:
            assert found.labels[place] == -1
            assert_array_equal(found.probabilities[place], 0)
            continue
        mean = given[mask & (labels == labels[place])].mean(axis=0, dtype=np.float64)
        expected = (1 - pooling) * given[place] + pooling * mean
        assert_allclose(found.probabilities[place], expected, atol=1e-6)
        assert found.labels[place] == expected.argmax()
    assert np.isnan(given[~mask]).all()  # as they were


@pytest.mark.parametrize("pooling", [0.0, 1.0])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_of_equal_classes_a_pixel_is_of_the_lowest(pooling, layout):
    labels = np.array([[1, 1, 5, 5, 7, 7]] * 4)
    given = np.zeros((*labels.shape, 3), np.float32, layout)
    given[:] = np.repeat([[0.5, 0.5, 0], [0, 0.5, 0.5], [0.25, 0.5, 0.25]], 2, axis=0)
    given.flags.writeable = False
    found = refine_labels(np.zeros(labels.shape), labels, semantic(given), pooling=pooling)
    assert_array_equal(found.labels, [[0, 0, 1, 1, 1, 1]] * 4)
    assert found.labels.dtype == np.int32


@pytest.mark.parametrize("shape", [(6, 9), (3,)])
def test_probabilities_end_at_0_and_1(rng, shape):
    image, labels, mask = scene(rng)
    given = np.zeros((*shape, 3), np.float32)
    given[:] = 1.0008, -0.0004, -0.0004  # as float16 rounds
    found = refine_labels(image, labels, semantic(given), mask=mask).probabilities
    assert_array_equal(found[mask], [[1, 0, 0]] * mask.sum())


def test_pooling_is_one_half_where_nothing_is_said(rng):
    image, labels, _ = scene(rng)
    given = semantic(shares(rng, labels.shape))
    found = refine_labels(image, labels, given)
    assert_array_equal(found.probabilities, refine_labels(image, labels, given, pooling=0.5).probabilities)
    assert (found.probabilities != given.result.probabilities).any()


@pytest.mark.parametrize("by_pixel", [False, True])
def test_smoothing_gives_each_region_the_class_that_its_neighbours_agree_on(rng, by_pixel):
    image, labels, mask = scene(rng)
    image[:] = 20.0  # nothing parts the regions
    table = np.array([[0.9, 0.1, 0], [0.4, 0.6, 0], [0.9, 0.1, 0]], np.float32)
    given = table[np.unique(labels, return_inverse=True)[1].reshape(labels.shape)] if by_pixel else table
    given[..., 2] -= 5e-4  # within the slack that results have
    plain = refine_labels(image, labels, semantic(given), mask=mask)
    smoothed = refine_labels(image, labels, semantic(given), mask=mask, smoothing=1)
    assert_array_equal(plain.labels, np.where(mask, labels == 4, -1))
    assert_array_equal(smoothed.labels, np.where(mask, 0, -1))
    assert_array_equal(smoothed.probabilities, plain.probabilities)
    assert smoothed.labels.dtype == np.int32
    weak = refine_labels(image, labels, semantic(given), mask=mask, smoothing=1e-3)
    assert_array_equal(weak.labels, plain.labels)


def test_smoothing_sees_what_pooling_leaves(rng):
    """Pixel by pixel the first class is impossible in a third of a region; on average it is the likeliest."""
    image, labels, _ = scene(rng)
    given = np.zeros((*labels.shape, 3), np.float32)
    given[:] = 0.9, 0.1, 0
    given[:2, 6:] = 0, 0.6, 0.4
    for pooling, of_last in ((1, 0), (0, 1)):
        found = refine_labels(image, labels, semantic(given), smoothing=1e-6, pooling=pooling)
        assert_array_equal(found.labels, np.where(labels == 9, of_last, 0))


def test_instances_are_numbered_by_score_and_the_surer_one_lies_on_top(rng):
    image, labels, mask = scene(rng)
    masks = np.zeros((4, *labels.shape), bool)
    masks[0, :4, :4], masks[1, 1:, 1:6], masks[2, :, 5:], masks[3, 5, 0] = True, True, True, True
    scores, categories = np.array([0.5, 0.9, 0.5, 0.1], np.float32), np.array([1, 2, 1, 1])
    found = refine_labels(image, labels, Fixed("instances", InstanceResult(masks, scores, categories)), mask=mask)
    order = [1, 0, 2, 3]  # of equal scores the first
    for place in np.ndindex(labels.shape):
        here = [i for i in order if masks[i][place] and mask[place]]
        assert found.labels[place] == (order.index(here[0]) + 1 if here else 0)
        for category in range(3):
            of_class = [scores[i] for i in here if categories[i] == category]
            assert found.probabilities[place][category] == max(of_class, default=0)


def test_soft_masks_weigh_the_score(rng):
    image, labels, _ = scene(rng)
    soft = rng.random((2, *labels.shape)).astype(np.float32)
    scores = np.array([0.5, 0.8], np.float32)
    found = refine_labels(image, labels, Fixed("instances", InstanceResult(soft, scores, [2, 2])))
    assert_array_equal(found.probabilities[..., 2], np.maximum(scores[0] * soft[0], scores[1] * soft[1]))
    assert not found.probabilities[..., :2].any()
    assert_array_equal(found.labels, np.where(soft[1] >= 0.5, 1, np.where(soft[0] >= 0.5, 2, 0)))


def test_no_instance_at_all(rng):
    image, labels, _ = scene(rng)
    nothing = InstanceResult(np.zeros((0, *labels.shape), bool), [], [])
    found = refine_labels(image, labels, Fixed("instances", nothing))
    assert not found.labels.any()
    assert found.probabilities.shape == (*labels.shape, 3)
    assert not found.probabilities.any()


def test_segments_keep_their_numbers(rng):
    image, labels, mask = scene(rng)
    ids = np.where(labels == 4, 0, labels * 1_000_000)
    segments = (Segment(9_000_000, 0, False, 18), Segment(1_000_000, 2, True, 18))
    found = refine_labels(image, labels, Fixed("panoptic", PanopticResult(ids, segments)), mask=mask)
    assert_array_equal(found.labels, ids * mask)
    category = {0: [0, 0, 0], 1_000_000: [0, 0, 1], 9_000_000: [1, 0, 0]}
    for place in np.ndindex(labels.shape):
        assert_array_equal(found.probabilities[place], category[found.labels[place]])


def test_the_refiner_is_given_what_describe_regions_gives(rng):
    image, labels, mask = scene(rng)
    refiner = semantic(np.full((3, 3), 1 / 3))
    found = refine_labels(image, labels, refiner, mask=mask, unit="celsius", metadata={"file": "a.jpg"})
    (given,) = refiner.given
    assert given is found.regions
    expected = describe_regions(image, labels, mask=mask, unit="celsius")
    assert_array_equal(given.features, expected.features)
    assert given.metadata == {"file": "a.jpg"}


def test_a_refiner_by_its_name(rng, monkeypatch):
    image, labels, _ = scene(rng)
    monkeypatch.setitem(
        __import__("classicseg.refine._registry", fromlist=["EMBEDDED"]).EMBEDDED,
        "sure",
        lambda place=0: semantic(np.eye(3)[[place] * 3]),
    )
    assert (refine_labels(image, labels, "sure").labels == 0).all()
    assert (refine_labels(image, labels, "sure:place=2").labels == 2).all()


def test_inputs_are_not_changed(rng):
    image, labels, mask = scene(rng)
    given = shares(rng, labels.shape)
    before = [array.copy() for array in (image, labels, mask, given)]
    for array in (image, labels, mask, given):
        array.setflags(write=False)
    refine_labels(image, labels, semantic(given), mask=mask, pooling=0)
    for array, copy in zip((image, labels, mask, given), before):
        assert_array_equal(array, copy)


def test_a_refiner_that_passes_on_to_another(rng):
    class Around:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            if name == "inner":
                raise AttributeError(name)
            return getattr(self.inner, name)

    image, labels, _ = scene(rng)
    inner = semantic(shares(rng, (3,)))
    found = refine_labels(image, labels, Around(inner))
    assert_array_equal(found.labels, refine_labels(image, labels, inner).labels)


def raising(error):
    def refine(regions):
        raise error

    return Fixed("semantic", refine)


def test_a_refiner_that_raises_is_named(rng):
    image, labels, _ = scene(rng)
    for error, message in (
        (RuntimeError("CUDA out of memory"), "refiner fixed: raised RuntimeError: CUDA out of memory"),
        (RefinerError("model.onnx", "not ONNX"), "refiner model.onnx: not ONNX"),
        (KeyError("logits"), "refiner fixed: raised KeyError: 'logits'"),
    ):
        with pytest.raises(RefinerError) as caught:
            refine_labels(image, labels, raising(error))
        assert str(caught.value) == message
        assert error in (caught.value, caught.value.__cause__)
    with pytest.raises(KeyboardInterrupt):
        refine_labels(image, labels, raising(KeyboardInterrupt()))


class Nameless:
    task, classes = "semantic", ("a",)

    def refine(self, regions):
        return None


class Undecided(Nameless):
    task = "segmentation"


class Bare:
    def refine(self, regions):
        return None


REFUSED = {
    "a function": (
        {"refiner": lambda regions: None},
        TypeError,
        "refiner must have task, classes and refine, got function without task, classes, refine; wrap a function with "
        "classicseg.refine.from_callable(), or load one by name with load_refiner()",
    ),
    "without task": (
        {"refiner": Bare()},
        TypeError,
        "refiner must have task, classes and refine, got Bare without task, classes; wrap a function with "
        "classicseg.refine.from_callable(), or load one by name with load_refiner()",
    ),
    "a class": (
        {"refiner": Nameless},
        TypeError,
        "refiner must be an object, got the class Nameless; make one with parentheses",
    ),
    "another task": (
        {"refiner": Undecided()},
        ValueError,
        "refiner Undecided: task must be one of 'semantic', 'instances', 'panoptic', got 'segmentation'",
    ),
    "no classes": (
        {"refiner": Fixed("semantic", classes=())},
        ValueError,
        "refiner fixed: classes must name at least one class, got none",
    ),
    "classes as text": (
        {"refiner": Fixed("semantic", classes="module")},
        TypeError,
        "refiner fixed: classes must be a tuple of names, got 'module'; give each class a name",
    ),
    "a class without a name": (
        {"refiner": Fixed("semantic", classes=("a", ""))},
        TypeError,
        "refiner fixed: classes must be a tuple of names, got ('a', ''); give each class a name",
    ),
    "a class twice": (
        {"refiner": Fixed("semantic", classes=("a", "b", "a"))},
        ValueError,
        "refiner fixed: classes must name each class once, got ('a', 'b', 'a')",
    ),
    "nothing back": (
        {"refiner": Nameless()},
        RefinerError,
        "refiner Nameless: refine must return a SemanticResult for task 'semantic', got NoneType; put the arrays into "
        "one",
    ),
    "pooling beyond 1": ({"pooling": 1.5}, ValueError, "pooling must be at most 1, got 1.5"),
    "pooling of NaN": ({"pooling": np.nan}, ValueError, "pooling must be finite, got nan"),
    "smoothing below 0": ({"smoothing": -1}, ValueError, "smoothing must be at least 0, got -1.0"),
    "smoothing of instances": (
        {"smoothing": 1, "refiner": Fixed("instances")},
        ValueError,
        "smoothing must be 0 for a refiner of task 'instances', got 1.0; leave it out",
    ),
    "labels of another shape": (
        {"labels": np.ones((2, 2), int)},
        ValueError,
        "image must have the labels' shape (2, 2), got (6, 9)",
    ),
    "a mask of another shape": (
        {"mask": np.ones((2, 2), bool)},
        ValueError,
        "mask must have the image's shape (6, 9), got (2, 2)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(rng, case):
    changed, error, message = REFUSED[case]
    image, labels, _ = scene(rng)
    given = {"image": image, "labels": labels, "refiner": semantic(np.full((3, 3), 1 / 3)), **changed}
    with pytest.raises(error) as caught:
        refine_labels(**given)
    assert str(caught.value) == message
    assert type(caught.value) is error
