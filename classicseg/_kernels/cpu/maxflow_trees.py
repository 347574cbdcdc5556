"""Maximum flow by two trees, from the source and from the sink, that grow until they meet, path after path.

Where they meet, flow is pushed along the path. Nodes behind links that are then full are orphans: each looks for
another parent whose path still leads to the root, the nearest one, and leaves its tree when there is none. Source:
Y. Boykov, V. Kolmogorov, "An Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy Minimization in
Vision", IEEE Trans. Pattern Anal. Mach. Intell. 26(9), 2004, doi:10.1109/TPAMI.2004.60.

- `capacity` (n, D) int32: what the link of a node in each direction can still carry; d ^ 1 is opposite to d, and
  ``shifts[d]`` leads to the neighbour.
- `nodes` (n, 4) int32: EXCESS that the source still feeds (less than 0: that the sink still takes); ARC, 1 plus the
  direction of the parent, or ROOT or NONE, negative in the tree of the sink, and 0 in neither tree; DISTANCE to the
  root and the TIME when that was so.
- `rings` (2, 2**k >= n) int32: nodes that may grow, and orphans; `state` (3, 2) int64: how many were taken out of each
  ring and how many are in it, and at last the time. `listed` (n,) int8: whether a node is in the first ring.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit_inline, jit_lean

EXCESS, ARC, DISTANCE, TIME = range(4)
ROOT, NONE = 1000, 1001  # more than directions there are
GROWING, ORPHANS, CLOCK = range(3)
FIRST, COUNT = range(2)
FAR = 2**31 - 1


def run(capacity, nodes, shifts):
    """Push all that can flow, and return how much that is; nodes with an ARC above 0 are what the source reaches."""
    rings = np.empty((2, 1 << (len(nodes) - 1).bit_length()), np.int32)
    return int(_run(capacity, shifts, nodes, rings, np.zeros(len(nodes), np.int8), np.zeros((3, 2), np.int64)))


@jit_lean
def _run(capacity, shifts, nodes, rings, listed, state):
    for p in range(nodes.shape[0]):
        if nodes[p, EXCESS] != 0:
            nodes[p, ARC], nodes[p, DISTANCE] = ROOT if nodes[p, EXCESS] > 0 else -ROOT, 1
            _grow_later(p, rings, listed, state)
    flow = np.int64(0)
    while state[GROWING, COUNT] > 0:
        p = _first(GROWING, rings, state)
        listed[p] = 0
        if nodes[p, ARC] != 0:
            flow += _grow(p, capacity, shifts, nodes, rings, listed, state)
    return flow


@jit_lean
def _grow(p, capacity, shifts, nodes, rings, listed, state):
    """Take the free neighbours of a node into its tree, and push where the other tree is next to it."""
    flow, d = np.int64(0), 0
    sign = 1 if nodes[p, ARC] > 0 else -1
    while d < shifts.shape[0]:
        q = p + shifts[d]
        if not _leads(sign, p, q, d, capacity):
            d += 1
            continue
        other = nodes[q, ARC] * sign
        if other < 0:
            state[CLOCK, 0] += 1
            tail, arc = (p, d) if sign > 0 else (q, d ^ 1)
            flow += _push(tail, arc, capacity, shifts, nodes, rings, state)
            _adopt_all(capacity, shifts, nodes, rings, listed, state)
            if nodes[p, ARC] * sign <= 0:
                break
            continue  # that link may carry more
        nearer = nodes[q, TIME] <= nodes[p, TIME] and nodes[q, DISTANCE] > nodes[p, DISTANCE]
        if other == 0 or nearer:
            nodes[q, ARC] = sign * ((d ^ 1) + 1)
            nodes[q, TIME], nodes[q, DISTANCE] = nodes[p, TIME], nodes[p, DISTANCE] + 1
        if other == 0:
            _grow_later(q, rings, listed, state)
        d += 1
    return flow


@jit_inline
def _leads(sign, p, q, d, capacity):
    """Say whether p can be the parent of its neighbour q in direction d; in the sink's tree flow goes to the parent."""
    return (capacity[p, d] if sign > 0 else capacity[q, d ^ 1]) > 0


@jit_lean
def _push(tail, arc, capacity, shifts, nodes, rings, state):
    """Push along the path through a link from the source's tree to the sink's, as much as it carries."""
    head, amount = tail + shifts[arc], np.int64(capacity[tail, arc])
    for sign in (1, -1):  # a variable: Numba compiles functions anew for numbers that it knows
        amount = min(amount, _room(sign, tail if sign > 0 else head, capacity, shifts, nodes))
    capacity[tail, arc] -= amount
    capacity[head, arc ^ 1] += amount
    for sign in (1, -1):
        _pass(sign, tail if sign > 0 else head, amount, capacity, shifts, nodes, rings, state)
    return amount


@jit_lean
def _room(sign, p, capacity, shifts, nodes):
    """Return what the path between a node and its root can carry."""
    room, arc = np.int64(FAR), nodes[p, ARC] * sign
    while arc != ROOT:
        d = arc - 1
        q = p + shifts[d]
        room = min(room, capacity[q, d ^ 1] if sign > 0 else capacity[p, d])
        p, arc = q, nodes[q, ARC] * sign
    return min(room, nodes[p, EXCESS] * sign)


@jit_lean
def _pass(sign, p, amount, capacity, shifts, nodes, rings, state):
    """Change what the path between a node and its root carries; who is behind a full link becomes an orphan."""
    arc = nodes[p, ARC] * sign
    while arc != ROOT:
        d = arc - 1
        q = p + shifts[d]
        capacity[q, d ^ 1] -= sign * amount
        capacity[p, d] += sign * amount
        if not _leads(sign, q, p, d ^ 1, capacity):
            _orphan(sign, p, nodes, rings, state)
        p, arc = q, nodes[q, ARC] * sign
    nodes[p, EXCESS] -= sign * amount
    if nodes[p, EXCESS] == 0:
        _orphan(sign, p, nodes, rings, state)


@jit_lean
def _adopt_all(capacity, shifts, nodes, rings, listed, state):
    """Find a parent for each orphan; those that find none leave the tree, and their children are orphans."""
    while state[ORPHANS, COUNT] > 0:
        p = _first(ORPHANS, rings, state)
        sign = 1 if nodes[p, ARC] > 0 else -1
        parent = _parent(sign, p, capacity, shifts, nodes, state[CLOCK, 0])
        nodes[p, ARC] = sign * (parent + 1)
        if parent >= 0:
            continue
        for d in range(shifts.shape[0]):
            q = p + shifts[d]
            if nodes[q, ARC] * sign > 0:
                if _leads(sign, q, p, d ^ 1, capacity):
                    _grow_later(q, rings, listed, state)
                if nodes[q, ARC] * sign == (d ^ 1) + 1:
                    _orphan(sign, q, nodes, rings, state)


@jit_lean
def _parent(sign, p, capacity, shifts, nodes, time):
    """Return the direction of the neighbour that is nearest to its root, the first of several, or -1."""
    parent, least = -1, FAR
    for d in range(shifts.shape[0]):
        q = p + shifts[d]
        if nodes[q, ARC] * sign > 0 and _leads(sign, q, p, d ^ 1, capacity):
            distance = _distance(sign, q, shifts, nodes, time)
            if distance < least:
                parent, least = d, distance
    if parent >= 0:
        nodes[p, TIME], nodes[p, DISTANCE] = time, least + 1
    return parent


@jit_lean
def _distance(sign, first, shifts, nodes, time):
    """Return how far a node is from its root, FAR when its path ends at an orphan; all on the way remember it."""
    distance, p = 0, first
    while nodes[p, TIME] != time:
        arc = nodes[p, ARC] * sign
        distance += 1
        if arc == NONE:
            return FAR
        if arc == ROOT:
            nodes[p, TIME], nodes[p, DISTANCE] = time, 1
            distance -= 1
            break
        p += shifts[arc - 1]
    distance += nodes[p, DISTANCE]
    p, left = first, distance
    while nodes[p, TIME] != time:
        nodes[p, TIME], nodes[p, DISTANCE] = time, left
        left -= 1
        p += shifts[nodes[p, ARC] * sign - 1]
    return distance


@jit_lean
def _grow_later(p, rings, listed, state):
    if listed[p] == 0:
        listed[p] = 1
        _append(GROWING, p, rings, state)


@jit_lean
def _orphan(sign, p, nodes, rings, state):
    nodes[p, ARC] = sign * NONE
    _append(ORPHANS, p, rings, state)


@jit_lean
def _append(ring, p, rings, state):
    rings[ring, (state[ring, FIRST] + state[ring, COUNT]) & (rings.shape[1] - 1)] = p
    state[ring, COUNT] += 1


@jit_lean
def _first(ring, rings, state):
    """Take the first node out of a ring."""
    p = np.int64(rings[ring, state[ring, FIRST] & (rings.shape[1] - 1)])
    state[ring, FIRST] += 1
    state[ring, COUNT] -= 1
    return p
