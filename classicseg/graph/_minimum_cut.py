"""The least cut of a whole graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg.graph._affinity import PixelAffinity
from classicseg.graph._nodes import Nodes, of_regions, of_sparse
from classicseg.regions import RegionGraph

MOST_NODES = 20_000


@dataclass(frozen=True, eq=False)
class MinimumCutResult:
    """Two parts of a graph, as `minimum_cut` finds them.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N) or (n,)
        0 for the part of the first node and 1 for the other; -1 for pixels outside the mask or the regions. (n,) for a
        sparse array.
    weight : float
        The sum of the weights of the links between the two parts.
    """

    labels: NDArray[np.int32]
    weight: float


def minimum_cut(
    graph: RegionGraph | PixelAffinity | Any, *, sigma: float | None = None, weights: ArrayLike | None = None
) -> MinimumCutResult:
    """Part a graph in two where the least weight is cut, wherever that is.

    The least cut is often that of one small region far from all others, since few links lead there; that is what
    `ncut` measures and a normalized cut mends. It shows which part holds on to the rest by least.

    Parameters
    ----------
    graph : RegionGraph, PixelAffinity, or SciPy sparse array, shape (n, n)
        The graph, of 2 to 20,000 nodes; a sparse array must be symmetric, without negative weights. Regions without
        pixels, and pixels outside the mask, are no nodes.
    sigma : float, optional
        Width σ of the differences of mean values of regions. Default: the median of those that are not 0.
    weights : array_like, shape (n_edges,), optional
        Weights of the edges of a `RegionGraph`, from 0 up. Default: the length of the boundary times exp(-d²/2σ²),
        with d the difference of the mean values.

    Returns
    -------
    MinimumCutResult
        The two parts, and the weight between them: 0 where no links join them.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or the graph has fewer than 2 nodes or too many.

    See Also
    --------
    graph_cut : The least cut between what is known to be on either side.

    Notes
    -----
    Nodes are put in an order, each time the one linked most to those before; the last one alone is then the least cut
    between the last two, which become one node, and so on. Nodes that turn out to be held together by at least the
    least cut known become one as well, which leaves few orders to make. Of several least cuts it is the first one
    found.
    Sources: M. Stoer, F. Wagner, "A Simple Min-Cut Algorithm", J. ACM 44(4), 1997, doi:10.1145/263867.263872;
    H. Nagamochi, T. Ibaraki, "Computing Edge-Connectivity in Multigraphs and Capacitated Graphs", SIAM J. Discrete
    Math. 5(1), 1992, doi:10.1137/0405004.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> graph = csr_array([[0, 3, 1, 0], [3, 0, 0, 1], [1, 0, 0, 4], [0, 1, 4, 0]])
    >>> result = minimum_cut(graph)
    >>> result.labels, result.weight
    (array([0, 0, 1, 1], dtype=int32), 2.0)
    """
    if isinstance(graph, RegionGraph):
        nodes, _ = of_regions(graph, weights, sigma)
        side, weight = _of_some(nodes, graph.area > 0)
        return MinimumCutResult(np.append(side, np.int32(-1))[graph.labels - 1], weight)
    for name, value in (("sigma", sigma), ("weights", weights)):
        if value is not None:
            raise ValueError(f"{name} must go with a RegionGraph, got it with {type(graph).__name__}; leave it out")
    if isinstance(graph, PixelAffinity):
        kernels_for(graph.stored, "stoer_wagner")  # says that there are none on CUDA
        _check_size(graph.shape[0] * graph.shape[1] if graph.mask is None else int(graph.mask.sum()))
        inside = np.ones(graph.shape, bool) if graph.mask is None else graph.mask
        side, weight = _of_some(of_sparse("graph", graph.to_scipy()), inside.reshape(-1))
        return MinimumCutResult(side.reshape(graph.shape), weight)
    if not hasattr(graph, "tocoo"):
        raise TypeError(
            f"graph must be a RegionGraph, a PixelAffinity or a SciPy sparse array, got {type(graph).__name__}; "
            "pass an image through slic() and region_graph() first"
        )
    nodes = of_sparse("graph", graph)
    return MinimumCutResult(*_of_some(nodes, np.ones(len(nodes.begin) - 1, bool)))


def _check_size(n_nodes: int) -> None:
    if not 2 <= n_nodes <= MOST_NODES:
        way_out = "one node cannot be parted" if n_nodes < 2 else "join pixels to regions first, as slic() does"
        raise ValueError(f"graph must have 2 to {MOST_NODES} nodes, got {n_nodes}; {way_out}")


def _of_some(nodes: Nodes, inside: NDArray[np.bool_]) -> tuple[NDArray[np.int32], float]:
    """Return the part of each node, -1 outside, where no links lead, and the weight of the cut."""
    from scipy.sparse import csr_array

    _check_size(int(inside.sum()))
    chosen = np.flatnonzero(inside)
    matrix = csr_array((nodes.weights, nodes.head, nodes.begin), shape=(len(inside),) * 2)[chosen][:, chosen]
    far, weight = _least_cut(matrix)
    side = np.full(len(inside), -1, np.int32)
    side[chosen] = far != far[0]
    return side, weight


def _least_cut(matrix: Any) -> tuple[NDArray[np.bool_], float]:
    """Return which nodes of a symmetric CSR matrix are on one side of its least cut, and the weight of that."""
    from scipy.sparse import csr_array

    kernels: Any = kernels_for(matrix.data, "stoer_wagner")
    group = np.arange(matrix.shape[0])
    side, least = np.zeros(len(group), bool), np.inf
    while matrix.shape[0] > 1 and least > 0:
        degree = matrix.sum(axis=1)
        alone = int(degree.argmin())
        if degree[alone] < least:
            side, least = group == alone, float(degree[alone])
        begin, head = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)
        _, name = np.unique(kernels.united(begin, head, matrix.data, least), return_inverse=True)
        group = name[group]
        gather = csr_array((np.ones(len(name)), (name, np.arange(len(name)))))
        matrix = gather @ matrix @ gather.T
        matrix.setdiag(0)
        matrix.eliminate_zeros()
    return side, least
