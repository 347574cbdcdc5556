"""The picture of a frame for people: thermal colours, surfaces faintly outlined, hot spots outlined and numbered.

It is drawn in one byte per pixel with a palette of its own: a third of the bytes to compress and to store, and
the same picture. Text is anti-aliased through a short ramp of colours in that palette.
"""

from __future__ import annotations

from functools import lru_cache
from typing import IO, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from classicseg.batch._colors import rgb, severity_color, thermal_palette

Array = np.ndarray[Any, Any]
Rows = list[dict[str, Any]]
Box = tuple[int, int, int, int]  # row_min, col_min, row_max, col_max

SHADES = 112  # of the thermal palette; twice, the second time lightened for the outlines of surfaces
NODATA, BLACK, PANEL, TICK = 224, 225, 226, 227
TEXT = 228  # first of 8 steps from the background of a tag to its text
COLORS = 236  # first of up to 20 severity colours
N_TEXT = 8
WHITE = TEXT + N_TEXT - 1
MAX_TAGS = 60  # hottest first; more would cover the picture
MIN_SIDE = 480  # pixels; smaller frames are enlarged by a whole factor so that tags stay in proportion
PANEL_WIDTH = 78  # so that ">14500" fits beside the bar
FONT_SIZE = 13
COMPRESSION = 1  # zlib level: 4 times faster than 6 and 9 to 15 % larger on noisy frames of 512 x 640


def write_overlay(file: IO[bytes], values: Array, unit: str, labels: Array, surfaces: Array, rows: Rows) -> None:
    """Draw a frame into `file` as PNG.

    Parameters
    ----------
    file : binary file
        Where the picture goes.
    values : numpy.ndarray
        (M, N) float32 °C or counts; NaN without measurement.
    unit : str
        "celsius" or "counts".
    labels, surfaces : numpy.ndarray
        (M, N) int32, 0 = none.
    rows : list of dict
        One per hot spot: label, row_min, col_min, row_max, col_max, delta, severity.
    """
    factor = max(1, -(-MIN_SIDE // max(values.shape)))
    low, high = shown_range(values)
    canvas = _thermal(values, low, high, factor)
    _outline_surfaces(canvas, surfaces, factor)
    severities = list(dict.fromkeys(str(row["severity"]) for row in rows))[: 256 - COLORS]
    beyond = (bool((values < low).any()), bool((values > high).any()))
    picture = np.concatenate([canvas, _panel(canvas.shape[0], low, high, unit, beyond)], axis=1)
    view = picture[:, : canvas.shape[1]]
    for row in reversed(rows):  # the hottest is drawn last, on top
        _outline_spot(view, labels, row, factor)
    _draw_tags(view, rows[:MAX_TAGS], unit, factor, severities)
    image = Image.fromarray(picture)
    image.putpalette(_palette(tuple(severities)))
    image.save(file, "PNG", compress_level=COMPRESSION)


def shown_range(values: Array) -> tuple[float, float]:
    """Return the values at both ends of the palette: all but the outermost thousandths of a regular sample."""
    sample = values[::3, ::3]
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    ordered = np.sort(sample)
    low, high = float(ordered[sample.size // 200]), float(ordered[-1 - sample.size // 1000])
    return (low, high) if high - low > 1e-3 else (low - 0.5, low + 0.5)


def _thermal(values: Array, low: float, high: float, factor: int) -> Array:
    valid = np.isfinite(values)
    scaled = (np.where(valid, values, low) - np.float32(low)) * np.float32((SHADES - 1) / (high - low))
    shades = (np.clip(scaled, 0, SHADES - 1) + np.float32(0.5)).astype(np.uint8)
    if factor > 1:
        size = (shades.shape[1] * factor, shades.shape[0] * factor)
        shades = np.array(Image.fromarray(shades).resize(size, Image.Resampling.BICUBIC))
        np.minimum(shades, SHADES - 1, out=shades)  # the filter may overshoot
        valid = _enlarged(valid, factor)
    shades[~valid] = NODATA
    return np.asarray(shades)


def _enlarged(plane: Array, factor: int) -> Array:
    return plane if factor == 1 else plane.repeat(factor, axis=0).repeat(factor, axis=1)


def _outline_surfaces(canvas: Array, surfaces: Array, factor: int) -> None:
    surfaces = _enlarged(surfaces, factor)
    edge = np.zeros(surfaces.shape, bool)
    np.not_equal(surfaces[1:], surfaces[:-1], out=edge[1:])
    edge[:, 1:] |= surfaces[:, 1:] != surfaces[:, :-1]
    edge &= canvas < SHADES
    canvas[edge] += SHADES


def _outline_spot(canvas: Array, labels: Array, row: dict[str, Any], factor: int) -> None:
    """Draw a white line around a hot spot, between two dark ones so that it is seen on any background."""
    margin = 3
    top, left = max(row["row_min"] - margin, 0), max(row["col_min"] - margin, 0)
    window = labels[top : row["row_max"] + margin, left : row["col_max"] + margin] == row["label"]
    grown = [_enlarged(window, factor)]
    for _ in range(3):
        grown.append(_dilated(grown[-1]))
    height, width = window.shape[0] * factor, window.shape[1] * factor
    part = canvas[top * factor : top * factor + height, left * factor : left * factor + width]
    part[grown[3] & ~grown[0]] = BLACK
    part[grown[2] & ~grown[1]] = WHITE


def _dilated(mask: Array) -> Array:
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    out[:, 1:] |= mask[:, :-1]
    out[:, :-1] |= mask[:, 1:]
    return out


def _draw_tags(canvas: Array, rows: Rows, unit: str, factor: int, severities: list[str]) -> None:
    taken: list[Box] = [
        tuple(row[name] * factor for name in ("row_min", "col_min", "row_max", "col_max")) for row in rows
    ]
    for row in rows:
        tag = _tag(f"{row['label']}  {delta_text(row['delta'], unit)}", _color_index(row, severities))
        place = _free_place(row, tag.shape, canvas.shape, taken, factor)
        if place is not None:
            top, left = place
            canvas[top : top + tag.shape[0], left : left + tag.shape[1]] = tag
            taken.append((top, left, top + tag.shape[0], left + tag.shape[1]))


def delta_text(delta: float, unit: str) -> str:
    """Return a temperature difference as it is written on pictures."""
    return f"{delta:+.1f} °C" if unit == "celsius" else f"{delta:+.0f} counts"


def _tag(text: str, color: int) -> Array:
    font = _font()
    left, _, right, _ = font.getbbox(text)
    ascent, descent = font.getmetrics()
    height, width = ascent + descent + 4, round(right - left) + 14
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).text((9 - left, 2), text, fill=255, font=font)
    tag = TEXT + (np.asarray(mask).astype(np.int32) * (N_TEXT - 1) + 127) // 255
    tag[:, :5] = color
    return tag.astype(np.uint8)


def _free_place(
    row: dict[str, Any], size: tuple[int, ...], canvas: tuple[int, ...], taken: list[Box], factor: int
) -> tuple[int, int] | None:
    """Return the first place beside the spot where a tag covers neither a spot nor another tag."""
    height, width = size
    if height > canvas[0] or width > canvas[1]:
        return None
    top, left, bottom, right = (row[n] * factor for n in ("row_min", "col_min", "row_max", "col_max"))
    middle = (top + bottom - height) // 2
    gap = 5
    for step in range(4):
        away = gap + step * (height + 2)
        for place in (
            (top - away - height, left),
            (bottom + away, left),
            (middle, right + away),
            (middle, left - away - width),
            (top - away - height, right - width),
            (bottom + away, right - width),
        ):
            at = (min(max(place[0], 0), canvas[0] - height), min(max(place[1], 0), canvas[1] - width))
            if not any(_overlap((*at, at[0] + height, at[1] + width), box) for box in taken):
                return at
    return None


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _color_index(row: dict[str, Any], severities: list[str]) -> int:
    severity = str(row["severity"])
    return COLORS + severities.index(severity) if severity in severities else BLACK


def _panel(height: int, low: float, high: float, unit: str, beyond: tuple[bool, bool]) -> Array:
    """Return the scale at the right of the picture: a bar from cold to hot with its values.

    `beyond` tells whether the frame goes below `low` and above `high`, which is marked at that end.
    """
    panel = np.full((height, PANEL_WIDTH), PANEL, np.uint8)
    top, bottom = 30, height - 14
    if bottom - top < 40:
        return panel
    bar = np.linspace(SHADES - 1, 0, bottom - top)
    panel[top:bottom, 8:20] = np.rint(bar).astype(np.uint8)[:, None]
    _write(panel, "°C" if unit == "celsius" else "counts", 6, 8)
    n_ticks = max(2, min(7, (bottom - top) // 50))
    for index in range(n_ticks):
        part = index / (n_ticks - 1)
        row = round(bottom - 1 - part * (bottom - top - 1))
        panel[row, 20:25] = TICK
        value = low + part * (high - low)
        mark = "<" if index == 0 and beyond[0] else ">" if index == n_ticks - 1 and beyond[1] else ""
        _write(panel, mark + (f"{value:.1f}" if unit == "celsius" else f"{value:.0f}"), row - 8, 28)
    return panel


def _write(panel: Array, text: str, row: int, col: int) -> None:
    steps = _steps(text)[: panel.shape[0] - row, : panel.shape[1] - col]
    part = panel[row : row + steps.shape[0], col : col + steps.shape[1]]
    np.copyto(part, TEXT + steps, where=steps > 0)


@lru_cache(maxsize=4096)  # ticks and tags say the same again and again in a flight
def _steps(text: str) -> Array:
    """Return a text as steps from its background (0) to its colour (N_TEXT - 1)."""
    _, _, right, bottom = _font().getbbox(text)
    mask = Image.new("L", (round(right) + 1, round(bottom) + 1))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=_font())
    return ((np.asarray(mask).astype(np.int32) * (N_TEXT - 1) + 127) // 255).astype(np.uint8)


@lru_cache
def _font() -> Any:
    return ImageFont.load_default(FONT_SIZE)


@lru_cache
def _palette(severities: tuple[str, ...]) -> bytes:
    colors = np.zeros((256, 3), np.uint8)
    colors[:SHADES] = thermal_palette(SHADES)
    colors[SHADES : 2 * SHADES] = np.rint(0.62 * colors[:SHADES] + 0.38 * 235.0).astype(np.uint8)
    colors[NODATA], colors[BLACK], colors[PANEL], colors[TICK] = (58, 62, 68), (0, 0, 0), (21, 24, 29), (150, 156, 164)
    dark, light = np.array([21.0, 24.0, 29.0]), np.array([255.0, 255.0, 255.0])
    ramp = np.linspace(0.0, 1.0, N_TEXT)[:, None]
    colors[TEXT : TEXT + N_TEXT] = np.rint(dark + ramp * (light - dark)).astype(np.uint8)
    for index, severity in enumerate(severities):
        colors[COLORS + index] = rgb(severity_color(severity))
    return colors.tobytes()
