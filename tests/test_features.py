"""Pixel features: planes, scaling, masks, errors."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg import pixel_features


def test_colour_position_and_depth(rng):
    image = rng.integers(0, 256, (4, 6, 3)).astype(np.uint8)
    depth = rng.random((4, 6))
    features = pixel_features(image, "RGBxyd", depth=depth, channel_weights={"xy": 0.5, "d": 2})
    array = np.asarray(features)
    assert features.names == ("R", "G", "B", "x", "y", "d")
    assert features.shape == array.shape == (4, 6, 6)
    assert array.dtype == np.float32
    assert_array_equal(array[..., :3], image)
    rows, cols = np.mgrid[:4, :6].astype(np.float32)
    assert_array_equal(array[..., 3], cols * np.float32(0.5 * 255 / 6))
    assert_array_equal(array[..., 4], rows * np.float32(0.5 * 255 / 6))
    assert_array_equal(array[..., 5], depth.astype(np.float32) * 2)


def test_tokens_in_any_order():
    image = np.full((2, 3), 7.0)
    assert pixel_features(image, "yTx").names == ("y", "T", "x")
    assert_array_equal(np.asarray(pixel_features(image, "I"))[..., 0], image)


def test_unknown_depth_leaves_the_mask():
    depth = np.array([[1.0, np.nan], [2.0, 3.0]])
    features = pixel_features(np.zeros((2, 2, 3), np.uint8), "RGBd", depth=depth, mask=[[True, True], [False, True]])
    assert_array_equal(features.mask, [[True, False], [False, True]])


def test_infinite_depth_is_unknown_too():
    features = pixel_features(np.zeros((1, 3)), "Td", depth=[[1.0, np.inf, np.nan]])
    assert_array_equal(features.mask, [[True, False, False]])


def test_other_dtypes_and_copies():
    features = pixel_features(np.zeros((2, 2)), "T")
    assert np.asarray(features, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy=False"):
        np.array(features, copy=False)
    assert pickle.loads(pickle.dumps(features)).names == ("T",)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(3),), {}, "image must have shape (M, N) or (M, N, C), got (3,)"),
        ((np.zeros((2, 2, 3)), "RGBz"), {}, "channels must be made of the tokens RGB, I, T, x, y and d"),
        ((np.zeros((2, 2, 3)), ""), {}, "channels must be made of the tokens"),
        ((np.zeros((2, 2)), "xx"), {}, "channels must name each channel once, got 'xx'"),
        ((np.zeros((2, 2)), "RGB"), {}, "the token RGB needs an image of shape (M, N, 3), got (2, 2)"),
        ((np.zeros((2, 2, 3)), "T"), {}, "the tokens I and T need an image of shape (M, N)"),
        ((np.zeros((2, 2)), "Td"), {}, "the token d and depth= go together"),
        ((np.zeros((2, 2)), "T"), {"depth": np.zeros((2, 2))}, "the token d and depth= go together"),
        ((np.zeros((2, 2)), "Td"), {"depth": np.zeros((2, 3))}, "depth must have the image's shape (2, 2), got (2, 3)"),
        ((np.zeros((2, 2)), "T"), {"channel_weights": {"x": 1}}, "channel_weights must name channels among 'T'"),
        ((np.zeros((2, 2)), "T"), {"channel_weights": {"T": -1}}, "channel_weights['T'] must be at least 0"),
        ((np.full((2, 2), np.nan), "T"), {}, "image must be finite, got 4 NaN or infinite values; mark such pixels"),
        ((np.zeros((2, 2)), "T"), {"mask": np.ones((3, 2), bool)}, "mask must have the image's shape (2, 2)"),
    ],
)
def test_bad_arguments(arguments, options, message):
    with pytest.raises(ValueError) as caught:
        pixel_features(*arguments, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_planes_are_views_of_the_sources(dtype):
    image = np.ones((4, 6, 3), dtype)
    depth = np.ones((4, 6), dtype)
    features = pixel_features(image, "xRGByd", depth=depth)
    assert [plane is None for plane in features.planes] == [True, False, False, False, True, False]
    for plane, source in zip(features.planes, [None, image, image, image, None, depth]):
        assert plane is None or (np.shares_memory(plane, source) and plane.dtype == dtype and plane.shape == (4, 6))
