"""Groups of pixels that hold together more than to the rest: eigenvectors lie there that coarser grids do not see."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._array import like, to_host
from classicseg._kernels import kernels_for

Array = NDArray[Any]
ROUNDS = 6  # groups grow about sixfold in each: from a few pixels to the size of coarse points, and beyond
LARGEST = 0.3  # share of all links: larger groups are seen by the coarsest grid
NEAR = 2  # pixels: longer links tell little more of a group than what these do


def groups(
    weights: Array, offsets: Array, shape: tuple[int, int], count: int, loosest: float, n_threads: int | None
) -> list[tuple[Array, int, float]]:
    """Return at most `count` groups, those that hold together most: an image (M, N) of numbers, which of these, and
    about the sum of its links.

    In each round every group joins the one that its strongest link leads to, so that no threshold has to fit all. Those
    of which a share of more than `loosest` of the links leads out are left out.
    """
    kernels: Any = kernels_for(weights, "multigrid")
    links: Any = kernels_for(weights, "affinity").links_of_labels
    weights, offsets = _near(weights, offsets, shape[1])
    n_labels = shape[0] * shape[1]
    label = like(np.arange(n_labels, dtype=np.int32).reshape(shape), weights)
    found: list[tuple[float, Array, int, float]] = []
    for _ in range(ROUNDS):
        joined, n_joined = kernels.join(kernels.strongest(weights, offsets, label, n_labels))
        if n_joined == n_labels:
            break
        label, n_labels = joined[label], n_joined
        within, across = map(to_host, links(weights, offsets, label, n_labels, n_threads))
        volume = within + across
        kept = np.flatnonzero((volume > 0) & (volume < LARGEST * volume.sum()) & (across <= loosest * volume))
        share = across[kept] / volume[kept]
        found += [
            (float(share[i]), label, int(kept[i]), float(volume[kept[i]]))
            for i in np.argsort(share, kind="stable")[:count]
        ]
    found.sort(key=lambda one: one[0])
    return [(label, number, volume) for _, label, number, volume in found[:count]]


def _near(weights: Array, offsets: Array, n_cols: int) -> tuple[Array, Array]:
    """Return the stencil of links that are not long."""
    kernels: Any = kernels_for(weights, "affinity")
    chosen = np.flatnonzero((offsets**2).sum(axis=1) <= NEAR**2)
    near = offsets[chosen]
    (top, left), (near_top, near_left) = kernels.margins(offsets), kernels.margins(near)
    taken = weights[top - near_top :, :, left - near_left :].take(like(chosen, weights), axis=1)
    columns = kernels.padded_columns(near, n_cols)
    stored = kernels_for(weights, "multigrid").zeros((*taken.shape[:2], columns), weights.dtype, weights)
    columns = min(columns, taken.shape[2])  # beyond are margins, which differ between devices
    stored[:, :, :columns] = taken[:, :, :columns]
    return stored, near
