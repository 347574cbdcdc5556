"""The good default: small regions along the lines of an image, merged by how likely people see one thing in them."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_float, check_image, check_int, check_mask
from classicseg.features._cues import N_COLORS, N_TEXTONS, Cues, cues
from classicseg.regions import RegionTree
from classicseg.regions._check import check_threads

Weights = Literal["fitted", "plain"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
SCALE = 0.15  # the default, chosen on the pictures that the weights were fitted on
MIN_SIZE = 30
SMOOTHING = 1.0  # width of the Gaussian over the gradients before water runs down them

# The random walk on regions.
N_NODES = 400  # regions at most
N_VECTORS = 8
N_STEPS = 200  # of the method that finds the vectors
STEEPNESS = 8  # a link is the probability that there is no border, to this power
FAINTEST = 1e-6  # link; what nothing links would be a coordinate of its own
SHARE = 0.3  # of the coordinates' distances as a strength, so that it is of the size of the others
LEAST = 1e-9  # of 1 - λ: less is rounding


def segment(
    image: ArrayLike,
    scale: float = SCALE,
    *,
    n_segments: int | None = None,
    depth: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    weights: Weights = "fitted",
    min_size: int = MIN_SIZE,
    n_threads: int | None = None,
) -> NDArray[np.int32]:
    """Split an image into the regions that people would draw.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        RGB or gray picture, temperatures in °C, or several bands. Floats of a colour picture range over 0 to 1; one
        channel of floats that does not is temperatures, where 10 °C count like from black to white.
    scale : float, default {scale}
        From 0 to 1: how likely it must be that people draw a line between two regions, for it to stay. Smaller values
        leave more and smaller regions; from 0.05 to 0.4 is the useful range for photographs.
    n_segments : int, optional
        So many regions are left, whatever `scale` says: those that the most likely lines part.
    depth : array_like, shape (M, N), optional
        Distance of every pixel, in any unit; holes are NaN, infinity or 0. 10 % farther counts like 10 of 100 levels
        of lightness.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others may hold anything, NaN too.
    weights : {{"fitted", "plain"}}, default "fitted"
        What tells regions apart: the weights that make the tree agree best with people who segmented photographs, or
        a few that were set by hand, for images that are nothing like photographs.
    min_size : int, default {min_size}
        Smallest region, in pixels, unless nothing lies beside it.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels: 1, 2, ... by the first pixel in raster order, 0 outside the mask.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN or infinity inside the mask.

    See Also
    --------
    segment_tree : All scales at once.
    felzenszwalb : Faster, by colour alone.

    Examples
    --------
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 200, 60, 30
    >>> segment(image).max()
    2
    """
    tree = segment_tree(image, depth=depth, mask=mask, weights=weights, min_size=min_size, n_threads=n_threads)
    scale = check_float("scale", scale, low=0, high=1)
    if n_segments is not None:
        return tree.cut(n_segments=n_segments, n_threads=n_threads)
    return tree.cut(scale=scale, n_threads=n_threads)


def segment_tree(
    image: ArrayLike,
    *,
    depth: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    weights: Weights = "fitted",
    min_size: int = MIN_SIZE,
    n_threads: int | None = None,
) -> RegionTree:
    """doc"""
    array = check_image("image", image)
    inside = check_mask(mask, array.shape[:2])
    if inside is not None and not inside.any():
        raise ValueError("mask must mark at least one pixel as True, got none")
    distance = None if depth is None else check_image("depth", depth, ndim=(2,))
    if distance is not None and distance.shape != array.shape[:2]:
        raise ValueError(f"depth must have the image's shape {array.shape[:2]}, got {distance.shape}")
    weights = check_choice("weights", weights, WEIGHTS)
    min_size = check_int("min_size", min_size, low=1)
    n_threads = check_threads(n_threads)
    found = cues(array, inside, distance, n_threads=n_threads)
    return tree_of(start_regions(found, min_size, n_threads), weights)


class Start(NamedTuple):
    """The regions that merging begins with."""

    labels: NDArray[np.int32]  # (M, N), 1..n, 0 outside
    first_pixel: NDArray[np.int64]  # (n,)
    described: Any  # `Described`: what is known of them and their borders


def start_regions(found: Cues, min_size: int, n_threads: int | None = None) -> Start:
    """Return where water runs to on the gradients, without regions that are too small."""
    height = np.float32(0.5) * found.strengths[0] + found.strengths[1]
    relief = np.empty_like(height)
    kernels_for(height, "gradients").smooth(height[None], found.mask, SMOOTHING, relief[None], n_threads)
    if found.mask is not None:
        relief[~found.mask] = np.inf
    labels, n_basins = kernels_for(relief, "watershed").basins(relief, n_threads)
    borders = kernels_for(relief, "borders")
    between = borders.passes(labels, relief, found.strengths, n_threads)
    numbers = borders.joined(between, borders.areas(labels, n_basins), min_size)
    kernels_for(labels, "regions_tree").renumbered(labels, numbers, n_threads, out=labels)
    between = borders.renamed(between, numbers)
    kernels = kernels_for(labels, "segment_merge")
    codes = found.colors, found.textons, (N_COLORS, N_TEXTONS)
    first_pixel, area, sums = kernels.describe(labels, found.planes, *codes, int(numbers.max()), n_threads)
    layout = (len(found.planes), *codes[2], 0)
    ends = between.pairs - np.int32(1)
    return Start(labels, first_pixel, kernels.Described(area, sums, layout, ends, between.lengths, between.sums))


def tree_of(start: Start, weights: Weights) -> RegionTree:
    """Return the merging of regions by the fitted or the plain weights."""
    first, last = _model(weights)
    described = start.described if len(first) == 0 else with_coordinates(start.described, first)
    steps, scores = kernels_for(start.labels, "segment_merge").merge_by_score(described, last)
    heights = 1 / (1 + np.exp(-np.maximum.accumulate(scores)))
    return RegionTree(start.labels, steps + np.int32(1), heights, start.first_pixel)


def with_coordinates(described: Any, weights: NDArray[np.float64]) -> Any:
    """Return the regions with coordinates that are alike where many ways lead from one to the other, and how far those
    lie apart as one more strength of borders.

    These are the slowest vectors of a random walk on the graph of regions, whose links are the less probable a border
    is by `weights`. First the regions are merged until so few are left that the walk is quick to compute.
    """
    kernels = kernels_for(described.area, "segment_merge")
    n_regions = len(described.area)
    steps, _, ends, features = kernels.features_after(described, weights, max(n_regions - N_NODES, 0))
    node = _nodes_after(steps, n_regions)
    scores = np.concatenate([features, np.sqrt(np.maximum(features, 0)), np.ones((len(features), 1))], axis=1) @ weights
    links = np.maximum((1 + np.exp(scores)) ** -STEEPNESS, FAINTEST)
    vectors = _walk(node[ends], links, np.bincount(node, described.area))[node]
    apart = np.abs(vectors[described.ends[:, 0]] - vectors[described.ends[:, 1]]).sum(axis=1) * SHARE
    strengths = np.column_stack([described.strengths, apart * described.lengths])
    sums = np.concatenate([described.sums, vectors * described.area[:, None]], axis=1)
    return described._replace(sums=sums, layout=(*described.layout[:3], N_VECTORS), strengths=strengths)


def _nodes_after(steps: NDArray[np.int32], n_regions: int) -> NDArray[np.int64]:
    """Return the node, from 0, that each region is part of after some steps."""
    root = np.arange(n_regions)
    root[steps[:, 1]] = steps[:, 0]
    while not np.array_equal(root, further := root[root]):
        root = further
    return np.unique(root, return_inverse=True)[1].reshape(-1)


def _walk(ends: NDArray[Any], links: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coordinates (n, N_VECTORS) of nodes, the slowest of unit mean square over the pixels."""
    found = np.zeros((len(area), N_VECTORS))
    inside = np.flatnonzero(np.bincount(ends.reshape(-1), minlength=len(area)))  # those with links
    if len(inside) > 1:
        place = np.zeros(len(area), np.int64)
        place[inside] = np.arange(len(inside))
        values, rows = kernels_for(links, "lanczos").largest(place[ends], links, len(inside), N_VECTORS, N_STEPS)
        degree = np.bincount(ends.reshape(-1), np.repeat(links, 2), len(area))[inside]
        rows = rows / np.sqrt(degree)
        rows /= np.sqrt((rows**2 @ area[inside] / area.sum()))[:, None]
        slowness = np.maximum(1 - values, LEAST)
        found[inside, : len(rows)] = (rows * np.sqrt(slowness[0] / slowness)[:, None]).T
    return found


@functools.cache
def _model(weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two sets of weights: those that the links of a random walk come from, none without it, and those of merging.

    Each holds the weights of the features, of their square roots, and the constant.
    """
    text = files("classicseg").joinpath("_segment_weights.json").read_text(encoding="utf-8")
    first, last = (np.array(json.loads(text)[weights][name], np.float64) for name in ("walk", "merging"))
    return first, last
