"""EXIF and XMP: what frames carry comes back, what is damaged is left out."""

import itertools
import math
import struct
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from classicseg.thermal import Camera, Position, read
from classicseg.thermal._metadata import parse_time, read_exif, read_metadata, read_xmp
from classicseg.thermal._rjpeg import write_flir_rjpeg

RAW = np.arange(3000, 3000 + 64, dtype=np.uint16).reshape(8, 8)


@pytest.mark.parametrize("place", [(46.5, 7.25), (-33.123456, -70.5), (0.0001, -0.5), (15.678268, 78.278808)])
def test_place_comes_back(tmp_path, place):
    position = Position(*place, 512.25, 40.5, -12.5, -90.0, 1.5, 33.0, "fixed")
    write_flir_rjpeg(tmp_path / "a.jpg", RAW, position=position)
    found = read(tmp_path / "a.jpg").position
    for name in Position.__dataclass_fields__:
        expected = getattr(position, name)
        assert getattr(found, name) == (expected if isinstance(expected, str) else pytest.approx(expected, abs=1e-8))


@pytest.mark.parametrize("place", [(46.5, 7.25), (-33.123456, -70.5)])
def test_place_from_exif_alone(tmp_path, place):
    write_flir_rjpeg(tmp_path / "a.jpg", RAW, position=Position(*place, -3.5))
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data.replace(b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xxx/1.0/\0"))
    found = read(tmp_path / "a.jpg").position
    assert (found.latitude, found.longitude) == pytest.approx(place, abs=1e-8)
    assert found.altitude_m == -3.5
    assert found.relative_altitude_m is None


def test_camera_and_time_come_back(tmp_path):
    camera = Camera("Maker", "Model 7", "SN-12", "1.2.3", "FOL19", 19.5)
    write_flir_rjpeg(tmp_path / "a.jpg", RAW, camera=camera, time=datetime(2026, 5, 1, 23, 59, 58))
    image = read(tmp_path / "a.jpg")
    assert image.camera == camera
    assert image.time == datetime(2026, 5, 1, 23, 59, 58)
    assert image.position is None


def test_frame_without_metadata_has_none(tmp_path):
    write_flir_rjpeg(tmp_path / "a.jpg", RAW)
    image = read(tmp_path / "a.jpg")
    assert image.time is None
    assert image.position is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019:02:01 10:43:01", datetime(2019, 2, 1, 10, 43, 1)),
        ("2020-06-23 15:17:15", datetime(2020, 6, 23, 15, 17, 15)),
        ("0000:00:00 00:00:00", None),
        ("2019:13:01 10:43:01", None),
        ("", None),
        (None, None),
    ],
)
def test_times(text, expected):
    assert parse_time(text) == expected


def exif(order, entries):
    """One directory of (tag, type, count, four value bytes or the bytes elsewhere)."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    body, extra, at = struct.pack(order + "H", len(entries)), b"", 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        body += struct.pack(order + "HHI", tag, kind, count)
        if len(value) > 4:
            body += struct.pack(order + "I", at + len(extra))
            extra += value
        else:
            body += value.ljust(4, b"\0")
    return head + body + bytes(4) + extra


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(order):
    block = exif(order, [(0x010F, 2, 4, b"DJI\0"), (0x0132, 2, 20, b"2019:02:01 10:43:01\0")])
    found = read_metadata(block, b"")
    assert found.camera.make == "DJI"
    assert found.time == datetime(2019, 2, 1, 10, 43, 1)


def test_time_zone():
    # The main directory has one entry and ends at byte 26, where the directory of details begins.
    main = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, 4, 1, 26) + bytes(4)
    texts_at = 26 + 2 + 24 + 4
    directory = struct.pack("<HHHIIHHII", 2, 0x9003, 2, 20, texts_at, 0x9011, 2, 7, texts_at + 20)
    found = read_metadata(main + directory + bytes(4) + b"2019:02:01 10:43:01\0-03:30\0", b"")
    assert found.time == datetime(2019, 2, 1, 10, 43, 1, tzinfo=timezone(-timedelta(hours=3, minutes=30)))


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"XX*\0\x08\0\0\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        exif("<", [(0x010F, 2, 0xFFFFFFFF, b"aaaa")]),
        exif("<", [(0x0132, 99, 1, b"aaaa"), (0x0110, 2, 40, b"\xff\xff\xff\xff")]),
        exif(
            "<", [(0x8769, 4, 1, b"\x08\0\0\0"), (0x8825, 4, 1, b"\x08\0\0\0")]
        ),  # directories that contain themselves
    ],
)
def test_damaged_exif_is_left_out(block):
    found = read_metadata(block, b"")
    assert found.time is None
    assert found.position is None


def test_rationals_with_denominator_zero_are_no_numbers():
    block = exif("<", [(0x0006, 5, 1, struct.pack("<2I", 3, 0))])
    assert math.isnan(read_exif(block)[0][6])


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {attributes}>{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def test_xmp_attributes_and_elements():
    text = XMP.format(
        attributes='drone-dji:GimbalYawDegree="+82.40" drone-dji:RtkFlag="34"',
        elements="<drone-dji:RelativeAltitude>40.5</drone-dji:RelativeAltitude>",
    )
    found = read_metadata(b"", text.encode()).position
    assert (found.gimbal_yaw_degrees, found.relative_altitude_m, found.rtk) == (82.4, 40.5, "float")
    assert found.latitude is None


@pytest.mark.parametrize("cut", [40, 20])
def test_cut_off_xmp_is_searched(cut):
    text = XMP.format(attributes='drone-dji:GpsLatitude="46.5" drone-dji:GpsLongtitude="7.5"', elements="")
    found = read_metadata(b"", text.encode()[:-cut]).position
    assert (found.latitude, found.longitude) == (46.5, 7.5)


def test_entity_bomb_is_not_expanded():
    names = "abcdefghijklmnop"
    entities = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise(names))
    bomb = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{entities}]>'  # 10 ** 16 letters when expanded
    text = bomb + XMP.format(attributes='drone-dji:GimbalYawDegree="1"', elements="&p;")
    assert read_xmp(text.encode())["GimbalYawDegree"] == "1"


@pytest.mark.parametrize("pair", [("0.0", "0.0"), ("91", "7"), ("nan", "7"), ("abc", "7"), ("46", "181")])
def test_places_that_are_none(pair):
    text = XMP.format(attributes=f'drone-dji:GpsLatitude="{pair[0]}" drone-dji:GpsLongitude="{pair[1]}"', elements="")
    assert read_metadata(b"", text.encode()).position is None


def test_metadata_of_published_frames(test_data):
    m3t = read(next((test_data / "thermal" / "pv_m3t").glob("*_T.JPG")))
    assert m3t.camera == Camera("DJI", "M3T", "5L4SL7702AA0C9", "11.05.02.05", None, 9.1)
    assert m3t.time == datetime(2025, 8, 29, 14, 9, 24)
    assert m3t.position == Position(42.952643718, -85.901717363, 214.049, 25.892, -1.6, -65.1, 0.0, -1.7, None)
    xt2 = read(test_data / "thermal" / "pv_xt2" / "DJI_0002_R.JPG")
    assert (xt2.camera.make, xt2.camera.model, xt2.camera.serial_number) == ("DJI", "XT2", "275919")
    assert (xt2.position.latitude, xt2.position.longitude) == pytest.approx((15.67826843, 78.27880860))
    assert xt2.position.rtk == "none"
    h20t = read(test_data / "thermal" / "dji_models" / "H20T_0001.jpg")
    assert h20t.camera.serial_number == "1W9DH490000020"
    assert h20t.time == datetime(2020, 6, 23, 15, 17, 15)
