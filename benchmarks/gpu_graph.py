"""Graphs of pixels on a GPU: the same weights as on the CPU, and how far from what the device can do.

The floor is counted, not measured: the bytes that are written or read at least. The affinity writes each weight and
reads the features; a product reads each weight once, and reads and writes the vectors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu_device import Later, device_name, elapsed_us, rates
from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

RADIUS, SIGMA = 5, 25.5
TIMED = 20  # times that a work is done while the device's clock runs
TOLERANCE = 1e-5  # of products, which are summed in another order, of the largest
WORKS = (
    ("affinity, 1 MP RGB, radius 5", (1000, 1000), 0),
    ("affinity times one vector, 1 MP, radius 5", (1000, 1000), 1),
    ("affinity times 16 vectors, 1 MP, radius 5", (1000, 1000), 16),
)


def rows(context: Context) -> list[Row]:
    works = [(name, (12, 40), n) for name, _, n in WORKS[::2]] if context.tiny else WORKS
    return [Row(name, {"shape": list(shape), "n_vectors": n}) for name, shape, n in works]


def work_of(shape: list[int], n_vectors: int, place: Callable[[Any], Any]) -> Callable[[], Any]:
    """Return the work on arrays that `place` has put where it is done."""
    from classicseg import pixel_affinity

    image = place(photograph(*shape))

    def build() -> Any:
        return pixel_affinity(image, RADIUS, sigma=SIGMA)

    if not n_vectors:
        return lambda: build().weights
    affinity = build()
    vectors = place(np.random.default_rng(0).random((n_vectors, *shape), np.float32))
    return lambda: affinity.matvec(vectors)


def on_cuda(shape: list[int], n_vectors: int) -> Callable[[], Any]:
    """Return the whole work on arrays that lie on the device already."""
    from classicseg import to_device

    work = work_of(shape, n_vectors, lambda array: to_device(array, "cuda"))
    work()  # compiles

    def often() -> None:
        for _ in range(TIMED):
            work()

    spent, floor = elapsed_us(often) / TIMED, bytes_of(shape, n_vectors) / rates().bytes
    facts = {"iteration_us": spent, "floor_us": floor, "times_the_floor": spent / floor, "device": device_name()}
    return lambda: {"result": Later(work()), **facts}


def bytes_of(shape: list[int], n_vectors: int) -> int:
    """Return the bytes of the weights, and of the features or of vectors and their products."""
    from classicseg.graph._stencil import offsets_of

    n_links = len(offsets_of(RADIUS, (shape[0], shape[1])))
    return math.prod(shape) * 4 * (n_links + (2 * n_vectors if n_vectors else 3))


def on_cpu(shape: list[int], n_vectors: int) -> Callable[[], Any]:
    return work_of(shape, n_vectors, lambda array: array)


def agree(row: Row, outputs: Outputs) -> Agreement:
    cuda, cpu = outputs["CUDA"]["result"], outputs["CPU"]["result"]
    if not row.parameters["n_vectors"]:
        same = np.array_equal(cuda, cpu)
        return Agreement(same, "same bits as on the CPU" if same else f"{int((cuda != cpu).sum())} weights differ")
    apart = float(np.abs(cuda - cpu).max() / np.abs(cpu).max())
    return Agreement(apart <= TOLERANCE, f"within {apart:.0e} of the largest")
