"""Run-length masks and polygons, and non-maximum suppression."""

import naive_detection as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from classicseg.metrics import decode_rle, encode_rle, mask_iou, non_maximum_suppression
from classicseg.metrics._runs import of_polygons, to_array


def random_masks(rng, n, shape):
    return rng.random((n, *shape)) < rng.uniform(0, 1, (n, 1, 1))


def counts_of(mask):
    """Run lengths down the columns, zeros first, by looking at every pixel."""
    counts, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return counts


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_coding_there_and_back(seed, rows, cols):
    masks = random_masks(np.random.default_rng(seed), 5, (rows, cols))
    coded = encode_rle(masks)
    assert_array_equal(decode_rle(coded), masks)
    as_bytes = [{"size": one["size"], "counts": one["counts"].encode()} for one in coded]
    listed = [{"size": [rows, cols], "counts": counts_of(mask)} for mask in masks]
    assert_array_equal(decode_rle(as_bytes), masks)
    assert_array_equal(decode_rle([*listed[:2], *coded[2:]]), masks)  # forms may be mixed
    assert_array_equal(mask_iou(listed, coded), mask_iou(masks, masks))


def test_texts_written_by_coco():
    """Of the documentation of the format: 6 bits per character from '0', differences from the fourth number on."""
    coded = encode_rle(np.array([[[0, 0, 1, 1, 1]], [[1, 1, 1, 1, 1]], [[0, 0, 0, 0, 0]]]))
    assert [one["counts"] for one in coded] == ["23", "05", "5"]
    long = np.zeros((1, 100, 10), bool)
    long[0, 10:50] = True
    assert encode_rle(long)[0]["counts"] == ":X1l1" + "0" * 17 + "F"  # 10, 40, 60, 40, 60, ..., 50
    assert_array_equal(decode_rle(encode_rle(long)), long)


def test_texts_equal_pycocotools(rng):
    oracle = pytest.importorskip("pycocotools.mask", reason="pycocotools comes with the extra benchmarks")
    for shape in ((1, 1), (7, 5), (300, 200)):
        masks = random_masks(rng, 4, shape)
        masks[0] = True
        masks[1, shape[0] // 2 :] = False
        for mask, coded in zip(masks, encode_rle(masks)):
            assert coded["counts"].encode() == oracle.encode(np.asfortranarray(mask, np.uint8))["counts"]


def drawn(polygons, shape):
    runs = of_polygons([np.array(p, float) for p in polygons], np.zeros(len(polygons), np.int64), [shape])
    return to_array(runs.edges, shape), runs


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_polygons_equal_the_slow_twin(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, 2))
    polygons = [np.round(rng.uniform(0, 15, (rng.integers(3, 8), 2)), 1) for _ in range(rng.integers(1, 4))]
    mask, runs = drawn(polygons, shape)
    assert_array_equal(mask, np.any([naive.polygon(polygon, shape) for polygon in polygons], axis=0))
    assert runs.area[0] == mask.sum()


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # pycocotools 2.0 with NumPy 2
def test_polygons_equal_pycocotools(rng):
    """Corners outside the image too."""
    oracle = pytest.importorskip("pycocotools.mask", reason="pycocotools comes with the extra benchmarks")
    for _ in range(300):
        rows, cols = (int(side) for side in rng.integers(1, 30, 2))
        decimals = rng.integers(0, 4)
        polygons = [np.round(rng.uniform(-6, 34, (rng.integers(3, 8), 2)), decimals) for _ in range(rng.integers(1, 3))]
        coded = oracle.merge(oracle.frPyObjects([p.ravel().tolist() for p in polygons], rows, cols))
        assert_array_equal(drawn(polygons, (rows, cols))[0], oracle.decode(coded))


def test_a_rectangle_covers_its_pixels():
    expected = np.zeros((8, 9), bool)
    expected[2:5, 1:4] = True
    corners = [(1, 2), (4, 2), (4, 5), (1, 5)]
    for turn in range(4):
        assert_array_equal(drawn([corners[turn:] + corners[:turn]], (8, 9))[0], expected)
    assert_array_equal(drawn([corners[::-1], corners], (8, 9))[0], expected)  # a union, not a difference
    assert_array_equal(drawn([[*corners, corners[0]]], (8, 9))[0], expected)  # closed by the file already


def test_a_rectangle_is_cut_off_at_the_border():
    expected = np.zeros((8, 9), bool)
    expected[:5, :4] = True
    assert_array_equal(drawn([[(-3, -2), (4, -2), (4, 5), (-3, 5)]], (8, 9))[0], expected)
    assert_array_equal(drawn([[(-3, -2), (40, -2), (40, 50), (-3, 50)]], (8, 9))[0], True)


def test_no_polygons_cover_nothing():
    runs = of_polygons([], np.empty(0, np.int64), [(6, 5), (2, 2)])
    assert_array_equal(runs.area, [0, 0])
    assert not to_array(runs.edges, (6, 5)).any()


# --- Suppression ---------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_suppression_equals_the_slow_twin(seed, masks, named):
    rng = np.random.default_rng(seed)
    n, max_iou = rng.integers(0, 14), float(rng.choice([0.0, 0.2, 0.5, 1.0]))
    if masks:
        instances = random_masks(rng, n, (4, 5))
    else:
        corner = rng.integers(0, 8, (n, 2))
        instances = np.concatenate([corner, corner + rng.integers(0, 7, (n, 2))], axis=1)
    scores, classes = rng.integers(0, 6, n) / 5, rng.integers(0, 3, n)
    kept = non_maximum_suppression(instances, scores, max_iou=max_iou, classes=np.array(list("abc"))[classes])
    assert_array_equal(kept, naive.non_maximum_suppression(instances, scores, max_iou, classes))
    assert (np.diff(scores[kept]) <= 0).all()
    again = non_maximum_suppression(instances[kept], scores[kept], max_iou=max_iou, classes=classes[kept])
    assert_array_equal(again, np.arange(len(kept)))  # what stays, stays
    if masks and n:
        assert_array_equal(
            non_maximum_suppression(encode_rle(instances), scores, max_iou=max_iou, classes=classes), kept
        )


def test_what_a_suppressed_box_overlaps_stays():
    boxes = [[0, 0, 4, 10], [0, 4, 4, 14], [0, 8, 4, 18]]  # neighbours share 0.43, the outer ones 0.11
    assert_array_equal(non_maximum_suppression(boxes, [0.9, 0.8, 0.7], max_iou=0.4), [0, 2])
    assert_array_equal(non_maximum_suppression(boxes, [0.8, 0.9, 0.7], max_iou=0.4), [1])
    assert_array_equal(non_maximum_suppression(boxes, [0.9, 0.8, 0.7], max_iou=0.4, classes=[1, 2, 1]), [0, 1, 2])


def test_the_limit_is_not_exceeded_by_equality_and_ties_keep_the_first():
    boxes = [[0, 0, 2, 2], [0, 0, 2, 4], [0, 0, 2, 4]]
    assert_array_equal(non_maximum_suppression(boxes[:2], [1, 1]), [0, 1])  # IoU 0.5 exactly
    assert_array_equal(non_maximum_suppression(boxes[1:], [1, 1]), [0])


def test_bad_masks():
    cases = [
        (
            [{"size": [2, 2], "counts": [1, 2]}],
            "masks[0] must have run lengths that fill its image, got 3 for 4 pixels",
        ),
        ([{"size": [2, 2], "counts": "2"}], "masks[0] must have run lengths that fill its image, got 2 for 4 pixels"),
        ([{"size": [2, 2], "counts": [5, -1]}], "masks[0] must hold run lengths of at least 0 in counts, got [5, -1]"),
        ([{"size": [2, 2], "counts": "2\x01"}], "masks[0] must have counts in COCO's compressed form"),
        ([{"size": [2, 2], "counts": "2R"}], "masks[0] must have counts in COCO's compressed form"),  # breaks off
        ([{"size": [2, 2], "counts": "O"}], "masks[0] must have counts in COCO's compressed form"),  # a length of -1
        ([{"size": [2], "counts": "4"}], "masks[0] must have size [rows, columns] and counts"),
        ([{"counts": "4"}], "masks[0] must have size [rows, columns] and counts, got a mapping with ['counts']"),
        ([{"size": [-2, -2], "counts": "4"}], "masks[0] must have a size of at least 0, got [-2, -2]"),
    ]
    for masks, message in cases:
        with pytest.raises(ValueError) as caught:
            decode_rle(masks)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: decode_rle({"size": [1, 1], "counts": "1"}),
            TypeError,
            "masks must be a sequence of masks, got one mapping; pass a list of it",
        ),
        (
            lambda: decode_rle([{"size": [1, 1], "counts": "1"}, [[1]]]),
            TypeError,
            "masks must be arrays, or run-length masks throughout, got both; see encode_rle()",
        ),
        (
            lambda: decode_rle([{"size": [1, 1], "counts": "1"}, {"size": [1, 2], "counts": "2"}]),
            ValueError,
            "masks must be of one shape, got (1, 1) and (1, 2); compare masks of one image at a time",
        ),
        (
            lambda: non_maximum_suppression([[0, 0, 1, 1]], [1], max_iou=-0.1),
            ValueError,
            "max_iou must be at least 0, got -0.1",
        ),
        (
            lambda: non_maximum_suppression([[0, 0, 1, 1]], []),
            ValueError,
            "scores must have shape (1,), one number per instance; got (0,)",
        ),
        (
            lambda: non_maximum_suppression([[0, 0, 1, 1]], [1], classes=[1, 2]),
            ValueError,
            "classes must have shape (1,), one per row; got (2,)",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
