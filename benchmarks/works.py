"""The table of a case whose rows are works on several images: one line per work, the worse image counts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from benchmarks.runner import claimed

Result = dict[str, Any]


def best(contender: Result) -> float | None:
    return min(contender["times_s"]) if "times_s" in contender else None


def best_ratio(row: Result, peer: str) -> float | None:
    """Return the peer's best time / our best; None where no claim may be made."""
    ours, theirs = best(next(iter(row["contenders"].values()))), best(row["contenders"].get(peer, {}))
    return theirs / ours if ours and theirs and claimed(row, peer) else None


def works(result: Result) -> list[tuple[str, list[Result]]]:
    return [(name, list(rows)) for name, rows in groupby(result["rows"], lambda row: row["work"])]


def images(result: Result) -> list[str]:
    return list(dict.fromkeys(row["image"] for row in result["rows"]))


def peers(rows: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in list(row["contenders"])[1:]))


def heads(result: Result) -> list[str]:
    """Return the titles: our time per image, the worse ratio per peer with its goal, the peak memory."""
    ours = next(iter(result["rows"][0]["contenders"]))
    times = [f"{ours}, ms: {image}" for image in images(result)]
    return ["", *times, *peers(result["rows"]), "MB", "iterations"]


def lines(result: Result) -> list[list[str]]:
    names = peers(result["rows"])
    return [[work, *_times(rows, images(result)), *_ratios(rows, names), *_facts(rows)] for work, rows in works(result)]


def _times(rows: list[Result], shown: list[str]) -> list[str]:
    times = {row["image"]: best(next(iter(row["contenders"].values()))) for row in rows}
    return [f"{times[image] * 1e3:.1f}" if times.get(image) else "" for image in shown]


def _ratios(rows: list[Result], names: list[str]) -> list[str]:
    return [_ratio([row for row in rows if name in row["contenders"]], name) for name in names]


def _ratio(rows: list[Result], peer: str) -> str:
    """Return the worst ratio of the rows and its goal, or why there is none."""
    if not rows:
        return ""
    found = [best_ratio(row, peer) for row in rows]
    if any("not_run" in row["contenders"][peer] for row in rows):
        return "not run"
    if None in found:
        return "other answer"
    goal = rows[0]["goals"].get(peer)
    return f"{min(found):.1f}×" + (f" (≥ {goal:g})" if goal else "")


def _facts(rows: list[Result]) -> list[str]:
    """Return the most memory and the iterations of the rows, each ours and then the first peer's."""
    compared = [row for row in rows if peers([row]) and "not_run" not in row["contenders"][peers([row])[0]]]
    row = compared[0] if compared else rows[0]
    both = [found for found in list(row["contenders"].values())[:2] if "times_s" in found]
    steps = [str(found["facts"]["n_iter"]) for found in both if "n_iter" in found["facts"]]
    return [_memory([found["peak_mb"] for found in both if found["peak_mb"]]), " / ".join(dict.fromkeys(steps))]


def _memory(peaks: list[float]) -> str:
    share = f" ({peaks[0] / peaks[1]:.0%})" if len(peaks) == 2 else ""
    return " / ".join(f"{peak:.0f}" for peak in peaks) + share


def note(result: Result) -> str:
    ours = next(iter(result["rows"][0]["contenders"]))
    return (
        "Times are the best of several warm calls that took turns. A ratio is the peer's time over ours on the image "
        "where it is worse, and in brackets its goal. Peak memory and iterations are those of "
        f"{ours} / {peers(result['rows'])[0]} on the first image."
    )
