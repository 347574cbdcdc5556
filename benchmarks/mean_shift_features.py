"""Mean shift of colours: as scikit-learn's with binned seeds, on as much of a photograph as it does in a minute.

Both start from the middles of the same cells and stop at steps of a thousandth of the bandwidth. scikit-learn takes
the density of a mode from the window before the last step, so that another one of two that are equal may stay; what
is compared is the mode of each pixel.
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
# Sides of the square picture: scikit-learn does the last of them in about a minute, at both bandwidths.
SIDES = (256, 512, 1024)
CLOSE, EQUAL = 0.1, 0.99  # bandwidths between the modes of a pixel that count as the same, and how many pixels must be


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [row(24, 32.0)]
    return [row(side, bandwidth) for side in SIDES for bandwidth in (16.0, 32.0)]


def row(side: int, bandwidth: float) -> Row:
    return Row(
        f"features, {side * side / 1e6:.2g} MP RGB, bandwidth {bandwidth:g}",
        {"side": side, "bandwidth": bandwidth},
        repeats=5,
        contenders=(OURS, SKLEARN),
        once=(SKLEARN,),
        goals={SKLEARN: 100.0} if side == SIDES[-1] else {},
    )


def ours(side: int, bandwidth: float) -> Callable[[], Any]:
    from classicseg import mean_shift

    image = photograph(side, side)

    def call() -> Any:
        found = mean_shift(image, bandwidth, n_threads=THREADS)
        return {"labels": found.labels.ravel(), "modes": found.modes}

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
    mine, peer = outputs[OURS], outputs[SKLEARN]
    apart = np.linalg.norm(mine["modes"][mine["labels"]] - peer["modes"][peer["labels"]], axis=1)
    same = float((apart <= CLOSE * row.parameters["bandwidth"]).mean())
    text = f"modes of {same:.2%} of the pixels equal, {len(mine['modes'])} modes and {len(peer['modes'])}"
    return Agreement(same >= EQUAL, text, () if same >= EQUAL else (SKLEARN,))
