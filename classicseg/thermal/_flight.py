"""A small synthetic flight over a solar plant, with known hot spots.

For the demo, the tests and the benchmarks.

One plant is laid out in pixels of the ground; every frame looks at a part of it under its own angle, so
frames overlap as those of a real flight do. Sizes, temperatures and disturbances follow published drone
frames.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from classicseg._validate import check_int
from classicseg.thermal._image import Camera, Position
from classicseg.thermal._radiometry import counts_of_celsius
from classicseg.thermal._rjpeg import DEFAULTS, write_flir_rjpeg

Array = np.ndarray[Any, Any]

_PERIOD, _ROW, _SHADOW = (
    210.0,
    128.0,
    165.0,
)  # across: modules to _ROW, cold shadow to _SHADOW, then bare ground
_HALF, _GAP, _MODULE = 62.0, 4.0, 36.0  # two modules side by side with a gap; their length along the row
_MODULE_CELSIUS, _SHADOW_CELSIUS, _GROUND_CELSIUS = 33.0, 20.0, 32.0
_METRES_PER_PIXEL = 0.039  # a 13 mm lens over 17 µm pixels at 30 m
_OVERLAP = 0.4
_NOISE_CELSIUS = 0.06
_TILE = 256  # of the noise that the textures are made of
_KINDS: tuple[Literal["cell", "substring", "module"], ...] = ("cell", "substring", "cell", "module")
_START = datetime(2026, 6, 20, 12, 30)
_SCENE = {
    **DEFAULTS,
    "emissivity": 0.9,
    "reflected_celsius": -10.0,
    "atmospheric_celsius": 24.0,
    "relative_humidity": 0.4,
    "distance_m": 30.0,
}


@dataclass(frozen=True)
class TrueSpot:
    """A hot spot as one frame shows it.

    Parameters
    ----------
    spot : int
        Number of the spot on the plant: the same in every frame that shows it.
    kind : str
        ``"cell"``, ``"substring"`` or ``"module"``.
    row, col : float
        Centroid.
    box : tuple of int
        row_min, col_min, row_max, col_max, half open.
    area_px : int
        Pixels of the hot area.
    delta_celsius : float
        Largest excess over the same frame without the spot.
    temperature_celsius : float
        Largest temperature in it, before noise.
    cut : bool
        Whether the border of the frame cuts it.
    """

    spot: int
    kind: str
    row: float
    col: float
    box: tuple[int, int, int, int]
    area_px: int
    delta_celsius: float
    temperature_celsius: float
    cut: bool


@dataclass(frozen=True)
class Flight:
    """The files of a synthetic flight and what is true of them.

    Parameters
    ----------
    paths : tuple of str
        The good frames, in flight order.
    broken : str
        A frame that was cut off while it was written.
    truth : mapping of str to tuple of TrueSpot
        Hot spots of each good frame, by file name.
    """

    paths: tuple[str, ...]
    broken: str
    truth: Mapping[str, tuple[TrueSpot, ...]]

    def write_truth(self, path: str | os.PathLike[str]) -> None:
        """Write the truth as JSON: file name → list of spots."""
        content = {name: [asdict(spot) for spot in spots] for name, spots in self.truth.items()}
        Path(path).write_text(json.dumps(content, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class _Spot:
    kind: str
    u: float  # centre on the plant, pixels: across the rows
    v: float  # along the rows
    half_u: float
    half_v: float
    delta: float


@dataclass(frozen=True)
class _View:
    u: float  # of the frame's centre
    v: float
    angle: float  # radians; the image's up is this far west of north


def synthetic_flight(
    folder: str | os.PathLike[str],
    *,
    n_frames: int = 12,
    rng: int | np.random.Generator | None = 0,
    shape: tuple[int, int] = (512, 640),
) -> Flight:
    """Write a flight of radiometric FLIR JPEG files with known hot spots.

    Module rows with their grid lines and cold shadows, ground that is partly hotter than the modules, sensor
    noise, vignetting, slow gradients, rows under an angle in some frames, GPS along the flight line.

    Parameters
    ----------
    folder : path
        Where the files go; made when it does not exist.
    n_frames : int, optional
        Number of good frames; one broken file comes on top.
    rng : int, Generator or None, optional
        The same value gives the same files.
    shape : tuple of int, optional
        (M, N) of a frame, at least 128 per side to show a module row.

    Returns
    -------
    Flight
        Paths and truth.
    """
    n_frames = check_int("n_frames", n_frames, low=1, high=9998)
    shape = (
        check_int("shape[0]", shape[0], low=128, high=4096),
        check_int("shape[1]", shape[1], low=128, high=4096),
    )
    generator = np.random.default_rng(rng)
    os.makedirs(folder, exist_ok=True)
    tile = generator.random((_TILE, _TILE)).astype(np.float32)
    views = _views(n_frames, shape, generator)
    spots = _place_spots(views, shape, generator)
    paths, truth = [], {}
    for number, view in enumerate(views):
        path = os.path.join(folder, f"SYN_{number + 1:04d}.jpg")
        plane, truth[os.path.basename(path)] = _render(view, spots, tile, shape, generator)
        _write(path, plane, number, view)
        paths.append(path)
    broken = os.path.join(folder, f"SYN_{n_frames + 1:04d}.jpg")
    whole = Path(paths[0]).read_bytes()
    Path(broken).write_bytes(whole[: len(whole) * 2 // 5])
    return Flight(tuple(paths), broken, truth)


def _views(n_frames: int, shape: tuple[int, int], generator: np.random.Generator) -> list[_View]:
    views = []
    for number in range(n_frames):
        degrees = generator.normal(0, 1.5)
        if number % 4 == 2:  # wind, or the turn at the end of a line
            degrees += generator.choice([-1, 1]) * generator.uniform(8, 30)
        if number % 6 >= 4:  # rows lie across the image
            degrees += 90
        drift = generator.normal(0, 8)
        views.append(_View(_ROW + drift, -number * (1 - _OVERLAP) * shape[0], math.radians(degrees)))
    return views


def _place_spots(views: list[_View], shape: tuple[int, int], generator: np.random.Generator) -> list[_Spot]:
    """Put one to three spots near the centre of every view, never two within three modules of each other."""
    spots: list[_Spot] = []
    reach = 0.4 * min(shape)
    for view in views:
        for _ in range(int(generator.integers(1, 4))):
            spot = _spot_at(
                _KINDS[len(spots) % len(_KINDS)],
                view.u + generator.uniform(-reach, reach),
                view.v + generator.uniform(-reach, reach),
                generator,
            )
            if all(math.hypot(spot.u - other.u, spot.v - other.v) > 3 * _MODULE for other in spots):
                spots.append(spot)
    return spots


def _spot_at(kind: str, u: float, v: float, generator: np.random.Generator) -> _Spot:
    """Return a spot in the module nearest to a place; cells lie anywhere in it, off its frame."""
    row, side = math.floor(u / _PERIOD), float(generator.integers(0, 2))
    centre_u = row * _PERIOD + _HALF / 2 + side * (_HALF + _GAP)
    start_v = math.floor(v / _MODULE) * _MODULE
    if kind == "module":
        return _Spot(kind, centre_u, start_v + _MODULE / 2, _HALF / 2, _MODULE / 2 - 1, generator.uniform(4, 8))
    if kind == "substring":
        third = float(generator.integers(0, 3))
        half = (_MODULE - 2) / 6
        centre_v = start_v + 1 + half * (1 + 2 * third)
        return _Spot(kind, centre_u, centre_v, _HALF / 2, half, generator.uniform(3, 6))
    radius = generator.uniform(2, 4)
    return _Spot(
        kind,
        centre_u + generator.uniform(-1, 1) * (_HALF / 2 - 7),
        start_v + _MODULE / 2 + generator.uniform(-1, 1) * (_MODULE / 2 - 8),
        radius,
        radius,
        generator.uniform(8, 30),
    )


def _render(
    view: _View, spots: list[_Spot], tile: Array, shape: tuple[int, int], generator: np.random.Generator
) -> tuple[Array, tuple[TrueSpot, ...]]:
    """Return the apparent temperature of one frame, noise included, and its true spots."""
    rows, cols = np.indices(shape, np.float32)
    down, right = rows - (shape[0] - 1) / 2, cols - (shape[1] - 1) / 2
    cos, sin = math.cos(view.angle), math.sin(view.angle)
    u, v = view.u + right * cos + down * sin, view.v - right * sin + down * cos
    disturbance = _disturbance(down, right, shape, generator)
    background = _blur(_plant(u, v, tile)) + disturbance
    plane, seen = background, []
    for number, spot in enumerate(spots):
        inside = _inside(spot, u, v)
        if not inside.any():
            continue
        excess = _blur(np.where(inside, np.float32(spot.delta), np.float32(0)))
        plane = plane + excess
        seen.append((number, spot, inside, excess))
    truth = tuple(_true_spot(number, spot, inside, excess, plane) for number, spot, inside, excess in seen)
    columns = generator.normal(0, _NOISE_CELSIUS / 2, shape[1])  # the column amplifiers of a microbolometer
    noise = generator.normal(0, _NOISE_CELSIUS, shape) + columns
    return plane + noise.astype(np.float32), truth


def _inside(spot: _Spot, u: Array, v: Array) -> Array:
    across, along = np.abs(u - spot.u), np.abs(v - spot.v)
    if spot.kind == "cell":
        return np.asarray(across**2 + along**2 <= spot.half_u**2)
    return np.asarray((across <= spot.half_u) & (along <= spot.half_v))


def _true_spot(number: int, spot: _Spot, inside: Array, excess: Array, plane: Array) -> TrueSpot:
    rows, cols = np.nonzero(inside)
    box = (int(rows.min()), int(cols.min()), int(rows.max()) + 1, int(cols.max()) + 1)
    touches = box[0] == 0 or box[1] == 0 or box[2] == inside.shape[0] or box[3] == inside.shape[1]
    return TrueSpot(
        spot=number,
        kind=spot.kind,
        row=round(float(rows.mean()), 2),
        col=round(float(cols.mean()), 2),
        box=box,
        area_px=int(rows.size),
        delta_celsius=round(float(excess[inside].max()), 3),
        temperature_celsius=round(float(plane[inside].max()), 3),
        cut=touches,
    )


def _plant(u: Array, v: Array, tile: Array) -> Array:
    """Return the temperature of the plant without spots at places (u, v)."""
    row = np.floor(u / _PERIOD)
    across = u - row * _PERIOD
    coarse, fine = _texture(tile, u, v, 40.0), _texture(tile, v, u, 5.0)
    grass = coarse + 0.7 * fine - 0.85
    ground = _GROUND_CELSIUS + 3 * grass + 14 * np.maximum(grass - 0.25, 0)  # dry patches far above the modules
    shadow = _SHADOW_CELSIUS + 2 * coarse + 0.8 * fine
    side = np.floor(across / (_HALF + _GAP))
    number = np.floor(v / _MODULE)
    along, width = v - number * _MODULE, across - side * (_HALF + _GAP)
    own = _lookup(tile, 7 * row + 3 * side, number)  # modules differ by a few tenths of a kelvin
    modules = _MODULE_CELSIUS + 0.8 * (own - 0.5) + 0.4 * (width / _HALF - 0.5) + 0.3 * (fine - 0.5)
    box = (np.abs(width - _HALF / 2) < 2) & (np.abs(along - 5) < 1.5)
    modules = modules + 0.5 * box  # junction boxes warm the cells before them a little
    frame = (along < 1.6) | ((width > _HALF) & (side < 1))
    modules = np.where(frame, modules - np.where(width > _HALF, 2.2, 1.4), modules)
    beyond = np.where(across < _SHADOW, shadow, ground)
    return np.asarray(np.where(across < _ROW, modules, beyond), np.float32)


def _texture(tile: Array, u: Array, v: Array, size: float) -> Array:
    """Return smooth noise of 0 to 1 whose patches are about `size` pixels."""
    x, y = u / size, v / size
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    top = _lookup(tile, x0, y0) * (1 - fx) + _lookup(tile, x0 + 1, y0) * fx
    bottom = _lookup(tile, x0, y0 + 1) * (1 - fx) + _lookup(tile, x0 + 1, y0 + 1) * fx
    return np.asarray(top * (1 - fy) + bottom * fy)


def _lookup(tile: Array, x: Array, y: Array) -> Array:
    return np.asarray(tile[x.astype(np.int64) % _TILE, y.astype(np.int64) % _TILE])


def _disturbance(down: Array, right: Array, shape: tuple[int, int], generator: np.random.Generator) -> Array:
    """Vignetting (colder corners) and a slow gradient across the frame."""
    radius = (down**2 + right**2) / (shape[0] ** 2 + shape[1] ** 2) * 4
    slope_down, slope_right = generator.uniform(-0.5, 0.5, 2)
    return np.asarray(-1.0 * radius**2 + slope_down * down / shape[0] + slope_right * right / shape[1], np.float32)


def _blur(plane: Array) -> Array:
    """The lens: a Gaussian of 0.7 pixels, borders repeated."""
    weights = np.exp(-0.5 * (np.arange(-2, 3) / 0.7) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        width = [(2, 2) if at == axis else (0, 0) for at in (0, 1)]
        padded = np.pad(plane, width, mode="edge")
        n = plane.shape[axis]
        parts = (w * np.take(padded, range(at, at + n), axis) for at, w in enumerate(weights))
        plane = np.asarray(sum(parts), np.float32)
    return plane


def _write(path: str, plane: Array, number: int, view: _View) -> None:
    raw = np.clip(np.rint(counts_of_celsius(_SCENE, plane)), 1, 65534).astype(np.uint16)
    north, east = -view.v * _METRES_PER_PIXEL, view.u * _METRES_PER_PIXEL
    latitude, longitude = 38.5, -7.9
    yaw = (-math.degrees(view.angle) + 180) % 360 - 180
    position = Position(
        latitude=latitude + north / 111_132,
        longitude=longitude + east / (111_320 * math.cos(math.radians(latitude))),
        altitude_m=250.0,
        relative_altitude_m=30.0,
        gimbal_yaw_degrees=yaw,
        gimbal_pitch_degrees=-90.0,
        gimbal_roll_degrees=0.0,
        flight_yaw_degrees=yaw,
    )
    camera = Camera("classicseg", "synthetic 640", "SYN-1", "1", "13 mm", 13.0)
    time = _START + timedelta(seconds=2 * number)
    write_flir_rjpeg(path, raw, parameters=_SCENE, time=time, position=position, camera=camera)
