"""Merging of regions, the closest pair of neighbours first, until no neighbours are left.

Edges wait in a heap that knows the place of each, so that the edges of a new region change their weights there.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips

WARD, MEAN, SINGLE, CONTRAST = range(4)


@jit
def merge_all(area, sums, edges, length, value, linkage):
    """Return the steps (n, 2), rows of the lower and the higher region, and the weight of each; changes its arguments.

    Edges (E, 2) are rows, of which the merged region keeps the lower one. `value` (E,) is what an edge has of its
    own: the mean difference for SINGLE, the contrast for CONTRAST. A tie goes to the lowest lower row, then to the
    lowest higher row.
    """
    n_regions, n_edges = area.shape[0], edges.shape[0]
    steps, heights = np.empty((n_regions, 2), np.int32), np.empty(n_regions)
    weights, ranks = np.empty(n_edges), np.empty(n_edges, np.int64)  # equal weights are told apart by ranks
    heap, place = np.arange(n_edges), np.arange(n_edges)
    first, last, following = _list_edges(edges, n_regions)
    for e in range(n_edges):
        weights[e], ranks[e] = _weigh(area, sums, edges, length, value, linkage, e), _rank(edges, e)
    for at in range(n_edges // 2 - 1, -1, -1):
        _settle(heap, place, weights, ranks, at, n_edges)
    seen_in, edge_to = np.full(n_regions, -1, np.int64), np.empty(n_regions, np.int64)
    n_left, n_steps = n_edges, 0
    while n_left > 0:
        e = heap[0]
        low, high = min(edges[e, 0], edges[e, 1]), max(edges[e, 0], edges[e, 1])
        steps[n_steps, 0], steps[n_steps, 1], heights[n_steps] = low, high, weights[e]
        n_left = _remove(heap, place, weights, ranks, e, n_left)
        area[low] += area[high]
        for c in range(sums.shape[1]):
            sums[low, c] += sums[high, c]
        _append(first, last, following, low, high)
        half = _next_half(first, last, following, low, -1)
        before = np.int64(-1)
        while half >= 0:  # two edges to one neighbour become one; what no longer waits is dropped
            edge, other = half // 2, edges[half // 2, 1 - half % 2]
            if place[edge] >= 0 and seen_in[other] == n_steps:
                _unite(length, value, linkage, edge_to[other], edge)
                n_left = _remove(heap, place, weights, ranks, edge, n_left)
            if place[edge] < 0:
                _drop(first, last, following, low, before, half)
            else:
                seen_in[other], edge_to[other] = n_steps, edge
                before = half
            half = _next_half(first, last, following, low, before)
        half = _next_half(first, last, following, low, -1)
        while half >= 0:  # one at a time, so that the rest of the heap is in order meanwhile
            edge = half // 2
            edges[edge, half % 2] = low
            weights[edge], ranks[edge] = _weigh(area, sums, edges, length, value, linkage, edge), _rank(edges, edge)
            _settle(heap, place, weights, ranks, _rise(heap, place, weights, ranks, place[edge]), n_left)
            half = _next_half(first, last, following, low, half)
        n_steps += 1
    return steps[:n_steps].copy(), heights[:n_steps].copy()


@jit_inline
def _weigh(area, sums, edges, length, value, linkage, e):
    a, b = edges[e, 0], edges[e, 1]
    if linkage == SINGLE:
        return value[e]
    if linkage == CONTRAST:
        return value[e] / length[e]
    squares = 0.0
    for c in range(sums.shape[1]):
        difference = sums[a, c] / area[a] - sums[b, c] / area[b]
        squares += difference * difference
    if linkage == WARD:
        return squares * (np.float64(area[a]) * area[b] / (area[a] + area[b]))
    return np.sqrt(squares)


@jit_inline
def _unite(length, value, linkage, kept, gone):
    """Give an edge what another one between the same regions has."""
    length[kept] += length[gone]
    if linkage == SINGLE:
        value[kept] = min(value[kept], value[gone])
    else:
        value[kept] += value[gone]


@jit_inline
def _rank(edges, e):
    return np.int64(min(edges[e, 0], edges[e, 1])) * (1 << 32) + max(edges[e, 0], edges[e, 1])


# --- The edges of each region: a linked list of half edges; 2e is the side of edges[e, 0], 2e + 1 the other --------


@jit
def _list_edges(edges, n_regions):
    first, last = np.full(n_regions, -1, np.int64), np.full(n_regions, -1, np.int64)
    following = np.full(2 * edges.shape[0], -1, np.int64)
    for half in range(2 * edges.shape[0]):
        owner = edges[half // 2, half % 2]
        if last[owner] < 0:
            first[owner] = half
        else:
            following[last[owner]] = half
        last[owner] = half
    return first, last, following


@jit_inline
def _append(first, last, following, low, high):
    """Append the list of one region to that of another; both have an edge, the one between them."""
    following[last[low]] = first[high]
    last[low] = last[high]


@jit_inline
def _next_half(first, last, following, owner, half):
    """Return the half edge after `half` in the list, the first one for -1; -1 at the end."""
    return first[owner] if half < 0 else following[half]


@jit_inline
def _drop(first, last, following, owner, before, half):
    """Take a half edge out of a list, where it stands after `before`."""
    if before < 0:
        first[owner] = following[half]
    else:
        following[before] = following[half]
    if following[half] < 0:
        last[owner] = before


# --- A heap of edges that knows the place of each, -1 for those that are out -----------------------------------


@jit_inline
def _precedes(weights, ranks, e, f):
    return weights[e] < weights[f] or (weights[e] == weights[f] and ranks[e] < ranks[f])


@jit
def _rise(heap, place, weights, ranks, at):
    """Move an edge up to where it belongs and return its place."""
    e = heap[at]
    while at > 0 and _precedes(weights, ranks, e, heap[(at - 1) // 2]):
        heap[at] = heap[(at - 1) // 2]
        place[heap[at]] = at
        at = (at - 1) // 2
    heap[at], place[e] = e, at
    return at


@jit
def _settle(heap, place, weights, ranks, at, n):
    """Move an edge down to where it belongs, in a heap of n edges."""
    e = heap[at]
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and _precedes(weights, ranks, heap[child + 1], heap[child]):
            child += 1
        if not _precedes(weights, ranks, heap[child], e):
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    heap[at], place[e] = e, at


@jit
def _remove(heap, place, weights, ranks, e, n):
    """Take an edge out of a heap of n edges, and return how many are left."""
    at = place[e]
    place[e] = -1
    if at < n - 1:
        heap[at] = heap[n - 1]
        place[heap[at]] = at
        _settle(heap, place, weights, ranks, _rise(heap, place, weights, ranks, at), n - 1)
    return n - 1


# --- Cuts ------------------------------------------------------------------------------------------------------


def renumbered(labels, numbers, n_threads=None):
    """Return ``numbers[labels]``."""
    out = np.empty(labels.shape, numbers.dtype)

    def look_up(block):
        here = slice(block * STRIP, (block + 1) * STRIP)
        np.take(numbers, labels[here], out=out[here], mode="clip")  # without "clip" the result is made twice

    run_blocks(look_up, n_strips(labels), n_threads)
    return out
