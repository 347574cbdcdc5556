"""Compile every kernel once, on tiny inputs, so that the first real call does not wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from classicseg._segment import segment_image
from classicseg._segment_tree import segment_tree
from classicseg.cluster import kmeans, mean_shift, mean_shift_filter, mean_shift_segment
from classicseg.features import pixel_features, texture_features
from classicseg.graph import graph_cut, minimum_cut, ncut, normalized_cut, pixel_affinity, spectral_embedding
from classicseg.metrics import (
    Instances,
    achievable_segmentation_accuracy,
    boundary_f,
    boundary_map,
    coco_average_precision,
    compactness,
    contingency_table,
    explained_variation,
    non_maximum_suppression,
    region_scores,
    thin,
)
from classicseg.refine import InstanceResult, describe_regions, panoptic_merge, pool, smooth, snap
from classicseg.regions import connected_regions, merge_regions, merge_small_regions, region_graph, region_table
from classicseg.superpixels import felzenszwalb, slic
from classicseg.thermal import find_hotspots
from classicseg.thermal._smooth import METHODS


def warmup(progress: Callable[[str, float], None] | None = None) -> None:
    """Compile every CPU kernel, or load it from the cache.

    Parameters
    ----------
    progress : callable, optional
        Called with the name of each group of kernels and the seconds it took.
    """
    for name, call in _CALLS.items():
        start = time.perf_counter()
        call()
        if progress is not None:
            progress(name, time.perf_counter() - start)


def _warm_kmeans() -> None:
    # Steps are compiled per dtype, and for up to 3, up to 5 and more features.
    for dtype in (np.uint8, np.float32):
        for channels in (1, 5, 6):
            kmeans(np.arange(8 * channels).reshape(2, 4, channels).astype(dtype), 2, rng=0)
    for kind in ("uint8", "uint16", "float32"):
        segment_image(np.zeros((4, 4, 3), kind), method="kmeans", n_clusters=1)
    kmeans(np.arange(8.0).reshape(4, 2), 2, sample_weight=np.ones(4), rng=0)
    kmeans(np.zeros((512, 256, 3), np.uint8), 8)  # long enough to be put in order
    kmeans(np.zeros((2048, 2048, 3), np.uint8), 1)  # large enough to be taken as its distinct colours


def _warm_mean_shift() -> None:
    for dtype in (np.uint8, np.float32):
        mean_shift(np.arange(24).reshape(8, 3).astype(dtype), 4)
    for image in (np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8)):
        mean_shift_filter(image, 2, 1)
        segment_image(image, method="mean_shift")
    mean_shift_filter(image, 2, 1, kernel="gaussian")
    mean_shift_segment(image, 2, 1)
    for radius in (5, 10, 20):  # each radius of OpenCV's window is compiled for itself
        mean_shift_filter(image, radius, 1, kernel="opencv")


def _warm_features() -> None:
    for image in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3), np.uint16), np.zeros((4, 4, 3), np.float32)):
        for token in ("Lab", "Luv"):
            pixel_features(image, token)
    texture_features(np.zeros((64, 64), np.uint8), kind="textons")
    texture_features(np.zeros((64, 64), np.uint8), kind="lbp")


def _warm_regions() -> None:
    regions = connected_regions(np.eye(4, dtype=np.int32))
    for image in (None, np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8)):
        merge_small_regions(regions, 2, image=image)
        region_table(regions, image)
        merge_regions(region_graph(regions, image), n_segments=1)


def _warm_segment() -> None:
    rows, cols = np.mgrid[:40, :40]
    colours = np.stack([(rows // 20) * 90, (cols // 20) * 120, rows + cols], axis=2).astype(np.uint8)
    for image in (colours, colours.astype(np.uint16), colours / np.float32(255)):
        segment_tree(image, mask=rows + cols > 3).contour_map()


def _warm_superpixels() -> None:
    image = np.arange(1200, dtype=np.uint8).reshape(20, 20, 3)
    slic(image, 4, max_size_factor=1)
    slic(image, 4, slic_zero=True)
    slic(image[..., 0] / 255, 4, channel_axis=None)
    for dtype in (np.uint8, np.float64):
        felzenszwalb(image.astype(dtype))


def _warm_graph() -> None:
    affinity = pixel_affinity(np.arange(12.0).reshape(3, 4), 1)
    for dtype in (np.float32, np.float64):
        affinity.matvec(affinity.degree.astype(dtype))
    affinity.to_scipy()
    ncut(affinity, np.zeros((3, 4), np.int32))
    rows, cols = np.mgrid[:64, :64]
    for mode in ("fast", "exact"):  # float32, and float64 after it; so many pixels that there is a coarser grid
        spectral_embedding(pixel_affinity((rows * 7 + cols * cols) % 11 * 1.0, 1, sigma=5), 2, mode=mode)
    graph_cut(affinity, np.eye(3, 4, dtype=np.int32))
    graph_cut(affinity.to_scipy(), np.eye(1, 12, dtype=np.int32)[0])
    minimum_cut(affinity)
    regions = np.arange(1, 13, dtype=np.int32).reshape(3, 4)
    normalized_cut(region_graph(regions, regions % 5), 3)
    for options in ({"n_segments": 3}, {"threshold": 0.1}):
        normalized_cut((rows * 7 + cols * cols) % 11 * 1.0, radius=1, sigma=5, **options)


def _warm_refine() -> None:
    regions = np.arange(1, 17, dtype=np.int32).reshape(4, 4)
    none = InstanceResult(np.zeros((0, 4, 4), bool), np.zeros(0, np.float32), np.zeros(0, np.int64))
    for dtype in (np.float32, np.float64):
        probabilities = np.full((4, 4, 2), 0.5, dtype)
        pool(probabilities, regions, weights=np.ones((4, 4)))
        panoptic_merge(snap(probabilities, regions), none, things=[])
    for image in (np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint8)):
        smooth(probabilities, describe_regions(image, regions))


def _warm_metrics() -> None:
    labels = np.arange(256).reshape(16, 16)
    contingency_table(labels * 10**9, labels.T)  # labels far apart, in a table that is mostly empty
    region_scores(labels // 64, labels // 8)
    achievable_segmentation_accuracy(labels // 64, labels // 8)
    compactness(labels // 8)
    for dtype in (np.uint8, np.uint16, np.float32, np.float64):
        explained_variation(labels.astype(dtype), labels // 8)
    boundary_f(thin(boundary_map(labels // 64)), boundary_map(labels // 32))
    boxes, masks = np.array([[0.0, 0, 2, 2], [0, 1, 2, 3]]), np.ones((2, 4, 4), bool)
    non_maximum_suppression(boxes, [1.0, 0.5])
    non_maximum_suppression(masks, [1.0, 0.5])
    for kind, shapes in (("boxes", {"boxes": boxes}), ("masks", {"masks": masks})):
        true = Instances([1, 1], [1, 1], **shapes)
        coco_average_precision(true, Instances([1, 1], [1, 1], scores=[1.0, 0.5], **shapes), kind=kind)


def _warm_hotspots() -> None:
    rows, cols = np.mgrid[:96, :96]
    frame = np.where((rows % 16 < 12) & (cols % 24 < 20), 30, 24) + ((rows * 7 + cols * 3) % 5) * 0.02
    for method in METHODS:
        find_hotspots(frame.astype(np.float32), method=method)


_CALLS = {
    "features": _warm_features,
    "k-means": _warm_kmeans,
    "mean shift": _warm_mean_shift,
    "regions": _warm_regions,
    "superpixels": _warm_superpixels,
    "segment": _warm_segment,
    "graph": _warm_graph,
    "refine": _warm_refine,
    "metrics": _warm_metrics,
    "hot spots": _warm_hotspots,
}
