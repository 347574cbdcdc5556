"""Sums over the cells of a contingency table, from which the scores of regions are made."""

import math

import numpy as np

from classicseg._kernels.cpu._jit import jit


@jit
def areas(places, counts, n_places):
    """Return the pixels of each row, or of each column, of a table."""
    out = np.zeros(n_places, np.int64)
    for i in range(places.shape[0]):
        out[places[i]] += counts[i]
    return out


@jit
def partition_sums(rows, cols, counts, n_rows, n_cols):
    """Return what the scores of two partitions are made of; sums of squares are exact below 3e9 pixels.

    The pixels; the pixels of rows, each times its highest intersection over union with a column; the ordered pairs
    of pixels (also of a pixel with itself) in one row, in one column, in one cell; the bits by which rows are split
    and columns merged, times the pixels. The bits are sums of logarithms of ratios, not differences of entropies:
    nothing cancels, and equal partitions give zero.
    """
    area_true, area_pred = areas(rows, counts, n_rows), areas(cols, counts, n_cols)
    best = np.zeros(n_rows)
    in_cell, split, merge = np.int64(0), 0.0, 0.0
    for i in range(rows.shape[0]):
        count, true, pred = counts[i], area_true[rows[i]], area_pred[cols[i]]
        best[rows[i]] = max(best[rows[i]], count / (true + pred - count))
        in_cell += count * count
        split += count * math.log2(true / count)
        merge += count * math.log2(pred / count)
    covered = 0.0
    for row in range(n_rows):
        covered += area_true[row] * best[row]
    return area_true.sum(), covered, squares(area_true), squares(area_pred), in_cell, split, merge


@jit
def squares(numbers):
    total = np.int64(0)
    for i in range(numbers.shape[0]):
        total += numbers[i] * numbers[i]
    return total


@jit
def largest(places, counts, n_places):
    """Return the pixels of the largest cell of each row, or of each column, of a table."""
    out = np.zeros(n_places, np.int64)
    for i in range(places.shape[0]):
        out[places[i]] = max(out[places[i]], counts[i])
    return out
