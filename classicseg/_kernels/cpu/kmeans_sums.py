"""Sums of the samples by label, in fixed point: what changes when the samples of a tile change their labels."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline
from classicseg._kernels.cpu.kmeans_tiles import TILE

MIXED, UNKNOWN = -1, -2  # instead of the one label of all samples of a tile
MANY = 128  # changed samples of a tile from which on summing it anew is faster than moving them one by one


@jit
def add_totals(totals, t, sign, sums, label):
    """Add the sums of the whole tile `t`, or take them away."""
    for f in range(sums.shape[1]):
        sums[label, f] += sign * totals[t, f]


@jit_inline
def fill_fixed(values, place, corner, positions, scale, t, n_samples, fixed):
    """Write what each sample of tile `t` adds to the sums (F + 1, 1024); 0 beyond the last sample."""
    n_stored, n_features = values.shape[1], scale.shape[0] - 1
    for f in range(n_stored):
        if scale[f] == 1.0:
            for i in range(TILE):
                fixed[f, i] = np.int64(values[t, f, i])
        else:
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
    for f in range(n_features + 1):
        for i in range(n_samples, TILE):
            fixed[f, i] = 0


@jit_inline
def weigh(values, weights, scale, t, n_samples, fixed):
    """Replace all that `fill_fixed` wrote by its weighted twin."""
    for f in range(fixed.shape[0]):
        for i in range(n_samples):
            value = np.float64(values[t, f, i]) if f < values.shape[1] else np.float64(fixed[f, i])
            fixed[f, i] = np.int64(np.rint(weights[t, i] * value * scale[f]))


@jit_inline
def count_changes(labels, t, new):
    n_changed = 0
    for i in range(TILE):
        n_changed += np.int32(labels[t, i]) != new[0, i]
    return n_changed


@jit_inline
def keep(labels, t, new):
    for i in range(TILE):
        labels[t, i] = new[0, i]


@jit_inline
def move_each(values, place, corner, positions, scale, labels, t, new, n_samples, sums):
    """Take the samples that change from their old centers to their new ones."""
    n_stored, n_features = values.shape[1], scale.shape[0] - 1
    for i in range(n_samples):
        old, now = np.int64(labels[t, i]), np.int64(new[0, i])
        if old == now:
            continue
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
def add_by_label(fixed, new, n_samples, totals, t, marks, present, sums):
    """Add the samples of tile `t` to the sums of their `new` labels: label by label, which vectorises.

    The last label gets what the others leave of the totals. `marks` (K,) is False before and after.
    """
    n_present = list_labels(new, 0, n_samples, marks, present, 0)
    last = present[n_present - 1]
    for f in range(fixed.shape[0]):
        left = totals[t, f]
        for p in range(n_present - 1):
            k = present[p]
            total = fixed[f, 0] * 0
            for i in range(TILE):
                total += fixed[f, i] if new[0, i] == k else 0
            sums[k, f] += total
            left -= total
        sums[last, f] += left
    for p in range(n_present):
        marks[present[p]] = False


@jit_inline
def shift_by_label(fixed, labels, t, new, n_samples, marks, present, sums):
    """Take the samples of tile `t` from the sums of their old labels to those of their new ones.

    What one center gets others lose: the last label's change is what the others' leave to zero.
    """
    n_present = list_labels(new, 0, n_samples, marks, present, 0)
    n_present = list_labels(labels, t, n_samples, marks, present, n_present)
    last = present[n_present - 1]
    for f in range(fixed.shape[0]):
        left = np.int64(0)
        for p in range(n_present - 1):
            k = present[p]
            total = fixed[f, 0] * 0
            for i in range(TILE):
                total += (fixed[f, i] if new[0, i] == k else 0) - (fixed[f, i] if labels[t, i] == k else 0)
            sums[k, f] += total
            left -= total
        sums[last, f] += left
    for p in range(n_present):
        marks[present[p]] = False


@jit
def list_labels(labels, t, n_samples, marks, present, n_present):
    """Append the labels of tile `t` that are not marked yet to `present`, mark them, and return the new number."""
    for i in range(n_samples):
        label = labels[t, i]
        if not marks[label]:
            marks[label] = True
            present[n_present] = label
            n_present += 1
    return n_present
