"""Slow twins of the scores of pixels, regions and superpixels, as their definitions read; NumPy only."""

import math
from itertools import combinations

import numpy as np


def table(true, pred, void=(), mask=None):
    """Rows, columns and the whole table, pixel by pixel."""
    true, pred = np.asarray(true), np.asarray(pred)
    mask = np.ones(true.shape, bool) if mask is None else np.asarray(mask)
    pairs = [
        (int(t), int(p))
        for t, p, inside in zip(true.ravel(), pred.ravel(), mask.ravel())
        if inside and int(t) not in void
    ]
    rows, cols = sorted({t for t, _ in pairs}), sorted({p for _, p in pairs})
    counts = np.zeros((len(rows), len(cols)), int)
    for t, p in pairs:
        counts[rows.index(t), cols.index(p)] += 1
    return rows, cols, counts


def covering(true, pred):
    covered = 0.0
    for region in np.unique(true):
        inside = true == region
        overlaps = [(inside & (pred == one)).sum() / (inside | (pred == one)).sum() for one in np.unique(pred)]
        covered += inside.sum() * max(overlaps)
    return covered / true.size


def together(labels):
    """For each pair of pixels, whether they lie in one region."""
    return np.array([a == b for a, b in combinations(labels.ravel().tolist(), 2)], bool)


def rand_index(true, pred):
    return float(np.mean(together(true) == together(pred))) if true.size > 1 else 1.0


def adapted_rand(true, pred):
    in_true, in_pred = together(true), together(pred)
    both = (in_true & in_pred).sum()
    precision = both / in_pred.sum() if in_pred.any() else 1.0
    recall = both / in_true.sum() if in_true.any() else 1.0
    error = 1 - 2 * both / (in_true.sum() + in_pred.sum()) if in_true.any() or in_pred.any() else 0.0
    return error, precision, recall


def entropy(*labels):
    """Bits of the joint labels."""
    _, counts = np.unique(np.stack([one.ravel() for one in labels]), axis=1, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def variation_of_information(true, pred):
    joint = entropy(true, pred)
    return joint - entropy(true), joint - entropy(pred)


def class_scores(true, pred, n_classes):
    """Per class, IoU and Dice (NaN for a class in neither); then the means as the definitions read."""
    iou, dice, found = np.full(n_classes, np.nan), np.full(n_classes, np.nan), np.full(n_classes, np.nan)
    for one in range(n_classes):
        in_true, in_pred = true == one, pred == one
        both = (in_true & in_pred).sum()
        if (in_true | in_pred).any():
            iou[one] = both / (in_true | in_pred).sum()
            dice[one] = 2 * both / (in_true.sum() + in_pred.sum())
        if in_true.any():
            found[one] = both / in_true.sum()
    return {
        "pixel_accuracy": (true == pred).mean(),
        "mean_accuracy": np.nanmean(found),
        "mean_iou": np.nanmean(iou),
        "mean_dice": np.nanmean(dice),
        "frequency_weighted_iou": np.mean([iou[one] for one in true.ravel()]),
        "iou": iou,
        "dice": dice,
    }


def achievable_accuracy(true, pred):
    right = sum(max((true[pred == one] == region).sum() for region in np.unique(true)) for one in np.unique(pred))
    return right / true.size


def undersegmentation_error(true, pred, definition):
    if definition == "best-overlap":
        return 1 - achievable_accuracy(true, pred)
    errors, relative = 0, []
    for region in np.unique(true):
        inside = true == region
        touching = 0
        for one in np.unique(pred[inside]):
            overlap, area = (inside & (pred == one)).sum(), (pred == one).sum()
            errors += min(overlap, area - overlap)
            touching += area
        relative.append((touching - inside.sum()) / inside.sum())
    return errors / true.size if definition == "neubert-protzel" else float(np.mean(relative))


def explained_variation(image, labels, mask=None):
    mask = np.ones(labels.shape, bool) if mask is None else mask
    image = np.asarray(image, np.float64).reshape(*labels.shape, -1)
    mean = image[mask].mean(axis=0)
    total = ((image[mask] - mean) ** 2).sum()
    between = 0.0
    for one in np.unique(labels[mask]):
        inside = mask & (labels == one)
        between += inside.sum() * ((image[inside].mean(axis=0) - mean) ** 2).sum()
    return between / total if total else 1.0


def neighbours(row, col):
    return (row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)


def compactness(labels, mask=None):
    n_rows, n_cols = labels.shape
    mask = np.ones(labels.shape, bool) if mask is None else mask
    area, perimeter = {}, {}
    for row, col in np.argwhere(mask).tolist():
        label = int(labels[row, col])
        area[label] = area.get(label, 0) + 1
        for r, c in neighbours(row, col):
            same = 0 <= r < n_rows and 0 <= c < n_cols and mask[r, c] and labels[r, c] == label
            perimeter[label] = perimeter.get(label, 0) + (not same)
    return sum(area[one] * 4 * math.pi * area[one] / perimeter[one] ** 2 for one in area) / mask.sum()


def boundary(labels):
    n_rows, n_cols = labels.shape
    marks = np.zeros(labels.shape, bool)
    for row, col in np.ndindex(labels.shape):
        around = [(r, c) for r, c in neighbours(row, col) if 0 <= r < n_rows and 0 <= c < n_cols]
        marks[row, col] = any(labels[place] != labels[row, col] for place in around)
    return marks


def near(marks, place, radius):
    row, col = place
    return marks[max(row - radius, 0) : row + radius + 1, max(col - radius, 0) : col + radius + 1].any()


def boundary_scores(true, pred, radius):
    """Recall and precision of boundaries with a square window."""
    in_true, in_pred = boundary(true), boundary(pred)
    found = sum(near(in_pred, place, radius) for place in np.argwhere(in_true).tolist())
    wrong = sum(not near(in_true, place, radius) for place in np.argwhere(in_pred).tolist())
    recall = found / in_true.sum() if in_true.any() else 1.0
    return recall, found / (found + wrong) if found + wrong else 1.0
