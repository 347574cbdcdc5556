"""Products of half a stencil with many vectors: two rows of pixels, a register of columns and four vectors at a time.

The weights of all links of these pixels are first gathered, in the order of the pixels they lead to, those that are
stored there with those that are stored here; then all vectors take them from the first-level cache. A pixel's value
that is loaded, mostly across two lines of the cache, serves both rows.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit_lean, jit_part, run_blocks
from classicseg._kernels.cpu._lanes import BYTES, each, fused, load, load_as, spread, store
from classicseg._kernels.cpu.affinity import margins, pad

FOUR = 4  # vectors come in multiples of this
PAIR = 2  # rows taken together: of four, each value loaded serves more, but a third of the products are with 0
ROWS = 16  # rows of a block of work, even


class Plan(NamedTuple):
    """Where the links of two pixels one below the other lead to, and where their weights are.

    Places are in a flat array, from that of the upper pixel on.
    """

    shifts: np.ndarray  # places (S,) in a vector that either pixel is linked to, rows ascending
    used: np.ndarray  # (PAIR,) so many of the shifts may be links of the upper pixel, and of both
    sources: np.ndarray  # places (PAIR * links,) of weights, those of the upper pixel first
    targets: np.ndarray  # where they are gathered: PAIR * shift + pixel


def plan_of(offsets, n_columns):
    """Return the plan for vectors and weights whose rows have so many columns, margins included."""
    n_offsets, reach = len(offsets), margins(offsets)[0]
    both = np.concatenate([offsets, -offsets])
    apart = np.unique(np.concatenate([both + np.array([row, 0]) for row in range(PAIR)]), axis=0)
    number = {tuple(shift): s for s, shift in enumerate(apart.tolist())}
    sources, targets = [], []
    for row in range(PAIR):
        for o, (down, right) in enumerate(offsets.tolist()):
            line = row * n_offsets + o  # of the weights
            sources += [line * n_columns, (line - down * n_offsets) * n_columns - right]
            targets += [PAIR * number[row + down, right] + row, PAIR * number[row - down, -right] + row]
    used = np.searchsorted(apart[:, 0], reach + np.arange(PAIR), side="right")
    return Plan(apart @ [n_columns, 1], used, np.array(sources), np.array(targets))


def step(level, vectors, other, out, factors, n_threads=None):
    """Write ``a * P(vectors) + b * vectors + c * other`` for factors (a, b, c); `out` may be `other`.

    `level` has weights, offsets, and of the dtype of the vectors `inverse`, 1 / degree and 0 where that is 0, and
    `own`, the share of a point's links that lie within it.
    """
    (n_rows, n_cols), (top, left) = level.shape, margins(level.offsets)
    lanes, columns = BYTES // vectors.itemsize, vectors.shape[2]
    plan, inverse, own = _prepared(level, vectors.dtype, columns)
    flat = tuple(array.reshape(-1) for array in (vectors, other, inverse, own, out))
    weights, factors = level.weights.reshape(-1), np.array(factors, vectors.dtype)
    lines = columns, columns * len(level.offsets)  # from a row to the next, of vectors and of weights
    extent = len(vectors), vectors[0].size, n_cols, columns, lanes

    def block(index):
        gathered = np.zeros(PAIR * len(plan.shifts) * lanes, vectors.dtype)
        for row in range(index * ROWS, min((index + 1) * ROWS, n_rows), PAIR):
            at = tuple((top + row) * line + left for line in lines)
            _step_rows(weights, plan, min(PAIR, n_rows - row), at, flat, factors, extent, gathered)

    run_blocks(block, -(-n_rows // ROWS), n_threads)
    return out


def _prepared(level, dtype, columns):
    """Return the plan of a grid, and its `inverse` and `own` with margins; made once."""
    if dtype not in level.memo:
        values = (pad(of(dtype)[None], level.offsets)[0] for of in (level.inverse, level.own))
        level.memo[dtype] = plan_of(level.offsets, columns), *values
    return level.memo[dtype]


@jit_part
def _add(total, vector, factor):
    return fused(vector, factor, total)


@jit_lean
def _step_rows(weights, plan, n_rows, at, arrays, factors, extent, gathered):
    (vectors, other, inverse, own, out), (n_vectors, size, n_cols, columns, lanes) = arrays, extent
    shifts, sources, targets = plan.shifts, plan.sources, plan.targets
    n_links, n_shifts = n_rows * (len(sources) // PAIR), plan.used[n_rows - 1]
    nothing = spread(factors[0] - factors[0])
    for start in range(0, n_cols, lanes):
        here, there = at[0] + start, at[1] + start
        for i in range(n_links):
            store(gathered, targets[i] * lanes, load_as(gathered, weights, there + sources[i]))
        for k in range(0, n_vectors, FOUR):
            first = k * size + here
            a = (nothing, nothing, nothing, nothing)
            b = a
            for i in range(n_shifts):
                place, row = first + shifts[i], PAIR * i * lanes
                values = (
                    load(vectors, place),
                    load(vectors, place + size),
                    load(vectors, place + 2 * size),
                    load(vectors, place + 3 * size),
                )
                a = each(_add, a, values, load(gathered, row))
                b = each(_add, b, values, load(gathered, row + lanes))
            for row, totals in enumerate((a, b)):
                if row < n_rows:
                    degree, share = load(inverse, here + row * columns), load(own, here + row * columns)
                    for v, total in enumerate(totals):
                        place = first + row * columns + v * size
                        value = load(vectors, place)
                        found = (total * degree + share * value) * factors[0]
                        store(out, place, found + value * factors[1] + load(other, place) * factors[2])
