"""What is known of some regions, spread to their neighbours as far as these are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from classicseg.refine._scribbles.basis import columns_of, links, values_of
from classicseg.refine._table import RegionTable

Floats = NDArray[np.float64]
ALIKE = 0.7  # of the median difference of neighbours: that much weakens a link to 1/e
# Weights of what a region has of its own, for each pixel of the side of a square of its area; a link between equal
# regions weighs 1 for each pixel of their border.
OWN, MARKED = 0.3, 0.3


def spread(probabilities: Floats, known: Floats, table: RegionTable, smoothness: float) -> Floats:
    """Return probabilities (n, K) that differ little between neighbours that are alike.

    They are those of where a random walker ends that starts in the region. He steps to a neighbour, the likelier the
    longer their border is and the more they are alike; or he stops, and then has the region's own probabilities, or
    what marks say: `known`, whose rows are 0 where there are none. `smoothness` weighs the steps.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    steps = links(table, smoothness * table.boundary_length * np.exp(-_differences(table)))
    side = np.sqrt(table.area)[:, None]
    stops = side * (OWN * probabilities + MARKED * known)
    system = (diags_array(steps.sum(axis=1) + stops.sum(axis=1)) - steps).tocsc()
    # Symmetric and diagonally dominant: the diagonal may be the pivots, and the order that of least fill.
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    ends = factors.solve(stops).clip(min=0)
    return np.asarray(ends / ends.sum(axis=1, keepdims=True))


def _differences(table: RegionTable) -> Floats:
    """Return how unlike neighbours are: distances of their mean values, where `ALIKE` of the median is 1."""
    means = columns_of(table, values_of(table))
    apart = np.sqrt(((means[table.edges[:, 0]] - means[table.edges[:, 1]]) ** 2).sum(axis=1))
    some = apart[apart > 0]
    return np.asarray(apart / (ALIKE * np.median(some)) if some.size else apart)
