"""Coordinates of regions: alike where a random walk from region to region soon leads from one to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

N_NODES = 400  # regions that the walk goes over, at most
N_VECTORS = 8
N_STEPS = 200  # of the method that finds the vectors: enough for the first 8 of 400
STEEPNESS = 8  # a link is the probability that there is no line, to this power
FAINTEST = 1e-6  # link; regions that nothing links would each have a vector of their own
SHARE = 0.3  # of the coordinates' distances as a strength, so that it is of the size of the others
LEAST = 1e-9  # of 1 - λ: less is rounding


def with_coordinates(described: Any, weights: NDArray[np.float64]) -> Any:
    """Return the regions with coordinates that are alike where many ways lead from one to the other, and how far those
    lie apart as one more strength of borders.

    These are the slowest vectors of a random walk on the graph of regions, whose links are the less probable a border
    is by `weights`. First the regions are merged until so few are left that the walk is quick to compute.
    """
    kernels = kernels_for(described.area, "segment_merge")
    n_regions = len(described.area)
    steps, _, ends, features = kernels.features_after(described, weights, max(n_regions - N_NODES, 0))
    node = _nodes_after(steps, n_regions)
    scores = np.concatenate([features, np.sqrt(np.maximum(features, 0)), np.ones((len(features), 1))], axis=1) @ weights
    links = np.maximum((1 + np.exp(scores)) ** -STEEPNESS, FAINTEST)
    vectors = _walk(node[ends], links, np.bincount(node, described.area).astype(np.float64))[node]
    apart = np.abs(vectors[described.ends[:, 0]] - vectors[described.ends[:, 1]]).sum(axis=1) * SHARE
    strengths = np.column_stack([described.strengths, apart * described.lengths])
    sums = np.concatenate([described.sums, vectors * described.area[:, None]], axis=1)
    return described._replace(sums=sums, layout=(*described.layout[:3], N_VECTORS), strengths=strengths)


def _nodes_after(steps: NDArray[np.int32], n_regions: int) -> NDArray[np.int64]:
    """Return the node, from 0, that each region is part of after some steps."""
    root = np.arange(n_regions)
    root[steps[:, 1]] = steps[:, 0]
    while not np.array_equal(root, further := root[root]):
        root = further
    return np.unique(root, return_inverse=True)[1].reshape(-1)


def _walk(ends: NDArray[Any], links: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coordinates (n, N_VECTORS) of nodes, the slowest of unit mean square over the pixels."""
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
