"""The joint histogram of two label images on a GPU: the twin of the CPU's, with the same answer.

Pixels are counted on the device, in a table of all pairs of values where that is small enough, else by sorting;
what comes back are the pairs that meet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels.cuda._module import defines, kernels

THREADS = 256  # as in contingency.cu
FUNCTIONS = ("joint_counts",)
MOST_CELLS = 1 << 24  # of a table that is counted in: 128 MB
WARPS_PER_MULTIPROCESSOR = 64  # as many as fit at once
LEAST_PER_WARP = 256  # pixels, so that runs are found whole
TYPES = {
    "i1": "signed char",
    "u1": "unsigned char",
    "i2": "short",
    "u2": "unsigned short",
    "i4": "int",
    "u4": "unsigned int",
    "i8": "long long",
    "u8": "unsigned long long",
}


def joint_counts(labels_true: Any, labels_pred: Any, inside: Any, n_threads: int | None = None) -> tuple[Any, ...]:
    """Return true (R,), pred (C,), rows, cols and counts (n,) on the host; `n_threads` means nothing on a GPU."""
    if inside is not None:
        labels_true, labels_pred = labels_true[inside], labels_pred[inside]
    if labels_true.size == 0:
        return (np.empty(0, np.int64),) * 5
    with labels_true.device:
        (low_true, n_true), (low_pred, n_pred) = _range(labels_true), _range(labels_pred)
        if n_true * n_pred <= MOST_CELLS:
            cells, counts = _counted(labels_true, labels_pred, low_true, low_pred, n_true, n_pred)
            rows, cols = cells // n_pred + low_true, cells % n_pred + low_pred
        else:
            rows, cols, counts = _sorted(labels_true, labels_pred)
    true, of_row = np.unique(rows, return_inverse=True)
    pred, of_col = np.unique(cols, return_inverse=True)
    return true, pred, of_row.reshape(-1), of_col.reshape(-1), counts


def constants_of(dtype_true: np.dtype[Any], dtype_pred: np.dtype[Any]) -> tuple[str, ...]:
    """Return the compiler's options for labels of these dtypes."""
    return defines(LABEL_TRUE=TYPES[dtype_true.str[1:]], LABEL_PRED=TYPES[dtype_pred.str[1:]])


def _range(labels: Any) -> tuple[int, int]:
    """Return the lowest label and how many values there are up to the highest."""
    low = int(labels.min())
    return low, int(labels.max()) - low + 1


def _counted(true: Any, pred: Any, low_true: int, low_pred: int, n_true: int, n_pred: int) -> tuple[Any, Any]:
    """Return the cells of the table that are not zero, ascending, and their counts."""
    import cupy

    run = kernels("contingency", FUNCTIONS, constants_of(true.dtype, pred.dtype), true.device.id)
    n_warps = true.device.attributes["MultiProcessorCount"] * WARPS_PER_MULTIPROCESSOR
    per_warp = max(LEAST_PER_WARP, -(-true.size // (n_warps * 32)) * 32)
    n_blocks = -(-true.size // (per_warp * (THREADS // 32)))
    table = cupy.zeros(n_true * n_pred, np.uint64)
    sizes = map(np.int64, (true.size, per_warp, low_true, low_pred, n_pred))
    run.joint_counts((n_blocks,), (THREADS,), (true, pred, *sizes, table))
    cells = cupy.flatnonzero(table)
    return cells.get().astype(np.int64), table[cells].get().astype(np.int64)


def _sorted(true: Any, pred: Any) -> tuple[Any, Any, Any]:
    """Return the labels of each pair that meets, ascending, and how often it does."""
    import cupy

    distinct_true, of_true = cupy.unique(true, return_inverse=True)
    distinct_pred, of_pred = cupy.unique(pred, return_inverse=True)
    n_pred = distinct_pred.size
    cells = of_true.ravel().astype(np.int64) * n_pred + of_pred.ravel()
    cells, counts = (found.get().astype(np.int64) for found in cupy.unique(cells, return_counts=True))
    values = (distinct.get().astype(np.int64) for distinct in (distinct_true, distinct_pred))
    return next(values)[cells // n_pred], next(values)[cells % n_pred], counts
