"""Merging of regions by a score that looks at colours, textures, borders and sizes, the least score first.

The tables are those of `regions_tree`. What it calls channels are here, for every region: C planes, their squares, and
two histograms with a part per code; the means of those are the part of each code. The values of an edge are sums of S
strengths along it.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_lean, jit_lean_called
from classicseg._kernels.cpu.regions_runs import for_regions, region_runs
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


def describe(labels, planes, colors, textons, n_codes, n_regions, n_threads=None):
    """Return the first pixel of each region (R,); and its area, channels, and the means of those (R, 1 + 2 D).

    `planes` (C, M, N) are float32, codes (M, N) uint8, below ``n_codes[0]`` the colours and ``n_codes[1]`` the textons.
    """
    runs = region_runs(labels, n_regions, n_threads)
    table = np.zeros((n_regions, 1 + 2 * (2 * len(planes) + sum(n_codes))))
    flat = planes.reshape(len(planes), -1), colors.reshape(-1), textons.reshape(-1)

    def add(begin, end):
        add_pixels(*flat, n_codes[0], runs[:3], begin, end, table)

    for_regions(add, runs.area, n_threads)
    return runs.begins[runs.first[:-1]].astype(np.int64), table


@jit
def add_pixels(planes, colors, textons, n_colors, runs, first_region, last_region, table):
    """Fill the rows of some regions; values are added in raster order, in float64."""
    first, begins, ends = runs
    n_planes, n_channels = planes.shape[0], table.shape[1] // 2
    for r in range(first_region, last_region):
        row = table[r]
        for i in range(first[r], first[r + 1]):
            row[0] += ends[i] - begins[i]
            for k in range(begins[i], ends[i]):
                row[1 + 2 * n_planes + colors[k]] += 1
                row[1 + 2 * n_planes + n_colors + textons[k]] += 1
            for c in range(n_planes):
                for k in range(begins[i], ends[i]):
                    value = np.float64(planes[c, k])
                    row[1 + c] += value
                    row[1 + n_planes + c] += value * value
        for k in range(1, 1 + n_channels):
            row[k + n_channels] = row[k] / max(row[0], 1)


def merge_by_score(regions, ends, length, strengths, n_codes, weights, n_pixels, most_steps=None):
    """Return the steps (n, 2), rows of the lower and the higher region, and the score of each.

    `regions` is lost. `ends` (E, 2) are rows, `strengths` (E, S) sums along the edges, `weights` (2 F + 1,) those of the
    F features of `pair_features`, of their square roots, and the constant. Sizes are compared with `n_pixels`.
    """
    tables = no_steps(len(regions), ends, length, strengths)
    n_features = N_REGION + strengths.shape[1] + N_SIZE
    sizes = np.array([*n_codes, n_pixels], np.int64)
    n_steps = merge_scored(regions, *tables, weights, sizes, _most(regions, most_steps), np.empty(n_features))
    return taken(tables, n_steps)


def features_after(regions, ends, length, strengths, n_codes, weights, n_pixels, most_steps):
    """Return what `merge_by_score` does after so many steps, and then the two rows (E, 2) and the features (E, F) of every
    edge that is left: what weights are fitted on.
    """
    tables = no_steps(len(regions), ends, length, strengths)
    n_features = N_REGION + strengths.shape[1] + N_SIZE
    sizes = np.array([*n_codes, n_pixels], np.int64)
    n_steps = merge_scored(regions, *tables, weights, sizes, most_steps, np.empty(n_features))
    left = np.flatnonzero(tables.links[:-1, 0] >= 0)
    features = np.empty((len(left), n_features))
    write_features(regions, tables.links, tables.edges, sizes, left, features)
    return *taken(tables, n_steps), np.sort(tables.links[left, :2], axis=1), features


def _most(regions, most_steps):
    return len(regions) if most_steps is None else most_steps


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
    features,
):
    """Write the steps of `merge_by_score` and return how many there are."""
    list_edges(lists, links)
    for e in range(links.shape[0] - 1):
        halves[e] = 2 * e
    _score_all(regions, links, edges, weights, sizes, features, halves, fresh, links.shape[0] - 1)
    for e in range(links.shape[0] - 1):
        edges[e, WEIGHT] = fresh[e]
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
        score = weights[2 * n_features]
        for k in range(n_features):
            score += weights[k] * features[k] + weights[n_features + k] * np.sqrt(max(features[k], 0.0))
        fresh[i] = score


@jit_inline
def pair_features(regions, edges, a, b, e, sizes, features):
    """Write what tells two regions and the edge between them apart.

    Distances of their means, in all planes, the first one, and the others; the same over the planes' deviations; the
    distances of their histograms of colours and of textons (chi-squared); mean strengths along the edge; and the size
    of the smaller region, the edge's length by it, and the size of the larger one.
    """
    n_colors, n_textons, n_pixels = sizes[0], sizes[1], sizes[2]
    n_channels, n_strengths = regions.shape[1] // 2, edges.shape[1] - VALUE
    n_planes = (n_channels - n_colors - n_textons) // 2
    first, squares, statistic, mean = 0.0, 0.0, 0.0, 1 + n_channels
    for k in range(mean, mean + n_planes):
        difference = regions[a, k] - regions[b, k]
        variance = regions[a, k + n_planes] - regions[a, k] * regions[a, k]
        variance += regions[b, k + n_planes] - regions[b, k] * regions[b, k]
        squares += difference * difference
        statistic += difference * difference / (variance + NOISE)
        if k == mean:
            first = squares
    features[0], features[1] = np.sqrt(squares) / UNIT, np.sqrt(first) / UNIT
    features[2], features[3] = np.sqrt(squares - first) / UNIT, np.sqrt(statistic) / 3
    begin = mean + 2 * n_planes
    features[4] = chi_squared(regions, a, b, begin, begin + n_colors)
    features[5] = chi_squared(regions, a, b, begin + n_colors, begin + n_colors + n_textons)
    length = edges[e, LENGTH]
    for k in range(n_strengths):
        features[N_REGION + k] = edges[e, VALUE + k] / length
    small, large = min(regions[a, 0], regions[b, 0]), max(regions[a, 0], regions[b, 0])
    k = N_REGION + n_strengths
    features[k], features[k + 1] = np.log(small / n_pixels) / 5 + 1, length / np.sqrt(small) / 4
    features[k + 2] = np.log(large / n_pixels) / 5 + 1


@jit_inline
def chi_squared(regions, a, b, begin, end):
    """Return half the sum of squared differences over sums, of some columns of two rows."""
    total = 0.0
    for k in range(begin, end):
        both = regions[a, k] + regions[b, k]
        difference = regions[a, k] - regions[b, k]
        total += difference * difference / (both + 1e-12)
    return total / 2
