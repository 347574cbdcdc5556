"""The sums over square windows of the pixels near a center in value.

Differences and squares are whole numbers of 16 bits, of which an instruction does twice as many as of 32, and no sum
passes what its type holds, so their order changes no bit. The side of the window is a constant of the compiled
loops, and its rows are written out, which keeps the sums of a column in registers: 21 × 21 pixels take 41 ns, 41 × 41
take 120 ns.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit_inline

STEP = 7  # LLVM writes out loops of so many rows
MOST = 7 * STEP  # rows that are written out
LANES = 32  # columns that are done at a time: 64 bytes
FARTHEST = {np.int16: 255, np.int32: 1023}  # difference of what lies outside; its square fits, and passes any limit


class Extent(NamedTuple):
    """A window of `side` × `side` pixels, and its parts of `rows` × `cols`: `down` × `across` of them."""

    side: int
    rows: int
    cols: int
    down: int
    across: int
    ends: tuple[int, ...]  # where every seventh row of a part ends; behind the last row there is none


def extent_of(side):
    """Return the parts of a window. Those at its ends have rows and columns too many, which count as outside."""
    down, across, cols = 1, 1, LANES // 2
    if side > MOST:
        down, across, cols = -(-side // MOST), -(-side // LANES), LANES
    elif side > cols:
        cols = -(-side // LANES) * LANES
    rows = -(-side // down)
    return Extent(side, rows, cols, down, across, tuple(min(rows, end) for end in range(STEP, MOST + 1, STEP)))


@jit_inline
def _add(values, center, bound, types, sums):
    """Add a pixel to its column's count, the sum of its counts so far and its sums of values, if it is near.

    The squares are taken off the bound one by one, down to 0 at least: no number has more bits than it. `one` is no
    constant, so that it is added where a pixel is near, and not the pixels' answers, which takes longer.
    """
    v0, v1, v2 = values
    r, g, b = center
    small, word, farthest, one = types
    count, moment, s0, s1, s2 = sums
    d0 = np.int64(min(small(abs(small(v0 - r))), farthest))
    d1, d2 = np.int64(small(v1 - g)), np.int64(small(v2 - b))
    q0, q1, q2 = word(d0 * d0), word(d1 * d1), word(d2 * d2)
    rest = word(max(bound, q0) - q0)
    rest = word(max(rest, q1) - q1)
    near = word(q2 < rest)
    count = word(count + near * one)
    moment = word(moment + count)
    return count, moment, word(s0 + word(v0) * near), word(s1 + word(v1) * near), word(s2 + word(v2) * near)


@jit_inline
def window_sums(planes, first, center, stride, near, extent):
    """Return count and sums of rows, columns and three values of the pixels near `center` in a window.

    The window begins at index `first` of the flat planes, and its rows and columns count from there. Near are
    squared differences that sum to less than the bounds, which are given per column and are 0 behind the window.
    """
    red, green, blue = planes
    bounds, farthest, one = near
    word = bounds.dtype.type
    types = (red.dtype.type, word, farthest, one)
    stride, zero, low, high = np.uint64(stride), word(0), word(255), word(8)
    e0, e1, e2, e3, e4, e5, e6 = extent.ends
    n, sy, sx, sr, sg, sb = 0, 0, 0, 0, 0, 0
    for part in range(extent.down):
        top, end = part * extent.rows, extent.side - part * extent.rows
        for turn in range(extent.across):
            start = turn * extent.cols
            corner = first + np.uint64(top) * stride + np.uint64(start)
            m, my, mx, r0, g0, b0, r8, g8, b8 = zero, zero, zero, zero, zero, zero, zero, zero, zero
            for i in range(extent.cols):
                p, bound, sums = corner + np.uint64(i), bounds[start + i], (zero, zero, zero, zero, zero)
                for k in range(e0):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e0, e1):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e1, e2):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e2, e3):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e3, e4):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e4, e5):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                for k in range(e5, e6):
                    some = word(bound * word(k < end))
                    sums, p = _add((red[p], green[p], blue[p]), center, some, types, sums), p + stride
                count, moment, r, g, b = sums
                m, my, mx = word(m + count), word(my + moment), word(mx + count * word(i))
                r0, g0, b0 = word(r0 + (r & low)), word(g0 + (g & low)), word(b0 + (b & low))  # of values, whose sum
                r8, g8, b8 = word(r8 + (r >> high)), word(g8 + (g >> high)), word(b8 + (b >> high))  # has 20 bits
            count = np.int64(m)
            n += count
            sy += count * (top + extent.rows) - np.int64(my)
            sx += count * start + np.int64(mx)
            sr += np.int64(r0) + 256 * np.int64(r8)
            sg += np.int64(g0) + 256 * np.int64(g8)
            sb += np.int64(b0) + 256 * np.int64(b8)
    return n, sy, sx, sr, sg, sb
