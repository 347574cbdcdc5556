"""Intersection over union of the inner boundaries of two masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._kernels import adopt
from classicseg._validate import check_array, check_float

Array = NDArray[Any]


def boundary_iou(mask_true: ArrayLike, mask_pred: ArrayLike, *, dilation_ratio: float = 0.02) -> float:
    """Return the intersection over union of the parts of two masks that lie near their boundaries.

    Parameters
    ----------
    mask_true : array_like of bool, shape (M, N)
        Mask of the object. CuPy arrays are worked on where they lie.
    mask_pred : array_like of bool, shape (M, N)
        Mask to be judged.
    dilation_ratio : float, default 0.02
        Width of the boundary as a part of the image's diagonal, above 0 and at most 1; rounded to pixels, at least 1.
        The default is that of the source for COCO, whose annotations are coarse; it takes 0.005 for Cityscapes.

    Returns
    -------
    float
        Intersection over union, 1 for two empty masks.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    The boundary of a mask is what of it has a pixel outside within `d` rows and columns; outside the image nothing
    belongs to a mask. Errors at the border of a large object weigh as much as those of a small one.
    Source: B. Cheng, R. Girshick, P. Dollár, A. C. Berg, A. Kirillov, "Boundary IoU: Improving Object-Centric Image
    Segmentation Evaluation", CVPR 2021, doi:10.1109/CVPR46437.2021.01508.

    Examples
    --------
    >>> mask = np.zeros((30, 40), bool)
    >>> mask[5:25, 5:35] = True
    >>> boundary_iou(mask, mask), boundary_iou(mask, ~mask)
    (1.0, 0.0)
    """
    true, pred = _check_mask("mask_true", mask_true), _check_mask("mask_pred", mask_pred)
    if true.shape != pred.shape:
        raise ValueError(f"mask_pred must have the shape of mask_true, {true.shape}, got {pred.shape}")
    check_same_device("mask_pred", pred, "mask_true", true)
    width = max(1, round(check_float("dilation_ratio", dilation_ratio, above=0, high=1) * math.hypot(*true.shape)))
    inner_true, inner_pred = _inner_boundary(true, width), _inner_boundary(pred, width)
    union = int((inner_true | inner_pred).sum())
    return int((inner_true & inner_pred).sum()) / union if union else 1.0


def _check_mask(name: str, mask: object) -> Array:
    array = check_array(name, adopt(mask), cuda=True)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must have shape (M, N) and not be empty, got {array.shape}; pass one mask at a time")
    if array.dtype.kind != "b":
        raise TypeError(f"{name} must be boolean, got {array.dtype}; compare first, for example with > 0")
    return array


def _inner_boundary(mask: Array, width: int) -> Array:
    """Return the pixels of `mask` whose square of 2 `width` + 1 is not all inside: one axis after the other."""
    inside = mask
    for axis in (0, 1):
        inside = _all_around(inside, width, axis)
    return mask & ~inside


def _all_around(mask: Array, width: int, axis: int) -> Array:
    """Return where the 2 `width` + 1 pixels along `axis` are all set, by sums from the start of the line."""
    lines = np.moveaxis(mask, axis, 0)
    size = len(lines)
    whole = lines ^ lines  # all False, on the device of the mask
    if size > 2 * width:  # else every line reaches the border of the image
        sums = lines.cumsum(axis=0, dtype=np.int32)
        whole[width] = sums[2 * width] == 2 * width + 1
        whole[width + 1 : size - width] = sums[2 * width + 1 :] - sums[: size - 2 * width - 1] == 2 * width + 1
    return np.moveaxis(whole, 0, axis)
