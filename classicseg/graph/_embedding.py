"""Eigenvectors of the random walk on a graph: where it goes slowly, a segment ends."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_int
from classicseg.graph._affinity import PixelAffinity
from classicseg.graph._clusters import groups
from classicseg.graph._lobpcg import FOUR, Block, Solver
from classicseg.graph._multigrid import Level, Multigrid
from classicseg.graph._small import dense_vectors, region_links, residuals_of, sparse_vectors
from classicseg.regions import RegionGraph

Array = NDArray[Any]
Mode = Literal["fast", "accurate", "exact"]
MODES: tuple[Mode, ...] = get_args(Mode)
TRACE = {"fast": 0.01, "accurate": 0.001}  # what is left of an eigenvalue's fall, of the mean eigenvalue
STEPS = {"fast": 40, "accurate": 80, "exact": 300}  # at most
RESIDUAL = 1e-6  # of "exact"
NOISE = 1e-8  # of eigenvalues in float32
SLOWEST = 0.6  # the least ratio of two falls that is believed: later ones fall more slowly
GUARDS = 4  # vectors beyond those wanted, which bring the last of these forward
COARSE_TRACE, COARSE_STEPS = 0.02, 8  # what is left on a grid between the coarsest and the finest, and steps at most
DENSE = 400  # nodes, or
DENSE_PER_VECTOR = 8  # times as many as vectors, up to which all eigenvectors are computed at once


@dataclass(frozen=True, eq=False)
class SpectralResult:
    """The first eigenvectors of a graph, as `spectral_embedding` finds them.

    Parameters
    ----------
    vectors : ndarray of float32 or float64, shape (M, N, n_vectors) or (n, n_vectors)
        Vectors v with (D - W) v = μ D v, of the degrees D and weights W, and sum(D v²) = 1; 0 at nodes without links.
        float64 for ``mode="exact"`` and graphs of other than pixels. The largest value of each is positive. CuPy's
        where the graph lies on a GPU.
    eigenvalues : ndarray of float64, shape (n_vectors,)
        The eigenvalues μ, ascending from 0, at most 2. As many are 0 as the graph has parts that no link joins.
    residuals : ndarray of float64, shape (n_vectors,)
        The norm of (I - S) u - μ u, with S = D^-½ W D^-½ and u = D^½ v of norm 1.
    converged : ndarray of bool, shape (n_vectors,)
        Whether each is as exact as the mode promises.
    n_iter : int
        Steps that were taken on the whole graph; 0 where all eigenvectors were computed at once.
    """

    vectors: Array
    eigenvalues: NDArray[np.float64]
    residuals: NDArray[np.float64]
    converged: NDArray[np.bool_]
    n_iter: int


def spectral_embedding(
    affinity: PixelAffinity | RegionGraph | Any,
    n_vectors: int,
    *,
    weights: ArrayLike | None = None,
    mode: Mode = "fast",
    n_threads: int | None = None,
) -> SpectralResult:
    """Give every node of a graph a few numbers that are alike within a segment: the first eigenvectors.

    Clustering of these, as `kmeans(result.vectors, n)` does, cuts the graph where its normalized cut is small.

    Parameters
    ----------
    affinity : PixelAffinity, RegionGraph or SciPy sparse array, shape (n, n)
        The graph. A sparse array must be symmetric, without negative weights; its equations and those of regions are
        solved by factoring them, which suits graphs of regions and of 4 neighbours. That of `pixel_affinity` has a
        solver of its own.
    n_vectors : int
        How many, from 1 up to the number of nodes with links; about as many as segments. The first one is constant
        on each part of the graph.
    weights : array_like, shape (n_edges,), optional
        The weight of each edge of a RegionGraph, which needs it: how much alike the regions are, such as
        ``numpy.exp(-graph.difference**2 / (2 * sigma**2))``. Other graphs have theirs.
    mode : {"fast", "accurate", "exact"}, default "fast"
        How exact the vectors of a `PixelAffinity` become. "fast": steps until what is left of the eigenvalues' fall is
        estimated to be 1 % of their sum, which is enough to segment; "accurate": 0.1 %; "exact": in float64, until
        each residual is at most 1e-6. Other graphs, and those of up to 400 pixels, are always exact.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    SpectralResult
        The eigenvectors, and how exact they are.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type, shape or value.

    Warns
    -----
    RuntimeWarning
        If not every vector has converged; `SpectralResult.converged` says which.

    See Also
    --------
    pixel_affinity : Make the graph.
    ncut : The value that the segmentation of a graph has.

    Notes
    -----
    Parts of the graph that no link joins are found first, the one with most links in front: each has an eigenvector of
    its own of eigenvalue 0. The rest comes from a grid of about 3000 points, refined grid by grid, and at last on the
    pixels by LOBPCG with a multigrid cycle as preconditioner; points of a coarser grid gather the pixels that are
    linked to them most. Vectors of nearly equal eigenvalues may come in any rotation. On a GPU the host solves the
    coarsest grid and the small matrices of each step; results differ from the CPU's by rounding.

    Sources: J. Shi, J. Malik, "Normalized Cuts and Image Segmentation", IEEE Trans. Pattern Anal. Mach. Intell. 22(8),
    2000, doi:10.1109/34.868688; A. V. Knyazev, "Toward the Optimal Preconditioned Eigensolver", SIAM J. Sci. Comput.
    23(2), 2001, doi:10.1137/S1064827500366124.

    Examples
    --------
    >>> from classicseg import pixel_affinity
    >>> affinity = pixel_affinity([[1.0, 1.2, 3.0, 3.1]], 1, sigma=1)
    >>> result = spectral_embedding(affinity, 2)
    >>> result.vectors[..., 1] > 0
    array([[ True,  True, False, False]])
    >>> result.converged
    array([ True,  True])
    """
    mode = check_choice("mode", mode, MODES)
    n_threads = None if n_threads is None else check_int("n_threads", n_threads, low=1)
    if isinstance(affinity, RegionGraph):
        affinity, weights = region_links(affinity, weights), None
    if weights is not None:
        raise ValueError("weights must go with a RegionGraph, got them with another graph; leave them out")
    if isinstance(affinity, PixelAffinity):
        found = pixel_vectors(affinity, n_vectors, mode, n_threads)
    else:
        found = SpectralResult(*sparse_vectors(affinity, n_vectors, RESIDUAL), 0)
    if not found.converged.all():
        count = int((~found.converged).sum())
        warnings.warn(
            f"{count} of {len(found.converged)} eigenvectors have not converged after {found.n_iter} steps; "
            "a wider sigma joins what is hardly linked",
            RuntimeWarning,
            stacklevel=2,
        )
    return found


def pixel_vectors(affinity: PixelAffinity, n_vectors: int, mode: Mode, n_threads: int | None) -> SpectralResult:
    """Return what `spectral_embedding` does, without a warning."""
    degree = affinity.degree
    n_nodes = int(np.count_nonzero(degree))
    n_vectors = check_int("n_vectors", n_vectors, low=1, high=max(n_nodes, 1))
    if n_nodes == 0:
        raise ValueError("affinity must have links, got none; a larger sigma makes some")
    kernels: Any = kernels_for(affinity.stored, "multigrid")
    part, n_parts = kernels.components(affinity.stored, affinity.offsets, degree)
    known = _indicators(part, degree, min(n_parts, n_vectors))
    wanted = n_vectors - len(known)
    size, room = _fours(wanted + GUARDS), _fours(len(known))
    if n_nodes <= max(DENSE, DENSE_PER_VECTOR * (size + room)):
        graph, nodes = affinity.to_scipy(n_threads=n_threads).astype(np.float64), to_host(degree).reshape(-1)
        values, vectors = dense_vectors(graph, nodes, n_vectors)
        vectors[:, : len(known)] = to_host(known).reshape(len(known), -1).T
        values[: len(known)] = 0
        residuals = residuals_of(graph, nodes, values, vectors)
        turned = like(_with_signs(vectors.reshape(*degree.shape, -1)), degree)
        return SpectralResult(turned, values, residuals, residuals <= RESIDUAL, 0)
    dtype = np.dtype(np.float64 if mode == "exact" else np.float32)
    values, residuals, converged, n_iter = np.zeros(n_vectors), np.zeros(n_vectors), np.ones(n_vectors, bool), 0
    finest = Level(affinity.stored, affinity.offsets, degree, np.zeros_like(degree))
    residuals[: len(known)] = _residuals_of_known(finest, known, dtype, n_threads)
    if wanted > 0:
        grids = Multigrid(finest, DENSE_PER_VECTOR * (size + room), n_threads)
        block, converged[len(known) :], n_iter = _solve(grids, known, wanted, size, mode)
        values[len(known) :], residuals[len(known) :] = (
            np.maximum(block.eigenvalues, 0)[:wanted],
            block.residuals[:wanted],
        )
    vectors = np.empty_like(degree, dtype, shape=(*degree.shape, n_vectors))  # where the graph lies
    vectors[..., : len(known)] = np.moveaxis(known, 0, -1)
    if wanted > 0:
        vectors[..., len(known) :] = np.moveaxis(finest.inside(block.vectors())[:wanted], 0, -1)
        vectors[degree == 0] = 0  # coarser grids have values there too, which count nothing
    return SpectralResult(_with_signs(vectors), values, residuals, converged, n_iter)


def _solve(grids: Multigrid, known: Array, wanted: int, size: int, mode: Mode) -> tuple[Block, NDArray[np.bool_], int]:
    """Return the block of the finest grid, which of its vectors have converged, and the steps taken."""
    block, solver = _start(grids, known, wanted, size)
    judge = _Judge(wanted, TRACE["accurate" if mode == "exact" else mode])
    n_iter = solver.run(block, judge, STEPS["accurate" if mode == "exact" else mode])
    if mode != "exact":
        return block, judge.converged, n_iter
    solver = Solver(grids.levels[0], _in_float32(grids), grids.n_threads)
    vectors = block.vectors().copy()
    del block
    block = solver.block(known, size, size, np.float64)
    block.vectors()[:] = vectors
    solver.start(block, size)
    n_iter += solver.run(block, lambda block, n_iter: bool((block.residuals[:wanted] <= RESIDUAL).all()), STEPS[mode])
    return block, block.residuals[:wanted] <= RESIDUAL, n_iter


def _start(grids: Multigrid, known: Array, wanted: int, size: int) -> tuple[Block, Solver]:
    """Return the block of the finest grid as coarser ones and groups of pixels start it, and its solver."""
    count, coarsest = size + _fours(len(known)), grids.levels[-1]
    vectors = coarsest.zeros(count, np.float32)
    loosest = grids.coarse_vectors(count, vectors)
    for index in range(len(grids.levels) - 2, 0, -1):
        solver = Solver(grids.levels[index], grids.solver(index), grids.n_threads)
        block = solver.block(np.empty((0, *grids.levels[index].shape)), count, count, np.float32)
        grids.finer(index, vectors, block.room(), block.vectors())
        solver.start(block, count)
        solver.run(block, _Judge(wanted + len(known), COARSE_TRACE), COARSE_STEPS)
        vectors, loosest = block.vectors().copy(), float(block.eigenvalues[-1])
        del block  # before there is a larger one
    grids.forget_room()
    finest = grids.levels[0]
    found = groups(finest.weights, finest.offsets, finest.shape, max(3 * size - count, 0), loosest, grids.n_threads)
    solver = Solver(finest, grids.solver(0), grids.n_threads)
    block = solver.block(known, count + _fours(len(found)), size, np.float32)
    if len(grids.levels) > 1:
        grids.finer(0, vectors, block.room()[:count], block.vectors()[:count])
    else:
        block.vectors()[:count] = vectors
    for into, (labels, number, volume) in zip(finest.inside(block.vectors()[count:]), found):
        into[labels == number] = 1 / np.sqrt(volume)
    solver.start(block, size)
    return block, solver


class _Judge:
    """Whether eigenvalues will fall little more: each fall is a share of the one before."""

    def __init__(self, wanted: int, tol: float) -> None:
        self.wanted, self.tol = wanted, tol
        self.before, self.fall = np.empty(0), 0.0
        self.converged = np.zeros(wanted, bool)

    def __call__(self, block: Block, n_iter: int) -> bool:
        now = block.eigenvalues[: self.wanted]
        if n_iter > 0:
            falls = np.abs(self.before - now)
            total = float(falls.sum())
            ratio = min(max(SLOWEST, total / self.fall if self.fall > 0 else 0.0), 0.95)
            left = falls * ratio / (1 - ratio)
            self.converged = left <= max(self.tol * float(now.mean()), NOISE)
            self.converged |= bool(left.sum() <= self.tol * now.sum())  # what is left of the sum, whosever it is
            self.fall = total
        self.before = now.copy()
        return bool(self.converged.all())


def _in_float32(grids: Multigrid) -> Callable[[Array, Array], Array]:
    """Return a cycle for vectors of float64: what it computes about need not be exact."""

    def solve(right: Array, room: Array) -> Array:
        scale = np.abs(right).max(axis=(1, 2), keepdims=True)
        narrow = (right / np.where(scale > 0, scale, 1)).astype(np.float32)
        right[:] = grids.cycle(0, narrow, np.zeros_like(narrow))
        right *= scale
        return right

    return solve


def _indicators(part: NDArray[np.int32], degree: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the vectors (count, M, N) that are constant on one part, of those with most links."""
    number, links = to_host(part), to_host(degree)
    volume = np.bincount(number[number >= 0], links[number >= 0])
    largest = np.argsort(-volume, kind="stable")[:count]
    return np.stack([(part == index) / np.sqrt(volume[index]) for index in largest])


def _residuals_of_known(finest: Level, known: Array, dtype: np.dtype[Any], n_threads: int | None) -> Array:
    """Return the norms of D^½ (v - P v)."""
    vectors, rest = (finest.zeros(_fours(len(known)), dtype) for _ in range(2))
    finest.inside(vectors)[: len(known)] = known
    finest.kernels.step(finest, vectors, vectors, rest, (-1, 1, 0), n_threads)
    squares = finest.inside(rest)[: len(known)].astype(np.float64) ** 2
    found: Array = np.sqrt(to_host((squares * finest.degree).sum(axis=(1, 2))))
    return found


def _with_signs(vectors: Array) -> Array:
    """Turn vectors, on the last axis, so that the value of largest size is positive; of equal ones the first."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    for k in range(flat.shape[1]):
        if flat[int(np.abs(flat[:, k]).argmax()), k] < 0:
            vectors[..., k] *= -1
    return vectors


def _fours(count: int) -> int:
    return -(-count // FOUR) * FOUR
