"""How well a few clicks part thermal scenes whose classes are known, beside a classifier of pixels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from benchmarks.scribble_scenes import BACKGROUND, CLASSES, HOT, LEAST_HOT, MODULE, clicks, scene
from benchmarks.scribbles import regions_of
from classicseg.metrics import class_scores, confusion_matrix
from classicseg.refine import Scribbles, describe_regions

SEEDS = range(3)
SHAPE = (160, 200)


@pytest.fixture(scope="module")
def scenes():
    return [scene(seed, SHAPE) for seed in SEEDS]


def test_scenes_are_what_they_say(scenes):
    for seed, (temperature, classes) in zip(SEEDS, scenes):
        assert (temperature.dtype, temperature.shape, classes.dtype) == (np.float32, SHAPE, np.int32)
        assert np.count_nonzero(classes == HOT) >= LEAST_HOT
        assert np.median(temperature[classes == HOT]) > np.median(temperature[classes == MODULE]) + 2
        # No threshold does the work: ground is as warm as modules, and in places as hot as hot spots.
        assert temperature[classes == BACKGROUND].max() > np.median(temperature[classes == HOT])
        assert temperature[classes == BACKGROUND].min() < temperature[classes == MODULE].min()
        again = scene(seed, SHAPE)
        assert_array_equal(again.temperature, temperature)
        assert_array_equal(again.classes, classes)


def test_clicks_lie_on_their_classes(scenes):
    for number in (1, 10, 10**6):
        marked = clicks(scenes[0].classes, number, 0)
        for c in range(len(CLASSES)):
            there = np.count_nonzero(scenes[0].classes == c)
            assert np.count_nonzero(marked == c) == min(number, there)
        assert_array_equal(marked[marked >= 0], scenes[0].classes[marked >= 0])


def scores(scenes, number, label):
    """Mean IoU over all scenes, after so many clicks per class."""
    counts = sum(
        confusion_matrix(classes, label(temperature, clicks(classes, number, seed)), len(CLASSES))
        for seed, (temperature, classes) in enumerate(scenes)
    )
    return class_scores(counts)


def by_scribbles(temperature, marked):
    scribbles = Scribbles(describe_regions(temperature, regions_of(temperature)), CLASSES)
    scribbles.add_strokes(marked)
    return scribbles.labels()


def by_pixels(temperature, marked):
    from skimage.future import TrainableSegmenter
    from sklearn.ensemble import RandomForestClassifier

    segmenter = TrainableSegmenter(RandomForestClassifier(n_estimators=100, random_state=0))
    segmenter.fit(temperature, marked + 1)
    return segmenter.predict(temperature) - 1


@pytest.mark.parametrize(("number", "floor"), [(10, 0.6), (40, 0.75)])
def test_regions_learn_more_from_clicks_than_pixels_do(scenes, number, floor):
    pytest.importorskip("sklearn", reason="scikit-learn, which TrainableSegmenter needs, is not installed")
    ours, theirs = (scores(scenes, number, label) for label in (by_scribbles, by_pixels))
    assert ours.mean_iou > floor
    assert ours.mean_iou > theirs.mean_iou + 0.05
