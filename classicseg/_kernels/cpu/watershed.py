"""Where water runs to: the basins of a relief, and the passes between them.

A pixel belongs to the minimum that the steepest way down leads to, from pixel to pixel by their sides. Then basins that
are too small are joined over their lowest pass, the lowest pass of all first.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips


def basins(relief, n_threads=None):
    """Return the basin of each pixel (M, N) int32, from 1 by the first pixel, and how many there are.

    `relief` is float32 (M, N), infinity outside, where the basin is 0. Of equally low pixels the first is the lowest.
    """
    labels = np.empty(relief.shape, np.int32)
    steps = [np.array(rows) for rows in _strips(relief)]

    def look(block):
        look_down(relief, steps[block], labels)

    run_blocks(look, len(steps), n_threads)
    return labels, run_down(labels.reshape(-1))


def _strips(relief):
    for block in range(n_strips(relief)):
        yield block * STRIP, min((block + 1) * STRIP, relief.shape[0])


@jit
def look_down(relief, rows, labels):
    """Write to every pixel of some rows where water goes: -1 - the flat position of the lowest pixel of those above, to
    the left, here, to the right and below; 0 outside. Vector code.
    """
    n_rows, n_cols = relief.shape
    for row in range(rows[0], rows[1]):
        above, here, below = relief[max(row - 1, 0)], relief[row], relief[min(row + 1, n_rows - 1)]
        up, down = np.int32(n_cols if row > 0 else 0), np.int32(n_cols if row < n_rows - 1 else 0)
        start, line, last = np.int32(-1 - row * n_cols), labels[row], n_cols - 1
        for col in range(1, last):
            line[col] = (
                start - np.int32(col) + _step(above[col], here[col - 1], here[col], here[col + 1], below[col], up, down)
            )
        line[0] = start + _step(above[0], np.float32(np.inf), here[0], here[min(1, last)], below[0], up, down)
        if last > 0:
            further = _step(above[last], here[last - 1], here[last], here[last], below[last], up, down)
            line[last] = start - np.int32(last) + further
        for col in range(n_cols):
            line[col] = line[col] if here[col] < np.inf else np.int32(0)


@jit_inline
def _step(above, left, here, right, below, up, down):
    """Return how far back the lowest of five pixels lies; comparisons are strict, so a tie goes to the first one."""
    level, step = above if up > 0 else np.float32(np.inf), up
    step, level = np.int32(1) if left < level else step, min(left, level)
    step, level = np.int32(0) if here < level else step, min(here, level)
    step, level = np.int32(-1) if right < level else step, min(right, level)
    return np.int32(-down) if below < level else step


@jit
def run_down(labels):
    """Replace what `look_down` wrote by the number of the basin, from 1 by its first pixel; return their number."""
    count = np.int32(0)
    for first in range(labels.shape[0]):
        at = np.int64(first)
        while labels[at] < 0 and -1 - labels[at] != at:
            at = np.int64(-1 - labels[at])
        if labels[at] < 0:
            count += np.int32(1)
            labels[at] = count
        basin, at = labels[at], np.int64(first)
        while labels[at] < 0:
            further = np.int64(-1 - labels[at])
            labels[at] = basin
            at = further
    return count
