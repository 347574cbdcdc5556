"""k-means: Lloyd's iteration from the same centers, for the same number of iterations or to convergence.

Every work is done on three images: a photograph, the same with noise, and uniform noise, where nothing can be
pruned and our fast form stands beside our own plain one. scikit-learn computes in the dtype that it takes by
itself, float64 for 8-bit images and float32 for temperatures; given 8-bit values as float32 its sums drift
(inertia off by 5e-4 after 10 iterations), so that would be another answer. OpenCV and faiss take float32 only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.images import noisy, photograph, temperatures, uniform_noise, uniform_temperatures
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

ITERATIONS = 10
MOST = 10_000  # iterations, to convergence
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SKLEARN, OPENCV, FAISS, PLAIN = "classicseg", "scikit-learn", "OpenCV", "faiss", "plain form"
PHOTOGRAPH, NOISY, UNIFORM = "photograph", "noise N(0, 4)", "uniform noise"
# Relative difference of the sums of squares of two labelings that count as the same, and labels that must be equal:
# OpenCV and faiss drift a little while they sum a million float32 values.
CLOSE = {SKLEARN: 1e-5, PLAIN: 0.0, OPENCV: 2e-4, FAISS: 2e-4}
EQUAL = {SKLEARN: 0.9998, PLAIN: 1.0, OPENCV: 0.998, FAISS: 0.998}


class Work(NamedTuple):
    name: str
    channels: str
    shape: tuple[int, int]
    k: int
    goals: Mapping[str, float]  # peer → ratio that we promise at least
    converge: bool = False


def colour_goals(opencv: float, scikit_learn: float = 15, faiss: float = 15) -> dict[str, float]:
    return {SKLEARN: scikit_learn, OPENCV: opencv, FAISS: faiss}


WORKS = (
    Work("1 MP RGB, k = 4", "RGB", (1000, 1000), 4, colour_goals(10)),
    Work("1 MP RGB, k = 8", "RGB", (1000, 1000), 8, colour_goals(15)),
    Work("1 MP RGB, k = 16", "RGB", (1000, 1000), 16, colour_goals(20)),
    Work("1 MP RGB, k = 64", "RGB", (1000, 1000), 64, colour_goals(25)),
    Work("1 MP RGBxy, k = 16", "RGBxy", (1000, 1000), 16, colour_goals(18, 12, 10)),
    Work("1 MP RGBxy, k = 64", "RGBxy", (1000, 1000), 64, colour_goals(18, 12, 10)),
    Work("12 MP RGBxy, k = 16, to convergence", "RGBxy", (3000, 4000), 16, {SKLEARN: 25}, converge=True),
    Work("12 MP RGB, k = 16, to convergence", "RGB", (3000, 4000), 16, {SKLEARN: 40}, converge=True),
    Work("640×512 °C [T, x, y], k = 8", "Txy", (512, 640), 8, {SKLEARN: 10, OPENCV: 10}),
)


def rows(context: Context) -> list[Row]:
    tiny = [work._replace(shape=(24, 32)) for work in (WORKS[0], WORKS[-2], WORKS[-1])]
    found = [(work, image) for work in (tiny if context.tiny else WORKS) for image in (PHOTOGRAPH, NOISY, UNIFORM)]
    if context.tiny:  # every image once, every kind of work once
        found = [*found[:3], found[4], found[8]]
    return [row(work, image, context.scratch) for work, image in found]


def row(work: Work, image: str, scratch: Path) -> Row:
    source = stored(image, work.channels == "Txy", work.shape, scratch)
    centers = first_centers(np.load(source, mmap_mode="r"), work.channels, work.k)
    converge = work.converge and image != UNIFORM  # which would take thousands of iterations and show nothing more
    goals = {PLAIN: 1.0} if image == UNIFORM else work.goals
    return Row(
        f"{work.name}; {image}",
        {
            "source": str(source),
            "channels": work.channels,
            "centers": centers.tolist(),
            "iterations": MOST if converge else ITERATIONS,
        },
        repeats=5,
        contenders=(OURS, *goals),
        once=(SKLEARN,) if converge else (),
        work=work.name,
        image=image,
        goals=goals,
    )


def stored(image: str, thermal: bool, shape: tuple[int, int], scratch: Path) -> Path:
    """Make an image once, outside the contenders: their peak memory is to be their own."""
    path = scratch / f"{'thermal' if thermal else 'colour'} {image} {shape[0]}.npy"
    if not path.exists():
        if image == UNIFORM:
            made = uniform_temperatures(*shape) if thermal else uniform_noise(*shape)
        else:
            made = temperatures(*shape) if thermal else photograph(*shape)
        np.save(path, noisy(made, 4) if image == NOISY else made)
    return path


def matrix(image: Any, channels: str, dtype: type, picked: Any = None) -> Any:
    """Return the features of all pixels, or of those `picked` by flat index, as a matrix for the peers."""
    from classicseg import pixel_features

    weights = pixel_features(image, channels).weights
    picked = np.arange(image.shape[0] * image.shape[1]) if picked is None else picked
    colours = image.reshape(image.shape[0] * image.shape[1], -1)
    out = np.empty((len(picked), len(channels)), dtype)
    for f, (name, weight) in enumerate(zip(channels, weights)):
        if name in "xy":
            out[:, f] = (picked % image.shape[1] if name == "x" else picked // image.shape[1]) * weight
        else:
            out[:, f] = colours[picked, f]
    return out


def first_centers(image: Any, channels: str, k: int) -> Any:
    """Return k distinct samples, spread over the image, each moved by less than half a unit.

    Whole numbers would tie: two whole centers are equally far from thousands of pixels, every library sends those
    another way (scikit-learn subtracts the mean first, so its ties fall by rounding), and after 10 iterations
    inertia differs by 5e-4 at k = 16.
    """
    size = image.shape[0] * image.shape[1]
    some = matrix(image, channels, np.float64, np.linspace(0, size - 1, min(size, 10_000)).astype(int))
    distinct = np.unique(some, axis=0)
    chosen = distinct[np.linspace(0, len(distinct) - 1, k).astype(int)]
    return chosen + np.random.default_rng(0).uniform(-0.5, 0.5, chosen.shape)


def ours(source: str, channels: str, centers: Any, iterations: int) -> Callable[[], Any]:
    from classicseg import kmeans, pixel_features

    image = np.load(source)
    given = image if channels == "RGB" else pixel_features(image, channels)

    def call() -> Any:
        result = kmeans(given, len(centers), init=centers, max_num_iter=iterations, tol=0, n_threads=THREADS)
        return {"labels": result.labels.ravel(), "n_iter": result.n_iter}

    return call


def plain(source: str, channels: str, centers: Any, iterations: int) -> Callable[[], Any]:
    """Return our own call without bounds: every center is compared with every sample."""
    from classicseg._kernels.cpu import kmeans as kernel

    kernel.start = partial(kernel.start, bounds=False)
    return ours(source, channels, centers, iterations)


def scikit_learn(source: str, channels: str, centers: Any, iterations: int) -> Callable[[], Any]:
    from sklearn.cluster import KMeans

    image = np.load(source)
    samples = matrix(image, channels, np.float32 if image.dtype == np.float32 else np.float64)
    model = KMeans(len(centers), init=np.array(centers), n_init=1, max_iter=iterations, tol=0, algorithm="lloyd")

    def call() -> Any:
        model.fit(samples)
        return {"labels": model.labels_, "n_iter": model.n_iter_}

    return call


def opencv(source: str, channels: str, centers: Any, iterations: int) -> Callable[[], Any]:
    """Return OpenCV's call, arranged to end with the same labels.

    It starts from labels, not centers, so its first assignment is given and not timed. It does not assign
    after its last update, so one update more gives the labels of the centers after so many updates.
    """
    import cv2

    cv2.setNumThreads(THREADS)
    samples = matrix(np.load(source), channels, np.float32)
    first = nearest(samples, np.array(centers))[:, None]
    stop = (cv2.TERM_CRITERIA_MAX_ITER, iterations + 1, 0.0)

    def call() -> Any:
        _, labels, _ = cv2.kmeans(samples, len(centers), first.copy(), stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
        return {"labels": labels.ravel()}

    return call


def nearest(samples: Any, centers: Any) -> Any:
    labels, best = np.zeros(len(samples), np.int32), np.full(len(samples), np.inf)
    for k, center in enumerate(centers):
        distance = ((samples - center) ** 2).sum(axis=1)
        closer = distance < best
        labels[closer], best[closer] = k, distance[closer]
    return labels


def faiss(source: str, channels: str, centers: Any, iterations: int) -> Callable[[], Any]:
    """Return faiss's call on all points; its last centers label the samples by one search more."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    samples = matrix(np.load(source), channels, np.float32)
    first = np.array(centers, np.float32)

    def call() -> Any:
        model = faiss.Kmeans(
            samples.shape[1],
            len(first),
            niter=iterations,
            min_points_per_centroid=1,
            max_points_per_centroid=len(samples),
        )
        model.train(samples, init_centroids=first)
        _, labels = model.index.search(samples, 1)
        return {"labels": labels.ravel().astype(np.int32)}

    return call


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Compare each peer's labels with ours, and the sums of squares around the means of both labelings."""
    samples = matrix(np.load(row.parameters["source"]), row.parameters["channels"], np.float64)
    mine, others = outputs[OURS], {name: found for name, found in outputs.items() if name != OURS}
    own = spread(samples, mine["labels"])
    texts, apart = [], []
    for name, found in others.items():
        same = float(np.mean(found["labels"] == mine["labels"]))
        off = spread(samples, found["labels"]) / own - 1 if own else 0.0
        if abs(off) > CLOSE[name] or same < EQUAL[name]:
            apart.append(name)
        texts.append(f"{name} labels {same:.3%} equal, inertia {off:+.0e}")
    return Agreement(not apart, "; ".join(texts), tuple(apart))


def spread(samples: Any, labels: Any) -> float:
    """Return the sum of squared distances of all samples to the mean of their cluster."""
    count = np.bincount(labels)
    total = 0.0
    for column in samples.T:
        middle = np.bincount(labels, column) / np.maximum(count, 1)
        total += float(((column - middle[labels]) ** 2).sum())
    return total


CASE = Case(
    name="kmeans",
    title="k-means from the same initial centers, labels included",
    contenders=(
        Contender(OURS, "ours"),
        Contender(SKLEARN, "scikit_learn", ("scikit-learn",)),
        Contender(OPENCV, "opencv", ("opencv-python",)),
        Contender(FAISS, "faiss", ("faiss-cpu",)),
        Contender(PLAIN, "plain", own=True),
    ),
    rows=rows,
    agree=agree,
    also=("first_call",),
)
