"""The slow twin of `mean_shift`: every window looks at every sample, in float64."""

import numpy as np


def weights(samples, point, bandwidth, kernel):
    """Weight of each sample in the window around the point."""
    squared = np.zeros(len(samples))
    for f in range(samples.shape[1]):
        squared += (samples[:, f] - point[f]) ** 2
    square = bandwidth * bandwidth
    if kernel == "flat":
        return (squared <= square).astype(np.float64)
    if kernel == "epanechnikov":
        return np.where(squared < square, 1 - squared / square, 0.0)
    return np.where(squared <= 9 * square, np.exp(-squared / (2 * square)), 0.0)


def climb(samples, point, bandwidth, kernel, tol, most):
    """Return the end, its density, and the number of steps; negative where it still moved."""
    point = np.array(point, np.float64)
    steps = -most
    for step in range(1, most + 1):
        weight = weights(samples, point, bandwidth, kernel)
        if weight.sum() <= 0:
            break
        mean = (weight[:, None] * samples).sum(axis=0) / weight.sum()
        moved, point = ((mean - point) ** 2).sum(), mean
        if moved <= tol * tol:
            steps = step
            break
    return point, weights(samples, point, bandwidth, kernel).sum(), steps


def cells(samples, bandwidth, min_bin_freq=1):
    """Middles of the cells that hold enough samples, in the order of their coordinates."""
    rows, counts = np.unique(np.rint(samples / bandwidth), axis=0, return_counts=True)
    return rows[counts >= min_bin_freq] * bandwidth


def mean_shift(samples, bandwidth, seeds, kernel="flat", tol=None, most=300, assign="nearest"):
    """Return labels, modes and densities of samples (n, F)."""
    samples = np.asarray(samples, np.float64)
    tol = 1e-3 * bandwidth if tol is None else tol
    ends = [climb(samples, seed, bandwidth, kernel, tol, most)[:2] for seed in seeds]
    ends = sorted(((density, tuple(end)) for end, density in ends if density > 0), reverse=True)
    modes, densities = [], []
    for density, end in ends:
        if all(sum((a - b) ** 2 for a, b in zip(end, mode)) > bandwidth * bandwidth for mode in modes):
            modes.append(end)
            densities.append(density)
    modes = np.array(modes)
    places = samples
    if assign == "basin":
        places = np.array([climb(samples, sample, bandwidth, kernel, tol, most)[0] for sample in samples])
    return nearest(places, modes), modes, np.array(densities)


def nearest(samples, modes):
    squared = np.zeros((len(samples), len(modes)))
    for f in range(samples.shape[1]):
        squared += (samples[:, f, None].astype(np.float64) - modes[None, :, f]) ** 2
    return squared.argmin(axis=1)
