"""k-means: Lloyd's iteration from the same centers for the same number of iterations."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import noisy, photograph, temperatures
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

ITERATIONS = 10
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def rows(context: Context) -> list[Row]:
    size = (24, 32) if context.tiny else (1000, 1000)
    thermal = (24, 32) if context.tiny else (512, 640)
    found = [
        Row(f"{name} RGB, k = {k}", {"kind": kind, "size": size, "k": k})
        for k in (4, 16, 64)
        for name, kind in (("1 MP photograph", "photograph"), ("1 MP photograph + N(0, 4)", "noisy"))
    ]
    found.append(Row("1 MP photograph RGBxy, k = 16", {"kind": "RGBxy", "size": size, "k": 16}))
    found.append(Row("640×512 °C [T, x, y], k = 8", {"kind": "Txy", "size": thermal, "k": 8}))
    return found[:1] + found[-1:] if context.tiny else found


def features(kind: str, size: tuple[int, int]) -> Any:
    """Return what our `kmeans` takes; peers get the same values as a matrix of their own dtype."""
    from classicseg import pixel_features

    if kind == "Txy":
        return pixel_features(temperatures(*size), "Txy")
    image = photograph(*size)
    if kind == "RGBxy":
        return pixel_features(image, "RGBxy")
    return noisy(image, 4) if kind == "noisy" else image


def matrix(kind: str, size: tuple[int, int], dtype: type) -> Any:
    array = np.asarray(features(kind, size))
    return np.ascontiguousarray(array.reshape(-1, array.shape[-1]), dtype)


def first_centers(samples: Any, k: int) -> Any:
    """Return k distinct samples, spread over the image."""
    distinct = np.unique(np.asarray(samples, np.float64)[:: max(len(samples) // 10_000, 1)], axis=0)
    return distinct[np.linspace(0, len(distinct) - 1, k).astype(int)]


def ours(kind: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    from classicseg import kmeans

    given = features(kind, size)
    centers = first_centers(matrix(kind, size, np.float64), k)

    def call() -> Any:
        result = kmeans(given, k, init=centers, max_num_iter=ITERATIONS, tol=0, n_threads=THREADS)
        return {"labels": result.labels.ravel(), "inertia": result.inertia, "n_iter": result.n_iter}

    return call


def scikit_learn(kind: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    from sklearn.cluster import KMeans

    samples = matrix(kind, size, np.float64)
    model = KMeans(k, init=first_centers(samples, k), n_init=1, max_iter=ITERATIONS, tol=0, algorithm="lloyd")

    def call() -> Any:
        model.fit(samples)
        return {"labels": model.labels_, "inertia": model.inertia_, "n_iter": model.n_iter_}

    return call


def opencv(kind: str, size: tuple[int, int], k: int) -> Callable[[], Any]:
    """Return OpenCV's call, arranged to end with the same labels.

    It starts from labels, not centers, so its first assignment is given and not timed. It does not assign
    after its last update, so one update more gives the labels of the centers after ITERATIONS updates.
    """
    import cv2

    cv2.setNumThreads(THREADS)
    samples = matrix(kind, size, np.float32)
    centers = first_centers(matrix(kind, size, np.float64), k)
    first = np.argmin([((samples - center) ** 2).sum(axis=1) for center in centers], axis=0)
    first = first.astype(np.int32)[:, None]
    stop = (cv2.TERM_CRITERIA_MAX_ITER, ITERATIONS + 1, 0.0)

    def call() -> Any:
        _, labels, _ = cv2.kmeans(samples, k, first.copy(), stop, 1, cv2.KMEANS_USE_INITIAL_LABELS)
        return {"labels": labels.ravel()}

    return call


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Judge by 99.9 % of the labels: the peers sum in other precisions, and near-ties may fall either way."""
    mine, *others = outputs.values()
    same = min(float(np.mean(other["labels"] == mine["labels"])) for other in others)
    return Agreement(same >= 0.999, f"labels {same:.2%} equal")


CASE = Case(
    name="kmeans",
    title=f"k-means, same initial centers, {ITERATIONS} iterations and labels",
    contenders=(
        Contender("classicseg", "ours"),
        Contender("scikit-learn", "scikit_learn", ("scikit-learn",)),
        Contender("OpenCV", "opencv", ("opencv-python",)),
    ),
    rows=rows,
    agree=agree,
    cold=True,
)
