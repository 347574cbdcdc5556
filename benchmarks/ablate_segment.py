"""What each part of `classicseg.segment_tree` is worth: ``python -m benchmarks.ablate_segment --data DIR``.

Every cue in turn is left out of the fit, and every stage of the result, as `benchmarks.fit_segment` fits it; each
variant segments pictures of *train* that it was not fitted on. The pictures of *val* are not read. It takes the time of
six fits in each of five folds, times the seeds: a quarter of an hour for each on one processor.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.data import SPLITS, pictures_of
from benchmarks.quality.generated import write_data_set
from benchmarks.segment_fit.ablation import ablation_of, table
from benchmarks.segment_fit.examples import scene_of
from benchmarks.table import RESULTS


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablate_segment", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="pictures with what people drew; default: a few generated ones")
    parser.add_argument("--seeds", type=int, default=1, help="of the folds of cross-validation (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the result files")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        pictures = pictures_of(given.data or write_data_set(Path(scratch)))
        scenes = [scene_of(picture) for picture in pictures if picture.split == SPLITS[0]]
        data = "pictures that people segmented" if given.data else "generated pictures"
        result = ablation_of(scenes, given.seeds, data=data)
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"segment_ablation-{result['date']}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(table(result) + "\n", encoding="utf-8")
    print(f"wrote {path.name} and {path.stem}.md\n{table(result)}")


if __name__ == "__main__":
    main()
