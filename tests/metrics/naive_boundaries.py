"""Slow plain twins of the boundary scores, written from the definitions with NumPy and SciPy."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def boundary_map(labels):
    """By the grid of twice the size that the benchmark draws: pixels, and the cracks between them."""
    labels = np.asarray(labels)
    n_rows, n_cols = labels.shape
    grid = np.zeros((2 * n_rows + 1, 2 * n_cols + 1), bool)
    for row in range(n_rows):
        for col in range(n_cols):
            if row + 1 < n_rows:
                grid[2 * row + 2, 2 * col + 1] = labels[row, col] != labels[row + 1, col]
            if col + 1 < n_cols:
                grid[2 * row + 1, 2 * col + 2] = labels[row, col] != labels[row, col + 1]
    for row in range(2, 2 * n_rows, 2):
        for col in range(2, 2 * n_cols, 2):
            grid[row, col] = grid[row - 1, col] or grid[row + 1, col] or grid[row, col - 1] or grid[row, col + 1]
    grid[-1], grid[:, -1] = grid[-2].copy(), grid[:, -2].copy()
    grid[-1, -1] = False
    return grid[2::2, 2::2]


def thin(mask):
    """Two half steps in turn, each over all pixels at once, until both remove nothing."""
    mask = np.array(mask, bool)
    while True:
        before = mask.copy()
        for second in (False, True):
            gone = [place for place in zip(*np.nonzero(mask)) if goes(around(mask, *place), second)]
            for place in gone:
                mask[place] = False
        if (mask == before).all():
            return mask


def around(mask, row, col):
    """Return the 8 neighbours counterclockwise from the right one, x[1] to x[8], and x[9] = x[1]."""
    wide = np.pad(mask, 1)[row : row + 3, col : col + 3]
    ring = [wide[1, 2], wide[0, 2], wide[0, 1], wide[0, 0], wide[1, 0], wide[2, 0], wide[2, 1], wide[2, 2]]
    return [None, *map(int, ring), int(ring[0])]


def goes(x, second):
    crossings = sum((not x[2 * i - 1]) and (x[2 * i] or x[2 * i + 1]) for i in range(1, 5))
    n1 = sum(x[2 * k - 1] or x[2 * k] for k in range(1, 5))
    n2 = sum(x[2 * k] or x[2 * k + 1] for k in range(1, 5))
    third = ((x[6] or x[7] or not x[4]) and x[5]) if second else ((x[2] or x[3] or not x[8]) and x[1])
    return crossings == 1 and 2 <= min(n1, n2) <= 3 and not third


def costs(true, pred, max_distance):
    """Return the distance of every two pixels in hundredths, rounded, and whether it is small enough."""
    a, b = np.argwhere(true), np.argwhere(pred)
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    limit = (max_distance * np.hypot(*true.shape)) ** 2
    return np.rint(100 * np.sqrt(squared)).astype(np.int64), squared <= limit * (1 + 1e-9)


def match(true, pred, max_distance=0.0075):
    """Return how many pairs there are at most, and their least sum of costs, in hundredths of a pixel.

    The assignment with outliers: every pixel may go to one of its own at a price beyond any sum of distances.
    """
    cost, near = costs(np.asarray(true), np.asarray(pred), max_distance)
    n, m = cost.shape
    outlier = int(cost.max(initial=0)) * (n + m + 1) + 1
    table = np.full((n + m, n + m), 4 * outlier, float)
    table[:n, :m][near] = cost[near]
    table[:n, m:][np.eye(n, dtype=bool)] = outlier
    table[n:, :m][np.eye(m, dtype=bool)] = outlier
    table[n:, m:] = 0
    rows, cols = linear_sum_assignment(table)
    paired = (rows < n) & (cols < m)
    return int(paired.sum()), int(table[rows, cols][paired].sum())


def f_of(recall, precision):
    return 2 * recall * precision / (recall + precision) if recall + precision > 0 else 0.0


def scores(tp_recall, n_recall, tp_precision, n_precision):
    recall = tp_recall / n_recall if n_recall else 0.0
    precision = tp_precision / n_precision if n_precision else 0.0
    return recall, precision, f_of(recall, precision)


def sweep(table, thresholds=None):
    """Return ODS (recall, precision, F, threshold), OIS (the same three) and area of counts (images, T, 4)."""
    pooled = [scores(*setting) for setting in table.sum(axis=0)]
    best = max(((*one, i) for i, one in enumerate(pooled)), key=lambda one: one[2])
    best = (*best[:3], None if thresholds is None else thresholds[best[3]])
    for i in range(1, len(pooled) if thresholds is not None else 0):
        for d in np.linspace(0, 1, 100):
            recall, precision, threshold = (
                d * x[i] + (1 - d) * x[i - 1] for x in (*list(zip(*pooled))[:2], thresholds)
            )
            if f_of(recall, precision) > best[2]:
                best = (recall, precision, f_of(recall, precision), threshold)
    own = [image[int(np.argmax([scores(*setting)[2] for setting in image]))] for image in table]
    curve = {}
    for recall, precision, _ in pooled:
        curve.setdefault(recall, precision)
    at = sorted(curve)
    area = 0.0
    for i in range(101):
        if len(at) > 1 and at[0] <= i / 100 <= at[-1]:
            area += 0.01 * float(np.interp(i / 100, at, [curve[r] for r in at]))
    return best, scores(*np.sum(own, axis=0)), area


def boundary_iou(mask_true, mask_pred, width):
    inner = []
    for mask in (np.asarray(mask_true), np.asarray(mask_pred)):
        wide = np.pad(mask, width)
        near = np.zeros(mask.shape, bool)
        for row, col in zip(*np.nonzero(mask)):
            near[row, col] = not wide[row : row + 2 * width + 1, col : col + 2 * width + 1].all()
        inner.append(near)
    union = (inner[0] | inner[1]).sum()
    return (inner[0] & inner[1]).sum() / union if union else 1.0
