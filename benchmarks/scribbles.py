"""A few clicks and the classes of all pixels: scribbles on regions beside scikit-image's classifier of pixels.

The frames are synthetic, so every pixel's class is known. A click is a pixel drawn from those of its class. The time is
that of all frames, one after the other: per click, when all that does not depend on clicks is there already, or from
scratch, from the temperatures on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row
from benchmarks.scribble_scenes import CLASSES, clicks, scene

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, PIXELS, LOGISTIC = "classicseg", "scikit-image TrainableSegmenter", "scikit-learn, the same regions"
SHAPE, N_FRAMES, COUNTS = (512, 640), 6, (10, 40, 200)
FIRST_SEED = 1000  # of frames that nothing was chosen on
Labels = dict[str, NDArray[Any]]
Prepare = Callable[[Any], Any]  # temperatures → what does not depend on clicks
Tell = Callable[[Any, Any], NDArray[Any]]  # that and the clicks → class of each pixel


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [row("tiny", 5, shape=(64, 80), n_frames=1, scratch=True)]
    per_click, scratch = {PIXELS: 10.0}, {PIXELS: 3.0}
    return [
        *(row(f"{n} clicks per class", n, goals=per_click) for n in COUNTS),
        *(row(f"{n} clicks per class", n, scratch=True, goals=scratch) for n in COUNTS),
        row("40 clicks per class in the left half, judged in the right", 40, half=True, goals=per_click),
    ]


def row(
    name: str,
    n_clicks: int,
    *,
    shape: tuple[int, int] = SHAPE,
    n_frames: int = N_FRAMES,
    scratch: bool = False,
    half: bool = False,
    goals: Mapping[str, float] | None = None,
) -> Row:
    parameters = {"n_clicks": n_clicks, "shape": list(shape), "n_frames": n_frames, "scratch": scratch, "half": half}
    when = "from scratch" if scratch else "per click"
    return Row(f"{when}, {n_frames} frames, {name}", parameters, repeats=3, goals=goals or {})


def ours(**parameters: Any) -> Callable[[], Labels]:
    from classicseg.refine import Scribbles

    def tell(scribbles: Scribbles, marks: Any) -> NDArray[Any]:
        scribbles.add_strokes(marks)
        return scribbles.labels()

    return each_frame(lambda temperature: Scribbles(regions_of(temperature), CLASSES), tell, **parameters)


def pixels(**parameters: Any) -> Callable[[], Labels]:
    """scikit-image's classifier as its documentation uses it, with features that are computed once."""
    from skimage.future import TrainableSegmenter, fit_segmenter, predict_segmenter

    def prepare(temperature: Any) -> TrainableSegmenter:
        segmenter = TrainableSegmenter()
        segmenter.clf.set_params(random_state=0)
        segmenter.compute_features(temperature)
        return segmenter

    def tell(segmenter: TrainableSegmenter, marks: Any) -> NDArray[Any]:
        fit_segmenter(marks + 1, segmenter.features, segmenter.clf)
        return predict_segmenter(segmenter.features, segmenter.clf) - 1

    return each_frame(prepare, tell, **parameters)


def logistic(**parameters: Any) -> Callable[[], Labels]:
    """Logistic regression on the features of the same regions, each with the class that most of its clicks name."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def tell(table: Any, marks: Any) -> NDArray[Any]:
        clicked = marks >= 0
        counts = np.zeros((len(table.numbers), len(CLASSES)))
        np.add.at(counts, (table.rows[clicked], marks[clicked]), 1)
        known = counts.any(axis=1)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(table.features[known], counts[known].argmax(axis=1))
        return model.predict(table.features)[table.rows]

    return each_frame(regions_of, tell, **parameters)


def regions_of(temperature: Any) -> Any:
    """Return the regions of a frame, small enough for hot cells and described for a refiner."""
    from classicseg import felzenszwalb
    from classicseg.refine import describe_regions

    labels = felzenszwalb(temperature, 200, sigma=0.5, min_size=12, channel_axis=None, n_threads=THREADS) + 1
    return describe_regions(temperature, labels, unit="celsius", n_threads=THREADS)


def each_frame(prepare: Prepare, tell: Tell, **parameters: Any) -> Callable[[], Labels]:
    """Return the timed call; with `scratch` what does not depend on clicks is a part of it."""
    given = frames(**parameters)
    if parameters["scratch"]:
        return lambda: {str(i): tell(prepare(temperature), marks) for i, (temperature, _, marks) in enumerate(given)}
    ready = [(prepare(temperature), marks) for temperature, _, marks in given]
    return lambda: {str(i): tell(state, marks) for i, (state, marks) in enumerate(ready)}


def frames(n_clicks: int, shape: list[int], n_frames: int, half: bool, scratch: bool) -> list[tuple[Any, Any, Any]]:
    """Return temperatures, true classes and clicks of each frame."""
    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + n_frames):
        temperature, classes = scene(seed, (shape[0], shape[1]))
        marks = np.full(classes.shape, -1, np.int32)
        part = np.s_[:, : shape[1] // 2] if half else np.s_[:, :]
        marks[part] = clicks(classes[part], n_clicks, seed)
        found.append((temperature, classes, marks))
    return found


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Tell the mean IoU of everyone over all frames; good is where ours is the best."""
    found = {name: mean_iou(made, **row.parameters) for name, made in outputs.items()}
    best = all(found[OURS] > score for name, score in found.items() if name != OURS)
    text = ", ".join(f"{name} {score:.3f}" for name, score in found.items())
    return Agreement(best or not row.goals, f"mean IoU {text}")  # tiny frames, without goals, show nothing


def mean_iou(made: Mapping[str, Any], half: bool, shape: list[int], **parameters: Any) -> float:
    from classicseg.metrics import class_scores, confusion_matrix

    part = np.s_[:, shape[1] // 2 :] if half else np.s_[:, :]
    truth = frames(half=half, shape=shape, **parameters)
    counts = [
        confusion_matrix(classes[part], made[str(i)][part], len(CLASSES)) for i, (_, classes, _) in enumerate(truth)
    ]
    return class_scores(sum(counts)).mean_iou


CASE = Case(
    name="scribbles",
    title="Classes from a few clicks: scribbles beside a classifier of pixels",
    contenders=(
        Contender(OURS, "ours"),
        Contender(PIXELS, "pixels", ("scikit-image", "scikit-learn")),
        Contender(LOGISTIC, "logistic", ("scikit-learn",)),
    ),
    rows=rows,
    agree=agree,
)
