"""COCO's panoptic files, JSON beside a folder of PNG pictures, as images of segments."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._errors import FileFormatError
from classicseg.metrics._panoptic import PanopticImage, PanopticScores, panoptic_quality

PathLike = str | os.PathLike[str]


def coco_panoptic_quality(
    truth: PathLike,
    pred: PathLike,
    *,
    truth_folder: PathLike | None = None,
    pred_folder: PathLike | None = None,
) -> PanopticScores:
    """Return the panoptic quality of predictions in COCO's files.

    Parameters
    ----------
    truth, pred : str or Path
        JSON files with `annotations`: `image_id`, `file_name` of a PNG picture, and `segments_info` of `id`,
        `category_id` and, in the ground truth, `iscrowd`. That of the ground truth has `categories` with `id` and
        `isthing` too. The predictions must cover every image of the ground truth.
    truth_folder, pred_folder : str or Path, optional
        Where the pictures are; a pixel's segment is R + 256 G + 256² B. None: the folder beside the JSON file that
        has its name without ``.json``.

    Returns
    -------
    PanopticScores
        Means over all classes, things and stuff, and the numbers of each category id.

    Raises
    ------
    FileFormatError
        If a file is broken or missing, or a category or an image is unknown.
    ValueError
        If a picture and its table do not hold the same segments, or pictures differ in shape.

    See Also
    --------
    panoptic_quality : The same from arrays, with the definition.

    Examples
    --------
    >>> scores = coco_panoptic_quality("panoptic_val2017.json", "predictions.json")  # doctest: +SKIP
    """
    known, found = _load(truth), _load(pred)
    try:
        things = {category["id"]: bool(category["isthing"]) for category in known["categories"]}
    except (KeyError, TypeError):
        raise FileFormatError(truth, "no categories with id and isthing", "the JSON of a COCO ground truth") from None
    annotations, others = _by_image(truth, known), _by_image(pred, found)
    missing = [image for image in annotations if image not in others]
    if missing:
        raise FileFormatError(pred, f"no annotation of image {missing[0]!r}", "one for every image of the ground truth")
    return panoptic_quality(
        _read_all(truth, annotations.values(), truth_folder, things),
        _read_all(pred, [others[image] for image in annotations], pred_folder, things),
        things={kind for kind, countable in things.items() if countable},
    )


def _load(path: PathLike) -> Mapping[str, Any]:
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise FileFormatError(path, f"an unreadable file ({error})", "the JSON of a COCO panoptic data set") from error
    if not isinstance(content, dict):
        raise FileFormatError(path, f"a {type(content).__name__}", "an object with annotations")
    return content


def _by_image(path: PathLike, content: Mapping[str, Any]) -> dict[Any, Mapping[str, Any]]:
    try:
        return {annotation["image_id"]: annotation for annotation in content["annotations"]}
    except (KeyError, TypeError):
        raise FileFormatError(path, "no annotations with image_id", "one annotation per image") from None


def _read_all(path: PathLike, annotations: Any, folder: PathLike | None, known: Any) -> Iterator[PanopticImage]:
    beside = Path(path).with_suffix("") if folder is None else Path(folder)
    for annotation in annotations:
        yield _read(path, annotation, beside, known)


def _read(path: PathLike, annotation: Mapping[str, Any], folder: Path, known: Any) -> PanopticImage:
    image = annotation["image_id"]
    try:
        picture, segments = folder / annotation["file_name"], annotation["segments_info"]
        classes = {segment["id"]: segment["category_id"] for segment in segments}
        crowd = {segment["id"] for segment in segments if segment.get("iscrowd", 0)}
    except (KeyError, TypeError):
        wanted = "file_name, and segments_info with id and category_id"
        raise FileFormatError(path, f"an incomplete annotation of image {image!r}", wanted) from None
    for segment, kind in classes.items():
        if kind not in known:
            found = f"the unknown category {kind!r} of segment {segment} in image {image!r}"
            raise FileFormatError(path, found, "a category of the ground truth")
    return PanopticImage(_read_ids(picture), classes, crowd)


def _read_ids(path: Path) -> NDArray[np.int32]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode not in ("RGB", "RGBA"):
                raise FileFormatError(path, f"a picture of mode {picture.mode}", "RGB, segment = R + 256 G + 256² B")
            color = np.asarray(picture, np.int32)
    except OSError as error:
        raise FileFormatError(path, f"an unreadable picture ({error})", "a PNG of segments") from error
    ids: NDArray[np.int32] = color[..., 0] + 256 * color[..., 1] + 65536 * color[..., 2]
    return ids
