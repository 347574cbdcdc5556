"""Eigenvectors of small symmetric matrices by rotations of Jacobi.

A library wakes its own threads for matrices of 60 × 60, and these then wait actively beside ours. Those that the solver
has are almost diagonal, which takes few sweeps.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit

SWEEPS = 40  # at most; 4 to 8 are usual
LEAST = 1e-16  # of the largest value: smaller ones beside the diagonal are rounding


def eigh(matrix):
    """Return eigenvalues, ascending, and eigenvectors as columns, of a symmetric matrix of float64."""
    values, rows = matrix.copy(), np.eye(len(matrix))
    _rotate(values, rows, LEAST * np.abs(matrix).max(initial=0))
    found = np.diag(values)
    order = np.argsort(found, kind="stable")
    return found[order], rows[order].T


@jit
def _rotate(a, rows, least):
    """Make `a` diagonal; its eigenvectors are the rows that are left in `rows`."""
    size = a.shape[0]
    for _ in range(SWEEPS):
        done = True
        for p in range(size - 1):
            for q in range(p + 1, size):
                apart = a[p, q]
                if abs(apart) <= least:
                    continue
                done = False
                half = (a[q, q] - a[p, p]) / (2 * apart)
                tangent = 1 / (abs(half) + np.sqrt(half * half + 1))
                if half < 0:
                    tangent = -tangent
                cosine = 1 / np.sqrt(tangent * tangent + 1)
                sine = tangent * cosine
                first, second = a[p, p] - tangent * apart, a[q, q] + tangent * apart
                _turn(a[p], a[q], cosine, sine)
                _turn(rows[p], rows[q], cosine, sine)
                a[p, p], a[q, q], a[p, q], a[q, p] = first, second, 0, 0
                for i in range(size):
                    a[i, p], a[i, q] = a[p, i], a[q, i]
        if done:
            return


@jit
def _turn(one, other, cosine, sine):
    for i in range(len(one)):
        x, y = one[i], other[i]
        one[i], other[i] = cosine * x - sine * y, sine * x + cosine * y
