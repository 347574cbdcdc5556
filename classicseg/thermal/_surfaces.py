"""Find the module rows in a thermal frame: smooth, framed, rectangular, repeated.

k-means over [T, x, y] and local texture, or mean shift, tells smooth surfaces from rough ones; their connected regions
that fill a parallelogram and look like their neighbours are modules. Temperature alone cannot do it: dry soil between
two rows is as warm as the modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg.regions import connected_regions, merge_small_regions
from classicseg.thermal._lattice import Cells, missing, regular
from classicseg.thermal._smooth import Windows, smooth_parts
from classicseg.thermal._windows import closed

FILLING = 0.8  # of a parallelogram; a ragged patch of ground reaches 0.4-0.8
PUT_BACK_SMOOTH = 0.45  # share of smooth pixels in a module put back: 0.6-1 on those of real frames
PUT_BACK_COLDER = 1.5  # times the range of the modules around it; ground and shadow beside a row are colder
LARGEST = 0.03  # share of the frame: larger smooth areas are sky, water, shadow
FEWEST_MODULES = 4
SPECK = 2e-4  # share of the frame: smaller islands belong to what surrounds them


@dataclass(frozen=True)
class Modules:
    """Modules of a frame: the owner of each pixel of a row, and where the modules are."""

    owner: NDArray[np.int32]  # (M, N): 1-based module of each pixel of the rows, frames included; 0 elsewhere
    cells: NDArray[np.bool_]  # (M, N): inside a module's frame
    centers: NDArray[np.float64]  # (n, 2) row, column
    area: float  # median area of a module inside its frame, pixels
    gap: int  # half the widest gap closed between modules of a row, pixels


def find_modules(
    values: NDArray[np.float32], inside: NDArray[np.bool_], windows: Windows | None = None
) -> Modules | None:
    """Return the modules seen in `values` (M, N) of any unit, or None where there is no row of at least four.

    Smooth surfaces are found by mean shift with `windows`, else by k-means.
    """
    if not inside.any():
        return None
    seen = _most_regular(values, inside, windows)
    cells = seen.cells
    if len(cells) < FEWEST_MODULES:
        return None
    number = np.zeros(int(seen.regions.max()) + 1, np.int32)
    number[cells.index] = np.arange(1, len(cells) + 1)
    owner = seen.regions  # from here on
    kernels_for(owner, "regions").relabel(owner, number)
    doubtful = seen.found[(number[seen.found.index] == 0) & (seen.found.area > 0.5 * np.median(cells.area))]
    centers = _put_back(owner, cells, doubtful.centers, values, seen.smooth, inside)
    within = owner > 0
    _, shorter = cells.sides
    gap = int(np.clip(np.ceil(0.38 * np.median(shorter)), 4, 16))
    rows = closed(within, gap) & inside
    kernels_for(values, "modules").nearest_owner(owner, rows)
    return Modules(owner, within, centers, float(np.median(cells.area)), gap)


@dataclass(frozen=True)
class _Seen:
    """A frame parted into smooth and rough."""

    smooth: NDArray[np.bool_]  # (M, N)
    regions: NDArray[np.int32]  # (M, N) region labels of equal texture
    found: Cells  # the smooth ones no larger than a module may be
    cells: Cells  # those of them that are modules


def _most_regular(values: NDArray[np.float32], inside: NDArray[np.bool_], windows: Windows | None) -> _Seen:
    """Part the frame into smooth and rough; of several ways to, take the one that shows most modules."""
    best: _Seen | None = None
    for smooth in smooth_parts(values, inside, windows):
        regions, found = _cells(smooth, inside)
        seen = _Seen(smooth, regions, found, regular(found[found.filling > FILLING]))
        if best is None or len(seen.cells) > len(best.cells):  # strict: a tie goes to the usual way
            best = seen
    assert best is not None  # there is always one
    return best


def _cells(smooth: NDArray[np.bool_], inside: NDArray[np.bool_]) -> tuple[NDArray[np.int32], Cells]:
    """Return the regions of equal texture, and those of them that are smooth and no larger than a module may be."""
    regions = connected_regions(smooth, mask=inside)
    regions = merge_small_regions(regions, max(24, round(SPECK * smooth.size)))
    sums = np.zeros((int(regions.max()), 7), np.int64)
    kernels_for(regions, "modules").moments(regions, smooth, sums)
    regions, sums = _filled(regions, sums)
    area = np.maximum(sums[:, 0], 1).astype(np.float64)
    mean = sums[:, 1:] / area[:, None]
    spread = mean[:, 2:5] - np.stack([mean[:, 0] ** 2, mean[:, 1] ** 2, mean[:, 0] * mean[:, 1]], axis=1)
    cells = Cells(np.arange(1, len(area) + 1), mean[:, :2], area, spread)
    return regions, cells[(mean[:, 5] > 0.5) & (area < LARGEST * smooth.size)]


def _filled(regions: NDArray[np.int32], sums: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give every rough region that lies wholly within one other to that one: a hot spot is part of its module."""
    kernels = kernels_for(regions, "regions")
    sole = np.empty(len(sums) + 1, np.int32)
    kernels.sole_neighbours(regions, sole)
    holes = np.flatnonzero((sole[1:] > 0) & (2 * sums[:, 6] < sums[:, 0])) + 1
    number = np.arange(len(sums) + 1, dtype=np.int32)
    number[holes] = sole[holes]
    regions = regions.copy()
    kernels.relabel(regions, number)
    moved = sums[holes - 1]
    sums[holes - 1] = 0
    np.add.at(sums, sole[holes] - 1, moved)
    return regions, sums


def _put_back(
    owner: NDArray[np.int32],
    cells: Cells,
    doubtful: NDArray[np.float64],
    values: NDArray[np.float32],
    smooth: NDArray[np.bool_],
    inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Give the missing modules the shape of a neighbour, in `owner`, where there is one to see; return all centers."""
    centers = list(cells.centers)
    gaps = missing(cells, doubtful)
    if not gaps:
        return np.array(centers)
    boxes, total = np.empty((len(cells), 4), np.int64), np.zeros(len(cells))
    kernels_for(values, "modules").extents(owner, values, boxes, total)
    usual = total / cells.area
    for center, source in gaps:
        around = usual[np.argsort(np.hypot(*(cells.centers - center).T), kind="stable")[:8]]
        coldest = around.min() - PUT_BACK_COLDER * np.ptp(around)
        top, left, bottom, right = boxes[source]
        pixels = np.argwhere(owner[top:bottom, left:right] == source + 1)
        pixels += boxes[source, :2] + np.rint(center - cells.centers[source]).astype(np.int64)
        pixels = pixels[((pixels >= 0) & (pixels < owner.shape)).all(axis=1)]
        rows, cols = pixels[owner[pixels[:, 0], pixels[:, 1]] == 0].T
        seen = inside[rows, cols]
        if (
            not seen.any()
            or np.mean(smooth[rows, cols]) < PUT_BACK_SMOOTH
            or np.percentile(values[rows, cols][seen], 20) < coldest
        ):
            continue  # ground between two rows, as far apart as modules are
        centers.append(center)
        owner[rows[seen], cols[seen]] = len(centers)
    return np.array(centers)
