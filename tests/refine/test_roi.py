"""RoI pooling and RoIAlign: the lectures' formula, slow twins, ONNX Runtime, PyTorch, constants and ramps, borders."""

import naive_upsample as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import roi_align, roi_pool, upsample

BOXES = [
    [0, 0, 6, 8],  # all of the map
    [1.2, 2.7, 5.9, 6.1],
    [-2.5, -1.0, 3.0, 4.5],  # beyond the upper left
    [4.0, 5.0, 9.5, 12.0],  # beyond the lower right
    [2.0, 3.0, 2.0, 3.0],  # without area
    [20, 20, 30, 30],  # outside
]


def test_a_sample_is_that_of_the_lectures():
    """f(6.5, 5.8) of values at whole places: 0.5 and 0.5 of rows 6 and 7, 0.2 and 0.8 of columns 5 and 6."""
    array = np.random.default_rng(0).random((10, 10))
    row, col = 6.5 + 0.5, 5.8 + 0.5  # our places have their centres half a place further
    (sample,) = roi_align(array, [[row - 0.1, col - 0.1, row + 0.1, col + 0.1]], 1, samples=1).ravel()
    parts = array[6, 5] * 0.5 * 0.2 + array[7, 5] * 0.5 * 0.2 + array[6, 6] * 0.5 * 0.8 + array[7, 6] * 0.5 * 0.8
    assert_allclose(sample, parts, rtol=1e-12)


def test_pooling_snaps_to_places_and_cells_may_share_some():
    array = np.arange(30).reshape(5, 6)
    # Rows 0.4 to 5.2 are snapped to 0 to 5, columns 1.5 to 4.4 to 2 to 4; cells of 2.5 rows share row 2.
    assert_array_equal(roi_pool(array, [[0.4, 1.5, 5.2, 4.4]], 2), [[[14, 15], [26, 27]]])


# --- Slow twins and other libraries ------------------------------------------------------------------------------


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("size", [1, 2, (3, 7)])
def test_pooling_equals_the_slow_twin(rng, box, scale, size):
    array = rng.normal(size=(6, 8))
    expected = naive.roi_pool(array, box, np.broadcast_to(size, 2), scale)
    assert_array_equal(roi_pool(array, [box], size, scale=scale)[0], expected)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("samples", [1, 2, (3, 1)])
@pytest.mark.parametrize("how", ["mean", "max"])
def test_aligning_equals_the_slow_twin(rng, box, samples, how):
    array = rng.normal(size=(6, 8))
    reduce = {"mean": np.mean, "max": np.max}[how]
    expected = naive.roi_align(array, box, (3, 2), 0.75, np.broadcast_to(samples, 2), reduce)
    found = roi_align(array, [box], (3, 2), scale=0.75, samples=samples, how=how)
    assert_allclose(found[0], expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.floats(-3, 8), min_size=4, max_size=4), st.integers(0, 9))
def test_samples_on_and_beyond_every_border_equal_the_slow_twin(n_rows, n_cols, sides, seed):
    array = np.random.default_rng(seed).normal(size=(n_rows, n_cols))
    box = [*np.minimum(sides[:2], sides[2:]), *np.maximum(sides[:2], sides[2:])]
    expected = naive.roi_align(array, box, (2, 3), 1.0, (2, 2), np.mean)
    assert_allclose(roi_align(array, [box], (2, 3))[0], expected, atol=1e-9)


def onnx_session(node):
    """Run one operator of ONNX Runtime, an implementation written apart from ours."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    from onnx import TensorProto, helper

    types = {"X": TensorProto.FLOAT, "rois": TensorProto.FLOAT, "batch": TensorProto.INT64}
    axes = {"X": "bchw", "rois": "nr", "batch": "n"}
    inputs = [helper.make_tensor_value_info(name, types[name], list(axes[name])) for name in node.input]
    output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, list("nchw"))
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.checker.check_model(model)
    return runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(("samples", "ratio"), [(1, 1), (2, 2), (None, 0)])
def test_aligning_equals_onnx_runtime(rng, samples, ratio):
    helper = pytest.importorskip("onnx", reason="onnx is not installed").helper
    options = {"output_height": 3, "output_width": 4, "sampling_ratio": ratio, "spatial_scale": 0.5}
    node = helper.make_node(
        "RoiAlign", ["X", "rois", "batch"], ["Y"], coordinate_transformation_mode="half_pixel", **options
    )
    array = rng.normal(size=(12, 15, 2)).astype(np.float32)
    boxes = np.array([[0, 0, 24, 30], [3.1, 4.7, 19.5, 12.2], [-3, -2, 9, 9], [15, 18, 30, 36]], np.float32)
    inputs = {
        "X": array.transpose(2, 0, 1)[None],
        "rois": boxes[:, [1, 0, 3, 2]],
        "batch": np.zeros(len(boxes), np.int64),
    }
    (expected,) = onnx_session(node).run(None, inputs)
    found = roi_align(array, boxes, (3, 4), scale=0.5, samples=samples)
    assert found.dtype == np.float32
    assert_allclose(found, expected.transpose(0, 2, 3, 1), atol=1e-5)


def test_pooling_equals_onnx_runtime(rng):
    """Boxes there are whole numbers that hold their last row and column."""
    helper = pytest.importorskip("onnx", reason="onnx is not installed").helper
    node = helper.make_node("MaxRoiPool", ["X", "rois"], ["Y"], pooled_shape=[3, 4])
    array = rng.normal(size=(12, 15, 2)).astype(np.float32)
    boxes = np.array([[0, 0, 12, 15], [2, 3, 9, 5], [1, 1, 2, 2], [5, 4, 12, 11]])
    rois = np.column_stack([np.zeros(4), boxes[:, 1], boxes[:, 0], boxes[:, 3] - 1, boxes[:, 2] - 1])
    (expected,) = onnx_session(node).run(None, {"X": array.transpose(2, 0, 1)[None], "rois": rois.astype(np.float32)})
    assert_array_equal(roi_pool(array, boxes, (3, 4)), expected.transpose(0, 2, 3, 1))


def test_samples_equal_pytorch(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    array = rng.normal(size=(7, 9))
    box = [1.3, 0.8, 6.1, 7.7]
    rows, cols = np.linspace(1.3, 6.1, 11)[1::2], np.linspace(0.8, 7.7, 11)[1::2]  # middles of five cells
    grid = np.stack(np.meshgrid(2 * cols / 9 - 1, 2 * rows / 7 - 1), axis=2)
    expected = torch.nn.functional.grid_sample(
        torch.from_numpy(array)[None, None],
        torch.from_numpy(grid)[None],
        padding_mode="border",
        align_corners=False,
    )
    assert_allclose(roi_align(array, [box], 5, samples=1)[0], expected[0, 0], atol=1e-12)


# --- What holds for every map ------------------------------------------------------------------------------------


def test_the_border_counts_for_one_place_beyond_it_and_no_further():
    array = np.array([[3.0, 5.0]])
    for row, expected in ((-0.5, 3), (-0.51, 0), (1.5, 3), (1.51, 0)):
        assert roi_align(array, [[row - 1, -0.5, row + 1, 1.5]], 1, samples=1)[0, 0, 0] == expected
    assert_array_equal(roi_align(array, [[0, -2, 1, 4]], (1, 6), samples=1)[0, 0], [0, 3, 3, 5, 5, 0])


def test_the_whole_map_with_one_sample_per_cell_is_the_map_resampled(rng):
    array = rng.random((6, 8, 2))
    found = roi_align(array, [[0, 0, 6, 8]], (9, 20), samples=1)
    assert_allclose(found[0], upsample(array, shape=(9, 20)), atol=1e-12)


def test_a_ramp_gives_the_middles_of_the_cells():
    rows, cols = np.mgrid[:20, :30] + 0.5
    box = [3.7, 5.2, 16.3, 22.8]
    found = roi_align(np.stack([rows, cols], axis=2), [box], (4, 5))[0]
    assert_allclose(found[..., 0], np.tile(3.7 + 12.6 * (np.arange(4)[:, None] + 0.5) / 4, (1, 5)))
    assert_allclose(found[..., 1], np.tile(5.2 + 17.6 * (np.arange(5) + 0.5) / 5, (4, 1)))


def test_adaptive_samples_leave_nothing_out(rng):
    """A cell of n × n places, sampled once per place, has their mean."""
    array = rng.random((12, 12))
    found = roi_align(array, [[0, 0, 12, 12]], 2, samples=None)
    assert_allclose(found[0], array.reshape(2, 6, 2, 6).mean(axis=(1, 3)))
    assert np.abs(roi_align(array, [[0, 0, 12, 12]], 2)[0] - found[0]).max() > 0.01
    parts = roi_align(array, [[1, 2, 8, 9.5]], 2, samples=None)  # cells of 3.5 and 3.75 places
    assert_array_equal(parts, roi_align(array, [[1, 2, 8, 9.5]], 2, samples=4))
    huge = roi_align(array, [[-1e9, -1e9, 1e9, 1e9]], 1, samples=None)  # no more samples than the map has places
    assert huge.shape == (1, 1, 1)


@pytest.mark.parametrize("function", [roi_pool, roi_align])
def test_channels_scale_and_no_boxes(rng, function):
    array = rng.random((6, 8, 3))
    boxes = np.array(BOXES[:2], float)
    found = function(array, boxes, (3, 2))
    assert found.shape == (2, 3, 2, 3)
    assert_allclose(found[..., 1], function(array[..., 1], boxes, (3, 2)), rtol=1e-12)
    assert_allclose(function(array, boxes * 16, (3, 2), scale=1 / 16), found)
    assert function(array, np.empty((0, 4))).shape == (0, 7, 7, 3)


def test_dtypes_and_the_callers_arrays():
    array, boxes = np.ones((4, 4), np.uint8), np.array([[0.0, 0, 4, 4]])
    for argument in (array, boxes):
        argument.flags.writeable = False
    assert roi_pool(array, boxes, 2).dtype == np.uint8
    assert roi_align(array, boxes, 2).dtype == np.float32
    assert roi_align(array.astype(np.float64), boxes, 2).dtype == np.float64
    assert_array_equal(boxes, [[0, 0, 4, 4]])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 3e38])
def test_boxes_larger_than_any_map(scale):
    boxes = [[-3e38, -3e38, 3e38, 3e38], [3e38, 3e38, 3e38, 3e38]]
    assert roi_pool(np.ones((4, 5)), boxes, 2, scale=scale).shape == (2, 2, 2)
    for samples in (2, None):
        found = roi_align(np.ones((4, 5)), boxes, 2, scale=scale, samples=samples)
        assert np.isin(found, (0, 1)).all()


MAP = np.ones((4, 4))
BOX = [[0, 0, 2, 2]]
REFUSED = [
    ((np.ones(4), BOX), {}, ValueError, "array must have shape (M, N) or (M, N, C), got (4,); pass one map at a time"),
    ((MAP, [0, 0, 2, 2]), {}, ValueError, "boxes must have shape (n, 4): row_min, col_min, row_max, col_max; got (4,)"),
    (
        (MAP, [[2, 0, 1, 2]]),
        {},
        ValueError,
        "boxes must have row_min <= row_max and col_min <= col_max, got [2.0, 0.0, 1.0, 2.0] in row 0; pass boxes "
        "of x, y, width, height through boxes_from_coco() first",
    ),
    ((MAP, BOX, 0), {}, ValueError, "size must be at least 1, got 0"),
    ((MAP, BOX), {"scale": 0}, ValueError, "scale must be greater than 0, got 0.0"),
    ((MAP, BOX), {"scale": np.nan}, ValueError, "scale must be finite, got nan"),
    ((MAP, BOX), {"scale": 1e300}, ValueError, "scale must be at most 3.4028234663852886e+38, got 1e+300"),
    (
        (MAP, [[-1e308, 0, 1e308, 2]]),
        {},
        ValueError,
        "boxes must lie within the range of float32, ±3.4e38, got values up to 1.0e+308; leave such boxes out, or "
        "divide by a constant",
    ),
]
ALIGN_REFUSED = [
    ({"samples": 0}, ValueError, "samples must be at least 1, got 0"),
    ({"samples": 1.5}, TypeError, "samples must be an integer, got 1.5 of type float"),
    ({"how": "sum"}, ValueError, "how must be one of 'mean', 'max', got 'sum'"),
]


@pytest.mark.parametrize("function", [roi_pool, roi_align])
@pytest.mark.parametrize(("arguments", "given", "error", "message"), REFUSED)
def test_refused(function, arguments, given, error, message):
    with pytest.raises(error) as caught:
        function(*arguments, **given)
    assert str(caught.value) == message


@pytest.mark.parametrize(("given", "error", "message"), ALIGN_REFUSED)
def test_aligning_refused(given, error, message):
    with pytest.raises(error) as caught:
        roi_align(MAP, BOX, **given)
    assert str(caught.value) == message
