"""Slow twins of what is done over regions: one region, one pixel, one labelling at a time. Only NumPy."""

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
