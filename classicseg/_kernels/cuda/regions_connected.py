"""Connected regions on a GPU: the twin of the CPU's kernels, with the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels.cuda._module import kernels

THREADS = 256  # as in forest.cuh
FUNCTIONS = ("begin", "join_alike", "find_roots", "number")
MOST_PIXELS = 1 << 30  # whose indices fit into the forest


def connected(labels: Any, inside: Any, connectivity: int, n_threads: int | None = None) -> tuple[Any, Any]:
    """Number the connected regions of equal label from 1 in raster order of their first pixel; 0 outside.

    As on the CPU, but how many there are stays on the device too; `n_threads` means nothing on a GPU.
    """
    with labels.device:
        return number(*roots(labels, inside, connectivity))


def roots(labels: Any, inside: Any, connectivity: int) -> tuple[Any, Any]:
    """Return the first pixel, by index, of each pixel's region (M, N), -1 outside; and 1 where a region begins."""
    n_pixels, n_cols = labels.size, labels.shape[1]
    if n_pixels > MOST_PIXELS:
        raise ValueError(f"labels on a GPU must have at most 2**30 pixels, got {n_pixels}; cut tiles")
    import cupy

    run = kernels("regions_connected", FUNCTIONS, (), labels.device.id)
    parents, firsts = (cupy.empty(labels.shape, np.int32) for _ in range(2))
    mask = cupy.zeros(1, np.bool_) if inside is None else cupy.ascontiguousarray(inside)
    image = cupy.ascontiguousarray(labels, np.int32), mask, np.int32(inside is not None)
    sizes = np.int32(n_pixels), np.int32(n_cols)
    run.begin(*_launch(n_pixels), (*image, *sizes, parents))
    run.join_alike(*_launch(n_pixels), (*image, *sizes, np.int32(connectivity == 2), parents))
    run.find_roots(*_launch(n_pixels), (np.int32(n_pixels), parents, firsts))
    return parents, firsts


def number(parents: Any, firsts: Any) -> tuple[Any, Any]:
    """Turn roots into numbers, in place; return them, and how many there are."""
    import cupy

    run = kernels("regions_connected", FUNCTIONS, (), parents.device.id)
    ranks = cupy.cumsum(firsts.ravel(), dtype=np.int32)
    run.number(*_launch(parents.size), (ranks, np.int32(parents.size), parents))
    return parents, ranks[-1]


def _launch(n_pixels: int) -> tuple[tuple[int], tuple[int]]:
    return (-(-n_pixels // THREADS),), (THREADS,)
