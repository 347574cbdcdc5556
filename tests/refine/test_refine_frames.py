"""Many images through one refiner: as one by one, in batches, and what becomes of the others when one fails."""

from itertools import repeat

import numpy as np
import pytest
from fixed_refiner import Fixed
from numpy.testing import assert_array_equal

from classicseg import refine_labels
from classicseg.refine import InstanceResult, RefinerError, SemanticResult, from_sklearn, refine_frames


def frames(rng, count=7):
    """Images of different shapes, with regions and with masks on every other one."""
    for number in range(count):
        shape = (4 + number, 9)
        labels = np.repeat(np.arange(1, 10)[None], shape[0], axis=0)
        yield rng.normal(20, 4, shape), labels, None if number % 2 else rng.random(shape) < 0.9


def chances(regions):
    """Of each region, by its mean alone."""
    warm = np.clip(regions.column("temperature_mean") / 40, 0, 1)
    return SemanticResult(np.stack([1 - warm, warm / 2, warm / 2], axis=1))


class Batched(Fixed):
    """The same, asked about several images at once; keeps how many."""

    def refine_batch(self, regions):
        self.given.append(len(regions))
        return [self.result(table) for table in regions]


@pytest.mark.parametrize("kind", [Fixed, Batched])
@pytest.mark.parametrize("options", [{}, {"pooling": 1.0}, {"smoothing": 1.0}])
def test_every_image_is_refined_as_by_itself(rng, kind, options):
    images, labels, masks = zip(*frames(rng))
    found = list(refine_frames(images, labels, kind("semantic", chances), masks=masks, batch_size=3, **options))
    assert len(found) == 7
    for refined, image, label, mask in zip(found, images, labels, masks):
        alone = refine_labels(image, label, Fixed("semantic", chances), mask=mask, **options)
        assert_array_equal(refined.labels, alone.labels)
        assert_array_equal(refined.probabilities, alone.probabilities)
        assert refined.classes == alone.classes


def test_the_last_batch_is_smaller(rng):
    images, labels, _ = zip(*frames(rng))
    refiner = Batched("semantic", chances)
    assert len(list(refine_frames(images, labels, refiner, batch_size=3))) == 7
    assert refiner.given == [3, 3, 1]


def test_images_are_read_as_they_are_needed(rng):
    read = []

    def stream():
        for image, _, _ in frames(rng):
            read.append(len(read))
            yield image

    labels = (label for _, label, _ in frames(np.random.default_rng(0)))
    found = refine_frames(stream(), labels, Fixed("semantic", chances), batch_size=2)
    assert read == []
    next(found)
    assert read == [0, 1]


def test_no_image_is_no_error():
    assert list(refine_frames([], [], Batched("semantic", chances))) == []


def test_a_forest_sees_the_regions_of_all_images_at_once(rng):
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn comes with the extra eval")
    images, labels, _ = zip(*frames(rng, 4))
    refiner = from_sklearn(ensemble.RandomForestClassifier(5, random_state=0), classes=["cold", "warm"])
    tables = [refine_labels(image, label, Fixed("semantic", chances)).regions for image, label in zip(images, labels)]
    refiner.fit(tables, [np.where(image > 20, 1, 0) for image in images])
    calls = []
    predict = refiner.estimator.predict_proba
    refiner.estimator.predict_proba = lambda inputs: (calls.append(len(inputs)), predict(inputs))[1]
    found = list(refine_frames(images, labels, refiner))
    assert calls == [36]
    for refined, image, label in zip(found, images, labels):
        assert_array_equal(refined.labels, refine_labels(image, label, refiner).labels)


@pytest.mark.parametrize("kind", [Fixed, Batched])
def test_an_image_that_is_wrong_takes_none_before_it_along(rng, kind):
    images, labels, _ = map(list, zip(*frames(rng)))
    images[4] = images[4][:, :3]
    found = []
    with pytest.raises(ValueError, match=r"image must have the labels' shape \(8, 9\), got \(8, 3\)\nof image 4,"):
        found.extend(refine_frames(images, labels, kind("semantic", chances), batch_size=3))
    assert len(found) == 4


def test_columns_that_end_early_are_told(rng):
    images, labels, _ = zip(*frames(rng, 3))
    found = refine_frames(images, labels[:2], Fixed("semantic", chances), batch_size=1)
    assert len([next(found), next(found)]) == 2
    with pytest.raises(ValueError, match="images, labels must be as many, got 2 labels and more others"):
        next(found)
    with pytest.raises(ValueError, match="images, labels, masks must be as many, got 3 images and labels and more"):
        list(refine_frames(images, labels, Fixed("semantic", chances), masks=repeat(None)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": 3}, "images must be a sequence, got int; put a single one in a list"),
        ({"labels": None}, "labels must be a sequence, got NoneType"),
        ({"masks": True}, "masks must be a sequence, got bool"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"batch_size": 1.5}, "batch_size must be"),
        ({"pooling": 2}, "pooling must be"),
        ({"refiner": 5}, "refiner must have task, classes and refine, got int"),
        ({"refiner": Fixed("instances"), "smoothing": 1.0}, "smoothing must be 0 for a refiner of task 'instances'"),
    ],
)
def test_arguments_are_checked_before_anything_is_read(change, message):
    arguments = {"images": [], "labels": [], "refiner": Fixed("semantic")} | change
    with pytest.raises((ValueError, TypeError), match=message):
        refine_frames(**arguments)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda tables: [chances(table) for table in tables[1:]], "refine_batch must return as many results as images"),
        (lambda tables: [0] * len(tables), "refine must return a SemanticResult"),
        (lambda tables: None, "raised TypeError"),
        (lambda tables: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_batch_that_fails_names_the_refiner(rng, answer, message):
    images, labels, _ = zip(*frames(rng, 2))
    refiner = Fixed("semantic")
    refiner.refine_batch = answer
    with pytest.raises(RefinerError, match=f"refiner fixed: {message}"):
        list(refine_frames(images, labels, refiner))


def test_a_refiner_that_fails_on_one_image_keeps_those_before(rng):
    images, labels, _ = zip(*frames(rng))
    refiner = Fixed("semantic", lambda regions: 1 / 0 if len(regions.labels) == 7 else chances(regions))
    found = []
    with pytest.raises(RefinerError, match="raised ZeroDivisionError"):
        found.extend(refine_frames(images, labels, refiner, batch_size=5))
    assert len(found) == 3


def test_objects_too(rng):
    images, labels, _ = zip(*frames(rng, 2))

    def all_of_it(regions):
        return InstanceResult(np.ones((1, *regions.labels.shape), bool), np.array([0.5]), np.array([1]))

    for refined in refine_frames(images, labels, Fixed("instances", all_of_it)):
        assert (refined.labels == 1).all()
