"""Pixel features of arrays on a CUDA device stay there, and are those of the CPU."""

import numpy as np
import pytest

from classicseg import pixel_features

DTYPES = [np.uint8, np.uint16, np.float32, np.float64]
UNITS = {np.uint8: 255, np.uint16: 65535, np.float32: 1, np.float64: 1}


def picture(shape, dtype, seed=1):
    return (np.random.default_rng(seed).random(shape) * UNITS[dtype]).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_planes_are_views_on_the_device(cuda, dtype):
    image, depth, extra = picture((5, 7, 3), dtype), 1 + picture((5, 7), np.float32), picture((5, 7, 2), np.float64)
    on_device = [cuda.put(array) for array in (image, depth, extra)]
    features = pixel_features(on_device[0], "xRGByd", depth=on_device[1], extra=on_device[2])
    expected = pixel_features(image, "xRGByd", depth=depth, extra=extra)
    assert (features.names, features.weights, features.shape) == (expected.names, expected.weights, expected.shape)
    for found, plane in zip(features.planes, expected.planes):
        assert (found is None) == (plane is None)
        if plane is not None:
            assert found.dtype == plane.dtype
            assert found.strides == plane.strides
            assert np.array_equal(cuda.take(found), plane)
    addresses = [features.planes[c].data.ptr - on_device[0].data.ptr for c in (1, 2, 3)]
    assert addresses == [0, image.itemsize, 2 * image.itemsize]  # no copy


@pytest.mark.parametrize("dtype", DTYPES)
def test_luma(cuda, dtype):
    image = picture((5, 7, 3), dtype)
    (found,) = pixel_features(cuda.put(image), "I").planes
    (expected,) = pixel_features(image, "I").planes
    assert found.dtype == np.float32
    assert np.allclose(cuda.take(found), expected, rtol=1e-6)


def test_masks_and_holes(cuda):
    image = np.array([[np.nan, 20.0, 21.0, 22.0]])
    depth = np.array([[1.0, 2.0, np.nan, 4.0]])
    features = pixel_features(cuda.put(image), "Td", depth=cuda.put(depth), mask=cuda.put(np.array([[0, 1, 1, 1]])))
    assert cuda.take(features.mask).tolist() == [[False, True, False, True]]
    no_hole = pixel_features(cuda.put(image[:, 1:2]), "Td", depth=cuda.put(depth[:, 1:2]))
    assert no_hole.mask is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_bad_values_are_refused(cuda, bad):
    with pytest.raises(ValueError, match=r"^image must (be finite, got 1 NaN|lie within the range of float32)"):
        pixel_features(cuda.put(np.array([[bad, 1.0]])), "T")
    pixel_features(cuda.put(np.array([[bad, 1.0]])), "T", mask=cuda.put(np.array([[False, True]])))


@pytest.mark.parametrize("name", ["depth", "extra", "mask"])
def test_arrays_that_lie_apart_are_refused(cuda, name):
    other = {name: np.ones((5, 7), bool if name == "mask" else float)}
    channels = "RGBd" if name == "depth" else "RGB"
    with pytest.raises(TypeError, match=rf"^{name} must lie where image does, got {name} in host memory"):
        pixel_features(cuda.put(picture((5, 7, 3), np.uint8)), channels, **other)
    with pytest.raises(TypeError, match=rf"^{name} must lie where image does, got {name} on a CUDA device"):
        pixel_features(picture((5, 7, 3), np.uint8), channels, **{name: cuda.put(other[name])})


def test_no_array_on_the_host_unasked(cuda):
    features = pixel_features(cuda.put(picture((5, 7, 3), np.uint8)))
    with pytest.raises(TypeError) as caught:
        np.asarray(features)
    assert str(caught.value) == (
        "features lie on a CUDA device, and NumPy wants them on the host; make them of arrays from "
        "classicseg.to_device(array, 'cpu')"
    )
