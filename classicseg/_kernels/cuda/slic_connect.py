"""Connected segments of bounded size on a GPU: the twin of the CPU's kernels, with the same labels.

Pixels stay on the device; the host learns how many parts there are, how many of them are large or small, and how many
neighbours the small ones meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels.cuda._module import kernels
from classicseg._kernels.cuda.regions_connected import number, roots

THREADS = 128  # as in slic_connect.cu
WARPS = THREADS // 32
FUNCTIONS = ("measure", "cut", "count_sides", "meet", "point", "follow", "join_small", "relabel")
NEVER = np.int32(2**31 - 1)  # as in slic_connect.cu
MOST_PIXELS = 1 << 29  # 4 times a place in the queue of a walk is a number


def connected_parts(labels: Any, min_size: int, max_size: int, start_label: int, n_threads: int | None = None) -> Any:
    """Return int32 labels (M, N) from `start_label`, each connected by sides; start_label - 1 where they are negative.

    As on the CPU; `n_threads` means nothing on a GPU.
    """
    if labels.size > MOST_PIXELS:
        raise ValueError(f"superpixels on a GPU are of at most 2**29 pixels together, got {labels.size}; cut tiles")
    import cupy

    with labels.device as device:
        run = kernels("slic_connect", FUNCTIONS, (), device.id)
        shape = np.int32(labels.size), np.int32(labels.shape[1])
        parents, firsts = roots(labels, None, 1)
        area = cupy.zeros(labels.size, np.int32)
        run.measure(*_pixels(labels.size), (parents, shape[0], area))
        _cut(run, shape, min(max_size, labels.size), parents, firsts, area)
        first = cupy.flatnonzero(firsts.ravel()).astype(np.int32)
        area = _from_one(area[first])
        parts, _ = number(parents, firsts)
        del firsts
        label = _labels(run, shape, min(min_size, labels.size + 1), parts, area, _from_one(first))
        run.relabel(*_pixels(labels.size), (label, shape[0], np.int32(start_label), parts))
    return parts


def _cut(run: Any, shape: tuple[Any, Any], max_size: int, parents: Any, firsts: Any, area: Any) -> None:
    """Give the pieces of large regions roots of their own."""
    import cupy

    large = cupy.flatnonzero(area > max_size).astype(np.int32)
    if large.size == 0:
        return
    places, total = _places(area[large])
    order, queue = cupy.full(parents.size, NEVER, np.int32), cupy.empty(total, np.int32)
    sizes = np.int32(large.size), *shape, np.int32(max_size)
    run.cut(*_warps(large.size), (large, places, *sizes, parents, firsts, area, order, queue))


def _labels(run: Any, shape: tuple[Any, Any], min_size: int, parts: Any, area: Any, first: Any) -> Any:
    """Return the number of the segment of each part; 0 of 0, which is outside."""
    import cupy

    small = cupy.flatnonzero(area[1:] < min_size).astype(np.int32) + np.int32(1)
    if small.size == 0:
        return cupy.arange(area.size, dtype=np.int32)
    least = np.int32(min_size)
    sides = cupy.zeros(area.size, np.int32)
    run.count_sides(*_pixels(parts.size), (parts, area, *shape, least, sides))
    starts, n_met = _places(sides)
    ends = starts + sides
    places, total = _places(area[small])
    order, queue = cupy.full(parts.size, NEVER, np.int32), cupy.empty(total, np.int32)
    met = cupy.empty(max(1, n_met), np.int32)
    walks = small, places, np.int32(small.size), first, sides, ends
    run.meet(*_warps(small.size), (parts, *walks, *shape, order, queue, met))
    count, found = np.int32(area.size - 1), (area, sides, ends, met)
    if int(area.sum()) == parts.size:
        parents, label = (cupy.empty(area.size, np.int32) for _ in range(2))
        ranks = cupy.cumsum(area >= least, dtype=np.int32)
        run.point(*_pixels(area.size), (*found, count, least, parents))
        run.follow(*_pixels(area.size), (parents, ranks, count, label))
        return label
    scratch = [cupy.zeros(area.size, np.int32) for _ in range(5)]
    run.join_small((1,), (1,), (*found, count, least, *scratch))
    return scratch[0]


def _from_one(array: Any) -> Any:
    """Return an array whose places count from 1, as the numbers of parts do."""
    import cupy

    return cupy.concatenate([cupy.zeros(1, array.dtype), array])


def _places(sizes: Any) -> tuple[Any, int]:
    """Return where each of some stretches of these sizes begins, one after the other, and their length together."""
    import cupy

    ends = cupy.cumsum(sizes, dtype=np.int32)
    return ends - sizes, int(ends[-1])


def _pixels(n: int) -> tuple[tuple[int], tuple[int]]:
    return (-(-n // THREADS),), (THREADS,)


def _warps(n: int) -> tuple[tuple[int], tuple[int]]:
    return (-(-n // WARPS),), (THREADS,)
