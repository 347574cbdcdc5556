"""Sums of the samples by label, in fixed point: what changes when the samples of a tile change their labels."""

import numpy as np

from classicseg._kernels.cpu._jit import jit_called, jit_inline, jit_vectorised
from classicseg._kernels.cpu.kmeans_tiles import TILE

MIXED, UNKNOWN = -1, -2  # instead of the one label of all samples of a tile
MANY = 128  # changed samples of a tile from which on summing label by label is faster than moving them one by one


@jit_called
def add_totals(totals, t, sign, sums, label):
    """Add the sums of the whole tile `t`, or take them away."""
    for f in range(sums.shape[1]):
        sums[label, f] += sign * totals[t, f]


@jit_inline
def fill_fixed(values, place, corner, positions, scale, t, fixed):
    """Write what each sample of tile `t` adds to the sums (F + 1, 1024)."""
    n_stored, n_features = values.shape[1], scale.shape[0] - 1
    for f in range(n_stored):
        for i in range(TILE):
            fixed[f, i] = np.int64(np.rint(np.float64(values[t, f, i]) * scale[f]))
    if positions[0]:
        for i in range(TILE):
            fixed[n_stored, i] = np.int64(place[t, 0, i]) + corner[t, 0]
    if positions[1]:
        for i in range(TILE):
            fixed[n_features - 1, i] = np.int64(place[t, 1, i]) + corner[t, 1]
    for i in range(TILE):
        fixed[n_features, i] = 1


@jit_inline
def weigh(values, weights, scale, t, n_samples, fixed):
    """Replace all that `fill_fixed` wrote by its weighted twin."""
    for f in range(fixed.shape[0]):
        for i in range(n_samples):
            value = np.float64(values[t, f, i]) if f < values.shape[1] else np.float64(fixed[f, i])
            fixed[f, i] = np.int64(np.rint(weights[t, i] * value * scale[f]))


@jit_inline
def find_changes(labels, t, new, changed):
    """Mark the samples whose labels change, and return how many there are."""
    n_changed = 0
    for i in range(TILE):
        changed[i] = np.int32(labels[t, i]) != new[0, i]
    for i in range(TILE):
        n_changed += changed[i]
    return n_changed


@jit_inline
def keep(labels, t, new):
    for i in range(TILE):
        labels[t, i] = new[0, i]


@jit_inline
def list_marked(marked, n, listed):
    """List the first `n` samples that are marked, without a branch to guess wrong; return how many there are.

    Eight at a time are looked at: most tiles have few.
    """
    eights = marked.view(np.int64)
    n_eights, n_listed = 0, 0
    for e in range(TILE // 8):
        listed[TILE + n_eights] = e
        n_eights += eights[e] != 0
    for j in range(n_eights):
        first = 8 * listed[TILE + j]
        for i in range(first, first + 8):
            listed[n_listed] = i
            n_listed += marked[i]
    while n_listed > 0 and listed[n_listed - 1] >= n:
        n_listed -= 1
    return n_listed


@jit_inline
def move_each(values, place, corner, positions, scale, labels, t, new, listed, n_listed, sums):
    """Take the samples listed from their old centers to their new ones."""
    n_stored, n_features = values.shape[1], scale.shape[0] - 1
    for j in range(n_listed):
        i = listed[j]
        old, now = np.int64(labels[t, i]), np.int64(new[0, i])
        for f in range(n_stored):
            value = np.int64(np.rint(np.float64(values[t, f, i]) * scale[f]))
            sums[now, f] += value
            sums[old, f] -= value
        if positions[0]:
            value = np.int64(place[t, 0, i]) + corner[t, 0]
            sums[now, n_stored] += value
            sums[old, n_stored] -= value
        if positions[1]:
            value = np.int64(place[t, 1, i]) + corner[t, 1]
            sums[now, n_features - 1] += value
            sums[old, n_features - 1] -= value
        sums[now, n_features] += 1
        sums[old, n_features] -= 1


@jit_inline
def list_present(labels, t, n_samples, candidates, n_candidates, known, marks, present):
    """List every label that a sample of tile `t` has now or, where `known`, had before; return how many."""
    for j in range(n_candidates):
        present[j] = candidates[j]
        marks[candidates[j]] = True
    n_present = n_candidates
    if known:
        for i in range(n_samples):
            label = labels[t, i]
            if not marks[label]:  # seldom: what a tile had are mostly candidates still
                marks[label] = True
                present[n_present] = label
                n_present += 1
    for j in range(n_present):
        marks[present[j]] = False
    return n_present


@jit_vectorised
def mark_changes(labels, t, known, new, n_samples, label, sign):
    """Write 1 for each sample that comes to `label`, -1 for each that leaves; return how many do, and their sum."""
    own, one, none = np.int32(label), np.float32(1), np.float32(0)
    old = one if known else none
    for i in range(TILE):
        sign[i] = (one if new[0, i] == own else none) - (old if np.int32(labels[t, i]) == own else none)
    for i in range(n_samples, TILE):
        sign[i] = none
    n_changed, count = none, none
    for i in range(TILE):
        n_changed += abs(sign[i])
        count += sign[i]
    return n_changed, count


@jit_vectorised
def dot_local(sign, local, f):
    """Return the sum of sign * local; exact, as up to 1024 halves of integers below 256 are in float32."""
    total = np.float32(0)
    for i in range(TILE):
        total += sign[i] * local[f, i]
    return np.float64(total)


@jit_vectorised
def dot_fixed(sign, fixed, f):
    total = np.int64(0)
    for i in range(TILE):
        total += np.int64(sign[i]) * fixed[f, i]
    return total
