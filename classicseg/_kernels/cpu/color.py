"""RGB (sRGB) to CIE Lab and Luv, for the D65 white point and the 2° observer.

What makes it fast: integer colours become linear light through a table; the cube and fifth roots come from a guess on
the bits of the float and two steps of a third-order iteration, without a division or a call to libm, so that the loops
become vector code, and a GPU gets the same bits; a block of BLOCK pixels passes all stages while it is in the cache.
"""

import numpy as np

from classicseg._kernels._color import MATRIX, RELATIVE, U_WHITE, V_WHITE, linear_table
from classicseg._kernels.cpu._jit import jit, jit_inline, run_blocks

BLOCK = 4096  # pixels: their three channels, linear and converted, are 100 kB and stay in the L2 cache

# Single precision throughout: a bare literal would widen the whole expression to float64.
ONE, THREE, FOUR, NINE = (np.float32(n) for n in (1, 3, 4, 9))
THIRD, FIFTH = np.float32(1 / 3), np.float32(1 / 5)
TWO_NINTHS, THREE_25THS = np.float32(2 / 9), np.float32(3 / 25)
C13, C15, C16, C116, C200, C500 = (np.float32(n) for n in (13, 15, 16, 116, 200, 500))
# The bits of n ** (-1 / p) are about those of n times -1 / p, plus (1 + 1 / p) times the bits of 1.0. A little less
# makes |1 - n * guess ** p| smallest: 0.10 and 0.16, which the two steps bring below the rounding of float32.
CUBE_GUESS, FIFTH_GUESS = np.float32(1419900928), np.float32(1277903872)
LINEAR_BELOW, LINEAR_SLOPE, LINEAR_OFFSET = np.float32(0.008856), np.float32(7.787), np.float32(16 / 116)
LUMINANCE_SLOPE = np.float32(903.3)
SRGB_BELOW, SRGB_SLOPE = np.float32(0.04045), np.float32(1 / 12.92)
SRGB_OFFSET, SRGB_SCALE = np.float32(0.055 / 1.055), np.float32(1 / 1.055)
LOWEST, HIGHEST = np.float32(-0.5), np.float32(1.5)  # float colours beyond are outside the mask and become black
# For Luv all that is negative becomes 0. Of mixed signs x + 15 y + 3 z can be anything near 0, and u and v with it any
# size, though the colour is near black: resampling that overshoots by 0.01 would make features of 1e4.
LOWEST_LUV = np.float32(0)
TINY = np.float32(1e-12)


def lab(image, out, n_threads=None):
    """Write L, a, b of `image` (M, N, 3) to `out` (3, M, N) float32. uint8, uint16, or floats of -0.5 to 1.5."""
    _convert(image, out, _lab, LOWEST, n_threads)


def luv(image, out, n_threads=None):
    """Write L, u, v of `image` (M, N, 3) to `out` (3, M, N) float32. uint8, uint16, or floats of -0.5 to 1.5.

    Negative colours are seen as 0.
    """
    _convert(image, out, _luv, LOWEST_LUV, n_threads)


def _convert(image, out, kernel, lowest, n_threads):
    n_rows, n_cols = image.shape[:2]
    rows = max(1, BLOCK // n_cols)
    integer = image.dtype.kind == "u"
    table = linear_table(np.iinfo(image.dtype).max) if integer else None

    def block(index):
        part = image[index * rows : (index + 1) * rows]
        # A copy of the block: any strides and byte order in, one compiled form for each of two dtypes.
        with np.errstate(over="ignore"):  # a float64 beyond float32 lies outside the mask
            pixels = part.astype(np.uint16 if integer else np.float32, order="C").reshape(-1, 3)
        linear = np.empty((3, len(pixels)), np.float32)
        if integer:
            _look_up(pixels, table, linear)
        else:
            _linearise(pixels, lowest, linear)
        converted = np.empty_like(linear)
        kernel(linear, converted)
        out[:, index * rows : (index + 1) * rows] = converted.reshape(3, len(part), n_cols)

    run_blocks(block, -(-n_rows // rows), n_threads)


@jit
def _look_up(pixels, table, linear):
    for channel in range(3):
        line = linear[channel]
        for i in range(pixels.shape[0]):
            line[i] = table[pixels[i, channel]]


@jit
def _linearise(pixels, lowest, linear):
    """Undo the sRGB curve: t ** 2.4 is s * s * y**4 with s = t * t and y = s ** (-1 / 5).

    What is below `lowest` or above HIGHEST becomes 0.
    """
    squares = np.empty(pixels.shape[0], np.float32)
    guesses = np.empty(pixels.shape[0], np.float32)
    bits, guess_bits = squares.view(np.int32), guesses.view(np.int32)
    for channel in range(3):
        line = linear[channel]
        for i in range(pixels.shape[0]):
            value = pixels[i, channel]
            line[i] = value if lowest <= value <= HIGHEST else np.float32(0)
            t = max(line[i], SRGB_BELOW) * SRGB_SCALE + SRGB_OFFSET
            squares[i] = t * t
            guess_bits[i] = np.int32(FIFTH_GUESS - np.float32(bits[i]) * FIFTH)
        for i in range(pixels.shape[0]):
            s, y = squares[i], guesses[i]
            for _ in range(2):
                h = ONE - s * (y * y) * (y * y) * y
                y += y * h * (FIFTH + THREE_25THS * h)
            line[i] = s * s * (y * y) * (y * y) if line[i] > SRGB_BELOW else line[i] * SRGB_SLOPE


@jit_inline
def _cube_roots(values, roots):
    """Write cube roots, x * y * y with y = x ** (-1 / 3); values below LINEAR_BELOW get the root of that."""
    bits = roots.view(np.int32)
    for i in range(values.shape[0]):
        roots[i] = max(values[i], LINEAR_BELOW)
        bits[i] = np.int32(CUBE_GUESS - np.float32(bits[i]) * THIRD)
    for i in range(values.shape[0]):
        x, y = max(values[i], LINEAR_BELOW), roots[i]
        for _ in range(2):
            h = ONE - x * y * y * y
            y += y * h * (THIRD + TWO_NINTHS * h)
        roots[i] = x * y * y


@jit
def _lab(linear, out):
    red, green, blue = linear[0], linear[1], linear[2]
    ratio = np.empty_like(red)
    for k in range(3):
        r, g, b = RELATIVE[k]
        for i in range(ratio.shape[0]):
            ratio[i] = r * red[i] + g * green[i] + b * blue[i]
        f = out[k]
        _cube_roots(ratio, f)
        for i in range(ratio.shape[0]):
            f[i] = f[i] if ratio[i] > LINEAR_BELOW else LINEAR_SLOPE * ratio[i] + LINEAR_OFFSET
    for i in range(ratio.shape[0]):
        fx, fy, fz = out[0, i], out[1, i], out[2, i]
        out[0, i] = C116 * fy - C16
        out[1, i] = C500 * (fx - fy)
        out[2, i] = C200 * (fy - fz)


@jit
def _luv(linear, out):
    red, green, blue = linear[0], linear[1], linear[2]
    ratio = np.empty_like(red)
    for i in range(ratio.shape[0]):
        ratio[i] = MATRIX[1, 0] * red[i] + MATRIX[1, 1] * green[i] + MATRIX[1, 2] * blue[i]
    lightness = out[0]
    _cube_roots(ratio, lightness)
    for i in range(ratio.shape[0]):
        y = ratio[i]
        x = MATRIX[0, 0] * red[i] + MATRIX[0, 1] * green[i] + MATRIX[0, 2] * blue[i]
        z = MATRIX[2, 0] * red[i] + MATRIX[2, 1] * green[i] + MATRIX[2, 2] * blue[i]
        scale = ONE / max(x + C15 * y + THREE * z, TINY)  # black has no hue: u and v are 0
        lightness[i] = C116 * lightness[i] - C16 if y > LINEAR_BELOW else LUMINANCE_SLOPE * y
        out[1, i] = C13 * lightness[i] * (FOUR * x * scale - U_WHITE)
        out[2, i] = C13 * lightness[i] * (NINE * y * scale - V_WHITE)
