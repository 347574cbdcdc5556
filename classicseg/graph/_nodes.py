"""Graphs of regions, and SciPy's sparse arrays, as links of nodes, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_float, check_numbers
from classicseg.graph._sources import NARROWEST
from classicseg.regions import RegionGraph

WAY_OUT = "give links that do not count a weight of 0"


class Nodes(NamedTuple):
    """A symmetric graph without links of nodes to themselves."""

    begin: NDArray[np.int64]  # (n + 1,) the links of node p are begin[p] to begin[p + 1]
    head: NDArray[np.int64]  # (L,) the node that a link leads to, ascending for each node
    weights: NDArray[np.float64]  # (L,)

    @property
    def tail(self) -> NDArray[np.int64]:
        """Return the node (L,) that each link belongs to."""
        return np.repeat(np.arange(len(self.begin) - 1), np.diff(self.begin))

    @property
    def twin(self) -> NDArray[np.int64]:
        """Return for each link (L,) the same one from its other end."""
        found: NDArray[np.int64] = np.lexsort((self.tail, self.head))
        return found


def of_regions(graph: RegionGraph, weights: ArrayLike | None, sigma: float | None) -> tuple[Nodes, float | None]:
    """Return regions as nodes, and σ: links weigh the length of the boundary times exp(-difference²/2σ²).

    σ is by default the median of the differences that are not 0; None where weights are given.
    """
    if weights is not None:
        if sigma is not None:
            raise ValueError("sigma must go without weights, got both; leave one out")
        edges = _not_negative("weights", check_numbers("weights", weights).astype(np.float64))
        if edges.shape != graph.difference.shape:
            raise ValueError(f"weights must have shape {graph.difference.shape}, one per edge, got {edges.shape}")
    else:
        if sigma is None:
            apart = graph.difference[graph.difference > 0]
            sigma = float(np.median(apart)) if apart.size else 1.0
        sigma = check_float("sigma", sigma, low=NARROWEST)
        edges = graph.boundary_length.astype(np.float64) * np.exp(-((graph.difference / sigma) ** 2) / 2)
    return Nodes(graph.indptr, graph.indices.astype(np.int64), edges[graph.edge_index]), sigma


def of_sparse(name: str, graph: Any) -> Nodes:
    """Return a SciPy sparse array, which must be symmetric, as nodes."""
    if graph.ndim != 2 or graph.shape[0] != graph.shape[1]:
        raise ValueError(f"{name} must have shape (n, n), got {graph.shape}")
    if graph.dtype.kind not in "uif":
        raise TypeError(f"{name} must be of an integer or floating dtype, got {graph.dtype}; pass weights")
    from scipy.sparse import csr_array

    matrix = csr_array(graph, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    _not_negative(name, matrix.data)
    if (matrix != matrix.T).nnz:
        raise ValueError(f"{name} must be symmetric; pass (graph + graph.T) / 2")
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    return Nodes(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data)


def _not_negative(name: str, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    check_finite(name, weights, WAY_OUT)
    if weights.size and float(weights.min()) < 0:
        raise ValueError(f"{name} must not be negative, got {float(weights.min())}; {WAY_OUT}")
    return weights
