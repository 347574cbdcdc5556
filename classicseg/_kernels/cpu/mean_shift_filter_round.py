"""Mean shift of the pixels of a block in windows that are round: what is prepared for the kernels."""

from __future__ import annotations

import math

import numpy as np

from classicseg._kernels.cpu.mean_shift_filter_climb import GRID_SPACE, LANES, climb_rows
from classicseg._kernels.cpu.mean_shift_filter_window import EPANECHNIKOV, FLAT, GAUSSIAN

KINDS = {"flat": FLAT, "epanechnikov": EPANECHNIKOV, "gaussian": GAUSSIAN}
EDGE = {"flat": 1.0, "epanechnikov": 1.0, "gaussian": 3.0}  # where the window ends, in bandwidths
LARGEST = 2.0**62  # in bandwidths: larger values stay what they are, as float32 holds no other that is near
OUTSIDE = np.float32(3e38)  # squared distance of what takes no part
STEEPEST = 2.0**100  # factor of a squared difference


def round_strips(image, mask, rule, place, left):
    """Return the work on a strip by a window that is round in position and in value."""
    n_rows, n_cols, n_channels = image.shape
    widths, scales = range_scales(rule.range_bandwidth)
    exponent = math.frexp(widths)[1] - 1
    planes = np.zeros((n_channels, n_rows, n_cols + LANES), np.float32)
    outside = np.full((n_rows, n_cols + LANES), OUTSIDE)
    outside[:, :n_cols] = 0 if mask is None else np.where(mask, 0, OUTSIDE)
    for y in range(n_rows):  # row by row: the values pass float64, where no scale overflows
        row = np.ldexp(image[y].T.astype(np.float64), -exponent)
        aside = (outside[y, :n_cols] > 0) | ~(np.abs(row) <= LARGEST).all(axis=0)
        outside[y, :n_cols][aside] = OUTSIDE
        planes[:, y, :n_cols] = np.where(aside, 0, row)
    edge = EDGE[rule.kernel]
    radius = rule.spatial_bandwidth * edge
    width = math.ldexp(widths, -exponent)
    kind = KINDS[rule.kernel]
    dtype = np.float32 if rule.kernel == "flat" else np.float64
    limit, reach = _below((width * edge) ** 2, dtype), (radius, float(_below(radius**2, dtype)))
    grid = 2.0 ** (math.frexp(rule.spatial_bandwidth)[1] - 1) / GRID_SPACE
    stop = (rule.tol**2, width**2)
    longest = min(2 * math.floor(radius) + 2, n_cols + 1) + 2 * LANES

    def strip(first, last, found):
        work = tuple(np.empty(n, dtype) for n in (longest, n_channels, n_channels, longest))
        numbers = (grid, rule.spatial_bandwidth, stop, rule.max_num_iter)
        climb_rows(
            planes, outside, n_cols, first, last, kind, reach, limit, scales.astype(dtype), work, numbers, place,
            found, left,
        )  # fmt: skip
        values = found[..., :n_channels]
        np.ldexp(values, exponent, out=values)

    return strip


def range_scales(bandwidths):
    """Return one bandwidth of all channels, and the factors of their squared differences, whole where they can be."""
    widest = max(bandwidths)
    if all(value.is_integer() for value in bandwidths):
        common = math.lcm(*(int(value) for value in bandwidths))
        widest = common if common <= 8 * widest else widest
    return float(widest), np.minimum((widest / np.array(bandwidths)) ** 2, STEEPEST)


def _below(value, dtype):
    """Return the largest number of `dtype` that is at most `value`: what float32 can hold compares alike."""
    near = dtype(value)
    return near if float(near) <= value else np.nextafter(near, dtype(0))
