"""`mean_shift_filter` and `mean_shift_segment` of CuPy arrays and of batches; the label stage on every device."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from naive_mean_shift import fused
from numpy.testing import assert_array_equal

from classicseg import mean_shift_filter, mean_shift_segment
from classicseg._array import array_kind
from classicseg._kernels import kernels_for
from classicseg._kernels._climb import Climb

FIELDS = ("labels", "modes", "positions", "densities")


def blotches(rng, shape, n_channels):
    image = rng.integers(0, 3, (*shape, n_channels)).repeat(4, axis=0).repeat(3, axis=1)[: shape[0], : shape[1]]
    return (image * 30 + rng.integers(0, 12, image.shape)).astype(np.uint8)


def frames_of(rng, n_frames, shape, n_channels, dtype=np.uint8):
    """Frames of different contents: what leaks from one into the next is seen."""
    frames = [blotches(rng, shape, n_channels) + 20 * b for b in range(n_frames)]
    return np.stack(frames).astype(dtype)


def assert_same(device, found, expected):
    for name in FIELDS:
        there, here = device.take(getattr(found, name)), getattr(expected, name)
        assert there.dtype == here.dtype
        assert_array_equal(there, here)


@pytest.mark.parametrize("kernel", ["flat", "epanechnikov", "gaussian", "opencv"])
@pytest.mark.parametrize("masked", [False, True])
def test_a_segmentation_is_that_of_the_cpu(cuda, rng, kernel, masked):
    image = blotches(rng, (15, 17), 3)
    mask = rng.random((15, 17)) < 0.8 if masked else None
    there = None if mask is None else cuda.put(mask)
    found = mean_shift_segment(cuda.put(image), 3, 14, kernel=kernel, mask=there)
    expected = mean_shift_segment(image, 3, 14, kernel=kernel, mask=mask)
    for name in FIELDS[:3]:
        assert_array_equal(cuda.take(getattr(found, name)), getattr(expected, name))
    np.testing.assert_allclose(cuda.take(found.densities), expected.densities, rtol=1e-6)


@pytest.mark.parametrize("min_size", [2, 9, 40])
def test_small_regions_are_merged_as_on_the_cpu(cuda, rng, min_size):
    image = blotches(rng, (20, 22), 3)
    found = mean_shift_segment(cuda.put(image), 3, 14, min_size=min_size)
    assert_same(cuda, found, mean_shift_segment(image, 3, 14, min_size=min_size))


def test_a_plane_of_temperatures(cuda, rng):
    image = (20 + blotches(rng, (16, 18), 1)[..., 0] / 8).astype(np.float32)
    image[3, 4] = np.nan
    mask = np.isfinite(image)
    found = mean_shift_filter(cuda.put(image), 3, 2, mask=cuda.put(mask))
    assert (found.shape, found.dtype) == (image.shape, image.dtype)
    assert_array_equal(cuda.take(found), mean_shift_filter(image, 3, 2, mask=mask))
    assert_same(
        cuda, mean_shift_segment(cuda.put(image), 3, 2, mask=cuda.put(mask)), mean_shift_segment(image, 3, 2, mask=mask)
    )


@pytest.mark.parametrize("kernel", ["flat", "opencv"])
@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_a_batch_gives_what_its_frames_give(device, rng, kernel, n_channels, masked):
    frames = frames_of(rng, 3, (15, 17), n_channels)
    masks = rng.random(frames.shape[:3]) < np.array([0.5, 0.9, 1])[:, None, None]
    options = {"kernel": kernel}
    there = {"mask": device.put(masks)} if masked else {}
    filtered = mean_shift_filter(device.put(frames), 3, 14, **options, **there)
    found = {size: mean_shift_segment(device.put(frames), 3, 14, min_size=size, **options, **there) for size in (1, 6)}
    assert (filtered.shape, filtered.dtype) == (frames.shape, frames.dtype)
    for b, frame in enumerate(frames):
        own = {"mask": masks[b]} if masked else {}
        assert_array_equal(device.take(filtered)[b], mean_shift_filter(frame, 3, 14, **options, **own))
        for size, result in found.items():
            single = mean_shift_segment(frame, 3, 14, min_size=size, **options, **own)
            for name in FIELDS:
                assert_array_equal(device.take(getattr(result, name))[b], getattr(single, name))
            assert single.labels.max() > 2


def test_a_batch_of_thermal_frames(device, rng):
    frames = (20 + frames_of(rng, 4, (11, 12), 1) / 8).astype(np.float32)
    found = mean_shift_segment(device.put(frames), 3, 1.5)
    assert found.labels.shape == (4, 11, 12)
    assert found.modes.shape == (4, 11, 12, 1)
    assert found.positions.shape == (4, 11, 12, 2)
    assert found.densities.shape == (4, 11, 12)
    for b, frame in enumerate(frames):
        assert_array_equal(device.take(found.labels)[b], mean_shift_segment(frame[..., 0], 3, 1.5).labels)
    assert device.take(found.labels).min() == 1


def test_a_batch_of_one_frame_keeps_its_axis(device, rng):
    image = blotches(rng, (9, 10), 3)
    assert mean_shift_filter(device.put(image[None]), 3, 14).shape == (1, 9, 10, 3)
    assert mean_shift_segment(device.put(image[None]), 3, 14).labels.shape == (1, 9, 10)


def test_the_mask_of_a_batch_has_its_frames(device, rng):
    frames = frames_of(rng, 2, (9, 10), 3)
    with pytest.raises(ValueError, match=r"mask must have one value per sample, shape \(2, 9, 10\), got \(9, 10\)"):
        mean_shift_filter(device.put(frames), 3, 14, mask=device.put(np.ones((9, 10), bool)))


def labelled(device, values, positions, mask, spatial, widths):
    """Labels of one frame by the kernels, from modes that are given."""
    modes = [device.put(array.astype(np.float32)[None]) for array in (values, positions)]
    kernels = kernels_for(modes[0], "mean_shift_segment")
    rule = Climb("flat", float(spatial), tuple(map(float, widths)), 0.01, 50)
    labels = device.take(kernels.connected_modes(*modes, device.put(mask[None]), rule, n_threads=2))
    assert labels.dtype == np.int32
    return labels[0]


def modes_of(rng, shape, n_channels, n_levels=3):
    """Modes that chance puts together and apart: in value, in position, and in both."""
    values = rng.integers(0, n_levels, (*shape, n_channels)) * 6 + rng.random((*shape, n_channels))
    positions = rng.integers(0, 2, (*shape, 2)) * 4 + rng.random((*shape, 2))
    return values.astype(np.float32), positions.astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (63, 5), (64, 5), (65, 6), (129, 4), (24, 31)])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_regions_of_any_shape(device, rng, shape, n_channels):
    values, positions = modes_of(rng, shape, n_channels, 2)
    mask = rng.random(shape) < 0.9
    found = np.concatenate([values, positions, positions[..., :1]], axis=2).astype(np.float64)
    widths = np.full(n_channels, 4.0)
    labels = labelled(device, values, positions, mask, 3, widths)
    assert_array_equal(labels, fused(found, mask, 3, widths))


@pytest.mark.parametrize(
    "turn", [lambda a: a, lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a.T, lambda a: a.T[::-1]]
)
def test_long_regions(device, turn):
    """A comb and a spiral: one region that is long, in many runs, whose first pixels meet late."""
    comb = np.zeros((70, 41), bool)
    comb[:, ::2] = comb[-1] = True
    snake = np.ones((70, 41), bool)
    snake[1::2] = False
    snake[1::4, -1] = snake[3::4, 0] = True
    for shape in (comb, snake):
        inside = np.ascontiguousarray(turn(shape))
        values, positions = np.where(inside, 0.0, 9.0)[..., None], np.zeros((*inside.shape, 2))
        found = np.concatenate([values, positions, values], axis=2)
        everywhere = np.ones(inside.shape, bool)
        labels = labelled(device, values, positions, everywhere, 3, [2.0])
        assert_array_equal(labels, fused(found, everywhere, 3, np.array([2.0])))
        assert len(np.unique(labels[inside])) == 1
        assert_array_equal(labelled(device, values, positions, inside, 3, [20.0]), inside)


def test_every_order_of_threads_gives_the_same_labels(emulated_order, rng):
    values, positions = modes_of(rng, (26, 31), 2, 2)
    mask = rng.random((26, 31)) < 0.95
    found = np.concatenate([values, positions, positions[..., :1]], axis=2).astype(np.float64)
    for width in (3.0, 7.0, 20.0):
        labels = labelled(emulated_order, values, positions, mask, 3, [width, width])
        assert_array_equal(labels, fused(found, mask, 3, np.array([width, width])))


@pytest.mark.parametrize(("apart", "labels"), [(4.0, [1, 1]), (np.nextafter(np.float32(4), np.float32(5)), [1, 2])])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("what", ["value", "row", "column"])
def test_modes_at_one_bandwidth_belong_together_and_those_beyond_do_not(device, apart, labels, axis, what):
    values, positions = np.zeros((2, 1)), np.zeros((2, 2))
    {"value": values[:, 0], "row": positions[:, 0], "column": positions[:, 1]}[what][1] = apart
    shape = (2, 1) if axis == 0 else (1, 2)
    mask = np.ones(shape, bool)
    found = labelled(device, values.reshape(*shape, 1), positions.reshape(*shape, 2), mask, 4, [4.0])
    assert found.ravel().tolist() == labels


def test_nothing_inside(device):
    values, positions = np.zeros((5, 6, 1)), np.zeros((5, 6, 2))
    assert not labelled(device, values, positions, np.zeros((5, 6), bool), 3, [2.0]).any()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_the_same_labels_for_any_number_of_threads(rng, n_threads):
    values, positions = modes_of(rng, (200, 40), 1, 2)
    rule = Climb("flat", 3.0, (7.0,), 0.01, 50)
    kernels = kernels_for(values, "mean_shift_segment")
    found = np.concatenate([values, positions, values], axis=2).astype(np.float64)
    labels = kernels.connected_modes(values[None], positions[None], None, rule, n_threads=n_threads)
    assert_array_equal(labels[0], fused(found, np.ones((200, 40), bool), 3, np.array([7.0])))


def test_a_tensor_of_another_library_on_the_device(cuda, rng):
    from test_device import Tensor

    image, mask = blotches(rng, (9, 10), 3), rng.random((9, 10)) < 0.8
    tensors = (Tensor(cuda.put(array), (2, 0)) for array in (image, mask))
    found = mean_shift_filter(next(tensors), 3, [14, 15, 16], mask=next(tensors))
    assert array_kind(found) == "cupy"
    assert_array_equal(cuda.take(found), mean_shift_filter(image, 3, [14, 15, 16], mask=mask))


def test_bandwidths_given_on_the_device(cuda, rng):
    image = blotches(rng, (9, 10), 3)
    found = mean_shift_filter(cuda.put(image), 3, cuda.put(np.array([14.0, 15, 16])))
    assert_array_equal(cuda.take(found), mean_shift_filter(image, 3, [14, 15, 16]))


def test_what_lies_apart_is_refused(cuda, rng):
    image, mask = blotches(rng, (9, 10), 3), np.ones((9, 10), bool)
    for pair in ((cuda.put(image), mask), (image, cuda.put(mask))):
        for call in (mean_shift_filter, mean_shift_segment):
            with pytest.raises(TypeError, match=r"^mask must lie where image does, "):
                call(pair[0], 3, 14, mask=pair[1])


def test_nan_is_refused_on_the_device(cuda):
    with pytest.raises(ValueError, match=r"^image must be finite, got 1 NaN or infinite values; mark such pixels"):
        mean_shift_filter(cuda.put(np.array([[1.0, np.nan]])), 3, 2)


def test_the_input_is_left_alone(cuda, rng):
    image = cuda.put(blotches(rng, (9, 10), 3).astype(np.float32))
    before = cuda.take(image).copy()
    mean_shift_filter(image, 3, 14)
    mean_shift_segment(image, 3, 14)
    assert_array_equal(cuda.take(image), before)


def test_labels_without_merging_stay_on_the_device(emulated, rng):
    image = emulated.put(blotches(rng, (12, 13), 3))
    emulated.cupy.transfers = 0
    mean_shift_segment(image, 3, 14)
    assert emulated.cupy.transfers == 0
    mean_shift_segment(image, 3, 14, min_size=5)
    assert emulated.cupy.transfers == 2  # labels and modes, of which the host merges the small regions
