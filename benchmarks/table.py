"""Results as Markdown tables, and the files that they stand in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import works
from benchmarks.quality import report as quality
from benchmarks.registry import CASES, Case, load_case
from benchmarks.runner import paired_ratios

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent / "RESULTS.md"
PUBLISHED = Path(__file__).parent / "published.toml"
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
QUALITY = "quality"  # no case: nothing of it is a race of contenders over rows
QUALITY_MARKS = ("<!-- quality:start -->", "<!-- quality:end -->")


def newest_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the last result of every case that has one, in the registry's order."""
    found = []
    for name in CASES:
        files = sorted(folder.glob(f"{name}-[0-9]*.json"))
        if files:
            found.append(json.loads(files[-1].read_text(encoding="utf-8")))
    return found


def quality_table(folder: Path = RESULTS) -> str:
    """Return the table of the newest run of the quality benchmark; empty without one."""
    files = sorted(folder.glob(f"{QUALITY}-[0-9]*.json"))
    return quality.table(json.loads(files[-1].read_text(encoding="utf-8"))) if files else ""


def tables(results: Iterable[dict[str, Any]], published: Path = PUBLISHED) -> str:
    return "\n\n".join(table(result, published_rows(result["case"], published)) for result in results)


def published_rows(case: str, path: Path = PUBLISHED) -> list[dict[str, Any]]:
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["row"]
    return [row for row in rows if row["case"] == case]


def table(result: dict[str, Any], published: list[dict[str, Any]]) -> str:
    """Return one case as a heading line, a table or its plot, and what was measured with what."""
    grouped = any(row.get("work") for row in result["rows"])
    lines = [f"**{result['title']}** (`python -m benchmarks {result['case']}`)", ""]
    if load_case(result["case"]).plot:
        lines += _picture(result)
    else:
        lines += _works_table(result) if grouped else _rows_table(result)
    for row in published:
        lines.append(f"Published, other machine: {row['peer']}, {row['what']}: {row['figure']} ({row['source']}).")
    return "\n".join(lines)


def _picture(result: dict[str, Any]) -> list[str]:
    path = f"results/{result['case']}-{result['date']}.png"  # from RESULTS.md
    return [f"![{result['title']}]({path})", "", made_with(result)]


def _works_table(result: dict[str, Any]) -> list[str]:
    heads = works.heads(result)
    body = [markdown(line) for line in works.lines(result)]
    return [markdown(heads), _rule(heads, "---:"), *body, "", works.note(result), made_with(result)]


def _rows_table(result: dict[str, Any]) -> list[str]:
    """Return a table for each set of contenders that share rows."""
    case = load_case(result["case"])
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        groups.setdefault(tuple(row["contenders"]), []).append(row)
    lines = [line for rows in groups.values() for line in [*_group_table(rows, case), ""]]
    times = "Each call is one of its own" if not case.compare else "Times are medians of warm calls that took turns"
    return [*lines, *_claims(result, case), f"{made_with(result)} {times}."]


def _group_table(rows: list[dict[str, Any]], case: Case) -> list[str]:
    names = [contender.name for contender in case.contenders if contender.name in rows[0]["contenders"]]
    columns = [_columns(name, rows, case, is_peer=name != names[0]) for name in names]
    heads = ["", *(head for made in columns for head in made), "agreement"]
    lines = [markdown(heads), _rule(heads, "---")]
    for i, row in enumerate(rows):
        cells = [made[head][i] for made in columns for head in made]
        lines.append(markdown([row["row"], *cells, row["agreement"]]))
    return lines


def _rule(heads: list[str], last: str) -> str:
    return markdown(["---", *["---:"] * (len(heads) - 2), last])


def _columns(name: str, rows: list[dict[str, Any]], case: Case, *, is_peer: bool) -> dict[str, list[str]]:
    """Return a contender's columns, title → cells."""
    found = [row["contenders"].get(name, {}) for row in rows]
    columns = {f"{name}, ms": [_milliseconds(one) for one in found]}
    if stages := _stages(found):
        columns[f"{' / '.join(stages)}, s"] = [
            " / ".join(_number(one.get("facts", {}).get(f"{stage}_s"), ".1f") for stage in stages) for one in found
        ]
    if case.cold and case.compare:
        columns["first call, s"] = [_number(one.get("first_s"), ".2f") for one in found]
    if is_peer and case.compare:
        columns["ratio"] = [_ratio(row, name) for row in rows]
    columns["MB"] = [_number(one.get("peak_mb"), ".0f") for one in found]
    return columns


def _stages(found: list[dict[str, Any]]) -> list[str]:
    """Return the parts of the work that a contender timed by itself, as facts named ``<stage>_s``."""
    names = [name for one in found for name in one.get("facts", {}) if name.endswith("_s")]
    return [name.removesuffix("_s") for name in dict.fromkeys(names)]


def _ratio(row: dict[str, Any], peer: str) -> str:
    ratios = paired_ratios(row, peer)
    return f"{median(ratios):.1f}×" if ratios else ""


def _claims(result: dict[str, Any], case: Case) -> list[str]:
    """Say per peer the median and the worst row, beside the floor that is promised."""
    lines: list[str] = []
    if not case.compare:
        return lines
    for peer in {name: None for row in result["rows"] for name in list(row["contenders"])[1:]}:
        rows = [median(ratios) for row in result["rows"] if (ratios := paired_ratios(row, peer))]
        if len(rows) > 1:
            floor = f"; goal at least {case.floors[peer]:g}×" if peer in case.floors else ""
            lines.append(f"{peer}: median row {median(rows):.1f}×, worst row {min(rows):.1f}×{floor}.")
    return lines


def made_with(result: dict[str, Any]) -> str:
    where = result["machine"]
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"Measured {result['date']} on {where['cpu']}, {where['processors']} processors, "
        f"{where['memory_gb']} GB, {result['threads']} threads, {result['data']} ({used})."
    )


def _milliseconds(contender: dict[str, Any]) -> str:
    if "times_s" in contender:
        return _number(median(contender["times_s"]) * 1e3, ".1f")
    return f"not run: {contender['not_run']}" if contender else ""


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def markdown(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write_between(page: Path, text: str, marks: tuple[str, str] = (START, END)) -> None:
    """Replace what stands between the two marks."""
    before, start, rest = page.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not start or not end:
        raise SystemExit(f"{page.name} must hold the marks {marks[0]} and {marks[1]}, in this order")
    page.write_text(f"{before}{marks[0]}\n{text}\n{marks[1]}{after}", encoding="utf-8")
