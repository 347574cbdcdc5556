"""SLIC: colours beside scikit-image, opencv-contrib and fast-slic, 10 iterations; the labels are scikit-image's.

fast-slic looks at a part of the pixels in each iteration, by default; both forms of it measure positions along rows
plus columns.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIKIT_IMAGE, XIMGPROC = "classicseg", "scikit-image", "OpenCV ximgproc"
SOME, EVERY = "fast-slic", "fast-slic, every pixel"
COMPACTNESS, ITERATIONS = 10.0, 10
ALIKE = 0.99  # share of pixels of one label; near ties part the rest


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [superpixels("SLIC, tiny", (40, 48), 12, {})]
    fast = {SOME: 1.1, EVERY: 1.8}
    return [
        superpixels("SLIC, 1 MP RGB, 1000", (1024, 1024), 1000, {SCIKIT_IMAGE: 30.0, XIMGPROC: 18.0, **fast}),
        superpixels("SLIC, 12 MP RGB, 1000", (3000, 4000), 1000, {SCIKIT_IMAGE: 24.0, XIMGPROC: 18.0, **fast}),
        superpixels("SLIC, 12 MP RGB, 12000", (3000, 4000), 12000, {}),
    ]


def superpixels(name: str, shape: tuple[int, int], n_segments: int, goals: dict[str, float]) -> Row:
    slow, fast = (SCIKIT_IMAGE, XIMGPROC), (SOME, EVERY)
    return Row(
        name,
        {"shape": list(shape), "n_segments": n_segments},
        repeats=None if shape[0] < 2000 else 3,
        contenders=(OURS, *slow, *fast),
        once=slow if shape[0] > 2000 else (),
        goals=goals,
    )


def picture(shape: list[int]) -> np.ndarray:
    """Return a photograph with black and white in it, which scikit-image scales by."""
    image = photograph(*shape)
    image[0, :2] = np.array([[0], [255]])
    return image


def ours(shape: list[int], n_segments: int) -> Callable[[], Any]:
    from classicseg import slic

    image = picture(shape)
    return lambda: slic(image, n_segments, COMPACTNESS, ITERATIONS, n_threads=THREADS)


def scikit_image(shape: list[int], n_segments: int) -> Callable[[], Any]:
    from skimage.segmentation import slic

    image = picture(shape)
    return lambda: slic(image, n_segments, COMPACTNESS, ITERATIONS)


def ximgproc(shape: list[int], n_segments: int) -> Callable[[], Any]:
    import cv2

    cv2.setNumThreads(THREADS)
    image = picture(shape)
    side = round((shape[0] * shape[1] / n_segments) ** 0.5)

    def segment() -> Any:
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2Lab)
        made = cv2.ximgproc.createSuperpixelSLIC(lab, cv2.ximgproc.SLIC, side, COMPACTNESS)
        made.iterate(ITERATIONS)
        made.enforceLabelConnectivity(25)
        return made.getLabels()

    return segment


def fast_slic(shape: list[int], n_segments: int) -> Callable[[], Any]:
    return _fast_slic(shape, n_segments)


def fast_slic_every_pixel(shape: list[int], n_segments: int) -> Callable[[], Any]:
    return _fast_slic(shape, n_segments, subsample_stride=1)


def _fast_slic(shape: list[int], n_segments: int, **options: Any) -> Callable[[], Any]:
    from fast_slic.avx2 import SlicAvx2

    image = picture(shape)

    def segment() -> Any:  # anew: a model that was used goes on from its centers
        made = SlicAvx2(num_components=n_segments, compactness=COMPACTNESS, num_threads=THREADS, **options)
        return made.iterate(image, ITERATIONS)

    return segment


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Others' superpixels but scikit-image's are others by definition: what is told is their number."""
    mine = outputs[OURS]["result"]
    texts, apart = [], []
    for name, found in outputs.items():
        if name == OURS:
            continue
        other = found["result"]
        if name != SCIKIT_IMAGE:
            texts.append(f"{name} {len(np.unique(other))} superpixels, ours {int(mine.max())}")
            continue
        same = float((mine == other).mean())
        texts.append(f"{name} {same:.2%} equal")
        if same < ALIKE:
            apart.append(name)
    return Agreement(not apart, "; ".join(texts), tuple(apart))
