"""Boxes: their form, their intersection over union, and the form in which COCO files hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_array, check_finite

FORM = "row_min, col_min, row_max, col_max"


def box_iou(boxes_true: ArrayLike, boxes_pred: ArrayLike, *, crowd: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the intersection over union of every pair of boxes.

    Parameters
    ----------
    boxes_true, boxes_pred : array_like, shapes (n, 4) and (m, 4)
        `row_min`, `col_min`, `row_max`, `col_max` of each box, half open: the maxima are the first row and column
        outside. `boxes_from_coco` makes them of COCO's x, y, width, height.
    crowd : array_like of bool, shape (n,), optional
        True where a box of the ground truth stands for a whole crowd: a prediction inside it is right however much
        of the crowd it leaves out, so the intersection is divided by the area of the prediction alone.

    Returns
    -------
    ndarray of float64, shape (n, m)
        0 to 1; 0 where a box has no area.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or a box ends before it begins.

    Examples
    --------
    >>> box_iou([[0, 0, 2, 2]], [[0, 1, 2, 3], [5, 5, 6, 6]])
    array([[0.33333333, 0.        ]])
    """
    truth, pred = check_boxes("boxes_true", boxes_true), check_boxes("boxes_pred", boxes_pred)
    crowded = check_flags("crowd", crowd, len(truth))
    out = np.empty(len(pred) * len(truth))
    kernels_for(out, "boxes").box_tables(one_group(len(pred), len(truth)), truth, pred, crowded, out)
    return out.reshape(len(pred), len(truth)).T


def boxes_from_coco(boxes: ArrayLike) -> NDArray[np.float64]:
    """Return COCO's boxes of x, y, width, height in the form of this package.

    Parameters
    ----------
    boxes : array_like, shape (n, 4)
        Column and row of the upper left corner, width and height.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max`.

    Raises
    ------
    ValueError, TypeError
        If `boxes` has another shape or dtype, or a width or height is negative.

    Examples
    --------
    >>> boxes_from_coco([[10, 20, 3, 4]])
    array([[20., 10., 24., 13.]])
    """
    array = check_fours("boxes", boxes, "x, y, width, height")
    if (array[:, 2:] < 0).any():
        i = int(np.flatnonzero((array[:, 2:] < 0).any(axis=1))[0])
        raise ValueError(
            f"boxes must have a width and height of at least 0, got {array[i].tolist()} in row {i}; "
            f"boxes of {FORM} are ready as they are"
        )
    return np.stack([array[:, 1], array[:, 0], array[:, 1] + array[:, 3], array[:, 0] + array[:, 2]], axis=1)


def boxes_to_coco(boxes: ArrayLike) -> NDArray[np.float64]:
    """Return boxes as COCO files hold them.

    Parameters
    ----------
    boxes : array_like, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max`, half open.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Column and row of the upper left corner, width and height.

    Raises
    ------
    ValueError, TypeError
        If `boxes` has another shape or dtype, or a box ends before it begins.

    Examples
    --------
    >>> boxes_to_coco([[20, 10, 24, 13]])
    array([[10., 20.,  3.,  4.]])
    """
    array = check_boxes("boxes", boxes)
    return np.stack([array[:, 1], array[:, 0], array[:, 3] - array[:, 1], array[:, 2] - array[:, 0]], axis=1)


def check_boxes(name: str, boxes: ArrayLike) -> NDArray[np.float64]:
    """Return `boxes` as rows of five: the corners and the area."""
    array = check_fours(name, boxes, FORM)
    if not (array[:, :2] <= array[:, 2:]).all():
        i = int(np.flatnonzero(~(array[:, :2] <= array[:, 2:]).all(axis=1))[0])
        raise ValueError(
            f"{name} must have row_min <= row_max and col_min <= col_max, got {array[i].tolist()} in row {i}; "
            "pass boxes of x, y, width, height through boxes_from_coco() first"
        )
    area = (array[:, 2] - array[:, 0]) * (array[:, 3] - array[:, 1])
    return np.column_stack([array, area])


def check_fours(name: str, boxes: ArrayLike, form: str) -> NDArray[np.float64]:
    """Return an array of finite numbers of shape (n, 4) as float64."""
    array = check_array(name, boxes)
    if array.size == 0 and array.ndim in (1, 2):
        return np.empty((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{name} must have shape (n, 4): {form}; got {array.shape}")
    if array.dtype.kind not in "uif":
        raise TypeError(f"{name} must be of an integer or floating dtype, got {array.dtype}; pass numbers")
    corners = array.astype(np.float64)
    check_no_nan(name, corners)
    return check_finite(name, corners, "leave such boxes out")  # of larger ones the area is beyond float64


def check_no_nan(name: str, array: NDArray[Any]) -> None:
    """Refuse NaN and infinity, and name the first row that has one."""
    finite = np.isfinite(array)
    if not finite.all():
        i = int(np.argwhere(~finite)[0, 0])
        raise ValueError(f"{name} must be finite, got {array[i].tolist()} in row {i}; leave such rows out")


def check_column(name: str, values: ArrayLike, n: int, what: str) -> NDArray[np.float64]:
    """Return one finite number per row as float64."""
    array = check_array(name, values)
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one number per {what}; got {array.shape}")
    if array.size and array.dtype.kind not in "uif":
        raise TypeError(f"{name} must be of an integer or floating dtype, got {array.dtype}; pass numbers")
    column = array.astype(np.float64)
    check_no_nan(name, column)
    return column


def check_flags(name: str, flags: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return one bool per row; None marks none."""
    if flags is None:
        return np.zeros(n, bool)
    array = check_array(name, flags)
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one flag per row of the ground truth; got {array.shape}")
    if array.size and array.dtype.kind not in "biu":
        raise TypeError(f"{name} must be boolean, got dtype {array.dtype}; compare first, for example with > 0")
    return array.astype(bool)


def check_keys(name: str, keys: ArrayLike | None, n: int) -> NDArray[Any]:
    """Return one name or number per row, of images or of classes; None puts all rows under one."""
    if keys is None:
        return np.zeros(n, np.int64)
    array = check_array(name, keys)
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one per row; got {array.shape}")
    if array.size and array.dtype.kind not in "biuU":
        raise TypeError(f"{name} must be integers or strings, got dtype {array.dtype}; number them first")
    return array if array.size else array.astype(np.int64)


def one_group(n_pred: int, n_true: int) -> NDArray[np.int64]:
    """Return the group in which every prediction meets every ground truth."""
    return np.array([[0, n_pred, 0, n_true, 0]], np.int64)
