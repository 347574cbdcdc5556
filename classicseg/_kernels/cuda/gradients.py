"""How steep planes of floats are on a GPU: the twin of the CPU's kernels, with the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classicseg._kernels._gaussian import half_gaussian
from classicseg._kernels.cuda._module import kernels
from classicseg._kernels.cuda._pixels import THREADS, grid_of, inside_of

FUNCTIONS = ("smooth_down", "smooth_along", "steepest")


def smooth(planes: Any, mask: Any, sigma: float, out: Any, n_threads: int | None = None) -> None:
    """Write planes (C, M, N) float32, smoothed by a Gaussian, as on the CPU."""
    import cupy

    shape = planes.shape[1:]
    with planes.device as device:
        run = kernels("gradients", FUNCTIONS, (), device.id)
        taps = cupy.asarray(half_gaussian(sigma))
        reach = np.int32(taps.size - 1)
        sizes = *map(np.int32, shape), taps, reach
        inside, masked = inside_of(mask)
        share = cupy.empty(shape if mask is not None else (1, 1), np.float32)

        def both(values: Any, masked: np.int32, target: Any) -> None:
            down, grid = cupy.empty(values.shape, np.float32), grid_of(shape, len(values))
            run.smooth_down(grid, (THREADS,), (values, inside, masked, *sizes, down))
            run.smooth_along(grid, (THREADS,), (down, share, masked, *sizes, target))

        if masked:
            both(inside[None].astype(np.float32), np.int32(0), share)
        both(cupy.ascontiguousarray(planes), masked, out)


def strengths(
    planes: Any, mask: Any, sigmas: Sequence[float], factor: float, out: Any, n_threads: int | None = None
) -> None:
    """Write `factor` times the steepness of planes (C, M, N) to `out` (sigmas, M, N), as on the CPU."""
    import cupy

    shape = planes.shape[1:]
    with planes.device as device:
        run = kernels("gradients", FUNCTIONS, (), device.id)
        inside, masked = inside_of(mask)
        smoothed = cupy.empty(planes.shape, np.float32)
        for sigma, found in zip(sigmas, out):
            smooth(planes, mask, sigma, smoothed)
            sizes = map(np.int32, planes.shape)
            run.steepest(grid_of(shape), (THREADS,), (smoothed, inside, masked, *sizes, np.float32(factor), found))
