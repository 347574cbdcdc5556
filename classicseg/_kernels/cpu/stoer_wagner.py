"""An order of the nodes of a graph, each time the one linked most to those before: a step towards its least cut.

The last node alone is then the least cut between the last two, and every link tells that no cut between its ends is
less than what the later end had gathered when the earlier one was added. Nodes that no cut below the least known one
can part are put into one group.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit_lean


def united(begin, head, weights, least):
    """Return the group (n,) of each node, named by one of its nodes; no cut below `least` parts nodes of one group.

    `least` is no more than any node's own links weigh, so that the last node is in a group with another one.
    """
    n = len(begin) - 1
    group = np.arange(n)
    _order(begin, head, weights, least, np.zeros(n), np.arange(n), np.arange(n), group)
    while not np.array_equal(group, group[group]):
        group = group[group]
    return group


@jit_lean
def _order(begin, head, weights, least, gathered, heap, place, group):
    """Write what each node had gathered when it was added, and the groups; the first of `heap` is linked most."""
    n = heap.shape[0]
    last, before = np.int64(0), np.int64(0)
    for size in range(n, 0, -1):
        before, last = last, heap[0]
        heap[0] = heap[size - 1]
        place[heap[0]] = 0
        place[last] = -1  # added
        _sink(heap, size - 1, gathered, place)
        for i in range(begin[last], begin[last + 1]):
            other = np.int64(head[i])
            if place[other] >= 0:
                gathered[other] += weights[i]
                _rise(heap, place[other], gathered, place)
                if gathered[other] >= least:
                    _unite(group, last, other)
    _unite(group, before, last)  # whatever rounding says: no cut parts the last two for less than the last one alone


@jit_lean
def _ahead(p, q, gathered):
    """Say whether node p comes before q: the one with more, a tie to the lower one."""
    return gathered[p] > gathered[q] or (gathered[p] == gathered[q] and p < q)


@jit_lean
def _rise(heap, at, gathered, place):
    node = heap[at]
    while at > 0:
        above = (at - 1) // 2
        if not _ahead(node, heap[above], gathered):
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = node
    place[node] = at


@jit_lean
def _sink(heap, size, gathered, place):
    if size == 0:
        return
    node, at = heap[0], 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and _ahead(heap[below + 1], heap[below], gathered):
            below += 1
        if not _ahead(heap[below], node, gathered):
            break
        heap[at] = heap[below]
        place[heap[at]] = at
        at = below
    heap[at] = node
    place[node] = at


@jit_lean
def _unite(group, p, q):
    """Put two nodes, and those of their groups, into one: the lower name stays."""
    while group[p] != p:
        group[p] = group[group[p]]
        p = np.int64(group[p])
    while group[q] != q:
        group[q] = group[group[q]]
        q = np.int64(group[q])
    group[max(p, q)] = min(p, q)
