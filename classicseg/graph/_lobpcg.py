"""Many eigenvectors of I - P at once, the least eigenvalues: locally optimal block gradients (LOBPCG).

Vectors lie one after the other in memory, a multiple of four of them. The inner product is weighted by the degrees, for
which P is symmetric. Sums over pixels do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg.graph._multigrid import Level

Array = NDArray[Any]
PIECE = 1 << 14  # values of a vector of which residuals are taken together
SHORT = 1e-3  # of a vector of length 1 from which known ones were removed: less is their rounding
FRESH = 6  # steps between two products with the vectors themselves, which their updated products drift from
# Directions whose share of a basis is below this part of the largest are rounding.
CUTOFF = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


@dataclass
class Block:
    """Known eigenvectors of eigenvalue 0, vectors X, directions W to be tried, P of the last step; (I - P) of them."""

    basis: Array  # (known + 3 * size, rows, columns), with margins
    images: Array
    known: int
    size: int
    eigenvalues: NDArray[np.float64]  # of X
    residuals: NDArray[np.float64]

    def flat(self) -> tuple[Array, Array]:
        """Return basis and images as views (known + 3 * size, n)."""
        return self.basis.reshape(len(self.basis), -1), self.images.reshape(len(self.images), -1)

    def vectors(self) -> Array:
        """Return X."""
        return self.basis[self.known : self.known + self.size]


class Solver:
    """Steps of LOBPCG on one grid."""

    def __init__(self, level: Level, solve: Callable[[Array, Array], Array], n_threads: int | None) -> None:
        """Take the grid, and what replaces b by about the solution of (I - P) x = b, given room for as many vectors."""
        self.level, self.solve, self.n_threads = level, solve, n_threads
        self.blocks: Any = kernels_for(level.weights, "blocks")

    def start(self, vectors: Array, known: Array, size: int) -> Block:
        """Return the best `size` combinations of the vectors that are orthogonal to the `known` ones."""
        n_known, given, dtype = len(known), len(vectors), vectors.dtype
        self.weight = self.level.weight(dtype).reshape(-1)
        rows = n_known + max(3 * size, given)
        block = Block(
            self.level.zeros(rows, dtype), self.level.zeros(rows, dtype), n_known, given, np.empty(0), np.empty(0)
        )
        block.basis[:n_known], block.basis[n_known : n_known + given] = known, vectors
        flat, mine = block.flat()[0], slice(n_known, n_known + given)
        lengths = np.sqrt(np.einsum("ij,ij,j->i", flat[mine], flat[mine], self.weight))
        flat[mine] *= np.where(lengths > 0, 1 / np.where(lengths > 0, lengths, 1), 0).astype(dtype)[:, None]
        self._remove(flat, n_known, mine)
        self._normalise(flat[mine])
        self._remove(flat, n_known, mine)
        self._refresh(block, size)
        block.size = size
        return block

    def run(self, block: Block, enough: Callable[[Block, int], bool], most: int) -> int:
        """Take steps until they are `enough`, at most `most`; return their number."""
        for n_iter in range(most + 1):
            self._take_residuals(block)
            if n_iter == most or enough(block, n_iter):
                return n_iter
            self._step(block, n_iter > 0)
            if n_iter % FRESH == FRESH - 1:
                last = slice(block.known + 2 * block.size, block.known + 3 * block.size)
                self._apply(block.basis[last], block.images[last])
                self._refresh(block, block.size)
        raise AssertionError("unreachable: the loop returns")

    def _refresh(self, block: Block, size: int) -> None:
        """Compute the images anew, and rotate X to `size` Ritz vectors."""
        mine = slice(block.known, block.known + block.size)
        self._apply(block.basis[mine], block.images[mine])
        flat, images = block.flat()
        grams, products = (self._products(flat[mine], right[mine]) for right in (flat, images))
        block.eigenvalues, rotation = _ritz(grams, products, size, CUTOFF[flat.dtype])
        for vectors in (flat, images):
            self._combine(rotation, vectors, block.known + np.arange(size), block.known)

    def _take_residuals(self, block: Block) -> None:
        """Write the residuals to where W will be, and their norms."""
        (flat, images), start = block.flat(), block.known
        middle, stop = start + block.size, start + 2 * block.size
        values, found = block.eigenvalues.astype(flat.dtype)[:, None], []
        for first in range(0, flat.shape[1], PIECE):
            where = slice(first, first + PIECE)
            rest = images[start:middle, where] - values * flat[start:middle, where]
            flat[middle:stop, where] = rest
            found.append(np.einsum("ij,ij,j->i", rest, rest, self.weight[where]))
        block.residuals = np.sqrt(np.sum(found, axis=0, dtype=np.float64))

    def _step(self, block: Block, has_last: bool) -> None:
        (flat, images), size, start = block.flat(), block.size, block.known
        cutoff, tried = CUTOFF[flat.dtype], slice(start + size, start + 2 * size)
        self.solve(block.basis[tried], block.images[tried])
        self._remove(flat, start + size, tried)
        rotation = _orthonormal(self._products(flat[tried], flat[tried]), cutoff)
        self._combine(rotation, flat, np.arange(tried.start, tried.stop), tried.start)
        self._remove(flat, start, tried)  # once more: to solve the equations makes much of what is known
        self._apply(block.basis[tried], block.images[tried])

        count = 3 * size if has_last else 2 * size
        new, span = slice(start + size, start + count), slice(start, start + count)
        grams, products = np.eye(count), np.zeros((count, count))
        products[:size, :size] = np.diag(block.eigenvalues)
        for matrix, right in ((grams, flat), (products, images)):
            matrix[size:] = self._products(flat[new], right[span])
            matrix[:size, size:] = matrix[size:, :size].T
        block.eigenvalues, rotation = _ritz(grams, products, size, cutoff)
        moved = rotation.copy()
        moved[:size] = 0  # what leads from the old vectors to the new ones
        moved = moved @ _orthonormal(moved.T @ grams @ moved, cutoff)
        targets = start + np.append(np.arange(size), np.arange(2 * size, 3 * size))
        for vectors in (flat, images):
            self._combine(np.concatenate([rotation, moved], axis=1), vectors, targets, start)

    def _normalise(self, vectors: Array) -> None:
        """Give vectors the length 1, and 0 to those of which no more than rounding is left."""
        lengths = np.sqrt(np.einsum("ij,ij,j->i", vectors, vectors, self.weight))
        vectors *= np.where(lengths > SHORT, 1 / np.maximum(lengths, SHORT), 0).astype(vectors.dtype)[:, None]

    def _remove(self, flat: Array, before: int, tried: slice) -> None:
        """Make vectors orthogonal to all `before` them, which are orthonormal."""
        if before:
            overlap = self._products(flat[:before], flat[tried])
            factors = np.zeros((tried.stop, tried.stop - tried.start))
            factors[:before] = -overlap
            factors[tried] = np.eye(len(factors[0]))
            self._combine(factors, flat, np.arange(tried.start, tried.stop), 0)

    def _apply(self, vectors: Array, out: Array) -> None:
        self.level.kernels.step(self.level, vectors, vectors, out, (-1, 1, 0), self.n_threads)

    def _products(self, left: Array, right: Array) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.blocks.inner_products(left, right, self.weight, self.n_threads)
        return found

    def _combine(self, rotation: NDArray[np.float64], vectors: Array, targets: Array, source: int) -> None:
        """Replace `targets` by the combinations of the vectors from `source` on that are the rotation's columns."""
        factors = np.ascontiguousarray(rotation.T, vectors.dtype)
        self.blocks.combine(factors, vectors, source, targets, self.n_threads)


def _orthonormal(grams: NDArray[np.float64], cutoff: float) -> NDArray[np.float64]:
    """Return the rotation that makes vectors of these inner products orthonormal; what is left of none is rounding."""
    scale = 1 / np.sqrt(np.maximum(np.diag(grams), 1e-300))
    values, vectors = np.linalg.eigh(grams * scale * scale[:, None])
    found: NDArray[np.float64] = scale[:, None] * vectors / np.sqrt(np.maximum(values, cutoff * values[-1]))
    return found


def _ritz(
    grams: NDArray[np.float64], products: NDArray[np.float64], count: int, cutoff: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least `count` eigenvalues in the span of a basis, and the combinations that have them."""
    grams, products = (grams + grams.T) / 2, (products + products.T) / 2
    lengths = np.sqrt(np.maximum(np.diag(grams), 0))
    scale = np.where(lengths > SHORT, 1 / np.maximum(lengths, SHORT), 0)  # what was known already is rounding now
    values, vectors = np.linalg.eigh(grams * scale * scale[:, None])
    kept = values > cutoff * values[-1]
    basis = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    found, rotation = np.linalg.eigh(basis.T @ products @ basis)
    return found[:count], basis @ rotation[:, :count]
