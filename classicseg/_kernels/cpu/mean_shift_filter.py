"""Mean shift of the pixels of a block: the planes that the kernels read, and their strips of rows."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import run_blocks
from classicseg._kernels.cpu.mean_shift_filter_climb import GRID_SPACE, LANES, climb_rows
from classicseg._kernels.cpu.mean_shift_filter_square import FAR, STEP
from classicseg._kernels.cpu.mean_shift_filter_square import climb_rows as square_rows
from classicseg._kernels.cpu.mean_shift_filter_window import EPANECHNIKOV, FLAT, GAUSSIAN

KINDS = {"flat": FLAT, "epanechnikov": EPANECHNIKOV, "gaussian": GAUSSIAN}
EDGE = {"flat": 1.0, "epanechnikov": 1.0, "gaussian": 3.0}  # where the window ends, in bandwidths
STRIP = 8  # rows of a block of work
LARGEST = 2.0**62  # in bandwidths: larger values stay what they are, as float32 holds no other that is near
OUTSIDE = np.float32(3e38)  # squared distance of what takes no part
STEEPEST = 2.0**100  # factor of a squared difference


class Climb(NamedTuple):
    """What every pixel does: the kernel, its bandwidths (that of values per channel) and when it stops."""

    kernel: str
    spatial_bandwidth: float
    range_bandwidth: tuple[float, ...]
    tol: float
    max_num_iter: int


def climb(image, mask, rule, write, place=None, n_threads=None):
    """Climb from every pixel of `image` (M, N, C); return which pixels' windows left it.

    `write(first, last, found)` gets rows of results (rows, N, C + 3) in float64, on any thread: values, row and
    column of the mode, and the weight of the last window, 0 of pixels that stay
    what they are: those outside the mask, and values beyond 2**62 bandwidths. Of a block of
    a larger image, `place` has the first row and column and the image's shape: pixels whose windows held pixels of
    the image that are not in the block have left it, and the others come out as from the whole image.
    """
    left = np.zeros(image.shape[:2], np.bool_)
    place = (0, 0, *image.shape[:2]) if place is None else place
    strip = (_square if rule.kernel == "opencv" else _round)(image, mask, rule, place, left)
    n_rows, n_cols, n_channels = image.shape

    def block(index):
        first, last = index * STRIP, min((index + 1) * STRIP, n_rows)
        found = np.zeros((last - first, n_cols, n_channels + 3))
        strip(first, last, found)
        write(first, last, found)

    run_blocks(block, -(-n_rows // STRIP), n_threads)
    return left


def _square(image, mask, rule, place, left):
    """Return the work on a strip by OpenCV's rule."""
    n_rows, n_cols, n_channels = image.shape
    radius = int(rule.spatial_bandwidth)
    stride = -(-(n_cols + 2 * radius + 8) // 16) * 16 + 8  # the rows of a window lie apart in the cache
    planes = np.full((3, n_rows + 2 * radius + STEP, stride), FAR)
    inside = planes[:, radius : radius + n_rows, radius : radius + n_cols]
    for c in range(3):
        inside[c] = image[..., c] if c < n_channels else 0
        if mask is not None:
            inside[c][~mask] = FAR
    red, green, blue = planes.reshape(3, -1)
    limit = np.float32(np.rint(rule.range_bandwidth[0] ** 2))
    kernel = square_rows(2 * radius + 1)

    def strip(first, last, found):
        three = np.zeros((last - first, n_cols, 6))
        kernel(
            red, green, blue, stride, (n_rows, n_cols), first, last, limit, np.float32(rule.tol), rule.max_num_iter,
            place, three, left,
        )  # fmt: skip
        found[..., :n_channels] = three[..., :n_channels]
        found[..., n_channels:] = three[..., 3:]

    return strip


def _round(image, mask, rule, place, left):
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
