"""Samples in tiles of 1024: close to one another in all features, with the box around them, their sums and squares.

Samples are sorted within blocks of 256 x 256 by a key of a few bits per feature, as a k-d tree would part them, and
every 1024 in a row make a tile. Its box is far smaller than that of 16 x 16 neighbours, which holds every colour of
a textured or noisy neighbourhood: of 16 centers 4.4 are scored per pixel of a photograph instead of 8.9.
"""

import math
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_vectorised, run_blocks
from classicseg._kernels.cpu.kmeans_keys import sort_block

# Samples of a tile: 128 and 256 cost a quarter more per sample, and larger ones leave the first-level cache.
TILE = 1024
SIDE = 256  # rows and columns of a block: places within it fit into two bytes
HUGE_PAGES = 1 << 22  # bytes from which on NumPy asks for huge pages
BLOCKS_PER_THREAD = 4  # evens out ranges that are dearer than others; integer sums do not depend on it


class Model(NamedTuple):
    """What the kernels know besides the tiles: scaling, and which positions are features."""

    gain: Any  # float64 (F,)
    sum_scale: Any  # float64 (F + 1,)
    x: bool
    y: bool
    is_list: bool  # one row of any length: a block is a run of 256 x 256 samples of it


class Tiles(NamedTuple):
    """T tiles of F features: C stored planes, then positions."""

    values: Any  # (T, C, 1024), uint8 or float32; beyond `count` the last sample is repeated
    place: Any  # uint8 (T, 2, 1024), column and row of the samples within their block
    count: Any  # int32 (T,), samples of the tile
    corner: Any  # int64 (T, 2), column and row of the block
    middle: Any  # float64 (T, F), middle of the box around the samples, exact in float32
    half: Any  # float64 (T, F), gain times half the sides of this box
    weight: Any  # float64 (T, 1024), or (0, 1024) without weights
    totals: Any  # int64 (T, F + 1), sums over the whole tile
    squares: Any  # float64 (T, F), sums of weight * v * v


def over_ranges(function, n, n_threads):
    """Call ``function(number, first, last)`` on ranges that cover `n` things."""
    n_ranges = count_ranges(n, n_threads)
    run_blocks(lambda r: function(r, r * n // n_ranges, (r + 1) * n // n_ranges), n_ranges, n_threads)


def count_ranges(n, n_threads):
    return min(n, BLOCKS_PER_THREAD * n_threads)


def build_tiles(samples, n_threads):
    """Sort the samples into tiles, and measure every tile."""
    model = Model(samples.gain, samples.sum_scale, samples.x, samples.y, samples.is_list)
    blocks = [block for block in _blocks(samples) if len(block.places)]
    first_tile = np.cumsum([0, *(-(-len(block.places) // TILE) for block in blocks)])
    n_tiles, n_features = int(first_tile[-1]), samples.n_features
    tiles = Tiles(
        *allocate(
            ((n_tiles, len(samples.planes), TILE), _stored_dtype(samples.planes)),
            ((n_tiles, 2, TILE), np.uint8),
            (n_tiles, np.int32),
            ((n_tiles, 2), np.int64),
            ((n_tiles, n_features), np.float64),
            ((n_tiles, n_features), np.float64),
            ((0 if samples.weight is None else n_tiles, TILE), np.float64),
            ((n_tiles, n_features + 1), np.int64),
            ((n_tiles, n_features), np.float64),
        )
    )
    tiles.corner[:] = np.repeat(np.array([block.corner for block in blocks]), np.diff(first_tile), axis=0)
    tiles.weight[:] = 0

    spare = deque()  # scratch of ranges that are done: memory that is touched for the first time is slow

    def fill(_, first, last):
        try:
            scratch = spare.pop()
        except IndexError:
            scratch = _make_scratch(n_features, tiles.values.dtype)
        for b in range(first, last):
            _fill_block(samples, blocks[b], model, scratch, tiles, first_tile[b])
        spare.append(scratch)

    over_ranges(fill, len(blocks), n_threads)
    over_ranges(lambda _, a, b: measure(tiles, model, a, b), n_tiles, n_threads)
    return tiles, model


def allocate(*layouts):
    """Return an uninitialised array per (shape, dtype), all in one piece of memory.

    NumPy asks for huge pages from 4 MB on; the first touch of small ones costs a page fault per 4 kB.
    """
    sizes = [int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype in layouts]
    starts = np.cumsum([0, *(-(-size // 64) * 64 for size in sizes)])  # each on a cache line of its own
    total = int(starts[-1])
    memory = np.empty(max(total, HUGE_PAGES) if total > HUGE_PAGES // 4 else total, np.uint8)
    return [
        memory[start : start + size].view(dtype).reshape(shape)
        for start, size, (shape, dtype) in zip(starts.tolist(), sizes, layouts)
    ]


class Block(NamedTuple):
    """A part of the raster, or a run of a list."""

    corner: tuple[int, int]  # column and row
    size: tuple[int, int]  # columns and rows
    places: Any  # int32 (n,) of its samples inside the mask: (row << 8) + column, in a list the number in the run


def _blocks(samples):
    (rows, columns), mask = samples.shape, samples.mask
    high, wide = (1, SIDE * SIDE) if samples.is_list else (SIDE, SIDE)
    every = np.add.outer(np.arange(0, high << 8, 256, dtype=np.int32), np.arange(wide, dtype=np.int32))
    for row in range(0, rows, high):
        for column in range(0, columns, wide):
            size = (min(wide, columns - column), min(high, rows - row))
            places = every[: size[1], : size[0]]
            if mask is not None:
                places = places[mask[row : row + size[1], column : column + size[0]]]
            yield Block((column, row), size, places.ravel())


def _stored_dtype(planes):
    """uint8 stays what it is, and float32 holds the rest: every dtype more is compiled anew, and that takes seconds."""
    return np.dtype(np.uint8 if all(plane.dtype == np.uint8 for plane in planes) else np.float32)


def _make_scratch(n_features, dtype):
    """Return memory for the features, the order and the keys of a block."""
    n = SIDE * SIDE
    return np.empty(n_features * n, dtype), np.empty(n, np.int32), np.empty(n, np.int32)


def _fill_block(samples, block, model, scratch, tiles, first_tile):
    """Sort the samples of one block, and write them to its tiles."""
    n, n_stored = len(block.places), len(samples.planes)
    features = scratch[0][: samples.n_features * n].reshape(samples.n_features, n)
    order, keys = scratch[1][:n], scratch[2][:n]
    for f, plane in enumerate(samples.planes):
        factor = math.ldexp(1.0, -int(samples.exponent[f]))
        copy_samples(
            plane, block.corner, block.size, block.places, model.is_list, float(samples.offset[f]), factor, features[f]
        )
    if samples.x:
        features[n_stored] = block.places & 255
    if samples.y:
        features[-1] = block.places >> 8
    if n > TILE:
        sort_block(features, model.gain, keys, order)
    else:
        order[:] = np.arange(n)
    write_tiles(features, block.places, order, first_tile, tiles)
    if samples.weight is not None:
        column, row = block.corner
        at = (0, column + block.places) if model.is_list else (row + (block.places >> 8), column + (block.places & 255))
        tiles.weight[first_tile:].reshape(-1)[:n] = samples.weight[at][order]


@jit
def copy_samples(plane, corner, size, places, is_list, offset, factor, out):
    """Write v of one plane's samples in a block."""
    plain = offset == 0.0 and factor == 1.0
    if plain and places.shape[0] == size[0] * size[1]:
        for r in range(size[1]):
            line, target = plane[corner[1] + r, corner[0] : corner[0] + size[0]], out[r * size[0] : (r + 1) * size[0]]
            for c in range(line.shape[0]):
                target[c] = line[c]
        return
    for n in range(places.shape[0]):
        row, column = (0, places[n]) if is_list else (places[n] >> 8, places[n] & 255)
        out[n] = (np.float64(plane[corner[1] + row, corner[0] + column]) - offset) * factor


@jit
def write_tiles(block, places, order, first_tile, tiles):
    """Write the samples in their order to the tiles; the last tile is filled up with its last sample."""
    n = order.shape[0]
    plain = places[n - 1] == n - 1  # they ascend: every place is its own number
    values, place, count = tiles.values, tiles.place, tiles.count
    own = np.empty(TILE, np.int64)
    for first in range(0, n, TILE):
        t = first_tile + first // TILE
        count[t] = min(TILE, n - first)
        for i in range(count[t]):
            own[i] = order[first + i]
        for i in range(count[t], TILE):
            own[i] = order[n - 1]
        for f in range(values.shape[1]):
            for i in range(TILE):
                values[t, f, i] = block[f, own[i]]
        for i in range(TILE):
            code = own[i] if plain else np.int64(places[own[i]])
            place[t, 0, i] = code & 255
            place[t, 1, i] = code >> 8


@jit
def measure(tiles, model, first, last):
    """Fill in the box, the totals and the squares of tiles `first` to `last`."""
    n_stored, n_features = tiles.values.shape[1], tiles.middle.shape[1]
    values, place, corner, count, weights = tiles.values, tiles.place, tiles.corner, tiles.count, tiles.weight
    middles, halves, totals, squares = tiles.middle, tiles.half, tiles.totals, tiles.squares
    weighted = weights.shape[0] > 0
    scale, gain, first_position = model.sum_scale, model.gain, 0 if model.x else 1
    local, weight = np.empty(TILE), np.ones(TILE)
    for t in range(first, last):
        n = count[t]
        for i in range(TILE):
            weight[i] = 0.0 if i >= n else weights[t, i] if weighted else 1.0
        for f in range(n_features):
            if f < n_stored:
                low, high = extremes(values, t, f)
                for i in range(TILE):
                    local[i] = np.float64(values[t, f, i])
            else:
                which = f - n_stored + first_position
                start = np.float64(corner[t, which])
                low, high = extremes(place, t, which)
                low, high = low + start, high + start
                for i in range(TILE):
                    local[i] = np.float64(place[t, which, i]) + start
            middle = np.float64(np.float32(0.5 * (low + high)))
            middles[t, f] = middle
            halves[t, f] = max(high - middle, middle - low) * gain[f]
            totals[t, f], squares[t, f] = total_and_square(local, weight, scale[f])
        for i in range(TILE):
            local[i] = 1.0
        totals[t, n_features] = total_and_square(local, weight, scale[n_features])[0]


@jit_inline
def extremes(values, t, f):
    low, high = values[t, f, 0], values[t, f, 0]
    for i in range(TILE):
        value = values[t, f, i]
        low = value if value < low else low
        high = value if value > high else high
    return np.float64(low), np.float64(high)


@jit_vectorised
def total_and_square(values, weight, scale):
    """Return the fixed-point sum, and the sum of squares, which decides nothing and may be summed in any order."""
    total, square = np.int64(0), 0.0
    for i in range(TILE):
        total += np.int64(np.rint(weight[i] * values[i] * scale))
        square += weight[i] * values[i] * values[i]
    return total, square
