"""The joint histogram of two label images: which labels meet, and on how many pixels.

Labels are constant along stretches of a row, so pixels are looked at once, by NumPy's vector code and in whatever
dtype they have, to find where such runs begin; all else is done with the runs, of which there are far fewer.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu._marks import WORD, list_starts, no_marks

BLOCK = 1 << 18  # pixels counted at a time; blocks are added up afterwards, so any value gives the same counts
WIDE = 1 << 14  # values, or cells, for which a table is cheap whatever the number of runs


def joint_counts(labels_true, labels_pred, inside, n_threads=None):
    """Return the labels that occur and the pairs that meet: true (R,), pred (C,), rows, cols and counts (n,), int64.

    Labels are ascending, pairs ascending by row and column. The arguments are flat and contiguous, of any integer
    dtype within int64; `inside` is flat and boolean, or None.
    """
    if labels_true.size <= BLOCK:
        return _table(*_runs(labels_true, labels_pred, inside))
    parts = [None] * -(-labels_true.size // BLOCK)

    def count(block):
        here = slice(block * BLOCK, (block + 1) * BLOCK)
        within = None if inside is None else inside[here]
        parts[block] = _table(*_runs(labels_true[here], labels_pred[here], within))

    run_blocks(count, len(parts), n_threads)
    pairs = [(true[rows], pred[cols], counts) for true, pred, rows, cols, counts in parts]
    return _table(*map(np.concatenate, zip(*pairs)))


def _runs(labels_true, labels_pred, inside):
    """Return the two labels and the length of every run of pixels with the same pair of labels."""
    n_pixels = labels_true.size
    marks = no_marks(n_pixels)
    begins = marks[:n_pixels].view(bool)
    begins[0] = True
    np.not_equal(labels_true[1:], labels_true[:-1], out=begins[1:])
    other = np.empty(n_pixels - 1, bool)
    for line in (labels_pred,) if inside is None else (labels_pred, inside):
        begins[1:] |= np.not_equal(line[1:], line[:-1], out=other)
    starts, lengths = list_runs(marks, n_pixels, np.empty(n_pixels + WORD, np.int64))
    if inside is not None:
        within = inside[starts]
        starts, lengths = starts[within], lengths[within]
    return labels_true[starts].astype(np.int64), labels_pred[starts].astype(np.int64), lengths


@jit
def list_runs(marks, n_pixels, starts):
    """Return where runs begin, as the marks say, and how long they are; `starts` is room for them and a word more."""
    count = list_starts(marks, n_pixels, starts)
    lengths = np.empty(count, np.int64)
    for i in range(count):
        lengths[i] = starts[i + 1] - starts[i]
    return starts[:count], lengths


def _table(labels_true, labels_pred, lengths):
    """Add up runs of the same pair; the answer of `joint_counts`."""
    if len(lengths) == 0:
        return labels_true, labels_pred, lengths, lengths, lengths
    (low_true, n_true), (low_pred, n_pred) = _range(labels_true), _range(labels_pred)
    few = max(WIDE, 4 * len(lengths))
    if n_true * n_pred <= few:
        return count_in_table(labels_true, labels_pred, lengths, low_true, low_pred, n_true, n_pred)
    true, of_true = _ranked(labels_true, low_true, n_true)
    pred, of_pred = _ranked(labels_pred, low_pred, n_pred)
    if len(true) * len(pred) <= few:
        return true, pred, *count_in_table(of_true, of_pred, lengths, 0, 0, len(true), len(pred))[2:]
    by_pred = in_order(of_pred, np.arange(len(lengths)), len(pred))
    return true, pred, *count_in_order(of_true, of_pred, lengths, in_order(of_true, by_pred, len(true)))


def _range(labels):
    """Return the lowest label and how many values there are up to the highest."""
    low = int(labels.min())
    return low, int(labels.max()) - low + 1


def _ranked(values, low, n_values):
    """Return the distinct values, ascending, and the place of each value among them."""
    if n_values <= max(WIDE, 4 * len(values)):
        return rank(values, low, n_values)
    distinct, ranks = np.unique(values, return_inverse=True)
    return distinct, ranks.reshape(-1).astype(np.int64, copy=False)


@jit
def rank(values, low, n_values):
    """As `_ranked`, by a table of every value from the lowest on."""
    occurs = np.zeros(n_values, np.int64)
    for i in range(values.shape[0]):
        occurs[values[i] - low] = 1
    distinct, place = number(occurs, low)
    ranks = np.empty_like(values)
    for i in range(values.shape[0]):
        ranks[i] = place[values[i] - low]
    return distinct, ranks


@jit
def number(occurs, low):
    """Return the values that occur, ascending, and for each of them its place in this list."""
    place = np.empty_like(occurs)
    distinct = np.empty_like(occurs)
    count = 0
    for value in range(occurs.shape[0]):
        place[value] = count
        if occurs[value]:
            distinct[count] = low + value
            count += 1
    return distinct[:count].copy(), place


@jit
def count_in_table(labels_true, labels_pred, lengths, low_true, low_pred, n_true, n_pred):
    """Add up in a table of all values up to the highest ones, and keep the cells that are not zero."""
    cells = np.zeros((n_true, n_pred), np.int64)
    for i in range(lengths.shape[0]):
        cells[labels_true[i] - low_true, labels_pred[i] - low_pred] += lengths[i]
    occurs_true, occurs_pred = np.zeros(n_true, np.int64), np.zeros(n_pred, np.int64)
    n_pairs = 0
    for row in range(n_true):
        for col in range(n_pred):
            if cells[row, col]:
                occurs_true[row] = occurs_pred[col] = 1
                n_pairs += 1
    true, row_of = number(occurs_true, low_true)
    pred, col_of = number(occurs_pred, low_pred)
    pairs = np.empty((3, n_pairs), np.int64)
    at = 0
    for row in range(n_true):
        for col in range(n_pred):
            if cells[row, col]:
                pairs[0, at], pairs[1, at], pairs[2, at] = row_of[row], col_of[col], cells[row, col]
                at += 1
    return true, pred, pairs[0], pairs[1], pairs[2]


@jit
def in_order(keys, order, n_keys):
    """Return `order` sorted by ``keys[order]``, equal keys as they were: one pass of a radix sort."""
    ends = np.zeros(n_keys + 1, np.int64)
    for i in range(keys.shape[0]):
        ends[keys[i] + 1] += 1
    for key in range(n_keys):
        ends[key + 1] += ends[key]
    out = np.empty_like(order)
    for i in range(order.shape[0]):
        key = keys[order[i]]
        out[ends[key]] = order[i]
        ends[key] += 1
    return out


@jit
def count_in_order(rows, cols, lengths, order):
    """Add up runs that lie side by side in `order`: for tables that are mostly empty."""
    pairs = np.empty((3, order.shape[0]), np.int64)
    at = -1
    for i in range(order.shape[0]):
        run = order[i]
        if at >= 0 and pairs[0, at] == rows[run] and pairs[1, at] == cols[run]:
            pairs[2, at] += lengths[run]
        else:
            at += 1
            pairs[0, at], pairs[1, at], pairs[2, at] = rows[run], cols[run], lengths[run]
    return pairs[0, : at + 1].copy(), pairs[1, : at + 1].copy(), pairs[2, : at + 1].copy()
