"""Scores of segmentations, boundaries and detections against NumPy, SciPy, scikit-image and COCO's evaluators.

The rows come from the parts, each in a file of its own: `rows` and `agree` as a case has them, and a function for
each contender that takes part, named as below. The worker calls those of this file, which hand on.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

PARTS = ("metrics_regions", "metrics_boundary", "metrics_detection")


def part_of(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


def rows(context: Context) -> list[Row]:
    """Return the rows of every part; the parameter `part` tells whose they are."""
    return [
        replace(row, parameters={"part": part, **row.parameters})
        for part in PARTS
        for row in part_of(part).rows(context)
    ]


def agree(row: Row, outputs: Outputs) -> Agreement:
    own = {name: value for name, value in row.parameters.items() if name != "part"}
    return part_of(row.parameters["part"]).agree(replace(row, parameters=own), outputs)


def ours(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).ours(**parameters)


def numpy(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).numpy(**parameters)


def numpy_tables(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).numpy_tables(**parameters)


def scikit_image(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).scikit_image(**parameters)


def scipy(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).scipy(**parameters)


def pycocotools(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).pycocotools(**parameters)


def faster_coco_eval(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).faster_coco_eval(**parameters)


CASE = Case(
    name="metrics",
    title="Scores of segmentations, boundaries and detections",
    contenders=(
        Contender("classicseg", "ours"),
        Contender("NumPy", "numpy"),
        Contender("NumPy, by tables", "numpy_tables"),
        Contender("scikit-image", "scikit_image", ("scikit-image",)),
        Contender("SciPy", "scipy", ("scipy",)),
        Contender("pycocotools", "pycocotools", ("pycocotools",)),
        Contender("faster-coco-eval", "faster_coco_eval", ("faster-coco-eval",)),
    ),
    rows=rows,
    agree=agree,
)
