"""Many eigenvectors of I - P at once, the least eigenvalues: locally optimal block gradients (LOBPCG).

Vectors lie one after the other in memory. The inner product is weighted by the degrees, for which P is symmetric. All
sums over pixels are those of fixed pieces, in float64 from piece to piece, so that they do not depend on the number of
threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.graph._multigrid import Level

Array = NDArray[Any]
PIECE = 8192  # values of a vector: a piece of 60 vectors stays in the L2 cache
FRESH = 6  # steps between two products with the vectors themselves, which their updated products drift from
# Directions whose share of a basis is below this part of the largest are rounding.
CUTOFF = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


@dataclass
class Block:
    """The vectors X, the directions W to be tried and those P of the last step, and (I - P) of each."""

    basis: Array  # (3 * K, rows, columns), with margins
    images: Array
    size: int  # K
    eigenvalues: NDArray[np.float64]
    residuals: NDArray[np.float64]


class Solver:
    """Steps of LOBPCG on one grid."""

    def __init__(
        self,
        level: Level,
        solve: Callable[[Array, Array], Array],
        project: Callable[[Array], None],
        n_threads: int | None,
    ) -> None:
        """Take the grid, about a solution of (I - P) x = b, and what removes the known eigenvectors of eigenvalue 0."""
        self.level, self.solve, self.project, self.n_threads = level, solve, project, n_threads

    def start(self, vectors: Array) -> Block:
        """Return the best combinations of the vectors."""
        size, dtype = len(vectors), vectors.dtype
        self.weight = self.level.weight(dtype).reshape(-1)
        block = Block(
            self.level.zeros(3 * size, dtype), self.level.zeros(3 * size, dtype), size, np.empty(0), np.empty(0)
        )
        block.basis[:size] = vectors
        self.project(block.basis[:size])
        self._refresh(block)
        return block

    def run(self, block: Block, enough: Callable[[Block, int], bool], most: int) -> int:
        """Take steps until they are `enough`, at most `most`; return their number."""
        last = False
        for n_iter in range(most + 1):
            self._take_residuals(block)
            if n_iter == most or enough(block, n_iter):
                return n_iter
            self._step(block, last)
            last = n_iter % FRESH != FRESH - 1
            if not last:
                self._refresh(block)
        raise AssertionError("unreachable: the loop returns")

    def _refresh(self, block: Block) -> None:
        """Compute the images anew, and rotate X to Ritz vectors."""
        size = block.size
        self._apply(block.basis[:size], block.images[:size])
        flat, images = self._flat(block)
        grams, products = self._grams(flat[:size], flat[:size], images[:size])
        values, rotation = _ritz(grams, products, size, CUTOFF[flat.dtype])
        self._combine(rotation.T, flat, images, slice(0, size), ((0, slice(None)),))
        block.eigenvalues = values

    def _take_residuals(self, block: Block) -> None:
        """Write the residuals to where W will be, and their norms."""
        size, (flat, images) = block.size, self._flat(block)
        values = block.eigenvalues.astype(flat.dtype)[:, None]

        def piece(where: slice) -> NDArray[np.float64]:
            rest = images[:size, where] - values * flat[:size, where]
            flat[size : 2 * size, where] = rest
            return np.einsum("ij,ij,j->i", rest, rest, self.weight[where], dtype=np.float64)

        block.residuals = np.sqrt(self._summed(piece, flat.shape[1]))

    def _step(self, block: Block, has_last: bool) -> None:
        size, (flat, images) = block.size, self._flat(block)
        tried = slice(size, 2 * size)
        self.solve(block.basis[tried], block.images[tried])
        self.project(block.basis[tried])
        self._orthonormalise(flat, images, size)
        self._apply(block.basis[tried], block.images[tried])
        count = 3 * size if has_last else 2 * size
        grams, products = np.eye(count), np.zeros((count, count))
        products[:size, :size] = np.diag(block.eigenvalues)
        new = slice(size, count)
        grams[new], products[new] = self._grams(flat[new], flat[:count], images[:count])
        for matrix in (grams, products):
            matrix[:size, size:] = matrix[size:, :size].T
        values, rotation = _ritz((grams + grams.T) / 2, (products + products.T) / 2, size, CUTOFF[flat.dtype])
        moved = rotation.copy()
        moved[:size] = 0  # what leads from the old vectors to the new ones
        moved = moved @ _orthonormal(moved.T @ grams @ moved, CUTOFF[flat.dtype])
        both = np.concatenate([rotation, moved], axis=1).T
        parts = ((0, slice(0, size)), (2 * size, slice(size, 2 * size)))
        self._combine(both, flat, images, slice(0, count), parts)
        block.eigenvalues = values

    def _apply(self, vectors: Array, out: Array) -> None:
        self.level.kernels.step(self.level, vectors, vectors, out, (-1, 1, 0), self.n_threads)

    def _orthonormalise(self, flat: Array, images: Array, size: int) -> None:
        """Make W orthogonal to X, and its vectors to each other."""
        kept, tried = flat[:size], flat[size : 2 * size]
        overlap = self._grams(tried, kept, None)[0].astype(flat.dtype)

        def remove(where: slice) -> NDArray[np.float64]:
            rest = tried[:, where]
            rest -= overlap @ kept[:, where]
            return np.asarray((rest * self.weight[where]) @ rest.T, np.float64)

        rotation = _orthonormal(self._summed(remove, flat.shape[1]), CUTOFF[flat.dtype])
        self._combine(rotation.T, flat, None, slice(size, 2 * size), ((size, slice(None)),))

    def _flat(self, block: Block) -> tuple[Array, Array]:
        return block.basis.reshape(3 * block.size, -1), block.images.reshape(3 * block.size, -1)

    def _grams(self, left: Array, right: Array, images: Array | None) -> tuple[NDArray[np.float64], Any]:
        """Return the inner products of `left` with `right` and with `images`."""
        n = len(right)

        def piece(where: slice) -> NDArray[np.float64]:
            weighted = left[:, where] * self.weight[where]
            found = np.empty((len(left), n if images is None else 2 * n))
            found[:, :n] = weighted @ right[:, where].T
            if images is not None:
                found[:, n:] = weighted @ images[:, where].T
            return found

        both = self._summed(piece, left.shape[1])
        return both[:, :n], both[:, n:]

    def _combine(
        self,
        rotation: NDArray[np.float64],
        flat: Array,
        images: Array | None,
        source: slice,
        parts: tuple[tuple[int, slice], ...],
    ) -> None:
        """Replace vectors by combinations of those of `source`: from row `to` on, those of the part's rows."""
        factors = np.ascontiguousarray(rotation, flat.dtype)
        arrays = (flat,) if images is None else (flat, images)

        def piece(where: slice) -> None:
            for array in arrays:
                found = factors @ array[source, where]
                for to, rows in parts:
                    chosen = found[rows]
                    array[to : to + len(chosen), where] = chosen

        self._pieces(piece, flat.shape[1])

    def _summed(self, piece: Callable[[slice], NDArray[np.float64]], length: int) -> NDArray[np.float64]:
        found = self._pieces(piece, length)
        total = found[0]
        for more in found[1:]:
            total += more
        return total

    def _pieces(self, piece: Callable[[slice], Any], length: int) -> list[Any]:
        count = -(-length // PIECE)
        found: list[Any] = [None] * count

        def run(index: int) -> None:
            found[index] = piece(slice(index * PIECE, (index + 1) * PIECE))

        self.level.kernels.run_blocks(run, count, self.n_threads)
        return found


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
    scale = 1 / np.sqrt(np.maximum(np.diag(grams), 1e-300))
    values, vectors = np.linalg.eigh(grams * scale * scale[:, None])
    kept = values > cutoff * values[-1]
    basis = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    found, rotation = np.linalg.eigh(basis.T @ products @ basis)
    return found[:count], basis @ rotation[:, :count]
