"""Why kernels are serial and run on a pool of threads: the same kernel under Numba's `prange`.

The kernel is a k-means step in its plainest form, so that the policy alone is compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from benchmarks.images import photograph
from benchmarks.kmeans import first_centers, matrix
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row
from classicseg._kernels.cpu._jit import jit, run_blocks

THREADS = int(os.environ.get("NUMBA_NUM_THREADS", "2"))
PARTS = 64
BLOCK = 1024  # samples whose distances stay in the first-level cache


@jit
def step_part(columns, centers, labels, sums):
    """Assign the samples of one part, held feature by feature, and add them up; the last sum is the count."""
    n_features, n_samples = columns.shape
    best, distance = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    for start in range(0, n_samples, BLOCK):
        n = min(BLOCK, n_samples - start)
        own = labels[start : start + n]
        best[:] = np.inf
        for k in range(centers.shape[0]):
            distance[:] = 0
            for f in range(n_features):
                column, center = columns[f, start : start + n], centers[k, f]
                for i in range(n):
                    difference = column[i] - center
                    distance[i] += difference * difference
            for i in range(n):
                closer = distance[i] < best[i]
                own[i] = k if closer else own[i]
                best[i] = distance[i] if closer else best[i]
        for i in range(n):
            sums[own[i], n_features] += 1
            for f in range(n_features):
                sums[own[i], f] += columns[f, start + i]


def rows(context: Context) -> list[Row]:
    size = (24, 32) if context.tiny else (1000, 1000)
    found = [
        Row("1 MP RGB, k = 16, one step", {"channels": "RGB", "size": size, "k": 16}),
        Row("1 MP RGBxy, k = 64, one step", {"channels": "RGBxy", "size": size, "k": 64}),
    ]
    return found[:1] if context.tiny else found


def pool(channels: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    columns, centers, labels, bounds = step_arguments(channels, size, k)

    def call() -> Any:
        sums = np.zeros((PARTS, k, len(columns) + 1))

        def part(p: int) -> None:
            a, b = bounds[p], bounds[p + 1]
            step_part(columns[:, a:b], centers, labels[a:b], sums[p])

        run_blocks(part, PARTS, THREADS)
        return {"labels": labels, "sums": sums.sum(axis=0)}

    return call


def prange(channels: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    columns, centers, labels, bounds = step_arguments(channels, size, k)

    @numba.njit(parallel=True, nogil=True)
    def all_parts(columns, centers, labels, bounds, sums):
        for p in numba.prange(PARTS):
            a, b = bounds[p], bounds[p + 1]
            step_part(columns[:, a:b], centers, labels[a:b], sums[p])

    def call() -> Any:
        sums = np.zeros((PARTS, k, len(columns) + 1))
        all_parts(columns, centers, labels, bounds, sums)
        return {"labels": labels, "sums": sums.sum(axis=0)}

    return call


def step_arguments(channels: str, size: tuple[int, int], k: int) -> tuple[Any, Any, Any, Any]:
    image = photograph(*size)
    columns = np.ascontiguousarray(matrix(image, channels, np.float32).T)
    centers = first_centers(image, channels, k).astype(np.float32)
    bounds = np.linspace(0, columns.shape[1], PARTS + 1).astype(np.int64)
    return columns, centers, np.empty(columns.shape[1], np.int32), bounds


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, other = outputs.values()
    same = all(np.array_equal(mine[name], other[name]) for name in mine)
    return Agreement(same, "same bits" if same else "results differ")


CASE = Case(
    name="threading",
    title="Serial kernels on a pool of threads, against the same kernel under prange",
    contenders=(Contender("pool of threads", "pool"), Contender("prange", "prange", own=True)),
    rows=rows,
    agree=agree,
    cold=True,
)
