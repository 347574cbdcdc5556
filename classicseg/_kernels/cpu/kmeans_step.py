"""The k-means step on tiles: which centers can win, who wins, and what changes in the sums.

Why this form is the fast one. A dense step costs F + 5 vector instructions per 16 samples and center; photographs
let most of them go. (1) Most tiles are far from every border between clusters. A tile remembers how far centers
may move before any of its labels can change, and is not looked at until they have. (2) Of the rest, only the
centers that win somewhere in the tile's box (the bisector test of Kanungo et al., 2002,
doi:10.1109/TPAMI.2002.1017616) are scored. (3) Only samples that change their cluster touch the sums. All this is
exact: a sample whose two best scores are closer than the error of float32 is decided again in float64.
"""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline
from classicseg._kernels.cpu.kmeans_score import (
    decide_again,
    fill_table,
    find_candidates,
    lowest,
    score,
    score_pair,
)
from classicseg._kernels.cpu.kmeans_sums import (
    MANY,
    MIXED,
    add_totals,
    dot_fixed,
    dot_local,
    fill_fixed,
    find_changes,
    keep,
    list_marked,
    list_present,
    mark_changes,
    move_each,
    weigh,
)
from classicseg._kernels.cpu.kmeans_tiles import TILE

UNIT = 2.0**-24  # relative error of one float32 operation


class Assigned(NamedTuple):
    """What is known of each of T tiles from earlier steps."""

    labels: Any  # uint8 or int32 (T, 1024); to be read only where `only` is MIXED
    only: Any  # int32 (T,), the label of all samples of the tile, or MIXED, or UNKNOWN
    safe: Any  # float64 (T,), the labels hold while `travel` is below


class Centers(NamedTuple):
    """Centers of a step, and what follows from them."""

    rows: Any  # float64 (K, F)
    columns: Any  # float64 (F, K), gain * rows
    travel: float  # twice the way of the fastest center of every step so far, gain applied
    rounding: float  # squared distances closer than this may be one and the same in float64
    spare: float  # centers that lose by less stay candidates: `rounding`, or infinity to score them all


class Scratch(NamedTuple):
    """Memory of one range of tiles, made once for all steps."""

    local: Any  # float32 (at least F, 1024), v - middle
    table: Any  # float32 (K + 3, at least F + 1), base and slopes of the candidates' scores
    work: Any  # float64 (F + 2, K)
    candidates: Any  # int64 (K + 3,)
    best: Any  # float32 (1024,)
    lead: Any  # float32 (1024,)
    buffer: Any  # float32 (1024,)
    new: Any  # int32 (1, 1024), labels
    changed: Any  # bool (1024,)
    listed: Any  # int64 (2049,)
    fixed: Any  # int64 (F + 1, 1024)
    marks: Any  # bool (K,), all False between tiles
    present: Any  # int64 (K,)


def make_scratch(n_clusters, n_features, n_unrolled):
    width = max(n_unrolled, n_features)
    return Scratch(
        np.zeros((width, TILE), np.float32),
        np.zeros((n_clusters + 3, width + 1), np.float32),
        np.empty((n_features + 2, n_clusters)),
        np.empty(n_clusters + 3, np.int64),
        *np.empty((3, TILE), np.float32),
        np.empty((1, TILE), np.int32),
        np.empty(TILE, np.bool_),
        np.empty(2 * TILE + 1, np.int64),
        np.empty((n_features + 1, TILE), np.int64),
        np.zeros(n_clusters, np.bool_),
        np.empty(n_clusters, np.int64),
    )


@jit
def step_tiles(tiles, model, centers, assigned, first, last, sums, scratch, unrolled):
    """Bring the labels of tiles `first` to `last` up to date with `centers`, and `sums` (K, F + 1) with them.

    `unrolled` is a tuple of F or more zeros, whose length is known to the compiler, or empty for many features.
    Returns how many scores it took.
    """
    # Arrays are taken out of the tuples once, and passed on whole with the tile's number: passing tuples or rows
    # on costs more than scoring a tile (Numba counts references).
    values, place, corner, middles, halves = tiles.values, tiles.place, tiles.corner, tiles.middle, tiles.half
    totals, weights, counts = tiles.totals, tiles.weight, tiles.count
    labels, only, safe = assigned.labels, assigned.only, assigned.safe
    rows, columns, travel = centers.rows, centers.columns, centers.travel
    rounding, spare = centers.rounding, centers.spare
    gain, scale, positions = model.gain, model.sum_scale, (model.x, model.y)
    local, table, work, candidates = scratch.local, scratch.table, scratch.work, scratch.candidates
    best, lead, buffer, new = scratch.best, scratch.lead, scratch.buffer, scratch.new
    changed, listed, fixed = scratch.changed, scratch.listed, scratch.fixed
    marks, present, n_features = scratch.marks, scratch.present, rows.shape[1]
    weighted = weights.shape[0] > 0
    small = values.itemsize == 1 and not weighted  # integers below 256, and places, which are such too
    scored = 0
    for t in range(first, last):
        if travel < safe[t]:
            continue
        nearest, n_candidates, rest = find_candidates(middles, halves, t, gain, columns, spare, work, candidates)
        distance = work[n_features, nearest]
        reach = 0.0
        for f in range(n_features):
            reach += halves[t, f] * halves[t, f]
        before, n_samples, n_changed = only[t], counts[t], TILE
        if n_candidates == 1:
            farthest = np.sqrt(distance) + np.sqrt(reach)
            n_changed = 0 if before == nearest else TILE
            if before == MIXED:
                for i in range(TILE):
                    new[0, i] = nearest
        else:
            scored += n_candidates * TILE
            fill_local(values, place, corner, middles, positions, t, local)
            widest = fill_table(work, gain, candidates, nearest, n_candidates, table)
            error = 4 * UNIT * (n_features + 4) * (widest + reach) + rounding
            if n_candidates == 2:
                score_pair(local, table, candidates, lead, new, unrolled)
                farthest = np.sqrt(distance) + np.sqrt(reach)
            else:
                score(local, table, candidates, n_candidates, best, lead, new, unrolled)
                farthest = np.sqrt(max(-lowest(best, -1, buffer) + error + distance + reach, 0.0))
            closest = lowest(lead, 1, buffer)
            if closest <= error:
                decide_again(tiles, model, rows, candidates[:n_candidates], lead, error, t, new)
            if before == MIXED:
                n_changed = find_changes(labels, t, new, changed)
            rest = min(rest, closest - error)
        if n_changed > 0:
            if before >= 0:
                add_totals(totals, t, -1, sums, before)
            if n_candidates == 1 and before != MIXED:
                add_totals(totals, t, 1, sums, nearest)
            elif n_changed < MANY and not weighted:
                n_listed = list_marked(changed, n_samples, listed)
                move_each(values, place, corner, positions, scale, labels, t, new, listed, n_listed, sums)
            else:
                known = before == MIXED
                n_present = list_present(labels, t, n_samples, candidates, n_candidates, known, marks, present)
                if not small:
                    fill_fixed(values, place, corner, positions, scale, t, fixed)
                    if weighted:
                        weigh(values, weights, scale, t, n_samples, fixed)
                elif n_candidates == 1:
                    fill_local(values, place, corner, middles, positions, t, local)
                for p in range(n_present):  # label by label: that vectorises
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
            if n_candidates > 1:
                keep(labels, t, new)
            only[t] = nearest if n_candidates == 1 else MIXED
        # Distances to the own center and to any other differ by at least this much, for every sample of the tile.
        apart = rest / (farthest + np.sqrt(farthest * farthest + rest)) if rest > 0 else 0.0
        safe[t] = travel + apart * (1 - 1e-9)
    return scored


@jit_inline
def fill_local(values, place, corner, middles, positions, t, local):
    """Write v - middle of the samples of tile `t`, right but for one rounding."""
    n_stored = values.shape[1]
    for f in range(n_stored):
        middle = np.float32(middles[t, f])
        for i in range(TILE):
            local[f, i] = np.float32(values[t, f, i]) - middle
    if positions[0]:
        middle = np.float32(middles[t, n_stored] - corner[t, 0])
        for i in range(TILE):
            local[n_stored, i] = np.float32(place[t, 0, i]) - middle
    if positions[1]:
        f = middles.shape[1] - 1
        middle = np.float32(middles[t, f] - corner[t, 1])
        for i in range(TILE):
            local[f, i] = np.float32(place[t, 1, i]) - middle
