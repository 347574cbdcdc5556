"""Sparse graphs as the kernels take them, made from regions or from SciPy's arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_finite, check_float, check_numbers
from classicseg.graph._beside import beside_each_other
from classicseg.graph._small import checked_graph, sparse_vectors
from classicseg.regions import RegionGraph

FAINT = 1e-12  # weaker links are none: eigenvalues that they make cannot be told from 0
NARROWEST = 1e-30
EXACT = 1e-6  # residual of eigenvectors
WIDTH = 0.65  # of the median difference: the best for 4 to 24 segments of photographs, in the mean


@dataclass(frozen=True, eq=False)
class SparseGraph:
    """Some nodes of a graph and the links among them, as `cut_tree` cuts them in two.

    The symmetric matrix is in CSR form without its diagonal, which is `own`; `degree` are the sums of its rows.
    """

    nodes: NDArray[np.intp]  # (n,), which of the whole graph they are
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    data: NDArray[np.float64]
    own: NDArray[np.float64]
    degree: NDArray[np.float64]
    start: NDArray[np.float64] | None = None  # (4, n), near to its first eigenvectors: those of a graph it is part of

    @property
    def takes_threads(self) -> bool:
        """Tell whether several threads cut it."""
        return False

    @property
    def kernels(self) -> Any:
        """Return the kernels for such a graph."""
        return kernels_for(self.data, "ncut")

    @property
    def degrees(self) -> NDArray[np.float64]:
        """Return the degree of each node."""
        return self.degree

    @property
    def n_parts(self) -> int:
        """Return how many parts there are that no link joins."""
        return int(self.kernels.components(self.indptr, self.indices)[1])

    def vectors(self, count: int) -> NDArray[np.float64]:
        """Return the first eigenvectors (n, count)."""
        found: NDArray[np.float64] = sparse_vectors(self.to_scipy(), count, EXACT)[0]
        return found

    def part_of(self, chosen: NDArray[np.intp]) -> SparseGraph:
        """Return the graph of the chosen places in `nodes`, ascending."""
        indptr, indices, data = self.kernels.subgraph(self.indptr, self.indices, self.data, chosen)
        own = self.own[chosen]
        degree = _sums_of_rows(indptr, data) + own
        start = None if self.start is None else self.start[:, chosen]
        return SparseGraph(self.nodes[chosen], indptr, indices, data, own, degree, start)

    def connected_parts(self) -> Iterator[SparseGraph]:
        """Return the parts that no link joins, the one of largest degrees first, of equal ones the first."""
        part, n_parts = self.kernels.components(self.indptr, self.indices)
        if n_parts == 1:
            yield self
            return
        volume = np.bincount(part, self.degree, n_parts)
        by_part = np.argsort(part, kind="stable")
        begins = np.searchsorted(part[by_part], np.arange(n_parts + 1))
        for index in np.argsort(-volume, kind="stable"):
            yield self.part_of(by_part[begins[index] : begins[index + 1]])

    def cut_in_two(self) -> tuple[NDArray[np.bool_], float, SparseGraph]:
        """Return which nodes of a connected graph of two or more to cut off, and the normalized cut of that.

        The graph that is returned too is this one, of which the parts are cut sooner.
        """
        graph = (self.indptr, self.indices, self.data, self.own, self.degree)
        off, value, vectors = self.kernels.cut_in_two(*graph, self.start)
        return off, value, replace(self, start=vectors)

    def refined(self, labels: NDArray[np.int32], n_segments: int) -> tuple[NDArray[np.int32], float]:
        """Return the segments after nodes moved where that lowers the normalized cut, and its value."""
        found = labels.copy()
        graph = (self.indptr, self.indices, self.data, self.own, self.degree)
        return found, self.kernels.refined(*graph, found, n_segments)

    def all_refined(
        self, found: Sequence[NDArray[np.int32]], n_segments: int, n_threads: int | None
    ) -> list[tuple[NDArray[np.int32], float]]:
        """Return several segmentations refined, each by one thread."""
        return beside_each_other(lambda labels: self.refined(labels, n_segments), found, n_threads)

    def to_scipy(self) -> Any:
        """Return the symmetric matrix, its diagonal included, as a SciPy CSR array."""
        from scipy.sparse import csr_array, diags_array

        size = len(self.nodes)
        return (csr_array((self.data, self.indices, self.indptr), shape=(size, size)) + diags_array(self.own)).tocsr()


def _sums_of_rows(indptr: NDArray[np.int64], data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of each row, one after the other: in one way for a row, whatever the others are."""
    found = np.zeros(len(indptr) - 1)
    filled = np.flatnonzero(np.diff(indptr))
    if len(filled):
        found[filled] = np.add.reduceat(data, indptr[filled])
    return found


def graph_of_scipy(affinity: Any) -> SparseGraph:
    """Check a SciPy sparse array."""
    matrix = checked_graph(affinity)
    matrix.sum_duplicates()
    own = matrix.diagonal()
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    indptr, data = matrix.indptr.astype(np.int64), matrix.data
    degree = _sums_of_rows(indptr, data) + own
    return SparseGraph(np.arange(len(own)), indptr, matrix.indices.astype(np.int32), data, own, degree)


def region_affinity(graph: RegionGraph, *, sigma: float | None = None, weights: ArrayLike | None = None) -> Any:
    """Tell how much regions are alike, as a graph that can be cut.

    The weight of two neighbours is exp(-d²/2σ²), with d the distance of their mean values: near 1 where they are alike,
    and near 0 where they differ by more than 3 σ. Each region is linked to itself by 1, as the formula has it.

    Parameters
    ----------
    graph : RegionGraph
        Regions and their neighbours, as `region_graph` gives them with an image.
    sigma : float, optional
        Width σ, in the image's unit: differences well below it count as none. Default: 0.65 of the median difference
        of neighbours that differ at all.
    weights : array_like, shape (n_edges,), optional
        Weights of your own from 0 up, one for each of the graph's edges, instead of those by the formula: such as
        ``numpy.exp(-graph.contrast / 10) * graph.boundary_length``. A region's link to itself is still 1.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (n, n)
        The symmetric matrix; row r is the label r + 1. Numbers that no pixel has have no links. Weights below 1e-12
        are left out.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type, shape or value.

    See Also
    --------
    normalized_cut : Cut such a graph, or the regions at once.
    pixel_affinity : The same of pixels.

    Notes
    -----
    That each region is linked to itself lets a single region be a segment: without, the normalized cut counts it like a
    segment that is linked to nothing but others. `skimage.graph.cut_normalized` does so too. Source: J. Shi, J. Malik,
    "Normalized Cuts and Image Segmentation", IEEE Trans. Pattern Anal. Mach. Intell. 22(8), 2000,
    doi:10.1109/34.868688.

    Examples
    --------
    >>> from classicseg import region_graph
    >>> graph = region_graph([[1, 2, 3]], [[10, 12, 40]])
    >>> region_affinity(graph, sigma=2).toarray().round(3)
    array([[1.   , 0.607, 0.   ],
           [0.607, 1.   , 0.   ],
           [0.   , 0.   , 1.   ]])
    """
    return graph_of_regions(graph, sigma, weights).to_scipy()


def graph_of_regions(graph: RegionGraph, sigma: float | None, weights: ArrayLike | None) -> SparseGraph:
    """Check what is said about the weights of a graph of regions."""
    if not isinstance(graph, RegionGraph):
        raise TypeError(f"graph must be a RegionGraph, got {type(graph).__name__}; make one with region_graph()")
    if weights is None:
        data = _weights_by_difference(graph.difference, sigma)
    elif sigma is not None:
        raise ValueError("one of sigma and weights may be given, got both")
    else:
        data = check_finite("weights", check_numbers("weights", weights), "give such edges a weight of 0")
        if data.shape != graph.difference.shape:
            raise ValueError(f"weights must have shape {graph.difference.shape}, one per edge, got {data.shape}")
        if float(data.min(initial=0)) < 0:
            raise ValueError(f"weights must not be negative, got {float(data.min())}; a weight of 0 is no link")
        data = data.astype(np.float64)
    linked = data[graph.edge_index] >= FAINT
    row = np.repeat(np.arange(len(graph.area)), np.diff(graph.indptr))[linked]
    indptr = np.append(0, np.cumsum(np.bincount(row, minlength=len(graph.area))))
    values = data[graph.edge_index[linked]]
    own = (graph.area > 0).astype(np.float64)
    degree = _sums_of_rows(indptr, values) + own
    return SparseGraph(np.arange(len(own)), indptr, graph.indices[linked], values, own, degree)


def _weights_by_difference(difference: NDArray[np.float64], sigma: float | None) -> NDArray[np.float64]:
    if sigma is None:
        some = difference[difference > 0]
        width = max(WIDTH * float(np.median(some)), NARROWEST) if len(some) else 1.0
    else:
        width = check_float("sigma", sigma, low=NARROWEST)
    with np.errstate(over="ignore", under="ignore"):
        found: NDArray[np.float64] = np.exp(-((difference / width) ** 2) / 2)
    return found
