"""The climbs of the pixels of some rows, each from its own position and value to its mode, in round windows."""

import math

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_part
from classicseg._kernels.cpu._lanes import each, together
from classicseg._kernels.cpu.mean_shift_filter_window import (
    Box,
    epanechnikov_window,
    flat_window,
    gaussian_window,
)

FAR = np.float32(2.0**63)  # value of what takes no part, of the first channel: no limit reaches it


@jit_part
def _own(offset, values, at):
    return np.float64(values[at + offset])


@jit_part
def step_of(moment, mass, grid):
    """The mean in whole units of the grid."""
    return np.rint(moment / mass * (1.0 / grid)) * grid


@jit_part
def _sum(one, other):
    return one + other


@jit_part
def range_part(step, scale, width):
    return step * step * np.float64(scale) / width


@jit_inline
def box_at(frame, rule, cy, cx):
    """Return what the window at a center holds of the block, and whether it holds pixels of the image beyond it."""
    top, start, image_rows, image_cols = frame.place
    bottom, end = top + frame.shape[0] - 1, start + frame.shape[1] - 1
    y0, y1 = math.ceil(cy - rule.radius), math.floor(cy + rule.radius)
    x0, x1 = math.ceil(cx - rule.radius), math.floor(cx + rule.radius)
    gone = (max(y0, 0) < top) | (min(y1, image_rows - 1) > bottom)
    gone |= (max(x0, 0) < start) | (min(x1, image_cols - 1) > end)
    # One number of rows wherever the window lies: a loop that always ends alike is foreseen by the processor.
    n_rows = rule.n_rows if (y0 >= top) & (y1 <= bottom) else min(y1, bottom) - max(y0, top) + 1
    y0, x0, x1 = max(y0, top), max(x0, start), min(x1, end)
    return Box(y0, n_rows, x0, x1 - x0 + 1, (y0 - top) * frame.stride + x0 - start), gone


@jit_inline
def _mode(window, frame, rule, lines, pixel):
    """Return where the climb from `pixel` ends: value, row, column, last weight; and whether a window was cut."""
    y, x = pixel
    cy, cx, mass, cut = float(frame.place[0] + y), float(frame.place[1] + x), 0.0, False
    value = each(_own, frame.offsets, frame.values, y * frame.stride + x)
    for _ in range(rule.max_num_iter):
        box, gone = box_at(frame, rule, cy, cx)
        cut |= gone
        weight, moment_y, moment_x, moments = window(frame, rule, box, (cy, cx), value, lines)
        if weight == 0:  # the mean lies where no pixel is near
            break
        mass = weight
        step_y, step_x = step_of(moment_y, mass, rule.grid), step_of(moment_x, mass, rule.grid)
        steps = each(step_of, moments, mass, rule.grid_range)
        cy, cx, value = cy + step_y, cx + step_x, each(_sum, value, steps)
        moved = (step_y * step_y + step_x * step_x) / rule.widths[0]
        if moved + together(each(range_part, steps, rule.scales, rule.widths[1])) <= rule.tol:
            break
    return value, cy, cx, mass * rule.unit, cut


@jit_inline
def climb_each(mode, window, frame, rule, lines, rows, out):
    """Climb from each pixel by `mode`, in windows of one kernel."""
    found, left = out
    first, last = rows
    n_channels = len(frame.offsets)
    for y in range(first, last):
        for x in range(frame.shape[1]):
            target = found[y - first, x]
            if frame.values[y * frame.stride + x] == FAR:
                target[:] = 0.0
                continue
            value, cy, cx, mass, left[y, x] = mode(window, frame, rule, lines, (y, x))
            for c in range(n_channels):
                target[c] = value[c]
            target[n_channels], target[n_channels + 1], target[n_channels + 2] = cy, cx, mass


@jit
def climb_flat(frame, rule, lines, rows, found, left):
    """Climb from the pixels of `rows`, first and last + 1.

    `lines` is room for numbers per row of a window. To `found` go the values, then y, x and the weight of the last
    window that was not empty; to `left` whether a window held pixels of the image that are not in the block.
    """
    climb_each(_mode, flat_window, frame, rule, lines, rows, (found, left))


@jit
def climb_epanechnikov(frame, rule, lines, rows, found, left):
    """Climb as `climb_flat` does."""
    climb_each(_mode, epanechnikov_window, frame, rule, lines, rows, (found, left))


@jit
def climb_gaussian(frame, rule, lines, rows, found, left):
    """Climb as `climb_flat` does."""
    climb_each(_mode, gaussian_window, frame, rule, lines, rows, (found, left))


CLIMBS = {"flat": climb_flat, "epanechnikov": climb_epanechnikov, "gaussian": climb_gaussian}
