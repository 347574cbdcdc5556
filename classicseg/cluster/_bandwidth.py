"""The bandwidth of mean shift by a rule, and the cells of that width as seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster._columns import Columns

LOOKED_AT = 1024  # samples, evenly spaced in the order given, between which "auto" takes distances
NEIGHBOUR = 10  # "auto" reaches a tenth of them: 7 or 8 modes in photographs, where sklearn's 30 % finds 1 or 2
ROWS = 64  # of distances at a time
CHUNK = 1 << 10  # leaves whose samples' cells are found at a time
EXACT_BITS = 53  # as many cells have numbers in float64
FINEST = 2.0**-60  # of the largest feature: narrower cells would hold the same float32 values


def neighbour_distance(columns: Columns, kernel: str) -> float:
    """Return the mean distance to the neighbour that has a tenth of the samples before it, for the flat kernel.

    The others get the bandwidth at which the density they climb is smoothed by as much.
    """
    samples = columns.spaced(-(-int(columns.starts[-1]) // LOOKED_AT))
    n, n_features = samples.shape
    place = min(max(n // NEIGHBOUR, 1), n - 1)
    distances = np.empty(n)
    for start in range(0, n, ROWS):
        squared = np.zeros((len(samples[start : start + ROWS]), n))
        for f in range(n_features):
            squared += (samples[start : start + ROWS, f, None] - samples[:, f]) ** 2
        distances[start : start + ROWS] = np.sqrt(np.partition(squared, place, axis=1)[:, place])
    width = float(distances.mean()) or float(np.sqrt(samples.var(axis=0).sum()))
    width = math.ldexp(width, columns.exponent) or 1.0  # equal samples: any width finds their one mode
    # Per feature, the variance of the kernels whose gradients are followed is 1 / (F + 4), 1 / (F + 6), and 1.
    return (
        width
        * {
            "flat": 1.0,
            "epanechnikov": math.sqrt((n_features + 6) / (n_features + 4)),
            "gaussian": 1 / math.sqrt(n_features + 4),
        }[kernel]
    )


def occupied_cells(
    kernels: Any, samples: Any, columns: Columns, width: float, min_bin_freq: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles (S, F) of the cells that hold `min_bin_freq` samples, in v, and one sample of each.

    Cells are `width` wide, one of them around the feature values 0, and come in the order of their coordinates.
    """
    cells, counts, holders = [], [], []
    ends = columns.from_v(np.stack([columns.low, columns.high]))
    width = max(width, FINEST * float(np.abs(ends).max()))
    for start in range(0, len(samples.tree.counts), CHUNK):
        points, weights = kernels.points_of(samples, start, start + CHUNK)
        found = np.rint(columns.from_v(points) / width)
        runs = np.flatnonzero(np.append(True, (found[1:] != found[:-1]).any(axis=1)))  # along the curve they are few
        chosen, inverse = _distinct_rows(found[runs])
        cells.append(found[runs[chosen]])
        counts.append(np.bincount(inverse, np.add.reduceat(weights, runs)))
        holders.append(points[runs[chosen]])
    found = np.concatenate(cells)
    chosen, inverse = _distinct_rows(found)
    count = np.bincount(inverse, np.concatenate(counts))
    if count.max() < min_bin_freq:
        raise ValueError(
            f"min_bin_freq must be at most {int(count.max())}, the samples in the fullest cell, got {min_bin_freq}; "
            "lower it, or pass a larger bandwidth"
        )
    chosen = chosen[count >= min_bin_freq]
    return columns.to_v(found[chosen] * width), np.concatenate(holders)[chosen]


def _distinct_rows(rows: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first of each of the distinct rows, in their order, and which of those each row is."""
    low, extent = rows.min(axis=0), np.ptp(rows, axis=0) + 1
    if np.log2(extent).sum() < EXACT_BITS:
        strides = np.append(np.cumprod(extent[:0:-1])[::-1], 1.0)
        keys = ((rows - low) * strides).sum(axis=1)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
