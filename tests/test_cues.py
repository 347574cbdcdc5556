"""Cues of regions: kinds of images, codes, masks, threads, outliers, errors."""

import os

import naive_cues as naive
import naive_features
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from patterns import holed_mask

from classicseg.features import _cues
from classicseg.features._cues import cues, scene_of

compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")
OUTSIDE = 255
FIELDS = ("strengths", "textons", "colors")


def equal(one, other, fields=FIELDS):
    for field in fields:
        assert_array_equal(getattr(one, field), getattr(other, field))


# --- Kinds of images -------------------------------------------------------------------------------------------


def picture(rng, shape=(40, 50)):
    image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    image[:, shape[1] // 2 :] = (200, 40, 90)
    return image


def test_colours_become_lab(rng):
    image = picture(rng)
    scene = scene_of(image)
    assert scene.planes.shape == (3, 40, 50)
    assert_allclose(scene.planes[:, 0, -1], naive_features.lab(np.array([200, 40, 90]) / 255), atol=3e-4)
    assert_array_equal(scene.light, scene.planes[0])
    assert_allclose(scene_of(image / 255).planes, scene.planes, atol=1e-3)
    assert_allclose(scene_of(image.astype(np.uint16) * 257).planes, scene.planes, atol=1e-3)
    assert_allclose(scene_of(image.astype(float), unit=255).planes, scene.planes, atol=1e-3)
    assert_allclose(scene_of(image.astype(int)).planes, scene.planes, atol=1e-3)  # as NumPy reads lists


def test_gray_is_the_lightness_of_that_gray(rng):
    gray = picture(rng)[..., 0]
    of_colours = scene_of(np.repeat(gray[..., None], 3, axis=2)).planes
    for image in (gray, gray[..., None], gray / 255, gray.astype(np.uint16) * 257, gray.astype(int)):
        scene = scene_of(image)
        assert_allclose(scene.planes, of_colours[:1], atol=1e-3)
        assert_array_equal(scene.light, scene.planes[0])


def test_ten_kelvin_are_the_range(rng):
    celsius = rng.normal(20, 8, (30, 40))
    for image, unit in ((celsius, None), (celsius.astype(np.float32), None), (celsius / 1000, 0.01)):
        assert_allclose(scene_of(image, unit=unit).planes, 10 * celsius[None], rtol=1e-5, atol=1e-4)
    counts = rng.integers(7000, 8000, (30, 40))
    assert_allclose(scene_of(counts.astype(np.uint16), unit=500).planes, counts[None] / 5, rtol=1e-5)
    assert_allclose(scene_of(counts).planes, counts[None] / 5, rtol=1e-5)


def test_a_change_of_all_channels_by_the_range_has_its_length():
    for image in (np.zeros((6, 9, 2), np.uint8), np.zeros((6, 9, 5), np.uint16), np.zeros((6, 9, 4))):
        image[:, 5:] = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
        planes = scene_of(image).planes
        assert_allclose(np.linalg.norm(planes[:, 0, 5] - planes[:, 0, 4]), 100, rtol=1e-5)
        assert_allclose(scene_of(image).light[0, 4:6], [0, 100], rtol=1e-5)


def test_one_pixel_does_not_change_what_an_image_is_taken_for(rng):
    gray, celsius = rng.random((30, 40)), rng.normal(20, 8, (30, 40))
    for image, colour in ((gray, False), (celsius, False), (rng.random((30, 40, 3)), True)):
        hot = image.copy()
        hot[3, 4] = 1000
        before, after = scene_of(image).planes, scene_of(hot).planes
        changed = np.unique(np.argwhere(before != after)[:, 1:], axis=0)
        assert_array_equal(changed, [[3, 4]])
        assert len(after) == (3 if colour else 1)


def test_depth_is_compared_by_its_logarithm(rng):
    image, depth = picture(rng), np.full((40, 50), 2.0)
    depth[:, 30:] = 2.2
    planes = scene_of(image, depth=depth).planes
    assert_array_equal(planes[:3], scene_of(image).planes)
    assert_allclose(planes[3, 0, 30] - planes[3, 0, 29], 100 * np.log(1.1), rtol=1e-4)
    millimetres = scene_of(image, depth=(depth * 1000).astype(np.uint16)).planes[3]
    assert_allclose(millimetres - planes[3], 100 * np.log(1000), rtol=1e-4)
    for hole in (np.nan, np.inf, 0, -1):
        damaged = depth.copy()
        damaged[10:13, 5:9] = damaged[3, 32] = hole
        assert_allclose(scene_of(image, depth=damaged).planes, planes, atol=1e-4)
    assert scene_of(image, depth=depth).is_lab


def test_a_hole_of_the_depth_becomes_a_slope(rng):
    image, depth = picture(rng, (60, 90)), np.full((60, 90), 2.0)
    depth[:, 60:] = 3.0
    depth[20:45, 45:75] = 0
    plane = scene_of(image, depth=depth).planes[3]
    known = depth > 0
    assert_allclose(plane[known], 100 * np.log(depth[known]), rtol=1e-6)
    assert plane.min() >= 100 * np.log(2) - 1e-4
    assert plane.max() <= 100 * np.log(3) + 1e-4
    line = plane[32, 44:76]
    assert np.diff(line).min() > -1e-4
    assert np.diff(line).max() < 8  # of the 40 between one side and the other
    one = np.zeros((60, 90))
    one[31, 17] = 2.0  # all but one pixel are a hole
    assert_allclose(scene_of(image, depth=one).planes[3], 100 * np.log(2), rtol=1e-6)


def test_depth_outside_the_mask_does_not_count(rng):
    image, mask = picture(rng), holed_mask(rng, (40, 50))
    depth = rng.uniform(1, 9, (40, 50)) * (rng.random((40, 50)) < 0.7)
    expected = cues(image, mask, depth)
    for value in (0, np.nan, 1e300, 5):
        other = np.where(mask, depth, value)
        found = cues(image, mask, other)
        equal(found, expected)
        assert_array_equal(found.planes[:, mask], expected.planes[:, mask])
        assert np.isfinite(found.planes).all()
    cues(image, np.zeros((40, 50), bool), depth)
    with pytest.raises(ValueError, match=r"^depth must hold a finite value above 0 inside the mask, got none$"):
        cues(image, mask, np.where(mask, 0, depth))


def test_depth_separates_what_looks_alike():
    image, depth = np.full((40, 50), 90, np.uint8), np.full((40, 50), 2.0)
    depth[:, 30:] = 3.0
    found = cues(image, depth=depth)
    assert found.strengths[:, 20, 29:31].min() > 0.1
    assert not found.textons.any()  # looked for in the image alone
    assert len(np.unique(found.colors)) == 1


def test_huge_values_stay_finite(rng):
    for image in (rng.random((20, 30)) * 1e38, rng.random((20, 30, 2)) * 1e300, rng.random((20, 30)) * 1e-300 + 2):
        if image.max() > 1e100:
            image /= 1e270  # within float32
        found = cues(image)
        assert np.isfinite(found.planes).all()
        assert np.isfinite(found.strengths).all()


# --- Codes -----------------------------------------------------------------------------------------------------


def test_colours_are_told_apart_by_the_palette(rng):
    image = picture(rng)
    scene = scene_of(image)
    values = [w * naive.smooth(plane, None, 1.0) for w, plane in zip(_cues.PALETTE_WEIGHTS, scene.planes)]
    expected, margin = naive.nearest(np.array(values).reshape(3, -1), np.array(_cues.PALETTE))
    clear = margin > 1e-2
    assert_array_equal(_cues.color_codes(scene).ravel()[clear], expected[clear])
    assert clear.mean() > 0.9
    assert len(set(expected)) > 8


def test_every_colour_of_the_palette_has_its_code():
    palette = np.array(_cues.PALETTE) / _cues.PALETTE_WEIGHTS
    planes = np.float32(palette.T[:, :, None, None].repeat(9, 2).repeat(9, 3))  # large patches, one beside the other
    for code, patch in enumerate(np.moveaxis(planes, 1, 0)):
        found = _cues.color_codes(_cues.Scene(patch.copy(), patch[0], True, None))
        assert (found == code).all()


def test_light_is_told_apart_by_steps():
    step = _cues.STEP
    light = np.array([0, 0.4, 1.2, 191.5, 192.1, 1000.5, -0.5, -192.5], np.float32) * np.float32(step)
    for value, code in zip(light, [0, 0, 1, 191, 0, 1000 % 192, 191, 191]):
        plane = np.full((1, 4, 5), value, np.float32)
        assert (_cues.color_codes(_cues.Scene(plane, plane[0], False, None)) == code).all()


# --- All cues --------------------------------------------------------------------------------------------------


@compiled
@pytest.mark.parametrize("masked", [False, True])
def test_no_bit_depends_on_the_threads(rng, masked):
    image = picture(rng, (200, 90))
    mask = holed_mask(rng, (200, 90)) if masked else None
    expected = cues(image, mask, n_threads=1)
    for n_threads in (2, 3, 7):
        equal(cues(image, mask, n_threads=n_threads), expected, ("planes", *FIELDS))


@pytest.mark.parametrize("kind", ["colours", "floats", "gray", "temperatures", "bands"])
def test_nothing_outside_the_mask_counts(rng, kind):
    image = picture(rng)
    image = {
        "colours": image,
        "floats": image / 255,
        "gray": image[..., 0],
        "temperatures": image[..., 0] / 9,
        "bands": image[..., :2] / 255,
    }[kind]
    mask = holed_mask(rng, image.shape[:2])
    expected = cues(image, mask)
    for field in ("textons", "colors"):
        assert_array_equal(getattr(expected, field) == OUTSIDE, ~mask)
    assert not expected.strengths[:, ~mask].any()
    for value in (0, 200) if image.dtype == np.uint8 else (np.nan, np.inf, -1e300, 7):
        other = image.copy()
        other[~mask] = value
        found = cues(other, mask)
        assert np.isfinite(found.planes).all()
        equal(found, expected)


def test_a_mask_of_all_changes_no_code(rng):
    image = picture(rng)
    found, expected = cues(image, np.ones((40, 50), bool)), cues(image)
    assert_allclose(found.strengths, expected.strengths, rtol=1e-4, atol=1e-5)
    assert (found.textons == expected.textons).mean() > 0.99
    assert (found.colors == expected.colors).mean() > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (2, 3)])
def test_small_images(rng, shape):
    found = cues(rng.integers(0, 256, (*shape, 3)).astype(np.uint8))
    assert found.strengths.shape == (3, *shape)
    assert found.textons.shape == found.colors.shape == shape
    assert found.colors.max() < _cues.N_COLORS
    assert found.textons.max() < _cues.N_TEXTONS


def test_an_empty_mask_leaves_all_outside(rng):
    found = cues(picture(rng), np.zeros((40, 50), bool))
    assert not found.strengths.any()
    assert (found.textons == OUTSIDE).all()
    assert (found.colors == OUTSIDE).all()


def test_a_constant_image_is_one_code():
    found = cues(np.full((30, 40, 3), 77, np.uint8))
    assert not found.strengths.any()
    assert not found.textons.any()
    assert len(np.unique(found.colors)) == 1


@compiled
def test_a_hot_pixel_changes_cues_around_it_only(rng):
    from scipy.ndimage import gaussian_filter

    image = gaussian_filter(rng.normal(0, 60, (120, 160)), 6) + 20  # °C
    hot = image.copy()
    hot[60, 80] = 5000
    before, after = cues(image), cues(hot)
    far = np.ones(image.shape, bool)
    far[60 - 14 : 60 + 15, 80 - 14 : 80 + 15] = False
    assert_array_equal(before.strengths[:, far], after.strengths[:, far])
    assert_array_equal(before.textons[far], after.textons[far])
    assert_array_equal(before.colors[far], after.colors[far])


def test_arguments_are_not_changed_and_any_strides_are_taken(rng):
    image = picture(rng)
    expected = cues(image)
    turned = np.asfortranarray(image)[::1]
    turned.setflags(write=False)
    equal(cues(turned), expected, ("planes", *FIELDS))
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, ::2] = image
    equal(cues(wide[:, ::2]), expected, ("planes", *FIELDS))


# --- Errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.full((4, 5), np.nan), {}, "image must be finite, got 20 NaN or infinite values; mark such pixels False in"),
        (np.full((4, 5, 3), 200.0), {}, "image must range over 0 to 1, got values beyond; divide by the highest value"),
        (np.zeros((4, 5)), {"depth": np.zeros((4, 5))}, "depth must hold a finite value above 0 somewhere, got none"),
    ],
)
def test_refused(image, options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        scene_of(image, **options)
