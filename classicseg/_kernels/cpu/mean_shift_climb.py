"""The window of mean shift: the weighted mean of the samples around a point, and the climb by such means."""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_inline
from classicseg._kernels.cpu.mean_shift_tree import (
    FANOUT,
    LEAF,
    following,
    greatest_distance,
    least_distance,
    squared_distances,
)

FLAT, EPANECHNIKOV, GAUSSIAN = 0, 1, 2
REACH = (1.0, 1.0, 3.0)  # of the kernels, in bandwidths
HALVINGS = 6  # of an exponent before its series is summed
TABLE = 1 << 18  # numbers of the table of points whose ends are known: 2 MB, for the second-level cache
PATH = 512  # points of a path that enter it


class Rule(NamedTuple):
    """How a point climbs."""

    kernel: int
    bandwidth: float
    tol: float  # it rests at the first step of at most this
    most: int  # steps


@jit_inline
def weigh(kernel, squared, bandwidth, counts, weights):
    """Write the weights of the samples of a leaf, from their squared distances."""
    square = bandwidth * bandwidth
    if kernel == FLAT:
        for i in range(LEAF):
            weights[i] = counts[i] if squared[i] <= square else 0.0
    elif kernel == EPANECHNIKOV:
        for i in range(LEAF):
            weights[i] = counts[i] * (1.0 - squared[i] / square) if squared[i] < square else 0.0
    else:
        # exp(t) is exp(t / 64)**64, and eight terms give exp(t / 64) to 1e-16 for t down to -4.5: no call to
        # a library's exp, so that the loop becomes vector code.
        for i in range(LEAF):
            t = squared[i] / (-2.0 * 2**HALVINGS * square)
            e = 1.0 + t / 8.0
            for term in range(7, 0, -1):
                e = 1.0 + e * t / term
            for _ in range(HALVINGS):
                e *= e
            weights[i] = counts[i] * e if squared[i] <= 9.0 * square else 0.0


@jit_inline
def add_colours(values, counts, point, square, lanes):
    """Do for three features and the flat kernel, in one loop, what takes several over any number of features."""
    x, y, z = point[0], point[1], point[2]
    for i in range(LEAF):
        u, v, w = np.float64(values[0, i]), np.float64(values[1, i]), np.float64(values[2, i])
        squared = (u - x) * (u - x) + (v - y) * (v - y) + (w - z) * (w - z)
        weight = counts[i] if squared <= square else 0.0
        lanes[0, i] += weight * u
        lanes[1, i] += weight * v
        lanes[2, i] += weight * w
        lanes[3, i] += weight


@jit_called
def sum_window(tree, kernel, bandwidth, point, lanes, sums):
    """Write the weighted sum of the samples around the point, and the sum of their weights, to `sums` (F + 1,).

    Samples of leaves that are cut are summed in the 64 `lanes` (F + 1, 64): vector code without another order of
    the additions. The order depends on the samples only.
    """
    n_features = point.shape[0]
    reach = 9.0 * bandwidth * bandwidth if kernel == GAUSSIAN else bandwidth * bandwidth
    squared, weights = np.empty(LEAF), np.empty(LEAF)
    sums[:] = 0.0
    lanes[:] = 0.0
    level, node = tree.first.shape[0] - 2, 0
    while tree.first[level] + node < tree.first[level + 1]:
        here = tree.first[level] + node
        if least_distance(tree, here, point) <= reach:
            if kernel == FLAT and greatest_distance(tree, here, point) <= reach:
                for f in range(n_features + 1):
                    sums[f] += tree.sums[here, f]
            elif level > 0:
                level, node = level - 1, node * FANOUT
                continue
            elif kernel == FLAT and n_features == 3:
                add_colours(tree.values[node], tree.counts[node], point, reach, lanes)
            else:
                values = tree.values[node]
                squared_distances(values, point, squared)
                weigh(kernel, squared, bandwidth, tree.counts[node], weights)
                for f in range(n_features):
                    for i in range(LEAF):
                        lanes[f, i] += weights[i] * np.float64(values[f, i])
                for i in range(LEAF):
                    lanes[n_features, i] += weights[i]
        level, node = following(tree, level, node)
    for f in range(n_features + 1):
        for i in range(LEAF):
            sums[f] += lanes[f, i]


def empty_table(n_features):
    """Return a table of points whose ends are known: point, end, density there, and steps to it."""
    width = 2 * n_features + 2
    return np.full((TABLE // width, width), np.nan)


@jit_called
def slot_of(table, point):
    """Return the one row of the table where the point may stand."""
    key = np.int64(0)
    for bits in point.view(np.int64):
        key = (key * 1000003 + ((bits ^ bits >> 32) & 0x7FFFFFFF)) & 0xFFFFFFFFFF  # stays below 2**63
    return (key ^ key >> 17) % table.shape[0]


@jit_inline
def stands(table, slot, point):
    same = True
    for f in range(point.shape[0]):
        same &= table[slot, f] == point[f]
    return same


@jit_inline
def step(point, sums):
    """Move the point to the mean; return the squared step."""
    n_features = point.shape[0]
    moved = 0.0
    for f in range(n_features):
        # An empty window stays where it is.
        mean = sums[f] / sums[n_features] if sums[n_features] > 0.0 else point[f]
        moved += (mean - point[f]) * (mean - point[f])
        point[f] = mean
    return moved


@jit
def climb_seeds(tree, rule, table, points, densities, steps):
    """Move each point to the mean of its window until a step is at most the tolerance; weigh the window there.

    The number of steps is that of the one which was so short, or negative where none was. Paths meet, to the last
    bit: a path that comes to a point of the table ends as told there.
    """
    n_features = points.shape[1]
    lanes, sums = np.empty((n_features + 1, LEAF)), np.empty(n_features + 1)
    path, slots = np.empty((PATH, n_features)), np.empty(PATH, np.int64)
    for p in range(points.shape[0]):
        point = points[p]
        taken, left, rests = 0, 0, False
        while True:
            slot = slot_of(table, point)
            if not rests and stands(table, slot, point) and taken + table[slot, -1] <= rule.most:
                left = np.int64(table[slot, -1])
                for f in range(n_features):
                    point[f] = table[slot, n_features + f]
                densities[p] = table[slot, -2]
                break
            sum_window(tree, rule.kernel, rule.bandwidth, point, lanes, sums)
            densities[p] = sums[n_features]
            if rests or taken == rule.most:
                break
            if taken < PATH:
                slots[taken] = slot
                for f in range(n_features):
                    path[taken, f] = point[f]
            rests = step(point, sums) <= rule.tol * rule.tol
            taken += 1
        ended = rests or left > 0
        steps[p] = taken + left if ended else -rule.most
        for t in range(min(taken, PATH) if ended else 0):
            row = table[slots[t]]
            for f in range(n_features):
                row[f], row[n_features + f] = path[t, f], point[f]
            row[-2], row[-1] = densities[p], steps[p] - t
