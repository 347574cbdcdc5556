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
from classicseg.graph._dense import orthonormal, ritz
from classicseg.graph._multigrid import Level

Array = NDArray[Any]
Matrix = NDArray[np.float64]
FOUR = 4  # vectors come in multiples of this
FRESH = 6  # steps between two products with the vectors themselves, which their updated products drift from
LEFT = 0.01  # of the square of a direction: where less is left without the vectors, it is not told from the sums
# Directions whose share of a basis is below this part of the largest are rounding.
CUTOFF = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


@dataclass
class Block:
    """Known eigenvectors of eigenvalue 0, vectors X, directions W to be tried, P of the last step; (I - P) of them."""

    basis: Array  # (known + 3 * size, rows, columns), with margins
    images: Array
    known: int
    size: int
    eigenvalues: Matrix  # of X
    residuals: Matrix
    grams: Matrix  # inner products of X and P with P, (2 * size, size); empty before the first step
    products: Matrix  # the same with the images of P

    def flat(self) -> tuple[Array, Array]:
        """Return basis and images as views (known + 3 * size, n)."""
        return self.basis.reshape(len(self.basis), -1), self.images.reshape(len(self.images), -1)

    def vectors(self) -> Array:
        """Return X."""
        return self.basis[self.known : self.known + self.size]

    def room(self) -> Array:
        """Return the images of X."""
        return self.images[self.known : self.known + self.size]


class Solver:
    """Steps of LOBPCG on one grid."""

    def __init__(self, level: Level, solve: Callable[[Array, Array], Array], n_threads: int | None) -> None:
        """Take the grid, and what replaces b by about the solution of (I - P) x = b, given room for as many vectors."""
        self.level, self.solve, self.n_threads = level, solve, n_threads
        self.blocks: Any = kernels_for(level.weights, "blocks")

    def block(self, known: Array, given: int, size: int, dtype: Any) -> Block:
        """Return a block of zeros but for the `known` vectors (K, M, N), with `given` vectors X to be filled in."""
        n_known = -(-len(known) // FOUR) * FOUR
        rows, empty = n_known + max(3 * size, given), np.empty((0, 0))
        made = Block(
            self.level.zeros(rows, dtype), self.level.zeros(rows, dtype), n_known, given, empty, empty, empty, empty
        )
        if len(known):
            self.level.inside(made.basis)[: len(known)] = known
        return made

    def start(self, block: Block, size: int) -> None:
        """Replace the vectors by their best `size` combinations that are orthogonal to the known ones."""
        flat, mine = block.flat()[0], slice(block.known, block.known + block.size)
        self.weight = self.level.weight(flat.dtype).reshape(-1)
        self._remove(flat, block.known, mine)
        self._refresh(block, size)
        block.size = size
        self._remove(flat, block.known, slice(block.known, block.known + size))

    def run(self, block: Block, enough: Callable[[Block, int], bool], most: int) -> int:
        """Take steps until they are `enough`, at most `most`; return their number."""
        block.grams = np.empty((0, 0))
        for n_iter in range(most + 1):
            self._take_residuals(block)
            if n_iter == most or enough(block, n_iter):
                return n_iter
            self._step(block)
            if n_iter % FRESH == FRESH - 1:
                self._refresh(block, block.size)
                self._refresh_last(block)
        raise AssertionError("unreachable: the loop returns")

    def _refresh(self, block: Block, size: int) -> None:
        """Compute the images anew, and rotate X to `size` Ritz vectors."""
        mine = slice(block.known, block.known + block.size)
        self._apply(block.basis[mine], block.images[mine])
        flat, images = block.flat()
        grams, products = (self._products(flat[mine], right[mine]) for right in (flat, images))
        block.eigenvalues, rotation = ritz(grams, products, size, CUTOFF[flat.dtype])
        sources = np.arange(mine.start, mine.stop)
        self._combine([(rotation, sources, sources[:size], False)], flat, images)

    def _refresh_last(self, block: Block) -> None:
        """Compute anew what is kept of P."""
        (flat, images), size, start = block.flat(), block.size, block.known
        mine, last = slice(start, start + size), slice(start + 2 * size, start + 3 * size)
        self._apply(block.basis[last], block.images[last])
        block.grams, block.products = (
            np.concatenate([self._products(right[mine], flat[last]), self._products(right[last], flat[last])])
            for right in (flat, images)
        )

    def _take_residuals(self, block: Block) -> None:
        """Write the residuals to where W will be, and their norms."""
        (flat, images), start, size = block.flat(), block.known, block.size
        mine, tried = slice(start, start + size), slice(start + size, start + 2 * size)
        squares = self.blocks.residuals(
            flat[mine], images[mine], block.eigenvalues, self.weight, flat[tried], self.n_threads
        )
        block.residuals = np.sqrt(squares)

    def _step(self, block: Block) -> None:
        (flat, images), size, start = block.flat(), block.size, block.known
        cutoff, tried = CUTOFF[flat.dtype], slice(start + size, start + 2 * size)
        self.solve(block.basis[tried], block.images[tried])
        self._make_orthonormal(flat, tried, cutoff)
        self._remove(flat, start, tried)  # once more: to solve the equations makes much of what is known
        self._apply(block.basis[tried], block.images[tried])

        count = 3 * size if block.grams.size else 2 * size
        span = slice(start, start + count)
        grams, products = (_whole(self._products(flat[tried], right[span]), size) for right in (flat, images))
        grams[:size, :size], products[:size, :size] = np.eye(size), np.diag(block.eigenvalues)
        if block.grams.size:
            for matrix, kept in ((grams, block.grams), (products, block.products)):
                matrix[:size, 2 * size :], matrix[2 * size :, 2 * size :] = kept[:size], kept[size:]
                matrix[2 * size :, :size] = kept[:size].T
        block.eigenvalues, rotation = ritz(grams, products, size, cutoff)
        moved = rotation.copy()
        moved[:size] = 0  # what leads from the old vectors to the new ones: P becomes a basis of it
        turn, back = orthonormal(moved.T @ grams @ moved, cutoff)
        moved = moved @ turn
        both = np.concatenate([rotation, moved], axis=1)
        block.grams, block.products = both.T @ grams @ moved, both.T @ products @ moved
        vectors, last = np.arange(start, start + size), np.arange(start + 2 * size, start + 3 * size)
        onward = (moved[size:], np.arange(start + size, start + count), last, False)
        joined = (np.concatenate([rotation[:size], back]), np.concatenate([vectors, last]), vectors, False)
        self._combine([onward, joined], flat, images)

    def _make_orthonormal(self, flat: Array, tried: slice, cutoff: float) -> None:
        """Make directions orthonormal, and orthogonal to all before them."""
        before, everything = tried.start, np.arange(tried.stop)
        overlap = self._products(flat[tried], flat[: tried.stop]).T
        known, grams = overlap[:before], overlap[before:] - overlap[:before].T @ overlap[:before]
        if (np.diag(grams) < LEFT * np.diag(overlap[before:])).any():
            self._remove(flat, before, tried)
            known, grams = np.zeros_like(known), self._products(flat[tried], flat[tried])
        turn, _ = orthonormal(grams, cutoff)
        factors = np.concatenate([-known @ turn, turn])
        self._combine([(factors, everything, everything[tried], False)], flat)

    def _remove(self, flat: Array, before: int, tried: slice) -> None:
        """Make vectors orthogonal to all `before` them, which are orthonormal."""
        if before:
            overlap = self._products(flat[:before], flat[tried])
            self._combine([(-overlap, np.arange(before), np.arange(tried.start, tried.stop), True)], flat)

    def _apply(self, vectors: Array, out: Array) -> None:
        self.level.kernels.step(self.level, vectors, vectors, out, (-1, 1, 0), self.n_threads)

    def _products(self, left: Array, right: Array) -> Matrix:
        found: Matrix = self.blocks.inner_products(left, right, self.weight, self.n_threads)
        return found

    def _combine(self, moves: list[tuple[Matrix, Array, Array, bool]], *arrays: Array) -> None:
        self.blocks.combine(moves, arrays, self.n_threads)


def _whole(rows: Matrix, size: int) -> Matrix:
    """Return the symmetric matrix whose rows from `size` on are these; 0 elsewhere."""
    found = np.zeros((rows.shape[1],) * 2)
    found[size : 2 * size] = rows
    found[:, size : 2 * size] = rows.T
    return found
