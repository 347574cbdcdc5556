"""What pixel_features and texture_features refuse, with whole messages."""

import numpy as np
import pytest

from classicseg import pixel_features, texture_features


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros(3),), {}, "image must have shape (M, N) or (M, N, C), got (3,); pass one image at a time"),
        (
            (np.zeros((2, 2, 3)), "RGBz"),
            {},
            "channels must be made of the tokens RGB, Lab, Luv, I, T, x, y and d, such as \"RGBxy\"; got 'RGBz'",
        ),
        (
            (np.zeros((2, 2, 3)), ""),
            {},
            "channels must be made of the tokens RGB, Lab, Luv, I, T, x, y and d, such as \"RGBxy\"; got ''",
        ),
        ((np.zeros((2, 2)), "xx"), {}, "channels must name each channel once, got 'xx'"),
        (
            (np.zeros((2, 2)), "IT"),
            {},
            "channels must not hold both I and T, the same gray image, got 'IT'; choose one",
        ),
        ((np.zeros((2, 2, 3)), "LabLuv"), {}, "channels must name each channel once, got 'LabLuv'"),
        (
            (np.zeros((2, 2)), "RGB"),
            {},
            'the token RGB needs an image of shape (M, N, 3), got (2, 2); use "I" or "T" for 2-D',
        ),
        (
            (np.zeros((2, 2, 4)), "xLuv"),
            {},
            'the token Luv needs an image of shape (M, N, 3), got (2, 2, 4); use "I" or "T" for 2-D',
        ),
        (
            (np.zeros((2, 2, 3)), "T"),
            {},
            'the token T needs an image of shape (M, N), got (2, 2, 3); use "RGB" for colour',
        ),
        (
            (np.zeros((2, 2, 4)), "I"),
            {},
            "the token I needs an image of shape (M, N) or (M, N, 3), got (2, 2, 4); pass other channels as extra=",
        ),
        (
            (np.zeros((2, 2)), "Td"),
            {},
            "the token d and depth= go together; got channels 'Td' and depth missing",
        ),
        (
            (np.zeros((2, 2)), "T"),
            {"depth": np.zeros((2, 2))},
            "the token d and depth= go together; got channels 'T' and depth given",
        ),
        ((np.zeros((2, 2)), "Td"), {"depth": np.zeros((2, 3))}, "depth must have the image's shape (2, 2), got (2, 3)"),
        (
            (np.zeros((2, 2)), "Td"),
            {"depth": np.zeros((2, 2, 1))},
            "depth must have shape (M, N), got (2, 2, 1); pass one image at a time",
        ),
        (
            (np.zeros((2, 2)), "T"),
            {"extra": np.zeros((3, 2, 4))},
            "extra must have the image's shape (2, 2), got (3, 2, 4)",
        ),
        ((np.zeros((2, 2)), "T"), {"extra": np.zeros((2, 2, 0))}, "extra must not be empty, got shape (2, 2, 0)"),
        (
            (np.zeros((2, 2)), "T"),
            {"extra": np.zeros((2, 2, 64))},
            "channels and extra must give at most 64 features, got 65",
        ),
        (
            (np.zeros((2, 2)), "T"),
            {"extra": np.full((2, 2), np.nan)},
            "extra must be finite, got 4 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            (np.zeros((2, 2)), "T"),
            {"channel_weights": {"x": 1}},
            "channel_weights must name channels among 'T', got 'x'",
        ),
        ((np.zeros((2, 2)), "T"), {"channel_weights": {"": 1}}, "channel_weights must name channels among 'T', got ''"),
        (
            (np.zeros((2, 2)), "T"),
            {"channel_weights": {"extra": 1}},
            "channel_weights must name channels among 'T', got 'extra'",
        ),
        ((np.zeros((2, 2)), "T"), {"channel_weights": {"T": -1}}, "channel_weights['T'] must be at least 0, got -1.0"),
        (
            (np.zeros((2, 2)), "Txy"),
            {"channel_weights": {"xTx": 3}},
            "a key of channel_weights must name each channel once, got 'xTx'",
        ),
        *(
            (
                (np.zeros((2, 2)), "Txy"),
                {"channel_weights": given},
                "channel_weights must give each channel 0 or a factor of 1e-30 to 1e+30, "
                f"got {got}; only how they compare matters, so divide all by a constant",
            )
            for given, got in [
                ({"T": 2e30}, "2e+30 for T"),
                ({"y": 5e-324}, "4.94066e-324 for y"),
                ({"xy": 1e20, "x": 1e20}, "1e+40 for x"),
                ({"xy": 1e-160, "y": 1e-160}, "1e-160 for x"),
            ]
        ),
        (
            (np.array([[0.0, -4e10]]), "T"),
            {"channel_weights": {"T": 1e28}},
            "channel_weights must keep every channel within the range of float32, ±3.4e38, got 1e+28 for T, "
            "whose values reach 4.0e+10; only how they compare matters, so divide all by a constant",
        ),
        (
            (np.zeros((1, 2)), "Td"),
            {"depth": np.array([[1e10, 1]]), "extra": np.array([[1e20, 1]]), "channel_weights": {"d": 1e29}},
            "channel_weights must keep every channel within the range of float32, ±3.4e38, got 1e+29 for d, "
            "whose values reach 1.0e+10; only how they compare matters, so divide all by a constant",
        ),
        (
            (np.zeros((1, 1)), ""),
            {"extra": np.array([[[1, 1e10]]]), "channel_weights": {"extra": 1e29}},
            "channel_weights must keep every channel within the range of float32, ±3.4e38, got 1e+29 for e1, "
            "whose values reach 1.0e+10; only how they compare matters, so divide all by a constant",
        ),
        (
            (np.full((2, 2), np.nan), "T"),
            {},
            "image must be finite, got 4 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            (np.full((2, 2), -1e39), "T"),
            {},
            "image must lie within the range of float32, ±3.4e38, got values up to 1.0e+39; "
            "mark such pixels False in mask, or divide by a constant",
        ),
        (
            (np.full((2, 2, 3), np.inf), "x"),
            {"mask": np.eye(2, dtype=bool)},
            "image must be finite, got 6 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            (np.zeros((2, 2)), "T"),
            {"mask": np.ones((3, 2), bool)},
            "mask must have the image's shape (2, 2), got (3, 2)",
        ),
        (
            (np.full((1, 2, 3), [[[0], [255.0]]]), "Lab"),
            {},
            "image must range over 0 to 1 for the tokens Lab and Luv, got values from 0 to 255; "
            "divide by the highest value that the source can hold, such as 255",
        ),
        (
            (np.full((1, 2, 3), [[[-3.5], [7]]]), "Luv"),
            {"mask": [[True, False]]},
            "image must range over 0 to 1 for the tokens Lab and Luv, got values from -3.5 to 0; "
            "divide by the highest value that the source can hold, such as 255",
        ),
    ],
)
def test_bad_values_of_pixels(arguments, options, message):
    with pytest.raises(ValueError) as caught:
        pixel_features(*arguments, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("channels", [None, ["RGB"], b"RGB", 3])
def test_channels_are_a_string(channels):
    with pytest.raises(TypeError) as caught:
        pixel_features(np.zeros((2, 2, 3)), channels)
    assert str(caught.value) == f"channels must be a string, got {channels!r} of type {type(channels).__name__}"


@pytest.mark.parametrize("weights", [[1, 2], [], 2, 0.0, "xy", np.ones(3)])
def test_channel_weights_are_a_mapping(weights):
    with pytest.raises(TypeError) as caught:
        pixel_features(np.zeros((2, 2, 3)), channel_weights=weights)
    assert str(caught.value) == (
        'channel_weights must map channels to factors, such as {"xy": 0.5}, '
        f"got {weights!r} of type {type(weights).__name__}"
    )


def test_keys_of_channel_weights_are_strings():
    with pytest.raises(TypeError) as caught:
        pixel_features(np.zeros((2, 2, 3)), channel_weights={0: 1})
    assert str(caught.value) == "a key of channel_weights must be a string, got 0 of type int"


def test_lab_of_other_integers_is_refused():
    with pytest.raises(TypeError) as caught:
        pixel_features(np.zeros((2, 2, 3), np.int64), "Lab")
    assert str(caught.value) == (
        "image must be uint8, uint16 or floating for the tokens Lab and Luv, got int64; "
        "convert it, for example with .astype('uint8')"
    )


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros(3), {}, "image must have shape (M, N) or (M, N, C), got (3,); pass one image at a time"),
        (
            np.zeros((2, 2, 4)),
            {},
            "image must have shape (M, N) or (M, N, 3), got (2, 2, 4); pass one channel at a time",
        ),
        (np.zeros((2, 2)), {"kind": "gabor"}, "kind must be one of 'textons', 'filters', 'lbp', got 'gabor'"),
        (np.zeros((2, 2)), {"size": 0}, "size must be at least 1, got 0"),
        (np.zeros((2, 2)), {"size": 30}, "size must be odd, so that a window has a middle, got 30; use 31"),
        (np.zeros((2, 2)), {"sigma": 0.4}, "sigma must be at least 0.5, got 0.4"),
        (np.zeros((2, 2)), {"sigma": 101}, "sigma must be at most 100, got 101.0"),
        (np.zeros((2, 2)), {"n_orientations": 0}, "n_orientations must be at least 1, got 0"),
        (np.zeros((2, 2)), {"n_orientations": 9}, "n_orientations must be at most 8, got 9"),
        (np.zeros((2, 2)), {"contrast": -1}, "contrast must be at least 0, got -1.0"),
        (np.zeros((2, 2)), {"n_threads": 0}, "n_threads must be at least 1, got 0"),
        (np.zeros((2, 2)), {"mask": np.ones((2, 3), bool)}, "mask must have the image's shape (2, 2), got (2, 3)"),
        (
            np.zeros((2, 2)),
            {"mask": np.zeros((2, 2), bool)},
            "mask must mark at least one pixel as True, got none",
        ),
        (
            np.full((2, 2), np.nan),
            {},
            "image must be finite, got 4 NaN or infinite values; mark such pixels False in mask",
        ),
    ],
)
def test_bad_values_of_textures(image, options, message):
    with pytest.raises(ValueError) as caught:
        texture_features(image, **options)
    assert str(caught.value) == message
