"""The work on one frame: read, find hot spots, write the label image and the overlay, return a small record."""

from __future__ import annotations

import dataclasses
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from classicseg._errors import (
    ClassicsegError,
    FileFormatError,
    MisfitError,
    NotRadiometricError,
    UnreadableError,
    UselessOptionError,
)
from classicseg.batch._files import atomic, digest_of, remove
from classicseg.batch._label_files import label_form, write_labels
from classicseg.batch._layout import candidates, label_names, output_path, overlay_name, refined_names
from classicseg.batch._names import valid_text
from classicseg.batch._options import BatchOptions
from classicseg.batch._outcome import UNREFINED, Outcome
from classicseg.batch._overlay import write_overlay
from classicseg.batch._plan import Frame

if TYPE_CHECKING:
    from classicseg.batch._refined import Refined

Array = np.ndarray[Any, Any]

MAX_ERROR = 500  # characters of a message in the outputs; the log has the whole


@dataclass(frozen=True)
class Setup:
    """What every frame of a run shares."""

    out: str
    options: BatchOptions
    lock: str | None = None  # held by each worker, so that a rerun can wait for those of a killed run


class Unwritable(Exception):
    """The output folder refused a file: the fault of no frame, and the next one would meet it too."""


Finish = Callable[[], Outcome]
Process = Callable[[Frame], Finish]


def make_process(setup: Setup) -> Process:
    """Return the function that does one frame, with everything imported and loaded that frames share.

    It reads and segments, and returns the function that writes the outputs: another thread calls that, while the
    next frame is read. A profile, calibration or refiner that cannot be loaded is refused here, before the first frame.
    """
    from classicseg.thermal import Calibration, find_hotspots, load_profile

    options = setup.options
    calibration = None if options.calibration is None else Calibration.load(options.calibration)
    if calibration is not None and options.calibration_any_camera:
        calibration = calibration.unbound()
    profile = load_profile(options.profile)
    ask = None if options.refiner is None else _asker(options.refiner)

    def work(frame: Frame) -> Finish:
        started = perf_counter()
        image = _read(frame, {"calibration": calibration, **options.reading()})
        values = image.values
        loaded = perf_counter()
        found = find_hotspots(image, profile=profile, **options.searching())
        asked = None if ask is None else ask(frame, image, found)
        segmented = perf_counter()

        def finish() -> Outcome:
            began = perf_counter()
            rows = _rows(found, asked)
            outputs = _write(frame, setup, values, found, rows, asked)
            record = _record(image, found, rows, _search_notes(found, options))
            done = Outcome("done", outputs=outputs, digest=digest_of(frame.path), record=record)
            if asked is not None:
                done = _with_refined(done, asked, frame)
            seconds = (loaded - started, segmented - loaded, perf_counter() - began)
            return dataclasses.replace(done, seconds=seconds)

        return finish

    return guarded(work)


def _read(frame: Frame, options: dict[str, Any]) -> Any:
    """Read a frame; options that are not for it become a note, for a folder may hold several kinds and cameras."""
    from classicseg.thermal import read

    notes: tuple[str, ...] = ()
    while True:
        try:
            image = read(frame.path, **options)
        except UselessOptionError as error:
            options = {name: value for name, value in options.items() if name not in error.options}
            notes += (f"{', '.join(error.options)} had no effect: {error.kind}",)
        except MisfitError as error:
            if error.options != ("calibration",):
                raise
            options = {name: value for name, value in options.items() if name != "calibration"}
            notes += (f"calibration not used: {error.found}; expected {error.expected.partition(';')[0]}",)
        else:
            return dataclasses.replace(image, notes=image.notes + notes)


def guarded(work: Process) -> Process:
    """Return `work` with whatever is wrong with a frame turned into its outcome."""

    def process(frame: Frame) -> Finish:
        try:
            finish = work(frame)
        except Exception as error:  # noqa: BLE001 - one bad frame never stops a run
            outcome = failure(error, frame)
            return lambda: outcome

        def finish_or_fail() -> Outcome:
            try:
                return finish()
            except Exception as error:  # noqa: BLE001
                return failure(error, frame)

        return finish_or_fail

    return process


def failure(error: Exception, frame: Frame) -> Outcome:
    """Return what becomes of a frame because of an exception that is being handled."""
    if isinstance(error, Unwritable):
        return Outcome("unwritable", error=str(error))
    kind, message = explain(error, frame)
    details = "" if isinstance(error, ClassicsegError) else traceback.format_exc()
    return Outcome("failed", kind=kind, error=message, details=details)


def explain(error: Exception, frame: Frame) -> tuple[str, str]:
    """Return the kind of failure and one line for the outputs, without folders, which differ between machines."""
    if isinstance(error, FileFormatError):
        message = f"found {error.found}; expected {error.expected}"
        kinds = {NotRadiometricError: "not-radiometric", UnreadableError: "unreadable", MisfitError: "misfit"}
        return kinds.get(type(error), "broken"), _one_line(message, frame)
    if isinstance(error, MemoryError):
        return "memory", "not enough memory for this frame; use fewer workers, or a machine with more memory"
    if isinstance(error, OSError):
        return "unreadable", _one_line(f"cannot be read: {error.strerror or error}", frame)
    if isinstance(error, ClassicsegError):
        return "broken", _one_line(str(error), frame)
    return "internal", _one_line(f"unexpected {type(error).__name__}: {error}", frame)


def _one_line(message: str, frame: Frame) -> str:
    message = message.replace(frame.path, frame.file)
    return " ".join(valid_text(message).split())[:MAX_ERROR]


def _asker(spec: str) -> Callable[[Frame, Any, Any], Refined]:
    """Return the function that asks a refiner about a frame; what it needs is imported in such runs only."""
    from classicseg.batch._refined import refined
    from classicseg.refine import load_refiner

    refiner = load_refiner(spec)

    def ask(frame: Frame, image: Any, found: Any) -> Refined:
        camera, position = image.camera, image.position
        known = {"file": frame.file, "unit": found.unit, "camera": camera, "position": position, "time": image.time}
        return refined(refiner, image.values, found.labels, found.unit, known)

    return ask


def _with_refined(done: Outcome, asked: Refined, frame: Frame) -> Outcome:
    """Return the outcome of a frame with what became of its refining."""
    assert done.record is not None
    if not asked.error:
        return dataclasses.replace(done, record={**done.record, "refined": asked.record})
    error = _one_line(asked.error, frame)
    notes = [*done.record["notes"], f"not refined: {error}"]
    record = {**done.record, "notes": notes, "refined": {**asked.record, "error": error}}
    return dataclasses.replace(done, kind=UNREFINED, error=error, details=asked.details, record=record)


def _rows(found: Any, asked: Refined | None = None) -> list[dict[str, Any]]:
    """Return the table as one dict per hot spot, numbers rounded beyond what a camera resolves."""
    columns = {name: column.tolist() for name, column in found.table.items()}
    rows = []
    for index in range(len(columns["label"])):
        row = {name: _plain(name, values[index]) for name, values in columns.items()}
        rows.append({name.removesuffix(f"_{found.unit}"): value for name, value in row.items()})
    return rows if asked is None else [row | asked.spots[row["label"] - 1] for row in rows]


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return round(value, 2 if name in ("row", "col") else 3) + 0.0  # no -0.0
    return value


def _write(
    frame: Frame, setup: Setup, values: Array, found: Any, rows: list[dict[str, Any]], asked: Refined | None
) -> dict[str, int]:
    name, form = label_form(found.labels, *label_names(frame.name))
    outputs = {name: 0}

    try:
        with _output(setup, name) as file:
            write_labels(file, found.labels, form)
        if asked is not None and asked.labels is not None:
            beside, form = label_form(asked.labels, *refined_names(frame.name))
            outputs[beside] = 0
            with _output(setup, beside) as file:
                write_labels(file, asked.labels, form, asked.palette)
        if setup.options.overlays:
            outputs[overlay_name(frame.name)] = 0
            with _output(setup, overlay_name(frame.name)) as file:
                write_overlay(file, values, found.unit, found.labels, found.surfaces, rows)
        for other in set(candidates(frame.name)) - set(outputs):
            remove(output_path(setup.out, other))
        return {name: os.path.getsize(output_path(setup.out, name)) for name in outputs}
    except OSError as error:
        what = shown_reason(error)
        raise Unwritable(f"{name}: cannot be written: {what}") from error


def _output(setup: Setup, name: str) -> Any:
    path = output_path(setup.out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return atomic(path)


def shown_reason(error: OSError) -> str:
    """Return why the system refused a write, in its own words."""
    return error.strerror or str(error)


def _search_notes(found: Any, options: BatchOptions) -> tuple[str, ...]:
    """Return what a reader of the findings should know, beside the notes on the temperatures."""
    notes: tuple[str, ...] = ()
    if found.n_modules == 0:
        notes += ("no solar modules found: nothing was searched",)
    if options.min_delta is not None and found.unit == "counts":
        notes += ("min_delta had no effect: a frame of counts",)
    return notes


def _record(image: Any, found: Any, rows: list[dict[str, Any]], search_notes: tuple[str, ...]) -> dict[str, Any]:
    position, camera = image.position, image.camera
    return {
        "shape": list(image.shape),
        "unit": found.unit,
        "calibrated": bool(image.calibrated),
        "profile": found.profile,
        "time": image.time.isoformat() if image.time is not None else None,
        "camera": _known(vars(camera)),
        "position": _known(vars(position)) if position is not None else {},
        "parameters": {
            name: {"value": _number(p.value), "unit": p.unit, "source": p.source}
            for name, p in sorted(image.parameters.items())
        },
        "notes": [*image.notes, *search_notes],
        "module_rows": int(found.surfaces.max(initial=0)),
        "modules": int(found.n_modules),
        "range": _range(image.values),
        "hotspots": rows,
    }


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    known = {name: _number(value) for name, value in fields.items()}
    return {name: value for name, value in known.items() if value is not None}


def _number(value: Any) -> Any:
    """Return numbers as plain finite ones with 9 digits, text as valid Unicode, anything else unchanged."""
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.9g}") if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, str):
        return valid_text(value)
    return value


def _range(values: Array) -> list[float] | None:
    finite = np.isfinite(values)
    valid = values if finite.all() else values[finite]
    if valid.size == 0:
        return None
    return [round(float(number), 3) for number in (valid.min(), valid.mean(dtype=np.float64), valid.max())]
