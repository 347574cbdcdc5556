"""The k-means step for few centers: every sample against all of them that can win in its tile, in one pass.

With few centers there is little to spare: putting 1 MP of colours in order takes longer than all of ten such steps.
So the samples stay in their own order, and one loop scores them, finds the best and the second best, and compares
labels with those before; nothing but labels is stored.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_vectorised
from classicseg._kernels.cpu.kmeans_score import HUGE, decide_again, fill_table, find_candidates, rank, score
from classicseg._kernels.cpu.kmeans_sums import (
    MANY,
    MIXED,
    UNKNOWN,
    dot_fixed,
    dot_local,
    fill_fixed,
    find_changes,
    keep,
    list_marked,
    list_present,
    mark_changes,
    move_each,
)
from classicseg._kernels.cpu.kmeans_step import UNIT, fill_local
from classicseg._kernels.cpu.kmeans_tiles import TILE

FEW_CENTERS = 8


@jit
def step_dense(tiles, model, centers, assigned, first, last, sums, scratch, unrolled):
    """Do what `step_tiles` does, on tiles whose samples are in any order."""
    values, place, corner, middles, halves = tiles.values, tiles.place, tiles.corner, tiles.middle, tiles.half
    counts, labels, only = tiles.count, assigned.labels, assigned.only
    rows, columns, rounding, spare = centers.rows, centers.columns, centers.rounding, centers.spare
    gain, scale, positions = model.gain, model.sum_scale, (model.x, model.y)
    local, table, work, candidates = scratch.local, scratch.table, scratch.work, scratch.candidates
    best, lead, buffer, new = scratch.best, scratch.lead, scratch.buffer, scratch.new
    changed, listed, fixed = scratch.changed, scratch.listed, scratch.fixed
    marks, present, n_features = scratch.marks, scratch.present, rows.shape[1]
    small = values.itemsize == 1
    scored = 0
    for t in range(first, last):
        nearest, n_candidates, _ = find_candidates(middles, halves, t, gain, columns, spare, work, candidates)
        n_samples, known = counts[t], only[t] != UNKNOWN
        fill_local(values, place, corner, middles, positions, t, local)
        if n_candidates == 1:
            n_changed = 0
            for i in range(TILE):
                new[0, i] = nearest
                n_changed += np.int64(labels[t, i]) != nearest
        else:
            scored += n_candidates * TILE
            reach = 0.0
            for f in range(n_features):
                reach += halves[t, f] * halves[t, f]
            widest = fill_table(work, gain, candidates, nearest, n_candidates, table)
            error = 4 * UNIT * (n_features + 4) * (widest + reach) + rounding
            limit = np.float32(error * (1 + 1e-6))
            n_close, n_changed = score_few(local, table, candidates, n_candidates, labels, t, limit, new, unrolled)
            if n_close > 0:
                score(local, table, candidates, n_candidates, best, lead, new, unrolled)
                decide_again(tiles, model, rows, candidates[:n_candidates], lead, error, t, new)
                n_changed = find_changes(labels, t, new, changed)
        if n_changed > 0 or not known:
            if known and n_changed < MANY:
                find_changes(labels, t, new, changed)
                n_listed = list_marked(changed, n_samples, listed)
                move_each(values, place, corner, positions, scale, labels, t, new, listed, n_listed, sums)
            else:
                n_present = list_present(labels, t, n_samples, candidates, n_candidates, known, marks, present)
                if not small:
                    fill_fixed(values, place, corner, positions, scale, t, fixed)
                for p in range(n_present):
                    k = present[p]
                    n_moved, count = mark_changes(labels, t, known, new, n_samples, k, buffer)
                    if n_moved == 0:
                        continue
                    if small:
                        for f in range(n_features):
                            sums[k, f] += np.int64(dot_local(buffer, local, f) + middles[t, f] * np.float64(count))
                        sums[k, n_features] += np.int64(count)
                    else:
                        for f in range(n_features + 1):
                            sums[k, f] += dot_fixed(buffer, fixed, f)
            keep(labels, t, new)
            only[t] = MIXED
    return scored


@jit_vectorised
def score_few(local, table, candidates, n_candidates, labels, t, limit, new, unrolled):
    """Write the label of the best score; return how many samples have a lead within `limit`, and another label."""
    n_features = len(unrolled) if len(unrolled) > 0 else local.shape[0]
    own0, own1 = np.int32(candidates[0]), np.int32(candidates[1])
    own2, own3 = np.int32(candidates[2]), np.int32(candidates[3])
    n_close, n_changed = np.int32(0), np.int32(0)
    one, none = np.int32(1), np.int32(0)
    if n_candidates <= 4:
        for i in range(TILE):
            value0, value1, value2, value3 = table[0, 0], table[1, 0], table[2, 0], table[3, 0]
            for f in range(n_features):
                value0 += table[0, 1 + f] * local[f, i]
                value1 += table[1, 1 + f] * local[f, i]
                value2 += table[2, 1 + f] * local[f, i]
                value3 += table[3, 1 + f] * local[f, i]
            first, second, label = rank(value1, own1, value0, HUGE, own0)
            first, second, label = rank(value2, own2, first, second, label)
            first, second, label = rank(value3, own3, first, second, label)
            new[0, i] = label
            n_close += one if second - first <= limit else none
            n_changed += one if np.int32(labels[t, i]) != label else none
    else:
        own4, own5 = np.int32(candidates[4]), np.int32(candidates[5])
        own6, own7 = np.int32(candidates[6]), np.int32(candidates[7])
        for i in range(TILE):
            value0, value1, value2, value3 = table[0, 0], table[1, 0], table[2, 0], table[3, 0]
            value4, value5, value6, value7 = table[4, 0], table[5, 0], table[6, 0], table[7, 0]
            for f in range(n_features):
                value0 += table[0, 1 + f] * local[f, i]
                value1 += table[1, 1 + f] * local[f, i]
                value2 += table[2, 1 + f] * local[f, i]
                value3 += table[3, 1 + f] * local[f, i]
                value4 += table[4, 1 + f] * local[f, i]
                value5 += table[5, 1 + f] * local[f, i]
                value6 += table[6, 1 + f] * local[f, i]
                value7 += table[7, 1 + f] * local[f, i]
            first, second, label = rank(value1, own1, value0, HUGE, own0)
            first, second, label = rank(value2, own2, first, second, label)
            first, second, label = rank(value3, own3, first, second, label)
            first, second, label = rank(value4, own4, first, second, label)
            first, second, label = rank(value5, own5, first, second, label)
            first, second, label = rank(value6, own6, first, second, label)
            first, second, label = rank(value7, own7, first, second, label)
            new[0, i] = label
            n_close += one if second - first <= limit else none
            n_changed += one if np.int32(labels[t, i]) != label else none
    return np.int64(n_close), np.int64(n_changed)
