"""One step of SLIC over a strip of blocks: the nearest centers, and the sums of their pixels."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_part
from classicseg._kernels.cpu._lanes import NARROW, bits, count_of, load
from classicseg._kernels.cpu.slic_near import (
    KEPT,
    LAST,
    MIDDLE,
    OUTSIDE,
    WINNERS,
    WON,
    fill_table,
    id_of,
    list_near,
    no_table,
    reaching,
    select,
    shortlist,
)
from classicseg._kernels.cpu.slic_nearest import PART, decide, nearest_in_tile
from classicseg._kernels.cpu.slic_tiles import BLOCK, IN_BLOCK, IN_QUAD, PIXELS, QUAD, SIDE

# The pixels of a tile whose row, and whose column, have bit 0, 1 and 2.
ROW_BITS = np.array([0xFF00FF00FF00FF00, 0xFFFF0000FFFF0000, 0xFFFFFFFF00000000], np.uint64).view(np.int64)
COL_BITS = np.array([0xAAAAAAAAAAAAAAAA, 0xCCCCCCCCCCCCCCCC, 0xF0F0F0F0F0F0F0F0], np.uint64).view(np.int64)


@jit
def assign_strip(tiles, shape, centers, scale, strip, labels, write):
    """Return the centers whose windows reach this strip, and the sums of their pixels in it."""
    top, n_across = strip * BLOCK, -(-shape[1] // BLOCK)
    active = reaching(centers.window, top, min(top + BLOCK, shape[0]))
    n_sums, n_terms = tiles.sums.shape[1], tiles.low.shape[0] // tiles.inside.shape[0]
    sums = np.zeros((active.shape[0] + 1, n_sums), np.int64)  # the last row is nobody's
    lists, places = np.empty((4, active.shape[0] + 1), np.int32), np.empty(PIXELS, np.float32)
    stride, table = no_table(active.shape[0], n_terms)
    few = np.zeros_like(table)
    values, inside, lows, highs, middles = tiles.values, tiles.inside, tiles.low, tiles.high, tiles.middle
    low, high, reach = np.empty(n_terms, np.float32), np.empty(n_terms, np.float32), np.empty(n_terms, np.float32)
    for across in range(n_across):
        block, corner = strip * n_across + across, (top, across * BLOCK)
        if not _bounds(tiles, block * IN_BLOCK, IN_BLOCK, low, high):
            continue
        for term in range(n_terms):
            reach[term] = max(high[term], -low[term])
        n_near = list_near(active, centers.window, corner[1], min(corner[1] + BLOCK, shape[1]), lists)
        fill_table(active, lists, n_near, centers, scale, corner, tiles.middle[block], reach, stride, table)
        for quad in range(IN_BLOCK // IN_QUAD):
            first = block * IN_BLOCK + quad * IN_QUAD
            if not _bounds(tiles, first, IN_QUAD, low, high):
                continue
            y, x = quad // (BLOCK // QUAD) * QUAD, quad % (BLOCK // QUAD) * QUAD
            n_kept = shortlist(stride, table, n_near, _box(y, x, QUAD), low, high, 0, n_terms, lists, KEPT)
            few_stride = (n_kept // NARROW + 1) * NARROW
            margin = np.float32(2) * select(stride, table, lists, n_kept, n_terms, few_stride, few)
            for tile in range(IN_QUAD):
                t, spot = first + tile, (y + tile // 2 * SIDE, x + tile % 2 * SIDE)
                if inside[t] == 0:
                    continue
                at, pixel = t * n_terms, (corner[0] + spot[0], corner[1] + spot[1])
                n, close = _find_nearest(
                    values, lows, highs, at, n_terms, spot, few_stride, few, n_kept, margin, lists, places
                )
                close &= inside[t]
                if close != 0:
                    exact = centers, scale, active, tiles.middle[block]
                    decide(values, at * PIXELS, close, pixel, exact, few_stride, few, lists, n, places)
                n_won = _list_winners(few_stride, few, lists, n)
                whole = n > 0 and few[OUTSIDE * few_stride + lists[LAST, 0]] <= 0  # a window holds all pixels
                tile = tiles.sums, t, middles, block
                _add_all(values, at * PIXELS, inside[t], pixel, tile, lists, n_won, whole, places, sums)
                if write:
                    _write(inside[t], pixel, places, lists, active, labels)
    return active, sums[:-1]


@jit_part
def _find_nearest(values, low, high, at, n_terms, spot, stride, few, n_kept, margin, lists, places):
    """Write the place of the nearest center of each pixel of a tile.

    Returns how many centers there may be, and a bit for each pixel: whether the definition has to decide.
    """
    box = _box(spot[0], spot[1], SIDE)
    n = shortlist(stride, few, n_kept, box, low, high, at, n_terms, lists, LAST)
    middle = np.float32(0.5) * (box[0] + box[1]), np.float32(0.5) * (box[2] + box[3])
    close = nearest_in_tile(values, at * PIXELS, n_terms, middle, stride, few, lists, n, margin, places)
    return n, close


@jit_part
def _list_winners(stride, few, lists, n):
    """List the places of the centers that may be the nearest to a pixel of a tile; return how many."""
    count = 0
    for i in range(n):
        lists[WINNERS, count] = i
        count += np.int64(few[WON * stride + lists[LAST, i]] > 0)
    return count


@jit_part
def _add_all(values, at, inside, pixel, tile, lists, n_won, whole, places, sums):
    """Add the pixels of a tile to the sums of their centers.

    Where all have one, as `whole` says, the last center is given the tile's sums, and the others take theirs from it.
    """
    tile_sums, t, middles, block = tile
    source, n_taken = sums.shape[0] - 1, n_won - np.int64(whole)
    for i in range(n_taken, n_won):
        source = id_of(lists, lists[WINNERS, i])
        count = np.int64(tile_sums[t, 0])
        sums[source, 0] += count
        sums[source, 1] += count * pixel[0] + tile_sums[t, 1]
        sums[source, 2] += count * pixel[1] + tile_sums[t, 2]
        for c in range(3, sums.shape[1]):
            sums[source, c] += tile_sums[t, c] + count * np.int64(middles[block, c - 3])
    for i in range(n_taken):
        place = lists[WINNERS, i]
        _take(values, at, inside, place, pixel, middles, block, places, sums, id_of(lists, place), source)


@jit_part
def _box(row, col, side):
    """Return the lines around a part of a block, above, below, left and right, from the middle of the block."""
    before = np.float32(MIDDLE + 0.5)
    return (
        np.float32(row) - before, np.float32(row + side) - before,
        np.float32(col) - before, np.float32(col + side) - before,
    )  # fmt: skip


@jit_part
def _bounds(tiles, first, count, low, high):
    """Write the bounds of the terms of `count` tiles; return whether they have any pixel."""
    some, n_terms = False, low.shape[0]
    low[:], high[:] = np.inf, -np.inf
    for t in range(first, first + count):
        if tiles.sums[t, 0] > 0:
            some = True
            for term in range(n_terms):
                low[term] = min(low[term], tiles.low[t * n_terms + term])
                high[term] = max(high[term], tiles.high[t * n_terms + term])
    return some


@jit_part
def _take(values, at, inside, place, pixel, middles, block, places, sums, mine, source):
    """Add the pixels of one center to its sums, and take them from those of `source`."""
    which = np.float32(place)
    taken = inside & bits(
        load(places, 0) == which, load(places, PART) == which, load(places, 2 * PART) == which,
        load(places, 3 * PART) == which,
    )  # fmt: skip
    count = count_of(taken)
    rows, cols = count * pixel[0], count * pixel[1]
    for bit in range(3):
        rows += count_of(taken & ROW_BITS[bit]) << bit
        cols += count_of(taken & COL_BITS[bit]) << bit
    sums[mine, 0], sums[source, 0] = sums[mine, 0] + count, sums[source, 0] - count
    sums[mine, 1], sums[source, 1] = sums[mine, 1] + rows, sums[source, 1] - rows
    sums[mine, 2], sums[source, 2] = sums[mine, 2] + cols, sums[source, 2] - cols
    for c in range(middles.shape[1]):
        total, none, first = np.int32(0), np.int32(0), np.uint64(at + c * PIXELS)
        for i in range(PIXELS):
            total = np.int32(total + (np.int32(values[first + np.uint64(i)]) if places[i] == which else none))
        whole = total + count * np.int64(middles[block, c])
        sums[mine, 3 + c], sums[source, 3 + c] = sums[mine, 3 + c] + whole, sums[source, 3 + c] - whole


@jit_part
def _write(inside, pixel, places, lists, active, labels):
    """Write the labels of the pixels of a tile; those that have none stay as they are."""
    for row in range(SIDE):
        for col in range(SIDE):
            place = np.int64(places[row * SIDE + col])
            if place >= 0 and (inside == -1 or (inside >> (row * SIDE + col)) & 1):
                labels[pixel[0] + row, pixel[1] + col] = active[id_of(lists, place)]
