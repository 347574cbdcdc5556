"""What a normalized cut is asked for, checked, as a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_int
from classicseg.features import PixelFeatures
from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._pixel_graph import PixelGraph, graph_of_pixels
from classicseg.graph._sparse import SparseGraph, graph_of_regions, graph_of_scipy
from classicseg.regions import RegionGraph

RADIUS = 5


@dataclass(frozen=True, eq=False)
class Subject:
    """A graph, and how the labels of its nodes become those of what was given."""

    graph: PixelGraph | SparseGraph
    shape: tuple[int, ...]  # of the labels
    image_of: Callable[[NDArray[np.int32]], NDArray[np.int32]]  # of the labels of the graph's nodes

    @property
    def n_nodes(self) -> int:
        """Return how many segments there can be."""
        return max(len(self.graph.nodes), 1)


def subject_of(
    features: ArrayLike | PixelFeatures | PixelAffinity | RegionGraph | Any,
    sigma: float | None,
    weights: ArrayLike | None,
    radius: float | None,
    spatial_sigma: float | None,
    mask: ArrayLike | None,
    n_threads: int | None,
) -> Subject:
    """Check what is to be cut and the options that go with it."""
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    of_pixels = {"radius": radius, "spatial_sigma": spatial_sigma, "mask": mask}
    if isinstance(features, RegionGraph):
        _refuse(of_pixels, "an image", "regions")
        return _of_regions(features, graph_of_regions(features, sigma, weights))
    _refuse({"weights": weights}, "a RegionGraph", "other graphs")
    if isinstance(features, PixelAffinity):
        _refuse({"sigma": sigma, **of_pixels}, "an image", "its affinity; tell pixel_affinity()")
        return _of_pixels(features, n_threads)
    if hasattr(features, "tocsr"):
        _refuse({"sigma": sigma, **of_pixels}, "an image", "a sparse array")
        graph = graph_of_scipy(features)
        if len(graph.nodes) == 0:
            raise ValueError("features must have at least one node, got a graph of none")
        return Subject(graph, graph.nodes.shape, lambda labels: labels)
    options: dict[str, Any] = {"sigma": sigma, "spatial_sigma": spatial_sigma, "mask": mask, "n_threads": n_threads}
    return _of_pixels(pixel_affinity(features, RADIUS if radius is None else radius, **options), n_threads)


def _refuse(options: dict[str, Any], whose: str, other: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name} must go with {whose}, got it with {other}")


def _of_regions(regions: RegionGraph, graph: SparseGraph) -> Subject:
    present = np.flatnonzero(regions.area)
    if len(present) == 0:
        raise ValueError("features must have at least one region, got labels of 0 alone")
    if len(present) < len(regions.area):
        graph = graph.part_of(present)

    def image_of(labels: NDArray[np.int32]) -> NDArray[np.int32]:
        of_label = np.full(len(regions.area) + 1, -1, np.int32)
        of_label[graph.nodes + 1] = labels
        return of_label[regions.labels]

    return Subject(graph, regions.labels.shape, image_of)


def _of_pixels(affinity: PixelAffinity, n_threads: int | None) -> Subject:
    kernels_for(affinity.stored, "ncut_pixels")  # says that there are none on CUDA
    shape, linked = affinity.shape, affinity.degree > 0

    def image_of(labels: NDArray[np.int32]) -> NDArray[np.int32]:
        image = np.full(shape, -1 if linked.any() else 0, np.int32)
        image[linked] = labels
        lone = ~linked if affinity.mask is None else ~linked & affinity.mask
        if linked.any() and lone.any():
            from scipy.ndimage import distance_transform_edt

            rows, cols = distance_transform_edt(~linked, return_distances=False, return_indices=True)
            image[lone] = image[rows[lone], cols[lone]]
        elif affinity.mask is not None:
            image[~affinity.mask] = -1
        return image

    return Subject(graph_of_pixels(affinity, np.flatnonzero(linked), shape, (0, 0), n_threads), shape, image_of)
