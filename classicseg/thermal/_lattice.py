"""Modules repeat: keep the cells that look like their neighbours, and put back the ones that are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

REACH = 1.75  # neighbours are sought within so many module lengths
MOST_NEIGHBOURS = 24
FEWEST_ALIKE = 2  # a cell with fewer similar neighbours is not part of a row
SHAPE_TOLERANCE = 0.5  # of the second moments, relative to their trace
AREA_FACTOR = 2.0


@dataclass(frozen=True)
class Cells:
    """Module-like regions: ``index`` of each in the region image, centroid, area and second moments."""

    index: NDArray[np.int64]  # (n,) region number
    centers: NDArray[np.float64]  # (n, 2) row, column
    area: NDArray[np.float64]  # (n,) pixels
    spread: NDArray[np.float64]  # (n, 3) variances of row, of column, covariance; pixels²

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, keep: NDArray[Any]) -> Cells:
        return Cells(self.index[keep], self.centers[keep], self.area[keep], self.spread[keep])

    @property
    def sides(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lengths of the longer and the shorter side of the rectangle with the same moments."""
        mean = (self.spread[:, 0] + self.spread[:, 1]) / 2
        half = np.hypot((self.spread[:, 0] - self.spread[:, 1]) / 2, self.spread[:, 2])
        return np.sqrt(12 * (mean + half)), np.sqrt(12 * np.maximum(mean - half, 0))

    @property
    def filling(self) -> NDArray[np.float64]:
        """Area over that of the rectangle with the same moments: 1 for every parallelogram, less for ragged shapes."""
        determinant = self.spread[:, 0] * self.spread[:, 1] - self.spread[:, 2] ** 2
        return np.asarray(self.area / np.maximum(12 * np.sqrt(np.maximum(determinant, 0)), 1))


def alike(cells: Cells) -> NDArray[np.int64]:
    """Return for each cell the indices of similar cells nearby, nearest first, padded with -1."""
    squared, other = nearest(cells.centers, cells.centers, min(MOST_NEIGHBOURS + 1, len(cells)))
    distance = np.sqrt(squared)
    longer, _ = cells.sides
    near = distance < REACH * np.maximum(longer[:, None], longer[other])
    trace = cells.spread[:, 0] + cells.spread[:, 1]
    apart = np.sqrt(((cells.spread[:, None] - cells.spread[other]) ** 2 * [1, 1, 2]).sum(axis=2))
    same_shape = apart < SHAPE_TOLERANCE * np.minimum(trace[:, None], trace[other])
    larger, smaller = (
        np.maximum(cells.area[:, None], cells.area[other]),
        np.minimum(cells.area[:, None], cells.area[other]),
    )
    itself = other == np.arange(len(cells))[:, None]
    good = near & same_shape & (larger < AREA_FACTOR * smaller) & ~itself
    order = np.argsort(~good, axis=1, kind="stable")
    return np.take_along_axis(np.where(good, other, -1), order, axis=1)


def regular(cells: Cells) -> Cells:
    """Return the cells that have enough similar neighbours."""
    if len(cells) <= FEWEST_ALIKE:
        return cells[np.zeros(len(cells), bool)]
    return cells[(alike(cells) >= 0).sum(axis=1) >= FEWEST_ALIKE]


def missing(cells: Cells, doubtful: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], int]]:
    """Return centers where a module should be and none was found, each with the cell whose shape it takes.

    A step from a cell to its neighbour, taken once more, points at the next module. Where steps from opposite
    sides point at the same empty place, a module is missing there: one so hot that it is no longer smooth, say.
    One step is enough where one of the `doubtful` centers (d, 2) lies, of smooth regions without a module's shape.
    """
    if len(cells) <= FEWEST_ALIKE:
        return []
    steps = _steps(cells)
    if len(steps) == 0:
        return []
    place, direction, source = steps[:, :2], steps[:, 2:4], steps[:, 4].astype(np.int64)
    _, shorter = cells.sides
    free = np.sqrt(nearest(place, cells.centers, 1)[0][:, 0]) > 0.6 * shorter[source]
    place, direction, source = place[free], direction[free], source[free]
    agree = _apart(place, place) < 0.35 * shorter[source][:, None]
    pointed = (agree & (direction @ direction.T < -0.8)).any(axis=1)
    if len(doubtful):
        pointed |= _apart(place, doubtful).min(axis=1) < 0.5 * shorter[source]
    found: list[tuple[NDArray[np.float64], int]] = []
    for i in np.flatnonzero(pointed):
        center = place[agree[i]].mean(axis=0)
        if all(np.hypot(*(other - center)) > 0.6 * shorter[source[i]] for other, _ in found):
            found.append((center, int(source[i])))
    return found


def _apart(places: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of every one of `places` (n, 2) from every one of `others` (m, 2)."""
    return np.asarray(np.sqrt(((places[:, None] - others) ** 2).sum(axis=2)))


def _steps(cells: Cells) -> NDArray[np.float64]:
    """Return rows of (row, column, direction row, direction column, cell): every step to a neighbour, once more.

    Of the neighbours in one direction the nearest counts, and at most four in all.
    """
    neighbours = alike(cells)  # nearest first
    neighbours = neighbours[:, : (neighbours >= 0).sum(axis=1).max()]
    step = cells.centers[neighbours] - cells.centers[:, None]
    direction = step / np.maximum(np.hypot(step[..., 0], step[..., 1]), 1e-9)[..., None]
    aligned = direction @ direction.transpose(0, 2, 1) >= 0.8
    taken = np.zeros(neighbours.shape, bool)
    for j in range(neighbours.shape[1]):
        taken[:, j] = (neighbours[:, j] >= 0) & (taken.sum(axis=1) < 4) & ~(taken & aligned[:, j]).any(axis=1)
    place, cell = np.nonzero(taken.T)
    source = neighbours[cell, place]
    return np.column_stack([cells.centers[source] + step[cell, place], direction[cell, place], source])


def offsets(centers: NDArray[np.float64], count: int) -> NDArray[np.int32]:
    """Return the whole-pixel steps (n, count, 2) from every module to its `count` nearest ones."""
    count = min(count, len(centers) - 1)
    _, other = nearest(centers, centers, count + 1)
    return np.asarray(np.rint(centers[other[:, 1:]] - centers[:, None]), np.int32)


def nearest(
    points: NDArray[np.float64], others: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return squared distances and indices (n, count) of the `others` nearest to each of `points`, nearest first."""
    index, squared = np.empty((len(points), count), np.int64), np.empty((len(points), count))
    kernels_for(points, "modules").nearest_points(points, others, index, squared)
    return squared, index
