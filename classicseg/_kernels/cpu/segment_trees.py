"""What several trees of one graph of regions say of its borders."""

import numpy as np

from classicseg._kernels.cpu._jit import run_blocks
from classicseg._kernels.cpu.regions_contours import joined_after
from classicseg._kernels.cpu.segment_merge import N_REGION, merge_by_score, merge_table, table_of

MOST = 30.0  # score: a probability is always below 1


def probabilities(scores):
    """Return the probabilities of scores, none lower than one before it."""
    return 1 / (1 + np.exp(-np.maximum.accumulate(scores).clip(-MOST, MOST)))


def mean_heights(described, models, n_threads=None):
    """Return for every border (E,) the mean height at which its two sides become one, over the trees of `models`.

    A model is a graph's place in `described`, graphs of the same borders, and its weights.
    """
    ends, tables = described[0].ends, [table_of(graph) for graph in described]
    heights = np.empty((len(models), len(ends)))

    def grow(k):
        place, weights = models[k]
        steps, scores = merge_table(described[place], tables[place], weights)
        above = np.concatenate([[0], probabilities(scores), [1]])
        heights[k] = above[joined_after(ends, steps, len(described[place].area))]

    run_blocks(grow, len(models), n_threads)
    return heights.mean(axis=0)


def merge_by_heights(described, heights):
    """Return the steps (n, 2) that join neighbours of the least mean height along their borders, and these heights.

    By a score that looks at nothing else: the kernel that grew the trees is compiled already.
    """
    n_regions = len(described.area)
    only = described._replace(
        sums=np.empty((n_regions, 0)), layout=(0, 0, 0), strengths=(heights * described.lengths)[:, None]
    )
    return merge_by_score(only, _score_of_strength(only.n_features()))


def _score_of_strength(n_features):
    """Return the weights of a score that is the first strength."""
    weights = np.zeros(3 * n_features + 1)
    weights[N_REGION], weights[2 * n_features : -1] = 1, np.inf
    return weights
