"""Slow twins of the fast functions, straight from their definitions. Only NumPy."""

import numpy as np


def nearest_centers(samples, centers):
    """Labels and squared distances; a tie goes to the lower index."""
    distance = ((samples[:, None].astype(np.float64) - centers[None].astype(np.float64)) ** 2).sum(axis=2)
    return distance.argmin(axis=1), distance.min(axis=1)


def lloyd(samples, centers, n_iter, weights=None):
    weights = np.ones(len(samples)) if weights is None else weights
    centers = centers.astype(np.float64).copy()
    for _ in range(n_iter):
        labels, _ = nearest_centers(samples, centers)
        for k in range(len(centers)):
            own = labels == k
            if weights[own].sum() > 0:
                centers[k] = (samples[own].astype(np.float64) * weights[own, None]).sum(axis=0) / weights[own].sum()
    labels, distance = nearest_centers(samples, centers)
    return labels, centers, float((distance * weights).sum())


def neighbours(shape, row, col, connectivity):
    for r in range(row - 1, row + 2):
        for c in range(col - 1, col + 2):
            steps = abs(r - row) + abs(c - col)
            if 0 < steps <= connectivity and 0 <= r < shape[0] and 0 <= c < shape[1]:
                yield r, c


def connected_regions(labels, connectivity=1, mask=None):
    inside = labels >= 0
    if mask is not None:
        inside = inside & mask
    regions = np.zeros(labels.shape, np.int32)
    count = 0
    for start in zip(*np.nonzero(inside)):
        if regions[start]:
            continue
        count += 1
        regions[start] = count
        stack = [start]
        while stack:
            here = stack.pop()
            for other in neighbours(labels.shape, *here, connectivity):
                if inside[other] and not regions[other] and labels[other] == labels[here]:
                    regions[other] = count
                    stack.append(other)
    return regions


def merge_small_regions(labels, min_size, image=None, connectivity=1):
    """Merge the smallest region (of equals the lowest number) into its closest neighbour, again and again."""
    regions = labels.astype(np.int64).copy()
    stuck = set()
    while True:
        numbers, areas = np.unique(regions[regions > 0], return_counts=True)
        small = [(a, n) for a, n in zip(areas, numbers) if a < min_size and n not in stuck]
        if not small:
            break
        _, region = min(small)
        border = {}
        for row, col in zip(*np.nonzero(regions == region)):
            for other in neighbours(regions.shape, row, col, connectivity):
                if regions[other] not in (0, region):
                    border[regions[other]] = border.get(regions[other], 0) + 1
        if not border:
            stuck.add(region)
            continue
        if image is None:
            cost = {n: -length for n, length in border.items()}
        else:
            values = image.reshape(*regions.shape, -1).astype(np.float64)
            mean = values[regions == region].mean(axis=0)
            cost = {n: ((values[regions == n].mean(axis=0) - mean) ** 2).sum() for n in border}
        best = min(cost, key=lambda n: (cost[n], n))
        regions[regions == region] = best
    out = np.zeros(regions.shape, np.int32)
    _, first = np.unique(regions[regions > 0], return_index=True)
    for number, number_before in enumerate(regions[regions > 0][np.sort(first)], start=1):
        out[regions == number_before] = number
    return out
