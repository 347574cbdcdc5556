"""Counts to °C: against the formula pixel by pixel, against its inverse, against published temperatures."""

import json
import math

import numpy as np
import pytest

from classicseg.thermal import read
from classicseg.thermal._radiometry import celsius_of_counts, counts_of_celsius, temperature_plane, transmission
from classicseg.thermal._rjpeg import DEFAULTS, write_flir_rjpeg

SCENES = [
    {},
    {"emissivity": 1.0},
    {"emissivity": 0.7, "reflected_celsius": -40.0},
    {"distance_m": 30.0, "relative_humidity": 0.8, "atmospheric_celsius": 35.0},
    {"window_transmission": 0.8, "window_celsius": 45.0, "distance_m": 3.0},
    {"planck_r1": 14748.0, "planck_r2": 0.011, "planck_b": 1393.3, "planck_f": 1.35, "planck_o": -5790.0},
]


def naive_celsius(count, p):
    """One pixel, in the words of the literature, with math only."""

    def counts_at(celsius):
        return (
            p["planck_r1"] / (p["planck_r2"] * (math.exp(p["planck_b"] / (celsius + 273.15)) - p["planck_f"]))
            - p["planck_o"]
        )

    e, w, air = p["emissivity"], p["window_transmission"], p["atmospheric_celsius"]
    water = p["relative_humidity"] * math.exp(1.5587 + 0.06939 * air - 0.00027816 * air**2 + 6.8455e-7 * air**3)
    half = math.sqrt(p["distance_m"] / 2)
    tau = p["atmospheric_x"] * math.exp(
        -half * (p["atmospheric_alpha1"] + p["atmospheric_beta1"] * math.sqrt(water))
    ) + (1 - p["atmospheric_x"]) * math.exp(
        -half * (p["atmospheric_alpha2"] + p["atmospheric_beta2"] * math.sqrt(water))
    )
    signal = count / e / tau / w / tau
    signal -= (1 - tau) / e / tau * counts_at(air)
    signal -= (1 - tau) / e / tau / w / tau * counts_at(air)
    signal -= (1 - w) / e / tau / w * counts_at(p["window_celsius"])
    signal -= (1 - e) / e * counts_at(p["reflected_celsius"])
    return (
        p["planck_b"] / math.log(p["planck_r1"] / (p["planck_r2"] * (signal + p["planck_o"])) + p["planck_f"]) - 273.15
    )


@pytest.mark.parametrize("scene", SCENES)
def test_table_equals_formula_per_pixel(scene, rng):
    parameters = {**DEFAULTS, **scene}
    middle = counts_of_celsius(parameters, np.array([5.0, 90.0]))
    raw = rng.integers(*middle.astype(int), (7, 9)).astype(np.uint16)
    expected = [[naive_celsius(int(count), parameters) for count in row] for row in raw]
    found = temperature_plane(parameters, raw)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("scene", SCENES)
def test_counts_are_the_inverse(scene):
    parameters = {**DEFAULTS, **scene}
    celsius = np.linspace(-30, 150, 50)
    np.testing.assert_allclose(
        celsius_of_counts(parameters, counts_of_celsius(parameters, celsius)), celsius, atol=1e-9
    )


def test_air_is_clear_at_distance_zero_and_dims_with_distance_and_humidity():
    at = lambda **changes: transmission({**DEFAULTS, **changes})  # noqa: E731
    assert at(distance_m=0) == 1
    assert 1 > at(distance_m=1) > at(distance_m=10) > at(distance_m=100) > 0
    assert at(distance_m=10, relative_humidity=0.1) > at(distance_m=10, relative_humidity=0.9)


def test_black_body_without_air_needs_no_surroundings():
    parameters = {**DEFAULTS, "emissivity": 1.0, "distance_m": 0.0}
    changed = {**parameters, "reflected_celsius": 80.0, "atmospheric_celsius": -20.0, "window_celsius": 60.0}
    counts = np.arange(2600, 2700)
    np.testing.assert_array_equal(celsius_of_counts(parameters, counts), celsius_of_counts(changed, counts))


def test_lower_emissivity_makes_a_hot_object_hotter(tmp_path):
    write_flir_rjpeg(tmp_path / "a.jpg", np.full((8, 8), 3500, np.uint16))
    temperatures = [read(tmp_path / "a.jpg", emissivity=e).temperature[0, 0] for e in (1.0, 0.9, 0.8)]
    assert temperatures[0] < temperatures[1] < temperatures[2]


def test_ends_of_the_counter_and_impossible_counts_are_nan(tmp_path):
    raw = np.full((8, 8), 3000, np.uint16)
    raw[0, :4] = 0, 1, 341, 65535  # 1 and 341 lie below the offset of -342: no radiation
    write_flir_rjpeg(tmp_path / "a.jpg", raw, parameters={"emissivity": 1.0})
    image = read(tmp_path / "a.jpg")
    assert np.isnan(image.temperature[0, :4]).all()
    assert np.isfinite(image.temperature[1:]).all()
    assert image.mask.sum() == 60
    assert any("4 pixels" in note for note in image.notes)


def test_counts_below_all_radiation_are_nan_with_any_constants():
    """With F above 1 the formula has an answer for them too: thousands of degrees, the hottest pixels of the frame."""
    parameters = {**DEFAULTS, "emissivity": 1.0, "planck_r1": 100.0, "planck_r2": 1.0, "planck_f": 1.35}
    found = celsius_of_counts({**parameters, "planck_o": -5000.0}, np.array([100, 4990, 5010]))
    assert np.isnan(found[:2]).all()
    assert np.isfinite(found[2])


def test_air_that_amplifies_is_refused():
    parameters = {**DEFAULTS, "atmospheric_x": 1.0, "atmospheric_celsius": 40.0, "relative_humidity": 1.0}
    with pytest.raises(ValueError, match=r"the air of this path lets 1\.\d+ of the radiation through"):
        celsius_of_counts({**parameters, "distance_m": 20.0}, 3000)


def test_saturation_has_its_own_rule():
    # With this offset every count has a temperature, so only the rule can take the ends out.
    plane = temperature_plane({**DEFAULTS, "planck_o": 500.0}, np.array([[0, 1, 65534, 65535]], np.uint16))
    assert np.isnan(plane[0, [0, 3]]).all()
    assert np.isfinite(plane[0, [1, 2]]).all()


def flir_files(folder):
    # Not the little-endian containers of dji_models and field_xt_r, on which flyr fails after seconds.
    patterns = ("flir_rjpeg/*.jpg", "pv_xt2/*_R.JPG")
    return [path for pattern in patterns for path in sorted((folder / "thermal").glob(pattern))]


def test_equals_flyr_on_every_file_it_reads(test_data):
    flyr = pytest.importorskip("flyr")
    compared = 0
    for path in flir_files(test_data):
        image = read(path)
        try:
            peer = flyr.unpack(str(path)).celsius
        except (KeyError, ValueError):
            continue  # 07_*, whose big-endian records it does not read
        assert np.abs(image.temperature - peer).max() < 0.001, path
        compared += 1
    assert compared >= 12


def test_equals_flyr_on_a_generated_file(tmp_path, rng):
    flyr = pytest.importorskip("flyr")
    for encoding in ("raw", "png"):
        path = tmp_path / f"{encoding}.jpg"
        raw = rng.integers(2500, 5000, (24, 32)).astype(np.uint16)
        write_flir_rjpeg(path, raw, encoding=encoding, parameters={"distance_m": 12.0, "emissivity": 0.83})
        assert np.abs(read(path).temperature - flyr.unpack(str(path)).celsius).max() < 0.001


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("flir_rjpeg/07_BillHotFlashThermography.jpg", 15, 40),  # a man indoors
        ("dji_models/XT2.jpg", 15, 90),
        ("dji_models/XTR.jpg", 10, 65),
        ("field_xt_r/DJI_0050.jpg", 5, 30),
    ],
)
def test_files_of_other_byte_orders_are_plausible(test_data, name, low, high):
    temperature = read(test_data / "thermal" / name).temperature
    assert low < temperature.min() < temperature.max() < high
    # A plane with swapped bytes is noise: neighbours differ as much as distant pixels.
    assert np.abs(np.diff(temperature, axis=1)).mean() < 0.2 * temperature.std()


def test_published_temperatures_of_the_e40bx(test_data):
    folder = test_data / "thermal" / "flir_rjpeg"
    difference = read(folder / "test_image_E40bx.jpg").temperature - np.loadtxt(folder / "test_image_E40bx.celsius.txt")
    assert np.abs(difference).max() <= 0.11
    assert abs(difference.mean()) <= 0.03


def test_published_tiffs_of_the_field_trial(test_data):
    for path in sorted((test_data / "thermal" / "field_xt_r").glob("*.jpg")):
        published = read(path.with_suffix(".milliC.tiff"), unit="millicelsius")
        assert np.abs(read(path, distance_m=0).temperature - published.temperature).max() <= 0.1


def test_published_boxes_of_the_xt2(test_data):
    folder = test_data / "thermal" / "pv_xt2"
    for name, boxes in json.loads((folder / "published_hotspots.json").read_text()).items():
        temperature = read(folder / name).temperature
        for box in boxes:
            col_min, row_min, col_max, row_max = map(int, box["bbox"])
            inside = temperature[row_min:row_max, col_min:col_max]
            assert inside.size == box["stats"]["area"]
            for statistic in (np.min, np.max, np.mean, np.median):
                assert abs(statistic(inside) - box["stats"][statistic.__name__.removeprefix("a")]) <= 0.2
