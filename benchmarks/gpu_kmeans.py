"""k-means on a GPU: the same bits as on the CPU, and how far an iteration is from what the device can do.

The floor is counted, not measured: an iteration reads every pixel and its label once, and for each pixel and center
does F multiply-adds and 5 operations that keep the two best, which are comparisons, minima and selections, done at
half the rate; the slower of the two, at the clocks that the device reports, is the floor. Iterations are timed by
events on the device, from the same first centers, without a stop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_device import Later, device_name, elapsed_us, rates
from benchmarks.images import noisy, photograph, temperatures
from benchmarks.kmeans import first_centers
from benchmarks.registry import Agreement, Context, Outputs, Row

ITERATIONS = 10
TIMED = 50  # iterations between two events
KEEPING = 5  # operations per pixel and center beside the multiply-adds
WORKS = (
    ("12 MP RGBxy, k = 16", "RGBxy", (3000, 4000), 1, 16),
    ("12 MP RGB, k = 16", "RGB", (3000, 4000), 1, 16),
    ("12 MP RGBxy, k = 64", "RGBxy", (3000, 4000), 1, 64),
    ("1 MP RGBxy, k = 16", "RGBxy", (1000, 1000), 1, 16),
    ("640×512 °C [T, x, y], k = 8", "Txy", (512, 640), 1, 8),
    ("64 frames 640×512 °C [T, x, y], k = 8", "Txy", (512, 640), 64, 8),
)


def rows(context: Context) -> list[Row]:
    chosen = [(*WORKS[0][:2], (24, 32), *WORKS[0][3:]), (*WORKS[5][:2], (24, 32), 3, 8)] if context.tiny else WORKS
    return [row(context.scratch, *work) for work in chosen]


def row(scratch: Path, name: str, channels: str, shape: tuple[int, int], n_frames: int, k: int) -> Row:
    path = scratch / f"{channels} {shape[0]} {n_frames}.npy"
    if not path.exists():
        one = temperatures(*shape) if channels == "Txy" else photograph(*shape)
        # Frames of a flight differ: each has a noise of its own, and is warmer than the one before.
        frames = [one] + [(noisy(one, 0.05) + np.float32(0.1 * i)).astype(one.dtype) for i in range(1, n_frames)]
        np.save(path, np.stack(frames))
    centers = first_centers(np.load(path, mmap_mode="r")[0], channels, k)
    return Row(name, {"source": str(path), "channels": channels, "centers": centers.tolist()})


def on_cuda(source: str, channels: str, centers: Any) -> Callable[[], Any]:
    """Return the whole work on images that lie on the device already; its facts are the iterations alone."""
    from classicseg import to_device
    from classicseg._kernels.cuda import kmeans
    from classicseg.cluster._source import source_of

    frames = np.load(source)
    sources = [source_of(described(to_device(frame, "cuda"), channels)) for frame in frames]
    first = np.stack([one.to_v(np.array(centers)) for one in sources])
    samples = [one.samples for one in sources]
    facts = iteration_facts(kmeans, samples, first)

    def call() -> dict[str, Any]:
        state = kmeans.start_batch(samples, first)
        for _ in range(ITERATIONS):
            kmeans.lloyd_step(state, 0.0)
        labels, found, _ = kmeans.finish(state)
        means = np.stack([one.from_v(each) for one, each in zip(sources, found)])
        return {"labels": Later(labels), "centers": means, "device": device_name(), **facts}

    return call


def on_cpu(source: str, channels: str, centers: Any) -> Callable[[], Any]:
    from classicseg import kmeans_frames

    given = [described(frame, channels) for frame in np.load(source)]

    def call() -> dict[str, Any]:
        found = kmeans_frames(given, len(centers), init=centers, max_num_iter=ITERATIONS, tol=0)
        labels = np.stack([one.labels for one in found])
        return {"labels": labels, "centers": np.stack([one.centers for one in found])}

    return call


def described(image: Any, channels: str) -> Any:
    from classicseg import pixel_features

    return image if channels == "RGB" else pixel_features(image, channels)


def iteration_facts(kmeans: Any, samples: list[Any], centers: Any) -> dict[str, float]:
    """Return microseconds per iteration: the first, which adds every pixel to the sums, the next ones, the floor."""
    warm = kmeans.start_batch(samples, centers)
    kmeans.lloyd_step(warm, -1.0)  # compiles
    state = kmeans.start_batch(samples, centers)
    first = elapsed_us(partial(kmeans.lloyd_step, state, -1.0))  # nothing moves less than -1: no step is a no-op
    rest = elapsed_us(lambda: [kmeans.lloyd_step(state, -1.0) for _ in range(TIMED)]) / TIMED
    floor = floor_us(samples, centers.shape[1])
    return {"first_iteration_us": first, "iteration_us": rest, "floor_us": floor, "times_the_floor": rest / floor}


def floor_us(samples: list[Any], k: int) -> float:
    """Return the least time of an iteration by the counted bytes and operations, at the device's own clocks."""
    bytes_per_us, operations_per_us = rates()
    pixels = sum(one.shape[0] * one.shape[1] for one in samples)
    read = pixels * (1 + sum(plane.dtype.itemsize for plane in samples[0].planes))
    operations = pixels * k * max(samples[0].n_features + KEEPING, 2 * KEEPING)
    return max(read / bytes_per_us, operations / operations_per_us)


def agree(row: Row, outputs: Outputs) -> Agreement:
    cuda, cpu = outputs["CUDA"], outputs["CPU"]
    same = np.array_equal(cuda["labels"], cpu["labels"]), np.array_equal(cuda["centers"], cpu["centers"])
    if all(same):
        return Agreement(True, "same bits as on the CPU")
    different = float((cuda["labels"] != cpu["labels"]).mean())
    return Agreement(False, f"{100 * different:.4f} % of the labels differ, centers {'equal' if same[1] else 'differ'}")
