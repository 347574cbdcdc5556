"""A few dozen long vectors on a GPU: the twin of the CPU's kernels.

Sums over the vectors come to the host, which decides by them; they are added in another order than on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels.cuda._module import defines, kernels
from classicseg._kernels.cuda._stencil import VALUES

Matrix = NDArray[np.float64]
Move = tuple[Matrix, NDArray[np.int64], NDArray[np.int64], bool]
FUNCTIONS = ("inner_products", "combine", "residuals")
THREADS = 256  # as in blocks.cu
SIDE = 32  # vectors of a tile on either side, as in blocks.cu
GROUPS = 4  # of threads of a block, which have sums of their own, as in blocks.cu
SPAN = 4096  # values of a vector in a block: whole rounds of 256, and fixed, so that sums do not depend on the device
FOUR = 4  # vectors come in multiples of this
MOST = 32  # combinations made at once: registers hold these


def inner_products(left: Any, right: Any, weight: Any, n_threads: int | None = None) -> Matrix:
    """Return the sums (A, B) float64 of ``left * weight * right``, for vectors (A, n) and (B, n), on the host.

    In the vectors' precision over a few dozen values, and in float64 from there on.
    """
    import cupy

    with weight.device as device:
        n_blocks, pairs = -(-weight.size // SPAN), (len(left), len(right))
        found = cupy.empty((n_blocks * GROUPS, *pairs), np.float64)
        grid = (n_blocks, *(-(-n // SIDE) for n in pairs))
        if min(grid) > 0:
            given = left, right, weight, *map(np.int32, pairs), np.int64(weight.size), np.int64(SPAN), found
            _kernels(weight.dtype, FOUR, device).inner_products(grid, (THREADS,), given)
        return _on_host(found)


def combine(moves: Sequence[Move], arrays: Sequence[Any], n_threads: int | None = None) -> None:
    """In each of the arrays (B, n), move after move, replace the vectors `targets` (R,) by combinations, as on the CPU.

    More than MOST are made aside first.
    """
    for factors, sources, targets, add in moves:
        for vectors in arrays:
            with vectors.device:
                _combine(factors, sources, targets, add, vectors)


def _combine(factors: Matrix, sources: NDArray[np.int64], targets: NDArray[np.int64], add: bool, vectors: Any) -> None:
    import cupy

    size, n_targets = vectors.shape[1], len(targets)
    out = vectors if n_targets <= MOST else vectors.copy()
    given = cupy.asarray(sources.astype(np.int32)), np.int32(len(sources))
    for first in range(0, n_targets, MOST):
        these = slice(first, min(first + MOST, n_targets))
        run = _kernels(vectors.dtype, these.stop - first, vectors.device)
        part = cupy.asarray(np.ascontiguousarray(factors[:, these], vectors.dtype))
        to = cupy.asarray(targets[these].astype(np.int32)), np.int32(add), np.int64(size), out
        run.combine((-(-size // THREADS),), (THREADS,), (vectors, part, *given, *to))
    if out is not vectors:
        vectors[...] = out


def residuals(vectors: Any, images: Any, values: Matrix, weight: Any, out: Any, n_threads: int | None = None) -> Matrix:
    """Write ``images - values * vectors`` for K vectors to `out`; return its squares' sums (K,) with `weight`."""
    import cupy

    with weight.device as device:
        n_blocks = -(-weight.size // SPAN)
        found = cupy.empty((n_blocks, len(vectors)), np.float64)
        given = vectors, images, cupy.asarray(values.astype(vectors.dtype)), weight
        sizes = np.int64(weight.size), np.int64(SPAN)
        run = _kernels(weight.dtype, FOUR, device)
        run.residuals((n_blocks, len(vectors)), (THREADS,), (*given, *sizes, out, found))
        return _on_host(found)


def constants_of(dtype: np.dtype[Any], n_results: int) -> tuple[str, ...]:
    """Return the compiler's options for vectors of this dtype and so many combinations at once."""
    return defines(VALUE=VALUES[dtype], RESULTS=n_results)


def _on_host(parts: Any) -> Matrix:
    total: Matrix = parts.sum(axis=0).get()
    return total


def _kernels(dtype: np.dtype[Any], n_results: int, device: Any) -> Any:
    return kernels("blocks", FUNCTIONS, constants_of(dtype, n_results), device.id)
