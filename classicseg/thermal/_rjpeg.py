"""Write a radiometric FLIR JPEG: for the demo, the tests and the benchmarks."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from classicseg._validate import check_choice, check_float, check_image, check_int
from classicseg.thermal import _flir
from classicseg.thermal._image import Camera, Position
from classicseg.thermal._metadata import XMP_HEADER
from classicseg.thermal._radiometry import PARAMETERS, ZERO_CELSIUS, parameter_fault

Array = np.ndarray[Any, Any]

# The constants of an uncooled 640 x 512 drone core: about 24 counts per kelvin at 40 °C.
DEFAULTS: Mapping[str, float] = {
    "emissivity": 0.95,
    "reflected_celsius": 20.0,
    "atmospheric_celsius": 20.0,
    "relative_humidity": 0.5,
    "distance_m": 0.0,
    "window_transmission": 1.0,
    "window_celsius": 20.0,
    "planck_r1": 17096.453,
    "planck_r2": 0.0466,
    "planck_b": 1428.0,
    "planck_f": 1.0,
    "planck_o": -342.0,
    "atmospheric_alpha1": 0.006569,
    "atmospheric_alpha2": 0.01262,
    "atmospheric_beta1": -0.002276,
    "atmospheric_beta2": -0.00667,
    "atmospheric_x": 1.9,
}
_CAMERA_RECORD_BYTES = 2476
_DIRECTORY_ENTRIES = 14  # as cameras write it, the unused ones zero; some readers do not look at the last
_SEGMENT_BYTES = 65000
_ORDERS = {"little": "<", "big": ">"}
_RTK_FLAGS = {"none": "0", "single": "16", "float": "34", "fixed": "50"}
_XMP_NAMES = {
    "altitude_m": "AbsoluteAltitude",
    "relative_altitude_m": "RelativeAltitude",
    "gimbal_yaw_degrees": "GimbalYawDegree",
    "gimbal_pitch_degrees": "GimbalPitchDegree",
    "gimbal_roll_degrees": "GimbalRollDegree",
    "flight_yaw_degrees": "FlightYawDegree",
}


def write_flir_rjpeg(
    path: str | os.PathLike[str],
    raw: Any,
    *,
    parameters: Mapping[str, float] | None = None,
    visible: Any = None,
    time: datetime | None = None,
    position: Position | None = None,
    camera: Camera | None = None,
    encoding: Literal["raw", "png"] = "raw",
    byte_order: Literal["little", "big"] = "little",
    container_order: Literal["little", "big"] = "big",
    segment_bytes: int = _SEGMENT_BYTES,
) -> None:
    """Write counts and their constants as a FLIR R-JPEG that `read` and other radiometric software take.

    Parameters
    ----------
    path : path
        The file to write.
    raw : array_like
        (M, N) uint16 counts; see `counts_of_celsius` for making them from temperatures.
    parameters : mapping of str to float, optional
        Scene parameters and constants of the camera, by the names that `ThermalImage.parameters` has; those
        left out are `DEFAULTS`.
    visible : array_like, optional
        (M, N) or (M, N, 3) uint8 picture that viewers show; default the counts in gray from their 1st to
        their 99th percentile.
    time : datetime.datetime, optional
        When the frame was taken.
    position : Position, optional
        Where; written to EXIF and XMP.
    camera : Camera, optional
        Default a camera named "classicseg".
    encoding : str, optional
        ``"raw"`` bytes or a ``"png"``, as FLIR's models differ.
    byte_order : str, optional
        Of the records: ``"little"`` or ``"big"``.
    container_order : str, optional
        Of the container's header and directory; cameras write ``"big"``, some drones ``"little"``.
    segment_bytes : int, optional
        Bytes of the container per JPEG segment; the largest is 65,525.

    Raises
    ------
    TypeError, ValueError
        For counts that are not uint16, an unknown parameter, or one outside its range.
    """
    counts = check_image("raw", raw, ndim=(2,))
    if counts.dtype != np.uint16:
        raise TypeError(f"raw must be of dtype uint16, got {counts.dtype}; round and convert it first")
    if max(counts.shape) > 65535 or counts.size > _flir.MAX_PIXELS:
        raise ValueError(f"raw must have at most {_flir.MAX_PIXELS} pixels, 65535 per side, got shape {counts.shape}")
    values = _check_parameters(parameters or {})
    encoding = check_choice("encoding", encoding, ("raw", "png"))
    order = _ORDERS[check_choice("byte_order", byte_order, tuple(_ORDERS))]
    outer = _ORDERS[check_choice("container_order", container_order, tuple(_ORDERS))]
    segment_bytes = check_int("segment_bytes", segment_bytes, low=1, high=65525)
    camera = camera or Camera(make="classicseg", model="classicseg", serial_number="0")
    container = fff_container(counts, values, camera, time, encoding, (outer, order))
    picture = _picture(counts, visible, time, position, camera)
    segments = flir_segments(container, segment_bytes)
    if position is not None:
        segments = _segment(XMP_HEADER + _xmp(position)) + segments
    head = picture.index(b"Exif\0\0") - 4  # Pillow puts EXIF behind JFIF; everything else follows it
    head += 2 + int.from_bytes(picture[head + 2 : head + 4], "big")
    with open(path, "wb") as file:
        file.write(picture[:head] + segments + picture[head:])


def _check_parameters(given: Mapping[str, float]) -> dict[str, float]:
    for name, value in given.items():
        if name not in PARAMETERS:
            raise ValueError(f"parameters must have names among {', '.join(PARAMETERS)}, got {name!r}")
        fault = parameter_fault(name, check_float(name, value))
        if fault:
            raise ValueError(f"{name} must be {fault}, got {value}")
    return {**DEFAULTS, **{name: float(value) for name, value in given.items()}}


def fff_container(
    raw: Array,
    values: Mapping[str, float],
    camera: Camera,
    time: datetime | None,
    encoding: str,
    orders: tuple[str, str],
) -> bytes:
    """Return the FFF bytes: header, directory of two records, camera record, raw plane."""
    outer, order = orders
    height, width = raw.shape
    size = struct.pack(order + "3H", 2, width, height).ljust(32, b"\0")
    if encoding == "png":
        buffer = io.BytesIO()
        Image.fromarray(raw.byteswap() if order == "<" else raw).save(buffer, "PNG", compress_level=1)
        plane = size + buffer.getvalue()
    else:
        plane = size + raw.astype(order + "u2").tobytes()
    record = bytearray(size.ljust(_CAMERA_RECORD_BYTES, b"\0"))
    for name, at in _flir.FLOATS.items():
        value = values[name] + (ZERO_CELSIUS if name.endswith("_celsius") else 0.0)
        struct.pack_into(order + "f", record, at, value)
    struct.pack_into(order + "i", record, _flir.PLANCK_O, round(values["planck_o"]))
    for name, (at, length) in _flir.TEXTS.items():
        text = (getattr(camera, name) or "").encode("latin-1", "replace")[: length - 1]
        record[at : at + len(text)] = text
    if time is not None and time.tzinfo is not None:
        offset = time.utcoffset()
        assert offset is not None  # tzinfo is set
        west = -round(offset.total_seconds() / 60)
        struct.pack_into(order + "IIh", record, _flir.TIME, int(time.timestamp()), time.microsecond // 1000, west)
    start = 64 + _DIRECTORY_ENTRIES * 32
    header = b"FFF\0" + b"classicseg".ljust(16, b"\0") + struct.pack(outer + "3I", 100, 64, _DIRECTORY_ENTRIES)
    directory = b"".join(
        struct.pack(outer + "2H4I", kind, subtype, 100, 0, at, length).ljust(32, b"\0")
        for kind, subtype, at, length in (
            (_flir.CAMERA_RECORD, 1, start, len(record)),
            (_flir.RAW_RECORD, 3 if encoding == "png" else 2, start + len(record), len(plane)),
        )
    )
    return header.ljust(64, b"\0") + directory.ljust(32 * _DIRECTORY_ENTRIES, b"\0") + bytes(record) + plane


def flir_segments(container: bytes, segment_bytes: int = _SEGMENT_BYTES) -> bytes:
    """Return the container cut into numbered APP1 segments."""
    chunks = [container[at : at + segment_bytes] for at in range(0, len(container), segment_bytes)]
    if len(chunks) > 256:
        raise ValueError(f"segment_bytes must leave at most 256 segments, got {len(chunks)}; raise it")
    return b"".join(
        _segment(_flir.SEGMENT_HEADER + bytes((1, number, len(chunks) - 1)) + chunk)
        for number, chunk in enumerate(chunks)
    )


def _segment(payload: bytes) -> bytes:
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload


def _picture(raw: Array, visible: Any, time: datetime | None, position: Position | None, camera: Camera) -> bytes:
    if visible is None:
        low, high = np.percentile(raw, (1, 99))
        visible = np.clip((raw - low) * (255 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    picture = check_image("visible", visible)
    if picture.dtype != np.uint8:
        raise TypeError(f"visible must be of dtype uint8, got {picture.dtype}")
    exif = Image.Exif()
    for tag, text in ((0x010F, camera.make), (0x0110, camera.model), (0x0131, camera.firmware)):
        if text:
            exif[tag] = text
    details = exif.get_ifd(0x8769)
    if camera.focal_length_mm:
        details[0x920A] = camera.focal_length_mm
    if time is not None:
        exif[0x0132] = details[0x9003] = time.strftime("%Y:%m:%d %H:%M:%S")
        if time.tzinfo is not None:
            zone = time.strftime("%z")
            details[0x9011] = f"{zone[:3]}:{zone[3:5]}"
    exif[0x8769] = details
    if position is not None and position.latitude is not None and position.longitude is not None:
        exif[0x8825] = _gps(position.latitude, position.longitude, position.altitude_m)
    buffer = io.BytesIO()
    # An empty block would be left out; the segments are placed behind it.
    exif.setdefault(0x0112, 1)
    Image.fromarray(picture).save(buffer, "JPEG", quality=80, exif=exif.tobytes())
    return buffer.getvalue()


def _gps(latitude: float, longitude: float, altitude_m: float | None) -> dict[int, Any]:
    tags: dict[int, Any] = {1: "N" if latitude >= 0 else "S", 2: _sexagesimal(latitude)}
    tags |= {3: "E" if longitude >= 0 else "W", 4: _sexagesimal(longitude)}
    if altitude_m is not None:
        tags |= {5: b"\1" if altitude_m < 0 else b"\0", 6: abs(altitude_m)}
    return tags


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(abs(degrees) * 3600, 60)
    whole, minutes = divmod(minutes, 60)
    return float(whole), float(minutes), round(seconds, 6)


def _xmp(position: Position) -> bytes:
    items = {
        name: f"{getattr(position, key):+.6f}" for key, name in _XMP_NAMES.items() if getattr(position, key) is not None
    }
    if position.latitude is not None and position.longitude is not None:
        items |= {"GpsLatitude": f"{position.latitude:+.9f}", "GpsLongitude": f"{position.longitude:+.9f}"}
    if position.rtk is not None:
        items["RtkFlag"] = _RTK_FLAGS.get(position.rtk, position.rtk)
    attributes = "".join(f" drone-dji:{name}={quoteattr(text)}" for name, text in items.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"'
        f"{attributes}/></rdf:RDF></x:xmpmeta>"
    ).encode()
