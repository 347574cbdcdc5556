"""Hot spots with mean shift telling smooth from rough; what k-means does is in test_surfaces.py."""

import itertools
import re

import numpy as np
import pytest
from naive_mean_shift import climb_opencv
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scenes import heat, module_field
from scipy import ndimage

from classicseg.batch import BatchOptions
from classicseg.thermal import ThermalImage, _smooth, find_hotspots, fit_calibration, read
from classicseg.thermal._smooth import DOUBT, LEVELS, SMOOTH, Measures, Windows, _by_mean_shift, smooth_parts

DEFECTS = {"cell": (20, 12, 26, 18, 15.0), "substring": (51, 88, 78, 95, 5.0), "module": (115, 158, 149, 180, 9.0)}


@pytest.fixture
def field(rng):
    return module_field(rng)


def shifted(image, **options):
    return find_hotspots(image, method="mean_shift", **options)


def assert_same(found, expected):
    assert_array_equal(found.labels, expected.labels)
    assert_array_equal(found.surfaces, expected.surfaces)
    assert found.n_modules == expected.n_modules
    for name, column in found.table.items():
        assert_array_equal(column, expected.table[name])


def test_a_healthy_field_shows_its_modules_and_no_spot(rng):
    for _ in range(3):
        temperature, boxes = module_field(rng)
        result = shifted(temperature)
        assert result.n_modules == len(boxes)
        assert len(result) == 0
        soil = np.ones(temperature.shape, bool)
        for top, left, bottom, right in boxes:
            soil[top - 6 : bottom + 6, left - 6 : right + 6] = False
        assert not result.surfaces[soil].any()


@pytest.mark.parametrize("kind", DEFECTS)
def test_each_kind_of_defect_is_found_once(field, kind):
    *box, delta = DEFECTS[kind]
    result = shifted(heat(field[0], box, delta))
    assert len(result) == 1
    assert (result.labels[box[0] : box[2], box[1] : box[3]] == 1).mean() > 0.5
    assert_allclose(result.table["delta_celsius"][0], delta, atol=1.5)


@pytest.mark.parametrize("degrees", [3, 12])
def test_turned_modules_are_no_findings(field, degrees):
    turned = ndimage.rotate(field[0], degrees, reshape=False, order=1, mode="reflect")
    result = shifted(turned)
    assert result.n_modules > 40
    assert len(result) == 0


def test_frames_without_modules(rng):
    for frame in (np.full((40, 50), 20.0), rng.normal(20, 3, (64, 64)), np.ones((1, 1)), np.full((9, 9), np.nan)):
        result = shifted(frame)
        assert (result.n_modules, len(result)) == (0, 0)


def test_counts_give_the_same_modules(field):
    """Bandwidths are in octaves of the frame's own texture, so they mean the same in any unit."""
    *box, delta = DEFECTS["module"]
    hot = heat(field[0], box, delta)
    counts = np.rint(10000 + 50 * hot).astype(np.uint16)
    found = shifted(ThermalImage("made", None, counts, calibrated=False, unit="counts"))
    expected = shifted(hot)
    assert found.n_modules == expected.n_modules == len(field[1])
    assert len(found) == len(expected) == 1
    assert_allclose(found.table["delta_counts"] / 50, expected.table["delta_celsius"], atol=0.25)


def test_masked_pixels_act_on_none(field):
    """Beside a label that the camera burned in, a pixel that counted it would climb to its value."""
    *box, delta = DEFECTS["cell"]
    burned = heat(field[0], box, delta)
    burned[118:132, 60:140] = 500.0
    mask = np.ones(burned.shape, bool)
    mask[118:132, 60:140] = False
    result = shifted(burned, mask=mask)
    assert_same(result, shifted(np.where(mask, burned, np.nan)))
    assert len(result) == 1
    assert not result.surfaces[~mask].any()


def test_the_same_bits_for_any_number_of_threads(field, monkeypatch):
    *box, delta = DEFECTS["cell"]
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CLASSICSEG_NUM_THREADS", threads)
        results.append(shifted(heat(field[0], box, delta)))
    assert len(results[0]) == 1
    for result in results[1:]:
        assert_same(result, results[0])


# --- What is smooth ---


def test_a_pixel_is_smooth_when_its_mode_is(rng):
    """Equal to the plain climb of every pixel, at each of the three limits, with pixels outside."""
    shape, windows = (13, 15), Windows(2, 1.5)
    temperature = rng.uniform(-0.8, 4.8, shape).astype(np.float32)
    texture = np.where(np.arange(15) < 8, 0.9, 2.2) + rng.normal(0, 0.6, shape)
    texture[5, 5] = 8.5  # beyond what a byte holds, where 272 would be 16
    texture = np.maximum(texture, 0).astype(np.float32)
    inside = rng.random(shape) < 0.9
    image = np.stack([np.rint((temperature + 0.8) * 32), np.minimum(np.rint(texture * 32), 255)], axis=2)
    modes = np.array([
        climb_opencv(image, y, x, 2, 48.0, mask=inside)[0][1] for y, x in zip(*np.nonzero(inside))
    ])  # fmt: skip
    measures = Measures(temperature, texture, np.zeros(2, np.float32))
    parts = [smooth[inside] for smooth in _by_mean_shift(measures, inside, windows)]
    for part, limit in zip(parts, (SMOOTH, SMOOTH + DOUBT, SMOOTH - DOUBT), strict=True):
        assert_array_equal(part, modes < limit * LEVELS)
    assert len({part.tobytes() for part in parts}) == 3
    assert (modes != image[inside][:, 1]).mean() > 0.3


def test_a_texture_at_the_limit_is_rough():
    measures = Measures(np.zeros((3, 4), np.float32), np.full((3, 4), SMOOTH, np.float32), np.zeros(2, np.float32))
    parts = list(_by_mean_shift(measures, np.ones((3, 4), bool), Windows()))
    assert [part.any() for part in parts] == [False, True, False]


def test_what_is_outside_is_never_smooth(field):
    inside = np.ones(field[0].shape, bool)
    inside[20:40, 30:90] = False
    for windows in (None, Windows()):
        for smooth in smooth_parts(field[0], inside, windows):
            assert smooth[~inside].sum() == 0
            assert smooth[inside].any()


def test_bandwidths_and_mask_reach_the_windows(rng, monkeypatch):
    seen = []

    def filtered(image, *args, **options):
        seen.append((args, options))
        return image

    monkeypatch.setattr(_smooth, "mean_shift_filter", filtered)
    frame, mask = rng.normal(20, 3, (40, 40)), np.arange(1600).reshape(40, 40) > 7
    shifted(frame)
    shifted(frame, mask=mask, spatial_bandwidth=7, range_bandwidth=1.25)
    assert seen[0] == ((3, 0.4 * LEVELS), {"kernel": "opencv", "mask": None})
    assert seen[1][0] == (7, 1.25 * LEVELS)
    assert_array_equal(seen[1][1]["mask"], mask)


# --- Options ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "slic"}, ValueError, "method must be one of 'kmeans', 'mean_shift', got 'slic'"),
        (
            {"spatial_bandwidth": 4},
            ValueError,
            "spatial_bandwidth must go with method='mean_shift', got it with 'kmeans'; leave it out",
        ),
        (
            {"range_bandwidth": 1.0, "method": "kmeans"},
            ValueError,
            "range_bandwidth must go with method='mean_shift', got it with 'kmeans'; leave it out",
        ),
        (
            {"method": "mean_shift", "spatial_bandwidth": 0},
            ValueError,
            "spatial_bandwidth must be at least 1, got 0",
        ),
        (
            {"method": "mean_shift", "spatial_bandwidth": 65},
            ValueError,
            "spatial_bandwidth must be at most 64, got 65",
        ),
        (
            {"method": "mean_shift", "spatial_bandwidth": 4.5},
            TypeError,
            "spatial_bandwidth must be an integer, got 4.5 of type float",
        ),
        (
            {"method": "mean_shift", "range_bandwidth": 0.01},
            ValueError,
            "range_bandwidth must be at least 0.05, got 0.01",
        ),
        (
            {"method": "mean_shift", "range_bandwidth": 9},
            ValueError,
            "range_bandwidth must be at most 8.0, got 9.0",
        ),
    ],
)
def test_bad_options(options, error, message):
    """The same words from one frame and from a run, which refuses them before the first frame."""
    for call in (lambda: find_hotspots(np.ones((8, 8)), **options), lambda: BatchOptions(**options)):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()


def test_given_defaults_are_the_defaults(field):
    result = shifted(field[0])
    assert_same(shifted(field[0], **Windows()._asdict()), result)


def test_the_widest_windows_are_taken(rng):
    frame = rng.normal(20, 3, (40, 40))
    for space, levels in itertools.product((1, 64), (0.05, 8.0)):
        assert shifted(frame, spatial_bandwidth=space, range_bandwidth=levels).n_modules == 0


# --- Real frames ---


@pytest.mark.parametrize(("name", "row", "col"), [("DJI_0002_R", 65, 450), ("DJI_0004_R", 286, 452)])
def test_published_spot_of_the_xt2_frames(test_data, name, row, col):
    """Public frames of github.com/ManishSahu53/solarHotspotAnalysis: one published spot each."""
    result = shifted(read(test_data / "thermal" / "pv_xt2" / f"{name}.JPG"))
    assert (result.labels[row - 6 : row + 1, col - 3 : col + 4] == 1).any()
    assert len(result) <= 3


@pytest.mark.parametrize("unit", ["counts", "celsius"])
def test_three_findings_of_the_m3t_frame(test_data, unit):
    """Public frame of github.com/jlkessler/solar-hotspot-detection-app, in counts and with a fitted table."""
    stem = test_data / "thermal" / "pv_m3t" / "DJI_20250829140924_0508_T"
    image = read(f"{stem}.JPG")
    if unit == "celsius":
        vendor = np.asarray(Image.open(f"{stem}.sdk_centiK.tiff")) / 100 - 273.15
        image = read(f"{stem}.JPG", calibration=fit_calibration(image, vendor))
    result = shifted(image)
    for row, col in ((340, 233), (103, 286), (181, 382)):
        assert result.labels[row - 3 : row + 4, col - 3 : col + 4].any()
    assert len(result) <= 5


def test_the_field_trial_has_none(test_data):
    """A plot trial without solar modules (github.com/TreAgron/ThermalMultiviewExample)."""
    for name in ("DJI_0050", "DJI_0053"):
        assert len(shifted(read(test_data / "thermal" / "field_xt_r" / f"{name}.jpg"))) == 0
