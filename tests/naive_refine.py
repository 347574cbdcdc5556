"""Slow twins of what refiners are told about regions, a region at a time from its pixels. Only NumPy."""

import naive_cues
import naive_regions
import numpy as np


def features(names, planes, labels):
    """Return {name: one number per region} of channels (C, M, N), 0 outside the regions."""
    values = np.moveaxis(planes.astype(np.float64), 0, -1)
    rows = [naive_regions.region_row(labels, label, values) for label in numbers(labels)]
    steep = [naive_cues.strength(planes, labels > 0, sigma) for sigma in (1.0, 2.0)]
    found = [region_features(labels, row, names, steep) for row in rows]
    graph = naive_regions.region_graph(labels, values)
    for own, row in zip(found, rows):
        around = {sum(pair) - row["label"]: edge for pair, edge in graph.items() if row["label"] in pair}
        for c, name in enumerate(names):
            means = [other[f"mean_{c}"] for other in rows if other["label"] in around]
            own[f"{name}_relative"] = row[f"mean_{c}"] - np.median(means or [row[f"mean_{c}"]])
        sides = sum(length for length, _ in around.values())
        own["contrast_mean"] = sum(length * contrast for length, contrast in around.values()) / max(sides, 1)
        own["contrast_max"] = max((contrast for _, contrast in around.values()), default=0)
    return {name: np.array([own[name] for own in found]) for name in found[0]}


def numbers(labels):
    return np.unique(labels[labels > 0])


def region_features(labels, row, names, steep):
    own = labels == row["label"]
    found = {f"{n}_{s}": row[f"{s}_{c}"] for c, n in enumerate(names) for s in ("mean", "std", "min", "max")}
    found |= {"texture_fine": steep[0][own].mean(), "texture_coarse": steep[1][own].mean()}
    places = np.argwhere(own)
    spread = np.cov(places.T, bias=True) + np.eye(2) / 12  # that of the squares that pixels are
    across, along = np.linalg.eigvalsh(spread)
    box = np.prod(np.ptp(places, axis=0) + 1)
    return found | {
        "log_area": np.log(len(places)),
        "log_perimeter": np.log(1 + row["perimeter"]),
        "elongation": 1 - np.sqrt(across / along),
        "extent": len(places) / box,
        "fullness": len(places) / (4 * np.pi * np.sqrt(across * along)),
        "row": (row["centroid_row"] + 0.5) / labels.shape[0],
        "col": (row["centroid_col"] + 0.5) / labels.shape[1],
        "touches_border": float(row["touches_border"]),
    }


def edges(labels):
    """Return rows of neighbours (E, 2) and how many sides of pixels they share (E,)."""
    row_of = {label: row for row, label in enumerate(numbers(labels).tolist())}
    graph = naive_regions.region_graph(labels)
    pairs = [(row_of[a], row_of[b]) for a, b in graph]
    return np.array(pairs).reshape(-1, 2), np.array([length for length, _ in graph.values()])
