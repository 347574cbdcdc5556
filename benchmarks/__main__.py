"""Command line of the benchmarks; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.registry import CASES, Context, load_case
from benchmarks.runner import ROOT, run_case
from benchmarks.table import RESULTS, newest_results, tables, write_readme


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    if not (options.names or options.table or options.readme):
        list_cases()
    for name in dict.fromkeys(name for asked in options.names for name in (asked, *load_case(asked).also)):
        if reason := load_case(name).cannot_run():
            print(f"{name} not run: {reason}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            context = Context(Path(scratch), options.data, options.tiny)
            result = run_case(load_case(name), context, repeats=options.repeats, threads=options.threads)
        options.out.mkdir(parents=True, exist_ok=True)
        path = options.out / f"{name}-{result['date']}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote {path.name}")
    if options.table:
        print(tables(newest_results(options.out)))
    if options.readme:
        write_readme(ROOT / "README.md", tables(newest_results(options.out)))


def parser() -> argparse.ArgumentParser:
    data = os.environ.get("CLASSICSEG_TEST_DATA")
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("names", nargs="*", metavar="NAME", help=f"cases to run: {', '.join(CASES)}")
    made.add_argument("--table", action="store_true", help="print the newest result of every case as Markdown")
    made.add_argument("--readme", action="store_true", help="write those tables into README.md")
    made.add_argument("--data", type=Path, default=data and Path(data), help="sample files; generated ones without")
    made.add_argument("--repeats", type=int, default=9, help="turns per contender (default 9)")
    made.add_argument("--threads", type=int, default=2, help="threads per contender (default 2)")
    made.add_argument("--tiny", action="store_true", help="smallest inputs, to see that a case works")
    made.add_argument("--out", type=Path, default=RESULTS, help="folder of the result files")
    return made


def list_cases() -> None:
    for name in CASES:
        case = load_case(name)
        peers = ", ".join(contender.name for contender in case.contenders[1:])
        print(f"{name:<16}{case.title}; against {peers}")


if __name__ == "__main__":
    main()
