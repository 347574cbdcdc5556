"""Thermal scenes of solar modules whose classes are known for every pixel, and clicks on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CLASSES = ("background", "module", "hot spot")
BACKGROUND, MODULE, HOT = range(3)
BLUR = 0.7  # pixels, of the lens
NOISE = 0.08  # K
LEAST = 60  # pixels of each class in a scene, so that there is something to click on


class Scene(NamedTuple):
    """A frame and its truth."""

    temperature: NDArray[np.float32]  # (M, N) °C
    classes: NDArray[np.int32]  # (M, N) rows of CLASSES


class _Plant(NamedTuple):
    """Sizes in pixels of one plant, seen under one angle."""

    angle: float
    module: tuple[float, float]  # length across the table and width along it
    n_tiers: int  # modules of a table, one above the other
    alley: float  # ground between two tables
    offset: tuple[float, float]


def scene(rng: int | np.random.Generator, shape: tuple[int, int] = (240, 320)) -> Scene:
    """Return tables of modules over rough ground whose patches are as warm as modules or hotter, with hot spots.

    Tables lie under any angle, cast cold shadows, and have frames, junction boxes and modules that differ by some
    tenths of a kelvin. A hot spot is a cell, a third of a module or a whole module, 3 to 25 K above the others. The
    lens blurs, corners are colder and the sensor is noisy.
    """
    rng = np.random.default_rng(rng)
    while True:
        found = _draw(rng, shape)
        if np.bincount(found.classes.ravel(), minlength=len(CLASSES)).min() >= LEAST:
            return found


def clicks(classes: Array, per_class: int, rng: int | np.random.Generator) -> NDArray[np.int32]:
    """Return an image of -1 with the class at so many pixels of each class, or at all that there are."""
    rng = np.random.default_rng(rng)
    marked = np.full(classes.size, -1, np.int32)
    for c in range(len(CLASSES)):
        pixels = np.flatnonzero(classes == c)
        marked[rng.choice(pixels, min(per_class, pixels.size), replace=False)] = c
    return marked.reshape(classes.shape)


def _draw(rng: np.random.Generator, shape: tuple[int, int]) -> Scene:
    from scipy.ndimage import gaussian_filter

    plant = _plant(rng)
    rows, cols = np.indices(shape, np.float64) - np.reshape([side / 2 for side in shape], (2, 1, 1))
    cos, sin = np.cos(plant.angle), np.sin(plant.angle)
    across = cols * cos + rows * sin + plant.offset[0]
    along = rows * cos - cols * sin + plant.offset[1]
    table = plant.n_tiers * plant.module[0]
    period = table + plant.alley
    beyond = across % period - table  # below 0 on a table
    temperature = _ground(rng, shape, beyond)
    on = beyond < 0
    tier, up = np.divmod(across % period, plant.module[0])
    place, side = np.divmod(along, plant.module[1])
    number = _numbers(np.stack([across // period, tier, place]), on)
    surface, hot = _modules(rng, plant, number, up / plant.module[0], side / plant.module[1])
    temperature = gaussian_filter(np.where(on, surface, temperature), BLUR, mode="nearest")
    corner = (rows / shape[0]) ** 2 + (cols / shape[1]) ** 2
    temperature += -3 * corner**2 + rng.uniform(-1, 1) * rows / shape[0] + rng.normal(0, NOISE, shape)
    classes = np.where(on, np.where(hot, HOT, MODULE), BACKGROUND)
    return Scene(temperature.astype(np.float32), classes.astype(np.int32))


def _plant(rng: np.random.Generator) -> _Plant:
    length = rng.uniform(24, 56)
    return _Plant(
        angle=rng.uniform(0, np.pi),
        module=(length, length * rng.uniform(0.5, 0.65)),
        n_tiers=int(rng.integers(1, 4)),
        alley=rng.uniform(25, 70),
        offset=(rng.uniform(0, 200), rng.uniform(0, 200)),
    )


def _ground(rng: np.random.Generator, shape: tuple[int, int], beyond: Array) -> Array:
    """Grass and soil at several scales, dry patches far above the modules, and the cold shadow beside each table."""
    grass = sum(weight * _rough(rng, shape, size) for size, weight in ((18, 1.0), (5, 0.6), (1.5, 0.4)))
    ground = rng.uniform(25, 36) + 2.2 * grass + 9 * np.maximum(grass - 1.1, 0)
    shaded = rng.uniform(16, 22) + 1.2 * grass
    return np.asarray(np.where(beyond < rng.uniform(6, 20), shaded, ground))


def _modules(rng: np.random.Generator, plant: _Plant, number: Array, up: Array, side: Array) -> tuple[Array, Array]:
    """Return the temperature of the modules and where they are hot; `up` and `side` run from 0 to 1 over a module."""
    n = int(number.max()) + 1
    length, width = plant.module
    surface = 33 + rng.normal(0, 0.4, n)[number] + rng.uniform(-1, 1) * (up - 0.5)
    box = (np.abs(up - 0.1) * length < 1.5) & (np.abs(side - 0.5) * width < 2)
    frame = (np.minimum(up, 1 - up) * length < 0.8) | (np.minimum(side, 1 - side) * width < 0.8)
    surface = surface + np.where(box, rng.uniform(0, 2), 0) - np.where(frame, rng.uniform(0.8, 2), 0)
    kind = rng.choice(["sound", "cell", "third", "whole"], n, p=[0.9, 0.06, 0.02, 0.02])
    delta = np.select(
        [kind == "cell", kind == "third"], [rng.uniform(6, 25, n), rng.uniform(3, 7, n)], rng.uniform(3, 8, n)
    )
    radius = rng.uniform(1.8, 4, n)
    row, col = rng.uniform(0.2, 0.8, (2, n))
    third = rng.integers(0, 3, n)
    near = np.maximum(np.abs(up - row[number]) * length, np.abs(side - col[number]) * width) < radius[number]
    where = {"cell": near, "third": np.floor(side * 3) == third[number], "whole": np.ones(number.shape, bool)}
    hot = np.logical_or.reduce([(kind[number] == name) & inside for name, inside in where.items()])
    return surface + np.where(hot, delta[number], 0), hot


def _numbers(keys: Array, on: Array) -> Array:
    """Return 0, 1, ... for the modules of the frame, by their keys (3, M, N)."""
    _, number = np.unique(keys.reshape(3, -1), axis=1, return_inverse=True)
    return number.reshape(on.shape)


def _rough(rng: np.random.Generator, shape: tuple[int, int], size: float) -> Array:
    """Return smooth noise of mean 0 and deviation 1 whose patches have about this size."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.normal(size=shape), size / 2, mode="wrap")
    return np.asarray(noise / noise.std())
