"""Hot spots: on made frames whose answer is known, and on real ones with published findings."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scenes import heat, module_field
from scipy import ndimage

from classicseg.thermal import SeverityProfile, ThermalImage, find_hotspots, fit_calibration, read
from classicseg.thermal._surfaces import find_modules

DEFECTS = {"cell": (20, 12, 26, 18, 15.0), "substring": (51, 88, 78, 95, 5.0), "module": (115, 158, 149, 180, 9.0)}


@pytest.fixture
def field(rng):
    return module_field(rng)


def hits(table, row, col):
    inside = (table["row_min"] <= row) & (row < table["row_max"]) & (table["col_min"] <= col) & (col < table["col_max"])
    return np.flatnonzero(inside)


def test_finds_the_modules(field):
    temperature, boxes = field
    found = find_modules(temperature, np.ones(temperature.shape, bool))
    assert len(boxes) * 0.9 <= len(found.centers) <= len(boxes)
    middles = np.array([[(a + c) / 2, (b + d) / 2] for a, b, c, d in boxes])
    nearest = np.sqrt(((found.centers[:, None] - middles) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.max() < 4
    soil = np.ones(temperature.shape, bool)
    for a, b, c, d in boxes:
        soil[a - 4 : c + 4, b - 4 : d + 4] = False
    assert not (found.owner[soil] > 0).any()


def test_a_healthy_field_has_none(rng):
    for _ in range(3):
        temperature, _ = module_field(rng)
        result = find_hotspots(temperature)
        assert result.n_modules > 20
        assert len(result) == 0
        assert not result.labels.any()


@pytest.mark.parametrize("kind", DEFECTS)
def test_finds_each_kind_of_defect_once(field, kind):
    temperature, _ = field
    *box, delta = DEFECTS[kind]
    result = find_hotspots(heat(temperature, box, delta))
    assert len(result) == 1, result.table
    assert_array_equal(hits(result.table, (box[0] + box[2]) // 2, (box[1] + box[3]) // 2), [0])
    assert_allclose(result.table["delta_celsius"][0], delta, atol=1.5)
    assert 0.5 < result.table["area_px"][0] / ((box[2] - box[0]) * (box[3] - box[1])) < 2


def test_all_defects_at_once_in_order_of_delta(field):
    temperature, _ = field
    for *box, delta in DEFECTS.values():
        temperature = heat(temperature, box, delta)
    result = find_hotspots(temperature)
    assert len(result) == 3
    assert (np.diff(result.table["delta_celsius"]) <= 0).all()
    assert_array_equal(np.unique(result.labels), [0, 1, 2, 3])
    assert list(result.table["severity"]) == ["medium", "low", "low"]


def test_the_table_tells_what_the_label_image_shows(field):
    temperature, _ = field
    for *box, delta in DEFECTS.values():
        temperature = heat(temperature, box, delta)
    result = find_hotspots(temperature)
    for i in range(len(result)):
        row = {name: column[i] for name, column in result.table.items()}
        spot = result.labels == row["label"]
        rows, cols = np.nonzero(spot)
        assert (row["row_min"], row["col_min"]) == (rows.min(), cols.min())
        assert (row["row_max"], row["col_max"]) == (rows.max() + 1, cols.max() + 1)
        assert row["area_px"] == spot.sum()
        assert_allclose([row["row"], row["col"]], [rows.mean(), cols.mean()])
        values = temperature[spot].astype(np.float64)
        assert_allclose(
            [row["min_celsius"], row["mean_celsius"], row["median_celsius"], row["max_celsius"]],
            [values.min(), values.mean(), np.median(values), values.max()],
        )
        assert_allclose(row["delta_celsius"], row["max_celsius"] - row["reference_celsius"])
        assert (result.surfaces[spot] > 0).all()


def test_warm_soil_between_rows_is_not_reported(field):
    temperature, boxes = field
    bottom = max(box[2] for box in boxes if box[0] < 100)
    hot = heat(temperature, (bottom + 10, 100, bottom + 18, 112), 25.0)
    assert len(find_hotspots(hot)) == 0


def test_counts_give_the_same_spots_without_a_severity(field):
    temperature, _ = field
    for *box, delta in DEFECTS.values():
        temperature = heat(temperature, box, delta)
    counts = np.rint(10000 + 50 * temperature).astype(np.uint16)
    image = ThermalImage(
        path="made", temperature=None, raw=counts, calibrated=False, unit="counts", parameters={}, mask=None
    )
    result = find_hotspots(image)
    spots, expected = result.labels > 0, find_hotspots(temperature).labels > 0
    assert (spots & expected).sum() > 0.95 * (spots | expected).sum()  # counts are rounded: a rim pixel may differ
    assert result.unit == "counts"
    assert set(result.table["severity"]) == {"unknown"}
    assert not [name for name in result.table if "celsius" in name]
    # the noise is 0.15 K, and rounding can decide which modules are the 8 nearest
    assert_allclose(result.table["delta_counts"] / 50, find_hotspots(temperature).table["delta_celsius"], atol=0.25)


def test_masked_and_nan_pixels_take_no_part(field):
    temperature, _ = field
    *box, delta = DEFECTS["cell"]
    hot = heat(temperature, box, delta)
    mask = np.ones(hot.shape, bool)
    mask[:40, :40] = False
    assert len(find_hotspots(hot)) == 1
    assert len(find_hotspots(hot, mask=mask)) == 0
    assert not find_hotspots(hot, mask=mask).surfaces[~mask].any()
    hot[:40, :40] = np.nan
    assert len(find_hotspots(hot)) == 0
    assert len(find_hotspots(np.full((50, 60), np.nan, np.float32))) == 0


def test_masked_pixels_and_nan_give_the_same(field):
    """A label that the camera burned into the frame must not reach the statistics of the modules around it."""
    temperature, _ = field
    *box, delta = DEFECTS["cell"]
    burned = heat(temperature, box, delta)
    burned[120:130, 60:140] = 500.0
    mask = np.ones(burned.shape, bool)
    mask[120:130, 60:140] = False
    hidden = np.where(mask, burned, np.nan).astype(np.float32)
    frame = ThermalImage("made", burned, None, calibrated=True, unit="celsius", mask=mask)
    expected = find_hotspots(hidden)
    assert len(expected) == 1
    for result in (find_hotspots(burned, mask=mask), find_hotspots(frame)):
        assert_array_equal(result.labels, expected.labels)
        assert_array_equal(result.surfaces, expected.surfaces)


def in_counts(temperature):
    counts = np.rint(10000 + 50 * temperature).astype(np.uint16)
    return ThermalImage("made", None, counts, calibrated=False, unit="counts")


def test_in_counts_the_noise_alone_decides(rng):
    """No smallest difference in K protects a frame in counts, so a healthy one tests the limits of noise."""
    for _ in range(3):
        temperature, _ = module_field(rng)
        assert len(find_hotspots(in_counts(temperature))) == 0
    *box, delta = DEFECTS["cell"]
    huge = SeverityProfile("huge", 1e6, (("low", 1e6),))
    assert len(find_hotspots(in_counts(heat(temperature, box, delta)), profile=huge)) == 1


def test_a_large_area_needs_less_heat_than_a_small_one(field):
    temperature, boxes = field
    top, left, bottom, _ = boxes[6]
    substring, cell = (top + 2, left + 8, bottom - 2, left + 15), (top + 12, left + 8, top + 16, left + 12)
    found = find_hotspots(in_counts(heat(temperature, substring, 2.5)))
    assert len(found) == 1
    assert found.table["area_px"][0] > 100
    assert len(find_hotspots(in_counts(heat(temperature, cell, 2.5)))) == 0
    assert len(find_hotspots(in_counts(heat(temperature, cell, 5.0)))) == 1


def test_a_frosty_plant_has_the_same_spots(field):
    """Below 0 °C, masked pixels must not count as warmer than all others."""
    temperature, _ = field
    for *box, delta in DEFECTS.values():
        temperature = heat(temperature, box, delta)
    mask = np.ones(temperature.shape, bool)
    mask[:, :9] = mask[80:86] = False
    result, frosty = find_hotspots(temperature, mask=mask), find_hotspots(temperature - 70, mask=mask)
    assert len(result) == 3
    assert_array_equal(frosty.labels, result.labels)
    assert_allclose(frosty.table["delta_celsius"], result.table["delta_celsius"], atol=1e-4)


def test_hot_neighbours_are_one_finding(field):
    """The frames between modules stay cold; a table with a row for each module of a string is a nuisance."""
    temperature, boxes = field
    tops = sorted({box[0] for box in boxes})
    block = [box for row in (0, 1) for box in [b for b in boxes if b[0] == tops[row]][4:6]]
    for box in block:  # three of the eight neighbours of each are as hot
        temperature = heat(temperature, box, 9.0)
    result = find_hotspots(temperature)
    assert len(result) == 1
    assert result.table["area_px"][0] > 0.8 * sum((c - a) * (d - b) for a, b, c, d in block)
    assert_allclose(result.table["delta_celsius"][0], 12, atol=2)  # 9 and the junction box's 3.5


def test_parts_that_share_a_corner_are_one_finding(field):
    temperature, boxes = field
    row, col = boxes[6][0] + 12, boxes[6][1] + 6
    temperature[row : row + 5, col : col + 5] += 15
    temperature[row + 5 : row + 10, col + 5 : col + 10] += 15
    result = find_hotspots(temperature)
    assert len(result) == 1
    assert_array_equal(result.table["area_px"], [50])


@pytest.mark.parametrize("degrees", [3, 12])
def test_turned_modules_are_no_findings(field, degrees):
    """Places of neighbours match to a pixel or two only, as in every real frame."""
    turned = ndimage.rotate(field[0], degrees, reshape=False, order=1, mode="reflect")
    result = find_hotspots(turned)
    assert result.n_modules > 40
    assert len(result) == 0


def test_the_profile_sets_the_smallest_difference(field):
    *box, delta = DEFECTS["cell"]
    hot = heat(field[0], box, delta)
    assert len(find_hotspots(hot, profile=SeverityProfile("deaf", 18.0, (("low", 18.0),)))) == 0
    assert len(find_hotspots(hot, profile=SeverityProfile("deaf", 18.0, (("low", 18.0),)), min_delta=3)) == 1


def test_min_delta_and_min_area(field):
    temperature, _ = field
    *box, delta = DEFECTS["cell"]
    hot = heat(temperature, box, delta)
    assert len(find_hotspots(hot, min_delta=12)) == 1
    assert len(find_hotspots(hot, min_delta=18)) == 0
    area = int(find_hotspots(hot).table["area_px"][0])
    assert len(find_hotspots(hot, min_area=area)) == 1
    assert len(find_hotspots(hot, min_area=area + 1)) == 0


def test_frames_without_modules(rng):
    for frame in (np.full((40, 50), 20.0), rng.normal(20, 3, (64, 64)), np.ones((1, 1)), np.ones((3, 200))):
        result = find_hotspots(frame)
        assert result.n_modules == 0
        assert len(result) == 0
        assert result.labels.shape == frame.shape


def test_the_same_bits_for_any_number_of_threads(field, monkeypatch):
    temperature, _ = field
    *box, delta = DEFECTS["cell"]
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CLASSICSEG_NUM_THREADS", threads)
        results.append(find_hotspots(heat(temperature, box, delta)))
    for result in results[1:]:
        assert_array_equal(result.labels, results[0].labels)
        for name, column in result.table.items():
            assert_array_equal(column, results[0].table[name])


def test_input_is_unchanged_and_result_pickles(field):
    temperature, _ = field
    temperature.setflags(write=False)
    before = temperature.copy()
    result = pickle.loads(pickle.dumps(find_hotspots(temperature)))
    assert_array_equal(temperature, before)
    assert result.profile == "IEC-62446-3-style"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"profile": "none.toml"}, ValueError, "profile must be one of 'IEC-62446-3-style' or the path of a TOML file"),
        ({"min_delta": -1}, ValueError, "min_delta must be at least 0, got -1.0"),
        ({"min_area": 0}, ValueError, "min_area must be at least 1, got 0"),
        ({"mask": np.ones((2, 2), bool)}, ValueError, "mask must have the image's shape (8, 8), got (2, 2)"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error) as caught:
        find_hotspots(np.ones((8, 8)), **options)
    assert message in str(caught.value)


def test_colour_pictures_are_refused():
    with pytest.raises(ValueError, match=r"image must have shape \(M, N\), got \(8, 8, 3\)"):
        find_hotspots(np.ones((8, 8, 3)))


# --- real frames ---


@pytest.mark.parametrize(("name", "row", "col"), [("DJI_0002_R", 65, 450), ("DJI_0004_R", 286, 452)])
def test_published_spot_of_the_xt2_frames(test_data, name, row, col):
    """Public frames of github.com/ManishSahu53/solarHotspotAnalysis: one published spot each."""
    result = find_hotspots(read(test_data / "thermal" / "pv_xt2" / f"{name}.JPG"))
    assert_array_equal(hits(result.table, row - 3, col), [0])
    assert len(result) <= 3


M3T = "DJI_20250829140924_0508_T"
FINDINGS = {"hot module": (340, 233), "warm substring": (103, 286), "cell": (181, 382)}


@pytest.mark.parametrize("unit", ["counts", "celsius"])
def test_three_findings_of_the_m3t_frame(test_data, unit):
    """Public frame of github.com/jlkessler/solar-hotspot-detection-app, in counts and with a fitted table."""
    folder = test_data / "thermal" / "pv_m3t"
    image = read(folder / f"{M3T}.JPG")
    if unit == "celsius":
        vendor = np.asarray(Image.open(folder / f"{M3T}.sdk_centiK.tiff")) / 100 - 273.15
        image = read(folder / f"{M3T}.JPG", calibration=fit_calibration(image, vendor))
    result = find_hotspots(image)
    assert result.unit == unit
    found = {name: hits(result.table, *place) for name, place in FINDINGS.items()}
    assert all(len(rows) == 1 for rows in found.values()), found
    assert len(result) <= 5
    assert found["hot module"] == 0
    substring = {k: v[found["warm substring"][0]] for k, v in result.table.items()}
    assert substring["row_max"] - substring["row_min"] > 40
    assert substring["col_max"] - substring["col_min"] < 20


def test_the_field_trial_has_none(test_data):
    """A plot trial without solar modules (github.com/TreAgron/ThermalMultiviewExample)."""
    for name in ("DJI_0050", "DJI_0053"):
        assert len(find_hotspots(read(test_data / "thermal" / "field_xt_r" / f"{name}.jpg"))) == 0
