"""Grids of ever fewer points on a GPU: the twin of the CPU's kernels.

Points, parts, values on coarser grids and the sums of points have the bits of the CPU's. The links of a coarser grid
are summed in another order, and so are the products of a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels.cuda._module import kernels
from classicseg._kernels.cuda._stencil import (
    PRODUCT_THREADS,
    launch,
    margins,
    n_tiles,
    padded_columns,
    runs,
    shares,
    sizes,
)
from classicseg._kernels.cuda._stencil import stencil as stencil_of
from classicseg._kernels.cuda.affinity import pad, unpad
from classicseg._kernels.cuda.regions_connected import FUNCTIONS as NUMBERED
from classicseg._kernels.cuda.regions_connected import MOST_PIXELS, number

__all__ = [
    "coarse_weights", "components", "gathered", "join", "pad", "padded_columns", "parents", "prolong", "restrict",
    "step", "strongest", "unpad", "zeros",
]  # fmt: skip

FUNCTIONS = ("parents", "gather", "join_weights", "restrict_to", "prolong")
PARTS = ("join_links", "join_partners", "highest", "first_of_highest", "partners")
BEYOND = np.iinfo(np.int64).max  # the number of no link


def zeros(shape: tuple[int, ...], dtype: Any, there: Any) -> Any:
    """Return an array of zeros where `there` lies."""
    import cupy

    with there.device:
        return cupy.zeros(shape, dtype)


def parents(weights: Any, offsets: NDArray[np.int64], shape: tuple[int, int], n_threads: int | None = None) -> Any:
    """Return the coarse point of each pixel, (M, N) int32, by its number in raster order."""
    import cupy

    index_of = np.full((2, 3), -1, np.int32)
    for o, (down, right) in enumerate(offsets.tolist()):
        if down <= 1 and abs(right) <= 1:
            index_of[down, right + 1] = o
    with weights.device:
        out = cupy.empty(shape, np.int32)
        given = stencil_of(offsets, shape)[0], cupy.asarray(index_of), weights, out
        _grids(weights).parents(*launch(out.size), given)
        return out


def gathered(values: Any, parent: Any) -> Any:
    """Return the sums of values (M, N) float64 over the pixels of each coarse point."""
    import cupy

    shape = parent.shape
    with parent.device:
        out = cupy.empty(((shape[0] + 1) // 2, (shape[1] + 1) // 2), np.float64)
        given = cupy.ascontiguousarray(values), parent, *map(np.int32, shape), out
        _grids(parent).gather(*launch(out.size), given)
        return out


def coarse_weights(
    weights: Any, offsets: NDArray[np.int64], parent: Any, n_threads: int | None = None
) -> tuple[Any, NDArray[np.int64]]:
    """Return the weights between coarse points as a stencil, and its offsets."""
    import cupy

    n_rows, n_cols = parent.shape
    shape = (n_rows + 1) // 2, (n_cols + 1) // 2
    reach = (int(np.abs(offsets[:, axis]).max(initial=0)) for axis in (0, 1))
    down, right = ((most + 2) // 2 for most in reach)
    grid = np.argwhere(np.ones((down + 1, 2 * right + 1))) - [0, right]
    after = (grid[:, 0] > 0) | (grid[:, 1] > 0)
    found = grid[after & (grid[:, 0] < shape[0]) & (np.abs(grid[:, 1]) < shape[1])]
    index_of = np.full((down + 1, 2 * right + 1), -1, np.int32)
    index_of[found[:, 0], found[:, 1] + right] = np.arange(len(found))
    with weights.device:
        out = cupy.zeros((margins(found)[0] + shape[0], len(found), padded_columns(found, shape[1])), np.float32)
        coarse = sizes(found, shape, out.shape[2])
        given = *stencil_of(offsets, parent.shape), weights, parent, coarse, cupy.asarray(index_of), np.int32(right)
        _grids(weights).join_weights(*launch(shape[0] * shape[1]), (*given, out))
        used = np.flatnonzero(out.any(axis=(0, 2)).get())
        return (out, found) if len(used) == len(found) else (_cut(out, found, used, shape), found[used])


def _cut(weights: Any, offsets: NDArray[np.int64], used: NDArray[np.int64], shape: tuple[int, int]) -> Any:
    """Return the weights of the `used` offsets alone."""
    import cupy

    (top, left), kept = margins(offsets), offsets[used]
    new_top, new_left = margins(kept)
    out = cupy.zeros((new_top + shape[0], len(kept), padded_columns(kept, shape[1])), np.float32)
    out[new_top:, :, new_left : new_left + shape[1]] = weights[top:, used, left : left + shape[1]]
    return out


def step(
    level: Any, vectors: Any, other: Any, out: Any, factors: tuple[float, float, float], n_threads: int | None = None
) -> Any:
    """Write ``a * P(vectors) + b * vectors + c * other`` for factors (a, b, c); `out` may be `other`.

    `level` is as on the CPU.
    """
    dtype = vectors.dtype
    with vectors.device as device:
        numbers = tuple(dtype.type(factor) for factor in factors)
        graph = *runs(level.offsets, level.shape, vectors.shape[2]), level.weights
        points = level.inverse(dtype), level.own(dtype)
        for first, grid, constants in shares(vectors, n_tiles(level.shape)):
            run = kernels("multigrid_step", ("step",), constants, device.id)
            run.step(grid, (PRODUCT_THREADS,), (*graph, *points, vectors[first:], other[first:], *numbers, out[first:]))
    return out


def restrict(
    vectors: Any, share: Any, place: Any, out: Any, margin: tuple[int, int], n_threads: int | None = None
) -> None:
    """Write the sums of `share` (M, N) times the pixels of each coarse point to flat places (M, N) of `out`."""
    size, columns = out.shape[1] * out.shape[2], out.shape[2]
    with vectors.device:
        blocks, threads = launch(size)
        given = _values(place.shape, margin, vectors), vectors, share, place, np.int32(size), np.int32(columns), out
        _grids(vectors).restrict_to((*blocks, len(out)), threads, given)


def prolong(
    coarse: Any, place: Any, factor: float, out: Any, margin: tuple[int, int], n_threads: int | None = None
) -> None:
    """Add `factor` times each coarse point's value to its pixels."""
    size = coarse.shape[1] * coarse.shape[2]
    with out.device:
        blocks, threads = launch(place.size)
        given = _values(place.shape, margin, out), coarse, place, np.float32(factor), np.int32(size), out
        _grids(out).prolong((*blocks, len(out)), threads, given)


def components(weights: Any, offsets: NDArray[np.int64], degree: Any) -> tuple[Any, int]:
    """Return which connected part of the graph each pixel belongs to, from 0 by first pixel, and their number.

    Pixels of degree 0 are no part: -1.
    """
    import cupy

    _check_size(degree.size)
    with weights.device:
        parents = cupy.arange(degree.size, dtype=np.int32).reshape(degree.shape)
        run = kernels("multigrid_parts", PARTS, (), weights.device.id)
        run.join_links(*launch(degree.size), (*stencil_of(offsets, degree.shape), weights, parents))
        return _numbered(cupy.where(degree > 0, parents, np.int32(-1)))


def join(partner: Any) -> tuple[Any, int]:
    """Return a number for what `partner` joins to each, from 0 by the first of them, and how many there are."""
    import cupy

    with partner.device:
        parents = cupy.arange(partner.size, dtype=np.int32)
        run = kernels("multigrid_parts", PARTS, (), partner.device.id)
        run.join_partners(*launch(partner.size), (partner, np.int32(partner.size), parents))
        return _numbered(parents)


def strongest(weights: Any, offsets: NDArray[np.int64], label: Any, n_labels: int) -> Any:
    """Return for each label the other one that its strongest link leads to, itself where there is none."""
    import cupy

    _check_size(label.size)
    with weights.device:
        run = kernels("multigrid_parts", PARTS, (), weights.device.id)
        best, first = cupy.zeros(n_labels, np.int32), cupy.full(n_labels, BEYOND, np.int64)
        partner, (shape, table) = cupy.empty(n_labels, np.int32), stencil_of(offsets, label.shape)
        given = shape, table, weights, label
        run.highest(*launch(label.size), (*given, best))
        run.first_of_highest(*launch(label.size), (*given, best, first))
        run.partners(*launch(n_labels), (shape, table, label, best, first, np.int32(n_labels), partner))
        return partner


def _numbered(parents: Any) -> tuple[Any, int]:
    """Return the number of each tree, from 0 by its first node; -1 outside."""
    import cupy

    firsts = cupy.empty(parents.shape, np.int32)
    run = kernels("regions_connected", NUMBERED, (), parents.device.id)
    run.find_roots(*launch(parents.size), (np.int32(parents.size), parents, firsts))
    found, count = number(parents, firsts)
    return found - np.int32(1), int(count)


def _check_size(size: int) -> None:
    if size > MOST_PIXELS:
        raise ValueError(f"graphs on a GPU must have at most 2**30 pixels, got {size}; cut tiles")


def _values(shape: tuple[int, int], margin: tuple[int, int], vectors: Any) -> Any:
    """Return what stencil.cuh reads of vectors with margins."""
    import cupy

    return cupy.asarray(np.array([*shape, *margin, vectors.shape[2], 0], np.int32))


def _grids(array: Any) -> Any:
    return kernels("multigrid", FUNCTIONS, (), array.device.id)
