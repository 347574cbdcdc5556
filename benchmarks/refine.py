"""What is done over regions around a learned model, against NumPy, SciPy, scikit-image and networkx.

Peers get the means to be as quick as they can: regions without gaps, and the links of the cut for nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import temperatures
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row
from benchmarks.superpixels_regions import superpixels

Size = tuple[int, int]
Call = Callable[[], Any]
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
N_CLASSES, WEIGHT, STRENGTH = 5, 0.5, 1.0
N_OBJECTS, THING = 30, N_CLASSES - 1
MIN_SCORE, MAX_OVERLAP, MIN_AREA = 0.5, 0.5, 100
SHAPES = {"area": "area", "row_min": "bbox-0", "col_min": "bbox-1", "row_max": "bbox-2", "col_max": "bbox-3"}
VALUES = ("mean", "std", "min", "max")
OURS, NUMPY, SCIPY, EACH = "classicseg", "NumPy", "SciPy", "SciPy, region by region"
SKIMAGE, NETWORKX = "scikit-image", "networkx"
TOLERANCE = 2e-5  # of values in float32, relative to the largest


def rows(context: Context) -> list[Row]:
    sizes = {"tiny": (24, 32)} if context.tiny else {"1 MP": (1000, 1000), "12 MP": (3000, 4000)}
    found = []
    for name, size in sizes.items():
        slow = (EACH,) if size[0] > 1000 else ()
        found += [
            row("describe_regions", name, size, (SKIMAGE,), once=(SKIMAGE,)),
            row("pool, mean", name, size, (NUMPY, SCIPY, EACH), {NUMPY: 3, SCIPY: 5}, slow),
            row("pool, max", name, size, (SCIPY,), {SCIPY: 5}, once=(SCIPY,)),
            row("pool, median", name, size, (SCIPY,), {SCIPY: 10}, once=(SCIPY,)),
            row("snap", name, size, (NUMPY,), {NUMPY: 3}),
            row("smooth, 2 classes", name, size, (NETWORKX,), once=(NETWORKX,)),
            row("panoptic_merge", name, size, (NUMPY,), {NUMPY: 1.5}),
        ]
    return found


def row(
    work: str,
    name: str,
    size: Size,
    peers: tuple[str, ...],
    goals: dict[str, float] | None = None,
    once: tuple[str, ...] = (),
) -> Row:
    parameters = {"work": work, "size": list(size)}
    return Row(f"{work}, {name}", parameters, contenders=(OURS, *peers), once=once, goals=goals or {})


# --- Inputs ----------------------------------------------------------------------------------------------------


def regions(size: Size) -> NDArray[np.int32]:
    """Return superpixels, 1000 or 4000 of them."""
    labels = superpixels(size, 4 if size[0] < 100 else 32 if size[0] <= 1000 else 55)
    numbers = np.cumsum(np.bincount(labels.reshape(-1)) > 0)  # label 0 has no pixel
    return numbers[labels].astype(np.int32)


def probabilities(size: Size, n_classes: int = N_CLASSES) -> NDArray[np.float32]:
    """Return those of classes in waves, with the noise of a network that is not sure of single pixels."""
    rng = np.random.default_rng(0)
    down, right = np.linspace(0, 9, size[0], dtype=np.float32), np.linspace(0, 12, size[1], dtype=np.float32)
    found = rng.standard_normal((*size, n_classes), np.float32)
    for k in range(n_classes):
        found[..., k] += 2 * np.add.outer(np.sin(down * (k + 1) / 2), np.cos(right + k))
    np.exp(found, out=found)
    found /= found.sum(axis=2, keepdims=True)
    return found


def objects(size: Size) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return masks of ellipses that overlap here and there, and their scores."""
    rng = np.random.default_rng(1)
    masks, scores = np.zeros((N_OBJECTS, *size), bool), rng.uniform(0.3, 1, N_OBJECTS).astype(np.float32)
    for mask in masks:
        (row, col), (height, width) = rng.random(2) * size, rng.uniform(0.04, 0.12, 2) * size
        top, left = int(max(row - height, 0)), int(max(col - width, 0))
        down, right = np.ogrid[top : min(int(row + height) + 1, size[0]), left : min(int(col + width) + 1, size[1])]
        inside = ((down - row) / height) ** 2 + ((right - col) / width) ** 2 <= 1
        mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return masks, scores


def links(size: Size) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the costs (n, 2) of regions, their edges, and what each costs where it is cut, as `smooth` says."""
    labels = regions(size) - 1
    area = np.bincount(labels.reshape(-1)).astype(np.float64)
    sums = [np.bincount(labels.reshape(-1), plane.reshape(-1)) for plane in np.moveaxis(probabilities(size, 2), 2, 0)]
    costs = -np.log(np.stack(sums, axis=1) / area[:, None]) * (area / area.mean())[:, None]
    mean = np.bincount(labels.reshape(-1), temperatures(*size).reshape(-1)) / area
    sides = [np.sort(pair, axis=0).reshape(2, -1) for pair in (neighbours(labels), neighbours(labels.T))]
    keys, length = np.unique(
        np.concatenate([low * np.int64(len(area)) + high for low, high in sides]), return_counts=True
    )
    edges = np.stack(np.divmod(keys, len(area)), axis=1)
    length, edges = length[edges[:, 0] < edges[:, 1]], edges[edges[:, 0] < edges[:, 1]]
    apart = np.abs(mean[edges[:, 0]] - mean[edges[:, 1]])
    sigma = np.median(apart[apart > 0])
    return costs, edges, STRENGTH * length / length.mean() * np.exp(-((apart / sigma) ** 2) / 2)


def neighbours(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.stack([labels[:-1], labels[1:]])


# --- Ours ------------------------------------------------------------------------------------------------------


def ours(work: str, size: list[int]) -> Call:
    from classicseg import region_graph
    from classicseg.refine import InstanceResult, describe_regions, panoptic_merge, pool, smooth, snap

    shape, threads = (size[0], size[1]), {"n_threads": THREADS}
    labels = regions(shape)
    if work == "describe_regions":
        image = temperatures(*shape)
        return lambda: columns_of(describe_regions(image, labels, **threads))
    if work.startswith("smooth"):
        graph, sure = region_graph(labels, temperatures(*shape)), pool(probabilities(shape, 2), labels)
        return lambda: smooth(sure.astype(np.float64), graph, STRENGTH, **threads).energy
    seen = probabilities(shape)
    if work == "snap":
        return lambda: snap(seen, labels, weight=WEIGHT, **threads)
    if work == "panoptic_merge":
        masks, scores = objects(shape)
        found = InstanceResult(masks, scores, np.full(len(masks), THING))
        options = {"things": [THING], "min_score": MIN_SCORE, "max_overlap": MAX_OVERLAP, "min_area": MIN_AREA}
        return lambda: panoptic_merge(seen, found, **options, **threads).segment_ids
    return lambda: pool(seen, labels, how=work.removeprefix("pool, "), **threads)


def columns_of(table: Any) -> dict[str, NDArray[Any]]:
    """Return those of the features that scikit-image has too."""
    found = {"area": table.area} | dict(zip(("row_min", "col_min", "row_max", "col_max"), table.boxes.T))
    return found | {name: table.column(f"temperature_{name}") for name in VALUES}


# --- Peers -----------------------------------------------------------------------------------------------------


def numpy(work: str, size: list[int]) -> Call:
    shape = (size[0], size[1])
    seen, labels = probabilities(shape), regions(shape)
    if work == "panoptic_merge":
        masks, scores = objects(shape)
        return lambda: merged(seen, masks, scores)
    flat, n_labels = labels.reshape(-1), int(labels.max()) + 1

    def means() -> NDArray[np.float32]:
        area = np.bincount(flat, minlength=n_labels)
        sums = [np.bincount(flat, seen[..., k].reshape(-1), n_labels) for k in range(N_CLASSES)]
        return (np.stack(sums, axis=1)[1:] / area[1:, None]).astype(np.float32)

    if work == "pool, mean":
        return means

    def snapped() -> NDArray[np.float32]:
        pulled = means()[labels - 1]
        return np.float32(1 - WEIGHT) * seen + np.float32(WEIGHT) * pulled

    return snapped


def merged(seen: NDArray[np.float32], masks: NDArray[np.bool_], scores: NDArray[np.float32]) -> NDArray[np.int32]:
    """Merge as published combiners do: whole images, one object after the other and one class after the other."""
    ids, number = np.zeros(seen.shape[:2], np.int32), 0
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] < MIN_SCORE:
            break
        area, taken = masks[i].sum(), (masks[i] & (ids > 0)).sum()
        if area == taken or taken / area > MAX_OVERLAP:
            continue
        number += 1
        ids[masks[i] & (ids == 0)] = number
    classes = seen.argmax(axis=2)
    for kind in range(THING):
        free = (classes == kind) & (ids == 0)
        if free.sum() >= MIN_AREA:
            number += 1
            ids[free] = number
    return ids


def scipy(work: str, size: list[int]) -> Call:
    from scipy import ndimage

    of_all = {"mean": ndimage.mean, "max": ndimage.maximum, "median": ndimage.median}[work.removeprefix("pool, ")]
    seen, labels = probabilities((size[0], size[1])), regions((size[0], size[1]))
    index = np.arange(1, labels.max() + 1)
    return lambda: np.stack([of_all(seen[..., k], labels, index) for k in range(N_CLASSES)], axis=1)


def scipy_each(work: str, size: list[int]) -> Call:
    from scipy.ndimage import labeled_comprehension

    of_one = getattr(np, work.removeprefix("pool, "))
    seen, labels = probabilities((size[0], size[1])), regions((size[0], size[1]))
    index = np.arange(1, labels.max() + 1)

    def of_class(k: int) -> Any:
        return labeled_comprehension(seen[..., k], labels, index, of_one, np.float32, 0)

    return lambda: np.stack([of_class(k) for k in range(N_CLASSES)], axis=1)


def scikit_image(work: str, size: list[int]) -> Call:
    """Return the part of the features that it has: values, shape and place, but no texture and no neighbours."""
    from skimage.measure import regionprops_table

    image, labels = temperatures(*size), regions((size[0], size[1]))
    names = ["area", "bbox", "centroid", "perimeter", "eccentricity", "extent", *(f"intensity_{n}" for n in VALUES)]
    ours_of = {theirs: name for name, theirs in SHAPES.items()} | {f"intensity_{name}": name for name in VALUES}

    def describe() -> dict[str, NDArray[Any]]:
        found = regionprops_table(labels, image, properties=names)
        return {ours_of[name]: column for name, column in found.items() if name in ours_of}

    return describe


def networkx(work: str, size: list[int]) -> Call:
    from networkx import DiGraph, minimum_cut_value

    costs, edges, weights = links((size[0], size[1]))
    graph = DiGraph()
    for (one, other), weight in zip(edges.tolist(), weights.tolist()):
        graph.add_edge(one, other, capacity=weight)
        graph.add_edge(other, one, capacity=weight)
    for node, (background, foreground) in enumerate(costs.tolist()):
        graph.add_edge("source", node, capacity=background)
        graph.add_edge(node, "sink", capacity=foreground)
    return lambda: minimum_cut_value(graph, "source", "sink")


# --- Agreement -------------------------------------------------------------------------------------------------


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine = outputs[OURS]
    texts, apart = [], []
    for name, found in outputs.items():
        if name == OURS:
            continue
        worst = max(distance(mine[key], column) for key, column in found.items())
        texts.append(f"{name} within {worst:.0e}")
        if worst > (0 if row.parameters["work"] == "panoptic_merge" else TOLERANCE):
            apart.append(name)
    return Agreement(not apart, "; ".join(texts), tuple(apart))


def distance(one: Any, other: Any) -> float:
    """Return the largest difference, relative to the largest value; infinite where shapes differ."""
    if np.shape(one) != np.shape(other):
        return float("inf")
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(np.abs(one - other).max(initial=0) / max(float(np.abs(one).max(initial=0)), 1e-30))


CASE = Case(
    "refine",
    "Around a learned model: what is done over regions",
    (
        Contender(OURS, "ours"),
        Contender(NUMPY, "numpy", ("numpy",)),
        Contender(SCIPY, "scipy", ("scipy",)),
        Contender(EACH, "scipy_each", ("scipy",)),
        Contender(SKIMAGE, "scikit_image", ("scikit-image",)),
        Contender(NETWORKX, "networkx", ("networkx",)),
    ),
    rows,
    agree,
)
