"""Where the segments of SLIC are: what both twins of its kernels take."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Centers(NamedTuple):
    """Where the segments are; a window is empty where a segment is gone."""

    position: Any  # (K, 2) float64, row and column
    color: Any  # (K, C) float64
    weight: Any  # (K,) float64, factor of the squared difference of values
    window: Any  # (K, 4) int32, first row, row after the last, first column, column after the last


def centers_at(
    position: NDArray[np.float64],
    color: NDArray[np.float64],
    weight: NDArray[np.float64],
    alive: NDArray[np.bool_],
    reach: NDArray[Any],
) -> Centers:
    """Return centers with windows of `reach` rows and columns to each side, empty where they are not `alive`."""
    first, last = position - reach, position + reach + 1  # beyond the image too: the tiles at its border are held
    window = np.stack([first[:, 0], last[:, 0], first[:, 1], last[:, 1]], axis=1).astype(np.int32)
    window[~alive] = 0
    position, color = (np.ascontiguousarray(array, np.float64) for array in (position, color))
    return Centers(position, color, weight, window)
