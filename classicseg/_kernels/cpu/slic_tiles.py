"""The pixels of SLIC in tiles: whole numbers from the middle of their block, with bounds and sums of each tile."""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_part
from classicseg._kernels.cpu._lanes import BYTES, NARROW

SIDE = 8  # of a tile
PIXELS = SIDE * SIDE  # four of the widest vector registers
QUAD = 2 * SIDE  # side of four tiles
BLOCK = 64  # side of the blocks of tiles that share one list of centers; its rows are a strip, a block of work
IN_QUAD, IN_BLOCK = 4, PIXELS  # tiles
WHOLE = PIXELS * (SIDE - 1) // 2  # sum of the rows of a whole tile, and of its columns
SAMPLED = 4  # rows and columns between those that the middle of a block is taken from
LIMIT = np.float32(2**22 - 1)  # of a value: differences fit float32, a tile's sums int32


class Tiles(NamedTuple):
    """The pixels by tiles, in the order of `tile_of`; blocks at the border have room for tiles beyond the image.

    A tile's terms are its channels and, where centers have weights of their own, the square of these.
    """

    values: np.ndarray  # (T * terms * PIXELS,) float32, from the middle of the block; 0 outside
    inside: np.ndarray  # (T,) int64, a bit for each pixel
    low: np.ndarray  # (T * terms,) float32, lowest value inside
    high: np.ndarray  # (T * terms,) float32
    sums: np.ndarray  # (T, 3 + C) int32: pixels inside, their rows and columns in the tile, their values
    middle: np.ndarray  # (B, C) float64, whole numbers


def no_tiles(shape, n_channels, squares):
    """Return room for the tiles of an image."""
    n_blocks = -(-shape[0] // BLOCK) * -(-shape[1] // BLOCK)
    n_tiles, n_terms = n_blocks * IN_BLOCK, n_channels + int(squares)
    return Tiles(
        _aligned(n_tiles * n_terms * PIXELS),
        np.zeros(n_tiles, np.int64),
        np.empty(n_tiles * n_terms, np.float32),
        np.empty(n_tiles * n_terms, np.float32),
        np.zeros((n_tiles, 3 + n_channels), np.int32),
        np.zeros((n_blocks, n_channels)),
    )


def _aligned(size):
    """Return room for float32 numbers that begins where a vector register's worth of memory does."""
    room = np.empty(size + NARROW, np.float32)
    skipped = -room.ctypes.data % BYTES // room.itemsize
    return room[skipped : skipped + size]


@jit_called
def tile_of(row, col, n_across):
    """Return the index of the tile of a pixel in an image of `n_across` blocks: block by block, in a block by quads."""
    block = (row // BLOCK) * n_across + col // BLOCK
    quad = (row % BLOCK // QUAD) * (BLOCK // QUAD) + col % BLOCK // QUAD
    return block * IN_BLOCK + quad * IN_QUAD + (row % QUAD // SIDE) * 2 + col % QUAD // SIDE


@jit
def fill_strip(planes, within, scale, tiles, first):
    """Fill the tiles of a strip of rows that begins at row `first` with ``planes * scale``, which is changed."""
    n_channels, n_rows, n_cols = planes.shape
    n_across = -(-n_cols // BLOCK)
    for c in range(n_channels):
        for row in range(n_rows):
            line = planes[c, row]
            for col in range(n_cols):
                line[col] = np.rint(min(max(line[col] * scale, -LIMIT), LIMIT))
    for left in range(0, n_cols, BLOCK):
        right = min(left + BLOCK, n_cols)
        block = (first // BLOCK) * n_across + left // BLOCK
        for c in range(n_channels):
            tiles.middle[block, c] = _middle(planes[c], within, left, right)
        for top in range(0, n_rows, SIDE):
            for x in range(left, right, SIDE):
                _fill_tile(planes, within, top, x, tiles, tile_of(first + top, x, n_across), tiles.middle[block])
    # In a loop of its own: numbers written a moment ago, one by one, cannot be read as vectors.
    for top in range(0, n_rows, SIDE):
        for left in range(0, n_cols, SIDE):
            _summarise(tiles, tile_of(first + top, left, n_across), n_channels)


@jit_part
def _middle(plane, within, left, right):
    """Return a whole number near the middle of the values inside these columns; a sample is enough."""
    least, most = LIMIT, -LIMIT
    for row in range(0, plane.shape[0], SAMPLED):
        for col in range(left, right, SAMPLED):
            if within[row, col]:
                least, most = min(least, plane[row, col]), max(most, plane[row, col])
    return np.rint((np.float64(least) + most) / 2)


@jit_part
def _fill_tile(planes, within, top, left, tiles, t, middle):
    n_channels, n_terms = planes.shape[0], tiles.low.shape[0] // tiles.inside.shape[0]
    height, width = min(SIDE, planes.shape[1] - top), min(SIDE, planes.shape[2] - left)
    inside = _fill_inside(within, top, left, height, width, tiles, t)
    for c in range(n_channels):
        at, center = t * n_terms + c, np.float32(middle[c])
        values = tiles.values[at * PIXELS : (at + 1) * PIXELS]
        if inside == -1:  # every bit is set
            for row in range(SIDE):
                y, x, into = np.uint64(top + row), np.uint64(left), np.uint64(at * PIXELS + row * SIDE)
                for col in range(SIDE):  # no slices: counting their owners takes longer than eight numbers
                    tiles.values[into + np.uint64(col)] = planes[c, y, x + np.uint64(col)] - center
        else:
            values[:] = 0
            for i in range(PIXELS):
                if (inside >> np.int64(i)) & 1:
                    values[i] = planes[c, top + i // SIDE, left + i % SIDE] - center


@jit_part
def _fill_inside(within, top, left, height, width, tiles, t):
    """Return a bit for each pixel that is inside, and write how many there are and the sums of rows and columns."""
    found, count, rows, cols = np.int64(0), 0, 0, 0
    if height == SIDE and width == SIDE:
        for row in range(SIDE):
            y, x = np.uint64(top + row), np.uint64(left)
            for col in range(SIDE):
                count += np.int64(within[y, x + np.uint64(col)])
    if count == PIXELS:
        tiles.inside[t] = -1
        tiles.sums[t, 0], tiles.sums[t, 1], tiles.sums[t, 2] = PIXELS, WHOLE, WHOLE
        return np.int64(-1)
    count = 0
    for row in range(height):
        for col in range(width):
            if within[top + row, left + col]:
                found |= np.int64(1) << np.int64(row * SIDE + col)
                count, rows, cols = count + 1, rows + row, cols + col
    tiles.inside[t] = found
    tiles.sums[t, 0], tiles.sums[t, 1], tiles.sums[t, 2] = count, rows, cols
    return found


@jit_part
def _summarise(tiles, t, n_channels):
    """Write the bounds of the values inside a tile, and their sums."""
    n_terms, inside = tiles.low.shape[0] // tiles.inside.shape[0], tiles.inside[t]
    for c in range(n_channels):
        least, most, total = np.int32(2**30), np.int32(-(2**30)), np.int32(0)
        at = t * n_terms + c
        first = np.uint64(at * PIXELS)
        if inside == -1:  # every bit is set
            for i in range(PIXELS):
                value = np.int32(tiles.values[first + np.uint64(i)])
                least, most, total = min(least, value), max(most, value), np.int32(total + value)
        else:
            for i in range(PIXELS):
                if (inside >> np.int64(i)) & 1:
                    value = np.int32(tiles.values[first + np.uint64(i)])
                    least, most, total = min(least, value), max(most, value), np.int32(total + value)
        tiles.low[at], tiles.high[at], tiles.sums[t, 3 + c] = least, most, total


@jit
def fill_squares(tiles, n_channels, first, last):
    """Write the last term of some tiles, the squares of the values of all channels, and its bounds."""
    for t in range(first, last):
        if tiles.inside[t] == 0:
            continue
        at = t * (n_channels + 1)
        values = tiles.values[at * PIXELS : (at + n_channels + 1) * PIXELS]
        least, most = np.float32(np.inf), np.float32(0)
        for i in range(PIXELS):
            square = np.float32(0)
            for c in range(n_channels):
                square += values[c * PIXELS + i] * values[c * PIXELS + i]
            values[n_channels * PIXELS + i] = square
            if (tiles.inside[t] >> np.int64(i)) & 1:
                least, most = min(least, square), max(most, square)
        tiles.low[at + n_channels], tiles.high[at + n_channels] = least, most


@jit
def reach_strip(tiles, labels, colors, strip):
    """Return the largest squared difference from its center's color of the pixels of each, 0 for those not here."""
    most = np.zeros(colors.shape[0])
    n_across, n_terms = -(-labels.shape[1] // BLOCK), tiles.low.shape[0] // tiles.inside.shape[0]
    for row in range(strip * BLOCK, min((strip + 1) * BLOCK, labels.shape[0])):
        for col in range(labels.shape[1]):
            k = labels[row, col]
            if k < 0:
                continue
            t, i = tile_of(row, col, n_across), (row % SIDE) * SIDE + col % SIDE
            squared = 0.0
            for c in range(colors.shape[1]):
                d = tiles.values[(t * n_terms + c) * PIXELS + i] + tiles.middle[t // IN_BLOCK, c] - colors[k, c]
                squared += d * d
            most[k] = max(most[k], squared)
    return most
