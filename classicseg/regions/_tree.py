"""Joining of regions, step by step: the tree of all steps, and its cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_float, check_int
from classicseg.regions._check import check_threads
from classicseg.regions._graph import RegionGraph
from classicseg.regions._merge_by import RegionPairs, merge_by

Linkage = Literal["ward", "mean", "single", "contrast"]
LINKAGES: tuple[Linkage, ...] = get_args(Linkage)  # in the order of the kernel's numbers


@dataclass(frozen=True, eq=False)
class RegionTree:
    """All steps of joining regions, from every region on its own to one for each connected part of the graph.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        The regions that were joined, and 0 outside.
    merges : ndarray of int32, shape (n_steps, 2)
        The labels of the two regions joined in each step; the joined region has the first, lower one from then on.
    heights : ndarray of float64, shape (n_steps,)
        The weight of the edge between them, in the linkage's unit. It may fall from one step to the next.
    first_pixel : ndarray of int64, shape (n,)
        Flat position of the first pixel of the labels 1..n, -1 for a number that no pixel has.
    """

    labels: NDArray[np.int32]
    merges: NDArray[np.int32]
    heights: NDArray[np.float64]
    first_pixel: NDArray[np.int64]

    def cut(
        self,
        *,
        scale: float | None = None,
        threshold: float | None = None,
        n_segments: int | None = None,
        n_threads: int | None = None,
    ) -> NDArray[np.int32]:
        """Return the regions after some of the steps.

        Parameters
        ----------
        scale : float, optional
            The same as `threshold`, by the name that it has in `segment`.
        threshold : float, optional
            Steps are taken as long as their weight is below. Give this or `n_segments`.
        n_segments : int, optional
            Steps are taken until so many regions are left; never fewer than the parts of the graph that nothing
            connects.
        n_threads : int, optional
            Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
            processors this process may use.

        Returns
        -------
        ndarray of int32, shape (M, N)
            Region labels: 1, 2, ... by the first pixel in raster order, 0 outside.

        Raises
        ------
        ValueError, TypeError
            If not just one of `scale`, `threshold` and `n_segments` is given, or one has the wrong type or value.

        Examples
        --------
        >>> graph = region_graph([[1, 2, 3, 4]], [[10, 11, 30, 34]])
        >>> tree = merge_tree(graph, "mean")
        >>> tree.cut(threshold=2), tree.cut(n_segments=2)
        (array([[1, 1, 2, 3]], dtype=int32), array([[1, 1, 2, 2]], dtype=int32))
        """
        if scale is not None:
            if threshold is not None:
                raise ValueError("one of scale and threshold must be given, got both; they are the same")
            threshold = check_float("scale", scale)
        n_steps = self._steps_until(threshold, n_segments)
        n_threads = check_threads(n_threads)
        numbers = np.append(np.int32(0), self._numbers_after(n_steps))
        found: NDArray[np.int32] = kernels_for(self.labels, "regions_tree").renumbered(self.labels, numbers, n_threads)
        return found

    def contour_map(self, *, n_threads: int | None = None) -> NDArray[np.float32]:
        """Draw all cuts as one picture: every border as high as the step that removes it.

        Parameters
        ----------
        n_threads : int, optional
            Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
            processors this process may use.

        Returns
        -------
        ndarray of float32, shape (M, N)
            The weight from which on a pixel, its right, its lower and its lower right neighbour are one region in a
            cut, those outside left out; 0 where they always are, and infinite for regions that nothing joins. So the
            pixels from a threshold on are those that `classicseg.metrics.boundary_map` marks in a cut there, but for
            borders to the outside: those are no lines that a cut could leave or remove, and stay 0.
            ``boundary_map(labels > 0)`` has them.

        Notes
        -----
        An ultrametric contour map: whatever the threshold, the contours above it are closed. Where weights fall from
        one step to the next the highest until then counts, as it does for a cut. Source: P. Arbeláez, "Boundary
        Extraction in Natural Images Using Ultrametric Contour Maps", CVPR Workshop, 2006, doi:10.1109/CVPRW.2006.48.

        Examples
        --------
        >>> graph = region_graph([[1, 2, 3, 4]], [[10, 11, 30, 34]])
        >>> merge_tree(graph, "mean").contour_map()
        array([[ 1. , 21.5,  4. ,  0. ]], dtype=float32)
        """
        n_threads = check_threads(n_threads)
        heights = np.concatenate([[0], np.maximum.accumulate(self.heights), [np.inf]]).astype(np.float32)
        kernels = kernels_for(self.labels, "regions_contours")
        drawn: NDArray[np.float32] = kernels.contours(
            self.labels, self.merges, heights, len(self.first_pixel), n_threads
        )
        return drawn

    def _steps_until(self, threshold: float | None, n_segments: int | None) -> int:
        most_steps, below = _limits(self.first_pixel, threshold, n_segments)
        return min(most_steps, int(np.searchsorted(np.maximum.accumulate(self.heights), below)))

    def _numbers_after(self, n_steps: int) -> NDArray[np.int32]:
        """Return the new number of each label 1..n."""
        root = np.arange(len(self.first_pixel))
        low, high = self.merges[:n_steps].T - 1
        root[high] = low
        while not np.array_equal(root, further := root[root]):
            root = further
        present = np.flatnonzero(self.first_pixel >= 0)
        by_pixel = root[present[np.argsort(self.first_pixel[present])]]
        found, first = np.unique(by_pixel, return_index=True)
        number = np.zeros(len(root), np.int32)
        number[found[np.argsort(first)]] = np.arange(1, len(found) + 1)
        return number[root]


def merge_tree(
    graph: RegionGraph, linkage: Linkage | Callable[[RegionPairs], NDArray[np.float64]] = "ward"
) -> RegionTree:
    """Join regions, the closest pair of neighbours first, until nothing is left to join.

    Parameters
    ----------
    graph : RegionGraph
        Regions and their neighbours, as `region_graph` gives them with an image. It stays as it is.
    linkage : {"ward", "mean", "single", "contrast"} or callable, default "ward"
        How far apart two neighbours are:

        - "ward": how much the sum of squared deviations from the means grows when they become one (squared image
          units times pixels). Small regions are joined first, and large different ones last: the best choice where
          in doubt.
        - "mean": the Euclidean distance of their means, whatever their sizes (image units).
        - "single": the least distance of the means of two of the first regions, one in each, that are neighbours. A
          cut at a threshold joins all neighbours that are closer; slow changes of brightness chain regions together.
        - "contrast": the mean contrast along their boundary (image units).
        - a function from `RegionPairs` to an array of as many finite weights; it is called once for all edges, then
          in every step for the neighbours of the joined region. A step takes a call of Python.

    Returns
    -------
    RegionTree
        All the steps, to be cut at any threshold or number of segments.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value, or `linkage` gives something else than finite weights.

    See Also
    --------
    merge_regions : The cut alone.

    Notes
    -----
    A tie goes to the pair with the lowest lower label, then to the lowest higher one; a joined region has the lower
    label of its two. "mean" joins what `skimage.graph.merge_hierarchical` joins with the weights of its mean colour
    example, and the cut of "single" at a threshold is that of `skimage.graph.cut_threshold`. Source: J. H. Ward,
    "Hierarchical Grouping to Optimize an Objective Function", J. American Statistical Association 58(301), 1963,
    doi:10.1080/01621459.1963.10500845.

    Examples
    --------
    >>> graph = region_graph([[1, 2, 3, 4]], [[10, 11, 30, 34]])
    >>> tree = merge_tree(graph, "mean")
    >>> tree.merges.tolist(), tree.heights.tolist()
    ([[1, 2], [3, 4], [1, 3]], [1.0, 4.0, 21.5])
    """
    return _tree_until(_check_graph(graph), linkage, len(graph.area), np.inf)


def merge_regions(
    graph: RegionGraph,
    *,
    threshold: float | None = None,
    n_segments: int | None = None,
    linkage: Linkage | Callable[[RegionPairs], NDArray[np.float64]] = "ward",
    n_threads: int | None = None,
) -> NDArray[np.int32]:
    """Join neighbouring regions, the closest pair first, up to a threshold or down to a number of segments.

    Parameters
    ----------
    graph : RegionGraph
        Regions and their neighbours, as `region_graph` gives them with an image.
    threshold : float, optional
        Pairs are joined as long as their weight, in the linkage's unit, is below. Give this or `n_segments`.
    n_segments : int, optional
        How many regions are to be left; more where nothing connects the parts of the graph.
    linkage : {"ward", "mean", "single", "contrast"} or callable, default "ward"
        How far apart two neighbours are, as in `merge_tree`.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels: 1, 2, ... by the first pixel in raster order, 0 outside.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value, or not just one of `threshold` and `n_segments` is given.

    See Also
    --------
    merge_tree : All steps at once, for several thresholds.

    Examples
    --------
    >>> graph = region_graph([[1, 2, 3, 4]], [[10, 11, 30, 34]])
    >>> merge_regions(graph, n_segments=2)
    array([[1, 1, 2, 2]], dtype=int32)
    """
    limits = _limits(_check_graph(graph).first_pixel, threshold, n_segments)
    tree = _tree_until(graph, linkage, *limits)
    return tree.cut(threshold=threshold, n_segments=n_segments, n_threads=n_threads)


def _check_graph(graph: RegionGraph) -> RegionGraph:
    if not isinstance(graph, RegionGraph):
        raise TypeError(f"graph must be a RegionGraph, got {type(graph).__name__}; make one with region_graph()")
    return graph


def _limits(first_pixel: NDArray[np.int64], threshold: float | None, n_segments: int | None) -> tuple[int, float]:
    """Return how many steps a cut takes at most, and below which weight."""
    if (threshold is None) == (n_segments is None):
        given = "neither" if threshold is None else "both"
        raise ValueError(f"one of threshold and n_segments must be given, got {given}")
    n_regions = int((first_pixel >= 0).sum())
    if threshold is not None:
        return n_regions, check_float("threshold", threshold)
    return max(n_regions - check_int("n_segments", n_segments, low=1, high=max(n_regions, 1)), 0), np.inf


def _tree_until(
    graph: RegionGraph,
    linkage: Linkage | Callable[[RegionPairs], NDArray[np.float64]],
    most_steps: int,
    threshold: float,
) -> RegionTree:
    """Return the tree without the steps that no cut within these limits takes, where that saves time."""
    if callable(linkage):
        steps, heights = merge_by(graph, linkage)
    else:
        linkage = check_choice("linkage", linkage, LINKAGES)
        value = graph.contrast * graph.boundary_length if linkage == "contrast" else graph.difference
        sums = np.where(graph.area[:, None] > 0, graph.mean * graph.area[:, None], 0)
        arguments = (graph.area, sums, graph.edges, graph.boundary_length, value, LINKAGES.index(linkage))
        steps, heights = kernels_for(graph.labels, "regions_tree").merge_all(*arguments, most_steps, threshold)
    return RegionTree(graph.labels, steps + np.int32(1), heights, graph.first_pixel)
