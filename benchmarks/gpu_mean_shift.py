"""Mean shift on a GPU: the filter, of one frame and of a batch, and the regions.

The floor of one step is counted, not measured: `OPERATIONS` for each pixel of each window, one per lane and cycle at
the clock that the device reports. OpenCV's rule has a load, difference, squares, limit, choice and 6 sums; a round
window per channel a load, two differences, a square and a sum, and 6 more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.gpu_device import Later, device_name, elapsed_us, rates
from benchmarks.images import noisy, photograph, temperatures
from benchmarks.registry import Agreement, Context, Outputs, Row

OPERATIONS = {"opencv": (11, 0), "flat": (6, 5)}  # per pixel of a window, and more per channel
OPENCV, THERMAL = ("opencv", 8, 20), ("flat", 6, 2)  # kernel, spatial and range bandwidth
WORKS = (
    ("filter, 12 MP RGB, OpenCV's rule, (sp, sr) = (8, 20)", OPENCV, (3000, 4000), 1, False),
    ("regions, 12 MP RGB, OpenCV's rule, (sp, sr) = (8, 20)", OPENCV, (3000, 4000), 1, True),
    ("filter, 0.25 MP RGB, OpenCV's rule, (sp, sr) = (10, 20)", ("opencv", 10, 20), (512, 512), 1, False),
    ("filter, 640×512 °C, hs 6, hr 2 °C", THERMAL, (512, 640), 1, False),
    ("filter, 64 frames 640×512 °C, hs 6, hr 2 °C", THERMAL, (512, 640), 64, False),
)


def rows(context: Context) -> list[Row]:
    works = [(*work[:2], (24, 32), min(work[3], 3), work[4]) for work in WORKS] if context.tiny else WORKS
    return [
        Row(
            name,
            {"rule": list(rule), "shape": list(shape), "n_frames": n_frames, "labels": labels},
            once=("CPU",) if math.prod(shape) * n_frames > 1e6 else (),
        )
        for name, rule, shape, n_frames, labels in works
    ]


def images(rule: list[Any], shape: list[int], n_frames: int) -> Any:
    """Return the frames (B, M, N, C): a photograph, or temperatures with noise of their own, each warmer."""
    if rule[0] == "opencv":
        return photograph(*shape)[None]
    one = temperatures(*shape)[..., None]
    return np.stack([one] + [noisy(one, 0.05) + np.float32(0.1 * i) for i in range(1, n_frames)])


def work(frames: Any, rule: list[Any], labels: bool, **options: Any) -> Any:
    from classicseg import mean_shift_filter, mean_shift_segment

    kernel, spatial, width = rule
    if labels:
        return mean_shift_segment(frames, spatial, width, kernel=kernel, **options).labels
    return mean_shift_filter(frames, spatial, width, kernel=kernel, **options)


def on_cuda(rule: list[Any], shape: list[int], n_frames: int, labels: bool) -> Callable[[], Any]:
    """Return the whole work on frames that lie on the device already; its facts are the first step alone."""
    from classicseg import to_device

    frames = to_device(images(rule, shape, n_frames), "cuda")
    work(frames, rule, False, max_num_iter=1)  # compiles
    step = elapsed_us(lambda: work(frames, rule, False, max_num_iter=1))
    floor = floor_us(rule, frames.shape)
    facts = {"first_step_us": step, "floor_us": floor, "times_the_floor": step / floor, "device": device_name()}
    return lambda: {"result": Later(work(frames, rule, labels)), **facts}


def on_cpu(rule: list[Any], shape: list[int], n_frames: int, labels: bool) -> Callable[[], Any]:
    frames = images(rule, shape, n_frames)
    return lambda: work(frames, rule, labels)


def floor_us(rule: list[Any], shape: tuple[int, ...]) -> float:
    kernel, spatial, _ = rule
    window = (2 * spatial + 1) ** 2 if kernel == "opencv" else math.pi * spatial**2
    once, per_channel = OPERATIONS[kernel]
    return math.prod(shape[:3]) * window * (once + per_channel * shape[3]) / rates().operations


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Whole numbers have the same bits; of temperatures 99.9 % of the pixels agree to 1e-3 of the bandwidth."""
    cuda, cpu = outputs["CUDA"]["result"], outputs["CPU"]["result"]
    if np.array_equal(cuda, cpu):
        return Agreement(True, "same bits as on the CPU")
    width = 1e-3 * row.parameters["rule"][2] if cuda.dtype.kind == "f" else 0.0
    near = float((np.abs(cuda.astype(np.float64) - cpu) <= width).mean())
    return Agreement(width > 0 and near >= 0.999, f"{near:.3%} of the pixels agree")
