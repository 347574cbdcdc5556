"""Eigenvectors of the normalised links of a small graph, those of the largest eigenvalues.

Lanczos' method with a basis that is kept orthogonal by force: in a space that products with the matrix span, whose few
hundred dimensions hold the slowest vectors of a graph nearly exactly.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_vectorised

SWEEPS = 60  # of the QL method for one eigenvalue, at most; 2 are usual
LEAST = 1e-12  # of a direction: less is rounding, and what was spanned before is all there is


def largest(ends, weights, n_nodes, count, most_steps):
    """Return up to `count` eigenvalues of D^-½ W D^-½, descending, and the vectors as rows (K, n).

    `ends` (E, 2) are nodes, `weights` (E,) above 0; every node has a link. The first vector is left out, for it is
    known: D^½. After as many steps as there are nodes nothing is left to be found.
    """
    degree = np.bincount(ends[:, 0], weights, n_nodes) + np.bincount(ends[:, 1], weights, n_nodes)
    root = np.sqrt(degree)
    links = weights / (root[ends[:, 0]] * root[ends[:, 1]])
    basis = np.empty((min(most_steps, n_nodes) + 1, n_nodes))
    basis[0] = root / np.linalg.norm(root)
    golden = (5**0.5 - 1) / 2
    basis[1:2] = np.arange(1, n_nodes + 1) * golden % 1 - 0.5  # has a part of every vector, and is the same at any time
    diagonal, beside = np.zeros(len(basis)), np.zeros(len(basis))
    n_steps = span(ends, links, basis, diagonal, beside)
    values, rows = diagonal[1 : n_steps + 1].copy(), np.eye(n_steps)
    diagonalise(values, beside[1 : n_steps + 1].copy(), rows)
    order = np.argsort(-values, kind="stable")[:count]
    return values[order], rows[order] @ basis[1 : n_steps + 1]


@jit_vectorised
def span(ends, links, basis, diagonal, beside):
    """Fill the basis (m + 1, n) from its second row on, the tridiagonal matrix that the links are in it, and return its
    size. The first row is kept out of all others.
    """
    n_nodes = basis.shape[1]
    for step in range(1, basis.shape[0]):
        one = basis[step]
        for _ in range(2):  # once leaves some of what is taken out
            for before in range(step):
                part = 0.0
                for i in range(n_nodes):
                    part += basis[before, i] * one[i]
                for i in range(n_nodes):
                    one[i] -= part * basis[before, i]
        squares = 0.0
        for i in range(n_nodes):
            squares += one[i] * one[i]
        length = np.sqrt(squares)
        if length < LEAST:
            return step - 1
        for i in range(n_nodes):
            one[i] /= length
        if step > 1:
            beside[step - 1] = length
        if step + 1 == basis.shape[0]:
            following = np.zeros(n_nodes)
        else:
            following = basis[step + 1]
            following[:] = 0.0
        for e in range(ends.shape[0]):
            following[ends[e, 0]] += links[e] * one[ends[e, 1]]
            following[ends[e, 1]] += links[e] * one[ends[e, 0]]
        part = 0.0
        for i in range(n_nodes):
            part += following[i] * one[i]
        diagonal[step] = part
    return basis.shape[0] - 1


@jit
def diagonalise(values, beside, rows):
    """Replace the diagonal of a tridiagonal matrix by its eigenvalues, and the rows of a unit matrix by its vectors.

    ``beside[i]`` is next to the values i and i + 1. The QL method with implicit shifts (C. Reinsch, J. H. Wilkinson,
    "Linear Algebra", Handbook for Automatic Computation II, 1971, doi:10.1007/978-3-642-86940-2).
    """
    n = values.shape[0]
    for low in range(n):
        for _ in range(SWEEPS):
            high = low
            while high < n - 1 and abs(beside[high]) > 1e-16 * (abs(values[high]) + abs(values[high + 1])):
                high += 1
            if high == low:
                break
            _sweep(values, beside, rows, low, high)


@jit_called
def _sweep(values, beside, rows, low, high):
    """Chase one shift from the bottom of a block to its top."""
    half = (values[low + 1] - values[low]) / (2 * beside[low])
    root = np.sqrt(half * half + 1)
    g = values[high] - values[low] + beside[low] / (half + (root if half >= 0 else -root))
    sine, cosine, p = 1.0, 1.0, 0.0
    for i in range(high - 1, low - 1, -1):
        f, b = sine * beside[i], cosine * beside[i]
        r = np.sqrt(f * f + g * g)
        beside[i + 1] = r
        if r == 0:
            values[i + 1] -= p
            beside[high] = 0
            return
        sine, cosine = f / r, g / r
        g = values[i + 1] - p
        r = (values[i] - g) * sine + 2 * cosine * b
        p = sine * r
        values[i + 1] = g + p
        g = cosine * r - b
        above, below = rows[i], rows[i + 1]
        for k in range(rows.shape[1]):
            x, y = above[k], below[k]
            below[k] = sine * x + cosine * y
            above[k] = cosine * x - sine * y
    values[low] -= p
    beside[low], beside[high] = g, 0
