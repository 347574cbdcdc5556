"""Prompts of regions: what tells a segmenter which object is meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from classicseg.refine._features import values_of
from classicseg.refine._maps.roi import roi_align
from classicseg.refine._table import RegionTable
from classicseg.regions import merge_regions, region_graph, region_table

Fit = Literal["pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
SURE = 8.0  # logit of a pixel that surely belongs to the object: a probability of 0.9997


@dataclass(frozen=True, eq=False)
class Prompt:
    """What is known of one region; places are x, y in pixels, as segmenters take them."""

    points: NDArray[np.float32]  # (p, 2): the medoid of the region, then those of neighbours
    point_labels: NDArray[np.int64]  # (p,): 1 belongs to the object, 0 does not
    box: NDArray[np.float32]  # (4,): x and y of the first and of the last pixels
    mask: NDArray[np.bool_]  # (M, N): the region


@dataclass(frozen=True, eq=False)
class Candidates:
    """Regions that become prompts."""

    labels: NDArray[np.int32]
    numbers: NDArray[np.int32]
    edges: NDArray[np.int32]
    boundary_length: NDArray[np.int64]
    boxes: NDArray[np.int64]
    medoids: NDArray[np.int64]


def prompts_of(regions: RegionTable, n_prompts: int, n_negatives: int) -> Iterator[Prompt]:
    """Yield a prompt for each region, in order, after neighbours were merged until `n_prompts` or none are left."""
    merged = candidates(regions, n_prompts)
    for row, number in enumerate(merged.numbers):
        beside = _neighbours(merged, row)[:n_negatives]
        places = merged.medoids[[row, *beside]]
        row_min, col_min, row_max, col_max = merged.boxes[row]
        yield Prompt(
            points=places[:, ::-1].astype(np.float32),
            point_labels=(np.arange(len(places)) == 0).astype(np.int64),
            box=np.array([col_min, row_min, col_max - 1, row_max - 1], np.float32),
            mask=merged.labels == number,
        )


def candidates(regions: RegionTable, n_prompts: int) -> Candidates:
    """Return the regions, merged by Ward's linkage where there are more than `n_prompts`."""
    if len(regions.numbers) <= n_prompts:
        own = (regions.labels, regions.numbers, regions.edges, regions.boundary_length)
        return Candidates(*own, regions.boxes, regions.medoids)
    values = np.moveaxis(values_of(regions.image, regions.mask, None).planes, 0, 2)
    labels = merge_regions(region_graph(regions.labels, values), n_segments=n_prompts)
    table, graph = region_table(labels, properties=["box", "medoid"]), region_graph(labels)
    boxes = np.stack([table[name] for name in ("row_min", "col_min", "row_max", "col_max")], axis=1)
    medoids = np.stack([table["medoid_row"], table["medoid_col"]], axis=1)
    return Candidates(labels, table["label"], graph.edges, graph.boundary_length, boxes, medoids)


def _neighbours(regions: Candidates, row: int) -> NDArray[np.int32]:
    """Return the rows of the neighbours of a region, that with the longest border first; a tie goes to the lower."""
    of_edge = (regions.edges == row).any(axis=1)
    other = regions.edges[of_edge].sum(axis=1, dtype=np.int32) - np.int32(row)
    found: NDArray[np.int32] = other[np.lexsort((other, -regions.boundary_length[of_edge]))]
    return found


# --- Masks of low resolution -----------------------------------------------------------------------------------


def low_shape(shape: tuple[int, ...], size: int, fit: Fit) -> tuple[int, int]:
    """Return the rows and columns that an image takes in a mask (size, size): all, or as many as keep its form."""
    if fit == "stretch":
        return size, size
    scale = size / max(shape)
    return max(int(shape[0] * scale + 0.5), 1), max(int(shape[1] * scale + 0.5), 1)


def low_mask(mask: NDArray[np.bool_], size: int, fit: Fit) -> NDArray[np.float32]:
    """Return a mask as logits (1, size, size): of the share of each cell that it covers, from -SURE to SURE."""
    rows, cols = low_shape(mask.shape, size, fit)
    whole = np.array([[0, 0, *mask.shape]], np.float64)
    share: Any = roi_align(mask.astype(np.float32), whole, (rows, cols), samples=None)[0]
    logits = np.full((1, size, size), -SURE, np.float32)
    logits[0, :rows, :cols] = SURE * (2 * share - 1)
    return logits


def stability(logits: NDArray[Any], shape: tuple[int, ...], fit: Fit) -> NDArray[np.float64]:
    """Return how little each of the masks (c, h, w) of logits depends on where they are cut.

    It is the intersection over union of the masks at logits of 1 and -1, inside the image of `shape`; 0 where both
    are empty.
    """
    rows, cols = low_shape(shape, max(logits.shape[1:]), fit)
    inside = logits[:, :rows, :cols]
    least, most = ((inside > cut).sum(axis=(1, 2)) for cut in (1, -1))
    return np.asarray(least / np.maximum(most, 1))
