"""The climbs of mean shift on CUDA against their definition: the same bits on images of whole numbers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from devices import Cpu
from naive_mean_shift import climb_opencv, filtered
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import mean_shift_filter
from classicseg._kernels import kernels_for
from classicseg._kernels._climb import Climb
from classicseg._kernels.cuda import mean_shift_filter as on_cuda
from classicseg.cluster._mean_shift_filter import checked

KERNELS = ("flat", "epanechnikov", "gaussian")


def modes(device, image, spatial, ranges, *, kernel="flat", place=None, mask=None, **options):
    """Values, positions and weights of all pixels, and which windows left the block."""
    given = {"tol": None, "max_num_iter": None, "n_threads": 1, **options}
    mask = None if mask is None else device.put(mask)
    problem, _ = checked(device.put(image), spatial, ranges, kernel, mask=mask, **given)
    shape = problem.image.shape
    found = np.full((*shape[:2], shape[2] + 3), np.nan)

    def write(first, last, rows):
        found[first:last] = device.take(rows)

    kernels = kernels_for(problem.image, "mean_shift_filter")
    left = kernels.climb(problem.image, problem.mask, Climb(*problem[2:7]), write, place, n_threads=1)
    return found, device.take(left)


def blotches(rng, shape, n_channels, dtype=np.uint8):
    """Whole numbers in levels and noise, so that windows hold some pixels and not others, and edges are met."""
    return (rng.integers(0, 4, (*shape, n_channels)) * 12 + rng.integers(0, 12, (*shape, n_channels))).astype(dtype)


def check(device, image, spatial, ranges, *, kernel="flat", **options):
    """Hold all pixels against the definition."""
    found, left = modes(device, image, spatial, ranges, kernel=kernel, **options)
    if kernel == "opencv":
        options = {"eps" if name == "tol" else name: value for name, value in options.items()}
        expected = filtered(image, spatial, ranges, rule=climb_opencv, **options)
    else:
        widths = np.broadcast_to(np.float64(ranges), image.shape[2])
        expected = filtered(image, spatial, list(widths), kernel=kernel, **options)
    assert_array_equal(found[..., :-1], expected[..., :-1])
    assert_allclose(found[..., -1], expected[..., -1], rtol=1e-12)
    assert not left.any()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_channels", [1, 3, 8, 9, 17])
def test_whole_numbers_climb_as_defined(cuda, rng, kernel, n_channels):
    """Up to 8 channels live in registers; of more a window is walked once for every 8."""
    width = 14 * n_channels**0.5
    check(cuda, blotches(rng, (14, 13), n_channels), 3, width, kernel=kernel)
    check(cuda, blotches(rng, (9, 11), n_channels), 2.5, width, kernel=kernel)


@pytest.mark.parametrize("spatial", [1, 4, 10])
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_opencv_as_defined(cuda, rng, spatial, n_channels):
    check(cuda, blotches(rng, (17, 14), n_channels), spatial, 18, kernel="opencv")


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_every_order_of_threads_gives_the_same(emulated_order, rng, kernel):
    check(emulated_order, blotches(rng, (15, 16), 3), 3, 18, kernel=kernel)


def test_a_window_wider_than_two_bytes_count(cuda, rng):
    """The sums of a row of 601 pixels, and those of columns."""
    check(cuda, 200 + blotches(rng, (2, 640), 1), 300, 30, kernel="opencv", max_num_iter=2)
    check(cuda, 200 + blotches(rng, (2, 640), 1), 300, 30, max_num_iter=2)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("ranges", [(10.0, 15.0, 20.0), (8.0, 16.0, 4.0), (6.3, 20.1, 11.7)])
def test_a_bandwidth_per_channel(cuda, rng, kernel, ranges):
    check(cuda, blotches(rng, (12, 11), 3), 3, ranges, kernel=kernel)


def test_a_bandwidth_for_each_of_many_channels(cuda, rng):
    check(cuda, blotches(rng, (9, 10), 10), 3, list(np.arange(30.0, 40.0)), max_num_iter=4)


@pytest.mark.parametrize("options", [{"tol": 0.0}, {"tol": 0.5}, {"max_num_iter": 1}, {"max_num_iter": 3}])
@pytest.mark.parametrize(("kernel", "n_channels"), [("flat", 2), ("flat", 9), ("gaussian", 2)])
def test_when_a_pixel_stays(cuda, rng, kernel, n_channels, options):
    check(cuda, blotches(rng, (11, 12), n_channels), 3, 14 * n_channels**0.5, kernel=kernel, **options)


@pytest.mark.parametrize("options", [{"tol": 0.0, "max_num_iter": 20}, {"tol": 30.0}, {"max_num_iter": 1}])
def test_opencv_stops_as_defined(cuda, rng, options):
    check(cuda, blotches(rng, (15, 14), 3), 3, 18, kernel="opencv", **options)


CROSS = [[100, 15, 100], [13, 10, 13], [100, 15, 100]]  # from 10 to 12, and from there on to the two of 15


@pytest.mark.parametrize(
    ("kernel", "tol", "plane", "pixel", "spatial"),
    [("flat", 0.5, CROSS, (1, 1), 1), ("opencv", 5.0, [[10, 12, 14, 16]], (0, 0), 2)],
)
def test_a_step_of_the_tolerance_is_the_last(device, kernel, tol, plane, pixel, spatial):
    image = np.array(plane, np.uint8)[..., None]
    for one, value in ((tol, 12), (np.nextafter(np.float32(tol), np.float32(0)), 13)):
        found, _ = modes(device, image, spatial, 4, kernel=kernel, tol=float(one))
        assert np.rint(found[(*pixel, 0)]) == value
        check(device, image, spatial, 4, kernel=kernel, tol=float(one))


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_pixels_outside_the_mask(cuda, rng, kernel, n_channels):
    """They have no weight however wide the range is, and no mode."""
    image, mask = blotches(rng, (12, 13), n_channels), rng.random((12, 13)) < 0.7
    check(cuda, image, 3, 14, kernel=kernel, mask=mask)
    check(cuda, image, 3, 442, kernel=kernel, mask=mask, max_num_iter=3)


DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32, np.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_gives_what_the_cpu_gives(cuda, rng, dtype):
    image = blotches(rng, (10, 12), 2, dtype)
    if np.dtype(dtype).kind != "f" and np.dtype(dtype).itemsize > 1:
        image += 20000  # all bytes of a number count
    found = mean_shift_filter(cuda.put(image), 3, 14)
    assert found.dtype == dtype
    assert_array_equal(cuda.take(found), mean_shift_filter(image, 3, 14))


@pytest.mark.parametrize("n_channels", [1, 3, 9])
def test_counts_far_above_the_bandwidth(cuda, rng, n_channels):
    """Windows' centers have more digits than float32 holds, and the differences from them are exact all the same."""
    image = (60000 + blotches(rng, (12, 11), n_channels, np.uint16) // 4).astype(np.uint16)
    check(cuda, image, 3, 3.0 * n_channels)


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[::-1, ::2],
        lambda image: image.transpose(1, 0, 2)[3:],
        lambda image: image[:, ::-3, ::-1],
    ],
)
@pytest.mark.parametrize("kernel", ["flat", "opencv"])
def test_strides(cuda, rng, kernel, view):
    image, mask = blotches(rng, (14, 24), 3), rng.random((14, 24, 1)) < 0.8
    options = {"kernel": kernel}
    found = mean_shift_filter(view(cuda.put(image)), 3, 18, mask=view(cuda.put(mask))[..., 0], **options)
    assert_array_equal(cuda.take(found), mean_shift_filter(view(image), 3, 18, mask=view(mask)[..., 0], **options))


@pytest.mark.parametrize("kernel", ["flat", "opencv"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 31), (1, 33), (1, 127), (1, 128), (1, 129), (130, 1), (5, 52)])
def test_sizes_around_the_borders_of_warps_and_blocks(cuda, rng, kernel, shape):
    check(cuda, blotches(rng, shape, 1), 3, 14, kernel=kernel)


@pytest.mark.parametrize("kernel", ["flat", "opencv"])
@pytest.mark.parametrize("at_once", [1, 70, 1000])
@pytest.mark.parametrize("warps", [1, 32])
def test_neither_bands_nor_the_pixels_of_a_warp_change_a_bit(cuda, rng, monkeypatch, kernel, at_once, warps):
    """From one row at a time to all, and from 32 pixels of a warp to all of a band."""
    monkeypatch.setattr(on_cuda, "PIXELS_AT_ONCE", at_once)
    monkeypatch.setattr(on_cuda, "WARPS_PER_MULTIPROCESSOR", warps)
    image, place = blotches(rng, (20, 23), 2), (6, 5, 40, 50)
    for there, here in zip(*(modes(one, image, 3, 14, kernel=kernel, place=place) for one in (cuda, Cpu()))):
        assert_array_equal(there, here)


@pytest.mark.parametrize("kernel", KERNELS)
def test_floats_climb_to_the_modes_of_the_cpu(cuda, rng, kernel):
    """As stated: 1e-3 of the bandwidth for 99.9 %; the rest have a pixel on the edge of their window."""
    image = (20 + 3 * rng.integers(0, 3, (40, 51, 1)) + rng.normal(0, 0.4, (40, 51, 1))).astype(np.float32)
    found, _ = modes(cuda, image, 3, 1.3, kernel=kernel)
    expected, _ = modes(Cpu(), image, 3, 1.3, kernel=kernel)
    near = np.abs(found[..., :3] - expected[..., :3]) <= 1e-3 * np.array([1.3, 3, 3])
    assert near.all(axis=2).mean() >= 0.999


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_a_block_of_a_larger_image(cuda, rng, kernel):
    """Pixels whose windows stay in the block come out as in the whole image; the others are told, as by the CPU."""
    image, spatial = blotches(rng, (34, 30), 3), 1 if kernel == "gaussian" else 3
    whole, left = modes(cuda, image, spatial, 14, kernel=kernel)
    assert not left.any()
    place = (6, 5, 34, 30)
    block = image[6:28, 5:26]
    part, left = modes(cuda, block, spatial, 14, kernel=kernel, place=place)
    assert_array_equal(part[~left], whole[6:28, 5:26][~left])
    assert 0.1 < left.mean() < 0.95
    on_host, left_on_host = modes(Cpu(), block, spatial, 14, kernel=kernel, place=place)
    assert_array_equal(left, left_on_host)
    assert_array_equal(part[..., :-1], on_host[..., :-1])


@pytest.mark.parametrize("kernel", [*KERNELS, "opencv"])
def test_a_block_far_from_the_first_pixel(device, rng, kernel):
    """Sums of positions pass 32 bits, and positions are exact all the same."""
    image, top, start = blotches(rng, (9, 40), 1), 2**29, 2**30
    here, _ = modes(device, image, 6, 20, kernel=kernel)
    there, left = modes(device, image, 6, 20, kernel=kernel, place=(top, start, top + 9, start + 40))
    assert_array_equal(there - [0, top, start, 0], here)
    assert left.any()  # above and to the left the image goes on


@pytest.mark.parametrize("value", [1e6, -1e20, 3e38])
@pytest.mark.parametrize("n_channels", [1, 9])
def test_a_hot_float_stays_and_changes_no_other(cuda, rng, value, n_channels):
    image = rng.normal(20, 1, (11, 12, n_channels)).astype(np.float32)
    mask = np.ones(image.shape[:2], bool)
    mask[4, 5] = False
    options = {"max_num_iter": 3}
    clean = cuda.take(mean_shift_filter(cuda.put(image), 3, 2 * n_channels, mask=cuda.put(mask), **options))
    image[4, 5, -1] = value
    hot = cuda.take(mean_shift_filter(cuda.put(image), 3, 2 * n_channels, **options))
    assert hot[4, 5, -1] == np.float32(value)
    assert_array_equal(hot[mask], clean[mask])
    found, _ = modes(cuda, image, 3, 2 * n_channels, **options)
    assert found[4, 5, -1] == (abs(value) < 1e18)  # beyond 2**62 bandwidths a value takes no part


@pytest.mark.parametrize("width", [1e-30, 1e-6, 1e6, 3e38])
@pytest.mark.parametrize("kernel", KERNELS)
def test_bandwidths_far_from_the_values(cuda, kernel, width):
    image = np.array([[1.0, 2.0, 3e10, -5e-10, 0.0]], np.float32)
    found = cuda.take(mean_shift_filter(cuda.put(image), 8, width, kernel=kernel, max_num_iter=1))
    assert_array_equal(found, mean_shift_filter(image, 8, width, kernel=kernel, max_num_iter=1))


def test_frames_too_large_for_the_kernels_are_refused(cuda):
    class Frames:
        shape = (1, 2**15, 2**15 + 1, 1)

    with pytest.raises(ValueError, match=r"at most 2\*\*30 pixels a frame, got 32768 x 32769; cut tiles"):
        on_cuda.climb_frames(Frames(), None, Climb("flat", 3.0, (2.0,), 0.01, 5), None)


@pytest.mark.parametrize("kernel", ["flat", "opencv"])
def test_the_host_waits_for_nothing(emulated, rng, kernel):
    image = emulated.put(blotches(rng, (12, 13), 3))
    emulated.cupy.transfers = 0
    mean_shift_filter(image, 3, 14, kernel=kernel)
    assert emulated.cupy.transfers == 0


def test_text_is_compiled_once_per_set_of_constants(emulated, rng, monkeypatch):
    compiled = []
    raw_module = emulated.cupy.RawModule
    monkeypatch.setattr(emulated.cupy, "RawModule", lambda **given: compiled.append(given) or raw_module(**given))
    image = blotches(rng, (6, 7), 3)
    for spatial, width in ((2, 10), (3, 20), (3, (9, 10, 11))):
        mean_shift_filter(emulated.put(image), spatial, width)
    assert len(compiled) == 1
    mean_shift_filter(emulated.put(image[..., :2]), 2, 10)
    mean_shift_filter(emulated.put(image), 2, 10, kernel="gaussian")
    assert len(compiled) == 3


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests, and those of the labels, in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (sizes or strides or block_of or numbers_climb_as_defined and 9 or regions_of_any)"
    others = str(Path(__file__).with_name("test_mean_shift_cuda.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__, others]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
