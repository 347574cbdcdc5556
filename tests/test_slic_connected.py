"""Connected superpixels of bounded size, and SLIC beside scikit-image."""

import numpy as np
import pytest
from naive_slic import connected
from numpy.testing import assert_array_equal
from scipy import ndimage

from classicseg import slic
from classicseg._kernels.cpu.slic_connect import connected_parts

SHAPES = [(1, 1), (1, 30), (30, 1), (13, 15)]


def random_labels(rng, shape, n_labels):
    """Patches of labels with single pixels of others in them."""
    labels = rng.integers(0, n_labels, (-(-shape[0] // 4), -(-shape[1] // 4))).repeat(4, axis=0).repeat(4, axis=1)
    labels = labels[: shape[0], : shape[1]]
    return np.where(rng.random(shape) < 0.25, rng.integers(0, n_labels, shape), labels).astype(np.int32)


def made(labels, min_size, max_size, mask=None, start_label=1, n_threads=1):
    inside = labels if mask is None else np.where(mask, labels, np.int32(-1))
    return connected_parts(inside, min_size, max_size, start_label, n_threads)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_labels", [1, 2, 4])
@pytest.mark.parametrize(("min_size", "max_size"), [(3, 1000), (8, 1000), (2, 5), (1, 1), (40, 60)])
def test_parts_as_defined(rng, shape, n_labels, min_size, max_size):
    for _ in range(3):
        labels = random_labels(rng, shape, n_labels)
        assert_array_equal(made(labels, min_size, max_size), connected(labels, min_size, max_size))


@pytest.mark.parametrize("min_size", [1, 4, 12, 400])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_under_a_mask_each_label_is_connected(rng, min_size, share):
    for _ in range(5):
        labels, mask = random_labels(rng, (20, 23), 3), rng.random((20, 23)) < share
        found = made(labels, min_size, 10**6, mask)
        assert_array_equal(found > 0, mask)
        assert_array_equal(np.unique(found[mask]), np.arange(1, found.max() + 1))
        for label in range(1, found.max() + 1):
            assert ndimage.label(found == label)[1] == 1
            if (found == label).sum() < min_size:  # then it has no neighbour
                around = ndimage.binary_dilation(found == label) & (found != label)
                assert not (around & mask).any()


def test_sizes_are_bounded(rng):
    labels = random_labels(rng, (40, 44), 2)
    found = made(labels, 1, 25)
    assert np.bincount(found.ravel())[1:].max() <= 25


def test_a_part_is_cut_where_a_walk_from_its_first_pixel_ends():
    found = made(np.zeros((3, 4), np.int32), 1, 5)
    assert_array_equal(found, [[1, 1, 1, 2], [1, 1, 2, 2], [3, 3, 2, 2]])


def test_a_small_part_joins_the_last_one_before_it_that_it_meets():
    labels = np.array([[1, 1, 2, 2], [1, 3, 2, 2], [1, 1, 1, 1]], np.int32)
    found = made(labels, 2, 100)
    assert found[1, 1] == 1  # above, which is met after the one to the left
    first = np.array([[9, 1, 1], [1, 1, 1]], np.int32)
    assert_array_equal(made(first, 2, 100), 1)  # none before it: the next one


def test_a_small_part_that_comes_first_joins_the_first_large_one_around_it():
    """The one below is met last on a walk over it."""
    labels = np.array([[0, 1, 1], [2, 2, 2]], np.int32)
    assert_array_equal(made(labels, 2, 100), [[1, 1, 1], [2, 2, 2]])


def test_small_parts_that_come_first_and_touch_join_one():
    """The first large part touches the second of them only."""
    labels = np.array([[0, 1, 2, 2], [3, 3, 3, 3]], np.int32)
    assert_array_equal(made(labels, 2, 100), [[1, 1, 1, 1], [2, 2, 2, 2]])


def test_the_last_pixel_of_a_small_part_decides():
    labels = np.array([[1, 1, 1, 2, 2, 2], [1, 1, 3, 3, 2, 2], [1, 1, 1, 2, 2, 2]], np.int32)
    assert_array_equal(made(labels, 3, 100)[1], [1, 1, 2, 2, 2, 2])  # the one to the right is reached last


def test_islands_of_a_mask_stay_apart():
    """The part that stands first on its island is small; what follows in raster order lies on another."""
    mask = np.ones((5, 9), bool)
    mask[:, 4] = False
    labels = np.zeros((5, 9), np.int32)
    labels[0, 0] = 1
    found = made(labels, 2, 100, mask)
    assert_array_equal(found[:, :4], 1)
    assert_array_equal(found[:, 5:], 2)
    labels[0, 5], mask[0, 0] = 1, False
    found = made(labels, 2, 100, mask)
    assert_array_equal(np.unique(found[:, 5:]), [2])
    lonely = np.zeros((3, 5), bool)
    lonely[0, 0] = lonely[2, 2:] = True
    assert_array_equal(made(np.zeros((3, 5), np.int32), 3, 100, lonely), [[1, 0, 0, 0, 0], [0] * 5, [0, 0, 2, 2, 2]])


def test_the_same_labels_for_any_number_of_threads(rng):
    labels = random_labels(rng, (300, 210), 4)
    for sizes in ((5, 10**6), (5, 60)):
        one = made(labels, *sizes)
        for n_threads in (2, 5):
            assert_array_equal(made(labels, *sizes, n_threads=n_threads), one)


def test_the_first_number_is_the_callers(rng):
    labels, mask = random_labels(rng, (9, 11), 3), rng.random((9, 11)) < 0.8
    assert_array_equal(made(labels, 3, 30, mask, start_label=0), made(labels, 3, 30, mask) - 1)


# --- Beside scikit-image -----------------------------------------------------------------------------------------


def picture(rng):
    """A picture with smooth and rough parts, 120 × 90."""
    rough = ndimage.gaussian_filter(rng.random((120, 90, 3)), (2, 2, 0))
    rough = (rough - rough.min()) / (rough.max() - rough.min()) + 0.03 * rng.normal(size=rough.shape)
    return (np.clip(rough, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compactness": 1.0},
        {"compactness": 40.0},
        {"n_segments": 7},
        {"n_segments": 1},
        {"n_segments": 700},
        {"n_segments": 20_000},
        {"max_num_iter": 1},
        {"sigma": 1.5},
        {"sigma": (0.5, 2.0)},
        {"spacing": (1, 2.5)},
        {"sigma": 2, "spacing": (2, 1)},
        {"convert2lab": False, "compactness": 0.1},
        {"slic_zero": True},
        {"start_label": 0},
        {"enforce_connectivity": False},
        {"min_size_factor": 0.1, "max_size_factor": 1.1},
    ],
    ids=str,
)
def test_the_labels_of_scikit_image(rng, options):
    segmentation = pytest.importorskip("skimage.segmentation")
    image, options = picture(rng), {"n_segments": 60, **options}
    expected = segmentation.slic(image, **options)
    found = slic(image, scaling="minmax", **options)
    assert found.max() == expected.max()
    assert (found == expected).mean() >= 0.999


@pytest.mark.parametrize("kind", ["gray", "many channels", "first axis", "float", "uint16", "thin"])
def test_the_labels_of_scikit_image_on_other_images(rng, kind):
    segmentation = pytest.importorskip("skimage.segmentation")
    image, options = picture(rng), {"n_segments": 40, "compactness": 0.1}
    if kind == "gray":
        image, options["channel_axis"] = image[..., 0], None
    elif kind == "many channels":
        image = np.concatenate([image, image[::-1]], axis=2)
    elif kind == "first axis":
        image, options["channel_axis"] = np.concatenate([image, image[::-1]], axis=2).transpose(2, 0, 1), 0
    elif kind == "thin":
        image = image[:3, :, :2]
    else:
        image = image.astype({"float": np.float64, "uint16": np.uint16}[kind]) * 3.5
        image, options["compactness"] = image.astype({"float": np.float64, "uint16": np.uint16}[kind]), 10.0
    expected = segmentation.slic(image / 1000 if kind == "float" else image, **options)
    assert (slic(image, scaling="minmax", **options) == expected).mean() >= 0.999


@pytest.mark.parametrize("options", [{}, {"slic_zero": True}, {"enforce_connectivity": False}], ids=str)
def test_the_labels_of_scikit_image_under_a_mask(rng, options):
    segmentation = pytest.importorskip("skimage.segmentation")
    image, mask = picture(rng), np.zeros((120, 90), bool)
    mask[10:100, 15:80] = True
    mask[40:60, 30:50] = False
    expected = segmentation.slic(image, 30, mask=mask, **options)
    found = slic(image, 30, mask=mask, scaling="minmax", **options)
    assert_array_equal(found == 0, ~mask)
    assert (found == expected).mean() >= 0.99
