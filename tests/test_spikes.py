"""Single pixels that stand out are brought back to their neighbours, and nothing else is changed."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg.features import _planes
from classicseg.features._spikes import without_spikes


def slow(plane, inside):
    out = plane.copy()
    for row, col in np.argwhere(inside):
        around = np.s_[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
        others = inside[around].copy()
        others[row - around[0].start, col - around[1].start] = False
        if others.any():
            out[row, col] = np.clip(plane[row, col], plane[around][others].min(), plane[around][others].max())
    return out


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (9, 12)])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_equals_the_slow_twin(rng, monkeypatch, shape, share):
    monkeypatch.setattr(_planes, "BLOCK", 2 * shape[1])  # blocks of two rows
    planes = rng.normal(size=(3, *shape)).astype(np.float32)
    outside = rng.random(shape) < share
    planes[:, outside] = 1e6
    before = planes.copy()
    found = without_spikes(planes, None if share == 0 else ~outside)
    assert found.dtype == np.float32
    assert_array_equal(found, np.stack([slow(plane, ~outside) for plane in planes]))
    assert_array_equal(planes, before)


def test_a_hot_pixel_is_gone_and_borders_stay():
    plane = np.where(np.arange(12) < 5, 10, 90) * np.ones((9, 1))
    plane[4:6, 1:3] = 50  # a region of four pixels
    hot = plane.copy()
    hot[2, 9], hot[7, 3] = 1e6, -1e6
    assert_array_equal(without_spikes(hot[None].astype(np.float32), None)[0], plane)
