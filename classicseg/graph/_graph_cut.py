"""Foreground and background by one cut of least weight, between what is known to be either."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_float, check_int, check_integers, check_numbers
from classicseg.features import PixelFeatures
from classicseg.graph._affinity import PixelAffinity, pixel_affinity
from classicseg.graph._cut import cut
from classicseg.graph._nodes import Nodes, of_regions, of_sparse
from classicseg.regions import RegionGraph

Array = NDArray[Any]
RADIUS = {1: 1.0, 2: 1.5}  # of neighbours by their connectivity
FOREGROUND, BACKGROUND = 1, 2  # of seeds
FINEST = 1000  # powers of two of units
MOST = 2.0**60  # sum of all capacities of a graph in int64


@dataclass(frozen=True, eq=False)
class GraphCutResult:
    """Foreground and background, as `graph_cut` parts them.

    Parameters
    ----------
    foreground : ndarray of bool, shape (M, N) or (n,)
        True in the foreground; False in the background and outside the mask or the regions. (n,) for a sparse array.
    energy : float
        The costs of all labels, but for those of seeds, and `smoothness` times the weights that are cut.
    bound : float
        What the flow shows: no labelling has less energy. It differs from `energy` by the rounding of capacities.
    sigma : tuple of float
        Width of each feature, as given or as estimated; none where weights were given.
    """

    foreground: NDArray[np.bool_]
    energy: float
    bound: float
    sigma: tuple[float, ...]


def graph_cut(
    features: ArrayLike | PixelFeatures | PixelAffinity | RegionGraph | Any,
    seeds: ArrayLike | None = None,
    *,
    costs: ArrayLike | None = None,
    smoothness: float = 1.0,
    sigma: float | Sequence[float] | None = None,
    weights: ArrayLike | None = None,
    connectivity: int = 1,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> GraphCutResult:
    """Part foreground from background where the image has edges, by scribbles, by costs of each pixel, or by both.

    Of all labellings it returns the one with the least energy: the sum of each pixel's cost of its label, plus
    `smoothness` times the weights of links between pixels of different labels. There is no better one nearby or far
    away: a maximum flow proves it.

    Parameters
    ----------
    features : array_like, shape (M, N) or (M, N, F), PixelFeatures, PixelAffinity, RegionGraph, or SciPy sparse array
        An image, temperatures, or any features of pixels; or a graph: that of `pixel_affinity`, with any radius; that
        of `region_graph`, which is quick for large images; or a symmetric sparse array of weights, shape (n, n).
    seeds : array_like of int, shape (M, N) or (n,), optional
        Scribbles: 1 where the foreground is known, 2 where the background is, 0 elsewhere. They outrank costs. A region
        belongs to the scribble with more of its pixels, to none where they are as many; (n,) names regions or nodes
        themselves. Outside the mask they count nothing.
    costs : array_like, shape (M, N, 2) or (n, 2), optional
        What it costs to call a pixel background, ``costs[..., 0]``, or foreground, ``costs[..., 1]``: negative
        log-likelihoods of two models, for example. Only differences count. Infinity forbids a label. Those of the
        pixels of a region are added up; (n, 2) are costs of regions or nodes themselves.
    smoothness : float, default 1.0
        What a link of weight 1 costs where it is cut, in the unit of `costs`; 2 to 50 suits negative log-likelihoods.
        0 lets every pixel choose for itself; the larger, the shorter the border. Seeds alone are parted in the same way
        for any that is not 0.
    sigma : float or sequence of float, optional
        Width σ of the features in their unit, for all or one for each, or of mean values of regions: differences well
        below it are no edges. Default: the median distance of neighbours, which is robust, but at least 1/100 of the
        range, as in `pixel_affinity`; for regions the median difference of those that differ.
    weights : array_like, shape (n_edges,), optional
        Weights of the edges of a `RegionGraph`, from 0 up. Default: the length of the boundary times exp(-d²/2σ²).
    connectivity : {1, 2}, default 1
        Neighbours of the pixels of an image: 1 for the 4 that share a side; 2 for 8, where diagonal links have weights
        divided by √2, so that slanted borders are hardly longer than straight ones.
    mask : array_like of bool, shape (M, N), optional
        True where pixels of an image take part; NaN is allowed elsewhere. The mask of `PixelFeatures` counts too.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    GraphCutResult
        The foreground, its energy, and the bound that proves it least. Of several labellings with the least energy it
        is the one with the smallest foreground, which lies in that of every other.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or neither `seeds` nor `costs` are given.

    See Also
    --------
    minimum_cut : The least cut of all, without seeds.
    pixel_affinity : Weights of other kinds, and of more distant pixels.

    Notes
    -----
    The weight of neighbours is exp(-d²/2σ²), with d the distance of their features. Capacities are rounded to whole
    numbers: those of pixels to 2⁻²⁹ of the most that all links of one pixel could weigh, or finer, those of other
    graphs to 2⁻⁵⁹ of the sum of all. The flow is then exact, and the result does not depend on the order of anything;
    its energy exceeds the least one by at most half that unit for each link and one for each pixel. Sources:
    Y. Boykov, M.-P. Jolly, "Interactive Graph Cuts for Optimal Boundary & Region Segmentation of Objects in N-D
    Images", ICCV 2001, doi:10.1109/ICCV.2001.937505; for the flow Y. Boykov, V. Kolmogorov, IEEE Trans. Pattern Anal.
    Mach. Intell. 26(9), 2004, doi:10.1109/TPAMI.2004.60. For colours of both sides that are learnt in turns with the
    cut: C. Rother, V. Kolmogorov, A. Blake, "GrabCut", ACM Trans. Graphics 23(3), 2004, doi:10.1145/1015706.1015720.

    Examples
    --------
    >>> image = [[20, 22, 21, 90, 91], [21, 20, 60, 92, 90]]
    >>> result = graph_cut(image, [[1, 0, 0, 0, 2], [0, 0, 0, 0, 0]], sigma=10)
    >>> result.foreground.astype(int)
    array([[1, 1, 1, 0, 0],
           [1, 1, 0, 0, 0]])

    Costs from the distance to two colours, each the mean of what was its side before; and so on while it changes:

    >>> image, foreground = np.array(image, float), result.foreground
    >>> for _ in range(3):
    ...     means = [image[side].mean() for side in (~foreground, foreground)]
    ...     costs = np.stack([(image - mean) ** 2 / (2 * 20**2) for mean in means], axis=2)
    ...     foreground = graph_cut(image, costs=costs, sigma=10, smoothness=2).foreground
    >>> foreground.astype(int)
    array([[1, 1, 1, 0, 0],
           [1, 1, 0, 0, 0]])
    """
    smoothness = check_float("smoothness", smoothness, low=0)
    connectivity = check_choice("connectivity", connectivity, (1, 2))
    n_threads = None if n_threads is None else check_int("n_threads", n_threads, low=1)
    if seeds is None and costs is None:
        raise ValueError("seeds or costs must be given, got neither; mark some pixels of both sides")
    if isinstance(features, RegionGraph):
        _refuse("a RegionGraph", mask=mask)
        nodes, width = of_regions(features, weights, sigma)  # type: ignore[arg-type]
        known = _seeds_of_regions(seeds, features)
        demand = _Demand(known, _costs_of_regions(costs, features), features.area > 0)
        inside, energy, bound = _cut_nodes(nodes, demand, smoothness)
        foreground = np.append(inside, False)[features.labels - 1]  # label 0 is the last
        return GraphCutResult(foreground, energy, bound, () if width is None else (width,))
    _refuse("other than a RegionGraph", weights=weights)
    if hasattr(features, "tocoo"):
        _refuse("a sparse array", sigma=sigma, mask=mask)
        nodes = of_sparse("features", features)
        shape = (len(nodes.begin) - 1,)
        return GraphCutResult(*_cut_nodes(nodes, _demand(seeds, costs, shape, None), smoothness), ())
    if isinstance(features, PixelAffinity):
        _refuse("a PixelAffinity", sigma=sigma, mask=mask)
        affinity = features
        kernels_for(affinity.stored, "maxflow")  # says that there are none on CUDA
    else:
        affinity = _neighbours(features, sigma, connectivity, mask, n_threads)
    demand = _demand(seeds, costs, affinity.shape, affinity.mask)
    return GraphCutResult(*_cut_pixels(affinity, demand, smoothness, n_threads), affinity.sigma)


class _Demand:
    """What nodes want to be: seeds, and how much more it costs to be background than foreground."""

    def __init__(self, seeds: Array | None, costs: Array | None, inside: Array | None) -> None:
        shape = seeds.shape if seeds is not None else costs.shape[:-1]  # type: ignore[union-attr]
        self.seeds = np.zeros(shape, np.uint8) if seeds is None else seeds.astype(np.uint8)
        if inside is not None:
            self.seeds[~inside] = 0
        self.net, self.least = np.zeros(shape), 0.0
        if costs is not None:
            free = self.seeds == 0 if inside is None else inside & (self.seeds == 0)
            self._add(costs, free)

    def _add(self, costs: Array, free: Array) -> None:
        with np.errstate(invalid="ignore", over="ignore"):  # where nobody is free, anything may stand
            self.net = np.where(free, np.subtract(costs[..., 0], costs[..., 1], dtype=np.float64), 0)
            self.least = float(np.minimum(costs[..., 0], costs[..., 1])[free].sum(dtype=np.float64))
        if not math.isfinite(self.least):
            raise ValueError(
                "costs must be numbers, of which one of each pixel is finite and none is -inf; "
                "mark pixels without False in mask"
            )

    def paid(self, foreground: NDArray[np.bool_]) -> float:
        """Return the costs of the labels."""
        more = np.where(foreground, -self.net, self.net)
        return self.least + float(more.sum(where=more > 0))


def _cut_pixels(
    affinity: PixelAffinity, demand: _Demand, smoothness: float, n_threads: int | None
) -> tuple[NDArray[np.bool_], float, float]:
    kernels: Any = kernels_for(affinity.stored, "maxflow")
    heaviest = 2 * len(affinity.offsets) * float(affinity.stored.max(initial=0)) * smoothness
    scale = _unit(kernels.LARGEST, heaviest)
    factors = np.full(len(affinity.offsets), smoothness * scale)
    found = kernels.least_cut(affinity.stored, affinity.offsets, factors, demand.net, scale, demand.seeds, n_threads)
    foreground, flow = found
    severed = cut(affinity, foreground) if len(affinity.offsets) else 0.0  # a single pixel has no two labels
    energy = demand.paid(foreground) + smoothness * severed
    return foreground, energy, demand.least + flow / scale


def _cut_nodes(nodes: Nodes, demand: _Demand, smoothness: float) -> tuple[NDArray[np.bool_], float, float]:
    kernels: Any = kernels_for(nodes.weights, "maxflow_graph")
    weights = nodes.weights * smoothness
    scale = _unit(MOST, float(weights.sum()))
    room = np.rint(weights * scale).astype(np.int64)
    # Whole numbers throughout: a float of 2^58 drops the 1 that keeps a node on its side when all its links are full.
    most = 1 + np.diff(np.append(0, np.cumsum(room))[nodes.begin])
    wanted = np.clip(demand.net * scale, -MOST, MOST)
    wanted = np.where(np.abs(wanted) < 1, np.sign(wanted), np.rint(wanted)).astype(np.int64)
    excess = np.choose(demand.seeds, [np.clip(wanted, -most, most), most, -most])
    foreground, flow = kernels.least_cut(nodes.begin, nodes.head, nodes.twin, room, excess)
    severed = foreground[nodes.tail] & ~foreground[nodes.head]
    energy = demand.paid(foreground) + float(weights[severed].sum())
    return foreground, energy, demand.least + flow / scale


def _unit(most: float, largest: float) -> float:
    """Return the power of two that brings `largest` below `most`."""
    if largest == 0:
        return 1.0
    exponent = math.frexp(most)[1] - 1 - math.frexp(largest)[1]
    return math.ldexp(1.0, max(-FINEST, min(exponent, FINEST)))


def _neighbours(
    features: ArrayLike | PixelFeatures,
    sigma: float | Sequence[float] | None,
    connectivity: int,
    mask: ArrayLike | None,
    n_threads: int | None,
) -> PixelAffinity:
    radius = RADIUS[connectivity]
    affinity = pixel_affinity(features, radius, sigma=sigma, spatial_sigma=np.inf, mask=mask, n_threads=n_threads)
    kernels_for(affinity.stored, "maxflow")
    slanted = np.abs(affinity.offsets).sum(axis=1) == 2
    if slanted.any():
        affinity.stored[:, slanted] *= np.float32(0.5**0.5)
    return affinity


def _demand(seeds: ArrayLike | None, costs: ArrayLike | None, shape: tuple[int, ...], inside: Array | None) -> _Demand:
    return _Demand(
        None if seeds is None else _checked_seeds(seeds, (shape,)),
        None if costs is None else _checked_costs(costs, (shape,)),
        inside,
    )


def _seeds_of_regions(seeds: ArrayLike | None, graph: RegionGraph) -> Array | None:
    if seeds is None:
        return None
    array = _checked_seeds(seeds, (graph.labels.shape, graph.area.shape))
    if array.ndim == 1:
        return array
    regions, flat = graph.labels.reshape(-1), array.reshape(-1)
    front, back = (np.bincount(regions[flat == side], minlength=len(graph.area) + 1)[1:] for side in (1, 2))
    return np.where(front > back, FOREGROUND, np.where(back > front, BACKGROUND, 0))


def _costs_of_regions(costs: ArrayLike | None, graph: RegionGraph) -> Array | None:
    if costs is None:
        return None
    array = _checked_costs(costs, (graph.labels.shape, graph.area.shape))
    if array.ndim == 2:
        return array
    regions = graph.labels.reshape(-1)
    sums = [np.bincount(regions, array[..., side].reshape(-1), len(graph.area) + 1)[1:] for side in (0, 1)]
    return np.stack(sums, axis=1)


def _checked_seeds(seeds: ArrayLike, shapes: Sequence[tuple[int, ...]]) -> Array:
    array = check_integers("seeds", seeds, ndim=tuple(len(shape) for shape in shapes))
    if array.shape not in shapes:
        raise ValueError(f"seeds must have shape {' or '.join(map(str, shapes))}, got {array.shape}")
    if int(array.min()) < 0 or int(array.max()) > BACKGROUND:
        raise ValueError(
            f"seeds must be 0, 1 (foreground) or 2 (background), got {int(array.min())} to {int(array.max())}"
        )
    return array


def _checked_costs(costs: ArrayLike, shapes: Sequence[tuple[int, ...]]) -> Array:
    array = check_numbers("costs", costs)
    if array.shape not in [(*shape, 2) for shape in shapes]:
        wanted = " or ".join(str((*shape, 2)) for shape in shapes)
        raise ValueError(f"costs must have shape {wanted}, got {array.shape}")
    return array


def _refuse(what: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name} must be left out with {what}, got it; it is part of the graph")
