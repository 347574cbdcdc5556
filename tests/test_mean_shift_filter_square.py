"""OpenCV's rule where its numbers are largest, its windows taken in parts, and its states met before."""

import os
import subprocess
import sys

import numpy as np
import pytest
from naive_mean_shift import climb_opencv, filtered
from numpy.testing import assert_array_equal
from test_mean_shift_filter import blotches, modes

from classicseg import mean_shift_filter
from classicseg._kernels.cpu import mean_shift_filter_square as square
from classicseg._kernels.cpu.mean_shift_filter_square_sums import LANES, MOST, extent_of

USE = "from classicseg import mean_shift_filter\nimport numpy as np\n"
USE += "mean_shift_filter(np.zeros((4, 5, 3), np.uint8), 1, 9, kernel='opencv')"


@pytest.mark.parametrize("side", [3, 15, 17, 31, 33, 49, 51, 63, 65, 99, 8193])
def test_the_parts_of_a_window_cover_it(side):
    extent = extent_of(side)
    assert extent.rows * (extent.down - 1) < side <= extent.rows * extent.down
    assert extent.cols * (extent.across - 1) < side <= extent.cols * extent.across
    assert extent.ends[-1] == extent.rows <= MOST
    assert extent.down == extent.across == 1 or extent.cols == LANES


@pytest.mark.parametrize("width", [254.99, 255, 360.6, 441, 442])
def test_limits_beyond_sixteen_bits(rng, width):
    """Black to white is 255² three times, and 441² is less."""
    image = (rng.integers(0, 2, (12, 13, 3)) * 255).astype(np.uint8)
    image[:, 7:] = rng.integers(0, 256, (12, 6, 3))
    mask = rng.random((12, 13)) < 0.8
    found, _ = modes(image, 2, width, kernel="opencv", mask=mask)
    assert_array_equal(found[mask], filtered(image, 2, width, rule=climb_opencv, mask=mask)[mask])


@pytest.mark.parametrize("shape", [(60, 6), (6, 75)])
@pytest.mark.parametrize(("spatial", "value"), [(24, 255), (26, 250), (34, 255)])
def test_windows_in_parts_hold_the_largest_sums(rng, shape, spatial, value):
    """All pixels of a window are near and bright; the rows and columns behind it are pixels of the image, too."""
    image = (value - rng.integers(0, 2, (*shape, 3))).astype(np.uint8)
    image[:: shape[0] // 5, :: shape[1] // 5] = 3
    found, _ = modes(image, spatial, 10, kernel="opencv")
    assert_array_equal(found, filtered(image, spatial, 10, rule=climb_opencv))


def test_a_window_of_white_pixels():
    """The sums of the largest window whose rows are written out, every pixel of it near."""
    image = np.full((49, 49, 3), 255, np.uint8)
    found, _ = modes(image, 24, 1, kernel="opencv")
    assert_array_equal(found[24, 24], [255, 255, 255, 24, 24, 49 * 49])


@pytest.mark.parametrize("apart", [(0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (37, 0, 0, 0)])
def test_states_that_are_kept_in_one_place_are_told_apart(apart):
    """Two stripes whose pixels gather at one mode each; the modes differ in a value or in their row alone."""
    rows, *values = apart
    image = np.zeros((9 + 2 * rows, 60, 3), np.uint8)
    image[:, ::2] = (90, 120, 60)
    image[:, 1::2] = np.add((90, 120, 60), np.multiply(values, 30))
    found, _ = modes(image, 8, 20, kernel="opencv", tol=0, max_num_iter=20)
    assert_array_equal(found, filtered(image, 8, 20, rule=climb_opencv, eps=0, max_num_iter=20))


@pytest.mark.parametrize("n_cols", [31, 255, 256, 257, 300])
def test_pixels_that_climb_together_are_those_of_the_image(rng, n_cols):
    image, mask = blotches(rng, (3, n_cols), 3), rng.random((3, n_cols)) < 0.7
    found, _ = modes(image, 1, 18, kernel="opencv", mask=mask)
    assert_array_equal(found[mask], filtered(image, 1, 18, rule=climb_opencv, mask=mask)[mask])


def test_no_two_states_have_one_key():
    fields = np.meshgrid([0, 1, 2], [0, 1, 6], *[[0, 1, 255]] * 3)
    state = np.array([field.ravel() for field in fields])
    found = {square._key_and_slot(state, j, 7)[0] for j in range(state.shape[1])}
    assert len(found) == state.shape[1]


def test_where_no_pixel_is_near_the_last_mean_stays():
    block = square.Block(stride=64, radius=1, n_rows=1, n_cols=2, top=0, start=0, image_rows=1, image_cols=2)
    sums = np.array([[0, 3], [0, 0], [0, 1], [0, 7], [0, 8], [0, 9]])
    state = np.array([[0, 0], [0, 1], [5, 5], [5, 5], [5, 5], [0, 1]])
    found, left = np.full((2, 6), 4.0), np.zeros(2, bool)
    assert square.move(square.Climbers(state, sums, np.zeros(2, bool)), 2, block, found, left) == 1
    assert_array_equal(found, [[4, 4, 4, 4, 4, 4], [7, 8, 9, 0, 1, 3]])
    assert_array_equal(state[:, 0], [0, 1, 7, 8, 9, 1])  # the other one goes on


def test_memory_of_states_changes_no_bit(rng):
    """Smooth slopes and steps, where many pixels meet; one step at a time has no memory of the one before."""
    slope = np.linspace(0, 60, 90)[None, :, None] + np.linspace(0, 40, 44)[:, None, None]
    image = (slope + rng.integers(0, 9, (44, 90, 3)) + 60 * (slope > 50)).astype(np.uint8)
    found, _ = modes(image, 8, 25, kernel="opencv", tol=0, max_num_iter=30)
    for y, x in rng.integers(0, (44, 90), (400, 2)):
        value, *rest = climb_opencv(image, y, x, 8, 25, eps=0, max_num_iter=30)
        assert_array_equal(found[y, x], [*value, *rest])


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled with the JIT off")
def test_a_side_is_compiled_once_per_machine(tmp_path):
    def kept():
        subprocess.run(
            [sys.executable, "-c", USE], check=True, env={**os.environ, "CLASSICSEG_CACHE_DIR": str(tmp_path)}
        )
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?") if "square" in path.name}

    first = kept()
    assert any("climb_rows" in path.name for path in first)
    assert kept() == first


def test_a_plane_is_as_an_image_whose_other_channels_are_zero(rng):
    image = blotches(rng, (15, 16), 3)
    image[..., 1:] = 0
    plane, colours = (mean_shift_filter(part, 9, 14, kernel="opencv") for part in (image[..., 0], image))
    assert_array_equal(plane, colours[..., 0])
