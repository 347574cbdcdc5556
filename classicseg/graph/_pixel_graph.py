"""Graphs of pixels, and parts of them, as `Cutting` cuts them in two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg.graph._affinity import PixelAffinity
from classicseg.graph._beside import beside_each_other
from classicseg.graph._embedding import pixel_vectors
from classicseg.graph._sparse import SparseGraph, graph_of_scipy

COARSE = 4000  # points of the grid of groups at most
FEW = 600  # pixels, up to which a graph is cut as a sparse one: its factor is as good as full


@dataclass(frozen=True, eq=False)
class PixelGraph:
    """Some pixels, at least `FEW` of them, and the links among them."""

    nodes: NDArray[np.intp]  # (n,) flat places in the whole image, ascending
    shape: tuple[int, int]  # of the whole image
    box: tuple[int, int]  # row and column of the first pixel of `affinity` in it
    affinity: PixelAffinity  # of the box around them; others in it have no links
    n_threads: int | None

    @property
    def takes_threads(self) -> bool:
        """Tell whether several threads cut it."""
        return True

    @property
    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and columns of the pixels in the box."""
        row, col = np.divmod(self.nodes, self.shape[1])
        return row - self.box[0], col - self.box[1]

    @property
    def kernels(self) -> Any:
        """Return the kernels for such a graph."""
        return kernels_for(self.affinity.stored, "ncut_pixels")

    def part_of(self, chosen: NDArray[np.intp]) -> PixelGraph | SparseGraph:
        """Return the graph of the chosen places in `nodes`, ascending."""
        row, col = (place[chosen] for place in self.places)
        top, left = int(row.min()), int(col.min())
        inside = np.zeros((int(row.max()) + 1 - top, int(col.max()) + 1 - left), bool)
        inside[row - top, col - left] = True
        old = self.affinity
        stored = self.kernels.restricted(old.stored, old.offsets, (top, left), inside, self.n_threads)
        affinity = PixelAffinity(inside.shape, old.offsets, stored, old.sigma, old.spatial_sigma, inside)
        box = self.box[0] + top, self.box[1] + left
        return graph_of_pixels(affinity, self.nodes[chosen], self.shape, box, self.n_threads)

    @property
    def degrees(self) -> NDArray[np.float64]:
        """Return the degree of each pixel."""
        found: NDArray[np.float64] = self.affinity.degree[self.places]
        return found

    @property
    def n_parts(self) -> int:
        """Return how many parts there are that no link joins."""
        return int(self._parts().max()) + 1

    def _parts(self) -> NDArray[np.int32]:
        kernels: Any = kernels_for(self.affinity.stored, "multigrid")
        numbers, n_parts = kernels.components(self.affinity.stored, self.affinity.offsets, self.affinity.degree)
        part: NDArray[np.int32] = numbers[self.places]
        alone = np.flatnonzero(part < 0)  # which have no links any more
        part[alone] = n_parts + np.arange(len(alone))
        return part

    def vectors(self, count: int) -> NDArray[Any]:
        """Return the first eigenvectors (n, count), as exact as segmentation needs."""
        found: NDArray[Any] = pixel_vectors(self.affinity, count, "fast", self.n_threads).vectors
        return np.ascontiguousarray(found[self.places])

    def connected_parts(self) -> Iterator[PixelGraph | SparseGraph]:
        """Return the parts that no link joins, the one of largest degrees first, of equal ones the first."""
        part = self._parts()
        n_parts = int(part.max()) + 1
        if n_parts == 1:
            yield self
            return
        volume = np.bincount(part, self.degrees, n_parts)
        by_part = np.argsort(part, kind="stable")
        begins = np.searchsorted(part[by_part], np.arange(n_parts + 1))
        for index in np.argsort(-volume, kind="stable"):
            yield self.part_of(by_part[begins[index] : begins[index + 1]])

    def cut_in_two(self) -> tuple[NDArray[np.bool_], float, PixelGraph]:
        """Return which pixels of a connected graph to cut off, the normalized cut of that, and the graph."""
        affinity, places = self.affinity, self.places
        vector = self.vectors(2)[:, 1]
        order = np.argsort(vector, kind="stable")
        rank = np.full(affinity.shape, -1, np.int32)
        rank[places[0][order], places[1][order]] = np.arange(len(order))
        degrees = affinity.degree[places][order]
        first = self.kernels.best_place(affinity.stored, affinity.offsets, rank, degrees)
        labels, value = self.refined((rank[places] < first).astype(np.int32), 2)
        return labels != labels[0], value, self

    def coarse(self) -> tuple[NDArray[np.int32], SparseGraph]:
        """Return which of a few thousand groups each pixel is in, and the graph of these groups.

        Those that `spectral_embedding` has too: each gathers the pixels that are linked to it most.
        """
        kernels: Any = kernels_for(self.affinity.stored, "multigrid")
        affinity: Any = kernels_for(self.affinity.stored, "affinity")
        weights, offsets, shape = self.affinity.stored, self.affinity.offsets, self.affinity.shape
        point = np.arange(shape[0] * shape[1], dtype=np.int32)
        while shape[0] * shape[1] > COARSE:
            parent = kernels.parents(weights, offsets, shape, self.n_threads)
            weights, offsets = kernels.coarse_weights(weights, offsets, parent, self.n_threads)
            point, shape = parent.reshape(-1)[point], ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
        used, group = np.unique(point.reshape(self.affinity.shape)[self.places], return_inverse=True)
        from scipy.sparse import csr_array, diags_array

        size = shape[0] * shape[1]
        between = csr_array(affinity.to_csr(weights, offsets, shape, self.n_threads), shape=(size, size))
        between = between.astype(np.float64)[used][:, used]
        inner = np.bincount(group, self.degrees) - between.sum(axis=1)
        return group.astype(np.int32), graph_of_scipy(between + diags_array(np.maximum(inner, 0)))

    def refined(self, labels: NDArray[np.int32], n_segments: int) -> tuple[NDArray[np.int32], float]:
        """Return the segments after pixels moved where that lowers the normalized cut, and its value."""
        affinity = self.affinity
        image = np.full(affinity.shape, -1, np.int32)
        image[self.places] = labels
        value: float = self.kernels.refined(affinity.stored, affinity.offsets, affinity.degree, image, n_segments, 1)
        return image[self.places], value

    def all_refined(
        self, found: Sequence[NDArray[np.int32]], n_segments: int, n_threads: int | None
    ) -> list[tuple[NDArray[np.int32], float]]:
        """Return several segmentations refined, each by one thread."""
        return beside_each_other(lambda labels: self.refined(labels, n_segments), found, n_threads)


def graph_of_pixels(
    affinity: PixelAffinity,
    nodes: NDArray[np.intp],
    shape: tuple[int, int],
    box: tuple[int, int],
    n_threads: int | None,
) -> PixelGraph | SparseGraph:
    """Return the graph of the pixels `nodes`, flat places in an image of this shape, of which `affinity` is a box."""
    if len(nodes) > FEW:
        return PixelGraph(nodes, shape, box, affinity, n_threads)
    row, col = np.divmod(nodes, shape[1])
    flat = (row - box[0]) * affinity.shape[1] + col - box[1]
    found = graph_of_scipy(affinity.to_scipy(n_threads=n_threads)[flat][:, flat])
    return SparseGraph(nodes, found.indptr, found.indices, found.data, found.own, found.degree)
