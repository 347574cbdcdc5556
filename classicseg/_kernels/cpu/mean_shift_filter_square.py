"""Mean shift as OpenCV defines it: a square window, and positions and values rounded to whole numbers.

Pixels climb together, some of a row step by step: the windows of different pixels do not wait for one another, and
the steps are computed in vectors. A state (row, column and value) is whole numbers, so the sums of a state that was
met before are looked up: of the steps after the first, three of ten repeat one of the same 8 rows of a photograph.
"""

import functools
from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline
from classicseg._kernels.cpu.mean_shift_filter_square_sums import FARTHEST, LANES, extent_of, window_sums

TOGETHER = 256  # pixels
STATES = 4096  # states whose sums are kept,
WORTH = 17  # of windows from this side on: of smaller ones it saves nothing
FAR = 4096  # value of what lies outside
DARK_TO_LIGHT = 255**2  # squared difference up to which 16 bits hold the limit


class Block(NamedTuple):
    """Where the pixels of a block lie: in the planes' rows, and in the image."""

    stride: int
    radius: int
    n_rows: int
    n_cols: int
    top: int
    start: int
    image_rows: int
    image_cols: int


class Climbers(NamedTuple):
    """Pixels on their way: state is row, column, three values and the column of the pixel itself."""

    state: np.ndarray
    sums: np.ndarray  # of the window: count, rows, columns, values; then count and next state
    stays: np.ndarray


def square_strips(image, mask, rule, place, left):
    """Return the work on a strip of rows by OpenCV's rule."""
    n_rows, n_cols, n_channels = image.shape
    radius, limit = int(rule.spatial_bandwidth), int(np.rint(rule.range_bandwidth[0] ** 2))
    small, word = (np.int16, np.uint16) if limit < DARK_TO_LIGHT else (np.int32, np.uint32)
    extent = extent_of(2 * radius + 1)
    width = extent.cols * extent.across
    stride = -(-(n_cols + width) // 64) * 64 + LANES  # the rows of a window lie apart in the cache
    planes = np.zeros((3, n_rows + extent.rows * extent.down, stride), small)
    planes[0] = FAR
    for c in range(n_channels):
        planes[c, radius : radius + n_rows, radius : radius + n_cols] = image[..., c]
    if mask is not None:
        planes[0, radius : radius + n_rows, radius : radius + n_cols][~mask] = FAR
    bounds = np.where(np.arange(width) < extent.side, limit + 1, 0).astype(word)
    block = Block(stride, radius, n_rows, n_cols, *place)
    near = (bounds, small(FARTHEST[small]), word(1))
    kernel = climb_rows(extent.side)
    flat = tuple(planes.reshape(3, -1))

    def strip(first, last, found):
        state, sums = np.zeros((2, 6, TOGETHER), np.int64)
        climbers = Climbers(state, sums, np.zeros(TOGETHER, np.bool_))
        memory = np.empty(STATES, np.int64), np.empty((STATES, 6), np.int64)
        stop = (rule.tol, rule.max_num_iter)
        kernel(flat, block, near, stop, memory, (climbers, first, last, found, left))

    return strip


@functools.lru_cache(None)
def climb_rows(side):
    """Return the kernel that climbs from the pixels of some rows, for windows of `side` × `side`.

    It closes over numbers only: of a kernel that closes over another, Numba finds none it compiled before.
    """
    extent, remembers = extent_of(side), side >= WORTH

    @jit
    def climb(planes, block, near, rule, memory, strip):
        climbers, first_row, last_row, found, left = strip
        state, sums, _ = climbers
        keys, kept = memory
        tol, max_num_iter = rule
        keys[:] = -1
        for y in range(first_row, last_row):
            for x in range(0, block.n_cols, TOGETHER):
                n = begin(planes, block, y, x, state)
                for turn in range(max_num_iter):
                    for j in range(n):
                        key, slot = _key_and_slot(state, j, block.image_cols)
                        met = remembers & (turn > 0)  # no two pixels begin in one state
                        if met & (keys[slot] == key):
                            for c in range(6):
                                sums[c, j] = kept[slot, c]
                            continue
                        first, center = _window(state, j, block, planes[0].dtype.type)
                        n_near, sy, sx, sr, sg, sb = window_sums(planes, first, center, block.stride, near, extent)
                        sums[0, j], sums[1, j], sums[2, j] = n_near, sy, sx
                        sums[3, j], sums[4, j], sums[5, j] = sr, sg, sb
                        if met:
                            keys[slot] = key
                            for c in range(6):
                                kept[slot, c] = sums[c, j]
                    step(climbers, n, block.radius, tol)
                    n = move(climbers, n, block, found[y - first_row], left[y])
                    if n == 0:
                        break

    return climb


@jit
def begin(planes, block, y, first, state):
    """Let up to TOGETHER pixels of row `y` start, from column `first` on; return how many take part."""
    red, green, blue = planes
    n = 0
    for x in range(first, min(first + TOGETHER, block.n_cols)):
        at = (y + block.radius) * block.stride + x + block.radius
        if red[at] < FAR:
            state[0, n], state[1, n], state[5, n] = block.top + y, block.start + x, x
            state[2, n], state[3, n], state[4, n] = red[at], green[at], blue[at]
            n += 1
    return n


@jit_inline
def _key_and_slot(state, j, image_cols):
    """Return a number that no other state has, and where sums of this one are kept."""
    y, x, r, g, b = state[0, j], state[1, j], state[2, j], state[3, j], state[4, j]
    key = ((y * image_cols + x) << 24) + (r << 16) + (g << 8) + b
    return key, (y * 1021 + x * 37 + r * 331 + g * 1747 + b * 113) & (STATES - 1)


@jit_inline
def _window(state, j, block, small):
    """Return the first index of a state's window in the planes, and its center in their type."""
    first = (state[0, j] - block.top) * block.stride + state[1, j] - block.start
    return np.uint64(first), (small(state[2, j]), small(state[3, j]), small(state[4, j]))


@jit
def step(climbers, n, radius, tol):
    """Put the next states in place of the sums, and say which are the last."""
    state, sums, stays = climbers
    for j in range(n):
        y, x = state[0, j], state[1, j]
        mass = float(max(sums[0, j], 1))
        part = 1.0 / mass  # multiplied by, as OpenCV does: a quotient could round another way
        new_y = np.int64(np.rint((mass * (y - radius) + sums[1, j]) * part))
        new_x = np.int64(np.rint((mass * (x - radius) + sums[2, j]) * part))
        r, g = np.int64(np.rint(sums[3, j] * part)), np.int64(np.rint(sums[4, j] * part))
        b = np.int64(np.rint(sums[5, j] * part))
        dr, dg, db = r - state[2, j], g - state[3, j], b - state[4, j]
        moved = abs(new_y - y) + abs(new_x - x) + dr * dr + dg * dg + db * db
        stays[j] = ((new_y == y) & (new_x == x)) | (moved <= tol)
        sums[1, j], sums[2, j], sums[3, j], sums[4, j], sums[5, j] = new_y, new_x, r, g, b


@jit
def move(climbers, n, block, found, left):
    """Write the states that were reached, and whether windows left the block; keep those that go on, return how many.

    `found` and `left` are a row of the other kernels'.
    """
    state, sums, stays = climbers
    radius, n_channels, kept = block.radius, found.shape[1] - 3, 0
    bottom, end = block.top + block.n_rows - 1, block.start + block.n_cols - 1
    for j in range(n):
        y, x, own = state[0, j], state[1, j], state[5, j]
        left[own] |= (max(y - radius, 0) < block.top) | (min(y + radius, block.image_rows - 1) > bottom)
        left[own] |= (max(x - radius, 0) < block.start) | (min(x + radius, block.image_cols - 1) > end)
        if sums[0, j] == 0:  # the mean lies where no pixel is near
            continue
        target = found[own]
        for c in range(n_channels):
            target[c] = sums[3 + c, j]
        target[n_channels], target[n_channels + 1], target[n_channels + 2] = sums[1, j], sums[2, j], sums[0, j]
        if not stays[j]:
            for c in range(5):
                state[c, kept] = sums[1 + c, j]
            state[5, kept] = own
            kept += 1
    return kept
