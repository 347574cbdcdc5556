"""How far regions lie apart on a random walk from one to the next: what holds together although colours change."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

N_VECTORS = 8
N_STEPS = 200  # of the method that finds the vectors: enough for the first 8 of 400
STEEPNESS = 8  # a link is the probability that there is no line, to this power
FAINTEST = 1e-6  # link; regions that nothing links would each have a vector of their own
SHARE = 0.3  # of the vectors' differences as a strength, so that it is of the size of the others
LEAST = 1e-9  # of 1 - λ: less is rounding


class Nodes(NamedTuple):
    """What regions are after some steps of merging."""

    node: NDArray[np.int64]  # (R,) the row in `described` that each region is part of
    roots: NDArray[np.int32]  # (n,) the lowest region of each node
    described: Any  # `Described`


def nodes_after(described: Any, steps: NDArray[np.int32]) -> Nodes:
    """Return the regions after some steps, numbered by their lowest one."""
    root = np.arange(len(described.area), dtype=np.int32)
    root[steps[:, 1]] = steps[:, 0]
    while not np.array_equal(root, further := root[root]):
        root = further
    roots, node = np.unique(root, return_inverse=True)
    node = node.reshape(-1)
    return Nodes(node, roots, kernels_for(described.area, "segment_merge").contracted(described, node, len(roots)))


def with_walk(nodes: Nodes, described: Any, scores: NDArray[np.float64]) -> Any:
    """Return the nodes with one more strength of borders: how far their sides lie apart on a random walk.

    The walk leads over the borders of the regions `described`, the more often the less probable a line is there by its
    score. Its slowest vectors are nearly the same where it soon leads from one to the other; the regions of a node
    share them.
    """
    links = np.maximum((1 + np.exp(scores)) ** -STEEPNESS, FAINTEST)
    small = nodes.described
    vectors = _slowest(*_united(nodes.node[described.ends], links, len(small.area)), small.area.astype(np.float64))
    apart = np.abs(vectors[small.ends[:, 0]] - vectors[small.ends[:, 1]]).sum(axis=1) * SHARE
    return small._replace(strengths=np.column_stack([small.strengths, apart * small.lengths]))


def _united(
    ends: NDArray[np.int64], links: NDArray[np.float64], n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the links with those of the same two nodes added up; those inside a node lead from it to itself."""
    keys, place = np.unique(ends.min(axis=1) * n_nodes + ends.max(axis=1), return_inverse=True)
    return np.column_stack(np.divmod(keys, n_nodes)), np.bincount(place.reshape(-1), links).astype(np.float64)


def _slowest(ends: NDArray[Any], links: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vectors (n, N_VECTORS) of nodes, the first of unit mean square over the pixels, others the less the
    faster they are.
    """
    found = np.zeros((len(area), N_VECTORS))
    inside = np.flatnonzero(np.bincount(ends.reshape(-1), minlength=len(area)))  # those with links
    if len(inside) > 1:
        place = np.zeros(len(area), np.int64)
        place[inside] = np.arange(len(inside))
        values, rows = kernels_for(links, "lanczos").largest(place[ends], links, len(inside), N_VECTORS, N_STEPS)
        degree = np.bincount(ends.reshape(-1), np.repeat(links, 2), len(area))[inside]
        rows = rows / np.sqrt(degree)
        rows /= np.sqrt(rows**2 @ area[inside] / area.sum())[:, None]
        slowness = np.maximum(1 - values, LEAST)
        found[inside, : len(rows)] = (rows * np.sqrt(slowness[0] / slowness)[:, None]).T
    return found
