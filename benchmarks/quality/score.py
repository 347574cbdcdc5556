"""One method on one picture: its label images, what they cost and what they are worth."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.quality.data import Picture, Truth, read_image, read_truth
from benchmarks.quality.methods import Method

# What is kept of a label image: sums and counts, so that a data set's scores can be pooled over pictures.
FIELDS = (
    "covered",
    "area",
    "rand",
    "variation",
    "tp_recall",
    "n_recall",
    "tp_precision",
    "n_precision",
    "labels",
    "seconds",
)

_warm: set[str] = set()  # methods that this process has called before: kernels are compiled, libraries loaded


def score_picture(picture: Picture, method: Method, settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one record per setting.

    Time is that of the processor, which neighbours on the machine do not change; threads are held at one. A
    setting that a library fails at counts as one region, and the record tells the error.
    """
    image, truth = read_image(picture.image), read_truth(picture.truth)
    if method.slug not in _warm:
        _segmented(method, method.prepare(image), settings[0], image.shape[:2])
        _warm.add(method.slug)
    start = time.process_time()
    prepared = method.prepare(image)
    shared = time.process_time() - start
    records = []
    for setting in settings:
        start = time.process_time()
        labels, failed = _segmented(method, prepared, setting, image.shape[:2])
        seconds = shared + time.process_time() - start
        found = {"setting": dict(setting), **label_scores(truth, labels), "seconds": seconds}
        records.append(found | {"failed": failed})
    return records


def _segmented(
    method: Method, prepared: Any, setting: Mapping[str, Any], shape: tuple[int, ...]
) -> tuple[Any, str | None]:
    try:
        return np.asarray(method.segment(prepared, **setting)), None
    except Exception as error:  # noqa: BLE001 - one method's failure is a result, not the end of the run
        return np.ones(shape, np.int32), f"{type(error).__name__}: {error}"[:200]


def label_scores(truth: Truth, labels: Any) -> dict[str, float]:
    """Return the sums and counts of one label image, and its number of labels."""
    from classicseg.metrics import boundary_counts, boundary_map, region_scores

    regions = region_scores(truth.labels, labels)
    boundary = boundary_counts(truth.boundaries, boundary_map(labels))
    return {
        "covered": float(regions.covered),
        "area": float(regions.area),
        "rand": float(regions.probabilistic_rand_index),
        "variation": float(np.sum(regions.variation_of_information)),
        "tp_recall": int(boundary.tp_recall[0]),
        "n_recall": int(boundary.n_recall[0]),
        "tp_precision": int(boundary.tp_precision[0]),
        "n_precision": int(boundary.n_precision[0]),
        "labels": len(np.unique(labels)),
    }
