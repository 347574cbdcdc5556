"""The center nearest to each pixel of a tile of SLIC.

All pixels are scored in float32 against the few centers that may be theirs. Where the two least scores lie so close
that rounding could exchange them the definition decides, in float64; so labels are the definition's on every machine.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit_called, jit_part
from classicseg._kernels.cpu._lanes import bits, fused, load, spread, spread_from, store, where
from classicseg._kernels.cpu.slic_near import (
    ALONG,
    BASE,
    BOTTOM,
    DOWN,
    FAR,
    LAST,
    LEFT,
    OUTSIDE,
    RIGHT,
    SLOPE,
    TOP,
    WON,
    id_of,
)
from classicseg._kernels.cpu.slic_tiles import PIXELS, SIDE

PART = PIXELS // 4  # pixels that are scored at once, two rows
ROW = np.repeat(np.arange(SIDE) - np.float32((SIDE - 1) / 2), SIDE).astype(np.float32)  # of each, from the middle
COL = np.tile(np.arange(SIDE) - np.float32((SIDE - 1) / 2), SIDE).astype(np.float32)


@jit_part
def nearest_in_tile(values, at, n_terms, middle, stride, table, lists, n_last, margin, places):
    """Write the place of the center of least score for each pixel of a tile, -1 where there is none.

    The `middle` of the tile counts from that of its block. The row WON of the table tells which may be the nearest to
    a pixel. Returns a bit for each pixel: whether its least scores are within `margin`.
    """
    far, row, col = spread(FAR), load(ROW, 0), load(COL, 0)
    least_a = least_b = least_c = least_d = far
    next_a = next_b = next_c = next_d = far
    who_a = who_b = who_c = who_d = spread(np.float32(-1))
    for n in range(n_last):
        k = lists[LAST, n]
        down = spread_from(table, DOWN * stride + k)
        two_rows = down + down
        a = fused(row, down, fused(col, spread_from(table, ALONG * stride + k), spread_from(table, BASE * stride + k)))
        b = a + two_rows
        c = b + two_rows
        d = c + two_rows
        for term in range(n_terms):
            slope = spread_from(table, (SLOPE + term) * stride + k)
            a = fused(load(values, at + term * PIXELS), slope, a)
            b = fused(load(values, at + term * PIXELS + PART), slope, b)
            c = fused(load(values, at + term * PIXELS + 2 * PART), slope, c)
            d = fused(load(values, at + term * PIXELS + 3 * PART), slope, d)
        if table[OUTSIDE * stride + k] > 0:
            a, b = _held(a, stride, table, k, middle, 0), _held(b, stride, table, k, middle, PART)
            c, d = _held(c, stride, table, k, middle, 2 * PART), _held(d, stride, table, k, middle, 3 * PART)
        won_a, won_b, won_c, won_d = least_a > a, least_b > b, least_c > c, least_d > d
        next_a, next_b = _less(next_a, where(won_a, least_a, a)), _less(next_b, where(won_b, least_b, b))
        next_c, next_d = _less(next_c, where(won_c, least_c, c)), _less(next_d, where(won_d, least_d, d))
        least_a, least_b = where(won_a, a, least_a), where(won_b, b, least_b)
        least_c, least_d = where(won_c, c, least_c), where(won_d, d, least_d)
        place = np.float32(n)
        who_a, who_b = where(won_a, place, who_a), where(won_b, place, who_b)
        who_c, who_d = where(won_c, place, who_c), where(won_d, place, who_d)
        table[WON * stride + k] = bits((won_a | won_b) | (won_c | won_d)) != 0
    store(places, 0, who_a)
    store(places, PART, who_b)
    store(places, 2 * PART, who_c)
    store(places, 3 * PART, who_d)
    return bits(
        next_a - least_a <= margin, next_b - least_b <= margin, next_c - least_c <= margin, next_d - least_d <= margin
    )


@jit_part
def _held(score, stride, table, k, middle, start):
    """Put the score beyond all others where the window of a center does not reach."""
    row, col = load(ROW, start) + middle[0], load(COL, start) + middle[1]
    held = (row > spread_from(table, TOP * stride + k)) & (row < spread_from(table, BOTTOM * stride + k))
    held = held & (col > spread_from(table, LEFT * stride + k)) & (col < spread_from(table, RIGHT * stride + k))
    return where(held, score, FAR)


@jit_part
def _less(one, other):
    return where(one < other, one, other)


@jit_called
def decide(values, at, close, corner, exact, stride, table, lists, n_last, places):
    """Write the place of the nearest center by its definition for the pixels of the bits in `close`.

    `exact` has the centers, the scale, the centers of the strip and the middle of the block.
    """
    for i in range(PIXELS):
        if (close >> i) & 1:
            place = _defined(values, at + i, i, corner, exact, lists, n_last)
            places[i] = place
            if place >= 0:
                table[WON * stride + lists[LAST, place]] = 1


@jit_called
def _defined(values, at, i, corner, exact, lists, n_last):
    """Return the place of the center nearest to a pixel, of equals that of lowest index; -1 where there is none."""
    centers, scale, active, middle = exact
    row, col = corner[0] + i // SIDE, corner[1] + i % SIDE
    least, place = np.inf, -1
    for n in range(n_last):
        k = active[id_of(lists, n)]
        if row < centers.window[k, 0] or row >= centers.window[k, 1]:
            continue
        if col < centers.window[k, 2] or col >= centers.window[k, 3]:
            continue
        squared = 0.0
        for c in range(centers.color.shape[1]):
            d = values[at + c * PIXELS] + middle[c] - centers.color[k, c]
            squared += d * d
        dy, dx = (row - centers.position[k, 0]) * scale[0], (col - centers.position[k, 1]) * scale[1]
        away = centers.weight[k] * squared + (dy * dy + dx * dx)
        if away < least or (away == least and k < active[id_of(lists, place)]):
            least, place = away, n
    return place
