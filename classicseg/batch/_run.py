"""One run from inputs to report: the coordinator."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from classicseg._kernels.cpu._jit import available_processors
from classicseg._validate import check_int
from classicseg.batch._errors import BusyError, OutputError
from classicseg.batch._executor import MakeProcess, run_frames
from classicseg.batch._files import (
    TEMPORARY,
    atomic,
    move,
    remove,
    remove_empty_folders,
    remove_temporaries,
    writable,
)
from classicseg.batch._frame import Setup, make_process
from classicseg.batch._layout import (
    LABELS,
    MAP,
    OVERLAYS,
    REFINED,
    REPORT,
    STATE,
    SUMMARY,
    TABLE,
    candidates,
    output_path,
)
from classicseg.batch._manifest import Manifest
from classicseg.batch._options import BatchOptions, options_hash
from classicseg.batch._outcome import UNREFINED
from classicseg.batch._plan import Frame, Plan, Problem, make_plan
from classicseg.batch._report import write_report
from classicseg.batch._tables import write_csv, write_geojson, write_summary
from classicseg.batch._totals import Totals, count
from classicseg.batch._worker import wait_for_workers
from classicseg.thermal import load_profile

Path = str | os.PathLike[str]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class BatchSummary:
    """What a run did.

    Parameters
    ----------
    out, report : str
        The output folder and the report in it.
    n_frames, n_done, n_failed, n_not_radiometric : int
        Frames of the plan; those with results; those that are broken or failed; pictures without temperatures.
    n_skipped : int
        Frames among the done ones whose results stood from an earlier run.
    n_hotspots : int
        Hot spots in all frames.
    severities : mapping of str to int
        Hot spots by severity, worst first.
    problems : tuple of Problem
        Inputs that could not be looked into: each has `file` and `message`.
    seconds : tuple of float
        Time spent reading, segmenting and writing the frames, summed over workers and runs.
    n_without_modules : int
        Frames among the done ones in which no solar modules were found, so that nothing was searched.
    n_unrefined : int
        Frames among the done ones that the refiner failed on: their hot spots have no class.
    """

    out: str
    report: str
    n_frames: int
    n_done: int
    n_failed: int
    n_not_radiometric: int
    n_skipped: int
    n_hotspots: int
    severities: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    seconds: tuple[float, float, float] = (0.0, 0.0, 0.0)
    n_without_modules: int = 0
    n_unrefined: int = 0

    @property
    def all_good(self) -> bool:
        """Whether something was segmented and nothing failed; pictures without temperatures are no failure."""
        return self.n_done > 0 and self.n_failed == self.n_unrefined == 0 and not self.problems


def run_batch(
    inputs: Path | Sequence[Path],
    out: Path,
    *,
    workers: int | None = None,
    state: Path | None = None,
    options: BatchOptions | None = None,
    progress: Progress | None = None,
) -> BatchSummary:
    """Find hot spots in many radiometric frames and write label images, overlays, tables and a report.

    `out` mirrors the inputs of the latest run: ``labels/``, ``overlays/`` and, with a refiner, ``refined/`` hold one
    picture per frame in the subfolders of the inputs, ``hotspots.csv``, ``hotspots.geojson``, ``summary.json`` and
    ``report.html`` cover all frames. A rerun does only frames that are new, failed before, changed (size or time),
    were made with other options, or whose outputs are gone; outputs of frames that are no longer among the inputs are
    removed. A frame on which the refiner fails is finished without it, marked so everywhere, and tried again by a
    rerun.
    A frame that lies elsewhere now, or goes by another name because a folder was added, is known by its contents:
    its outputs are renamed.
    After an interruption at any moment, a rerun leaves every file in `out` as an undisturbed run would, byte
    by byte; only the state folder differs, which holds times.

    Parameters
    ----------
    inputs : path or sequence of paths
        Files, folders (searched for JPEG and TIFF files, with everything below) and patterns such as
        ``"flight/**/*_T.JPG"``.
    out : path
        Folder for the outputs; made when absent.
    workers : int, optional
        Processes that work at a time. Default: the processors this process may use. Each takes about
        210 MB with frames of 512 x 640 pixels.
    state : path, optional
        Folder for the manifest and the log. Default: ``.classicseg`` in `out`. Give a folder on a local disk
        when `out` is on a network drive.
    options : BatchOptions, optional
        Severity profile, object parameters, calibration, refiner.
    progress : callable, optional
        Called with (done, total) at the start, where `done` counts what an earlier run did, and after each frame.

    Returns
    -------
    BatchSummary
        Counts, and where the report is. A frame that cannot be read does not raise: it is counted, and listed
        with its error in ``summary.json`` and the report.

    Raises
    ------
    NoInputError
        No input names a file.
    BusyError
        Another run is working on `out`.
    OutputError
        `out` or `state` cannot be written, or the disk is full; what is finished is kept.
    RefinerError
        The refiner of `options` cannot be loaded; nothing is written.

    Examples
    --------
    >>> from classicseg.batch import BatchOptions, run_batch
    >>> summary = run_batch("flight", "results", options=BatchOptions(distance_m=25.0))  # doctest: +SKIP
    >>> summary.report  # doctest: +SKIP
    'results/report.html'
    """
    n_workers = available_processors() if workers is None else check_int("workers", workers, low=1)
    options = options or BatchOptions()
    out = os.path.abspath(os.fspath(out))
    state = os.path.abspath(os.fspath(state)) if state is not None else os.path.join(out, STATE)
    own = [os.path.join(out, name) for name in (LABELS, OVERLAYS, REFINED)] + [state]
    return _run(make_plan(inputs, skip=own), out, state, n_workers, options, progress or _quiet, make_process)


def _quiet(done: int, total: int) -> None:
    """Show nothing."""


def _run(
    plan: Plan, out: str, state: str, n_workers: int, options: BatchOptions, progress: Progress, make: MakeProcess
) -> BatchSummary:
    setup = Setup(out, options, os.path.join(state, "workers.lock"))
    make(setup)  # refuses a profile, calibration or refiner that cannot be loaded, before anything is written
    for folder in (out, state):
        with writable(folder):
            os.makedirs(folder, exist_ok=True)
    with Manifest(os.path.join(state, "manifest.sqlite3")) as manifest, _Log(state) as log:
        _tidy(out, setup)
        pending = _pending(plan, manifest, out, options)
        log.line(f"run: {len(plan.frames)} frames, {len(pending)} to do, {n_workers} workers")
        try:
            _do(pending, len(plan.frames), setup, manifest, n_workers, progress, make, log)
        except BaseException:  # Ctrl-C too: the workers are gone by now, and so may be what they were writing
            with contextlib.suppress(OSError):
                _remove_unfinished(out)
            raise
        totals = count(manifest.rows())
        with writable(out):
            _write_tables(out, manifest, totals, plan, options)
        log.line(f"end: {totals.n_done} done, {totals.n_frames - totals.n_done} failed")
        return _summary(out, plan, totals, len(plan.frames) - len(pending), manifest.seconds(), options)


def _tidy(out: str, setup: Setup) -> None:
    """Remove what a killed run left unfinished, once none of its workers is writing any more."""
    if setup.lock is not None and not wait_for_workers(setup.lock):
        raise BusyError(f"{setup.lock}: workers of an earlier run are still at work; end them, then run again")
    with writable(out):
        _remove_unfinished(out)
        with open(os.path.join(out, f"{TEMPORARY}probe.tmp"), "wb") as file:
            remove(file.name)


def _remove_unfinished(out: str) -> None:
    remove_temporaries(out)
    for top in (LABELS, OVERLAYS, REFINED):
        for folder, _, _ in os.walk(os.path.join(out, top)):
            remove_temporaries(folder)


def _pending(plan: Plan, manifest: Manifest, out: str, options: BatchOptions) -> list[Frame]:
    """Bring the manifest to the plan and return the frames to do, in the order of the plan."""
    moves = manifest.set_plan(plan.frames, options_hash(options))
    with writable(out):
        for name, new_name in moves:
            for relative, new_relative in zip(candidates(name), candidates(new_name), strict=True):
                move(output_path(out, relative), output_path(out, new_relative))
        for name in manifest.orphans():
            _remove_outputs(out, name)
    manifest.forget_orphans()
    manifest.reopen([file for file, outputs in manifest.outputs() if not _intact(out, outputs)])
    pending = manifest.pending()
    return [frame for frame in plan.frames if frame.file in pending]


def _intact(out: str, outputs: dict[str, int]) -> bool:
    try:
        return all(os.path.getsize(output_path(out, name)) == size for name, size in outputs.items())
    except OSError:
        return False


def _remove_outputs(out: str, name: str) -> None:
    for relative in candidates(name):
        path = output_path(out, relative)
        remove(path)
        remove_empty_folders(os.path.dirname(path), out)


def _do(
    pending: Sequence[Frame],
    n_frames: int,
    setup: Setup,
    manifest: Manifest,
    n_workers: int,
    progress: Progress,
    make: MakeProcess,
    log: _Log,
) -> None:
    done = n_frames - len(pending)
    if pending:
        from classicseg._warmup import warmup

        warmup()  # compiled once here, loaded from the cache by every worker; not part of the rate of frames
    progress(done, n_frames)
    if not pending:
        return
    n_workers = min(n_workers, len(pending))
    with contextlib.closing(run_frames(pending, setup, make, n_workers=n_workers, log=log.file)) as outcomes:
        for frame, outcome in outcomes:
            if outcome.state == "unwritable":
                raise OutputError(
                    f"{setup.out}: {outcome.error}; make room or give another --out, then run again: "
                    "finished frames are kept"
                )
            if outcome.state == "failed":
                log.line(f"failed: {frame.file}: {outcome.kind}: {outcome.error}\n{outcome.details}".rstrip())
                with writable(setup.out):
                    _remove_outputs(setup.out, frame.name)  # of an earlier run, or of a worker that died
            if outcome.kind == UNREFINED:
                log.line(f"not refined: {frame.file}: {outcome.error}\n{outcome.details}".rstrip())
            manifest.store(frame.file, outcome)
            done += 1
            progress(done, n_frames)


def _write_tables(out: str, manifest: Manifest, totals: Totals, plan: Plan, options: BatchOptions) -> None:
    with atomic(os.path.join(out, TABLE)) as file:
        write_csv(file, manifest.rows())
    with atomic(os.path.join(out, MAP)) as file:
        write_geojson(file, manifest.rows())
    with atomic(os.path.join(out, SUMMARY)) as file:
        write_summary(file, manifest.rows(), totals, plan.problems, options)
    with atomic(os.path.join(out, REPORT)) as file:
        write_report(file, manifest.rows(), totals, plan.problems, options, out)


def _summary(
    out: str, plan: Plan, totals: Totals, n_skipped: int, seconds: tuple[float, float, float], options: BatchOptions
) -> BatchSummary:
    worst_first = [name for name, _ in reversed(load_profile(options.profile).levels)]
    order = {name: place for place, name in enumerate(worst_first)}
    return BatchSummary(
        out=out,
        report=os.path.join(out, REPORT),
        n_frames=totals.n_frames,
        n_done=totals.n_done,
        n_failed=totals.n_failed,
        n_not_radiometric=totals.n_not_radiometric,
        n_without_modules=totals.n_without_modules,
        n_unrefined=totals.n_unrefined,
        n_skipped=n_skipped,
        n_hotspots=totals.n_hotspots,
        severities=dict(sorted(totals.severities.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))),
        problems=plan.problems,
        seconds=seconds,
    )


class _Log:
    """The log of an output folder: when what was done, and what the workers say."""

    def __init__(self, state: str) -> None:
        with writable(state):
            self.file: IO[bytes] = open(os.path.join(state, "log.txt"), "ab", buffering=0)  # noqa: SIM115

    def line(self, text: str) -> None:
        """Add one line with the time; a full disk does not stop a run here."""
        with contextlib.suppress(OSError):
            self.file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}\n".encode())

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
