"""Mean shift against OpenCV and scikit-learn.

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

PARTS = ("mean_shift_filter", "mean_shift_features")


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


def opencv(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).opencv(**parameters)


def opencv_level_1(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).opencv_level_1(**parameters)


def eight_bit(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).eight_bit(**parameters)


def scikit_learn(part: str, **parameters: Any) -> Callable[[], Any]:
    return part_of(part).scikit_learn(**parameters)


CASE = Case(
    name="mean_shift",
    title="Mean shift: the filter of images, and modes of colours",
    contenders=(
        Contender("classicseg", "ours"),
        Contender("OpenCV", "opencv", ("opencv-python",)),
        Contender("OpenCV, level 1", "opencv_level_1", ("opencv-python",)),
        Contender("classicseg, 8-bit", "eight_bit"),
        Contender("scikit-learn", "scikit_learn", ("scikit-learn",)),
    ),
    rows=rows,
    agree=agree,
)
