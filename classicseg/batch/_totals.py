"""Counts over a whole run, from one pass over the manifest."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from classicseg.batch._manifest import Row
from classicseg.batch._outcome import UNREFINED

MAX_SPOTS = 2000  # rows of the report's table, hottest first; the CSV has them all
MAX_PICTURES = 60  # frames with a picture in the report, hottest first
MAX_LISTED = 1000  # failures and frames listed in the report
UNKNOWN_CAMERA = ""
MAX_DISTINCT = 200  # different notes or cameras told apart
_COUNTED = re.compile(r"(.*): ([0-9]+) pixels?$", re.DOTALL)  # a note on some pixels, as the reader writes it


@dataclass
class Span:
    """How often something was met, and between which numbers."""

    count: int = 0
    low: float | None = None
    high: float | None = None

    def add(self, value: float | None) -> None:
        """Count one more."""
        self.count += 1
        if value is not None:
            self.low = value if self.low is None else min(self.low, value)
            self.high = value if self.high is None else max(self.high, value)


@dataclass
class Totals:
    """What the summary and the report say about all frames together; bounded whatever their number."""

    n_frames: int = 0
    n_done: int = 0
    n_failed: int = 0
    n_not_radiometric: int = 0
    n_uncalibrated: int = 0
    n_without_modules: int = 0
    n_unrefined: int = 0
    n_with_hotspots: int = 0
    n_hotspots: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)  # of a semantic refiner, in its order -> pixels
    kinds: Counter[str] = field(default_factory=Counter)
    cameras: Counter[str] = field(default_factory=Counter)
    parameters: dict[str, dict[tuple[str, str], Span]] = field(default_factory=dict)  # name -> unit, source -> values
    notes: dict[str, Span] = field(default_factory=dict)  # text without a number of pixels -> those numbers
    n_other_notes: int = 0  # times that notes beyond `MAX_DISTINCT` different ones were met
    first_time: str | None = None
    last_time: str | None = None
    spots: list[tuple[float, int, str, dict[str, Any]]] = field(default_factory=list)  # delta, -order, file, row
    pictured: list[tuple[float, int, str]] = field(default_factory=list)  # delta, -order, file

    def add(self, row: Row) -> None:
        """Count one frame."""
        self.n_frames += 1
        if row.state != "done":
            self.kinds[row.kind] += 1
            self.n_not_radiometric += row.kind == "not-radiometric"
            self.n_failed += row.kind != "not-radiometric"
            return
        self.n_done += 1
        record = row.record
        self.n_uncalibrated += not record["calibrated"]
        self.n_without_modules += record["modules"] == 0
        self.n_unrefined += row.kind == UNREFINED
        if record.get("refined", {}).get("task") == "semantic":
            self.classes.update(record["refined"].get("classes", {}))
        camera = camera_text(record["camera"]) or UNKNOWN_CAMERA
        if camera in self.cameras or len(self.cameras) < MAX_DISTINCT:
            self.cameras[camera] += 1
        for note in record["notes"]:
            self._add_note(note)
        for name, parameter in record["parameters"].items():
            source = parameter["source"] + ("" if record["calibrated"] else ", not used")
            spans = self.parameters.setdefault(name, {})
            spans.setdefault((parameter["unit"], source), Span()).add(parameter["value"])
        self._add_time(record["time"])
        self._add_spots(row, record["hotspots"])

    def _add_note(self, note: str) -> None:
        match = _COUNTED.match(note)
        text, number = (match[1], float(match[2])) if match else (note, None)
        if text in self.notes or len(self.notes) < MAX_DISTINCT:
            self.notes.setdefault(text, Span()).add(number)
        else:
            self.n_other_notes += 1

    def _add_time(self, time: str | None) -> None:
        if time is not None:
            self.first_time = min(self.first_time or time, time)
            self.last_time = max(self.last_time or time, time)

    def _add_spots(self, row: Row, spots: list[dict[str, Any]]) -> None:
        if not spots:
            return
        order = -self.n_frames
        self.n_with_hotspots += 1
        self.n_hotspots += len(spots)
        unit = row.record["unit"]
        hottest = max(heat(spot, unit) for spot in spots)
        _keep(self.pictured, (hottest, order, row.file), MAX_PICTURES)
        for spot in spots:
            self.severities[spot["severity"]] += 1
            shown = {**spot, "unit": unit, "position": row.record["position"]}
            _keep(self.spots, (heat(spot, unit), order, row.file, shown), MAX_SPOTS)


def heat(spot: dict[str, Any], unit: str) -> float:
    """Return by what hot spots are ranked: the difference, with those in °C before those in counts."""
    if spot["delta"] is None:
        return -1e30
    return float(spot["delta"]) - (0.0 if unit == "celsius" else 1e9)


class _Keyed(tuple[Any, ...]):
    """A tuple compared by its first two members, which are never equal to another's."""

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return bool(self[:2] < other[:2])


def _keep(heap: list[Any], item: tuple[Any, ...], limit: int) -> None:
    if len(heap) < limit:
        heapq.heappush(heap, _Keyed(item))
    elif heap[0] < item:
        heapq.heapreplace(heap, _Keyed(item))


def count(rows: Iterable[Row]) -> Totals:
    """Return the totals of all `rows`."""
    totals = Totals()
    for row in rows:
        totals.add(row)
    totals.spots.sort(key=lambda item: (-item[0], -item[1], item[3]["label"]))
    totals.pictured.sort(key=lambda item: (-item[0], -item[1]))
    return totals


def camera_text(camera: dict[str, Any]) -> str:
    """Return make and model as one text."""
    make, model = camera.get("make") or "", camera.get("model") or ""
    return model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
