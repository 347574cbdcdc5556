"""Which pixels a pixel is linked to, and the lines there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def offsets_of(radius: float, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Return the offsets (n_offsets, 2) within `radius` that come after a pixel, in raster order.

    Those that no two pixels of the image are apart are left out.
    """
    reach = int(radius)
    down, right = np.mgrid[0 : reach + 1, -reach : reach + 1]
    after = (down > 0) | (right > 0)
    possible = (down < shape[0]) & (np.abs(right) < shape[1])
    near = down**2 + right**2 <= radius**2
    found: NDArray[np.int64] = np.argwhere(after & possible & near).astype(np.int64)
    found[:, 1] -= reach
    return found


def lines_of(offsets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels of the line to each offset, both ends included, and where each line begins.

    One pixel for each step along the longer axis, the nearest; of two as near the lower or the right one.
    """
    lines = [np.empty((0, 2), np.int64)]
    for offset in offsets:
        n_steps = int(np.abs(offset).max())
        lines.append(np.floor(np.outer(np.arange(n_steps + 1), offset) / n_steps + 0.5).astype(np.int64))
    return np.concatenate(lines), np.cumsum([len(line) for line in lines])
