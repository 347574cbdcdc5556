"""Masks of instances: their intersection over union, and COCO's run-length form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_array
from classicseg.metrics import _runs
from classicseg.metrics._boxes import check_flags, one_group
from classicseg.metrics._runs import Runs

Masks = ArrayLike | Sequence[Mapping[str, Any]]  # (n, M, N) bool, or n run-length masks


def mask_iou(masks_true: Masks, masks_pred: Masks, *, crowd: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the intersection over union of every pair of masks.

    Parameters
    ----------
    masks_true, masks_pred : array_like of bool, shapes (n, M, N) and (m, M, N)
        The masks, all of one shape; or sequences of COCO's run-length masks, see `encode_rle`.
    crowd : array_like of bool, shape (n,), optional
        True where a mask of the ground truth covers a whole crowd: the intersection is divided by the area of the
        prediction alone.

    Returns
    -------
    ndarray of float64, shape (n, m)
        0 to 1; 0 where a mask is empty.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or the masks are of different shapes.

    Examples
    --------
    >>> mask_iou([[[True, True, False]]], [[[True, True, True]], [[False, False, True]]])
    array([[0.66666667, 0.        ]])
    """
    truth, pred = check_masks("masks_true", masks_true), check_masks("masks_pred", masks_pred)
    crowded = check_flags("crowd", crowd, len(truth.first))
    check_one_shape(np.concatenate([truth.shapes, pred.shapes]))
    return table_of(truth, pred, crowded).T


def encode_rle(masks: ArrayLike) -> list[dict[str, Any]]:
    """Return masks in COCO's compressed run-length form, as result files hold them.

    Parameters
    ----------
    masks : array_like of bool, shape (n, M, N)
        The masks; for a single one pass ``mask[None]``.

    Returns
    -------
    list of dict
        `size`, [M, N], and `counts`, text: run lengths down the columns, zeros first.

    Raises
    ------
    ValueError, TypeError
        If `masks` has another shape or dtype.

    See Also
    --------
    decode_rle : The way back.

    Examples
    --------
    >>> encode_rle([[[0, 1], [0, 1]]])
    [{'size': [2, 2], 'counts': '22'}]
    """
    stack = _check_stack("masks", masks)
    rows, cols = stack.shape[1:]
    texts = [_runs.to_text(_runs.to_counts(_runs.of_array(mask), mask.size)) for mask in stack]
    return [{"size": [rows, cols], "counts": text} for text in texts]


def decode_rle(masks: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
    """Return COCO's run-length masks as arrays.

    Parameters
    ----------
    masks : sequence of dict
        Each with `size`, [M, N], the same for all, and `counts`: text, bytes, or a list of run lengths.

    Returns
    -------
    ndarray of bool, shape (n, M, N)
        The masks.

    Raises
    ------
    ValueError, TypeError
        If a mask is of another form, its runs do not fill its size, or the sizes differ.

    See Also
    --------
    encode_rle : The way back.

    Examples
    --------
    >>> decode_rle([{"size": [2, 2], "counts": [2, 2]}]).astype(int)
    array([[[0, 1],
            [0, 1]]])
    """
    runs = check_masks("masks", masks)
    check_one_shape(runs.shapes)
    shape = (int(runs.shapes[0, 0]), int(runs.shapes[0, 1])) if len(runs.shapes) else (0, 0)
    out = np.empty((len(runs.first), *shape), bool)
    for i in range(len(out)):
        out[i] = _runs.to_array(runs.edges[runs.first[i] : runs.last[i]], shape)
    return out


def table_of(truth: Runs, pred: Runs, crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the IoU of all pairs, predictions by ground truth."""
    out = np.empty(len(pred.first) * len(truth.first))
    groups = one_group(len(pred.first), len(truth.first))
    kernels_for(out, "runs").mask_tables(groups, truth.columns(), pred.columns(), crowd, out)
    return out.reshape(len(pred.first), len(truth.first))


def check_masks(name: str, masks: object) -> Runs:
    """Return masks, given as an array or one by one as arrays or run-length dicts, as runs."""
    if isinstance(masks, Mapping):
        raise TypeError(f"{name} must be a sequence of masks, got one mapping; pass a list of it")
    if not isinstance(masks, (list, tuple)) or not any(isinstance(mask, Mapping) for mask in masks):
        stack = _check_stack(name, masks)
        return _runs.joined([_runs.of_array(mask) for mask in stack], [mask.shape for mask in stack])
    texts: list[int] = []
    others: list[int] = []
    shapes, held = [], []
    for i, mask in enumerate(masks):
        if not isinstance(mask, Mapping):
            raise TypeError(f"{name} must be arrays, or run-length masks throughout, got both; see encode_rle()")
        shape, counts = _runs.of_dict(f"{name}[{i}]", mask)
        shapes.append(shape)
        held.append(counts)
        (texts if isinstance(counts, bytes) else others).append(i)
    compressed = _runs.of_texts([f"{name}[{i}]" for i in texts], [held[i] for i in texts], [shapes[i] for i in texts])
    listed = _runs.joined(
        [_runs.of_counts(f"{name}[{i}]", held[i], shapes[i][0] * shapes[i][1]) for i in others],
        [shapes[i] for i in others],
    )
    return _runs.in_order([compressed, listed], [texts, others])


def _check_stack(name: str, masks: object) -> NDArray[np.bool_]:
    array = check_array(name, masks)
    if array.size == 0 and array.ndim == 1:
        return np.empty((0, 0, 0), bool)
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have shape (n, M, N), got {array.shape}; one mask becomes a stack with mask[None]"
        )
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name} must be boolean, got dtype {array.dtype}; compare first, for example with >= 0.5")
    return array.astype(bool, copy=False)


def check_one_shape(shapes: NDArray[np.int64]) -> None:
    """Refuse masks of images of different shapes."""
    different = np.flatnonzero((shapes != shapes[:1]).any(axis=1))
    if len(different):
        raise ValueError(
            f"masks must be of one shape, got {tuple(shapes[0].tolist())} and {tuple(shapes[different[0]].tolist())}; "
            "compare masks of one image at a time"
        )
