"""Judge every method's records, and tell the result: as JSON, as a Markdown table, as a picture."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, missing, versions
from benchmarks.quality.data import SPLITS, Picture
from benchmarks.quality.judge import MEASURES, Scores, Training, Validation
from benchmarks.quality.methods import METHODS, Method
from benchmarks.quality.run import records_of
from benchmarks.quality.score import FIELDS

TITLE = "Segmentations against those that people drew"
TRAIN, VAL = SPLITS


def result_of(
    pictures: Sequence[Picture], methods: Sequence[Method], absent: Mapping[str, str], folder: Path, *, data: str
) -> dict[str, Any]:
    """Return the JSON form of a run whose records lie in `folder`; `data` says what the pictures are."""
    packages = {name for method in methods for name in method.packages}
    return {
        "case": "quality",
        "title": TITLE,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions({*packages, "scipy"}),
        "data": data,
        "pictures": {split: sum(picture.split == split for picture in pictures) for split in SPLITS},
        "measures": {measure.name: measure.title for measure in MEASURES},
        "methods": [method_result(pictures, method, folder) for method in methods],
        "not_run": {
            f"{method.library} {method.name}": absent[method.slug] for method in METHODS if method.slug in absent
        },
    }


def method_result(pictures: Sequence[Picture], method: Method, folder: Path) -> dict[str, Any]:
    training = Training(Scores.of(records_of(pictures, TRAIN, method, folder), FIELDS))
    choice = training.choose()
    validation = Validation(Scores.of(records_of(pictures, VAL, method, folder), FIELDS))
    verdict = validation.judge(choice)
    return {
        "name": method.name,
        "library": method.library,
        "sweep": [dict(setting) for setting in training.scores.settings],
        "chosen": {name: dict(training.scores.settings[at]) for name, at in choice.setting.items()},
        TRAIN: rounded(choice.score),
        VAL: rounded(verdict.score),
        "best_per_picture": rounded(verdict.best_per_picture),
        "seconds": round(verdict.seconds, 4),
        "labels": verdict.labels,
        "failed": {TRAIN: training.scores.failed, VAL: validation.scores.failed},
        "per_picture": {
            picture: rounded({name: float(scores[i]) for name, scores in verdict.per_picture.items()})
            for i, picture in enumerate(validation.scores.pictures)
        },
    }


def rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(score, 5) for name, score in scores.items()}


def ranked(result: Mapping[str, Any]) -> list[Any]:
    """Return the methods, the one with the best covering first."""
    return sorted(result["methods"], key=lambda method: -method[VAL]["covering"])


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown."""
    heads = ["", "by", "covering", "best per picture", "Rand index", "variation, bits", "boundary F", "s", "setting"]
    lines = [
        f"**{result['title']}** (`python -m benchmarks quality`)",
        "",
        _row(heads),
        _row(["---", "---", *["---:"] * (len(heads) - 3), "---"]),
    ]
    lines += [_row(_cells(method)) for method in ranked(result)]
    lines += ["", *_failures(result), _note(result), _made_with(result)]
    return "\n".join(lines)


def _cells(method: Mapping[str, Any]) -> list[str]:
    score = method[VAL]
    return [
        method["name"],
        method["library"],
        f"{score['covering']:.3f}",
        f"{method['best_per_picture']['covering']:.3f}",
        f"{score['rand']:.3f}",
        f"{score['variation']:.2f}",
        f"{score['boundary_f']:.3f}",
        f"{method['seconds']:.3f}",
        setting_text(method["chosen"]["covering"]),
    ]


def setting_text(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())


def _failures(result: Mapping[str, Any]) -> list[str]:
    lines = [f"{name} was not run: {reason}." for name, reason in result["not_run"].items()]
    for method in result["methods"]:
        if count := sum(method["failed"].values()):
            of = len(method["sweep"]) * sum(result["pictures"].values())
            lines.append(
                f"{method['name']} of {method['library']} failed in {count} of {of} calls, counted as one region."
            )
    return lines


def _note(result: Mapping[str, Any]) -> str:
    counts = result["pictures"]
    return (
        f"Every score's setting was chosen on {counts[TRAIN]} pictures and judged on {counts[VAL]} others; the one "
        "shown is covering's. Best per picture: covering, were the best setting of the sweep known for every picture. "
        "Variation of information: less is better. Boundary F by one-to-one matching within 0.0075 of the diagonal. "
        "Seconds of one processor per picture."
    )


def _made_with(result: Mapping[str, Any]) -> str:
    where = result["machine"]
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return f"Measured {result['date']} on {where['cpu']}, one thread, {result['data']} ({used})."


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_report(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the result as JSON, its table and, where Matplotlib is installed, its plot; return their paths."""
    from benchmarks.quality.plot import draw

    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"quality-{result['date']}"
    paths = [stem.with_suffix(suffix) for suffix in (".json", ".md", ".png")]
    text = json.dumps(result, indent=1, ensure_ascii=False)
    paths[0].write_text(text + "\n", encoding="utf-8")
    paths[1].write_text(table(result) + "\n", encoding="utf-8")
    if missing(["matplotlib"]):
        return paths[:2]
    draw(result, paths[2])
    return paths
