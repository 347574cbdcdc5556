"""Slow twins of normalized cuts: dense matrices, and every cut there is."""

from itertools import product

import numpy as np
from scipy.linalg import eigh


def value(matrix, labels):
    """Return the sum over segments of what leads out of one, as a share of all its links; the diagonal counts."""
    total = 0.0
    for label in np.unique(labels):
        own = labels == label
        volume = matrix[own].sum()
        total += matrix[np.ix_(own, ~own)].sum() / volume if volume > 0 else 0.0
    return total


def second_vector(matrix):
    """Return the second eigenvector of (D - W) v = μ D v, and its eigenvalue."""
    degree = np.diag(matrix.sum(axis=1))
    values, vectors = eigh(degree - matrix, degree)
    return vectors[:, 1], values[1]


def best_place(matrix, order):
    """Return the lowest normalized cut of the first nodes in an order from the others."""
    found = []
    for count in range(1, len(order)):
        labels = np.zeros(len(order), int)
        labels[order[:count]] = 1
        found.append(value(matrix, labels))
    return min(found)


def least(matrix, n_segments):
    """Return the least normalized cut of all segmentations."""
    labels = (np.array(one) for one in product(range(n_segments), repeat=len(matrix)))
    return min(value(matrix, one) for one in labels if len(np.unique(one)) == n_segments)


def least_by_a_move(matrix, labels):
    """Return the least normalized cut after one node moved to a segment it is linked to, and left none empty."""
    found = []
    for node in range(len(labels)):
        for label in np.unique(labels[matrix[node] > 0]):
            moved = labels.copy()
            moved[node] = label
            if len(np.unique(moved)) == len(np.unique(labels)):
                found.append(value(matrix, moved))
    return min(found)
