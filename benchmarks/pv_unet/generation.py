"""Thermal frames of solar plants, and of places without one, whose every pixel is known.

A frame is rendered from coordinates on the ground in metres: where a pixel looks decides which module it sees and
where on it. Sizes, angles and temperatures are drawn from ranges that drone inspections are flown in, wide enough that
no two plants look alike; nothing is measured on a real frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from classicseg.refine._pv_unet.network import CLASSES

Array = NDArray[Any]
Generator = np.random.Generator

BACKGROUND, MODULE, HOT_SPOT = range(len(CLASSES))
SHAPE = (256, 320)
FINER = 2  # rays per pixel and side: a frame between modules is thinner than a pixel
EMPTY = 0.12  # of the frames show no module
MODULE_METRES = 1.0  # the shorter side of a module
LEAST_KELVIN, LEAST_NOISES = 2.0, 8.0  # an excess below these, or so many noise deviations, is no hot spot


class Frame(NamedTuple):
    """A rendered frame."""

    temperature: NDArray[np.float32]  # (M, N) °C
    labels: NDArray[np.int8]  # (M, N) row of CLASSES


class Places(NamedTuple):
    """What lies under each ray, (m, n)."""

    module: NDArray[np.int64]  # number of the module, -1 beside the tables
    down: Array  # 0 to 1 along the longer side of its module
    across: Array  # 0 to 1 along its shorter side
    behind: Array  # metres from the table's edge, where its shadow falls; infinite under it
    table: NDArray[np.int64]  # number of the row of tables


def frames(count: int, *, rng: int | Generator = 0, shape: tuple[int, int] = SHAPE) -> Iterator[Frame]:
    """Yield so many frames; each has its own generator, so that a longer run begins with the shorter one."""
    for own in np.random.default_rng(rng).spawn(count):
        yield frame(own, shape)


def frame(rng: Generator, shape: tuple[int, int] = SHAPE) -> Frame:
    """Return a frame as the camera gives it, noise included."""
    metres = np.exp(rng.uniform(np.log(0.018), np.log(0.10)))  # per pixel: a module is 10 to 55 pixels wide
    noise = rng.uniform(0.03, 0.2)
    blur = rng.uniform(0.5, 1.1)
    x, y = _ground(rng, shape, metres)
    if rng.random() < EMPTY:
        picture, excesses, module = _land(rng, x, y, metres), [], np.full(x.shape, -1)
    else:
        places = _places(rng, x, y)
        picture, excesses, module = *_plant(rng, places, x, y, metres), places.module
    temperature = _seen(picture, blur)
    glass = ndimage.binary_closing(np.pad(module >= 0, 2, mode="edge"), np.ones((3, 3), bool))[2:-2, 2:-2]
    labels = np.where(_coarse(glass) >= 0.5, MODULE, BACKGROUND).astype(np.int8)  # gaps below a pixel belong to it
    for excess in excesses:
        seen = _seen(excess, blur)
        peak = float(seen.max())
        if peak >= max(LEAST_KELVIN, LEAST_NOISES * noise):
            labels[(seen >= peak / 2) & (labels == MODULE)] = HOT_SPOT
        temperature += seen
    temperature += _camera(rng, shape, noise) + rng.uniform(-5, 45)
    return Frame(temperature.astype(np.float32), labels)


# --- where every ray meets the ground ---


def _ground(rng: Generator, shape: tuple[int, int], metres: float) -> tuple[Array, Array]:
    """Return the place (x along the tables, y across them) of every ray, metres; the camera may look ahead."""
    rows, cols = ((np.arange(FINER * side) + 0.5) / FINER - side / 2 for side in shape)
    down, right = rows[:, None], cols[None, :]
    tilt = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0  # part of the distance gained from bottom to top
    depth = 1 + tilt * (-down / shape[0])
    # Lenses bend straight rows; a corner is displaced by a few per cent.
    bend = 1 + rng.uniform(-0.04, 0.08) * (down**2 + right**2) / (shape[0] ** 2 + shape[1] ** 2) * 4
    down, right = down * depth * bend * metres, right * depth * bend * metres
    turn = np.deg2rad(rng.choice([0.0, 90.0]) + rng.normal(0, 4)) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    x = right * np.cos(turn) + down * np.sin(turn) + rng.uniform(0, 1000)
    y = down * np.cos(turn) - right * np.sin(turn) + rng.uniform(0, 1000)
    return x, y


def _places(rng: Generator, x: Array, y: Array) -> Places:
    """Lay out rows of tables, and say which module every ray meets."""
    longer = rng.uniform(1.6, 2.05) * MODULE_METRES
    upright = rng.random() < 0.6  # the longer side runs across the table
    wide, tall = (MODULE_METRES, longer) if upright else (longer, MODULE_METRES)
    gap = rng.uniform(0.01, 0.06)
    high = int(rng.integers(1, 4) if upright else rng.integers(1, 6))
    width = high * (tall + gap)
    pitch = width + rng.choice([rng.uniform(0.3, 1.0), rng.uniform(1.0, 7.0)], p=[0.25, 0.75])
    length = int(rng.integers(6, 40)) * (wide + gap)
    aisle = rng.choice([rng.uniform(0.1, 0.6), rng.uniform(1.0, 6.0)])
    table = np.floor(y / pitch).astype(np.int64)
    within = y - table * pitch
    along = x + (table * rng.uniform(0, 1) % 1) * (length if rng.random() < 0.3 else 0)
    piece = np.floor(along / (length + aisle)).astype(np.int64)
    along = along - piece * (length + aisle)
    i, j = np.floor(within / (tall + gap)).astype(np.int64), np.floor(along / (wide + gap)).astype(np.int64)
    up, side = (within - i * (tall + gap)) / tall, (along - j * (wide + gap)) / wide
    on = (within < width) & (along < length) & (up < 1) & (side < 1)
    code = ((table * 1009 + piece) * 97 + i) * 197 + j
    module = np.full(x.shape, -1, np.int64)
    numbers, module[on] = np.unique(code[on], return_inverse=True)
    missing = rng.random(len(numbers)) < rng.choice([0, 0.01, 0.06], p=[0.7, 0.2, 0.1])
    module[on] = np.where(missing[module[on]], -1, module[on])
    under = (within < width) & (along < length)
    behind = np.where(under, np.inf, within - width)
    return Places(module, up if upright else side, side if upright else up, behind, table)


# --- how warm it is there ---


def _plant(rng: Generator, places: Places, x: Array, y: Array, metres: float) -> tuple[Array, list[Array]]:
    """Return the temperature without defects, K around that of the modules, and the excess of each defect."""
    level = rng.uniform(-14, 9) if rng.random() < 0.7 else rng.normal(0, 2)  # as warm as modules: the hardest ground
    picture = _land(rng, x, y, metres) + level
    shadow = places.behind < rng.uniform(0.3, 3.0)
    picture = picture - shadow * rng.uniform(0, 10)
    on = places.module >= 0
    count = int(places.module.max(initial=-1)) + 1
    if count == 0:
        return picture, []
    modules = _modules(rng, places, count)
    modules += _drift(rng, x, y) if rng.random() < 0.5 else 0
    picture = np.where(on, modules, picture)
    excesses = list(_defects(rng, places, count)) if rng.random() < 0.85 else []
    for _ in range(rng.poisson(0.25)):  # cables lie over everything
        picture = _stripe(rng, picture, x, y, widest=0.1)
    return picture, excesses


def _modules(rng: Generator, places: Places, count: int) -> Array:
    """Return the temperature of healthy modules at every ray, also where there is none."""
    which, down, across = places.module, places.down, places.across
    own = rng.normal(0, rng.uniform(0.1, 0.6), count)
    warm = own[which] + rng.normal(0, 0.3, int(np.ptp(places.table)) + 1)[places.table - places.table.min()]
    warm += rng.uniform(-2, 2) * (down - 0.5) + rng.uniform(-0.5, 0.5) * (across - 0.5)
    rim = np.minimum(np.minimum(across, 1 - across), np.minimum(down, 1 - down) * 1.8)
    warm += np.where(rim < rng.uniform(0.015, 0.05), rng.uniform(-5, 0.8), 0)
    cells = rng.choice([10, 12, 20, 24]), rng.choice([6, 6, 5])
    lines = (np.abs(down * cells[0] % 1 - 0.5) > 0.44) | (np.abs(across * cells[1] % 1 - 0.5) > 0.44)
    warm -= lines * rng.uniform(0, 0.4)
    box = (np.abs(down - rng.uniform(0.05, 0.15)) < 0.03) & (np.abs(across - 0.5) < rng.uniform(0.05, 0.12))
    warm += box * rng.uniform(0, 2.5)  # a junction box behind every module: no finding
    shaded = rng.random(count) < rng.choice([0.0, 0.03])
    return np.asarray(warm - (shaded[which] & (across + 0.4 * down > rng.uniform(0.2, 1.2))) * rng.uniform(1, 8))


def _defects(rng: Generator, places: Places, count: int) -> Iterator[Array]:
    """Yield the excess over a healthy module, K, of each defect."""
    how_many = min(count, int(rng.integers(1, 9)))
    kinds = rng.choice(["cell", "cells", "substring", "module"], how_many, p=[0.5, 0.15, 0.2, 0.15])
    for number, kind in zip(rng.choice(count, how_many, replace=False), kinds):
        here = places.module == number
        down, across = places.down, places.across
        if kind == "cell":
            at, reach = rng.uniform(0.08, 0.92, 2), rng.uniform(0.04, 0.12)
            here &= np.maximum(np.abs(down - at[0]) * 1.8, np.abs(across - at[1])) < reach
            kelvin = np.exp(rng.uniform(np.log(4), np.log(45)))
        elif kind == "cells":
            warm = rng.random((10, 6)) < rng.uniform(0.15, 0.6)
            here &= warm[np.clip(down * 10, 0, 9).astype(int), np.clip(across * 6, 0, 5).astype(int)]
            kelvin = rng.uniform(3, 10)
        elif kind == "substring":
            here &= np.clip(across * 3, 0, 2).astype(int) == rng.integers(3)
            kelvin = rng.uniform(3, 10)
        else:
            here = (places.module >= number) & (places.module < number + rng.choice([1, 1, 1, 2, 3]))
            kelvin = rng.uniform(3, 10)
        yield np.where(here, kelvin, 0.0)


def _land(rng: Generator, x: Array, y: Array, metres: float) -> Array:
    """Return ground, K around its middle: patches, dry spots, roads, roofs and things."""
    fine = rng.uniform(0.2, 2.5) * _patches(rng, x.shape, rng.uniform(0.1, 0.5) / metres)
    coarse = rng.uniform(0.2, 3.5) * _patches(rng, x.shape, rng.uniform(0.8, 4.0) / metres)
    land = coarse + fine
    if rng.random() < 0.6:  # dry spots, bare stones
        size = np.exp(rng.uniform(np.log(0.06), np.log(1.5)))
        land += 4 * rng.uniform(0.5, 2.0) * np.maximum(_patches(rng, x.shape, size / metres) - rng.uniform(0, 2), 0)
    if rng.random() < 0.15:  # furrows, plots of a field
        along = np.cos(turn := rng.uniform(0, np.pi)) * x + np.sin(turn) * y
        along = along * 2 * np.pi / rng.uniform(0.5, 6) + rng.uniform(0.2, 1.0) * _patches(rng, x.shape, 0.5 / metres)
        land += rng.uniform(0.5, 4) * np.clip(2 * np.sin(along), -1, 1)
    for _ in range(rng.poisson(0.5)):
        land = _stripe(rng, land, x, y)
    for _ in range(rng.poisson(1.5)):  # stones, people, cars, roofs
        land = _thing(rng, land, x, y)
    return land


def _patches(rng: Generator, shape: tuple[int, ...], size: float) -> Array:
    """Return smooth noise of deviation 1 whose patches are about `size` pixels, repeating at the borders."""
    size = max(FINER * size, 1.0)
    step = max(1, int(size / 4))  # blurred on a grid as coarse as its patches allow
    small = rng.normal(size=[-(-side // step) + 1 for side in shape])
    small = ndimage.gaussian_filter(small, size / step / 2, mode="wrap", truncate=3)
    small /= max(float(small.std()), 1e-6)
    return np.asarray(ndimage.zoom(small, step, order=1)[: shape[0], : shape[1]])


def _stripe(rng: Generator, picture: Array, x: Array, y: Array, widest: float = 4.0) -> Array:
    """Lay a road, a cable or a fence over the picture, up to so many metres wide."""
    turn = rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    middle = rng.uniform(along.min(), along.max())
    half = np.exp(rng.uniform(np.log(0.02), np.log(widest / 2)))
    return np.where(np.abs(along - middle) < half, rng.uniform(-8, 8), picture)


def _thing(rng: Generator, picture: Array, x: Array, y: Array) -> Array:
    """Put a box somewhere, much warmer or colder than the ground."""
    turn, size = rng.uniform(0, np.pi), np.exp(rng.uniform(np.log(0.1), np.log(5)))
    at = tuple(rng.integers(side) for side in x.shape)
    u, v = x - x[at], y - y[at]
    u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    here = (np.abs(u) < size / 2) & (np.abs(v) < size / 2 * rng.uniform(0.3, 1))
    return np.where(here, rng.uniform(-10, 10) * rng.choice([1, 2.5], p=[0.8, 0.2]) + rng.normal(0, 0.3) * u, picture)


def _drift(rng: Generator, x: Array, y: Array) -> Array:
    """Return clouds and warm walls as glass mirrors them: smooth, and blind to where one module ends."""
    size = rng.uniform(2, 12)
    turn = rng.uniform(0, np.pi)
    along = (x * np.cos(turn) + y * np.sin(turn)) / size
    return np.asarray(rng.uniform(0.3, 2.0) * np.sin(along + np.sin(y / size * rng.uniform(0.3, 1))))


# --- what the camera makes of it ---


def _seen(picture: Array, blur: float) -> Array:
    """Return the picture through a lens of so many pixels, on the pixels of the camera."""
    return _coarse(ndimage.gaussian_filter(picture, FINER * blur, mode="nearest", truncate=3))


def _coarse(picture: Array) -> Array:
    rows, cols = (side // FINER for side in picture.shape)
    return np.asarray(picture.reshape(rows, FINER, cols, FINER).mean(axis=(1, 3)))


def _camera(rng: Generator, shape: tuple[int, int], noise: float) -> Array:
    """Return noise of pixels and columns, colder or warmer corners, and a slope across the frame."""
    down, right = (np.linspace(-1, 1, side) for side in shape)
    corners = rng.uniform(-2.5, 1.0) * (down[:, None] ** 2 + right**2) ** 2 / 4
    slope = rng.uniform(-0.7, 0.7) * down[:, None] + rng.uniform(-0.7, 0.7) * right
    return np.asarray(corners + slope + rng.normal(0, noise, shape) + rng.normal(0, noise / 2, shape[1]))
