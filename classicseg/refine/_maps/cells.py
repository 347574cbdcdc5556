"""An image as seen by a coarser grid: the pixels inside each of its cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg.features._planes import row_blocks
from classicseg.refine._maps.grid import Array, Pair

if TYPE_CHECKING:
    from scipy.sparse import csr_array


FURTHEST = 1e3  # units from the mean beyond which all values are alike: sums of squares stay exact enough


class Picture(NamedTuple):
    """An (M, N, C) image whose values are read as ``(image - origin) / unit``, and its mask."""

    image: Array
    inside: NDArray[np.bool_] | None
    origin: NDArray[np.float64]  # (C,), the means: float32 then holds differences finely
    unit: float

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield blocks of rows, (b, N, C) each; 0 outside the mask, where anything may stand."""
        for rows in row_blocks(self.image):
            block = self.image[rows]
            if self.inside is not None:
                block = np.where(self.inside[rows, :, None], block, self.origin)
            yield rows, ((block - self.origin) / self.unit).clip(-FURTHEST, FURTHEST).astype(np.float32)


class Cells(NamedTuple):
    """What lies in each cell of an (m, n) grid over an image."""

    mean: NDArray[np.float64]  # (m, n, C); 0 where no pixel counts
    share: NDArray[np.float64]  # (m, n), of the cell's area, that pixels inside the mask fill


def cells_of(picture: Picture, shape: Pair) -> Cells:
    """Return the means over the cells; a pixel on the line between two counts in each by its part."""
    n_rows, n_cols, n_channels = picture.image.shape
    by_rows, by_cols = overlaps(n_rows, shape[0]), overlaps(n_cols, shape[1])
    narrow = np.empty((n_rows, shape[1], n_channels + 1))
    for rows, block in picture.blocks():
        known = np.ones(block.shape[:2]) if picture.inside is None else picture.inside[rows]
        flat = np.concatenate([block, known[..., None]], axis=2).transpose(1, 0, 2)
        narrow[rows] = (by_cols @ flat.reshape(n_cols, -1)).reshape(shape[1], *flat.shape[1:]).transpose(1, 0, 2)
    sums = (by_rows @ narrow.reshape(n_rows, -1)).reshape(*shape, -1)
    share = sums[..., -1]
    return Cells(sums[..., :-1] / np.where(share > 0, share, 1)[..., None], share)


def overlaps(n_pixels: int, n_cells: int) -> csr_array:
    """Return which part of each cell, of `n_cells` equal ones at most as many as the pixels, each pixel fills.

    In steps of one over `n_cells` times `n_pixels` a pixel is `n_cells` long and a cell `n_pixels`: whole numbers.
    """
    from scipy.sparse import coo_array

    pixel = np.arange(n_pixels)
    begin, end = pixel * n_cells, (pixel + 1) * n_cells
    first, last = begin // n_pixels, (end - 1) // n_pixels
    in_first = np.minimum(end, (first + 1) * n_pixels) - begin
    parts = np.concatenate([in_first, n_cells - in_first]) / n_pixels
    where = np.concatenate([first, last]), np.concatenate([pixel, pixel])
    return coo_array((parts, where), shape=(n_cells, n_pixels)).tocsr()
