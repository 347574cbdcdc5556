"""SLIC against its definition and on images whose answer is known."""

import numpy as np
import pytest
from memory_probe import peak_of
from naive_slic import clustered, distances
from numpy.testing import assert_array_equal
from scipy import ndimage

from classicseg import pixel_features, slic
from classicseg._kernels.cpu import slic as kernels
from classicseg.superpixels._starts import grid_starts, grid_steps


def patches(rng, shape, n_channels=3, noise=12, dtype=np.uint8):
    """Blocks of random colours and noise, so that edges and textures are met."""
    small = rng.integers(20, 230, (-(-shape[0] // 7), -(-shape[1] // 9), n_channels))
    image = small.repeat(7, axis=0).repeat(9, axis=1)[: shape[0], : shape[1]]
    return (image + rng.integers(-noise, noise + 1, image.shape)).astype(dtype)


def is_connected(labels, label):
    return ndimage.label(labels == label)[1] == 1


def quarters(shape=(20, 21), values=((0, 1), (2, 3))):
    out = np.empty(shape, int)
    middle = shape[0] // 2, 10
    for down, rows in enumerate((slice(None, middle[0]), slice(middle[0], None))):
        for across, cols in enumerate((slice(None, middle[1]), slice(middle[1], None))):
            out[rows, cols] = values[down][across]
    return out


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 1), (8, 16), (9, 17), (7, 15), (64, 64), (65, 70), (24, 130)])
@pytest.mark.parametrize(("n_channels", "zero"), [(1, False), (3, False), (3, True), (4, False), (2, True)])
def test_pixels_go_to_the_centers_of_the_definition(rng, shape, n_channels, zero):
    image = patches(rng, shape, n_channels)
    starts, step = grid_starts(shape, 12)
    expected = clustered(
        image / 255, starts, step, grid_steps(shape, len(starts)), 0.3, iterations=4, zero=zero, spacing=(1, 2)
    )
    found = slic(
        image, 12, 0.3, 4, spacing=(1, 2), convert2lab=False, enforce_connectivity=False, slic_zero=zero, start_label=0
    )
    assert (found == expected).mean() >= 0.999


@pytest.mark.parametrize("weights", ["one", "many", "twins"])
@pytest.mark.parametrize("reach", [(3, 3), (9, 5), (40, 60)])
@pytest.mark.parametrize("n_channels", [1, 3, 5])
def test_one_step_is_the_definition_to_the_bit(rng, weights, reach, n_channels):
    """One step from any centers: of those in whose windows a pixel lies none is nearer than its own in float64."""
    image = patches(rng, (70, 83), n_channels, noise=60)
    inside = rng.random((70, 83)) < 0.9
    tiles = kernels.in_tiles(image, inside, None, 1 / 256, 22, False, weights == "many", 1)
    n = 60
    positions, colors = rng.random((n, 2)) * (69, 82), rng.random((n, n_channels)) * 2.0**22
    if weights == "twins":  # closer than float32 can tell
        positions[1::2] = positions[::2] + rng.normal(0, 1e-6, (n // 2, 2))
        colors[1::2] = colors[::2] + rng.normal(0, 0.1, (n // 2, n_channels))
    scale = 2.0**-44 * 400
    weight = rng.random(n) * scale if weights == "many" else np.full(n, scale)
    low = np.maximum(positions - 2 * np.array(reach), 0)
    high = np.minimum(positions + 2 * np.array(reach) + 1, (70, 83))
    window = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1).astype(np.int32)
    labels = np.full((70, 83), -1, np.int32)
    centers = kernels.Centers(positions, colors, weight, window)
    sums = kernels.assign(tiles, (70, 83), centers, (1.0, 1.5), labels, 1)
    away = distances((image / 256 * 2.0**22), positions, colors, weight, (1.0, 1.5), reach)
    away[:, ~inside] = np.inf
    assert_array_equal(labels, np.where(np.isfinite(away.min(axis=0)), away.argmin(axis=0), -1))
    values = (image / 256 * 2.0**22).astype(np.int64)
    for k in range(n):
        mine = labels == k
        total = [mine.sum(), np.nonzero(mine)[0].sum(), np.nonzero(mine)[1].sum(), *values[mine].sum(axis=0)]
        assert_array_equal(sums[k], total)


def test_equal_distance_goes_to_the_lower_index():
    found = slic(np.full((40, 60), 7, np.uint8), 24, max_num_iter=1, channel_axis=None, enforce_connectivity=False)
    starts, _ = grid_starts((40, 60), 24)
    rows, cols = np.mgrid[:40, :60]
    away = (rows - starts[:, 0, None, None]) ** 2 + (cols - starts[:, 1, None, None]) ** 2
    assert_array_equal(found, away.argmin(axis=0) + 1)


def test_a_tie_goes_to_the_lower_index_where_its_window_ends_within_a_tile():
    tiles = kernels.in_tiles(np.zeros((16, 16, 3)), None, None, 1.0, 14, False, False, 1)
    window = np.array([[0, 9, 0, 7], [0, 16, 0, 16]], np.int32)
    centers = kernels.Centers(np.full((2, 2), 5.0), np.zeros((2, 3)), np.ones(2), window)
    labels = np.full((16, 16), -1, np.int32)
    kernels.assign(tiles, (16, 16), centers, (1.0, 1.0), labels, 1)
    rows, cols = np.mgrid[:16, :16]
    assert_array_equal(labels, np.where((rows < 9) & (cols < 7), 0, 1))


def test_floats_far_above_the_compactness_keep_their_differences(rng):
    image = patches(rng, (60, 66), 1)[..., 0]
    expected = slic(image, 30, 1e-5, channel_axis=None, enforce_connectivity=False)
    assert_array_equal(slic(image / 255, 30, 1e-5, channel_axis=None, enforce_connectivity=False), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("zero", [False, True])
def test_four_colours_are_four_superpixels(rng, dtype, zero):
    image = np.zeros((20, 21, 3))
    image[:10, :10, 0] = image[10:, :10, 1] = image[10:, 10:, 2] = 1
    image = np.clip(image + 0.01 * rng.normal(size=image.shape), 0, 1)
    image = image * np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else image
    assert_array_equal(slic(image.astype(dtype), 4, slic_zero=zero), quarters() + 1)


def test_many_channels_gray_and_another_axis(rng):
    image = np.zeros((20, 21, 8))
    for i, here in enumerate(quarters().ravel()):
        image.reshape(-1, 8)[i, 2 * here : 2 * here + 2] = 1
    image = np.clip(image + 0.01 * rng.normal(size=image.shape), 0, 1)
    assert_array_equal(slic(image, 4, 1.0), quarters() + 1)
    assert_array_equal(slic(np.moveaxis(image, 2, 0), 4, 1.0, channel_axis=0), quarters() + 1)
    gray = np.choose(quarters(), [0.33, 0.0, 0.67, 1.0]) + 0.003 * rng.normal(size=(20, 21))
    assert_array_equal(slic(gray, 4, 1.0, channel_axis=None), quarters() + 1)


def test_a_mask_leaves_the_rest_out(rng):
    mask = np.zeros((20, 21), bool)
    mask[2:-2, 2:-2] = True
    image = np.zeros((20, 21, 3))
    image[:10, :10, 0] = image[10:, :10, 1] = image[10:, 10:, 2] = 1
    image = np.clip(image + 0.01 * rng.normal(size=image.shape), 0, 1)
    expected = np.where(mask, quarters() + 1, 0)
    image[~mask] = np.nan
    for options in ({}, {"slic_zero": True}):
        assert_array_equal(slic(image, 4, mask=mask, **options), expected)
    parts = slic(image, 4, mask=mask, enforce_connectivity=False)
    assert len(np.unique(np.stack([parts, expected]).reshape(2, -1), axis=1).T) == 5  # the same but for the numbers
    assert_array_equal(slic(image, 4, mask=mask, start_label=0), expected - 1)
    assert_array_equal(slic(image, 4, mask=np.zeros((20, 21), bool)), 0)


def test_values_outside_the_mask_change_nothing(rng):
    image, mask = patches(rng, (50, 61)), ndimage.binary_opening(rng.random((50, 61)) < 0.9)
    other = np.where(mask[..., None], image, rng.integers(0, 256, image.shape)).astype(np.uint8)
    for options in ({}, {"sigma": 1.5}, {"scaling": "minmax"}):
        assert_array_equal(slic(image, 15, mask=mask, **options), slic(other, 15, mask=mask, **options))


@pytest.mark.parametrize("options", [{}, {"slic_zero": True}, {"sigma": 1.2}, {"masked": True}])
def test_the_same_bits_for_any_number_of_threads(rng, options):
    image, options = patches(rng, (150, 131)), dict(options)
    if options.pop("masked", False):
        options["mask"] = ndimage.binary_opening(rng.random((150, 131)) < 0.9)
    one = slic(image, 60, n_threads=1, **options)
    for n_threads in (2, 3, 7):
        assert_array_equal(slic(image, 60, n_threads=n_threads, **options), one)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("compactness", [0.5, 10.0])
def test_superpixels_are_connected_numbered_and_everywhere(rng, masked, compactness):
    image = patches(rng, (90, 97), noise=80)
    mask = rng.random((90, 97)) < 0.6 if masked else np.ones((90, 97), bool)
    found = slic(image, 40, compactness, mask=mask if masked else None)
    assert found.dtype == np.int32
    assert_array_equal(found > 0, mask)
    assert_array_equal(np.unique(found[mask]), np.arange(1, found.max() + 1))
    assert all(is_connected(found, label) for label in range(1, found.max() + 1))


def test_more_segments_than_pixels(rng):
    image = rng.random((20, 21))
    assert_array_equal(slic(image, 500, 1.0, channel_axis=None).ravel(), np.arange(1, 421))
    mask = np.zeros((20, 21), bool)
    mask[2:-2, 2:-2] = True
    found = slic(image, 500, 1.0, mask=mask, channel_axis=None)
    assert_array_equal(found[mask], np.arange(1, mask.sum() + 1))


@pytest.mark.parametrize("value", [1e3, 1e6, -1e20, 3e38])
def test_a_hot_pixel_changes_nothing_far_away(rng, value):
    """Beyond three windows, 10 iterations cannot carry it; the ends of the image are farther."""
    temperature = (25 + patches(rng, (30, 900), 1)[..., 0] / 50).astype(np.float32)
    clean = slic(temperature, 100, 5.0, scaling=10, channel_axis=None, enforce_connectivity=False)
    hot = temperature.copy()
    hot[15, 100] = value
    found = slic(hot, 100, 5.0, scaling=10, channel_axis=None, enforce_connectivity=False)
    assert_array_equal(found[:, 800:], clean[:, 800:])


def test_one_hot_pixel_of_minmax_changes_all(rng):
    """The reason for fixed scaling."""
    temperature = (25 + patches(rng, (60, 90), 1)[..., 0] / 50).astype(np.float32)
    hot = temperature.copy()
    hot[3, 3] = 1000
    apart = []
    for scaling in (10, "minmax"):
        options = {"scaling": scaling, "channel_axis": None, "enforce_connectivity": False}
        apart.append((slic(hot, 50, 0.1, **options) != slic(temperature, 50, 0.1, **options)).mean())
    assert apart[0] < 0.1 < 0.3 < apart[1]


def test_scaling_is_a_unit(rng):
    image = patches(rng, (60, 66))
    expected = slic(image, 30)
    assert_array_equal(slic(image.astype(np.uint16) * 257, 30), expected)
    assert_array_equal(slic(image.astype(np.float64), 30, scaling=255), expected)
    gray = image[..., 0]
    expected = slic(gray, 30, 0.1, channel_axis=None)
    assert_array_equal(slic(gray / 255, 30, 0.1, channel_axis=None), expected)
    assert_array_equal(slic(gray / 8.0, 30, 0.1, scaling=255 / 8, channel_axis=None), expected)
    assert_array_equal(slic(gray * 1e30, 30, 25.5e30, scaling=1.0, channel_axis=None), expected)
    assert_array_equal(slic(gray.astype(np.int64), 30, 0.1, channel_axis=None), expected)


def test_minmax_takes_any_scale(rng):
    image = patches(rng, (60, 66))
    expected = slic(image, 30, scaling="minmax")
    assert_array_equal(slic(image * 2.0 + 100, 30, scaling="minmax"), expected)
    assert (slic(image, 30) != expected).any()


@pytest.mark.parametrize("compactness", [1e-30, 1e-9, 1e9, 1e30])
def test_extreme_compactness(rng, compactness):
    image = patches(rng, (40, 44))
    found = slic(image, 20, compactness, enforce_connectivity=False)
    if compactness > 1e20:  # positions alone
        assert_array_equal(found, slic(np.zeros_like(image), 20, enforce_connectivity=False))
    assert (found > 0).all()


def test_features_are_compared_as_they_are(rng):
    image, depth = patches(rng, (40, 44)), rng.integers(0, 3, (40, 44)).astype(np.float32)
    depth[4:9, 5:9] = np.nan
    features = pixel_features(image, "RGBd", depth=depth, channel_weights={"d": 50})
    holes = np.isnan(depth)
    found = slic(features, 20)
    stack = np.concatenate([image, np.where(holes, 0, 50 * depth)[..., None]], axis=2).astype(np.float32)
    assert_array_equal(found, slic(stack, 20, mask=~holes))
    assert_array_equal(found == 0, holes)
    lab = pixel_features(image, "Lab")
    assert_array_equal(slic(lab, 20), slic(np.asarray(lab), 20, convert2lab=False))
    mask = rng.random((40, 44)) < 0.9
    assert_array_equal(slic(features, 20, mask=mask) == 0, holes | ~mask)


def test_smoothing_ignores_what_lies_outside():
    """A dark half outside the mask leaves the bright one flat."""
    image = np.zeros((30, 30))
    image[:, 15:] = 0.8
    mask = image > 0
    assert_array_equal(
        slic(image, 8, 0.01, sigma=3, mask=mask, channel_axis=None), slic(image, 8, 0.01, mask=mask, channel_axis=None)
    )


def test_smoothing_by_one_width_follows_the_spacing(rng):
    image = patches(rng, (40, 44))
    found = slic(image, 20, sigma=2, spacing=(2, 1))
    assert_array_equal(found, slic(image, 20, sigma=(1, 2), spacing=(2, 1)))
    assert (found != slic(image, 20, sigma=(2, 2), spacing=(2, 1))).any()


def test_pixels_that_no_window_holds_join_the_nearest():
    """A mask with most starts in one corner: a far island of a few pixels has none near."""
    mask = np.zeros((200, 200), bool)
    mask[:40, :40] = True
    mask[190, 190] = True
    found = slic(np.zeros((200, 200)), 100, mask=mask, channel_axis=None)
    assert found[190, 190] > 0
    assert_array_equal(found > 0, mask)
    assert (slic(np.zeros((200, 200)), 100, mask=mask, channel_axis=None, enforce_connectivity=False)[mask] > 0).all()


def test_the_input_is_left_alone(rng):
    image, mask = patches(rng, (40, 44)).astype(np.float32) / 255, rng.random((40, 44)) < 0.9
    before = image.copy(), mask.copy()
    image.setflags(write=False)
    mask.setflags(write=False)
    for options in ({}, {"sigma": 1}, {"convert2lab": False, "scaling": "minmax"}):
        slic(image, 20, mask=mask, **options)
    assert_array_equal(image, before[0])
    assert_array_equal(mask, before[1])


def test_memory_for_each_pixel(rng):
    image = patches(rng, (1000, 1200))
    slic(image[:100, :100], 10)
    peak, labels = peak_of(lambda: slic(image, 500, n_threads=2))
    assert (peak - labels.nbytes) / labels.size < 24


OPTIONS = [
    ({"n_segments": 0}, ValueError, "n_segments must be at least 1, got 0"),
    ({"n_segments": 2.5}, TypeError, "n_segments must be an integer, got 2.5 of type float"),
    ({"compactness": 0}, ValueError, "compactness must be greater than 0, got 0.0"),
    ({"max_num_iter": 0}, ValueError, "max_num_iter must be at least 1, got 0"),
    ({"sigma": -1}, ValueError, "sigma must be at least 0, got -1.0"),
    (
        {"sigma": (1, 1, 1)},
        ValueError,
        "sigma must have 2 values, one for rows and one for columns, got shape (3,)",
    ),
    (
        {"spacing": (1, 1, 1)},
        ValueError,
        "spacing must have 2 values, one for rows and one for columns, got shape (3,)",
    ),
    ({"spacing": (1, 0)}, ValueError, "spacing must be at least 1e-06, got 0.0"),
    ({"start_label": 2}, ValueError, "start_label must be one of 0, 1, got 2"),
    ({"min_size_factor": -1}, ValueError, "min_size_factor must be at least 0, got -1.0"),
    ({"max_size_factor": 0}, ValueError, "max_size_factor must be greater than 0, got 0.0"),
    (
        {"max_size_factor": 0.25},
        ValueError,
        "max_size_factor must be at least min_size_factor, got 0.25 and 0.5; raise it",
    ),
    ({"scaling": "max"}, ValueError, "scaling must be one of 'fixed', 'minmax', got 'max'"),
    ({"scaling": 0}, ValueError, "scaling must be at least 1e-30, got 0.0"),
    ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    ({"mask": np.ones((3, 3), bool)}, ValueError, "mask must have the image's shape (9, 12), got (3, 3)"),
    ({"channel_axis": 3}, ValueError, "channel_axis must be at most 2, got 3"),
    (
        {"channel_axis": None},
        ValueError,
        "image must have shape (M, N) with channel_axis=None, got (9, 12, 3); volumes are not segmented: pass one "
        "slice at a time, or the axis of the channels",
    ),
]


@pytest.mark.parametrize(("options", "error", "message"), OPTIONS, ids=lambda value: str(value)[:30])
def test_a_bad_option(options, error, message):
    with pytest.raises(error) as caught:
        slic(np.zeros((9, 12, 3), np.uint8), **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (
            np.zeros((9, 12)),
            {},
            "image must have shape (M, N, C) with channel_axis=-1, got (9, 12); pass channel_axis=None for a gray "
            "image",
        ),
        (
            np.zeros((9, 12, 2)),
            {"convert2lab": True},
            "image must have 3 channels for convert2lab=True, got 2; pass convert2lab=False",
        ),
        (
            np.full((9, 12, 3), 255.0),
            {},
            "image must range over 0 to 1 to be converted to Lab, got values from 255 to 255; give the highest value "
            "that its source can hold as scaling, such as scaling=255, or pass convert2lab=False",
        ),
        (
            np.zeros((4, 9, 12, 3)),
            {},
            "image must have shape (M, N) or (M, N, C), got (4, 9, 12, 3); pass one image at a time",
        ),
        (
            pixel_features(np.zeros((9, 12, 3), np.uint8), "RGB"),
            {"convert2lab": True},
            "convert2lab must be None or False for PixelFeatures; name the channels Lab instead",
        ),
    ],
    ids=["plane", "two channels", "range", "volume", "features"],
)
def test_a_bad_image(image, options, message):
    with pytest.raises(ValueError) as caught:
        slic(image, **options)
    assert str(caught.value) == message
