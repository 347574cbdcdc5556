"""Pixel features: planes, tokens, scaling, masks, memory, errors."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_probe import peak_of
from naive_features import features as naive
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from classicseg import PixelFeatures, kmeans, pixel_features
from classicseg.features import _planes

DTYPES = [np.uint8, np.uint16, np.float32, np.float64]
UNITS = {np.uint8: 255, np.uint16: 65535, np.float32: 1, np.float64: 1}


def picture(rng, shape, dtype):
    return (rng.random(shape) * UNITS[dtype]).astype(dtype)


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


@settings(deadline=None)  # the first call may compile
@given(
    tokens=st.permutations(["RGB", "x", "y", "d", "I"]),
    n_tokens=st.integers(1, 5),
    n_extra=st.integers(0, 3),
    dtype=st.sampled_from(DTYPES),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5)),
)
def test_equals_the_slow_twin(tokens, n_tokens, n_extra, dtype, shape):
    rng = np.random.default_rng(n_tokens)
    tokens = tokens[:n_tokens]
    image, depth = picture(rng, (*shape, 3), dtype), 1 + picture(rng, shape, np.float32)
    extra = rng.random((*shape, n_extra)).astype(np.float32)
    factors = {name: rng.random() for name in "".join(tokens)}
    features = pixel_features(
        image,
        "".join(tokens),
        depth=depth if "d" in tokens else None,
        extra=extra if n_extra else None,
        channel_weights=factors | ({"extra": 3} if n_extra else {}),
    )
    position = UNITS[dtype] / max(shape)
    luma = image.astype(float) @ [0.2126, 0.7152, 0.0722]
    sources = {"R": image[..., 0], "G": image[..., 1], "B": image[..., 2], "x": "x", "y": "y", "d": depth, "I": luma}
    planes = [sources[name] for name in "".join(tokens)] + [extra[..., e] for e in range(n_extra)]
    weights = [factors[name] * (position if name in "xy" else 1) for name in "".join(tokens)] + [3] * n_extra
    assert features.names == (*"".join(tokens), *(f"e{e}" for e in range(n_extra)))
    assert features.weights == pytest.approx(weights, rel=1e-12)
    assert_allclose(np.asarray(features), naive(planes, weights, shape), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_planes_are_views_of_the_sources(dtype):
    image = np.ones((4, 6, 3), dtype)
    depth = np.ones((4, 6), dtype)
    extra = np.ones((2, 4, 6), dtype).transpose(1, 2, 0)
    features = pixel_features(image, "xRGByd", depth=depth, extra=extra)
    sources = [None, image, image, image, None, depth, extra, extra]
    assert [plane is None for plane in features.planes] == [source is None for source in sources]
    for plane, source in zip(features.planes, sources):
        assert plane is None or (np.shares_memory(plane, source) and plane.dtype == dtype and plane.shape == (4, 6))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", ["I", "T"])
def test_a_gray_image_is_its_own_plane(dtype, channels):
    image = np.ones((4, 6), dtype)[::2, ::-1]
    (plane,) = pixel_features(image, channels).planes
    assert np.shares_memory(plane, image)
    assert plane.strides == image.strides


def test_a_single_extra_channel_of_any_strides_is_a_view():
    extra = np.arange(48.0).reshape(8, 6)[::2, ::-1]
    (plane,) = pixel_features(np.zeros((4, 6)), "", extra=extra).planes
    assert np.shares_memory(plane, extra)
    assert_array_equal(plane, extra)


def test_sources_may_have_different_dtypes():
    features = pixel_features(
        np.full((2, 3, 3), 7, np.uint8), "RGBd", depth=np.full((2, 3), 900, np.uint16), extra=np.full((2, 3), 0.5)
    )
    assert [plane.dtype for plane in features.planes] == [*["uint8"] * 3, "uint16", "float64"]
    assert_array_equal(np.asarray(features)[1, 2], [7, 7, 7, 900, 0.5])


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u4", "i8", "f2"])
def test_other_dtypes_become_float32(dtype):
    (plane,) = pixel_features(np.array([[1, 2]], dtype), "I").planes
    assert plane.dtype == np.float32
    assert_array_equal(plane, [[1, 2]])


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_foreign_byte_order_keeps_its_dtype(dtype):
    (plane,) = pixel_features(np.array([[1, 2]], ">" + dtype), "I").planes
    assert plane.dtype == np.dtype("=" + dtype)
    assert_array_equal(plane, [[1, 2]])


@pytest.mark.parametrize(
    ("channels", "dtype", "unit"),
    [
        ("RGBxy", np.uint8, 255),
        ("RGBxy", np.uint16, 65535),
        ("RGBxy", np.float32, 1),
        ("RGBxy", np.float64, 1),
        ("RGBxy", np.int16, 32767),
        ("RGBxy", np.int64, 255),
        ("xyI", np.uint16, 65535),
        ("Labxy", np.uint8, 100),
        ("xyLuv", np.float32, 100),
        ("dxyLab", np.uint8, 100),
        ("RGBLabxy", np.uint8, 255),
        ("LuvRGBxy", np.uint8, 100),
        ("xy", np.uint16, 65535),
        ("Txy", np.float32, 10),
        ("Txy", np.float64, 10),
        ("Txy", np.uint16, 500),
        ("Txy", np.int16, 500),
        ("Txy", np.uint8, 255),
        ("Txy", np.int8, 127),
        ("RGBxy", np.int8, 127),
    ],
)
def test_crossing_the_image_weighs_as_much_as_the_unit(channels, dtype, unit):
    image = np.zeros((3, 5) if "T" in channels else (3, 5, 3), dtype)
    features = pixel_features(image, channels, depth=np.ones((3, 5)) if "d" in channels else None)
    weights = dict(zip(features.names, features.weights))
    assert weights.pop("x") == weights.pop("y") == unit / 5
    assert set(weights.values()) <= {1.0}


def test_one_hot_pixel_changes_no_weight():
    image = np.full((3, 5), 20.0)
    before = pixel_features(image, "Txy").weights
    image[1, 1] = 900
    assert pixel_features(image, "Txy").weights == before


def test_position_weighs_the_same_against_colour_for_every_dtype():
    image = np.linspace(0, 1, 60).reshape(4, 5, 3)
    arrays = [
        np.asarray(pixel_features((image * UNITS[d]).round().astype(d) if UNITS[d] > 1 else image)) for d in DTYPES
    ]
    for array, dtype in zip(arrays, DTYPES):
        assert_allclose(array / UNITS[dtype], arrays[-1], atol=0.002)


def test_weights_by_name_token_and_extra():
    features = pixel_features(
        np.zeros((2, 4, 3), np.uint8),
        "Labxy",
        extra=np.zeros((2, 4, 11)),
        channel_weights={"Lab": 2, "L": 0.5, "extra": 3, "e1": 0, "e10e0x": 10},
    )
    assert features.weights == (1, 2, 2, 250, 25, 30, 0, *[3] * 8, 30)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_the_ends_of_what_weights_may_be(factor):
    image = np.array([[0.0, 300], [1, 301]])
    features = pixel_features(image, "Txy", channel_weights={"T": factor, "xy": 0})
    assert np.isfinite(np.asarray(features)).all()
    labels = kmeans(features, 2, init=np.asarray(features)[0]).labels
    assert_array_equal(labels, [[0, 1], [0, 1]])


def test_a_weight_is_judged_by_its_own_channel_inside_the_mask():
    extra = np.array([[[1e35, 1], [np.inf, 1e30]]])
    weights = {"e1": 1e20}
    features = pixel_features(np.zeros((1, 2)), "", extra=extra, mask=[[True, False]], channel_weights=weights)
    assert_array_equal(np.asarray(features)[0, 0], np.float32([1e35, 1e20]))


def test_luma_of_a_colour_image():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 200, 200]]], np.uint8)
    (plane,) = pixel_features(colours, "I").planes
    assert plane.dtype == np.float32
    assert_allclose(plane, [[54.213, 182.376, 18.411, 200]], rtol=1e-6)


def test_unknown_depth_leaves_the_mask():
    depth = np.array([[1.0, np.nan], [2.0, 3.0]])
    features = pixel_features(np.zeros((2, 2, 3), np.uint8), "RGBd", depth=depth, mask=[[True, True], [False, True]])
    assert_array_equal(features.mask, [[True, False], [False, True]])


def test_infinite_depth_is_unknown_too():
    features = pixel_features(np.zeros((1, 3)), "Td", depth=[[1.0, np.inf, np.nan]])
    assert_array_equal(features.mask, [[True, False, False]])


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "u4", "u8", "i1", "i2", "i4", "i8", "list"])
def test_zero_is_a_hole_in_an_integer_depth(dtype):
    depth = [[0, 1, 100]] if dtype == "list" else np.array([[0, 1, 100]], dtype)
    features = pixel_features(np.zeros((1, 3)), "Td", depth=depth)
    assert_array_equal(features.mask, [[False, True, True]])
    assert_array_equal(features.planes[1], [[0, 1, 100]])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_zero_is_no_hole_in_a_depth_of_floats(dtype):
    assert pixel_features(np.zeros((1, 3)), "Td", depth=np.array([[0, 1, 2]], dtype)).mask is None


@pytest.mark.parametrize(("frame", "inside"), [("00180", 0.935), ("00060", 1.0)])
def test_holes_of_depth_images(test_data, frame, inside):
    """Frames of a living room from Open3D's examples, written as most RGB-D data are: 0 where nothing was seen."""
    folder = test_data / "rgbd" / "livingroom"
    image = np.asarray(Image.open(folder / "image" / f"{frame}.jpg"))
    depth = np.asarray(Image.open(folder / "depth" / f"{frame}.png"))
    features = pixel_features(image, "RGBxyd", depth=depth)
    mask = np.ones(depth.shape, bool) if features.mask is None else features.mask
    assert_array_equal(mask, depth > 0)
    assert mask.mean() == pytest.approx(inside, abs=0.001)
    assert features.planes[5] is depth


def test_without_mask_and_holes_there_is_no_mask():
    assert pixel_features(np.zeros((1, 3)), "Td", depth=np.ones((1, 3), np.uint16)).mask is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_what_is_not_finite_may_lie_outside_the_mask(bad):
    image = np.array([[[bad, 0, 0], [0.5, 0.5, 0.5]]])
    extra = np.array([[bad, 1.0]])
    features = pixel_features(image, "RGBILab", extra=extra, mask=[[False, True]])
    assert_array_equal(np.asarray(features)[0, 1, [0, 1, 2, 3, 7]], np.float32([0.5, 0.5, 0.5, 0.5, 1]))
    depth = np.array([[np.nan, 1.0]])
    assert_array_equal(pixel_features(image, "RGBd", depth=depth).mask, [[False, True]])  # a hole hides it too


def test_sources_stay_as_they_are():
    image, mask = np.full((3, 4, 3), 0.5), np.eye(3, 4, dtype=bool)
    for array in (image, mask):
        array.flags.writeable = False
    np.asarray(pixel_features(image, "RGBILabxy", mask=mask))
    assert_array_equal(image, 0.5)


def test_frozen_pickled_and_converted():
    features = pixel_features(np.zeros((2, 2)), "T")
    assert isinstance(features, PixelFeatures)
    with pytest.raises(AttributeError):
        features.names = ()
    assert np.asarray(features, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match=r"^PixelFeatures keeps no array, so copy=False cannot be met; use np.asarray"):
        np.array(features, copy=False)
    assert pickle.loads(pickle.dumps(features)).names == ("T",)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("masked", [False, True])
def test_making_the_recipe_takes_no_memory_to_speak_of(dtype, masked):
    image = np.zeros((1000, 2000, 3), dtype)
    mask = np.ones((1000, 2000), bool) if masked else None
    peak, _ = peak_of(lambda: pixel_features(image, mask=mask))
    assert peak < 2e6 < image.nbytes / 2  # blocks of _planes.BLOCK pixels


def test_the_array_is_filled_without_another_of_its_size():
    features = pixel_features(np.zeros((500, 2000, 3)), "RGBxy")
    peak, array = peak_of(lambda: np.asarray(features))
    assert peak < array.nbytes + 1e6


@pytest.mark.parametrize("n_cols", [1, 7, _planes.BLOCK - 1, _planes.BLOCK, _planes.BLOCK + 1])
def test_every_pixel_is_checked(n_cols):
    image = np.zeros((3, n_cols), np.float32)
    for at in [(0, 0), (1, n_cols - 1), (2, n_cols // 2), (2, n_cols - 1)]:
        image[at] = np.nan
        with pytest.raises(ValueError, match="got 1 NaN or infinite values"):
            pixel_features(image, "T")
        image[at] = 0
