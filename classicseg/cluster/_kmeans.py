"""k-means by Lloyd's iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import like, to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._kernels._samples import scaled
from classicseg._validate import check_choice, check_finite, check_float, check_int, check_numbers, check_rng
from classicseg.cluster._initial import INITS, SAMPLES_PER_CENTER, Init, first_centers
from classicseg.cluster._source import Source, source_of
from classicseg.features import PixelFeatures

SUBSET_STEPS = 20  # of the init "subset"
STEPS = 510  # the default tolerance is this part of the range: half a gray level of 8 bits


@dataclass(frozen=True, eq=False)
class KMeansResult:
    """Clusters found by `kmeans`; `labels` and `inertia` belong to the `centers` beside them.

    Parameters
    ----------
    labels : ndarray of int32, shape (...)
        Row of `centers` for each sample, -1 outside the mask; a CuPy array where the features were on a GPU.
    centers : ndarray of float64, shape (n_clusters, F)
        Cluster centers, in the units of the features.
    inertia : float
        Sum of squared distances to the nearest center, times the weights.
    n_iter : int
        Iterations done.
    converged : bool
        Whether no center moved farther than `tol` in the last one.
    """

    labels: NDArray[np.int32]
    centers: NDArray[np.float64]
    inertia: float
    n_iter: int
    converged: bool

    def predict(self, features: ArrayLike | PixelFeatures, *, mask: ArrayLike | None = None) -> NDArray[np.int32]:
        """Return the nearest center of other samples.

        Parameters
        ----------
        features : array_like, shape (..., F), or PixelFeatures
            Samples of the same features.
        mask : array_like of bool, shape (...), optional
            True where samples take part; the others get -1.

        Returns
        -------
        ndarray of int32, shape (...)
            Row of `centers` for each sample.
        """
        source = source_of(features, mask)
        if len(source.order) != self.centers.shape[1]:
            raise ValueError(
                f"features must have {self.centers.shape[1]} values per sample as the centers have, "
                f"got {len(source.order)}"
            )
        kernels: Any = kernels_for(source.samples.home, "kmeans")
        labels: NDArray[np.int32] = kernels.finish(kernels.start(source.samples, source.to_v(self.centers)))[0]
        return labels.reshape(source.shape)

    def mean_image(self) -> NDArray[np.float32]:
        """Return every sample's center: the image of cluster means.

        Returns
        -------
        ndarray of float32, shape (..., F)
            Features of the center of each sample's cluster, NaN outside the mask.
        """
        means: NDArray[np.float32] = np.vstack([self.centers, np.full(self.centers.shape[1], np.nan)]).astype(
            np.float32
        )
        means = like(means, self.labels)
        return means[self.labels]  # label -1 is the last row


def kmeans(
    features: ArrayLike | PixelFeatures,
    n_clusters: int,
    *,
    init: Init | ArrayLike = "subset",
    mask: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    max_num_iter: int = 100,
    tol: float | None = None,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
) -> KMeansResult:
    """Group samples around `n_clusters` centers so that the squared distances to them are small.

    Parameters
    ----------
    features : array_like, shape (..., F), or PixelFeatures
        Samples, 1 to 64 values each. An RGB image is already (M, N, 3) features; `pixel_features` adds position,
        depth and weights. Computed in float32. CuPy arrays, which `to_device` gives, and tensors on a CUDA device
        are clustered there, `mask` and `sample_weight` beside them; the result is the same.
    n_clusters : int
        Number of clusters, at most the number of samples. Where fewer distinct samples exist, the spare
        clusters stay empty. Start with the number of materials you can name in the picture.
    init : {"subset", "random", "uniform", "k-means++"} or array_like (n_clusters, F), default "subset"
        "subset" runs k-means on a subset of the samples first; "random" draws samples, again while two are too
        close; "uniform" draws over the range of the samples; "k-means++" spreads them by squared distance.
    mask : array_like of bool, shape (...), optional
        True where samples take part. NaN is allowed outside it only.
    sample_weight : array_like, shape (...), optional
        Non-negative weight of each sample; 2 counts like the sample given twice, and 0 like one that is not there,
        but for its label. Sums are integers of 61 bits: at 1 MP weights below 1e-8 of the greatest lose precision.
    max_num_iter : int, default 100
        Most iterations.
    tol : float, optional
        Stop when no center moves farther than this, in feature units; 0 goes on until labels stay. The default is
        half of one of 255 steps through the range U that `pixel_features` states by token and dtype: 0.5 for 8-bit
        colour, 128.5 for 16 bits, 0.002 for floats, 0.2 for Lab and Luv, and 0.02 K for temperatures as T.
    rng : int, Generator or None, optional
        Seed of the initial centers. The same seed gives the same bits for any number of threads.
    n_threads : int, optional
        Threads to use. Default: ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    KMeansResult
        Labels, centers, inertia, iterations; `predict` labels other images.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `features` has NaN inside the mask.

    Notes
    -----
    A sample at equal distance goes to the lower index. A cluster that loses all its samples keeps its center.
    Source: S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982,
    doi:10.1109/TIT.1982.1056489.

    Examples
    --------
    >>> kmeans([[0.0], [1.0], [10.0], [11.0]], 2, rng=0).centers.ravel().tolist()
    [0.5, 10.5]
    """
    source = source_of(features, mask, sample_weight)
    n_clusters, max_num_iter, n_threads = check_counts([source], n_clusters, max_num_iter, n_threads)
    tol = tolerance(source, tol)
    centers = initial_centers(source, n_clusters, init, check_rng(rng), tol)
    kernels, state, limit = _lloyd(source, centers, max_num_iter, tol, n_threads)
    n_iter, moved = kernels.progress(state)
    labels, means, inertia = kernels.finish(state)
    return result_of(source, labels, means, inertia, n_iter, moved <= limit)


def check_counts(
    sources: list[Source], n_clusters: int, max_num_iter: int, n_threads: int | None
) -> tuple[int, int, int | None]:
    """Check what `kmeans` takes of whole numbers, `n_clusters` against the samples of every source."""
    n_clusters = check_int("n_clusters", n_clusters, low=1, high=min(source.n_samples for source in sources))
    max_num_iter = check_int("max_num_iter", max_num_iter, low=1)
    return n_clusters, max_num_iter, None if n_threads is None else check_int("n_threads", n_threads, low=1)


def tolerance(source: Source, tol: float | None) -> float:
    """Return `tol`, checked, or the default for these features."""
    return source.full_range / STEPS if tol is None else check_float("tol", tol, low=0)


def result_of(
    source: Source,
    labels: NDArray[np.int32],
    centers: NDArray[np.float64],
    inertia: float,
    n_iter: int,
    converged: bool,
) -> KMeansResult:
    """Return what the kernels found in the caller's shape and units."""
    return KMeansResult(
        labels.reshape(source.shape),
        source.from_v(centers),
        scaled(inertia, 2 * source.exponent + source.weight_exponent),
        n_iter,
        converged,
    )


def _lloyd(
    source: Source, centers: NDArray[np.float64], max_num_iter: int, tol: float, n_threads: int | None
) -> tuple[Any, Any, float]:
    """Iterate from `centers`; return the kernels, their state, and `tol` in their units."""
    kernels: Any = kernels_for(source.samples.home, "kmeans")
    state = kernels.start(source.samples, source.to_v(centers), n_threads)
    limit = scaled(tol, -source.exponent)
    for step in range(1, max_num_iter + 1):
        kernels.lloyd_step(state, limit)
        if step % kernels.CHECK_EVERY == 0 and kernels.progress(state)[1] <= limit:
            break
    return kernels, state, limit


def initial_centers(
    source: Source, n_clusters: int, init: Init | ArrayLike, rng: np.random.Generator, tol: float
) -> NDArray[np.float64]:
    """Return the centers to start from, by rule or as given, in the caller's units."""
    if isinstance(init, str):
        rule = check_choice("init", init, INITS)
        centers = first_centers(source, n_clusters, rule, rng)
        if rule == "subset":
            subset = source.subset(4 * SAMPLES_PER_CENTER * n_clusters, rng)
            kernels, state, _ = _lloyd(subset, centers, SUBSET_STEPS, tol, 1)
            centers = source.from_v(kernels.means(state))
        return centers
    given = to_host(check_numbers("init", adopt(init), cuda=True))
    if given.shape != (n_clusters, len(source.order)):
        raise ValueError(
            f"init must have shape (n_clusters, n_features) = {(n_clusters, len(source.order))}, got {given.shape}"
        )
    return check_finite("init", given.astype(np.float64), "give every center a number for every feature")
