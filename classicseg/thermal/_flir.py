"""The FLIR "FFF" container in the APP1 segments of a radiometric JPEG: raw plane and camera record."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
from PIL import Image

from classicseg._errors import FileFormatError
from classicseg.thermal._image import Camera

Array = np.ndarray[Any, Any]

SEGMENT_HEADER = b"FLIR\0"  # then 0x01, chunk number, last chunk number
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
RAW_RECORD, CAMERA_RECORD = 1, 32
MAX_PIXELS = 1 << 24  # of a raw plane; the largest uncooled sensors have below 1 << 21

# Offsets in the camera record. Temperatures are in kelvin.
FLOATS = {
    "emissivity": 0x20,
    "distance_m": 0x24,
    "reflected_celsius": 0x28,
    "atmospheric_celsius": 0x2C,
    "window_celsius": 0x30,
    "window_transmission": 0x34,
    "relative_humidity": 0x3C,
    "planck_r1": 0x58,
    "planck_b": 0x5C,
    "planck_f": 0x60,
    "atmospheric_alpha1": 0x70,
    "atmospheric_alpha2": 0x74,
    "atmospheric_beta1": 0x78,
    "atmospheric_beta2": 0x7C,
    "atmospheric_x": 0x80,
    "planck_r2": 0x30C,
}
PLANCK_O = 0x308  # the one integer among them
TEXTS = {"model": (0xD4, 32), "serial_number": (0x104, 16), "firmware": (0x114, 16), "lens": (0x170, 32)}
TIME = 0x384  # seconds since 1970, milliseconds, minutes west of Greenwich
_CAMERA_RECORD_MIN = 0x310  # the last constant, planck_r2, ends here


@dataclass(frozen=True)
class FlirRecords:
    """What one FFF container holds."""

    raw: Array  # (M, N) uint16
    constants: dict[str, float]  # the names of _radiometry.PARAMETERS, as the file has them
    camera: Camera
    time: datetime | None


def join_chunks(path: str, payloads: Sequence[memoryview]) -> bytes | None:
    """Return the FFF container of the APP1 payloads, or None when none is FLIR's.

    Chunks may come in any order. A repeated chunk is dropped when it is the same, an error when it differs.
    """
    chunks: dict[int, memoryview] = {}
    last = -1
    for payload in payloads:
        if payload[:5] != SEGMENT_HEADER or len(payload) < 8:
            continue
        number, last = payload[6], max(last, payload[6], payload[7])
        if number in chunks and chunks[number] != payload[8:]:
            raise FileFormatError(path, f"two different FLIR chunks numbered {number}", "each chunk once")
        chunks[number] = payload[8:]
    if not chunks:
        return None
    missing = [number for number in range(last + 1) if number not in chunks]
    if missing:
        raise FileFormatError(path, f"no FLIR chunk {missing[0]}", f"chunks 0 to {last}; the file is incomplete")
    return b"".join(chunks[number] for number in range(last + 1))


def read_records(path: str, data: bytes) -> FlirRecords:
    """Parse an FFF container."""
    directory = _directory(path, data)
    raw_record = _record(path, data, directory, RAW_RECORD, "raw plane", 32)
    camera_record = _record(path, data, directory, CAMERA_RECORD, "camera", _CAMERA_RECORD_MIN)
    constants, camera, time = _camera(camera_record)
    return FlirRecords(_plane(path, raw_record), constants, camera, time)


def _directory(path: str, data: bytes) -> dict[int, tuple[int, int]]:
    """Return {record type: (offset, length)}, the first of each type."""
    if data[:4] not in (b"FFF\0", b"AFF\0") or len(data) < 64:
        raise FileFormatError(
            path, f"FLIR data that begins with {data[:4]!r} and has {len(data)} bytes", "an FFF header"
        )
    for order in "><":  # drones write it little-endian, cameras big-endian
        version, at, count = struct.unpack_from(order + "3I", data, 20)
        if 100 <= version < 200:
            break
    else:
        raise FileFormatError(
            path, f"FFF version bytes {data[20:24].hex()}", "a version of 100 to 199 in either byte order"
        )
    if at + 32 * count > len(data):
        raise FileFormatError(
            path,
            f"a FFF directory of {count} records at byte {at} of {len(data)}",
            "a directory within the FLIR data",
        )
    records: dict[int, tuple[int, int]] = {}
    for entry in range(at, at + 32 * count, 32):
        (kind,) = struct.unpack_from(order + "H", data, entry)
        records.setdefault(kind, struct.unpack_from(order + "2I", data, entry + 12))
    return records


def _record(
    path: str, data: bytes, directory: dict[int, tuple[int, int]], kind: int, name: str, minimum: int
) -> memoryview:
    if kind not in directory:
        raise FileFormatError(
            path, f"FFF records of types {sorted(set(directory) - {0})}", f"a {name} record (type {kind})"
        )
    at, length = directory[kind]
    if at + length > len(data) or length < minimum:
        raise FileFormatError(
            path,
            f"a {name} record of {length} bytes at byte {at} of {len(data)}",
            f"at least {minimum} bytes that lie within the FLIR data",
        )
    return memoryview(data)[at : at + length]


def byte_order(record: memoryview) -> str:
    """Each record begins with the 16-bit number 2, which tells its own byte order."""
    return "<" if record[0] else ">"


def _plane(path: str, record: memoryview) -> Array:
    order = byte_order(record)
    width, height = struct.unpack_from(order + "2H", record, 2)
    if not 0 < width * height <= MAX_PIXELS:
        raise FileFormatError(path, f"a raw plane of {height} x {width}", f"1 to {MAX_PIXELS} pixels")
    body = record[32:]
    if body[:8] == PNG_SIGNATURE:
        plane = _png_plane(path, bytes(body), height, width)
        # The samples are put into the PNG as the record has them in memory; PNG itself is big-endian.
        return plane.byteswap() if order == "<" else plane
    if len(body) < 2 * width * height:
        raise FileFormatError(
            path,
            f"{len(body)} bytes of raw plane, beginning {bytes(body[:8]).hex()}",
            f"a PNG, or {2 * width * height} bytes for {height} x {width} counts",
        )
    return np.frombuffer(body, order + "u2", width * height).reshape(height, width).astype(np.uint16)


def _png_plane(path: str, body: bytes, height: int, width: int) -> Array:
    header = struct.unpack_from(">2I2B", body, 16) if len(body) >= 26 else ()
    if header != (width, height, 16, 0):  # checked before decoding, so that a claimed size costs no memory
        raise FileFormatError(
            path,
            f"a PNG plane with (width, height, depth, colour type) {header}",
            f"{(width, height, 16, 0)}",
        )
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as picture:
            plane = np.asarray(picture)
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        raise FileFormatError(path, f"a damaged PNG plane ({error})", "a complete 16-bit PNG") from error
    return plane.astype(np.uint16, copy=False)


def _camera(record: memoryview) -> tuple[dict[str, float], Camera, datetime | None]:
    order = byte_order(record)
    constants = {name: float(struct.unpack_from(order + "f", record, at)[0]) for name, at in FLOATS.items()}
    for name in constants:
        if name.endswith("_celsius"):
            constants[name] = round(constants[name] - 273.15, 4)  # float32 kelvin resolve 3e-5: 0, not -6.1e-06
    if constants["relative_humidity"] > 1:  # some cameras write per cent
        constants["relative_humidity"] /= 100
    constants["planck_o"] = float(struct.unpack_from(order + "i", record, PLANCK_O)[0])
    texts = {name: _text(record[at : at + size]) for name, (at, size) in TEXTS.items()}
    return constants, Camera(make="FLIR", **texts), _time(record, order)  # type: ignore[arg-type]


def _text(field: memoryview) -> str | None:
    return bytes(field).split(b"\0")[0].decode("latin-1").strip() or None


def _time(record: memoryview, order: str) -> datetime | None:
    if len(record) < TIME + 10:
        return None
    seconds, milliseconds, west = struct.unpack_from(order + "IIh", record, TIME)
    if not seconds or abs(west) >= 24 * 60:
        return None
    zone = timezone(timedelta(minutes=-west))
    return datetime.fromtimestamp(seconds, zone) + timedelta(milliseconds=milliseconds & 0xFFFF)
