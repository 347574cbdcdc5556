"""Panoptic quality counts where the label images lie; boxes and masks are refused with a way out."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg.metrics import PanopticImage, box_iou, panoptic_quality


def pair(rng):
    labels = rng.integers(0, 4, (20, 30)).astype(np.int32)
    other = np.where(rng.random(labels.shape) < 0.1, 2, labels).astype(np.int32)
    return labels, other, {1: "car", 2: "road", 3: "car"}


def test_the_same_counts_on_every_device(device, rng):
    labels, other, classes = pair(rng)
    expected = panoptic_quality(PanopticImage(labels, classes, {3}), PanopticImage(other, classes))
    there = panoptic_quality(PanopticImage(device.put(labels), classes, {3}), PanopticImage(device.put(other), classes))
    for name in ("iou_sum", "true_positives", "false_positives", "false_negatives"):
        assert_array_equal(getattr(there, name), getattr(expected, name))


def test_images_that_lie_apart_are_refused(device, rng):
    if device.name == "cpu":
        pytest.skip("there is nothing apart on one device")
    labels, other, classes = pair(rng)
    with pytest.raises(TypeError, match=r"pred\[0\].labels must lie where truth\[0\].labels does"):
        panoptic_quality(PanopticImage(device.put(labels), classes), PanopticImage(other, classes))
    with pytest.raises(TypeError, match="boxes_true is a CuPy array, and this function runs on the CPU only"):
        box_iou(device.put(np.zeros((1, 4))), [[0, 0, 1, 1]])
