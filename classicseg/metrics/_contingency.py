"""The contingency table of two label images, from which all scores of pixels and regions are made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg.metrics._labels import Array, check_label_pair, check_void, flat


@dataclass(frozen=True)
class ContingencyTable:
    """How many pixels every pair of labels has in common.

    The cells that are not zero are kept, so that the table of two images with thousands of regions stays small;
    `counts` is the whole table.

    Parameters
    ----------
    true : ndarray of int64, shape (R,)
        Labels of the ground truth that occur, ascending: what the rows stand for.
    pred : ndarray of int64, shape (C,)
        Labels of the other image that occur, ascending: what the columns stand for.
    rows : ndarray of int64, shape (n,)
        Row of each cell that is not zero; cells are ascending by row, then by column.
    cols : ndarray of int64, shape (n,)
        Column of each of these cells.
    n_pixels : ndarray of int64, shape (n,)
        Pixels of each of these cells.
    """

    true: NDArray[np.int64]
    pred: NDArray[np.int64]
    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    n_pixels: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Return the table with its zeros.

        Returns
        -------
        ndarray of int64, shape (R, C)
            Pixels of each pair of labels.
        """
        table = np.zeros((len(self.true), len(self.pred)), np.int64)
        table[self.rows, self.cols] = self.n_pixels
        return table

    @cached_property
    def area_true(self) -> NDArray[np.int64]:
        """Return the pixels of each row.

        Returns
        -------
        ndarray of int64, shape (R,)
            Pixels of each label of the ground truth.
        """
        return self._areas(self.rows, len(self.true))

    @cached_property
    def area_pred(self) -> NDArray[np.int64]:
        """Return the pixels of each column.

        Returns
        -------
        ndarray of int64, shape (C,)
            Pixels of each label of the other image.
        """
        return self._areas(self.cols, len(self.pred))

    def _areas(self, places: NDArray[np.int64], n_places: int) -> NDArray[np.int64]:
        areas: NDArray[np.int64] = kernels_for(places, "partitions").areas(places, self.n_pixels, n_places)
        return areas


def contingency_table(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> ContingencyTable:
    """Count the pixels that each pair of labels has in common.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth: any integer dtype, any values, any number of axes. CuPy arrays, which `to_device` gives,
        are counted on their device; the table is returned on the host.
    labels_pred : array_like of int, shape (M, N)
        What is compared with it, on the same device.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not counted.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are counted.

    Returns
    -------
    ContingencyTable
        Labels that occur, and the pixels of each pair; without rows and columns where nothing is counted.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    The result is the same for any number of threads (``CLASSICSEG_NUM_THREADS``, else all processors this process
    may use).

    Examples
    --------
    >>> table = contingency_table([[1, 1, 2], [1, 1, 2]], [[7, 7, 7], [8, 8, 8]])
    >>> table.true, table.pred
    (array([1, 2]), array([7, 8]))
    >>> table.counts
    array([[2, 2],
           [1, 1]])
    """
    true, pred, inside = check_label_pair(labels_true, labels_pred, mask)
    return count_pairs(true, pred, inside, check_void(void))


def count_pairs(true: Array, pred: Array, inside: Array | None, void: NDArray[np.int64]) -> ContingencyTable:
    """Return the table of checked images."""
    table = ContingencyTable(*kernels_for(pred, "contingency").joint_counts(*flat(true, pred, inside)))
    return without(table, void) if len(void) else table


def without(table: ContingencyTable, void: NDArray[np.int64]) -> ContingencyTable:
    """Return the table without the rows of void labels, and without the columns that are empty then."""
    stays = ~np.isin(table.true, void)
    cells = stays[table.rows]
    rows, n_pixels = (np.cumsum(stays) - 1)[table.rows[cells]], table.n_pixels[cells]
    left, cols = np.unique(table.cols[cells], return_inverse=True)
    return ContingencyTable(table.true[stays], table.pred[left], rows, cols.reshape(-1), n_pixels)


def check_judged(table: ContingencyTable) -> ContingencyTable:
    """Refuse a table of no pixels: there is nothing to score."""
    if len(table.n_pixels) == 0:
        raise ValueError("mask and void must leave at least one pixel to judge, got none")
    return table
