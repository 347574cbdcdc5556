"""Cutting a graph in two, then a segment of it in two, and so on: the tree of all cuts, and its segmentations."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_float, check_int
from classicseg.graph._beside import beside_each_other


@dataclass(frozen=True, eq=False)
class SplitTree:
    """All steps of cutting a graph, each a segment in two, the one of the lowest normalized cut first.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N) or (n,)
        The segment of each pixel or node after all the steps: 0, 1, ... in the order in which they were made, -1
        outside.
    parents : ndarray of int32, shape (n_steps,)
        Step s takes the segment s + 1 out of this one, which keeps the rest.
    values : ndarray of float64, shape (n_steps,)
        The normalized cut of each step, of the two parts in the graph of the segment that is cut. It may fall from
        one step to the next.
    """

    labels: NDArray[np.int32]
    parents: NDArray[np.int32]
    values: NDArray[np.float64]

    def cut(self, *, threshold: float | None = None, n_segments: int | None = None) -> NDArray[np.int32]:
        """Return the segments after some of the steps.

        Parameters
        ----------
        threshold : float, optional
            A segment is cut as long as the normalized cut of that is below. Give this or `n_segments`.
        n_segments : int, optional
            Steps are taken until there are so many segments, at most as many as the tree has.

        Returns
        -------
        ndarray of int32, shape (M, N) or (n,)
            Segments: 0, 1, ... by their first pixel or node, -1 outside.

        Raises
        ------
        ValueError, TypeError
            If not just one of `threshold` and `n_segments` is given, or one has the wrong type or value.

        Examples
        --------
        >>> from classicseg import region_graph
        >>> tree = split_tree(region_graph([[1, 2, 3, 4]], [[10, 12, 30, 34]]), n_segments=4, sigma=6)
        >>> tree.values.round(3)
        array([0.006, 0.889, 0.972])
        >>> tree.cut(threshold=0.1), tree.cut(n_segments=3)
        (array([[0, 0, 1, 1]], dtype=int32), array([[0, 0, 1, 2]], dtype=int32))
        """
        if (threshold is None) == (n_segments is None):
            given = "neither" if threshold is None else "both"
            raise ValueError(f"one of threshold and n_segments must be given, got {given}")
        if n_segments is not None:
            n_steps = check_int("n_segments", n_segments, low=1, high=len(self.parents) + 1) - 1
        else:
            n_steps = int(np.searchsorted(np.maximum.accumulate(self.values), check_float("threshold", threshold)))
        segment = np.arange(len(self.parents) + 1, dtype=np.int32)
        for step in range(n_steps, len(self.parents)):
            segment[step + 1] = segment[self.parents[step]]
        return by_first_node(np.append(segment, np.int32(-1))[self.labels])


def by_first_node(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the same segments, numbered from 0 by their first node; negative labels become -1."""
    flat = labels.reshape(-1)
    first = np.full(max(int(flat.max(initial=-1)) + 2, 1), flat.size)  # the last entry is that of label -1
    first[flat[::-1]] = np.arange(flat.size - 1, -1, -1)  # of equal labels the last one stays, which is the first node
    number = np.empty(len(first), np.int32)
    number[np.argsort(first[:-1], kind="stable")] = np.arange(len(first) - 1, dtype=np.int32)
    number[-1] = -1
    found: NDArray[np.int32] = number[labels]
    return found


class Part(Protocol):
    """Some nodes of a graph, which can be cut."""

    @property
    def nodes(self) -> NDArray[np.intp]:
        """Return which of the whole graph they are, ascending."""

    @property
    def takes_threads(self) -> bool:
        """Tell whether several threads cut it; others are cut beside each other."""

    def connected_parts(self) -> Iterator[Any]:
        """Return the parts that no link joins, the one of largest degrees first."""

    def cut_in_two(self) -> tuple[NDArray[np.bool_], float, Any]:
        """Return which nodes of a connected part to cut off, the normalized cut of that, and the part."""

    def part_of(self, chosen: NDArray[np.intp]) -> Any:
        """Return the part of the chosen places in `nodes`, ascending."""


class Cutting:
    """The steps of cutting a graph."""

    def __init__(self, graph: Part, threshold: float, n_segments: int, n_threads: int | None = None) -> None:
        """Take all steps whose normalized cut is below `threshold`, until there are `n_segments`."""
        self.nodes, self.n_threads = graph.nodes, n_threads
        self.labels = np.zeros(len(graph.nodes), np.int32)  # of each node
        self.parents: list[int] = []
        self.values: list[float] = []
        self.most_steps = n_segments - 1
        self.queue: list[tuple[float, int, NDArray[np.bool_], Any]] = []
        self._enter([(graph, 0)])
        while self.queue and len(self.parents) < self.most_steps:
            value, label, off, part = heapq.heappop(self.queue)  # labels differ, so that nothing else is compared
            if value >= threshold:
                break
            new = self._step(label, value)
            self.labels[np.searchsorted(self.nodes, part.nodes[off])] = new
            if len(self.parents) < self.most_steps:  # of the last step nothing is cut any more
                kept, taken = (part.part_of(np.flatnonzero(chosen)) for chosen in (~off, off))
                self._enter([(kept, label), (taken, new)])

    def _step(self, label: int, value: float) -> int:
        self.parents.append(label)
        self.values.append(value)
        return len(self.parents)

    def _enter(self, segments: list[tuple[Part, int]]) -> None:
        """Find out what it would be to cut segments."""
        if len(self.parents) >= self.most_steps:
            return
        parts = [found for segment, label in segments for found in self._connected(segment, label)]
        if len(self.parents) >= self.most_steps:  # parts that found no label of their own are not cut
            return
        alone: list[Any] = [part for part, _ in parts if not part.takes_threads]
        cuts = iter(beside_each_other(lambda part: part.cut_in_two(), alone, self.n_threads))
        for part, label in parts:
            off, value, known = part.cut_in_two() if part.takes_threads else next(cuts)
            heapq.heappush(self.queue, (value, label, off, known))

    def _connected(self, segment: Part, label: int) -> list[tuple[Part, int]]:
        """Take the parts of a segment that no link joins apart, and return those of several nodes with their labels."""
        if len(segment.nodes) < 2:
            return []
        found = []
        for index, part in enumerate(segment.connected_parts()):
            if index > 0:  # the parts before keep their labels, all others get the next one
                if len(self.parents) < self.most_steps:
                    label = self._step(label, 0.0)
                self.labels[np.searchsorted(self.nodes, part.nodes)] = label
            if len(part.nodes) > 1:
                found.append((part, label))
        return found
