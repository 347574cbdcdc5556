"""Find the module rows in a thermal frame: smooth, framed, rectangular, repeated.

k-means over [T, x, y] and local texture tells smooth surfaces from rough ones; their connected regions that fill a
parallelogram and look like their neighbours are modules. Temperature alone cannot do it: dry soil between two rows
is as warm as the modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg.cluster import kmeans
from classicseg.regions import connected_regions, merge_small_regions
from classicseg.thermal._lattice import Cells, missing, regular
from classicseg.thermal._windows import closed

N_CLUSTERS = 6
ENOUGH = 16384  # pixels: so many give the centers as well as all of them do
TOL = 0.005  # octaves: where k-means stops sooner, what it finds depends on the pixels that it saw
THINNING = (8, 4, 2, 1)  # of rows and columns, the first that leaves enough
TEMPERATURE_WEIGHT = 4.0  # the 5-95 % range of temperatures, in octaves of texture
POSITION_WEIGHT = 0.5  # the whole frame, in octaves of texture
SMOOTH = 1.25  # octaves above the noise; modules reach 0.4-1.25, soil and grass 1.6-4
DOUBT = 0.2  # octaves: where a center lies so near SMOOTH, k-means from other pixels puts it on the other side
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


def find_modules(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> Modules | None:
    """Return the modules seen in `values` (M, N), or None where there is no row of at least four.

    Works in any unit: texture is measured against the frame's own noise.
    """
    if not inside.any():
        return None
    seen = _most_regular(values, inside)
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


def _most_regular(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> _Seen:
    """Part the frame at `SMOOTH`, or beside the center that lies on it, whichever shows more modules."""
    temperature, texture, steps = _measures(values, inside)
    centers = _centers(temperature, texture, steps, inside)
    best: _Seen | None = None
    for is_smooth in _cuts(centers[:, 3]):
        smooth = np.empty(values.shape, bool)
        kernels_for(values, "modules").nearest_is(
            temperature, texture, steps, centers.astype(np.float32), is_smooth, smooth
        )
        smooth &= inside
        regions, found = _cells(smooth, inside)
        seen = _Seen(smooth, regions, found, regular(found[found.filling > FILLING]))
        if best is None or len(seen.cells) > len(best.cells):  # strict: a tie goes to the usual cut
            best = seen
    assert best is not None  # the usual cut is always tried
    return best


def _cuts(texture: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return which centers are smooth: below `SMOOTH`, then with the doubtful ones above and below it moved over."""
    cuts = [texture < SMOOTH]
    above, below = texture[texture >= SMOOTH], texture[texture < SMOOTH]
    if above.size and above.min() < SMOOTH + DOUBT:
        cuts.append(texture <= above.min())
    if below.size > 1 and below.max() > SMOOTH - DOUBT:
        cuts.append(texture < below.max())
    return cuts


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


def _measures(
    values: NDArray[np.float32], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return temperature and local texture (M, N) and the steps of column and row, in octaves of texture."""
    kernels = kernels_for(values, "roughness")
    mean, variance, texture = (np.empty(values.shape, np.float32) for _ in range(3))
    kernels.local_variance(values, inside, mean, variance)
    # every 7th pixel gives the quantiles within a hundredth of the range
    some = slice(None, None, 7) if inside.all() else np.flatnonzero(inside)[::7]
    level, spread = np.sort(mean.ravel()[some]), np.sort(variance.ravel()[some])
    noise = float(np.sqrt(spread[len(level) // 10]))
    kernels.octaves(variance, max(noise, 1e-6 * (1 + float(level[-1] - level[0]))), texture)
    low, high = level[len(level) // 20], level[-1 - len(level) // 20]
    scale = TEMPERATURE_WEIGHT / max(float(high - low), 1e-6)
    temperature = np.clip((mean - low) * scale, -0.2 * TEMPERATURE_WEIGHT, 1.2 * TEMPERATURE_WEIGHT)
    steps = np.array([POSITION_WEIGHT / values.shape[1], POSITION_WEIGHT / values.shape[0]], np.float32)
    return temperature, texture, steps


def _centers(
    temperature: NDArray[np.float32],
    texture: NDArray[np.float32],
    steps: NDArray[np.float32],
    inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return the centers (K, 4) of temperature, column and row times `steps`, and texture, from some of the pixels."""
    step = thinning(inside)
    thin = np.s_[::step, ::step]
    features = np.empty((*temperature[thin].shape, 4), np.float32)
    features[..., 0] = temperature[thin]
    features[..., 1] = np.arange(0, temperature.shape[1], step) * steps[0]
    features[..., 2] = np.arange(0, temperature.shape[0], step)[:, None] * steps[1]
    features[..., 3] = texture[thin]
    n_clusters = min(N_CLUSTERS, int(np.count_nonzero(inside[thin])))
    mask = None if inside.all() else inside[thin]
    return kmeans(features, n_clusters, init="k-means++", mask=mask, tol=TOL, rng=0).centers


def thinning(inside: NDArray[np.bool_]) -> int:
    """Return the step between rows and columns that leaves enough pixels."""
    return next(step for step in THINNING if step == 1 or np.count_nonzero(inside[::step, ::step]) >= ENOUGH)


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
