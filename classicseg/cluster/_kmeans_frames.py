"""k-means of many frames, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._kernels import kernels_for
from classicseg._validate import check_rng
from classicseg.cluster._initial import Init
from classicseg.cluster._kmeans import KMeansResult, check_counts, initial_centers, result_of, tolerance
from classicseg.cluster._source import Source, source_of
from classicseg.features import PixelFeatures


def kmeans_frames(
    frames: Sequence[ArrayLike | PixelFeatures] | NDArray[Any],
    n_clusters: int,
    *,
    init: Init | ArrayLike = "subset",
    max_num_iter: int = 100,
    tol: float | None = None,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
) -> list[KMeansResult]:
    """Group the samples of every frame by itself, as `kmeans` of each does, many small frames at a time.

    On the CPU every thread takes a frame; on a GPU all frames of one shape and dtype take each step together, which
    fills the device where one thermal frame would not.

    Parameters
    ----------
    frames : sequence of array_like, shape (..., F), or of PixelFeatures; or array_like, shape (B, ..., F)
        The samples of each frame, as `kmeans` takes them, all on one device. `pixel_features` adds position and masks.
    n_clusters : int
        Number of clusters of every frame.
    init : {"subset", "random", "uniform", "k-means++"} or array_like (n_clusters, F), default "subset"
        Where every frame starts, as for `kmeans`.
    max_num_iter : int, default 100
        Most iterations of a frame.
    tol : float, optional
        A frame stops when none of its centers moves farther than this, in feature units. Default: that of `kmeans`.
    rng : int, Generator or None, optional
        Seed of the initial centers: every frame starts from the same seed, or draws in turn from one Generator.
    n_threads : int, optional
        Threads to use. Default: ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    list of KMeansResult
        One for each frame, with the bits that `kmeans` of that frame gives.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, a frame has NaN inside its mask, or there is no frame.

    Examples
    --------
    >>> hot, cold = kmeans_frames([[[70.0], [71.0], [20.0]], [[9.0], [1.0], [2.0]]], 2, rng=0)
    >>> sorted(hot.centers.ravel().tolist()), sorted(cold.centers.ravel().tolist())
    ([20.0, 70.5], [1.5, 9.0])
    """
    if not hasattr(frames, "__iter__"):
        raise TypeError(f"frames must be a sequence of frames, got {type(frames).__name__}; put a single one in a list")
    sources = [_source(b, frame) for b, frame in enumerate(frames)]
    if not sources:
        raise ValueError("frames must hold at least one frame, got none")
    first = sources[0].samples.home
    for b, source in enumerate(sources):
        check_same_device(f"frames[{b}]", source.samples.home, "frames[0]", first)
    n_clusters, max_num_iter, n_threads = check_counts(sources, n_clusters, max_num_iter, n_threads)
    limits = [tolerance(source, tol) for source in sources]
    starts = [
        source.to_v(initial_centers(source, n_clusters, init, check_rng(rng), limit))
        for source, limit in zip(sources, limits)
    ]
    kernels: Any = kernels_for(first, "kmeans")
    results: dict[int, KMeansResult] = {}
    for limit in dict.fromkeys(limits):  # the default depends on what the features of a frame are
        alike = [b for b, other in enumerate(limits) if other == limit]
        found = kernels.lloyd_frames(
            [sources[b].samples for b in alike],
            [starts[b] for b in alike],
            [sources[b].exponent for b in alike],
            limit,
            max_num_iter,
            n_threads,
        )
        for b, (labels, centers, inertia, n_iter, moved) in zip(alike, found):
            results[b] = result_of(sources[b], labels, centers, inertia, n_iter, moved <= limit)
    return [results[b] for b in range(len(sources))]


def _source(b: int, frame: ArrayLike | PixelFeatures) -> Source:
    """Describe frame number `b`; an error says which one it is."""
    try:
        return source_of(frame)
    except (TypeError, ValueError) as error:
        raise type(error)(f"frames[{b}]: {error}") from error
