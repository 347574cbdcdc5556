"""How rough a surface is around each pixel: local variance, and octaves of deviation above the noise."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called


@jit
def local_variance(values, inside, mean, variance):
    """Mean and variance of the pixels inside each 3 x 3 window; 0 outside.

    Sums of three columns first, kept for three rows. float64 holds the squares of 16-bit counts with digits to
    spare.
    """
    n_rows, n_cols = values.shape
    sums = np.zeros((3, 3, n_cols))  # of three rows: values, squares, pixels
    line = np.zeros((2, n_cols + 2))  # values, pixels; a column of nothing at either end
    total = np.empty((3, n_cols))
    for row in range(n_rows + 1):
        ring = sums[row % 3]
        if row < n_rows:
            _add_columns(values[row], inside[row], line[0], line[1], ring)
        else:
            ring[:] = 0.0
        if row > 0:
            for k in range(3):
                _add_rows(sums[0, k], sums[1, k], sums[2, k], total[k])
            _moments_of(total[0], total[1], total[2], inside[row - 1], mean[row - 1], variance[row - 1])


@jit_called
def _add_columns(values, inside, value, count, out):
    n = values.shape[0]
    for i in range(n):
        value[i + 1] = np.float64(values[i]) if inside[i] else 0.0
    for i in range(n):
        count[i + 1] = 1.0 if inside[i] else 0.0
    total, squares, pixels = out[0], out[1], out[2]
    for i in range(n):
        total[i] = value[i] + value[i + 1] + value[i + 2]
    for i in range(n):
        squares[i] = value[i] * value[i] + value[i + 1] * value[i + 1] + value[i + 2] * value[i + 2]
    for i in range(n):
        pixels[i] = count[i] + count[i + 1] + count[i + 2]


@jit_called
def _add_rows(one, two, three, out):
    for i in range(out.shape[0]):
        out[i] = one[i] + two[i] + three[i]


@jit_called
def _moments_of(total, squares, count, inside, mean, variance):
    for i in range(total.shape[0]):
        share = 1.0 / max(count[i], 1.0)
        total[i] *= share
        squares[i] *= share
    for i in range(total.shape[0]):
        mean[i] = total[i] if inside[i] else 0.0
    for i in range(total.shape[0]):
        variance[i] = max(squares[i] - total[i] * total[i], 0.0) if inside[i] else 0.0


@jit
def octaves(variance, noise, out):
    """Local deviation in octaves above the noise, log2(max(deviation, noise) / noise), averaged over 3 x 3.

    Windows end at the border of the image. The logarithm is good to 4e-7 octaves.
    """
    n_rows, n_cols = variance.shape
    scale = np.float32(1.0 / (noise * noise))
    level = np.zeros((3, n_cols + 2), np.float32)  # of three rows, a column of nothing at either end
    line = np.empty(n_cols + 2, np.float32)
    for row in range(n_rows + 1):
        if row < n_rows:
            _half_log2(variance[row], scale, line, level[row % 3, 1 : n_cols + 1])
        else:
            level[row % 3] = np.float32(0)
        if row > 0:
            n_lines = np.float32(min(row + 1, n_rows) - max(row - 2, 0))
            _add_rows(level[0], level[1], level[2], line)
            _thirds(line, n_lines, out[row - 1])


@jit_called
def _half_log2(values, scale, work, out):
    """Half the binary logarithm of ``values * scale``, 0 where that is below 1; `work` is room for a line.

    With x = 2^e (1 + t), log2(x) = e + t + t (1 - t) p(t); p was fitted to the smallest largest error, 3.3e-7, and
    the form is exact at both ends, so that nothing jumps from one e to the next.
    """
    n = values.shape[0]
    scaled = work[:n]
    for i in range(n):
        scaled[i] = max(values[i] * scale, np.float32(1))
    bits = scaled.view(np.int32)
    for i in range(n):
        whole = np.float32((bits[i] >> np.int32(23)) - np.int32(127))
        out[i] = whole
        bits[i] = (bits[i] & np.int32(0x7FFFFF)) | np.int32(0x3F800000)
    for i in range(n):
        t = scaled[i] - np.float32(1)
        p = np.float32(-0.01520910804270053)
        p = p * t + np.float32(0.06332586146430508)
        p = p * t + np.float32(-0.1297037922561779)
        p = p * t + np.float32(0.19543639420145437)
        p = p * t + np.float32(-0.27788779705166106)
        p = p * t + np.float32(0.4426664401503652)
        out[i] = np.float32(0.5) * (out[i] + t + t * (np.float32(1) - t) * p)


@jit_called
def _thirds(line, n_lines, out):
    """Divide sums over three columns by how many of them lie in the image, times `n_lines`."""
    n = out.shape[0]
    share = np.float32(1) / (np.float32(3) * n_lines)
    for i in range(n):
        out[i] = (line[i] + line[i + 1] + line[i + 2]) * share
    out[0] *= np.float32(3) / np.float32(min(n, 2))
    if n > 1:
        out[n - 1] *= np.float32(1.5)
