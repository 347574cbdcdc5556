"""Slow twins of the over-segmentation and of the merging by a score, by their definitions."""

import math
from fractions import Fraction

import numpy as np

SIDES = ((-1, 0), (0, -1), (0, 1), (1, 0))


def neighbours(shape, row, col):
    return [(row + r, col + c) for r, c in SIDES if 0 <= row + r < shape[0] and 0 <= col + c < shape[1]]


def basins(relief):
    """Follow the lowest neighbour of every pixel, of equals the first, to the end; number the ends by first pixel."""
    ends = {}
    labels = np.zeros(relief.shape, np.int32)
    for place in np.ndindex(relief.shape):
        if relief[place] == np.inf:
            continue
        at, before = place, None
        while at != before:
            before = at
            at = min([at, *neighbours(relief.shape, *at)], key=lambda one: (relief[one], one))
        labels[place] = ends.setdefault(at, len(ends) + 1)
    return labels


def passes(labels, relief, planes):
    """Return {(low, high): (pairs of pixels, lowest pass, sums of the larger values)} of regions side by side."""
    found = {}
    for row, col in np.ndindex(labels.shape):
        for r, c in neighbours(labels.shape, row, col):
            low, high = labels[row, col], labels[r, c]
            if 0 < low < high:
                count, lowest, sums = found.get((low, high), (0, np.inf, np.zeros(len(planes))))
                here = max(relief[row, col], relief[r, c])
                larger = np.maximum(planes[:, row, col], planes[:, r, c])
                found[low, high] = (count + 1, min(lowest, here), sums + larger)
    return found


def without_small(labels, relief, min_size):
    """Join regions over the passes, the lowest first, where one of the two is too small."""
    labels = labels.copy()
    lowest = {pair: low for pair, (_, low, _) in passes(labels, relief, relief[None]).items()}
    name = {label: label for label in range(1, labels.max() + 1)}
    for low, high in sorted(lowest, key=lambda pair: (lowest[pair], pair)):
        a, b = sorted((name[low], name[high]))
        if a != b and min((labels == a).sum(), (labels == b).sum()) < min_size:
            labels[labels == b] = a
            name = {key: a if value == b else value for key, value in name.items()}
    return np.searchsorted(np.unique(np.append(labels, 0)), labels).astype(np.int32)


def sums(labels, planes, colors, textons, n_codes, label):
    """What region `label` is described by: whole numbers added up, in units that are powers of two."""
    here = labels == label
    largest, n_pixels = max(float(abs(value)) for value in planes[:, labels > 0].ravel()), labels.size
    found = []
    for power in (1, 2):
        unit = Fraction(2) ** (math.frexp(largest**power * n_pixels)[1] - 62)
        found += [
            float(sum(round(Fraction(float(value)) ** power / unit) for value in plane[here])) * float(unit)
            for plane in planes
        ]
    for codes, n in zip((colors, textons), n_codes):
        found += [int((codes[here] == code).sum()) for code in range(n)]
    return found


def features(labels, a, b, planes, strengths, colors, textons, n_codes):
    """What tells two regions apart, of all their pixels."""
    one, other = planes[:, labels == a].astype(np.float64), planes[:, labels == b].astype(np.float64)
    squares = (one.mean(axis=1) - other.mean(axis=1)) ** 2
    statistic = (squares / (one.var(axis=1) + other.var(axis=1) + 25)).sum()
    found = [np.sqrt(squares.sum()) / 30, np.sqrt(squares[0]) / 30, np.sqrt(squares[1:].sum()) / 30]
    found.append(np.sqrt(statistic) / 3)
    for codes, count in zip((colors, textons), n_codes):
        p, q = (np.bincount(codes[labels == r], minlength=count) / (labels == r).sum() for r in (a, b))
        found.append(((p - q) ** 2 / np.where(p + q > 0, p + q, 1)).sum() / 2)
    count, _, sums = passes(labels, strengths[0], strengths)[min(a, b), max(a, b)]
    found.extend(sums / count)
    small, large = sorted((one.shape[1], other.shape[1]))
    n_pixels = (labels > 0).sum()
    return np.array(
        [*found, np.log(small / n_pixels) / 5 + 1, count / np.sqrt(small) / 4, np.log(large / n_pixels) / 5 + 1]
    )


def merge_by_score(labels, weights, *described):
    """Join the pair of least score, of equals the lowest, until none is left; return [(low, high, score)]."""
    labels, steps = labels.copy(), []
    strengths = described[1]
    while True:
        scored = []
        for a, b in passes(labels, strengths[0], strengths):
            found = features(labels, a, b, *described)
            linear, roots, most = weights[:-1].reshape(3, -1)
            counted = np.minimum(found, most)
            score = linear @ counted + roots @ np.sqrt(np.maximum(counted, 0)) + weights[-1]
            scored.append((score, a, b))
        if not scored:
            return steps
        score, a, b = min(scored)
        labels[labels == b] = a
        steps.append((a, b, score))


def contours(labels, merges, heights):
    """At each pixel, the last step that joins one of it and its right, lower and lower right neighbour to another."""
    cuts, regions = [labels.copy()], labels.copy()
    for low, high in merges:
        regions = np.where(regions == high, low, regions)
        cuts.append(regions)
    above = [*np.maximum.accumulate(heights), np.inf] if len(heights) else [np.inf]
    out = np.zeros(labels.shape, np.float32)
    for cut, height in zip(cuts, above):
        for row, col in np.ndindex(labels.shape):
            block = [
                (r, c) for r in (row, row + 1) for c in (col, col + 1) if r < labels.shape[0] and c < labels.shape[1]
            ]
            sides = [(p, q) for p in block for q in block if p < q and (p[0] == q[0] or p[1] == q[1])]
            if any(cut[p] != cut[q] and cut[p] > 0 and cut[q] > 0 for p, q in sides):
                out[row, col] = height
    return out
