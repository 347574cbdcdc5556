"""Guided upsampling: slow twins, edges that come back, what limits it, units, masks, sums, errors."""

import naive_upsample as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter

from classicseg.refine import guided_upsample, upsample
from classicseg.refine._maps.cells import overlaps

METHODS = ["bilateral", "guided"]
METHOD = pytest.mark.parametrize("method", METHODS)


def scene(rng, shape=(48, 64), noise=0.02):
    """Ellipses of three classes, each of a colour, and the probabilities that a coarse network might give."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    classes = np.zeros(shape, int)
    for middle, axes, value in (((14, 18), (9, 13), 1), ((32, 44), (12, 9), 2), ((36, 14), (5, 9), 1)):
        classes[((rows - middle[0]) / axes[0]) ** 2 + ((cols - middle[1]) / axes[1]) ** 2 < 1] = value
    colours = np.array([[0.2, 0.3, 0.25], [0.7, 0.5, 0.2], [0.3, 0.4, 0.8]])
    return classes, (colours[classes] + noise * rng.normal(size=(*shape, 3))).clip(0, 1)


def coarse(classes, scale):
    """Blurred and then averaged over cells, as the answer of a network is."""
    soft = gaussian_filter(np.eye(3)[classes], (scale / 2, scale / 2, 0))
    n_rows, n_cols = classes.shape
    return soft.reshape(n_rows // scale, scale, n_cols // scale, scale, 3).mean(axis=(1, 3))


def share_right(probabilities, classes):
    return np.mean(probabilities.argmax(axis=2) == classes)


# --- Slow twins --------------------------------------------------------------------------------------------------

CASES = [((3, 4), (7, 9)), ((2, 3), (8, 12)), ((5, 4), (5, 6)), ((1, 1), (3, 4)), ((4, 5), (4, 5))]


def masks(rng, shape):
    holes = rng.random(shape) < 0.6
    holes[: shape[0] // 2, : shape[1] // 2] = False  # whole cells without a pixel
    return [np.ones(shape, bool), holes]


@pytest.mark.parametrize(("shape", "target"), CASES)
@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_bilateral_equals_the_slow_twin(rng, shape, target, sigma):
    values, image = rng.dirichlet(np.ones(3), shape), rng.random((*target, 2))
    for inside in masks(rng, target):
        found = guided_upsample(values, image, sigma=sigma, mask=inside)
        assert_allclose(found, naive.bilateral(values, image, inside, sigma), atol=2e-4)  # float32 in the exponent


@pytest.mark.parametrize(("shape", "target"), CASES)
@pytest.mark.parametrize(("sigma", "radius"), [(0.1, 1), (0.5, 2), (0.2, 7)])
def test_guided_equals_the_slow_twin(rng, shape, target, sigma, radius):
    values = 0.4 + 0.2 * rng.random((*shape, 2))  # in the middle, where nothing is cut off at 0 or 1
    image = rng.random((*target, 2))
    for inside in masks(rng, target):
        expected = naive.guided(values, image, inside, sigma, radius)
        found = guided_upsample(values, image, method="guided", sigma=sigma, radius=radius, mask=inside)
        within = ((expected >= 0) & (expected <= 1)).all(axis=2)
        assert within.mean() > 0.6
        assert_allclose(found[within], expected[within], atol=1e-5)


@pytest.mark.parametrize(("n_pixels", "n_cells"), [(6, 3), (7, 3), (5, 4), (4, 4), (3, 1), (1, 1), (100, 37)])
def test_pixels_fill_cells_by_their_parts(n_pixels, n_cells):
    found = overlaps(n_pixels, n_cells).toarray()
    for cell, pixel in np.ndindex(n_cells, n_pixels):
        begin, end = cell * n_pixels / n_cells, (cell + 1) * n_pixels / n_cells
        part = max(min(pixel + 1, end) - max(pixel, begin), 0) * n_cells / n_pixels
        assert abs(found[cell, pixel] - part) < 1e-12


# --- Edges -------------------------------------------------------------------------------------------------------


@METHOD
@pytest.mark.parametrize("scale", [4, 8])
def test_borders_come_back_to_the_edges(rng, method, scale):
    classes, image = scene(rng)
    probabilities = coarse(classes, scale)
    plain, drawn = upsample(probabilities, scale), guided_upsample(probabilities, image, method=method)
    wrong, still_wrong = 1 - share_right(plain, classes), 1 - share_right(drawn, classes)
    assert wrong > 0.01
    assert still_wrong < wrong / 2


def test_a_radius_beyond_the_grid_takes_in_all_of_it(rng):
    values, image = rng.random((3, 5)), rng.random((9, 11))
    whole, beyond = (guided_upsample(values, image, method="guided", radius=radius) for radius in (5, 10**15))
    assert_array_equal(whole, beyond)


@pytest.mark.parametrize("seed", [0, 1])
def test_which_method_when(seed):
    """As the docstring says, in cells of 8 × 8: where classes have colours, and where the image shows noise."""
    rng = np.random.default_rng(seed)
    classes, image = scene(rng, noise=0.005)
    probabilities = coarse(classes, 8)
    plain = 1 - share_right(upsample(probabilities, 8), classes)
    noise = 0.5 + 0.1 * rng.normal(size=image.shape)
    wrong = {
        (method, shown): 1 - share_right(guided_upsample(probabilities, picture, method=method), classes)
        for method in METHODS
        for shown, picture in (("classes", image), ("noise", noise))
    }
    assert 0.10 < plain < 0.12
    assert wrong["bilateral", "classes"] < 0.02
    assert wrong["guided", "classes"] < 0.002
    assert abs(wrong["bilateral", "noise"] - plain) < 0.01
    assert wrong["guided", "noise"] > 2 * plain


@METHOD
def test_an_edge_between_cells_is_where_the_image_has_it(method):
    image = np.zeros((8, 24))
    image[:, 10:] = 1  # within the second of three cells
    cells = np.array([[0.0, 0.75, 1.0]] * 2)  # which holds 6 columns of the second kind in 8
    found = guided_upsample(cells, image, method=method)
    assert_array_equal(found > 0.5, image > 0)
    assert (upsample(cells, shape=(8, 24)) > 0.5).sum() != (image > 0).sum()


# --- Limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", ["constant", "any, with a wide sigma"])
def test_bilateral_without_edges_is_bilinear(rng, image):
    values = rng.dirichlet(np.ones(3), (4, 5))
    picture = np.full((13, 17), 0.3) if image == "constant" else rng.random((13, 17))
    found = guided_upsample(values, picture, sigma=0.1 if image == "constant" else 1000)
    assert_allclose(found, upsample(values, shape=(13, 17)), atol=1e-6)


def test_probabilities_of_the_images_size(rng):
    values, image = rng.dirichlet(np.ones(3), (6, 7)), rng.random((6, 7, 3))
    assert_allclose(guided_upsample(values, image), values, atol=1e-12)
    smooth = guided_upsample(values, np.zeros((6, 7)), method="guided")
    assert np.ptp(smooth) < 0.8 * np.ptp(values)


@METHOD
def test_constant_probabilities_stay(rng, method):
    found = guided_upsample(np.full((3, 4, 2), [0.3, 0.7]), rng.random((11, 13, 3)), method=method)
    assert_allclose(found, np.broadcast_to([0.3, 0.7], found.shape), atol=1e-6)


@METHOD
def test_probabilities_stay_probabilities(rng, method):
    values = rng.dirichlet(np.full(4, 0.1), (6, 5)).astype(np.float32)  # near 0 and 1, where a line leaves them
    found = guided_upsample(values, rng.random((23, 31, 3)), method=method, sigma=0.01)
    assert found.dtype == np.float32
    assert found.shape == (23, 31, 4)
    assert found.min() >= 0
    assert found.max() <= 1
    assert_allclose(found.sum(axis=2), 1, atol=1e-5)


@METHOD
def test_one_class_is_a_map_of_two_axes(rng, method):
    values, image = rng.random((4, 5)), rng.random((13, 17))
    found = guided_upsample(values, image, method=method)
    assert found.shape == (13, 17)
    assert_array_equal(found, guided_upsample(values[..., None], image[..., None], method=method)[..., 0])
    assert found.min() >= 0
    assert found.max() <= 1


# --- Units and masks ---------------------------------------------------------------------------------------------


@METHOD
def test_units(rng, method):
    values, image = rng.dirichlet(np.ones(3), (4, 5)), rng.integers(0, 256, (16, 20)).astype(np.uint8)
    expected = guided_upsample(values, image, method=method)
    for other, unit in (
        (image / 255, None),
        (image.astype(np.uint16) * 257, None),
        (image.astype(np.int32), None),
        (15 + image / 25.5, 10),  # degrees
        (1e6 + image / 255, None),  # an offset makes no difference
        (20000 + 4.0 * image, 1020),  # raw counts
    ):
        assert_allclose(guided_upsample(values, other, method=method, unit=unit), expected, atol=2e-4)


def test_default_edges(rng):
    values, image = rng.random((3, 3)), rng.random((12, 12))
    assert_array_equal(guided_upsample(values, image), guided_upsample(values, image, sigma=0.1))
    given = {"sigma": 0.03, "radius": 1}
    assert_array_equal(
        guided_upsample(values, image, method="guided"), guided_upsample(values, image, method="guided", **given)
    )


@METHOD
def test_pixels_outside_the_mask_are_not_looked_at(rng, method):
    values, image = rng.dirichlet(np.ones(3), (4, 5)), rng.random((16, 20, 3)).astype(np.float32)
    inside = rng.random((16, 20)) < 0.7
    inside[:9, :9] = False
    expected = guided_upsample(values, image, method=method, mask=inside)
    assert_array_equal(expected[~inside], 0)
    assert_allclose(expected[inside].sum(axis=1), 1, atol=1e-5)
    for anything in (np.nan, np.inf, -1e30):
        image[~inside] = anything
        assert_array_equal(guided_upsample(values, image, method=method, mask=inside), expected)
    assert_array_equal(guided_upsample(values, image, method=method, mask=np.zeros((16, 20), bool)), 0)


@METHOD
def test_far_values_are_no_trouble(rng, method):
    image = rng.random((16, 20))
    image[3, 4], image[8, 9] = 1e30, -1e30
    found = guided_upsample(rng.dirichlet(np.ones(3), (4, 5)), image, method=method)
    assert_allclose(found.sum(axis=2), 1, atol=1e-4)


@METHOD
def test_blocks_of_rows_change_no_bit(rng, method, monkeypatch):
    from classicseg.features import _planes

    values, image = rng.dirichlet(np.ones(3), (4, 5)), rng.random((16, 20))
    whole = guided_upsample(values, image, method=method)
    for block in (1, 20, 60, 319):
        monkeypatch.setattr(_planes, "BLOCK", block)
        assert_allclose(guided_upsample(values, image, method=method), whole, atol=1e-12)


@METHOD
def test_the_callers_arrays(rng, method):
    values, image, inside = rng.random((4, 5, 2)), rng.random((16, 20)), rng.random((16, 20)) < 0.9
    expected = guided_upsample(values, image, method=method, mask=inside)
    for argument in (values, image, inside):
        argument.flags.writeable = False
    others = np.asfortranarray(values), image[::-1][::-1], inside.tolist()
    found = guided_upsample(others[0], others[1], method=method, mask=others[2])
    assert_array_equal(found, expected)


# --- What is refused ---------------------------------------------------------------------------------------------

HALF, IMAGE = np.full((2, 2), 0.5), np.zeros((4, 6))
REFUSED = [
    (
        (np.zeros((2, 2, 2, 2)), IMAGE),
        {},
        ValueError,
        "probabilities must have shape (M, N) or (M, N, C), got (2, 2, 2, 2); pass one map at a time",
    ),
    (
        (HALF * 4, IMAGE),
        {},
        ValueError,
        "probabilities must be 0 to 1, got 2 to 2; pass logits through a softmax or sigmoid first",
    ),
    (
        (-HALF, IMAGE),
        {},
        ValueError,
        "probabilities must be 0 to 1, got -0.5 to -0.5; pass logits through a softmax or sigmoid first",
    ),
    (
        (HALF * np.nan, IMAGE),
        {},
        ValueError,
        "probabilities must be finite, got 4 NaN or infinite values; replace such values, for example with "
        "np.nan_to_num()",
    ),
    (
        (np.zeros((5, 2)), IMAGE),
        {},
        ValueError,
        "probabilities must have at most the rows and columns of the image (4, 6), got (5, 2); bring them down first, "
        "for example with upsample(probabilities, shape=image.shape[:2])",
    ),
    ((HALF, IMAGE[0]), {}, ValueError, "image must have shape (M, N) or (M, N, C), got (6,); pass one image at a time"),
    (
        (HALF, IMAGE * np.nan),
        {},
        ValueError,
        "image must be finite, got 24 NaN or infinite values; mark such pixels False in mask",
    ),
    ((HALF, IMAGE), {"method": "joint"}, ValueError, "method must be one of 'bilateral', 'guided', got 'joint'"),
    ((HALF, IMAGE), {"sigma": 0}, ValueError, "sigma must be at least 0.001, got 0.0"),
    (
        (HALF, IMAGE),
        {"radius": 2},
        ValueError,
        "radius must go with method='guided', got it with 'bilateral'; leave it out",
    ),
    ((HALF, IMAGE), {"radius": 0, "method": "guided"}, ValueError, "radius must be at least 1, got 0"),
    ((HALF, IMAGE), {"unit": 0}, ValueError, "unit must be at least 1e-30, got 0.0"),
    (
        (HALF, IMAGE),
        {"mask": np.ones((2, 2), bool)},
        ValueError,
        "mask must have the image's shape (4, 6), got (2, 2)",
    ),
]


@pytest.mark.parametrize(("arguments", "given", "error", "message"), REFUSED)
def test_refused(arguments, given, error, message):
    with pytest.raises(error) as caught:
        guided_upsample(*arguments, **given)
    assert str(caught.value) == message
