"""Score the network: on frames made as those it learned from, on a flight made in another way, and on real frames.

    python -m benchmarks.pv_unet.evaluate [--data DIR] [--out FILE]

`DIR` is the folder of sample images that the tests know as CLASSICSEG_TEST_DATA. Nothing is chosen here: no threshold,
no setting and no weight depends on what is scored.
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.pv_unet.generation import HOT_SPOT, Frame, frames
from classicseg import KMeansResult, kmeans
from classicseg.metrics import class_scores, confusion_matrix
from classicseg.refine import Refiner, describe_regions, pv_unet
from classicseg.refine._pv_unet.input import network_input
from classicseg.refine._pv_unet.network import CLASSES
from classicseg.regions import connected_regions
from classicseg.thermal import ThermalImage, find_hotspots, read

HELD_OUT, N_HELD_OUT = 1, 60  # a seed that training does not use
N_FLIGHT = 24
TAUGHT, N_CLUSTERED, N_CLUSTERS = 0, 12, 16  # of the rule by k-means: the first frames that the network learned from
SURE, LEAST_AREA = 0.5, 4  # a spot of the network: so many pixels of so high a probability
WARM = 3.0 / 5.0  # the threshold beside it: 3 K above the surroundings
M3T_SPOTS = ((340, 233), (103, 286), (181, 382))  # a module, a substring and a cell; nothing is published of them
AGAIN = 10  # pixels between the places of a spot in two frames, once the flight is taken off
NEAR = 6  # pixels around a true box in which the centroid of a found spot may lie

Box = tuple[float, float, float, float]
Mask = NDArray[np.bool_]


class Job(NamedTuple):
    """A frame, and where it is known to be hot."""

    name: str
    image: Any
    boxes: tuple[Box, ...]


class Spots(NamedTuple):
    """Hot spots that were found, by centroid."""

    places: NDArray[np.float64]  # (n, 2)

    def counts(self, boxes: Iterable[Box]) -> tuple[int, int, int]:
        """Return how many boxes hold one, how many boxes there are, and how many spots lie in none."""
        known = list(boxes)
        inside = np.array([[holds(box, place) for box in known] for place in self.places], bool)
        inside = inside.reshape(len(self.places), len(known))
        return int(inside.any(axis=0).sum()), len(known), int((~inside.any(axis=1)).sum())


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pv_unet.evaluate", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="sample images; made frames only without")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the scores as JSON")
    options = parser.parse_args(arguments)
    scores: dict[str, Any] = {"classes": pixel_scores(frames(N_HELD_OUT, rng=HELD_OUT))}
    with tempfile.TemporaryDirectory() as folder:
        scores["spots"] = {name: spot_scores(jobs) for name, jobs in sources(Path(folder), options.data)}
    if options.data is not None:
        scores["seen in both XT2 frames"] = seen_again(*xt2_jobs(options.data / "thermal" / "pv_xt2"))
    for name, rows in scores.items():
        print(f"\n{name}")
        for row, values in rows.items():
            print(f"  {row}: {json.dumps(values)}")
    if options.out:
        options.out.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


# --- pixels ---


def pixel_scores(held_out: Iterable[Frame]) -> dict[str, dict[str, float]]:
    """Return the IoU of each class, of the network, of two simpler rules, and of one that knows the answer."""
    methods = {
        "network": by_network,
        "threshold": by_threshold,
        "k-means": by_clusters,
        "k-means, its clusters named by the truth": by_named_clusters,
    }
    tables = {name: np.zeros((len(CLASSES), len(CLASSES)), np.int64) for name in methods}
    for made in held_out:
        for name, method in methods.items():
            tables[name] += confusion_matrix(made.labels, method(made), len(CLASSES))
    found = {}
    for name, table in tables.items():
        scores = class_scores(table)
        values = dict(zip(CLASSES, scores.iou.tolist())) | {"mean": scores.mean_iou}
        found[name] = {row: round(value, 3) for row, value in values.items()}
    return found


def by_network(made: Frame) -> NDArray[np.int64]:
    return probabilities(made.temperature).argmax(axis=-1)


def by_threshold(made: Frame) -> NDArray[np.int64]:
    """Call hot what is 3 K above its surroundings, and a module what is as warm as they are."""
    beside = network_input(made.temperature, celsius=True)[..., 0]
    return np.where(beside > WARM, HOT_SPOT, (np.abs(beside) <= WARM).astype(np.int64))


def by_clusters(made: Frame) -> NDArray[np.int64]:
    """Look up the cluster of a pixel's temperatures and texture; what clusters mean was learned as the network did."""
    clusters, meaning = _learned_clusters()
    return meaning[clusters.predict(_described(made))]


@functools.cache
def _learned_clusters() -> tuple[KMeansResult, NDArray[np.int64]]:
    """Return clusters of pixels and the class of each: the one that it holds the largest part of."""
    taught = list(frames(N_CLUSTERED, rng=TAUGHT))
    pixels = np.concatenate([_described(made)[::4, ::4].reshape(-1, 3) for made in taught])
    truth = np.concatenate([made.labels[::4, ::4].ravel() for made in taught])
    clusters = kmeans(pixels, N_CLUSTERS, init="k-means++", rng=0)
    table = confusion_matrix(clusters.labels, truth, N_CLUSTERS)[:, : len(CLASSES)]
    return clusters, (table / table.sum(axis=0)).argmax(axis=1)


def _described(made: Frame) -> NDArray[np.float32]:
    """Return what a pixel is like: what the network is given of it, and the deviation of its surroundings."""
    seen = network_input(made.temperature, celsius=True)[..., :2]
    mean, square = (ndimage.uniform_filter(power, 5) for power in (seen[..., 1], seen[..., 1] ** 2))
    return np.dstack([seen, np.sqrt(np.maximum(square - mean**2, 0))])


def by_named_clusters(made: Frame) -> NDArray[np.int64]:
    """Cluster one frame, and name every cluster by the truth of its pixels: what no rule can know."""
    clusters = kmeans(_described(made), 6, rng=0).labels
    return confusion_matrix(clusters, made.labels, 6).argmax(axis=1)[clusters]


def probabilities(image: Any) -> NDArray[np.float32]:
    """Return what the network says of a frame, (M, N, K)."""
    values = values_of(image)
    regions = describe_regions(values, np.ones(values.shape, np.int32))
    unit = image.unit if isinstance(image, ThermalImage) else "celsius"
    return network(unit).refine(regions).probabilities


def values_of(image: Any) -> NDArray[Any]:
    return image.values if isinstance(image, ThermalImage) else image


@functools.cache
def network(unit: str) -> Refiner:
    return pv_unet(unit=unit)


# --- hot spots ---


def sources(folder: Path, data: Path | None) -> Iterator[tuple[str, list[Job]]]:
    """Yield every collection of frames by name."""
    yield "made frames, held out", list(made_jobs())
    yield "made flight", list(flight_jobs(folder))
    if data is not None:
        thermal = data / "thermal"
        yield "XT2, published spots", list(xt2_jobs(thermal / "pv_xt2"))
        yield "M3T, spots seen by eye", [m3t_job(thermal / "pv_m3t")]
        yield "composed fields, palette pictures", list(composed_jobs(thermal / "pv_synth_boxes"))
        yield (
            "field trial without a plant",
            [Job(p.name, read(p), ()) for p in sorted(thermal.glob("field_xt_r/*.jpg"))],
        )


def made_jobs() -> Iterator[Job]:
    for number, made in enumerate(frames(N_HELD_OUT, rng=HELD_OUT)):
        hot = made.labels == HOT_SPOT
        yield Job(str(number), made.temperature, tuple(boxes_of(hot)))


def flight_jobs(folder: Path) -> Iterator[Job]:
    from classicseg.thermal._flight import synthetic_flight

    flight = synthetic_flight(folder, n_frames=N_FLIGHT)
    for path in flight.paths:
        name = Path(path).name
        yield Job(name, read(path), tuple(spot.box for spot in flight.truth[name] if not spot.cut))


def xt2_jobs(folder: Path) -> Iterator[Job]:
    published = json.loads((folder / "published_hotspots.json").read_text(encoding="utf-8"))
    for name, spots in published.items():
        corners = [[float(side) for side in spot["bbox"]] for spot in spots]
        yield Job(name, read(folder / name), tuple((y0, x0, y1, x1) for x0, y0, x1, y1 in corners))


def m3t_job(folder: Path) -> Job:
    (path,) = folder.glob("*.JPG")
    around = ((row - 8, col - 8, row + 8, col + 8) for row, col in M3T_SPOTS)
    return Job(path.name, read(path), tuple(around))


def composed_jobs(folder: Path) -> Iterator[Job]:
    """Yield pictures in counts; class 2 of the boxes is an anomalous module."""
    for path in sorted(folder.glob("resized*.jpg")):
        gray = np.asarray(Image.open(path).convert("L")).astype(np.uint16)
        boxes = []
        for line in path.with_suffix(".txt").read_text(encoding="utf-8").splitlines():
            kind, col, row, width, height = (float(part) for part in line.split())
            if kind == 2:
                edges = row - height / 2, col - width / 2, row + height / 2, col + width / 2
                boxes.append(tuple(edge * side for edge, side in zip(edges, (*gray.shape, *gray.shape))))
        yield Job(path.name, ThermalImage(path.name, None, gray, calibrated=False, unit="counts"), tuple(boxes))


def spot_scores(jobs: list[Job]) -> dict[str, dict[str, int]]:
    """Return what is found of the known spots, and beside them, by `find_hotspots`, the network, and both."""
    totals: dict[str, list[tuple[int, int, int]]] = {}
    for job in jobs:
        for name, spots in found_in(job.image).items():
            totals.setdefault(name, []).append(spots.counts(job.boxes))
    return {
        name: dict(zip(("found", "known", "elsewhere"), np.sum(counts, axis=0).tolist()))
        for name, counts in totals.items()
    }


def found_in(image: Any) -> dict[str, Spots]:
    """Return the spots of a frame by each way to find them."""
    usual = find_hotspots(image)
    chances = probabilities(image)
    own = large_regions(chances[..., HOT_SPOT] >= SURE)
    number = np.arange(1, len(usual) + 1)
    sure = np.array([chances[usual.labels == n, HOT_SPOT].max() >= SURE for n in number], bool)
    seen = np.array([chances[usual.labels == n, 0].mean() < SURE for n in number], bool)
    places = np.stack([usual.table["row"], usual.table["col"]], axis=1)
    touched = np.unique(own[usual.labels > 0])
    more = centroids(np.where(np.isin(own, touched), 0, own))
    return {
        "find_hotspots": Spots(places),
        "network": Spots(centroids(own)),
        "find_hotspots where the network sees a spot": Spots(places[sure]),
        "find_hotspots where the network sees a module": Spots(places[seen]),
        "both together": Spots(np.concatenate([places, more])),
    }


def seen_again(first: Job, second: Job) -> dict[str, dict[str, int]]:
    """Return how many spots of two overlapping frames lie in both, and how many of them are found twice."""
    flown = np.subtract(second.boxes[0][:2], first.boxes[0][:2])  # the published spot is one and the same
    shapes = [values_of(job.image).shape for job in (second, first)]
    scores = {}
    others = found_in(second.image)
    for name, spots in found_in(first.image).items():
        totals = np.zeros(2, int)
        pairs = (spots.places + flown, others[name].places), (others[name].places - flown, spots.places)
        for (here, there), shape in zip(pairs, shapes):
            seen = here[((here >= 0) & (here < shape)).all(axis=1)]
            apart = np.hypot(*(seen[:, None] - there).transpose(2, 0, 1))
            totals += (apart < AGAIN).any(axis=1).sum(), len(seen)
        scores[name] = dict(zip(("twice", "in view of both"), totals.tolist()))
    return scores


def large_regions(hot: Mask) -> NDArray[np.int32]:
    labels = connected_regions(hot, 2, mask=hot)
    keep = np.bincount(labels.ravel()) >= LEAST_AREA
    return np.where(keep[labels], labels, 0)


def centroids(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    rows, cols = np.nonzero(labels)
    _, number = np.unique(labels[rows, cols], return_inverse=True)
    area = np.bincount(number)
    return np.stack([np.bincount(number, rows) / area, np.bincount(number, cols) / area], axis=1)


def boxes_of(hot: Mask) -> Iterator[Box]:
    labels = large_regions(hot)
    for number in np.unique(labels[labels > 0]):
        rows, cols = np.nonzero(labels == number)
        yield rows.min(), cols.min(), rows.max() + 1, cols.max() + 1


def holds(box: Box, place: NDArray[np.float64]) -> bool:
    top, left, bottom, right = box
    return bool(top - NEAR <= place[0] <= bottom + NEAR and left - NEAR <= place[1] <= right + NEAR)


if __name__ == "__main__":
    main()
