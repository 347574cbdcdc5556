"""Which regions lie side by side, along how many pixels and how sharply parted; sums of an image over regions.

Borders are listed strip by strip in tables of their own, then added up in the order of the strips, so numbers do not
depend on the threads.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu._marks import list_marks, no_marks
from classicseg._kernels.cpu.contingency import in_order
from classicseg._kernels.cpu.regions import mark_borders
from classicseg._kernels.cpu.regions_runs import STRIP, for_regions, n_strips, region_runs

ROOM = 1024  # borders that a table holds at first


def sums(labels, image, n_regions, n_threads=None):
    """Return the first pixel (R,), -1 for none, area (R,) and sums (R, C) of the regions 1..R; `image` is (pixels, C).

    Values are added in raster order; sums of narrow integers are exact.
    """
    runs = region_runs(labels, n_regions, n_threads)
    found = np.zeros((n_regions, image.shape[1]))
    zero = np.int64(0) if image.dtype in (np.uint8, np.uint16) else np.float64(0)
    for_regions(lambda begin, end: add_values(image, runs[:3], begin, end, zero, found), runs.area, n_threads)
    present = runs.area > 0
    first_pixel = np.full(n_regions, -1, np.int64)
    first_pixel[present] = runs.begins[runs.first[:-1][present]]
    return first_pixel, runs.area, found


@jit
def add_values(image, runs, first_region, last_region, zero, out):
    """Add up the values of regions; `zero` says by its type in which arithmetic."""
    first, begins, ends = runs
    for r in range(first_region, last_region):
        for c in range(image.shape[1]):
            total = zero
            for i in range(first[r], first[r + 1]):
                line = image[begins[i] : ends[i], c]
                for k in range(line.shape[0]):
                    total += line[k]
            out[r, c] = total


def borders(labels, image, connectivity, n_threads=None):
    """Return the pairs of regions that touch (E, 2), lower first and in order, with pixel pairs and contrast sums (E,).

    `image` is (M, N, C); regions are named 1..R, and so in the pairs. The contrast of two pixels is the distance of
    their values.
    """
    parts = [None] * n_strips(labels)

    def scan(block):
        rows = (block * STRIP, min((block + 1) * STRIP, labels.shape[0]))
        parts[block] = _borders_of_strip(labels, image, rows, connectivity == 2)

    run_blocks(scan, len(parts), n_threads)
    pairs, counts, contrasts = (np.concatenate(part) for part in zip(*parts))
    n_keys = int(pairs.max(initial=0)) + 1
    order = in_order(pairs[:, 1].astype(np.int64), np.arange(len(pairs)), n_keys)
    order = in_order(pairs[:, 0].astype(np.int64), order, n_keys)
    n_pairs = add_up(pairs, counts, contrasts, order)
    return pairs[order[:n_pairs]], counts[order[:n_pairs]], contrasts[order[:n_pairs]]


def _borders_of_strip(labels, image, rows, diagonal):
    """As `borders`, of some rows. Where tables are full, all begins anew with larger ones: it is seldom, and tables
    that the kernel replaces by others would make every look at them slow.
    """
    room = ROOM
    while True:
        table = Borders(np.full(4 * room, -1, np.int32), np.empty((room, 2), np.int32), np.zeros(room, np.int64))
        contrasts = np.zeros(room)
        n_pairs = list_borders(labels, image, rows, diagonal, table, contrasts)
        if n_pairs <= room:
            return table.pairs[:n_pairs], table.counts[:n_pairs], contrasts[:n_pairs]
        room *= 4


class Borders(NamedTuple):
    """Pairs of regions that touch, the lower one first, and the pixel pairs of each; found by hashing."""

    slots: np.ndarray  # a power of 2 of them: the place of a pair in the tables, -1 for none
    pairs: np.ndarray  # (room, 2)
    counts: np.ndarray  # (room,)


@jit
def list_borders(labels, image, rows, diagonal, table, contrasts):
    """Fill a table with the pairs of regions that touch in some rows or at the row above them; return how many.

    Each pixel looks left and up, with `diagonal` to both corners above too. Returns more than there is room for where
    the table is full. The place of the last pair is tried first, since borders go on.
    """
    slots, pairs, counts = table
    n_cols = labels.shape[1]
    n_pairs, at = 0, 0
    marks, places = no_marks(n_cols), np.empty(n_cols, np.int32)
    for row in range(rows[0], rows[1]):
        mark_borders(labels[max(row - 1, 0)], labels[row], diagonal, marks)
        for i in range(list_marks(marks, places)):
            col = places[i]
            for step in range(4 if diagonal else 2):
                r = row if step == 0 else row - 1
                c = col + 1 if step == 3 else (col if step == 1 else col - 1)
                if r < 0 or c < 0 or c >= n_cols:
                    continue
                low, high = min(labels[r, c], labels[row, col]), max(labels[r, c], labels[row, col])
                if low <= 0 or low == high:
                    continue
                if n_pairs == 0 or pairs[at, 0] != low or pairs[at, 1] != high:
                    slot = slot_of(slots, pairs, low, high)
                    if slots[slot] < 0:
                        if n_pairs == counts.shape[0]:
                            return n_pairs + 1
                        pairs[n_pairs, 0], pairs[n_pairs, 1] = low, high
                        slots[slot] = n_pairs
                        n_pairs += 1
                    at = slots[slot]
                counts[at] += 1
                contrasts[at] += _distance(image, row, col, r, c)
    return n_pairs


@jit_inline
def slot_of(slots, pairs, low, high):
    """Return the slot that holds the place of a pair, or the free one that is to hold it."""
    key = np.int64(low) * 2654435761 + np.int64(high) * 40503  # below 2^63 for any two labels
    slot = (key ^ (key >> 17)) & (slots.shape[0] - 1)
    while slots[slot] >= 0 and (pairs[slots[slot], 0] != low or pairs[slots[slot], 1] != high):
        slot = (slot + 1) & (slots.shape[0] - 1)
    return slot


@jit_inline
def _distance(image, row, col, r, c):
    squares = 0.0
    for k in range(image.shape[2]):
        difference = np.float64(image[row, col, k]) - np.float64(image[r, c, k])
        squares += difference * difference
    return np.sqrt(squares)


@jit
def add_up(pairs, counts, contrasts, order):
    """Add up entries of one pair, which lie side by side in `order`; return how many pairs stay, at its front."""
    n = 0
    for i in range(order.shape[0]):
        entry, into = order[i], order[max(n - 1, 0)]
        if n > 0 and pairs[entry, 0] == pairs[into, 0] and pairs[entry, 1] == pairs[into, 1]:
            counts[into] += counts[entry]
            contrasts[into] += contrasts[entry]
        else:
            order[n] = entry
            n += 1
    return n


@jit
def adjacency(edges, n_regions):
    """Return the neighbours of every region, ascending, as CSR (indptr, indices), and the edge of each entry.

    `edges` (E, 2) are rows, from 0, lower first and in order.
    """
    indptr = np.zeros(n_regions + 1, np.int64)
    for e in range(edges.shape[0]):
        indptr[edges[e, 0] + 1] += 1
        indptr[edges[e, 1] + 1] += 1
    for r in range(n_regions):
        indptr[r + 1] += indptr[r]
    place = indptr[:-1].copy()
    indices, edge_of = np.empty(2 * edges.shape[0], np.int32), np.empty(2 * edges.shape[0], np.int64)
    for side in range(2):  # the lower neighbours of all regions first, then the higher ones
        for e in range(edges.shape[0]):
            at = place[edges[e, 1 - side]]
            indices[at], edge_of[at] = edges[e, side], e
            place[edges[e, 1 - side]] += 1
    return indptr, indices, edge_of
