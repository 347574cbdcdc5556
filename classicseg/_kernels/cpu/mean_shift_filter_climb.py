"""The climbs of the pixels of some rows, each from its own position and value to its mode."""

import math

import numpy as np

from classicseg._kernels.cpu._jit import jit
from classicseg._kernels.cpu.mean_shift_filter_window import FLAT, flat_row, weighted_row

LANES = 16  # a window's columns are done in steps of so many; rows of planes have as many columns to spare
GRID_SPACE = 1024.0  # center positions are multiples of this part of the power of two below the bandwidth
GRID_RANGE = 2048.0  # and center values of this part of the unit


@jit
def climb_rows(planes, outside, n_cols, first, last, kind, reach, limit, scales, work, rule, place, found, left):
    """Climb from the pixels of rows `first` to `last`.

    `work` holds dx, high, low and weights in the type the sums are computed in; `rule` is the grid of positions,
    the spatial bandwidth, the tolerance and the most iterations; `place` has the block's first row and column in the
    image, and the image's shape. To `found` go the values, then y, x and the weight of the last window that was not
    empty; to `left` whether a window held pixels of the image that are not in the block.
    """
    dx, high, low, weights = work
    grid, bandwidth, tol, max_num_iter = rule
    n_channels = planes.shape[0]
    top, start, image_rows, image_cols = place
    bottom, end = top + planes.shape[1] - 1, start + n_cols - 1
    value, sums = np.empty(n_channels), np.empty(n_channels + 2)
    radius, spatial_limit = reach
    for y in range(first, last):
        for x in range(n_cols):
            target = found[y - first, x]
            if outside[y, x] > 0:
                target[:] = 0.0
                continue
            cy, cx, mass, gone = float(top + y), float(start + x), 0.0, False
            for c in range(n_channels):
                value[c] = planes[c, y, x]
            for _ in range(int(max_num_iter)):
                y0, y1 = math.ceil(cy - radius), math.floor(cy + radius)
                x0, x1 = math.ceil(cx - radius), math.floor(cx + radius)
                y0, y1 = max(y0, 0), min(y1, image_rows - 1)
                x0, x1 = max(x0, 0), min(x1, image_cols - 1)
                gone |= (y0 < top) | (y1 > bottom) | (x0 < start) | (x1 > end)
                y0, y1, x0, x1 = max(y0, top), min(y1, bottom), max(x0, start), min(x1, end)
                n = (x1 - x0 + LANES) // LANES * LANES  # what is too much lies outside the window or the image
                for i in range(n):
                    dx[i] = x0 + i - cx
                for c in range(n_channels):
                    high[c] = value[c]
                    low[c] = value[c] - high[c]
                sums[:] = 0.0
                moment = 0.0
                for row in range(y0, y1 + 1):
                    dy = row - cy
                    rest = dx.dtype.type(spatial_limit - dy * dy)
                    if kind == FLAT:
                        count = flat_row(
                            planes,
                            outside,
                            row - top,
                            x0 - start,
                            dx[:n],
                            rest,
                            limit,
                            high,
                            low,
                            scales,
                            weights,
                            sums,
                        )
                    else:
                        count = weighted_row(
                            planes,
                            outside,
                            row - top,
                            x0 - start,
                            dx[:n],
                            rest,
                            limit,
                            high,
                            low,
                            scales,
                            weights,
                            sums,
                            kind,
                            spatial_limit,
                        )
                    moment += count * dy
                if sums[0] == 0:  # the mean lies where no pixel is near
                    break
                mass = sums[0]
                step_y, step_x = np.rint(moment / mass / grid) * grid, np.rint(sums[1] / mass / grid) * grid
                moved = (step_y * step_y + step_x * step_x) / (bandwidth * bandwidth)
                cy += step_y
                cx += step_x
                for c in range(n_channels):
                    step = np.rint(sums[2 + c] / mass * GRID_RANGE) / GRID_RANGE
                    value[c] += step
                    moved += step * step * float(scales[c]) / tol[1]
                if moved <= tol[0]:
                    break
            for c in range(n_channels):
                target[c] = value[c]
            target[n_channels], target[n_channels + 1], target[n_channels + 2] = cy, cx, mass
            left[y, x] = gone
