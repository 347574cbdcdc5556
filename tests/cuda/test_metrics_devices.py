"""The joint histogram on every device: the same table, and so the same scores."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics"))

import naive_metrics

from classicseg import metrics
from classicseg._kernels.cuda import contingency as kernels

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64, np.uint64]
PER_WARP, PER_BLOCK = kernels.LEAST_PER_WARP, kernels.LEAST_PER_WARP * kernels.THREADS // 32


def patches(n_pixels, seed, longest=90):
    """Labels in runs of 1 to `longest` pixels."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(-3, 9, n_pixels), rng.integers(1, longest, n_pixels))[:n_pixels]


def assert_table(found, true, pred, void=(), mask=None):
    mask = np.ones(true.shape, bool) if mask is None else mask
    inside = mask & ~np.isin(true, void)
    rows, of_row = np.unique(true[inside], return_inverse=True)
    cols, of_col = np.unique(pred[inside], return_inverse=True)
    counts = np.zeros((len(rows), len(cols)), int)
    np.add.at(counts, (of_row.ravel(), of_col.ravel()), 1)
    assert np.array_equal(found.true, rows.astype(np.int64))
    assert np.array_equal(found.pred, cols.astype(np.int64))
    assert np.array_equal(found.counts, counts)
    assert all(isinstance(array, np.ndarray) for array in vars(found).values())


@pytest.fixture(params=["table", "sorted"])
def form(request, monkeypatch):
    """Both ways to count on CUDA; the CPU has one of its own."""
    if request.param == "sorted":
        monkeypatch.setattr(kernels, "MOST_CELLS", 0)


@pytest.mark.parametrize(
    "n_pixels",
    [1, 31, 32, 33, 64, 65, PER_WARP - 1, PER_WARP, PER_WARP + 1, PER_WARP + 33, PER_BLOCK, PER_BLOCK + 1, 5000],
)
@pytest.mark.parametrize("longest", [2, 90, 700])
@pytest.mark.usefixtures("form")
def test_the_table_at_every_border(device, n_pixels, longest):
    true, pred = patches(n_pixels, 1, longest), patches(n_pixels, 2, longest)
    assert_table(metrics.contingency_table(device.put(true), device.put(pred)), true, pred)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("form")
def test_every_integer_dtype(device, dtype):
    true = patches(300, 3).astype(dtype) if np.iinfo(dtype).min < 0 else patches(300, 3).astype(np.int8).view(np.uint8)
    true = true.astype(dtype)
    pred = np.where(patches(300, 4) > 2, np.iinfo(np.uint16).max, 1).astype(np.uint16)
    assert_table(metrics.contingency_table(device.put(true), device.put(pred)), true, pred)
    assert_table(metrics.contingency_table(device.put(pred), device.put(true)), pred, true)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_labels_far_apart_are_sorted(device, dtype):
    ends = np.iinfo(dtype)
    true, pred = np.where(patches(200, 5) > 0, ends.max, ends.min), patches(200, 6).astype(dtype) * 10**7
    assert_table(metrics.contingency_table(device.put(true), device.put(pred)), true, pred)


@pytest.mark.usefixtures("form")
def test_mask_void_and_order_in_memory(device):
    true, pred = patches(900, 7).reshape(20, 45), patches(900, 8).reshape(20, 45)
    mask = np.random.default_rng(9).random((20, 45)) < 0.7
    for turn in (np.asarray, np.asfortranarray, lambda array: array[::-1, ::2]):
        given = [turn(array) for array in (true, pred, mask)]
        on_device = [device.put(array) for array in given]
        if turn is np.asfortranarray:
            on_device = [device.put(np.ascontiguousarray(array.T)).T for array in given]
        table = metrics.contingency_table(*on_device[:2], void=[1, 2], mask=on_device[2])
        assert_table(table, *given[:2], [1, 2], given[2])
    empty = metrics.contingency_table(device.put(true), device.put(pred), mask=device.put(np.zeros((20, 45), bool)))
    assert empty.counts.shape == (0, 0)


def test_every_order_of_threads_gives_the_same(emulated_order):
    true, pred = patches(4000, 10), patches(4000, 11)
    assert_table(metrics.contingency_table(emulated_order.put(true), emulated_order.put(pred)), true, pred)


def test_scores_are_those_of_the_cpu(device):
    true = [patches(600, seed).reshape(20, 30) for seed in (12, 13)]
    pred = patches(600, 14).reshape(20, 30)
    there, on_device = [device.put(one) for one in true], device.put(pred)
    for score in (
        metrics.region_scores,
        metrics.covering,
        metrics.probabilistic_rand_index,
        metrics.variation_of_information,
    ):
        assert score(there, on_device) == score(true, pred)
    stack = device.put(np.stack(true))
    assert metrics.covering(stack, on_device) == metrics.covering(true, pred)
    for score in (
        metrics.adapted_rand_error,
        metrics.achievable_segmentation_accuracy,
        metrics.undersegmentation_error,
        metrics.pixel_accuracy,
        metrics.boundary_recall,
        metrics.boundary_precision,
    ):
        assert score(there[0], on_device) == score(true[0], pred)
    classes, given = np.abs(true[0]), np.abs(pred)
    matrix = metrics.confusion_matrix(device.put(classes), device.put(given), 9)
    assert np.array_equal(matrix, metrics.confusion_matrix(classes, given, 9))
    masks = classes > 4, given > 4
    assert metrics.mean_iou(*map(device.put, masks)) == metrics.mean_iou(*masks)


def test_compactness_and_boundaries_equal_the_slow_twins(device):
    labels = patches(120, 15, 9).reshape(10, 12)
    mask = np.random.default_rng(16).random((10, 12)) < 0.8
    assert metrics.compactness(device.put(labels)) == pytest.approx(naive_metrics.compactness(labels))
    found = metrics.compactness(device.put(labels), mask=device.put(mask))
    assert found == pytest.approx(naive_metrics.compactness(labels, mask))
    true = patches(120, 17, 40).reshape(10, 12)
    for tolerance in (0, 1, 2, 5):
        pair = device.put(true), device.put(labels)
        scores = [score(*pair, tolerance=tolerance) for score in (metrics.boundary_recall, metrics.boundary_precision)]
        assert scores == pytest.approx(naive_metrics.boundary_scores(true, labels, tolerance))


def test_what_lies_apart_is_refused(cuda):
    labels = np.ones((2, 3), np.int32)
    with pytest.raises(TypeError, match=r"labels_pred must lie where labels_true does, .* 'cpu'\)"):
        metrics.covering(labels, cuda.put(labels))
    with pytest.raises(TypeError, match=r"mask must lie where labels_pred does, .* 'cuda'\)"):
        metrics.covering(cuda.put(labels), cuda.put(labels), mask=labels > 0)
    with pytest.raises(TypeError, match=r"image is a CuPy array, and this function runs on the CPU only"):
        metrics.explained_variation(cuda.put(labels), labels)
