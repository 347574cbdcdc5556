"""TIFF planes of temperatures or counts."""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from classicseg._errors import FileFormatError, NotRadiometricError
from classicseg.thermal._metadata import Metadata, Tags, metadata_of, read_xmp

Array = np.ndarray[Any, Any]

# unit → (factor, offset) to °C; "counts" has none
UNITS: dict[str, tuple[float, float] | None] = {
    "celsius": (1.0, 0.0),
    "millicelsius": (0.001, 0.0),
    "centicelsius": (0.01, 0.0),
    "kelvin": (1.0, -273.15),
    "centikelvin": (0.01, -273.15),
    "decikelvin": (0.1, -273.15),
    "millikelvin": (0.001, -273.15),
    "counts": None,
}
MAX_PIXELS = 1 << 26  # 268 MB as float32
_MAX_EXPANSION = 4000  # no compression of TIFF gains more, so a larger claim is a lie
_NODATA_TAG, _GDAL_TAG, _DESCRIPTION_TAG, _XMP_TAG, _SERIAL_TAG = 42113, 42112, 270, 700, 50735
_UNIT_TAG = re.compile(r"""unit(?:type|s)?["']?\s*(?:role\s*=\s*["']\w*["'])?\s*[>:=]\s*["']?\s*([^"'<,;}\s]+)""", re.I)
_SPELLINGS = {
    "°c": "celsius",
    "c": "celsius",
    "degc": "celsius",
    "k": "kelvin",
    "ck": "centikelvin",
    "mk": "millikelvin",
}
_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
           struct.error, zlib.error, MemoryError, Image.DecompressionBombError)  # fmt: skip


@dataclass(frozen=True)
class TiffPlane:
    """One page of a TIFF file, not yet scaled."""

    plane: Array  # (M, N) uint16, int32 or float32
    unit: str | None  # one of UNITS when a tag names it
    linear: tuple[float, float] | None  # factor and offset to °C when the camera wrote them
    nodata: float | None
    metadata: Metadata
    notes: tuple[str, ...]


def is_tiff(data: bytes) -> bool:
    """Whether `data` begins like a TIFF or BigTIFF file."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(path: str, data: bytes) -> TiffPlane:
    """Read the first page.

    Pillow warns of damaged tags; what matters is checked here, so the warnings are dropped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=["TIFF"]) as picture:
                _check_claims(path, picture, len(data))
                plane = np.array(picture)
                tags = _tags(picture)
                pages = getattr(picture, "n_frames", 1)
        except (FileFormatError, NotRadiometricError):
            raise
        except _ERRORS as error:
            found = f"a TIFF that cannot be decoded ({type(error).__name__}: {error})"
            raise FileFormatError(path, found, "a complete TIFF of one 16-bit, 32-bit or float channel") from error
    main, details, gps = tags
    notes = (f"the first of {pages} pages was read",) if pages > 1 else ()
    xmp = read_xmp(main[_XMP_TAG]) if isinstance(main.get(_XMP_TAG), bytes) else {}
    serial = main.get(_SERIAL_TAG)
    if isinstance(serial, str):
        xmp.setdefault("CameraSerialNumber", serial.strip("\0 "))
    return TiffPlane(
        plane.astype(np.uint16) if plane.dtype.kind == "u" else plane,
        _stated_unit(main),
        _linear(xmp),
        _nodata(main.get(_NODATA_TAG)),
        metadata_of(main, details, gps, xmp),
        notes,
    )


def _check_claims(path: str, picture: Image.Image, n_bytes: int) -> None:
    pixels = picture.width * picture.height
    depth = {"I;16": 2, "I;16B": 2, "I;16L": 2, "I": 4, "F": 4}.get(picture.mode)
    size = f"{picture.height} x {picture.width}"
    if depth is None:
        raise NotRadiometricError(
            path,
            f"a TIFF picture of mode {picture.mode}",
            "one channel of 16-bit integers or floats; display colours hold no temperature",
        )
    if not 0 < pixels <= MAX_PIXELS:
        raise FileFormatError(path, f"a TIFF that claims {size} pixels", f"1 to {MAX_PIXELS} pixels")
    expansion = 1 if picture.info.get("compression") == "raw" else _MAX_EXPANSION
    if pixels * min(depth, 2) > expansion * n_bytes:
        raise FileFormatError(
            path,
            f"a TIFF of {n_bytes} bytes that claims {size} pixels",
            "as many bytes as the pixels need; the file is cut off",
        )


def _tags(picture: Any) -> tuple[Tags, Tags, Tags]:
    exif = picture.getexif()
    directories = (exif, exif.get_ifd(0x8769), exif.get_ifd(0x8825))
    main, details, gps = ({tag: _plain(value) for tag, value in directory.items()} for directory in directories)
    return main, details, gps


def _plain(value: Any) -> Any:
    """Pillow's rationals as floats, NaN where the denominator is 0."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, (str, bytes, int)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan


def _stated_unit(main: Tags) -> str | None:
    for tag in (_GDAL_TAG, _DESCRIPTION_TAG):
        text = main.get(tag)
        match = _UNIT_TAG.search(text[:4096]) if isinstance(text, str) else None
        if match:
            word = match[1].lower().replace("_", "").replace("-", "")
            word = _SPELLINGS.get(word, word)
            if word in UNITS:
                return word
    return None


def _linear(xmp: Any) -> tuple[float, float] | None:
    """FLIR's TLinear mode: counts are kelvin in steps of this gain; 0 means that the mode is off."""
    try:
        gain = float(xmp.get("TlinearGain", 0))
    except ValueError:
        return None
    return (gain, -273.15) if 0 < gain < 1 else None


def _nodata(value: Any) -> float | None:
    try:
        return float(str(value).strip("\0 ")) if value is not None else None
    except ValueError:
        return None
