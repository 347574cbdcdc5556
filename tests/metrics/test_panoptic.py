"""Panoptic quality of arrays and of COCO's files."""

import json

import naive_detection as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from classicseg.metrics import PanopticImage, coco_panoptic_quality, panoptic_quality

KINDS = ("car", "person", "road", "sky")


def scene(rng, shape=(12, 15)):
    """Blocks of segments, void between some, and a prediction that differs from it in places."""
    side = rng.integers(3, 6)
    blocks = rng.integers(0, 7, (-(-shape[0] // side), -(-shape[1] // side)))
    labels = blocks.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]
    pred = np.where(
        rng.random(shape) < rng.choice([0, 0.1, 0.4]), rng.integers(0, 7, shape), np.roll(labels, 1, axis=1)
    )
    classes = {int(i): KINDS[rng.integers(4)] for i in np.unique(labels) if i}
    classes_pred = {int(i): classes.get(int(i), KINDS[rng.integers(4)]) for i in np.unique(pred) if i}
    crowd = {i for i in classes if rng.random() < 0.2}
    return labels, classes, crowd, pred, classes_pred


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_equals_the_slow_twin(seed):
    rng = np.random.default_rng(seed)
    images = [scene(rng) for _ in range(3)]
    truth = [PanopticImage(labels, classes, crowd) for labels, classes, crowd, _, _ in images]
    pred = (PanopticImage(labels, classes) for *_, labels, classes in images)  # a generator serves
    found, expected = panoptic_quality(truth, pred, things=("car", "person")), naive.panoptic(images)
    assert found.classes.tolist() == sorted(expected)
    rows = np.array([expected[kind] for kind in sorted(expected)])
    assert_allclose(found.iou_sum, rows[:, 0])
    counts = np.stack([found.true_positives, found.false_positives, found.false_negatives], axis=1)
    assert_array_equal(counts, rows[:, 1:])
    quality = rows[:, 0] / (rows[:, 1] + rows[:, 2] / 2 + rows[:, 3] / 2)
    things = np.isin(found.classes, ["car", "person"])
    for part, which in ((found.all, things | True), (found.things, things), (found.stuff, ~things)):
        assert part.n_classes == which.sum()
        assert_allclose(part.pq, quality[which].mean() if which.any() else np.nan)
    assert_allclose(found.pq, found.sq * found.rq)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_numbers_of_segments_do_not_count_and_truth_is_perfect(seed):
    rng = np.random.default_rng(seed)
    labels, classes, _, pred, classes_pred = scene(rng)
    names = np.concatenate([[0], rng.permutation(np.arange(-500, -493))])
    renamed = PanopticImage(names[pred], {int(names[i]): kind for i, kind in classes_pred.items()})
    truth = PanopticImage(labels, classes)
    one, two = panoptic_quality(truth, PanopticImage(pred, classes_pred)), panoptic_quality(truth, renamed)
    assert_array_equal(one.pq, two.pq)
    assert (panoptic_quality(truth, truth).pq == 1).all()


def test_known_by_construction():
    truth = PanopticImage([[1, 1, 1, 1, 2, 2, 2, 2]], {1: "car", 2: "road"})
    pred = PanopticImage([[7, 7, 7, 8, 8, 8, 8, 8]], {7: "car", 8: "road"})
    scores = panoptic_quality(truth, pred, things=["car"])
    assert (scores.things.pq, scores.stuff.pq) == (3 / 4, 4 / 5)
    assert panoptic_quality(truth, pred).things is None


def test_half_is_not_enough():
    truth = PanopticImage([[1, 1, 2, 2]], {1: "car", 2: "road"})
    pred = PanopticImage([[1, 2, 2, 2]], {1: "car", 2: "road"})
    assert_allclose(panoptic_quality(truth, pred).pq, [0, 2 / 3])


def test_void_is_left_out_of_the_union_and_excuses_what_lies_in_it():
    truth = PanopticImage([[1, 1, 0, 0, 0, 0]], {1: "car"})
    exact = panoptic_quality(truth, PanopticImage([[1, 1, 1, 1, 0, 0]], {1: "car"}))
    assert exact.all.pq == 1
    excused = panoptic_quality(truth, PanopticImage([[0, 2, 2, 2, 0, 0]], {2: "car"}))
    assert (excused.false_positives, excused.false_negatives) == ([0], [1])  # two of its three pixels are void
    half = panoptic_quality(truth, PanopticImage([[2, 2, 2, 2, 0, 0]], {2: "road"}))
    assert half.false_positives[half.classes == "road"] == [1]  # half is not more than half


def test_crowds_need_not_be_found_and_excuse_their_class():
    truth = PanopticImage([[1, 1, 1, 1, 2, 2, 2, 2, 3]], {1: "car", 2: "car", 3: "car"}, crowd={1, 2})
    inside = panoptic_quality(truth, PanopticImage([[0, 0, 5, 5, 5, 5, 0, 0, 3]], {5: "car", 3: "car"}))
    assert inside.all.pq == 1  # two crowds count together
    other = panoptic_quality(truth, PanopticImage([[0, 0, 5, 5, 5, 5, 0, 0, 3]], {5: "bus", 3: "car"}))
    assert other.classes.tolist() == ["bus", "car"]
    assert other.pq.tolist() == [0, 1]


def test_no_classes_at_all():
    empty = panoptic_quality(PanopticImage([[0, 0]], {}), PanopticImage([[0, 0]], {}), things=())
    assert empty.all.n_classes == 0
    assert np.isnan(empty.all.pq)
    assert empty.pq.size == 0


# --- Files ---------------------------------------------------------------------------------------------------------


def write(folder, name, images, kinds=None):
    """Write COCO's JSON and pictures of (labels, classes, crowd)."""
    (folder / name).mkdir()
    annotations = []
    for i, (labels, classes, crowd) in enumerate(images):
        color = np.stack([labels % 256, labels // 256 % 256, labels // 65536], axis=2).astype(np.uint8)
        Image.fromarray(color).save(folder / name / f"{i}.png")
        segments = [{"id": k, "category_id": kind, "iscrowd": int(k in crowd)} for k, kind in classes.items()]
        annotations.append({"image_id": i, "file_name": f"{i}.png", "segments_info": segments})
    content = {"annotations": annotations}
    if kinds is not None:
        content["categories"] = [{"id": kind, "isthing": int(thing)} for kind, thing in kinds.items()]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def files(tmp_path, rng):
    """Two images with numbers of segments up to three bytes, as files and as arrays."""
    number = {kind: i for i, kind in enumerate(KINDS, start=1)}
    images = []
    for _ in range(2):
        labels, classes, crowd, pred, classes_pred = scene(rng)
        classes = {i * 70_001: number[kind] for i, kind in classes.items()}
        classes_pred = {i * 257: number[kind] for i, kind in classes_pred.items()}
        images.append((labels * 70_001, classes, {i * 70_001 for i in crowd}, pred * 257, classes_pred))
    truth = write(tmp_path, "truth", [image[:3] for image in images], {1: True, 2: True, 3: False, 4: False})
    pred = write(tmp_path, "pred", [(*image[3:], ()) for image in images])
    return truth, pred, images


def test_generated_files_equal_arrays(files):
    truth, pred, images = files
    found = coco_panoptic_quality(truth, pred)
    expected = panoptic_quality(
        [PanopticImage(*image[:3]) for image in images], [PanopticImage(*image[3:]) for image in images], things={1, 2}
    )
    assert (found.all, found.things, found.stuff) == (expected.all, expected.things, expected.stuff)
    moved = truth.with_name("elsewhere")
    truth.with_name("truth").rename(moved)
    assert coco_panoptic_quality(truth, pred, truth_folder=moved).all == found.all


def test_the_sample_images_give_the_published_quality(test_data):
    folder = test_data / "metrics" / "panoptic"
    if not folder.is_dir():
        pytest.skip("CLASSICSEG_TEST_DATA has no metrics/panoptic")
    found = coco_panoptic_quality(folder / "gt.json", folder / "pred.json")
    expected = json.loads((folder / "expected_pq.json").read_text())
    for name, part in (("All", found.all), ("Things", found.things), ("Stuff", found.stuff)):
        published = expected["summary"][name]
        assert_allclose([part.pq, part.sq, part.rq], [published[key] for key in ("pq", "sq", "rq")], rtol=1e-12)
        assert part.n_classes == published["n"]
    assert sorted(map(int, expected["per_class"])) == found.classes.tolist()
    for i, kind in enumerate(found.classes):
        row = expected["per_class"][str(kind)]
        counts = found.true_positives[i], found.false_positives[i], found.false_negatives[i]
        assert counts == (row["tp"], row["fp"], row["fn"])
        assert_allclose([found.pq[i], found.iou_sum[i]], [row["pq"], row["iou_sum"]], rtol=1e-12)


def changed(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_broken_files(files):
    truth, pred, _ = files
    kept = pred.read_text()
    cases = [
        (lambda c: c["annotations"].pop(), "found no annotation of image 1; expected one for every image"),
        (lambda c: c.pop("annotations"), "found no annotations with image_id; expected one annotation per image"),
        (lambda c: c["annotations"][0].pop("file_name"), "found an incomplete annotation of image 0"),
        (lambda c: c["annotations"][0].update(file_name="no.png"), "found an unreadable picture"),
        (lambda c: c["annotations"][0]["segments_info"][0].update(category_id=99), "found the unknown category 99"),
        (lambda c: c["annotations"][0]["segments_info"].pop(), "must name every segment of labels, got none for"),
        (
            lambda c: c["annotations"][0]["segments_info"].append({"id": 9, "category_id": 1}),
            "must name segments of labels only, got 9, without a pixel",
        ),
    ]
    for change, message in cases:
        pred.write_text(kept)
        changed(pred, change)
        with pytest.raises(ValueError) as caught:
            coco_panoptic_quality(truth, pred)
        assert message in str(caught.value)
    pred.write_text("{")
    with pytest.raises(ValueError, match="found an unreadable file"):
        coco_panoptic_quality(truth, pred)
    pred.write_text("[]")
    with pytest.raises(ValueError, match="found a list; expected an object with annotations"):
        coco_panoptic_quality(truth, pred)
    pred.write_text(kept)
    Image.new("L", (15, 12)).save(pred.with_suffix("") / "0.png")
    with pytest.raises(ValueError, match="found a picture of mode L"):
        coco_panoptic_quality(truth, pred)
    changed(truth, lambda c: c.pop("categories"))
    with pytest.raises(ValueError, match="found no categories with id and isthing"):
        coco_panoptic_quality(truth, pred)


ONE = PanopticImage([[1]], {1: "car"})
WIDE = PanopticImage([[1, 1]], {1: "car"})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: panoptic_quality(ONE, WIDE),
            ValueError,
            "pred[0].labels must have the shape of truth[0].labels, (1, 1), got (1, 2); resize by nearest neighbour "
            "first",
        ),
        (
            lambda: panoptic_quality([ONE, ONE], [ONE]),
            ValueError,
            "pred must have as many images as the other, got 1; give both in the same order",
        ),
        (
            lambda: panoptic_quality(np.ones((2, 2), int), ONE),
            TypeError,
            "truth must be a PanopticImage or an iterable of it, got ndarray",
        ),
        (
            lambda: panoptic_quality([np.ones((2, 2), int)], ONE),
            TypeError,
            "truth[0] must be a PanopticImage, got ndarray; wrap label images in it",
        ),
        (
            lambda: panoptic_quality(PanopticImage([[0.5]], {}), ONE),
            TypeError,
            "truth[0].labels must be of an integer dtype, got float64; number the regions, for example with "
            "np.unique(..., return_inverse=True)",
        ),
        (
            lambda: panoptic_quality(PanopticImage([[0, 1]], {0: "car", 1: "car"}), WIDE),
            ValueError,
            "truth[0].classes must not name segment 0, which is void, got 'car'; renumber it",
        ),
        (
            lambda: panoptic_quality(PanopticImage([[1, 2]], {1: "car"}), WIDE),
            ValueError,
            "truth[0].classes must name every segment of labels, got none for 2; set pixels of no segment to 0",
        ),
        (
            lambda: panoptic_quality(PanopticImage([[1]], {1: "car", 2: "car"}), ONE),
            ValueError,
            "truth[0].classes must name segments of labels only, got 2, without a pixel",
        ),
        (
            lambda: panoptic_quality(PanopticImage([[1]], {1: "car"}, crowd=[3]), ONE),
            ValueError,
            "truth[0].crowd must hold segments of classes, got 3",
        ),
        (
            lambda: panoptic_quality(ONE, PanopticImage([[1]], {1: 5})),
            TypeError,
            "classes must be all integers or all strings, got both: ['5', 'car']",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
