"""Why kernels are serial and run on a pool of threads: the same k-means step under Numba's `prange`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from benchmarks.kmeans import first_centers, matrix
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

THREADS = int(os.environ.get("NUMBA_NUM_THREADS", "2"))


def rows(context: Context) -> list[Row]:
    size = (24, 32) if context.tiny else (1000, 1000)
    found = [
        Row("1 MP RGB, k = 16, one step", {"kind": "photograph", "size": size, "k": 16}),
        Row("1 MP RGBxy, k = 64, one step", {"kind": "RGBxy", "size": size, "k": 64}),
    ]
    return found[:1] if context.tiny else found


def pool(kind: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    from classicseg._kernels.cpu.kmeans import lloyd_step

    samples, centers, weights, labels = step_arguments(kind, size, k)

    def call() -> Any:
        sums, mass, inertia = lloyd_step(samples, centers, weights, labels, THREADS)
        return {"labels": labels, "sums": sums, "mass": mass, "inertia": inertia}

    return call


def prange(kind: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    from classicseg._kernels.cpu.kmeans import PARTS, step_part

    samples, centers, weights, labels = step_arguments(kind, size, k)
    centers = centers.astype(np.float32)

    @numba.njit(parallel=True, nogil=True)
    def all_parts(samples, centers, weights, labels, sums, mass, inertia):
        n = samples.shape[0]
        for p in numba.prange(PARTS):
            a, b = p * n // PARTS, (p + 1) * n // PARTS
            step_part(samples[a:b], centers, labels[a:b], weights[a:b], sums[p], mass[p], inertia[p : p + 1])

    def call() -> Any:
        sums, mass, inertia = np.zeros((PARTS, *centers.shape)), np.zeros((PARTS, k)), np.zeros(PARTS)
        all_parts(samples, centers, weights, labels, sums, mass, inertia)
        return {
            "labels": labels,
            "sums": sums.sum(axis=0),
            "mass": mass.sum(axis=0),
            "inertia": inertia.sum(),
        }

    return call


def step_arguments(kind: str, size: tuple[int, int], k: int) -> tuple[Any, Any, Any, Any]:
    samples = matrix(kind, size, np.float32)
    return samples, first_centers(samples, k), np.empty(0), np.empty(len(samples), np.int32)


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, other = outputs.values()
    same = all(np.array_equal(mine[name], other[name]) for name in mine)
    return Agreement(same, "same bits" if same else "results differ")


CASE = Case(
    name="threading",
    title="Serial kernels on a pool of threads, against the same kernel under prange",
    contenders=(Contender("pool of threads", "pool"), Contender("prange", "prange")),
    rows=rows,
    agree=agree,
    cold=True,
)
