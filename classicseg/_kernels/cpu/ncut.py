"""Cutting a sparse graph in two: its connected parts, parts of it as graphs of their own, and where to cut.

A graph is a symmetric matrix in CSR form without its diagonal: `indptr` (n + 1,) int64, `indices` int32 and `data`
float64; `own` (n,) is the diagonal, and `degree` (n,) the sums of rows, both included.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_vectorised
from classicseg._kernels.cpu.ncut_refine import refined
from classicseg._kernels.cpu.ncut_vector import first_vectors

__all__ = ["components", "cut_in_two", "most_alike", "refined", "subgraph"]


@jit
def components(indptr, indices):
    """Return the part (n,) int32 of each node, numbered by the first node, and how many there are."""
    n = len(indptr) - 1
    part, stack = np.full(n, -1, np.int32), np.empty(n, np.int32)
    count = 0
    for first in range(n):
        if part[first] >= 0:
            continue
        part[first], stack[0] = count, first
        height = 1
        while height > 0:
            height -= 1
            node = stack[height]
            for at in range(indptr[node], indptr[node + 1]):
                other = indices[at]
                if part[other] < 0:
                    part[other], stack[height] = count, other
                    height += 1
        count += 1
    return part, count


@jit
def subgraph(indptr, indices, data, nodes):
    """Return the graph of some nodes and the links among them."""
    place = np.full(len(indptr) - 1, -1, np.int32)
    for i in range(len(nodes)):
        place[nodes[i]] = i
    begins = np.zeros(len(nodes) + 1, np.int64)
    for i in range(len(nodes)):
        count = 0
        for at in range(indptr[nodes[i]], indptr[nodes[i] + 1]):
            count += place[indices[at]] >= 0
        begins[i + 1] = begins[i] + count
    others, weights = np.empty(begins[-1], np.int32), np.empty(begins[-1])
    to = 0
    for i in range(len(nodes)):
        for at in range(indptr[nodes[i]], indptr[nodes[i] + 1]):
            if place[indices[at]] >= 0:
                others[to], weights[to] = place[indices[at]], data[at]
                to += 1
    return begins, others, weights


def cut_in_two(indptr, indices, data, own, degree, start=None):
    """Return which nodes (n,) bool of a connected graph to cut off, the normalized cut of that, and `first_vectors`.

    The nodes are put in the order of the second eigenvector; every place of this order is tried, and the best one
    improved by moving nodes. The first node is not cut off.
    """
    vectors = first_vectors(indptr, indices, data, degree, start)
    order = np.argsort(vectors[0], kind="stable")
    labels = np.zeros(len(order), np.int32)
    labels[order[: best_place(indptr, indices, data, degree, order)]] = 1
    value = refined(indptr, indices, data, own, degree, labels, 2)
    return labels != labels[0], value, vectors


@jit
def best_place(indptr, indices, data, degree, order):
    """Return how many of the first nodes in an order to cut off: the fewest of those with the lowest normalized cut."""
    total = degree.sum()
    inside = np.zeros(len(order), np.bool_)
    volume = across = 0.0
    best, found = np.inf, 1
    for i in range(len(order) - 1):
        node = order[i]
        volume += degree[node]
        for at in range(indptr[node], indptr[node + 1]):
            across += -data[at] if inside[indices[at]] else data[at]
        inside[node] = True
        value = across / volume + across / max(total - volume, degree[order[-1]])  # rounding may leave less
        if value < best:
            best, found = value, i + 1
    return found


@jit_vectorised
def most_alike(vectors, directions, less):
    """Return for each vector (n, F) the direction (K, F) whose product, minus its `less` (K,), is largest."""
    found = np.empty(len(vectors), np.int32)
    for i in range(len(vectors)):
        best = -np.inf
        for k in range(len(directions)):
            value = -less[k]
            for f in range(vectors.shape[1]):
                value += vectors[i, f] * directions[k, f]
            if value > best:
                best, found[i] = value, k
    return found
