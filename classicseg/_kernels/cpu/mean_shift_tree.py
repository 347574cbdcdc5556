"""Samples in the order of a space-filling curve, under a tree of boxes: what lies near a point is found at once.

A leaf holds 64 samples that follow each other on the Z-order curve, and each node above has 8 children. A node knows
its box, and the count and the sum of its samples: a node whose box lies within a window counts as a whole, without
a look at its samples. Both tests of a box are consistent with the test of a sample to the last bit, because rounding
never turns the order of two numbers around.
"""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks

LEAF = 64  # samples: one block of vector code; loops of 32 are unrolled whole instead, which takes twice the time
FANOUT = 8
KEY_BITS = 32
BLOCK = 1 << 13  # leaves that one thread works on at a time, and samples / LEAF while keys are made


class Tree(NamedTuple):
    """Distinct samples and the nodes above them, the leaves first, then level after level up to one node."""

    values: Any  # float32 or float64 (n_leaves, F, 64)
    counts: Any  # float64 (n_leaves, 64): how often each sample occurs, 0 where the last leaf is filled up
    low: Any  # float64 (n_nodes, F), corner of the box
    high: Any  # float64 (n_nodes, F)
    sums: Any  # float64 (n_nodes, F + 1): sums of the samples' values, and their count
    first: Any  # int64 (n_levels + 1,), first node of each level


def build_tree(columns, counts, n_threads):
    """Return the tree of samples given as F arrays (n,) in the order of the curve."""
    n = len(columns[0])
    n_leaves = -(-n // LEAF)
    values = np.empty((n_leaves, len(columns), LEAF), columns[0].dtype)
    full = n // LEAF
    weights = np.zeros((n_leaves, LEAF))
    weights.reshape(-1)[:n] = counts
    for f, column in enumerate(columns):
        values[:full, f] = column[: full * LEAF].reshape(full, LEAF)
        if full < n_leaves:
            values[full, f] = column[-1]  # within the box of the others
            values[full, f, : n - full * LEAF] = column[full * LEAF :]
    sizes = [n_leaves]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // FANOUT))
    first = np.cumsum([0, *sizes])
    low, high = np.empty((2, first[-1], len(columns)))
    tree = Tree(values, weights, low, high, np.empty((first[-1], len(columns) + 1)), first)
    n_blocks = -(-n_leaves // BLOCK)
    run_blocks(lambda b: fill_leaves(tree, b * BLOCK, min((b + 1) * BLOCK, n_leaves)), n_blocks, n_threads)
    fill_nodes(first, low, high, tree.sums)
    return tree


def curve_order(columns, n_threads):
    """Return the order of samples, F arrays (n,), along the Z-order curve; equals stay in their order."""
    n = len(columns[0])
    spans = [(float(column.min()), float(column.max())) for column in columns]
    widest = sorted(range(len(columns)), key=lambda f: spans[f][0] - spans[f][1])[:KEY_BITS]
    bits = min(KEY_BITS // len(widest), 16)
    widest = sorted(widest)
    span = max(spans[f][1] - spans[f][0] for f in widest)
    # Floor of a scale of at least 1 parts all integers, where there are no more of them than cells.
    scale = (2**bits - 1) / span if span > 0 else 0.0
    keys = np.zeros(n, np.uint64)
    size = BLOCK * LEAF

    def block(b):
        part = slice(b * size, min((b + 1) * size, n))
        for place, f in enumerate(widest):
            add_bits(columns[f][part], spans[f][0], scale, bits, len(widest), place, keys[part])
        add_index(keys[part], part.start)

    run_blocks(block, -(-n // size), n_threads)
    keys.sort()
    return keys.astype(np.uint32)  # the low half: the index


@jit
def add_bits(column, low, scale, bits, stride, place, keys):
    """Put the bits of one feature between those of the others, in the high half of the keys."""
    table = np.zeros(256, np.uint64)
    for value in range(256):
        spread = np.int64(0)
        for bit in range(min(bits, 8)):
            spread |= np.int64(value >> bit & 1) << (bit * stride)
        table[value] = np.uint64(spread)
    for i in range(column.shape[0]):
        cell = np.int64((np.float64(column[i]) - low) * scale)
        spread = np.int64(table[cell & 255])
        if bits > 8:
            spread |= np.int64(table[cell >> 8]) << (8 * stride)
        keys[i] |= np.uint64(spread) << np.uint64(32 + place)


@jit
def add_index(keys, first):
    for i in range(keys.shape[0]):
        keys[i] |= np.uint64(first + i)


@jit
def mark_new(column, new):
    """Mark the samples whose value is another than that of the one before."""
    for i in range(1, column.shape[0]):
        new[i] |= column[i] != column[i - 1]


@jit
def fill_leaves(tree, first, last):
    """Find box and sums of the leaves."""
    for leaf in range(first, last):
        values, counts = tree.values[leaf], tree.counts[leaf]
        n_features = values.shape[0]
        for f in range(n_features):
            low = high = np.float64(values[f, 0])
            total = 0.0
            for i in range(LEAF):
                value = np.float64(values[f, i])
                low, high = min(low, value), max(high, value)
                total += value * counts[i]
            tree.low[leaf, f], tree.high[leaf, f], tree.sums[leaf, f] = low, high, total
        total = 0.0
        for i in range(LEAF):
            total += counts[i]
        tree.sums[leaf, n_features] = total


@jit
def fill_nodes(first, low, high, sums):
    """Find box and sums of the nodes above the leaves, level after level."""
    for level in range(1, first.shape[0] - 1):
        for node in range(first[level], first[level + 1]):
            child = first[level - 1] + (node - first[level]) * FANOUT
            last = min(child + FANOUT, first[level])
            for f in range(low.shape[1]):
                low[node, f], high[node, f] = low[child, f], high[child, f]
                for other in range(child + 1, last):
                    low[node, f] = min(low[node, f], low[other, f])
                    high[node, f] = max(high[node, f], high[other, f])
            for f in range(sums.shape[1]):
                sums[node, f] = 0.0
                for other in range(child, last):
                    sums[node, f] += sums[other, f]


@jit_inline
def least_distance(tree, node, point):
    """Return the squared distance from the point to the box of a node, never above that of a sample in it."""
    total = 0.0
    for f in range(point.shape[0]):
        away = max(tree.low[node, f] - point[f], point[f] - tree.high[node, f], 0.0)
        total += away * away
    return total


@jit_inline
def greatest_distance(tree, node, point):
    """Return the squared distance from the point to the far corner, never below that of a sample in the box."""
    total = 0.0
    for f in range(point.shape[0]):
        away = max(point[f] - tree.low[node, f], tree.high[node, f] - point[f])
        total += away * away
    return total


@jit_inline
def squared_distances(values, point, squared):
    """Write the squared distances from the point to the samples of a leaf; features are added in order."""
    for i in range(LEAF):
        squared[i] = 0.0
    for f in range(point.shape[0]):
        for i in range(LEAF):
            away = np.float64(values[f, i]) - point[f]
            squared[i] += away * away


@jit_inline
def following(tree, level, node):
    """Return level and number within it of the node to look at after this one and all below it."""
    top = tree.first.shape[0] - 2
    node += 1
    while level < top and (node % FANOUT == 0 or tree.first[level] + node >= tree.first[level + 1]):
        node = -(-node // FANOUT)
        level += 1
    return level, node
