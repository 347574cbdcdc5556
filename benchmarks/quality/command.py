"""The command ``python -m benchmarks quality``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.quality.data import pictures_of
from benchmarks.quality.generated import write_data_set
from benchmarks.quality.report import result_of, table, write_report
from benchmarks.quality.run import available, run_methods

PARTS = "quality-parts"  # below the folder of results: what is kept between runs


def run_quality(data: Path | None, out: Path, *, processes: int | None = None, tiny: bool = False) -> None:
    """Segment, score, judge, and write the result below `out`; without `data`, on a generated data set."""
    generated = data is None or tiny
    with tempfile.TemporaryDirectory() as scratch:
        pictures = pictures_of(write_data_set(Path(scratch)) if generated else data)
        methods, absent = available()
        try:
            run_methods(pictures, methods, out / PARTS, processes=processes or processors(), tiny=tiny)
        except KeyboardInterrupt:
            sys.exit("stopped; the same command goes on from here")
        result = result_of(
            pictures, methods, absent, out / PARTS, data="generated" if generated else "pictures that people segmented"
        )
    for path in write_report(result, out):
        print(f"wrote {path.name}")
    print(table(result))


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
