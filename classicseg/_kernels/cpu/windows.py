"""Maximum over square windows."""

import numpy as np

from classicseg._kernels.cpu._jit import jit


@jit
def maximum(image, radius, out):
    """Largest value within `radius` rows and columns of each pixel, inside the image; not for NaN.

    Rows first, then columns; whole lines are compared at a time, which the compiler turns into vector code.
    """
    n_rows, n_cols = image.shape
    across = np.empty_like(image)
    for row in range(n_rows):
        line = image[row]
        best = across[row]
        best[:] = line
        for step in range(1, min(radius, n_cols - 1) + 1):
            _larger(best[: n_cols - step], line[step:])
            _larger(best[step:], line[: n_cols - step])
    for row in range(n_rows):
        best = out[row]
        best[:] = across[row]
        for other in range(max(row - radius, 0), min(row + radius + 1, n_rows)):
            _larger(best, across[other])


@jit
def _larger(best, line):
    for i in range(best.shape[0]):
        best[i] = line[i] if line[i] > best[i] else best[i]
