"""Grids of ever fewer points for the random walk on a graph of pixels: P = D⁻¹(W + G), G the links within a point.

A coarse point lies on every other row and column. Each pixel joins the one of those around it that it is linked to
most: contours stay between coarse points, which squares of 2 × 2 pixels cut through. What links two pixels of
different coarse points links these, so that the coarse graph is a stencil again, half as wide and a little more.

Vectors have margins of zeros as `affinity.pad` makes them; their inner product is weighted by the degrees, in which P
is symmetric.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.affinity import ROWS, margins, pad, padded_columns, unpad
from classicseg._kernels.cpu.stencil import step

__all__ = [
    "coarse_weights",
    "components",
    "gathered",
    "join",
    "pad",
    "padded_columns",
    "parents",
    "prolong",
    "restrict",
    "run_blocks",
    "step",
    "strongest",
    "unpad",
    "zeros",
]

BAND = 32  # rows of a band, even: its coarse rows are shared with the bands beside it only


def zeros(shape, dtype, there):
    """Return an array of zeros where `there` lies."""
    return np.zeros(shape, dtype)


def parents(weights, offsets, shape, n_threads=None):
    """Return the coarse point of each pixel, (M, N) int32, by its number in raster order."""
    out = np.empty(shape, np.int32)
    index_of = np.full((2, 3), -1)
    for o, (down, right) in enumerate(offsets):
        if down <= 1 and abs(right) <= 1:
            index_of[down, right + 1] = o

    def block(index):
        rows = index * ROWS, min((index + 1) * ROWS, shape[0])
        _parent_rows(weights, index_of, margins(offsets), rows, out)

    run_blocks(block, -(-shape[0] // ROWS), n_threads)
    return out


@jit
def _parent_rows(weights, index_of, margin, rows, out):
    top, left = margin
    n_rows, n_cols = out.shape
    coarse_cols = (n_cols + 1) // 2
    for row in range(rows[0], rows[1]):
        for col in range(n_cols):
            strongest = np.float32(-1)
            best = (row // 2) * coarse_cols + col // 2
            if row % 2 == 0 and col % 2 == 0:
                out[row, col] = best
                continue
            # A pixel between two rows has points above and below; one in a row of points has them left and right.
            for down in range(-(row % 2), row % 2 + 1, 1 + row % 2):
                for right in range(-(col % 2), col % 2 + 1, 1 + col % 2):
                    there, across = row + down, col + right
                    if there >= n_rows or across >= n_cols:
                        continue
                    if down > 0 or (down == 0 and right > 0):
                        o = index_of[down, right + 1]
                        weight = weights[top + row, o, left + col] if o >= 0 else np.float32(0)
                    else:
                        o = index_of[-down, 1 - right]
                        weight = weights[top + there, o, left + across] if o >= 0 else np.float32(0)
                    if weight > strongest:  # strict: a tie goes to the point first in raster order
                        strongest, best = weight, (there // 2) * coarse_cols + across // 2
            out[row, col] = best


def gathered(values, parent):
    """Return the sums of values (M, N) float64 over the pixels of each coarse point."""
    shape = (parent.shape[0] + 1) // 2, (parent.shape[1] + 1) // 2
    return np.bincount(parent.reshape(-1), values.reshape(-1), shape[0] * shape[1]).reshape(shape)


def coarse_weights(weights, offsets, parent, n_threads=None):
    """Return the weights between coarse points as a stencil, and its offsets."""
    n_rows, n_cols = parent.shape
    shape = (n_rows + 1) // 2, (n_cols + 1) // 2
    down, right = ((reach + 2) // 2 for reach in margins(offsets))
    grid = np.stack(np.mgrid[: down + 1, -right : right + 1], axis=-1).reshape(-1, 2)
    after = (grid[:, 0] > 0) | (grid[:, 1] > 0)
    possible = (grid[:, 0] < shape[0]) & (np.abs(grid[:, 1]) < shape[1])
    found = grid[after & possible]
    index_of = np.full((down + 1, 2 * right + 1), -1)
    index_of[found[:, 0], found[:, 1] + right] = np.arange(len(found))
    top, left = margins(found)
    out = np.zeros((top + shape[0], len(found), padded_columns(found, shape[1])), np.float32)
    n_bands = -(-n_rows // BAND)
    for first in (0, 1):  # bands side by side write to the same row

        def band(index, first=first):
            rows = (2 * index + first) * BAND, min((2 * index + first + 1) * BAND, n_rows)
            _coarse_rows(weights, offsets, margins(offsets), parent, rows, index_of, (top, left), out)

        run_blocks(band, (n_bands + 1 - first) // 2, n_threads)
    used = np.flatnonzero(out.any(axis=(0, 2)))
    if len(used) == len(found):
        return out, found
    kept = found[used]
    (new_top, new_left), n_columns = margins(kept), padded_columns(kept, shape[1])
    cut = np.zeros((new_top + shape[0], len(kept), n_columns), np.float32)
    cut[new_top:, :, new_left : new_left + shape[1]] = out[top:, used, left : left + shape[1]]
    return cut, kept


@jit
def _coarse_rows(weights, offsets, margin, parent, rows, index_of, coarse_margin, out):
    (top, left), (coarse_top, coarse_left) = margin, coarse_margin
    n_rows, n_cols = parent.shape
    coarse_cols, middle = (n_cols + 1) // 2, index_of.shape[1] // 2
    for row in range(rows[0], rows[1]):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            line = weights[top + row, o]
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                one, other = parent[row, col], parent[row + down, col + right]
                if one == other:
                    continue
                if one > other:
                    one, other = other, one
                i, j = one // coarse_cols, one % coarse_cols
                k = index_of[other // coarse_cols - i, other % coarse_cols - j + middle]
                out[coarse_top + i, k, coarse_left + j] += line[left + col]


def restrict(vectors, share, place, out, margin, n_threads=None):
    """Write the sums of `share` (M, N) times the pixels of each coarse point to flat places (M, N) of `out`."""

    def block(k):
        _restrict(vectors[k], share, place, margin, out[k].reshape(-1))

    run_blocks(block, len(vectors), n_threads)


@jit
def _restrict(vector, share, place, margin, out):
    (top, left), (n_rows, n_cols) = margin, share.shape
    out[:] = 0
    for row in range(n_rows):
        line, to, weight = vector[top + row, left:], place[row], share[row]
        for i in range(n_cols):
            out[to[i]] += weight[i] * line[i]


def prolong(coarse, place, factor, out, margin, n_threads=None):
    """Add `factor` times each coarse point's value to its pixels."""
    factor, n_rows = out.dtype.type(factor), place.shape[0]

    def block(index):
        rows = index * ROWS, min((index + 1) * ROWS, n_rows)
        for k in range(len(out)):
            _prolong_rows(coarse[k].reshape(-1), place, factor, rows, margin, out[k])

    run_blocks(block, -(-n_rows // ROWS), n_threads)


@jit
def _prolong_rows(coarse, place, factor, rows, margin, out):
    top, left = margin
    for row in range(rows[0], rows[1]):
        line, source = out[top + row, left:], place[row]
        for i in range(place.shape[1]):
            line[i] += factor * coarse[source[i]]


def components(weights, offsets, degree):
    """Return which connected part of the graph each pixel belongs to, from 0 by first pixel, and their number.

    Pixels of degree 0 are no part: -1.
    """
    root = np.arange(degree.size, dtype=np.int32).reshape(degree.shape)
    _join(weights, offsets, margins(offsets), root)
    number, n_parts = _numbered(root.reshape(-1), degree.reshape(-1) > 0)
    return number.reshape(degree.shape), n_parts


@jit
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@jit
def _join(weights, offsets, margin, root):
    top, left = margin
    (n_rows, n_cols), flat = root.shape, root.reshape(-1)
    for row in range(n_rows):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            line = weights[top + row, o]
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                i, j = row * n_cols + col, (row + down) * n_cols + col + right
                if line[left + col] > 0 and flat[i] != flat[j]:
                    one, other = _root(flat, i), _root(flat, j)
                    if one < other:
                        flat[other] = one
                    else:
                        flat[one] = other


def _numbered(root, counted):
    """Return the number of the tree of each node, -1 where it is not counted, and how many trees are."""
    while not np.array_equal(higher := root[root], root):
        root = higher
    first = counted & (root == np.arange(len(root)))
    number = np.cumsum(first, dtype=np.int32) - 1
    return np.where(counted, number[root], np.int32(-1)), int(first.sum())


def join(partner):
    """Return a number for what `partner` joins to each, from 0 by the first of them, and how many there are."""
    root = np.arange(len(partner), dtype=np.int32)
    _join_partners(partner, root)
    return _numbered(root, np.ones(len(partner), np.bool_))


@jit
def _join_partners(partner, root):
    for i in range(len(partner)):
        one, other = _root(root, i), _root(root, partner[i])
        if one < other:
            root[other] = one
        else:
            root[one] = other


def strongest(weights, offsets, label, n_labels):
    """Return for each label the other one that its strongest link leads to, itself where there is none."""
    partner, best = np.arange(n_labels, dtype=np.int32), np.zeros(n_labels, np.float32)
    _strongest(weights, offsets, margins(offsets), label, best, partner)
    return partner


@jit
def _strongest(weights, offsets, margin, label, best, partner):
    top, left = margin
    n_rows, n_cols = label.shape
    for row in range(n_rows):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            line = weights[top + row, o]
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                weight, one, other = line[left + col], label[row, col], label[row + down, col + right]
                if one != other:
                    if weight > best[one]:
                        best[one], partner[one] = weight, other
                    if weight > best[other]:
                        best[other], partner[other] = weight, one
