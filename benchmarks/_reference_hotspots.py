"""The steps of `classicseg.thermal.find_hotspots`, written with scikit-learn, scikit-image, SciPy and NumPy.

Each step uses the ordinary fast call of its library: filters and distance transform of SciPy, k-means on every few
pixels, `label`, `regionprops_table` on the candidates only, fancy indexing instead of
loops. The geometry of the module grid and the thresholds, plain NumPy on a few hundred points, are shared with
the package, so that both sides decide alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops_table
from skimage.segmentation import expand_labels
from sklearn.cluster import KMeans

from classicseg.thermal import _hotspots as spot_rules
from classicseg.thermal import _smooth as smooth_rules
from classicseg.thermal import _spots as size_rules
from classicseg.thermal import _surfaces as surface_rules
from classicseg.thermal._lattice import Cells, offsets, regular

Array = NDArray[Any]


def find_hotspots(values: Array, min_delta: float, min_area: int = 4) -> tuple[Array, Array, list[dict[str, float]]]:
    """Return the label image, the module rows and the table of one frame (M, N) in °C."""
    values = values.astype(np.float32)
    nothing = np.zeros(values.shape, np.int32)
    found = _modules(values)
    if found is None:
        return nothing, nothing, []
    owner, cells, centers, area, gap = found
    steps = offsets(centers, spot_rules.N_NEIGHBOURS)
    rows = owner > 0
    within = _widened(cells, spot_rules.RIM)
    peaks = ndimage.maximum_filter(values, 2 * spot_rules.LEEWAY + 1)
    excess = values - _neighbours_median(peaks, owner, rows, within, steps)
    known = cells & np.isfinite(excess)
    surfaces = label(rows, connectivity=1).astype(np.int32)
    if not known.any():
        return nothing, surfaces, []
    usual = excess[known][:: spot_rules.SAMPLE]
    middle = np.median(usual)
    noise = 1.4826 * np.median(np.abs(usual - middle))
    excess -= middle
    excess = np.nan_to_num(excess / max(noise, 1e-6))
    hot = (excess > spot_rules.EXTENT) & rows
    parts = np.where(hot, label(hot | _closed(hot, gap // 2), connectivity=2), 0)
    beyond = np.where(_widened(rows, spot_rules.RIM), -np.inf, values).astype(np.float32)
    ground = ndimage.maximum_filter(beyond, 2 * spot_rules.REACH + 1)
    strong = _strong(parts, excess, size_rules.PATCH_AREA * area) & ~_spilled(parts, values, ground)
    parts = parts * strong[parts]
    reference = _neighbours_median(values, owner, parts > 0, within, steps)
    labels, table = _table(parts, values, reference, min_delta, min_area)
    return labels, surfaces, table


def _modules(values: Array) -> tuple[Array, Array, Array, float, int] | None:
    """Return owner of each pixel, cells, centers, median area and gap, or None without modules."""
    smooth = _smooth(values)
    regions = label(smooth.astype(np.uint8), connectivity=1, background=255)
    small = np.bincount(regions.ravel()) < max(24, round(surface_rules.SPECK * values.size))
    smooth_now = smooth ^ small[regions]
    regions = _without_holes(label(smooth_now.astype(np.uint8), connectivity=1, background=255), smooth_now)
    found = _candidates(regions, smooth_now)
    cells = regular(found[found.filling > surface_rules.FILLING])
    if len(cells) < surface_rules.FEWEST_MODULES:
        return None
    number = np.zeros(int(regions.max()) + 1, np.int32)
    number[cells.index] = np.arange(1, len(cells) + 1)
    owner = number[regions]
    doubtful = found[(number[found.index] == 0) & (found.area > 0.5 * np.median(cells.area))]
    centers = surface_rules._put_back(owner, cells, doubtful.centers, values, smooth, np.ones(values.shape, bool))
    within = owner > 0
    gap = int(np.clip(np.ceil(0.38 * np.median(cells.sides[1])), 4, 16))
    owner = np.where(_closed(within, gap), expand_labels(owner, distance=2 * gap), 0)
    return owner, within, centers, float(np.median(cells.area)), gap


def _without_holes(regions: Array, smooth: Array) -> Array:
    """Give every rough region with one neighbour only, off the border, to that neighbour."""
    count = int(regions.max()) + 1
    rough = np.ones(count, bool)
    rough[regions[smooth]] = False
    sides = [(regions[1:], regions[:-1]), (regions[:, 1:], regions[:, :-1])]
    codes = [np.where(a < b, a * count + b, b * count + a)[a != b] for a, b in sides]
    pairs = np.stack(np.divmod(np.unique(np.concatenate(codes)), count), axis=1)
    for edge in (regions[0], regions[-1], regions[:, 0], regions[:, -1]):
        rough[edge] = False
    alone = rough & (np.bincount(pairs.ravel(), minlength=count) == 1)
    number = np.arange(count)
    for one, other in ((0, 1), (1, 0)):
        inner = alone[pairs[:, one]]
        number[pairs[inner, one]] = pairs[inner, other]
    return number[regions]


def _smooth(values: Array) -> Array:
    centred = values - np.median(values)  # the squares of °C would cancel in float32
    mean = ndimage.uniform_filter(centred, 3)
    deviation = np.sqrt(np.maximum(ndimage.uniform_filter(centred * centred, 3) - mean * mean, 0))
    noise = max(float(np.percentile(deviation.ravel()[::7], 10)), 1e-6)
    texture = ndimage.uniform_filter(np.log2(np.maximum(deviation, noise) / noise), 3)
    low, high = np.percentile(mean.ravel()[::7], [5, 95])
    weight, place = smooth_rules.TEMPERATURE_WEIGHT, smooth_rules.POSITION_WEIGHT
    features = np.empty((*values.shape, 4), np.float32)
    features[..., 0] = np.clip((mean - low) * (weight / max(high - low, 1e-6)), -0.2 * weight, 1.2 * weight)
    features[..., 1] = np.arange(values.shape[1]) * (place / values.shape[1])
    features[..., 2] = np.arange(values.shape[0])[:, None] * (place / values.shape[0])
    features[..., 3] = texture
    step = smooth_rules.thinning(np.ones(values.shape, bool))
    model = _kmeans(features[::step, ::step].reshape(-1, 4), smooth_rules.N_CLUSTERS)
    found = model.predict(features.reshape(-1, 4))
    return (model.cluster_centers_[:, 3] < smooth_rules.SMOOTH)[found].reshape(values.shape)


def _kmeans(samples: Array, n_clusters: int) -> KMeans:
    """Fit every few pixels; `tol` of scikit-learn is relative to the variance."""
    tol = smooth_rules.TOL**2 / float(samples.var(axis=0).mean())
    return KMeans(n_clusters, n_init=1, max_iter=100, tol=tol, random_state=0).fit(samples)


def _candidates(regions: Array, smooth: Array) -> Cells:
    """Return the smooth regions that are no larger than a module may be."""
    area = np.bincount(regions.ravel())
    mostly_smooth = np.bincount(regions[smooth], minlength=len(area)) > 0.5 * area
    wanted = mostly_smooth & (area < surface_rules.LARGEST * regions.size)
    props = regionprops_table(
        np.where(wanted[regions], regions, 0), properties=("label", "area", "centroid", "moments_central")
    )
    area = props["area"]
    spread = np.stack([props[f"moments_central-{name}"] / area for name in ("2-0", "0-2", "1-1")], axis=1)
    centers = np.stack([props["centroid-0"], props["centroid-1"]], axis=1)
    return Cells(props["label"].astype(np.int64), centers, area, spread)


def _closed(mask: Array, radius: int) -> Array:
    size = 2 * radius + 1
    padded = np.pad(mask, radius).view(np.uint8)
    closed = ndimage.minimum_filter(ndimage.maximum_filter(padded, size), size)
    return closed[radius : radius + mask.shape[0], radius : radius + mask.shape[1]] > 0


def _widened(mask: Array, radius: int) -> Array:
    return ndimage.maximum_filter(mask.view(np.uint8), 2 * radius + 1) > 0


def _neighbours_median(image: Array, owner: Array, where: Array, within: Array, steps: Array) -> Array:
    """Return the median over neighbouring modules of the same place, NaN where too few show it."""
    reference = np.full(image.shape, np.nan, np.float32)
    rows, cols = np.nonzero(where & (owner > 0))
    if len(rows) == 0:
        return reference
    moves = steps[owner[rows, cols] - 1]
    there_row, there_col = rows[:, None] + moves[..., 0], cols[:, None] + moves[..., 1]
    seen = (there_row >= 0) & (there_col >= 0) & (there_row < image.shape[0]) & (there_col < image.shape[1])
    there_row, there_col = np.where(seen, there_row, 0), np.where(seen, there_col, 0)
    seen &= within[there_row, there_col]
    found = np.sort(np.where(seen, image[there_row, there_col], np.inf), axis=1)
    count = seen.sum(axis=1)
    enough = count >= spot_rules.FEWEST_VOTES
    found, count = found[enough], count[enough]
    line = np.arange(len(found))
    median = (found[line, (count - 1) // 2] + found[line, count // 2]) / 2
    reference[rows[enough], cols[enough]] = median
    return reference


def _strong(parts: Array, excess: Array, patch_area: float) -> Array:
    strong = np.zeros(int(parts.max()) + 1, bool)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        if box is not None:
            values = excess[box][parts[box] == number]
            patch = len(values) >= patch_area and np.median(values) >= size_rules.PATCH
            strong[number] = values.max() >= size_rules.PEAK or patch
    return strong


def _spilled(parts: Array, values: Array, ground: Array) -> Array:
    """Return for each part whether most of it lies near ground that is hotter than all of it."""
    numbers = np.arange(int(parts.max()) + 1)
    hottest = np.asarray(ndimage.maximum(values, parts, numbers))
    return np.asarray(ndimage.mean(ground >= hottest[parts], parts, numbers)) > 0.5


def _table(
    parts: Array, values: Array, reference: Array, min_delta: float, min_area: int
) -> tuple[Array, list[dict[str, float]]]:
    """Return the spots that are large and hot enough, numbered hottest difference first."""
    spots = []
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        if box is None:
            continue
        inside = parts[box] == number
        found, rows_cols = values[box][inside].astype(np.float64), np.argwhere(inside)
        middle = float(np.nanmedian(reference[box][inside]))
        if len(found) < min_area or found.max() - middle < min_delta:
            continue
        row, col = rows_cols.mean(axis=0)
        place = {"row": box[0].start + row, "col": box[1].start + col}
        limits = (box[0].start, box[1].start, box[0].stop, box[1].stop)
        edges = dict(zip(("row_min", "col_min", "row_max", "col_max"), limits, strict=True))
        heat = {"min": found.min(), "mean": found.mean(), "median": np.median(found), "max": found.max()}
        heat |= {"reference": middle, "delta": found.max() - middle}
        spots.append((number, {**place, **edges, "area_px": len(found), **heat}))
    spots.sort(key=lambda spot: -spot[1]["delta"])
    order = np.zeros(int(parts.max()) + 1, np.int32)
    for rank, (number, _) in enumerate(spots, start=1):
        order[number] = rank
    return order[parts], [{"label": rank, **row} for rank, (_, row) in enumerate(spots, start=1)]
