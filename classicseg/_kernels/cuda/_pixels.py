"""What kernels with one thread per pixel are given."""

from __future__ import annotations

from typing import Any

import numpy as np

THREADS = 256  # of a block, as in the texts


def grid_of(shape: tuple[int, ...], n_planes: int = 1) -> tuple[int, int]:
    """Return the blocks of a launch with one thread per pixel of some planes."""
    return -(-shape[0] * shape[1] // THREADS), n_planes


def inside_of(mask: Any) -> tuple[Any, np.int32]:
    """Return the mask, in C order, or a place to point at, and whether it is read."""
    import cupy

    if mask is None:
        return cupy.zeros((1, 1), np.bool_), np.int32(0)
    return cupy.ascontiguousarray(mask), np.int32(1)
