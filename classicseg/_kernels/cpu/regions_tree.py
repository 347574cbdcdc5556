"""Merging of regions, the closest pair of neighbours first, until no neighbours are left.

Every region knows the nearest of its neighbours, by the edge between them; a tournament of the regions finds the
nearest pair of all. What merging changes is looked at again, and nothing else.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips

WARD, MEAN, SINGLE, CONTRAST = range(4)


@jit
def merge_all(area, sums, edges, length, value, linkage):
    """Return the steps (n, 2), rows of the lower and the higher region, and the weight of each; changes its arguments.

    Edges (E + 1, 2) are rows, of which the merged region keeps the lower one; the last edge stands for none. `value`
    (E,) is what an edge has of its own: the mean difference for SINGLE, the sum of contrasts for CONTRAST. A tie goes
    to the lowest lower row, then to the lowest higher row.
    """
    n_regions, none = area.shape[0], edges.shape[0] - 1
    steps, heights = np.empty((n_regions, 2), np.int32), np.empty(n_regions)
    mean = sums.copy()
    for r in range(n_regions):
        mean[r] /= max(area[r], 1)
    weights, alive = np.full(none + 1, np.inf), np.ones(none + 1, np.bool_)
    first, last, following = _list_edges(edges, n_regions)
    nearest = np.full(n_regions, none)
    for e in range(none):
        weights[e] = _weigh(area, mean, edges, length, value, linkage, e)
        for side in range(2):
            if _precedes(weights, edges, e, nearest[edges[e, side]]):
                nearest[edges[e, side]] = e
    winners = _tournament(nearest, weights, edges)
    seen_in, edge_to = np.full(n_regions, -1, np.int64), np.empty(n_regions, np.int64)
    n_steps = 0
    while n_regions > 0 and nearest[winners[1]] != none:
        e = nearest[winners[1]]
        low, high = min(edges[e, 0], edges[e, 1]), max(edges[e, 0], edges[e, 1])
        steps[n_steps, 0], steps[n_steps, 1], heights[n_steps] = low, high, weights[e]
        area[low] += area[high]
        for c in range(sums.shape[1]):
            sums[low, c] += sums[high, c]
            mean[low, c] = sums[low, c] / area[low]
        following[last[low]] = first[high]  # both lists have the edge between the two
        last[low] = last[high]
        alive[e] = False
        half, before = first[low], np.int64(-1)
        while half >= 0:  # two edges to one neighbour become one; those that are no more are dropped
            edge, other, after = half // 2, edges[half // 2, 1 - half % 2], following[half]
            if alive[edge] and seen_in[other] == n_steps:
                _unite(length, value, weights, linkage, edge_to[other], edge)
                alive[edge] = False
                if nearest[other] == edge:
                    nearest[other] = edge_to[other]
            if alive[edge]:
                seen_in[other], edge_to[other] = n_steps, edge
                before = half
            elif before < 0:
                first[low] = after
            else:
                following[before] = after
            half = after
        last[low] = before
        nearest[low] = nearest[high] = none
        half = first[low]
        while half >= 0:
            edge, other, weight = half // 2, edges[half // 2, 1 - half % 2], weights[half // 2]
            edges[edge, half % 2] = low
            weights[edge] = _weigh(area, mean, edges, length, value, linkage, edge)
            if nearest[other] == edge:
                if weights[edge] > weight:
                    nearest[other] = _nearest_edge(first, following, alive, weights, edges, other)
                _play(winners, nearest, weights, edges, other)
            elif _precedes(weights, edges, edge, nearest[other]):
                nearest[other] = edge
                _play(winners, nearest, weights, edges, other)
            if _precedes(weights, edges, edge, nearest[low]):
                nearest[low] = edge
            half = following[half]
        _play(winners, nearest, weights, edges, low)
        _play(winners, nearest, weights, edges, high)
        n_steps += 1
    return steps[:n_steps].copy(), heights[:n_steps].copy()


@jit_inline
def _weigh(area, mean, edges, length, value, linkage, e):
    a, b = edges[e, 0], edges[e, 1]
    if linkage == SINGLE:
        return value[e]
    if linkage == CONTRAST:
        return value[e] / length[e]
    squares = 0.0
    for c in range(mean.shape[1]):
        squares += (mean[a, c] - mean[b, c]) * (mean[a, c] - mean[b, c])
    if linkage == WARD:
        return squares * (np.float64(area[a]) * area[b] / (area[a] + area[b]))
    return np.sqrt(squares)


@jit_inline
def _unite(length, value, weights, linkage, kept, gone):
    """Give an edge what another one between the same regions has, and the lower weight of the two until now."""
    length[kept] += length[gone]
    if linkage == SINGLE:
        value[kept] = min(value[kept], value[gone])
    else:
        value[kept] += value[gone]
    weights[kept] = min(weights[kept], weights[gone])


@jit_inline
def _precedes(weights, edges, e, f):
    """Say whether edge e is to be merged before f."""
    if weights[e] != weights[f]:
        return weights[e] < weights[f]
    low_e, low_f = min(edges[e, 0], edges[e, 1]), min(edges[f, 0], edges[f, 1])
    return low_e < low_f or (low_e == low_f and max(edges[e, 0], edges[e, 1]) < max(edges[f, 0], edges[f, 1]))


@jit
def _list_edges(edges, n_regions):
    """Return the edges of each region as a linked list: the first half edge, the last one, and what follows each.

    Half edge 2e is the side of ``edges[e, 0]``, 2e + 1 the other.
    """
    first, last = np.full(n_regions, -1, np.int64), np.full(n_regions, -1, np.int64)
    following = np.full(2 * edges.shape[0], -1, np.int64)
    for half in range(2 * edges.shape[0] - 2):
        owner = edges[half // 2, half % 2]
        if last[owner] < 0:
            first[owner] = half
        else:
            following[last[owner]] = half
        last[owner] = half
    return first, last, following


@jit
def _nearest_edge(first, following, alive, weights, edges, region):
    best = edges.shape[0] - 1
    half = first[region]
    while half >= 0:
        if alive[half // 2] and _precedes(weights, edges, half // 2, best):
            best = half // 2
        half = following[half]
    return best


@jit
def _tournament(nearest, weights, edges):
    """Return who wins between regions 2i and 2i + 1 at place i, from the leaves at n, ..., 2n - 1 down to 1.

    A region that has no neighbour loses; leaves beyond the last region stand for it.
    """
    n_leaves = 1
    while n_leaves < nearest.shape[0]:
        n_leaves *= 2
    winners = np.empty(2 * n_leaves, np.int64)
    for i in range(n_leaves):
        winners[n_leaves + i] = min(i, nearest.shape[0] - 1)
    for i in range(n_leaves - 1, 0, -1):
        winners[i] = _winner(winners, nearest, weights, edges, i)
    return winners


@jit_inline
def _winner(winners, nearest, weights, edges, i):
    a, b = winners[2 * i], winners[2 * i + 1]
    return a if not _precedes(weights, edges, nearest[b], nearest[a]) else b


@jit
def _play(winners, nearest, weights, edges, region):
    """Play the games of a region anew, as far as they can have another result."""
    i = (winners.shape[0] // 2 + region) // 2
    while i > 0:
        before = winners[i]
        winners[i] = _winner(winners, nearest, weights, edges, i)
        if winners[i] == before != region:
            break
        i //= 2


# --- Cuts ------------------------------------------------------------------------------------------------------


def renumbered(labels, numbers, n_threads=None, out=None):
    """Return ``numbers[labels]``, written to `out` where there is one, which may be `labels`."""
    out = np.empty(labels.shape, numbers.dtype) if out is None else out

    def paint(block):
        here = slice(block * STRIP, (block + 1) * STRIP)
        look_up(labels[here].reshape(-1), numbers, out[here].reshape(-1))

    run_blocks(paint, n_strips(labels), n_threads)
    return out


@jit
def look_up(labels, numbers, out):
    for i in range(labels.shape[0]):
        out[i] = numbers[np.uint32(labels[i])]  # with an index that may be negative it takes a third longer
