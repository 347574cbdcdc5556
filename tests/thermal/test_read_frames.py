"""`read` on FLIR, DJI and TIFF files: every variant of the layout, every promise of the docstring."""

import pickle
import struct
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from classicseg import FileFormatError, NotRadiometricError
from classicseg.thermal import Camera, Position, read
from classicseg.thermal._flir import read_records
from classicseg.thermal._rjpeg import DEFAULTS, fff_container, flir_segments, write_flir_rjpeg

JPEG_END = b"\xff\xda\x00\x02\xff\xd9"


@pytest.fixture
def raw(rng):
    return rng.integers(2500, 4000, (20, 30)).astype(np.uint16)


@pytest.mark.parametrize("encoding", ["raw", "png"])
@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("container_order", ["little", "big"])
def test_every_layout_reads_the_same(tmp_path, raw, encoding, byte_order, container_order):
    write_flir_rjpeg(tmp_path / "plain.jpg", raw)
    layout = {"encoding": encoding, "byte_order": byte_order, "container_order": container_order, "segment_bytes": 700}
    write_flir_rjpeg(tmp_path / "other.jpg", raw, **layout)
    plain, other = read(tmp_path / "plain.jpg"), read(tmp_path / "other.jpg")
    np.testing.assert_array_equal(other.raw, raw)
    np.testing.assert_array_equal(other.temperature, plain.temperature)
    assert dict(other.parameters) == dict(plain.parameters)
    assert other.raw.dtype == np.uint16
    assert other.raw.dtype.isnative


def segments_of(raw, size=500):
    container = fff_container(raw, DEFAULTS, Camera(), None, "raw", (">", "<"))
    joined, parts = flir_segments(container, size), []
    while joined:
        length = 2 + int.from_bytes(joined[2:4], "big")
        parts.append(joined[:length])
        joined = joined[length:]
    return parts


def test_segments_in_any_order_with_others_between(tmp_path, raw, rng):
    parts = segments_of(raw)
    assert len(parts) > 5
    other = b"\xff\xe1\x00\x08abcdef"
    mixed = [piece for at in rng.permutation(len(parts)) for piece in (parts[at], other)]
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"\xff\xff".join(mixed) + JPEG_END)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg").raw, raw)


def test_repeated_segment_is_dropped_and_a_contradiction_refused(tmp_path, raw):
    parts = segments_of(raw)
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"".join([*parts, parts[2]]) + JPEG_END)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg").raw, raw)
    changed = parts[2][:-1] + bytes([parts[2][-1] ^ 1])
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"".join([*parts, changed]) + JPEG_END)
    with pytest.raises(FileFormatError, match="two different FLIR chunks numbered 2"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("missing", [0, 3, -1])
def test_missing_segment_is_named(tmp_path, raw, missing):
    parts = segments_of(raw)
    number = missing % len(parts)
    del parts[missing]
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + b"".join(parts) + JPEG_END)
    with pytest.raises(FileFormatError, match=f"no FLIR chunk {number};"):
        read(tmp_path / "a.jpg")


def test_picture_data_may_be_cut_off(tmp_path, raw):
    write_flir_rjpeg(tmp_path / "a.jpg", raw)
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:-40])
    image = read(tmp_path / "a.jpg")
    np.testing.assert_array_equal(image.raw, raw)
    assert image.visible is None or image.visible.shape == (*raw.shape, 3)


def test_parameters_tell_value_unit_and_source(tmp_path, raw):
    write_flir_rjpeg(tmp_path / "a.jpg", raw, parameters={"emissivity": 0.8})
    image = read(tmp_path / "a.jpg", distance_m=7, reflected_celsius=-12.5)
    assert image.parameters["emissivity"].value == pytest.approx(0.8)
    assert image.parameters["emissivity"].source == "file"
    assert (image.parameters["distance_m"].value, image.parameters["distance_m"].unit) == (7.0, "m")
    assert image.parameters["distance_m"].source == image.parameters["reflected_celsius"].source == "override"
    assert image.parameters["reflected_celsius"].unit == "°C"
    assert set(image.parameters) == set(DEFAULTS)
    with pytest.raises(TypeError):
        image.parameters["emissivity"] = None


def test_override_equals_a_file_that_says_so(tmp_path, raw):
    given = {
        "emissivity": 0.75,
        "reflected_celsius": -20.0,
        "atmospheric_celsius": 30.0,
        "relative_humidity": 0.25,
        "distance_m": 16.0,
        "window_transmission": 0.5,
        "window_celsius": 32.0,
    }
    write_flir_rjpeg(tmp_path / "says.jpg", raw, parameters=given)
    write_flir_rjpeg(tmp_path / "other.jpg", raw)
    np.testing.assert_allclose(
        read(tmp_path / "other.jpg", **given).temperature, read(tmp_path / "says.jpg").temperature, atol=1e-4
    )


def test_override_heals_a_bad_record_and_nothing_else_does(tmp_path, raw):
    values = {**DEFAULTS, "emissivity": 0.0}
    container = fff_container(raw, values, Camera(), None, "raw", (">", "<"))
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + flir_segments(container) + JPEG_END)
    with pytest.raises(FileFormatError, match=r"emissivity 0 in the camera record.*pass emissivity="):
        read(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg", emissivity=0.9).calibrated


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf"), -1.0])
@pytest.mark.parametrize("name", ["planck_r1", "planck_r2", "planck_b", "planck_f"])
def test_impossible_constants_are_named(tmp_path, raw, name, value):
    container = fff_container(raw, {**DEFAULTS, name: value}, Camera(), None, "raw", (">", "<"))
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + flir_segments(container) + JPEG_END)
    with pytest.raises(FileFormatError, match=f"found {name} "):
        read(tmp_path / "a.jpg")


def test_percent_humidity_is_understood(tmp_path, raw):
    container = fff_container(raw, {**DEFAULTS, "relative_humidity": 45.0}, Camera(), None, "raw", (">", "<"))
    assert read_records("x", container).constants["relative_humidity"] == pytest.approx(0.45)


def test_placeholders_of_drones_are_noted(tmp_path, raw):
    write_flir_rjpeg(tmp_path / "a.jpg", raw, camera=Camera(make="DJI", model="XT2"))
    assert any("placeholders" in note for note in read(tmp_path / "a.jpg").notes)
    assert any("no atmosphere" in note for note in read(tmp_path / "a.jpg").notes)
    assert read(tmp_path / "a.jpg", distance_m=30, relative_humidity=0.4).notes == ()


def test_frame_survives_pickling(tmp_path, raw):
    write_flir_rjpeg(tmp_path / "a.jpg", raw, position=Position(46.0, 7.0), time=datetime(2026, 5, 1))
    image = read(tmp_path / "a.jpg")
    assert image.visible.shape == (*raw.shape, 3)
    copy = pickle.loads(pickle.dumps(image))
    np.testing.assert_array_equal(copy.temperature, image.temperature)
    assert dict(copy.parameters) == dict(image.parameters)
    assert (copy.position, copy.time, copy.camera) == (image.position, image.time, image.camera)
    with pytest.raises(TypeError):
        copy.parameters["emissivity"] = None


def test_visible_is_the_picture_that_viewers_show(tmp_path, raw):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 200, 40, 10
    write_flir_rjpeg(tmp_path / "a.jpg", raw, visible=picture)
    image = read(tmp_path / "a.jpg")
    assert image.visible.dtype == np.uint8
    assert np.abs(image.visible.astype(int) - picture).mean() < 4
    assert image.values is image.temperature
    later = read(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").unlink()
    assert later.visible is None


# --- DJI ---------------------------------------------------------------------------------------------------------


def dji_file(path, raw, *, marker=0xE3, picture_shape=None, block=b"", size=60000):
    height, width = picture_shape or raw.shape
    body = b"\xff\xd8"
    data = raw.astype("<u2").tobytes()
    for at in range(0, len(data), size):
        body += bytes([0xFF, marker]) + (len(data[at : at + size]) + 2).to_bytes(2, "big") + data[at : at + size]
    if block:
        body += b"\xff\xe4" + (len(block) + 2).to_bytes(2, "big") + block
    debug = b"DJI-DBG\0[sensor_id:5L4SL7702AA0C9\0\0]"
    body += b"\xff\xe7" + (len(debug) + 2).to_bytes(2, "big") + debug
    body += b"\xff\xc0" + struct.pack(">HBHHB", 8, 8, height, width, 0)
    path.write_bytes(body + JPEG_END)


@pytest.mark.parametrize("marker", [0xE3, 0xE4])
@pytest.mark.parametrize("scale", [1, 2])
def test_dji_plane_is_found_by_its_size(tmp_path, raw, marker, scale):
    shape = (raw.shape[0] * scale, raw.shape[1] * scale)
    dji_file(tmp_path / "a.jpg", raw, marker=marker, picture_shape=shape, size=101)
    image = read(tmp_path / "a.jpg")
    np.testing.assert_array_equal(image.raw, raw)
    assert image.temperature is None
    assert (image.calibrated, image.unit) == (False, "counts")
    assert image.values.dtype == np.float32
    np.testing.assert_array_equal(image.values, raw)
    assert image.camera.serial_number == "5L4SL7702AA0C9"
    assert image.shape == raw.shape


@pytest.mark.parametrize("head", [b"", b"\xff\xd2\xd1\xffiirp".ljust(32, b"\0")])
def test_dji_scene_parameters_are_read(tmp_path, raw, head):
    block = (head + struct.pack("<5f", 14.75, 5.0, 0.95, 0.5, 25.0)).ljust(224, b"\0")
    dji_file(tmp_path / "a.jpg", raw, block=block)
    found = {name: parameter.value for name, parameter in read(tmp_path / "a.jpg").parameters.items()}
    assert found == {
        "atmospheric_celsius": 14.75,
        "distance_m": 5.0,
        "emissivity": 0.95,
        "relative_humidity": 0.5,
        "reflected_celsius": 25.0,
    }


def test_dji_block_of_another_model_is_not_taken_for_parameters(tmp_path, raw):
    dji_file(tmp_path / "a.jpg", raw, block=bytes(range(200)))
    assert dict(read(tmp_path / "a.jpg").parameters) == {}


def test_options_without_effect_are_refused(tmp_path, raw):
    dji_file(tmp_path / "dji.jpg", raw)
    write_flir_rjpeg(tmp_path / "flir.jpg", raw)
    Image.fromarray(raw).save(tmp_path / "plane.tiff")
    for name, options in (
        ("dji.jpg", {"emissivity": 0.9}),
        ("flir.jpg", {"unit": "celsius"}),
        ("flir.jpg", {"nodata": 0}),
        ("plane.tiff", {"distance_m": 5}),
    ):
        with pytest.raises(FileFormatError, match=f"{next(iter(options))} does not apply"):
            read(tmp_path / name, **options)


def test_every_dji_model_reads(test_data):
    for path in sorted((test_data / "thermal" / "dji_models").glob("*.sdk_centiK.tiff")):
        image = read(path.with_name(path.name.replace(".sdk_centiK.tiff", ".jpg")))
        assert image.shape == (512, 640)
        assert not image.calibrated
        assert image.camera.make == "DJI"
        assert image.raw.std() > 10
        assert np.abs(np.diff(image.values, axis=1)).mean() < 0.3 * image.raw.std()


# --- TIFF --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize(
    ("unit", "factor", "offset"),
    [
        ("celsius", 1, 0),
        ("millicelsius", 0.001, 0),
        ("centikelvin", 0.01, -273.15),
        ("kelvin", 1, -273.15),
        ("decikelvin", 0.1, -273.15),
        ("millikelvin", 0.001, -273.15),
        ("centicelsius", 0.01, 0),
    ],
)
def test_tiff_units(tmp_path, raw, compression, unit, factor, offset):
    Image.fromarray(raw).save(tmp_path / "a.tiff", compression=compression)
    image = read(tmp_path / "a.tiff", unit=unit)
    np.testing.assert_allclose(image.temperature, raw * factor + offset, rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(image.raw, raw)
    assert image.temperature.dtype == np.float32
    assert image.mask is None


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_float_tiff_masks_nan_and_nodata(tmp_path, rng, compression):
    plane = rng.normal(30, 5, (12, 9)).astype(np.float32)
    plane[2, 3], plane[4, 5], plane[6, 7] = np.nan, -9999.1, np.inf
    Image.fromarray(plane).save(tmp_path / "a.tiff", compression=compression, tiffinfo={42113: "-9999.1"})
    image = read(tmp_path / "a.tiff")
    assert not image.mask[[2, 4, 6], [3, 5, 7]].any()
    assert image.mask.sum() == plane.size - 3
    np.testing.assert_array_equal(image.temperature[image.mask], plane[image.mask])
    assert np.isnan(image.temperature[~image.mask]).all()
    assert image.raw is None
    assert any("states no unit" in note for note in image.notes)


def test_floats_of_odd_bits_are_masked(tmp_path):
    plane = np.array([[20.0, 3e38]], np.float32)
    plane.view(np.uint32)[0, 0] = 0x7FA00001  # a signalling NaN
    Image.fromarray(plane).save(tmp_path / "a.tiff", tiffinfo={42113: "1e300"})
    assert read(tmp_path / "a.tiff").mask.tolist() == [[False, True]]
    assert read(tmp_path / "a.tiff", unit="millikelvin", nodata=3e38).mask.tolist() == [[False, False]]


def test_nodata_option_wins_over_the_tag(tmp_path, raw):
    raw[0, 0], raw[1, 1] = 7, 9
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={42113: "7"})
    assert np.argwhere(~read(tmp_path / "a.tiff").mask).tolist() == [[0, 0]]
    assert np.argwhere(~read(tmp_path / "a.tiff", nodata=9).mask).tolist() == [[1, 1]]
    values = read(tmp_path / "a.tiff").values
    assert np.isnan(values[0, 0])
    assert values[1, 1] == 9


def test_integer_tiff_without_a_unit_is_counts(tmp_path, raw):
    Image.fromarray(raw).save(tmp_path / "a.tiff")
    image = read(tmp_path / "a.tiff")
    assert (image.unit, image.calibrated, image.temperature) == ("counts", False, None)
    assert any("taken as counts" in note for note in image.notes)
    assert read(tmp_path / "a.tiff", unit="counts").notes == ("no calibration: counts, not temperatures",)


@pytest.mark.parametrize("text", ['{"unit": "centikelvin"}', "unit=centikelvin", "Unit: centi-kelvin"])
def test_unit_of_a_tag(tmp_path, raw, text):
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={270: text})
    np.testing.assert_allclose(read(tmp_path / "a.tiff").temperature, raw * 0.01 - 273.15, atol=1e-4)


def test_linear_mode_of_flir_is_kelvin(tmp_path, raw):
    xmp = b'<x xmlns:Camera="c"><Camera:TlinearGain>0.04</Camera:TlinearGain></x>'
    Image.fromarray(raw).save(tmp_path / "a.tiff", tiffinfo={700: xmp, 271: "FLIR"})
    image = read(tmp_path / "a.tiff")
    np.testing.assert_allclose(image.temperature, raw * 0.04 - 273.15, atol=1e-4)
    assert image.camera.make == "FLIR"


def test_closeups_in_linear_mode(test_data):
    for path in sorted((test_data / "thermal" / "panel_closeup_14bit").glob("*.tiff")):
        image = read(path)
        assert 0 < image.temperature.min() < image.temperature.max() < 60
        assert image.camera.serial_number == "279016"


@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_picture_tiff_is_not_radiometric(tmp_path, mode):
    Image.new(mode, (9, 8)).save(tmp_path / "a.tiff")
    with pytest.raises(NotRadiometricError, match=f"mode {mode}"):
        read(tmp_path / "a.tiff")


# --- what is no radiometric file -----------------------------------------------------------------------------------


def test_palette_pictures_are_named(tmp_path, test_data):
    for path in sorted((test_data / "thermal" / "pv_palette").glob("*.jpg")):
        with pytest.raises(NotRadiometricError, match="512 x 640 pixels with APP0 segments and no raw plane"):
            read(path)


@pytest.mark.parametrize(
    ("name", "found"), [("a.jpg", "JPEG picture of 8 x 9"), ("a.png", "a PNG"), ("a.bmp", "a BMP")]
)
def test_pictures_are_not_radiometric(tmp_path, name, found):
    Image.new("RGB", (9, 8)).save(tmp_path / name)
    with pytest.raises(NotRadiometricError, match=found) as caught:
        read(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)
    assert "radiometric" in caught.value.expected


@pytest.mark.parametrize(
    ("option", "value", "error", "words"),
    [
        ("emissivity", 0, ValueError, "emissivity must be greater than 0 and at most 1, got 0"),
        ("emissivity", 1.1, ValueError, "emissivity must be greater than 0 and at most 1, got 1.1"),
        ("emissivity", "0.9", TypeError, "emissivity must be a number"),
        ("distance_m", -1, ValueError, "distance_m must be finite and at least 0, got -1"),
        ("distance_m", float("nan"), ValueError, "distance_m must be finite, got nan"),
        ("relative_humidity", 50, ValueError, "relative_humidity must be 0 to 1"),
        ("reflected_celsius", -300, ValueError, "reflected_celsius must be above -273.15"),
        ("unit", "fahrenheit", ValueError, "unit must be one of 'celsius'"),
        ("nodata", "x", TypeError, "nodata must be a number"),
    ],
)
def test_bad_options_are_named(tmp_path, raw, option, value, error, words):
    write_flir_rjpeg(tmp_path / "a.jpg", raw)
    with pytest.raises(error, match=words):
        read(tmp_path / "a.jpg", **{option: value})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parameters": {"emmisivity": 1}}, "parameters must have names among"),
        ({"parameters": {"emissivity": 2}}, "emissivity must be greater than 0"),
        ({"encoding": "jpeg"}, "encoding must be one of"),
        ({"byte_order": "middle"}, "byte_order must be one of"),
        ({"segment_bytes": 1}, "at most 256 segments"),
    ],
)
def test_writer_names_bad_options(tmp_path, raw, options, words):
    with pytest.raises(ValueError, match=words):
        write_flir_rjpeg(tmp_path / "a.jpg", raw, **options)


def test_writer_wants_counts(tmp_path):
    with pytest.raises(TypeError, match="raw must be of dtype uint16, got float64"):
        write_flir_rjpeg(tmp_path / "a.jpg", np.zeros((4, 4)))


def test_writer_does_not_change_its_input(tmp_path, raw):
    raw.setflags(write=False)
    before = raw.copy()
    write_flir_rjpeg(tmp_path / "a.jpg", raw[::2, ::-1], encoding="png")
    np.testing.assert_array_equal(raw, before)
    np.testing.assert_array_equal(read(tmp_path / "a.jpg").raw, raw[::2, ::-1])


def test_time_zone_reaches_the_frame(tmp_path, raw):
    moment = datetime(2026, 5, 1, 12, 3, 4, tzinfo=timezone(timedelta(hours=-3)))
    write_flir_rjpeg(tmp_path / "a.jpg", raw, time=moment)
    assert read(tmp_path / "a.jpg").time == moment
    container = fff_container(raw, DEFAULTS, Camera(), moment, "raw", (">", "<"))
    assert read_records("x", container).time == moment  # without EXIF, from the camera record
