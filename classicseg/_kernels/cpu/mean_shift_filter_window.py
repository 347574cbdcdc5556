"""Mean shift in position and value: the sums of one window.

Values come in units in which the range bandwidth lies in [1, 2), and the center lies on a grid that is fine against
the bandwidths (`mean_shift_filter`). For integer images and up to 2048 gray levels of bandwidth every difference,
square and sum of the flat kernel is then a whole number of grid units that float32 holds, so no order of summation
changes a bit. The weighted kernels sum in float64, and their means are rounded to the same grid.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_vectorised

FLAT, EPANECHNIKOV, GAUSSIAN = 0, 1, 2
HALVINGS = 4  # exp(-t) = (exp(-t / 16)) ** 16; t is at most 9


@jit
def _from_center(value, high, low):
    """The difference from `high` + `low`; compiled for itself, so that no caller sums those two first."""
    return (value - high) - low


@jit_vectorised
def flat_row(planes, outside, y, x0, dx, rest, limit, high, low, scales, weights, sums):
    """Add the pixels of a row that lie in the window to `sums`: count, x, then the channels, from the center.

    A pixel lies in it where dx² <= `rest` and the scaled squares of its differences sum to `limit` or less. The
    center is `high` + `low`, so that differences are exact.
    """
    n = len(dx)
    one, zero = np.float32(1), np.float32(0)
    far = outside[y, x0 : x0 + n]
    count, moment = zero, zero
    if len(high) == 3:
        first, second, third = planes[0, y, x0 : x0 + n], planes[1, y, x0 : x0 + n], planes[2, y, x0 : x0 + n]
        h0, h1, h2, l0, l1, l2 = high[0], high[1], high[2], low[0], low[1], low[2]
        s0, s1, s2 = scales[0], scales[1], scales[2]
        m0, m1, m2 = zero, zero, zero
        for i in range(n):
            d0 = _from_center(first[i], h0, l0)
            d1 = _from_center(second[i], h1, l1)
            d2 = _from_center(third[i], h2, l2)
            inside = (far[i] + (s0 * d0 * d0 + s1 * d1 * d1 + s2 * d2 * d2) <= limit) & (dx[i] * dx[i] <= rest)
            weight = one if inside else zero
            count += weight
            moment += weight * dx[i]
            m0 += weight * d0
            m1 += weight * d1
            m2 += weight * d2
        sums[2] += m0
        sums[3] += m1
        sums[4] += m2
    else:
        weights[:n] = far
        for c in range(len(high)):
            values, h, s, scale = planes[c, y, x0 : x0 + n], high[c], low[c], scales[c]
            for i in range(n):
                d = _from_center(values[i], h, s)
                weights[i] += scale * d * d
        for i in range(n):
            weight = one if (weights[i] <= limit) & (dx[i] * dx[i] <= rest) else zero
            weights[i] = weight
            count += weight
            moment += weight * dx[i]
        _add_channels(planes, y, x0, n, high, low, weights, sums)
    sums[0] += count
    sums[1] += moment
    return count


@jit_vectorised
def _add_channels(planes, y, x0, n, high, low, weights, sums):
    for c in range(len(high)):
        values, h, s = planes[c, y, x0 : x0 + n], high[c], low[c]
        moment = weights[0] * _from_center(values[0], h, s)
        for i in range(1, n):
            moment += weights[i] * _from_center(values[i], h, s)
        sums[2 + c] += moment


@jit_inline
def _exp_of_minus(t):
    """exp(-t) of 0 <= t <= 0.5625 by Taylor's series, which a loop can do in vectors; off by less than 2e-16."""
    weight = 1.0 - t * (1 / 14)
    weight = 1.0 - t * (1 / 13) * weight
    weight = 1.0 - t * (1 / 12) * weight
    weight = 1.0 - t * (1 / 11) * weight
    weight = 1.0 - t * (1 / 10) * weight
    weight = 1.0 - t * (1 / 9) * weight
    weight = 1.0 - t * (1 / 8) * weight
    weight = 1.0 - t * (1 / 7) * weight
    weight = 1.0 - t * (1 / 6) * weight
    weight = 1.0 - t * (1 / 5) * weight
    weight = 1.0 - t * (1 / 4) * weight
    weight = 1.0 - t * (1 / 3) * weight
    weight = 1.0 - t * (1 / 2) * weight
    return 1.0 - t * weight


@jit_vectorised
def weighted_row(planes, outside, y, x0, dx, rest, limit, high, low, scales, weights, sums, kind, spatial_limit):
    """Add like `flat_row`, in float64 and weighted: the product of a weight of position and one of value."""
    n = len(dx)
    weights[:n] = outside[y, x0 : x0 + n]
    for c in range(len(high)):
        values, h, s, scale = planes[c, y, x0 : x0 + n], high[c], low[c], scales[c]
        for i in range(n):
            d = _from_center(values[i], h, s)
            weights[i] += scale * d * d
    count, moment = 0.0, 0.0
    for i in range(n):
        inside = (weights[i] <= limit) & (dx[i] * dx[i] <= rest)
        near = (spatial_limit - rest + dx[i] * dx[i]) / spatial_limit  # squared distances, 1 at the window's edge
        alike = weights[i] / limit
        if kind == EPANECHNIKOV:
            weight = (1.0 - near) * (1.0 - alike)
        else:  # the window ends at 3 standard deviations
            t = (min(near, 1.0) + min(alike, 1.0)) * (4.5 / 2**HALVINGS)
            weight = _exp_of_minus(t)
            for _ in range(HALVINGS):
                weight *= weight
        weight = weight if inside else 0.0
        weights[i] = weight
        count += weight
        moment += weight * dx[i]
    sums[0] += count
    sums[1] += moment
    _add_channels(planes, y, x0, n, high, low, weights, sums)
    return count
