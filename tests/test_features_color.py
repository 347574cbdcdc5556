"""Lab, Luv and luma: a bound against scikit-image and against the formulas, blocks, masks, threads, memory."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_probe import peak_of
from naive_features import convert
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import pixel_features
from classicseg._kernels.cpu import color

DTYPES = [np.uint8, np.uint16, np.float32, np.float64]
UNITS = {np.uint8: 255, np.uint16: 65535, np.float32: 1, np.float64: 1}
SPACES = ["Lab", "Luv"]
BOUND = 3e-4  # as pixel_features promises, in units of CIE
OVERSHOT = 4e-4  # the same for colours beyond 0 to 1
compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")


def planes_of(image, space, **options):
    return np.stack(pixel_features(image, space, **options).planes, axis=-1)


def lattice(n):
    """Every combination of `n` levels of each of red, green and blue, both ends included."""
    levels = np.linspace(0, 255, n).round().astype(np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(n, n * n, 3)


def scikit_image(image, space):
    skimage_color = pytest.importorskip("skimage.color")
    return {"Lab": skimage_color.rgb2lab, "Luv": skimage_color.rgb2luv}[space](image / UNITS[image.dtype.type])


@compiled
@pytest.mark.parametrize("space", SPACES)
def test_the_cube_of_8_bit_colours_agrees_with_scikit_image(space):
    assert_allclose(planes_of(lattice(33), space), scikit_image(lattice(33), space), rtol=0, atol=BOUND)


@compiled
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("brightest", [1.0, 0.05, 0.004])
def test_random_colours_agree_with_scikit_image(rng, space, dtype, brightest):
    image = (rng.random((300, 400, 3)) * brightest * UNITS[dtype]).astype(dtype)
    assert_allclose(planes_of(image, space), scikit_image(image, space), rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_the_slow_twin(rng, space, dtype):
    # The ends of every branch: black, white, both sides of the bend of the curve and of that of the cube root.
    levels = np.array([0, 1e-5, 0.0404, 0.0405, 0.09, 0.1, 0.5, 0.9999, 1])
    image = (rng.choice(levels, (6, 9, 3)) * UNITS[dtype]).astype(dtype)
    image[0] = (levels[:, None] * UNITS[dtype]).astype(dtype)
    assert_allclose(planes_of(image, space), convert(image, space), rtol=0, atol=BOUND)


@settings(deadline=None)  # the first call may compile
@given(st.lists(st.floats(-0.5, 1.5, width=32), min_size=3, max_size=3), st.sampled_from(SPACES))
def test_any_colour_equals_the_slow_twin(colour, space):
    image = np.array([[colour]], np.float32)
    assert_allclose(planes_of(image, space), convert(image, space), rtol=0, atol=OVERSHOT)


def test_known_colours():
    image = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    assert_allclose(planes_of(image, "Lab")[0], [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20]], atol=0.02)
    assert_allclose(planes_of(image, "Luv")[0], [[100, 0, 0], [0, 0, 0], [53.24, 175.01, 37.76]], atol=0.02)


@pytest.mark.parametrize("space", SPACES)
def test_overshoot_is_taken(space):
    image = np.array([[[1.5, 1.2, 1.01], [1.5, 1.5, 1.5], [-0.5, -0.5, -0.5], [1.5, -0.5, 0.1], [-0.01] * 3]])
    assert_allclose(planes_of(image, space), convert(image, space), rtol=0, atol=OVERSHOT)
    for beyond in (-0.51, 1.51):
        image[0, 1, 1] = beyond
        with pytest.raises(ValueError, match="image must range over 0 to 1 for the tokens Lab and Luv"):
            planes_of(image, space)


@compiled
def test_overshoot_agrees_with_scikit_image(rng):
    image = rng.uniform(-0.5, 1.5, (300, 400, 3)).astype(np.float32).astype(float)  # their float32 is off by more
    assert_allclose(planes_of(image, "Lab"), scikit_image(image, "Lab"), rtol=0, atol=OVERSHOT)
    assert_allclose(planes_of(image, "Luv"), scikit_image(image.clip(0), "Luv"), rtol=0, atol=OVERSHOT)


def test_luv_of_nearly_black_colours_is_nearly_black():
    """Where x + 15 y + 3 z crosses 0, by the formulas u and v have no bound."""
    image = np.array([[[0.02, -0.006, 0.001], [-0.01, 0.0035, -0.01], [-0.001, -0.001, -0.001], [0.02, -0.01, 0]]])
    assert np.abs(planes_of(image, "Luv")).max() < 2
    # In the dark every colour keeps its hue, as long as that makes a difference.
    for colour in ([2e-5, 0, 0], [0, 1e-5, 0], [0, 0, 4e-5], [3e-6, 3e-6, 3e-6]):
        assert_allclose(planes_of(np.array([[colour]]), "Luv"), convert(np.array([[colour]]), "Luv"), atol=2e-5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (3, 7), (4, 8), (2, 9), (1, 30)])
def test_blocks_change_nothing(rng, monkeypatch, space, dtype, shape):
    image = (rng.random((*shape, 3)) * UNITS[dtype]).astype(dtype)
    whole = planes_of(image, space)
    monkeypatch.setattr(color, "BLOCK", 8)
    assert_array_equal(planes_of(image, space), whole)
    assert_allclose(whole, convert(image, space), rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", SPACES)
def test_strides_change_nothing(rng, space):
    image = rng.integers(0, 256, (12, 10, 3)).astype(np.uint8)
    odd = np.asfortranarray(image)[::-2, 1::3]
    assert_array_equal(planes_of(odd, space), planes_of(np.ascontiguousarray(odd), space))
    odd.flags.writeable = False
    assert_array_equal(planes_of(odd, space), planes_of(odd.copy(), space))


@pytest.mark.parametrize("space", ["lab", "luv"])
def test_the_same_bits_for_any_number_of_threads(rng, monkeypatch, space):
    monkeypatch.setattr(color, "BLOCK", 16)
    image = rng.random((9, 8, 3))
    one, three = np.empty((2, 3, 9, 8), np.float32)
    getattr(color, space)(image, one, 1)
    getattr(color, space)(image, three, 3)
    assert_array_equal(one, three)


@pytest.mark.parametrize("space", SPACES)
def test_what_stands_outside_the_mask_becomes_black(space):
    bad = [np.nan, np.inf, -np.inf, 1e300, -9999, 1.6]
    image = np.full((1, 7, 3), 0.5)
    image[0, :6] = np.array(bad)[:, None]
    planes = planes_of(image, space, mask=np.arange(7)[None] == 6)
    assert_allclose(planes[0, :6], 0, atol=1e-5)
    assert_allclose(planes[0, 6], convert(image[:, 6:], space)[0, 0], atol=BOUND)


@pytest.mark.parametrize(
    "view",
    [np.ascontiguousarray, np.asfortranarray, lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0)],
)
def test_planes_are_contiguous_float32(view):
    features = pixel_features(view(np.zeros((4, 6, 3), np.uint16)), "LabI")
    assert features.names == ("L", "a", "b", "I")
    for plane in features.planes:
        assert plane.dtype == np.float32
        assert plane.flags.c_contiguous


@pytest.mark.parametrize("dtype", DTYPES)
def test_luma_equals_the_formula(rng, monkeypatch, dtype):
    monkeypatch.setattr("classicseg.features._planes.BLOCK", 16)
    image = (rng.random((9, 7, 3)) * UNITS[dtype]).astype(dtype)
    (plane,) = pixel_features(image, "I").planes
    assert_allclose(plane, image.astype(float) @ [0.2126, 0.7152, 0.0722], rtol=1e-6)


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "n_planes"), [("Lab", 3), ("Luv", 3), ("I", 1)])
def test_computed_planes_are_all_that_is_made(dtype, channels, n_planes):
    image = np.zeros((1000, 2000, 3), dtype)
    pixel_features(image[:1], channels)  # compiling takes memory of its own
    peak, features = peak_of(lambda: pixel_features(image, channels))
    planes = 4 * 1000 * 2000 * n_planes
    assert sum(plane.nbytes for plane in features.planes) == planes
    assert peak < planes + 4e6
