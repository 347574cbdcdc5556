"""Joining of regions by a weight that the caller computes."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_numbers
from classicseg.regions._graph import RegionGraph

Pair = tuple[int, int]  # rows of two neighbours, the lower one first


@dataclass(frozen=True, eq=False)
class RegionPairs:
    """Pairs of neighbouring regions, for which a linkage is to give weights.

    Parameters
    ----------
    area : ndarray of int64, shape (n, 2)
        Pixels of the two regions.
    mean : ndarray of float64, shape (n, 2, C)
        Their mean values.
    boundary_length : ndarray of int64, shape (n,)
        Neighbouring pixels, one in each.
    contrast : ndarray of float64, shape (n,)
        Mean distance of the values of those pixels.
    """

    area: NDArray[np.int64]
    mean: NDArray[np.float64]
    boundary_length: NDArray[np.int64]
    contrast: NDArray[np.float64]


class _Regions:
    """What the regions have by now: areas, sums of values, and borders as (length, sum of contrasts)."""

    def __init__(self, graph: RegionGraph) -> None:
        self.area = graph.area.copy()
        self.sums = np.where(graph.area[:, None] > 0, graph.mean * graph.area[:, None], 0)
        self.borders: list[dict[int, tuple[int, float]]] = [{} for _ in graph.area]
        for (low, high), length, contrast in zip(
            graph.edges.tolist(), graph.boundary_length.tolist(), graph.contrast.tolist()
        ):
            self.borders[low][high] = self.borders[high][low] = (length, length * contrast)

    def join(self, low: int, high: int) -> list[Pair]:
        """Let one region take another in and return the pairs of it and its neighbours."""
        self.area[low] += self.area[high]
        self.sums[low] += self.sums[high]
        for other, (length, contrast) in self.borders[high].items():
            del self.borders[other][high]
            if other != low:
                more, sharper = self.borders[low].get(other, (0, 0.0))
                self.borders[low][other] = self.borders[other][low] = (length + more, contrast + sharper)
        return [(min(low, other), max(low, other)) for other in self.borders[low]]

    def weigh(self, pairs: list[Pair], weight: Callable[[RegionPairs], NDArray[np.float64]]) -> list[float]:
        rows = np.array(pairs, np.int64)
        length, contrast = np.array([self.borders[low][high] for low, high in pairs]).T
        area = self.area[rows]
        given = weight(RegionPairs(area, self.sums[rows] / area[..., None], length.astype(np.int64), contrast / length))
        weights = check_numbers("the weights of linkage", given)
        if weights.shape != (len(pairs),):
            raise ValueError(f"the weights of linkage must have shape {(len(pairs),)}, got {weights.shape}")
        if not np.isfinite(weights).all():
            raise ValueError("the weights of linkage must be finite, got NaN or infinite values; give a large number")
        found: list[float] = weights.tolist()
        return found


def merge_by(
    graph: RegionGraph, weight: Callable[[RegionPairs], NDArray[np.float64]]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the steps (n, 2), rows of the lower and the higher region, and the weight of each."""
    regions = _Regions(graph)
    pairs = [(low, high) for low, high in graph.edges.tolist()]
    latest: dict[Pair, float] = {}
    waiting: list[tuple[float, int, int]] = []
    steps: list[Pair] = []
    heights: list[float] = []
    while True:
        if pairs:
            for pair, one in zip(pairs, regions.weigh(pairs, weight)):
                latest[pair] = one
                heapq.heappush(waiting, (one, *pair))
        while waiting and latest.get(waiting[0][1:]) != waiting[0][0]:
            heapq.heappop(waiting)  # one of the two is no more, or has another weight by now
        if not waiting:
            return np.array(steps, np.int32).reshape(-1, 2), np.array(heights, np.float64)
        height, low, high = heapq.heappop(waiting)
        for other in regions.borders[high]:
            del latest[min(high, other), max(high, other)]
        pairs = regions.join(low, high)
        steps.append((low, high))
        heights.append(height)
