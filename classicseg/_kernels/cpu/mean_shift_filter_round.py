"""Mean shift of the pixels of a block in windows that are round: what is prepared for the kernels."""

from __future__ import annotations

import math

import numpy as np

from classicseg._kernels._climb import LARGEST, window_of
from classicseg._kernels.cpu._lanes import NARROW, WIDE
from classicseg._kernels.cpu.mean_shift_filter_bands import CLIMBS as CLIMBS_OF_MANY
from classicseg._kernels.cpu.mean_shift_filter_climb import CLIMBS, FAR
from classicseg._kernels.cpu.mean_shift_filter_window import HALVINGS, Frame, Rule

GRID_RANGE = 2048.0  # center values are multiples of this part of the unit
BAND = 16  # rows
FEW = 16  # channels that are compiled for their number: of 12 in 0.7 of the time of any number, of 20 in as much


def round_strips(image, mask, rule, place, left):
    """Return the work on a strip by a window that is round in position and in value."""
    n_channels, window = image.shape[2], window_of(rule)
    frame, numbers = _frame(image, mask, window.exponent, place), _numbers(rule, window)
    kernel, sizes, dtype = CLIMBS[rule.kernel], (numbers.n_rows + NARROW,) * 3, window.dtype
    if n_channels > FEW:
        kernel, sizes, dtype = CLIMBS_OF_MANY[rule.kernel], (n_channels, n_channels * WIDE, n_channels), np.float64
        frame = frame._replace(offsets=np.array(frame.offsets))
        numbers = numbers._replace(
            reach=float(numbers.reach), limit=float(numbers.limit), scales=window.scales.astype(np.float64)
        )

    def strip(first, last, found):
        lines = tuple(np.empty(size, dtype) for size in sizes)
        with np.errstate(over="ignore", invalid="ignore"):  # of what is too far off, when nothing is compiled
            kernel(frame, numbers, lines, (first, last), found, left)
        found[..., :n_channels] *= 2.0**window.exponent

    return strip


def _frame(image, mask, exponent, place):
    """Return the pixels in planes, in units of 2 ** `exponent`, and `FAR` where they take no part."""
    n_rows, n_cols, n_channels = image.shape
    stride = n_cols + NARROW
    planes = np.full((n_channels, n_rows + 1, stride), FAR)
    for y in range(0, n_rows, BAND):  # band by band: the values pass float64, where no scale overflows
        band = slice(y, y + BAND)
        values = np.moveaxis(image[band], 2, 0).astype(np.float64, order="C") * 2.0**-exponent
        aside = ~(np.abs(values) <= LARGEST).all(axis=0)
        if mask is not None:
            aside |= ~mask[band]
        planes[:, y : y + len(aside), :n_cols] = np.where(aside, FAR, values)
    offsets = tuple(c * planes[0].size for c in range(n_channels))
    return Frame(planes.reshape(-1), offsets, stride, (n_rows, n_cols), place)


def _numbers(rule, window):
    """Return what the kernels are told of a rule."""
    space, width = rule.spatial_bandwidth**2, window.width**2
    return Rule(
        radius=window.radius,
        n_rows=math.floor(2 * window.radius) + 1,
        reach=window.dtype(window.reach),
        limit=window.dtype(window.limit),
        scales=tuple(window.scales),
        falls=(0.5 / 2**HALVINGS / space, 0.5 / 2**HALVINGS / width),
        grid=window.grid,
        grid_range=1 / GRID_RANGE,
        tol=rule.tol**2,
        widths=(space, width),
        unit=1 / (window.reach * window.limit) if rule.kernel == "epanechnikov" else 1.0,
        max_num_iter=rule.max_num_iter,
    )
