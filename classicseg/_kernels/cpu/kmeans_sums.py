"""Sums of the samples by label, in fixed point: what changes when the samples of a tile change their labels."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline
from classicseg._kernels.cpu.kmeans_tiles import TILE

MIXED, UNKNOWN = -1, -2  # instead of the one label of all samples of a tile
MANY = 256  # changed samples of a tile from which on summing it anew is faster than moving them one by one


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
def add_by_label(fixed, new, n_samples, marks, sums):
    """Add the samples of a tile to the sums of their `new` labels: one label after the other, which vectorises.

    `marks` (K,) is False before and after.
    """
    for i in range(n_samples):
        marks[new[0, i]] = True
    for k in range(marks.shape[0]):
        if marks[k]:
            marks[k] = False
            for f in range(fixed.shape[0]):
                total = fixed[f, 0] * 0
                for i in range(TILE):
                    total += fixed[f, i] if new[0, i] == k else 0
                sums[k, f] += total


@jit_inline
def shift_by_label(fixed, labels, t, new, n_samples, marks, sums):
    """Take the samples of tile `t` from the sums of their old labels to those of their new ones."""
    for i in range(n_samples):
        marks[new[0, i]] = True
        marks[labels[t, i]] = True
    for k in range(marks.shape[0]):
        if marks[k]:
            marks[k] = False
            for f in range(fixed.shape[0]):
                total = fixed[f, 0] * 0
                for i in range(TILE):
                    total += (fixed[f, i] if new[0, i] == k else 0) - (fixed[f, i] if labels[t, i] == k else 0)
                sums[k, f] += total
