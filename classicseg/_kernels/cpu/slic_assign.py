"""One step of SLIC over a strip of blocks: the nearest centers, and the sums of their pixels."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_part
from classicseg._kernels.cpu._lanes import NARROW, bits, count_of, load
from classicseg._kernels.cpu.slic_near import (
    MIDDLE,
    OUTSIDE,
    fill_table,
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
    sums = np.zeros((active.shape[0], n_sums), np.int64)
    near, kept, last = _list(active), _list(active), _list(active)
    ids, won = _list(active), np.empty(active.shape[0] + 1, np.bool_)
    stride, table = no_table(active.shape[0], n_terms)
    few, found, places = np.zeros_like(table), np.empty(stride, np.float32), np.empty(PIXELS, np.float32)
    low, high, reach = np.empty(n_terms, np.float32), np.empty(n_terms, np.float32), np.empty(n_terms, np.float32)
    part, rest = np.empty(n_sums, np.int64), np.empty(n_sums, np.int64)
    for across in range(n_across):
        block, left = strip * n_across + across, across * BLOCK
        if not _bounds(tiles, block * IN_BLOCK, IN_BLOCK, low, high):
            continue
        for term in range(n_terms):
            reach[term] = max(high[term], -low[term])
        n_near = list_near(active, centers.window, left, min(left + BLOCK, shape[1]), near)
        middle = tiles.middle[block]
        fill_table(active, near, n_near, centers, scale, (top, left), middle, reach, stride, table)
        for quad in range(IN_BLOCK // IN_QUAD):
            first = block * IN_BLOCK + quad * IN_QUAD
            if not _bounds(tiles, first, IN_QUAD, low, high):
                continue
            row, col = quad // (BLOCK // QUAD) * QUAD, quad % (BLOCK // QUAD) * QUAD
            n_kept = shortlist(stride, table, n_near, _box(row, col, QUAD), low, high, 0, n_terms, found, kept)
            few_stride = (n_kept // NARROW + 1) * NARROW
            margin = np.float32(2) * select(stride, table, kept, n_kept, n_terms, few_stride, few)
            for tile in range(IN_QUAD):
                t = first + tile
                if tiles.inside[t] == 0:
                    continue
                y, x = row + tile // 2 * SIDE, col + tile % 2 * SIDE
                box, at = _box(y, x, SIDE), t * n_terms
                n = shortlist(few_stride, few, n_kept, box, tiles.low, tiles.high, at, n_terms, found, last)
                for i in range(n):
                    ids[i] = near[kept[last[i]]]
                spot = np.float32(0.5) * (box[0] + box[1]), np.float32(0.5) * (box[2] + box[3])
                owned = n > 0 and few[OUTSIDE * few_stride + last[0]] <= 0
                if n == 1 and owned:
                    places[:] = 0
                    won[0] = True
                else:
                    close = (
                        nearest_in_tile(
                            tiles.values, at * PIXELS, n_terms, spot, few_stride, few, last, n, margin, places, won
                        )
                        & tiles.inside[t]
                    )
                    if close != 0:
                        corner = top + y, left + x
                        decide(
                            tiles.values,
                            at * PIXELS,
                            close,
                            corner,
                            middle,
                            centers,
                            scale,
                            active,
                            ids[:n],
                            places,
                            won,
                        )
                for c in range(n_sums):
                    rest[c] = tiles.sums[t, c]
                mine = -1
                for i in range(n):
                    if won[i]:
                        if mine >= 0:
                            _take(tiles.values, at * PIXELS, tiles.inside[t], mine, places, part, rest)
                            _add(part, top + y, left + x, middle, sums, ids[mine])
                        mine = i
                if mine >= 0:
                    if owned:  # all pixels have a center: the last has the rest
                        _add(rest, top + y, left + x, middle, sums, ids[mine])
                    else:
                        _take(tiles.values, at * PIXELS, tiles.inside[t], mine, places, part, rest)
                        _add(part, top + y, left + x, middle, sums, ids[mine])
                if write:
                    _write(tiles.inside[t], top + y, left + x, places, ids, active, labels)
    return active, sums


@jit_part
def _list(active):
    return np.empty(active.shape[0] + 1, np.int32)


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
def _take(values, at, inside, mine, places, part, rest):
    """Write the sums of the pixels of a center to `part`, and take them from the `rest`."""
    place = np.float32(mine)
    own = inside & bits(
        load(places, 0) == place, load(places, PART) == place, load(places, 2 * PART) == place,
        load(places, 3 * PART) == place,
    )  # fmt: skip
    part[0], part[1], part[2] = count_of(own), 0, 0
    for bit in range(3):
        part[1] += count_of(own & ROW_BITS[bit]) << bit
        part[2] += count_of(own & COL_BITS[bit]) << bit
    for c in range(part.shape[0] - 3):
        total, none, first = np.int32(0), np.int32(0), np.uint64(at + c * PIXELS)
        for i in range(PIXELS):
            total = np.int32(total + (np.int32(values[first + np.uint64(i)]) if places[i] == place else none))
        part[3 + c] = total
    for i in range(part.shape[0]):
        rest[i] -= part[i]


@jit_part
def _add(own, y, x, shift, sums, place):
    """Add the sums of a part of a tile, whose first pixel is at (y, x), to those of its center."""
    sums[place, 0] += own[0]
    sums[place, 1] += own[0] * y + own[1]
    sums[place, 2] += own[0] * x + own[2]
    for c in range(shift.shape[0]):
        sums[place, 3 + c] += own[3 + c] + own[0] * np.int64(shift[c])


@jit_part
def _write(inside, y, x, places, ids, active, labels):
    if inside == -1:
        for row in range(SIDE):
            for col in range(SIDE):
                place = np.int64(places[row * SIDE + col])
                if place >= 0:
                    labels[y + row, x + col] = active[ids[place]]
        return
    for i in range(PIXELS):
        place = np.int64(places[i])
        if (inside >> i) & 1 and place >= 0:
            labels[y + i // SIDE, x + i % SIDE] = active[ids[place]]
