"""The graph of regions: which of them lie side by side, and how different they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_numbers
from classicseg.regions._check import check_channels, check_regions, check_threads, for_kernels

EdgeWeight = Literal["difference", "contrast", "boundary_length"]
EDGE_WEIGHTS: tuple[EdgeWeight, ...] = get_args(EdgeWeight)


@dataclass(frozen=True, eq=False)
class RegionGraph:
    """Regions and their neighbours, as `region_graph` finds them.

    Row r of what is known of regions is the label r + 1; numbers that no pixel has leave a row of area 0 without
    neighbours. Edges are the pairs of neighbours, each once, in order.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        The regions, 1..n, and 0 outside. The array that was given, where it is of int32 and no mask was.
    area : ndarray of int64, shape (n,)
        Pixels.
    mean : ndarray of float64, shape (n, C)
        Mean values of the image; NaN for a number that no pixel has, and no columns without an image.
    first_pixel : ndarray of int64, shape (n,)
        Flat position of the first pixel in raster order, -1 for none.
    edges : ndarray of int32, shape (n_edges, 2)
        The rows of two neighbours, the lower one first.
    boundary_length : ndarray of int64, shape (n_edges,)
        Neighbouring pixels, one in each: the sides of pixels that the regions share, and with ``connectivity=2``
        corners too.
    difference : ndarray of float64, shape (n_edges,)
        Euclidean distance of the two means, in the image's unit.
    contrast : ndarray of float64, shape (n_edges,)
        Mean Euclidean distance of the values of neighbouring pixels across the boundary.
    indptr : ndarray of int64, shape (n + 1,)
        The neighbours of row r are ``indices[indptr[r] : indptr[r + 1]]``: a CSR matrix.
    indices : ndarray of int32, shape (2 * n_edges,)
        Rows of neighbours, ascending for each region.
    edge_index : ndarray of int64, shape (2 * n_edges,)
        The edge of each entry of `indices`: ``difference[edge_index]`` are the data of the CSR matrix.
    """

    labels: NDArray[np.int32]
    area: NDArray[np.int64]
    mean: NDArray[np.float64]
    first_pixel: NDArray[np.int64]
    edges: NDArray[np.int32]
    boundary_length: NDArray[np.int64]
    difference: NDArray[np.float64]
    contrast: NDArray[np.float64]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    edge_index: NDArray[np.int64]

    def to_networkx(self, weight: EdgeWeight | ArrayLike = "difference") -> Any:
        """Return the graph as scikit-image's functions take it.

        Parameters
        ----------
        weight : {"difference", "contrast", "boundary_length"} or array_like, shape (n_edges,), default "difference"
            What becomes the edges' ``weight``: a field of the graph, or a number per edge, such as the similarity
            ``numpy.exp(-graph.difference**2 / sigma)``.

        Returns
        -------
        skimage.graph.RAG
            A `networkx.Graph` whose nodes are labels, with "labels", "pixel count", "total color" and "mean color" as
            `skimage.graph.rag_mean_color` gives them; edges have "weight", "boundary length" and "contrast".

        Raises
        ------
        ValueError, TypeError
            If `weight` is another word, or not one finite number per edge.

        Examples
        --------
        >>> from skimage.graph import cut_threshold
        >>> labels = np.array([[1, 2, 3]])
        >>> graph = region_graph(labels, [[10, 12, 40]])
        >>> cut_threshold(labels, graph.to_networkx(), 5)
        array([[0, 0, 1]])
        """
        weights = self._weights(weight)
        from skimage.graph import RAG

        graph: Any = RAG()  # type: ignore[no-untyped-call]
        for row in np.flatnonzero(self.area).tolist():
            count, mean = int(self.area[row]), self.mean[row]
            attributes = {"pixel count": count, "total color": mean * count, "mean color": mean.copy()}
            graph.add_node(row + 1, labels=[row + 1], **attributes)
        columns = (self.edges + 1, weights, self.boundary_length, self.contrast)
        for (low, high), one, length, contrast in zip(*(column.tolist() for column in columns)):
            graph.add_edge(low, high, **{"weight": one, "boundary length": length, "contrast": contrast})
        return graph

    def _weights(self, weight: EdgeWeight | ArrayLike) -> NDArray[Any]:
        if isinstance(weight, str):
            found: NDArray[Any] = getattr(self, check_choice("weight", weight, EDGE_WEIGHTS))
            return found
        array = check_numbers("weight", weight)
        if array.shape != self.difference.shape:
            raise ValueError(f"weight must have shape {self.difference.shape}, one per edge, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError("weight must be finite, got NaN or infinite values; give such edges a large number")
        return array


def region_graph(
    labels: ArrayLike,
    image: ArrayLike | None = None,
    *,
    connectivity: int = 1,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> RegionGraph:
    """Find which regions lie side by side, how long their boundaries are and how different they are.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside: superpixels, a watershed, `connected_regions`. Add 1 to labels that
        begin at 0, such as those of `felzenszwalb`.
    image : array_like, shape (M, N) or (M, N, C), optional
        Colours, temperatures or other values whose means and contrasts tell regions apart; channels count alike, so
        bring them to one unit. CIE Lab follows the eye. Without, only areas and boundary lengths are known, and
        differences and contrasts are 0.
    connectivity : {1, 2}, default 1
        1: regions that share a side of a pixel are neighbours, 2: a corner is enough.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others belong to no region. NaN is allowed there, and outside the regions.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    RegionGraph
        The graph, as arrays.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels), or `image` has NaN inside a region.

    See Also
    --------
    merge_tree : Join the regions step by step.
    region_table : What each region is like.

    Notes
    -----
    What scikit-image's functions on such graphs are here, and where the results differ:

    ============================================  ================================================================
    scikit-image                                  here
    ============================================  ================================================================
    ``rag_mean_color(image, labels)``             ``region_graph(labels, image, connectivity=2)``; as a graph for
                                                  its other functions ``.to_networkx()``
    its ``mode="similarity"``                     ``.to_networkx(numpy.exp(-graph.difference**2 / sigma))``
    ``cut_threshold(labels, rag, t)``             ``merge_regions(graph, threshold=t, linkage="single")``
    ``merge_hierarchical(labels, rag, t, ...)``   ``merge_regions(graph, threshold=t, linkage="mean")`` with the
                                                  functions of its example; ``linkage=function`` for others
    corners make neighbours                       with ``connectivity=2``
    label 0 is a region                           lies outside; add 1
    gray counts as three equal channels:          as one; divide thresholds by √3
    differences are √3 times as large
    new labels from 0, in the graph's order       from 1, by the first pixel
    changes the graph, unless told not to         the graph stays
    volumes                                       refused
    ============================================  ================================================================

    Source: A. Trémeau, P. Colantoni, "Regions Adjacency Graph Applied to Color Image Segmentation", IEEE TIP 9(4),
    2000, doi:10.1109/83.841950.

    Examples
    --------
    >>> graph = region_graph([[1, 1, 2], [1, 3, 2]], [[10, 12, 20], [11, 40, 20]])
    >>> graph.edges + 1
    array([[1, 2],
           [1, 3],
           [2, 3]], dtype=int32)
    >>> graph.difference, graph.contrast
    (array([ 9., 29., 20.]), array([ 8. , 28.5, 20. ]))
    """
    regions, n_regions = check_regions(labels, mask)
    channels = check_channels(image, regions)
    connectivity = check_choice("connectivity", connectivity, (1, 2))
    n_threads = check_threads(n_threads)
    kernels = kernels_for(regions, "regions_graph")
    channels = for_kernels(channels)
    first_pixel, area, sums = kernels.sums(
        regions, channels.reshape(regions.size, channels.shape[2]), n_regions, n_threads
    )
    pairs, length, contrast = kernels.borders(regions, channels, connectivity, n_threads)
    edges = pairs - np.int32(1)
    mean = np.where(area[:, None] > 0, sums / np.maximum(area, 1)[:, None], np.nan)
    difference = np.sqrt(((mean[edges[:, 0]] - mean[edges[:, 1]]) ** 2).sum(axis=1))
    around = kernels.adjacency(edges, n_regions)
    return RegionGraph(regions, area, mean, first_pixel, edges, length, difference, contrast / length, *around)
