"""How time and memory of eigenvectors of pixel graphs grow with the pixels; the plot stands beside the result.

Memory is the peak of what is allocated while the graph and 16 vectors are made, by `tracemalloc`, which NumPy tells of
its arrays, so that no ratio of times is claimed.
"""

from __future__ import annotations

import math
import os
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.graph_embedding import COUNT, graph
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SHAPES = ((200, 250), (321, 481), (500, 800), (1000, 1000), (2000, 2000))


def rows(context: Context) -> list[Row]:
    shapes = ((24, 20), (30, 20)) if context.tiny else SHAPES
    count = 4 if context.tiny else COUNT
    return [
        Row(f"{count} vectors, {math.prod(shape) / 1e6:.2g} MP", {"shape": shape, "count": count}, repeats=0)
        for shape in shapes
    ]


def ours(shape: list[int], count: int) -> Callable[[], Any]:
    from classicseg import spectral_embedding

    spectral_embedding(graph((64, 64)), count)  # compiles, or loads what was compiled

    def call() -> dict[str, float]:
        tracemalloc.start()
        start = time.perf_counter()
        try:
            affinity = graph(shape)
            between = time.perf_counter()
            found = spectral_embedding(affinity, count, n_threads=THREADS)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        return {
            "pixels": math.prod(shape),
            "graph_s": between - start,
            "vectors_s": time.perf_counter() - between,
            "bytes_per_pixel": peak / math.prod(shape),
            "n_iter": found.n_iter,
        }

    return call


def agree(row: Row, outputs: Outputs) -> Agreement:
    """There is one contender; this is never asked."""
    return Agreement(len(outputs) == 1, "alone")


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw seconds and bytes per pixel over megapixels."""
    from matplotlib.figure import Figure

    facts = [row["contenders"]["classicseg"]["facts"] for row in result["rows"]]
    sizes = [fact["pixels"] / 1e6 for fact in facts]
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in (("graph_s", "graph"), ("vectors_s", f"{COUNT} vectors, fast")):
        left.plot(sizes, [fact[name] for fact in facts], marker="o", ms=4, label=label)
    left.set(ylabel="seconds", xscale="log", yscale="log", xlabel="megapixels")
    left.legend(frameon=False, fontsize=8)
    right.plot(sizes, [fact["bytes_per_pixel"] for fact in facts], marker="o", ms=4)
    right.set(ylabel="bytes per pixel, graph included", xscale="log", xlabel="megapixels", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    where = result["machine"]
    figure.suptitle(f"Radius 5; {where['cpu']}, {result['threads']} threads, {result['date']}", fontsize=10)
    figure.savefig(path, dpi=110, metadata={"Software": None})


CASE = Case(
    name="graph_growth",
    title="Eigenvectors of pixel graphs by pixels",
    contenders=(Contender("classicseg", "ours"),),
    rows=rows,
    agree=agree,
    compare=False,
    plot=plot,
)
