"""Fit the weights of `classicseg.segment_tree`: ``python -m benchmarks.fit_segment --data DIR``.

`DIR` is laid out as the Berkeley data set is (benchmarks/quality/data.py). Weights are fitted on the pictures of
*train*: for two neighbours in some state of merging the answer is how probable it is, mean over the annotators, that a
pixel of one and a pixel of the other lie in different regions of what was drawn. What a variant is worth, and the
scale to cut at, are told by 5-fold cross-validation on *train*, over several seeds of folds. The pictures of *val* are
segmented once, with the weights and the scale that *train* chose, and choose nothing. No other pictures are read.

Everything is seeded: the same pictures and versions give the same file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.data import SPLITS, Picture, pictures_of
from benchmarks.quality.generated import write_data_set
from benchmarks.quality.judge import Scores
from benchmarks.segment_fit.examples import Floats, Scene, scene_of
from benchmarks.segment_fit.model import fitted_model
from benchmarks.segment_fit.scores import REGION_MEASURES, scores_of
from benchmarks.segment_fit.validation import Row, rows_of, unseen_scores
from classicseg._segment_tree import Model, tree_of

OUT = Path(__file__).parents[1] / "classicseg" / "_segment_weights.json"
TRAIN, VAL = SPLITS
SEEDS = 3
DIGITS = 7  # of a weight that are written; the file is judged as it is written
WHOLE = "both"  # the variant that is written


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_segment", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="pictures with what people drew; default: a few generated ones")
    parser.add_argument("--out", type=Path, help=f"file of weights; default: {OUT.name}, with --data alone")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of the folds of cross-validation; 0: only fit")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        pictures = pictures_of(given.data or write_data_set(Path(scratch)))
        train = [scene_of(picture) for picture in pictures if picture.split == TRAIN]
        choice = cross_validated(train, range(given.seeds)) if given.seeds else None
        model = rounded(fitted_model(train))
        if out := given.out or (OUT if given.data else None):
            out.write_text(text_of(model, out if out.is_file() else OUT), encoding="utf-8")
            print(f"wrote {out.name}")
        if choice is not None:
            print(verdict(choice, model, [picture for picture in pictures if picture.split == VAL]))


def cross_validated(train: Sequence[Scene], seeds: Sequence[int]) -> Scores:
    """Print the table of variants, and return the scores of the whole model."""
    scores = unseen_scores(train, seeds)
    print(table(rows_of(scores)))
    return scores[WHOLE]


def table(rows: Sequence[Row]) -> str:
    lines = ["| variant | covering | best per picture | Rand | VOI | gain over one tree |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [row.best["covering"], row.best_per_picture["covering"], row.best["rand"], row.best["variation"]]
        gain = f"{row.gain:+.3f} [{row.interval[0]:+.3f}, {row.interval[1]:+.3f}]"
        lines.append(f"| {row.name} | {' | '.join(f'{cell:.3f}' for cell in cells)} | {gain} |")
    return "\n".join(lines)


def verdict(unseen: Scores, model: Model, pictures: Sequence[Picture]) -> str:
    """Return what the model is worth on pictures of which nothing was chosen."""
    scenes = [scene_of(picture) for picture in pictures]
    scores = scores_of(scenes, [tree_of(scene.start, model) for scene in scenes])
    if set(unseen.pictures) & set(scores.pictures):
        raise SystemExit("train and val must not share pictures")
    lines = [f"{len(scenes)} pictures of val, scales chosen on {len(unseen.pictures)} of train:"]
    for measure in REGION_MEASURES:
        at = measure.best(unseen.per_setting(measure))
        value, single = scores.per_setting(measure)[at], scores.best_per_picture(measure)
        lines.append(f"{measure.title}: {value:.4f} at scale {unseen.settings[at]['scale']}, per picture {single:.4f}")
    return "\n".join(lines)


def rounded(model: Model) -> Model:
    def short(weights: Floats) -> Floats:
        found: Floats = weights.round(DIGITS)
        return found

    return Model(short(model.first), tuple(short(weights) for weights in model.trees))


def text_of(model: Model, before: Path) -> str:
    """Return the file of weights, a line for each set; what was set by hand stays as it is."""
    held = json.loads(before.read_text(encoding="utf-8"))
    held["fitted"] = {"first": model.first.tolist(), "trees": [weights.tolist() for weights in model.trees]}
    parts = []
    for name, sets in held.items():
        trees = ",\n   ".join(json.dumps(weights) for weights in sets["trees"])
        parts.append(f' "{name}": {{\n  "first": {json.dumps(sets["first"])},\n  "trees": [\n   {trees}\n  ]\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
