"""Cross-validation on the training pictures: what a way of fitting is worth on pictures that it did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.judge import Measure, Scores
from benchmarks.segment_fit.examples import Floats, Scene
from benchmarks.segment_fit.model import fitted_model
from benchmarks.segment_fit.scores import REGION_MEASURES, scores_of
from classicseg import RegionTree
from classicseg._segment_tree import Model, read_model, tree_of

FOLDS = 5
DRAWS = 4000  # of the bootstrap


@dataclass(frozen=True)
class Row:
    """A line of the table of variants."""

    name: str
    best: dict[str, float]  # one scale for all pictures, the best one
    best_per_picture: dict[str, float]
    gain: float  # in covering, mean over pictures, over the variant that others are compared with
    interval: tuple[float, float]  # of 95 %, of that


def variants_of(model: Model) -> dict[str, Model]:
    """Return the model, and what is left of it without some of its parts."""
    plain = tuple(weights for weights in model.trees if len(weights) == len(model.first))
    walked = tuple(weights for weights in model.trees if len(weights) > len(model.first))
    return {
        "set by hand": read_model("plain"),
        "one tree": Model(model.first, (model.first,)),
        "trees without the random walk": Model(model.first, plain),
        "trees with it": Model(model.first, walked),
        "half of both": Model(model.first, plain[: len(plain) // 2] + walked[: len(walked) // 2]),
        "both": model,
    }


def fitted_variants(scenes: Sequence[Scene], seed: int) -> dict[str, Model]:
    return variants_of(fitted_model(scenes, seed))


def unseen_scores(
    scenes: Sequence[Scene],
    seeds: Sequence[int],
    fit: Callable[[Sequence[Scene], int], dict[str, Model]] = fitted_variants,
) -> dict[str, Scores]:
    """Return the scores of every variant, each picture once per seed, under models that were fitted without it."""
    kept: dict[str, list[tuple[Scene, RegionTree]]] = {}
    for seed in seeds:
        for fold in folds(len(scenes), seed):
            variants = fit([scene for i, scene in enumerate(scenes) if i not in fold], seed)
            for name, variant in variants.items():
                kept.setdefault(name, []).extend((scenes[i], tree_of(scenes[i].start, variant, 1)) for i in fold)
    return {name: _averaged(scores_of(*zip(*rows, strict=True))) for name, rows in kept.items()}


def folds(count: int, seed: int) -> Iterator[set[int]]:
    order = np.random.default_rng(seed).permutation(count)
    return (set(order[fold::FOLDS].tolist()) for fold in range(min(FOLDS, count)))


def _averaged(scores: Scores) -> Scores:
    """Return the mean over the rows of each picture."""
    names = sorted(set(scores.pictures))
    rows = [np.flatnonzero(np.array(scores.pictures) == name) for name in names]
    values = {field: np.stack([value[at].mean(axis=0) for at in rows]) for field, value in scores.values.items()}
    return Scores(tuple(names), scores.settings, values, scores.failed)


def rows_of(scores: dict[str, Scores], base_name: str = "one tree") -> list[Row]:
    """Return the lines of the table; gains are over the variant `base_name`."""
    covering = REGION_MEASURES[0]
    base = _per_picture(scores[base_name], covering)
    rows = []
    for name, one in scores.items():
        best = {measure.name: float(_best(measure, one.per_setting(measure))) for measure in REGION_MEASURES}
        single = {measure.name: one.best_per_picture(measure) for measure in REGION_MEASURES}
        gain = _per_picture(one, covering) - base
        means = np.random.default_rng(0).choice(gain, (DRAWS, len(gain))).mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975))
        rows.append(Row(name, best, single, float(gain.mean()), (float(low), float(high))))
    return rows


def _best(measure: Measure, scores: NDArray[np.float64]) -> float:
    return float(scores[measure.best(scores)])


def _per_picture(scores: Scores, measure: Measure) -> Floats:
    """Return the score of each picture at the scale that is best for all."""
    return scores.per_picture(measure)[:, measure.best(scores.per_setting(measure))]
