"""COCO's average precision: against the slow twin, pycocotools and the published numbers."""

import contextlib
import io
import json

import naive_detection as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import metrics
from classicseg._errors import FileFormatError
from classicseg.metrics import Instances, coco_average_precision, encode_rle

NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")
NAMES += ("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large")
PRINTED = {  # by COCO's own program for its 100 sample images
    "boxes": "0.505 0.697 0.573 0.586 0.519 0.501 0.387 0.594 0.595 0.640 0.566 0.564",
    "masks": "0.320 0.562 0.299 0.387 0.310 0.327 0.268 0.415 0.417 0.469 0.377 0.381",
}
SIZE = (130, 120)  # rows and columns: room for small, medium and large


def numbers(scores):
    return np.array([getattr(scores, name) for name in NAMES])


def scene(rng, kind, n_images=3, most=6):
    """Ground truth and noisy predictions of a few images, as COCO has them; ids begin at 1, scores tie."""
    truth, results = [], []
    for image in range(1, n_images + 1):
        for _ in range(rng.integers(0, most)):
            box = np.array([rng.integers(0, 60), rng.integers(0, 60), *rng.choice([8, 20, 33, 60], 2)])
            row = {"id": len(truth) + 1, "image_id": image, "category_id": int(rng.integers(1, 4))}
            row |= {"bbox": box.tolist(), "area": int(box[2] * box[3]), "iscrowd": int(rng.random() < 0.15)}
            truth.append(row)
            for _ in range(rng.integers(0, 4)):
                found = box + rng.choice([0, 0, 1, -1, 3], 4)
                found = np.clip(found, [0, 0, 1, 1], 60).tolist()
                kept = row["category_id"] if rng.random() < 0.8 else int(rng.integers(1, 5))
                score = float(rng.integers(0, 8) / 8)
                results.append({"image_id": image, "category_id": kept, "bbox": found, "score": score})
    content = {
        "images": [{"id": i, "height": SIZE[0], "width": SIZE[1]} for i in range(1, n_images + 1)],
        "categories": [{"id": k, "name": str(k)} for k in (1, 2, 3)],
        "annotations": truth,
    }
    if kind == "masks":
        for row in truth:
            x, y, w, h = row["bbox"]
            polygon = [x, y, x + w, y, x + w, y + h - 3, x + w // 2, y + h, x, y + h]
            row["segmentation"] = encode_rle(block(row)[None])[0] if row["iscrowd"] else [polygon]
        for row in results:
            row["segmentation"] = encode_rle(block(row)[None])[0]
            del row["bbox"]
    return content, results


def block(row):
    x, y, w, h = row["bbox"]
    mask = np.zeros(SIZE, bool)
    mask[y : y + h, x : x + w] = True
    mask[y : y + h : 3, x] = False
    return mask


def plain(rows, kind):
    """Return rows of the slow twin."""
    out = []
    for row in rows:
        if kind == "boxes":
            x, y, w, h = row["bbox"]
            shape, own = (y, x, y + h, x + w), w * h
        else:
            mask = row["segmentation"]
            if isinstance(mask, list):
                shape = naive.polygon([tuple(point) for point in np.reshape(mask[0], (-1, 2))], SIZE)
            else:
                shape = metrics.decode_rle([mask])[0]
            own = int(shape.sum())
        crowd = bool(row.get("iscrowd"))
        out.append(
            {"image": row["image_id"], "class": row["category_id"], "shape": shape, "crowd": crowd}
            | {"area": row.get("area", own), "score": row.get("score")}
        )
    return out


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["boxes", "masks"]))
def test_equals_the_slow_twin(seed, kind):
    content, results = scene(np.random.default_rng(seed), kind, n_images=2, most=5)
    found = coco_average_precision(content, results, kind=kind, max_detections=(1, 2, 4))
    precision, recall = naive.coco(
        plain(content["annotations"], kind), plain(results, kind), (1, 2), (1, 2, 3), (1, 2, 4)
    )
    assert_allclose(found.recall, recall, atol=1e-12)
    assert_allclose(found.precision, precision, atol=1e-12)
    assert found.max_detections == (1, 2, 4)


@pytest.mark.parametrize("kind", ["boxes", "masks"])
@pytest.mark.parametrize("seed", range(6))
def test_equals_pycocotools(seed, kind):
    content, results = scene(np.random.default_rng(seed), kind, n_images=6, most=9)
    check_oracle(content, results, kind)


def check_oracle(content, results, kind):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools comes with the extra benchmarks")
    from pycocotools.cocoeval import COCOeval

    found = coco_average_precision(content, results, kind=kind)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = json.loads(json.dumps(content))
        truth.createIndex()
        evaluation = COCOeval(
            truth, truth.loadRes(json.loads(json.dumps(results))), {"boxes": "bbox"}.get(kind, "segm")
        )
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert_allclose(np.nan_to_num(numbers(found), nan=-1), evaluation.stats, atol=1e-9)
    assert_allclose(np.nan_to_num(found.precision, nan=-1), evaluation.eval["precision"], atol=1e-9)
    assert_allclose(np.nan_to_num(found.recall, nan=-1), evaluation.eval["recall"], atol=1e-9)
    return found


@pytest.mark.parametrize("kind", ["boxes", "masks"])
def test_the_sample_images_give_the_printed_numbers(test_data, kind):
    folder = test_data / "metrics" / "coco"
    if not folder.is_dir():
        pytest.skip("CLASSICSEG_TEST_DATA has no metrics/coco")
    name = {"boxes": "fakebbox", "masks": "fakesegm"}[kind]
    truth, results = folder / "instances_val2014_100.json", folder / f"instances_val2014_{name}100_results.json"
    found = coco_average_precision(truth, results, kind=kind)
    assert " ".join(f"{value:.3f}" for value in numbers(found)) == PRINTED[kind]
    check_oracle(json.loads(truth.read_text()), json.loads(results.read_text()), kind)


def test_columns_may_be_arrays_and_may_hold_one_score_or_none():
    truth = Instances(np.zeros(2, int), np.ones(2, int), boxes=np.array([[0, 0, 9, 9], [20, 20, 30, 30]]))
    for n, ap in ((2, 1.0), (1, 51 / 101), (0, 0.0)):
        pred = Instances(np.zeros(n, int), np.ones(n, int), boxes=truth.boxes[:n], scores=np.linspace(0.5, 0, n))
        assert np.isclose(coco_average_precision(truth, pred).ap, ap)


def test_scores_known_by_construction():
    """Two objects, one found exactly and one at IoU 0.8, a false alarm between them."""
    truth = Instances([1, 1], [7, 7], boxes=[[0, 0, 10, 10], [20, 0, 30, 10]])
    pred = Instances([1, 1, 1], [7, 7, 7], boxes=[[0, 0, 10, 10], [50, 50, 60, 60], [20, 0, 30, 8]], scores=[3, 2, 1])
    scores = coco_average_precision(truth, pred)
    full, half = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert_allclose(scores.ap_50, full)
    assert_allclose(scores.ap_75, full)
    assert_allclose(scores.ap, (7 * full + 3 * half) / 10)  # 0.50 to 0.80 are reached, equality included
    assert_allclose(scores.ar_1, 0.5)
    assert_allclose(scores.ar_10, (7 * 1 + 3 * 0.5) / 10)
    assert_allclose([scores.ap_small, scores.class_ap[0]], scores.ap)
    assert np.isnan([scores.ap_medium, scores.ar_large]).all()


@pytest.mark.parametrize(("found_rows", "at_50", "at_75"), [(72, 1, 0), (76, 1, 1), (49, 0, 0)])
def test_the_two_thresholds_that_have_names(found_rows, at_50, at_75):
    truth = Instances([1], [1], boxes=[[0, 0, 100, 10]])
    pred = Instances([1], [1], boxes=[[0, 0, found_rows, 10]], scores=[1])
    scores = coco_average_precision(truth, pred)
    assert (scores.ap_50, scores.ap_75) == (at_50, at_75)


def test_a_crowd_swallows_any_number():
    truth = Instances([1, 1], [1, 1], boxes=[[0, 0, 50, 50], [60, 60, 70, 70]], crowd=[True, False])
    inside = [[i, i, i + 10, i + 10] for i in range(5)]
    pred = Instances([1] * 6, [1] * 6, boxes=[*inside, [60, 60, 70, 70]], scores=[9, 8, 7, 6, 5, 4])
    assert coco_average_precision(truth, pred).ap == 1


def test_sizes_at_their_ends_belong_to_both():
    truth = Instances([1], [1], boxes=[[0, 0, 32, 32]])
    pred = Instances([1], [1], boxes=[[0, 0, 32, 32]], scores=[1])
    scores = coco_average_precision(truth, pred)
    assert scores.ap_small == scores.ap_medium == 1
    assert np.isnan(scores.ap_large)


def test_columns_equal_dicts(rng):
    for kind in ("boxes", "masks"):
        content, results = scene(rng, kind)
        columns = []
        for rows in (content["annotations"], results):
            twins = plain(rows, kind)
            shapes = [row["shape"] for row in twins]
            keys = [row["image"] for row in twins], [row["class"] for row in twins]
            sizes, crowd = [row["area"] for row in twins], [row["crowd"] for row in twins]
            scores = [row.get("score", 0) for row in rows]
            columns.append(Instances(*keys, **{kind: shapes}, scores=scores, areas=sizes, crowd=crowd))
        expected = coco_average_precision(content, results, kind=kind)
        for truth in (content, columns[0]):
            for pred in (results, columns[1]):
                assert_array_equal(numbers(coco_average_precision(truth, pred, kind=kind)), numbers(expected))


def test_names_may_be_text_and_images_empty():
    truth = Instances(["b", "a"], ["cat", "dog"], boxes=[[0, 0, 4, 4], [1, 1, 5, 5]])
    pred = Instances(["a", "c"], ["dog", "dog"], boxes=[[1, 1, 5, 5], [0, 0, 3, 3]], scores=[0.5, 0.9])
    scores = coco_average_precision(truth, pred)
    assert scores.classes.tolist() == ["cat", "dog"]
    assert_allclose(scores.class_ap, [0, 0.5])  # the false alarm of image c comes first
    assert repr(truth) == "Instances of 2 images, 2 rows"


def test_nothing_found_and_nothing_to_find():
    truth = Instances([1], [1], boxes=[[0, 0, 4, 4]])
    nothing = Instances([], [], boxes=[], scores=[])
    assert coco_average_precision(truth, nothing).ap == 0
    assert np.isnan(numbers(coco_average_precision(Instances([], [], boxes=[]), nothing))).all()
    content = {"images": [{"id": 1}], "categories": [{"id": 1}], "annotations": []}
    assert np.isnan(coco_average_precision(content, []).ap)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_properties(seed):
    rng = np.random.default_rng(seed)
    content, results = scene(rng, "boxes")
    for i, row in enumerate(results):
        row["score"] += i * 1e-4  # no ties, so that the order of rows is free
    scores = coco_average_precision(content, results)
    shuffled = [results[i] for i in rng.permutation(len(results))]
    assert_array_equal(numbers(coco_average_precision(content, shuffled)), numbers(scores))
    assert (np.diff(scores.recall, axis=-1)[~np.isnan(scores.recall[..., 1:])] >= 0).all()
    assert (np.diff(scores.precision, axis=1)[~np.isnan(scores.precision[:, 1:])] <= 0).all()
    perfect = [{**row, "score": 1.0} for row in content["annotations"]]
    best = coco_average_precision(content, perfect, max_detections=(1, 10, 1000))
    assert np.isnan(best.ap) or best.ap == 1


ROW = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4], "score": 0.5}
CONTENT = {
    "images": [{"id": 1, "height": 8, "width": 8}],
    "categories": [{"id": 1}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 4, 4]}],
}


def without(row, key):
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([without(ROW, "score")], "results: found no score in row 0; expected score in every row"),
        ([without(ROW, "bbox")], "results: found no bbox of four numbers in row 0; expected x, y, width, height"),
        (
            [ROW, {**ROW, "bbox": [1, 2]}],
            "results: found no bbox of four numbers in row 1; expected x, y, width, height",
        ),
        (
            [{**ROW, "bbox": [0, 0, -1, 4]}],
            "results: found the bbox [0.0, 0.0, -1.0, 4.0] in row 0; expected a width and height of at least 0",
        ),
        (
            [{**ROW, "image_id": 9}],
            "results must lie in images of the ground truth, got image_id 9 in row 0; add it to images, or leave such "
            "rows out",
        ),
        ([{**ROW, "score": float("nan")}], "results score must be finite, got nan in row 0; leave such rows out"),
        (
            [{**ROW, "score": "high"}],
            "results: found score of type <U4; expected numbers; ids may be text throughout",
        ),
        ({}, "results: found dict; expected a list of results with image_id, category_id and score"),
        (
            "missing.json",
            "missing.json: found an unreadable file ([Errno 2] No such file or directory: 'missing.json'); "
            "expected the JSON of results",
        ),
    ],
)
def test_broken_results(results, message):
    with pytest.raises(ValueError) as caught:
        coco_average_precision(CONTENT, results)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, "found no polygons in row 0"),
        ([[1, 2, 3, 4]], "found no polygons in row 0"),
        ([[0, 0, 1, 1, float("nan"), 2]], "found no polygons in row 0"),
        ({"size": [2, 2], "counts": "3"}, "truth annotations[0] must have run lengths that fill its image"),
    ],
)
def test_broken_masks(segmentation, message):
    content = {**CONTENT, "annotations": [{"image_id": 1, "category_id": 1, "segmentation": segmentation}]}
    with pytest.raises(ValueError) as caught:
        coco_average_precision(content, [], kind="masks")
    assert message in str(caught.value)


def test_polygons_need_the_size_of_their_image():
    rows = [{"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 4, 0, 4, 4]]}]
    with pytest.raises(FileFormatError) as caught:
        coco_average_precision({**CONTENT, "images": [{"id": 1}], "annotations": rows}, [], kind="masks")
    assert str(caught.value) == (
        "truth annotations: found no run-length segmentation in row 0; expected size and counts; or polygons, in an "
        "image whose height and width are given"
    )


def test_a_stack_of_masks_and_no_masks():
    masks = np.eye(4, dtype=bool).reshape(2, 2, 4)
    truth = Instances([1, 2], [1, 1], masks=masks)
    assert coco_average_precision(truth, Instances([1, 2], [1, 1], masks=masks, scores=[1, 1]), kind="masks").ap == 1
    assert coco_average_precision(truth, Instances([], [], masks=[], scores=[]), kind="masks").ap == 0


def test_masks_of_other_shapes_are_refused():
    truth = Instances([1], [1], masks=[np.ones((4, 4), bool)])
    pred = Instances([1], [1], masks=[np.ones((4, 5), bool)], scores=[1])
    with pytest.raises(ValueError) as caught:
        coco_average_precision(truth, pred, kind="masks")
    assert str(caught.value) == (
        "masks of one image must be of one shape, got (4, 4) and (4, 5) in image 1; bring the predictions to the size "
        "of the image first"
    )


BOXES = [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: coco_average_precision(Instances([1], [1], boxes=BOXES), Instances([1], [1], boxes=BOXES)),
            ValueError,
            "results.scores must be given for predictions, got None; fill it with ones if there are none",
        ),
        (
            lambda: coco_average_precision(Instances([1], [1], boxes=BOXES), [], kind="masks"),
            ValueError,
            "truth.masks must be given for kind='masks', got None; fill it, or choose the other kind",
        ),
        (
            lambda: coco_average_precision(Instances([1, 2], [1, 1], boxes=BOXES), []),
            ValueError,
            "truth.boxes must have one row per instance, got 1 for 2 in images",
        ),
        (
            lambda: coco_average_precision(CONTENT, Instances(["1"], [1], boxes=BOXES, scores=[1])),
            TypeError,
            "images must be named alike, got 1 in truth, '1' in results",
        ),
        (
            lambda: coco_average_precision({"images": []}, []),
            FileFormatError,
            "truth: found no COCO ground truth; expected images, annotations and categories",
        ),
        (
            lambda: coco_average_precision(CONTENT, [], kind="bbox"),
            ValueError,
            "kind must be one of 'boxes', 'masks', got 'bbox'",
        ),
        (
            lambda: coco_average_precision(CONTENT, [], max_detections=(1, 10)),
            ValueError,
            "max_detections must be three integers, as (1, 10, 100), got (1, 10)",
        ),
        (
            lambda: coco_average_precision(CONTENT, [], max_detections=(1, 100, 10)),
            ValueError,
            "max_detections must rise, got (1, 100, 10); sort it and leave out repeats",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
