"""How good superpixels are on pictures that people segmented, picture by picture beside scikit-image's SLIC.

The time is that of all pictures, one after the other. Without such pictures, generated ones stand for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.data import Picture, pictures_of, read_image, read_truth
from benchmarks.quality.generated import write_data_set
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIKIT_IMAGE = "classicseg", "scikit-image"
NAMES = ("boundary recall", "under-segmentation error", "achievable accuracy", "explained variation")
WORSE = 2.0  # standard errors of a mean by which a score must not be the worse


def rows(context: Context) -> list[Row]:
    folder = context.data if context.data and not context.tiny and has_pictures(context.data) else None
    if folder is None:
        folder = write_data_set(context.scratch / "pictures")
    what = "generated pictures" if folder != context.data else "photographs"
    return [
        Row(
            f"SLIC, {len(pictures_of(folder))} {what}, {n_segments} superpixels",
            {"folder": str(folder), "n_segments": n_segments},
            repeats=2 if context.tiny else 3,
            contenders=(OURS, SCIKIT_IMAGE),
        )
        for n_segments in ((60,) if context.tiny else (100, 400, 1000))
    ]


def has_pictures(folder: Path) -> bool:
    try:
        return bool(pictures_of(folder))
    except SystemExit:  # none of the layout
        return False


def ours(folder: str, n_segments: int) -> Callable[[], Any]:
    from classicseg import slic

    return each(folder, lambda image: slic(image, n_segments, n_threads=THREADS))


def scikit_image(folder: str, n_segments: int) -> Callable[[], Any]:
    from skimage.segmentation import slic

    return each(folder, lambda image: slic(image, n_segments))


def each(folder: str, segment: Callable[[Any], Any]) -> Callable[[], dict[str, Any]]:
    images = {key(picture): read_image(picture.image) for picture in pictures_of(Path(folder))}
    return lambda: {name: segment(image) for name, image in images.items()}


def key(picture: Picture) -> str:
    return f"{picture.split}-{picture.name}"


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Tell by how much our scores are the better, mean and standard error over the pictures."""
    pictures = pictures_of(Path(row.parameters["folder"]))
    found = np.array([[scores(picture, made[key(picture)]) for picture in pictures] for made in outputs.values()])
    counts = [sum(len(np.unique(made[key(picture)])) for picture in pictures) for made in outputs.values()]
    gains = found[0] - found[1]
    mean, error = gains.mean(axis=0), gains.std(axis=0, ddof=1) / len(gains) ** 0.5
    texts = [
        f"{name} {abs(own):.4f} ({gain:+.4f} ± {noise:.4f})"
        for name, own, gain, noise in zip(NAMES, found[0].mean(axis=0), mean, error)
    ]
    good = bool((mean >= -WORSE * error).all())
    return Agreement(good, f"{', '.join(texts)}, + is better; {counts[0]} and {counts[1]} superpixels")


def scores(picture: Picture, labels: Any) -> NDArray[np.float64]:
    """Return the scores of one picture, each the better the higher, as means over those who segmented it."""
    from classicseg import metrics

    people = read_truth(picture.truth).labels
    return np.array(
        [
            np.mean([metrics.boundary_recall(one, labels) for one in people]),
            -np.mean([metrics.undersegmentation_error(one, labels) for one in people]),
            np.mean([metrics.achievable_segmentation_accuracy(one, labels) for one in people]),
            metrics.explained_variation(read_image(picture.image), labels),
        ]
    )
