"""Codes of pixels on a GPU: the twin of the CPU's kernels, with the same codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels.cuda._module import kernels
from classicseg._kernels.cuda._pixels import THREADS, grid_of, inside_of
from classicseg._kernels.cuda.gradients import smooth

FUNCTIONS = ("nearest_texton", "nearest_color")


def texton_codes(
    plane: Any, mask: Any, sigma: float, contrast: float, textons: Any, out: Any, n_threads: int | None = None
) -> None:
    """Write which of the textons (K, 5) is nearest to each pixel of `plane` (M, N) float32, as on the CPU."""
    import cupy

    with plane.device as device:
        smoothed = cupy.empty(plane.shape, np.float32)
        smooth(plane[None], mask, sigma, smoothed[None])
        inside, masked = inside_of(mask)
        sizes = masked, *map(np.int32, plane.shape), np.float32(sigma), np.float32(1 / contrast)
        given = smoothed, inside, *sizes, cupy.ascontiguousarray(textons), np.int32(len(textons)), out
        kernels("codes", FUNCTIONS, (), device.id).nearest_texton(grid_of(plane.shape), (THREADS,), given)


def color_codes(
    planes: Any, mask: Any, sigma: float, weights: Any, palette: Any, out: Any, n_threads: int | None = None
) -> None:
    """Write which colour of the palette (K, 3) is nearest to each pixel of planes (3, M, N) float32, as on the CPU."""
    import cupy

    with planes.device as device:
        smoothed = cupy.empty(planes.shape, np.float32)
        smooth(planes, mask, sigma, smoothed)
        inside, masked = inside_of(mask)
        given = smoothed, *map(cupy.ascontiguousarray, (weights, palette)), inside, masked
        sizes = np.int64(out.size), np.int32(len(palette))
        kernels("codes", FUNCTIONS, (), device.id).nearest_color(grid_of(out.shape), (THREADS,), (*given, *sizes, out))
