"""Results as Markdown tables, and the part of README that they make."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.registry import CASES, load_case
from benchmarks.runner import paired_ratios

RESULTS = Path(__file__).parent / "results"
PUBLISHED = Path(__file__).parent / "published.toml"
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"


def newest_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the last result of every case that has one, in the registry's order."""
    found = []
    for name in CASES:
        files = sorted(folder.glob(f"{name}-[0-9]*.json"))
        if files:
            found.append(json.loads(files[-1].read_text(encoding="utf-8")))
    return found


def tables(results: Iterable[dict[str, Any]], published: Path = PUBLISHED) -> str:
    return "\n\n".join(table(result, published_rows(result["case"], published)) for result in results)


def published_rows(case: str, path: Path = PUBLISHED) -> list[dict[str, Any]]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["row"]
    return [row for row in rows if row["case"] == case]


def table(result: dict[str, Any], published: list[dict[str, Any]]) -> str:
    """Return one case as a heading line, a table, and what was measured with what."""
    case = load_case(result["case"])
    names = [contender.name for contender in case.contenders]
    head = ["", *(cell for name in names for cell in _heads(name, case.cold, name != names[0])), "agreement"]
    lines = [f"**{result['title']}** (`python -m benchmarks {result['case']}`)", "", markdown(head)]
    lines.append(markdown(["---", *["---:"] * (len(head) - 2), "---"]))
    for row in result["rows"]:
        cells = [cell for name in names for cell in _cells(row, name, case.cold, name != names[0])]
        lines.append(markdown([row["row"], *cells, row["agreement"]]))
    lines += ["", *_claims(result, case.floors), _made_with(result)]
    for row in published:
        lines.append(f"Published, other machine: {row['peer']}, {row['what']}: {row['figure']} ({row['source']}).")
    return "\n".join(lines)


def _heads(name: str, cold: bool, is_peer: bool) -> list[str]:
    return [f"{name}, ms", *["first call, s"] * cold, *["ratio"] * is_peer, "MB"]


def _cells(row: dict[str, Any], name: str, cold: bool, is_peer: bool) -> list[str]:
    result = row["contenders"].get(name, {})
    ratios = paired_ratios(row, name) if is_peer else []
    ratio = f"{median(ratios):.1f}×" if ratios else ""
    first = _number(result.get("first_s"), ".2f")
    return [_milliseconds(result), *[first] * cold, *[ratio] * is_peer, _number(result.get("peak_mb"), ".0f")]


def _claims(result: dict[str, Any], floors: dict[str, float]) -> list[str]:
    """Say per peer the median and the worst row, beside the floor that is promised."""
    lines = []
    for peer in {name: None for row in result["rows"] for name in list(row["contenders"])[1:]}:
        rows = [median(ratios) for row in result["rows"] if (ratios := paired_ratios(row, peer))]
        if len(rows) > 1:
            floor = f"; goal at least {floors[peer]:g}×" if peer in floors else ""
            lines.append(f"{peer}: median row {median(rows):.1f}×, worst row {min(rows):.1f}×{floor}.")
    return lines


def _made_with(result: dict[str, Any]) -> str:
    where = result["machine"]
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"Measured {result['date']} on {where['cpu']}, {where['processors']} processors, "
        f"{where['memory_gb']} GB, {result['threads']} threads, {result['data']} ({used}). "
        "Times are medians of warm calls that took turns."
    )


def _milliseconds(contender: dict[str, Any]) -> str:
    if "times_s" in contender:
        return _number(median(contender["times_s"]) * 1e3, ".1f")
    return f"not run: {contender['not_run']}" if contender else ""


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def markdown(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_readme(readme: Path, text: str) -> None:
    """Replace what stands between the two marks."""
    before, start, rest = readme.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise SystemExit(f"{readme.name} must hold the marks {START} and {END}, in this order")
    readme.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")
