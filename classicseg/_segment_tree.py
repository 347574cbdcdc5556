"""The good default: small regions along the lines of an image, merged by how likely people see one thing in them."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, like, to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._segment_walk import nodes_after, with_walk
from classicseg._validate import check_choice, check_float, check_image, check_int, check_mask
from classicseg.features._cues import N_COLORS, N_TEXTONS, Cues, cues
from classicseg.regions import RegionTree
from classicseg.regions._check import check_threads

Weights = Literal["fitted", "plain"]
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
SCALE = 0.5  # where most of the annotators of the pictures that the weights were fitted on draw a line
MIN_SIZE = 30
LEAST_UNIT = 1e-30  # by which values can be divided in float32
FLAT = 1e-3  # strength: basins that no higher pass parts are one, as far as anyone can see
N_NODES = 400  # regions that the walk goes over, and that several trees merge
SMOOTHING = 1.0  # width of the Gaussian over the gradients before water runs down them


def segment(
    image: ArrayLike,
    scale: float = SCALE,
    *,
    unit: float | None = None,
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
        RGB or gray picture, temperatures, or several bands, as in `segment_tree`.
    scale : float, default 0.5
        From 0 to 1: a line stays where people draw it with this probability or a higher one. Smaller values leave more
        and smaller regions. Photographs do well from 0.4 to 0.5; try 0.2 for details, 0.7 for the largest things.
    unit : float, optional
        The difference that counts like from black to white, as in `segment_tree`; 10 for temperatures. A thermal frame
        of so little contrast that all is one region wants 4 or 2.
    depth : array_like, shape (M, N), optional
        Distance of every pixel, as in `segment_tree`.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others may hold anything, NaN too.
    weights : {"fitted", "plain"}, default "fitted"
        What lines are weighed by, as in `segment_tree`.
    min_size : int, default 30
        No region has fewer pixels, unless nothing lies beside it.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Region labels: 1, 2, ... by the first pixel in raster order, 0 outside the mask. CuPy's where the image
        lies on a GPU.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN or infinity inside the mask.

    See Also
    --------
    segment_tree : All scales at once, or a number of regions; how it works.
    felzenszwalb : By colour alone.
    kmeans : Colours that are alike wherever they lie.

    Examples
    --------
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 200, 60, 30
    >>> np.unique(segment(image), return_counts=True)
    (array([1, 2], dtype=int32), array([1800,  600]))
    """
    scale = check_float("scale", scale, low=0, high=1)
    image = adopt(image)
    options: dict[str, Any] = {"weights": weights, "min_size": min_size, "n_threads": n_threads}
    tree = segment_tree(image, unit=unit, depth=depth, mask=mask, **options)
    labels: NDArray[np.int32] = like(tree.cut(scale=scale, n_threads=n_threads), image)
    return labels


def segment_tree(
    image: ArrayLike,
    *,
    unit: float | None = None,
    depth: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    weights: Weights = "fitted",
    min_size: int = MIN_SIZE,
    n_threads: int | None = None,
) -> RegionTree:
    """Split an image into regions at all scales: from a thousand small ones to the few that people would draw.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        RGB or gray picture, of integers or of floats from 0 to 1. One channel of floats that does not range over 0 to 1
        is temperatures, where 10 °C count like from black to white. Several bands that are not three count each by its
        range: 255 for uint8, 1 for floats. How far the values of an image range never changes the unit.
    unit : float, optional
        The difference of one channel, or of all bands at once, that counts like from black to white, instead of these;
        of RGB the value of white. Choose about five times the difference between the things to be told apart and what
        is around them: 10 °C do from 1.5 °C on, and a scene under clouds or at night, which else may be one region,
        wants 4 or 2. Raw counts need a unit: as many as are 10 °C.
    depth : array_like, shape (M, N), optional
        Distance of every pixel, in any unit; holes are NaN, infinity, or 0 and less. 10 % farther counts like a tenth
        of the way from black to white.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others may hold anything, NaN too, and change nothing inside.
    weights : {"fitted", "plain"}, default "fitted"
        "fitted": the weights by which the tree agrees best with what people drew in photographs. "plain": a few set by
        hand, colour, contrast along the border and size, for images that are nothing like photographs; only their
        constant was chosen on some, so that 0.5 is about the best scale for both.
    min_size : int, default 30
        No region has fewer pixels, unless nothing lies beside it. Choose the area of the smallest thing worth finding.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    RegionTree
        Its heights are the probabilities that people draw a line between the two regions, and never fall: so
        ``cut(scale=0.5)`` leaves the lines that most would draw, ``cut(n_segments=8)`` eight regions, and
        ``contour_map()`` shows all lines at once.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN or infinity inside the mask.

    See Also
    --------
    segment : One cut.
    merge_tree : A tree of given regions by one simple measure.

    Notes
    -----
    Of an image on a GPU, which `depth` and `mask` must share, the planes, gradients and codes, and their sums over
    regions, are computed there, by kernels that give the same bits in an emulation and that no GPU has run yet; the
    rest, the water and the merging, is the host's work, where the tree lies.

    Colours become CIE Lab, and single pixels that stand out are brought back to their neighbours. Water runs down the
    gradients, and basins below `min_size` are joined over their lowest pass. Then the two neighbours are merged between
    which a line is least probable, again and again: by the distances of their mean colours, the chi-squared distances
    of their histograms of colours and textons, the gradients along their border at three widths, and the sizes. From
    400 regions on, several trees are grown by weights of their own, half of which also see how far regions lie apart on
    a random walk; lines are removed in the order of the mean height at which the trees do. One tree alone depends on
    chance: what is merged first changes all that follows.

    The weights are those of logistic regressions on the 26 training pictures of a subset of BSDS500, each on a sample
    of them drawn with replacement, fitted by ``benchmarks/fit_segment.py``; no test picture was looked at.

    Sources: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE
    TPAMI 33(5), 2011, doi:10.1109/TPAMI.2010.161; X. Ren, J. Malik, "Learning a Classification Model for Segmentation",
    ICCV, 2003, doi:10.1109/ICCV.2003.1238308.

    Examples
    --------
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 200, 60, 30
    >>> tree = segment_tree(image)
    >>> tree.cut(n_segments=2).max(), bool((np.diff(tree.heights) >= 0).all())
    (2, True)
    """
    array = check_image("image", adopt(image), cuda=True)
    inside = check_mask(adopt(mask), array.shape[:2], cuda=True)
    distance = _check_depth(depth, array.shape[:2])
    for name, other in (("mask", inside), ("depth", distance)):
        if other is not None:
            check_same_device(name, other, "image", array)
    unit = None if unit is None else check_float("unit", unit, low=LEAST_UNIT)
    weights = check_choice("weights", weights, WEIGHTS)
    min_size = check_int("min_size", min_size, low=1)
    n_threads = check_threads(n_threads)
    if inside is not None and not inside.any():
        raise ValueError("mask must mark at least one pixel as True, got none")
    # Without a name for the cues: they are more than all the rest, and end with the call.
    start = start_regions(cues(array, inside, distance, unit=unit, n_threads=n_threads), min_size, n_threads)
    return tree_of(start, read_model(weights), n_threads)


def _check_depth(depth: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any] | None:
    if depth is None:
        return None
    array = check_image("depth", adopt(depth), ndim=(2,), cuda=True)
    if array.shape != shape:
        raise ValueError(f"depth must have the image's shape {shape}, got {array.shape}")
    return array


class Model(NamedTuple):
    """Weights of the features of pairs, and of their square roots; their largest values; and the constant."""

    first: NDArray[np.float64]  # (3 F + 1,) of the first steps, and of the links of the random walk
    trees: tuple[NDArray[np.float64], ...]  # (3 F + 1,) of each tree, or (3 F + 4,) where it knows of the walk


class Start(NamedTuple):
    """The regions that merging begins with."""

    labels: NDArray[np.int32]  # (M, N), 1..n, 0 outside
    first_pixel: NDArray[np.int64]  # (n,)
    described: Any  # `Described`: what is known of them and their borders


def start_regions(found: Cues, min_size: int, n_threads: int | None = None) -> Start:
    """Return where water runs to on the gradients, without regions that are too small."""
    strengths = to_host(found.strengths)
    mask = None if found.mask is None else to_host(found.mask)
    height = np.float32(0.5) * strengths[0] + strengths[1]
    relief = np.empty_like(height)
    kernels_for(height, "gradients").smooth(height[None], mask, SMOOTHING, relief[None], n_threads)
    if mask is not None:
        relief[~mask] = np.inf
    labels, n_basins = kernels_for(relief, "watershed").basins(relief, n_threads)
    borders = kernels_for(relief, "borders")
    between = borders.passes(labels, relief, strengths, n_threads)
    numbers = borders.joined(between, borders.areas(labels, n_basins), min_size, FLAT)
    kernels_for(labels, "regions_tree").renumbered(labels, numbers, n_threads, out=labels)
    between = borders.renamed(between, numbers)
    cues_of_pixels = found.planes, found.colors, found.textons, (N_COLORS, N_TEXTONS)
    describe = kernels_for(found.planes, "segment_sums").describe  # where they lie
    there = like(labels, found.planes)
    first_pixel, area, sums = describe(there, *cues_of_pixels, int(numbers.max()), n_threads)
    borders_of_regions = between.pairs - np.int32(1), between.lengths, between.sums
    layout = len(found.planes), N_COLORS, N_TEXTONS
    described = kernels_for(labels, "segment_merge").Described(area, sums, layout, *borders_of_regions)
    return Start(labels, first_pixel, described)


def tree_of(start: Start, model: Model, n_threads: int | None = None) -> RegionTree:
    """Return the merging of regions: the first steps by one set of weights, the others as several trees agree on."""
    steps, heights, scores = first_steps(start.described, model.first)
    nodes = nodes_after(start.described, steps)
    walked = with_walk(nodes, start.described, scores)
    trees = kernels_for(start.labels, "segment_trees")
    graphs = (nodes.described, walked)
    models = [(int(len(weights) > len(model.first)), weights) for weights in model.trees]
    last_steps, last_heights = trees.merge_by_heights(nodes.described, trees.mean_heights(graphs, models, n_threads))
    heights = np.minimum(heights, last_heights.min(initial=1))
    return RegionTree(
        start.labels,
        np.concatenate([steps, nodes.roots[last_steps]]) + np.int32(1),
        np.concatenate([heights, np.maximum.accumulate(last_heights)]),  # which fall by no more than rounding
        start.first_pixel,
    )


def first_steps(
    described: Any, weights: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the steps that leave `N_NODES` regions, their heights, and the scores of all borders before the first."""
    most_steps = max(len(described.area) - N_NODES, 0)
    steps, scores, of_borders = kernels_for(described.area, "segment_merge").merge_with_scores(
        described, weights, most_steps
    )
    return steps, kernels_for(described.area, "segment_trees").probabilities(scores), of_borders


@functools.cache
def read_model(weights: Weights) -> Model:
    """Return the weights that were fitted, or set by hand."""
    text = files("classicseg").joinpath("_segment_weights.json").read_text(encoding="utf-8")
    held = json.loads(text)[weights]
    return Model(np.array(held["first"]), tuple(map(np.array, held["trees"])))
