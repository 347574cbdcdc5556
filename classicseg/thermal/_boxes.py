"""Temperatures inside boxes that a user brings: from a detector, an annotation tool or a table."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._errors import FileFormatError, UselessOptionError
from classicseg._validate import check_array, check_image, check_int, check_mask
from classicseg.thermal._image import ThermalImage

Box = tuple[float, float, float, float]  # row_min, col_min, row_max, col_max; half open
# Header of a CSV table -> the same box; the last two kinds are how annotation tools name the corners.
_CSV_COLUMNS = (
    ("row_min", "col_min", "row_max", "col_max"),
    ("y0", "x0", "y1", "x1"),
    ("ymin", "xmin", "ymax", "xmax"),
    ("y_min", "x_min", "y_max", "x_max"),
)
_CSV_IMAGE = ("file", "file_name", "filename", "image", "image_name")  # the column that says whose box it is


def heat_in_boxes(
    temperature: ThermalImage | ArrayLike, boxes: ArrayLike, *, mask: ArrayLike | None = None
) -> dict[str, NDArray[Any]]:
    """Return the temperature statistics inside each box.

    Parameters
    ----------
    temperature : ThermalImage or array_like, shape (M, N)
        A frame from `read`, or temperatures in °C; NaN is nodata and left out.
    boxes : array_like of int, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max` of each box, half open: the maxima are the first row and column
        outside. `read_boxes` reads them from files.
    mask : array_like of bool, shape (M, N), optional
        True where pixels count.

    Returns
    -------
    dict of str to ndarray
        One row per box: the box, `area_px` (valid pixels), and `min_`, `mean_`, `median_` and `max_celsius`, or
        with the suffix `counts` for a frame that is not calibrated. NaN where a box has no valid pixel.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, or a box is empty or leaves the frame.

    Examples
    --------
    >>> heat_in_boxes(np.arange(12.0).reshape(3, 4), [[0, 0, 2, 2]])["mean_celsius"]
    array([2.5])
    """
    unit = temperature.unit if isinstance(temperature, ThermalImage) else "celsius"
    array = (
        temperature.values
        if isinstance(temperature, ThermalImage)
        else check_image("temperature", temperature, ndim=(2,))
    )
    corners = _check_boxes(boxes, array.shape)
    inside = np.isfinite(array)
    own_mask = temperature.mask if isinstance(temperature, ThermalImage) else None
    for part in (own_mask, check_mask(mask, array.shape)):
        if part is not None:
            inside &= part
    table: dict[str, NDArray[Any]] = dict(zip(("row_min", "col_min", "row_max", "col_max"), corners.T))
    found = [array[a:c, b:d][inside[a:c, b:d]].astype(np.float64) for a, b, c, d in corners]
    table["area_px"] = np.array([values.size for values in found], np.int64)
    for name, statistic in (("min", np.min), ("mean", np.mean), ("median", np.median), ("max", np.max)):
        table[f"{name}_{unit}"] = np.array([statistic(v) if v.size else np.nan for v in found], np.float64)
    return table


def _check_boxes(boxes: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int32]:
    array = check_array("boxes", boxes)
    if array.size == 0:
        return np.empty((0, 4), np.int32)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes must have shape (n, 4): row_min, col_min, row_max, col_max; got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"boxes must be whole pixels of an integer dtype, got {array.dtype}; round them first")
    good = (array[:, 0] < array[:, 2]) & (array[:, 1] < array[:, 3]) & (array.min(axis=1) >= 0)
    good &= (array[:, 2] <= shape[0]) & (array[:, 3] <= shape[1])
    if not good.all():
        i = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"boxes must have 0 <= min < max within the frame of shape {shape}, got {array[i].tolist()} in row {i}"
        )
    return array.astype(np.int32)


def read_boxes(path: str | Path, shape: tuple[int, int], *, image_name: str | None = None) -> NDArray[np.int32]:
    """Read boxes from a YOLO text file, a COCO JSON file or a CSV table.

    Parameters
    ----------
    path : str or Path
        ``.txt``: YOLO lines of class, center x, center y, width, height relative to the frame, and perhaps a
        confidence. ``.json``: COCO annotations with `bbox` x, y, width, height in pixels. ``.csv``: a header with
        row_min, col_min, row_max, col_max or x0, y0, x1, y1 or xmin, ymin, xmax, ymax, in pixels, maxima exclusive;
        a column file, file_name, filename, image or image_name says whose box it is, as in ``hotspots.csv``.
    shape : tuple of int
        Rows and columns of the frame.
    image_name : str, optional
        For a COCO file or a table of several images: the name, as the file has it, of the one wanted.

    Returns
    -------
    ndarray of int32, shape (n, 4)
        `row_min`, `col_min`, `row_max`, `col_max`, half open, clipped to the frame; every pixel that a box
        touches belongs to it.

    Raises
    ------
    FileFormatError
        If the file is of another form; the message names the line or annotation. `UselessOptionError` where
        `image_name` is given and the file does not name its images.
    ValueError
        If `shape` is not valid, or `image_name` is needed or unknown.
    """
    rows, cols = (check_int("shape", side, low=1) for side in shape)
    path = Path(path)
    readers = {".txt": _read_yolo, ".json": _read_coco, ".csv": _read_csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise FileFormatError(path, f"the suffix {path.suffix!r}", "YOLO .txt, COCO .json or .csv")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(path, f"an unreadable file ({error})", "a UTF-8 text file of boxes") from error
    boxes = [_to_pixels(path, place, box, rows, cols) for place, box in reader(path, text, rows, cols, image_name)]
    return np.array(boxes, np.int32).reshape(-1, 4)


def _to_pixels(path: Path, place: str, box: Box, rows: int, cols: int) -> tuple[int, int, int, int]:
    if not all(map(math.isfinite, box)):
        raise FileFormatError(path, f"a value that is no finite number in {place}", "four finite numbers")
    tiny = 1e-6  # so that 4.0000001, printed from 4, does not touch one more pixel
    top, left = max(math.floor(box[0] + tiny), 0), max(math.floor(box[1] + tiny), 0)
    bottom, right = min(math.ceil(box[2] - tiny), rows), min(math.ceil(box[3] - tiny), cols)
    if top >= bottom or left >= right:
        raise FileFormatError(path, f"the box {box} in {place}", f"a box with an area inside {rows} x {cols} pixels")
    return top, left, bottom, right


def _read_yolo(path: Path, text: str, rows: int, cols: int, image_name: str | None) -> Iterable[tuple[str, Box]]:
    if image_name is not None:
        raise UselessOptionError(path, "a YOLO file, which belongs to one image", ("image_name",))
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            _, x, y, width, height, *_confidence = (float(field) for field in fields[:6])
            if len(fields) > 6:  # a polygon, whose first corner would pass for a box
                raise ValueError
        except ValueError:
            expected = "class x y width height, and at most a confidence; turn polygons into boxes first"
            raise FileFormatError(path, f"{line[:60]!r} in line {number}", expected) from None
        yield (
            f"line {number}",
            (
                (y - height / 2) * rows,
                (x - width / 2) * cols,
                (y + height / 2) * rows,
                (x + width / 2) * cols,
            ),
        )


def _read_coco(path: Path, text: str, rows: int, cols: int, image_name: str | None) -> Iterable[tuple[str, Box]]:
    try:
        content = json.loads(text)
        images = {image["id"]: str(image["file_name"]) for image in content["images"]}
        annotations = [(a["image_id"], [float(v) for v in a["bbox"]]) for a in content["annotations"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            path, f"{type(error).__name__}: {error}", "COCO images and annotations with bbox"
        ) from None
    chosen = _chosen_image(path, images.values(), image_name)
    for number, (image_id, bbox) in enumerate(annotations):
        if image_id not in images:
            raise FileFormatError(
                path, f"the image_id {image_id!r} in annotation {number}", "the id of one of its images"
            )
        if images[image_id] == chosen:
            if len(bbox) != 4:
                raise FileFormatError(
                    path, f"{len(bbox)} numbers in annotation {number}", "bbox of x, y, width, height"
                )
            x, y, width, height = bbox
            yield f"annotation {number}", (y, x, y + height, x + width)


def _chosen_image(path: Path, names: Iterable[str], image_name: str | None) -> str | None:
    """Return the name of the image whose boxes are wanted; None where the file has no image at all."""
    known = sorted(set(names))
    if image_name is None:
        if len(known) > 1:
            raise ValueError(f"image_name must name one of the {len(known)} images of {path}, got None")
        return known[0] if known else None
    if image_name not in known:
        raise ValueError(f"image_name must be an image of {path}, got {image_name!r}; there are {known[:5]}")
    return image_name


def _read_csv(path: Path, text: str, rows: int, cols: int, image_name: str | None) -> Iterable[tuple[str, Box]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    header = reader.fieldnames or []
    columns = next((names for names in _CSV_COLUMNS if set(names) <= set(header)), None)
    if columns is None:
        raise FileFormatError(path, f"the header {list(header)}", "row_min, col_min, row_max, col_max")
    image = next((name for name in _CSV_IMAGE if name in header), None)
    if image is None and image_name is not None:
        raise UselessOptionError(path, f"a table without a column {', '.join(_CSV_IMAGE)}", ("image_name",))
    lines = list(enumerate(reader, start=2))
    chosen = None if image is None else _chosen_image(path, [row[image] or "" for _, row in lines], image_name)
    for number, row in lines:
        if image is not None and (row[image] or "") != chosen:
            continue
        try:
            box = tuple(float(row[name]) for name in columns)
        except (TypeError, ValueError):
            raise FileFormatError(path, f"{[row[n] for n in columns]} in line {number}", "four numbers") from None
        yield f"line {number}", (box[0], box[1], box[2], box[3])
