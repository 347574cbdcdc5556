"""Codes of pixels, of which regions keep histograms: the nearest of a few textons and of a few colours."""

import numpy as np

from classicseg._kernels.cpu._jit import jit
from classicseg._kernels.cpu.gradients import for_strips, share_of, smooth_plane

OUTSIDE = 255  # code of a pixel outside the mask
SIXTEENTHS, MIDDLE = np.float32(3 / 16), np.float32(10 / 16)
FAR, ONE = np.float32(np.inf), np.float32(1)
HALF, QUARTER, TWO = np.float32(0.5), np.float32(0.25), np.float32(2)


def texton_codes(plane, mask, sigma, contrast, textons, out, n_threads=None):
    """Write which of the textons (K, 5) is nearest to each pixel of `plane` (M, N) float32; `out` (M, N) uint8.

    Compared are the derivatives x, y, xx, xy, yy of the plane smoothed by `sigma`, times sigma per order, squeezed as
    `contrast` says. Beyond the border of the image the smoothed values go on. Outside the mask the code is OUTSIDE.
    """
    n_rows, n_cols = plane.shape

    def strip(start, stop):
        first, last = max(start - 1, 0), min(stop + 1, n_rows)
        smoothed = np.empty((last - first, n_cols), np.float32)
        smooth_plane(plane, mask, share_of(mask, sigma, first, last), sigma, first, last, smoothed)
        jet = np.empty((5, stop - start, n_cols), np.float32)
        _derivatives(smoothed, start - first, np.float32(sigma), jet)
        codes = np.empty((stop - start, n_cols), np.int32)
        _nearest_texton(jet, np.float32(1 / contrast), textons, codes)
        _keep(codes, mask, start, stop, out)

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


def color_codes(planes, mask, sigma, weights, palette, out, n_threads=None):
    """Write which colour of the palette (K, 3) is nearest to each pixel of planes (3, M, N) float32, after smoothing.

    `sigma` is the Gaussian's, `weights` (3,) float32 multiply the planes; `out` (M, N) uint8, OUTSIDE outside the mask.
    """
    n_rows, n_cols = out.shape

    def strip(start, stop):
        share = share_of(mask, sigma, start, stop)
        smoothed = np.empty((3, stop - start, n_cols), np.float32)
        for plane, weight, values in zip(planes, weights, smoothed):
            smooth_plane(plane, mask, share, sigma, start, stop, values)
            values *= weight
        codes = np.empty((stop - start, n_cols), np.int32)
        _nearest_color(smoothed, palette, codes)
        _keep(codes, mask, start, stop, out)

    for_strips(n_rows, sigma, strip, n_threads)


def _keep(codes, mask, start, stop, out):
    out[start:stop] = codes
    if mask is not None:
        out[start:stop][~mask[start:stop]] = OUTSIDE


def jets(plane, sigma, contrast, out):
    """Write what textons are compared with, the squeezed jet of every pixel of `plane` (M, N), to `out` (5, M, N)."""
    smoothed = np.empty(plane.shape, np.float32)
    smooth_plane(plane, None, None, sigma, 0, len(plane), smoothed)
    _derivatives(smoothed, 0, np.float32(sigma), out)
    _nearest_texton(out, np.float32(1 / contrast), np.zeros((1, 5), np.float32), np.empty(plane.shape, np.int32))


@jit
def _nearest_texton(jet, rate, textons, codes):
    """Squeeze the jet in place, and write the row of the textons that is nearest to each pixel; a tie: the first.

    A jet of length r becomes as long as the fourth root of 1 + r * rate, less 1: so long ones differ by their ratio.
    """
    n_cols = codes.shape[1]
    best = np.empty(n_cols, np.float32)
    for row in range(codes.shape[0]):
        a, b, c, d, e, code = jet[0, row], jet[1, row], jet[2, row], jet[3, row], jet[4, row], codes[row]
        for i in range(n_cols):
            square = a[i] * a[i] + b[i] * b[i] + c[i] * c[i] + d[i] * d[i] + e[i] * e[i]
            root = np.sqrt(ONE + np.sqrt(square) * rate)
            factor = rate / ((root + ONE) * (np.sqrt(root) + ONE))
            a[i], b[i], c[i], d[i], e[i] = a[i] * factor, b[i] * factor, c[i] * factor, d[i] * factor, e[i] * factor
            best[i], code[i] = FAR, 0
        for k in range(textons.shape[0]):
            x, y, xx, xy, yy = textons[k]
            for i in range(n_cols):
                p, q, r, s, t = a[i] - x, b[i] - y, c[i] - xx, d[i] - xy, e[i] - yy
                away = p * p + q * q + r * r + s * s + t * t
                code[i] = k if away < best[i] else code[i]
                best[i] = min(away, best[i])


@jit
def _nearest_color(planes, palette, codes):
    """Write the row of the palette that is nearest to each pixel; of equally near ones the first."""
    n_cols = codes.shape[1]
    best = np.empty(n_cols, np.float32)
    for row in range(codes.shape[0]):
        one, other, third, code = planes[0, row], planes[1, row], planes[2, row], codes[row]
        for i in range(n_cols):
            best[i], code[i] = FAR, 0
        for k in range(palette.shape[0]):
            first, second, last = palette[k]
            for i in range(n_cols):
                x, y, z = one[i] - first, other[i] - second, third[i] - last
                away = x * x + y * y + z * z
                code[i] = k if away < best[i] else code[i]
                best[i] = min(away, best[i])
