"""Merging of regions by a score that looks at colours, textures, borders and sizes, the least score first.

The tables are those of `regions_tree`. What it calls channels are here, for every region: C planes, their squares, and
two histograms with a part per code; the means of those are the part of each code. The values of an edge are sums of S
strengths along it.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_lean, jit_lean_called
from classicseg._kernels.cpu.borders import Passes, renamed
from classicseg._kernels.cpu.regions_tree import (
    LENGTH,
    NEAREST,
    VALUE,
    WEIGHT,
    find_nearest,
    join_rows,
    list_edges,
    look_again,
    no_steps,
    row_of_least,
    taken,
    unite_edges,
)

N_REGION, N_SIZE = 6, 3  # features that come from the two regions alone, and from sizes; a strength each between them
UNIT = 30.0  # of distances of colours, in those of the planes
NOISE = 25.0  # variance of a plane that no region is below, in the statistic that weighs a distance by the variances


class Described(NamedTuple):
    """Regions and their borders, as merging takes them; it leaves them as they are."""

    area: np.ndarray  # (R,) int64
    sums: np.ndarray  # (R, D) float64: channels
    layout: tuple[int, int, int]  # C planes, colours, textons: D = 2 C + colours + textons
    ends: np.ndarray  # (E, 2) int32 rows, the lower one first
    lengths: np.ndarray  # (E,)
    strengths: np.ndarray  # (E, S) float64: sums along the border

    def n_features(self):
        return N_REGION + self.strengths.shape[1] + N_SIZE


def contracted(described, node, n_nodes):
    """Return regions that are parts of nodes, (R,) rows from 0, as those nodes."""
    area = np.bincount(node, described.area, n_nodes).astype(np.int64)
    order = np.argsort(node, kind="stable")
    begins = np.searchsorted(node[order], np.arange(n_nodes))
    sums = np.add.reduceat(described.sums[order], begins, axis=0)
    number = (node + 1).astype(np.int32)
    lowest = np.zeros(len(described.ends), np.float32)
    between = renamed(Passes(described.ends, described.lengths, lowest, described.strengths), number)
    return Described(area, sums, described.layout, between.pairs - np.int32(1), between.lengths, between.sums)


def merge_by_score(described, weights, most_steps=None):
    """Return the steps (n, 2), rows of the lower and the higher region, and the score of each.

    `weights` (3 F + 1,) are those of the F features of `pair_features`, and of their square roots; the largest value
    that each counts with, since nobody knows what is beyond those that weights were fitted on; and the constant.
    """
    return _merge(described, table_of(described), weights, most_steps)[:2]


def merge_with_scores(described, weights, most_steps):
    """Return what `merge_by_score` does, and the scores (E,) of all borders before the first step."""
    return _merge(described, table_of(described), weights, most_steps)


def merge_table(described, table, weights):
    """Return what `merge_by_score` does, given what `table_of` returns, which stays."""
    return _merge(described, table.copy(), weights, None)[:2]


def features_after(described, weights, most_steps):
    """Return what `merge_by_score` does after so many steps, and then the two rows (E, 2) and the features (E, F) of
    every edge that is left.
    """
    regions, tables, sizes = table_of(described), _no_steps(described), _sizes(described)
    scores, features = np.empty(len(described.ends)), np.empty(described.n_features())
    n_steps = merge_scored(regions, *tables, weights, sizes, most_steps, scores, features)
    left = np.flatnonzero(tables.links[:-1, 0] >= 0)
    features = np.empty((len(left), described.n_features()))
    write_features(regions, tables.links, tables.edges, sizes, left, features)
    return *taken(tables, n_steps), np.sort(tables.links[left, :2], axis=1), features


def _merge(described, regions, weights, most_steps):
    tables, scores = _no_steps(described), np.empty(len(described.ends))
    most_steps = len(regions) if most_steps is None else most_steps
    given = weights, _sizes(described), most_steps, scores, np.empty(described.n_features())
    n_steps = merge_scored(regions, *tables, *given)
    return *taken(tables, n_steps), scores


def table_of(described):
    """Return the regions (R, 1 + 2 D) as merging works on them: area, sums, means."""
    area, n_channels = described.area[:, None], described.sums.shape[1]
    table = np.empty((len(area), 1 + 2 * n_channels))
    table[:, :1], table[:, 1 : 1 + n_channels] = area, described.sums
    np.divide(described.sums, np.maximum(area, 1), out=table[:, 1 + n_channels :])
    return table


def _no_steps(described):
    return no_steps(len(described.area), described.ends, described.lengths, described.strengths)


def _sizes(described):
    return np.array([*described.layout, described.area.sum()], np.int64)


@jit
def write_features(regions, links, edges, sizes, wanted, features):
    for i in range(wanted.shape[0]):
        e = wanted[i]
        pair_features(regions, edges, links[e, 0], links[e, 1], e, sizes, features[i])


@jit_lean
def merge_scored(
    regions,
    lists,
    links,
    edges,
    least,
    begins,
    seen,
    halves,
    fresh,
    steps,
    heights,
    weights,
    sizes,
    most_steps,
    scores,
    features,
):
    """Write the steps of `merge_by_score`, and the scores before the first one; return how many steps there are."""
    list_edges(lists, links)
    for e in range(links.shape[0] - 1):
        halves[e] = 2 * e
    _score_all(regions, links, edges, weights, sizes, features, halves, fresh, links.shape[0] - 1)
    for e in range(links.shape[0] - 1):
        edges[e, WEIGHT] = scores[e] = fresh[e]
    find_nearest(lists, links, edges, least, begins)
    n_steps = 0
    while n_steps < most_steps:
        e = lists[row_of_least(least, begins), NEAREST]
        if e == links.shape[0] - 1:
            break
        low, high = min(links[e, 0], links[e, 1]), max(links[e, 0], links[e, 1])
        steps[n_steps, 0], steps[n_steps, 1], heights[n_steps] = low, high, edges[e, WEIGHT]
        join_rows(regions, low, high)
        count = unite_edges(lists, links, edges, low, high, e, False, n_steps, seen, halves)
        _score_all(regions, links, edges, weights, sizes, features, halves, fresh, count)
        look_again(lists, links, edges, least, begins, low, high, halves, fresh, count)
        n_steps += 1
    return n_steps


@jit_lean_called
def _score_all(regions, links, edges, weights, sizes, features, halves, fresh, count):
    """Write the scores of some edges to `fresh`."""
    n_features = features.shape[0]
    for i in range(count):
        e = halves[i] >> 1
        pair_features(regions, edges, links[e, 0], links[e, 1], e, sizes, features)
        score = weights[3 * n_features]
        for k in range(n_features):
            value = min(features[k], weights[2 * n_features + k])
            score += weights[k] * value + weights[n_features + k] * np.sqrt(max(value, 0.0))
        fresh[i] = score


@jit_lean_called
def pair_features(regions, edges, a, b, e, sizes, features):
    """Write what tells two regions and the edge between them apart.

    Distances of their means, in all planes, the first one, and the others; the same over the planes' deviations; the
    distances of their histograms of colours and of textons (chi-squared); mean strengths along the edge; and the size
    of the smaller region, the edge's length by it, and the size of the larger one.
    """
    n_planes, n_colors, n_textons, n_pixels = sizes[0], sizes[1], sizes[2], sizes[3]
    first, squares, statistic, begin = 0.0, 0.0, 0.0, 1 + regions.shape[1] // 2
    for k in range(begin, begin + n_planes):
        difference = regions[a, k] - regions[b, k]
        variance = regions[a, k + n_planes] - regions[a, k] * regions[a, k]
        variance += regions[b, k + n_planes] - regions[b, k] * regions[b, k]
        squares += difference * difference
        statistic += difference * difference / (max(variance, 0.0) + NOISE)
        if k == begin:
            first = squares
    features[0], features[1] = np.sqrt(squares) / UNIT, np.sqrt(first) / UNIT
    features[2], features[3] = np.sqrt(squares - first) / UNIT, np.sqrt(statistic) / 3
    begin += 2 * n_planes
    features[4] = chi_squared(regions, a, b, begin, begin + n_colors)
    features[5] = chi_squared(regions, a, b, begin + n_colors, begin + n_colors + n_textons)
    at, length = N_REGION, edges[e, LENGTH]
    for k in range(VALUE, edges.shape[1]):
        features[at] = edges[e, k] / length
        at += 1
    small, large = min(regions[a, 0], regions[b, 0]), max(regions[a, 0], regions[b, 0])
    features[at], features[at + 1] = np.log(small / n_pixels) / 5 + 1, length / np.sqrt(small) / 4
    features[at + 2] = np.log(large / n_pixels) / 5 + 1


@jit_inline
def chi_squared(regions, a, b, begin, end):
    """Return half the sum of squared differences over sums, of some columns of two rows."""
    total = 0.0
    for k in range(begin, end):
        both = regions[a, k] + regions[b, k]
        difference = regions[a, k] - regions[b, k]
        total += difference * difference / (both + 1e-12)
    return total / 2
