"""Mean shift on the CPU: samples under a tree, seeds that climb it to their modes, and the mode of each sample."""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks, thread_count
from classicseg._kernels.cpu.mean_shift_climb import climb_seeds
from classicseg._kernels.cpu.mean_shift_tree import (
    FANOUT,
    LEAF,
    Tree,
    build_tree,
    curve_order,
    following,
    least_distance,
    mark_new,
    squared_distances,
)

SEEDS = 8  # that one thread climbs with before it takes others
SAMPLES = 1 << 13  # that one thread labels before it takes others


class Samples(NamedTuple):
    """Distinct samples, and the way back to those given."""

    columns: Any  # list of F float32 arrays (n_distinct,), in the order of the curve
    counts: Any  # float64 (n_distinct,), how often each was given
    order: Any  # uint32 (n,), number of the given sample at each place of the curve
    place: Any  # int32 (n,), distinct sample at each place of the curve
    tree: Tree
    n_threads: int


def start(columns, n_threads=None):
    """Sort samples, a list of F float32 arrays (n,), and count the equal ones. The list is emptied on the way."""
    n_threads = thread_count(n_threads)
    order = curve_order(columns, n_threads)
    new = np.zeros(len(order), np.bool_)
    new[0] = True
    for f in range(len(columns)):
        columns[f] = columns[f][order]
        mark_new(columns[f], new)
    kept = np.flatnonzero(new)
    place = np.cumsum(new, dtype=np.int32)
    place -= 1
    counts = np.diff(np.append(kept, len(order))).astype(np.float64)
    distinct = [column[kept] for column in columns]
    columns.clear()
    return Samples(distinct, counts, order, place, build_tree(distinct, counts, n_threads), n_threads)


def climb(samples, seeds, kernel, bandwidth, tol, most):
    """Climb from the seeds (S, F); return where they end, their densities there, and the numbers of steps.

    The density is the sum of the samples' weights around a point: 0 where the window of a seed was empty. A number of
    steps is negative where a seed was still moving after `most` of them.
    """
    ends, densities, steps = seeds.copy(), np.empty(len(seeds)), np.empty(len(seeds), np.int64)

    def block(b):
        part = slice(b * SEEDS, (b + 1) * SEEDS)
        climb_seeds(samples.tree, kernel, bandwidth, tol, most, ends[part], densities[part], steps[part])

    run_blocks(block, -(-len(seeds) // SEEDS), samples.n_threads)
    return ends, densities, steps


def apart(points, radius):
    """Return the rows of `points` (P, F) that lie farther than `radius` from every row kept above them."""
    tree, order = tree_of(points)
    kept = np.ones(len(points), np.bool_)
    keep_apart(tree, order, points, radius * radius, kept)
    return np.flatnonzero(kept)


def tree_of(points):
    """Return the tree of `points` (P, F), and the row of each of its samples."""
    columns = list(np.ascontiguousarray(points.T))
    order = curve_order(columns, 1)
    return build_tree([column[order] for column in columns], np.ones(len(points)), 1), order.astype(np.int64)


def nearest(columns, modes, radius, n_threads=None):
    """Return the row of the nearest mode for samples, F arrays (n,), -1 where it is farther than `radius`."""
    tree, order = tree_of(modes)
    n = len(columns[0])
    labels = np.empty(n, np.int32)

    def block(b):
        part = slice(b * SAMPLES, (b + 1) * SAMPLES)
        points = np.stack([column[part] for column in columns], axis=1).astype(np.float64)
        find_nearest(tree, order, points, radius * radius, labels[part])

    run_blocks(block, -(-n // SAMPLES), thread_count(n_threads))
    return labels


def labels_of(samples, modes, radius):
    """Return the label of each sample given, by number."""
    distinct = nearest(samples.columns, modes, radius, samples.n_threads)
    labels = np.empty(len(samples.order), np.int32)
    labels[samples.order] = distinct[samples.place]
    return labels


@jit
def keep_apart(tree, order, points, radius, kept):
    """Strike out every point within the squared `radius` of one above it that is kept."""
    squared = np.empty(LEAF)
    for p in range(points.shape[0]):
        if not kept[p]:
            continue
        level, node = tree.first.shape[0] - 2, 0
        while tree.first[level] + node < tree.first[level + 1]:
            if least_distance(tree, tree.first[level] + node, points[p]) <= radius:
                if level > 0:
                    level, node = level - 1, node * FANOUT
                    continue
                squared_distances(tree.values[node], points[p], squared)
                for i in range(LEAF):
                    if tree.counts[node, i] > 0 and squared[i] <= radius and order[node * LEAF + i] > p:
                        kept[order[node * LEAF + i]] = False
            level, node = following(tree, level, node)


@jit
def find_nearest(tree, order, points, radius, labels):
    """Write the nearest mode of each point; of two as near the lower row, -1 beyond the squared `radius`."""
    squared = np.empty(LEAF)
    last = 0  # neighbours have one mode mostly: its leaf comes first
    for p in range(points.shape[0]):
        best, label, first = np.inf, np.int64(-1), last
        level, node, started = 0, first, False
        while tree.first[level] + node < tree.first[level + 1]:
            new = not started or level > 0 or node != first
            if new and least_distance(tree, tree.first[level] + node, points[p]) <= best:
                if level > 0:
                    level, node = level - 1, node * FANOUT
                    continue
                squared_distances(tree.values[node], points[p], squared)
                for i in range(min(LEAF, order.shape[0] - node * LEAF)):
                    if squared[i] <= best:
                        row = order[node * LEAF + i]
                        if squared[i] < best or row < label:
                            label, last = row, node
                        best = squared[i]
            if started:
                level, node = following(tree, level, node)
            else:
                level, node, started = tree.first.shape[0] - 2, 0, True
        labels[p] = label if best <= radius else -1
