"""Maximum flow on a graph of any shape: shortest paths are filled level by level, until none is left.

Source: E. A. Dinic, "Algorithm for Solution of a Problem of Maximum Flow in Networks with Power Estimation", Soviet
Math. Doklady 11, 1970.

- `links` (L, 3) int64: HEAD that each link leads to, its TWIN, the same link the other way, and ROOM, what it can
  still carry. Those of node p are ``links[begin[p] : begin[p + 1]]``.
- `nodes` (n, 3) int64: EXCESS that the source still feeds (less than 0: that the sink still takes), LEVEL, the
  distance from the source, -1 for none, and NEXT, the first link that may still lead on.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit_lean

HEAD, TWIN, ROOM = range(3)
EXCESS, LEVEL, NEXT = range(3)


def least_cut(begin, head, twin, room, excess):
    """Return which nodes the source still reaches when no more can flow, and the flow; all are whole numbers."""
    links = np.stack([head, twin, room], axis=1).astype(np.int64)
    nodes = np.zeros((len(excess), 3), np.int64)
    nodes[:, EXCESS] = excess
    flow = _run(begin, links, nodes, np.empty(len(nodes) + 1, np.int64))
    return nodes[:, LEVEL] >= 0, int(flow)


@jit_lean
def _run(begin, links, nodes, row):
    flow = np.int64(0)
    while _levels(begin, links, nodes, row):
        for p in range(nodes.shape[0]):
            nodes[p, NEXT] = begin[p]
        for p in range(nodes.shape[0]):
            flow += _drain(p, begin, links, nodes, row)
    return flow


@jit_lean
def _levels(begin, links, nodes, queue):
    """Write how far each node is from the source, and say whether a path leads to the sink."""
    last, at, meets = 0, 0, False
    for p in range(nodes.shape[0]):
        nodes[p, LEVEL] = -1
        if nodes[p, EXCESS] > 0:
            nodes[p, LEVEL] = 0
            queue[last] = p
            last += 1
    while at < last:
        p = queue[at]
        at += 1
        meets = meets or nodes[p, EXCESS] < 0
        for i in range(begin[p], begin[p + 1]):
            if links[i, ROOM] > 0 and nodes[links[i, HEAD], LEVEL] < 0:
                nodes[links[i, HEAD], LEVEL] = nodes[p, LEVEL] + 1
                queue[last] = links[i, HEAD]
                last += 1
    return meets


@jit_lean
def _drain(first, begin, links, nodes, path):
    """Push what a node of the source has, each time along a path that leads one level on with every link."""
    flow, p, length = np.int64(0), np.int64(first), 0
    while nodes[first, EXCESS] > 0:
        i = nodes[p, NEXT]
        if nodes[p, EXCESS] < 0:
            flow += _push(first, p, links, nodes, path, length)
            p, length = np.int64(first), 0
        elif i < begin[p + 1]:
            if links[i, ROOM] > 0 and nodes[links[i, HEAD], LEVEL] == nodes[p, LEVEL] + 1:
                path[length] = i
                length += 1
                p = links[i, HEAD]
            else:
                nodes[p, NEXT] += 1
        elif length == 0:
            break
        else:  # a dead end
            length -= 1
            p = links[links[path[length], TWIN], HEAD]
            nodes[p, NEXT] += 1
    return flow


@jit_lean
def _push(first, last, links, nodes, path, length):
    amount = min(nodes[first, EXCESS], -nodes[last, EXCESS])
    for k in range(length):
        amount = min(amount, links[path[k], ROOM])
    for k in range(length):
        links[path[k], ROOM] -= amount
        links[links[path[k], TWIN], ROOM] += amount
    nodes[first, EXCESS] -= amount
    nodes[last, EXCESS] += amount
    return amount
