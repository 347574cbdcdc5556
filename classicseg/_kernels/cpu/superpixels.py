"""Sums of an image over its regions."""

import numpy as np

from classicseg._kernels.cpu._jit import jit


@jit
def variance_sums(labels, image, n_labels):
    """Return the sum of squared deviations from the mean of the image, and its part between the means of regions.

    Labels are 0 to `n_labels` - 1, or negative outside; `image` is (n_pixels, C). Two passes: deviations are taken
    from the mean of all pixels, so that nothing cancels.
    """
    n_channels = image.shape[1]
    area = np.zeros(n_labels, np.int64)
    mean = np.zeros(n_channels)
    for i in range(labels.shape[0]):
        if labels[i] >= 0:
            area[labels[i]] += 1
            for c in range(n_channels):
                mean[c] += image[i, c]
    mean /= area.sum()
    sums = np.zeros((n_labels, n_channels))
    total = 0.0
    for i in range(labels.shape[0]):
        if labels[i] >= 0:
            for c in range(n_channels):
                deviation = np.float64(image[i, c]) - mean[c]
                sums[labels[i], c] += deviation
                total += deviation * deviation
    between = 0.0
    for label in range(n_labels):
        for c in range(n_channels):
            between += sums[label, c] ** 2 / max(area[label], 1)
    return total, between
