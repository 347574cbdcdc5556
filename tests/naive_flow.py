"""Slow twins of cuts of graphs: dense matrices, every labelling tried, and SciPy's maximum flow."""

import itertools

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow


def energy(matrix, labels, net, seeds=None):
    """Return the weight that is cut of a symmetric matrix, plus what background costs more than foreground."""
    own = np.asarray(labels, bool)
    free = np.ones(len(own), bool) if seeds is None else np.asarray(seeds) == 0
    return matrix[np.ix_(own, ~own)].sum() + net[free & ~own].sum()


def best_labellings(matrix, net, seeds):
    """Return the least energy of all labellings, and those within 1e-9 of it."""
    found = []
    for labels in itertools.product((False, True), repeat=len(net)):
        own = np.array(labels)
        if own[seeds == 1].all() and not own[seeds == 2].any():
            found.append((energy(matrix, own, net, seeds), own))
    least = min(value for value, _ in found)
    return least, [own for value, own in found if value <= least + 1e-9]


def flow(capacity, excess):
    """Return the maximum flow of whole numbers, `capacity` (n, n), from positive `excess` to negative."""
    n = len(excess)
    whole = np.zeros((n + 2, n + 2), np.int32)
    whole[:n, :n] = capacity
    whole[n, :n], whole[:n, n + 1] = np.maximum(excess, 0), np.maximum(-excess, 0)
    return int(maximum_flow(csr_array(whole), n, n + 1).flow_value)


def capacity_of_cut(capacity, excess, source):
    """Return what the links that lead out of the source's side carry, those of source and sink among them."""
    within = capacity[np.ix_(source, ~source)].sum(dtype=np.int64)
    return int(within + excess[~source & (excess > 0)].sum() - excess[source & (excess < 0)].sum())


def dense(capacity, shifts):
    """Return as a matrix what each node can pass to its neighbours."""
    found = np.zeros((len(capacity),) * 2, np.int64)
    for d, shift in enumerate(shifts):
        tails = np.flatnonzero(capacity[:, d])
        found[tails, tails + shift] = capacity[tails, d]
    return found


def least_cut(matrix):
    """Return the least weight between two parts of a graph, of all ways to part it."""
    n = len(matrix)
    parts = (np.array((False, *labels)) for labels in itertools.product((False, True), repeat=n - 1))
    return min(matrix[np.ix_(part, ~part)].sum() for part in parts if part.any())
