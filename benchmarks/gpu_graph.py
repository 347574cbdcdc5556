"""Graphs of pixels on a GPU: the same weights as on the CPU, and how far from what the device can do.

The floor is counted, not measured: the bytes that are written or read at least. The affinity writes each weight and
reads the features; a product reads each weight once, and reads and writes the vectors; a step of the eigen-solver
reads each weight three times, twice to solve about and once for the directions found.
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
TOLERANCE = {"product": 1e-5, "eigenvectors": 1e-2}  # of the largest product, of the mean eigenvalue
READS = {"affinity": 1, "product": 1, "eigenvectors": 3}  # of each weight
WORKS = (
    ("affinity, 1 MP RGB, radius 5", "affinity", 0),
    ("affinity times one vector, 1 MP, radius 5", "product", 1),
    ("affinity times 16 vectors, 1 MP, radius 5", "product", 16),
    ("16 eigenvectors, 1 MP, radius 5", "eigenvectors", 16),
)


def rows(context: Context) -> list[Row]:
    shape, most = ([24, 40], 3) if context.tiny else ([1000, 1000], 16)
    works = [(name, work, min(n, most)) for name, work, n in WORKS]
    return [Row(name, {"shape": shape, "work": work, "n_vectors": n}) for name, work, n in works]


def work_of(shape: list[int], work: str, n_vectors: int, place: Callable[[Any], Any]) -> Callable[[], Any]:
    """Return the work on arrays that `place` has put where it is done."""
    from classicseg import pixel_affinity, spectral_embedding

    image = place(photograph(*shape))

    def build() -> Any:
        return pixel_affinity(image, RADIUS, sigma=SIGMA)

    if work == "affinity":
        return lambda: build().weights
    affinity = build()
    if work == "eigenvectors":
        return lambda: spectral_embedding(affinity, n_vectors)
    vectors = place(np.random.default_rng(0).random((n_vectors, *shape), np.float32))
    return lambda: affinity.matvec(vectors)


def on_cuda(shape: list[int], work: str, n_vectors: int) -> Callable[[], Any]:
    """Return the whole work on arrays that lie on the device already."""
    from classicseg import to_device

    call = work_of(shape, work, n_vectors, lambda array: to_device(array, "cuda"))
    first = call()  # compiles
    times = 1 if work == "eigenvectors" else TIMED

    def often() -> None:
        for _ in range(times):
            call()

    times_each = times * max(1, getattr(first, "n_iter", 1))
    spent, floor = elapsed_us(often) / times_each, bytes_of(shape, work, n_vectors) / rates().bytes
    facts = {"iteration_us": spent, "floor_us": floor, "times_the_floor": spent / floor, "device": device_name()}
    return lambda: {"result": shown(call()), **facts}


def shown(result: Any) -> Any:
    """Return what is compared: weights or products, or the eigenvalues."""
    return result.eigenvalues if hasattr(result, "eigenvalues") else Later(result)


def bytes_of(shape: list[int], work: str, n_vectors: int) -> int:
    """Return the bytes of the weights, and of the features or of vectors and their products."""
    from classicseg.graph._stencil import offsets_of

    n_links = len(offsets_of(RADIUS, (shape[0], shape[1])))
    return math.prod(shape) * 4 * READS[work] * (n_links + (2 * n_vectors if n_vectors else 3))


def on_cpu(shape: list[int], work: str, n_vectors: int) -> Callable[[], Any]:
    call = work_of(shape, work, n_vectors, lambda array: array)
    return (lambda: call().eigenvalues) if work == "eigenvectors" else call


def agree(row: Row, outputs: Outputs) -> Agreement:
    cuda, cpu = outputs["CUDA"]["result"], outputs["CPU"]["result"]
    work = row.parameters["work"]
    if work == "affinity":
        same = np.array_equal(cuda, cpu)
        return Agreement(same, "same bits as on the CPU" if same else f"{int((cuda != cpu).sum())} weights differ")
    unit = np.abs(cpu).max() if work == "product" else cpu.mean()
    apart = float(np.abs(cuda - cpu).max() / unit)
    return Agreement(
        apart <= TOLERANCE[work], f"within {apart:.0e} of the {'largest' if work == 'product' else 'mean'}"
    )
