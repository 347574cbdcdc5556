"""Tell the smooth surfaces of a thermal frame from the rough ones, by temperature and local texture.

Modules are smooth; soil, grass and the frames around the modules are rough. k-means or mean shift says where one ends
and the other begins. Texture is measured against the frame's own noise, so any unit will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_float, check_int, check_unused
from classicseg.cluster import kmeans, mean_shift_filter

N_CLUSTERS = 6
ENOUGH = 16384  # pixels: so many give the centers as well as all of them do
TOL = 0.005  # octaves: where k-means stops sooner, what it finds depends on the pixels that it saw
THINNING = (8, 4, 2, 1)  # of rows and columns, the first that leaves enough
TEMPERATURE_WEIGHT = 4.0  # the 5-95 % range of temperatures, in octaves of texture
BEYOND = 0.2  # of that range: temperatures farther outside it count as that far
POSITION_WEIGHT = 0.5  # the whole frame, in octaves of texture
SMOOTH = 1.25  # octaves above the noise; modules reach 0.4-1.25, soil and grass 1.6-4
DOUBT = 0.2  # octaves: where a center lies so near SMOOTH, k-means from other pixels puts it on the other side
LEVELS = 32  # of an octave, for mean shift: the 8 octaves of a byte are more than any frame has


Method = Literal["kmeans", "mean_shift"]
METHODS: tuple[Method, ...] = get_args(Method)
WIDEST, COARSEST, FINEST = 64, 8.0, 0.05  # pixels; octaves


class Windows(NamedTuple):
    """Windows of mean shift."""

    spatial_bandwidth: int = 3  # pixels: less than a module is wide, more than noise is
    range_bandwidth: float = 0.4  # octaves of texture


class Measures(NamedTuple):
    """What is known of each pixel, (M, N) in octaves of texture, and how far apart columns and rows are."""

    temperature: NDArray[np.float32]
    texture: NDArray[np.float32]
    steps: NDArray[np.float32]


def windows_of(method: object, spatial_bandwidth: object, range_bandwidth: object) -> Windows | None:
    """Return the windows of mean shift, None for k-means, which refuses bandwidths; None as a bandwidth is default."""
    given = {"spatial_bandwidth": spatial_bandwidth, "range_bandwidth": range_bandwidth}
    if check_choice("method", method, METHODS) == "kmeans":
        check_unused(given, "kmeans", "mean_shift")
        return None
    space, levels = Windows()
    if spatial_bandwidth is not None:
        space = check_int("spatial_bandwidth", spatial_bandwidth, low=1, high=WIDEST)
    if range_bandwidth is not None:
        levels = check_float("range_bandwidth", range_bandwidth, low=FINEST, high=COARSEST)
    return Windows(space, levels)


def smooth_parts(
    values: NDArray[np.float32], inside: NDArray[np.bool_], windows: Windows | None
) -> Iterator[NDArray[np.bool_]]:
    """Yield where `values` (M, N) are smooth: first the usual answer, then what it may be where that is doubtful.

    By mean shift with `windows`, else by k-means. The arrays are the caller's to change.
    """
    measures = _measures(values, inside)
    parts = _by_kmeans(measures, inside) if windows is None else _by_mean_shift(measures, inside, windows)
    for smooth in parts:
        smooth &= inside
        yield smooth


def _measures(values: NDArray[np.float32], inside: NDArray[np.bool_]) -> Measures:
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
    least, most = -BEYOND * TEMPERATURE_WEIGHT, (1 + BEYOND) * TEMPERATURE_WEIGHT
    temperature = np.clip((mean - low) * scale, least, most)
    steps = np.array([POSITION_WEIGHT / values.shape[1], POSITION_WEIGHT / values.shape[0]], np.float32)
    return Measures(temperature, texture, steps)


def _by_mean_shift(measures: Measures, inside: NDArray[np.bool_], windows: Windows) -> Iterator[NDArray[np.bool_]]:
    """Yield where the modes that pixels climb to are smooth."""
    image = np.empty((*inside.shape, 2), np.uint8)
    image[..., 0] = np.rint((measures.temperature + BEYOND * TEMPERATURE_WEIGHT) * LEVELS)
    image[..., 1] = np.rint(np.minimum(measures.texture * LEVELS, 255))
    # In whole numbers mean shift takes a tenth of the time, and 1/32 octave is well below what textures differ by.
    space, levels = windows.spatial_bandwidth, windows.range_bandwidth * LEVELS
    mask = None if inside.all() else inside
    texture = mean_shift_filter(image, space, levels, kernel="opencv", mask=mask)[..., 1]
    for limit in (SMOOTH, SMOOTH + DOUBT, SMOOTH - DOUBT):
        yield texture < limit * LEVELS


def _by_kmeans(measures: Measures, inside: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield where the nearest center is smooth."""
    centers = _centers(measures, inside)
    nearest_is = kernels_for(inside, "modules").nearest_is
    for is_smooth in _cuts(centers[:, 3]):
        smooth = np.empty(inside.shape, bool)
        nearest_is(*measures, centers.astype(np.float32), is_smooth, smooth)
        yield smooth


def _cuts(texture: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return which centers are smooth: below `SMOOTH`, then with the doubtful ones above and below it moved over."""
    cuts = [texture < SMOOTH]
    above, below = texture[texture >= SMOOTH], texture[texture < SMOOTH]
    if above.size and above.min() < SMOOTH + DOUBT:
        cuts.append(texture <= above.min())
    if below.size > 1 and below.max() > SMOOTH - DOUBT:
        cuts.append(texture < below.max())
    return cuts


def _centers(measures: Measures, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the centers (K, 4) of temperature, column and row times `steps`, and texture, from some of the pixels."""
    temperature, texture, steps = measures
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
