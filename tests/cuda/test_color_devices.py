"""Lab and Luv on every device: the formulas, every dtype, strides, and what stands outside the mask."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from naive_features import convert

from classicseg import pixel_features

DTYPES = [np.uint8, np.uint16, np.float32, np.float64]
UNITS = {np.uint8: 255, np.uint16: 65535, np.float32: 1, np.float64: 1}
LEVELS = [0, 1e-5, 0.0404, 0.0405, 0.09, 0.1, 0.5, 0.9999, 1]  # both sides of every branch
BOUND = 3e-4  # as pixel_features promises, in units of CIE
OVERSHOT = 4e-4  # the same for colours beyond 0 to 1


def planes_of(device, image, space, **options):
    planes = pixel_features(device.put(image), space, **options).planes
    assert {plane.dtype for plane in planes} == {np.dtype(np.float32)}
    return np.stack([device.take(plane) for plane in planes], axis=-1)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_the_slow_twin(device, space, dtype):
    image = (np.random.default_rng(3).choice(LEVELS, (19, 27, 3)) * UNITS[dtype]).astype(dtype)
    np.testing.assert_allclose(planes_of(device, image, space), convert(image, space), rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
@pytest.mark.parametrize("n_pixels", [1, 255, 256, 257])
def test_every_pixel_of_the_last_block(device, space, n_pixels):
    image = np.random.default_rng(n_pixels).integers(0, 256, (1, n_pixels, 3)).astype(np.uint8)
    np.testing.assert_allclose(planes_of(device, image, space), convert(image, space), rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[::2, ::-1],
        lambda image: image.transpose(1, 0, 2),
        lambda image: image.transpose(2, 1, 0)[:, ::-1, :3],  # the rows are read as colours: any three values are one
        lambda image: image.transpose(1, 2, 0)[:, :, :3],
        lambda image: image.reshape(3, 9, 8).transpose(1, 2, 0),  # channels first
        lambda image: image.reshape(3, 9, 8).transpose(2, 1, 0),  # Fortran's order
    ],
)
def test_strides(device, space, view):
    image = np.random.default_rng(5).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    planes = pixel_features(view(device.put(image)), space).planes
    found = np.stack([device.take(plane) for plane in planes], axis=-1)
    np.testing.assert_allclose(found, convert(view(image), space), rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_overshoot(device, space, dtype):
    image = np.random.default_rng(8).uniform(-0.5, 1.5, (19, 27, 3)).astype(dtype)
    image[0, :2] = [[-0.5], [1.5]]
    np.testing.assert_allclose(planes_of(device, image, space), convert(image, space), rtol=0, atol=OVERSHOT)


def test_luv_of_dark_colours(device):
    image = np.array([[[2e-5, 0, 0], [0, 1e-5, 0], [0, 0, 4e-5], [3e-6, 3e-6, 3e-6], [-0.01, -0.01, -0.01]]])
    np.testing.assert_allclose(planes_of(device, image, "Luv"), convert(image, "Luv"), rtol=0, atol=2e-5)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
def test_what_stands_outside_the_mask_becomes_black(device, space):
    image = np.full((1, 7, 3), 0.5)
    image[0, :6] = np.array([np.nan, np.inf, -np.inf, 1e300, -9999, 1.6])[:, None]
    found = planes_of(device, image, space, mask=device.put(np.arange(7)[None] == 6))
    np.testing.assert_allclose(found[0, :6], 0, atol=1e-5)
    np.testing.assert_allclose(found[0, 6], convert(image[:, 6:], space)[0, 0], atol=BOUND)


@pytest.mark.parametrize("space", ["lab", "luv"])
def test_every_order_of_threads_gives_the_same(emulated_order, space):
    image = np.random.default_rng(6).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    expected = convert(image, space.title())
    np.testing.assert_allclose(planes_of(emulated_order, image, space.title()), expected, rtol=0, atol=BOUND)


@pytest.mark.parametrize("space", ["Lab", "Luv"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bits_are_those_of_the_cpu(cuda, space, dtype):
    rng = np.random.default_rng(9)
    image = rng.random((70, 90, 3)) * rng.choice([1, 0.1, 0.01], (70, 90, 1))
    if np.dtype(dtype).kind == "f":
        image = image * 2 - 0.5
    image = (image * UNITS[dtype]).astype(dtype)
    image[0, :9] = (np.array(LEVELS)[:, None] * UNITS[dtype]).astype(dtype)
    expected = np.stack(pixel_features(image, space).planes, axis=-1)
    np.testing.assert_array_equal(planes_of(cuda, image, space).view(np.int32), expected.view(np.int32))
