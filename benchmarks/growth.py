"""How time and memory of mean shift grow with the pixels and the bandwidth; the plot stands beside the result.

Memory is the peak of what is allocated during the call, less what it returns, by `tracemalloc`, which NumPy tells of
its arrays.
"""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SHAPES = ((256, 400), (500, 512), (1000, 1000), (2000, 2000), (3000, 4000))
FEATURES, FILTER = "mean_shift", "mean_shift_filter"
BANDWIDTHS: Mapping[str, tuple[Any, ...]] = {FEATURES: (8, 16, 32, 64), FILTER: ((5, 20), (10, 20), (20, 20))}
DTYPES = {FEATURES: ("uint8", "float32"), FILTER: ("uint8",)}
LONG = 500_000  # pixels from which the first call counts: kernels are compiled before it
PROMISED = 30  # bytes per pixel


def rows(context: Context) -> list[Row]:
    shapes = ((12, 16), (24, 32)) if context.tiny else SHAPES
    return [
        row(function, shape, bandwidth, dtype)
        for shape in shapes
        for function, bandwidths in BANDWIDTHS.items()
        for dtype in DTYPES[function]
        for bandwidth in (bandwidths[:1] if context.tiny else bandwidths)
    ]


def row(function: str, shape: tuple[int, int], bandwidth: Any, dtype: str) -> Row:
    size = math.prod(shape)
    return Row(
        f"{function}, {size / 1e6:.2g} MP {dtype} RGB, bandwidth {told(bandwidth)}",
        {"function": function, "shape": list(shape), "bandwidth": bandwidth, "dtype": dtype},
        repeats=0 if size >= LONG else 2,
    )


def told(bandwidth: Any) -> str:
    return f"{bandwidth[0]} px, {bandwidth[1]}" if isinstance(bandwidth, (tuple, list)) else str(bandwidth)


def ours(function: str, shape: list[int], bandwidth: Any, dtype: str) -> Callable[[], Any]:
    image = pictured(shape, dtype)
    work = partial_of(function, bandwidth)
    work(image[:16, :16])  # compiles, or loads what was compiled

    def call() -> dict[str, Any]:
        tracemalloc.start()
        try:
            result = work(image)
            peak = tracemalloc.get_traced_memory()[1] - result.nbytes
        finally:
            tracemalloc.stop()
        return {
            "function": function,
            "bandwidth": told(bandwidth),
            "dtype": dtype,
            "pixels": math.prod(shape),
            "bytes_per_pixel": peak / math.prod(shape),
        }

    return call


def pictured(shape: list[int], dtype: str) -> Any:
    """Return the photograph; as float32 every pixel has a value of its own."""
    image = photograph(*shape)
    if dtype == "uint8":
        return image
    return image + np.random.default_rng(0).random(image.shape, np.float32)


def partial_of(function: str, bandwidth: Any) -> Callable[[Any], Any]:
    from classicseg import mean_shift, mean_shift_filter

    if function == FEATURES:
        return lambda image: mean_shift(image, float(bandwidth), n_threads=THREADS).labels
    space, width = bandwidth
    return lambda image: mean_shift_filter(image, space, width, kernel="opencv", n_threads=THREADS)


def agree(row: Row, outputs: Outputs) -> Agreement:
    """There is one contender; this is never asked."""
    return Agreement(len(outputs) == 1, "alone")


def plot(result: Mapping[str, Any], path: Path) -> None:
    """Draw seconds and bytes per pixel over megapixels, a line per bandwidth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True)
    for column, function in zip(grid.T, BANDWIDTHS):
        drawn = lines(result, function)
        for bandwidth, dtype, points in drawn:
            pixels, seconds, memory = np.array(points).T
            style = {"marker": "o", "ms": 4, "ls": "-" if dtype == "uint8" else "--", "label": f"{bandwidth}, {dtype}"}
            column[0].plot(pixels / 1e6, seconds, **style)
            column[1].plot(pixels / 1e6, memory, **style)
        column[0].set(title=function, ylabel="seconds", xscale="log", yscale="log")
        column[1].set(xlabel="megapixels", ylabel="bytes per pixel, beside input and output", ylim=(0, None))
        if drawn:
            column[0].legend(title="bandwidth", frameon=False, fontsize=8)
    grid[1, 0].axhline(PROMISED, color="0.5", lw=1, ls=":")
    for axes in grid.flat:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    where = result["machine"]
    figure.suptitle(f"{where['cpu']}, {result['threads']} threads, {result['date']}", fontsize=10)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def lines(result: Mapping[str, Any], function: str) -> list[tuple[str, str, list[tuple[float, float, float]]]]:
    """Return bandwidth, dtype, and points (pixels, best seconds, bytes per pixel) of each line."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for row in result["rows"]:
        (own,) = row["contenders"].values()
        facts = own["facts"]
        if facts["function"] == function:
            point = (facts["pixels"], min(own["times_s"]), facts["bytes_per_pixel"])
            found.setdefault((facts["bandwidth"], facts["dtype"]), []).append(point)
    return [(*key, sorted(points)) for key, points in found.items()]


CASE = Case(
    name="growth",
    title="Mean shift by pixels and bandwidth",
    contenders=(Contender("classicseg", "ours"),),
    rows=rows,
    agree=agree,
    compare=False,
    plot=plot,
)
