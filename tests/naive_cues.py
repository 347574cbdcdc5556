"""Slow twins of the cues of regions, in NumPy and float64, one pixel at a time."""

import numpy as np

DERIVATIVE = np.outer([3, 10, 3], [-1, 0, 1]) / 32  # along columns


def window(shape, at, reach):
    """Rows and columns of the pixels around one; beyond the border the last goes on."""
    return np.ix_(*((place + np.arange(-reach, reach + 1)).clip(0, size - 1) for place, size in zip(at, shape)))


def smooth(plane, mask, sigma):
    reach = int(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights = np.outer(weights, weights)
    mask = np.ones(plane.shape, bool) if mask is None else mask
    out = np.zeros(plane.shape)
    for at in np.ndindex(plane.shape):
        near = window(plane.shape, at, reach)
        share = weights * mask[near]
        if share.sum() > 0:
            out[at] = (share * np.where(mask[near], plane[near], 0)).sum() / share.sum()
    return out


def strength(planes, mask, sigma):
    smoothed = [smooth(plane.astype(float), mask, sigma) for plane in planes]
    out = np.zeros(planes.shape[1:])
    for at in np.ndindex(out.shape):
        if mask is None or mask[at]:
            near = window(out.shape, at, 1)
            slopes = np.array(
                [[(plane[near] * kernel).sum() for kernel in (DERIVATIVE, DERIVATIVE.T)] for plane in smoothed]
            )
            out[at] = np.sqrt(np.linalg.eigvalsh(slopes.T @ slopes)[-1])
    return out


def jets(plane, mask, sigma, contrast):
    """Squeezed derivatives (M, N, 5) of every pixel; 0 outside the mask."""
    smoothed = smooth(plane.astype(float), mask, sigma)
    across = np.array([3, 10, 3]) / 16
    first, second = np.array([-0.5, 0, 0.5]) * sigma, np.array([1, -2, 1]) * sigma**2
    out = np.zeros((*plane.shape, 5))
    for at in np.ndindex(plane.shape):
        if mask is None or mask[at]:
            patch = smoothed[window(plane.shape, at, 1)]
            pairs = [(across, first), (first, across), (across, second), (first, first), (second, across)]
            out[at] = [down @ patch @ right for down, right in pairs]
    lengths = np.linalg.norm(out, axis=2, keepdims=True)
    return out * ((1 + lengths / contrast) ** 0.25 - 1) / np.maximum(lengths, 1e-9)


def nearest(values, centers):
    """Index of the nearest center of each column, and by how much the next one is farther."""
    away = ((values.astype(float).T[:, None] - centers.astype(float)) ** 2).sum(axis=2)
    ordered = np.sort(away, axis=1)
    return away.argmin(axis=1), ordered[:, 1] - ordered[:, 0] if len(centers) > 1 else np.full(len(away), np.inf)
