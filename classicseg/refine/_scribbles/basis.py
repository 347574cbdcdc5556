"""Features of regions as a linear model can use them: with their surroundings, in one unit, as nearness to samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg.refine._table import RegionTable

Floats = NDArray[np.float64]
PLACES = ("row", "col")  # features that tell where a region lies, and so nothing of what it is
RINGS = 3  # of neighbours, whose means are features too
TAILS = (10.0, 90.0)  # percentiles whose distance is that of a normal distribution of deviation 1 ...
DEVIATIONS = 2.563  # ... times this
MOST_DEVIATIONS = 6.0  # what lies farther out counts as if it were here: one odd region must not bend a model
MEANS = 4.0  # weight of a region's own mean values among its features: what people go by where they click once
LEAST_POWER = 1e-6  # of the first: directions of the landmarks that have less are noise


class Basis(NamedTuple):
    """How features become the basis of a model, learnt from the regions of some images."""

    names: tuple[str, ...]  # (F,) the features of a `RegionTable` that count
    centers: Floats  # (F,)
    scales: Floats  # (F,)
    landmarks: Floats  # (m, D) regions of the images, as far apart as can be
    width: float  # mean squared distance at which nearness falls to 1/e
    whitening: Floats  # (m, r)

    def of(self, table: RegionTable) -> Floats:
        """Return the features (n, r + 1) of the regions of an image; the last is 1."""
        near = _nearness(self.points(table), self.landmarks, self.width)
        return np.column_stack([near @ self.whitening, np.ones(len(near))])

    def points(self, table: RegionTable) -> Floats:
        """Return what regions and their surroundings are like (n, D)."""
        _check_names(table, self.names)
        scaled = (columns_of(table, self.names) - self.centers) / self.scales
        points = _surroundings(scaled.clip(-MOST_DEVIATIONS, MOST_DEVIATIONS), table)
        points[:, [self.names.index(name) for name in values_of(table)]] *= MEANS
        return points


def learn_basis(tables: Sequence[RegionTable], n_landmarks: int) -> Basis:
    """Choose the basis by the regions of some images, whatever their classes.

    Each feature is brought to a median of 0 and, but for outliers, a deviation of 1. What a region is like, and what
    the rings of neighbours around it are like, is a point; its nearness to each of the landmarks is a feature of the
    model, turned and scaled so that inner products of features are the nearness of regions (Nyström's method).
    """
    names = tuple(name for name in tables[0].names if name not in PLACES)
    for table in tables:
        _check_names(table, names)
    columns = np.concatenate([columns_of(table, names) for table in tables])
    centers = np.median(columns, axis=0)
    low, high = np.percentile(columns, TAILS, axis=0)
    deviations = columns.std(axis=0)
    scales = np.where(high > low, (high - low) / DEVIATIONS, np.where(deviations > 0, deviations, 1))
    nothing = np.empty((0, 0))
    basis = Basis(names, centers, scales, nothing, 1.0, nothing)
    points = np.concatenate([basis.points(table) for table in tables])
    landmarks, squared = _farthest(points, n_landmarks)
    width = float(squared.mean()) or 1.0  # where all regions are equal, any will do
    power, directions = np.linalg.eigh(_nearness(landmarks, landmarks, width))
    kept = power > LEAST_POWER * power[-1]
    return basis._replace(landmarks=landmarks, width=width, whitening=directions[:, kept] / np.sqrt(power[kept]))


def _check_names(table: RegionTable, names: Sequence[str]) -> None:
    """Refuse regions of an image whose channels are not those of the images that were learnt from."""
    missing = [name for name in names if name not in table.names]
    surplus = [name for name in table.names if name not in (*names, *PLACES)]
    if missing or surplus:
        what = f"none named {', '.join(map(repr, missing))}" if missing else f"also {', '.join(map(repr, surplus))}"
        raise ValueError(
            f"regions must have the features that were learnt from, got {what}; "
            "describe images of the same channels, with the same unit"
        )


def columns_of(table: RegionTable, names: Sequence[str]) -> Floats:
    """Return features (n, F) by their names."""
    return table.features[:, [table.names.index(name) for name in names]].astype(np.float64)


def values_of(table: RegionTable) -> list[str]:
    """Return the names of the features that are mean values of the image."""
    return [name for name in table.names if name.endswith("_mean") and name != "contrast_mean"]


def links(table: RegionTable, weights: NDArray[Any]) -> Any:
    """Return the weights (n_edges,) of neighbours as a symmetric sparse matrix (n, n)."""
    from scipy.sparse import csr_array

    low, high = table.edges.T
    n = len(table.numbers)
    both = np.concatenate([low, high]), np.concatenate([high, low])
    return csr_array((np.tile(weights.astype(np.float64), 2), both), shape=(n, n))


def _surroundings(features: Floats, table: RegionTable) -> Floats:
    """Return features (n, F) and their means over 1 to `RINGS` steps to a neighbour, (n, (1 + RINGS) F).

    A step goes over a border as often as that is long. A region without neighbours stays where it is.
    """
    steps = links(table, table.boundary_length)
    length = steps.sum(axis=1)
    alone = length == 0
    rings = [features]
    for _ in range(RINGS):
        beside = steps @ rings[-1] / np.where(alone, 1, length)[:, None]
        rings.append(np.where(alone[:, None], rings[-1], beside))
    return np.concatenate(rings, axis=1)


def _farthest(points: Floats, most: int) -> tuple[Floats, Floats]:
    """Return up to `most` points (m, D) as far apart as can be, and the squared distances (n, m) from all to them.

    The first is nearest to the mean, each other is the one that is farthest from those before it (Gonzalez 1985), and
    the lower one in a tie. Rare kinds of regions so have a landmark as common ones do.
    """
    chosen: list[int] = []
    columns: list[Floats] = []
    sizes = (points**2).sum(axis=1)
    following = int(_squared(points, points.mean(axis=0, keepdims=True), sizes).argmin())
    nearest = np.full(len(points), np.inf)
    for _ in range(most):
        chosen.append(following)
        columns.append(_squared(points, points[following, None], sizes)[:, 0])
        nearest = np.minimum(nearest, columns[-1])
        following = int(nearest.argmax())
        if nearest[following] <= 0:
            break  # every point is a landmark, or equal to one
    return points[chosen], np.stack(columns, axis=1)


def _nearness(points: Floats, landmarks: Floats, width: float) -> Floats:
    return np.asarray(np.exp(-_squared(points, landmarks, (points**2).sum(axis=1)) / width))


def _squared(points: Floats, others: Floats, sizes: Floats) -> Floats:
    """Return squared distances (n, m), 0 where points are equal but for rounding; `sizes` (n,) are those from 0."""
    both = sizes[:, None] + (others**2).sum(axis=1)
    squared = both - 2 * points @ others.T
    return np.asarray(np.where(squared > 1e-12 * both, squared, 0))
