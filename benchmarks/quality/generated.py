"""A small data set in the layout of Berkeley's, for a run without it: flat cells under light, shade and noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHAPE = (96, 144)  # so that the tolerance of boundaries, 0.0075 of the diagonal, exceeds a pixel
CELLS = 6
COUNTS = {"train": 2, "val": 2}


def write_data_set(folder: Path, *, shape: tuple[int, int] = SHAPE, counts: dict[str, int] = COUNTS) -> Path:
    """Write pictures with three annotators each, and return the folder."""
    from PIL import Image
    from scipy.io import savemat

    for s, (split, count) in enumerate(counts.items()):
        for part in ("images", "groundTruth"):
            (folder / part / split).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            rng = np.random.default_rng((s, i))
            cells = cell_labels(rng, shape)
            name = f"{s}{i:03d}"
            Image.fromarray(painted(rng, cells)).save(folder / "images" / split / f"{name}.jpg", quality=95)
            drawn = np.empty((1, 3), object)
            drawn[0, :] = [_segmented(labels) for labels in (cells, joined(cells), shifted(cells))]
            savemat(folder / "groundTruth" / split / f"{name}.mat", {"groundTruth": drawn})
    return folder


def cell_labels(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Return cells 1..CELLS around random sites, every pixel in that of the nearest site."""
    sites = rng.uniform((0, 0), shape, (CELLS, 2))
    rows, cols = np.indices(shape)
    distance = (rows[..., None] - sites[:, 0]) ** 2 + (cols[..., None] - sites[:, 1]) ** 2
    return (distance.argmin(axis=-1) + 1).astype(np.uint16)


def joined(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return what an annotator draws who tells fewer things apart."""
    return (labels + 1) // 2


def shifted(labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return what an annotator draws whose hand is a pixel off."""
    return np.concatenate([labels[:, :1], labels[:, :-1]], axis=1)


def painted(rng: np.random.Generator, labels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    colours = rng.uniform(40, 215, (CELLS, 3))
    light = np.linspace(0.9, 1.1, labels.shape[1])[None, :, None]
    return np.clip(colours[labels - 1] * light + rng.normal(0, 6, (*labels.shape, 3)), 0, 255).astype(np.uint8)


def _segmented(labels: NDArray[np.uint16]) -> dict[str, Any]:
    return {"Segmentation": labels, "Boundaries": borders(labels).astype(np.uint8)}


def borders(labels: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Mark pixels whose right or lower neighbour has another label."""
    found = np.zeros(labels.shape, bool)
    found[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    found[:-1] |= labels[:-1] != labels[1:]
    return found
