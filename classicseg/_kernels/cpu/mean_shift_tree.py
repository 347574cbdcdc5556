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
BLOCK = 1 << 10  # leaves that one thread works on at a time
PLACES = BLOCK * LEAF  # samples of them


class Tree(NamedTuple):
    """Distinct samples and the nodes above them, the leaves first, then level after level up to one node."""

    values: Any  # float32 or float64 (n_leaves, F, 64)
    counts: Any  # int32 (n_leaves, 64): how often each sample occurs, 0 where the last leaf is filled up
    low: Any  # float64 (n_nodes, F), corner of the box
    high: Any  # float64 (n_nodes, F)
    sums: Any  # float64 (n_nodes, F + 1): sums of the samples' values, and their count
    first: Any  # int64 (n_levels + 1,), first node of each level


def grow_tree(columns, order, n_threads):
    """Return the tree of the samples whose indices are given in the order of the curve, and how many are distinct."""
    n, n_features = len(order), columns.n_features
    values = np.empty((-(-n // LEAF), n_features, LEAF), np.float32)

    def gather(b):
        for f in range(n_features):
            put_leaves(columns.values(f, order[b * PLACES : (b + 1) * PLACES]), f, values[b * BLOCK : (b + 1) * BLOCK])

    run_blocks(gather, -(-n // PLACES), n_threads)
    counts = np.zeros((len(values), LEAF), np.int32)
    n_distinct = merge_equal(values, counts, n)
    n_leaves = -(-n_distinct // LEAF)
    return tree_over(values[:n_leaves], counts[:n_leaves], n_threads), n_distinct


def tree_of(points):
    """Return the tree of `points` (P, F), all of them kept, and the row of each of its samples."""
    n, n_features = points.shape
    columns = np.ascontiguousarray(points.T)
    rough = columns.astype(np.float32)  # near enough for an order
    order = curve_order(lambda block: (slice(0, n), rough), (0, n), rough.min(axis=1), rough.max(axis=1), 1)
    values, counts = np.empty((-(-n // LEAF), n_features, LEAF)), np.zeros((-(-n // LEAF), LEAF), np.int32)
    for f in range(n_features):
        put_leaves(columns[f][order], f, values)
    counts.reshape(-1)[:n] = 1
    return tree_over(values, counts, 1), order.astype(np.int64)


def put_leaves(column, f, values):
    """Write one feature of samples into the leaves; the last leaf is filled up with the last sample."""
    full = len(column) // LEAF
    values[:full, f] = column[: full * LEAF].reshape(full, LEAF)
    if full < len(values):
        values[full, f] = column[-1]  # within the box of the others
        values[full, f, : len(column) - full * LEAF] = column[full * LEAF :]


def tree_over(values, counts, n_threads):
    """Return the tree over leaves."""
    n_leaves, n_features = values.shape[:2]
    sizes = [n_leaves]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // FANOUT))
    first = np.cumsum([0, *sizes])
    low, high = np.empty((2, first[-1], n_features))
    tree = Tree(values, counts, low, high, np.empty((first[-1], n_features + 1)), first)
    run_blocks(lambda b: fill_leaves(tree, b * BLOCK, min((b + 1) * BLOCK, n_leaves)), -(-n_leaves // BLOCK), n_threads)
    fill_nodes(first, low, high, tree.sums)
    return tree


def curve_order(read, starts, low, high, n_threads):
    """Return the indices of samples along the Z-order curve; equals stay in their order.

    ``read(block)`` gives the indices of a block of samples, rising, and their F contiguous columns; `starts` how many
    samples come before each block.
    """
    n_features = len(low)
    low, high = np.float64(low), np.float64(high)
    widest = sorted(sorted(range(n_features), key=lambda f: low[f] - high[f])[:KEY_BITS])
    bits = min(KEY_BITS // len(widest), 16)
    span = max(high[f] - low[f] for f in widest)
    # Floor of a scale of at least 1 parts all integers, where there are no more of them than cells.
    scale = (2**bits - 1) / span if span > 0 else 0.0
    keys = np.empty(starts[-1], np.uint64)

    def block(b):
        index, columns = read(b)
        own = keys[starts[b] : starts[b + 1]]
        own[:] = np.arange(index.start, index.stop, dtype=np.uint64) if isinstance(index, slice) else index
        for place, f in enumerate(widest):
            add_bits(columns[f], float(low[f]), scale, bits, len(widest), place, own)

    run_blocks(block, len(starts) - 1, n_threads)
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
def merge_equal(values, counts, n):
    """Move the `n` samples together, in place, until neighbours differ, and count them; return how many are left."""
    n_features = values.shape[1]
    kept = 0
    counts[0, 0] = 1
    for i in range(1, n):
        leaf, lane = i // LEAF, i % LEAF
        same = True
        for f in range(n_features):
            same &= values[leaf, f, lane] == values[kept // LEAF, f, kept % LEAF]
        if not same:
            kept += 1
            for f in range(n_features):
                values[kept // LEAF, f, kept % LEAF] = values[leaf, f, lane]
        counts[kept // LEAF, kept % LEAF] += 1
    last = kept // LEAF
    for lane in range(kept % LEAF + 1, LEAF):
        for f in range(n_features):
            values[last, f, lane] = values[last, f, kept % LEAF]  # within the box of the others
    return kept + 1


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
