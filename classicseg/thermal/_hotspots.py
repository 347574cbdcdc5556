"""Hot spots on solar modules: every module is compared with its neighbours, place by place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_finite, check_float, check_image, check_int, check_mask
from classicseg.regions import connected_regions
from classicseg.thermal._image import ThermalImage
from classicseg.thermal._lattice import offsets
from classicseg.thermal._severity import SeverityProfile, load_profile
from classicseg.thermal._smooth import Method, windows_of
from classicseg.thermal._spots import PATCH_AREA, Spots, ranked, spilled, strong, tabulated
from classicseg.thermal._surfaces import Modules, find_modules
from classicseg.thermal._windows import closed, maximum, widened

N_NEIGHBOURS = 8  # modules that vote on what is normal at a place
FEWEST_VOTES = 3
LEEWAY = 2  # pixels: a neighbour shows the maximum within, so that a shifted frame is no finding
RIM = 3  # pixels from a module's smooth inside to its frame
REACH = 12  # pixels: hotter ground so near explains what looks warm at the edge of a row
SAMPLE = 3  # every third pixel of the modules tells the noise to a percent
EXTENT = 3.5  # noise deviations of a spot's outermost pixels


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
    method: Method = "kmeans",
    spatial_bandwidth: int | None = None,
    range_bandwidth: float | None = None,
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
    method : {"kmeans", "mean_shift"}, default "kmeans"
        How smooth surfaces are told from rough ones. Mean shift asks each pixel's surroundings, and no number of
        clusters for the whole frame; k-means is faster, and sees modules that are narrower than about 12 pixels.
    spatial_bandwidth : int, optional
        For ``"mean_shift"``: radius of its window in pixels, 1 to 64; below half the shorter side of a module.
        Default: 3.
    range_bandwidth : float, optional
        For ``"mean_shift"``: radius of its window in octaves of texture, 0.05 to 8. An octave is a doubling of the
        local deviation; a quarter of the frame's range of temperatures counts as much. Default: 0.4.

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
    1. k-means over [T, x, y] and local texture, or the modes that mean shift over the same finds, and
       `connected_regions` and `merge_small_regions` give smooth regions; those that fill a parallelogram and have
       similar neighbours are modules. Modules that are missing between others are put back.
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
    windows = windows_of(method, spatial_bandwidth, range_bandwidth)
    modules = find_modules(values, inside, windows)
    labels = np.zeros(values.shape, np.int32)
    if modules is None:
        nothing = tabulated([], np.empty(0, np.int64), values.ravel(), values.shape[1], unit, chosen)
        return HotspotsResult(labels, labels.copy(), nothing, unit, chosen.name, 0)
    rows = modules.owner > 0
    spots, reference = _find(values, inside, modules)
    warmth = values.ravel()[spots.place]
    found = ranked(spots, warmth, reference, min_area, least if unit == "celsius" else 0.0)
    for number, (_, _, pixels) in enumerate(found, start=1):
        labels.ravel()[spots.place[pixels]] = number
    return HotspotsResult(
        labels,
        connected_regions(rows, mask=rows),
        tabulated(found, spots.place, warmth, values.shape[1], unit, chosen),
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
    values = array if inside.all() else np.where(inside, array, 0)
    values = check_finite("image", values, "mark such pixels False in mask")
    return np.ascontiguousarray(values, np.float32), inside, unit


def _find(
    values: NDArray[np.float32], inside: NDArray[np.bool_], modules: Modules
) -> tuple[Spots, NDArray[np.float32]]:
    """Return what exceeds its neighbours, spots that may lie in pieces, and the reference at each of their pixels."""
    compare = kernels_for(values, "modules").compare
    steps = offsets(modules.centers, N_NEIGHBOURS)
    rows = modules.owner > 0
    # What lies outside the frames of the neighbours as well is frame, or ground at the edge of a row: never a finding.
    within = widened(modules.cells, RIM) & inside
    seen = values if inside.all() else np.where(inside, values, np.float32(-np.inf))  # nodata is never the maximum
    forgiving = np.empty_like(values)
    compare(maximum(seen, LEEWAY), modules.owner, rows, within, steps, FEWEST_VOTES, forgiving)
    excess = values - forgiving  # NaN where there is nothing to compare with
    usual = excess[modules.cells]
    usual = usual[np.isfinite(usual)][::SAMPLE]
    if usual.size == 0:
        return Spots.of(np.empty(0, np.int64), np.empty(0, np.int32)), np.empty(0, np.float32)
    middle = median(usual)  # below 0: the maximum of noise lies above its middle
    noise = 1.4826 * float(median(np.abs(usual - middle)))
    excess -= middle
    excess /= max(noise, 1e-6)
    hot = excess > EXTENT
    bridged = hot | closed(hot, modules.gap // 2)  # across the frames between modules
    place = np.flatnonzero(hot)
    spots = Spots.of(place, connected_regions(bridged, 2, mask=bridged).ravel()[place])
    spots = spots[strong(spots, excess.ravel()[spots.place], PATCH_AREA * modules.area)]
    # A hotter patch of ground reaches into a row by the blur of the optics: what leads up to it is no finding.
    ground = seen.copy()
    ground[widened(rows, RIM)] = -np.inf
    ground = maximum(ground, REACH)
    spots = spots[~spilled(spots, values.ravel()[spots.place], ground.ravel()[spots.place])]
    on_spots = np.zeros(values.shape, bool)
    on_spots.ravel()[spots.place] = True
    compare(values, modules.owner, on_spots, within, steps, FEWEST_VOTES, forgiving)
    return spots, forgiving.ravel()[spots.place]


def median(values: NDArray[np.float32]) -> np.float32:
    """Return the median; sorting is vector code and three times as fast as NumPy's selection."""
    ordered = np.sort(values)
    return np.float32(np.float32(0.5) * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]))
