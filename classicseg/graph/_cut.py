"""What a segmentation cuts of a graph, in the words of normalized cuts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, contiguous, to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_integers
from classicseg.graph._affinity import PixelAffinity


def cut(affinity: PixelAffinity | Any, labels: ArrayLike) -> float:
    """Return the weight of the links that a segmentation cuts.

    Parameters
    ----------
    affinity : PixelAffinity or SciPy sparse array, shape (n, n)
        The graph; a sparse array must be symmetric, and hold each link twice.
    labels : array_like of int, shape (M, N) or (n,)
        The segment of each node, from 0 up. Nodes of negative labels are left out of the graph.

    Returns
    -------
    float
        The sum of the weights of the links between different segments, each link once: with two segments the
        cut(A, B) of Shi and Malik.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    The cut with the least weight is often that of a few pixels far from all others; see `ncut`.

    Examples
    --------
    >>> from classicseg import pixel_affinity
    >>> cut(pixel_affinity([[1.0, 2.0, 9.0]], 1, sigma=1, spatial_sigma=np.inf), [[0, 1, 2]]).__round__(3)
    0.607
    """
    _, across = map(to_host, _within_and_across(affinity, labels))
    return float(across.sum() / 2)


def assoc(affinity: PixelAffinity | Any, labels: ArrayLike) -> NDArray[np.float64]:
    """Return how much each segment is linked to the whole graph.

    Parameters
    ----------
    affinity : PixelAffinity or SciPy sparse array, shape (n, n)
        The graph; a sparse array must be symmetric, and hold each link twice.
    labels : array_like of int, shape (M, N) or (n,)
        The segment of each node, from 0 up. Nodes of negative labels are left out of the graph.

    Returns
    -------
    ndarray of float64, shape (n_labels,)
        For each of the labels 0 to the highest one the sum of the degrees of its nodes, assoc(A, V): links within
        it count from both their ends.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Examples
    --------
    >>> from classicseg import pixel_affinity
    >>> assoc(pixel_affinity([[1.0, 2.0, 2.0]], 1, sigma=1, spatial_sigma=np.inf), [[0, 0, 1]]).round(3)
    array([2.213, 1.   ])
    """
    within, across = _within_and_across(affinity, labels)
    return within + across


def ncut(affinity: PixelAffinity | Any, labels: ArrayLike) -> float:
    """Return the normalized cut: the sum over segments of what is cut of each, as a share of all its links.

    Parameters
    ----------
    affinity : PixelAffinity or SciPy sparse array, shape (n, n)
        The graph; a sparse array must be symmetric, and hold each link twice.
    labels : array_like of int, shape (M, N) or (n,)
        The segment of each node, from 0 up. Nodes of negative labels are left out of the graph.

    Returns
    -------
    float
        The sum over segments A of cut(A, V - A) / assoc(A, V), from 0 to the number of segments; those without links,
        such as label 0 of pixels outside a mask, count nothing.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    Source: J. Shi, J. Malik, "Normalized Cuts and Image Segmentation", IEEE Trans. Pattern Anal. Mach. Intell. 22(8),
    2000, doi:10.1109/34.868688.

    Examples
    --------
    >>> from classicseg import pixel_affinity
    >>> affinity = pixel_affinity([[1.0, 1.0, 3.0, 3.0]], 1, sigma=1, spatial_sigma=np.inf)
    >>> round(ncut(affinity, [[0, 0, 1, 1]]), 3), round(ncut(affinity, [[0, 1, 1, 1]]), 3)
    (0.127, 1.306)
    """
    within, across = map(to_host, _within_and_across(affinity, labels))
    volume = within + across
    return float((across[volume > 0] / volume[volume > 0]).sum())


def _within_and_across(affinity: Any, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each label the weight within, links counted from both ends, and that of its links to others."""
    pixels = isinstance(affinity, PixelAffinity)
    array = check_integers("labels", adopt(labels) if pixels else labels, ndim=(1, 2), cuda=pixels)
    n_labels = int(array.max()) + 1
    if n_labels > array.size:
        raise ValueError(
            f"labels must be below the number of nodes {array.size}, got {n_labels - 1}; number the segments from 0"
        )
    array, n_labels = array.astype(np.int32, copy=False), max(n_labels, 0)
    if isinstance(affinity, PixelAffinity):
        if array.shape != affinity.shape:
            raise ValueError(f"labels must have the affinity's shape {affinity.shape}, got {array.shape}")
        check_same_device("labels", array, "affinity", affinity.stored)
        kernels: Any = kernels_for(affinity.stored, "affinity")
        found: tuple[NDArray[np.float64], NDArray[np.float64]] = kernels.links_of_labels(
            affinity.stored, affinity.offsets, contiguous(array), n_labels
        )
        return found
    if not hasattr(affinity, "tocoo"):
        raise TypeError(
            f"affinity must be a PixelAffinity or a SciPy sparse array, got {type(affinity).__name__}; "
            "pass an image through pixel_affinity() first"
        )
    if affinity.shape != (array.size, array.size):
        raise ValueError(
            f"affinity must have shape ({array.size}, {array.size}), one row for each label, got {affinity.shape}"
        )
    return _of_links(affinity.tocoo(), array.reshape(-1), n_labels)


def _of_links(links: Any, labels: NDArray[np.int32], n_labels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = labels[links.row], labels[links.col]
    counted = (one >= 0) & (other >= 0)
    one, other, weight = one[counted], other[counted], links.data[counted].astype(np.float64)
    same = one == other
    within: NDArray[Any] = np.bincount(one[same], weight[same], n_labels)
    across: NDArray[Any] = np.bincount(one[~same], weight[~same], n_labels)
    return within, across
