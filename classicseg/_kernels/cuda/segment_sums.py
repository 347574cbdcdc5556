"""Sums over the pixels of regions on a GPU: the twin of the CPU's kernels, with the same bits, returned on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels._sums import channels_of, scales_of
from classicseg._kernels.cuda._module import kernels

THREADS, ROWS = 256, 32  # as in segment_sums.cu
FUNCTIONS = ("add_values", "add_codes")


def describe(
    labels: Any, planes: Any, colors: Any, textons: Any, n_codes: Any, n_regions: int, n_threads: int | None = None
) -> tuple[Any, Any, Any]:
    """Return what the CPU's twin does; `n_threads` means nothing on a GPU."""
    import cupy

    n_planes, n_channels = len(planes), 2 * len(planes) + sum(n_codes)
    with planes.device as device:
        run = kernels("segment_sums", FUNCTIONS, (), device.id)
        labels, planes, colors, textons = map(cupy.ascontiguousarray, (labels, planes, colors, textons))
        scales = scales_of(planes, labels)
        sums, area = cupy.zeros((n_regions, n_channels), np.uint64), cupy.zeros(n_regions, np.uint64)
        first = cupy.full(n_regions, labels.size, np.uint64)
        n_blocks = -(-labels.shape[1] // THREADS) * -(-labels.shape[0] // ROWS)
        sizes = tuple(map(np.int32, labels.shape))
        values = (*sizes, *map(np.float64, scales), *map(np.int32, (n_planes, n_channels)))
        run.add_values((n_blocks, n_planes), (THREADS,), (labels, planes, *values, sums))
        codes = (*sizes, *map(np.int32, (2 * n_planes, n_codes[0], n_channels)))
        run.add_codes((n_blocks,), (THREADS,), (labels, colors, textons, *codes, sums, area, first))
    first, area, sums = (found.get().view(np.int64) for found in (first, area, sums))  # as which they were added
    return first, area, channels_of(sums, n_planes, scales)
