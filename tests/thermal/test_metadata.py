"""EXIF and XMP: what frames carry comes back, what is damaged is left out."""

import itertools
import math
import struct
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from classicseg.thermal import Camera, Position, read
from classicseg.thermal._metadata import metadata_of, parse_time, read_exif, read_metadata, read_xmp
from classicseg.thermal._rjpeg import write_flir_rjpeg

RAW = np.arange(3000, 3000 + 64, dtype=np.uint16).reshape(8, 8)


@pytest.mark.parametrize("place", [(46.5, 7.25), (-33.123456, -70.5), (0.0001, -0.5), (15.678268, 178.278808)])
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


def test_time_of_the_shot_goes_before_later_ones():
    """Editing software rewrites DateTime (0x0132): the inspection would move to the day of the report."""
    shot, digitised, edited = (f"20{n}:01:02 03:04:05".encode() for n in (24, 25, 26))
    main, details = {0x0132: edited}, {0x9004: digitised, 0x9003: shot}
    assert metadata_of(main, details, {}, {}).time.year == 2024
    assert metadata_of(main, {0x9004: digitised}, {}, {}).time.year == 2025
    assert metadata_of(main, {}, {}, {}).time.year == 2026


GPS = {1: b"S\0", 2: (46.0, 30.0, 0.0), 3: b"W\0", 4: (7.0, 15.0, 0.0), 5: 1, 6: 20.0}


def test_xmp_goes_before_exif_for_place_and_altitude():
    xmp = {"GpsLatitude": "46.123456789", "GpsLongitude": "7.987654321", "AbsoluteAltitude": "+512.375"}
    found = metadata_of({}, {}, GPS, xmp).position
    assert (found.latitude, found.longitude, found.altitude_m) == (46.123456789, 7.987654321, 512.375)
    assert metadata_of({}, {}, GPS, {}).position == Position(-46.5, -7.25, -20.0)
    assert metadata_of({}, {}, {**GPS, 5: b"\x01"}, {}).position.altitude_m == -20.0
    assert metadata_of({}, {}, {**GPS, 5: 0}, {}).position.altitude_m == 20.0


def test_serial_number_of_the_makers_note():
    note = {0x927C: b"..[sensor_id:1W9DH490000020]"}
    assert metadata_of({}, note, {}, {}).camera.serial_number == "1W9DH490000020"
    assert metadata_of({}, note, {}, {"CameraSerialNumber": "7"}).camera.serial_number == "7"


def test_xmp_within_exif():
    packet = XMP.format(attributes='drone-dji:RelativeAltitude="40.5"', elements="").encode()
    block = exif("<", [(700, 1, len(packet), packet)])
    assert read_metadata(block, b"").position.relative_altitude_m == 40.5
    # The XT2 keeps it in the directory of details, which begins at byte 26 here.
    main = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, 4, 1, 26) + bytes(4)
    details = struct.pack("<HHHII", 1, 700, 1, len(packet), 26 + 2 + 12 + 4) + bytes(4) + packet
    assert read_metadata(main + details, b"").position.relative_altitude_m == 40.5


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


def test_entities_are_not_expanded_at_all():
    elements = "<drone-dji:RelativeAltitude>&a;</drone-dji:RelativeAltitude>"
    text = XMP.format(attributes='drone-dji:GimbalYawDegree="1"', elements=elements)
    found = read_xmp(f"<!DOCTYPE x [<!ENTITY a '40.5'>]>{text}".encode())
    assert found["GimbalYawDegree"] == "1"
    assert "RelativeAltitude" not in found


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
