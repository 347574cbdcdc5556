"""Superpixels and connected regions on a GPU: the same labels as on the CPU, and how far from what the device can do.

The floor is counted, not measured: the bytes that an iteration of SLIC must read, the values of every pixel once, and
those that connected regions must read and write, a label of every pixel each. An iteration is the difference of calls
with more and with fewer of them, timed by events on the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu_device import Later, device_name, elapsed_us, rates
from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

LEVELS = 8  # of brightness, whose regions are looked for
TIMED = 20  # iterations that are timed together
BYTES_OF_VALUES, BYTES_OF_LABELS = 12, 8  # per pixel
WORKS = (
    ("superpixels, 12 MP RGB, 12000 segments", (3000, 4000), 12_000),
    ("superpixels, 12 MP RGB, 1000 segments", (3000, 4000), 1000),
    ("superpixels, 1 MP RGB, 1000 segments", (1000, 1000), 1000),
    ("connected regions, 12 MP, 8 levels of a photograph", (3000, 4000), 0),
)


def rows(context: Context) -> list[Row]:
    works = [(name, (24, 40), min(n, 12)) for name, _, n in WORKS[::3]] if context.tiny else WORKS
    return [Row(name, {"shape": list(shape), "n_segments": n}) for name, shape, n in works]


def given(shape: list[int], n_segments: int) -> Any:
    image = photograph(*shape)
    return image if n_segments else (image.mean(axis=2) * (LEVELS / 256)).astype(np.uint8)


def work(image: Any, n_segments: int, **options: Any) -> Any:
    from classicseg import connected_regions, slic

    return slic(image, n_segments, **options) if n_segments else connected_regions(image)


def on_cuda(shape: list[int], n_segments: int) -> Callable[[], Any]:
    """Return the whole work on an image that lies on the device already."""
    from classicseg import to_device

    image = to_device(given(shape, n_segments), "cuda")
    work(image, n_segments)  # compiles
    facts = step_facts(image, n_segments) | {"device": device_name()}
    return lambda: {"result": Later(work(image, n_segments)), **facts}


def step_facts(image: Any, n_segments: int) -> dict[str, float]:
    """Return microseconds of an iteration of SLIC, or of connected regions, and of its floor."""
    few, many = 2, 2 + TIMED

    def timed(**options: Any) -> float:
        return elapsed_us(lambda: work(image, n_segments, **options))

    if n_segments:
        step = [timed(max_num_iter=n, enforce_connectivity=False) for n in (few, many)]
        spent = max((step[1] - step[0]) / TIMED, 1e-3)
    else:
        spent = timed()
    needed = math.prod(image.shape[:2]) * (BYTES_OF_VALUES if n_segments else BYTES_OF_LABELS)
    floor = needed / rates().bytes
    return {"iteration_us": spent, "floor_us": floor, "times_the_floor": spent / floor}


def on_cpu(shape: list[int], n_segments: int) -> Callable[[], Any]:
    image = given(shape, n_segments)
    return lambda: work(image, n_segments)


def agree(row: Row, outputs: Outputs) -> Agreement:
    cuda, cpu = outputs["CUDA"]["result"], outputs["CPU"]["result"]
    if np.array_equal(cuda, cpu):
        return Agreement(True, "same labels as on the CPU")
    return Agreement(False, f"{100 * float((cuda != cpu).mean()):.4f} % of the labels differ")
