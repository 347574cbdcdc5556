"""The second eigenvector of a connected sparse graph: (D - W) v = μ D v with the least μ above 0.

Inverse iteration with a few vectors. D - W, without one node's row and column that make it singular, is factored by
Cholesky; nodes are put in the order of their distance from one at the graph's end, so that each row of the factor is
short: it is kept from its first link to the diagonal, of which the reciprocal is kept. Vectors are in that order too.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_vectorised

VECTORS = 4  # the more, the sooner the first one is exact; `solve` takes four
FEWEST, ROUNDS = 3, 60
CLOSE = 1e-6  # relative change of the eigenvalue in a round; that of the vector is about its root
SMALLEST = 1e-14  # of a pivot: less is rounding
SHORT = 1e-10  # what is left of a vector that was a combination of others
TURNS = 20  # of Jacobi's method, which takes about 5


def first_vectors(indptr, indices, data, degree, start=None):
    """Return four eigenvectors (4, n) of a connected graph of at least two nodes, the second one of all in front.

    Only that one is exact. `start` (4, n) holds others that are near to some of them.
    """
    order, rank = breadth_first(indptr, indices)
    ground = rank[degree.argmax()]
    begins = envelope(indptr, indices, order, rank, ground)
    rows = factor(indptr, indices, data, order, rank, ground, begins)
    n = len(order)
    vectors = np.empty((VECTORS, n))  # of fewer nodes some are 0
    if start is None:
        vectors[:] = np.random.default_rng(0).standard_normal(vectors.shape)
    else:
        vectors[:] = start[:, order]
    vectors[0] = np.arange(n)  # near to the vector that is sought, and to none of a larger graph that was cut by it
    iterate(rows, begins, ground, degree[order], vectors)
    found = np.empty_like(vectors)
    found[:, order] = vectors
    largest = np.abs(found[0]).argmax()
    return found if found[0, largest] > 0 else -found


@jit
def breadth_first(indptr, indices):
    """Return the nodes in the order of their distance from one at the end of the graph, and the rank of each."""
    n = len(indptr) - 1
    order, rank = np.zeros(n, np.int32), np.empty(n, np.int32)
    for _ in range(3):  # the node reached last is nearer to an end than that it was reached from
        rank[:] = -1
        order[0] = order[n - 1]
        rank[order[0]] = 0
        count = 1
        for i in range(n):
            for at in range(indptr[order[i]], indptr[order[i] + 1]):
                other = indices[at]
                if rank[other] < 0:
                    rank[other], order[count] = count, other
                    count += 1
    return order, rank


@jit
def envelope(indptr, indices, order, rank, ground):
    """Return where each row of the factor begins."""
    n = len(order)
    begins = np.zeros(n + 1, np.int64)
    for i in range(n):
        first = i
        if i != ground:
            for at in range(indptr[order[i]], indptr[order[i] + 1]):
                other = rank[indices[at]]
                if other != ground and other < first:
                    first = other
        begins[i + 1] = begins[i] + i - first + 1
    return begins


@jit_vectorised
def factor(indptr, indices, data, order, rank, ground, begins):
    """Return the factor, one row after the other; the row of the ground is that of the unit matrix."""
    n = len(order)
    rows = np.zeros(begins[n])
    for i in range(n):
        place = begins[i + 1] - 1 - i  # of column 0, were it kept
        if i == ground:
            rows[place + i] = 1
            continue
        total = 0.0
        for at in range(indptr[order[i]], indptr[order[i] + 1]):
            total += data[at]
            other = rank[indices[at]]
            if other < i and other != ground:
                rows[place + other] = -data[at]
        first, pivot = begins[i] - place, total
        for j in range(first, i):
            above = begins[j + 1] - 1 - j
            dot = 0.0
            for k in range(max(first, begins[j] - above), j):
                dot += rows[place + k] * rows[above + k]
            value = (rows[place + j] - dot) * rows[above + j]
            rows[place + j] = value
            pivot -= value * value
        rows[place + i] = 1 / np.sqrt(max(pivot, SMALLEST * total))
    return rows


@jit_vectorised
def solve(rows, begins, ground, vectors):
    """Replace four vectors (4, n) b by the solutions of (D - W) x = b that are 0 at the ground."""
    n = vectors.shape[1]
    vectors[:, ground] = 0
    for i in range(n):
        place = begins[i + 1] - 1 - i
        a = b = c = d = 0.0
        for j in range(begins[i] - place, i):  # all four at once: the factor is read but once
            value = rows[place + j]
            a += value * vectors[0, j]
            b += value * vectors[1, j]
            c += value * vectors[2, j]
            d += value * vectors[3, j]
        pivot = rows[place + i]
        vectors[0, i] = (vectors[0, i] - a) * pivot
        vectors[1, i] = (vectors[1, i] - b) * pivot
        vectors[2, i] = (vectors[2, i] - c) * pivot
        vectors[3, i] = (vectors[3, i] - d) * pivot
    for i in range(n - 1, -1, -1):
        place = begins[i + 1] - 1 - i
        pivot = rows[place + i]
        a, b, c, d = vectors[0, i] * pivot, vectors[1, i] * pivot, vectors[2, i] * pivot, vectors[3, i] * pivot
        vectors[0, i], vectors[1, i], vectors[2, i], vectors[3, i] = a, b, c, d
        for j in range(begins[i] - place, i):
            value = rows[place + j]
            vectors[0, j] -= value * a
            vectors[1, j] -= value * b
            vectors[2, j] -= value * c
            vectors[3, j] -= value * d


@jit
def iterate(rows, begins, ground, degree, vectors):
    """Replace vectors (K, n) by eigenvectors, the first one that of the least eigenvalue above 0."""
    n_vectors, n = vectors.shape
    solved, rotated = np.empty_like(vectors), np.empty(n_vectors)
    inner, turn = np.empty((n_vectors, n_vectors)), np.empty((n_vectors, n_vectors))
    before = 0.0
    for n_rounds in range(ROUNDS):
        orthonormalise(degree, vectors)
        for k in range(n_vectors):
            for i in range(n):
                solved[k, i] = degree[i] * vectors[k, i]
        solve(rows, begins, ground, solved)
        inner_products(degree, vectors, solved, inner)
        first = diagonalise(inner, turn)
        largest = inner[first, first]
        for k in range(n_vectors):
            turn[k, 0], turn[k, first] = turn[k, first], turn[k, 0]
        for i in range(n):
            for k in range(n_vectors):
                value = 0.0
                for j in range(n_vectors):
                    value += turn[j, k] * solved[j, i]
                rotated[k] = value
            vectors[:, i] = rotated
        if n_rounds >= FEWEST and largest - before <= CLOSE * largest:
            break
        before = largest


@jit_vectorised
def inner_products(degree, vectors, solved, out):
    n_vectors, n = vectors.shape
    for a in range(n_vectors):
        for b in range(a + 1):
            total = 0.0
            for i in range(n):
                total += degree[i] * vectors[a, i] * solved[b, i]
            out[a, b] = out[b, a] = total


@jit_vectorised
def orthonormalise(degree, vectors):
    """Make vectors orthogonal to the constant one and to each other, of length 1, in the product that degrees weigh.

    What is nothing but rounding then is set to 0.
    """
    n_vectors, n = vectors.shape
    volume = degree.sum()
    for k in range(n_vectors):
        total = length = 0.0
        for i in range(n):
            total += degree[i] * vectors[k, i]
        for i in range(n):
            vectors[k, i] -= total / volume
            length += degree[i] * vectors[k, i] * vectors[k, i]
        before = np.sqrt(length)
        for j in range(k):
            dot = 0.0
            for i in range(n):
                dot += degree[i] * vectors[k, i] * vectors[j, i]
            for i in range(n):
                vectors[k, i] -= dot * vectors[j, i]
        length = 0.0
        for i in range(n):
            length += degree[i] * vectors[k, i] * vectors[k, i]
        after = np.sqrt(length)
        scale = 1 / after if after > SHORT * before else 0.0
        for i in range(n):
            vectors[k, i] *= scale


@jit
def diagonalise(matrix, turn):
    """Diagonalise a small symmetric matrix by Jacobi's rotations, written to `turn`; return where the largest is."""
    n = len(matrix)
    turn[:] = 0
    for i in range(n):
        turn[i, i] = 1
    for _ in range(TURNS):
        rounding, turned = 1e-16 * abs(np.trace(matrix)), False
        for p in range(n):
            for q in range(p):
                if abs(matrix[p, q]) <= rounding:
                    continue
                turned = True
                theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
                t = (1 if theta >= 0 else -1) / (abs(theta) + np.sqrt(theta * theta + 1))
                c = 1 / np.sqrt(t * t + 1)
                s = t * c
                for k in range(n):
                    a, b = matrix[k, p], matrix[k, q]
                    matrix[k, p], matrix[k, q] = c * a - s * b, s * a + c * b
                for k in range(n):
                    a, b = matrix[p, k], matrix[q, k]
                    matrix[p, k], matrix[q, k] = c * a - s * b, s * a + c * b
                for k in range(n):
                    a, b = turn[k, p], turn[k, q]
                    turn[k, p], turn[k, q] = c * a - s * b, s * a + c * b
        if not turned:
            break
    first = 0
    for i in range(1, n):
        if matrix[i, i] > matrix[first, first]:
            first = i
    return first
