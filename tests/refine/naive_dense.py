"""Convolutions as plain loops, and what a network of them answers."""

import numpy as np


def convolved(planes, weights, bias):
    """Return the correlation of planes (C, M, N), 0 outside, with weights (K, C, 2r + 1, 2r + 1)."""
    radius = weights.shape[2] // 2
    rows, cols = planes.shape[1:]
    wide = np.pad(planes.astype(np.float64), ((0, 0), (radius, radius), (radius, radius)))
    out = np.zeros((len(weights), rows, cols)) + bias[:, None, None]
    for k, of_class in enumerate(weights):
        for c, of_channel in enumerate(of_class):
            for i, line in enumerate(of_channel):
                for j, weight in enumerate(line):
                    out[k] += weight * wide[c, i : i + rows, j : j + cols]
    return out


def softmax(logits):
    """Return probabilities of logits (K, M, N) as (M, N, K)."""
    out = np.empty((*logits.shape[1:], len(logits)))
    for row in range(logits.shape[1]):
        for col in range(logits.shape[2]):
            powers = [np.exp(one - max(logits[:, row, col])) for one in logits[:, row, col]]
            out[row, col] = np.array(powers) / sum(powers)
    return out


def halved(planes):
    """Return the largest of every 2 × 2 pixels of planes (C, M, N)."""
    channels, rows, cols = planes.shape
    out = np.empty((channels, rows // 2, cols // 2))
    for row in range(rows // 2):
        for col in range(cols // 2):
            out[:, row, col] = planes[:, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2].max(axis=(1, 2))
    return out
