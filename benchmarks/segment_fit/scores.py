"""What cuts of a tree are worth, from counts alone: covering, probabilistic Rand index, variation of information."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.judge import MEASURES, Scores
from benchmarks.segment_fit.examples import Floats, Scene, Truth, merged_truth, roots_after
from classicseg import RegionTree

FIELDS = ("covered", "area", "rand", "variation")
REGION_MEASURES = tuple(measure for measure in MEASURES if measure.name in ("covering", "rand", "variation"))
SCALES = tuple(round(0.02 * i, 2) for i in range(1, 50))


def scores_of(scenes: Sequence[Scene], trees: Sequence[RegionTree]) -> Scores:
    """Return the scores of the trees of pictures, cut at all SCALES."""
    rows = [cut_scores(one.truth, tree.merges - 1, tree.heights) for one, tree in zip(scenes, trees, strict=True)]
    values = {field: np.stack([row[:, i] for row in rows]) for i, field in enumerate(FIELDS)}
    return Scores(tuple(one.name for one in scenes), tuple({"scale": scale} for scale in SCALES), values, 0)


def cut_scores(truth: Truth, steps: NDArray[np.int32], heights: Floats) -> Floats:
    """Return FIELDS for every scale (S, 4); merging stops where a height is not below the scale."""
    found: list[Floats] = []
    last = -1
    for n_steps in np.searchsorted(heights, SCALES, side="left"):
        if n_steps != last:
            last, row = n_steps, partition_scores(merged_truth(truth, roots_after(steps[:n_steps], len(truth.counts))))
        found.append(row)
    return np.array(found)


def partition_scores(truth: Truth) -> Floats:
    """Return FIELDS of the partition whose regions the rows of `truth` are; empty rows are none."""
    counts = truth.counts[truth.counts.any(axis=1)]
    drawn = counts.sum(axis=0)
    area = counts[:, : truth.first[1] if len(truth.first) > 1 else None].sum(axis=1)
    best = (counts / (area[:, None] + drawn - counts)).max(axis=0)
    n_pixels = area.sum()
    together = np.add.reduceat((counts**2).sum(axis=0), truth.first)
    pairs = (area**2).sum() / 2 + np.add.reduceat(drawn**2, truth.first) / 2 - together
    bits = np.add.reduceat(_bits(counts / n_pixels).sum(axis=0), truth.first)
    alone = _bits(area / n_pixels).sum() + np.add.reduceat(_bits(drawn / n_pixels), truth.first)
    rand = 1 - pairs / (n_pixels * (n_pixels - 1) / 2)
    return np.array([(best * drawn).sum(), drawn.sum(), rand.mean(), (2 * bits - alone).mean()])


def _bits(share: Floats) -> Floats:
    found: Floats = -share * np.log2(np.where(share > 0, share, 1))
    return found
