"""Mean shift as OpenCV defines it: a square window, and positions and values rounded to whole numbers.

All sums are of whole numbers that float32 holds, so their order changes no bit. The side of the window is a constant
of the compiled loops, and its rows are written out, which keeps every sum in registers: 512 × 512 pixels, window
41 × 41, take half the time that 7 rows at a time take. Each side costs 0.3 to 1 s to compile, once per machine.
"""

import functools

import numpy as np

from classicseg._kernels.cpu._jit import jit_inline, jit_vectorised

FAR = np.float32(1e6)  # value of what lies outside: no limit reaches it
STEP = 7  # LLVM writes out loops of so many rows
MOST = 7 * STEP  # rows that are written out; a larger window is taken by STEP rows


@jit_inline
def _rows(planes, at, stride, center, limit, within, first, last, sums):
    """Add rows `first` to `last` of one column to its count, its moment of rows and its sums of values."""
    red, green, blue = planes
    r, g, b = center
    count, moment, s0, s1, s2 = sums
    for k in range(first, last):
        v0, v1, v2 = red[at], green[at], blue[at]
        d0, d1, d2 = v0 - r, v1 - g, v2 - b
        inside = np.float32(1) if (d0 * d0 + d1 * d1 + d2 * d2 <= limit) & within else np.float32(0)
        count += inside
        moment += inside * np.float32(k)
        s0 += inside * v0
        s1 += inside * v1
        s2 += inside * v2
        at += stride
    return at, (count, moment, s0, s1, s2)


@functools.lru_cache(None)
def window_sums(side):
    """Return the kernel of windows of `side` × `side` pixels.

    It takes three planes, their row stride, the window's first index, its center and its limit; and returns the
    count, the moments of columns and of rows from the window's first, and the sums of the three values.
    """
    width = -(-side // 8) * 8  # whole vectors; the columns too many count as outside
    rows = side if side <= MOST else STEP
    # No conditions on rows are left to the compiler where they are all written out.
    e0, e1, e2, e3, e4, e5, e6 = (min(rows, STEP * (part + 1)) for part in range(MOST // STEP))

    @jit_inline
    def window(red, green, blue, stride, start, r, g, b, limit):
        planes, center = (red, green, blue), (r, g, b)
        n, sx, sy, sr, sg, sb = (
            np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        )  # fmt: skip
        for top in range(0, side, rows):
            for i in range(width):
                at, within = start + np.uint64(top) * stride + np.uint64(i), i < side
                sums = (np.float32(0), np.float32(0), sr, sg, sb)
                if rows < side:
                    for k in range(rows):
                        some = limit if top + k < side else np.float32(-1)
                        at, sums = _rows(planes, at, stride, center, some, within, k, k + 1, sums)
                else:
                    at, sums = _rows(planes, at, stride, center, limit, within, 0, e0, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e0, e1, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e1, e2, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e2, e3, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e3, e4, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e4, e5, sums)
                    at, sums = _rows(planes, at, stride, center, limit, within, e5, e6, sums)
                count, moment, sr, sg, sb = sums
                n += count
                sx += count * np.float32(i)
                sy += moment + count * np.float32(top)
        return n, sx, sy, sr, sg, sb

    return window


@functools.lru_cache(None)
def climb_rows(side):
    """Return the kernel that climbs from the pixels of rows `first` to `last`, for windows of `side` × `side`.

    The planes have a border of `side // 2` pixels that are `FAR`. `found` and `left` are those of the other kernels.
    """
    window, radius = window_sums(side), side // 2

    @jit_vectorised
    def climb(red, green, blue, stride, shape, first, last, limit, eps, max_num_iter, place, found, left):
        n_rows, n_cols = shape
        top, start, image_rows, image_cols = place
        bottom, end = top + n_rows - 1, start + n_cols - 1
        for y in range(first, last):
            for x in range(n_cols):
                cy, cx, mass, gone = top + y, start + x, 0.0, False
                own = np.uint64((y + radius) * stride + x + radius)
                r, g, b = red[own], green[own], blue[own]
                for _ in range(max_num_iter if r < FAR else 0):
                    gone |= (max(cy - radius, 0) < top) | (min(cy + radius, image_rows - 1) > bottom)
                    gone |= (max(cx - radius, 0) < start) | (min(cx + radius, image_cols - 1) > end)
                    first_index = np.uint64((cy - top) * stride + cx - start)
                    n, sx, sy, sr, sg, sb = window(red, green, blue, np.uint64(stride), first_index, r, g, b, limit)
                    if n == 0:
                        break
                    mass = np.float64(n)
                    part = 1.0 / mass  # multiplied by, as OpenCV does: a quotient could round another way
                    new_y = int(np.rint((mass * (cy - radius) + np.float64(sy)) * part))
                    new_x = int(np.rint((mass * (cx - radius) + np.float64(sx)) * part))
                    new_r = np.float32(np.rint(np.float64(sr) * part))
                    new_g = np.float32(np.rint(np.float64(sg) * part))
                    new_b = np.float32(np.rint(np.float64(sb) * part))
                    moved = (new_r - r) * (new_r - r) + (new_g - g) * (new_g - g) + (new_b - b) * (new_b - b)
                    moved += np.float32(abs(new_y - cy) + abs(new_x - cx))
                    stays = (new_y == cy) & (new_x == cx)
                    cy, cx, r, g, b = new_y, new_x, new_r, new_g, new_b
                    if stays or moved <= eps:
                        break
                target = found[y - first, x]
                target[0], target[1], target[2], target[3], target[4], target[5] = r, g, b, cy, cx, mass
                left[y, x] = gone

    return climb
