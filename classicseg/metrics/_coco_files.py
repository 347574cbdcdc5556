"""COCO's annotation and result files as columns: a thin layer above the arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._errors import FileFormatError
from classicseg.metrics import _runs
from classicseg.metrics._boxes import check_no_nan
from classicseg.metrics._instances import Table
from classicseg.metrics._masks import check_masks
from classicseg.metrics._runs import Runs

Rows = Sequence[Mapping[str, Any]]


def table_of_truth(name: str, source: Any, kind: str) -> Table:
    """Return the ground truth of a COCO dict, or of the path of its file."""
    content = _content(name, source)
    try:
        rows, images, categories = content["annotations"], content["images"], content["categories"]
    except (KeyError, TypeError):
        raise FileFormatError(name, "no COCO ground truth", "images, annotations and categories") from None
    all_images, all_classes = _column(f"{name} images", images, "id"), _column(f"{name} categories", categories, "id")
    sizes = {} if kind == "boxes" else {image["id"]: (image.get("height"), image.get("width")) for image in images}
    shapes, own = _shapes_of(f"{name} annotations", rows, kind, sizes)
    areas = np.array([row.get("area", size) for row, size in zip(rows, own.tolist())], np.float64)
    table = Table(
        _column(f"{name} annotations", rows, "image_id"),
        _column(f"{name} annotations", rows, "category_id"),
        shapes,
        areas,
        np.array([bool(row.get("iscrowd", 0)) for row in rows], bool),
        np.zeros(len(rows)),
        np.unique(all_images),
        np.unique(all_classes),
    )
    _check_known(name, table, table.all_images)
    return table


def table_of_results(name: str, source: Any, kind: str, images: NDArray[Any] | None) -> Table:
    """Return the predictions of a COCO result list, or of the path of its file; None takes any images."""
    rows = _content(name, source)
    if isinstance(rows, (Mapping, str, bytes)) or not isinstance(rows, Sequence):
        raise FileFormatError(name, type(rows).__name__, "a list of results with image_id, category_id and score")
    shapes, areas = _shapes_of(name, rows, kind, {})
    scores = np.array(_column(name, rows, "score"), np.float64)
    check_no_nan(f"{name} score", scores)
    lying_in, classes = _column(name, rows, "image_id"), _column(name, rows, "category_id")
    nothing = np.zeros(len(rows), bool)
    table = Table(lying_in, classes, shapes, areas, nothing, scores, np.unique(lying_in), np.unique(classes))
    if images is not None:
        _check_known(name, table, images)
    return table


def _content(name: str, source: Any) -> Any:
    if not isinstance(source, (str, os.PathLike)):
        return source
    try:
        return json.loads(Path(source).read_bytes())
    except (OSError, ValueError) as error:
        raise FileFormatError(source, f"an unreadable file ({error})", f"the JSON of {name}") from error


def _column(name: str, rows: Rows, key: str) -> NDArray[Any]:
    try:
        column = np.array([row[key] for row in rows])
    except (KeyError, TypeError):
        i = next(i for i, row in enumerate(rows) if not isinstance(row, Mapping) or key not in row)
        raise FileFormatError(name, f"no {key} in row {i}", f"{key} in every row") from None
    kinds = "iuf" if key == "score" else "iuU"
    if len(column) and (column.ndim != 1 or column.dtype.kind not in kinds):
        raise FileFormatError(name, f"{key} of type {column.dtype}", "numbers; ids may be text throughout")
    return column if len(column) else np.empty(0, np.int64)


def _check_known(name: str, table: Table, images: NDArray[Any]) -> None:
    unknown = np.flatnonzero(~np.isin(table.images, images))
    if len(unknown):
        raise ValueError(
            f"{name} must lie in images of the ground truth, got image_id {table.images[unknown[0]].item()!r} "
            f"in row {unknown[0]}; add it to images, or leave such rows out"
        )


def _shapes_of(
    name: str, rows: Rows, kind: str, sizes: Mapping[Any, Any]
) -> tuple[NDArray[np.float64] | Runs, NDArray[np.float64]]:
    """Return boxes or masks, and the area of each."""
    if kind == "boxes":
        boxes = _boxes_of(name, rows)
        return boxes, boxes[:, 4]
    runs = _masks_of(name, rows, sizes)
    return runs, runs.area.astype(np.float64)


def _boxes_of(name: str, rows: Rows) -> NDArray[np.float64]:
    try:
        given = np.array([row["bbox"] for row in rows], np.float64).reshape(len(rows), 4)
    except (KeyError, TypeError, ValueError):
        i = next((i for i, row in enumerate(rows) if not _is_four(row.get("bbox"))), 0)
        raise FileFormatError(name, f"no bbox of four numbers in row {i}", "x, y, width, height") from None
    check_no_nan(f"{name} bbox", given)
    x, y, width, height = given.T
    for i in np.flatnonzero((width < 0) | (height < 0)).tolist():
        raise FileFormatError(name, f"the bbox {given[i].tolist()} in row {i}", "a width and height of at least 0")
    # The area is the product of what the file says, not of what is left after adding and subtracting corners.
    return np.stack([y, x, y + height, x + width, width * height], axis=1)


def _is_four(box: Any) -> bool:
    return isinstance(box, Sequence) and len(box) == 4 and all(isinstance(v, (int, float)) for v in box)


def _masks_of(name: str, rows: Rows, sizes: Mapping[Any, Any]) -> Runs:
    """Return masks of run lengths, and of polygons where the sizes of images are known."""
    coded: list[int] = []
    drawn: list[int] = []
    outlines: list[NDArray[np.float64]] = []
    owners: list[int] = []
    shapes = []
    for i, row in enumerate(rows):
        mask = row.get("segmentation")
        if isinstance(mask, Mapping):
            coded.append(i)
            continue
        shapes.append(_size_of(name, i, row, sizes))
        outlines += _outlines(name, i, mask)
        owners += [len(drawn)] * (len(outlines) - len(owners))
        drawn.append(i)
    drawn_runs = _runs.of_polygons(outlines, np.array(owners, np.int64), shapes)
    coded_runs = check_masks(name, [rows[i]["segmentation"] for i in coded])
    return _runs.in_order([coded_runs, drawn_runs], [coded, drawn])


def _size_of(name: str, i: int, row: Mapping[str, Any], sizes: Mapping[Any, Any]) -> tuple[int, int]:
    rows, cols = sizes.get(row.get("image_id"), (None, None))
    if rows is None or cols is None:
        wanted = "size and counts; or polygons, in an image whose height and width are given"
        raise FileFormatError(name, f"no run-length segmentation in row {i}", wanted)
    return int(rows), int(cols)


def _outlines(name: str, i: int, polygons: Any) -> list[NDArray[np.float64]]:
    try:
        points = [np.array(polygon, np.float64).reshape(-1, 2) for polygon in polygons]
    except (TypeError, ValueError):
        points = []
    if not points or min(map(len, points)) < 3 or not all(np.isfinite(polygon).all() for polygon in points):
        raise FileFormatError(name, f"no polygons in row {i}", "lists of x, y, x, y, ... of three points or more")
    return points
