"""`read` on FLIR files and on what is no radiometric file: every variant of the layout, every promise."""

import pickle
import struct
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from classicseg import FileFormatError, NotRadiometricError
from classicseg._errors import MisfitError, UnreadableError
from classicseg.thermal import Camera, Position, _image, read
from classicseg.thermal._flir import read_records
from classicseg.thermal._read import _merge
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


CAMERA_AT = 64 + 14 * 32  # in a container of `fff_container`: behind the header and the directory


def test_offsets_of_the_camera_record(raw):
    """Writer and reader share their table of offsets, so only numbers put in place by hand can prove it right."""
    record = bytearray(2476)
    struct.pack_into("<3H", record, 0, 2, 30, 20)
    struct.pack_into("<8f", record, 0x20, 0.81, 12.0, 250.0, 290.0, 310.0, 0.7, 99.0, 0.4)
    struct.pack_into("<3f", record, 0x58, 17000.0, 1430.0, 1.25)
    struct.pack_into("<5f", record, 0x70, 0.006, 0.012, -0.002, -0.007, 1.8)
    struct.pack_into("<if", record, 0x308, -7100, 0.05)
    for at, text in ((0xD4, b"T640"), (0x104, b"639"), (0x114, b"25.3"), (0x170, b"FOL18")):
        record[at : at + len(text)] = text
    struct.pack_into("<IIh", record, 0x384, 1_700_000_000, 250, -60)
    container = bytearray(fff_container(raw, DEFAULTS, Camera(), None, "raw", (">", "<")))
    container[CAMERA_AT : CAMERA_AT + len(record)] = record
    found = read_records("x", bytes(container))
    assert found.constants == pytest.approx(
        {
            "emissivity": 0.81,
            "distance_m": 12.0,
            "reflected_celsius": -23.15,
            "atmospheric_celsius": 16.85,
            "window_celsius": 36.85,
            "window_transmission": 0.7,
            "relative_humidity": 0.4,
            "planck_r1": 17000.0,
            "planck_b": 1430.0,
            "planck_f": 1.25,
            "planck_o": -7100.0,
            "planck_r2": 0.05,
            "atmospheric_alpha1": 0.006,
            "atmospheric_alpha2": 0.012,
            "atmospheric_beta1": -0.002,
            "atmospheric_beta2": -0.007,
            "atmospheric_x": 1.8,
        },
        rel=1e-6,
    )
    assert found.camera == Camera("FLIR", "T640", "639", "25.3", "FOL18")
    assert found.time.isoformat() == "2023-11-14T23:13:20.250000+01:00"


def test_other_forms_of_the_container(raw):
    """Older software writes AFF; a short camera record has no time; of two planes the first is the frame's."""
    container = fff_container(raw, DEFAULTS, Camera(), None, "raw", (">", "<"))
    np.testing.assert_array_equal(read_records("x", b"AFF\0" + container[4:]).raw, raw)
    other = bytearray(container)
    struct.pack_into(">I", other, 64 + 16, 0x310)
    struct.pack_into(">H10x2I", other, 64 + 2 * 32, 1, CAMERA_AT, 2476)  # a second record of type 1
    found = read_records("x", bytes(other))
    np.testing.assert_array_equal(found.raw, raw)
    assert found.time is None


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
    # A foreign segment, a marker without a length, and the first bytes of a FLIR segment alone.
    other = b"\xff\xe1\x00\x08abcdef" + b"\xff\x01" + b"\xff\xe1\x00\x09FLIR\0\x01\x00"
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
    with pytest.raises(FileFormatError, match=r"emissivity 0 in the camera record.*give emissivity to replace it"):
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


def test_record_tells_the_sensor_and_exif_the_whole_camera():
    record, exif = Camera("FLIR", "Tau", "R1", "R2", "R3"), Camera("DJI", "XT2", "E1", "E2", "E3", 13.0)
    assert _merge(record, exif) == Camera("DJI", "Tau", "R1", "R2", "R3", 13.0)
    assert _merge(Camera("FLIR"), exif) == exif


def test_time_of_exif_goes_before_that_of_the_record(tmp_path, raw):
    moment = datetime(2026, 5, 1, 12, 3, 4, tzinfo=timezone.utc)  # noqa: UP017
    write_flir_rjpeg(tmp_path / "a.jpg", raw, time=moment)
    second = int(moment.timestamp())
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data.replace(struct.pack("<I", second), struct.pack("<I", second + 3600)))
    assert read(tmp_path / "a.jpg").time == moment


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


def test_visible_picture_of_a_huge_claim_is_not_decoded(tmp_path, raw, monkeypatch):
    write_flir_rjpeg(tmp_path / "a.jpg", raw)
    monkeypatch.setattr(_image, "MAX_VISIBLE_PIXELS", raw.size - 1)
    assert read(tmp_path / "a.jpg").visible is None
    monkeypatch.setattr(_image, "MAX_VISIBLE_PIXELS", raw.size)
    assert read(tmp_path / "a.jpg").visible is not None


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
    # Times of one instant are equal in any zone, but the report shows the hour of the plant.
    assert read(tmp_path / "a.jpg").time.isoformat() == moment.isoformat()
    container = fff_container(raw, DEFAULTS, Camera(), moment, "raw", (">", "<"))
    assert read_records("x", container).time.isoformat() == moment.isoformat()  # without EXIF, from the camera record


def test_a_scene_that_cannot_be_is_laid_to_what_was_given(tmp_path, raw):
    write_flir_rjpeg(tmp_path / "a.jpg", raw)
    with pytest.raises(MisfitError, match=r"no temperature .*; given for it were distance_m 1e\+06") as caught:
        read(tmp_path / "a.jpg", distance_m=1e6)
    assert caught.value.options == ("distance_m",)


def test_zero_celsius_in_a_record_is_zero(tmp_path, raw):
    """float32 kelvin make -6.1e-06 of it."""
    write_flir_rjpeg(tmp_path / "a.jpg", raw, parameters={"reflected_celsius": 0.0, "atmospheric_celsius": 21.5})
    parameters = read(tmp_path / "a.jpg").parameters
    assert (parameters["reflected_celsius"].value, parameters["atmospheric_celsius"].value) == (0.0, 21.5)


def test_what_the_system_does_not_give_is_told_from_what_is_broken(tmp_path):
    with pytest.raises(UnreadableError, match=r"no readable file \(No such file or directory\)"):
        read(tmp_path / "missing.jpg")
    (tmp_path / "cut.tif").write_bytes(b"II*\0\xff\xff\xff\xff")  # Pillow raises OSError for it
    with pytest.raises(FileFormatError) as caught:
        read(tmp_path / "cut.tif")
    assert type(caught.value) is FileFormatError
