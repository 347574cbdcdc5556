"""Initial centers for k-means."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster._source import Source

Init = Literal["subset", "random", "uniform", "k-means++"]
INITS: tuple[str, ...] = get_args(Init)
SAMPLES_PER_CENTER = 256  # k-means++ looks at this many; more changed no center of a photograph visibly
TRIES = 32  # draws of "random" before centers that are too close are accepted


def first_centers(source: Source, n_clusters: int, init: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return `n_clusters` initial centers (K, F) by the rule `init` (``"subset"`` starts from k-means++)."""
    if init == "random":
        return _random(source, n_clusters, rng)
    if init == "uniform":
        low, high = source.limits()
        return rng.uniform(low, high, (n_clusters, len(low)))
    return _plus_plus(source.draw(SAMPLES_PER_CENTER * n_clusters, rng), n_clusters, rng)


def _random(source: Source, n_clusters: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw samples; draw again while two lie closer than 1 % of the samples' spread."""
    from scipy.spatial import cKDTree

    spread = np.linalg.norm(source.draw(4096, rng).std(axis=0))
    for _ in range(TRIES):
        centers = source.take(rng.choice(source.n_samples, n_clusters, replace=False))
        if n_clusters == 1 or cKDTree(centers).query(centers, k=2)[0][:, 1].min() > 0.01 * spread:
            break
    return centers


def _plus_plus(samples: NDArray[np.float64], n_clusters: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """D. Arthur and S. Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007."""
    centers = np.empty((n_clusters, samples.shape[1]))
    centers[0] = samples[rng.integers(len(samples))]
    distance = ((samples - centers[0]) ** 2).sum(axis=1)
    for k in range(1, n_clusters):
        steps = np.cumsum(distance)
        if steps[-1] == 0:  # fewer distinct samples than clusters: the rest repeat, and stay empty
            centers[k:] = centers[0]
            break
        # "right" passes samples at distance 0, and below the end: rng.random() < 1.
        drawn = np.searchsorted(steps, rng.random() * steps[-1], side="right")
        centers[k] = samples[min(drawn, len(samples) - 1)]
        distance = np.minimum(distance, ((samples - centers[k]) ** 2).sum(axis=1))
    return centers
