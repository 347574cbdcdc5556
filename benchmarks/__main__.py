"""Command line of the benchmarks; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.machine import missing
from benchmarks.quality.command import run_quality
from benchmarks.quality.report import TITLE as QUALITY_TITLE
from benchmarks.registry import CASES, Context, load_case
from benchmarks.runner import ROOT, run_case
from benchmarks.summary import summary
from benchmarks.table import PAGE, QUALITY, QUALITY_MARKS, RESULTS, newest_results, quality_table, tables, write_between


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    if not (options.names or options.table or options.readme):
        list_cases()
    cases = [name for name in options.names if name != QUALITY]
    for name in dict.fromkeys(name for asked in cases for name in (asked, *load_case(asked).also)):
        if reason := load_case(name).cannot_run():
            print(f"{name} not run: {reason}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            context = Context(Path(scratch), options.data, options.tiny, options.environments)
            result = run_case(load_case(name), context, repeats=options.repeats, threads=options.threads)
        options.out.mkdir(parents=True, exist_ok=True)
        path = options.out / f"{name}-{result['date']}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {path.name}")
        if (plot := load_case(name).plot) and not missing(["matplotlib"]):
            plot(result, path.with_suffix(".png"))
            print(f"wrote {path.stem}.png")
    if QUALITY in options.names:
        run_quality(options.data, options.out, processes=options.processes, tiny=options.tiny)
    quality = quality_table(options.out)
    if options.table:
        print("\n\n".join(filter(None, (tables(newest_results(options.out)), quality))))
    if options.readme:
        results = newest_results(options.out)
        write_between(PAGE, tables(results))
        write_between(ROOT / "README.md", summary(results))
        if quality:
            write_between(ROOT / "README.md", quality, QUALITY_MARKS)


def parser() -> argparse.ArgumentParser:
    data = os.environ.get("CLASSICSEG_TEST_DATA")
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("names", nargs="*", metavar="NAME", help=f"cases to run: {', '.join(CASES)}, {QUALITY}")
    made.add_argument("--table", action="store_true", help="print the newest result of every case as Markdown")
    made.add_argument(
        "--readme",
        action="store_true",
        help="write those tables into RESULTS.md, a summary into README.md",
    )
    made.add_argument("--data", type=Path, default=data and Path(data), help="sample files; generated ones without")
    made.add_argument("--environments", type=Path, help="folder that benchmarks.environments made; peers that need one")
    made.add_argument("--repeats", type=int, default=9, help="turns per contender (default 9)")
    made.add_argument("--threads", type=int, default=2, help="threads per contender (default 2)")
    made.add_argument("--processes", type=int, help=f"of {QUALITY}, one thread each (default: all processors)")
    made.add_argument("--tiny", action="store_true", help="smallest inputs, to see that a case works")
    made.add_argument("--out", type=Path, default=RESULTS, help="folder of the result files")
    return made


def list_cases() -> None:
    for name in CASES:
        case = load_case(name)
        peers = ", ".join(contender.name for contender in case.contenders[1:])
        print(f"{name:<16}{case.title}" + (f"; against {peers}" if peers else ""))
    print(f"{QUALITY:<16}{QUALITY_TITLE}: every method, over a sweep of its settings")


if __name__ == "__main__":
    main()
