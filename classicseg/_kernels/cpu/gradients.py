"""How steep planes of floats are at every pixel, seen through Gaussians of several widths.

The gradients of all planes make one tensor, whose largest eigenvalue is the steepness along the direction in which they
change most together (S. Di Zenzo, "A note on the gradient of a multi-image", Computer Vision, Graphics, and Image
Processing 33(1), 1986, doi:10.1016/0734-189X(86)90223-9). Sums are taken in a written order, from the outside in and
plane after plane, so that blocks of rows and threads change no bit.
"""

import numpy as np

from classicseg._kernels._gaussian import half_gaussian
from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.felzenszwalb_smooth import smooth_rows

STRIP = 64  # rows taken together, at least

# Scharr's derivative: 3, 10, 3 across it and -1, 0, 1 along it.
SIDE, MIDDLE = np.float32(3 / 32), np.float32(10 / 32)
HALF, TWO = np.float32(0.5), np.float32(2)


def smooth(planes, mask, sigma, out, n_threads=None):
    """Write planes (C, M, N) float32, smoothed by a Gaussian.

    Beyond the border of the image the last pixel goes on. Under a mask each value is the weighted mean of those inside,
    0 where the Gaussian meets none.
    """

    def strip(start, stop):
        share = share_of(mask, sigma, start, stop)
        for plane, smoothed in zip(planes, out):
            smooth_plane(plane, mask, share, sigma, start, stop, smoothed[start:stop])

    for_strips(planes.shape[1], sigma, strip, n_threads)


def strengths(planes, mask, sigmas, factor, out, n_threads=None):
    """Write `factor` times the steepness of planes (C, M, N), in their units per pixel, to `out` (sigmas, M, N).

    Outside the mask it is 0. Beyond the border of the image the smoothed values go on.
    """
    n_rows, n_cols = planes.shape[1:]

    def strip(start, stop):
        first, last = max(start - 1, 0), min(stop + 1, n_rows)
        smoothed = np.empty((last - first, n_cols), np.float32)
        tensor = np.empty((3, stop - start, n_cols), np.float32)
        for sigma, found in zip(sigmas, out):
            share = share_of(mask, sigma, first, last)
            tensor[:] = 0
            for plane in planes:
                smooth_plane(plane, mask, share, sigma, first, last, smoothed)
                _add_tensor(smoothed, start - first, tensor)
            _steepest(tensor, np.float32(factor), found[start:stop])
            if mask is not None:
                found[start:stop][~mask[start:stop]] = 0

    for_strips(n_rows, max(sigmas), strip, n_threads)


def for_strips(n_rows, sigma, function, n_threads):
    """Call ``function(start, stop)`` for strips of rows, high enough that the rows around them cost little."""
    rows = max(STRIP, 4 * len(half_gaussian(sigma)))
    run_blocks(lambda i: function(i * rows, min((i + 1) * rows, n_rows)), -(-n_rows // rows), n_threads)


def share_of(mask, sigma, start, stop):
    """Return how much of the Gaussian around each pixel lies inside the mask."""
    if mask is None:
        return None
    share = np.empty((stop - start, mask.shape[1]), np.float32)
    smooth_plane(mask, None, None, sigma, start, stop, share)
    return share


def smooth_plane(plane, mask, share, sigma, start, stop, out):
    taps = half_gaussian(sigma)
    reach = len(taps) - 1
    rows = np.arange(start - reach, stop + reach).clip(0, len(plane) - 1)
    columns = np.arange(-reach, plane.shape[1] + reach).clip(0, plane.shape[1] - 1)
    values = plane[rows].astype(np.float32, copy=False)
    if mask is not None:
        values[~mask[rows]] = 0
    smooth_rows(values, taps, columns, out)
    if mask is not None:
        np.divide(out, share, out=out, where=share > 0)


@jit
def _add_tensor(values, offset, tensor):
    """Add the products of the derivatives along columns (x) and rows (y): xx, xy, yy.

    Row r of the tensor belongs to row r + `offset` of the values; beyond the first and the last, these go on.
    """
    n_rows, n_cols = tensor.shape[1:]
    across, along = np.empty(n_cols + 2, np.float32), np.empty(n_cols + 2, np.float32)
    for row in range(n_rows):
        here = row + offset
        over, mid, under = values[max(here - 1, 0)], values[here], values[min(here + 1, values.shape[0] - 1)]
        for i in range(n_cols):
            across[i + 1] = SIDE * (over[i] + under[i]) + MIDDLE * mid[i]
            along[i + 1] = under[i] - over[i]
        for line in (across, along):
            line[0], line[n_cols + 1] = line[1], line[n_cols]
        xx, xy, yy = tensor[0, row], tensor[1, row], tensor[2, row]
        for i in range(n_cols):
            x = across[i + 2] - across[i]
            y = SIDE * (along[i] + along[i + 2]) + MIDDLE * along[i + 1]
            xx[i] += x * x
            xy[i] += x * y
            yy[i] += y * y


@jit
def _steepest(tensor, factor, out):
    for row in range(out.shape[0]):
        xx, xy, yy, found = tensor[0, row], tensor[1, row], tensor[2, row], out[row]
        for i in range(found.shape[0]):
            apart, shear = xx[i] - yy[i], TWO * xy[i]
            largest = HALF * (xx[i] + yy[i] + np.sqrt(apart * apart + shear * shear))
            found[i] = factor * np.sqrt(largest)
