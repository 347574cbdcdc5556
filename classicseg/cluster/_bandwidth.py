"""The bandwidth of mean shift by a rule, and the cells of that width as seeds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster._columns import Columns

LOOKED_AT = 1 << 18  # samples, evenly spaced in the order given, whose spread "auto" takes
MIDDLE_HALF = 1.3489795003921634  # standard deviations between the quartiles of a normal distribution
WIDER = {"flat": 4, "epanechnikov": 6, "gaussian": None}  # than the normal window, by sqrt(F + this)
CHUNK = 1 << 18  # samples whose cells are found at a time
EXACT = 2.0**53  # cells up to here have float64 numbers


def normal_reference(columns: Columns, kernel: str) -> float:
    """Return the normal reference rule for the gradient of the density, for the window of `kernel`."""
    n, n_features = len(columns.values[0]), len(columns.values)
    variance = [_variance(column[:: -(-n // LOOKED_AT)].astype(np.float64)) for column in columns.values]
    spread = math.ldexp(math.sqrt(sum(variance) / n_features), columns.exponent)
    width = spread * (4 / (n_features + 4) / n) ** (1 / (n_features + 6))
    wider = WIDER[kernel]
    if wider is not None:
        width *= math.sqrt(n_features + wider)
    return width if width > 0 else 1.0  # equal samples: any width finds their one mode


def _variance(column: NDArray[np.float64]) -> float:
    """Return the variance by the middle half of the values; where those are all equal, by all of them."""
    low, high = np.percentile(column, (25, 75))
    return float(((high - low) / MIDDLE_HALF) ** 2 if high > low else column.var())


def occupied_cells(
    samples: Any, columns: Columns, width: float, min_bin_freq: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles (S, F) of the cells that hold `min_bin_freq` samples, in v, and one sample of each.

    Cells are `width` wide, one of them around the feature values 0, and come in the order of their coordinates.
    """
    cells, counts, first = [], [], []
    n = len(samples.counts)
    for start in range(0, n, CHUNK):  # along the curve a chunk has few cells
        part = slice(start, start + CHUNK)
        found = np.stack([column[part] for column in samples.columns], axis=1).astype(np.float64)
        found = np.rint(columns.from_v(found) / width)
        chosen, inverse = _distinct_rows(found)
        cells.append(found[chosen])
        counts.append(np.bincount(inverse, samples.counts[part]))
        first.append(chosen + start)
    found, index = np.concatenate(cells), np.concatenate(first)
    chosen, inverse = _distinct_rows(found)
    count = np.bincount(inverse, np.concatenate(counts))
    if count.max() < min_bin_freq:
        raise ValueError(
            f"min_bin_freq must be at most {int(count.max())}, the samples in the fullest cell, got {min_bin_freq}; "
            "lower it, or pass a larger bandwidth"
        )
    chosen = chosen[count >= min_bin_freq]
    holders = np.stack([column[index[chosen]] for column in samples.columns], axis=1).astype(np.float64)
    return columns.to_v(found[chosen] * width), holders


def _distinct_rows(rows: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first of each of the distinct rows, in their order, and which of those each row is."""
    low, extent = rows.min(axis=0), np.ptp(rows, axis=0) + 1
    if np.prod(extent) < EXACT:
        strides = np.append(np.cumprod(extent[:0:-1])[::-1], 1.0)
        keys = ((rows - low) * strides).sum(axis=1)
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)
