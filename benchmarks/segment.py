"""The good default beside the graph segmentation that scikit-image's users take: its time, growth and memory."""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIKIT_IMAGE = "classicseg", "scikit-image felzenszwalb"
SMALL, LARGE = (321, 481), (3000, 4000)  # a picture of Berkeley's data set, and of a camera
PROMISED = 200  # bytes per pixel, above input and output


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [timed("tiny", (40, 48), {}), measured("tiny", (40, 48))]
    return [
        timed("481 × 321 RGB", SMALL, {SCIKIT_IMAGE: 1.0}),
        timed("12 MP RGB", LARGE, {}, slow=True),
        measured("12 MP RGB", LARGE),
    ]


def timed(at: str, shape: tuple[int, int], goals: dict[str, float], *, slow: bool = False) -> Row:
    parameters = {"shape": list(shape), "memory": False}
    return Row(f"segment, {at}", parameters, repeats=3 if slow else None, once=[SCIKIT_IMAGE] * slow, goals=goals)


def measured(at: str, shape: tuple[int, int]) -> Row:
    return Row(f"memory of segment, {at}", {"shape": list(shape), "memory": True}, repeats=0, contenders=(OURS,))


def ours(shape: list[int], memory: bool) -> Callable[[], Any]:
    from classicseg import segment

    image = photograph(*shape)
    segment(image[:40, :40], n_threads=THREADS)  # compiles, or loads what was compiled

    def traced() -> dict[str, float]:
        tracemalloc.start()  # which NumPy tells of its arrays
        try:
            labels = segment(image, n_threads=THREADS)
            peak = tracemalloc.get_traced_memory()[1] - labels.nbytes
        finally:
            tracemalloc.stop()
        return {"bytes_per_pixel": peak / math.prod(shape)}

    return traced if memory else lambda: segment(image, n_threads=THREADS)


def scikit_image(shape: list[int], memory: bool) -> Callable[[], Any]:
    from skimage.segmentation import felzenszwalb

    image = photograph(*shape)
    return lambda: felzenszwalb(image, 500, 0.8, 800)  # the best of its sweep on Berkeley's pictures


def agree(row: Row, outputs: Outputs) -> Agreement:
    """How well they segment is judged by `quality`; here, only how many regions there are is told."""
    mine = outputs[OURS]
    if row.parameters["memory"]:
        peak = float(mine["bytes_per_pixel"])
        small = math.prod(row.parameters["shape"]) < 1e6  # where tables of a fixed size outweigh the pixels
        return Agreement(small or peak < PROMISED, f"{peak:.1f} bytes per pixel above input and output")
    text = f"{int(mine['result'].max())} regions"
    if SCIKIT_IMAGE in outputs:
        text += f", {SCIKIT_IMAGE} {int(outputs[SCIKIT_IMAGE]['result'].max()) + 1}"
    return Agreement(True, text)


CASE = Case(
    name="segment",
    title="segment, the good default, beside a method of its speed",
    contenders=(Contender(OURS, "ours"), Contender(SCIKIT_IMAGE, "scikit_image", ("scikit-image",))),
    rows=rows,
    agree=agree,
)
