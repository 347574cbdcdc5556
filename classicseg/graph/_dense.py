"""Small symmetric matrices: what a few dozen vectors have of inner products, and their best combinations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

Matrix = NDArray[np.float64]
SMALL = 160  # rows up to which no library's threads are woken
TINY = 1e-30
SHORT = 1e-3  # of a vector of length 1 from which known ones were removed: less is their rounding


def eigh(matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Return eigenvalues, ascending, and eigenvectors as columns."""
    if len(matrix) > SMALL:
        return np.linalg.eigh(matrix)
    kernels: Any = kernels_for(matrix, "jacobi")
    found: tuple[Matrix, Matrix] = kernels.eigh(matrix)
    return found


def inner(left: Matrix, right: Matrix) -> Matrix:
    """Return the inner products (A, B) of rows (A, n) and (B, n), on one thread."""
    found: Matrix = np.einsum("ij,kj->ik", left, right)
    return found


def orthonormal(grams: Matrix, cutoff: float) -> tuple[Matrix, Matrix]:
    """Return the rotation that makes vectors of these inner products orthonormal, and its inverse.

    What is left of none but rounding becomes shorter than 1.
    """
    lengths = np.sqrt(np.maximum(np.diag(grams), 0))
    scale = np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0)
    values, vectors = eigh(grams * scale * scale[:, None])
    root = np.sqrt(np.maximum(values, max(cutoff * values[-1], TINY)))
    return scale[:, None] * vectors / root, root[:, None] * vectors.T * lengths


def ritz(grams: Matrix, products: Matrix, count: int, cutoff: float) -> tuple[Matrix, Matrix]:
    """Return the least `count` eigenvalues in the span of a basis, and the combinations that have them."""
    grams, products = (grams + grams.T) / 2, (products + products.T) / 2
    lengths = np.sqrt(np.maximum(np.diag(grams), 0))
    scale = np.where(lengths > SHORT, 1 / np.maximum(lengths, SHORT), 0)  # what was known already is rounding now
    values, vectors = eigh(grams * scale * scale[:, None])
    kept = values > cutoff * values[-1]
    basis = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    found, rotation = eigh(basis.T @ products @ basis)
    return found[:count], basis @ rotation[:, :count]
