"""The raw plane of DJI's own radiometric JPEG files.

The counts lie in the APP3 segments (XT S: APP4), joined in file order: uint16, little-endian, as many bytes
as the plane needs. The file holds no formula for °C; that lives in the vendor's library, so a frame becomes
°C only through a calibration of the user. (Dividing by 64 and taking off 273.15, as often done, is wrong by
up to 14 K.)
"""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np

from classicseg.thermal._jpeg import APP3, APP4, APP7, Segments
from classicseg.thermal._radiometry import parameter_fault

Array = np.ndarray[Any, Any]

_MAX_PIXELS = 1 << 24
_SCENE = ("atmospheric_celsius", "distance_m", "emissivity", "relative_humidity", "reflected_celsius")
_HEADER = b"\xff\xd2\xd1\xffiirp"  # of the second-generation parameter block; the five floats follow at byte 32


def read_plane(segments: Segments) -> Array | None:
    """Return the (M, N) uint16 counts, or None when no segment has the size of a plane.

    The visible picture has the plane's size, or twice it (the second form keeps (M/2, N/2) counts).
    """
    sizes = [(segments.height, segments.width), (segments.height // 2, segments.width // 2)]
    for marker in (APP3, APP4):
        total = sum(map(len, segments.app.get(marker, ())))
        for height, width in sizes:
            if 0 < height * width <= _MAX_PIXELS and total == 2 * height * width:
                counts = np.frombuffer(segments.joined(marker), "<u2").reshape(height, width)
                return counts.astype(np.uint16)
    return None


def embedded_parameters(segments: Segments) -> dict[str, float]:
    """Return the scene parameters that the M2EA, M3T and M4T write into APP4, or {}.

    Implausible ones are not taken.
    """
    block = segments.joined(APP4)
    at = 32 if block[:8] == _HEADER else 0
    if len(block) < at + 20 or len(block) > 1 << 14:  # longer: the raw plane itself
        return {}
    values = dict(zip(_SCENE, struct.unpack_from("<5f", block, at), strict=True))
    if any(parameter_fault(name, value) for name, value in values.items()) or not values["emissivity"] >= 0.05:
        return {}
    return {name: float(np.round(value, 6)) for name, value in values.items()}  # 0.95, not float32's 0.949999988


def serial_number(segments: Segments) -> str | None:
    """Return the sensor's serial number from the debug segment, where newer models write it."""
    match = re.search(rb"sensor_id:([0-9A-Za-z]+)", segments.joined(APP7))
    return match[1].decode() if match else None
