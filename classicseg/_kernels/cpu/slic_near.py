"""The centers that may be the nearest to a pixel of a part of a block of SLIC.

Of a squared distance, what depends on the center is linear in the pixel: a number, a slope for its row and its column,
and one for each of its terms. Within bounds, the difference of two linear functions is at least what it is in the
middle less the difference of the slopes times the extents: centers that are farther than another one everywhere are
struck off before a pixel is looked at.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit_inline, jit_part
from classicseg._kernels.cpu._lanes import (
    NARROW,
    bits,
    first_of,
    fused,
    load,
    lowest,
    size,
    spread,
    spread_from,
    store,
    where,
)
from classicseg._kernels.cpu.slic_tiles import BLOCK

# Rows of a table of centers. Positions count from the middle of a block, between its pixels.
AT, DOWN, ALONG = 0, 1, 2  # the score there, its slopes
TOP, BOTTOM, LEFT, RIGHT = 3, 4, 5, 6  # the window: the lines between its pixels and those around it
ERROR = 7  # by which rounding may part a score from the definition, at most
BASE = 8  # the score in the middle of a part and at no values
OUTSIDE = 9  # above 0 where the window does not hold the whole part
MIDMOST = 10  # the score in the middle of a part and of its values
WON = 11  # above 0 where the center may be the nearest to a pixel of a tile
SLOPE = 12  # of the terms, from here on
# Rows of the lists of centers: for a block places in the strip's centers, for a quad places in the first list, for a
# tile places in the second; and of a tile's those that may be the nearest to a pixel, as places in the third.
NEAR, KEPT, LAST, WINNERS = 0, 1, 2, 3
MIDDLE = (BLOCK - 1) / 2  # of a block, from its first pixel
ROUNDING = 2.0**-23  # relative, of a float32 number: twice what one operation can do
FAR = np.float32(3e38)  # no distance is that large: weights and scales are bounded


@jit_inline
def no_table(n_centers, n_terms):
    """Return a table for up to `n_centers`, flat: how far its rows are apart, and the numbers."""
    stride = (n_centers // NARROW + 1) * NARROW
    return stride, np.zeros((SLOPE + n_terms) * stride, np.float32)


@jit_inline
def reaching(window, first, last):
    """List the centers whose window has one of these rows, in order."""
    found = np.empty(window.shape[0], np.int32)
    count = 0
    for k in range(window.shape[0]):
        found[count] = k
        count += np.int64((window[k, 0] < last) & (window[k, 1] > first))
    return found[:count].copy()


@jit_part
def list_near(active, window, left, right, lists):
    """List the places in `active` of the centers whose window has one of these columns; return how many."""
    n = 0
    for a in range(active.shape[0]):
        k = active[a]
        lists[NEAR, n] = a
        n += np.int64((window[k, 2] < right) & (window[k, 3] > left))
    return n


@jit_part
def id_of(lists, place):
    """Return the place in the strip's centers of one of a tile's."""
    return lists[NEAR, lists[KEPT, lists[LAST, place]]]


@jit_part
def fill_table(active, lists, n, centers, scale, corner, middle, reach, stride, table):
    """Fill the table with the scores of the first `n` centers; `reach` is how far terms reach."""
    n_channels = centers.color.shape[1]
    squares = reach.shape[0] > n_channels
    for i in range(n):
        k = active[lists[NEAR, i]]
        weight = centers.weight[k]
        dy = (centers.position[k, 0] - corner[0] - MIDDLE) * scale[0]
        dx = (centers.position[k, 1] - corner[1] - MIDDLE) * scale[1]
        at, down, along = dy * dy + dx * dx, -2 * dy * scale[0], -2 * dx * scale[1]
        most = MIDDLE * (abs(down) + abs(along))
        for c in range(n_channels):
            d = centers.color[k, c] - middle[c]
            at += weight * (d * d)
            most += abs(2 * weight * d) * reach[c]
            table[(SLOPE + c) * stride + i] = -2 * weight * d
        if squares:  # weights differ, and so do the squares of the values
            most += weight * reach[n_channels]
            table[(SLOPE + n_channels) * stride + i] = weight
        table[AT * stride + i], table[DOWN * stride + i], table[ALONG * stride + i] = at, down, along
        table[ERROR * stride + i] = ROUNDING * (2 * n_channels + 8) * (at + most)
        for side in range(4):
            line = centers.window[k, side] - corner[side // 2] - MIDDLE - 0.5
            table[(TOP + side) * stride + i] = line
    for i in range(n, (n + NARROW - 1) // NARROW * NARROW):
        table[TOP * stride + i], table[BOTTOM * stride + i] = FAR, -FAR  # a window that nothing meets


@jit_part
def shortlist(stride, table, n, box, low, high, at, n_terms, lists, row):
    """List in a `row` of `lists` which of the `n` centers of a table may be the nearest to a pixel; return how many.

    Bounds of the terms stand in `low` and `high` from index `at`; `box` has the lines around the part: above, below,
    left and right of it. The first in the list is the nearest to the middle of those whose windows hold the whole part,
    unless there is none.
    """
    half, one, two, nothing = np.float32(0.5), np.float32(1), np.float32(2), np.float32(0)
    y, x = half * (box[0] + box[1]), half * (box[2] + box[3])
    tall, wide = half * (box[1] - box[0] - 1), half * (box[3] - box[2] - 1)
    least, best = FAR, -1
    for first in range(0, n, NARROW):
        score = fused(load(table, DOWN * stride + first), y, load(table, AT * stride + first))
        score = fused(load(table, ALONG * stride + first), x, score)
        store(table, BASE * stride + first, score)
        for term in range(n_terms):
            score = fused(
                load(table, (SLOPE + term) * stride + first), half * (low[at + term] + high[at + term]), score
            )
        store(table, MIDMOST * stride + first, score)
        holding = (load(table, TOP * stride + first) <= box[0]) & (load(table, LEFT * stride + first) <= box[2])
        holding = (
            holding & (load(table, BOTTOM * stride + first) >= box[1]) & (load(table, RIGHT * stride + first) >= box[3])
        )
        store(table, OUTSIDE * stride + first, where(holding, spread(nothing), one))
        lowest_here = lowest(where(holding, score, FAR))
        if lowest_here < least:
            least, best = lowest_here, first + first_of(bits(holding & (score <= lowest_here)))
    count, error = 0, nothing
    if best >= 0:
        lists[row, 0], count, error = best, 1, table[ERROR * stride + best]
    for first in range(0, n, NARROW):
        meeting = (load(table, TOP * stride + first) < box[1]) & (load(table, LEFT * stride + first) < box[3])
        meeting = (
            meeting & (load(table, BOTTOM * stride + first) > box[0]) & (load(table, RIGHT * stride + first) > box[2])
        )
        if best >= 0:
            ahead = load(table, MIDMOST * stride + first) - (
                load(table, ERROR * stride + first) * two + (least + two * error)
            )
            ahead = ahead - size(load(table, DOWN * stride + first) - spread_from(table, DOWN * stride + best)) * tall
            ahead = ahead - size(load(table, ALONG * stride + first) - spread_from(table, ALONG * stride + best)) * wide
            for term in range(n_terms):
                slope, extent = (SLOPE + term) * stride, half * (high[at + term] - low[at + term])
                ahead = ahead - size(load(table, slope + first) - spread_from(table, slope + best)) * extent
            meeting = meeting & (ahead <= nothing)
        left = bits(meeting)
        if first <= best < first + NARROW:
            left &= ~(np.int64(1) << (best - first))
        while left != 0:
            lists[row, count] = first + first_of(left)
            count += 1
            left &= left - 1
    return count


@jit_part
def select(stride, table, lists, n, n_terms, less_stride, less):
    """Copy the columns of those for a quad to a table of fewer centers; return the largest error of theirs."""
    error, padded = np.float32(0), (n + NARROW - 1) // NARROW * NARROW
    for row in range(SLOPE + n_terms):
        # Unsigned, or the compiler provides for indices from the end and moves numbers one by one.
        at, into = np.uint64(row * stride), np.uint64(row * less_stride)
        if padded > 0:
            store(less, row * less_stride + padded - NARROW, spread(error))
        for i in range(n):
            less[into + np.uint64(i)] = table[at + np.uint64(lists[KEPT, i])]
    for i in range(n):
        error = max(error, less[ERROR * less_stride + i])
    for i in range(n, padded):
        less[TOP * less_stride + i], less[BOTTOM * less_stride + i] = FAR, -FAR
    return error
