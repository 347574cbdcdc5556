"""What a refiner gives back: plain arrays, of one of three kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Task = Literal["semantic", "instances", "panoptic"]
TASKS: tuple[Task, ...] = get_args(Task)
HALF = 0.5  # a pixel whose soft mask is as high belongs to the instance


@dataclass(frozen=True, eq=False)
class SemanticResult:
    """How probable each class is, in every pixel or in every region.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (M, N, K) or (n, K)
        Of the K classes, per pixel, or per row of the `RegionTable`; they sum to 1. What stands outside the mask
        does not count.

    Examples
    --------
    >>> SemanticResult(np.array([[0.25, 0.75]], np.float32)).probabilities.argmax(axis=-1)
    array([1])
    """

    probabilities: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class InstanceResult:
    """Objects, each with a mask of its own; masks may overlap, and pixels may belong to none.

    Parameters
    ----------
    masks : ndarray, shape (n, M, N)
        Bool, or floats from 0 to 1: soft masks, whose pixels of 0.5 and more belong to the object.
    scores : ndarray of float32, shape (n,)
        How sure the refiner is of each, 0 to 1.
    categories : ndarray of int64, shape (n,)
        Class of each, as index into the refiner's `classes`.
    boxes : ndarray of float64, shape (n, 4), optional
        ``row_min, col_min, row_max, col_max``, half open. Default: those of the masks; zeros where a mask is empty.

    Raises
    ------
    ValueError
        If `boxes` are to be those of masks that have another shape.

    Examples
    --------
    >>> masks = np.zeros((1, 4, 6), bool)
    >>> masks[0, 1:3, 2:6] = True
    >>> InstanceResult(masks, np.array([0.9], np.float32), np.array([0])).boxes
    array([[1., 2., 3., 6.]])
    """

    masks: NDArray[Any]
    scores: NDArray[np.float32]
    categories: NDArray[np.int64]
    boxes: NDArray[np.float64] = None  # type: ignore[assignment]  # filled in below

    def __post_init__(self) -> None:
        """Take the boxes of the masks where none are given."""
        given: object = self.boxes
        if given is None:
            object.__setattr__(self, "boxes", boxes_of(self.masks))


@dataclass(frozen=True)
class Segment:
    """What one segment of a panoptic result is.

    Parameters
    ----------
    id : int
        Its number in `PanopticResult.segment_ids`, from 1 on.
    category : int
        Class, as index into the refiner's `classes`.
    is_thing : bool
        Whether it is one object of a countable class; otherwise all of a class such as ground or sky.
    area : int
        Pixels.
    score : float, default 1.0
        How sure the refiner is, 0 to 1.

    Examples
    --------
    >>> Segment(id=1, category=0, is_thing=True, area=12)
    Segment(id=1, category=0, is_thing=True, area=12, score=1.0)
    """

    id: int
    category: int
    is_thing: bool
    area: int
    score: float = 1.0


@dataclass(frozen=True, eq=False)
class PanopticResult:
    """An image cut into segments without overlap, each of one class.

    Parameters
    ----------
    segment_ids : ndarray of int32, shape (M, N)
        Number of the segment that each pixel belongs to; 0: to none.
    segments : tuple of Segment
        The segments that occur, each once.

    Examples
    --------
    >>> ids = np.array([[1, 1, 2]], np.int32)
    >>> result = PanopticResult(ids, (Segment(1, 0, True, 2), Segment(2, 1, False, 1)))
    >>> [segment.area for segment in result.segments]
    [2, 1]
    """

    segment_ids: NDArray[np.int32]
    segments: tuple[Segment, ...]


RefineResult = SemanticResult | InstanceResult | PanopticResult
RESULT_OF: dict[Task, type[RefineResult]] = {
    "semantic": SemanticResult,
    "instances": InstanceResult,
    "panoptic": PanopticResult,
}


def hard(masks: NDArray[Any]) -> NDArray[np.bool_]:
    """Return masks as bool: of soft ones what is at least one half."""
    return masks if masks.dtype == bool else np.asarray(masks >= HALF)


def boxes_of(masks: NDArray[Any]) -> NDArray[np.float64]:
    """Return the half-open boxes (n, 4) of masks (n, M, N); zeros where a mask is empty."""
    masks = hard(np.asarray(masks))
    if masks.ndim != 3:
        raise ValueError(f"masks must have shape (n, M, N), got {masks.shape}; a single one needs masks[None]")
    boxes = np.zeros((len(masks), 4))
    for box, mask in zip(boxes, masks):
        rows, cols = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if rows.size:
            box[:] = rows[0], cols[0], rows[-1] + 1, cols[-1] + 1
    return boxes
