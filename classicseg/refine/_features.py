"""Features of regions: values, neighbours, texture, shape and place, as numbers for a learned refiner."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import FLOAT32_MAX, check_choice
from classicseg.features._channels import full_range
from classicseg.features._cues import scene_of
from classicseg.regions import region_table

Array = NDArray[Any]
Columns = dict[str, Array]
Borders = tuple[Array, Array, Array]  # rows of neighbours (E, 2), lengths (E,) and contrasts (E,)
SIGMAS = {"texture_fine": 1.0, "texture_coarse": 2.0}  # widths in pixels at which steepness is looked at
LARGEST = 20  # power of two; the squares of squares of larger values would leave float32
PIXEL_SPREAD = 1 / 12  # variance of the places within one pixel


class Values(NamedTuple):
    """An image as channels whose unit does not depend on what is in it."""

    names: tuple[str, ...]  # C of them
    planes: NDArray[np.float32]  # (C, M, N), 0 outside the regions


def check_unit(unit: object, image: Array) -> None:
    """Refuse a unit that an image of this shape cannot have."""
    if unit is None:
        return
    check_choice("unit", unit, ("celsius",))
    if not _is_flat(image):
        raise ValueError(f"unit='celsius' needs an image of shape (M, N), got {image.shape}; leave it out for colour")


def _is_flat(image: Array) -> bool:
    return image.ndim == 2 or image.shape[2] == 1


def values_of(image: Array, inside: NDArray[np.bool_], unit: str | None) -> Values:
    """Return the channels of a checked image: temperatures, gray, Lab, or others."""
    names: tuple[str, ...]
    if not _is_flat(image) and image.shape[2] == 3:
        names, planes = ("L", "a", "b"), scene_of(image, inside).planes
    else:
        channels = image.reshape(*image.shape[:2], -1)
        n_channels = channels.shape[2]
        is_temperature = _is_flat(image) and (unit == "celsius" or image.dtype.kind == "f")
        names = ("temperature",) if is_temperature else ("gray",)
        if n_channels > 1:
            names = tuple(f"channel_{c}" for c in range(n_channels))
        with np.errstate(over="ignore"):  # outside the regions anything may stand
            planes = np.ascontiguousarray(channels.transpose(2, 0, 1), np.float32)
        if not is_temperature and image.dtype.kind != "f":
            planes = planes / np.float32(full_range(image.dtype))
    if not inside.all():
        planes = np.where(inside, planes, np.float32(0))
    return Values(names, planes)


def features_of(
    values: Values, regions: NDArray[np.int32], table: Columns, borders: Borders, n_threads: int | None
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the names of the features and the features (n, F); `table` is the `region_table` of the channels."""
    columns = _of_values(values.names, table, borders[0])
    columns |= _of_borders(len(table["label"]), borders)
    columns |= _of_texture(values.planes, regions, n_threads)
    columns |= _of_shape(regions, table, n_threads)
    columns |= _of_place(regions.shape, table)
    features = np.stack(list(columns.values()), axis=1).clip(-FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)
    return tuple(columns), features


def _of_values(names: tuple[str, ...], table: Columns, edges: Array) -> Columns:
    """Return the statistics of each channel, and its mean relative to the neighbours."""
    columns: Columns = {}
    for c, name in enumerate(names):
        for statistic in ("mean", "std", "min", "max"):
            columns[f"{name}_{statistic}"] = table[f"{statistic}_{c}"].astype(np.float64)
        mean = columns[f"{name}_mean"]
        columns[f"{name}_relative"] = mean - medians_of_neighbours(mean, edges)
    return columns


def medians_of_neighbours(values: Array, edges: Array) -> NDArray[np.float64]:
    """Return the median of the neighbours' values for each of the n regions; its own where there are none."""
    region, other = np.concatenate([edges, edges[:, ::-1]]).T
    order = np.lexsort((values[other], region))
    counts = np.bincount(region, minlength=len(values))
    begin = np.concatenate([[0], np.cumsum(counts)[:-1]])
    found = values.astype(np.float64)
    some = counts > 0
    ordered = found[other[order]]
    low, high = ordered[(begin + (counts - 1) // 2)[some]], ordered[(begin + counts // 2)[some]]
    found[some] = low + (high - low) / 2
    return found


def _of_borders(n_regions: int, borders: Borders) -> Columns:
    """Return how sharply regions are parted from what lies around them."""
    edges, lengths, contrasts = borders
    ends = edges.T.ravel()
    total = np.bincount(ends, np.tile(lengths, 2), n_regions)
    sharp = np.bincount(ends, np.tile(lengths * contrasts, 2), n_regions)
    largest = np.zeros(n_regions)
    np.maximum.at(largest, ends, np.tile(contrasts, 2))
    return {"contrast_mean": sharp / np.maximum(total, 1), "contrast_max": largest}


def _of_texture(planes: NDArray[np.float32], regions: NDArray[np.int32], n_threads: int | None) -> Columns:
    """Return how steep the channels are inside regions, in their unit per pixel; neighbours share their border's."""
    unit = 2.0 ** max(math.frexp(float(np.abs(planes).max()))[1] - LARGEST, 0)
    inside = regions > 0
    steepness = np.empty((len(SIGMAS), *regions.shape), np.float32)
    mask = None if inside.all() else inside
    scaled = planes if unit == 1 else planes / np.float32(unit)
    kernels_for(planes, "gradients").strengths(scaled, mask, tuple(SIGMAS.values()), 1.0, steepness, n_threads)
    means = region_table(regions, np.stack(list(steepness), axis=-1), properties=["mean"], n_threads=n_threads)
    return {name: means[f"mean_{i}"] * unit for i, name in enumerate(SIGMAS)}


def _of_shape(regions: NDArray[np.int32], table: Columns, n_threads: int | None) -> Columns:
    area = table["area"].astype(np.float64)
    box = (table["row_max"] - table["row_min"]) * (table["col_max"] - table["col_min"])
    along, across = _axes(regions, n_threads)
    return {
        "log_area": np.log(area),
        "log_perimeter": np.log1p(table["perimeter"]),
        "elongation": 1 - np.sqrt(across / along),
        "extent": area / box,
        "fullness": area / (4 * np.pi * np.sqrt(along * across)),
    }


def _axes(regions: NDArray[np.int32], n_threads: int | None) -> tuple[Array, Array]:
    """Return the variances of places along and across the main axis of each region.

    The covariance follows from the variance of the sum of row and column, so that one table of standard deviations
    tells all three.
    """
    rows, cols = (np.arange(side, dtype=np.min_scalar_type(sum(regions.shape))) for side in regions.shape)
    places = np.empty((*regions.shape, 3), rows.dtype)
    places[..., 0], places[..., 1], places[..., 2] = rows[:, None], cols, rows[:, None] + cols
    deviations = region_table(regions, places, properties=["std"], n_threads=n_threads)
    of_rows, of_cols, of_sums = (deviations[f"std_{i}"] ** 2 for i in range(3))
    covariance = (of_sums - of_rows - of_cols) / 2
    middle = (of_rows + of_cols) / 2 + PIXEL_SPREAD
    half = np.hypot((of_rows - of_cols) / 2, covariance)
    return middle + half, np.maximum(middle - half, PIXEL_SPREAD)


def _of_place(shape: tuple[int, ...], table: Columns) -> Columns:
    return {
        "row": (table["centroid_row"] + 0.5) / shape[0],
        "col": (table["centroid_col"] + 0.5) / shape[1],
        "touches_border": table["touches_border"].astype(np.float64),
    }
