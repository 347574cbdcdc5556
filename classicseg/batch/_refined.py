"""What a refiner says of a frame: the classes of its regions, and which one each hot spot is of."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from classicseg._errors import ClassicsegError
from classicseg.batch._colors import MOST_COLORS, class_palette
from classicseg.batch._names import valid_text
from classicseg.features._channels import COUNTS, KELVIN
from classicseg.refine import RefinedLabels, Refiner, pool, refine_labels
from classicseg.superpixels import slic

Array = np.ndarray[Any, Any]

PIXELS = 100  # of a superpixel; a module that is seen well has several
COMPACTNESS = 0.1  # a step of the grid of superpixels weighs as much as 1 K


@dataclass(frozen=True)
class Refined:
    """What a refiner made of a frame, or why it made nothing of it."""

    labels: Array | None  # (M, N) as they are written: classes, instances or segments from 1 on, 0 = none
    palette: bytes | None  # the colours of classes
    record: dict[str, Any]  # what the tables and the report are made from
    spots: list[dict[str, Any]]  # what is added to each hot spot
    error: str = ""
    details: str = ""  # for the log


def refined(refiner: Refiner, values: Array, spots: Array, unit: str, metadata: Mapping[str, Any]) -> Refined:
    """Ask a refiner about a frame; whatever it raises leaves the frame unrefined, and that is told.

    Parameters
    ----------
    refiner : Refiner
        The refiner.
    values : numpy.ndarray
        (M, N) float32 °C or counts; NaN without measurement.
    spots : numpy.ndarray
        (M, N) int32, the hot spots 1..n; 0 = none.
    unit : str
        "celsius" or "counts".
    metadata : dict
        What is known of the frame.
    """
    is_classes = refiner.task == "semantic"
    colored = is_classes and len(refiner.classes) <= MOST_COLORS
    palette = class_palette(len(refiner.classes)) if colored else None
    if not np.isfinite(values).any():  # there is nothing to ask about, which is no fault of the refiner
        nothing = dict.fromkeys(map(valid_text, refiner.classes), 0)
        return Refined(np.zeros(values.shape, np.int32), palette, {"task": refiner.task, "classes": nothing}, [])
    n_spots = int(spots.max(initial=0))
    try:
        found = refine_labels(image_of(values, unit), regions_of(values, spots, unit), refiner, metadata=metadata)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the frame is good, whatever a plug-in raises
        told = isinstance(error, ClassicsegError) and error.__cause__ is None
        reason = f"the refiner ended the program: exit {error}" if isinstance(error, SystemExit) else str(error)
        unknown = {"refined": "no", "class": None, "class_probability": None}
        record = {"task": refiner.task, "error": reason}
        return Refined(None, None, record, [unknown] * n_spots, reason, "" if told else traceback.format_exc())
    return Refined(
        found.labels + 1 if is_classes else found.labels,
        palette,
        {"task": refiner.task, "classes": _areas(found)},
        _of_spots(found, spots, n_spots),
    )


def image_of(values: Array, unit: str) -> Array:
    """Return what a refiner is given of a frame: °C as floats, counts as whole numbers, by which it tells them apart.

    Without measurement is NaN among the floats, and 0 among whole numbers; no region holds such pixels. It is a copy:
    a refiner that works in place must not change what tables and overlay say of the frame.
    """
    if unit == "celsius":
        return values.copy()
    return np.where(np.isfinite(values), values, 0).astype(np.uint16)


def regions_of(values: Array, spots: Array, unit: str) -> Array:
    """Return the superpixels of a frame; each hot spot is one, for many are smaller than the others."""
    inside = np.isfinite(values)
    superpixels = slic(
        values,
        max(1, int(np.count_nonzero(inside)) // PIXELS),
        COMPACTNESS,
        mask=None if inside.all() else inside,
        channel_axis=None,
        scaling=KELVIN if unit == "celsius" else COUNTS,
    )
    return np.where(spots > 0, superpixels.max() + spots, superpixels)


def _areas(found: RefinedLabels) -> dict[str, int]:
    """Return how many pixels are most probably of each class."""
    known = found.probabilities.any(axis=2)
    areas = np.bincount(found.probabilities.argmax(axis=2)[known], minlength=len(found.classes))
    return dict(zip(map(valid_text, found.classes), areas.tolist()))


def _of_spots(found: RefinedLabels, spots: Array, n_spots: int) -> list[dict[str, Any]]:
    """Return the class of each hot spot: the most probable one on average over its pixels."""
    if not n_spots:
        return []
    means = pool(found.probabilities, spots)
    best = means.argmax(axis=1)
    highest = np.round(means[np.arange(n_spots), best].astype(np.float64), 3)
    return [
        {"refined": "yes", "class": valid_text(found.classes[place]) if share > 0 else None, "class_probability": share}
        for place, share in zip(best.tolist(), highest.tolist())
    ]
