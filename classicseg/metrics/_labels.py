"""Label images as the scores take them: one shape, any integer dtype, on one device."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._kernels import adopt
from classicseg._validate import check_array, check_mask

Array = NDArray[Any]


def check_label_image(name: str, labels: object, *, cuda: bool = True) -> Array:
    """Return `labels` as an integer array of any dtype within int64, where it lies; booleans become 0 and 1."""
    array = check_array(name, adopt(labels) if cuda else labels, cuda=cuda)
    if array.ndim == 0:
        raise ValueError(f"{name} must have at least one axis, got a single number; pass a label image")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if array.dtype.kind not in "biu":
        raise TypeError(
            f"{name} must be of an integer dtype, got {array.dtype}; number the regions, "
            "for example with np.unique(..., return_inverse=True)"
        )
    if array.dtype == np.uint64 and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name} must fit into int64, got values up to {int(array.max())}; renumber them first")
    return array.view(np.uint8) if array.dtype.kind == "b" else array


def check_label_pair(labels_true: object, labels_pred: object, mask: object) -> tuple[Array, Array, Array | None]:
    """Return two label images of one shape on one device, and the mask beside them."""
    true, pred = check_label_image("labels_true", labels_true), check_label_image("labels_pred", labels_pred)
    return true, pred, _check_together([true], pred, mask)


def check_label_stack(
    labels_true: object, labels_pred: object, mask: object
) -> tuple[list[Array], Array, Array | None]:
    """Like `check_label_pair`, of one or several annotators: an axis or a sequence more than `labels_pred` has."""
    pred = check_label_image("labels_pred", labels_pred)
    if isinstance(labels_true, (list, tuple)) and labels_true and _axes(labels_true[0]) == pred.ndim:
        true = [check_label_image("labels_true", one) for one in labels_true]
    else:
        stack = check_label_image("labels_true", labels_true)
        true = list(stack) if stack.ndim == pred.ndim + 1 else [stack]
    return true, pred, _check_together(true, pred, mask)


def _axes(value: Any) -> int:
    """Return the number of axes of one element of a sequence, which may be a list itself."""
    return int(value.ndim) if hasattr(value, "ndim") else check_array("labels_true", value, cuda=True).ndim


def _check_together(true: list[Array], pred: Array, mask: object) -> Array | None:
    """Hold the images against each other and return the mask."""
    for one in true:
        if one.shape != pred.shape:
            raise ValueError(
                f"labels_true and labels_pred must have one shape, got {one.shape} and {pred.shape}; "
                "resize the labels of one of them without interpolation"
            )
        check_same_device("labels_pred", pred, "labels_true", one)
    inside = check_mask(adopt(mask), pred.shape, cuda=True)
    if inside is not None:
        check_same_device("mask", inside, "labels_pred", pred)
    return inside


def check_void(void: int | ArrayLike | None) -> NDArray[np.int64]:
    """Return the labels of the ground truth that are not judged, none or several."""
    if void is None:
        return np.empty(0, np.int64)
    array = np.atleast_1d(check_array("void", void))
    if array.size and (array.dtype.kind not in "iu" or array.ndim > 1):
        raise TypeError(f"void must be a label or a sequence of labels, got {void!r}; None judges all of them")
    return array.astype(np.int64)


def flat(*arrays: Array | None) -> list[Array | None]:
    """Return arrays of one shape as contiguous lines; all keep the order in memory that they have in common.

    Labels from MATLAB's files lie column by column. Counting does not ask in which order pixels come, so they
    are copied only where one image lies by rows and another by columns.
    """
    given = [array for array in arrays if array is not None]
    turned = all(array.flags.f_contiguous for array in given)
    return [None if array is None else (array.T if turned else array).ravel() for array in arrays]
