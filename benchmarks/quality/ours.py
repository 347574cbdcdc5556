"""Methods of this package. Each takes an RGB picture and returns region labels."""

from __future__ import annotations

from typing import Any

import numpy as np

SUPERPIXELS = 400  # where merging starts, about one per 20 × 20 pixels of a picture
MOST_CUT = 32  # segments that their graph is cut into
PLAIN = 20  # their compactness, as in scikit-image's example of merging


def kmeans_colour(image: Any, *, n_clusters: int, min_size: int) -> Any:
    return kmeans_regions(image, "RGB", n_clusters, min_size)


def kmeans_lab(image: Any, *, n_clusters: int, min_size: int) -> Any:
    return kmeans_regions(image, "Lab", n_clusters, min_size)


def kmeans_place(image: Any, *, n_clusters: int, xy: float, min_size: int) -> Any:
    return kmeans_regions(image, "RGBxy", n_clusters, min_size, {"xy": xy})


def kmeans_regions(image: Any, channels: str, n_clusters: int, min_size: int, weights: Any = None) -> Any:
    from classicseg import kmeans, pixel_features

    features = pixel_features(image, channels, channel_weights=weights)
    return regions(image, kmeans(features, n_clusters, rng=0, n_threads=1).labels, min_size)


def mean_shift(image: Any, *, spatial: float, colour: float, min_size: int, kernel: Any = "flat") -> Any:
    from classicseg import mean_shift_segment

    return mean_shift_segment(image, spatial, colour, min_size=min_size, kernel=kernel, n_threads=1).labels


def mean_shift_luv(image: Any, *, spatial: float, colour: float, min_size: int) -> Any:
    """Segment by colours as they are seen to differ, as the source of the method does."""
    from classicseg import pixel_features

    return mean_shift(np.asarray(pixel_features(image, "Luv")), spatial=spatial, colour=colour, min_size=min_size)


def mean_shift_opencv(image: Any, *, spatial: float, colour: float, min_size: int) -> Any:
    return mean_shift(image, spatial=spatial, colour=colour, min_size=min_size, kernel="opencv")


def felzenszwalb(image: Any, *, scale: float, min_size: int) -> Any:
    from classicseg import felzenszwalb

    return felzenszwalb(image, scale, sigma=0.8, min_size=min_size, n_threads=1)


def slic(image: Any, *, n_segments: int, compactness: float) -> Any:
    from classicseg import slic

    return slic(image, n_segments, compactness, n_threads=1)


def tree_of_lines(image: Any) -> Any:
    """Return the tree of joining regions where people are least likely to draw a line, as fitted to what they drew."""
    from classicseg import segment_tree

    return segment_tree(image, n_threads=1)


def tree_by_hand(image: Any) -> Any:
    from classicseg import segment_tree

    return segment_tree(image, weights="plain", n_threads=1)


def tree_of_colours(image: Any) -> Any:
    """Return the tree of merging superpixels as scikit-image's example does, by their mean colours."""
    return tree(image, image, "mean")


def tree_of_lab(image: Any) -> Any:
    return tree(image, lab_of(image), "mean")


def tree_by_ward(image: Any) -> Any:
    return tree(image, lab_of(image), "ward")


def tree_of_borders(image: Any) -> Any:
    return tree(image, lab_of(image), unlike)


def unlike(pairs: Any) -> Any:
    """Return how unlike neighbours are inside and along their border, less so where one of them is small."""
    inside = np.linalg.norm(pairs.mean[:, 0] - pairs.mean[:, 1], axis=1)
    return (inside + pairs.contrast) / 2 * (pairs.area.min(axis=1) / 400) ** 0.2


def tree(image: Any, values: Any, linkage: Any) -> Any:
    from classicseg import merge_tree, region_graph
    from classicseg import slic as superpixels

    labels = superpixels(image, SUPERPIXELS, PLAIN, n_threads=1)
    return merge_tree(region_graph(labels, values, connectivity=2, n_threads=1), linkage)


def tree_of_cuts(image: Any) -> Any:
    """Return the tree of cutting superpixels in two by their normalized cut, of colours in Lab."""
    from classicseg import region_graph, split_tree
    from classicseg import slic as superpixels

    labels = superpixels(image, SUPERPIXELS, PLAIN, n_threads=1)
    graph = region_graph(labels, lab_of(image), connectivity=2, n_threads=1)
    return split_tree(graph, n_segments=min(MOST_CUT, len(graph.area)), n_threads=1)


def cut_normalized(tree: Any, *, n_segments: int) -> Any:
    """Return the segments of a tree of cuts; it has fewer regions where a picture has."""
    return 1 + tree.cut(n_segments=min(n_segments, len(tree.parents) + 1))


def lab_of(image: Any) -> Any:
    from classicseg import pixel_features

    return np.asarray(pixel_features(image, "Lab"))


def cut(tree: Any, **where: float) -> Any:
    return tree.cut(**where, n_threads=1)


def regions(image: Any, labels: Any, min_size: int) -> Any:
    """Return the connected regions of a clustering, the small ones merged into the neighbour of nearest colour."""
    from classicseg import connected_regions, merge_small_regions

    return merge_small_regions(connected_regions(labels, n_threads=1), min_size, image=image)
