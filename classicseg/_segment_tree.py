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
N_CODES = (N_COLORS, N_TEXTONS)


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
    model = _model(check_choice("weights", weights, WEIGHTS))
    min_size = check_int("min_size", min_size, low=1)
    n_threads = check_threads(n_threads)
    found = cues(array, inside, distance, n_threads=n_threads)
    start = start_regions(found, min_size, n_threads)
    return _merged(found, start, model, n_threads)


class Start(NamedTuple):
    """The regions that merging begins with, and the borders between them."""

    labels: NDArray[np.int32]  # (M, N), 1..n, 0 outside
    n_regions: int
    borders: Any  # `Passes`, with the strengths along them


def start_regions(found: Cues, min_size: int, n_threads: int | None = None) -> Start:
    """Return where water runs to on the gradients, without regions that are too small."""
    kernels = kernels_for(found.planes, "watershed")
    height = np.float32(0.5) * found.strengths[0] + found.strengths[1]
    relief = np.empty_like(height)
    kernels_for(height, "gradients").smooth(height[None], found.mask, SMOOTHING, relief[None], n_threads)
    if found.mask is not None:
        relief[~found.mask] = np.inf
    labels, n_basins = kernels.basins(relief, n_threads)
    borders = kernels_for(relief, "borders")
    between = borders.passes(labels, relief, found.strengths, n_threads)
    numbers = borders.joined(between, borders.areas(labels, n_basins), min_size)
    kernels_for(labels, "regions_tree").renumbered(labels, numbers, n_threads, out=labels)
    return Start(labels, int(numbers.max()), borders.renamed(between, numbers))


def _merged(found: Cues, start: Start, model: NDArray[np.float64], n_threads: int | None) -> RegionTree:
    kernels = kernels_for(start.labels, "segment_merge")
    first_pixel, regions = kernels.describe(
        start.labels, found.planes, found.colors, found.textons, N_CODES, start.n_regions, n_threads
    )
    between = start.borders
    n_pixels = int(regions[:, 0].sum())
    arguments = (between.pairs - np.int32(1), between.lengths, between.sums, N_CODES, model, n_pixels)
    steps, scores = kernels.merge_by_score(regions, *arguments)
    heights = 1 / (1 + np.exp(-np.maximum.accumulate(scores)))
    return RegionTree(start.labels, steps + np.int32(1), heights, first_pixel)


@functools.cache
def _model(weights: Weights) -> NDArray[np.float64]:
    """Return the weights of the features, of their square roots, and the constant."""
    text = files("classicseg").joinpath("_segment_weights.json").read_text(encoding="utf-8")
    return np.array(json.loads(text)[weights], np.float64)
