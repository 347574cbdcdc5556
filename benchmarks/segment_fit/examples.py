"""Graphs of regions, with what people drew on them; and the pairs of regions that weights are fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.data import Picture, read_image, read_truth
from classicseg._kernels import kernels_for
from classicseg._segment_tree import MIN_SIZE, Start, start_regions
from classicseg.features._cues import cues

Floats = NDArray[np.float64]

STATES = (400, 250, 150, 100, 70, 50, 35, 25, 18, 12, 8, 5)  # regions left, at which pairs are looked at


@dataclass(frozen=True)
class Truth:
    """How many pixels of each start region lie in each region that an annotator drew."""

    counts: Floats  # (R, K), the regions of all annotators beside each other
    first: NDArray[np.intp]  # (A,) column of the first region of each annotator


@dataclass(frozen=True)
class Example:
    """The regions of a picture that merging begins with."""

    described: Any  # `segment_merge.Described`
    truth: Truth
    without: tuple[int, ...] = ()  # features that no weight is to look at


@dataclass(frozen=True)
class Scene:
    """One picture."""

    name: str
    start: Start
    truth: Truth  # of the start regions


class Pairs(NamedTuple):
    """Pairs of neighbours, in some states of merging."""

    features: Floats  # (n, F)
    apart: Floats  # (n,): how probable it is that a pixel of one and a pixel of the other were drawn apart
    share: Floats  # (n,): weight of each; those of a state add up to 1


def scene_of(picture: Picture) -> Scene:
    start = start_regions(cues(read_image(picture.image), n_threads=1), MIN_SIZE, 1)
    return Scene(picture.name, start, truth_of(start.labels - 1, read_truth(picture.truth).labels))


def truth_of(regions: NDArray[np.int32], drawn: Iterable[NDArray[Any]]) -> Truth:
    """Count pixels; `regions` are numbered from 0."""
    n_regions = int(regions.max()) + 1
    tables = [_counts(regions.ravel(), labels.ravel(), n_regions) for labels in drawn]
    return Truth(np.concatenate(tables, axis=1), np.cumsum([0, *(table.shape[1] for table in tables[:-1])]))


def _counts(regions: NDArray[np.int32], labels: NDArray[Any], n_regions: int) -> Floats:
    values, number = np.unique(labels, return_inverse=True)
    cells = regions * len(values) + number.reshape(-1)
    return np.bincount(cells, minlength=n_regions * len(values)).reshape(n_regions, -1).astype(np.float64)


def pairs_of(example: Example, weights: Floats) -> Pairs:
    """Return the pairs that merging by some weights meets: those of the start, and of every state after it."""
    n_regions = len(example.described.area)
    states = [_pairs_at(example, weights, left) for left in dict.fromkeys((n_regions, *STATES)) if left <= n_regions]
    return joined([state for state in states if len(state.features)])


def joined(parts: Sequence[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _pairs_at(example: Example, weights: Floats, left: int) -> Pairs:
    n_regions = len(example.described.area)
    kernels = kernels_for(weights, "segment_merge")
    steps, _, ends, features = kernels.features_after(example.described, weights, n_regions - left)
    features[:, list(example.without)] = 0  # what is the same everywhere gets no weight
    merged = merged_truth(example.truth, roots_after(steps, n_regions))
    return Pairs(features, drawn_apart(merged, ends), np.full(len(ends), 1 / max(len(ends), 1)))


def roots_after(steps: NDArray[np.int32], n_regions: int) -> NDArray[np.intp]:
    """Return for each region the row that stands for all that it was merged with."""
    root = np.arange(n_regions)
    root[steps[:, 1]] = steps[:, 0]
    while not np.array_equal(root, further := root[root]):
        root = further
    return root


def merged_truth(truth: Truth, root: NDArray[np.intp]) -> Truth:
    """Add up the counts of what was merged, in the rows that stand for it; the others are 0."""
    order = np.argsort(root, kind="stable")
    rows, begins = np.unique(root[order], return_index=True)
    counts = np.zeros_like(truth.counts)
    counts[rows] = np.add.reduceat(truth.counts[order], begins, axis=0)
    return replace(truth, counts=counts)


def drawn_apart(truth: Truth, ends: NDArray[np.int32]) -> Floats:
    """Return, mean over annotators, how probable it is that random pixels of two regions were drawn apart."""
    one, other = truth.counts[ends[:, 0]], truth.counts[ends[:, 1]]
    together = np.add.reduceat(one * other, truth.first, axis=1)
    of_all = np.add.reduceat(one, truth.first, axis=1) * np.add.reduceat(other, truth.first, axis=1)
    found: Floats = 1 - (together / np.maximum(of_all, 1)).mean(axis=1)
    return found
