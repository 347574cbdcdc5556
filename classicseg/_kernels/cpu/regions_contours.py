"""At which step of merging the two sides of a border become one region."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu._marks import list_marks, no_marks
from classicseg._kernels.cpu.regions import mark_borders
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips


def contours(labels, merges, heights, n_regions, n_threads=None):
    """Return (M, N) float32: the height at which a pixel, its right, its lower and its lower right neighbour are one
    region, as far as they lie inside; 0 where they are from the beginning.

    `merges` (n, 2) are labels; `heights` (n + 2,) float32 ascend, from 0 to that of regions that never become one.
    """
    parent, step = _hung(merges, n_regions + 1)
    out = np.zeros(labels.shape, np.float32)

    def draw(block):
        rows = (block * STRIP, min((block + 1) * STRIP, len(labels)))
        draw_rows(labels, rows, parent, step, heights, out)

    run_blocks(draw, n_strips(labels), n_threads)
    return out


def joined_after(pairs, merges, n_regions):
    """Return how many steps have been taken when two rows (E, 2) are one; one more than there are, if never."""
    steps = np.empty(len(pairs), np.int64)
    # Row 0 is the outside, which nothing joins.
    look_up_pairs(pairs + np.int32(1), *_hung(merges + np.int32(1), n_regions + 1), steps)
    return steps


def _hung(merges, n_labels):
    parent, step = np.arange(n_labels), np.full(n_labels, len(merges))
    hang(merges, parent, step, np.arange(n_labels), np.ones(n_labels, np.int64))
    return parent, step


@jit
def look_up_pairs(pairs, parent, step, out):
    for i in range(pairs.shape[0]):
        out[i] = _joined_at(parent, step, pairs[i, 0], pairs[i, 1])


@jit
def hang(merges, parent, step, top, size):
    """Write the tree of merged regions, of little depth: what was smaller hangs below what was larger."""
    for i in range(merges.shape[0]):
        large, small = top[merges[i, 0]], top[merges[i, 1]]
        if size[large] < size[small]:
            large, small = small, large
        parent[small], step[small] = large, i
        size[large] += size[small]
        top[merges[i, 0]] = large


@jit
def draw_rows(labels, rows, parent, step, heights, out):
    """Draw what lies in some rows, and write nothing elsewhere."""
    n_rows, n_cols = labels.shape
    marks, places = no_marks(n_cols), np.empty(n_cols, np.int32)
    for row in range(rows[0], min(rows[1] + 1, n_rows)):
        mark_borders(labels[max(row - 1, 0)], labels[row], False, marks)
        for i in range(list_marks(marks, places)):
            col = places[i]
            if col > 0:
                height = heights[_joined_at(parent, step, labels[row, col - 1], labels[row, col])]
                for r in range(max(row - 1, rows[0]), min(row + 1, rows[1])):
                    out[r, col - 1] = max(out[r, col - 1], height)
            if row > rows[0]:
                height = heights[_joined_at(parent, step, labels[row - 1, col], labels[row, col])]
                for c in range(max(col - 1, 0), col + 1):
                    out[row - 1, c] = max(out[row - 1, c], height)


@jit_inline
def _joined_at(parent, step, a, b):
    """Return how many steps have been taken when two regions are one; 0 for one region, or where one is outside."""
    a, b, at = np.int64(a), np.int64(b), np.int64(-1)
    while min(a, b) > 0 and a != b:
        at = min(step[a], step[b])
        if parent[a] == a and parent[b] == b:
            break  # never
        if step[a] == at:
            a = parent[a]
        else:
            b = parent[b]
    return at + 1
