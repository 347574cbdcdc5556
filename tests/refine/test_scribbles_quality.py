"""How well a few clicks part thermal scenes whose classes are known, beside a classifier of pixels."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are run from a checkout and never installed

from benchmarks import scribbles as case
from benchmarks.scribble_scenes import BACKGROUND, CLASSES, HOT, LEAST, MODULE, clicks, scene
from classicseg.metrics import class_scores, confusion_matrix

SEEDS = range(6)
SHAPE = (140, 180)


@pytest.fixture(scope="module")
def scenes():
    return [scene(seed, SHAPE) for seed in SEEDS]


def test_scenes_are_what_they_say(scenes):
    for seed, (temperature, classes) in zip(SEEDS, scenes):
        assert (temperature.dtype, temperature.shape, classes.dtype) == (np.float32, SHAPE, np.int32)
        assert np.bincount(classes.ravel(), minlength=3).min() >= LEAST
        assert np.median(temperature[classes == HOT]) > np.median(temperature[classes == MODULE]) + 2
        # No threshold does the work: ground is in places colder than modules, and in places as hot as hot spots.
        assert temperature[classes == BACKGROUND].max() > temperature[classes == HOT].min() + 5
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


def test_regions_learn_more_from_clicks_than_pixels_do():
    pytest.importorskip("sklearn", reason="scikit-learn, which TrainableSegmenter needs, is not installed")
    parameters = case.row("", 30, shape=SHAPE, n_frames=2).parameters
    ours, theirs = (case.mean_iou(label(**parameters)(), **parameters) for label in (case.ours, case.pixels))
    assert ours > 0.75
    assert ours > theirs + 0.05


def test_scores_are_those_of_the_judged_part_of_all_frames():
    parameters = {**case.row("", 5, shape=(64, 80), n_frames=2, half=True).parameters}
    truth = case.frames(**parameters)
    for _, classes, marks in truth:
        assert (marks[:, 40:] == -1).all()
        assert_array_equal(marks[marks >= 0], classes[marks >= 0])
    made = {str(i): classes.copy() for i, (_, classes, _) in enumerate(truth)}
    for labels in made.values():
        labels[:, :40] = 0  # not judged
    assert case.mean_iou(made, **parameters) == 1
    made["1"][:, 40:] = BACKGROUND
    counts = sum(confusion_matrix(classes[:, 40:], made[str(i)][:, 40:], 3) for i, (_, classes, _) in enumerate(truth))
    assert case.mean_iou(made, **parameters) == class_scores(counts).mean_iou < 1


def test_the_better_score_is_told_and_a_worse_one_of_ours_does_not_agree():
    row = case.row("", 5, shape=(64, 80), n_frames=2, goals={case.PIXELS: 10.0})
    truth = {str(i): classes for i, (_, classes, _) in enumerate(case.frames(**row.parameters))}
    worse = {name: np.zeros_like(classes) for name, classes in truth.items()}
    good = case.agree(row, {case.OURS: truth, case.PIXELS: worse})
    assert good.agrees
    assert good.text.startswith(f"mean IoU {case.OURS} 1.000, {case.PIXELS} 0.")
    assert not case.agree(row, {case.OURS: worse, case.PIXELS: truth}).agrees
    assert not case.agree(row, {case.OURS: truth, case.PIXELS: truth}).agrees


def test_a_click_is_answered_anew_and_from_scratch_gives_the_same():
    parameters = case.row("", 5, shape=(64, 80), n_frames=2).parameters
    once, begun = case.ours(**parameters), case.ours(**{**parameters, "scratch": True})
    first, again, whole = once(), once(), begun()
    for name, labels in first.items():
        assert_array_equal(again[name], labels)
        assert_array_equal(whole[name], labels)
