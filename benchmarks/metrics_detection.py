"""COCO's average precision of boxes and masks, and panoptic quality.

All evaluators get the dicts of COCO's JSON, read before the clock starts, with fresh rows in every call: pycocotools
writes into them, and would find polygons already drawn in its second call. Their times take in the index over the
ground truth and the loading of results, as that is what a user has to do. Panoptic quality has no installable peer;
the plain form counts pairs of segments by sorting, as the authors' program does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.registry import Agreement, Context, Outputs, Row

OURS, PYCOCO, FASTER, PLAIN = "classicseg", "pycocotools", "faster-coco-eval", "NumPy"
SHAPE = (480, 640)
NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")
NAMES += ("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large")
GOALS = {FASTER: 1.0, PYCOCO: 1.0}


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [coco_row(context, kind, 2, 4) for kind in ("boxes", "masks")] + [panoptic_row(context, 1)]
    found = [
        coco_row(context, "boxes", 100, 20),
        coco_row(context, "boxes", 500, 50),
        coco_row(context, "masks", 50, 20),
    ]
    return [*found, *sample_rows(context), panoptic_row(context, 4)]


def coco_row(context: Context, kind: str, n_images: int, n_found: int) -> Row:
    folder = stored(context.scratch / f"coco {kind} {n_images} {n_found}", kind, n_images, n_found)
    files = {"truth": str(folder / "truth.json"), "results": str(folder / "results.json")}
    name = f"COCO AP of {kind}, {n_images} images, {n_images * n_found} predictions"
    return Row(name, {"kind": kind, **files}, contenders=(OURS, *GOALS), goals=GOALS)


def sample_rows(context: Context) -> list[Row]:
    """Return rows on the sample files of COCO's own repository, where the folder of real data has them."""
    folder = None if context.data is None else context.data / "metrics" / "coco"
    if folder is None or not folder.is_dir():
        return []
    return [
        Row(
            f"COCO AP of {kind}, 100 images of val2014",
            {
                "kind": kind,
                "truth": str(folder / "instances_val2014_100.json"),
                "results": str(folder / f"instances_val2014_{name}100_results.json"),
            },
            contenders=(OURS, *GOALS),
            goals=GOALS,
        )
        for kind, name in (("boxes", "fakebbox"), ("masks", "fakesegm"))
    ]


def panoptic_row(context: Context, n_images: int) -> Row:
    name = f"panoptic quality, {n_images} images of {SHAPE[0]}×{SHAPE[1]}"
    return Row(name, {"kind": "panoptic", "n_images": n_images}, contenders=(OURS, PLAIN), goals={PLAIN: 1.0})


# --- Inputs --------------------------------------------------------------------------------------------------------


def stored(folder: Path, kind: str, n_images: int, n_found: int) -> Path:
    """Write a data set of 80 classes, 7 objects per image, and predictions around them and elsewhere."""
    if (folder / "results.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    truth, results = [], []
    for image in range(1, n_images + 1):
        boxes = random_boxes(rng, 7)
        classes = rng.integers(1, 81, 7)
        for box, category in zip(boxes, classes):
            truth.append(row_of(kind, box, image, category, rng, results=False) | {"id": len(truth) + 1})
        near = rng.integers(0, 7, n_found)
        found = np.where(
            rng.random((n_found, 1)) < 0.6, boxes[near] + rng.normal(0, 3, (n_found, 4)), random_boxes(rng, n_found)
        )
        found = np.concatenate([found[:, :2].clip(0), found[:, 2:].clip(2)], axis=1).round(2)
        for box, category in zip(found, classes[near]):
            row = row_of(kind, box, image, category, rng, results=True)
            results.append(row | {"score": round(float(rng.random()), 3)})
    images = [{"id": i, "height": SHAPE[0], "width": SHAPE[1]} for i in range(1, n_images + 1)]
    content = {"images": images, "categories": [{"id": k} for k in range(1, 81)], "annotations": truth}
    (folder / "truth.json").write_text(json.dumps(content))
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def random_boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return x, y, width, height; small, medium and large ones."""
    size = np.exp(rng.uniform(np.log(10), np.log(250), (n, 2)))
    corner = rng.random((n, 2)) * (np.array(SHAPE[::-1]) - size)
    return np.concatenate([corner, size], axis=1).round(2)


def row_of(kind: str, box: Any, image: int, category: int, rng: np.random.Generator, results: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"image_id": image, "category_id": int(category)}
    if not results:
        row |= {"area": round(float(box[2] * box[3]), 2), "iscrowd": int(kind == "boxes" and rng.random() < 0.02)}
    if kind == "boxes" or not results:
        row["bbox"] = [float(v) for v in box]
    if kind == "masks":
        row["segmentation"] = blob(box, rng, results)
    return row


def blob(box: Any, rng: np.random.Generator, results: bool) -> Any:
    """Return a wavy ellipse in a box: run lengths for predictions, a polygon of 40 corners for ground truth."""
    from classicseg.metrics import encode_rle

    x, y, width, height = box
    waves = 1 + 0.1 * np.sin(rng.integers(3, 9) * np.linspace(0, 2 * np.pi, 40, endpoint=False))
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    cols, rows = x + width / 2 * (1 + waves * np.cos(angle)), y + height / 2 * (1 + waves * np.sin(angle))
    if not results:
        return [np.stack([cols, rows], axis=1).round(2).ravel().tolist()]
    from skimage.draw import polygon2mask

    return encode_rle(polygon2mask(SHAPE, np.stack([rows, cols], axis=1))[None])[0]


def panoptic_images(n_images: int) -> list[tuple[Any, Any, Any, Any]]:
    """Return label maps of truth and prediction with their tables: cells around 60 points, and 50 of them moved."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(1)
    pixels = np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 2)
    found = []
    for _ in range(n_images):
        points = rng.random((60, 2)) * SHAPE
        moved = np.concatenate([points[:50] + rng.normal(0, 4, (50, 2)), rng.random((10, 2)) * SHAPE])
        names = 1 + np.sort(rng.choice(2**24 - 2, 60, replace=False))
        classes = rng.integers(1, 20, 60)
        one, two = (
            names[cKDTree(centers).query(pixels)[1]].reshape(SHAPE).astype(np.int32) for centers in (points, moved)
        )
        one[:40] = 0  # a stripe of void
        tables = ({int(i): int(classes[np.searchsorted(names, i)]) for i in np.unique(m) if i} for m in (one, two))
        found.append((one, two, *tables))
    return found


# --- Contenders ----------------------------------------------------------------------------------------------------


def loaded(truth: str, results: str) -> Callable[[], tuple[Any, Any]]:
    """Return a function that gives fresh rows of both files."""
    content, found = json.loads(Path(truth).read_text()), json.loads(Path(results).read_text())

    def fresh() -> tuple[Any, Any]:
        return {**content, "annotations": [dict(row) for row in content["annotations"]]}, [dict(row) for row in found]

    return fresh


def ours(kind: str, **inputs: Any) -> Callable[[], Any]:
    from classicseg.metrics import coco_average_precision

    if kind == "panoptic":
        return our_panoptic(**inputs)
    fresh = loaded(**inputs)

    def call() -> Any:
        scores = coco_average_precision(*fresh(), kind=kind)
        return {"stats": np.nan_to_num([getattr(scores, name) for name in NAMES], nan=-1)}

    return call


def pycocotools(kind: str, **inputs: Any) -> Callable[[], Any]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def index(content: Any) -> Any:
        coco = COCO()
        coco.dataset = content
        coco.createIndex()
        return coco

    return evaluator(kind, index, COCOeval, loaded(**inputs))


def faster_coco_eval(kind: str, **inputs: Any) -> Callable[[], Any]:
    from faster_coco_eval import COCO, COCOeval_faster

    return evaluator(kind, COCO, COCOeval_faster, loaded(**inputs))


def evaluator(kind: str, index: Callable[[Any], Any], evaluation: Any, fresh: Callable[[], Any]) -> Callable[[], Any]:
    def call() -> Any:
        content, found = fresh()
        truth = index(content)
        steps = evaluation(truth, truth.loadRes(found), {"boxes": "bbox", "masks": "segm"}[kind])
        steps.evaluate()
        steps.accumulate()
        steps.summarize()
        return {"stats": np.asarray(steps.stats)[:12]}

    return call


def our_panoptic(n_images: int) -> Callable[[], Any]:
    from classicseg.metrics import PanopticImage, panoptic_quality

    images = panoptic_images(n_images)

    def call() -> Any:
        truth = [PanopticImage(labels, classes) for labels, _, classes, _ in images]
        scores = panoptic_quality(truth, [PanopticImage(labels, classes) for _, labels, _, classes in images])
        return {"stats": np.array([scores.all.pq, scores.all.sq, scores.all.rq])}

    return call


def numpy(kind: str, n_images: int) -> Callable[[], Any]:
    images = panoptic_images(n_images)

    def call() -> Any:
        counts: dict[int, list[float]] = {}
        for labels, found, classes, classes_found in images:
            count_by_sorting(labels, found, classes, classes_found, counts)
        table = np.array(list(counts.values()))
        errors = table[:, 1] + table[:, 2] / 2 + table[:, 3] / 2
        parts = table[:, 0] / errors, table[:, 0] / np.maximum(table[:, 1], 1), table[:, 1] / errors
        return {"stats": np.array([part.mean() for part in parts])}

    return call


def count_by_sorting(labels: Any, found: Any, classes: Any, classes_found: Any, counts: Any) -> None:
    """Add sum of IoU, found, wrong and missed by class; there are no crowds here."""
    pairs, shared = np.unique(labels.astype(np.uint64) * 2**32 + found.astype(np.uint64), return_counts=True)
    both = {(int(pair >> 32), int(pair & 0xFFFFFFFF)): int(n) for pair, n in zip(pairs.tolist(), shared)}
    area, area_found = (dict(zip(*map(np.ndarray.tolist, np.unique(m, return_counts=True)))) for m in (labels, found))
    taken, hit = set(), set()
    for (one, two), n in both.items():
        if one in classes and two in classes_found and classes[one] == classes_found[two]:
            iou = n / (area[one] + area_found[two] - n - both.get((0, two), 0))
            if iou > 0.5:
                row = counts.setdefault(classes[one], [0, 0, 0, 0])
                row[0], row[1] = row[0] + iou, row[1] + 1
                taken.add(one)
                hit.add(two)
    for one, kind in classes.items():
        counts.setdefault(kind, [0, 0, 0, 0])[3] += one not in taken
    for two, kind in classes_found.items():
        if two not in hit and both.get((0, two), 0) / area_found[two] <= 0.5:
            counts.setdefault(kind, [0, 0, 0, 0])[2] += 1


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine = outputs[OURS]["stats"]
    apart = tuple(
        name
        for name, found in outputs.items()
        if len(found["stats"]) != len(mine) or not np.allclose(found["stats"], mine, rtol=0, atol=1e-9)
    )
    return Agreement(not apart, f"{float(mine[0]):.6f}, {len(mine)} numbers equal to 1e-9", apart)
