"""Spots as lists of pixels: few of a frame's pixels lie on one, so nothing here looks at a whole frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.thermal._severity import UNKNOWN, SeverityProfile

PEAK = 8.0  # a spot's hottest pixel, in noise deviations
PATCH_AREA = 0.1  # of a module: so large an area, a substring say, needs less
PATCH = 4.0  # noise deviations of its median


@dataclass(frozen=True)
class Spots:
    """Pixels of spots: those of one spot lie together, in raster order; spots are in the order of their labels."""

    place: NDArray[np.int64]  # (n,) flat index of each pixel
    spot: NDArray[np.int64]  # (n,) number of its spot, from 0 without gaps
    start: NDArray[np.int64]  # (k,) where the pixels of each spot begin

    @classmethod
    def of(cls, place: NDArray[np.int64], label: NDArray[Any]) -> Spots:
        """Group the pixels `place` by their `label`."""
        order = np.argsort(label, kind="stable")
        first = np.diff(label[order], prepend=-1) != 0
        return cls(place[order], np.cumsum(first) - 1, np.flatnonzero(first))

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, keep: NDArray[np.bool_]) -> Spots:
        """Return the spots for which `keep` (k,) is True."""
        chosen = keep[self.spot]
        return Spots.of(self.place[chosen], self.spot[chosen])

    @property
    def area(self) -> NDArray[np.int64]:
        """Pixels of each spot."""
        return np.diff(self.start, append=len(self.place))

    def largest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return for each spot the largest of its `values` (n,)."""
        return np.asarray(np.maximum.reduceat(values, self.start) if len(self) else values)

    def pixels(self, number: int) -> slice:
        """Return where the pixels of one spot lie."""
        return slice(self.start[number], self.start[number + 1] if number + 1 < len(self) else None)


def strong(spots: Spots, excess: NDArray[np.float32], patch_area: float) -> NDArray[np.bool_]:
    """Return for each spot whether it is hot enough for its size; `excess` is that of each pixel."""
    found = spots.largest(excess) >= PEAK
    for number in np.flatnonzero(~found & (spots.area >= patch_area)).tolist():
        found[number] = np.median(excess[spots.pixels(number)]) >= PATCH
    return np.asarray(found)


def spilled(spots: Spots, values: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each spot whether most of it lies near ground that is hotter than all of it."""
    hotter = np.bincount(spots.spot, ground >= spots.largest(values)[spots.spot], len(spots))
    return np.asarray(2 * hotter > spots.area)


def ranked(
    spots: Spots,
    values: NDArray[np.float32],
    reference: NDArray[np.float32],
    min_area: int,
    min_delta: float,
) -> list[tuple[float, float, slice]]:
    """Return (difference, reference, pixels) of the spots that are large and hot enough.

    The largest difference comes first, of equal ones the one with the first label.
    """
    found = []
    for number in np.flatnonzero(spots.area >= min_area).tolist():
        pixels = spots.pixels(number)
        middle = float(np.nanmedian(reference[pixels]))
        delta = float(values[pixels].max()) - middle
        if delta >= min_delta:
            found.append((delta, middle, pixels))
    return sorted(found, key=lambda spot: -spot[0])


def tabulated(
    found: list[tuple[float, float, slice]],
    place: NDArray[np.int64],
    values: NDArray[np.float32],
    n_cols: int,
    unit: str,
    profile: SeverityProfile,
) -> dict[str, NDArray[Any]]:
    """Return the table of `HotspotsResult`; `place` and `values` are those of all pixels."""
    rows = [
        (label, *_measured(*np.divmod(place[pixels], n_cols), values[pixels]), middle, delta)
        for label, (delta, middle, pixels) in enumerate(found, start=1)
    ]
    columns = np.array(rows, np.float64).reshape(len(rows), 14).T
    names = ("label", "row", "col", "row_min", "col_min", "row_max", "col_max", "area_px")
    kinds = (np.int32, np.float64, np.float64, *[np.int32] * 4, np.int64)
    table: dict[str, NDArray[Any]] = {n: c.astype(k) for n, c, k in zip(names, columns, kinds)}
    for name, column in zip(("min", "mean", "median", "max", "reference", "delta"), columns[8:]):
        table[f"{name}_{unit}"] = column
    severities = [profile.severity(d) if unit == "celsius" else UNKNOWN for d in columns[13]]
    table["severity"] = np.array(severities, dtype=np.str_)
    return table


def _measured(rows: NDArray[np.int64], cols: NDArray[np.int64], values: NDArray[np.float32]) -> list[float]:
    """Return centroid, box, area, and least, mean, median and largest value of a spot."""
    top, left, bottom, right = rows.min(), cols.min(), rows.max() + 1, cols.max() + 1
    exact = values.astype(np.float64)
    place = [top + (rows - top).mean(), left + (cols - left).mean(), top, left, bottom, right, len(rows)]
    return [*place, exact.min(), exact.mean(), float(np.median(exact)), exact.max()]
