"""Tables from counts to °C: exact where they were fitted, honest outside, refused for other cameras."""

import json
import pickle

import numpy as np
import pytest
from PIL import Image

from classicseg import FileFormatError
from classicseg._errors import MisfitError
from classicseg.thermal import Calibration, Camera, Parameter, ThermalImage, fit_calibration, read


def frame(raw, **fields):
    """A frame of counts, as `read` gives for a camera that keeps its formula to itself."""
    parameters = {"emissivity": Parameter(0.95, "1", "file")}
    fields = {"parameters": parameters, "camera": Camera("M", "T-1", "S1"), **fields}
    return ThermalImage("frame.jpg", None, raw, calibrated=False, unit="counts", **fields)


@pytest.fixture
def raw(rng):
    return rng.integers(18000, 19000, (40, 50)).astype(np.uint16)


def vendor(raw):
    return (np.rint((20 + 0.02 * (raw - 18000.0) + 3e-6 * (raw - 18000.0) ** 2) * 100) / 100).astype(np.float32)


def test_fitted_frame_is_exact(raw):
    calibration = fit_calibration(frame(raw), vendor(raw))
    np.testing.assert_array_equal(calibration.apply(raw), vendor(raw))
    assert calibration.n_outside(raw) == 0
    assert (calibration.model, calibration.serial_number) == ("T-1", "S1")
    assert dict(calibration.parameters) == {"emissivity": 0.95}


def test_between_counts_it_is_linear_and_outside_it_goes_on():
    calibration = Calibration([100, 200, 300], [10.0, 20.0, 40.0])
    found = calibration.apply(np.array([[100, 150, 200, 275, 300]], np.uint16))
    np.testing.assert_allclose(found, [[10, 15, 20, 35, 40]])
    # The outermost tenth of the range, 20 counts: 0.1 °C per count below, 0.2 above.
    np.testing.assert_allclose(calibration.apply(np.array([[90, 350]], np.uint16)), [[9, 50]])
    assert calibration.n_outside(np.array([[90, 100, 300, 350]], np.uint16)) == 2


def test_the_outermost_tenth_alone_gives_the_slope():
    calibration = Calibration([100, 110, 190, 200], [0.0, 20.0, 28.0, 58.0])
    np.testing.assert_allclose(calibration.apply(np.array([[95, 205]], np.uint16)), [[-10, 73]])


def test_tail_slope_does_not_hang_on_the_last_step():
    # Vendors round to 0.1 °C: the last two counts of a table may be equal or a whole step apart.
    counts = np.arange(1000, 2000)
    calibration = Calibration(counts, np.round(0.01 * counts, 1))
    np.testing.assert_allclose(calibration.apply(np.array([[900, 2100]], np.uint16)), [[9, 21]], atol=0.1)


def tiff_of_counts(path, raw, model="T-1", serial="S1"):
    Image.fromarray(raw).save(path, tiffinfo={271: "M", 272: model, 50735: serial})


def test_read_applies_it_and_notes_what_is_outside(tmp_path, raw):
    calibration = fit_calibration(frame(raw, parameters={}), vendor(raw))
    hot = raw.copy()
    hot[:2, :5] = 25000
    tiff_of_counts(tmp_path / "a.tiff", hot)
    image = read(tmp_path / "a.tiff", calibration=calibration)
    assert image.calibrated
    assert image.unit == "celsius"
    np.testing.assert_array_equal(image.temperature[2:], vendor(raw)[2:])
    assert image.temperature[0, 0] > image.temperature[2:].max()
    assert any(note.endswith("that the calibration was fitted on: 10 pixels") for note in image.notes)


def test_nodata_is_no_temperature_and_not_outside(tmp_path, raw):
    calibration = fit_calibration(frame(raw, parameters={}), vendor(raw))
    raw[3, 4] = 0
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={271: "M", 272: "T-1", 50735: "S1", 42113: "0"})
    image = read(tmp_path / "a.tiff", calibration=calibration)
    assert np.argwhere(np.isnan(image.temperature)).tolist() == [[3, 4]]
    assert np.argwhere(~image.mask).tolist() == [[3, 4]]
    assert not any("outside" in note for note in image.notes)


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        (Camera("M", "T-1", "S2"), "camera serial number 'S2'; expected 'S1'"),
        (Camera("M", "T-1", None), "camera serial number None; expected 'S1'"),
        (Camera("M", "T-2", "S1"), "camera model 'T-2'; expected 'T-1'"),
    ],
)
def test_other_cameras_are_refused_unless_told(raw, camera, words):
    calibration = fit_calibration(frame(raw), vendor(raw))
    parameters = {"emissivity": Parameter(0.95, "1", "file")}
    with pytest.raises(MisfitError, match=words) as caught:
        calibration.check_frame("b.jpg", camera, parameters)
    assert pickle.loads(pickle.dumps(caught.value)).options == ("calibration",)
    calibration.check_frame("b.jpg", Camera("M", "T-1", "S1"), parameters)
    calibration.unbound().check_frame("b.jpg", camera, parameters)


@pytest.mark.parametrize(("stated", "words"), [(0.9, "emissivity 0.9"), (None, "emissivity None")])
def test_other_parameters_are_refused(raw, stated, words):
    calibration = fit_calibration(frame(raw), vendor(raw))
    parameters = {} if stated is None else {"emissivity": Parameter(stated, "1", "file")}
    with pytest.raises(FileFormatError, match=f"{words}; expected 0.95"):
        calibration.check_frame("b.jpg", Camera("M", "T-1", "S1"), parameters)
    calibration.unbound().check_frame("b.jpg", Camera("M", "T-1", "S1"), parameters)


def test_it_survives_saving_and_pickling(tmp_path, raw):
    calibration = fit_calibration(frame(raw), vendor(raw))
    calibration.save(tmp_path / "c.json")
    for copy in (Calibration.load(tmp_path / "c.json"), pickle.loads(pickle.dumps(calibration))):
        np.testing.assert_array_equal(copy.raw, calibration.raw)
        np.testing.assert_array_equal(copy.celsius, calibration.celsius)
        assert dict(copy.parameters) == dict(calibration.parameters)
        assert (copy.model, copy.serial_number, copy.source) == ("T-1", "S1", "frame.jpg")
    tiff_of_counts(tmp_path / "a.tiff", raw)
    with pytest.raises(FileFormatError, match="emissivity None"):  # a TIFF states none
        read(tmp_path / "a.tiff", calibration=tmp_path / "c.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"nonsense", b'{"format": "classicseg-calibration-1"}', b"[" * 100_000, b"\xff\xfe"],
)
def test_broken_calibration_file_is_named(tmp_path, content):
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"c\.json"):
        Calibration.load(tmp_path / "c.json")


def test_impossible_table_in_a_file_is_named(tmp_path):
    Calibration([1, 2], [3.0, 4.0]).save(tmp_path / "c.json")
    content = json.loads((tmp_path / "c.json").read_text())
    content["raw"] = [2, 1]
    (tmp_path / "c.json").write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match="strictly increasing"):
        Calibration.load(tmp_path / "c.json")
    with pytest.raises(FileFormatError, match="No such file"):
        Calibration.load(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("raw_table", "celsius", "words"),
    [
        ([1], [1.0], "length of at least 2"),
        ([1, 2], [1.0], "one length"),
        ([1, 1], [1.0, 2.0], "strictly increasing"),
        ([1, 70000], [1.0, 2.0], "0 to 65535"),
        ([1.0, 2.0], [1.0, 2.0], "integers"),
        ([1, 2], [2.0, 1.0], "nowhere decrease"),
        ([1, 2], [1.0, np.nan], "finite"),
    ],
)
def test_impossible_tables(raw_table, celsius, words):
    with pytest.raises(ValueError, match=words):
        Calibration(raw_table, celsius)


def test_temperatures_of_another_frame_are_noticed(raw, rng):
    with pytest.raises(ValueError, match="temperature must follow from raw alone"):
        fit_calibration(frame(raw), rng.permutation(vendor(raw).ravel()).reshape(raw.shape))
    with pytest.raises(ValueError, match=r"shape \(40, 50\), got \(39, 50\)"):
        fit_calibration(frame(raw), vendor(raw)[1:])
    with pytest.raises(ValueError, match="at least 2 different"):
        fit_calibration(frame(np.full((3, 3), 7, np.uint16)), np.ones((3, 3)))


def test_tolerance_takes_the_mean(raw, rng):
    noisy = vendor(raw) + rng.uniform(-0.001, 0.001, raw.shape)
    calibration = fit_calibration(frame(raw), noisy, tolerance_celsius=0.01)
    assert np.abs(calibration.apply(raw) - vendor(raw)).max() < 0.001


def test_tolerance_takes_the_mean_of_uneven_temperatures():
    raw, celsius = np.array([[100, 100, 100, 200]], np.uint16), [[10.0, 10.1, 10.2, 20.0]]
    np.testing.assert_allclose(fit_calibration(frame(raw), celsius, tolerance_celsius=0.3).celsius, [10.1, 20.0])


def test_nan_temperatures_and_masked_pixels_are_left_out(raw):
    celsius = vendor(raw)
    celsius[0] = np.nan
    mask = np.ones(raw.shape, bool)
    mask[1], celsius[1] = False, 500.0
    np.testing.assert_array_equal(fit_calibration(frame(raw, mask=mask), celsius).apply(raw[2:]), vendor(raw)[2:])


def test_tables_are_not_shared_with_the_caller():
    counts, celsius = np.array([1, 2]), np.array([3.0, 4.0])
    calibration = Calibration(counts, celsius)
    counts[0], celsius[0] = 0, 0
    assert calibration.raw[0] == 1
    assert calibration.celsius[0] == 3
    with pytest.raises(ValueError, match="read-only"):
        calibration.raw[0] = 9


def vendor_tiffs(folder):
    for path in sorted((folder / "thermal").glob("*/*.sdk_centiK.tiff")):
        stem = path.name.removesuffix(".sdk_centiK.tiff")
        yield next(other for other in path.parent.iterdir() if other.name in (f"{stem}.jpg", f"{stem}.JPG")), path


def test_every_dji_frame_maps_to_its_vendor_temperatures(test_data):
    pairs = list(vendor_tiffs(test_data))
    assert len(pairs) >= 10
    for frame_path, tiff in pairs:
        calibration = fit_calibration(frame_path, tiff, unit="centikelvin")
        image = read(frame_path, calibration=calibration)
        np.testing.assert_array_equal(image.temperature, read(tiff, unit="centikelvin").temperature)
        assert not any("outside" in note for note in image.notes)


def test_one_frame_calibrates_the_next_of_the_same_flight(test_data):
    folder = test_data / "thermal" / "overlap_m2ea"
    first, second = (folder / f"DJI_20250117{name}_T" for name in ("111415_0159", "111418_0161"))
    calibration = fit_calibration(f"{first}.JPG", f"{first}.sdk_centiK.tiff", unit="centikelvin")
    found = read(f"{second}.JPG", calibration=calibration).temperature
    assert np.abs(found - read(f"{second}.sdk_centiK.tiff", unit="centikelvin").temperature).max() < 0.02
    other = test_data / "thermal" / "dji_models" / "M2EA_0001.jpg"
    with pytest.raises(FileFormatError, match="serial number"):
        read(other, calibration=calibration)
    assert read(other, calibration=calibration.unbound()).calibrated


def test_dividing_by_64_is_not_what_the_table_says(test_data):
    folder = test_data / "thermal" / "pv_m3t"
    path = next(folder.glob("*_T.JPG"))
    calibration = fit_calibration(path, next(folder.glob("*.tiff")), unit="centikelvin")
    image = read(path, calibration=calibration)
    assert np.abs(image.raw / 64 - 273.15 - image.temperature).max() > 5


def pooled(means, weights):
    """Pool adjacent violators until none is left."""
    pools = [[mean, weight, 1] for mean, weight in zip(means, weights, strict=True)]
    while falls := [i for i in range(len(pools) - 1) if pools[i][0] > pools[i + 1][0]]:
        (a, m, k), (b, n, j) = pools[falls[0]], pools.pop(falls[0] + 1)
        pools[falls[0]] = [(a * m + b * n) / (m + n), m + n, k + j]
    return np.repeat([pool[0] for pool in pools], [pool[2] for pool in pools])


def test_a_tolerance_takes_rounded_and_noisy_temperatures(rng):
    """Neighbouring counts lie 0.01 °C apart and their means by more: the table that rises and is nearest is taken."""
    raw = rng.integers(18000, 18400, (60, 80)).astype(np.uint16)
    true = 20 + 0.01 * (raw - 18000.0)
    noisy = true + rng.normal(0, 0.02, raw.shape)
    with pytest.raises(ValueError, match="raise tolerance_celsius"):
        fit_calibration(frame(raw), noisy)
    calibration = fit_calibration(frame(raw), noisy, tolerance_celsius=2.0)
    assert (np.diff(calibration.celsius) >= 0).all()
    assert np.abs(calibration.apply(raw) - true).max() < 0.04
    counts, index, weights = np.unique(raw, return_inverse=True, return_counts=True)
    means = np.bincount(index.ravel(), noisy.ravel()) / weights
    expected = pooled(means, weights)
    assert (np.diff(means) < 0).any()
    np.testing.assert_array_equal(calibration.raw, counts)
    np.testing.assert_allclose(calibration.celsius, expected, atol=1e-9)


@pytest.mark.parametrize(("tolerance", "error"), [(-1, ValueError), (np.nan, ValueError), ("1", TypeError)])
def test_a_tolerance_that_is_none(raw, tolerance, error):
    with pytest.raises(error, match="tolerance_celsius must be"):
        fit_calibration(frame(raw), vendor(raw), tolerance_celsius=tolerance)
