"""From records to scores. Settings are chosen on one set of pictures and judged on another.

`Training` can choose and knows nothing else; `Validation` can only judge what was chosen. Neither holds the
other's pictures, and a picture that is in both is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = Mapping[str, NDArray[np.float64]]  # name of a sum or count → (pictures, ...), pooled over the first axis


@dataclass(frozen=True)
class Measure:
    """A score of a data set, pooled as the Berkeley benchmark does."""

    name: str
    title: str
    pool: Callable[[Values], NDArray[np.float64]]
    lower_is_better: bool = False

    def best(self, scores: NDArray[np.float64], axis: int = -1) -> NDArray[np.intp]:
        """Return where the best score is; of equal ones the first."""
        return scores.argmin(axis) if self.lower_is_better else scores.argmax(axis)


def covering(values: Values) -> NDArray[np.float64]:
    """Return the covered part of the area of all regions of all annotators of all pictures."""
    found: NDArray[np.float64] = values["covered"].sum(axis=0) / values["area"].sum(axis=0)
    return found


def mean_of(name: str) -> Callable[[Values], NDArray[np.float64]]:
    return lambda values: values[name].mean(axis=0)


def boundary_f(values: Values) -> NDArray[np.float64]:
    """Return F of the recall and precision of all boundary pixels of all pictures together."""
    recall = values["tp_recall"].sum(axis=0) / np.maximum(values["n_recall"].sum(axis=0), 1)
    precision = values["tp_precision"].sum(axis=0) / np.maximum(values["n_precision"].sum(axis=0), 1)
    found: NDArray[np.float64] = 2 * recall * precision / np.maximum(recall + precision, 1e-12)
    return found


MEASURES = (
    Measure("covering", "covering", covering),
    Measure("rand", "probabilistic Rand index", mean_of("rand")),
    Measure("variation", "variation of information, bits", mean_of("variation"), lower_is_better=True),
    Measure("boundary_f", "boundary F", boundary_f),
)


@dataclass(frozen=True)
class Scores:
    """The records of one method on some pictures, all at the same settings."""

    pictures: tuple[str, ...]
    settings: tuple[Mapping[str, Any], ...]
    values: Values  # name → (pictures, settings)
    failed: int  # records whose method raised

    @classmethod
    def of(cls, records: Mapping[str, Sequence[Mapping[str, Any]]], fields: Sequence[str]) -> Scores:
        """Return the scores of records per picture."""
        rows = list(records.values())
        settings = tuple(record["setting"] for record in rows[0])
        for name, row in records.items():
            if tuple(record["setting"] for record in row) != settings:
                raise ValueError(f"all pictures must have records of the same settings, {name} has others; run it anew")
        values = {field: np.array([[record[field] for record in row] for row in rows], float) for field in fields}
        failed = sum(record["failed"] is not None for row in rows for record in row)
        return cls(tuple(records), settings, values, failed)

    def per_setting(self, measure: Measure) -> NDArray[np.float64]:
        return measure.pool(self.values)

    def per_picture(self, measure: Measure) -> NDArray[np.float64]:
        """Return the score of every picture alone, (pictures, settings)."""
        return measure.pool({name: value[None] for name, value in self.values.items()})

    def best_per_picture(self, measure: Measure) -> float:
        """Return the score where every picture gets the setting that is best for it."""
        best = measure.best(self.per_picture(measure))
        at = np.arange(len(best)), best
        return float(measure.pool({name: value[at] for name, value in self.values.items()}))


@dataclass(frozen=True)
class Choice:
    """The setting that is best for each measure, and the pictures it was chosen on."""

    pictures: tuple[str, ...]
    setting: Mapping[str, int]  # name of a measure → column
    score: Mapping[str, float]  # on those pictures


@dataclass(frozen=True)
class Training:
    """Scores on the pictures that settings are chosen on."""

    scores: Scores

    def choose(self) -> Choice:
        """Return the best setting for each measure: one for all pictures."""
        found = {measure.name: self.scores.per_setting(measure) for measure in MEASURES}
        best = {measure.name: int(measure.best(found[measure.name])) for measure in MEASURES}
        return Choice(self.scores.pictures, best, {name: float(found[name][best[name]]) for name in best})


@dataclass(frozen=True)
class Verdict:
    """What a choice is worth on pictures that it was not made on, per measure."""

    score: Mapping[str, float]
    best_per_picture: Mapping[str, float]  # were the best setting of every picture known; nothing is chosen by it
    per_picture: Mapping[str, NDArray[np.float64]]
    seconds: float  # mean per picture, at the setting chosen by covering
    labels: float  # median, at that setting


@dataclass(frozen=True)
class Validation:
    """Scores on the pictures that choices are judged on."""

    scores: Scores

    def judge(self, choice: Choice) -> Verdict:
        if both := set(choice.pictures) & set(self.scores.pictures):
            raise ValueError(
                f"pictures must be judged by settings chosen on others, got {min(both)} in both; take it out of one"
            )
        chosen = {measure: choice.setting[measure.name] for measure in MEASURES}
        by_covering = choice.setting["covering"]
        return Verdict(
            {measure.name: float(self.scores.per_setting(measure)[at]) for measure, at in chosen.items()},
            {measure.name: self.scores.best_per_picture(measure) for measure in MEASURES},
            {measure.name: self.scores.per_picture(measure)[:, at] for measure, at in chosen.items()},
            float(self.scores.values["seconds"][:, by_covering].mean()),
            float(np.median(self.scores.values["labels"][:, by_covering])),
        )
