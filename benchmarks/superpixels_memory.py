"""Memory of superpixels and regions at 12 MP: the peak of what a call allocates, less what it returns.

By `tracemalloc`, which NumPy tells of its arrays. It slows a call down, so that no ratio of times is claimed.
"""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row
from benchmarks.superpixels_regions import superpixels

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIKIT_IMAGE = "classicseg", "scikit-image"
PROMISED = 24  # bytes per pixel, above input and output
WORKS = ("SLIC", "Felzenszwalb", "connected regions", "region table", "region graph")
VALUES = ("area", "box", "centroid", "mean", "std", "min", "max")


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [memory_of("SLIC", [40, 48], 6, "tiny"), memory_of("region graph", [40, 48], 6, "tiny")]
    return [memory_of(work, [3000, 4000], 100, "12 MP RGB") for work in WORKS]  # 1200 regions are described


def memory_of(work: str, shape: list[int], side: int, at: str) -> Row:
    parameters = {"work": work, "shape": shape, "side": side}
    return Row(f"memory of {work}, {at}", parameters, repeats=0, contenders=(OURS, SCIKIT_IMAGE))


def ours(work: str, shape: list[int], side: int) -> Callable[[], Any]:
    from classicseg import connected_regions, felzenszwalb, region_graph, region_table, slic

    image, labels = photograph(*shape), superpixels((shape[0], shape[1]), side)
    calls: dict[str, Callable[[Any, Any], Any]] = {
        "SLIC": lambda image, labels: slic(image, 1000, n_threads=THREADS),
        "Felzenszwalb": lambda image, labels: felzenszwalb(image, 100, n_threads=THREADS),
        "connected regions": lambda image, labels: connected_regions(labels, n_threads=THREADS),
        "region table": lambda image, labels: region_table(labels, image, properties=VALUES, n_threads=THREADS),
        "region graph": lambda image, labels: region_graph(labels, image, connectivity=2, n_threads=THREADS),
    }
    calls[work](image[:32, :32], labels[:32, :32])  # compiles, or loads what was compiled
    return measured(calls[work], image, labels)


def scikit_image(work: str, shape: list[int], side: int) -> Callable[[], Any]:
    from skimage.graph import rag_mean_color
    from skimage.measure import label, regionprops_table
    from skimage.segmentation import felzenszwalb, slic

    values = ("label", "area", "bbox", "centroid", *(f"intensity_{name}" for name in VALUES[3:]))
    calls: dict[str, Callable[[Any, Any], Any]] = {
        "SLIC": lambda image, labels: slic(image, 1000),
        "Felzenszwalb": lambda image, labels: felzenszwalb(image, 100),
        "connected regions": lambda image, labels: label(labels, connectivity=1),
        "region table": lambda image, labels: regionprops_table(labels, image, values),
        "region graph": lambda image, labels: rag_mean_color(image, labels),
    }
    return measured(calls[work], photograph(*shape), superpixels((shape[0], shape[1]), side))


def measured(call: Callable[[Any, Any], Any], image: Any, labels: Any) -> Callable[[], dict[str, float]]:
    def run() -> dict[str, float]:
        tracemalloc.start()
        try:
            result = call(image, labels)
            peak = tracemalloc.get_traced_memory()[1] - returned(result, labels)
        finally:
            tracemalloc.stop()
        return {"bytes_per_pixel": peak / math.prod(labels.shape)}

    return run


def returned(result: Any, labels: Any) -> int:
    """Return the bytes of the label image that the call made; tables and graphs are small beside one."""
    return int(result.nbytes) if isinstance(result, np.ndarray) and result.shape == labels.shape else 0


def agree(row: Row, outputs: Outputs) -> Agreement:
    found = {name: float(values["bytes_per_pixel"]) for name, values in outputs.items()}
    text = ", ".join(f"{name} {peak:.1f}" for name, peak in found.items())
    small = math.prod(row.parameters["shape"]) < 1e6  # where tables of a fixed size outweigh the pixels
    kept = small or found[OURS] < PROMISED
    return Agreement(kept, f"bytes per pixel above input and output: {text}; promised < {PROMISED}", (SCIKIT_IMAGE,))
