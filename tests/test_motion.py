"""Motion features: known shifts, masks, dtypes, sizes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import motion_features, pixel_features

WAVES = np.random.default_rng(7).normal(size=(60, 4))


def scene(row_shift=0.0, col_shift=0.0, shape=(64, 80), angle=0.0):
    """A smooth pattern of waves, 0 to 1, moved and turned about its middle exactly: it is a formula, not an image."""
    rows, cols = np.mgrid[: shape[0], : shape[1]] - np.reshape(shape, (2, 1, 1)) / 2
    rows, cols = rows - row_shift, cols - col_shift
    rows, cols = rows * np.cos(angle) - cols * np.sin(angle), cols * np.cos(angle) + rows * np.sin(angle)
    total = sum(np.sin(0.35 * (a * rows + b * cols) + 9 * c) * d for a, b, c, d in WAVES)
    return (0.5 + total / 40).clip(0, 1)


def eight(image):
    return (image * 255).round().astype(np.uint8)


@pytest.fixture(autouse=True)
def _opencv():
    pytest.importorskip("cv2", exc_type=ImportError)


def errors(flow, u, v, margin=12):
    inner = flow[margin:-margin, margin:-margin]
    return np.hypot(inner[..., 0] - u, inner[..., 1] - v)


@pytest.mark.parametrize(("u", "v"), [(1.0, 0.0), (0.0, 1.0), (0.5, -0.25), (-2.3, 1.4), (5.5, 3.25)])
def test_known_shifts(u, v):
    flow = motion_features(eight(scene()), eight(scene(v, u)))
    assert flow.dtype == np.float32
    assert flow.shape == (64, 80, 2)
    assert np.median(errors(flow, u, v)) < 0.06  # as the docstring says
    assert np.percentile(errors(flow, u, v), 95) < 0.15


def test_no_motion():
    assert_allclose(motion_features(eight(scene()), eight(scene())), 0, atol=1e-3)


def test_flow_belongs_to_the_pixels_of_the_second_frame():
    """A square that moves: it is the square of the second frame that has the motion."""
    background, square = eight(scene()), eight(1 - scene(3, 2))
    before, after = background.copy(), background.copy()
    before[20:40, 20:40] = square[20:40, 20:40]
    after[20:40, 26:46] = square[20:40, 20:40]
    flow = motion_features(before, after)
    assert_allclose(np.median(flow[24:36, 30:42], axis=(0, 1)), [6, 0], atol=0.1)
    assert_allclose(np.median(flow[24:36, :14], axis=(0, 1)), [0, 0], atol=0.1)
    assert_allclose(np.median(flow[44:, 50:], axis=(0, 1)), [0, 0], atol=0.1)


def test_inside_one_colour_the_flow_is_that_of_the_edges():
    frames = []
    for row, col in ((0, 0), (3, -4)):
        frame = scene(row, col, shape=(96, 112))
        frame[36 + row : 60 + row, 44 + col : 68 + col] = 0.5
        frames.append(eight(frame))
    flow = motion_features(*frames)
    assert_allclose(np.median(flow[45:57, 46:58], axis=(0, 1)), [-4, 3], atol=0.2)


def test_a_turn():
    """What is at (row, col) was at (row - v, col - u): a turn has a flow that differs everywhere."""
    angle = 0.03
    flow = motion_features(eight(scene()), eight(scene(angle=angle)))
    rows, cols = np.mgrid[:64, :80] - np.array([32, 40]).reshape(2, 1, 1)
    was_at_row = rows * np.cos(angle) - cols * np.sin(angle)
    was_at_col = cols * np.cos(angle) + rows * np.sin(angle)
    error = np.hypot(flow[..., 0] - (cols - was_at_col), flow[..., 1] - (rows - was_at_row))[8:-8, 8:-8]
    assert np.percentile(error, 95) < 0.15


def test_the_flow_between_two_cameras_is_the_disparity():
    """A real scene: the stereo pair of a motorcycle (Middlebury 2014) that comes with scikit-image."""
    left, right, disparity = pytest.importorskip("skimage.data").stereo_motorcycle()
    known = np.isfinite(disparity)
    flow = motion_features(right, left)
    error = np.hypot(flow[..., 0] - disparity, flow[..., 1])[known]
    assert np.ptp(disparity[known]) > 50
    assert np.median(error) < 0.3
    assert (error < 1).mean() > 0.7  # what one camera alone sees has no counterpart


@pytest.mark.parametrize("form", ["float32", "float64", "rgb8", "rgb16", "rgb_float"])
def test_every_form_of_a_frame_gives_the_same(form):
    frames = [eight(scene()), eight(scene(1, 2))]
    expected = motion_features(*frames)
    forms = {
        "float32": lambda f: (f / 255).astype(np.float32),
        "float64": lambda f: f / 255,
        "rgb8": lambda f: np.repeat(f[..., None], 3, axis=2),
        "rgb16": lambda f: np.repeat(f[..., None] * np.uint16(257), 3, axis=2),
        "rgb_float": lambda f: np.repeat(f[..., None] / 255, 3, axis=2),
    }
    assert_array_equal(motion_features(*map(forms[form], frames)), expected)


def test_overshoot_of_resampling_is_clipped():
    frames = [eight(scene()) / 255, eight(scene(1, 2)) / 255]
    clipped, over = [], []
    for frame in frames:
        frame[20:24, 20:24], frame[40:44, 20:24] = 1.2, -0.2
        over.append(frame)
        clipped.append(frame.clip(0, 1))
    assert_array_equal(motion_features(*over), motion_features(*clipped))


def test_colour_is_looked_at_through_its_luma(rng):
    frames = rng.integers(0, 256, (2, 40, 40, 3)).astype(np.uint8)
    lumas = (frames @ [0.2126, 0.7152, 0.0722]).round().astype(np.uint8)
    assert_array_equal(motion_features(*frames), motion_features(*lumas))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -9999.0, 1e300])
def test_what_is_outside_the_mask_has_no_motion_and_no_influence(bad):
    mask = np.ones((64, 80), bool)
    mask[20:30, 30:44] = False
    frames = [scene(), scene(1, 2)]
    flow = motion_features(*(np.where(mask, frame, bad) for frame in frames), mask=mask)
    assert_array_equal(flow, motion_features(*(np.where(mask, frame, 0.5) for frame in frames), mask=mask))
    assert_array_equal(flow[~mask], 0)
    assert np.median(errors(flow, 2, 1)) < 0.06


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (5, 7), (15, 16), (16, 15)])
def test_small_frames(shape):
    frame = eight(scene(shape=shape))
    flow = motion_features(frame, frame)
    assert flow.shape == (*shape, 2)
    assert_allclose(flow, 0, atol=0.01)


def test_a_small_frame_has_the_motion_of_its_pixels():
    flow = motion_features(eight(scene(shape=(14, 60))), eight(scene(0, 1, shape=(14, 60))))
    assert np.median(errors(flow, 1, 0, margin=4)) < 0.1


@pytest.mark.parametrize("shape", [(12, 60), (15, 60), (60, 13), (14, 15)])
def test_a_small_frame_is_continued_to_16_rows_and_columns(shape):
    frames = [eight(scene(shape=shape)), eight(scene(0.7, 1, shape=shape))]
    wide = [np.pad(f, [(0, max(16 - n, 0)) for n in shape], mode="edge") for f in frames]
    assert_array_equal(motion_features(*frames), motion_features(*wide)[: shape[0], : shape[1]])
    assert np.abs(motion_features(*frames)).max() > 0.3


def test_the_method_is_what_the_notes_say():
    """Dense inverse search at full resolution, patches of 8 pixels every 4, with refinement."""
    import cv2

    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    search.setPatchSize(8)
    search.setPatchStride(4)
    search.setVariationalRefinementIterations(10)
    before, after = eight(scene()), eight(scene(1.3, -2.2))
    assert_array_equal(motion_features(before, after), -search.calc(after, before, np.zeros((64, 80, 2), np.float32)))


def test_strides_read_only_and_repeatable():
    frames = [np.asfortranarray(eight(scene()))[::-1, 4:70:2], np.asfortranarray(eight(scene(1, 2)))[::-1, 4:70:2]]
    for frame in frames:
        frame.flags.writeable = False
    flow = motion_features(*frames)
    assert flow.flags.c_contiguous
    assert_array_equal(flow, motion_features(*(frame.copy() for frame in frames)))


def test_flow_is_a_pair_of_extra_channels():
    frames = [eight(scene()), eight(scene(1, 2))]
    features = pixel_features(frames[1], "Ixy", extra=motion_features(*frames))
    assert features.names == ("I", "x", "y", "e0", "e1")


def test_temperatures_mapped_by_one_fixed_range():
    """What the refusal of radiometric frames tells to do."""
    frames = [20 + 15 * scene(), 20 + 15 * scene(1, 2)]
    low, high = 20, 35
    eights = [np.clip((frame - low) * (255 / (high - low)), 0, 255).astype("uint8") for frame in frames]
    assert np.median(errors(motion_features(*eights), 2, 1)) < 0.06
