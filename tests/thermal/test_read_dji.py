"""`read` on DJI's radiometric JPEG files: the plane of counts, the parameters, the serial number."""

import struct

import numpy as np
import pytest
from PIL import Image

from classicseg import FileFormatError
from classicseg.thermal import Calibration, fit_calibration, read
from classicseg.thermal._rjpeg import write_flir_rjpeg

JPEG_END = b"\xff\xda\x00\x02\xff\xd9"


@pytest.fixture
def raw(rng):
    return rng.integers(2500, 4000, (20, 30)).astype(np.uint16)


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
    body += b"\xff\xc4" + (9).to_bytes(2, "big") + bytes(range(7))  # a Huffman table, whose marker is near a frame's
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
    unlikely = struct.pack("<5f", 14.75, 5.0, 0.04, 0.5, 25.0).ljust(200, b"\0")
    for block in (bytes(range(200)), unlikely):
        dji_file(tmp_path / "a.jpg", raw, block=block)
        assert dict(read(tmp_path / "a.jpg").parameters) == {}


def test_dji_plane_in_the_segments_of_the_parameters_is_not_taken_for_them(tmp_path, rng):
    plane = rng.integers(2500, 4000, (90, 100)).astype(np.uint16)
    plane[0, :10] = np.frombuffer(struct.pack("<5f", 25.0, 5.0, 0.95, 0.5, 25.0), "<u2")  # counts that look like them
    dji_file(tmp_path / "a.jpg", plane, marker=0xE4)
    image = read(tmp_path / "a.jpg")
    np.testing.assert_array_equal(image.raw, plane)
    assert dict(image.parameters) == {}


def test_a_calibrated_dji_frame_keeps_its_parameters(tmp_path, raw):
    block = struct.pack("<5f", 14.75, 5.0, 0.95, 0.5, 25.0).ljust(224, b"\0")
    dji_file(tmp_path / "a.jpg", raw, block=block)
    counts = read(tmp_path / "a.jpg")
    calibration = fit_calibration(counts, raw / 100)
    image = read(tmp_path / "a.jpg", calibration=calibration)
    np.testing.assert_allclose(image.temperature, raw / 100, rtol=1e-6)
    assert dict(calibration.parameters) == {name: p.value for name, p in counts.parameters.items()}
    assert dict(image.parameters) == dict(counts.parameters)
    assert {p.source for p in image.parameters.values()} == {"file"}


def test_every_dji_model_reads(test_data):
    for path in sorted((test_data / "thermal" / "dji_models").glob("*.sdk_centiK.tiff")):
        image = read(path.with_name(path.name.replace(".sdk_centiK.tiff", ".jpg")))
        assert image.shape == (512, 640)
        assert not image.calibrated
        assert image.camera.make == "DJI"
        assert image.raw.std() > 10
        assert np.abs(np.diff(image.values, axis=1)).mean() < 0.3 * image.raw.std()


def test_options_without_effect_are_refused(tmp_path, raw):
    calibration = Calibration([0, 65535], [0.0, 100.0])
    dji_file(tmp_path / "dji.jpg", raw)
    write_flir_rjpeg(tmp_path / "flir.jpg", raw)
    Image.fromarray(raw).save(tmp_path / "plane.tiff")
    for name, options in (
        ("dji.jpg", {"emissivity": 0.9}),
        ("flir.jpg", {"unit": "celsius"}),
        ("flir.jpg", {"nodata": 0}),
        ("plane.tiff", {"distance_m": 5}),
        ("flir.jpg", {"calibration": calibration}),
        ("plane.tiff", {"calibration": calibration, "unit": "kelvin"}),
    ):
        with pytest.raises(FileFormatError, match=f"{next(iter(options))} does not apply"):
            read(tmp_path / name, **options)


@pytest.mark.parametrize("calibrated", [False, True])
def test_the_ends_of_the_counter_are_no_measurement(tmp_path, raw, calibrated):
    raw[0, 0], raw[3, 4] = 0, 65535
    dji_file(tmp_path / "a.jpg", raw)
    table = Calibration([0, 2000, 65535], [0.0, 20.0, 655.35]) if calibrated else None
    image = read(tmp_path / "a.jpg", calibration=table)
    assert np.argwhere(~image.mask).tolist() == [[0, 0], [3, 4]]
    assert np.argwhere(np.isnan(image.values)).tolist() == [[0, 0], [3, 4]]
    assert "left out, saturated or below what the constants can explain: 2 pixels" in image.notes
