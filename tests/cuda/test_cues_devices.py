"""Cues of regions on every device: the same bits as on the CPU, which its own tests hold to the slow twins."""

import numpy as np
import pytest

from classicseg._kernels import kernels_for
from classicseg._kernels.cpu import codes, gradients
from classicseg.features import _cues

SHAPES = [(1, 1), (1, 300), (300, 1), (13, 17), (70, 41)]
SIGMAS = (0.3, 1.0, 4.0)


def noisy(shape, seed=0):
    """Values of many sizes, with parts that are all the same."""
    rng = np.random.default_rng(seed)
    values = (rng.normal(0, 40, shape) * rng.choice([1, 1e-3, 1e3], shape)).astype(np.float32)
    values[..., shape[-1] // 2 + 1 :] = 7.25
    return values


def holes(shape, share=0.7):
    inside = np.random.default_rng(5).random(shape) < share
    inside[0, 0] = True
    return inside


def same_bits(found, expected):
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_smoothed_planes_have_the_bits_of_the_cpu(cuda, shape, masked):
    planes, mask = noisy((2, *shape)), holes(shape) if masked else None
    for sigma in SIGMAS:
        expected, found = np.empty_like(planes), cuda.put(np.zeros_like(planes))
        gradients.smooth(planes, mask, sigma, expected)
        on_device = cuda.put(planes), None if mask is None else cuda.put(mask)
        kernels_for(found, "gradients").smooth(*on_device, sigma, found)
        same_bits(cuda.take(found), expected)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_planes", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_strengths_have_the_bits_of_the_cpu(cuda, shape, n_planes, masked):
    planes, mask = noisy((n_planes, *shape)), holes(shape) if masked else None
    expected = np.zeros((len(SIGMAS), *shape), np.float32)
    found = cuda.put(expected.copy())
    gradients.strengths(planes, mask, SIGMAS, 0.05, expected)
    on_device = cuda.put(planes), None if mask is None else cuda.put(mask)
    kernels_for(found, "gradients").strengths(*on_device, SIGMAS, 0.05, found)
    same_bits(cuda.take(found), expected)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_textons_are_those_of_the_cpu(cuda, shape, masked):
    plane, mask = noisy(shape), holes(shape) if masked else None
    textons = np.array(_cues.TEXTONS, np.float32)
    expected = np.zeros(shape, np.uint8)
    found = cuda.put(expected.copy())
    codes.texton_codes(plane, mask, 1.25, 0.2, textons, expected)
    on_device = cuda.put(plane), None if mask is None else cuda.put(mask)
    kernels_for(found, "codes").texton_codes(*on_device, 1.25, 0.2, cuda.put(textons), found)
    np.testing.assert_array_equal(cuda.take(found), expected)
    assert min(shape) < 40 or len(np.unique(expected)) > 12


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_colors", [1, 192, 255])
@pytest.mark.parametrize("shape", SHAPES)
def test_nearest_colours_are_those_of_the_cpu(cuda, shape, n_colors, masked):
    planes, mask = noisy((3, *shape)), holes(shape) if masked else None
    weights = np.array([0.7, 1, 1.3], np.float32)
    palette = np.rint(noisy((n_colors, 3), 3)).astype(np.float32)
    expected = np.zeros(shape, np.uint8)
    found = cuda.put(expected.copy())
    codes.color_codes(planes, mask, 1.0, weights, palette, expected)
    on_device = cuda.put(planes), None if mask is None else cuda.put(mask)
    kernels_for(found, "codes").color_codes(*on_device, 1.0, cuda.put(weights), cuda.put(palette), found)
    np.testing.assert_array_equal(cuda.take(found), expected)


def scene(dtype):
    image = np.random.default_rng(8).integers(0, 256, (40, 52, 3))
    image[:, 20:] = image[5, 5]
    return image.astype(dtype) if np.dtype(dtype).kind == "u" else (image / 255).astype(dtype)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "image",
    [
        pytest.param(scene(np.uint8), id="colours"),
        pytest.param(scene(np.float64), id="floats"),
        pytest.param(scene(np.uint16)[..., 0], id="gray"),
        pytest.param(scene(np.float32)[..., 0] * 30 + 10, id="temperatures"),
        pytest.param(scene(np.uint8)[..., :2], id="bands"),
    ],
)
def test_all_cues_have_the_bits_of_the_cpu(cuda, image, masked):
    mask = holes(image.shape[:2]) if masked else None
    expected = _cues.cues(image, mask)
    found = _cues.cues(cuda.put(image), None if mask is None else cuda.put(mask))
    for name in ("planes", "strengths", "textons", "colors"):
        one, other = cuda.take(getattr(found, name)), getattr(expected, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_every_order_of_threads_gives_the_same(emulated_order):
    image, mask = scene(np.uint8), holes((40, 52))
    expected = _cues.cues(image, mask)
    found = _cues.cues(emulated_order.put(image), emulated_order.put(mask))
    for name in ("strengths", "textons", "colors"):
        np.testing.assert_array_equal(emulated_order.take(getattr(found, name)), getattr(expected, name))
