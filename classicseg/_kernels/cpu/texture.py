"""Textons, and histograms of codes over square windows.

What makes histograms fast: every column keeps the histogram of its part of the window, to which one pixel comes and
from which one goes when the window moves down; moving right, a whole column comes and another goes. So the work per
pixel does not grow with the window. Counts are integers: blocks of rows and threads change no bit. Textons need no
angle: the nearest orientation has the largest product with the vector of twice the angle.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, run_blocks

ROWS = 64  # rows of a block, which first counts the 2 * radius rows around its first one
TWO, ROOT_HALF = np.float32(2), np.float32(0.5**0.5)


@jit
def textons(x, y, xx, xy, yy, contrast, directions, codes):
    """Write the code of the strongest of seven measures of the derivatives (M, N); a tie goes to the first.

    `directions` (2, n) are cosine and sine of twice the angles told apart.
    """
    n = directions.shape[1]
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            dx, dy, laplacian = x[row, col], y[row, col], xx[row, col] + yy[row, col]
            p, q = xx[row, col] - yy[row, col], TWO * xy[row, col]  # twice the angle across a dark line
            shear = np.sqrt(p * p + q * q)
            strongest, code = contrast, 0
            strongest, code = _stronger(TWO * np.sqrt(dx * dx + dy * dy), 1, strongest, code)
            strongest, code = _stronger(laplacian, n + 1, strongest, code)
            strongest, code = _stronger(-laplacian, n + 2, strongest, code)
            strongest, code = _stronger(ROOT_HALF * (shear + laplacian), n + 3, strongest, code)
            strongest, code = _stronger(ROOT_HALF * (shear - laplacian), 2 * n + 3, strongest, code)
            strongest, code = _stronger(shear, 3 * n + 3, strongest, code)
            if code == 1:
                code += _nearest(dx * dx - dy * dy, TWO * dx * dy, directions)
            elif code == n + 3:
                code += _nearest(p, q, directions)
            elif code == 2 * n + 3:
                code += _nearest(-p, -q, directions)  # across a light line
            codes[row, col] = code


@jit_called
def _stronger(measure, its_code, strongest, code):
    return (measure, its_code) if measure > strongest else (strongest, code)


@jit_called
def _nearest(p, q, directions):
    best, most = 0, directions[0, 0] * p + directions[1, 0] * q
    for k in range(1, directions.shape[1]):
        along = directions[0, k] * p + directions[1, k] * q
        if along > most:
            best, most = k, along
    return best


def window_histograms(codes, radius, scale, out, n_threads=None):
    """Write the share of each code among those within `radius` rows and columns, times `scale`.

    `codes` (M, N) uint8; those of at least n_bins count nowhere. `out` (M, N, n_bins) float32; 0 where none counts.
    """

    def block(index):
        start = index * ROWS
        _histogram_rows(codes, radius, np.float32(scale), start, min(start + ROWS, len(codes)), out)

    run_blocks(block, -(-len(codes) // ROWS), n_threads)


@jit
def _histogram_rows(codes, radius, scale, start, stop, out):
    n_rows, n_cols = codes.shape
    n_bins = out.shape[2]
    columns = np.zeros((n_cols, n_bins), np.int32)
    window = np.empty(n_bins, np.int32)
    for row in range(max(start - radius, 0), min(start + radius, n_rows)):
        _count(codes[row], 1, columns)
    for row in range(start, stop):
        if row + radius < n_rows:
            _count(codes[row + radius], 1, columns)
        if row - radius - 1 >= max(start - radius, 0):
            _count(codes[row - radius - 1], -1, columns)
        window[:] = 0
        for col in range(min(radius, n_cols)):
            _add(columns[col], 1, window)
        for col in range(n_cols):
            if col + radius < n_cols:
                _add(columns[col + radius], 1, window)
            if col - radius - 1 >= 0:
                _add(columns[col - radius - 1], -1, window)
            _share(window, scale, out[row, col])


@jit
def _count(codes, step, columns):
    for col in range(codes.shape[0]):
        if codes[col] < columns.shape[1]:
            columns[col, codes[col]] += step


@jit
def _add(column, sign, window):
    for b in range(window.shape[0]):
        window[b] += sign * column[b]


@jit_called
def _share(window, scale, out):
    total = 0
    for b in range(window.shape[0]):
        total += window[b]
    factor = scale / np.float32(max(total, 1))
    for b in range(window.shape[0]):
        out[b] = factor * np.float32(window[b])
