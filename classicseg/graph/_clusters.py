"""Groups of pixels that hold together more than to the rest: eigenvectors lie there that coarser grids do not see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for

Array = NDArray[Any]
ROUNDS = 6  # groups grow about sixfold in each: from a few pixels to the size of coarse points, and beyond
LOOSEST = 2e-3  # share of a group's links that lead out: those of more have eigenvalues that nobody asks for
LARGEST = 0.3  # share of all links: larger groups are seen by the coarsest grid


def groups(
    weights: Array, offsets: Array, degree: NDArray[np.float64], count: int, n_threads: int | None
) -> list[tuple[Array, int]]:
    """Return at most `count` groups, those that hold together most: each a number in an image (M, N) of numbers.

    In each round every group joins the one that its strongest link leads to, so that no threshold has to fit all.
    """
    kernels: Any = kernels_for(weights, "multigrid")
    links: Any = kernels_for(weights, "affinity").links_of_labels
    label, n_labels = like(np.arange(degree.size, dtype=np.int32).reshape(degree.shape), degree), degree.size
    found: list[tuple[float, Array, int]] = []
    for _ in range(ROUNDS):
        joined, n_joined = kernels.join(kernels.strongest(weights, offsets, label, n_labels))
        if n_joined == n_labels:
            break
        label, n_labels = joined[label], n_joined
        within, across = map(to_host, links(weights, offsets, label, n_labels, n_threads))
        volume = within + across
        kept = np.flatnonzero((volume > 0) & (volume < LARGEST * float(degree.sum())) & (across < LOOSEST * volume))
        share = across[kept] / volume[kept]
        found += [(float(share[i]), label, int(kept[i])) for i in np.argsort(share, kind="stable")[:count]]
    found.sort(key=lambda one: one[0])
    return [(label, number) for _, label, number in found[:count]]
