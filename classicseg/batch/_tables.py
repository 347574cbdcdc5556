"""The tables of a run, written in the order of the plan from the manifest, one frame in memory at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import IO, Any

from classicseg.batch._manifest import Row
from classicseg.batch._options import BatchOptions, described
from classicseg.batch._plan import Problem
from classicseg.batch._totals import Totals

STATISTICS = ("min", "mean", "median", "max", "reference", "delta")
BOX = ("row_min", "col_min", "row_max", "col_max")
PARAMETERS = ("emissivity", "reflected_celsius", "atmospheric_celsius", "relative_humidity", "distance_m")

COLUMNS = (
    *("file", "label", "row", "col", *BOX, "area_px"),
    *(f"{name}_celsius" for name in STATISTICS),
    *(f"{name}_counts" for name in STATISTICS),
    *("severity", "profile", "refined", "class", "class_probability"),
    *("latitude", "longitude", "altitude_m", "time"),
    *(column for name in PARAMETERS for column in (name, f"{name}_source")),
)


def write_csv(file: IO[bytes], rows: Iterable[Row]) -> None:
    """Write one line per hot spot (RFC 4180, UTF-8); a cell without a value is empty."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        if row.state == "done":
            shared = _shared_cells(row)
            writer.writerows({**shared, **_spot_cells(spot, row.record["unit"])} for spot in row.record["hotspots"])
    text.flush()
    text.detach()


def _shared_cells(row: Row) -> dict[str, Any]:
    record = row.record
    position = record["position"]
    cells = {name: position.get(name, "") for name in ("latitude", "longitude", "altitude_m")}
    cells |= {"file": row.file, "profile": record["profile"], "time": record["time"] or ""}
    for name in PARAMETERS:
        parameter = record["parameters"].get(name)
        if parameter is not None:
            cells |= {name: parameter["value"], f"{name}_source": parameter["source"]}
    return cells


def _spot_cells(spot: dict[str, Any], unit: str) -> dict[str, Any]:
    named = {f"{name}_{unit}" if name in STATISTICS else name: value for name, value in spot.items()}
    return {name: "" if value is None else value for name, value in named.items()}


def write_geojson(file: IO[bytes], rows: Iterable[Row]) -> None:
    """Write one feature per hot spot (RFC 7946), at the position of its frame; without one the geometry is null."""
    file.write(b'{"type": "FeatureCollection", "features": [')
    separator = b"\n"
    for row in rows:
        if row.state != "done":
            continue
        geometry = _geometry(row.record["position"])
        for spot in row.record["hotspots"]:
            properties = {"file": row.file, **_spot_properties(spot, row.record), "position_of": "frame"}
            feature = {"type": "Feature", "geometry": geometry, "properties": properties}
            file.write(separator + _json(feature))
            separator = b",\n"
    file.write(b"\n]}\n")


def _geometry(position: dict[str, Any]) -> dict[str, Any] | None:
    latitude, longitude = position.get("latitude"), position.get("longitude")
    if latitude is None or longitude is None:
        return None
    altitude = position.get("altitude_m")
    height = [] if altitude is None else [altitude]
    return {"type": "Point", "coordinates": [longitude, latitude, *height]}


def _spot_properties(spot: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    named = {f"{name}_{record['unit']}" if name in STATISTICS else name: value for name, value in spot.items()}
    return {**named, "profile": record["profile"], "time": record["time"]}


def write_summary(
    file: IO[bytes], rows: Iterable[Row], totals: Totals, problems: Sequence[Problem], options: BatchOptions
) -> None:
    """Write the counts, the options, every frame with its parameters and their sources, and every failure."""
    head = {
        "frames": totals.n_frames,
        "done": totals.n_done,
        "failed": totals.n_failed,
        "not_radiometric": totals.n_not_radiometric,
        "uncalibrated": totals.n_uncalibrated,
        "without_modules": totals.n_without_modules,
        "unrefined": totals.n_unrefined,
        "hotspots": totals.n_hotspots,
        "frames_with_hotspots": totals.n_with_hotspots,
        "severities": dict(sorted(totals.severities.items())),
        "options": described(options),
        "inputs_not_read": [{"file": problem.file, "error": problem.message} for problem in problems],
    }
    file.write(json.dumps(head, indent=2, ensure_ascii=False, allow_nan=False).removesuffix("\n}").encode())
    file.write(b',\n  "results": [')
    separator = b"\n    "
    for row in rows:
        file.write(separator + _json(_result(row)))
        separator = b",\n    "
    file.write(b"\n  ]\n}\n")


def _result(row: Row) -> dict[str, Any]:
    if row.state != "done":
        return {"file": row.file, "state": row.state, "kind": row.kind, "error": row.error}
    record = {name: value for name, value in row.record.items() if name != "hotspots"}
    return {
        "file": row.file,
        "state": row.state,
        "outputs": sorted(row.outputs),
        **record,
        "hotspots": len(row.record["hotspots"]),
        "severities": _severities(row.record["hotspots"]),
    }


def _severities(spots: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for spot in spots:
        counts[spot["severity"]] = counts.get(spot["severity"], 0) + 1
    return dict(sorted(counts.items()))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
