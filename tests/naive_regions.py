"""Slow twins of what is found out about regions, a region at a time from its pixels. Only NumPy."""

import numpy as np


def region_table(labels, image=None):
    """Columns of every region, as `classicseg.region_table` names them."""
    rows = [region_row(labels, label, image) for label in np.unique(labels[labels > 0])]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def region_row(labels, label, image):
    own = labels == label
    places = np.argwhere(own)
    center = places.mean(axis=0)
    row = {"label": label, "area": len(places)}
    row["row_min"], row["col_min"] = places.min(axis=0)
    row["row_max"], row["col_max"] = places.max(axis=0) + 1
    row["centroid_row"], row["centroid_col"] = center
    row["medoid_row"], row["medoid_col"] = places[((places - center) ** 2).sum(axis=1).argmin()]
    row["perimeter"] = perimeter(own)
    row["touches_border"] = own[[0, -1]].any() or own[:, [0, -1]].any()
    if image is None:
        return row
    values = image[own].astype(np.float64)
    for name in ("mean", "std", "min", "max", "median"):
        found = getattr(np, name)(values, axis=0)
        row |= {name: found} if image.ndim == 2 else {f"{name}_{c}": one for c, one in enumerate(found)}
    return row


def perimeter(own):
    """Add up the steps at the border pixels of one region, by its border pixels around each."""
    padded = np.pad(own, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    border = np.pad(own & ~inner, 1).astype(int)
    total = 0.0
    for row, col in np.argwhere(border):
        around = border[row - 1 : row + 2, col - 1 : col + 2]
        corners = around[::2, ::2].sum()
        sides = around.sum() - 1 - corners
        if sides in (2, 3) and corners <= 2:
            total += 1
        elif (sides, corners) in ((0, 2), (1, 3)):
            total += np.sqrt(2)
        elif (sides, corners) in ((1, 1), (1, 2)):
            total += (1 + np.sqrt(2)) / 2
    return total


def region_graph(labels, image=None, connectivity=1):
    """Return {(a, b): (pairs of pixels, mean difference across them)} with a < b."""
    values = np.zeros((*labels.shape, 0)) if image is None else image.reshape(*labels.shape, -1).astype(np.float64)
    steps = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if connectivity == 2 else [])
    found = {}
    for row, col in np.ndindex(labels.shape):
        for down, right in steps:
            r, c = row + down, col + right
            if not (r < labels.shape[0] and 0 <= c < labels.shape[1]):
                continue
            a, b = sorted((int(labels[row, col]), int(labels[r, c])))
            if 0 < a < b:
                distance = np.sqrt(((values[row, col] - values[r, c]) ** 2).sum())
                found.setdefault((a, b), []).append(distance)
    return {pair: (len(all_of), np.mean(all_of)) for pair, all_of in sorted(found.items())}


def merge_steps(labels, image, linkage):
    """Join the closest pair of neighbours, of equals the lowest, until none is left; return [(low, high, weight)]."""
    values = image.reshape(*labels.shape, -1).astype(np.float64)
    regions = labels.copy()
    parts = {int(label): [int(label)] for label in np.unique(labels[labels > 0])}
    leaves = region_graph(labels, image)
    steps = []
    while True:
        candidates = []
        for a, b in region_graph(regions):
            of_a, of_b = values[regions == a], values[regions == b]
            between = [edge for edge in leaves if (edge[0] in parts[a]) + (edge[1] in parts[a]) == 1]
            between = [edge for edge in between if (edge[0] in parts[b]) + (edge[1] in parts[b]) == 1]
            weight = WEIGHTS[linkage](of_a, of_b, [leaves[edge] for edge in between], between, values, labels)
            candidates.append((weight, a, b))
        if not candidates:
            return steps
        weight, a, b = min(candidates)
        regions[regions == b] = a
        parts[a] += parts.pop(b)
        steps.append((a, b, weight))


def ward(of_a, of_b, *_):
    """How much the squared deviations from the means grow."""
    both = np.concatenate([of_a, of_b])
    return sum(sign * ((of - of.mean(axis=0)) ** 2).sum() for sign, of in ((1, both), (-1, of_a), (-1, of_b)))


def mean(of_a, of_b, *_):
    return np.linalg.norm(of_a.mean(axis=0) - of_b.mean(axis=0))


def single(of_a, of_b, borders, between, values, labels):
    return min(mean(values[labels == a], values[labels == b]) for a, b in between)


def contrast(of_a, of_b, borders, *_):
    return sum(pairs * one for pairs, one in borders) / sum(pairs for pairs, _ in borders)


WEIGHTS = {"ward": ward, "mean": mean, "single": single, "contrast": contrast}
