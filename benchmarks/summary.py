"""The short table for README: one line per work and peer, and one sentence per case that is no race."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import Any

from benchmarks.registry import Case, load_case
from benchmarks.runner import paired_ratios
from benchmarks.table import made_with, markdown

Result = dict[str, Any]
HEADS = ["", "against", "worst row", "median", "best row", "rows", "goals reached"]


def summary(results: Iterable[Result]) -> str:
    """Return all results at a glance; each ratio is the peer's time over ours."""
    cases = [(result, load_case(result["case"])) for result in results]
    races = [line for result, case in cases if case.compare for line in race(result, case)]
    others = [f"{sentence(result)}\n" for result, case in cases if not case.compare]
    rule = ["---", "---", *["---:"] * (len(HEADS) - 2)]
    newest = max((result for result, _ in cases), key=lambda result: result["date"])
    everything = newest | {"versions": dict(sorted(pair for result, _ in cases for pair in result["versions"].items()))}
    return "\n".join([*map(markdown, [HEADS, rule, *races]), "", *others, made_with(everything)])


def race(result: Result, case: Case) -> list[list[str]]:
    """Return a line per peer that ran: its ratios, and in how many rows with a goal that is reached."""
    lines = []
    for peer in case.contenders[1:]:
        found = {row["row"]: median(ratios) for row in result["rows"] if (ratios := paired_ratios(row, peer.name))}
        if peer.own or not found:
            continue
        goals = {row["row"]: row.get("goals", {}).get(peer.name, case.floors.get(peer.name)) for row in result["rows"]}
        promised = [name for name, goal in goals.items() if goal is not None and name in found]
        reached = sum(found[name] >= goals[name] for name in promised)
        ratios = [f"{value:.1f}×" for value in (min(found.values()), median(found.values()), max(found.values()))]
        title = f"{result['title']} (`{result['case']}`)" if not lines else ""
        lines.append([title, peer.name, *ratios, str(len(found)), f"{reached} of {len(promised)}" if promised else ""])
    return lines


def sentence(result: Result) -> str:
    """Return the range of every contender's times and peaks of memory."""
    parts = []
    for name in dict.fromkeys(name for row in result["rows"] for name in row["contenders"]):
        ran = [one for row in result["rows"] if "times_s" in (one := row["contenders"].get(name, {}))]
        if ran:
            seconds, peaks = [median(one["times_s"]) for one in ran], [one.get("peak_mb") or 0 for one in ran]
            parts.append(f"{name} {_range(seconds, '.2f')} s, {_range(peaks, '.0f')} MB")
    return f"{result['title']} (`{result['case']}`): {'; '.join(parts)}."


def _range(values: list[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"
