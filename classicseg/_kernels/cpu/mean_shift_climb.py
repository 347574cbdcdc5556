"""The window of mean shift: the weighted mean of the samples around a point, and the climb by such means."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline
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


@jit
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


@jit
def climb_seeds(tree, kernel, bandwidth, tol, most, points, densities, steps):
    """Move each point to the mean of its window until a step is at most `tol`, and weigh the window where it ends.

    The number of steps is that of the one which was so short, or negative where none of the `most` was.
    """
    n_features = points.shape[1]
    lanes, sums = np.empty((n_features + 1, LEAF)), np.empty(n_features + 1)
    for p in range(points.shape[0]):
        step, steps[p] = 0, -most
        while True:
            sum_window(tree, kernel, bandwidth, points[p], lanes, sums)
            if steps[p] > 0 or step == most:
                break
            step += 1
            moved = 0.0
            for f in range(n_features):
                # An empty window stays where it is.
                mean = sums[f] / sums[n_features] if sums[n_features] > 0.0 else points[p, f]
                moved += (mean - points[p, f]) * (mean - points[p, f])
                points[p, f] = mean
            if moved <= tol * tol:
                steps[p] = step
        densities[p] = sums[n_features]
