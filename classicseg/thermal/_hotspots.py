"""Hot spots on solar modules: every module is compared with its neighbours, place by place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from classicseg._kernels import kernels_for
from classicseg._validate import check_finite, check_float, check_image, check_int, check_mask
from classicseg.regions import connected_regions
from classicseg.thermal._image import ThermalImage
from classicseg.thermal._lattice import offsets
from classicseg.thermal._severity import UNKNOWN, SeverityProfile, load_profile
from classicseg.thermal._surfaces import Modules, find_modules
from classicseg.thermal._windows import closed, maximum, widened

N_NEIGHBOURS = 8  # modules that vote on what is normal at a place
FEWEST_VOTES = 3
LEEWAY = 2  # pixels: a neighbour shows the maximum within, so that a shifted frame is no finding
RIM = 3  # pixels from a module's smooth inside to its frame
REACH = 12  # pixels: hotter ground so near explains what looks warm at the edge of a row
SAMPLE = 3  # every third pixel of the modules tells the noise to a percent
PEAK = 8.0  # a spot's hottest pixel, in noise deviations
EXTENT = 3.5  # its outermost pixels
PATCH_AREA = 0.1  # of a module: so large an area, a substring say, needs less
PATCH = 4.0  # noise deviations of its median


@dataclass(frozen=True)
class HotspotsResult:
    """Hot spots of one frame.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        0 where there is no hot spot, else the number of the hot spot, which is row ``number - 1`` of the table.
    surfaces : ndarray of int32, shape (M, N)
        Region labels of the module rows that were searched; 0 on ground, sky and nodata.
    table : dict of str to ndarray
        One row per hot spot, largest difference first: `label`; `row`, `col` (centroid, pixels); `row_min`,
        `col_min`, `row_max`, `col_max` (box, half open); `area_px`; `min_`, `mean_`, `median_`, `max_`,
        `reference_` and `delta_` with the suffix `celsius` or `counts`; `severity`. pandas and pyarrow take it as
        it is.
    unit : {"celsius", "counts"}
        Unit of the values in the table.
    profile : str
        Name of the severity profile.
    n_modules : int
        Modules found in the frame.
    """

    labels: NDArray[np.int32]
    surfaces: NDArray[np.int32]
    table: dict[str, NDArray[Any]]
    unit: Literal["celsius", "counts"]
    profile: str
    n_modules: int

    def __len__(self) -> int:
        """Return the number of hot spots."""
        return len(self.table["label"])


def find_hotspots(
    image: ThermalImage | ArrayLike,
    *,
    profile: str | Path | SeverityProfile = "IEC-62446-3-style",
    min_delta: float | None = None,
    min_area: int = 4,
    mask: ArrayLike | None = None,
) -> HotspotsResult:
    """Find regions of solar modules that are hotter than the same place on the modules around them.

    Parameters
    ----------
    image : ThermalImage or array_like, shape (M, N)
        A frame from `read`, or temperatures in °C; NaN is nodata.
    profile : str, Path or SeverityProfile, default "IEC-62446-3-style"
        Severity profile by name, or a TOML file of the same form.
    min_delta : float, optional
        Smallest difference to report, K; default: the profile's. Below about 8 times the noise between modules
        nothing is reported, whatever this says. Not used on a frame in counts.
    min_area : int, default 4
        Smallest hot spot, pixels. Below 4 a dead pixel can pass.
    mask : array_like of bool, shape (M, N), optional
        True where to look.

    Returns
    -------
    HotspotsResult
        Label image, module rows and a table. A frame without at least four modules in view gives an empty table
        and ``n_modules=0``; use `heat_in_boxes` with boxes of your own there.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    1. k-means over [T, x, y] and local texture, `connected_regions` and `merge_small_regions` find smooth regions;
       those that fill a parallelogram and have similar neighbours are modules. Modules that are missing between
       others are put back.
    2. The reference at a pixel is the median of the same place on the 8 nearest modules, so that junction boxes,
       frames, vignetting and gradients along a row are not findings, and warm soil between rows is never looked at.
    3. What exceeds it by 3.5 noise deviations (1.4826 times the median absolute difference) is one hot spot per
       connected region, frames between modules bridged. It is reported when its hottest pixel reaches 8, or when
       it covers a tenth of a module with a median of 4, and when no hotter ground lies near most of it.

    `delta` is the maximum minus the reference (median over the spot). Where more than half of the neighbours are
    as hot, a whole string out of service for example, the comparison sees nothing.

    Examples
    --------
    >>> result = find_hotspots(np.full((64, 64), 30.0, np.float32))
    >>> len(result), result.n_modules
    (0, 0)
    """
    values, inside, unit = _values(image, mask)
    chosen = load_profile(profile)
    least = chosen.min_delta_celsius if min_delta is None else check_float("min_delta", min_delta, low=0)
    min_area = check_int("min_area", min_area, low=1)
    modules = find_modules(values, inside)
    if modules is None:
        nothing = np.zeros(values.shape, np.int32)
        return HotspotsResult(
            nothing, nothing.copy(), _table(nothing, values, values, unit, chosen), unit, chosen.name, 0
        )
    spots, reference = _find(values, inside, modules)
    labels = _ranked(spots, values, reference, min_area, least if unit == "celsius" else 0.0)
    return HotspotsResult(
        labels,
        connected_regions(modules.owner > 0, mask=modules.owner > 0),
        _table(labels, values, reference, unit, chosen),
        unit,
        chosen.name,
        len(modules.centers),
    )


def _values(
    image: ThermalImage | ArrayLike, mask: ArrayLike | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Literal["celsius", "counts"]]:
    """Return what to look at, float32 without NaN, where it is valid, and its unit."""
    own_mask = None
    unit: Literal["celsius", "counts"] = "celsius"
    if isinstance(image, ThermalImage):
        array, own_mask, unit = image.values, image.mask, image.unit
    else:
        array = check_image("image", image, ndim=(2,))
    inside = np.isfinite(array)
    for part in (own_mask, check_mask(mask, array.shape)):
        if part is not None:
            inside &= part
    values = check_finite("image", np.where(inside, array, 0), "mark such pixels False in mask")
    return values.astype(np.float32), inside, unit


def _find(
    values: NDArray[np.float32], inside: NDArray[np.bool_], modules: Modules
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return candidate spots as region labels that may lie in pieces, and the reference on them."""
    compare = kernels_for(values, "modules").compare
    steps = offsets(modules.centers, N_NEIGHBOURS)
    rows = modules.owner > 0
    # What lies outside the frames of the neighbours as well is frame, or ground at the edge of a row: never a finding.
    within = widened(modules.cells, RIM) & inside
    seen = np.where(inside, values, np.float32(-np.inf))  # nodata is never the maximum
    forgiving = np.empty_like(values)
    compare(maximum(seen, LEEWAY), modules.owner, rows, within, steps, FEWEST_VOTES, forgiving)
    excess = values - forgiving
    usual = excess[modules.cells & np.isfinite(excess)][::SAMPLE]
    if usual.size == 0:
        return np.zeros(values.shape, np.int32), forgiving
    middle = np.median(usual)  # below 0: the maximum of noise lies above its middle
    noise = 1.4826 * float(np.median(np.abs(usual - middle)))
    excess -= middle
    excess = np.nan_to_num(excess / max(noise, 1e-6), nan=0.0)
    hot = (excess > EXTENT) & rows
    bridged = hot | closed(hot, modules.gap // 2)  # across the frames between modules
    labels = np.where(hot, connected_regions(bridged, 2, mask=bridged), 0)
    # A hotter patch of ground reaches into a row by the blur of the optics: what leads up to it is no finding.
    ground = maximum(np.where(widened(rows, RIM), np.float32(-np.inf), seen), REACH)
    strong = _strong(labels, excess, PATCH_AREA * modules.area) & ~_spilled(labels, values, ground)
    labels = np.asarray(labels * strong[labels], np.int32)
    exact = np.full_like(values, np.nan)
    compare(values, modules.owner, labels > 0, within, steps, FEWEST_VOTES, exact)
    return labels, exact


def _strong(labels: NDArray[np.int32], excess: NDArray[np.float32], patch_area: float) -> NDArray[np.bool_]:
    """Return for each label whether it is hot enough for its size; label 0 is not."""
    strong = np.zeros(int(labels.max()) + 1, bool)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        values = excess[box][labels[box] == label]
        strong[label] = values.max() >= PEAK or (len(values) >= patch_area and np.median(values) >= PATCH)
    return strong


def _spilled(labels: NDArray[np.int32], values: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each label whether most of it lies near ground that is hotter than all of it."""
    spot = labels > 0
    label, warmth = labels[spot], values[spot]
    hottest = np.full(int(labels.max()) + 1, -np.inf, np.float32)
    np.maximum.at(hottest, label, warmth)
    hotter = np.bincount(label, ground[spot] >= hottest[label], len(hottest))
    return np.asarray(2 * hotter > np.bincount(label, minlength=len(hottest)))


def _ranked(
    labels: NDArray[np.int32],
    values: NDArray[np.float32],
    reference: NDArray[np.float32],
    min_area: int,
    min_delta: float,
) -> NDArray[np.int32]:
    """Keep the spots that are large and hot enough; number them by difference, equal ones by first pixel."""
    found = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        spot = labels[box] == label
        _, delta = _delta(values[box][spot], reference[box][spot])
        if np.count_nonzero(spot) >= min_area and delta >= min_delta:
            found.append((-delta, label))
    number = np.zeros(int(labels.max()) + 1, np.int32)
    for rank, (_, label) in enumerate(sorted(found), start=1):
        number[label] = rank
    return np.asarray(number[labels])


def _delta(values: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[float, float]:
    """Return the reference of a spot and how far its hottest pixel lies above it."""
    middle = float(np.nanmedian(reference))
    return middle, float(values.max()) - middle


def _table(
    labels: NDArray[np.int32],
    values: NDArray[np.float32],
    reference: NDArray[np.float32],
    unit: str,
    profile: SeverityProfile,
) -> dict[str, NDArray[Any]]:
    rows = [
        _row(labels, label, box, values, reference) for label, box in enumerate(ndimage.find_objects(labels), start=1)
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


def _row(
    labels: NDArray[np.int32],
    label: int,
    box: tuple[slice, slice],
    values: NDArray[np.float32],
    reference: NDArray[np.float32],
) -> list[float]:
    spot = labels[box] == label
    rows, cols = np.nonzero(spot)
    found = values[box][spot].astype(np.float64)
    middle, delta = _delta(values[box][spot], reference[box][spot])
    top, left = box[0].start, box[1].start
    place = [label, top + rows.mean(), left + cols.mean(), top, left, box[0].stop, box[1].stop, len(found)]
    return [*place, found.min(), found.mean(), float(np.median(found)), found.max(), middle, delta]
