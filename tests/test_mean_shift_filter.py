"""The mean-shift filter against its definition, against OpenCV, and on images whose answer is known."""

import numpy as np
import pytest
from naive_mean_shift import climb_opencv, filtered
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import mean_shift_filter
from classicseg._kernels._climb import Climb
from classicseg._kernels.cpu import mean_shift_filter as kernels
from classicseg.cluster._mean_shift_filter import checked

KERNELS = ("flat", "epanechnikov", "gaussian")


def modes(image, spatial, ranges, *, kernel="flat", place=None, **options):
    """Values, positions and weights of all pixels, and which windows left the block."""
    arguments = {"tol": None, "max_num_iter": None, "mask": None, "n_threads": 1, **options}
    problem, _ = checked(image, spatial, ranges, kernel, **arguments)
    found = np.zeros((*problem.image.shape[:2], problem.image.shape[2] + 3))

    def write(first, last, rows):
        found[first:last] = rows

    rule = Climb(*problem[2:7])
    left = kernels.climb(problem.image, problem.mask, rule, write, place, n_threads=1)
    return found, left


def blotches(rng, shape, n_channels, dtype=np.uint8):
    """Whole numbers in levels and noise, so that windows hold some pixels and not others, and edges are met."""
    return (rng.integers(0, 4, (*shape, n_channels)) * 12 + rng.integers(0, 12, (*shape, n_channels))).astype(dtype)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("spatial", "width"), [(1, 15.0), (3, 6.5), (3.5, 20)])
def test_whole_numbers_climb_as_defined(rng, kernel, n_channels, spatial, width):
    image = blotches(rng, (17, 13), n_channels)
    found, _ = modes(image, spatial, width, kernel=kernel)
    expected = filtered(image, spatial, [width] * n_channels, kernel=kernel)
    assert_array_equal(found[..., :-1], expected[..., :-1])
    assert_allclose(found[..., -1], expected[..., -1], rtol=1e-12)
    values = np.rint(expected[..., :n_channels]).astype(np.uint8)
    assert_array_equal(mean_shift_filter(image, spatial, width, kernel=kernel), values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_dtypes_of_whole_numbers_give_one_answer(rng, dtype):
    image = blotches(rng, (12, 14), 3)
    found = mean_shift_filter(image.astype(dtype), 4, 14)
    assert found.dtype == dtype
    values = filtered(image, 4, [14.0] * 3)[..., :3]
    if np.issubdtype(dtype, np.integer):
        values = np.rint(values)
    assert_array_equal(found, values.astype(dtype))


@pytest.mark.parametrize("n_channels", [1, 3])
def test_counts_far_above_the_bandwidth(rng, n_channels):
    """Windows' centers have more digits than float32 holds, and the differences from them are exact all the same."""
    image = (60000 + blotches(rng, (15, 16), n_channels, np.uint16) // 4).astype(np.uint16)
    found, _ = modes(image, 3, 3)
    assert_array_equal(found[..., :-1], filtered(image, 3, [3.0] * n_channels)[..., :-1])


@pytest.mark.parametrize(("width", "apart"), [(7.0710678, True), (7.0710679, False)])
def test_a_bandwidth_that_float32_would_round(width, apart):
    """Two pixels are 50 ** 0.5 apart, in value and then in position."""
    image = np.array([[[0.0, 0.0], [7.0, 1.0]]])
    assert (mean_shift_filter(image, 1, width) == image).all() == apart
    mask = np.zeros((2, 8), bool)
    mask[0, 0] = mask[1, 7] = True
    plane = np.where(np.arange(8) < 4, 0.0, 1.0) * np.ones((2, 1))
    assert (mean_shift_filter(plane, width, 5, mask=mask) == plane).all() == apart


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("ranges", [(10.0, 15.0, 20.0), (8.0, 16.0, 4.0), (6.3, 20.1, 11.7)])
def test_a_bandwidth_per_channel(rng, kernel, ranges):
    image = blotches(rng, (13, 11), 3)
    found, _ = modes(image, 3, ranges, kernel=kernel)
    assert_array_equal(found[..., :-1], filtered(image, 3, ranges, kernel=kernel)[..., :-1])


@pytest.mark.parametrize("kernel", KERNELS)
def test_floats_climb_as_defined(rng, kernel):
    """Float32 holds the image, float64 the definition: modes agree to 1e-3 of the bandwidth, but for window edges."""
    image = (20 + 3 * rng.integers(0, 3, (20, 24, 1)) + rng.normal(0, 0.4, (20, 24, 1))).astype(np.float32)
    found, _ = modes(image, 3, 1.3, kernel=kernel)
    expected = filtered(image, 3, [1.3], kernel=kernel)
    near = np.abs(found[..., :3] - expected[..., :3]) <= 1e-3 * np.array([1.3, 3, 3])
    assert near.all(axis=2).mean() >= 0.999


@pytest.mark.parametrize("options", [{"tol": 0.0}, {"tol": 0.5}, {"max_num_iter": 1}, {"max_num_iter": 3}])
@pytest.mark.parametrize("kernel", KERNELS)
def test_when_a_pixel_stays(rng, kernel, options):
    image = blotches(rng, (11, 12), 2)
    found, _ = modes(image, 3, 14, kernel=kernel, **options)
    assert_array_equal(found[..., :-1], filtered(image, 3, [14.0] * 2, kernel=kernel, **options)[..., :-1])


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_pixels_outside_the_mask_act_on_none_and_keep_their_value(rng, kernel, n_channels):
    image, mask = blotches(rng, (12, 15), n_channels), rng.random((12, 15)) < 0.7
    rule = {"rule": climb_opencv} if kernel == "opencv" else {"kernel": kernel}
    expected = filtered(image, 3, 14 if rule.get("rule") else [14.0] * n_channels, mask=mask, **rule)
    found, _ = modes(image, 3, 14, kernel=kernel, mask=mask)
    assert_array_equal(found[mask][:, :-1], expected[mask][:, :-1])
    values = mean_shift_filter(image, 3, 14, kernel=kernel, mask=mask)
    assert_array_equal(values[~mask], image[~mask])
    image[~mask] = 255
    assert_array_equal(mean_shift_filter(image, 3, 14, kernel=kernel, mask=mask)[mask], values[mask])


def test_nan_outside_the_mask_is_not_looked_at():
    image = np.array([[1.0, 2.0, np.nan, 3.0, np.inf]])
    found = mean_shift_filter(image, 4, 5, mask=np.isfinite(image))
    assert_array_equal(found, [[2, 2, np.nan, 2, np.inf]])


@pytest.mark.parametrize("spatial", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_opencv_as_defined(rng, spatial, n_channels):
    image = blotches(rng, (17, 14), n_channels)
    found, _ = modes(image, spatial, 18, kernel="opencv")
    assert_array_equal(found, filtered(image, spatial, 18, rule=climb_opencv))


@pytest.mark.parametrize("options", [{"tol": 0.0, "max_num_iter": 20}, {"tol": 30.0}, {"max_num_iter": 1}])
def test_opencv_stops_as_defined(rng, options):
    image = blotches(rng, (15, 14), 3)
    named = {"eps" if name == "tol" else name: value for name, value in options.items()}
    found, _ = modes(image, 3, 18, kernel="opencv", **options)
    assert_array_equal(found, filtered(image, 3, 18, rule=climb_opencv, **named))


@pytest.mark.parametrize(
    ("spatial", "width"), [(1, 20), (3, 12.3), (5, 20), (10, 20), (10, 40), (20, 20), (24, 9), (25, 60), (7, 300)]
)
def test_the_bits_of_opencv(rng, spatial, width):
    cv2 = pytest.importorskip("cv2")
    coarse = rng.integers(0, 256, (12, 10, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (61, 67), interpolation=cv2.INTER_CUBIC)
    image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    expected = cv2.pyrMeanShiftFiltering(image, spatial, width, maxLevel=0)
    assert_array_equal(mean_shift_filter(image, spatial, width, kernel="opencv"), expected)


@pytest.mark.parametrize(("spatial", "width"), [(10, 20), (10, 40), (20, 20), (5, 12.5)])
def test_the_bits_of_opencv_on_photographs(test_data, spatial, width):
    cv2 = pytest.importorskip("cv2")
    found = sorted((test_data / "bsds").rglob("*.jpg"))[:3]
    if not found:
        pytest.skip("the folder of test data has no bsds/**/*.jpg")
    for path in found:
        image = cv2.imread(str(path))
        expected = cv2.pyrMeanShiftFiltering(image, spatial, width, maxLevel=0)
        assert_array_equal(mean_shift_filter(image, spatial, width, kernel="opencv"), expected)


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_the_same_bits_for_any_number_of_threads(rng, kernel):
    image = blotches(rng, (37, 21), 3)
    one = mean_shift_filter(image, 3, 14, kernel=kernel, n_threads=1)
    for n_threads in (2, 3, 7):
        assert_array_equal(mean_shift_filter(image, 3, 14, kernel=kernel, n_threads=n_threads), one)


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_pixels_whose_windows_stay_in_a_block_come_out_as_in_the_whole_image(rng, kernel):
    image = blotches(rng, (60, 54), 3)
    whole, left = modes(image, 3, 14, kernel=kernel)
    assert not left.any()  # the image's own edges are no sides of a block
    top, bottom, start, end = 11, 49, 9, 45
    block = image[top:bottom, start:end]
    part, left = modes(block, 3, 14, kernel=kernel, place=(top, start, 60, 54))
    assert_array_equal(part[~left], whole[top:bottom, start:end][~left])
    assert 0.1 < left.mean() < 0.9
    apart = (part != whole[top:bottom, start:end]).any(axis=2)
    assert left[apart].all()
    assert apart.any()
    places = ((1, 0, 39, 36), (0, 0, 39, 36), (0, 1, 38, 37), (0, 0, 38, 37))  # the image goes on behind one side
    for side, place in enumerate(places):
        _, one = modes(block, 3, 14, kernel=kernel, place=place)
        edge = (one[0], one[-1], one[:, 0], one[:, -1])
        assert edge[side].all()
        assert not (one & ~left).any()
        assert not edge[side ^ 1].all()


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_a_hot_pixel_changes_nothing_beyond_its_own(rng, kernel):
    image = blotches(rng, (30, 33), 3)
    clean = mean_shift_filter(image, 3, 14, kernel=kernel, mask=np.arange(990).reshape(30, 33) != 15 * 33 + 16)
    image[15, 16] = 255
    hot = mean_shift_filter(image, 3, 14, kernel=kernel)
    assert_array_equal(hot[15, 16], [255, 255, 255])
    hot[15, 16] = clean[15, 16]
    assert_array_equal(hot, clean)


@pytest.mark.parametrize("value", [1e6, -1e20, 3e38])
def test_a_hot_float_changes_no_bit_beyond_its_own(rng, value):
    image = rng.normal(20, 1, (25, 26)).astype(np.float32)
    mask = np.ones(image.shape, bool)
    mask[9, 11] = False
    clean = mean_shift_filter(image, 3, 1.5, mask=mask)
    image[9, 11] = value
    hot = mean_shift_filter(image, 3, 1.5)
    assert hot[9, 11] == np.float32(value)
    assert_array_equal(hot[mask], clean[mask])


@pytest.mark.parametrize("kernel", KERNELS)
def test_flat_patches_stay_and_noise_goes(rng, kernel):
    clean = np.full((24, 30, 3), (40, 60, 80), np.uint8)
    clean[:, 15:] = (90, 200, 20)
    assert_array_equal(mean_shift_filter(clean, 4, 20, kernel=kernel), clean)
    noisy = clean + rng.integers(-4, 5, clean.shape).astype(np.int8).view(np.uint8)
    found = mean_shift_filter(noisy, 4, 20, kernel=kernel).astype(int)
    assert np.abs(found - clean).mean() < 0.4 * np.abs(noisy.astype(int) - clean).mean()


@pytest.mark.parametrize("power", [-40, 7, 60])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_unit_of_the_values_is_no_matter(rng, kernel, power):
    image = rng.normal(20, 3, (14, 15, 2)).astype(np.float32)
    found = mean_shift_filter(image, 3, 2.5, kernel=kernel)
    scale = np.float32(2.0**power)
    assert_array_equal(mean_shift_filter(image * scale, 3, 2.5 * 2.0**power, kernel=kernel), found * scale)


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 1), (8, 17), (9, 16), (2, 2)])
def test_shapes_smaller_than_the_window(rng, kernel, shape):
    image = blotches(rng, shape, 3)
    rule = {"rule": climb_opencv} if kernel == "opencv" else {"kernel": kernel}
    expected = filtered(image, 6, 14 if kernel == "opencv" else [14.0] * 3, **rule)
    found, _ = modes(image, 6, 14, kernel=kernel)
    assert_array_equal(found[..., :-1], expected[..., :-1])


def test_a_plane_is_an_image_of_one_channel(rng):
    image = blotches(rng, (9, 10), 1)
    for kernel in (*KERNELS, "opencv"):
        plane = mean_shift_filter(image[..., 0], 3, 14, kernel=kernel)
        assert_array_equal(plane, mean_shift_filter(image, 3, 14, kernel=kernel)[..., 0])


def test_the_input_is_left_alone(rng):
    image = blotches(rng, (9, 10), 3)
    image.setflags(write=False)
    before = image.copy()
    for kernel in (*KERNELS, "opencv"):
        mean_shift_filter(image, 3, 14, kernel=kernel)
    assert_array_equal(image, before)
