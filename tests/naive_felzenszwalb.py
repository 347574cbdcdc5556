"""The slow twin of `felzenszwalb`: all edges in one sorted list, regions as lists of pixels. NumPy and SciPy only."""

import numpy as np
from scipy import ndimage

STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))  # right, down, down right, down left


def smoothed(image, sigma, mask=None):
    """Image (M, N, C) as float64; the mean of the pixels inside, weighted by a Gaussian."""
    values = image.astype(np.float64)
    if mask is None:
        return ndimage.gaussian_filter(values, (sigma, sigma, 0))
    weight = ndimage.gaussian_filter(mask.astype(np.float64), sigma)
    values[~mask] = 0
    return ndimage.gaussian_filter(values, (sigma, sigma, 0)) / np.where(mask, weight, 1)[..., None]


def sorted_edges(values, mask, dtype):
    """Weight and both pixels of every edge, the lightest first, then by direction, then by the upper pixel."""
    rows, cols = values.shape[:2]
    edges = []
    for direction, (down, right) in enumerate(STEPS):
        for row, col in np.ndindex(rows, cols):
            other = row + down, col + right
            if other[0] >= rows or not 0 <= other[1] < cols or not (mask[row, col] and mask[other]):
                continue
            difference = (values[row, col] - values[other]).astype(dtype)
            squares = dtype(0)
            for one in difference:
                squares += one * one
            edges.append((np.sqrt(squares), direction, (row, col), other))
    return sorted(edges)


def felzenszwalb(values, scale, min_size, mask=None, dtype=np.float64):
    """Labels from 0 by first pixel, -1 outside, of values (M, N, C) as they are compared, `scale` in their units."""
    mask = np.ones(values.shape[:2], bool) if mask is None else mask
    region_of = {pixel: [pixel] for pixel in np.ndindex(mask.shape) if mask[pixel]}
    limit = {pixel: dtype(scale) for pixel in region_of}  # by the first pixel of the list

    def join(one, other):
        one.extend(other)
        region_of.update(dict.fromkeys(other, one))

    edges = sorted_edges(values.astype(dtype), mask, dtype)
    for weight, _, *ends in edges:
        one, other = (region_of[end] for end in ends)
        if one is not other and weight < min(limit[one[0]], limit[other[0]]):
            join(one, other)
            limit[one[0]] = dtype(weight + scale / len(one))
    for _, _, *ends in edges:
        one, other = (region_of[end] for end in ends)
        if one is not other and min(len(one), len(other)) < min_size:
            join(one, other)
    out, numbers = np.full(mask.shape, -1), {}
    for pixel, region in region_of.items():
        out[pixel] = numbers.setdefault(region[0], len(numbers))
    return out
