"""Graphs and pictures that normalized cuts are tried on."""

import numpy as np


def planar(rng, n, own=1.0, farthest=3):
    """Return a connected graph of n nodes (n, n), each linked to some of those next to it in a chain."""
    matrix = np.zeros((n, n))
    for node in range(1, n):
        for other in {node - 1, *rng.integers(max(0, node - farthest), node, 2).tolist()}:
            matrix[node, other] = matrix[other, node] = rng.uniform(0.05, 1)
    matrix[np.diag_indices(n)] = own
    return matrix


def blocks(shape=(24, 32), side=4):
    """Return labels of square regions, from 1."""
    rows, cols = np.indices(shape) // side
    return (1 + rows * (shape[1] // side) + cols).astype(np.int32)


def scene(rng, noise=6.0):
    """Return a picture of three surfaces, 24 × 32, in colours."""
    image = np.full((24, 32, 3), (60.0, 90, 140))
    image[12:] = (150, 120, 60)
    image[4:16, 8:20] = (200, 60, 70)
    return np.clip(image + rng.normal(0, noise, image.shape), 0, 255)


def picture(rng, shape=(16, 20), noise=0.3):
    """Return three surfaces of 0, 2 and 4, and noise."""
    image = np.zeros(shape)
    image[:, shape[1] // 2 :] = 2
    image[shape[0] // 2 :, : shape[1] // 3] = 4
    return image + rng.normal(0, noise, shape)


def surfaces(shape=(16, 20)):
    return np.unique(picture(np.random.default_rng(0), shape, 0), return_inverse=True)[1].reshape(shape)
