"""Eigenvectors of graphs that can be written as a dense matrix or factored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_int, check_numbers
from classicseg.regions import RegionGraph

Array = NDArray[Any]
DENSE = 400  # nodes of a part whose eigenvectors are all computed at once
FAINT = 1e-12  # of S: such links are none
SHIFT = -1e-5  # where ARPACK looks for eigenvalues: just below the least one, which is 0


def dense_vectors(graph: Any, degree: NDArray[np.float64], count: int) -> tuple[Array, Array]:
    """Return the first eigenvalues and vectors (n, count) of (D - W) v = μ D v; 0 at nodes without links."""
    from scipy.linalg import eigh

    nodes = np.flatnonzero(degree > 0)
    root = np.sqrt(degree[nodes])
    matrix = np.eye(len(nodes)) - graph[nodes][:, nodes].toarray().astype(np.float64) / root / root[:, None]
    values, found = eigh(matrix, subset_by_index=(0, count - 1))
    vectors = np.zeros((len(degree), count))
    vectors[nodes] = found / root[:, None]
    return np.maximum(values, 0), vectors


def region_links(graph: RegionGraph, weights: ArrayLike | None) -> Any:
    """Return the links of regions as a SciPy sparse array."""
    from scipy.sparse import csr_array

    if weights is None:
        raise ValueError(
            "weights must be given with a RegionGraph, one for each edge; for example "
            "np.exp(-graph.difference**2 / (2 * sigma**2))"
        )
    array = check_numbers("weights", weights)
    if array.shape != (len(graph.edges),):
        raise ValueError(f"weights must have shape ({len(graph.edges)},), one for each edge, got {array.shape}")
    size = len(graph.area)
    return csr_array((array[graph.edge_index], graph.indices, graph.indptr), shape=(size, size))


def sparse_vectors(graph: Any, n_vectors: int, tol: float) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Return vectors (n, n_vectors), eigenvalues, residuals and which have converged, of a SciPy sparse array."""
    from scipy.sparse.csgraph import connected_components

    graph = checked_graph(graph)
    degree = np.asarray(graph.sum(axis=1)).reshape(-1)
    nodes = np.flatnonzero(degree > 0)
    n_vectors = check_int("n_vectors", n_vectors, low=1, high=max(len(nodes), 1))
    if len(nodes) == 0:
        raise ValueError("affinity must have links, got none; drop the nodes without them first")
    _, part = connected_components(graph, directed=False)
    parts = [nodes[part[nodes] == index] for index in np.unique(part[nodes])]
    volumes = [degree[members].sum() for members in parts]
    values, vectors = [], []
    for index in np.argsort(-np.array(volumes), kind="stable"):
        members = parts[index]
        own, found = _of_part(graph[members][:, members], degree[members], min(n_vectors, len(members)))
        own[0], found[:, 0] = 0, 1 / np.sqrt(volumes[index])
        spread = np.zeros((len(degree), len(own)))
        spread[members] = found
        values.append(own)
        vectors.append(spread)
    all_values, all_vectors = np.concatenate(values), np.concatenate(vectors, axis=1)
    chosen = np.argsort(all_values, kind="stable")[:n_vectors]
    eigenvalues, kept = all_values[chosen], all_vectors[:, chosen]
    largest = np.abs(kept).argmax(axis=0)
    kept *= np.where(kept[largest, np.arange(n_vectors)] < 0, -1.0, 1.0)
    residuals = residuals_of(graph, degree, eigenvalues, kept)
    return kept, eigenvalues, residuals, residuals <= tol


def residuals_of(graph: Any, degree: NDArray[np.float64], values: Array, vectors: Array) -> Array:
    """Return the norms of D^-½ (D v - W v - μ D v), of vectors (n, K)."""
    rest = degree[:, None] * vectors * (1 - values) - graph @ vectors
    root = np.sqrt(np.where(degree > 0, degree, np.inf))
    found: Array = np.sqrt(((rest / root[:, None]) ** 2).sum(axis=0))
    return found


def _of_part(graph: Any, degree: NDArray[np.float64], count: int) -> tuple[Array, Array]:
    """Return eigenvalues and vectors of a graph in one part."""
    if len(degree) <= max(DENSE, 3 * count):
        return dense_vectors(graph, degree, count)
    from scipy.sparse import diags_array, eye_array
    from scipy.sparse.linalg import eigsh

    root = np.sqrt(degree)
    scale = diags_array(1 / root)
    matrix = (eye_array(len(degree)) - scale @ graph @ scale).tocsc()
    start = np.random.default_rng(0).standard_normal(len(degree))
    values, vectors = eigsh(matrix, count, sigma=SHIFT, v0=start)
    order = np.argsort(values, kind="stable")
    return np.maximum(values[order], 0), vectors[:, order] / root[:, None]


def checked_graph(graph: Any) -> Any:
    """Return a SciPy sparse array as CSR of float64 with links of at least 0, both ways alike."""
    if not hasattr(graph, "tocsr"):
        raise TypeError(
            f"affinity must be a PixelAffinity or a SciPy sparse array, got {type(graph).__name__}; "
            "pass an image through pixel_affinity() first"
        )
    from scipy.sparse import csr_array

    if len(graph.shape) != 2 or graph.shape[0] != graph.shape[1]:
        raise ValueError(f"affinity must be square, got shape {graph.shape}")
    found = csr_array(graph, dtype=np.float64)
    if not np.isfinite(found.data).all():
        raise ValueError("affinity must be finite, got NaN or infinite weights; drop such links")
    if found.nnz and float(found.data.min()) < 0:
        raise ValueError(f"affinity must not be negative, got {float(found.data.min())}; a weight of 0 is no link")
    apart = abs(found - found.T)
    if apart.nnz and float(apart.max()) > 1e-6 * float(found.data.max()):
        raise ValueError("affinity must be symmetric, got other weights one way than back; take (W + W.T) / 2")
    return _without_faint(found)


def _without_faint(graph: Any) -> Any:
    """Return the graph without links that eigenvalues cannot tell from none, in which solvers lose themselves."""
    from scipy.sparse import coo_array

    links = graph.tocoo()
    root = np.sqrt(np.asarray(graph.sum(axis=1)).reshape(-1))
    kept = links.data > FAINT * root[links.row] * root[links.col]
    return coo_array((links.data[kept], (links.row[kept], links.col[kept])), shape=graph.shape).tocsr()
