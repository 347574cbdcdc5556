"""Groups of pixels that hold together more than to the rest: eigenvectors lie there that coarser grids do not see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

Array = NDArray[Any]
ROUNDS = 6  # groups grow about sixfold in each: from a few pixels to the size of coarse points, and beyond
LOOSEST = 2e-3  # share of a group's links that lead out: those of more have eigenvalues that nobody asks for
LARGEST = 0.3  # share of all links: larger groups are seen by the coarsest grid


def groups(weights: Array, offsets: Array, degree: NDArray[np.float64], count: int, n_threads: int | None) -> Array:
    """Return masks (n, M, N) of at most `count` groups, those that hold together most.

    In each round every group joins the one that its strongest link leads to, so that no threshold has to fit all.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    kernels: Any = kernels_for(weights, "multigrid")
    links: Any = kernels_for(weights, "affinity").links_of_labels
    label, n_labels = np.arange(degree.size, dtype=np.int32).reshape(degree.shape), degree.size
    found: list[tuple[float, Array]] = []
    for _ in range(ROUNDS):
        partner = kernels.strongest(weights, offsets, label, n_labels)
        joined = csr_array((np.ones(n_labels, np.int8), partner, np.arange(n_labels + 1)), shape=(n_labels, n_labels))
        n_before, (n_labels, number) = n_labels, connected_components(joined, directed=False)
        if n_labels == n_before:
            break
        label = number.astype(np.int32)[label]
        within, across = links(weights, offsets, label, n_labels, n_threads)
        volume = within + across
        kept = np.flatnonzero((volume > 0) & (volume < LARGEST * degree.sum()) & (across < LOOSEST * volume))
        share = across[kept] / volume[kept]
        for index in np.argsort(share, kind="stable")[:count]:
            found.append((float(share[index]), label == kept[index]))
    found.sort(key=lambda one: one[0])
    chosen = [mask for _, mask in found[:count]]
    return np.stack(chosen) if chosen else np.empty((0, *degree.shape), bool)
