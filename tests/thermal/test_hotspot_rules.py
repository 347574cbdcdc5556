"""The rules that make a finding, one by one, on modules that are given instead of found."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg.thermal._hotspots import _find, median
from classicseg.thermal._spots import Spots, ranked, spilled, strong
from classicseg.thermal._surfaces import Modules


def spots_of(labels):
    place = np.flatnonzero(labels)
    return Spots.of(place, labels.ravel()[place])


def image_of(spots, shape):
    """Spots as a label image, numbered from 1."""
    labels = np.zeros(shape, np.int32)
    labels.ravel()[spots.place] = spots.spot + 1
    return labels


def test_spots_are_grouped_by_label_in_raster_order():
    labels = np.array([[0, 7, 2, 0], [2, 7, 0, 9], [7, 0, 2, 0]])
    spots = spots_of(labels)
    assert_array_equal(spots.place, [2, 4, 10, 1, 5, 8, 7])
    assert_array_equal(spots.area, [3, 3, 1])
    assert [spots.place[spots.pixels(i)].tolist() for i in range(3)] == [[2, 4, 10], [1, 5, 8], [7]]
    assert_array_equal(spots.largest(np.array([1, 5, 3, 2, 2, 0, -4])), [5, 2, -4])
    kept = spots[np.array([False, True, True])]
    assert_array_equal(image_of(kept, labels.shape), np.where(labels == 7, 1, np.where(labels == 9, 2, 0)))
    none = spots[np.zeros(3, bool)]
    assert len(none) == len(none.area) == len(none.largest(np.empty(0))) == len(none[np.zeros(0, bool)]) == 0


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_median_is_that_of_numpy(rng, n):
    values = rng.normal(0, 1, n).astype(np.float32)
    before = values.copy()
    assert median(values) == np.median(values)
    assert_array_equal(values, before)


def test_peak_and_patch_are_the_two_ways_to_be_strong():
    labels = np.repeat(np.arange(1, 6, dtype=np.int32), 30).reshape(5, 30)
    labels[4, 3:] = 0
    excess = np.full((5, 30), 3.6, np.float32)
    excess[0, 7] = 8.0  # one pixel of 8
    excess[1, 7] = 7.9  # of less, and the rest is weak
    excess[2] = 4.0  # weak, and as large as a patch must be
    excess[3, 14:] = 4.1  # its median is above 4, or it would be none
    excess[3, 16:] = 3.9
    excess[4] = 7.9  # hotter than a patch, and too small
    spots = spots_of(labels)
    assert_array_equal(strong(spots, excess.ravel()[spots.place], 30.0), [True, False, True, False, False])


def test_the_blur_of_hot_ground_at_the_edge_of_a_row_is_no_finding(rng):
    values = rng.normal(30, 0.1, (40, 150)).astype(np.float32)
    owner = np.repeat(np.arange(1, 6, dtype=np.int32), 30)[None].repeat(40, axis=0)
    owner[20:] = 0
    values[24:30, 62:74] = 80.0  # a stone in the sun
    values[17:20, 64:72] += 6.0  # what the optics make of it on the module beside
    modules = Modules(owner, owner > 0, np.array([[9.5, 14.5 + 30 * i] for i in range(5)]), 600.0, 6)
    inside = np.ones(values.shape, bool)
    assert len(_find(values, inside, modules)[0]) == 0
    inside[20:] = False  # the same without the stone: a warm edge
    spots, _ = _find(values, inside, modules)
    assert np.unravel_index(spots.place[0], values.shape) == (17, 64)


def test_warmth_from_hotter_ground_beside_it_is_no_finding():
    labels = np.repeat(np.arange(1, 5, dtype=np.int32), 4)[None].repeat(2, axis=0)
    labels[:, 15] = 0
    values = np.full(labels.shape, 40.0, np.float32)
    values[0, 9] = 46.0  # hotter than the ground: it has a source of its own
    ground = np.full(labels.shape, -np.inf, np.float32)
    ground[:, :3] = 45.0  # near three quarters of the first, half of the second, all of the third
    ground[:, 4:6] = ground[:, 8:12] = 45.0
    ground[:, 12:] = 39.0  # cooler
    spots = spots_of(labels)
    found = spilled(spots, values.ravel()[spots.place], ground.ravel()[spots.place])
    assert_array_equal(found, [True, False, False, False])


@pytest.mark.parametrize(("deviations", "n_found"), [(5, 0), (9, 1)])
def test_noise_is_how_the_glass_of_modules_differs(rng, deviations, n_found):
    """A limit of 8 deviations is worth what their size is worth; frames and the shift by the maximum do not count."""
    glass = (np.arange(150) % 30 < 18)[None].repeat(30, axis=0)
    values = rng.normal(30, 0.1, glass.shape)
    values[~glass] -= np.abs(rng.normal(0, 2, glass.shape))[~glass]
    values[10:14, 65:69] += 0.1 * deviations
    owner = np.repeat(np.arange(1, 6, dtype=np.int32), 30)[None].repeat(30, axis=0)
    centers = np.array([[14.5, 8.5 + 30 * i] for i in range(5)])
    spots, _ = _find(values.astype(np.float32), owner > 0, Modules(owner, glass, centers, 540.0, 6))
    assert len(spots) == n_found


def test_ground_between_the_modules_of_a_row_is_not_compared(rng):
    """Gaps of a row count as row, for the frames; a hot stone in one of them is the only one of its kind."""
    inside = (np.arange(150) % 30 < 20)[None].repeat(24, axis=0)
    values = (np.where(inside, 30, 24) + rng.normal(0, 0.1, inside.shape)).astype(np.float32)
    values[10:14, 83:87] += 30
    owner = np.repeat(np.arange(1, 6, dtype=np.int32), 30)[None].repeat(24, axis=0)
    centers = np.array([[11.5, 9.5 + 30 * i] for i in range(5)])
    spots, _ = _find(values, owner > 0, Modules(owner, inside, centers, 480.0, 6))
    assert len(spots) == 0
    values[10:14, 68:72] += 30  # the same on a module
    spots, _ = _find(values, owner > 0, Modules(owner, inside, centers, 480.0, 6))
    assert np.unravel_index(spots.place[0], values.shape) == (10, 68)
    assert len(spots.place) == 16


@pytest.mark.parametrize(("n", "n_found"), [(3, 0), (4, 1)])
def test_two_neighbours_are_too_few_to_tell(rng, n, n_found):
    """Of two modules that differ nobody knows which one is normal; three votes have a median."""
    values = rng.normal(30, 0.1, (30, 25 * n)).astype(np.float32)
    values[10:16, 5:11] += 20
    owner = np.repeat(np.arange(1, n + 1), 25)[None].repeat(30, axis=0).astype(np.int32)
    centers = np.array([[14.5, 12 + 25 * i] for i in range(n)])
    spots, _ = _find(values, owner > 0, Modules(owner, owner > 0, centers, 750.0, 4))
    assert len(spots) == n_found


def test_equal_differences_are_numbered_by_first_pixel():
    labels = np.array([[0, 2, 0, 1], [3, 0, 0, 0]], np.int32)
    values, reference = np.full((2, 4), 40.0, np.float32), np.full((2, 4), 30.0, np.float32)
    reference[1, 0] = 20.0
    spots = spots_of(labels)
    found = ranked(spots, values.ravel()[spots.place], reference.ravel()[spots.place], 1, 0.0)
    assert [labels.ravel()[spots.place[pixels]].tolist() for _, _, pixels in found] == [[3], [1], [2]]
    assert [(delta, middle) for delta, middle, _ in found] == [(20.0, 20.0), (10.0, 30.0), (10.0, 30.0)]


def test_nodata_of_the_neighbours_does_not_vote(rng):
    """Dead rows of a sensor lie at the same place of some neighbours; as 0 °C they would make any spot critical."""
    values = rng.normal(30, 0.1, (30, 180)).astype(np.float32)
    values[10:14, 70:74] += 15
    inside = np.ones(values.shape, bool)
    inside[9:12, :60] = inside[9:12, 150:] = False  # on three of the five neighbours
    owner = np.repeat(np.arange(1, 7, dtype=np.int32), 30)[None].repeat(30, axis=0)
    modules = Modules(owner * inside, inside, np.array([[14.5, 14.5 + 30 * i] for i in range(6)]), 800.0, 6)
    for shift in (0, -70):  # below 0 °C they would hide it
        spots, reference = _find(np.where(inside, values + shift, 0).astype(np.float32), inside, modules)
        assert np.unravel_index(spots.place[0], values.shape) == (12, 70)
        assert np.abs(reference - (30 + shift)).max() < 0.5
