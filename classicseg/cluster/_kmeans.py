"""k-means by Lloyd's iteration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import (
    check_choice,
    check_features,
    check_finite,
    check_float,
    check_int,
    check_mask,
)
from classicseg.cluster._initial import INITS, SAMPLES_PER_CENTER, Init, draw, first_centers
from classicseg.features import PixelFeatures


@dataclass(frozen=True)
class KMeansResult:
    """Clusters found by `kmeans`; `labels` and `inertia` belong to the `centers` beside them.

    Parameters
    ----------
    labels : ndarray of int32, shape (...)
        Row of `centers` for each sample, -1 outside the mask.
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
        samples, inside, shape = _samples(features, mask)
        if samples.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"features must have {self.centers.shape[1]} values per sample as the centers have, "
                f"got {samples.shape[1]}"
            )
        labels, _ = _assign(samples, self.centers, np.empty(0), None)
        return _scatter(labels, inside, shape)


def kmeans(
    features: ArrayLike | PixelFeatures,
    n_clusters: int,
    *,
    init: Init | ArrayLike = "subset",
    mask: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    max_num_iter: int = 100,
    tol: float = 0.5,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
) -> KMeansResult:
    """Group samples around `n_clusters` centers so that the squared distances to them are small.

    Parameters
    ----------
    features : array_like, shape (..., F), or PixelFeatures
        Samples, 1 to 64 values each. An RGB image is already (M, N, 3) features; `pixel_features` adds position,
        depth and weights. Computed in float32.
    n_clusters : int
        Number of clusters, at most the number of samples. Where fewer distinct samples exist, the spare
        clusters stay empty. Start with the number of materials you can name in the picture.
    init : {"subset", "random", "uniform", "k-means++"} or array_like (n_clusters, F), default "subset"
        "subset" runs k-means on a subset of the samples first; "random" draws samples, again while two are too
        close; "uniform" draws over the range of the samples; "k-means++" spreads them by squared distance.
    mask : array_like of bool, shape (...), optional
        True where samples take part. NaN is allowed outside it only.
    sample_weight : array_like, shape (...), optional
        Non-negative weight of each sample; 2 counts like the sample given twice.
    max_num_iter : int, default 100
        Most iterations.
    tol : float, default 0.5
        Stop when no center moves farther than this, in feature units. 0.5 suits 8-bit colour, where it is half
        a gray level; for temperatures choose about the sensor's noise, 0.05 K.
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
    samples, inside, shape = _samples(features, mask)
    n_clusters = check_int("n_clusters", n_clusters, low=1, high=len(samples))
    weights = _weights(sample_weight, inside, shape)
    max_num_iter = check_int("max_num_iter", max_num_iter, low=1)
    tol = check_float("tol", tol, low=0)
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    centers = _initial(samples, n_clusters, init, np.random.default_rng(rng), tol)
    centers, n_iter, converged = _lloyd(samples, centers, weights, max_num_iter, tol, n_threads)
    labels, inertia = _assign(samples, centers, weights, n_threads)
    return KMeansResult(_scatter(labels, inside, shape), centers, inertia, n_iter, converged)


def _lloyd(
    samples: NDArray[Any],
    centers: NDArray[np.float64],
    weights: NDArray[np.float64],
    max_num_iter: int,
    tol: float,
    n_threads: int | None,
) -> tuple[NDArray[np.float64], int, bool]:
    step: Callable[..., Any] = kernels_for(samples, "kmeans").lloyd_step
    labels = np.empty(len(samples), np.int32)
    moved = np.inf
    n_iter = 0
    while n_iter < max_num_iter and moved > tol:
        sums, mass, _ = step(samples, centers, weights, labels, n_threads)
        filled = mass > 0
        means = centers.copy()  # an empty cluster keeps its center
        means[filled] = sums[filled] / mass[filled, None]
        moved = float(np.sqrt(((means - centers) ** 2).sum(axis=1)).max())
        centers = means
        n_iter += 1
    return centers, n_iter, moved <= tol


def _assign(
    samples: NDArray[Any], centers: NDArray[np.float64], weights: NDArray[np.float64], n_threads: int | None
) -> tuple[NDArray[np.int32], float]:
    labels = np.empty(len(samples), np.int32)
    _, _, inertia = kernels_for(samples, "kmeans").lloyd_step(samples, centers, weights, labels, n_threads)
    return labels, inertia


def _samples(
    features: ArrayLike | PixelFeatures, mask: ArrayLike | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, tuple[int, ...]]:
    """Return the samples inside the mask as (n, F) float32, the mask, and the shape that labels will have."""
    own_mask = features.mask if isinstance(features, PixelFeatures) else None
    array = check_features(np.asarray(features) if isinstance(features, PixelFeatures) else features)
    shape = array.shape[:-1]
    inside = check_mask(mask, shape)
    if own_mask is not None:
        inside = own_mask if inside is None else inside & own_mask
    samples = array.reshape(-1, array.shape[-1]) if inside is None else array[inside]
    if len(samples) == 0:
        raise ValueError("mask must mark at least one sample as True, got none")
    check_finite("features", samples, "mark such samples False in mask")
    return np.ascontiguousarray(samples, np.float32), inside, shape


def _weights(
    sample_weight: ArrayLike | None, inside: NDArray[np.bool_] | None, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.empty(0)
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != shape:
        raise ValueError(f"sample_weight must have shape {shape}, one value per sample, got {weights.shape}")
    weights = np.ascontiguousarray(weights.ravel() if inside is None else weights[inside])
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise ValueError("sample_weight must be finite and not negative, with a positive sum")
    return weights


def _initial(
    samples: NDArray[Any], n_clusters: int, init: Init | ArrayLike, rng: np.random.Generator, tol: float
) -> NDArray[np.float64]:
    if isinstance(init, str):
        rule = check_choice("init", init, INITS)
        centers = first_centers(samples, n_clusters, rule, rng)
        if rule == "subset":
            subset = draw(samples, 4 * SAMPLES_PER_CENTER * n_clusters, rng).astype(np.float32)
            centers, _, _ = _lloyd(subset, centers, np.empty(0), 20, tol, 1)
        return centers
    given = np.array(init, np.float64)
    if given.shape != (n_clusters, samples.shape[1]):
        raise ValueError(
            f"init must have shape (n_clusters, n_features) = {(n_clusters, samples.shape[1])}, got {given.shape}"
        )
    return np.asarray(check_finite("init", given, "give every center a number for every feature"))


def _scatter(labels: NDArray[np.int32], inside: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> NDArray[np.int32]:
    if inside is None:
        return labels.reshape(shape)
    full = np.full(shape, -1, np.int32)
    full[inside] = labels
    return full
