"""Regions of interest: the values of a map inside boxes, brought to one size, and masks brought back."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from classicseg._validate import FLOAT32_MAX, check_choice, check_float
from classicseg.metrics._boxes import check_boxes
from classicseg.refine._maps.grid import Array, Pair, as_grid, check_map, check_pair, floating

Reduction = Literal["mean", "max"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "max")


def roi_pool(array: ArrayLike, boxes: ArrayLike, size: int | Pair = 7, *, scale: float = 1.0) -> Array:
    """Return the largest values of a map in the cells of a grid laid over each box, snapped to whole places.

    Parameters
    ----------
    array : array_like, shape (M, N) or (M, N, C)
        Finite numbers, such as the features of a network.
    boxes : array_like, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max` of each box, half open.
    size : int or pair of int, optional
        Rows and columns of cells; one number is for both.
    scale : float, optional
        Places of the map per unit of the boxes: 1/16 for boxes in pixels and a map 16 times smaller than the image.

    Returns
    -------
    ndarray, shape (n, r, s) or (n, r, s, C)
        In the dtype of the array. A box is rounded to whole places, halves upwards, and is at least one wide. Its
        cells are cut at whole places too and share some where it does not divide. Cells outside the map are 0.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    What rounding loses, up to half a place of the map on either side, `roi_align` keeps. Source: R. Girshick, "Fast
    R-CNN", ICCV 2015, doi:10.1109/ICCV.2015.169, whose boxes are whole numbers and hold their last row and column.

    Examples
    --------
    >>> roi_pool(np.arange(16).reshape(4, 4), [[0, 0, 4, 3]], 2)
    array([[[ 5,  6],
            [13, 14]]])
    """
    array, corners, size = _check_regions(array, boxes, size, scale)
    grid = as_grid(array)
    first = np.floor(corners[:, :2] + 0.5)
    side = np.maximum(np.floor(corners[:, 2:] + 0.5) - first, 1)
    out = np.zeros((len(corners), *size, grid.shape[2]), grid.dtype)
    rows, cols = (_cells(first[:, axis], side[:, axis], size[axis], grid.shape[axis]) for axis in (0, 1))
    for i, r, s in np.ndindex(out.shape[:3]):
        (top, bottom), (left, right) = rows[i, r], cols[i, s]
        if top < bottom and left < right:
            # Both axes at once would take ten times as long.
            out[i, r, s] = grid[top:bottom, left:right].max(axis=0).max(axis=0)
    return out if array.ndim == 3 else out[..., 0]


def _check_regions(array: ArrayLike, boxes: ArrayLike, size: int | Pair, scale: float) -> tuple[Array, Array, Pair]:
    """Return the map, the boxes in its places, and rows and columns of cells."""
    array = check_map("array", array, ndim=(2, 3))
    corners = check_boxes("boxes", boxes)[:, :4]
    size = check_pair("size", size, 2, low=1, unused=1)
    return array, corners * check_float("scale", scale, above=0, high=FLOAT32_MAX), size


def _cells(first: Array, side: Array, n_cells: int, n: int) -> NDArray[np.int64]:
    """Return where the cells of each box begin and end along an axis of n places, shape (n_boxes, n_cells, 2)."""
    cuts = np.arange(n_cells + 1) * side[:, None]
    begin, end = np.floor(cuts[:, :-1] / n_cells), np.ceil(cuts[:, 1:] / n_cells)
    cells: NDArray[np.float64] = first[:, None, None] + np.stack([begin, end], axis=2)
    return cells.clip(0, n).astype(np.int64)


def roi_align(
    array: ArrayLike,
    boxes: ArrayLike,
    size: int | Pair = 7,
    *,
    scale: float = 1.0,
    samples: int | Pair | None = 2,
    how: Reduction = "mean",
) -> Array:
    """Return the values of a map in the cells of a grid laid over each box, sampled between places, nothing rounded.

    Parameters
    ----------
    array : array_like, shape (M, N) or (M, N, C)
        Finite numbers, such as the features of a network.
    boxes : array_like, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max` of each box, half open.
    size : int or pair of int, optional
        Rows and columns of cells; one number is for both.
    scale : float, optional
        Places of the map per unit of the boxes: 1/16 for boxes in pixels and a map 16 times smaller than the image.
    samples : int or pair of int, optional
        Rows and columns of samples in each cell; None takes one per place of the map that a cell is wide, rounded up
        and at most the map's, so that large boxes leave nothing out.
    how : {"mean", "max"}, optional
        What becomes of the samples of a cell.

    Returns
    -------
    ndarray of float, shape (n, r, s) or (n, r, s, C)
        Bilinear samples, float32 where that holds the array's values, else float64. Those within one place beyond the
        outermost centres take the border's values; further out they are 0.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    Place (i, j) of the map has its centre at (i + 0.5, j + 0.5) in units of the map: torchvision's ``aligned=True``
    and ONNX's "half_pixel", with boxes as rows and columns. Source: K. He, G. Gkioxari, P. Dollár and R. Girshick,
    "Mask R-CNN", ICCV 2017, doi:10.1109/ICCV.2017.322.

    Examples
    --------
    >>> roi_align(np.arange(16.0).reshape(4, 4), [[0, 0, 4, 4]], 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    array, corners, size = _check_regions(array, boxes, size, scale)
    fixed = None if samples is None else check_pair("samples", samples, 2, low=1, unused=1)
    how = check_choice("how", how, REDUCTIONS)
    grid = as_grid(array).astype(floating(array), copy=False)
    out = np.empty((len(corners), *size, grid.shape[2]), grid.dtype)
    for i, box in enumerate(corners):
        sides = (box[2:] - box[:2]) / size
        counts = np.ceil(sides).clip(1, grid.shape[:2]).astype(int) if fixed is None else fixed
        rows, cols = (
            box[axis] + sides[axis] * (np.arange(size[axis] * counts[axis]) + 0.5) / counts[axis] for axis in (0, 1)
        )
        found = sample(grid, rows, cols).reshape(size[0], counts[0], size[1], counts[1], -1)
        out[i] = found.mean(axis=(1, 3)) if how == "mean" else found.max(axis=(1, 3))
    return out if array.ndim == 3 else out[..., 0]


def sample(grid: Array, rows: Array, cols: Array) -> Array:
    """Return an (M, N, C) grid at every pair of `rows` and `cols`, bilinear; place i has its centre at i + 0.5.

    Within one place beyond the outermost centres the border's value stays; further out there is 0.
    """
    (top, bottom, down, row_inside), (left, right, across, col_inside) = (
        _between(place, n, grid.dtype) for place, n in zip((rows, cols), grid.shape)
    )
    down, across = down[:, None, None], across[:, None]
    upper = grid[np.ix_(top, left)] * (1 - across) + grid[np.ix_(top, right)] * across
    lower = grid[np.ix_(bottom, left)] * (1 - across) + grid[np.ix_(bottom, right)] * across
    return np.where((row_inside[:, None] & col_inside)[..., None], upper * (1 - down) + lower * down, 0)


def _between(place: Array, n: int, dtype: DTypeLike) -> tuple[Array, Array, Array, Array]:
    """Return the two places of n around each, the weight of the second, and whether either may be used."""
    at = place - 0.5
    inside = (at >= -1) & (at <= n)
    at = at.clip(0, n - 1)
    before = np.floor(at).astype(np.intp)
    return before, np.minimum(before + 1, n - 1), (at - before).astype(dtype), inside
