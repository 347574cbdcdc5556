"""The colours of pictures and report: a thermal palette computed here, one colour per severity, one per class."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# control points of a palette that rises evenly in lightness: near black, indigo, magenta, orange, pale yellow
_STOPS = np.array(
    [
        [8, 8, 22],
        [38, 16, 82],
        [92, 22, 112],
        [146, 34, 104],
        [196, 58, 74],
        [232, 98, 36],
        [248, 152, 20],
        [246, 208, 66],
        [252, 250, 196],
    ],
    dtype=np.float64,
)

SEVERITIES = {
    "unknown": "#7f8c99",
    "none": "#5aa469",
    "low": "#e0b400",
    "medium": "#f08a24",
    "high": "#d7263d",
    "critical": "#8c1d6e",
}
MOST_COLORS = 255  # classes that have one, beside what is outside

# any other word of a user's profile gets one of these, by its length and letters, the same in every run
_SPARE = ("#2f7fd1", "#8e5bd0", "#1f9e9a", "#b0478f", "#7a6a3a")


def thermal_palette(n_shades: int) -> Array:
    """Return (n_shades, 3) uint8 colours from cold to hot."""
    at = np.linspace(0.0, len(_STOPS) - 1.0, n_shades)
    columns = [np.interp(at, np.arange(len(_STOPS)), _STOPS[:, channel]) for channel in range(3)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)


def severity_color(severity: str) -> str:
    """Return the colour of a severity as #rrggbb."""
    return SEVERITIES.get(severity.lower()) or _SPARE[sum(severity.encode()) % len(_SPARE)]


def class_palette(n_classes: int) -> bytes:
    """Return red, green and blue of 0, which is outside, and of the classes 1..n, 0-255 each.

    Hues are a golden section of the circle apart, so that the first few differ most; every second is paler.
    """
    colors = [58, 62, 68]
    for index in range(n_classes):
        hue, saturation = (0.6 + index * 0.618034) % 1, (0.62, 0.4)[index % 2]
        colors += [round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, 0.92)]
    return bytes(colors)


def rgb(color: str) -> tuple[int, int, int]:
    """Return #rrggbb as three numbers 0-255."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
