"""Solves (I - P) x = b about, P the random walk on a graph of pixels, by a cycle through ever coarser grids."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for
from classicseg.graph._dense import eigh, inner, orthonormal

Array = NDArray[Any]
DAMPING = 0.9  # of a Jacobi step
OVER = 1.3  # factor of what a coarse grid adds: a constant for each of its points is too stiff
COARSEST = 3000  # points with links of the coarsest grid at most, where the equations are solved by LU
SHIFT = 1e-5  # of the coarsest equations, which are singular without
COARSE_ROUNDS = 4  # of inverse iteration on the coarsest grid
CUTOFF = 1e-12  # of what is left of a direction there


class Level:
    """One grid: its graph, and how its vectors go to the next coarser one and back."""

    def __init__(self, weights: Array, offsets: Array, degree: NDArray[np.float64], inner: NDArray[np.float64]) -> None:
        """Take the stencil, the degrees (M, N), links within a point included, and the weight of those."""
        self.weights, self.offsets, self.degree = weights, offsets, degree
        self.shape: tuple[int, int] = degree.shape
        self.kernels: Any = kernels_for(weights, "multigrid")
        self.memo: dict[Any, Any] = {}  # what the kernels make of the grid once
        self.reciprocal = np.where(degree > 0, 1 / np.where(degree > 0, degree, 1), 0)
        self.share_within = self.reciprocal * inner
        self.inverse = cache(lambda dtype: self.reciprocal.astype(dtype))
        self.own = cache(lambda dtype: self.share_within.astype(dtype))
        margin = kernels_for(weights, "affinity").margins(offsets)
        self.margin: tuple[int, int] = margin
        self.padded = (self.shape[0] + 2 * margin[0], self.kernels.padded_columns(offsets, self.shape[1]))
        self.coarser: Level | None = None

    def zeros(self, count: int, dtype: Any) -> Array:
        """Return vectors with margins."""
        found: Array = self.kernels.zeros((count, *self.padded), dtype, self.weights)
        return found

    def weight(self, dtype: Any) -> Array:
        """Return the degrees as one padded vector."""
        found: Array = self.kernels.pad(self.degree[None].astype(dtype), self.offsets)[0]
        return found

    def inside(self, vectors: Array) -> Array:
        """Return the view (K, M, N) of vectors with margins."""
        found: Array = self.kernels.unpad(vectors, self.offsets, self.shape)
        return found

    def coarsen(self, n_threads: int | None) -> Level:
        """Make the next coarser grid."""
        parent = self.kernels.parents(self.weights, self.offsets, self.shape, n_threads)
        weights, offsets = self.kernels.coarse_weights(self.weights, self.offsets, parent, n_threads)
        shape = (self.shape[0] + 1) // 2, (self.shape[1] + 1) // 2
        degree = self.kernels.gathered(self.degree, parent)
        between = kernels_for(weights, "affinity").degrees(weights, offsets, shape, n_threads)
        coarse = Level(weights, offsets, degree, np.maximum(degree - between, 0))
        self.coarser = coarse
        row, col = parent // shape[1], parent % shape[1]
        top, left = coarse.margin
        self.place = ((row + top) * coarse.padded[1] + col + left).astype(np.int32)
        self.share = (self.degree * coarse.reciprocal.reshape(-1)[parent]).astype(np.float32)
        return coarse


class Multigrid:
    """The grids, and what each needs of memory for vectors of float32."""

    def __init__(self, finest: Level, least: int, n_threads: int | None) -> None:
        """Take the finest grid; every grid has at least `least` points with links."""
        self.n_threads = n_threads
        self.levels = [finest]
        while int(np.count_nonzero(self.levels[-1].degree)) > COARSEST:
            coarser = self.levels[-1].coarsen(n_threads)
            if int(np.count_nonzero(coarser.degree)) < least:
                self.levels[-1].coarser = None
                break
            self.levels.append(coarser)
        self._factor()
        self._room: dict[tuple[int, int], tuple[Array, Array]] = {}

    def _factor(self) -> None:
        """Factor the coarsest equations, on the host, as those of the symmetric matrix I - D^-½ W D^-½."""
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        coarsest = self.levels[-1]
        degree = to_host(coarsest.degree).reshape(-1)
        self.nodes = np.flatnonzero(degree > 0)
        self.root = np.sqrt(degree[self.nodes])
        scale, own = diags_array(1 / self.root), to_host(coarsest.share_within).reshape(-1)[self.nodes]
        self.symmetric = (diags_array(1 + SHIFT - own) - scale @ _links(coarsest, self.nodes) @ scale).tocsc()
        self.lu = splu(self.symmetric, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})

    def coarse_vectors(self, count: int, out: Array) -> float:
        """Write about the first `count` eigenvectors of the coarsest grid, by inverse iteration.

        Return the largest of their eigenvalues.
        """
        size = len(self.nodes)
        basis = np.random.default_rng(0).standard_normal((min(count + 4, size), size))
        for _ in range(COARSE_ROUNDS):
            basis = self.lu.solve(basis.T).T
            basis = np.einsum("ij,ik->jk", orthonormal(inner(basis, basis), CUTOFF)[0], basis)
        values, rotation = eigh(inner(basis, (self.symmetric @ basis.T).T))
        self._spread(np.einsum("ij,ik->jk", rotation[:, :count], basis) / self.root, out)
        return float(values[:count][-1])

    def _spread(self, values: Array, out: Array) -> None:
        """Write values (K, nodes) of the coarsest grid to vectors with margins."""
        coarsest = self.levels[-1]
        flat = np.zeros((len(values), coarsest.degree.size), np.float32)
        flat[:, self.nodes] = values
        coarsest.inside(out)[: len(values)] = like(flat.reshape(-1, *coarsest.shape), out)

    def cycle(self, index: int, right: Array, room: Array) -> Array:
        """Replace `right` by about the solution on grid `index`; `room` is for vectors like it."""
        level = self.levels[index]
        if level.coarser is None:
            values = to_host(level.inside(right).reshape(len(right), -1))[:, self.nodes] * self.root
            self._spread(self.lu.solve(values.T).T / self.root, right)
            return right
        kernels, n_threads = level.kernels, self.n_threads
        # One Jacobi step from zero leaves the residual b - (I - P) w b = w P b + (1 - w) b.
        kernels.step(level, right, right, room, (DAMPING, 1 - DAMPING, 0), n_threads)
        coarse, coarse_room = self._room_of(index + 1, len(right))
        kernels.restrict(room, level.share, level.place, coarse, level.margin, n_threads)
        coarse = self.cycle(index + 1, coarse, coarse_room)
        np.multiply(right, np.float32(DAMPING), out=room)
        kernels.prolong(coarse, level.place, OVER, room, level.margin, n_threads)
        result: Array = kernels.step(level, room, right, right, (DAMPING, 1 - DAMPING, DAMPING), n_threads)
        return result

    def solver(self, index: int) -> Callable[[Array, Array], Array]:
        """Return the cycle from grid `index` on."""
        return lambda right, room: self.cycle(index, right, room)

    def _room_of(self, index: int, count: int) -> tuple[Array, Array]:
        if (index, count) not in self._room:
            level = self.levels[index]
            self._room[index, count] = level.zeros(count, np.float32), level.zeros(count, np.float32)
        return self._room[index, count]

    def forget_room(self) -> None:
        """Let the memory of cycles go, which is kept from one to the next."""
        self._room.clear()

    def finer(self, index: int, vectors: Array, room: Array, out: Array) -> None:
        """Write vectors of grid `index` + 1 to grid `index`, smoothed by one step of the walk; `room` is zeros."""
        level = self.levels[index]
        level.kernels.prolong(vectors, level.place, 1, room, level.margin, self.n_threads)
        level.kernels.step(level, room, room, out, (1, 0, 0), self.n_threads)


def _links(level: Level, nodes: NDArray[np.int64]) -> Any:
    """Return the symmetric matrix of the links of these points of a grid, a SciPy sparse array."""
    from scipy.sparse import coo_array

    n_cols, (top, left), stored = level.shape[1], level.margin, to_host(level.weights)
    index = np.full(level.degree.size, -1)
    index[nodes] = np.arange(len(nodes))
    ends = [[np.empty(0, np.int64)], [np.empty(0, np.int64)]]
    found = [np.empty(0, np.float32)]
    for o, (down, right) in enumerate(level.offsets.tolist()):
        weights = stored[top:, o, left : left + n_cols]
        rows, cols = np.nonzero(weights)
        one = rows * n_cols + cols
        ends[0].append(index[one])
        ends[1].append(index[one + down * n_cols + right])
        found.append(weights[rows, cols])
    one, other, data = np.concatenate(ends[0]), np.concatenate(ends[1]), np.concatenate(found).astype(np.float64)
    half = coo_array((data, (one, other)), shape=(len(nodes), len(nodes))).tocsr()
    return half + half.T
