"""What a run says on the console."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from classicseg._kernels.cpu._jit import cache_state
from classicseg.batch._demo import LEAST_PRECISION, LEAST_RECALL, MOST_ERROR, DemoResult
from classicseg.batch._progress import ProgressLine
from classicseg.batch._run import BatchSummary

COMPILING = "compiling kernels: once after installation, or when no cache can be written (see classicseg info)"


@contextlib.contextmanager
def progress_line() -> Iterator[ProgressLine]:
    """Give a progress line on standard error; say first when kernels have still to be compiled."""
    directory = cache_state().directory
    if directory is None or not any(directory.rglob("*.nbc")):
        sys.stderr.write(f"{COMPILING}\n")
        sys.stderr.flush()
    line = ProgressLine(sys.stderr)
    try:
        yield line
    finally:
        line.close()


def batch_lines(summary: BatchSummary) -> list[str]:
    """Return what a run found, what failed, and where the report is."""
    counts = ", ".join(f"{number} {name}" for name, number in summary.severities.items())
    lines = [
        f"{summary.n_done} of {summary.n_frames} frames analysed: "
        f"{summary.n_hotspots} hot spot{'' if summary.n_hotspots == 1 else 's'}" + (f" ({counts})" if counts else "")
    ]
    if summary.n_without_modules == 1:
        lines.append("1 frame shows no modules: nothing was searched in it")
    elif summary.n_without_modules:
        lines.append(f"{summary.n_without_modules} frames show no modules: nothing was searched in them")
    if summary.n_unrefined:
        lines.append(f"{summary.n_unrefined} not refined, see 'Notes' in the report")
    if summary.n_not_radiometric:
        lines.append(f"{summary.n_not_radiometric} without temperatures, see 'Not analysed' in the report")
    if summary.n_failed:
        lines.append(f"{summary.n_failed} failed, see 'Not analysed' in the report")
    lines += [f"not looked into: {problem.file}: {problem.message}" for problem in summary.problems[:10]]
    lines.append(f"report: {_shown(summary.report)}")
    return lines


def demo_lines(result: DemoResult) -> list[str]:
    """Return how what was found compares with what is there, and where the report is."""
    return [
        *batch_lines(result.summary)[:-1],
        f"known hot spots: {result.n_true}, found: {result.n_found}, of them right: {result.n_matched}",
        f"precision {result.precision:.3f} (expected at least {LEAST_PRECISION})",
        f"recall {result.recall:.3f} (expected at least {LEAST_RECALL})",
        f"temperature error, median {result.temperature_error:.2f} °C (expected at most {MOST_ERROR:g})",
        "as expected; the failed frame is the one that was cut off on purpose"
        if result.as_expected
        else "NOT as expected",
        f"report: {_shown(result.summary.report)}",
    ]


def _shown(path: str) -> str:
    """Return a path that any terminal can print."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
