"""What lies between regions: how long their borders are, how low their passes, and sums of planes along them.

Listed strip by strip in tables of their own, then added up in the order of the strips, so numbers do not depend on the
threads.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu._marks import list_marks, no_marks
from classicseg._kernels.cpu.contingency import in_order
from classicseg._kernels.cpu.regions import mark_borders, root
from classicseg._kernels.cpu.regions_graph import ROOM, Borders, slot_of
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips


class Passes(NamedTuple):
    """Pairs of regions that share a side of a pixel, the lower one first and in order."""

    pairs: np.ndarray  # (E, 2) int32
    lengths: np.ndarray  # (E,) int64: pairs of pixels, one in each
    lowest: np.ndarray  # (E,) float32: the least relief over which a way leads from one to the other
    sums: np.ndarray  # (E, G) float64: over those pairs of pixels, the larger of the two values in each plane


def passes(labels, relief, planes, n_threads=None):
    """Return the `Passes` between regions of an int32 image, 0 outside; `planes` (G, M, N) and `relief` are float32."""
    parts = [None] * n_strips(labels)

    def scan(block):
        parts[block] = _of_strip(labels, relief, planes, (block * STRIP, min((block + 1) * STRIP, labels.shape[0])))

    run_blocks(scan, len(parts), n_threads)
    return united(Passes(*(np.concatenate(part) for part in zip(*parts))))


def _of_strip(labels, relief, planes, rows):
    """As `passes`, of some rows and not in order. Where tables are full, all begins anew with larger ones."""
    room = ROOM * -(-labels.shape[1] // 256)
    while True:
        table = Borders(np.full(4 * room, -1, np.int32), np.empty((room, 2), np.int32), np.zeros(room, np.int64))
        lowest, sums = np.full(room, np.inf, np.float32), np.zeros((room, len(planes)))
        n_pairs = list_passes(labels, relief, planes, rows, table, lowest, sums)
        if n_pairs <= room:
            return Passes(table.pairs[:n_pairs], table.counts[:n_pairs], lowest[:n_pairs], sums[:n_pairs])
        room *= 4


@jit
def list_passes(labels, relief, planes, rows, table, lowest, sums):
    """Fill a table with the pairs of regions that touch in some rows or at the row above them; return how many.

    Each pixel looks left and up. Returns more than there is room for where the table is full. The place of the last
    pair is tried first, since borders go on. As in `list_borders`, whose loop takes a quarter longer where the two
    share the part that finds a pair.
    """
    slots, pairs, counts = table
    n_cols = labels.shape[1]
    n_pairs, at = 0, 0
    marks, places = no_marks(n_cols), np.empty(n_cols, np.int32)
    for row in range(rows[0], rows[1]):
        mark_borders(labels[max(row - 1, 0)], labels[row], False, marks)
        for i in range(list_marks(marks, places)):
            col = places[i]
            for step in range(2):
                r, c = row - step, col + step - 1
                if r < 0 or c < 0:
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
                lowest[at] = min(lowest[at], max(relief[r, c], relief[row, col]))
                for k in range(planes.shape[0]):
                    sums[at, k] += max(planes[k, r, c], planes[k, row, col])
    return n_pairs


def united(listed):
    """Return `Passes` in order, with what several entries of one pair have as one."""
    pairs = listed.pairs
    n_keys = int(pairs.max(initial=0)) + 1
    order = in_order(pairs[:, 1].astype(np.int64), np.arange(len(pairs)), n_keys)
    order = in_order(pairs[:, 0].astype(np.int64), order, n_keys)
    n_pairs = unite(*listed, order)
    return Passes(*(part[order[:n_pairs]] for part in listed))


def renamed(found, number):
    """Return the `Passes` between joined regions: `number` (R + 1,) is the new number of each."""
    pairs = np.sort(number[found.pairs], axis=1)
    apart = pairs[:, 0] != pairs[:, 1]
    return united(Passes(pairs[apart], *(part[apart] for part in found[1:])))


@jit
def unite(pairs, lengths, lowest, sums, order):
    """Add up entries of one pair, which lie side by side in `order`; return how many pairs stay, at its front."""
    n = 0
    for i in range(order.shape[0]):
        entry, into = order[i], order[max(n - 1, 0)]
        if n > 0 and pairs[entry, 0] == pairs[into, 0] and pairs[entry, 1] == pairs[into, 1]:
            lengths[into] += lengths[entry]
            lowest[into] = min(lowest[into], lowest[entry])
            for k in range(sums.shape[1]):
                sums[into, k] += sums[entry, k]
        else:
            order[n] = entry
            n += 1
    return n


def areas(labels, n_regions):
    """Return how many pixels each region 1..n has."""
    return np.bincount(labels.reshape(-1), minlength=n_regions + 1)[1:]


def joined(found, area, min_size, flat):
    """Return the number of each region, from 1, after joining those below `min_size`, or over passes up to `flat`, the
    lowest passes first; row 0 is for outside, 0. A tie goes to the lowest pair, and a joined region has the place of
    the first.
    """
    parent = np.arange(len(area) + 1)
    order = np.argsort(found.lowest, kind="stable")
    n_flat = int(np.searchsorted(found.lowest[order], flat, side="right"))
    join_small(found.pairs, order, n_flat, area.copy(), min_size, parent)
    number = np.cumsum(parent == np.arange(len(parent)), dtype=np.int32) - np.int32(1)
    return number[parent]


@jit
def join_small(pairs, order, n_flat, area, min_size, parent):
    """Join the regions of each pair, in `order`, where one is too small, and those of the first `n_flat`; write to
    `parent` (R + 1,) the lowest of each joined region. `area` (R,) is lost.
    """
    for i in range(order.shape[0]):
        low, high = np.int64(pairs[order[i], 0]), np.int64(pairs[order[i], 1])
        low, high = root(parent, low), root(parent, high)
        low, high = min(low, high), max(low, high)
        if low != high and (i < n_flat or min(area[low - 1], area[high - 1]) < min_size):
            parent[high] = low
            area[low - 1] += area[high - 1]
    for r in range(parent.shape[0]):
        parent[r] = parent[parent[r]]  # that of a lower region is known by now
