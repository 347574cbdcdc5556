"""Scores of superpixels, with and without a ground truth."""

import json
import math

import naive_metrics
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.metrics import (
    achievable_segmentation_accuracy,
    boundary_precision,
    boundary_recall,
    compactness,
    explained_variation,
    undersegmentation_error,
)

DEFINITIONS = ["neubert-protzel", "levinshtein", "best-overlap"]
SHAPES = [(1, 1), (1, 7), (7, 1), (9, 13)]


def grown(rng, shape, n_labels):
    """Labels in patches: the nearest of some seeds."""
    rows, cols = np.indices(shape)
    seeds = rng.random((n_labels, 2)) * shape
    return np.argmin([(rows - row) ** 2 + (cols - col) ** 2 for row, col in seeds], axis=0)


@pytest.mark.parametrize("n_labels", [1, 4, 60])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_slow_twins(rng, shape, n_labels):
    for _ in range(3):
        true, pred = grown(rng, shape, 3) - 7, grown(rng, shape, n_labels) * 5
        accuracy = achievable_segmentation_accuracy(true, pred)
        assert_allclose(accuracy, naive_metrics.achievable_accuracy(true, pred), rtol=1e-12)
        for definition in DEFINITIONS:
            expected = naive_metrics.undersegmentation_error(true, pred, definition)
            found = undersegmentation_error(true, pred, definition=definition)
            assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
        assert_allclose(compactness(pred), naive_metrics.compactness(pred), rtol=1e-12)
        mask = rng.random(shape) < 0.8
        if mask.any():
            assert_allclose(compactness(pred, mask=mask), naive_metrics.compactness(pred, mask), rtol=1e-12)


@pytest.mark.parametrize("tolerance", [0, 1, 2, 3, 4, 5, 8, 13, 14, 40])
def test_boundaries_equal_the_slow_twin(rng, tolerance):
    for shape in (*SHAPES, (20, 31)):
        true, pred = grown(rng, shape, 3), grown(rng, shape, 5)
        found = tuple(score(true, pred, tolerance=tolerance) for score in (boundary_recall, boundary_precision))
        assert_allclose(found, naive_metrics.boundary_scores(true, pred, tolerance), rtol=1e-12)


@pytest.mark.parametrize(("shape", "radius"), [((321, 481), 1), ((100, 90), 0), ((3000, 4), 8), ((900, 1300), 4)])
def test_the_default_tolerance_follows_the_diagonal(shape, radius):
    """The inner one of the two rows of a boundary lies `radius` from the other boundary, the outer one farther."""
    rows, _ = np.indices(shape)
    true, pred = (rows > 10).astype(int), (rows > 11 + radius).astype(int)
    assert boundary_recall(true, pred) == boundary_recall(true, pred, tolerance=radius) == 0.5
    assert boundary_precision(true, pred) == boundary_precision(true, pred, tolerance=radius) == 0.5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_explained_variation_equals_the_slow_twin(rng, dtype, channels):
    image = (rng.random((9, 11, *channels)) * 200).astype(dtype)
    mask = rng.random((9, 11)) < 0.7
    for labels in (grown(rng, (9, 11), 5) - 2, grown(rng, (9, 11), 5) * 10**15, np.full((9, 11), 3)):
        found = explained_variation(image, labels), explained_variation(image, labels, mask=mask)
        expected = [naive_metrics.explained_variation(image, labels, inside) for inside in (None, mask)]
        assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_explained_variation_of_values_far_from_zero():
    """Deviations are summed, not squares of values: nothing cancels."""
    image = 1e8 + np.array([[0.0, 1.0, 10.0, 11.0]])
    assert explained_variation(image, [[1, 1, 2, 2]]) == pytest.approx(100 / 101, rel=1e-12)


def test_nan_outside_the_mask_is_no_value(rng):
    image, labels = rng.random((6, 6)).astype(np.float32), grown(rng, (6, 6), 3)
    mask = rng.random((6, 6)) < 0.6
    holes = np.where(mask, image, np.nan).astype(np.float32)
    assert explained_variation(holes, labels, mask=mask) == explained_variation(image, labels, mask=mask)
    assert np.isnan(holes[~mask]).all()


def test_known_by_construction():
    squares = np.arange(12).reshape(3, 4).repeat(5, axis=0).repeat(5, axis=1)
    assert compactness(squares) == pytest.approx(math.pi / 4, rel=1e-12)
    assert compactness(squares, mask=squares == 6) == pytest.approx(math.pi / 4, rel=1e-12)
    line = np.arange(20)[None]
    assert compactness(np.zeros((1, 20), int)) == pytest.approx(4 * math.pi * 20 / 42**2, rel=1e-12)
    assert explained_variation(np.full((4, 4), 9), line[:, :16].reshape(4, 4)) == 1
    assert explained_variation(squares, squares) == 1
    assert explained_variation(squares, np.zeros_like(squares)) == 0
    for definition in DEFINITIONS:
        assert undersegmentation_error(squares // 2, squares, definition=definition) == 0
    assert achievable_segmentation_accuracy(squares // 2, squares) == 1
    for score in (boundary_recall, boundary_precision):
        assert score(squares, squares, tolerance=0) == 1
        assert score(np.ones((4, 4), int), np.ones((4, 4), int)) == 1
    assert boundary_recall(np.ones_like(squares), squares) == 1  # nothing to be found
    assert boundary_precision(np.ones_like(squares), squares) == 0


def test_a_leak_by_its_three_definitions():
    """A superpixel of 12 pixels reaches 1 pixel over a border between 10 and 20."""
    true, pred = np.repeat([1, 2], [10, 20]), np.repeat([1, 2, 3], [11, 9, 10])
    errors = [undersegmentation_error(true, pred, definition=one) for one in DEFINITIONS]
    assert errors == pytest.approx([2 / 30, (1 / 10 + 10 / 20) / 2, 1 / 30])
    assert achievable_segmentation_accuracy(true, pred) == pytest.approx(29 / 30)


def test_void_and_mask_leave_pixels_out(rng):
    true, pred, mask = rng.integers(0, 4, (9, 9)), rng.integers(0, 9, (9, 9)), rng.random((9, 9)) < 0.7
    judged = mask & (true != 2)
    left = true[judged], pred[judged]
    options = {"void": 2, "mask": mask}
    assert achievable_segmentation_accuracy(true, pred, **options) == achievable_segmentation_accuracy(*left)
    for definition in DEFINITIONS:
        found = undersegmentation_error(true, pred, definition=definition, **options)
        assert found == undersegmentation_error(*left, definition=definition)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(1, 8))
def test_properties(seed, n_true, n_pred):
    rng = np.random.default_rng(seed)
    true, pred = grown(rng, (10, 14), n_true), grown(rng, (10, 14), n_pred)
    image = rng.random((10, 14))
    finer = pred * 2 + rng.integers(0, 2, pred.shape)
    assert achievable_segmentation_accuracy(true, finer) >= achievable_segmentation_accuracy(true, pred)
    assert explained_variation(image, finer) >= explained_variation(image, pred) - 1e-12
    assert 0 <= explained_variation(image, pred) <= 1 + 1e-12
    assert 0 < compactness(pred) <= math.pi / 4 + 1e-12
    assert compactness(pred) == pytest.approx(compactness(pred.T))
    recalls = [boundary_recall(true, pred, tolerance=radius) for radius in range(4)]
    assert recalls == sorted(recalls)
    assert boundary_recall(true, pred, tolerance=14) == float(n_labels(pred) > 1 or n_labels(true) == 1)
    errors = [undersegmentation_error(true, pred, definition=one) for one in DEFINITIONS]
    assert 0 <= errors[2] <= errors[0]
    assert errors[2] == pytest.approx(1 - achievable_segmentation_accuracy(true, pred))


def n_labels(labels):
    return len(np.unique(labels))


def test_arguments_stay_unchanged(rng):
    image, labels, mask = rng.random((5, 6, 3)), grown(rng, (5, 6), 4), rng.random((5, 6)) < 0.7
    before = image.copy(), labels.copy(), mask.copy()
    for array in (image, labels, mask):
        array.setflags(write=False)
    explained_variation(image, labels, mask=mask)
    compactness(labels, mask=mask)
    boundary_recall(labels, labels.T[::-1].T)
    for array, copy in zip((image, labels, mask), before):
        assert_array_equal(array, copy)


# --- The superpixel benchmark's own outputs (github.com/davidstutz/superpixel-benchmark) -----------------------


def benchmark_maps(folder):
    expected = json.loads((folder / "expected.json").read_text())
    for image, per_annotator in expected.items():
        labels = np.loadtxt(folder / "seg" / f"{image}.csv.gz", delimiter=",", dtype=np.int32)
        for number, numbers in per_annotator.items():
            true = np.loadtxt(folder / "gt" / f"{image}-{number}.csv.gz", delimiter=",", dtype=np.int32)
            yield folder / "image" / f"{image}.jpg", true, labels, numbers


def test_the_outputs_of_the_superpixel_benchmark(test_data):
    from PIL import Image

    folder = test_data / "metrics" / "superpixel"
    if not folder.is_dir():
        pytest.skip("the test data lack metrics/superpixel")
    maps = list(benchmark_maps(folder))
    assert len(maps) == 25
    for path, true, labels, told in maps:
        n_regions = n_labels(true)
        found = {
            "rec": boundary_recall(true, labels),
            "pre": boundary_precision(true, labels),
            "asa": achievable_segmentation_accuracy(true, labels),
            "ue": undersegmentation_error(true, labels, definition="best-overlap"),
            "ue_np": undersegmentation_error(true, labels, definition="neubert-protzel"),
            # Its labels begin at 0 and those of the files at 1, so it counts a region more, without pixels or error.
            "ue_levin": undersegmentation_error(true, labels, definition="levinshtein") * n_regions / (n_regions + 1),
            "co": compactness(labels),
            "superpixels": n_labels(labels),
        }
        assert found == pytest.approx({name: told[name] for name in found}, rel=1e-5)
        # Decoders of JPEG differ by a level of 8 bits here and there.
        assert explained_variation(np.asarray(Image.open(path)), labels) == pytest.approx(told["ev"], abs=2e-3)


NONE_JUDGED = "mask and void must leave at least one pixel to judge, got none"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: undersegmentation_error([1], [1], definition="np"),
            ValueError,
            "definition must be one of 'neubert-protzel', 'levinshtein', 'best-overlap', got 'np'",
        ),
        (lambda: achievable_segmentation_accuracy([1], [1], void=1), ValueError, NONE_JUDGED),
        (lambda: compactness([[1]], mask=[[False]]), ValueError, NONE_JUDGED),
        (
            lambda: compactness([1, 2]),
            ValueError,
            "labels must have shape (M, N), got (2,); pass one label image at a time",
        ),
        (
            lambda: boundary_recall([1, 2], [1, 2]),
            ValueError,
            "labels_true must have shape (M, N), got (2,); pass one label image at a time",
        ),
        (lambda: boundary_recall([[1]], [[1]], tolerance=-1), ValueError, "tolerance must be at least 0, got -1"),
        (
            lambda: boundary_precision([[1]], [[1]], tolerance=1.5),
            TypeError,
            "tolerance must be an integer, got 1.5 of type float",
        ),
        (
            lambda: explained_variation([[1, 2]], [[1]]),
            ValueError,
            "labels must have the image's shape (1, 2), got (1, 1)",
        ),
        (
            lambda: explained_variation([[1.0, np.nan]], [[1, 1]]),
            ValueError,
            "image must be finite, got 1 NaN or infinite values; mark such pixels False in mask",
        ),
        (
            lambda: explained_variation([[1.0]], [[1]], mask=[[False]]),
            ValueError,
            "mask must mark at least one pixel as True, got none",
        ),
        (
            lambda: explained_variation([[1]], [[0.5]]),
            TypeError,
            "labels must be of an integer dtype, got float64; number the regions, for example with "
            "np.unique(..., return_inverse=True)",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is error
