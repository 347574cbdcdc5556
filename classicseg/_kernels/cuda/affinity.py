"""The affinity of pixels on a GPU: the twin of the CPU's kernels.

Weights and degrees have the bits of the CPU's. Sums over links of labels are exact here, and rounded to float64 once;
products with vectors are summed in another order, in the vectors' precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels._links import Links
from classicseg._kernels.cuda._module import defines, kernels
from classicseg._kernels.cuda._stencil import (
    PRODUCT_THREADS,
    launch,
    margins,
    n_tiles,
    padded_columns,
    runs,
    shares,
    stencil,
)
from classicseg._kernels.cuda.slic import values_constants_of

__all__ = [
    "degrees", "links_of_labels", "margins", "pad", "padded_columns", "planes", "product", "to_csr", "unpad", "weigh",
]  # fmt: skip

COUNTS = ("degrees", "links_of_labels", "count_links", "fill_links")
SPLIT, BITS = 36, 63  # of sums, as in affinity_links.cu
MOST_PIXELS = 1 << 28  # whose sums do not overflow


def planes(
    sources: Sequence[Any],
    origins: Sequence[float],
    factors: Sequence[float],
    inside: Any,
    shape: tuple[int, int],
    n_threads: int | None = None,
) -> Any:
    """Return features (C, M, N) float32, ``(source - origin) * factor``; 0 outside the mask."""
    import cupy

    with (*sources, inside)[0].device as device:
        out = cupy.empty((len(sources), *shape), np.float32)
        mask = cupy.zeros(1, np.bool_) if inside is None else cupy.ascontiguousarray(inside)
        sizes = np.int32(inside is not None), np.int64(shape[0] * shape[1]), np.int32(1)
        for plane, source, origin, factor in zip(out, sources, origins, factors):
            run = kernels("slic_values", ("scaled",), values_constants_of(source.dtype), device.id)
            given = cupy.ascontiguousarray(source), mask, *sizes, np.float64(origin), np.float64(factor)
            run.scaled(*launch(plane.size), (*given, np.int64(1), np.int64(plane.size), plane))
        return out


def weigh(links: Links, shape: tuple[int, int], squared: bool, n_threads: int | None = None) -> Any:
    """Return the weights, (top + M, O, columns with margins) float32, as on the CPU but for the size of the margins."""
    import cupy

    with links.planes.device as device:
        run = kernels("affinity", ("weigh",), constants_of(len(links.planes)), device.id)
        top, columns = margins(links.offsets)[0], padded_columns(links.offsets, shape[1])
        out = cupy.empty((top + shape[0], len(links.offsets), columns), np.float32)
        apart = cupy.asarray(links.place), cupy.asarray(links.spatial)
        lines = (cupy.asarray(np.append(part, 0).astype(np.int32)) for part in (links.steps, links.line))
        barrier = _or_nothing(links.barrier), *lines, np.int32(links.barrier.size > 0)
        outside = _or_nothing(links.outside), np.int32(links.outside.size > 0)
        given = *stencil(links.offsets, shape), _or_nothing(links.planes), *apart, *barrier, *outside
        run.weigh(*launch((top + shape[0]) * columns), (*given, np.int32(squared), out))
        return out


def degrees(weights: Any, offsets: NDArray[np.int64], shape: tuple[int, int], n_threads: int | None = None) -> Any:
    """Return the sum of each pixel's weights, (M, N) float64."""
    import cupy

    with weights.device:
        out = cupy.empty(shape, np.float64)
        _counts(weights).degrees(*launch(out.size), (*stencil(offsets, shape), weights, out))
        return out


def pad(vectors: Any, offsets: NDArray[np.int64]) -> Any:
    """Return vectors (K, M, N) with margins."""
    import cupy

    (top, left), (n, n_rows, n_cols) = margins(offsets), vectors.shape
    with vectors.device:
        out = cupy.zeros((n, n_rows + 2 * top, padded_columns(offsets, n_cols)), vectors.dtype)
        out[:, top : top + n_rows, left : left + n_cols] = vectors
        return out


def unpad(vectors: Any, offsets: NDArray[np.int64], shape: tuple[int, int]) -> Any:
    """Return the view (K, M, N) of vectors with margins."""
    top, left = margins(offsets)
    return vectors[:, top : top + shape[0], left : left + shape[1]]


def product(weights: Any, offsets: NDArray[np.int64], vectors: Any, n_threads: int | None = None) -> Any:
    """Return the affinity times vectors with margins, in their dtype, with margins of zeros."""
    import cupy

    with weights.device as device:
        out = cupy.zeros(vectors.shape, vectors.dtype)
        top, left = margins(offsets)
        shape = vectors.shape[1] - 2 * top, vectors.shape[2] - 2 * left
        given = *runs(offsets, shape, vectors.shape[2]), weights
        for first, grid, constants in shares(vectors, n_tiles(shape)):
            run = kernels("affinity_product", ("product",), constants, device.id)
            run.product(grid, (PRODUCT_THREADS,), (*given, vectors[first:], out[first:]))
        return out


def links_of_labels(
    weights: Any, offsets: NDArray[np.int64], labels: Any, n_labels: int, n_threads: int | None = None
) -> tuple[Any, Any]:
    """Return for each label the weight within, every link counted from both its ends, and that to other labels.

    Pixels of negative labels have no links.
    """
    if labels.size > MOST_PIXELS:
        raise ValueError(f"links of labels on a GPU are of at most 2**28 pixels, got {labels.size}; cut tiles")
    import cupy

    with weights.device:
        sums = cupy.zeros((n_labels, 2, 2), np.uint64)
        given = *stencil(offsets, labels.shape), weights, labels, sums
        if n_labels:
            _counts(weights).links_of_labels(*launch(labels.size), given)
        high, low = sums[..., 0].astype(np.float64), sums[..., 1].astype(np.float64)
        found = high * 2.0 ** (SPLIT - BITS) + low * 2.0**-BITS
        return found[:, 0], found[:, 1]


def to_csr(
    weights: Any, offsets: NDArray[np.int64], shape: tuple[int, int], n_threads: int | None = None
) -> tuple[Any, Any, Any]:
    """Return data, indices and indptr of the symmetric matrix, columns ascending, without zeros."""
    import cupy

    with weights.device:
        n_pixels = shape[0] * shape[1]
        given = *stencil(offsets, shape), weights
        counts = cupy.zeros(n_pixels + 1, np.int64)
        run = _counts(weights)
        run.count_links(*launch(n_pixels), (*given, counts[1:]))
        starts = cupy.cumsum(counts)
        n_links = int(starts[-1])
        kind = np.int32 if max(n_links, n_pixels) < 2**31 else np.int64
        data, indices = cupy.empty(n_links, np.float32), cupy.empty(n_links, np.int64)
        run.fill_links(*launch(n_pixels), (*given, starts, data, indices))
        return data, indices.astype(kind), starts.astype(kind)


def constants_of(n_channels: int) -> tuple[str, ...]:
    """Return the compiler's options for weights from so many planes of features."""
    return defines(CHANNELS=n_channels)


def _counts(weights: Any) -> Any:
    return kernels("affinity_links", COUNTS, (), weights.device.id)


def _or_nothing(array: Any) -> Any:
    """Return an array that a kernel reads; where there is none, any of its type."""
    import cupy

    return cupy.ascontiguousarray(array) if array.size else cupy.zeros(1, np.float32)
