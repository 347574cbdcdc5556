"""The cues of regions on a GPU: the same bits as on the CPU, and how far from what the device can do.

The floor is counted, not measured: the bytes of a pixel that have to be read and written, where every pass over the
image is one through the device's memory: its colours and the planes made of them, those again for the three gradients
and for the colours, one for the textons, and what is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu_device import Later, device_name, elapsed_us, rates
from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

TIMED = 20  # calls that are timed together
BYTES_OF_PIXEL = 3 + 12 + 4 * 12 + 4 + 3 * 4 + 2
WORKS = (("cues of regions, 12 MP RGB", (3000, 4000)), ("cues of regions, 1 MP RGB", (1000, 1000)))
FOUND = ("strengths", "textons", "colors")


def rows(context: Context) -> list[Row]:
    works = [(name, (24, 40)) for name, _ in WORKS[:1]] if context.tiny else WORKS
    return [Row(name, {"shape": list(shape)}) for name, shape in works]


def on_cuda(shape: list[int]) -> Callable[[], Any]:
    """Return the whole work on an image that lies on the device already."""
    from classicseg import to_device
    from classicseg.features._cues import cues

    image = to_device(photograph(*shape), "cuda")
    cues(image)  # compiles
    spent = max(elapsed_us(lambda: [cues(image) for _ in range(TIMED)]) / TIMED, 1e-3)
    floor = math.prod(shape) * BYTES_OF_PIXEL / rates().bytes
    facts = {"iteration_us": spent, "floor_us": floor, "times_the_floor": spent / floor, "device": device_name()}

    def run() -> dict[str, Any]:
        found = cues(image)
        return {name: Later(getattr(found, name)) for name in FOUND} | facts

    return run


def on_cpu(shape: list[int]) -> Callable[[], Any]:
    from classicseg.features._cues import cues

    image = photograph(*shape)

    def run() -> dict[str, Any]:
        found = cues(image)
        return {name: getattr(found, name) for name in FOUND}

    return run


def agree(row: Row, outputs: Outputs) -> Agreement:
    cuda, cpu = outputs["CUDA"], outputs["CPU"]
    apart = [name for name in FOUND if not np.array_equal(cuda[name], cpu[name])]
    return Agreement(not apart, f"{', '.join(apart)} differ" if apart else "same bits as on the CPU")
