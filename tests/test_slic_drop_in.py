"""SLIC where scikit-image's stood: who changes only the import keeps working.

Every test runs scikit-image's function too, so that what is asked of ours is what theirs does. The images hold black
and white, by which theirs scales.
"""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage
from skimage import segmentation

from classicseg import slic

FUNCTIONS = {"scikit-image": segmentation.slic, "classicseg": slic}
SHAPE = (24, 30)


def picture(n_channels=3):
    """Four quarters of far colours, a little noise, and the lowest and the highest value."""
    rng = np.random.default_rng(3)
    quarters = np.kron(rng.permutation(8)[:4].reshape(2, 2), np.ones((12, 15), int))
    image = np.stack([(quarters * (c + 3)) % 8 * 32 for c in range(n_channels)], axis=2)
    image = np.clip(image + rng.integers(-9, 10, image.shape), 0, 255).astype(np.uint8)
    image[0, 0], image[0, 1] = 0, 255
    return image


def frame():
    inside = np.zeros(SHAPE, bool)
    inside[2:-3, 1:-2] = True
    return inside


def both(image, *arguments, **options):
    """Return their labels and ours."""
    before = np.array(image)
    found = [function(image, *arguments, **options) for function in FUNCTIONS.values()]
    assert_array_equal(image, before)
    return found


def refusal(function, image, **options):
    with pytest.raises((ValueError, TypeError)) as caught:
        function(image, **options)
    return caught.type


def test_parameters_stand_in_their_order_with_their_defaults():
    theirs, ours = (list(inspect.signature(function).parameters.values()) for function in FUNCTIONS.values())
    told = [(parameter.name, parameter.default, parameter.kind) for parameter in theirs]
    assert told == [(parameter.name, parameter.default, parameter.kind) for parameter in ours[: len(theirs)]]
    assert {parameter.kind for parameter in ours[len(theirs) :]} == {inspect.Parameter.KEYWORD_ONLY}


def test_arguments_by_position():
    options = (7, 5, 4, 0, [1, 1.5], False, True, 0.2, 2.0, True, 0, frame())
    theirs, ours = both(picture(), *options)
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "float16", "float32", "float64", "bool"])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_dtypes(dtype, n_channels):
    image = picture(n_channels)
    top = np.iinfo(dtype).max if dtype[0] in "ui" else 1
    image = image > 90 if dtype == "bool" else (image / 255 * top).astype(dtype)
    for form, axis in ((image, -1), (image[..., 0], None)):
        theirs, ours = both(form, 12, 10.0 if axis and n_channels == 3 else 0.1, channel_axis=axis)
        assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_wide_integers_that_hold_8_bits(dtype):
    theirs, ours = both(picture().astype(dtype), 12)
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_channels_on_any_axis(axis):
    for n_channels in (2, 3, 5):
        image = picture(n_channels)
        theirs, ours = both(np.moveaxis(image, -1, axis), 12, 1.0, channel_axis=axis)
        assert_array_equal(ours, theirs)
        assert_array_equal(ours, slic(image, 12, 1.0))


@pytest.mark.parametrize(
    "mask",
    [frame(), frame().astype(np.uint8) * 255, frame().astype(np.int64), frame() * 0.5, frame().astype(np.float32)],
    ids=["bool", "0 and 255", "int64", "0 and 0.5", "float32"],
)
@pytest.mark.parametrize("options", [{}, {"start_label": 0}, {"slic_zero": True}, {"enforce_connectivity": False}])
def test_masks_and_what_lies_outside(mask, options):
    theirs, ours = both(picture(), 5, mask=mask, **options)
    assert_array_equal(ours, theirs)
    assert set(np.unique(ours[mask == 0])) == {options.get("start_label", 1) - 1}


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_sizes_are_shares_of_the_mask(share):
    """A small mask: superpixels of it are far below the mean size of the image's."""
    mask = np.zeros(SHAPE, bool)
    mask[5:17, 8:23] = True
    theirs, ours = both(picture(), 12, 1.0, mask=mask, min_size_factor=share, max_size_factor=1.2)
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_outside_the_mask_anything_may_be(hole):
    image = picture() / 255
    image[~frame()] = hole
    theirs, ours = both(image, 5, 0.1, mask=frame(), convert2lab=False)
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "options",
    [
        {"n_segments": np.int64(7)},
        {"n_segments": 1},
        {"n_segments": 10_000, "compactness": np.float32(3)},
        {"compactness": 30},
        {"compactness": 0.01, "convert2lab": False},
        {"max_num_iter": 1},
        {"sigma": np.float64(1)},
        {"sigma": [2, 0]},
        {"sigma": np.array([0.5, 1.5])},
        {"sigma": 1, "spacing": (3, 1)},
        {"spacing": np.array([1, 2])},
        {"convert2lab": True},
        {"start_label": 0},
        {"enforce_connectivity": False},
        {"enforce_connectivity": False, "start_label": 0},
        {"min_size_factor": 0, "max_size_factor": 1},
        {"slic_zero": True, "compactness": 1},
    ],
    ids=str,
)
def test_options(options):
    theirs, ours = both(picture(), **{"n_segments": 12, **options})
    assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (24, 1), (2, 2), (3, 29)])
def test_small_images(shape):
    image = picture()[: shape[0], : shape[1]]
    for options in ({"convert2lab": False}, {"slic_zero": True}):
        theirs, ours = both(image, 6, **options)
        assert_array_equal(ours, theirs)


NAN = np.where(frame()[..., None], np.nan, picture() / 255)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (picture()[..., :2], {"convert2lab": True}),
        (picture(), {"start_label": 2}),
        (picture()[..., 0], {}),
        (picture()[..., 0], {"channel_axis": 0}),
        (NAN, {}),
        (NAN, {"mask": frame()}),
        (np.where(np.isnan(NAN), -np.inf, NAN), {}),
        (np.where(np.isnan(NAN), np.inf, NAN), {"mask": frame()}),
        (np.zeros((0, 5, 3)), {}),
        (picture(), {"mask": np.ones((3, 3), bool)}),
        (picture(), {"mask": np.ones((*SHAPE, 3), bool)}),
        (picture(), {"channel_axis": 3}),
        (picture(), {"spacing": [1, 1, 1, 1]}),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_what_they_refuse_is_refused(image, options):
    assert [refusal(function, image, **options) for function in FUNCTIONS.values()][1] is ValueError


# --- The table of differences in the docstring, line by line ----------------------------------------------------


def test_scaling_is_fixed_and_theirs_on_request():
    dull = picture() // 3 + 40
    theirs, ours = both(dull, 12, 3.0)
    assert (ours != theirs).any()
    assert_array_equal(slic(dull, 12, 3.0, scaling="minmax"), theirs)
    for image, scaling in ((dull / 1.0, 255), (dull.astype(np.int32) << 20, 255 << 20)):
        assert_array_equal(segmentation.slic(image, 12, 3.0), theirs)
        assert refusal(slic, image) is ValueError
        assert_array_equal(slic(image, 12, 3.0, scaling="minmax"), theirs)
        assert_array_equal(slic(image, 12, 3.0, scaling=scaling), ours)


def test_under_a_mask_labels_are_connected_and_theirs_are_not():
    image = np.kron(np.random.default_rng(0).random((12, 15)), np.ones((2, 2)))
    image[0, :2] = 0, 1
    mask = np.random.default_rng(1).random(SHAPE) < 0.6
    theirs, ours = both(image, 20, 0.1, mask=mask, channel_axis=None)
    assert all(ndimage.label(ours == label)[1] == 1 for label in range(1, ours.max() + 1))
    assert any(ndimage.label(theirs == label)[1] > 1 for label in range(1, theirs.max() + 1))


def test_smoothing_stays_inside_the_mask_and_theirs_does_not():
    one, other = picture(), picture()
    other[~frame()] = 255 - other[~frame()]
    theirs, ours = zip(*(both(image, 9, sigma=2, mask=frame()) for image in (one, other)))
    assert (theirs[0] != theirs[1]).any()
    assert_array_equal(ours[0], ours[1])


def test_a_mask_of_no_pixel():
    assert refusal(segmentation.slic, picture(), mask=frame() & False) is ValueError
    for start_label in (0, 1):
        assert_array_equal(slic(picture(), mask=frame() & False, start_label=start_label), start_label - 1)


@pytest.mark.parametrize(("shape", "axis"), [((4, 5, 6), None), ((4, 5, 6, 3), -1)])
def test_volumes_are_refused(shape, axis):
    volume = np.random.default_rng(0).random(shape)
    assert segmentation.slic(volume, 4, channel_axis=axis).shape == (4, 5, 6)
    assert refusal(slic, volume, channel_axis=axis) is ValueError


@pytest.mark.parametrize("name", ["spacing", "sigma"])
def test_three_numbers_for_two_axes_are_refused(name):
    with pytest.warns(FutureWarning, match="a ValueError will be raised"):
        segmentation.slic(picture(), **{name: [1, 1, 1]})
    assert refusal(slic, picture(), **{name: [1, 1, 1]}) is ValueError


@pytest.mark.parametrize(
    "options",
    [
        {"compactness": -1},
        {"sigma": -1},
        {"n_segments": 9.5},
        {"max_num_iter": 0},
        {"max_size_factor": 0.25},
        {"convert2lab": True, "channel_axis": None},
    ],
    ids=str,
)
def test_options_of_no_meaning_are_refused(options):
    image = picture()[..., 0] if "channel_axis" in options else picture()
    assert segmentation.slic(image, **options).shape == SHAPE
    assert refusal(slic, image, **options) in (ValueError, TypeError)


def test_labels_take_half_the_room():
    assert [labels.dtype for labels in both(picture(), 9)] == [np.int64, np.int32]
