"""The slow twin of `slic`: every center looks at every pixel of its window, in float64. Only NumPy."""

import numpy as np

STEPS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def window(center, reach, shape):
    """First row, row after the last, first column, column after the last."""
    low = [int(max(c - 2 * r, 0)) for c, r in zip(center, reach)]
    high = [int(min(c + 2 * r + 1, side)) for c, r, side in zip(center, reach, shape)]
    return low[0], high[0], low[1], high[1]


def distances(values, positions, colors, weights, spacing, reach):
    """Distances (K, M, N) of all pixels from all centers, infinite outside their windows."""
    shape = values.shape[:2]
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    out = np.full((len(positions), *shape), np.inf)
    for k, (position, color, weight) in enumerate(zip(positions, colors, weights)):
        if np.isnan(position).any():
            continue
        r0, r1, c0, c1 = window(position, reach, shape)
        here = np.s_[r0:r1, c0:c1]
        away = ((rows[here] - position[0]) * spacing[0]) ** 2 + ((cols[here] - position[1]) * spacing[1]) ** 2
        out[k][here] = away + weight * ((values[here] - color) ** 2).sum(axis=2)
    return out


def means(labels, values, n):
    """Positions and colors of the segments; NaN for those that are empty."""
    rows, cols = np.mgrid[: labels.shape[0], : labels.shape[1]]
    positions, colors = np.full((n, 2), np.nan), np.full((n, values.shape[2]), np.nan)
    for k in np.unique(labels[labels >= 0]):
        mine = labels == k
        positions[k], colors[k] = (rows[mine].mean(), cols[mine].mean()), values[mine].mean(axis=0)
    return positions, colors


def clustered(values, starts, step, reach, compactness, *, iterations=10, spacing=(1, 1), zero=False, inside=None):
    """Index of each pixel's center, -1 outside; `values` (M, N, C) as they are compared."""
    inside = np.ones(values.shape[:2], bool) if inside is None else inside
    values = np.where(inside[..., None], values, 0).astype(np.float64)
    n, full = len(starts), (step / compactness) ** 2
    positions, colors, weights = starts.astype(float), np.zeros((n, values.shape[2])), np.zeros(n)

    def nearest():
        away = distances(values, positions, colors, weights, spacing, reach)
        return np.where(inside & np.isfinite(away.min(axis=0)), away.argmin(axis=0), -1)

    if not inside.all():
        for _ in range(iterations):
            positions, colors = means(nearest(), values, n)
        weights = np.full(n, full)
    farthest = np.ones(n)
    for _ in range(iterations - 1):
        labels = nearest()
        positions, colors = means(labels, values, n)
        weights = np.full(n, full)
        if zero:
            for k in np.unique(labels[labels >= 0]):
                apart = ((values[labels == k] - colors[k]) ** 2).sum(axis=1).max() / compactness**2
                farthest[k] = max(farthest[k], apart)
            weights = full / farthest
    return nearest()


def walk(labels, start, taken, most):
    """Pixels of one label from `start` on, breadth first, at most `most`; and the neighbours met, in order."""
    queue, met, seen = [start], [], 0
    member = {start}
    while seen < len(queue) < most or (seen < len(queue) and most >= labels.size):
        row, col = queue[seen]
        for dr, dc in STEPS:
            other = row + dr, col + dc
            if not (0 <= other[0] < labels.shape[0] and 0 <= other[1] < labels.shape[1]):
                continue
            if labels[other] == labels[start] and other not in taken and other not in member:
                member.add(other)
                queue.append(other)
                if len(queue) >= most:
                    break
            elif other not in member:
                met.append(other)
        seen += 1
    return queue, met


def connected(labels, min_size, max_size):
    """What scikit-image does with labels (M, N) that start anywhere: parts in raster order, each cut or joined."""
    out = np.zeros(labels.shape, int)
    taken, count = {}, 1
    for pixel in np.ndindex(labels.shape):
        if pixel in taken:
            continue
        part, met = walk(labels, pixel, taken, max_size)
        if len(part) >= max_size:
            met = []
        before = [taken[other] for other in met if other in taken and taken[other] != count]
        mine = before[-1] if len(part) < min_size and before else count
        taken.update(dict.fromkeys(part, mine))
        count += len(part) >= min_size
    for pixel, label in taken.items():
        out[pixel] = label
    return out
