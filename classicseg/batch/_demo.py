"""The main job on a synthetic flight whose hot spots are known, so that its result can be checked."""

from __future__ import annotations

import csv
import math
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classicseg._validate import check_int
from classicseg.batch._files import writable
from classicseg.batch._layout import TABLE
from classicseg.batch._run import BatchSummary, Path, Progress, run_batch

LEAST_PRECISION, LEAST_RECALL, MOST_ERROR = 0.9, 0.9, 1.0  # what the demo promises; the error in °C
REACH = 6.0  # pixels around a true box in which the centroid of a found spot may lie


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, against what is known.

    Parameters
    ----------
    summary : BatchSummary
        The run.
    flight : str
        Folder with the generated frames.
    n_true, n_found, n_matched : int
        Hot spots that are there, that were found, and that are both. A spot that the border of a frame cuts may
        be found or not: it counts in none of the three.
    precision, recall : float
        Part of the found spots that are there; part of those there that were found.
    temperature_error : float
        Median difference between found and true maximum, °C, over the matched spots.
    """

    summary: BatchSummary
    flight: str
    n_true: int
    n_found: int
    n_matched: int
    precision: float
    recall: float
    temperature_error: float

    @property
    def as_expected(self) -> bool:
        """Whether all good frames were read, the broken one was reported, and the spots were found."""
        summary = self.summary
        return (
            summary.n_frames - summary.n_done == summary.n_failed == 1
            and self.precision >= LEAST_PRECISION
            and self.recall >= LEAST_RECALL
            and self.temperature_error <= MOST_ERROR
        )


def run_demo(
    out: Path,
    *,
    n_frames: int = 12,
    rng: int = 0,
    shape: tuple[int, int] = (512, 640),
    workers: int | None = None,
    progress: Progress | None = None,
) -> DemoResult:
    """Make a synthetic flight, run the batch on it and compare the result with the truth.

    Parameters
    ----------
    out : path
        Folder for the generated ``flight`` and the ``results``.
    n_frames : int, default 12
        Good frames of the flight; one broken file comes on top.
    rng : int, default 0
        Seed of the flight.
    shape : tuple of int, default (512, 640)
        Size of a frame.
    workers : int, optional
        Processes, see `run_batch`.
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    DemoResult
        Precision, recall and temperature error, and the summary of the run.

    Raises
    ------
    OutputError, BusyError
        As `run_batch`.
    """
    from classicseg.thermal._flight import synthetic_flight

    n_frames = check_int("n_frames", n_frames, low=1)
    out = os.path.abspath(os.fspath(out))
    folder = os.path.join(out, "flight")
    with writable(out):
        flight = synthetic_flight(folder, n_frames=n_frames, rng=rng, shape=shape)
    inputs = [*flight.paths, flight.broken]
    summary = run_batch(inputs, os.path.join(out, "results"), workers=workers, progress=progress)
    with open(os.path.join(summary.out, TABLE), encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    return _compare(summary, folder, flight.truth, found)


def _compare(
    summary: BatchSummary, folder: str, truth: Mapping[str, Sequence[Any]], found: Sequence[Mapping[str, str]]
) -> DemoResult:
    """Match spots one to one within each frame, the hottest found first."""
    errors = []
    n_found = 0
    left = {name: list(spots) for name, spots in truth.items()}
    for row in found:
        match = _match(float(row["row"]), float(row["col"]), left.get(row["file"], []))
        if match is not None:
            left[row["file"]].remove(match)
        if match is None or not match.cut:
            n_found += 1
        if match is not None and not match.cut:
            errors.append(abs(float(row["max_celsius"]) - match.temperature_celsius))
    n_true = sum(not spot.cut for spots in truth.values() for spot in spots)
    return DemoResult(
        summary=summary,
        flight=folder,
        n_true=n_true,
        n_found=n_found,
        n_matched=len(errors),
        precision=len(errors) / n_found if n_found else 0.0,
        recall=len(errors) / n_true if n_true else 1.0,
        temperature_error=statistics.median(errors) if errors else math.inf,
    )


def _match(row: float, col: float, spots: Sequence[Any]) -> Any:
    """Return the nearest true spot whose box, grown by `REACH`, holds the point; None when there is none."""
    near = [
        spot
        for spot in spots
        if spot.box[0] - REACH <= row <= spot.box[2] + REACH and spot.box[1] - REACH <= col <= spot.box[3] + REACH
    ]
    return min(near, key=lambda spot: math.hypot(spot.row - row, spot.col - col), default=None)
