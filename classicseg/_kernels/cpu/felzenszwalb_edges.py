"""Edges between neighbouring pixels: weighed row by row, and dealt to buckets of rising weight.

An edge is one number: its direction (→, ↓, ↘, ↙) above 30 bits, and its upper pixel, or the left one.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit

SHIFT = 16  # a level is the upper half of a weight in float32: its exponent and 7 bits, 128 levels to the octave
LEVELS = 1 << 15
MOST_PIXELS = 1 << 30


@jit
def weigh(planes, row, direction, weights, rounded):
    """Write the distances between the values of pixels of a row and of their neighbours in one direction.

    Returns how many there are, and the first column of the pixels and of the neighbours.
    """
    first = 1 if direction == 3 else 0
    other = 1 if direction == 0 or direction == 2 else 0
    below = row + 1 if direction > 0 else row
    n = planes.shape[2] - max(first, other)
    line, coarse = weights[:n], rounded[:n]
    for c in range(planes.shape[0]):
        upper, lower = planes[c, row, first : first + n], planes[c, below, other : other + n]
        if c == 0:
            for x in range(n):
                difference = upper[x] - lower[x]
                line[x] = difference * difference
        else:
            for x in range(n):
                difference = upper[x] - lower[x]
                line[x] += difference * difference
    for x in range(n):
        line[x] = np.sqrt(line[x])
        coarse[x] = line[x]
    return n, first, other


@jit
def select(homes, row, direction, small, ends, keep):
    """Say which edges can join two regions of a forest.

    Homes are the roots of pixels, ~root where marked: without `small` an edge of a marked end can do nothing, with it
    an edge without one.
    """
    n, first, other = ends
    below = row + 1 if direction > 0 else row
    chosen = keep[:n]
    for x in range(n):
        chosen[x] = False
    for k in range(homes.shape[0]):
        upper, lower = homes[k, row, first : first + n], homes[k, below, other : other + n]
        for x in range(n):
            marked = (upper[x] < 0) | (lower[x] < 0)
            chosen[x] |= (upper[x] != lower[x]) & (marked == small)


@jit
def count_levels(planes, homes, small, start, stop, counts):
    """Add the edges that can join regions to the counts of their levels."""
    n_cols = planes.shape[2]
    weights, rounded = np.empty(n_cols, planes.dtype), np.empty(n_cols, np.float32)
    levels, keep = rounded.view(np.uint32), np.empty(n_cols, np.bool_)
    for row in range(start, stop):
        for direction in range(4 if row + 1 < planes.shape[1] else 1):
            ends = weigh(planes, row, direction, weights, rounded)
            select(homes, row, direction, small, ends, keep)
            for x in range(ends[0]):
                taken = keep[x] & (weights[x] >= 0)  # NaN is outside the mask
                counts[(levels[x] >> SHIFT) & (LEVELS - 1)] += np.int32(taken)


@jit
def fill_buckets(planes, homes, small, start, stop, between, bucket_of, out_weights, out_edges, at):
    """Write the edges that can join regions, of levels `between`, to the places `at` of their buckets."""
    n_cols = planes.shape[2]
    weights, rounded = np.empty(n_cols, planes.dtype), np.empty(n_cols, np.float32)
    levels, keep = rounded.view(np.uint32), np.empty(n_cols, np.bool_)
    chosen = np.empty(n_cols, np.int32)
    low, high = np.uint32(between[0] << SHIFT), np.uint32(between[1] << SHIFT)
    for row in range(start, stop):
        for direction in range(4 if row + 1 < planes.shape[1] else 1):
            ends = weigh(planes, row, direction, weights, rounded)
            select(homes, row, direction, small, ends, keep)
            n = ends[0]
            for x in range(n):
                keep[x] &= (levels[x] >= low) & (levels[x] < high) & (weights[x] >= 0)
            count = 0
            for x in range(n):
                chosen[count] = x
                count += np.int64(keep[x])
            code = direction * MOST_PIXELS + row * n_cols + ends[1]
            for i in range(count):
                x = chosen[i]
                bucket = bucket_of[levels[x] >> SHIFT]
                place = at[bucket]
                out_weights[place], out_edges[place] = weights[x], code + np.int64(x)
                at[bucket] = place + 1
