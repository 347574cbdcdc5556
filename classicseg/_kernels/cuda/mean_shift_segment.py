"""Regions of one mode on a GPU: the twin of the CPU's kernels, with the same labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels._climb import Climb
from classicseg._kernels.cuda._module import kernels

THREADS = 256  # as in forest.cuh
FUNCTIONS = ("single", "join_near", "find_roots", "number")


def connected_modes(values: Any, positions: Any, masks: Any, rule: Climb, n_threads: int | None = None) -> Any:
    """Return region labels (B, M, N) of modes with `values` (B, M, N, C) and `positions` (B, M, N, 2), in float32.

    As on the CPU; `n_threads` means nothing on a GPU.
    """
    import cupy

    n_frames, n_rows, n_cols, n_channels = values.shape
    sizes = np.int64(n_frames * n_rows * n_cols), np.int64(n_rows * n_cols)
    with values.device as device:
        run = kernels("mean_shift_segment", FUNCTIONS, (), device.id)
        launch = (-(-int(sizes[0]) // THREADS),), (THREADS,)
        parents, roots, firsts = (cupy.empty((n_frames, n_rows, n_cols), np.int32) for _ in range(3))
        masked = np.int32(masks is not None)
        mask = cupy.ascontiguousarray(masks) if masked else cupy.zeros(1, np.bool_)
        widths = cupy.asarray(np.array([*rule.range_bandwidth, rule.spatial_bandwidth**2]))
        run.single(*launch, (mask, masked, *sizes, parents))
        modes = cupy.ascontiguousarray(values), cupy.ascontiguousarray(positions), widths, np.int32(n_channels)
        run.join_near(*launch, (*modes, *sizes, np.int32(n_cols), parents))
        run.find_roots(*launch, (parents, *sizes, roots, firsts))
        ranks = cupy.cumsum(firsts.ravel(), dtype=np.int32)
        run.number(*launch, (roots, ranks, *sizes, parents))
    return parents
