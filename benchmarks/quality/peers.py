"""Methods of other libraries, with the steps around them that their own examples show."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.quality.ours import regions

SUPERPIXELS = 400  # where a method starts from superpixels: about one per 20 × 20 pixels of a picture
SAME_COLOUR = 2  # levels between neighbours of one region in a mean-shift filtered picture, as OpenCV's sample has it


class Relief(NamedTuple):
    """A picture and the length of its gradient."""

    image: Any
    heights: Any


class Pieces(NamedTuple):
    """A picture and its segmentation into more regions than are wanted."""

    image: Any
    labels: Any


class Graph(NamedTuple):
    """Superpixels and the graph of their neighbourhoods."""

    image: Any
    labels: Any
    graph: Any


def sklearn_kmeans(image: Any, *, n_clusters: int, min_size: int) -> Any:
    """Cluster colours; k-means alone is compared, so regions are made from the clusters as with our own."""
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters, n_init=1, random_state=0).fit(image.reshape(-1, 3))
    return regions(image, model.labels_.reshape(image.shape[:2]), min_size)


def slic(image: Any, *, n_segments: int, compactness: float) -> Any:
    from skimage.segmentation import slic

    return slic(image, n_segments, compactness=compactness, start_label=1)


def felzenszwalb(image: Any, *, scale: float, min_size: int) -> Any:
    from skimage.segmentation import felzenszwalb

    return felzenszwalb(image, scale, sigma=0.8, min_size=min_size)


def quickshift(image: Any) -> Pieces:
    from skimage.segmentation import quickshift

    return Pieces(image, quickshift(image, kernel_size=5, max_dist=40, ratio=0.5, rng=0))


def merged(pieces: Pieces, *, min_size: int) -> Any:
    return regions(pieces.image, pieces.labels, min_size)


def gradient(image: Any) -> Relief:
    """Return the length of the smoothed picture's gradient in Lab, in tenths."""
    from skimage.color import rgb2lab
    from skimage.filters import gaussian, sobel

    lab = gaussian(rgb2lab(image), 1.5, channel_axis=2)
    return Relief(image, np.rint(10 * np.sqrt(sum(sobel(lab[..., c]) ** 2 for c in range(3)))).astype(np.int32))


def watershed(relief: Relief, *, depth: int, min_size: int) -> Any:
    """Flood the gradient from its minima of at least this depth, in its tenths of a unit; merge small regions."""
    from skimage.measure import label
    from skimage.morphology import h_minima
    from skimage.segmentation import watershed

    flooded = watershed(relief.heights, label(h_minima(relief.heights, depth)))
    return regions(relief.image, flooded, min_size)


def superpixels(image: Any) -> Any:
    from skimage.segmentation import slic

    return slic(image, SUPERPIXELS, compactness=20, start_label=1)


def region_graph(image: Any) -> Graph:
    from skimage.graph import rag_mean_color

    labels = superpixels(image)
    return Graph(image, labels, rag_mean_color(image, labels))


def similarity_graph(image: Any) -> Graph:
    from skimage.graph import rag_mean_color

    labels = superpixels(image)
    return Graph(image, labels, rag_mean_color(image, labels, mode="similarity"))


def cut_threshold(start: Graph, *, threshold: float) -> Any:
    from skimage.graph import cut_threshold

    return cut_threshold(start.labels, start.graph, threshold, in_place=False)


def cut_normalized(start: Graph, *, threshold: float) -> Any:
    from skimage.graph import cut_normalized

    return cut_normalized(start.labels, start.graph, threshold, in_place=False, rng=0)


def merge_hierarchical(start: Graph, *, threshold: float) -> Any:
    from skimage.graph import merge_hierarchical

    return merge_hierarchical(
        start.labels,
        start.graph,
        threshold,
        rag_copy=True,
        in_place_merge=True,
        merge_func=_merge_colours,
        weight_func=_colour_distance,
    )


def _merge_colours(graph: Any, source: int, target: int) -> None:
    merged, taken = graph.nodes[target], graph.nodes[source]
    merged["total color"] = merged["total color"] + taken["total color"]  # anew: copies of the graph share arrays
    merged["pixel count"] += taken["pixel count"]
    merged["mean color"] = merged["total color"] / merged["pixel count"]


def _colour_distance(graph: Any, source: int, target: int, neighbour: int) -> dict[str, float]:
    difference = graph.nodes[target]["mean color"] - graph.nodes[neighbour]["mean color"]
    return {"weight": float(np.linalg.norm(difference))}


def pyramid_mean_shift(image: Any, *, spatial: float, colour: float, min_size: int) -> Any:
    """Filter by mean shift, join neighbours of about one colour as flood filling does, merge small regions."""
    import cv2

    filtered = cv2.pyrMeanShiftFiltering(image, spatial, colour, maxLevel=1)
    return regions(image, alike(filtered, SAME_COLOUR), min_size)


def alike(image: Any, difference: int) -> Any:
    """Return the components of pixels joined where no channel of two neighbours differs by more."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    place = np.arange(image.shape[0] * image.shape[1]).reshape(image.shape[:2])
    levels = image.astype(np.int16)
    right = (np.abs(levels[:, 1:] - levels[:, :-1]) <= difference).all(axis=2)
    below = (np.abs(levels[1:] - levels[:-1]) <= difference).all(axis=2)
    first = np.concatenate([place[:, :-1][right], place[:-1][below]])
    second = np.concatenate([place[:, 1:][right], place[1:][below]])
    joined = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(place.size, place.size))
    return connected_components(joined, directed=False)[1].reshape(place.shape)
