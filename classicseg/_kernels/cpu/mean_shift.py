"""Mean shift on the CPU: samples under a tree, seeds that climb it to their modes, and the mode of each sample."""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks, thread_count
from classicseg._kernels.cpu.mean_shift_climb import Rule, climb_seeds, empty_table
from classicseg._kernels.cpu.mean_shift_tree import (
    FANOUT,
    LEAF,
    Tree,
    curve_order,
    following,
    grow_tree,
    least_distance,
    squared_distances,
    tree_of,
)

__all__ = ["Rule"]
SEEDS = 8  # that one thread climbs with before it takes others
LEAVES = 128  # whose samples one thread labels before it takes others


class Samples(NamedTuple):
    """Distinct samples under a tree, and the way back to those given."""

    tree: Tree
    n_distinct: int
    order: Any  # uint32 (n,), index of the given sample at each place of the curve
    n_threads: int


def start(columns, n_threads=None):
    """Sort samples into a tree.

    `columns` reads them: ``index(block)`` says which samples are those of a block, ``values(f, index)`` gives float32
    values of a feature, ``starts`` counts the samples before each block, and ``low`` and ``high`` are their extremes.
    At most 4 bytes per feature and sample are taken, and 12 more.
    """
    n_threads = thread_count(n_threads)

    def read(block):
        index = columns.index(block)
        return index, [columns.values(f, index) for f in range(columns.n_features)]

    order = curve_order(read, columns.starts, columns.low, columns.high, n_threads)
    return Samples(*grow_tree(columns, order, n_threads), order, n_threads)


def points_of(samples, first, last):
    """Return the distinct samples (n, F) of some leaves, and how often each was given."""
    values, counts = samples.tree.values[first:last], samples.tree.counts[first:last].reshape(-1)
    points = np.moveaxis(values, 1, 2).reshape(-1, values.shape[1])
    n = min(len(points), samples.n_distinct - first * LEAF)
    return points[:n].astype(np.float64), counts[:n]


def climb(samples, seeds, rule):
    """Climb from the seeds (S, F); return where they end, their densities there, and the numbers of steps.

    The density is the sum of the samples' weights around a point: 0 where the window of a seed was empty. A number of
    steps is negative where a seed was still moving after the most of them.
    """
    ends, densities, steps = seeds.copy(), np.empty(len(seeds)), np.empty(len(seeds), np.int64)
    tables = []

    def block(b):
        part = slice(b * SEEDS, (b + 1) * SEEDS)
        densities[part], steps[part] = walk(samples.tree, rule, tables, ends[part])

    run_blocks(block, -(-len(seeds) // SEEDS), samples.n_threads)
    return ends, densities, steps


def walk(tree, rule, tables, points):
    """Move points to their ends; return densities and steps. `tables` are those that no thread is using."""
    table = tables.pop() if tables else empty_table(points.shape[1])
    densities, steps = np.empty(len(points)), np.empty(len(points), np.int64)
    climb_seeds(tree, rule, table, points, densities, steps)
    tables.append(table)
    return densities, steps


def apart(points, radius):
    """Return the rows of `points` (P, F) that lie farther than `radius` from every row kept above them."""
    tree, order = tree_of(points)
    kept = np.ones(len(points), np.bool_)
    keep_apart(tree, order, points, radius * radius, kept)
    return np.flatnonzero(kept)


def nearest(columns, modes, radius, labels, n_threads=None):
    """Write the row of the nearest mode for samples, read as by `start`; -1 where it is farther than `radius`."""
    tree, rows = tree_of(modes)

    def block(b):
        index = columns.index(b)
        points = np.stack([columns.values(f, index) for f in range(columns.n_features)], axis=1).astype(np.float64)
        found = np.empty(len(points), np.int32)
        find_nearest(tree, rows, points, radius * radius, found)
        labels[index] = found

    run_blocks(block, len(columns.starts) - 1, thread_count(n_threads))


def label(samples, modes, radius, labels, *, rule=None, ends=None):
    """Write the row of the mode nearest to each sample given, -1 where it is farther than `radius`.

    With a rule, nearest to the end of the sample's path; with `ends`, to those of the distinct samples. Returns the
    numbers of steps (n_distinct,) as `climb` does, where there is a rule.
    """
    tree, rows = tree_of(modes)
    n_leaves = len(samples.tree.counts)
    leaves = np.append(np.arange(0, n_leaves, LEAVES), n_leaves)
    places = np.append(0, np.cumsum(np.add.reduceat(samples.tree.counts.sum(axis=1, dtype=np.int64), leaves[:-1])))
    steps = np.empty(0 if rule is None else samples.n_distinct, np.int32)
    tables = []

    def block(b):
        points, counts = points_of(samples, leaves[b], leaves[b + 1])
        own = slice(leaves[b] * LEAF, leaves[b] * LEAF + len(points))
        if rule is not None:
            steps[own] = walk(samples.tree, rule, tables, points)[1]
        found = np.empty(len(points), np.int32)
        find_nearest(tree, rows, points if ends is None else ends[own], radius * radius, found)
        spread(found, counts, samples.order[places[b] : places[b + 1]], labels)

    run_blocks(block, len(leaves) - 1, samples.n_threads)
    return steps


@jit
def spread(found, counts, index, labels):
    """Write the label of each distinct sample to all that were given of it."""
    place = 0
    for i in range(found.shape[0]):
        for _ in range(counts[i]):
            labels[index[place]] = found[i]
            place += 1


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
