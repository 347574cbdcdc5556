"""The channels of an image as planes of floats, smoothed by a Gaussian."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, run_blocks

STRIP = 64  # rows taken together, at least


def smoothed_planes(image, mask, unit, dtype, sigma, n_threads=None):
    """Return ``image * unit`` (M, N, C), smoothed, as planes (C, M, N) of `dtype`; NaN outside the mask.

    Borders are mirrored, the Gaussian ends at four times its width, and sums are taken from the outside in, as
    scipy.ndimage.gaussian_filter does: in float64 the bits are its own. Under a mask each value is the weighted mean of
    those inside.
    """
    n_rows, n_cols, n_channels = image.shape
    planes = np.empty((n_channels, n_rows, n_cols), dtype)
    taps = gaussian(sigma).astype(dtype)
    reach = len(taps) - 1
    columns = mirrored(np.arange(-reach, n_cols + reach), n_cols)
    rows_of_strip = max(STRIP, 4 * reach)

    def strip(index):
        start, stop = index * rows_of_strip, min((index + 1) * rows_of_strip, n_rows)
        rows = mirrored(np.arange(start - reach, stop + reach), n_rows)
        weight = None if mask is None else np.empty((stop - start, n_cols), dtype)
        if mask is not None:
            inside = mask[rows]
            smooth_rows(inside.astype(dtype), taps, columns, weight)
            np.copyto(weight, np.nan, where=~mask[start:stop])
        for channel, plane in enumerate(planes):
            values = image[rows, :, channel].astype(dtype)
            values *= dtype(unit)
            if mask is not None:
                values[~inside] = 0
            smooth_rows(values, taps, columns, plane[start:stop])
            if mask is not None:
                plane[start:stop] /= weight

    run_blocks(strip, -(-n_rows // rows_of_strip), n_threads)
    return planes


def gaussian(sigma):
    """Return the weights of a Gaussian from its middle outwards; the sum of both sides is 1."""
    reach = int(4 * sigma + 0.5)
    if reach == 0:
        return np.ones(1)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * places**2)
    return (weights / weights.sum())[reach:]


def mirrored(places, size):
    """Return where places beyond the ends of an axis lie when it is mirrored there: b a | a b c | c b."""
    places = places % (2 * size)
    return np.minimum(places, 2 * size - 1 - places)


@jit
def smooth_rows(values, taps, columns, out):
    """Smooth rows, of which `values` has as many more above and below as the Gaussian reaches."""
    reach = taps.shape[0] - 1
    n_rows, n_cols = out.shape
    line = np.empty(n_cols + 2 * reach, out.dtype)
    for row in range(n_rows):
        middle = line[reach : reach + n_cols]
        add_up(values[row + reach], taps[0], middle)
        for j in range(reach, 0, -1):
            add_both(values[row + reach - j], values[row + reach + j], taps[j], middle)
        for i in range(reach):
            line[i] = middle[columns[i]]
            line[reach + n_cols + i] = middle[columns[reach + n_cols + i]]
        add_up(middle, taps[0], out[row])
        for j in range(reach, 0, -1):
            add_both(line[reach - j : reach - j + n_cols], line[reach + j : reach + j + n_cols], taps[j], out[row])


@jit
def add_up(values, weight, out):
    for i in range(out.shape[0]):
        out[i] = values[i] * weight


@jit_called
def add_both(one, other, weight, out):
    for i in range(out.shape[0]):
        out[i] += (one[i] + other[i]) * weight
