"""Pictures and their human segmentations, in folders laid out as the Berkeley data set is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val")
LAYOUT = "images/{train,val}/NAME.jpg and groundTruth/{train,val}/NAME.mat"
INSIDE = (".", "data", "bsds", "BSDS500/data")  # where the layout may begin, below the folder that is given
SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Picture:
    split: str
    name: str
    image: Path
    truth: Path

    def digest(self) -> str:
        return hashlib.sha256(self.image.read_bytes() + self.truth.read_bytes()).hexdigest()[:16]


class Truth(NamedTuple):
    """What people drew on one picture."""

    labels: NDArray[np.int32]  # (n, M, N), one image of labels per annotator
    boundaries: NDArray[np.bool_]  # (n, M, N), thin lines


def pictures_of(folder: Path) -> list[Picture]:
    """Return the pictures of train and val, by name; the name of a picture is that of its files."""
    root = layout_root(folder)
    found = [picture for split in SPLITS for picture in _pictures_of_split(root, split)]
    for split in SPLITS:
        if not any(picture.split == split for picture in found):
            raise SystemExit(f"{folder} has no pictures for {split}; it must hold {LAYOUT}")
    return found


def layout_root(folder: Path) -> Path:
    for inside in INSIDE:
        if all((folder / inside / part / split).is_dir() for part in ("images", "groundTruth") for split in SPLITS):
            return folder / inside
    raise SystemExit(f"{folder} holds no segmented pictures; expected {LAYOUT}, in it or in {', '.join(INSIDE[1:])}")


def _pictures_of_split(root: Path, split: str) -> list[Picture]:
    found = []
    for image in sorted((root / "images" / split).iterdir()):
        if image.suffix.lower() not in SUFFIXES:
            continue
        truth = root / "groundTruth" / split / f"{image.stem}.mat"
        if not truth.is_file():
            raise SystemExit(f"{image.name} has no {truth.name} in groundTruth/{split}; add it, or remove the picture")
        found.append(Picture(split, image.stem, image, truth))
    return found


def read_image(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read_truth(path: Path) -> Truth:
    """Return the label images and boundaries of every annotator from a MATLAB file."""
    from scipy.io import loadmat

    cells = loadmat(path)["groundTruth"].ravel()
    labels = [_field(cell, "Segmentation").astype(np.int32) for cell in cells]
    boundaries = [_field(cell, "Boundaries").astype(bool) for cell in cells]
    return Truth(np.stack(labels), np.stack(boundaries))


def _field(cell: Any, name: str) -> NDArray[Any]:
    return np.asarray(cell[name][0, 0])
