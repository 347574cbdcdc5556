"""What regions of an image are described by: sums of planes, of their squares, and counts of codes.

Sums are of integers, see `_kernels._sums`: so threads, and GPUs, may add pixels in any order.
"""

import numpy as np

from classicseg._kernels._sums import channels_of, scales_of
from classicseg._kernels.cpu._jit import jit
from classicseg._kernels.cpu.regions_runs import for_regions, region_runs


def describe(labels, planes, colors, textons, n_codes, n_regions, n_threads=None):
    """Return the first pixel (R,), the area (R,) and the sums of channels (R, D) of each region, 1..R in `labels`.

    Channels are `planes` (C, M, N) float32, their squares, and a part for every code, below ``n_codes[0]`` in `colors`
    and ``n_codes[1]`` in `textons`, (M, N) uint8.
    """
    runs, scales = region_runs(labels, n_regions, n_threads), scales_of(planes, labels)
    sums = np.zeros((n_regions, 2 * len(planes) + sum(n_codes)), np.int64)
    flat = planes.reshape(len(planes), -1), colors.reshape(-1), textons.reshape(-1)

    def add(begin, end):
        add_pixels(*flat, n_codes[0], scales, runs[:3], begin, end, sums)

    for_regions(add, runs.area, n_threads)
    return runs.begins[runs.first[:-1]].astype(np.int64), runs.area, channels_of(sums, len(planes), scales)


@jit
def add_pixels(planes, colors, textons, n_colors, scales, runs, first_region, last_region, sums):
    """Fill the rows of some regions."""
    first, begins, ends = runs
    n_planes = planes.shape[0]
    for r in range(first_region, last_region):
        row = sums[r]
        for i in range(first[r], first[r + 1]):
            for k in range(begins[i], ends[i]):
                row[2 * n_planes + colors[k]] += 1
                row[2 * n_planes + n_colors + textons[k]] += 1
            for c in range(n_planes):
                total, squares = np.int64(0), np.int64(0)
                for k in range(begins[i], ends[i]):
                    value = np.float64(planes[c, k])
                    total += np.int64(np.rint(value * scales[0]))
                    squares += np.int64(np.rint(value * value * scales[1]))
                row[c] += total
                row[n_planes + c] += squares
