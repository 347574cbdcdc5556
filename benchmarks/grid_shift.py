"""MeanShift++ and GridShift, written from their papers: mean shift of grid cells instead of windows.

The mean of a sample is that of the 3 × ... × 3 cells around it, of the side of the bandwidth; all samples move at
once and are counted anew. MeanShift++: J. Jang and H. Jiang, "MeanShift++: Extremely Fast Mode-Seeking With
Applications to Segmentation and Object Tracking", CVPR 2021, pp. 4102-4113. GridShift, which moves the occupied cells
and joins those that meet: A. Kumar, O. S. Ajani, S. Das and R. Mallipeddi, "GridShift: A Faster Mode-Seeking Algorithm
for Image Segmentation and Object Tracking", CVPR 2022, pp. 8131-8139.

Three features only. Both are compiled, on one thread as their authors' are, and a dense table of cells stands for the
hash tables of the papers, which is faster where the samples are colours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels.cpu._jit import jit

MOST = 300  # steps
REST = 1e-3  # bandwidths: the step at which samples rest


def meanshift_pp(samples: Any, bandwidth: float) -> tuple[Any, Any]:
    """Return labels and modes of samples (n, 3) by MeanShift++."""
    low, counts, sums = table(samples, bandwidth)
    points = samples.astype(np.float64)
    for _ in range(MOST):
        count_points(points, low, bandwidth, counts, sums)
        if move_points(points, low, bandwidth, counts, sums) <= REST * bandwidth:
            break
    cells = np.zeros(len(points), np.int64)
    number_cells(points, low, bandwidth, counts, cells)
    _, first, labels = np.unique(cells, return_index=True, return_inverse=True)
    return labels.reshape(-1).astype(np.int32), points[first]


def grid_shift(samples: Any, bandwidth: float) -> tuple[Any, Any]:
    """Return labels and modes of samples (n, 3) by GridShift."""
    low, counts, sums = table(samples, bandwidth)
    cells = np.zeros(len(samples), np.int64)
    count_points(samples, low, bandwidth, counts, sums)
    number_cells(samples, low, bandwidth, counts, cells)
    occupied = np.flatnonzero(counts)
    owner = np.full(counts.size, -1, np.int64)
    owner[occupied] = np.arange(len(occupied))
    weights = counts.reshape(-1)[occupied].astype(np.float64)
    centroids = sums.reshape(-1, 3)[occupied] / weights[:, None]
    group = np.arange(len(occupied))
    place = occupied.copy()
    for _ in range(MOST):
        moved = move_cells(centroids, weights, place, owner, counts.shape)
        new = np.zeros(len(moved), np.int64)
        number_cells(moved, low, bandwidth, counts, new)
        still = np.array_equal(new, place) and np.abs(moved - centroids).max() <= REST * bandwidth
        owner[place] = -1
        place, joined = np.unique(new, return_inverse=True)
        joined = joined.reshape(-1)
        total = np.bincount(joined, weights)
        columns = [np.bincount(joined, weights * moved[:, f]) / total for f in range(3)]
        centroids, weights, group = np.stack(columns, axis=1), total, joined[group]
        owner[place] = np.arange(len(place))
        if still:
            break
    of_cell = np.full(counts.size, -1, np.int32)
    of_cell[occupied] = group
    return of_cell[cells], centroids


def table(samples: Any, bandwidth: float) -> tuple[Any, Any, Any]:
    """Return the coordinates of the first cell of the table, and zeros for counts and sums, with an edge all around."""
    low = np.floor(samples.min(axis=0) / bandwidth).astype(np.int64) - 1
    shape = np.floor(samples.max(axis=0) / bandwidth).astype(np.int64) - low + 2
    return low, np.zeros(shape, np.int64), np.zeros((*shape, 3))


@jit
def count_points(points, low, bandwidth, counts, sums):
    counts[:] = 0
    sums[:] = 0.0
    for i in range(points.shape[0]):
        r, g, b = np.float64(points[i, 0]), np.float64(points[i, 1]), np.float64(points[i, 2])
        cell = (
            np.int64(np.floor(r / bandwidth)) - low[0],
            np.int64(np.floor(g / bandwidth)) - low[1],
            np.int64(np.floor(b / bandwidth)) - low[2],
        )
        counts[cell] += 1
        sums[cell[0], cell[1], cell[2], 0] += r
        sums[cell[0], cell[1], cell[2], 1] += g
        sums[cell[0], cell[1], cell[2], 2] += b


@jit
def number_cells(points, low, bandwidth, counts, cells):
    for i in range(points.shape[0]):
        cell = np.int64(0)
        for f in range(3):
            cell = cell * counts.shape[f] + np.int64(np.floor(np.float64(points[i, f]) / bandwidth)) - low[f]
        cells[i] = cell


@jit
def move_points(points, low, bandwidth, counts, sums):
    """Move every point to the mean of the 27 cells around it; return the longest step."""
    longest = 0.0
    mean, cell = np.empty(3), np.empty(3, np.int64)
    for i in range(points.shape[0]):
        for f in range(3):
            cell[f] = np.int64(np.floor(points[i, f] / bandwidth)) - low[f]
        count = np.int64(0)
        mean[:] = 0.0
        for r in range(cell[0] - 1, cell[0] + 2):
            for g in range(cell[1] - 1, cell[1] + 2):
                for b in range(cell[2] - 1, cell[2] + 2):
                    count += counts[r, g, b]
                    for f in range(3):
                        mean[f] += sums[r, g, b, f]
        step = 0.0
        for f in range(3):
            step += (mean[f] / count - points[i, f]) ** 2
            points[i, f] = mean[f] / count
        longest = max(longest, step)
    return np.sqrt(longest)


@jit
def move_cells(centroids, weights, place, owner, shape):
    """Return the mean of the centroids of the 27 cells around each occupied one."""
    moved = np.empty_like(centroids)
    for i in range(centroids.shape[0]):
        total = 0.0
        moved[i] = 0.0
        for r in range(-1, 2):
            for g in range(-1, 2):
                for b in range(-1, 2):
                    other = owner[place[i] + (r * shape[1] + g) * shape[2] + b]
                    if other >= 0:
                        total += weights[other]
                        for f in range(3):
                            moved[i, f] += weights[other] * centroids[other, f]
        for f in range(3):
            moved[i, f] /= total
    return moved
