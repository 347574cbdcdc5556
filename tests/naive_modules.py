"""Slow twins of the kernels behind hot spots, straight from their definitions. Only NumPy."""

import numpy as np
from naive import neighbours


def local_variance(values, inside):
    mean = np.zeros(values.shape)
    variance = np.zeros(values.shape)
    for row, col in zip(*np.nonzero(inside)):
        window = np.s_[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
        found = values[window][inside[window]].astype(np.float64)
        mean[row, col], variance[row, col] = found.mean(), found.var()
    return mean, variance


def octaves(deviation, noise):
    level = np.log2(np.maximum(deviation, noise) / noise)
    out = np.empty(deviation.shape)
    for row in range(deviation.shape[0]):
        for col in range(deviation.shape[1]):
            out[row, col] = level[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2].mean()
    return out


def nearest_is(temperature, texture, steps, centers, chosen):
    rows, cols = np.indices(temperature.shape)
    features = np.stack([temperature, cols * steps[0], rows * steps[1], texture], axis=2)
    distance = ((features[:, :, None] - centers) ** 2).sum(axis=3)
    return chosen[distance.argmin(axis=2)]


def compare(image, owner, where, within, offsets, at_least):
    """Median at the same place of the neighbouring modules, NaN where fewer than `at_least` of them tell."""
    reference = np.full(image.shape, np.nan)
    for row, col in zip(*np.nonzero(where & (owner > 0))):
        found = []
        for down, right in offsets[owner[row, col] - 1]:
            r, c = row + down, col + right
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1] and within[r, c]:
                found.append(image[r, c])
        if len(found) >= at_least:
            reference[row, col] = np.median(found)
    return reference


def steps_to_owner(owner, where):
    """City-block steps inside `where` from each pixel to the nearest owned one, by flooding; -1 where there is none."""
    distance = np.where(owner > 0, 0, -1)
    front = list(zip(*np.nonzero(owner > 0)))
    while front:
        following = []
        for here in front:
            for other in neighbours(owner.shape, *here, 1):
                if where[other] and distance[other] < 0:
                    distance[other] = distance[here] + 1
                    following.append(other)
        front = following
    return distance


def nearest_owner(owner, where):
    """Two sweeps over all pixels; a tie stays with the owner met first, which is the one above, left, below, right."""
    owner = owner.copy()
    distance = np.where(owner > 0, 0, 10**6)
    n_rows, n_cols = owner.shape
    for step, rows, cols in (
        (-1, range(n_rows), range(n_cols)),
        (1, range(n_rows - 1, -1, -1), range(n_cols - 1, -1, -1)),
    ):
        for row in rows:
            for col in cols:
                for r, c in ((row + step, col), (row, col + step)):
                    near = where[row, col] and 0 <= r < n_rows and 0 <= c < n_cols
                    if near and distance[r, c] + 1 < distance[row, col]:
                        distance[row, col], owner[row, col] = distance[r, c] + 1, owner[r, c]
    return owner


def sole_neighbours(regions):
    """For each region the one other that lies around it by 8 neighbours, -1 where there are several, or the border."""
    sole = [-1]
    padded = np.pad(regions, 1)  # outside is 0, as in the image
    for region in range(1, regions.max() + 1):
        around = {
            int(padded[r, c])
            for row, col in np.argwhere(padded == region)
            for r in range(row - 1, row + 2)
            for c in range(col - 1, col + 2)
        } - {region}
        sole.append(around.pop() if len(around) == 1 and 0 not in around else -1)
    return sole
