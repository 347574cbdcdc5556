"""Slow twins of the operators on maps: the definitions as plain loops, written apart from the package."""

import math

import numpy as np

# --- Interpolation ----------------------------------------------------------------------------------------------


def cubic(distance, a=-0.75):
    """The convolution kernel of Keys as he wrote it, with the free parameter a."""
    s = abs(distance)
    if s < 1:
        return (a + 2) * s**3 - (a + 3) * s**2 + 1
    if s < 2:
        return a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a
    return 0.0


def tent(distance):
    return max(0.0, 1 - abs(distance))


def line(values, n_out, weight_of):
    """Values at the centres of n_out equal parts of an axis, the first and last repeated beyond the border."""
    n_in = len(values)
    out = []
    for i in range(n_out):
        at = (i + 0.5) * n_in / n_out - 0.5
        taps = range(math.floor(at) - 2, math.floor(at) + 4)
        out.append(sum(weight_of(at - j) * values[min(max(j, 0), n_in - 1)] for j in taps))
    return out


def interpolate(array, shape, weight_of):
    """A map of two axes, first along columns, then along rows."""
    narrow = np.array([line(column, shape[0], weight_of) for column in np.asarray(array, float).T]).T
    return np.array([line(row, shape[1], weight_of) for row in narrow])


def nearest(array, shape):
    """The value whose area holds the middle of each pixel."""
    n_rows, n_cols = np.shape(array)
    rows = [math.floor((i + 0.5) * n_rows / shape[0]) for i in range(shape[0])]
    cols = [math.floor((j + 0.5) * n_cols / shape[1]) for j in range(shape[1])]
    return np.array([[array[i][j] for j in cols] for i in rows])


# --- Pooling ----------------------------------------------------------------------------------------------------


def max_pool(array, size, stride):
    """Values and positions, window by window; the first of equal values in reading order."""
    n_rows, n_cols = np.shape(array)
    values, positions = [], []
    for top in range(0, n_rows - size[0] + 1, stride[0]):
        values.append([])
        positions.append([])
        for left in range(0, n_cols - size[1] + 1, stride[1]):
            places = [(i, j) for i in range(top, top + size[0]) for j in range(left, left + size[1])]
            i, j = max(places, key=lambda place: array[place[0]][place[1]])  # max keeps the first
            values[-1].append(array[i][j])
            positions[-1].append(i * n_cols + j)
    return np.array(values), np.array(positions)


# --- Convolutions -----------------------------------------------------------------------------------------------


def convolution(array, kernel, stride, padding, dilation):
    """What a network calls a convolution: the kernel is not flipped."""
    (n_rows, n_cols), (a, b) = np.shape(array), np.shape(kernel)
    out_rows = (n_rows + 2 * padding[0] - dilation[0] * (a - 1) - 1) // stride[0] + 1
    out_cols = (n_cols + 2 * padding[1] - dilation[1] * (b - 1) - 1) // stride[1] + 1
    out = np.zeros((out_rows, out_cols))
    for i, j, p, q in np.ndindex(out_rows, out_cols, a, b):
        row = i * stride[0] - padding[0] + p * dilation[0]
        col = j * stride[1] - padding[1] + q * dilation[1]
        if 0 <= row < n_rows and 0 <= col < n_cols:
            out[i, j] += kernel[p][q] * array[row][col]
    return out


def transposed_convolution(array, kernel, stride, padding, output_padding, dilation):
    """Every value of an (M, N, C) array writes a copy of the (a, b, C, D) kernel."""
    n_rows, n_cols, n_in = array.shape
    a, b, _, n_out = kernel.shape
    out_rows = (n_rows - 1) * stride[0] - 2 * padding[0] + dilation[0] * (a - 1) + output_padding[0] + 1
    out_cols = (n_cols - 1) * stride[1] - 2 * padding[1] + dilation[1] * (b - 1) + output_padding[1] + 1
    out = np.zeros((out_rows, out_cols, n_out))
    for i, j, p, q, c, d in np.ndindex(n_rows, n_cols, a, b, n_in, n_out):
        row = i * stride[0] - padding[0] + p * dilation[0]
        col = j * stride[1] - padding[1] + q * dilation[1]
        if 0 <= row < out_rows and 0 <= col < out_cols:
            out[row, col, d] += array[i, j, c] * kernel[p, q, c, d]
    return out


# --- Regions of interest ----------------------------------------------------------------------------------------


def bilinear(array, row, col):
    """The formula of the lectures: every place weighs by its distance along rows times that along columns."""
    total = 0.0
    for i, j in np.ndindex(array.shape):
        total += array[i, j] * tent(row - (i + 0.5)) * tent(col - (j + 0.5))
    return total


def sample(array, row, col):
    """Bilinear; up to one place beyond the outermost centres the border's value, further out 0."""
    n_rows, n_cols = array.shape
    if not (-0.5 <= row <= n_rows + 0.5 and -0.5 <= col <= n_cols + 0.5):
        return 0.0
    return bilinear(array, min(max(row, 0.5), n_rows - 0.5), min(max(col, 0.5), n_cols - 0.5))


def roi_align(array, box, size, scale, samples, reduce):
    out = np.zeros(size)
    top, left, bottom, right = (side * scale for side in box)
    height, width = (bottom - top) / size[0], (right - left) / size[1]
    for i, j in np.ndindex(*size):
        found = []
        for p, q in np.ndindex(*samples):
            row = top + (i + (p + 0.5) / samples[0]) * height
            col = left + (j + (q + 0.5) / samples[1]) * width
            found.append(sample(array, row, col))
        out[i, j] = reduce(found)
    return out


def roi_pool(array, box, size, scale):
    out = np.zeros(size)
    top, left, bottom, right = (math.floor(side * scale + 0.5) for side in box)
    height, width = max(bottom - top, 1), max(right - left, 1)
    for i, j in np.ndindex(*size):
        rows = range(top + i * height // size[0], top - (-(i + 1) * height // size[0]))
        cols = range(left + j * width // size[1], left - (-(j + 1) * width // size[1]))
        inside = [array[r, c] for r in rows for c in cols if 0 <= r < array.shape[0] and 0 <= c < array.shape[1]]
        out[i, j] = max(inside, default=0)
    return out


def paste(mask, box, shape):
    """Each pixel asks the mask at its centre; beyond the mask there is 0."""
    out = np.zeros(shape)
    height, width = (box[2] - box[0]) / mask.shape[0], (box[3] - box[1]) / mask.shape[1]
    for i, j in np.ndindex(*shape):
        out[i, j] = bilinear(mask, (i + 0.5 - box[0]) / height, (j + 0.5 - box[1]) / width)
    return out


# --- Guided upsampling ------------------------------------------------------------------------------------------


def cell_means(image, inside, shape):
    """Mean over each cell, by the part of it that every pixel fills, and the share that pixels inside fill."""
    n_rows, n_cols, n_channels = image.shape
    height, width = n_rows / shape[0], n_cols / shape[1]
    mean, share = np.zeros((*shape, n_channels)), np.zeros(shape)
    for i, j, r, c in np.ndindex(*shape, n_rows, n_cols):
        rows = min(r + 1, (i + 1) * height) - max(r, i * height)
        cols = min(c + 1, (j + 1) * width) - max(c, j * width)
        if rows > 0 and cols > 0 and inside[r, c]:
            share[i, j] += rows * cols / (height * width)
            mean[i, j] += rows * cols / (height * width) * image[r, c]
    return mean / np.where(share > 0, share, 1)[..., None], share


def bilateral(values, image, inside, sigma):
    """Mean of the cells by a tent in space and a Gaussian in the image; cells without pixels do not count."""
    shape, target = values.shape[:2], image.shape[:2]
    mean, share = cell_means(image, inside, shape)
    out = np.zeros((*target, values.shape[2]))
    for r, c in zip(*np.nonzero(inside)):
        row, col = (r + 0.5) * shape[0] / target[0] - 0.5, (c + 0.5) * shape[1] / target[1] - 0.5
        row, col = min(max(row, 0), shape[0] - 1), min(max(col, 0), shape[1] - 1)
        total = 0.0
        for i, j in np.ndindex(*shape):
            like = math.exp(-np.sum((image[r, c] - mean[i, j]) ** 2) / (2 * sigma**2))
            weight = tent(row - i) * tent(col - j) * like * (share[i, j] > 0)
            total += weight
            out[r, c] += weight * values[i, j]
        out[r, c] /= total
    return out


def guided(values, image, inside, sigma, radius):
    """Ridge regressions in every window of cells, solved as least squares; their means, interpolated."""
    shape, n_channels, n_classes = values.shape[:2], image.shape[2], values.shape[2]
    mean, share = cell_means(image, inside, shape)

    def window(i, j):
        rows = range(max(i - radius, 0), min(i + radius + 1, shape[0]))
        cols = range(max(j - radius, 0), min(j + radius + 1, shape[1]))
        return [(r, c) for r in rows for c in cols if share[r, c] > 0]

    fit = np.zeros((*shape, n_channels + 1, n_classes))
    for i, j in np.ndindex(*shape):
        cells = window(i, j)
        if not cells:
            continue
        weight = np.sqrt([share[cell] for cell in cells])
        known = np.array([[*mean[cell], 1] for cell in cells]) * weight[:, None]
        wanted = np.array([values[cell] for cell in cells]) * weight[:, None]
        small = sigma * np.sqrt(np.sum(weight**2)) * np.eye(n_channels, n_channels + 1)
        stacked = np.vstack([known, small]), np.vstack([wanted, np.zeros((n_channels, n_classes))])
        fit[i, j] = np.linalg.lstsq(*stacked, rcond=None)[0]
    smooth = np.zeros_like(fit)
    for i, j in np.ndindex(*shape):
        cells = window(i, j)
        if cells:
            smooth[i, j] = np.average([fit[cell] for cell in cells], axis=0, weights=[share[cell] for cell in cells])
    parts = [interpolate(smooth[..., c, k], image.shape[:2], tent) for c, k in np.ndindex(n_channels + 1, n_classes)]
    slope = np.reshape(parts, (n_channels + 1, n_classes, *image.shape[:2]))
    found = np.einsum("mnc,ckmn->mnk", image, slope[:-1]) + slope[-1].transpose(1, 2, 0)
    return np.where(inside[..., None], found, 0)
