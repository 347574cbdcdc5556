"""Merging of small regions into their neighbours."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_int
from classicseg.regions._check import check_channels, check_regions
from classicseg.regions._connected import connected_regions


def merge_small_regions(
    labels: ArrayLike, min_size: int, *, image: ArrayLike | None = None, connectivity: int = 1
) -> NDArray[np.int32]:
    """Merge every region below a size into its closest neighbour, smallest first.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        Region labels as `connected_regions` gives them: 1, 2, ..., each connected, and 0 outside. Pixels
        outside stay outside and take nothing in.
    min_size : int
        Regions of fewer pixels are merged. Choose the area of the smallest region worth keeping; 1 keeps all.
    image : array_like, shape (M, N) or (M, N, C), optional
        With an image, the closest neighbour is the one with the nearest mean value; without, the one with the
        longest common border. A tie goes to the lower region number.
    connectivity : {1, 2}, default 1
        1: regions that share a side of a pixel are neighbours, 2: a corner is enough.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels, numbered again by first pixel. A small region without a neighbour stays.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels), or `image` has NaN inside a region.

    Notes
    -----
    Means and areas follow every merge, so two small regions may join and survive. Among equally small
    regions the lower number goes first.

    Examples
    --------
    >>> merge_small_regions([[1, 1, 2], [1, 1, 3]], 2)
    array([[1, 1, 1],
           [1, 1, 1]], dtype=int32)
    """
    array, n_regions = check_regions(labels)
    min_size = check_int("min_size", min_size, low=1)
    connectivity = check_choice("connectivity", connectivity, (1, 2))
    channels = check_channels(image, array)
    kernels = kernels_for(array, "regions")
    regions = np.array(array, order="C")
    if n_regions == 0:
        return regions
    area, sums = _sums(kernels, regions, channels)
    edges = _borders(kernels, regions, area < min_size, connectivity == 2)
    parent = np.empty(n_regions, np.int64)
    kernels.merge_small(area, sums, edges, min_size, parent)
    kernels.relabel_by_parent(regions, parent)
    return regions


def merge_equal_regions(regions: NDArray[np.int32], image: NDArray[Any]) -> NDArray[np.int32]:
    """Join region labels (M, N) of neighbours by a side whose mean values in `image` are the same number."""
    kernels = kernels_for(regions, "regions")
    area, sums = _sums(kernels, regions, check_channels(image, regions))
    mean = sums / np.maximum(area, 1)[:, None]
    edges = _borders(kernels, regions, np.ones(len(area), bool), diagonal=False) - 1
    # Rounding of the sums must not tell apart what is equal: it is below 1e-7, a step of 16 bits above 1e-5.
    equal = edges[np.isclose(mean[edges[:, 0]], mean[edges[:, 1]], rtol=1e-6, atol=0).all(axis=1)]
    if len(equal) == 0:
        return regions
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(equal), bool), equal.T), shape=(len(area), len(area)))
    _, group = connected_components(graph, directed=False)
    return connected_regions(np.append(np.int32(-1), group.astype(np.int32))[regions])


def _sums(
    kernels: ModuleType, regions: NDArray[Any], channels: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return pixels (n,) and sums of values (n, C) of the regions 1..n."""
    n_regions = int(regions.max())
    area, sums = np.zeros(n_regions, np.int64), np.zeros((n_regions, channels.shape[2]))
    kernels.sums_by_region(regions, channels, area, sums)
    return area, sums


def _borders(kernels: ModuleType, regions: NDArray[Any], small: NDArray[np.bool_], diagonal: bool) -> NDArray[np.int32]:
    """Return the two regions of every pair of neighbouring pixels on the border of a small one (E, 2).

    Borders between large regions are never asked for: a region that is large stays so.
    """
    wanted = np.append(False, small)
    edges = np.empty((regions.size // 8, 2), np.int32)
    count = kernels.border_edges(regions, wanted, diagonal, edges)
    if count > len(edges):
        edges = np.empty((count, 2), np.int32)
        kernels.border_edges(regions, wanted, diagonal, edges)
    return edges[:count]
