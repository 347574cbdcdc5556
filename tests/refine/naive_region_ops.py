"""Slow twins of what is done over regions: one region, one pixel, one labelling at a time. Only NumPy."""

import itertools

import numpy as np


def pool(values, labels, weights=None, how="mean"):
    """Return a row for each region that occurs."""
    wide = np.ones(labels.shape) if weights is None else weights
    rows = []
    for label in np.unique(labels[labels > 0]):
        own, shares = values[labels == label].astype(np.float64), wide[labels == label]
        if how != "mean":
            rows.append(getattr(np, how)(own, axis=0))
        elif shares.sum() == 0:
            rows.append(own.mean(axis=0))
        else:
            rows.append(np.average(own, axis=0, weights=shares))
    return np.array(rows)


def snap(values, labels, weight):
    """Return every pixel mixed with the mean of its region."""
    found = values.astype(np.float64)
    for label in np.unique(labels[labels > 0]):
        own = labels == label
        found[own] = (1 - weight) * found[own] + weight * values[own].mean(axis=0, dtype=np.float64)
    return found


def potts_energy(labels, costs, edges, borders):
    """Return what labellings (..., n) cost: each region its own, and each border between different classes."""
    labels = np.asarray(labels)
    total = sum(costs[r][labels[..., r]] for r in range(len(costs)))
    for (a, b), border in zip(edges, borders):
        total = total + border * (labels[..., a] != labels[..., b])
    return total


def best_labellings(costs, edges, borders):
    """Return the least energy of all labellings, each tried, and those within 1e-9 of it."""
    tried = np.array(list(itertools.product(range(costs.shape[1]), repeat=len(costs))))
    energies = potts_energy(tried, costs, edges, borders)
    return energies.min(), tried[energies <= energies.min() + 1e-9]


def best_expansion(labels, taker, costs, edges, borders):
    """Return the labelling of least energy in which some regions have gone over to `taker`."""
    tried = np.where(list(itertools.product((False, True), repeat=len(labels))), taker, labels)
    return tried[potts_energy(tried, costs, edges, borders).argmin()]


def expanded_in_turns(costs, edges, borders):
    """Return where it ends when each class in turn takes over what is best, from the most probable ones; and turns."""
    labels, turns = costs.argmin(axis=1), 0
    while True:
        before, turns = labels, turns + 1
        for taker in range(costs.shape[1]):
            labels = best_expansion(labels, taker, costs, edges, borders)
        if (labels == before).all():
            return labels, turns


def panoptic_merge(classes, masks, scores, categories, things, min_score, max_overlap, min_area):
    """Return segment ids and [(category, is_thing, area)], pixel by pixel, of class labels (M, N) and bool masks."""
    ids, found = np.zeros(classes.shape, int), []
    for i in sorted(range(len(masks)), key=lambda i: (-scores[i], i)):
        own = [pixel for pixel in np.ndindex(classes.shape) if masks[i][pixel]]
        free = [pixel for pixel in own if ids[pixel] == 0]
        if scores[i] < min_score or not free or 1 - len(free) / len(own) > max_overlap + 1e-12:
            continue
        found.append((categories[i], True, len(free)))
        for pixel in free:
            ids[pixel] = len(found)
    for kind in range(classes.max() + 1):
        free = [pixel for pixel in np.ndindex(classes.shape) if classes[pixel] == kind and ids[pixel] == 0]
        if kind not in things and free and len(free) >= min_area:
            found.append((kind, False, len(free)))
            for pixel in free:
                ids[pixel] = len(found)
    return ids, found
