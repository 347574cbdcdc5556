"""A few dozen long vectors: their inner products, and their combinations.

Written out in lanes, four vectors by four: as fast as a library's product of matrices, on the threads that were asked
for and not on that library's own, and with sums in one order.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_part, jit_vectorised, run_blocks
from classicseg._kernels.cpu._lanes import BYTES, each, fused, load, spread, store, total

FOUR = 4  # vectors come in multiples of this
PIECE = 8192  # values of a vector in a block of work
TILE = 4096  # bytes of a vector: 60 of them lie in the second-level cache, 8 in the first


def inner_products(left, right, weight, n_threads=None):
    """Return the sums (A, B) float64 of ``left * weight * right``, for vectors (A, n) and (B, n).

    In the vectors' precision within a tile of TILE bytes, and in float64 from tile to tile.
    """
    size = len(weight)
    found = np.zeros((-(-size // PIECE), len(left), len(right)))

    def piece(index):
        _products(left, right, weight, (index * PIECE, min((index + 1) * PIECE, size)), _lanes_of(weight), found[index])

    run_blocks(piece, len(found), n_threads)
    return found.sum(axis=0)


def combine(moves, arrays, n_threads=None):
    """In each of the arrays (B, n), move after move, replace the vectors `targets` (R,) by combinations.

    A move has factors (S, R), sources (S,), targets and whether to add: target r becomes the sum of factors[s, r] times
    source s, to which what it was is added.
    """
    size, dtype = arrays[0].shape[1], arrays[0].dtype
    ready = [(np.ascontiguousarray(factors.T, dtype), *more) for factors, *more in moves]

    def piece(index):
        where = index * PIECE, min((index + 1) * PIECE, size)
        for vectors in arrays:
            for factors, sources, targets, add in ready:
                _combine(factors, vectors, sources, targets, add, where, _lanes_of(vectors))

    run_blocks(piece, -(-size // PIECE), n_threads)


def _lanes_of(array):
    return BYTES // array.itemsize


@jit_part
def _add(total, vector, factor):
    return fused(vector, factor, total)


@jit_part
def _four(line, at, lanes):
    return load(line, at), load(line, at + lanes), load(line, at + 2 * lanes), load(line, at + 3 * lanes)


@jit
def _products(left, right, weight, where, lanes, out):
    first, last = where
    nothing = spread(weight[0] - weight[0])
    tile = TILE // 64 * lanes
    for start in range(first, last, tile):
        stop = min(start + tile, last)
        whole = start + (stop - start) // lanes * lanes
        for i in range(0, left.shape[0], FOUR):
            a, b, c, d = left[i], left[i + 1], left[i + 2], left[i + 3]
            for j in range(0, right.shape[0], FOUR):
                e, f, g, h = right[j], right[j + 1], right[j + 2], right[j + 3]
                sums_a = (nothing, nothing, nothing, nothing)
                sums_b, sums_c, sums_d = sums_a, sums_a, sums_a
                for at in range(start, whole, lanes):
                    weights = load(weight, at)
                    others = (load(e, at), load(f, at), load(g, at), load(h, at))
                    sums_a = each(_add, sums_a, others, load(a, at) * weights)
                    sums_b = each(_add, sums_b, others, load(b, at) * weights)
                    sums_c = each(_add, sums_c, others, load(c, at) * weights)
                    sums_d = each(_add, sums_d, others, load(d, at) * weights)
                for k, sums in enumerate((sums_a, sums_b, sums_c, sums_d)):
                    out[i + k, j] += total(sums[0])
                    out[i + k, j + 1] += total(sums[1])
                    out[i + k, j + 2] += total(sums[2])
                    out[i + k, j + 3] += total(sums[3])
        for i in range(left.shape[0]):
            for j in range(right.shape[0]):
                for at in range(whole, stop):
                    out[i, j] += np.float64(left[i, at]) * np.float64(weight[at]) * np.float64(right[j, at])


@jit
def _combine(factors, vectors, sources, targets, add, where, lanes):
    first, last = where
    n_targets, n_sources = factors.shape
    width = FOUR * lanes
    found = np.empty((n_targets, width), vectors.dtype)
    nothing = spread(factors[0, 0] - factors[0, 0])
    whole = first + (last - first) // width * width
    for start in range(first, whole, width):
        for i in range(0, n_targets, FOUR):
            a = (nothing, nothing, nothing, nothing)
            b, c, d = a, a, a
            if add:
                a = _four(vectors[targets[i]], start, lanes)
                b = _four(vectors[targets[i + 1]], start, lanes)
                c = _four(vectors[targets[i + 2]], start, lanes)
                d = _four(vectors[targets[i + 3]], start, lanes)
            for k in range(n_sources):
                values = _four(vectors[sources[k]], start, lanes)
                a = each(_add, a, values, factors[i, k])
                b = each(_add, b, values, factors[i + 1, k])
                c = each(_add, c, values, factors[i + 2, k])
                d = each(_add, d, values, factors[i + 3, k])
            for k, sums in enumerate((a, b, c, d)):
                line = found[i + k]
                store(line, 0, sums[0])
                store(line, lanes, sums[1])
                store(line, 2 * lanes, sums[2])
                store(line, 3 * lanes, sums[3])
        for i in range(n_targets):
            vectors[targets[i], start : start + width] = found[i]
    for at in range(whole, last):
        for i in range(n_targets):
            value = vectors[targets[i], at] if add else factors[i, 0] - factors[i, 0]
            for k in range(n_sources):
                value += factors[i, k] * vectors[sources[k], at]
            found[i, 0] = value
        for i in range(n_targets):
            vectors[targets[i], at] = found[i, 0]


def residuals(vectors, images, values, weight, out, n_threads=None):
    """Write ``images - values * vectors`` for K vectors to `out`; return its squares' sums (K,) with `weight`."""
    size, values = len(weight), values.astype(vectors.dtype)
    found = np.zeros((-(-size // PIECE), len(vectors)))

    def piece(index):
        where = index * PIECE, min((index + 1) * PIECE, size)
        _residuals(vectors, images, values, weight, where, out, found[index])

    run_blocks(piece, len(found), n_threads)
    return found.sum(axis=0)


@jit_vectorised
def _residuals(vectors, images, values, weight, where, out, found):
    first, last = where
    for k in range(len(values)):
        one, image, line, value = vectors[k, first:last], images[k, first:last], out[k, first:last], values[k]
        here, total = weight[first:last], value - value
        for i in range(len(line)):
            rest = image[i] - value * one[i]
            line[i] = rest
            total += rest * rest * here[i]
        found[k] = total
