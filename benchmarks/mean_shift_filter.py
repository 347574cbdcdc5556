"""The mean-shift filter: by OpenCV's rule beside OpenCV, the same bits; and temperatures beside 8-bit levels."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import photograph, temperatures
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, OPENCV, LEVEL_1, LEVELS = "classicseg", "OpenCV", "OpenCV, level 1", "classicseg, 8-bit"
GOALS = {(10, 20): (18.0, 10.0), (10, 40): (11.0, 4.0), (20, 20): (15.0, 8.0)}  # level 0 and 1
SIDES = {512: "0.25 MP", 2048: "4 MP"}
LEVELS_PER_KELVIN = 8  # what stands for one degree in the 8-bit image of temperatures


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [colours(24, 3, 20, (0.0, 0.0)), thermal((16, 20))]
    compared = [colours(side, *widths, goals) for side in SIDES for widths, goals in GOALS.items()]
    return [*compared, thermal((512, 640))]


def colours(side: int, spatial: int, width: int, goals: tuple[float, float]) -> Row:
    name = SIDES.get(side, f"{side} × {side}")
    return Row(
        f"filter, {name} RGB, (sp, sr) = ({spatial}, {width})",
        {"shape": [side, side], "spatial": spatial, "width": width},
        repeats=3,
        contenders=(OURS, OPENCV, LEVEL_1),
        once=(OPENCV, LEVEL_1) if side == 2048 else (),
        goals=dict(zip((OPENCV, LEVEL_1), goals)),
    )


def thermal(shape: tuple[int, int]) -> Row:
    return Row(
        f"filter, {shape[1]}×{shape[0]} °C, hs 6, hr 2 °C",
        {"shape": list(shape), "spatial": 6, "width": 2},
        repeats=3,
        contenders=(OURS, LEVELS),
        goals={LEVELS: 1 / 1.5},
    )


def ours(shape: list[int], spatial: int, width: int) -> Callable[[], Any]:
    from classicseg import mean_shift_filter

    if shape[0] == shape[1]:
        image = photograph(*shape)
        return lambda: mean_shift_filter(image, spatial, width, kernel="opencv", n_threads=THREADS)
    frame = celsius(shape)
    return lambda: mean_shift_filter(frame, spatial, width, n_threads=THREADS)


def celsius(shape: list[int]) -> Any:
    """Return temperatures on the steps that 8 bits hold, so that both dtypes do the same work."""
    return (levels(shape) / LEVELS_PER_KELVIN).astype(np.float32)


def levels(shape: list[int]) -> Any:
    frame = temperatures(*shape)
    return np.clip((frame - frame.min()) * LEVELS_PER_KELVIN, 0, 255).astype(np.uint8)


def eight_bit(shape: list[int], spatial: int, width: int) -> Callable[[], Any]:
    from classicseg import mean_shift_filter

    image = levels(shape)
    return lambda: mean_shift_filter(image, spatial, width * LEVELS_PER_KELVIN, n_threads=THREADS)


def opencv(shape: list[int], spatial: int, width: int) -> Callable[[], Any]:
    return _opencv(shape, spatial, width, 0)


def opencv_level_1(shape: list[int], spatial: int, width: int) -> Callable[[], Any]:
    return _opencv(shape, spatial, width, 1)


def _opencv(shape: list[int], spatial: int, width: int, level: int) -> Callable[[], Any]:
    import cv2

    cv2.setNumThreads(THREADS)
    image = photograph(*shape)
    return lambda: cv2.pyrMeanShiftFiltering(image, spatial, width, maxLevel=level)


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Level 1 is an approximation: how many pixels it gives alike is told, not asked for."""
    mine = outputs[OURS]["result"]
    texts, apart = [], []
    for name, found in outputs.items():
        if name == OURS:
            continue
        other = found["result"]
        if name == LEVELS:
            same = float((np.abs(mine * LEVELS_PER_KELVIN - other) <= 0.5).mean())  # 8 bits are rounded
        else:
            same = float((mine == other).mean())
        texts.append(f"{name} {same:.2%} equal")
        if name != LEVEL_1 and same < 1:
            apart.append(name)
    return Agreement(not apart, "; ".join(texts), tuple(apart))
