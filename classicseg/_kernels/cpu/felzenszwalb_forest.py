"""A forest of pixels: a link leads to a pixel nearer the root, or is minus the number of pixels at a root."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called
from classicseg._kernels.cpu.felzenszwalb_edges import MOST_PIXELS


@jit_called
def root_of(link, pixel):
    """Return the root of a pixel, and halve the way to it. Without a sign, an index costs a sixth less."""
    up = link[pixel]
    while up >= 0:
        above = link[np.uint32(up)]
        if above < 0:
            return np.uint32(up)
        link[pixel] = above
        pixel = np.uint32(above)
        up = link[pixel]
    return pixel


@jit_called
def ends_of(edge, steps):
    """Return the upper and the lower pixel of an edge; `steps` lead from one to the other in each direction."""
    pixel = edge & np.uint32(MOST_PIXELS - 1)
    return pixel, np.uint32(pixel + steps[edge >> np.uint32(30)])


@jit_called
def unite(link, a, b):
    """Link the smaller of two regions to the other; return the root and how many pixels it has."""
    at_a, at_b = link[a], link[b]
    if at_b < at_a:
        a, b = b, a
    link[a] = at_a + at_b
    link[b] = np.int32(a)
    return a, -(at_a + at_b)


@jit
def merge(weights, edges, begins, sizes, n_cols, scale, link, limit):
    """Join the regions at the ends of each edge that is lighter than the limit of both."""
    steps = np.array([1, n_cols, n_cols + 1, n_cols - 1], np.uint32)
    for bucket in range(begins.shape[0]):
        here = slice(begins[bucket], begins[bucket] + sizes[bucket])
        edges_here, weights_here = edges[here], weights[here]
        for i in range(edges_here.shape[0]):
            upper, lower = ends_of(edges_here[i], steps)
            a, b = root_of(link, upper), root_of(link, lower)
            if a == b:
                continue
            weight = weights_here[i]
            if weight < limit[a] and weight < limit[b]:
                root, size = unite(link, a, b)
                limit[root] = weight + scale / size


@jit
def join_small(edges, begins, sizes, n_cols, min_size, link):
    """Join the regions at the ends of each edge where either is small."""
    steps = np.array([1, n_cols, n_cols + 1, n_cols - 1], np.uint32)
    for bucket in range(begins.shape[0]):
        edges_here = edges[begins[bucket] : begins[bucket] + sizes[bucket]]
        for i in range(edges_here.shape[0]):
            upper, lower = ends_of(edges_here[i], steps)
            a, b = root_of(link, upper), root_of(link, lower)
            if a != b and (-link[a] < min_size or -link[b] < min_size):
                unite(link, a, b)


@jit_called
def settle(link, first, line):
    """Write the roots of a row of pixels, of which `first` is the first, and link each pixel to its root.

    All step upwards together until none moves: what is loaded depends on no branch. Links of other rows are read while
    others write them, and lead to one root at any time.
    """
    n = line.shape[0]
    links = link[first : first + n]
    for x in range(n):
        line[x] = first + x if links[x] < 0 else links[x]
    moved = True
    while moved:
        moved = False
        for x in range(n):
            up = link[np.uint32(line[x])]
            above = line[x] if up < 0 else up
            moved |= above != line[x]
            line[x] = above
    for x in range(n):
        links[x] = links[x] if links[x] < 0 else line[x]


@jit
def mark_alive(link, limit, least, homes, start, stop):
    """Write the roots of pixels in rows `start` to `stop`, ~root where no edge of weight `least` or more can join it.

    Says whether there is one that an edge can join.
    """
    n_cols, found = homes.shape[1], False
    for row in range(start, stop):
        line = homes[row]
        settle(link, row * n_cols, line)
        for x in range(n_cols):
            alive = limit[np.uint32(line[x])] > least
            line[x] = line[x] if alive else ~line[x]
            found |= alive
    return found


@jit
def mark_small(link, min_size, homes, start, stop):
    """Write the roots of pixels in rows `start` to `stop`, ~root where a region is small; say whether there is one."""
    n_cols, found = homes.shape[1], False
    for row in range(start, stop):
        line = homes[row]
        settle(link, row * n_cols, line)
        for x in range(n_cols):
            small = -link[np.uint32(line[x])] < min_size
            line[x] = ~line[x] if small else line[x]
            found |= small
    return found


@jit
def number(link, planes, labels):
    """Write the number of each pixel's region, from 0 by first pixel; -1 where a plane is NaN."""
    n_cols, gone = labels.shape[1], -labels.size - 1  # a root of number i is linked to gone - i
    count = 0
    for row in range(labels.shape[0]):
        line, values = labels[row], planes[0, row]
        for col in range(n_cols):
            root = line[col]
            if np.isnan(values[col]):
                line[col] = -1
                continue
            known = link[root]
            if known > gone:
                known = gone - count
                link[root] = known
                count += 1
            line[col] = gone - known
