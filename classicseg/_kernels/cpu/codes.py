"""Codes of pixels, of which regions keep histograms: the texton around each, and the nearest of a few colours."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.gradients import for_strips, share_of, smooth_plane
from classicseg._kernels.cpu.texture import textons

BLOCK = 1 << 14  # pixels coded together: copied together
OUTSIDE = 255  # code of a pixel outside the mask
CHUNK = 1024  # of them, whose distances stay in the first-level cache
SIXTEENTHS, MIDDLE = np.float32(3 / 16), np.float32(10 / 16)
FAR = np.float32(np.inf)
HALF, QUARTER, TWO = np.float32(0.5), np.float32(0.25), np.float32(2)


def texton_codes(plane, mask, sigma, contrast, directions, out, n_threads=None):
    """Write the texton of every pixel of `plane` (M, N) float32 to `out` (M, N) uint8, OUTSIDE outside the mask.

    Derivatives are those of the plane smoothed by `sigma`, times sigma per order; `contrast` is in the plane's units
    and `directions` as `texture.textons` takes them. Beyond the border of the image the smoothed values go on.
    """
    n_rows, n_cols = plane.shape

    def strip(start, stop):
        first, last = max(start - 1, 0), min(stop + 1, n_rows)
        smoothed = np.empty((last - first, n_cols), np.float32)
        smooth_plane(plane, mask, share_of(mask, sigma, first, last), sigma, first, last, smoothed)
        jet = np.empty((5, stop - start, n_cols), np.float32)
        _derivatives(smoothed, start - first, np.float32(sigma), jet)
        textons(*jet, np.float32(contrast), directions, out[start:stop])
        if mask is not None:
            out[start:stop][~mask[start:stop]] = OUTSIDE

    for_strips(n_rows, sigma, strip, n_threads)


@jit
def _derivatives(values, offset, sigma, jet):
    """Write the derivatives x, y, xx, xy, yy of `values`, whose row r + `offset` is row r here."""
    n_rows, n_cols = jet.shape[1:]
    rises, bends = np.empty(n_cols + 2, np.float32), np.empty(n_cols + 2, np.float32)
    means = np.empty(n_cols + 2, np.float32)
    square = sigma * sigma
    for row in range(n_rows):
        here = row + offset
        over, mid, under = values[max(here - 1, 0)], values[here], values[min(here + 1, values.shape[0] - 1)]
        for i in range(n_cols):
            rises[i + 1] = under[i] - over[i]
            bends[i + 1] = (over[i] + under[i]) - TWO * mid[i]
            means[i + 1] = SIXTEENTHS * (over[i] + under[i]) + MIDDLE * mid[i]
        for line in (rises, bends, means):
            line[0], line[n_cols + 1] = line[1], line[n_cols]
        x, y, xx, xy, yy = jet[0, row], jet[1, row], jet[2, row], jet[3, row], jet[4, row]
        for i in range(n_cols):
            x[i] = sigma * (HALF * (means[i + 2] - means[i]))
            y[i] = sigma * (HALF * (SIXTEENTHS * (rises[i] + rises[i + 2]) + MIDDLE * rises[i + 1]))
            xx[i] = square * ((means[i] + means[i + 2]) - TWO * means[i + 1])
            xy[i] = square * (QUARTER * (rises[i + 2] - rises[i]))
            yy[i] = square * (SIXTEENTHS * (bends[i] + bends[i + 2]) + MIDDLE * bends[i + 1])


def nearest_codes(planes, weights, centers, mask, out, n_threads=None):
    """Write the nearest of `centers` (K, C) to the weighted values of every pixel of planes (C, M, N) float32.

    `weights` (C,) float32 multiply the planes; `out` (M, N) uint8, OUTSIDE outside the mask.
    """
    n_rows, n_cols = out.shape
    rows = max(1, BLOCK // n_cols)

    def block(index):
        start, stop = index * rows, min((index + 1) * rows, n_rows)
        values = (planes[:, start:stop] * weights[:, None, None]).reshape(len(planes), -1)
        codes = np.empty(values.shape[1], np.int32)
        _nearest(values, centers, codes)
        out[start:stop] = codes.reshape(stop - start, n_cols)
        if mask is not None:
            out[start:stop][~mask[start:stop]] = OUTSIDE

    run_blocks(block, -(-n_rows // rows), n_threads)


@jit
def _nearest(values, centers, codes):
    """Write the row of `centers` (K, C) that is nearest to each column of `values` (C, n) float32; a tie: the lower."""
    distance, best = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    for start in range(0, values.shape[1], CHUNK):
        n = min(CHUNK, values.shape[1] - start)
        code = codes[start : start + n]
        for i in range(n):
            best[i], code[i] = FAR, 0
        for k in range(centers.shape[0]):
            for i in range(n):
                distance[i] = 0
            for c in range(centers.shape[1]):
                line, center = values[c, start : start + n], centers[k, c]
                for i in range(n):
                    off = line[i] - center
                    distance[i] += off * off
            for i in range(n):
                code[i] = k if distance[i] < best[i] else code[i]
                best[i] = min(distance[i], best[i])
