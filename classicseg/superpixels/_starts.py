"""Where superpixels start: on a regular grid, or spread over a mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster import kmeans

SEED = 123  # the one of scikit-image, so that both start from the same pixels
SAMPLES = 100  # pixels of the mask per start that the starts are spread over
STEPS = 5  # of k-means


def grid_steps(shape: tuple[int, int], n: int) -> tuple[int, int]:
    """Return the steps along rows and columns of a grid of about `n` points over an image, as square as they can be."""
    sides = _sides(shape, n)
    return round(sides[0]), round(sides[1])


def _sides(shape: tuple[int, int], n: int) -> tuple[float, float]:
    area = shape[0] * shape[1]
    if area <= n:
        return 1.0, 1.0
    side, short = math.sqrt(area / n), min(shape)
    if short >= side:
        return side, side
    along = max(shape) / n  # one row of points
    return (float(short), along) if shape[0] <= shape[1] else (along, float(short))


def grid_starts(shape: tuple[int, int], n: int) -> tuple[NDArray[np.float64], float]:
    """Return rows and columns (K, 2) of a regular grid of about `n` points, and the step that distances count in."""
    steps = grid_steps(shape, n)
    rows, cols = (np.arange(int(side // 2), size, step) for side, size, step in zip(_sides(shape, n), shape, steps))
    if shape[0] * shape[1] <= n:
        rows, cols = np.arange(shape[0]), np.arange(shape[1])
    grid = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid.astype(np.float64), float(max(steps))


def mask_starts(mask: NDArray[Any], n: int, n_threads: int | None) -> tuple[NDArray[np.float64], float]:
    """Return up to `n` rows and columns (K, 2) spread evenly over a mask, and the step that distances count in.

    Random pixels of the mask, moved by a few steps of k-means of positions.
    """
    from scipy.spatial import cKDTree

    flat = np.flatnonzero(mask)
    rng = np.random.RandomState(SEED)  # the generator that scikit-image draws from
    first = np.sort(rng.choice(len(flat), min(n, len(flat)), replace=False))
    spread = flat
    if len(flat) > SAMPLES * n:
        spread = flat[np.sort(rng.choice(len(flat), SAMPLES * n, replace=False))]
    places, begin = (np.stack(np.unravel_index(some, mask.shape), axis=1) for some in (spread, flat[first]))
    found = kmeans(
        places.astype(np.float64), len(begin), init=begin, max_num_iter=STEPS, tol=0, rng=0, n_threads=n_threads
    )
    starts = found.centers
    if len(starts) == 1:
        return starts, math.sqrt(len(flat))
    _, nearest = cKDTree(starts).query(starts, k=2)
    other = np.where(nearest[:, 0] == np.arange(len(starts)), nearest[:, 1], nearest[:, 0])
    return starts, max(1.0, float(np.abs(starts - starts[other]).mean(axis=0).max()))
