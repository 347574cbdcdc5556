"""The affinity of pixels, radius 5, and its product with a vector: half a stencil beside SciPy's CSR of triplets."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
BOTH = OURS, SCIPY = "classicseg", "SciPy"
RADIUS, SIGMA, SPATIAL_SIGMA = 5, 25.5, 2.5
TOLERANCE = 1e-5  # ours is of float32


class Later:
    """What a result is compared by, computed when it is saved and not while the clock runs."""

    def __init__(self, compute: Callable[[], NDArray[Any]]) -> None:
        self.compute = compute

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.compute(), dtype)


def rows(context: Context) -> list[Row]:
    sizes = {"tiny": (12, 14)} if context.tiny else {"481×321": (321, 481), "1 MP": (1000, 1000)}
    found = []
    for name, size in sizes.items():
        slow = (SCIPY,) if size[0] == 1000 else ()
        found += [
            Row(f"affinity, {name}", {"work": "affinity", "size": size}, None, BOTH, slow, goals={SCIPY: 30}),
            Row(f"product with a vector, {name}", {"work": "product", "size": size}, None, BOTH, goals={SCIPY: 15}),
        ]
    return found


def ours(work: str, size: list[int]) -> Callable[[], Any]:
    from classicseg import pixel_affinity

    image = photograph(*size)

    def build() -> Any:
        return pixel_affinity(image, RADIUS, sigma=SIGMA, spatial_sigma=SPATIAL_SIGMA, n_threads=THREADS)

    if work == "affinity":

        def call() -> Any:
            affinity = build()
            return Later(lambda: affinity.degree.reshape(-1))

        return call
    affinity, vector = build(), vector_of(size).astype(np.float32).reshape(size)
    return lambda: affinity.matvec(vector, n_threads=THREADS).reshape(-1)


def scipy_csr(work: str, size: list[int]) -> Callable[[], Any]:
    image = photograph(*size).astype(np.float64)
    if work == "affinity":

        def call() -> Any:
            graph = sparse(image)
            return Later(lambda: np.asarray(graph.sum(axis=1)).reshape(-1))

        return call
    graph, vector = sparse(image), vector_of(size)
    return lambda: graph @ vector


def vector_of(size: list[int]) -> NDArray[np.float64]:
    return np.random.default_rng(0).random(size[0] * size[1])


def sparse(image: NDArray[np.float64]) -> Any:
    """Return the graph as SciPy's documentation makes one: rows, columns and weights as triplets, then CSR."""
    from scipy.sparse import coo_array

    n_rows, n_cols, _ = image.shape
    index = np.arange(n_rows * n_cols, dtype=np.int32).reshape(n_rows, n_cols)
    one, other, weights = [], [], []
    for down in range(RADIUS + 1):
        for right in range(-RADIUS, RADIUS + 1):
            if down**2 + right**2 > RADIUS**2 or (down == 0 and right <= 0) or down >= n_rows or abs(right) >= n_cols:
                continue
            here = slice(0, n_rows - down), slice(max(0, -right), min(n_cols, n_cols - right))
            there = slice(down, n_rows), slice(max(0, right), min(n_cols, n_cols + right))
            apart = ((image[here] - image[there]) ** 2).sum(axis=2)
            exponent = apart / (2 * SIGMA**2) + (down**2 + right**2) / (2 * SPATIAL_SIGMA**2)
            one.append(index[here].reshape(-1))
            other.append(index[there].reshape(-1))
            weights.append(np.exp(-exponent).reshape(-1))
    row, col, data = (np.concatenate(parts) for parts in (one, other, weights))
    pairs = np.concatenate([row, col]), np.concatenate([col, row])
    return coo_array((np.concatenate([data, data]), pairs), shape=(index.size, index.size)).tocsr()


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, theirs = outputs[OURS]["result"], outputs[SCIPY]["result"]
    apart = float((np.abs(mine - theirs) / np.abs(theirs).max()).max())
    return Agreement(apart <= TOLERANCE, f"within {apart:.0e} of the largest")
