"""One class for each region, with as few and as faint borders between classes as the probabilities allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_float, check_numbers
from classicseg.graph import graph_cut
from classicseg.refine._pool import pool
from classicseg.refine._table import RegionTable
from classicseg.regions import RegionGraph
from classicseg.regions._check import check_threads

Array = NDArray[Any]
STRONGEST = 1e9  # strength; with any finite weight, energies stay within float64
LEAST = 1e-6  # a class that is less probable costs no more: refiners say 0 too easily
WAY_OUT = "give borders that do not count a weight of 0"
SLACK = 1e-3  # by which probabilities may leave 0 to 1: float16 rounds so


@dataclass(frozen=True, eq=False)
class SmoothResult:
    """The class of each region, as `smooth` finds it.

    Parameters
    ----------
    labels : ndarray of int32, shape (n,)
        Class, from 0, of each region that occurs, by ascending label. ``unpool(result.labels, labels,
        fill=-1)`` gives that of each pixel.
    energy : float
        What the labels and the borders between them cost.
    n_iter : int
        How many times all classes were tried in turn.
    """

    labels: NDArray[np.int32]
    energy: float
    n_iter: int


class _Regions(NamedTuple):
    """Regions that occur, by ascending label, and who borders on whom."""

    labels: NDArray[np.int32]  # (M, N)
    area: NDArray[np.int64]  # (n,)
    edges: Array  # (n_edges, 2) rows of neighbours
    length: NDArray[np.int64]  # (n_edges,) of their border


def smooth(
    probabilities: ArrayLike,
    regions: RegionTable | RegionGraph,
    strength: float = 1.0,
    *,
    sigma: float | None = None,
    weights: ArrayLike | None = None,
    n_threads: int | None = None,
) -> SmoothResult:
    """Give each region the class that it and its neighbours agree on: a Potts model of the region graph.

    Of all ways to give each region one class, it looks for the one with the least energy: the negative
    log-likelihoods of the regions, plus `strength` times the weights of the borders between different classes.

    Parameters
    ----------
    probabilities : array_like, shape (n, K) or (M, N, K)
        Probabilities of K classes: a row for each region that occurs, by ascending label, or per pixel, whose
        log-likelihoods are averaged over each region. NaN is allowed outside the regions.
    regions : RegionTable or RegionGraph
        The regions and their borders.
    strength : float, default 1.0
        What a border of mean length costs where nothing in the image parts the two regions, in the unit of the
        log-likelihood of a region of mean area: so it means the same for small and for large superpixels. 0 gives
        each region its most probable class. 0.5 to 2 suits most refiners; unsure ones bear more where the image has
        clear edges, and without them everything is of one class in the end.
    sigma : float, optional
        Difference of mean values, in the image's unit, from which on a border is cheap. Default: the median of the
        differences of neighbours that differ.
    weights : array_like, shape (n_edges,), optional
        Weights of the borders, ``regions.edges``, from 0 up. Default: their length, by the mean length, times
        exp(-d²/2σ²), with d the distance of the two regions' mean values.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    SmoothResult
        The class of each region, and the energy. With two classes it is the least of all. With more it is not proven
        least, but no class can lower it by taking over any regions, however many at once.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    See Also
    --------
    snap : The way to keep what is smaller than regions.
    classicseg.graph_cut : The cut of least energy itself, for pixels too.

    Notes
    -----
    Log-likelihoods count by the region's area relative to the mean area: halves of a region weigh together what the
    whole does. Probabilities below 1e-6 count as that much, so that no refiner forbids a class. Two classes are parted
    by one cut; of several labellings with the least energy it is the one with the fewest regions of class 1. With
    more, all regions start with their most probable class, and each class in turn takes over what lowers the energy
    most, found by one cut, until none does: the energy never rises, and ends at most at twice the least one. Source:
    Y. Boykov, O. Veksler, R. Zabih, "Fast Approximate Energy Minimization via Graph Cuts", IEEE Trans. Pattern Anal.
    Mach. Intell. 23(11), 2001, doi:10.1109/34.969114.

    Examples
    --------
    >>> from classicseg import region_graph
    >>> graph = region_graph([[1, 1, 2, 3, 3]], [[20.0, 20.0, 21.0, 20.0, 20.0]])
    >>> probabilities = [[0.9, 0.1], [0.4, 0.6], [0.9, 0.1]]
    >>> smooth(probabilities, graph, 0).labels, smooth(probabilities, graph).labels
    (array([0, 1, 0], dtype=int32), array([0, 0, 0], dtype=int32))
    """
    strength = check_float("strength", strength, low=0, high=STRONGEST)
    n_threads = check_threads(n_threads)
    found = _regions_of(regions)
    costs = _costs(probabilities, found, n_threads)
    if weights is None:
        borders = _weights(found.length, _differences(regions, n_threads), sigma)
    elif sigma is None:
        borders = _check_weights(weights, len(found.edges))
    else:
        raise ValueError("sigma must go without weights, got both; leave one out")
    return _least(_Model(costs, found.edges, strength * borders))


def _regions_of(regions: RegionTable | RegionGraph) -> _Regions:
    if isinstance(regions, RegionTable):
        return _Regions(regions.labels, regions.area, regions.edges, regions.boundary_length)
    if not isinstance(regions, RegionGraph):
        raise TypeError(
            f"regions must be a RegionTable or a RegionGraph, got {type(regions).__name__}; "
            "pass image and labels through describe_regions() first"
        )
    present = regions.area > 0
    rows = np.cumsum(present) - 1
    return _Regions(regions.labels, regions.area[present], rows[regions.edges], regions.boundary_length)


def _differences(regions: RegionTable | RegionGraph, n_threads: int | None) -> NDArray[np.float64]:
    """Return the distance of the mean values of neighbours (n_edges,)."""
    if isinstance(regions, RegionGraph):
        return regions.difference
    means = pool(regions.image, regions.labels, n_threads=n_threads).astype(np.float64).reshape(len(regions.area), -1)
    apart = means[regions.edges[:, 0]] - means[regions.edges[:, 1]]
    found: NDArray[np.float64] = np.sqrt((apart**2).sum(axis=1))
    return found


def _weights(length: NDArray[np.int64], difference: NDArray[np.float64], sigma: float | None) -> NDArray[np.float64]:
    if sigma is None:
        apart = difference[difference > 0]
        sigma = float(np.median(apart)) if apart.size else 1.0
    sigma = check_float("sigma", sigma, above=0)
    with np.errstate(over="ignore"):  # what is that far apart weighs nothing
        alike = np.exp(-((difference / sigma) ** 2) / 2)
    return alike * _relative(length)


def _check_weights(weights: ArrayLike, n_edges: int) -> NDArray[np.float64]:
    array = check_numbers("weights", weights).astype(np.float64, copy=False)
    if array.shape != (n_edges,):
        raise ValueError(f"weights must have shape ({n_edges},), one per edge, got {array.shape}")
    check_finite("weights", array, WAY_OUT)
    if array.size and float(array.min()) < 0:
        raise ValueError(f"weights must not be negative, got {float(array.min())}; {WAY_OUT}")
    return array


def _costs(probabilities: ArrayLike, regions: _Regions, n_threads: int | None) -> NDArray[np.float64]:
    """Return the negative log-likelihoods (n, K) of the pixels of each region, added up."""
    array, n = check_numbers("probabilities", probabilities), len(regions.area)
    inside = regions.labels > 0
    by_pixel = array.ndim == 3 and array.shape[:2] == inside.shape
    if not (by_pixel or (array.ndim == 2 and len(array) == n)) or array.shape[-1] == 0:
        raise ValueError(
            f"probabilities must have shape ({n}, K), one row for each region that occurs, or "
            f"({inside.shape[0]}, {inside.shape[1]}, K), got {array.shape}"
        )
    if by_pixel and not inside.all():
        array = np.where(inside[..., None], array, 1)
    low, high = float(array.min(initial=0)), float(array.max(initial=0))  # NaN where one is
    if not (low >= -SLACK and high <= 1 + SLACK):
        value = high if low >= -SLACK else low
        raise ValueError(f"probabilities must lie in 0 to 1, got {value:.6g}; pass logits through a softmax first")
    logs = np.log(np.maximum(array, LEAST))
    means = pool(logs, regions.labels, n_threads=n_threads) if by_pixel else logs
    return means.astype(np.float64) * -_relative(regions.area)[:, None]


def _relative(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return areas or lengths by their mean; none where there are none."""
    return sizes.astype(np.float64) * (len(sizes) / max(float(sizes.sum()), 1.0))


class _Model(NamedTuple):
    """What each region pays for each class, and for each border that classes share."""

    costs: NDArray[np.float64]  # (n, K)
    edges: Array  # (n_edges, 2)
    borders: NDArray[np.float64]  # (n_edges,)

    def energy(self, labels: Array) -> float:
        """Return what the classes `labels` (n,) cost."""
        parted = labels[self.edges[:, 0]] != labels[self.edges[:, 1]]
        return float(self._own(labels).sum() + self.borders[parted].sum())

    def expanded(self, labels: Array, taker: int) -> Array:
        """Return the classes of least energy of all in which some regions have gone over to the class `taker`.

        A border between two other classes is paid unless both regions go over. Each pays half of it for staying, and
        a link of the other half is cut where only one of them goes.
        """
        one, other = self.edges.T
        free = labels != taker
        halves = np.where(free[one] & free[other] & (labels[one] != labels[other]), self.borders / 2, 0)
        links = np.where(free[one] & free[other], self.borders - halves, 0)
        stay = self._own(labels)
        for end, beyond in ((one, other), (other, one)):
            stay += np.bincount(end, np.where(free[beyond], halves, self.borders), len(labels))
        goes = _cut(np.stack([stay, self.costs[:, taker]], axis=1), self.edges, links)
        return np.where(goes, taker, labels)

    def _own(self, labels: Array) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.costs[np.arange(len(labels)), labels]
        return found


def _cut(costs: NDArray[np.float64], edges: Array, links: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which regions go over, at the least sum of their costs and of the links between those and the others."""
    from scipy.sparse import csr_array

    ends = np.concatenate([edges, edges[:, ::-1]]).T
    graph = csr_array((np.tile(links, 2), (ends[0], ends[1])), shape=(len(costs), len(costs)))
    return graph_cut(graph, costs=costs).foreground


def _least(model: _Model) -> SmoothResult:
    """Let each class in turn take over regions while that lowers the energy; for two classes one turn finds the least.

    That one starts with all regions of class 0.
    """
    n_classes = model.costs.shape[1]
    exact = n_classes == 2
    labels = np.zeros(len(model.costs), np.int64) if exact else model.costs.argmin(axis=1)
    energy, before, n_iter = model.energy(labels), np.inf, 0
    while energy < before and not (exact and n_iter):
        before = energy
        n_iter += 1
        for taker in range(1 if exact else 0, n_classes):
            moved = model.expanded(labels, taker)
            if (lower := model.energy(moved)) < energy:  # strict, so that it comes to an end
                labels, energy = moved, lower
    return SmoothResult(labels.astype(np.int32), energy, n_iter)
