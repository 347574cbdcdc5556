"""Values of pixels gathered into regions, and mixed into those of the pixels again."""

import numpy as np

from classicseg._kernels.cpu import regions_graph, regions_table
from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, for_regions, n_strips, region_runs

OF_TABLE = {"max": regions_table.HIGH, "median": regions_table.MEDIAN}


def areas(labels, n_regions, n_threads=None):
    """Return the pixels (R,) of the regions 1..R of a contiguous int32 image."""
    return region_runs(labels, n_regions, n_threads).area


def sums(labels, image, n_regions, n_threads=None):
    """Return areas (R,) and sums (R, C) of the values of `image` (pixels, C)."""
    return regions_graph.sums(labels, image, n_regions, n_threads)[1:]


def weighted_sums(labels, image, weights, n_regions, n_threads=None):
    """Return areas (R,), sums (R, C) of values times the weight of their pixel, and the sums of `weights` (R,)."""
    runs = region_runs(labels, n_regions, n_threads)
    found, total = np.zeros((n_regions, image.shape[1])), np.zeros(n_regions)

    def add(begin, end):
        add_weighted(image, weights, runs[:3], begin, end, found, total)

    for_regions(add, runs.area, n_threads)
    return runs.area, found, total


@jit
def add_weighted(image, weights, runs, first_region, last_region, out, total):
    """Add the weights of regions to `total`, and their values times these to `out`, in raster order."""
    first, begins, ends = runs
    for r in range(first_region, last_region):
        for i in range(first[r], first[r + 1]):
            for pixel in range(begins[i], ends[i]):
                total[r] += weights[pixel]
                for c in range(image.shape[1]):
                    out[r, c] += weights[pixel] * image[pixel, c]


def extremes(labels, image, how, n_regions, n_threads=None):
    """Return areas (R,), and the "max" or "median" (R, C) of the values of regions, NaN without a pixel."""
    runs = region_runs(labels, n_regions, n_threads)
    found = regions_table.values(image, runs, how == "median", n_threads)
    return runs.area, found[..., OF_TABLE[how]]


def mix(labels, image, table, shares, n_threads=None):
    """Return `image` (M, N, C) and row label - 1 of `table` by their two shares; the image itself where label is 0."""
    out = np.empty_like(image)

    def strip(block):
        rows = slice(block * STRIP, (block + 1) * STRIP)
        mix_rows(labels[rows], image[rows], table, shares, out[rows])

    run_blocks(strip, n_strips(labels), n_threads)
    return out


@jit
def mix_rows(labels, image, table, shares, out):
    own, other = shares
    for row in range(labels.shape[0]):
        for col in range(labels.shape[1]):
            r = labels[row, col] - 1
            for c in range(image.shape[2]):
                value = image[row, col, c]
                out[row, col, c] = value if r < 0 else own * value + other * table[r, c]
