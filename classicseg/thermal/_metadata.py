"""EXIF and XMP of a frame: time, GPS, altitudes, gimbal angles, focal length, RTK state. All optional.

A damaged tag is left out, never an error: the radiometric plane does not depend on it.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

from classicseg.thermal._image import Camera, Position

EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"

_MAX_ENTRIES = 512  # per directory; real ones have below 100
_MAX_VALUES = 1 << 16  # per tag, so that a claimed count cannot make a huge tuple
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_WANTED = frozenset(  # decoding the others would take a third of the time of reading a small frame
    {*range(7), 700, 0x010F, 0x0110, 0x0131, 0x0132, _EXIF_IFD, _GPS_IFD}
    | {0x9003, 0x9004, 0x9011, 0x920A, 0x927C, 0xA434}
)
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}  # TIFF types of plain numbers
_RTK_STATES = {"0": "none", "16": "single", "34": "float", "50": "fixed"}  # codes of the drone maker's XMP
_XMP_ATTRIBUTE = re.compile(r"""([A-Za-z][\w-]*):([A-Za-z]\w*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")

Tags = dict[int, Any]


@dataclass(frozen=True)
class Metadata:
    """What EXIF and XMP tell."""

    camera: Camera = field(default_factory=Camera)
    time: datetime | None = None
    position: Position | None = None
    xmp: Mapping[str, str] = field(default_factory=dict)  # local name → text, for example GimbalYawDegree


def read_metadata(exif: bytes, xmp: bytes) -> Metadata:
    """Return the metadata of an EXIF block (beginning with the TIFF header) and an XMP packet.

    Either may be empty.
    """
    main, details, gps = read_exif(exif)
    properties = read_xmp(xmp or _bytes(details.get(700)) or _bytes(main.get(700)))
    return metadata_of(main, details, gps, properties)


def metadata_of(main: Tags, details: Tags, gps: Tags, properties: Mapping[str, str]) -> Metadata:
    """Return the metadata of already parsed directories."""
    return Metadata(
        camera=_camera(main, details, properties),
        time=_time(main, details),
        position=_position(gps, properties),
        xmp=properties,
    )


def read_exif(exif: bytes) -> tuple[Tags, Tags, Tags]:
    """Return the main, detail and GPS directories of an EXIF block as {tag: value}.

    A damaged one is empty.
    """
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return {}, {}, {}
    main = _directory(exif, order, struct.unpack_from(order + "I", exif, 4)[0])
    inner = [main.get(tag) for tag in (_EXIF_IFD, _GPS_IFD)]
    details, gps = (_directory(exif, order, at) if isinstance(at, int) else {} for at in inner)
    return main, details, gps


def _directory(exif: bytes, order: str, at: int) -> Tags:
    tags: Tags = {}
    if at + 2 > len(exif):
        return tags
    (count,) = struct.unpack_from(order + "H", exif, at)
    end = min(at + 2 + 12 * min(count, _MAX_ENTRIES), len(exif))
    for entry in range(at + 2, end - 11, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", exif, entry)
        value = _value(exif, order, entry + 8, kind, length) if tag in _WANTED else None
        if value is not None:
            tags.setdefault(tag, value)
    return tags


def _value(exif: bytes, order: str, at: int, kind: int, length: int) -> Any:
    form = _FORMATS.get(kind)
    size = 8 if kind in (5, 10) else struct.calcsize(form) if form else 1
    if not 0 < length <= _MAX_VALUES:
        return None
    if size * length > 4:
        (at,) = struct.unpack_from(order + "I", exif, at)
    if at + size * length > len(exif):
        return None
    if kind in (2, 7):
        return exif[at : at + length]
    if kind in (5, 10):
        pairs = struct.unpack_from(f"{order}{2 * length}{'I' if kind == 5 else 'i'}", exif, at)
        values: tuple[Any, ...] = tuple(n / d if d else math.nan for n, d in zip(pairs[::2], pairs[1::2], strict=True))
    elif form:
        values = struct.unpack_from(f"{order}{length}{form}", exif, at)
    else:
        return None
    return values[0] if length == 1 else bytes(values) if kind == 1 else values


def read_xmp(packet: bytes) -> dict[str, str]:
    """Return the properties of an XMP packet by their local names: attributes and simple elements.

    A packet that is no well-formed XML is searched for attributes instead. One with a document type, which
    XMP never has and entity bombs need, is only searched.
    """
    packet = packet.strip(b"\0 \r\n\t")
    if not packet:
        return {}
    if b"<!DOCTYPE" not in packet and b"<!ENTITY" not in packet:
        try:
            return _properties(ElementTree.fromstring(packet))
        except (ElementTree.ParseError, ValueError, LookupError):
            pass  # half-written or wrongly encoded: search it as text
    text = packet.decode("utf-8", "replace")
    return {match[2]: match[3] if match[3] is not None else match[4] for match in _XMP_ATTRIBUTE.finditer(text)}


def _properties(root: ElementTree.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            found.setdefault(name.rpartition("}")[2], value)
        if not len(element) and element.text and element.text.strip():
            found.setdefault(element.tag.rpartition("}")[2], element.text.strip())
    return found


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.split(b"\0")[0].decode("utf-8", "replace")
    return (value.strip() or None) if isinstance(value, str) else None


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _camera(main: Tags, details: Tags, xmp: Mapping[str, str]) -> Camera:
    note = re.search(rb"sensor_id:([0-9A-Za-z]+)", _bytes(details.get(0x927C)))  # in the maker's note of the H20T
    focal = _number(details.get(0x920A))
    return Camera(
        make=_text(main.get(0x010F)),
        model=_text(main.get(0x0110)),
        serial_number=_text(xmp.get("CameraSerialNumber")) or (note[1].decode() if note else None),
        firmware=_text(main.get(0x0131)),
        lens=_text(details.get(0xA434)),
        focal_length_mm=focal if focal else None,
    )


def _time(main: Tags, details: Tags) -> datetime | None:
    for value in (details.get(0x9003), details.get(0x9004), main.get(0x0132)):
        moment = parse_time(_text(value))
        if moment is not None:
            return _with_zone(moment, _text(details.get(0x9011)))
    return None


def parse_time(text: str | None) -> datetime | None:
    """Return a time as EXIF writes it, 2019:02:01 10:43:01; some drones write dashes."""
    match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", text or "")
    try:
        return datetime(*map(int, match.groups())) if match else None  # type: ignore[arg-type]
    except ValueError:
        return None  # 0000:00:00, a clock that was never set


def _with_zone(moment: datetime, zone: str | None) -> datetime:
    match = re.fullmatch(r"([+-])(\d\d):(\d\d)", zone or "")
    if not match or int(match[2]) > 23 or int(match[3]) > 59:
        return moment
    minutes = int(match[2]) * 60 + int(match[3])
    return moment.replace(tzinfo=timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)))


def _position(gps: Tags, xmp: Mapping[str, str]) -> Position | None:
    # The XMP of drones has more digits than EXIF. "Longtitude" is how one maker's firmware spells it.
    pair = (_number(xmp.get("GpsLatitude")), _number(xmp.get("GpsLongitude", xmp.get("GpsLongtitude"))))
    if not _is_place(*pair):
        pair = (_degrees(gps, 1, b"S"), _degrees(gps, 3, b"W"))
    latitude, longitude = pair if _is_place(*pair) else (None, None)
    altitude = _number(gps.get(6))
    if altitude is not None and gps.get(5) in (1, b"\x01"):
        altitude = -altitude
    absolute = _number(xmp.get("AbsoluteAltitude"))
    flag = _text(xmp.get("RtkFlag"))
    position = Position(
        latitude=latitude,
        longitude=longitude,
        altitude_m=absolute if absolute is not None else altitude,
        relative_altitude_m=_number(xmp.get("RelativeAltitude")),
        gimbal_yaw_degrees=_number(xmp.get("GimbalYawDegree")),
        gimbal_pitch_degrees=_number(xmp.get("GimbalPitchDegree")),
        gimbal_roll_degrees=_number(xmp.get("GimbalRollDegree")),
        flight_yaw_degrees=_number(xmp.get("FlightYawDegree")),
        rtk=_RTK_STATES.get(flag, flag) if flag else None,
    )
    return position if position != Position() else None


def _degrees(gps: Tags, reference_tag: int, negative: bytes) -> float | None:
    parts = gps.get(reference_tag + 1)
    if not (isinstance(parts, tuple) and len(parts) == 3):
        return None
    numbers = [_number(part) for part in parts]
    if numbers[0] is None:
        return None
    degrees = numbers[0] + (numbers[1] or 0) / 60 + (numbers[2] or 0) / 3600
    return -degrees if _bytes(gps.get(reference_tag))[:1].upper() == negative else degrees


def _is_place(latitude: float | None, longitude: float | None) -> bool:
    if latitude is None or longitude is None:
        return False
    # Exactly 0, 0 is what receivers write before they have a fix.
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
