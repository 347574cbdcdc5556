"""Instances of many images as columns: what a detector found, or what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg.metrics import _runs
from classicseg.metrics._boxes import check_boxes, check_column, check_flags, check_keys
from classicseg.metrics._masks import check_masks
from classicseg.metrics._runs import Runs


@dataclass(frozen=True, eq=False)
class Instances:
    """Boxes or masks of many images, one row per instance.

    Parameters
    ----------
    images : array_like of int or str, shape (n,)
        The image that each instance lies in.
    classes : array_like of int or str, shape (n,)
        Its class.
    boxes : array_like, shape (n, 4), optional
        `row_min`, `col_min`, `row_max`, `col_max`, half open; see `boxes_from_coco`.
    masks : sequence of n, optional
        Bool arrays of their image's shape (M, N), or run-length masks as `encode_rle` makes them. Give boxes, masks
        or both.
    scores : array_like, shape (n,), optional
        Confidence; needed for predictions.
    areas : array_like, shape (n,), optional
        Size of each instance in pixels, which decides whether it is small, medium or large. None: that of its mask
        or box, whichever is judged.
    crowd : array_like of bool, shape (n,), optional
        True where an instance of the ground truth stands for a crowd. None: none.

    Examples
    --------
    >>> Instances(images=[7, 7], classes=["cell", "cell"], boxes=[[0, 0, 4, 4], [2, 2, 8, 8]], scores=[0.9, 0.4])
    Instances of 1 images, 2 rows
    """

    images: ArrayLike
    classes: ArrayLike
    boxes: ArrayLike | None = None
    masks: Sequence[Any] | NDArray[Any] | None = None
    scores: ArrayLike | None = None
    areas: ArrayLike | None = None
    crowd: ArrayLike | None = None

    def __repr__(self) -> str:
        """Return how many there are; the columns themselves would fill the screen."""
        images = np.asarray(self.images)
        return f"Instances of {len(np.unique(images))} images, {len(images)} rows"


class Table(NamedTuple):
    """Checked columns; images and classes are named as the user names them."""

    images: NDArray[Any]
    classes: NDArray[Any]
    shapes: NDArray[np.float64] | Runs  # (n, 5) boxes with area, or masks
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    scores: NDArray[np.float64]
    all_images: NDArray[Any]  # sorted, also those without an instance
    all_classes: NDArray[Any]


def table_of_instances(name: str, instances: Instances, kind: str, scored: bool) -> Table:
    """Check every column of `instances`; `name` is that of the argument."""
    images = check_keys(f"{name}.images", instances.images, np.size(np.asarray(instances.images)))
    n = len(images)
    classes = check_keys(f"{name}.classes", instances.classes, n)
    held = instances.boxes if kind == "boxes" else instances.masks
    if held is None:
        raise ValueError(f"{name}.{kind} must be given for kind={kind!r}, got None; fill it, or choose the other kind")
    shapes, sizes = _shapes_of(f"{name}.{kind}", held, kind)
    if len(sizes) != n:
        raise ValueError(f"{name}.{kind} must have one row per instance, got {len(sizes)} for {n} in images")
    scores = np.zeros(n)
    if scored:
        if instances.scores is None:
            raise ValueError(
                f"{name}.scores must be given for predictions, got None; fill it with ones if there are none"
            )
        scores = check_column(f"{name}.scores", instances.scores, n, "instance")
    areas = sizes if instances.areas is None else check_column(f"{name}.areas", instances.areas, n, "instance")
    crowd = check_flags(f"{name}.crowd", instances.crowd, n)
    return Table(images, classes, shapes, areas, crowd, scores, np.unique(images), np.unique(classes))


def _shapes_of(name: str, held: Any, kind: str) -> tuple[NDArray[np.float64] | Runs, NDArray[np.float64]]:
    """Return boxes or masks, and the area of each."""
    if kind == "boxes":
        boxes = check_boxes(name, held)
        return boxes, boxes[:, 4]
    runs = masks_of_images(name, held)
    return runs, runs.area.astype(np.float64)


def masks_of_images(name: str, masks: Any) -> Runs:
    """Return masks that may be of different shapes."""
    if isinstance(masks, np.ndarray) or any(isinstance(mask, Mapping) for mask in masks):
        return check_masks(name, masks)
    arrays = [check_masks(f"{name}[{i}]", np.asarray(mask)[None]) for i, mask in enumerate(masks)]
    if not arrays:
        return check_masks(name, [])
    return _runs.in_order(arrays, [[i] for i in range(len(arrays))])
