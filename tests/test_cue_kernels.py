"""Kernels of the cues of regions: slow twins, known planes, masks, strips."""

import os

import naive_cues as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from patterns import holed_mask

from classicseg._kernels.cpu import codes, gradients
from classicseg.features import _cues
from classicseg.features._cues import SIGMAS

compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")
OUTSIDE = 255


def smoothed(planes, mask, sigma, n_threads=None):
    out = np.full(planes.shape, np.nan, np.float32)
    gradients.smooth(planes, mask, sigma, out, n_threads)
    return out


def strengths(planes, mask=None, sigmas=SIGMAS, factor=1.0, n_threads=None):
    out = np.full((len(sigmas), *planes.shape[1:]), np.nan, np.float32)
    gradients.strengths(planes, mask, sigmas, factor, out, n_threads)
    return out


def textons(plane, mask=None, sigma=1.0, contrast=0.5, codebook=_cues.TEXTONS):
    out = np.full(plane.shape, 99, np.uint8)
    codes.texton_codes(plane, mask, sigma, contrast, np.array(codebook, np.float32), out)
    return out


def nearest(planes, palette, weights=(1, 1, 1), mask=None):
    """The codes of planes that a Gaussian so narrow leaves as they are."""
    out = np.full(planes.shape[1:], 99, np.uint8)
    codes.color_codes(planes, mask, 0.2, np.array(weights, np.float32), np.array(palette, np.float32), out)
    return out


# --- Gradients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sigma", [0.2, 1.0, 2.5])
@pytest.mark.parametrize("shape", [(9, 11), (1, 7), (6, 1), (1, 1)])
def test_smoothing_equals_the_slow_twin(rng, shape, sigma, masked):
    planes = rng.normal(0, 30, (2, *shape)).astype(np.float32)
    mask = holed_mask(rng, shape) if masked else None
    expected = [naive.smooth(plane, mask, sigma) for plane in planes]
    assert_allclose(smoothed(planes, mask, sigma), expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_planes", [1, 3, 4])
@pytest.mark.parametrize("shape", [(9, 11), (1, 7), (6, 1), (1, 1)])
def test_strengths_equal_the_slow_twin(rng, shape, n_planes, masked):
    planes = rng.normal(0, 30, (n_planes, *shape)).astype(np.float32)
    mask = holed_mask(rng, shape) if masked else None
    expected = [0.5 * naive.strength(planes, mask, sigma) for sigma in SIGMAS]
    assert_allclose(strengths(planes, mask, factor=0.5), expected, rtol=1e-4, atol=3e-5)


def test_a_constant_has_no_strength():
    for value in (0.1, -273.15, 33333.34):
        assert not strengths(np.full((3, 30, 20), value, np.float32)).any()


def test_a_constant_with_anything_outside_the_mask_has_hardly_any(rng):
    mask = holed_mask(rng, (30, 20))
    planes = np.where(mask, 40, rng.normal(0, 1e5, (3, 30, 20))).astype(np.float32)
    assert strengths(planes, mask).max() < 1e-4


@pytest.mark.parametrize("slope", [(0, 2), (3, 0), (3, -4)])
def test_the_strength_of_a_ramp_is_its_slope(slope):
    rows, cols = np.mgrid[:40, :50].astype(np.float32)
    ramp = slope[0] * rows + slope[1] * cols
    inner = np.s_[:, 14:-14, 14:-14]
    assert_allclose(strengths(ramp[None])[inner], np.hypot(*slope), rtol=1e-4)
    assert_allclose(strengths(np.stack([ramp, -ramp, ramp]))[inner], 3**0.5 * np.hypot(*slope), rtol=1e-4)


def test_planes_that_change_in_different_directions_do_not_add_up():
    rows, cols = np.mgrid[:40, :50].astype(np.float32)
    found = strengths(np.stack([3 * rows, 4 * cols]))[:, 14:-14, 14:-14]
    assert_allclose(found, 4, rtol=1e-4)  # the direction in which most changes; hypot would say 5


def test_the_strength_of_a_step_peaks_at_the_step():
    plane = np.zeros((30, 60), np.float32)
    plane[:, 30:] = 50
    for found, sigma in zip(strengths(plane[None]), SIGMAS):
        assert_array_equal(found, found[:1].repeat(30, axis=0))
        assert set(np.flatnonzero(found[0] == found[0].max())) <= {29, 30}
        assert_allclose(found[0].max(), 50 / np.sqrt(2 * np.pi * (sigma**2 + 0.5)), rtol=0.12)
        assert not found[0, : 30 - int(3 * sigma) - 1].any()


@compiled
@pytest.mark.parametrize("masked", [False, True])
def test_no_bit_depends_on_the_strips(rng, monkeypatch, masked):
    planes = rng.normal(0, 30, (2, 150, 21)).astype(np.float32)
    mask = holed_mask(rng, planes.shape[1:]) if masked else None
    expected = smoothed(planes, mask, 1.0), strengths(planes, mask), textons(planes[0], mask)
    for strip in (1, 149, 150, 1000):
        monkeypatch.setattr(gradients, "STRIP", strip)
        found = smoothed(planes, mask, 1.0), strengths(planes, mask), textons(planes[0], mask)
        for one, other in zip(found, expected):
            assert_array_equal(one, other)


# --- Codes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", [(12, 15), (1, 9), (8, 1)])
def test_textons_equal_the_slow_twin(rng, shape, masked):
    plane = rng.normal(0, 30, shape).astype(np.float32)
    plane[:, shape[1] // 2 :] *= 0.1
    mask = holed_mask(rng, plane.shape) if masked else None
    expected, margin = naive.nearest(naive.jets(plane, mask, 1.5, 0.5).reshape(-1, 5).T, np.array(_cues.TEXTONS))
    expected, clear = expected.reshape(shape), margin.reshape(shape) > 1e-3
    if masked:
        expected[~mask] = OUTSIDE
    assert_array_equal(textons(plane, mask, 1.5)[clear], expected[clear])
    assert clear.mean() > 0.9
    assert min(shape) == 1 or len(set(expected[clear])) > 8


def test_a_tie_goes_to_the_first_texton():
    flat = np.zeros((4, 5), np.float32)
    assert not textons(flat, codebook=[[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]).any()
    assert (textons(flat, codebook=[[0, 1, 0, 0, 0], [0, 0, 0, 0, 0.5]]) == 1).all()


def test_textons_of_strong_structure_differ_by_ratios():
    """So that the same texture under twice the light is nearly the same."""
    ramp = np.tile(np.arange(30, dtype=np.float32), (30, 1))
    lengths = []
    for slope in (10, 20, 40):
        found = np.empty((5, 30, 30), np.float32)
        codes.jets(slope * ramp, 1.0, 0.2, found)
        assert_allclose(found, np.moveaxis(naive.jets(slope * ramp, None, 1.0, 0.2), 2, 0), atol=1e-4)
        lengths.append(np.linalg.norm(found[:, 15, 15]))
    assert_allclose((np.array(lengths[1:]) + 1) / (np.array(lengths[:-1]) + 1), 2**0.25, rtol=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (70, 9), (3, 130)])
def test_the_nearest_colour_equals_the_slow_twin(rng, shape):
    planes, palette = rng.normal(0, 30, (3, *shape)).astype(np.float32), rng.normal(0, 30, (9, 3))
    mask, weights = rng.random(shape) < 0.8, [0.5, 1, 2]
    expected, margin = naive.nearest(planes.reshape(3, -1) * np.array(weights)[:, None], palette)
    expected, clear = np.where(mask, expected.reshape(shape), OUTSIDE), margin.reshape(shape) > 1e-3
    assert_array_equal(nearest(planes, palette, weights, mask)[clear], expected[clear])


def test_a_tie_goes_to_the_first_colour():
    planes = np.zeros((3, 1, 3), np.float32)
    planes[1] = 1, 3, 5
    assert_array_equal(nearest(planes, [[0, 2, 0], [0, 0, 0], [0, 4, 0], [0, 4, 0]])[0], [0, 0, 2])
