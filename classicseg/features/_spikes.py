"""Single pixels that stand out from all around them: hot and dead ones of a sensor, salt and pepper."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.features._planes import row_blocks

Plane = NDArray[np.float32]


def without_spikes(planes: Plane, mask: NDArray[np.bool_] | None) -> Plane:
    """Return planes (C, M, N) with every pixel brought within the range of its up to 8 neighbours inside the mask.

    Borders between regions stay where they are, since a region has more than one pixel on each side of them. What lies
    outside, and a pixel without neighbours, stays as it is.
    """
    out = np.empty_like(planes)
    for plane, found in zip(planes, out):
        for rows in row_blocks(plane):
            near = slice(max(rows.start - 1, 0), rows.stop + 1)
            part, inside = plane[near], None if mask is None else mask[near]
            here = slice(rows.start - near.start, rows.start - near.start + len(plane[rows]))
            low = _of_neighbours(np.minimum, part, inside, np.inf)[here]
            high = _of_neighbours(np.maximum, part, inside, -np.inf)[here]
            alone = low > high
            found[rows] = np.where(alone, part[here], np.minimum(np.maximum(part[here], low), high))
        if mask is not None:
            found[~mask] = plane[~mask]
    return out


def _of_neighbours(choose: Any, part: Plane, inside: NDArray[np.bool_] | None, none: float) -> Plane:
    """Return the least or the greatest of the neighbours of each pixel, `none` where there are none."""
    wide = np.empty_like(part, shape=(part.shape[0] + 2, part.shape[1] + 2))
    wide[:] = none
    wide[1:-1, 1:-1] = part if inside is None else np.where(inside, part, np.float32(none))
    of_three = choose(choose(wide[:, :-2], wide[:, 1:-1]), wide[:, 2:])
    beside = choose(wide[1:-1, :-2], wide[1:-1, 2:])
    found: Plane = choose(choose(of_three[:-2], of_three[2:]), beside)
    return found
