"""Felzenszwalb's segmentation of a photograph beside scikit-image and opencv-contrib, of one scale and of several."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIKIT_IMAGE, XIMGPROC = "classicseg", "scikit-image", "OpenCV ximgproc"
SIGMA, MIN_SIZE = 0.8, 20
SCALES = (50.0, 100.0, 200.0, 400.0, 800.0)
ALIKE = 0.98  # covering of one segmentation by the other; ours is computed in float32


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [segmentation("Felzenszwalb, tiny", (40, 48), 50.0, {})]
    goals = {SCIKIT_IMAGE: 10.0, XIMGPROC: 4.0}
    return [
        segmentation("Felzenszwalb, 1 MP RGB, scale 100", (1024, 1024), 100.0, goals),
        segmentation("Felzenszwalb, 1 MP RGB, scale 1, the default", (1024, 1024), 1.0, {}),
        segmentation("Felzenszwalb, 1 MP RGB, scale 50, 100, 200, 400 and 800", (1024, 1024), SCALES, {}),
        segmentation("Felzenszwalb, 12 MP RGB, scale 100", (3000, 4000), 100.0, {}, peers=(XIMGPROC,)),
    ]


def segmentation(
    name: str,
    shape: tuple[int, int],
    scale: float | Sequence[float],
    goals: dict[str, float],
    peers: tuple[str, ...] = (SCIKIT_IMAGE, XIMGPROC),
) -> Row:
    slow = shape[0] > 2000 or not isinstance(scale, float)
    return Row(
        name,
        {"shape": list(shape), "scale": scale if isinstance(scale, float) else list(scale)},
        repeats=3 if slow else None,
        contenders=(OURS, *peers),
        once=peers if slow else (),
        goals=goals,
    )


def ours(shape: list[int], scale: float | list[float]) -> Callable[[], Any]:
    from classicseg import felzenszwalb

    image = photograph(*shape)
    return lambda: felzenszwalb(image, scale, SIGMA, MIN_SIZE, n_threads=THREADS)


def scikit_image(shape: list[int], scale: float | list[float]) -> Callable[[], Any]:
    from skimage.segmentation import felzenszwalb

    image = photograph(*shape)
    return each(lambda one: felzenszwalb(image, one, SIGMA, MIN_SIZE), scale)


def ximgproc(shape: list[int], scale: float | list[float]) -> Callable[[], Any]:
    import cv2

    cv2.setNumThreads(THREADS)
    image = photograph(*shape)

    def segment(one: float) -> Any:
        return cv2.ximgproc.segmentation.createGraphSegmentation(SIGMA, one, MIN_SIZE).processImage(image)

    return each(segment, scale)


def each(segment: Callable[[float], Any], scale: float | list[float]) -> Callable[[], Any]:
    """Return a call that segments at one scale, or at several one after the other."""
    if isinstance(scale, float):
        return lambda: segment(scale)
    return lambda: np.stack([segment(one) for one in scale])


def agree(row: Row, outputs: Outputs) -> Agreement:
    """OpenCV's edges and smoothing are of its own: what is told is its number of regions."""
    from classicseg.metrics import covering

    mine = np.atleast_3d(outputs[OURS]["result"].T).T
    texts, apart = [], []
    for name, found in outputs.items():
        if name == OURS:
            continue
        others = np.atleast_3d(found["result"].T).T
        if name == XIMGPROC:
            texts.append(f"{name} {counts(others)} regions, ours {counts(mine)}")
            continue
        alike = float(np.mean([covering(other + 1, one + 1) for one, other in zip(mine, others)]))
        texts.append(f"{name} covered by {alike:.1%}")
        if alike < ALIKE:
            apart.append(name)
    return Agreement(not apart, "; ".join(texts) or f"{counts(mine)} regions", tuple(apart))


def counts(labels: Any) -> list[int]:
    return [int(one.max()) + 1 for one in labels]
