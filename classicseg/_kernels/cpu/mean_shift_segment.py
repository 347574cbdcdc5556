"""Regions of one mode: pixels whose modes lie near those of their neighbours, by union-find over runs."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu.regions import fill_strip, join, number

STRIP = 64  # rows per block of the parallel scan; strips are joined afterwards, so any value gives the same labels


def connected_modes(values, positions, masks, rule, n_threads=None):
    """Return region labels (B, M, N) of modes with `values` (B, M, N, C) and `positions` (B, M, N, 2), in float32.

    Neighbours belong together where their modes lie within the bandwidths of `rule` in value and in position.
    Regions of each frame are numbered from 1 in raster order of their first pixel; 0 is outside its mask.
    """
    labels = np.empty(values.shape[:3], np.int32)
    bandwidths = np.array(rule.range_bandwidth), float(rule.spatial_bandwidth**2)
    for frame, out in enumerate(labels):
        inside = np.ones(out.shape, np.bool_) if masks is None else np.ascontiguousarray(masks[frame])
        _label((values[frame], positions[frame]), inside, bandwidths, out, n_threads)
    return labels


def _label(modes, inside, bandwidths, labels, n_threads):
    """Write the labels of one frame, as `regions.connected` does: trees of runs, in strips, then of the whole."""
    n_rows = labels.shape[0]
    runs = np.empty((labels.size, 2), np.int32)  # first column, column after the last; only what is used is touched
    parent = np.empty(labels.size, np.int32)
    rows = np.empty((n_rows, 2), np.int64)
    trees = runs, parent, rows

    def scan(block):
        join_strip(modes, inside, bandwidths, trees, block * STRIP, min((block + 1) * STRIP, n_rows))

    def paint(block):
        fill_strip(labels, runs, parent, rows, block * STRIP, min((block + 1) * STRIP, n_rows))

    n_blocks = -(-n_rows // STRIP)
    run_blocks(scan, n_blocks, n_threads)
    for block in range(1, n_blocks):
        join_row_above(modes, inside, bandwidths, trees, block * STRIP)
    number(parent, rows)
    run_blocks(paint, n_blocks, n_threads)


@jit_inline
def _near(modes, bandwidths, row, col, other_row, other_col):
    """Say whether two modes lie within the bandwidths: in float64 in this order, on every device."""
    values, positions = modes
    widths, reach = bandwidths
    alike = 0.0
    for c in range(values.shape[2]):
        d = (np.float64(values[row, col, c]) - np.float64(values[other_row, other_col, c])) / widths[c]
        alike += d * d
    dy = np.float64(positions[row, col, 0]) - np.float64(positions[other_row, other_col, 0])
    dx = np.float64(positions[row, col, 1]) - np.float64(positions[other_row, other_col, 1])
    return (alike <= 1.0) & (dy * dy + dx * dx <= reach)


@jit
def join_strip(modes, inside, bandwidths, trees, start, stop):
    """Find the runs of rows `start` to `stop`, stretches in which each mode is near the one before; join them."""
    runs, parent, rows = trees
    n_cols = inside.shape[1]
    at = start * n_cols
    for row in range(start, stop):
        rows[row, 0] = at
        for col in range(n_cols):
            if not inside[row, col]:
                continue
            if col > 0 and inside[row, col - 1] and _near(modes, bandwidths, row, col, row, col - 1):
                runs[at - 1, 1] = col + 1
            else:
                runs[at, 0], runs[at, 1], parent[at] = col, col + 1, at
                at += 1
        rows[row, 1] = at
        if row > start:
            join_row_above(modes, inside, bandwidths, trees, row)


@jit
def join_row_above(modes, inside, bandwidths, trees, row):
    """Join the runs of a row to those of the row above where modes of two pixels one below the other are near."""
    runs, parent, rows = trees
    above, end_above = rows[row - 1, 0], rows[row - 1, 1]
    for i in range(rows[row, 0], rows[row, 1]):
        begin, end = runs[i, 0], runs[i, 1]
        while above < end_above and runs[above, 1] <= begin:
            above += 1
        other = above
        while other < end_above and runs[other, 0] < end:
            for col in range(max(begin, runs[other, 0]), min(end, runs[other, 1])):
                if _near(modes, bandwidths, row, col, row - 1, col):
                    join(parent, i, other)
                    break
            other += 1
