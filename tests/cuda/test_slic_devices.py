"""`slic` of CuPy arrays: the labels of the CPU, bit for bit."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from numpy.testing import assert_array_equal
from scipy import ndimage

from classicseg import pixel_features, slic
from classicseg._kernels import kernels_for
from classicseg._kernels._slic import centers_at
from classicseg._kernels.cpu import slic as on_cpu
from classicseg._kernels.cuda import slic as on_cuda

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32, np.float64]
SHAPES = [(1, 1), (1, 70), (70, 1), (31, 33), (32, 32), (40, 65)]  # tiles of 32


def picture(rng, shape, n_channels, dtype=np.uint8):
    """Smooth and rough parts; floats of 0 to 1."""
    rough = ndimage.gaussian_filter(rng.random((*shape, n_channels)), (2, 2, 0))
    rough = (rough - rough.min()) / max(1e-9, rough.max() - rough.min()) + 0.05 * rng.normal(size=rough.shape)
    top = np.iinfo(dtype).max if np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize < 4 else 255
    return (np.clip(rough, 0, 1) * (1 if np.dtype(dtype).kind == "f" else top)).astype(dtype)


def check(device, image, *given, mask=None, **options):
    """Hold the labels against those of the CPU."""
    there = {} if mask is None else {"mask": device.put(mask)}
    found = device.take(slic(device.put(image), *given, **there, **options))
    expected = slic(image, *given, mask=mask, **options)
    assert found.dtype == np.int32
    assert_array_equal(found, expected)
    return found


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_channels", [1, 3, 8, 9, 40])
def test_every_shape(cuda, rng, shape, n_channels):
    """Values of up to 8 channels live in registers."""
    check(cuda, picture(rng, shape, n_channels), 12, 0.1, convert2lab=False, max_num_iter=4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(cuda, rng, dtype):
    options = {"scaling": 255} if np.dtype(dtype).kind != "f" and np.dtype(dtype).itemsize > 2 else {}
    for n_channels, compactness in ((3, 10.0), (2, 0.1)):
        found = check(cuda, picture(rng, (35, 40), n_channels, dtype), 60, compactness, **options)
        assert found.max() > 8


@pytest.mark.parametrize(
    "options",
    [
        {"compactness": 1.0},
        {"compactness": 1e-3},
        {"n_segments": 1},
        {"n_segments": 400},
        {"n_segments": 10_000, "max_num_iter": 3},
        {"max_num_iter": 1},
        {"max_num_iter": 30},
        {"sigma": 1.5},
        {"sigma": (0.5, 12.0)},
        {"spacing": (1, 2.5)},
        {"sigma": 2, "spacing": (2, 1)},
        {"convert2lab": False, "compactness": 0.1},
        {"slic_zero": True},
        {"start_label": 0},
        {"enforce_connectivity": False},
        {"min_size_factor": 0.1, "max_size_factor": 1.1},
        {"scaling": "minmax"},
        {"scaling": 300.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("masked", [False, True])
def test_every_option(cuda, rng, options, masked):
    mask = None
    if masked:
        mask = np.zeros((50, 44), bool)
        mask[5:48, 3:40] = rng.random((43, 37)) < 0.95
        mask[20:30, 15:25] = False
    check(cuda, picture(rng, (50, 44), 3), mask=mask, **{"n_segments": 30, **options})


def test_a_gray_image_and_temperatures(cuda, rng):
    gray = picture(rng, (40, 37), 1)[..., 0]
    check(cuda, gray, 20, 0.1, channel_axis=None)
    celsius = (20 + gray / 20).astype(np.float32)
    celsius[4, 5] = np.nan
    check(cuda, celsius, 20, 0.1, channel_axis=None, scaling=10, mask=np.isfinite(celsius))
    celsius[4, 5], celsius[7, 8] = 20, 1e7
    check(cuda, celsius, 20, 1e-3, channel_axis=None, scaling=10)


@pytest.mark.parametrize("view", [lambda a: a[::-1, ::2], lambda a: a.transpose(1, 0, 2)[3:], lambda a: a[:, ::-1]])
def test_strides(cuda, rng, view):
    image, mask = picture(rng, (40, 46), 3), rng.random((40, 46, 1)) < 0.9
    found = slic(view(cuda.put(image)), 15, mask=view(cuda.put(mask))[..., 0])
    assert_array_equal(cuda.take(found), slic(view(image), 15, mask=view(mask)[..., 0]))
    found = slic(cuda.put(image.transpose(2, 0, 1)), 15, channel_axis=0)
    assert_array_equal(cuda.take(found), slic(image, 15))


def test_features_on_the_device(cuda, rng):
    image, depth = picture(rng, (30, 41), 3), rng.random((30, 41)).astype(np.float32)
    mask = rng.random((30, 41)) < 0.9
    options = {"channel_weights": {"d": 3.0, "xy": 0.5}}
    found = slic(
        pixel_features(cuda.put(image), "Labdxy", depth=cuda.put(depth), mask=cuda.put(mask), **options), 20, 10.0
    )
    assert_array_equal(
        cuda.take(found), slic(pixel_features(image, "Labdxy", depth=depth, mask=mask, **options), 20, 10.0)
    )


def test_pixels_that_no_start_can_reach(cuda):
    """Two islands so far apart that one has no start."""
    mask = np.zeros((4, 900), bool)
    mask[:, :3] = mask[2, 890:] = True
    image = np.random.default_rng(3).integers(0, 256, (4, 900, 3)).astype(np.uint8)
    for n_segments in (1, 2, 4):
        check(cuda, image, n_segments, mask=mask, enforce_connectivity=False)


def test_nothing_inside(cuda):
    image = np.zeros((5, 40, 3), np.uint8)
    for start_label in (0, 1):
        check(cuda, image, mask=np.zeros((5, 40), bool), start_label=start_label)


def problem(rng, shape, n, n_channels, *, spread=0):
    """Whole numbers in pixels and centers among them, some of them gone, and windows that end within tiles."""
    image = rng.integers(-40, 41, (*shape, n_channels)).astype(np.float64)
    position = np.stack([rng.uniform(-spread, side + spread, n) for side in shape], axis=1)
    color, weight = rng.integers(-40, 41, (n, n_channels)).astype(float), rng.uniform(0.01, 2, n)
    return image, centers_at(position, color, weight, rng.random(n) < 0.9, np.array([9, 13]))


def assigned(device, image, centers, scale=(1.0, 1.0), mask=None):
    """Labels and sums by the kernels; values as they are."""
    there = device.put(image)
    kernels = kernels_for(there, "slic")
    tiles = kernels.in_tiles(there, None if mask is None else device.put(mask), None, 1.0, 0, False)
    labels = device.put(np.full(image.shape[:2], -1, np.int32))
    centers = type(centers)(*map(device.put, centers))
    sums = kernels.assign(tiles, image.shape[:2], centers, scale, labels)
    return device.take(labels), device.take(sums)


def expected_of(image, centers, scale, mask):
    """By the definition, in float64."""
    rows, cols = np.mgrid[: image.shape[0], : image.shape[1]]
    least, labels = np.full(image.shape[:2], np.inf), np.full(image.shape[:2], -1)
    for k, (position, color, weight, window) in enumerate(zip(*centers)):
        dy, dx = (rows - position[0]) * scale[0], (cols - position[1]) * scale[1]
        away = weight * ((image - color) ** 2).sum(axis=2) + (dy * dy + dx * dx)
        held = (rows >= window[0]) & (rows < window[1]) & (cols >= window[2]) & (cols < window[3])
        nearer = held & (away < least) & (True if mask is None else mask)
        labels[nearer], least[nearer] = k, away[nearer]
    columns = np.concatenate([np.ones((*image.shape[:2], 1)), rows[..., None], cols[..., None], image], axis=2)
    sums = [columns[labels == k].sum(axis=0) for k in range(len(centers.weight))]
    return labels, np.array(sums).astype(np.int64)


@pytest.mark.parametrize("n", [1, 255, 257, 600])
@pytest.mark.parametrize("n_channels", [3, 40])
@pytest.mark.parametrize("masked", [False, True])
def test_the_nearest_center_by_its_definition(cuda, rng, n, n_channels, masked):
    """Centers are looked at 256 at a time; sums of the 30th channel and the next are added by the first lanes again."""
    image, centers = problem(rng, (37, 70), n, n_channels, spread=12)
    mask = rng.random((37, 70)) < 0.8 if masked else None
    labels, sums = assigned(cuda, image, centers, (1.5, 0.7), mask)
    expected = expected_of(image, centers, (1.5, 0.7), mask)
    assert_array_equal(labels, expected[0])
    assert_array_equal(sums, expected[1])


def test_near_ties_are_decided_by_the_defined_order_of_operations(cuda, rng):
    """Positions and values on a lattice: many distances are equal but for rounding."""
    image = rng.integers(0, 30, (40, 66, 2)).astype(float)
    position, color = rng.integers(0, 40, (200, 2)).astype(float), rng.integers(0, 30, (200, 2)).astype(float)
    centers = centers_at(position, color, np.full(200, 0.01), np.ones(200, bool), np.array([50, 80]))
    labels, _ = assigned(cuda, image, centers, (0.1, 0.1))
    assert_array_equal(labels, expected_of(image, centers, (0.1, 0.1), None)[0])


@pytest.mark.parametrize("middle", [22, 23, 40, 41])
def test_windows_that_end_where_tiles_do(cuda, middle):
    image, position = np.zeros((66, 66, 1)), np.array([[middle, middle], [65.0, 65.0]])
    centers = centers_at(position, np.zeros((2, 1)), np.ones(2), np.array([True, False]), np.array([9, 9]))
    labels, sums = assigned(cuda, image, centers)
    expected = expected_of(image, centers, (1, 1), None)
    assert_array_equal(labels, expected[0])
    assert_array_equal(sums, expected[1])
    assert (labels >= 0).sum() == 19 * 19


def test_every_order_of_threads_gives_the_same(emulated_order, rng):
    image, centers = problem(rng, (40, 45), 30, 3)
    found = assigned(emulated_order, image, centers)
    for one, other in zip(found, expected_of(image, centers, (1, 1), None)):
        assert_array_equal(one, other)
    check(emulated_order, picture(rng, (40, 45), 3), 20, max_num_iter=3, slic_zero=True)


def test_a_tie_goes_to_the_lower_index(cuda):
    image = np.zeros((9, 70, 1))
    position = np.array([[4.0, 10.0], [4.0, 20.0], [4.0, 10.0], [4.0, 60.0]])
    centers = centers_at(position, np.zeros((4, 1)), np.ones(4), np.ones(4, bool), np.array([9, 100]))
    labels, _ = assigned(cuda, image, centers)
    assert_array_equal(labels[4], np.repeat([0, 1, 3], [16, 25, 29]))


def test_far_from_the_first_pixel_sums_pass_32_bits(cuda, rng):
    """Rows of 50 million pixels would not fit a test: positions count from the block, and are added as 64 bits."""
    image, centers = (
        np.zeros((2, 70_000, 1)),
        centers_at(np.array([[0.5, 30.0]]), np.zeros((1, 1)), np.ones(1), np.ones(1, bool), np.array([2, 10**6])),
    )
    _, sums = assigned(cuda, image, centers)
    assert_array_equal(sums, [[140_000, 70_000, 70_000 * 69_999, 0]])


def test_values_are_clipped_and_rounded_as_on_the_cpu(cuda):
    image = np.array([[[2.5], [3.5], [-2.5], [1e30], [-1e30], [4194303.0], [-0.2]]])
    planes = on_cuda.in_tiles(cuda.put(image), None, None, 1.0, 0, False).planes
    assert_array_equal(cuda.take(planes), [[[2, 4, -2, 4194303, -4194303, 4194303, 0]]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (33, 40)])
@pytest.mark.parametrize("widths", [(1.0, 1.0), (0.0, 2.0), (0.7, 0.0), (0.05, 0.05), (3.3, 50.0)])
@pytest.mark.parametrize("masked", [False, True])
def test_smoothing_has_the_bits_of_scipy(cuda, rng, shape, widths, masked):
    planes = rng.normal(size=(2, *shape)).astype(np.float32)
    mask = rng.random(shape) < 0.6 if masked else None
    there = cuda.put(planes)
    on_cuda.smooth(there, None if mask is None else cuda.put(mask), widths)
    on_cpu.smooth(planes, mask, widths)
    assert_array_equal(cuda.take(there).view(np.int32), planes.view(np.int32))


def test_means_and_windows_as_on_the_cpu(cuda, rng):
    sums = rng.integers(-(10**12), 10**12, (300, 6))
    sums[:, 0] = rng.integers(0, 5, 300) * rng.integers(1, 10**6, 300)
    sums[sums[:, 0] == 0] = 0
    reach = np.array([14, 9])
    sums[:, 1:3] = abs(sums[:, 1:3]) % 10**9
    expected = on_cpu.moved(sums, np.ones(300), reach)
    found = on_cuda.moved(cuda.put(sums), cuda.put(np.ones(300)), reach)
    for one, other in zip(found, expected):
        assert_array_equal(cuda.take(one), other)


def test_the_host_waits_for_nothing_while_centers_move(emulated, rng):
    image = emulated.put(picture(rng, (40, 45), 3))
    emulated.cupy.transfers = 0
    slic(image, 20, max_num_iter=8, enforce_connectivity=False)
    assert emulated.cupy.transfers == 1  # whether all pixels have a center
    emulated.cupy.transfers = 0
    slic(image, 20, max_num_iter=16, enforce_connectivity=False)
    assert emulated.cupy.transfers <= 1 + 4  # a look at whether positions, colors, weights and windows stay


def test_the_input_is_left_alone(cuda, rng):
    for dtype in (np.uint8, np.float32):
        image, mask = picture(rng, (20, 45), 3, dtype), rng.random((20, 45)) < 0.9
        there = cuda.put(image), cuda.put(mask)
        slic(there[0], 9, sigma=1, mask=there[1])
        assert_array_equal(cuda.take(there[0]), image)
        assert_array_equal(cuda.take(there[1]), mask)


def test_what_lies_apart_is_refused(cuda):
    image, mask = np.zeros((9, 10, 3), np.uint8), np.ones((9, 10), bool)
    for pair in ((cuda.put(image), mask), (image, cuda.put(mask))):
        with pytest.raises(TypeError, match=r"^mask must lie where image does, "):
            slic(pair[0], mask=pair[1])


def test_nan_is_refused_on_the_device(cuda):
    with pytest.raises(ValueError, match=r"^image must be finite, got 1 NaN or infinite values; mark such pixels"):
        slic(cuda.put(np.array([[1.0, np.nan]])), channel_axis=None)


def test_images_too_large_are_refused():
    class Image:
        shape = (2**15, 2**14 + 1, 3)

    with pytest.raises(ValueError, match=r"at most 2\*\*29 pixels, got 32768 x 16385; cut tiles"):
        on_cuda.planes(Image(), None, None, 1.0, False)


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (widths4 or means or (definition and 257))"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
