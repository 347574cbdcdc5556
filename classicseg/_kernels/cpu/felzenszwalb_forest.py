"""A forest of pixels: a link leads to a pixel nearer the root, or is minus the number of pixels at a root."""

import numpy as np

from classicseg._kernels.cpu._jit import jit
from classicseg._kernels.cpu.felzenszwalb_edges import MOST_PIXELS


@jit
def root_of(link, pixel):
    """Return the root of a pixel, and halve the way to it."""
    up = link[pixel]
    while up >= 0:
        above = link[up]
        if above < 0:
            return np.int64(up)
        link[pixel] = above
        pixel = np.int64(above)
        up = link[pixel]
    return pixel


@jit
def merge(weights, edges, begins, sizes, n_cols, scale, link, limit):
    """Join the regions at the ends of each edge that is lighter than the limit of both."""
    steps = np.array([1, n_cols, n_cols + 1, n_cols - 1])
    for bucket in range(begins.shape[0]):
        for i in range(begins[bucket], begins[bucket] + sizes[bucket]):
            code = np.int64(edges[i])
            pixel = code & (MOST_PIXELS - 1)
            a, b = root_of(link, pixel), root_of(link, pixel + steps[code >> 30])
            if a == b:
                continue
            weight = weights[i]
            if weight < limit[a] and weight < limit[b]:
                if link[b] < link[a]:
                    a, b = b, a
                link[a] += link[b]
                link[b] = a
                limit[a] = weight - scale / link[a]


@jit
def join_small(weights, edges, begins, sizes, n_cols, min_size, link):
    """Join the regions at the ends of each edge where either is small."""
    steps = np.array([1, n_cols, n_cols + 1, n_cols - 1])
    for bucket in range(begins.shape[0]):
        for i in range(begins[bucket], begins[bucket] + sizes[bucket]):
            code = np.int64(edges[i])
            pixel = code & (MOST_PIXELS - 1)
            a, b = root_of(link, pixel), root_of(link, pixel + steps[code >> 30])
            if a != b and (-link[a] < min_size or -link[b] < min_size):
                if link[b] < link[a]:
                    a, b = b, a
                link[a] += link[b]
                link[b] = a


@jit
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
