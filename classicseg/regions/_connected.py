"""Connected regions of a label image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, contiguous
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_choice, check_int, check_integers, check_mask


def connected_regions(
    labels: ArrayLike, connectivity: int = 1, *, mask: ArrayLike | None = None, n_threads: int | None = None
) -> NDArray[np.int32]:
    """Split a label image into its connected regions, numbered in raster order.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        Cluster labels or any other integers. Neighbouring pixels of equal value belong together. Negative
        values, such as the -1 that clusterings give to pixels outside their mask, count as outside. A CuPy array
        is computed on its device, and the result stays there.
    connectivity : {1, 2}, default 1
        1 joins pixels that share a side (4 neighbours), 2 also those that share a corner (8 neighbours).
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use. Means nothing on a GPU.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels: 1, 2, ... by the first pixel in raster order, 0 outside.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    Union-find over strips of rows that are joined afterwards, on a GPU over pixels; the lower pixel index is always
    the root, so results are the same on every device.
    Source: R. E. Tarjan, "Efficiency of a Good But Not Linear Set Union Algorithm", J. ACM 22(2), 1975,
    doi:10.1145/321879.321884.

    Examples
    --------
    >>> connected_regions([[5, 5, 7], [7, 7, 5]])
    array([[1, 1, 2],
           [3, 3, 4]], dtype=int32)
    """
    array = check_integers("labels", adopt(labels), cuda=True)
    connectivity = check_choice("connectivity", connectivity, (1, 2))
    inside = check_mask(adopt(mask), array.shape, cuda=True)
    if inside is not None:
        check_same_device("mask", inside, "labels", array)
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    held = contiguous(array)
    if inside is not None:  # a binary image that is its own mask is looked at once
        inside = held if inside is array else contiguous(inside)
    regions: NDArray[Any]
    regions, _ = kernels_for(held, "regions_connected").connected(held, inside, connectivity, n_threads)
    return regions
