"""What each cue and each stage of `segment_tree` is worth: fitted anew without it, and judged by cross-validation."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.machine import machine, versions
from benchmarks.segment_fit.examples import Scene
from benchmarks.segment_fit.model import fitted_model
from benchmarks.segment_fit.validation import FOLDS, Row, fitted_variants, rows_of, unseen_scores
from classicseg._segment_tree import Model

TITLE = "What each part of segment is worth"
WHOLE = "both"  # the variant that all others are compared with
# Features by the name of their cue; sizes are the last ones, whether or not the walk's strength stands before them.
CUES = {
    "mean colours": (0, 1, 2, 3),
    "histograms of colours": (4,),
    "histograms of textons": (5,),
    "gradients along the border": (6, 7, 8),
    "sizes": (-3, -2, -1),
}
NAMES = {
    WHOLE: "all of it",
    "one tree": "one tree instead of several",
    "trees without the random walk": "without the random walk",
    "trees with it": "every tree with the random walk",
    "half of both": "half as many trees",
    "set by hand": "weights set by hand",
}


def fitted_ablations(scenes: Sequence[Scene], seed: int) -> dict[str, Model]:
    """Return the model, what is left of it without a stage, and those that are fitted without a cue."""
    stages = {NAMES[name]: model for name, model in fitted_variants(scenes, seed).items()}
    cues = {f"without {cue}": fitted_model(scenes, seed, without=columns) for cue, columns in CUES.items()}
    return {NAMES[WHOLE]: stages.pop(NAMES[WHOLE])} | cues | stages


def ablation_of(scenes: Sequence[Scene], n_seeds: int, *, data: str) -> dict[str, Any]:
    """Return the JSON form of the table; `data` says what the pictures are."""
    rows = rows_of(unseen_scores(scenes, range(n_seeds), fitted_ablations), NAMES[WHOLE])
    return {
        "title": TITLE,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(["scipy"]),
        "data": data,
        "pictures": len(scenes),
        "folds": FOLDS,
        "seeds": n_seeds,
        "rows": [_json_row(row) for row in rows],
    }


def _json_row(row: Row) -> dict[str, Any]:
    best = {name: round(score, 5) for name, score in row.best.items()}
    return {
        "name": row.name,
        **best,
        "best_per_picture": round(row.best_per_picture["covering"], 5),
        "change": round(row.gain, 5),
        "interval": [round(end, 5) for end in row.interval],
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [
        f"**{result['title']}** (`python -m benchmarks.ablate_segment`)",
        "",
        "|  | covering | best per picture | Rand index | variation, bits | change of covering |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in result["rows"]:
        scores = [f"{row[name]:.3f}" for name in ("covering", "best_per_picture", "rand", "variation")]
        low, high = row["interval"]
        change = f"{row['change']:+.3f} ({low:+.3f} to {high:+.3f})" if row is not result["rows"][0] else ""
        lines.append(f"| {row['name']} | {' | '.join(scores)} | {change} |")
    seeds = "one seed" if result["seeds"] == 1 else f"{result['seeds']} seeds"
    note = (
        f"{result['folds']}-fold cross-validation on {result['pictures']} pictures of train, {seeds} of folds; one "
        "scale for all pictures, the best one. The change is the mean over pictures, with the 95 % interval of a "
        "paired bootstrap over them: where that holds 0, nothing is shown."
    )
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return "\n".join([*lines, "", note, f"Made {result['date']} of {result['data']} ({used})."])
