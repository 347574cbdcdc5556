"""Maximum over square windows."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called


@jit
def maximum(image, radius, out):
    """Largest value within `radius` rows and columns of each pixel, inside the image; not for NaN.

    Along the rows, then along the columns. Windows are doubled until two of them span the whole one, so the work
    grows with the logarithm of `radius`; whole lines are compared at a time, which is vector code. The border is
    repeated outwards, which adds no value that is not in the window already.
    """
    n_rows, n_cols = image.shape
    size = 2 * radius + 1
    line = np.empty((2, n_cols + 2 * radius), image.dtype)
    lines = np.empty((n_rows + 2 * radius, n_cols), image.dtype)
    for row in range(n_rows):
        line[0, :radius] = image[row, 0]
        _copy(image[row], line[0, radius : radius + n_cols])
        line[0, radius + n_cols :] = image[row, n_cols - 1]
        now, span = 0, 1
        while 2 * span <= size:
            stop = n_cols + size - 2 * span
            _larger(line[now, :stop], line[now, span : span + stop], line[1 - now, :stop])
            now, span = 1 - now, 2 * span
        _larger(line[now, :n_cols], line[now, size - span : size - span + n_cols], lines[row + radius])
    for row in range(radius):
        _copy(lines[radius], lines[row])
        _copy(lines[n_rows + radius - 1], lines[n_rows + radius + row])
    span = 1
    while 2 * span <= size:
        for row in range(n_rows + size - 2 * span):  # from the top: what is looked at is still the one before
            _enlarge(lines[row], lines[row + span])
        span *= 2
    for row in range(n_rows):
        _larger(lines[row], lines[row + size - span], out[row])


@jit_called
def _copy(line, out):
    for i in range(out.shape[0]):  # vector code, which the assignment of a slice to a slice is not
        out[i] = line[i]


@jit_called
def _larger(one, other, out):
    for i in range(out.shape[0]):
        out[i] = one[i] if one[i] > other[i] else other[i]


@jit_called
def _enlarge(best, other):
    for i in range(best.shape[0]):
        best[i] = other[i] if other[i] > best[i] else best[i]
