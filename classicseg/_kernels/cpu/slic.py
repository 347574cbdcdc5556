"""SLIC: pixels in tiles, and one step of assignment to the nearest center with the sums that move the centers.

The image is cut into tiles of 8 × 8 pixels, four in a quad, 64 in a block, each channel of a tile in one piece of
memory. Centers whose windows reach a block are struck off for its quads, and for the tiles of these, where another one
is nearer to every position and value within bounds (`slic_near`); the others are scored (`slic_nearest`), and their
pixels are added up (`slic_assign`). A tile that one center owns adds its own sums, which never change.

Values are whole numbers, and so are sums; labels are those of the definition in float64: the same bits for any order.
The kernels hand arrays on in tuples, and are compiled into one another: a call would count the owners of every array,
which takes longer than scoring a tile.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from classicseg._kernels._slic import Centers, centers_at
from classicseg._kernels.cpu import color
from classicseg._kernels.cpu._jit import run_blocks
from classicseg._kernels.cpu.slic_assign import assign_strip
from classicseg._kernels.cpu.slic_connect import connected_parts
from classicseg._kernels.cpu.slic_tiles import BLOCK, IN_BLOCK, Tiles, fill_squares, fill_strip, no_tiles, reach_strip

__all__ = ["Centers", "Tiles", "assign", "color_reach", "connected_parts", "in_tiles", "moved", "planes", "smooth"]

CHECK_EVERY = 1  # iterations between looks at whether the centers stay
TINY = np.float32(1e-30)  # weight of pixels so far outside that no Gaussian reaches them


def in_tiles(image, mask, origin, factor, exponent, to_lab, squares=False, n_threads=None):
    """Return `Tiles` of `image` (M, N, C): of ``(image - origin) * factor``, or the Lab of that, times 2**exponent.

    Without a factor the image itself becomes Lab. Rounded to whole numbers and clipped to LIMIT.
    """
    n_rows, n_cols, n_channels = image.shape
    tiles = no_tiles((n_rows, n_cols), n_channels, squares)
    scale = np.float32(2.0**exponent)

    def strip(index):
        first, last = index * BLOCK, min((index + 1) * BLOCK, n_rows)
        within = np.ones((last - first, n_cols), np.bool_) if mask is None else np.ascontiguousarray(mask[first:last])
        planes = _planes(image[first:last], within, origin, factor, to_lab)
        fill_strip(planes, within, scale, tiles, first)
        if squares:
            in_strip = -(-n_cols // BLOCK) * IN_BLOCK
            fill_squares(tiles, n_channels, index * in_strip, (index + 1) * in_strip)

    run_blocks(strip, -(-n_rows // BLOCK), n_threads)
    return tiles


def planes(image, mask, origin, factor, to_lab, n_threads=None):
    """Return the channels of `image` (M, N, C) as `in_tiles` reads them, (C, M, N) float32."""
    out = np.empty((image.shape[2], *image.shape[:2]), np.float32)

    def strip(index):
        rows = slice(index * BLOCK, (index + 1) * BLOCK)
        within = np.ones(image[rows].shape[:2], np.bool_) if mask is None else mask[rows]
        out[:, rows] = _planes(image[rows], within, origin, factor, to_lab)

    run_blocks(strip, -(-len(image) // BLOCK), n_threads)
    return out


def smooth(planes, mask, widths, n_threads=None):
    """Smooth every plane by a Gaussian, in place; under a mask by the mean of the pixels inside, weighted."""
    weight = None if mask is None else np.maximum(gaussian_filter(mask.astype(np.float32), widths), TINY)

    def channel(c):
        if weight is not None:
            planes[c][~mask] = 0
        gaussian_filter(planes[c], widths, output=planes[c])
        if weight is not None:
            planes[c] /= weight

    run_blocks(channel, len(planes), n_threads)


def _planes(part, within, origin, factor, to_lab):
    """Return the channels of some rows, (C, rows, N) float32; outside the mask anything may stand."""
    planes = np.empty((part.shape[2], *part.shape[:2]), np.float32)
    if factor is None:
        color.lab(part, planes, n_threads=1)
        return planes
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (part.astype(np.float64) - (origin or 0.0)) * factor
        scaled[~within] = 0
        if to_lab:
            color.lab(scaled.astype(np.float32), planes, n_threads=1)
        else:
            np.copyto(planes, np.moveaxis(scaled, 2, 0), casting="same_kind")
    return planes


def assign(tiles, shape, centers, scale, labels=None, n_threads=None):
    """Return int64 sums (K, 3 + C) of the pixels nearest to each center: count, rows, columns, values.

    A pixel goes to the center of least ``weight * |value - color|² + |(position - center) * scale|²`` among those
    whose window holds it, a tie to the lower index. With `labels` (M, N) int32, writes the index there; pixels
    that no window holds are left as they are. With `zero`, weights may differ.
    """
    n_strips = -(-shape[0] // BLOCK)
    parts = [None] * n_strips
    write = labels is not None
    labels = labels if write else np.empty((0, 0), np.int32)

    def strip(index):
        parts[index] = assign_strip(tiles, shape, centers, scale, index, labels, write)

    run_blocks(strip, n_strips, n_threads)
    totals = np.zeros((len(centers.weight), tiles.sums.shape[1]), np.int64)
    for active, sums in parts:
        totals[active] += sums
    return totals


def moved(sums, weight, reach):
    """Return `Centers` at the means of their pixels, of which `assign` gave the sums; those of no pixels are gone."""
    count = sums[:, 0]
    mean = sums[:, 1:] / np.maximum(count, 1)[:, None]
    return centers_at(mean[:, :2], mean[:, 2:], weight, count > 0, reach)


def color_reach(tiles, shape, labels, colors, n_threads=None):
    """Return (K,) float64: the largest squared difference of a pixel's values from its segment's `colors` (K, C)."""
    n_strips = -(-shape[0] // BLOCK)
    parts = [None] * n_strips

    def strip(index):
        parts[index] = reach_strip(tiles, labels, colors, index)

    run_blocks(strip, n_strips, n_threads)
    return np.maximum.reduce(parts)
