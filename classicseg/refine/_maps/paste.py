"""Pasting: the small mask that a network draws inside each box, laid out over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array, check_finite, check_float, check_numbers
from classicseg.metrics._boxes import check_boxes
from classicseg.refine._maps.grid import Array, Pair, check_shape, floating
from classicseg.refine._maps.roi import sample

LEAST_SIDE = 1e-30  # of a box that has an area, in pixels: by which places can be divided
OVERSHOOT = 1e-3  # how far a mask may leave 0 to 1 by rounding; logits leave it by more


def paste_masks(
    masks: ArrayLike, boxes: ArrayLike, shape: tuple[int, int], *, threshold: float | None = 0.5
) -> NDArray[np.bool_] | Array:
    """Lay masks drawn inside boxes, as the 28 × 28 ones of Mask R-CNN, out over an image.

    Parameters
    ----------
    masks : array_like, shape (n, a, b)
        Probability that each cell of the box belongs to the object, 0 to 1, or bool.
    boxes : array_like, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max` of each box, half open, in pixels of the image. They may reach
        beyond it.
    shape : tuple of two int
        Rows and columns of the image.
    threshold : float, optional
        Probability, above 0, from which a pixel belongs to the object. None leaves the probabilities.

    Returns
    -------
    ndarray of bool, shape (n, M, N), or of float
        Without a threshold the probabilities: float32 where that holds those of the masks, else float64.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    The probability of a pixel is that of the mask at its centre, bilinear between the centres of the mask's cells and
    0 beyond it: a mask of ones falls to 1/2 on the very border of its box, and to 0 half a cell outside. That is how
    Detectron2 pastes. A box without area gets an empty mask. Source: K. He, G. Gkioxari, P. Dollár and R. Girshick,
    "Mask R-CNN", ICCV 2017, doi:10.1109/ICCV.2017.322.

    Examples
    --------
    >>> paste_masks(np.ones((1, 28, 28)), [[1, 1, 3, 5]], (4, 6)).astype(int)
    array([[[0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 1, 1, 1, 1, 0],
            [0, 0, 0, 0, 0, 0]]])
    """
    masks = check_masks(masks)
    corners = check_boxes("boxes", boxes)[:, :4]
    if len(corners) != len(masks):
        raise ValueError(f"boxes must be as many as masks, {len(masks)}, got {len(corners)}")
    shape = check_shape(shape, 2)
    least = None if threshold is None else check_float("threshold", threshold, above=0, high=1)
    out = np.zeros((len(masks), *shape), floating(masks) if least is None else bool)
    for mask, box, image in zip(masks, corners, out):
        if (box[2:] - box[:2] > LEAST_SIDE).all():
            region, found = _pasted(mask, box, shape)
            image[region] = found if least is None else found >= least
    return out


def check_masks(masks: ArrayLike) -> Array:
    """Return masks as numbers of 0 to 1, shape (n, a, b)."""
    array = check_array("masks", masks)
    array = check_numbers("masks", array.astype(np.uint8) if array.dtype == bool else array)
    if array.ndim != 3 or 0 in array.shape[1:]:
        raise ValueError(f"masks must have shape (n, a, b), one mask per box, got {array.shape}")
    check_finite("masks", array, "leave such masks out")
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise ValueError(
            f"masks must be probabilities of 0 to 1, got {low:g} to {high:g}; pass logits through 1 / (1 + np.exp(-x))"
        )
    return array


def _pasted(mask: Array, box: Array, shape: Pair) -> tuple[tuple[slice, slice], Array]:
    """Return the pixels that a mask may reach, and its probability there."""
    side = box[2:] - box[:2]
    cell = side / mask.shape
    begin = np.floor(box[:2] - cell).clip(0, shape).astype(int)
    end = np.ceil(box[2:] + cell).clip(0, shape).astype(int)
    # A border of zeros around the mask: what lies beyond it is 0.
    grid = np.pad(mask, 1)[..., None].astype(floating(mask), copy=False)
    rows, cols = (((np.arange(begin[axis], end[axis]) + 0.5) - box[axis]) / cell[axis] + 1 for axis in (0, 1))
    return (slice(begin[0], end[0]), slice(begin[1], end[1])), sample(grid, rows, cols)[..., 0]
