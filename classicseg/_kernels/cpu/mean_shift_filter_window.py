"""Mean shift in position and value: the sums of one window that is round in both.

Values come in units in which the range bandwidth lies in [1, 2), and the center lies on a grid that is fine against
the bandwidths (`window_of`). For integer images and up to 2048 gray levels of bandwidth every difference,
square and sum of a column of the flat kernel (up to 4096 rows) is then a whole number of grid units that float32 holds.
The weighted kernels compute in float64, and their means are rounded to the same grid. A window is taken in columns, as
many as lanes, and the order of summation is written: down the rows, then the lanes of a column, then the columns.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit_inline, jit_part
from classicseg._kernels.cpu._lanes import (
    NARROW,
    WIDE,
    each,
    fused,
    load,
    load_wide,
    ramp,
    spread,
    store,
    together,
    total,
    where,
)


class Frame(NamedTuple):
    """Pixels of a block: float32 planes one behind the other, with a column's lanes and a row to spare."""

    values: Any
    offsets: tuple[int, ...]  # where each plane begins
    stride: int  # of rows
    shape: tuple[int, int]
    place: tuple[int, int, int, int]  # the block's first row and column in the image, and the image's shape


class Rule(NamedTuple):
    """What lies in a window, and how a pixel moves; numbers that decide the first are of the kernel's own type."""

    radius: float
    n_rows: int  # that a window reaches at most
    reach: Any  # squared radius
    limit: Any  # squared radius in values
    scales: tuple[Any, ...]  # of squared differences, one per channel
    falls: tuple[float, float]  # of the Gaussian, per squared distance in position and in value
    grid: float  # of positions
    grid_range: float  # of values
    tol: float  # squared, in bandwidths
    widths: tuple[float, float]  # squared bandwidths in space and in range
    unit: float  # of weights
    max_num_iter: int


class Box(NamedTuple):
    """The part of a block that a window can reach, from a row and a column of the image."""

    first_row: int
    n_rows: int
    first_col: int
    n_cols: int
    corner: int  # where the first pixel lies in a plane


@jit_part
def _square(gap, scale):
    return scale * gap * gap


@jit_part
def _high(value):
    return np.float32(value)


@jit_part
def _low(value, high):
    return np.float32(value - high)


@jit_part
def _gap(offset, high, low, values, at):
    """Differences from the center `high` + `low`, exact where the values are whole grid units."""
    return (load(values, at + offset) - high) - low


@jit_part
def _wide_gap(offset, center, values, at):
    return load_wide(values, at + offset) - center


@jit_part
def _none(offset):
    return spread(np.float32(0))


@jit_part
def _none_wide(offset):
    return spread(0.0)


@jit_part
def _with(sums, inside, gap):
    return where(inside, sums + gap, sums)


@jit_part
def _with_weight(sums, weight, gap):
    return fused(weight, gap, sums)


@jit_part
def _with_total(sums, lanes):
    return sums + total(lanes)


@jit_part
def _with_faded(sums, lanes, fading):
    return sums + total(lanes * fading)


@jit_part
def _nought(offset):
    return 0.0


@jit_inline
def chord(rule, box, column, count, center):
    """Rows of `box`, first and last + 1, in which `count` columns from `column` may meet the circle."""
    cy, cx = center
    aside = max(column - cx, cx - (column + count - 1))
    if aside <= 0:
        return 0, box.n_rows
    half = math.sqrt(max(rule.reach - aside * aside, 0.0))  # no row is lost: rounding keeps order
    first = max(math.ceil(cy - half) - box.first_row, 0)
    return first, min(math.floor(cy + half) + 1 - box.first_row, box.n_rows)


@jit_inline
def flat_window(frame, rule, box, center, value, lines):
    """Return the count, the moments of rows and columns from the center, and the sums of differences."""
    cy, cx = center
    steps, rests, _ = lines
    high = each(_high, value)
    low = each(_low, value, high)
    for k in range(0, box.n_rows, NARROW):
        dy = ramp(np.float32(box.first_row + k - cy))
        store(steps, k, dy)
        store(rests, k, rule.reach - dy * dy)
    mass, moment_y, moment_x, moments = 0.0, 0.0, 0.0, each(_nought, frame.offsets)
    for i in range(0, box.n_cols, NARROW):
        dx = ramp(np.float32(box.first_col + i - cx))
        first, last = chord(rule, box, box.first_col + i, NARROW, center)
        count, rows, sums = spread(np.float32(0)), spread(np.float32(0)), each(_none, frame.offsets)
        at = box.corner + i + first * frame.stride
        for k in range(first, last):
            gaps = each(_gap, frame.offsets, high, low, frame.values, at)
            inside = (together(each(_square, gaps, rule.scales)) <= rule.limit) & (dx * dx <= rests[k])
            count = where(inside, count + np.float32(1), count)
            rows = where(inside, rows + steps[k], rows)
            sums = each(_with, sums, inside, gaps)
            at += frame.stride
        mass += total(count)
        moment_y += total(rows)
        moment_x += total(count * dx)
        moments = each(_with_total, moments, sums)
    return mass, moment_y, moment_x, moments


@jit_inline
def epanechnikov_window(frame, rule, box, center, value, lines):
    """Return the sums as the flat window does, weighted."""
    cy, cx = center
    steps, rests, _ = lines
    for k in range(0, box.n_rows, WIDE):
        dy = ramp(box.first_row + k - cy)
        store(steps, k, dy)
        store(rests, k, rule.reach - dy * dy)
    mass, moment_y, moment_x, moments = 0.0, 0.0, 0.0, each(_nought, frame.offsets)
    for i in range(0, box.n_cols, WIDE):
        dx = ramp(box.first_col + i - cx)
        first, last = chord(rule, box, box.first_col + i, WIDE, center)
        count, rows, sums = spread(0.0), spread(0.0), each(_none_wide, frame.offsets)
        at = box.corner + i + first * frame.stride
        for k in range(first, last):
            gaps = each(_wide_gap, frame.offsets, value, frame.values, at)
            alike = rule.limit - together(each(_square, gaps, rule.scales))
            near = rests[k] - dx * dx
            weight = where(alike > 0.0, alike, 0.0) * where(near > 0.0, near, 0.0)
            count = count + weight
            rows = fused(weight, steps[k], rows)
            sums = each(_with_weight, sums, weight, gaps)
            at += frame.stride
        mass += total(count)
        moment_y += total(rows)
        moment_x += total(count * dx)
        moments = each(_with_total, moments, sums)
    return mass, moment_y, moment_x, moments


HALVINGS = 4  # exp(-t) = exp(-t / 16) ** 16; t is at most 4.5, where the window ends


@jit_part
def falling(part):
    """exp(-16 `part`) for 0 <= `part` <= 4.5 / 16, off by less than 3e-15.

    A polynomial that is 1 at 0, and whose slope from there meets that of exp in the 8 Chebyshev nodes.
    """
    power = fused(part, 2.189408921529702e-05, -0.0001971090794904355)
    power = fused(part, power, 0.0013885805149740865)
    power = fused(part, power, -0.008333292624103627)
    power = fused(part, power, 0.041666663729056155)
    power = fused(part, power, -0.1666666665617519)
    power = fused(part, power, 0.4999999999985579)
    power = fused(part, power, -0.9999999999999966)
    power = fused(part, power, 1.0)
    for _ in range(HALVINGS):
        power = power * power
    return power


@jit_inline
def gaussian_window(frame, rule, box, center, value, lines):
    """Return the sums as the flat window does, weighted; what is a row's or a column's own is computed once."""
    cy, cx = center
    steps, rests, fadings = lines
    fall, fall_range = rule.falls
    for k in range(0, box.n_rows, WIDE):
        dy = ramp(box.first_row + k - cy)
        store(steps, k, dy)
        store(rests, k, rule.reach - dy * dy)
        store(fadings, k, falling(dy * dy * fall))
    mass, moment_y, moment_x, moments = 0.0, 0.0, 0.0, each(_nought, frame.offsets)
    for i in range(0, box.n_cols, WIDE):
        dx = ramp(box.first_col + i - cx)
        fading = falling(dx * dx * fall)
        first, last = chord(rule, box, box.first_col + i, WIDE, center)
        count, rows, sums = spread(0.0), spread(0.0), each(_none_wide, frame.offsets)
        at = box.corner + i + first * frame.stride
        for k in range(first, last):
            gaps = each(_wide_gap, frame.offsets, value, frame.values, at)
            apart = together(each(_square, gaps, rule.scales))
            inside = (apart <= rule.limit) & (dx * dx <= rests[k])
            weight = where(inside, falling(apart * fall_range) * fadings[k], 0.0)
            count = count + weight
            rows = fused(weight, steps[k], rows)
            sums = each(_with_weight, sums, weight, gaps)
            at += frame.stride
        count = count * fading
        mass += total(count)
        moment_y += total(rows * fading)
        moment_x += total(count * dx)
        moments = each(_with_faded, moments, sums, fading)
    return mass, moment_y, moment_x, moments
