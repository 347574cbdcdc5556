"""How graphs of pixels lie on a GPU, as half of a stencil: what stencil.cuh and products.cuh are told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels.cuda._module import defines

THREADS = 256  # as in stencil.cuh
FOUR = 4  # pixels of a thread in a product, as in products.cuh
LINE = 32  # rows are as long as a multiple of this, and begin where the device reads at once; a multiple of FOUR
PRODUCT_THREADS = 128  # of a block of products
TILE = 4, 128  # rows and columns of a block of products, as in products.cuh
AT_ONCE = {np.dtype(np.float32): (8, 4, 1), np.dtype(np.float64): (4, 1)}  # vectors of a thread: registers hold these
VALUES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


def margins(offsets: NDArray[np.int64]) -> tuple[int, int]:
    """Return the rows above the image and the columns on either side, a multiple of FOUR."""
    if len(offsets) == 0:
        return 0, 0
    return int(offsets[:, 0].max()), _multiple(int(np.abs(offsets[:, 1]).max()), FOUR)


def padded_columns(offsets: NDArray[np.int64], n_cols: int) -> int:
    """Return the length of a row with its margins."""
    return _multiple(n_cols + 2 * margins(offsets)[1], LINE)


def sizes(offsets: NDArray[np.int64], shape: tuple[int, int], columns: int) -> Any:
    """Return what `Stencil` reads."""
    import cupy

    return cupy.asarray(np.array([*shape, *margins(offsets), columns, len(offsets)], np.int32))


def stencil(offsets: NDArray[np.int64], shape: tuple[int, int]) -> tuple[Any, Any]:
    """Return the first two arguments of kernels with one thread for each pixel."""
    import cupy

    return sizes(offsets, shape, padded_columns(offsets, shape[1])), cupy.asarray(
        np.ascontiguousarray(offsets, np.int32)
    )


def runs(offsets: NDArray[np.int64], shape: tuple[int, int], columns: int) -> tuple[Any, Any, Any]:
    """Return the first three arguments of products: of offsets side by side as in `Run`, and how many."""
    import cupy

    found: list[list[int]] = []
    for index, (down, right) in enumerate(offsets.tolist()):
        if found and found[-1][0] == down and found[-1][2] == right - 1:
            found[-1][2] = right
        else:
            found.append([down, right, right, index])
    rows = cupy.asarray(np.array(found, np.int32).reshape(-1, 4))
    return sizes(offsets, shape, columns), rows, np.int32(len(found))


def shares(vectors: Any, tiles: int) -> Iterator[tuple[int, tuple[int, int], tuple[str, ...]]]:
    """Yield the first of some vectors, the grid of blocks for as many as a thread takes at once, and the options."""
    first = 0
    for count in AT_ONCE[vectors.dtype]:
        n_blocks = (len(vectors) - first) // count
        if n_blocks and tiles:
            yield first, (tiles, n_blocks), product_constants(vectors.dtype, count)
        first += n_blocks * count


def product_constants(dtype: np.dtype[Any], n_vectors: int) -> tuple[str, ...]:
    """Return the compiler's options for products with vectors of this dtype, so many by a thread."""
    return defines(VALUE=VALUES[dtype], VECTORS=n_vectors)


def n_tiles(shape: tuple[int, int]) -> int:
    """Return how many blocks compute a product."""
    return -(-shape[0] // TILE[0]) * -(-shape[1] // TILE[1])


def launch(n: int) -> tuple[tuple[int], tuple[int]]:
    """Return grid and block for `n` threads."""
    return (-(-n // THREADS),), (THREADS,)


def _multiple(n: int, of: int) -> int:
    return -(-n // of) * of
