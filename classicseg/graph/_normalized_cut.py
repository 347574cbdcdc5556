"""Segments of a graph whose normalized cut is low."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_float, check_int
from classicseg.features import PixelFeatures
from classicseg.graph._affinity import PixelAffinity
from classicseg.graph._discretize import candidates
from classicseg.graph._pixel_graph import PixelGraph
from classicseg.graph._sparse import SparseGraph
from classicseg.graph._split_tree import Cutting, SplitTree, by_first_node
from classicseg.graph._subject import Subject, subject_of
from classicseg.regions import RegionGraph, connected_regions

TRIES = 4  # of k-means, each with other first centers
PIXEL_TRIES = 2  # of it on all pixels


def normalized_cut(
    features: ArrayLike | PixelFeatures | PixelAffinity | RegionGraph | Any,
    n_segments: int | None = None,
    *,
    threshold: float | None = None,
    sigma: float | None = None,
    weights: ArrayLike | None = None,
    radius: float | None = None,
    spatial_sigma: float | None = None,
    mask: ArrayLike | None = None,
    connected: bool = False,
    n_threads: int | None = None,
) -> NDArray[np.int32]:
    """Cut an image, its regions or any graph into segments that are linked strongly within and weakly to others.

    The normalized cut of a segmentation is the sum, over its segments, of the weight of the links that lead out of one
    as a share of all its links: unlike the weight of what is cut alone, it is not low for a few pixels cut off.

    Parameters
    ----------
    features : array_like (M, N) or (M, N, F), PixelFeatures, PixelAffinity, RegionGraph or SciPy sparse array (n, n)
        What to cut. An image or features of pixels are linked by `pixel_affinity` first; for depth, contours and
        other weights call that, and pass what it returns. Regions, as `region_graph` gives them with an image, are
        linked by `region_affinity`: it takes milliseconds where an image takes seconds. A sparse array must be
        symmetric, without negative weights; what is on its diagonal links nodes to themselves.
    n_segments : int, optional
        How many segments, which are found together. Give this or `threshold`.
    threshold : float, optional
        The graph is cut in two, and each segment again, as long as the normalized cut of that is below: from 0, which
        cuts nothing, up to 2. Superpixels of a photograph do well at 0.01; 0.001 parts what nearly nothing links,
        and 0.1 cuts along borders that are hardly seen. `split_tree` shows all that are possible.
    sigma : float, optional
        Width of the features of pixels, or of the mean values of regions, in their unit; see `pixel_affinity` and
        `region_affinity`. Default: a typical difference.
    weights : array_like, shape (n_edges,), optional
        For a `RegionGraph`: weights of its edges, instead of those by `sigma`.
    radius : float, optional
        For an image: largest distance of linked pixels. Default: 5.
    spatial_sigma : float, optional
        For an image: width of the distance in the image, in pixels. Default: ``radius / 2``.
    mask : array_like of bool, shape (M, N), optional
        For an image: True where pixels take part; NaN is allowed elsewhere.
    connected : bool, default False
        Return region labels instead: segments that consist of several parts of the image become several regions.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray of int32, shape (M, N), or (n,) for a sparse array
        Segments 0, 1, ... by their first pixel or node, just `n_segments` of them where that is given; -1 outside the
        mask or the regions. With ``connected=True`` regions 1, 2, ..., and 0 outside.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, not just one of `n_segments` and `threshold` is given, or
        an option does not go with what is cut.

    See Also
    --------
    split_tree : All cuts in two at once, for several thresholds.
    ncut : The value of a segmentation.
    minimum_cut : The cut that is not normalized.

    Notes
    -----
    With `n_segments`, eigenvectors by `spectral_embedding` are made into segments in several ways, by the rotation of
    Yu and Shi and by k-means; graphs of regions are cut in two again and again as well. In each of these segmentations
    nodes then move to other segments as long as this lowers the normalized cut, and the best one is returned. With
    `threshold`, every place of the order by the second eigenvector is tried, where `skimage.graph.cut_normalized` tries
    ten, and nodes move too. Parts that no link joins are segments first, those with most links in front; where there
    are more of them than `n_segments`, the last segment is all others. Pixels without links belong to the segment of
    the nearest pixel with some. Sources: J. Shi, J. Malik, "Normalized Cuts and Image Segmentation", IEEE Trans.
    Pattern Anal. Mach. Intell. 22(8), 2000, doi:10.1109/34.868688; S. X. Yu, J. Shi, "Multiclass Spectral Clustering",
    ICCV 2003, doi:10.1109/ICCV.2003.1238361; F. R. Bach, M. I. Jordan, "Learning Spectral Clustering, With Application
    to Speech Separation", J. Machine Learning Research 7, 2006.

    Examples
    --------
    >>> normalized_cut([[20.0, 20.1, 35.0], [20.2, 20.1, 35.2]], 2, sigma=1)
    array([[0, 0, 1],
           [0, 0, 1]], dtype=int32)
    >>> from classicseg import region_graph
    >>> graph = region_graph([[1, 2, 3, 4]], [[10, 12, 30, 34]])
    >>> normalized_cut(graph, threshold=0.1, sigma=6)
    array([[0, 0, 1, 1]], dtype=int32)
    """
    if (n_segments is None) == (threshold is None):
        given = "neither" if threshold is None else "both"
        raise ValueError(f"one of n_segments and threshold must be given, got {given}")
    subject = subject_of(features, sigma, weights, radius, spatial_sigma, mask, n_threads)
    if connected and len(subject.shape) != 2:
        raise ValueError("connected must be False for a sparse array, whose nodes lie nowhere; leave it out")
    if threshold is not None:
        most = check_float("threshold", threshold)
        labels = _tree_of(subject, most, subject.n_nodes, n_threads).cut(threshold=most)
    else:
        n_segments = check_int("n_segments", n_segments, low=1, high=subject.n_nodes)
        labels = by_first_node(subject.image_of(_segments(subject.graph, n_segments, n_threads)))
    return connected_regions(labels, n_threads=n_threads) if connected else labels


def split_tree(
    features: ArrayLike | PixelFeatures | PixelAffinity | RegionGraph | Any,
    *,
    threshold: float | None = None,
    n_segments: int | None = None,
    sigma: float | None = None,
    weights: ArrayLike | None = None,
    radius: float | None = None,
    spatial_sigma: float | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> SplitTree:
    """Cut an image, its regions or any graph in two, then one of the segments, and so on, and keep all the steps.

    Each time the segment is cut for which this is the lowest normalized cut.

    Parameters
    ----------
    features : array_like (M, N) or (M, N, F), PixelFeatures, PixelAffinity, RegionGraph or SciPy sparse array (n, n)
        What to cut, as for `normalized_cut`.
    threshold : float, optional
        Steps are taken as long as their normalized cut is below, which is at most 2. Give this, `n_segments` or both.
    n_segments : int, optional
        Steps are taken until there are so many segments.
    sigma : float, optional
        Width of the features of pixels, or of the mean values of regions, in their unit. Default: a typical
        difference.
    weights : array_like, shape (n_edges,), optional
        For a `RegionGraph`: weights of its edges, instead of those by `sigma`.
    radius : float, optional
        For an image: largest distance of linked pixels. Default: 5.
    spatial_sigma : float, optional
        For an image: width of the distance in the image, in pixels. Default: ``radius / 2``.
    mask : array_like of bool, shape (M, N), optional
        For an image: True where pixels take part; NaN is allowed elsewhere.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    SplitTree
        All the steps, to be cut at any threshold or number of segments up to those given, at no further cost.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, neither `threshold` nor `n_segments` is given, or an option
        does not go with what is cut.

    See Also
    --------
    normalized_cut : The segments alone, and those that are found together.

    Examples
    --------
    >>> from classicseg import region_graph
    >>> graph = region_graph([[1, 2, 3, 4]], [[10, 12, 30, 34]])
    >>> tree = split_tree(graph, threshold=2, sigma=6)
    >>> tree.cut(n_segments=2)
    array([[0, 0, 1, 1]], dtype=int32)
    """
    if n_segments is None and threshold is None:
        raise ValueError("one of n_segments and threshold must be given, got neither")
    subject = subject_of(features, sigma, weights, radius, spatial_sigma, mask, n_threads)
    most = np.inf if threshold is None else check_float("threshold", threshold)
    size = subject.n_nodes
    n_segments = size if n_segments is None else check_int("n_segments", n_segments, low=1, high=size)
    return _tree_of(subject, most, n_segments, n_threads)


def _tree_of(subject: Subject, threshold: float, n_segments: int, n_threads: int | None) -> SplitTree:
    cutting = Cutting(subject.graph, threshold, n_segments, n_threads)
    parents, values = np.array(cutting.parents, np.int32), np.array(cutting.values, np.float64)
    return SplitTree(subject.image_of(cutting.labels), parents, values)


def _segments(graph: PixelGraph | SparseGraph, n_segments: int, n_threads: int | None) -> NDArray[np.int32]:
    """Return the segment of each node of a graph."""
    if n_segments <= max(graph.n_parts, 1):
        return Cutting(graph, np.inf, n_segments, n_threads).labels
    if isinstance(graph, SparseGraph):
        linked = np.count_nonzero(graph.degrees)
        return _best(graph, graph.vectors(n_segments) if n_segments <= linked else None, n_segments, n_threads)
    vectors, (group, groups) = graph.vectors(n_segments), graph.coarse()
    found = candidates(vectors, graph.degrees, PIXEL_TRIES)
    if n_segments <= len(groups.nodes):
        weighted, volume = graph.degrees[:, None] * vectors, np.bincount(group, graph.degrees)
        means = np.stack([np.bincount(group, column) / volume for column in weighted.T], axis=1)
        found.append(_best(groups, means, n_segments, n_threads)[group])
    return min(graph.all_refined(found, n_segments, n_threads), key=lambda one: one[1])[0]


def _best(
    graph: SparseGraph, vectors: NDArray[np.float64] | None, n_segments: int, n_threads: int | None
) -> NDArray[np.int32]:
    """Return the best of the segmentations by eigenvectors and by cutting in two, after nodes moved in each."""
    found = [Cutting(graph, np.inf, n_segments, n_threads).labels]
    if vectors is not None:
        found += candidates(vectors, graph.degrees, TRIES)
    return min(graph.all_refined(found, n_segments, n_threads), key=lambda one: one[1])[0]
