"""The whole of `classicseg batch` on a folder of frames, against the same outputs from other libraries."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

N_FRAMES = 240  # a short flight, so that starting workers is the small part it is in the field
N_DIFFERENT = 24  # frames that are rendered; longer flights show them again under other names
NEAR = 6.0  # pixels between the centroids of a true spot and the one that is found
SAME_KELVIN = 0.3  # between the differences they report for it
TRUTH = "truth.json"


def rows(context: Context) -> list[Row]:
    frames = flight(context, 2 if context.tiny else N_FRAMES)
    found = []
    for workers in (1, 2):
        out = str(context.scratch / f"out-{workers}")  # a run into the folder of another would find its work done
        parameters = {"frames": frames, "out": out, "workers": workers}
        found.append(Row(f"{len(frames)} frames, {workers} worker{'s' * (workers > 1)}", parameters, repeats=3))
    return found[:1] if context.tiny else found


def flight(context: Context, n_frames: int) -> list[str]:
    """Return the paths of a synthetic flight in FLIR files, which every contender can read."""
    from classicseg.thermal._flight import synthetic_flight

    folder = context.scratch / f"flight-{n_frames}"
    made = synthetic_flight(
        folder, n_frames=min(n_frames, N_DIFFERENT), shape=(256, 320) if context.tiny else (512, 640)
    )
    Path(made.broken).unlink()
    made.write_truth(folder / TRUTH)
    paths = list(made.paths)
    for number in range(len(paths), n_frames):
        paths.append(str(folder / f"AGAIN_{number + 1:04d}.jpg"))
        shutil.copyfile(paths[number % len(made.paths)], paths[-1])
    return paths


def ours(frames: list[str], out: str, workers: int) -> Callable[[], Any]:
    from classicseg.batch import run_batch

    def work(folder: Path) -> dict[str, float]:
        read, segment, write = run_batch(frames, folder, workers=workers).seconds
        return {"read_s": read, "segment and find_s": segment, "write_s": write}

    return in_new_folders(work, Path(out) / "ours")


def reference(frames: list[str], out: str, workers: int) -> Callable[[], Any]:
    from benchmarks._reference_pipeline import run

    return in_new_folders(lambda folder: run(frames, str(folder), workers), Path(out) / "reference")


def in_new_folders(work: Callable[[Path], dict[str, float]], parent: Path) -> Callable[[], Any]:
    """Return the call: `work` on an output folder that does not exist yet, then the hot spots it wrote."""
    count = 0

    def call() -> dict[str, Any]:
        nonlocal count
        count += 1
        folder = parent / str(count)
        if folder.exists():
            raise FileExistsError(f"{folder}: a batch skips the frames that are done in it")
        seconds = work(folder)
        shutil.rmtree(parent / str(count - 1), ignore_errors=True)
        return {**seconds, **spots_written(folder)}

    return call


def spots_written(folder: Path) -> dict[str, Any]:
    with (folder / "hotspots.csv").open(newline="", encoding="utf-8") as file:
        lines = [(Path(line["file"]).stem, line) for line in csv.DictReader(file)]
    place = [[float(line[name]) for name in ("row", "col", "delta_celsius")] for _, line in lines]
    overlays = sum(path.suffix == ".png" for path in (folder / "overlays").rglob("*"))
    return {"frame": [name for name, _ in lines], "spot": np.array(place).reshape(-1, 3), "overlays": overlays}


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Judge by the known truth: both must write every picture, find the same true spots and as large differences."""
    frames = row.parameters["frames"]
    truth = json.loads((Path(frames[0]).parent / TRUTH).read_text(encoding="utf-8"))
    whole = [(frame, spot) for frame, spots in truth.items() for spot in spots if not spot["cut"]]
    mine, other = ([delta_at(output, *one) for one in whole] for output in outputs.values())
    apart = [abs(a - b) for a, b in zip(mine, other, strict=True) if a is not None and b is not None]
    differ = sum((a is None) != (b is None) for a, b in zip(mine, other, strict=True))
    pictures = all(int(output["overlays"]) == len(frames) for output in outputs.values())
    found, worst = sum(one is not None for one in mine), max(apart, default=0.0)
    same = pictures and worst <= SAME_KELVIN and differ <= 0.05 * len(whole)
    return Agreement(same, f"{found} of {len(whole)} true spots, {differ} by one side only, ΔT to {worst:.2f} K")


def delta_at(output: Any, frame: str, spot: dict[str, Any]) -> float | None:
    """Return the difference reported at a true spot, or None where nothing is reported."""
    apart = np.hypot(*(output["spot"][:, :2] - [spot["row"], spot["col"]]).T)
    there = np.flatnonzero((output["frame"] == Path(frame).stem) & (apart <= NEAR))
    return float(output["spot"][there[0], 2]) if len(there) else None


CONTENDERS = (
    Contender("classicseg", "ours"),
    Contender("flyr + scikit-learn + scikit-image", "reference", ("flyr", "scikit-learn", "scikit-image")),
)

CASE = Case(
    name="pipeline",
    title="From FLIR frames to label images, overlays, tables and a report",
    contenders=CONTENDERS,
    rows=rows,
    agree=agree,
    floors={CONTENDERS[1].name: 8},
)
