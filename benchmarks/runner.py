"""Run a case: start every contender, let them take turns, compare their outputs, keep the raw times."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import interpreter, versions_there
from benchmarks.machine import NOT_INSTALLED, machine, missing, versions
from benchmarks.memory import PeakMemory
from benchmarks.registry import Agreement, Case, Contender, Context, Row

ROOT = Path(__file__).parents[1]
THREAD_VARIABLES = (
    "CLASSICSEG_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
TURN_S = 0.1  # a turn lasts about this long, so that short calls are repeated within it
MOST_CALLS = 20
WARM_UP_S = 0.3  # of calls before a turn of shorter ones: OpenMP's threads spin for 0.2 s after their work by default


class WorkerFailed(RuntimeError):
    """A contender's process ended early; the message carries the end of what it printed."""


class Worker:
    """A contender's process. It works only between a request and its answer, so contenders never overlap."""

    def __init__(
        self,
        case: Case,
        contender: Contender,
        row: Row,
        folder: Path,
        threads: int,
        environments: Path | None,
        warm_up_s: float,
    ) -> None:
        self.name = contender.name
        self.output = folder / f"{contender.name}.npz"
        environment = os.environ | {name: str(threads) for name in THREAD_VARIABLES}
        if case.cold:
            environment["CLASSICSEG_CACHE_DIR"] = str(folder / f"kernels-{contender.name}")
        self._log = (folder / f"{contender.name}.log").open("w+")
        module = f"benchmarks.{row.part or case.name}"
        python = (
            str(interpreter(environments, contender.environment))
            if elsewhere(contender, environments)
            else sys.executable
        )
        command = [python, "-m", "benchmarks.worker", module, contender.prepare]
        self._process = subprocess.Popen(
            [*command, json.dumps(dict(row.parameters)), str(self.output), str(warm_up_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        self.first_s = 0.0
        self.peak_mb: float | None = None
        self.times_s: list[float] = []

    def first_call(self) -> None:
        """Wait for the call that the process makes by itself; what is compiled at first use is compiled in it."""
        with PeakMemory(self._process.pid) as peak:
            self.first_s = self._answer()["first_s"]
        self.peak_mb = peak.megabytes

    def turn(self, calls: int) -> float:
        with PeakMemory(self._process.pid) as peak:
            seconds = self._ask(calls)["time_s"]
        self.peak_mb = max(filter(None, (peak.megabytes, self.peak_mb)), default=None)
        return seconds

    def outputs(self) -> dict[str, Any]:
        """End the process and return what its last call gave."""
        self._ask(0)
        self._process.wait()
        with np.load(self.output) as values:
            return dict(values)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def _ask(self, calls: int) -> dict[str, Any]:
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise WorkerFailed(f"{self.name} ended with status {self._process.returncode}:\n{self._log.read()[-2000:]}")
        return json.loads(line)


def run_case(case: Case, context: Context, *, repeats: int, threads: int, progress=print) -> dict[str, Any]:
    """Return the JSON form of one run of `case`."""
    rows, tiny = [], context.tiny
    for row in case.rows(context):
        turns = repeats if row.repeats is None else row.repeats
        turns = min(turns, repeats) if tiny else turns
        rows.append(run_row(case, row, repeats=turns, threads=threads, environments=context.environments, tiny=tiny))
        progress(f"{case.name}: {row.name}: {one_line(rows[-1])}")
    return {
        "case": case.name,
        "title": case.title,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions_of(case.contenders, context.environments),
        "threads": threads,
        "data": "public sample files" if context.data else "generated",
        "rows": rows,
    }


def run_row(
    case: Case, row: Row, *, repeats: int, threads: int, environments: Path | None = None, tiny: bool = False
) -> dict[str, Any]:
    """Run every contender of one row, turn by turn; a turn of `tiny` ones is one call, which measures nothing."""
    chosen = [one for one in case.contenders if row.contenders is None or one.name in row.contenders]
    absent = {one.name: reason for one in chosen if (reason := why_absent(one, environments))}
    present = [one for one in chosen if one.name not in absent]
    with (
        tempfile.TemporaryDirectory() as scratch,
        _workers(case, row, present, Path(scratch), threads, environments, 0 if tiny else WARM_UP_S) as workers,
    ):
        _take_turns([worker for worker in workers if worker.name not in row.once], repeats, TURN_S * (not tiny))
        _count_first_calls([worker for worker in workers if worker.name in row.once])
        outputs = {worker.name: worker.outputs() for worker in workers}
        agreement = case.agree(row, outputs) if len(outputs) > 1 else Agreement(False, "nothing to compare with")
    contenders: dict[str, Any] = {name: {"not_run": reason} for name, reason in absent.items()}
    for worker in workers:
        contenders[worker.name] = {
            "first_s": worker.first_s,
            "times_s": worker.times_s,
            "peak_mb": worker.peak_mb,
            "facts": facts(outputs[worker.name]),
        }
    return {
        "row": row.name,
        "agrees": agreement.agrees,
        "agreement": agreement.text,
        "apart": list(agreement.apart),
        "work": row.work,
        "image": row.image,
        "goals": dict(row.goals),
        "contenders": {one.name: contenders[one.name] for one in chosen},
    }


def elsewhere(contender: Contender, environments: Path | None) -> bool:
    """Return whether the contender is run by the interpreter of an environment of its own."""
    return bool(environments and contender.environment and interpreter(environments, contender.environment).exists())


def versions_of(contenders: Sequence[Contender], environments: Path | None) -> dict[str, str]:
    """Return the versions of what the contenders need, where each of them finds it."""
    found = versions(name for one in contenders for name in one.packages)
    for one in contenders:
        if environments and elsewhere(one, environments):
            found |= versions_there(environments, one.environment, one.packages)
    return found


def why_absent(contender: Contender, environments: Path | None) -> str:
    """Return why the contender cannot run, empty where it can."""
    if environments and elsewhere(contender, environments):
        there = versions_there(environments, contender.environment, contender.packages)
        gone = [name for name, version in there.items() if version == NOT_INSTALLED]
        way_out = " in the environment of its own"
    else:
        gone = missing(contender.packages)
        way_out = "; benchmarks.environments makes an environment for it" if contender.environment else ""
    return f"{', '.join(gone)} is not installed{way_out}" if gone else ""


@contextlib.contextmanager
def _workers(
    case: Case,
    row: Row,
    contenders: list[Contender],
    folder: Path,
    threads: int,
    environments: Path | None,
    warm_up_s: float,
) -> Iterator[list[Worker]]:
    workers: list[Worker] = []
    try:
        for contender in contenders:
            workers.append(Worker(case, contender, row, folder, threads, environments, warm_up_s))
            workers[-1].first_call()
        yield workers
    finally:
        for worker in workers:
            worker.close()


def _take_turns(workers: list[Worker], repeats: int, turn_s: float) -> None:
    if repeats == 0:
        _count_first_calls(workers)
        return
    calls = {worker.name: _calls_per_turn(worker, turn_s) for worker in workers}
    for _ in range(repeats):
        for worker in workers:
            worker.times_s.append(worker.turn(calls[worker.name]))


def _count_first_calls(workers: list[Worker]) -> None:
    for worker in workers:
        worker.times_s = [worker.first_s]


def _calls_per_turn(worker: Worker, turn_s: float) -> int:
    """Return how many calls fill a turn; finding it is a warm-up as well, and its time is not kept."""
    return max(1, min(MOST_CALLS, math.ceil(turn_s / worker.turn(1)))) if turn_s > 0 else 1


def facts(outputs: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers among the outputs, such as stage times; arrays were for the check only."""
    return {name: value.item() for name, value in outputs.items() if value.ndim == 0 and value.dtype.kind in "iufU"}


def paired_ratios(row: dict[str, Any], peer: str) -> list[float]:
    """Return peer time / our time of each repeat, neighbours in time; empty where no claim may be made.

    A peer that worked once is compared with each of our repeats.
    """
    ours, theirs = next(iter(row["contenders"].values())), row["contenders"].get(peer, {})
    if not claimed(row, peer) or "times_s" not in ours or "times_s" not in theirs:
        return []
    times = theirs["times_s"]
    times = times * len(ours["times_s"]) if len(times) == 1 else times
    return [their / our for our, their in zip(ours["times_s"], times, strict=True)]


def claimed(row: dict[str, Any], peer: str) -> bool:
    """Return whether the peer gave our answer."""
    apart = row.get("apart", [])
    return peer not in apart if apart else row["agrees"]


def one_line(row: dict[str, Any]) -> str:
    parts = []
    for name, result in row["contenders"].items():
        if "not_run" in result:
            parts.append(f"{name} not run: {result['not_run']}")
            continue
        ratios = paired_ratios(row, name) if parts else []
        ratio = f" ({np.median(ratios):.1f}×)" if ratios else ""
        parts.append(f"{name} {np.median(result['times_s']) * 1e3:.1f} ms{ratio}")
    return "; ".join([*parts, row["agreement"]])
