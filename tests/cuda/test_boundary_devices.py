"""Boundary scores of arrays on every device: maps stay where they are, the matching is done on the host."""

from dataclasses import astuple

import numpy as np
import pytest

from classicseg import metrics
from classicseg._array import array_kind


@pytest.fixture
def labels():
    return np.random.default_rng(5).integers(0, 3, (13, 17)).repeat(3, axis=0).repeat(3, axis=1)


def test_a_boundary_map_stays_on_the_device(device, labels):
    given = device.put(labels)
    found = metrics.boundary_map(given)
    assert array_kind(found) == array_kind(given)
    assert np.array_equal(device.take(found), metrics.boundary_map(labels))


def test_counts_and_scores_are_those_of_the_host(device, labels):
    drawn = metrics.thin(metrics.boundary_map(labels))
    pred = np.roll(drawn, 1, axis=1)
    true, moved = device.put(drawn), device.put(pred)
    assert np.array_equal(metrics.thin(true), drawn)
    for found, expected in zip(
        astuple(metrics.match_boundaries(true, moved)), astuple(metrics.match_boundaries(drawn, pred)), strict=True
    ):
        assert np.array_equal(found, expected)
    expected_counts = astuple(metrics.boundary_counts([drawn, pred], pred))
    for given in ([true, moved], device.put(np.stack([drawn, pred]))):
        for found, expected in zip(astuple(metrics.boundary_counts(given, moved)), expected_counts, strict=True):
            assert np.array_equal(found, expected)
    strength = metrics.boundary_counts(true, device.put(pred * 0.5), thresholds=3)
    assert strength.n_precision.tolist() == [metrics.thin(pred).sum()] * 2 + [0]
    assert metrics.boundary_f(true, moved) == metrics.boundary_f(drawn, pred)


def test_boundary_iou_is_that_of_the_host(device, labels):
    true, pred = labels > 0, labels > 1
    for ratio in (0.02, 0.2):
        found = metrics.boundary_iou(device.put(true), device.put(pred), dilation_ratio=ratio)
        assert type(found) is float
        assert found == metrics.boundary_iou(true, pred, dilation_ratio=ratio)


def test_two_devices_are_refused(cuda, labels):
    with pytest.raises(TypeError, match="mask_pred must lie where mask_true does"):
        metrics.boundary_iou(cuda.put(labels > 0), labels > 0)
