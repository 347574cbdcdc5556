"""Slow twins of graphs of pixels: dense matrices and double loops."""

import math

import numpy as np


def offsets_on_the_line(down, right):
    n_steps = max(abs(down), abs(right))
    return [(math.floor(down * i / n_steps + 0.5), math.floor(right * i / n_steps + 0.5)) for i in range(n_steps + 1)]


def affinity(features, radius, sigma, spatial_sigma, distance="squared", mask=None, contour=None, contour_sigma=0.25):
    """Return the symmetric matrix (M * N, M * N) of features (M, N, F)."""
    n_rows, n_cols, n_features = features.shape
    sigma = np.broadcast_to(np.asarray(sigma, float), n_features)
    found = np.zeros((n_rows * n_cols,) * 2)
    pixels = [(row, col) for row in range(n_rows) for col in range(n_cols) if mask is None or mask[row, col]]
    for one in pixels:
        for other in pixels:
            down, right = other[0] - one[0], other[1] - one[1]
            if other <= one or down**2 + right**2 > radius**2:
                continue
            apart = features[one].astype(float) - features[other]
            if distance == "squared":
                exponent = (apart**2 / (2 * sigma**2)).sum() + (down**2 + right**2) / (2 * spatial_sigma**2)
            else:
                exponent = math.sqrt(((apart / (2 * sigma**2)) ** 2).sum())
                exponent += math.hypot(down, right) / (2 * spatial_sigma**2)
            if contour is not None:
                highest = max(contour[one[0] + i, one[1] + j] for i, j in offsets_on_the_line(down, right))
                exponent += highest**2 / (2 * contour_sigma**2)
            weight = math.exp(-exponent)
            if weight >= 1e-12:
                i, j = one[0] * n_cols + one[1], other[0] * n_cols + other[1]
                found[i, j] = found[j, i] = weight
    return found


def cut(matrix, labels):
    """Return the weight of links between different labels of 0 and more, each link once."""
    return sum(
        matrix[i, j]
        for i in range(len(labels))
        for j in range(i)
        if labels[i] >= 0 and labels[j] >= 0 and labels[i] != labels[j]
    )


def assoc(matrix, labels):
    """Return for each label the links from its nodes to all nodes that have one."""
    return [matrix[np.ix_(labels == label, labels >= 0)].sum() for label in range(labels.max() + 1)]


def ncut(matrix, labels):
    """Return the sum of cut(A, V - A) / assoc(A, V)."""
    total = 0.0
    for label in range(labels.max() + 1):
        own, others = labels == label, (labels >= 0) & (labels != label)
        volume = matrix[np.ix_(own, labels >= 0)].sum()
        total += matrix[np.ix_(own, others)].sum() / volume if volume > 0 else 0.0
    return total
