"""Mean shift in feature space: samples climb the density to its modes, whose number is found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_choice, check_finite, check_float, check_int, check_numbers
from classicseg.cluster._bandwidth import neighbour_distance, occupied_cells
from classicseg.cluster._columns import Columns, columns_of
from classicseg.cluster._source import source_of
from classicseg.features import PixelFeatures

Kernel = Literal["flat", "epanechnikov", "gaussian"]
KERNELS: tuple[Kernel, ...] = get_args(Kernel)  # by number, as the compiled kernels know them
Seeds = Literal["bins", "samples"]
SEEDS: tuple[Seeds, ...] = get_args(Seeds)
Assign = Literal["nearest", "basin"]
ASSIGN: tuple[Assign, ...] = get_args(Assign)
REACH = {"flat": 1.0, "epanechnikov": 1.0, "gaussian": 3.0}  # bandwidths beyond which a sample weighs nothing
STEP = 1e-3  # bandwidths: the default tolerance


@dataclass(frozen=True, eq=False)
class MeanShiftResult:
    """Modes found by `mean_shift`, the densest first.

    Parameters
    ----------
    labels : ndarray of int32, shape (...)
        Row of `modes` for each sample; -1 outside the mask, and for orphans with ``cluster_all=False``.
    modes : ndarray of float64, shape (n_modes, F)
        Where the density has its peaks, in the units of the features.
    densities : ndarray of float64, shape (n_modes,)
        Sum of the kernel's weights of the samples around each mode; for the flat kernel the number of samples
        within the bandwidth.
    bandwidth : float
        The bandwidth used, which "auto" has found.
    n_iter : int
        Steps of the path that took the most: of a seed, and with ``assign="basin"`` of a sample.
    converged : bool
        Whether every path came to rest within `max_num_iter`.
    orphan_distance : float
        Samples farther than this from every mode get the label -1, with ``assign="basin"`` those whose paths end
        farther; infinite with ``cluster_all=True``.
    """

    labels: NDArray[np.int32]
    modes: NDArray[np.float64]
    densities: NDArray[np.float64]
    bandwidth: float
    n_iter: int
    converged: bool
    orphan_distance: float

    def predict(self, features: ArrayLike | PixelFeatures, *, mask: ArrayLike | None = None) -> NDArray[np.int32]:
        """Return the mode nearest to other samples, whatever `assign` was.

        Parameters
        ----------
        features : array_like, shape (..., F), or PixelFeatures
            Samples of the same features.
        mask : array_like of bool, shape (...), optional
            True where samples take part; the others get -1.

        Returns
        -------
        ndarray of int32, shape (...)
            Row of `modes` for each sample; -1 for one farther than `orphan_distance` from all of them.
        """
        source = source_of(features, mask)
        if len(source.order) != self.modes.shape[1]:
            raise ValueError(
                f"features must have {self.modes.shape[1]} values per sample as the modes have, got {len(source.order)}"
            )
        kernels: Any = kernels_for(source.samples.home, "mean_shift")
        columns = columns_of(source)
        labels = columns.blank()
        kernels.nearest(columns, columns.to_v(self.modes), columns.length(self.orphan_distance), labels)
        return labels.reshape(columns.shape)


def mean_shift(
    features: ArrayLike | PixelFeatures,
    bandwidth: float | Literal["auto"] = "auto",
    *,
    kernel: Kernel = "flat",
    seeds: Seeds | ArrayLike = "bins",
    min_bin_freq: int = 1,
    assign: Assign = "nearest",
    cluster_all: bool = True,
    mask: ArrayLike | None = None,
    max_num_iter: int = 300,
    tol: float | None = None,
    n_threads: int | None = None,
) -> MeanShiftResult:
    """Group samples around the modes of their density; how many there are is found, not given.

    From each seed a window of the size `bandwidth` moves to the mean of the samples in it, again and again, until it
    rests on a peak of the density. Peaks closer than the bandwidth are one mode, the densest of them. Every sample
    gets the mode nearest to it, or the one whose basin of attraction it lies in.

    Parameters
    ----------
    features : array_like, shape (..., F), or PixelFeatures
        Samples, 1 to 64 values each. An RGB image is already (M, N, 3) features; `pixel_features` adds position,
        depth and weights, which tell how far the window reaches in each. Computed from float32 values in float64.
    bandwidth : float or "auto", default "auto"
        Radius of the window in feature units, greater than 0: differences below it are one thing, and modes are at
        least that far apart. In 8-bit RGB 16 keeps shades apart, and 32 joins them. "auto" takes the rule in the
        notes.
    kernel : {"flat", "epanechnikov", "gaussian"}, default "flat"
        Weight of a sample at u bandwidths from the middle of the window: 1 for u <= 1; 1 - u**2 for u < 1; or
        exp(-u**2 / 2) for u <= 3. The flat window is the fastest and comes to rest in the fewest steps. The others
        climb a smoother density.
    seeds : {"bins", "samples"} or array_like (n, F), default "bins"
        Where windows start. "bins" takes one for each occupied cell of a grid as wide as the bandwidth, its middle;
        where no sample is within reach of that, a sample of the cell. "samples" takes every distinct
        sample, which finds each mode there is and takes long.
    min_bin_freq : int, default 1
        Samples that a cell must hold to be a seed, for "bins".
    assign : {"nearest", "basin"}, default "nearest"
        Which mode a sample gets: the nearest to the sample, or the nearest to where its own path ends, when it climbs
        as the seeds do. "basin" parts groups along the valleys between them, whatever their sizes and shapes; where
        `seeds` are "samples" too, it is mean shift as the textbook has it. Every distinct sample climbs: for the flat
        window many times the time of "nearest", and for the others, whose paths do not meet, longer still.
    cluster_all : bool, default True
        Whether orphans, samples out of the kernel's reach of every mode (1 bandwidth, 3 for "gaussian"), get the
        nearest mode too, or -1.
    mask : array_like of bool, shape (...), optional
        True where samples take part. NaN is allowed outside it only.
    max_num_iter : int, default 300
        Most steps of a seed.
    tol : float, optional
        A seed rests when its step is at most this, in feature units. The default is a thousandth of the bandwidth.
    n_threads : int, optional
        Threads to use. Default: ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    MeanShiftResult
        Labels, modes, densities, iterations; `predict` labels other images.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `features` has NaN inside the mask, no cell holds
        `min_bin_freq` samples, or no sample is within reach of any of the `seeds`.

    Notes
    -----
    Terms and rules are those of scikit-learn's MeanShift (bin_seeding, min_bin_freq, cluster_all), where "nearest" is
    how samples are assigned. Modes are sorted
    by density, the greater coordinates first among equals; a sample at equal distance goes to the lower index.
    Neighbours are searched exactly, and the same input gives the same bits for any number of threads.

    "auto" is the rule of scikit-learn's estimate_bandwidth, reaching less far: among 1024 samples, evenly spaced in
    the order given, the mean over them of the distance within which a tenth of the others lie (the root mean square
    distance to their mean where that is 0, and 1 where all are equal). The Epanechnikov and the Gaussian window get
    this times sqrt((F + 6) / (F + 4)) and 1 / sqrt(F + 4), so that they smooth as much.

    Sources: D. Comaniciu and P. Meer, "Mean shift: a robust approach toward feature space analysis", IEEE Trans.
    Pattern Anal. Mach. Intell. 24(5), 2002, doi:10.1109/34.1000236. The distance to
    neighbours as a bandwidth: B. Georgescu, I. Shimshoni and P. Meer, "Mean shift based clustering in high
    dimensions: a texture classification example", ICCV 2003, doi:10.1109/ICCV.2003.1238382.

    Examples
    --------
    >>> mean_shift([[0.0], [1.0], [10.0], [11.0], [12.0]], 3).modes.ravel().tolist()
    [11.0, 0.5]
    """
    if isinstance(bandwidth, str):
        bandwidth = check_choice("bandwidth", bandwidth, ("auto",))
    else:
        bandwidth = check_float("bandwidth", bandwidth, above=0)
    kernel = check_choice("kernel", kernel, KERNELS)
    min_bin_freq = check_int("min_bin_freq", min_bin_freq, low=1)
    assign = check_choice("assign", assign, ASSIGN)
    if not isinstance(cluster_all, (bool, np.bool_)):
        raise TypeError(f"cluster_all must be True or False, got {cluster_all!r}")
    max_num_iter = check_int("max_num_iter", max_num_iter, low=1)
    tol = None if tol is None else check_float("tol", tol, low=0)
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    source = source_of(features, mask)
    kernels: Any = kernels_for(source.samples.home, "mean_shift")
    columns = columns_of(source)
    del source  # its list of the samples inside the mask takes as much as the keys
    width = neighbour_distance(columns, kernel) if isinstance(bandwidth, str) else bandwidth
    given = check_choice("seeds", seeds, SEEDS) if isinstance(seeds, str) else _given(seeds, columns)
    samples = kernels.start(columns, n_threads)
    size = columns.length(width)
    limit = STEP * size if tol is None else columns.length(tol)
    rule = kernels.Rule(KERNELS.index(kernel), size, limit, max_num_iter)
    starts = _first(kernels, samples, columns, given, width, rule, min_bin_freq) if isinstance(given, str) else given
    ends, densities, steps = kernels.climb(samples, starts, rule)
    modes, densities = _peaks(kernels, ends, densities, size)
    orphan_distance = math.inf if cluster_all else REACH[kernel] * width
    labels = columns.blank()
    paths: dict[str, Any] = {}
    if assign == "basin":  # the paths of all distinct samples are known where these are the seeds
        paths = {"ends": ends} if isinstance(given, str) and given == "samples" else {"rule": rule}
    walked = kernels.label(samples, modes, columns.length(orphan_distance), labels, **paths)
    steps = np.concatenate([steps, walked])
    return MeanShiftResult(
        labels.reshape(columns.shape),
        columns.from_v(modes),
        densities,
        width,
        int(np.abs(steps).max()),
        bool((steps > 0).all()),
        orphan_distance,
    )


def _given(seeds: ArrayLike, columns: Columns) -> NDArray[np.float64]:
    """Return seeds given as an array, in v."""
    given = to_host(check_numbers("seeds", adopt(seeds), cuda=True))
    n_features = columns.n_features
    if given.ndim != 2 or given.shape[1] != n_features or len(given) == 0:
        raise ValueError(f"seeds must have shape (n, n_features) = (n, {n_features}), got {given.shape}")
    return columns.to_v(check_finite("seeds", given.astype(np.float64), "give every seed a number for every feature"))


def _first(
    kernels: Any, samples: Any, columns: Columns, seeds: str, width: float, rule: Any, min_bin_freq: int
) -> NDArray[np.float64]:
    """Return the seeds in v, by the name of their choice; each has a sample within reach."""
    if seeds == "samples":
        points: NDArray[np.float64] = kernels.points_of(samples, 0, len(samples.tree.counts))[0]
        return points
    middles, holders = occupied_cells(kernels, samples, columns, width, min_bin_freq)
    empty = kernels.climb(samples, middles, rule._replace(most=0))[1] == 0  # no step: only weighed
    middles[empty] = holders[empty]
    return middles


def _peaks(
    kernels: Any, ends: NDArray[np.float64], densities: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends with their densities, the densest first, without those near a denser one."""
    reached = densities > 0
    if not reached.any():
        raise ValueError(
            "seeds must have samples within reach of the kernel, got none that has; pass a larger bandwidth, "
            "or seeds='bins'"
        )
    ends, densities = ends[reached], densities[reached]
    # Equal ends are one; then by density and coordinates, the greatest first.
    order = np.lexsort((*ends.T[::-1], densities))[::-1]
    ends, densities = ends[order], densities[order]
    new = np.append(True, (ends[1:] != ends[:-1]).any(axis=1))
    ends, densities = ends[new], densities[new]
    kept = kernels.apart(ends, radius)
    return ends[kept], densities[kept]
