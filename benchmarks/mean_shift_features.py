"""Mean shift of colours: as scikit-learn's with binned seeds, on as much of a photograph as it does in a minute.

Both start from the middles of the same cells and stop at steps of a thousandth of the bandwidth. scikit-learn takes
the density of a mode from the window before the last step, so that another one of two that are equal may stay; what
is compared is the mode of each pixel.

GridShift and MeanShift++ answer something near to it. They are compared at one size by how well each partition, ours
too, agrees with that of brute force, where every pixel climbs by itself: its adjusted Rand index.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SKLEARN = "classicseg", "scikit-learn"
PATHS, GRID, PP = "classicseg, own paths", "GridShift", "MeanShift++"
# Sides of the square picture: scikit-learn does the last of them in about a minute, at both bandwidths.
SIDES = (256, 512, 1024)
CLOSE, EQUAL = 0.1, 0.99  # bandwidths between the modes of a pixel that count as the same, and how many pixels must be


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [row(24, 32.0), beside_grids(24, 32.0)]
    found = [row(side, bandwidth) for side in SIDES for bandwidth in (16.0, 32.0)]
    return [*found, *(beside_grids(512, bandwidth) for bandwidth in (16.0, 32.0))]


def row(side: int, bandwidth: float) -> Row:
    return Row(
        f"features, {side * side / 1e6:.2g} MP RGB, bandwidth {bandwidth:g}",
        {"side": side, "bandwidth": bandwidth},
        repeats=5,
        contenders=(OURS, SKLEARN),
        once=(SKLEARN,),
        goals={SKLEARN: 100.0} if side == SIDES[-1] else {},
    )


def beside_grids(side: int, bandwidth: float) -> Row:
    return Row(
        f"features, {side * side / 1e6:.2g} MP RGB, bandwidth {bandwidth:g}, beside grids",
        {"side": side, "bandwidth": bandwidth},
        repeats=5,
        contenders=(OURS, PATHS, GRID, PP),
        once=(PATHS,),
        goals={GRID: 2.0, PP: 30.0},
    )


def ours(side: int, bandwidth: float) -> Callable[[], Any]:
    return _ours(side, bandwidth)


def own_paths(side: int, bandwidth: float) -> Callable[[], Any]:
    return _ours(side, bandwidth, seeds="samples", assign="basin")


def _ours(side: int, bandwidth: float, **options: Any) -> Callable[[], Any]:
    from classicseg import mean_shift

    image = photograph(side, side)

    def call() -> Any:
        found = mean_shift(image, bandwidth, n_threads=THREADS, **options)
        return {"labels": found.labels.ravel(), "modes": found.modes}

    return call


def grid_shift(side: int, bandwidth: float) -> Callable[[], Any]:
    return _on_cells("grid_shift", side, bandwidth)


def meanshift_pp(side: int, bandwidth: float) -> Callable[[], Any]:
    return _on_cells("meanshift_pp", side, bandwidth)


def _on_cells(name: str, side: int, bandwidth: float) -> Callable[[], Any]:
    from benchmarks import grid_shift

    samples = photograph(side, side).reshape(-1, 3)

    def call() -> Any:
        labels, modes = getattr(grid_shift, name)(samples, bandwidth)
        return {"labels": labels, "modes": modes}

    return call


def scikit_learn(side: int, bandwidth: float) -> Callable[[], Any]:
    from sklearn.cluster import MeanShift

    samples = photograph(side, side).reshape(-1, 3).astype(np.float64)
    model = MeanShift(bandwidth=bandwidth, bin_seeding=True, n_jobs=THREADS)

    def call() -> Any:
        model.fit(samples)
        return {"labels": model.labels_, "modes": model.cluster_centers_}

    return call


def agree(row: Row, outputs: Outputs) -> Agreement:
    if PATHS in outputs:
        return agree_with_brute_force(outputs)
    mine, peer = outputs[OURS], outputs[SKLEARN]
    apart = np.linalg.norm(mine["modes"][mine["labels"]] - peer["modes"][peer["labels"]], axis=1)
    same = float((apart <= CLOSE * row.parameters["bandwidth"]).mean())
    text = f"modes of {same:.2%} of the pixels equal, {len(mine['modes'])} modes and {len(peer['modes'])}"
    return Agreement(same >= EQUAL, text, () if same >= EQUAL else (SKLEARN,))


def agree_with_brute_force(outputs: Outputs) -> Agreement:
    """Ask that no peer is nearer to brute force than ours; a ratio is claimed against those that are not."""
    brute = outputs[PATHS]["labels"]
    scores = {name: adjusted_rand(brute, found["labels"]) for name, found in outputs.items() if name != PATHS}
    texts = [f"{name} {score:.3f} with {len(outputs[name]['modes'])} modes" for name, score in scores.items()]
    nearer = tuple(name for name, score in scores.items() if score > scores[OURS])
    count = len(outputs[PATHS]["modes"])
    return Agreement(not nearer, f"adjusted Rand index with brute force, {count} modes: {', '.join(texts)}", nearer)


def adjusted_rand(one: Any, other: Any) -> float:
    """Return 1 for equal partitions, and 0 in the mean for independent ones."""
    pairs = np.bincount(one.astype(np.int64) * (int(other.max()) + 1) + other)
    together, first, second = (
        float((count * (count - 1.0) / 2).sum()) for count in (pairs, np.bincount(one), np.bincount(other))
    )
    expected = first * second / (len(one) * (len(one) - 1.0) / 2)
    most = (first + second) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
