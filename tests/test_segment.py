"""The one-command segmentation of an image file."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from classicseg import FileFormatError, mean_shift_segment, segment
from classicseg._segment import METHODS, _levels, read_picture, segment_file, segment_image


def squares():
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:40, 10:40] = (200, 30, 30)
    image[10:40, 45:75] = (30, 30, 200)
    return image


def test_finds_the_squares():
    labels = segment_image(squares(), n_clusters=3, method="kmeans")
    assert labels.dtype == np.int32
    for row, col in ((20, 20), (20, 60)):
        region = labels == labels[row, col]
        assert region.sum() == 900
    assert labels.max() == 3


def test_gray_16_bit_and_float_with_nan():
    gray = squares()[..., 0].astype(np.uint16) * 250
    floating = gray / 65535
    floating[0, 0] = np.nan
    for image in (gray, floating):
        labels = segment_image(image, n_clusters=6, method="kmeans")
        assert (labels == labels[20, 20]).sum() == 900
        assert (labels == 0).sum() == np.isnan(image).sum()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize(
    "options", [{}, {"method": "kmeans", "n_clusters": 3}, {"method": "mean_shift", "range_bandwidth": 30}]
)
def test_files(tmp_path, suffix, options):
    picture, labels_path = tmp_path / "in.png", tmp_path / f"out{suffix}"
    Image.fromarray(squares()).save(picture)
    assert segment_file(picture, labels_path, **options) == 3
    labels = np.load(labels_path) if suffix == ".npy" else np.asarray(Image.open(labels_path))
    assert_array_equal(labels, segment_image(squares(), **options))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in.png", labels_path.name])


def test_a_float_image_gives_the_same_as_its_8_bit_form(rng):
    """Colour, position and the stop rule are all relative to the image's full range."""
    rows, cols = np.mgrid[:48, :64]
    image = 100 + 60 * np.sin(rows / 9) * np.cos(cols / 11) + rng.normal(0, 12, (48, 64))
    image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    expected = segment_image(image, method="kmeans")
    assert expected.max() > 3
    assert_array_equal(segment_image(image / 255, method="kmeans"), expected)


def test_a_pixel_with_nan_in_one_channel_is_outside():
    image = squares() / 255
    image[5, 7, 1] = np.nan
    labels = segment_image(image, n_clusters=3, method="kmeans")
    assert_array_equal(np.argwhere(labels == 0), [[5, 7]])


def test_small_regions_join_the_nearest_colour_not_the_longest_border():
    image = np.zeros((40, 60), np.uint8)
    image[:, 30:] = 250
    image[10:17, 30:39] = 120  # one short side faces the dark half, three sides face the bright half
    alone = segment_image(image, n_clusters=4, min_size=1, method="kmeans")
    assert (alone == alone[12, 32]).sum() == 63
    labels = segment_image(image, n_clusters=4, method="kmeans")
    assert labels[12, 32] == labels[12, 5] != labels[12, 55]


def test_the_seed_is_used(rng):
    noise = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    one, same, other = (segment_image(noise, rng=seed, min_size=1, method="kmeans") for seed in (0, 0, 1))
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_16_bit_pictures_keep_their_values(tmp_path, rng):
    image = rng.integers(0, 65536, (6, 7)).astype(np.uint16)
    for name in ("a.png", "a.tif"):
        Image.fromarray(image).save(tmp_path / name)
        assert_array_equal(read_picture(tmp_path / name), image)
    big_endian = Image.fromarray(image.astype(">u2"))
    big_endian.save(tmp_path / "b.tif")
    assert_array_equal(read_picture(tmp_path / "b.tif"), image)


def test_palette_and_alpha_pictures_are_colour(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(squares()).convert("P").save(path)
    assert read_picture(path).shape == (60, 80, 3)
    Image.fromarray(squares()).convert("RGBA").save(path)
    assert read_picture(path).shape == (60, 80, 3)


def test_bad_files(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n123")
    with pytest.raises(FileFormatError, match=r"broken\.png: found an unreadable picture"):
        segment_file(broken, tmp_path / "out.png")
    with pytest.raises(FileFormatError, match="found an unreadable picture"):
        segment_file(tmp_path / "none.png", tmp_path / "out.png")
    with pytest.raises(ValueError, match=r"the suffix of the label file must be one of '\.png'"):
        segment_file(broken, tmp_path / "out.jpg")
    assert not (tmp_path / "out.png").exists()


def checks(path, shape):
    """Write a picture in which every pixel is a region."""
    Image.fromarray((np.indices(shape).sum(axis=0) % 2 * 255).astype(np.uint8)).save(path)


def test_label_files_hold_as_many_regions_as_they_say(tmp_path):
    picture = tmp_path / "in.png"
    for name, shape in (("out.PNG", (255, 257)), ("out.tif", (300, 300))):
        checks(picture, shape)
        assert segment_file(picture, tmp_path / name, method="kmeans", n_clusters=2, min_size=1) == shape[0] * shape[1]
        labels = np.asarray(Image.open(tmp_path / name))
        assert_array_equal(labels.ravel(), np.arange(1, labels.size + 1))


def test_too_many_regions_for_a_png(tmp_path):
    picture = tmp_path / "in.png"
    checks(picture, (300, 300))
    with pytest.raises(ValueError, match="90000 regions do not fit into a 16-bit PNG"):
        segment_file(picture, tmp_path / "out.png", method="kmeans", n_clusters=2, min_size=1)
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "best"}, "method must be one of 'tree', 'kmeans', 'mean_shift', got 'best'"),
        ({"min_size": 0}, "min_size must be at least 1"),
        ({"method": "mean_shift", "spatial_bandwidth": 0}, "spatial_bandwidth must be at least 1, got 0"),
        ({"method": "mean_shift", "range_bandwidth": 0}, "range_bandwidth must be greater than 0, got 0"),
        (
            {"method": "mean_shift", "n_clusters": 3},
            "n_clusters must go with method='kmeans', got it with 'mean_shift'",
        ),
        (
            {"method": "mean_shift", "rng": 0},
            "rng must go with method='kmeans', got it with 'mean_shift'; leave it out",
        ),
        ({"spatial_bandwidth": 3}, "spatial_bandwidth must go with method='mean_shift', got it with 'tree'"),
        (
            {"method": "kmeans", "range_bandwidth": 3},
            "range_bandwidth must go with method='mean_shift', got it with 'kmeans'",
        ),
        ({"n_clusters": 3}, "n_clusters must go with method='kmeans', got it with 'tree'; leave it out"),
        ({"method": "kmeans", "scale": 0.5}, "scale must go with method='tree', got it with 'kmeans'; leave it out"),
        ({"scale": 1.5}, "scale must be at most 1, got 1.5"),
        ({"method": "kmeans", "unit": 4}, "unit must go with method='tree', got it with 'kmeans'; leave it out"),
        ({"unit": 0}, "unit must be at least 1e-30, got 0.0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        segment_image(squares(), **options)


@pytest.mark.parametrize("value", [0, 7, 255])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (100, 120), (90, 80, 3)])
@pytest.mark.parametrize("method", METHODS)
def test_a_constant_image_is_one_region(shape, value, method):
    assert (segment_image(np.full(shape, value, np.uint8), method=method) == 1).all()
    assert (segment_image(np.full(shape, value / 255), method=method) == 1).all()


def test_an_area_of_one_colour_is_one_region():
    """Six clusters for three colours: position parts the ground, which is one all the same."""
    image = np.zeros((160, 240, 3), np.uint8)
    image[40:80, 40:80], image[40:80, 150:190] = (200, 30, 30), (30, 30, 200)
    labels = segment_image(image, method="kmeans")
    assert labels.max() == 3
    assert len(np.unique(labels[(image == 0).all(axis=2)])) == 1
    assert labels[60, 60] != labels[60, 170]


def test_equal_colours_that_do_not_touch_stay_apart():
    image = np.zeros((60, 90), np.uint8)
    image[:, 30:60] = 200
    assert_array_equal(segment_image(image, method="kmeans")[0, [0, 45, 89]], [1, 2, 3])


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.full((4, 4), np.nan), {}, "image must have a pixel that is finite, got none of 16"),
        (np.zeros((5, 6, 4), np.uint8), {}, r"image must have shape (M, N) or (M, N, 3), got (5, 6, 4); leave out an"),
        (np.zeros((5, 6), np.uint8), {"method": "kmeans", "n_clusters": 0}, "n_clusters must be at least 1, got 0"),
        (np.zeros((5, 6), np.uint8), {"method": "kmeans", "rng": -1}, "rng must be a whole number from 0 on"),
    ],
)
def test_an_error_names_what_the_caller_passed(image, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        segment_image(image, **options)


def test_the_picture_is_not_written_over(tmp_path):
    picture = tmp_path / "in.png"
    Image.fromarray(squares()).save(picture)
    before = picture.read_bytes()
    (tmp_path / "link.png").symlink_to(picture)
    for target in (picture, tmp_path / "link.png", str(tmp_path / "." / "in.png")):
        with pytest.raises(ValueError, match="the label file must not be the picture itself, got"):
            segment_file(picture, target)
    assert picture.read_bytes() == before
    with pytest.raises(ValueError, match=r"the folder of the label file must exist, got .*nowhere'; make it first"):
        segment_file(picture, tmp_path / "nowhere" / "out.png")


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    picture, target = tmp_path / "in.png", tmp_path / "out.npy"
    Image.fromarray(squares()).save(picture)
    target.write_bytes(b"before")

    def full(file, labels):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        segment_file(picture, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.npy"]
    assert target.read_bytes() == b"before"


# --- Merging ---


def test_the_tree_is_that_of_the_package():
    image = squares() / 255
    image[5, 7, 1] = np.nan
    known = np.isfinite(image).all(axis=2)
    for given, options in (({}, {}), ({"scale": 0.2, "min_size": 5}, {"scale": 0.2, "min_size": 5})):
        assert_array_equal(segment_image(image, **given), segment(image, mask=known, **options))
    assert segment_image(image).max() == 3


def test_the_unit_is_that_of_the_tree(rng):
    """A module half a degree warmer than the ground: no line where ten degrees are the unit."""
    heat = rng.normal(20, 0.05, (40, 60)).astype(np.float32)
    heat[10:30, 15:45] += 0.5
    assert segment_image(heat).max() == 1
    found = segment_image(heat, unit=2)
    assert found.max() == 2
    assert_array_equal(found, segment(heat, unit=2))


# --- Mean shift ---


def patches(rng):
    """Five patches with noise; how many there are is not said."""
    expected = np.ones((24, 36), np.int32)
    expected[:, 15:25], expected[:, 25:], expected[10:20, 4:11] = 2, 3, 4
    expected[3:9, 28:33] = 5
    levels = np.array([(40, 60, 80), (90, 60, 80), (90, 120, 80), (40, 60, 140), (160, 160, 30)])
    noisy = levels[expected - 1] + rng.integers(-6, 7, (24, 36, 3))
    return noisy.astype(np.uint8), expected


def assert_same_partition(found, expected):
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(found)) == len(np.unique(expected))


def test_mean_shift_finds_how_many_there_are(rng):
    image, expected = patches(rng)
    labels = segment_image(image, method="mean_shift", spatial_bandwidth=9, range_bandwidth=24, min_size=10)
    assert_same_partition(labels, expected)


def test_mean_shift_is_that_of_the_package(rng):
    image, _ = patches(rng)
    for given, (space, levels, min_size) in (
        ({"min_size": 1}, (6, 16, 1)),
        ({"spatial_bandwidth": 3, "range_bandwidth": 21.5, "min_size": 60}, (3, 21.5, 60)),
    ):
        found = segment_image(image, method="mean_shift", **given)
        parts = mean_shift_segment(image, space, levels, min_size=min_size, kernel="opencv").labels
        assert_same_partition(found, parts)
        assert found.max() > 3
        assert np.bincount(found.ravel())[1:].min() >= min_size


def test_levels_of_every_dtype_are_whole():
    levels = np.arange(256, dtype=np.uint8)[None]
    for other in (levels.astype(np.uint16) * 257, levels / 255, levels.astype(np.int64)):
        assert_array_equal(_levels(other, None), levels)


def test_levels_are_those_of_8_bits_in_every_dtype(rng):
    image, _ = patches(rng)
    for picture in (image, image[..., 1]):
        expected = segment_image(picture, method="mean_shift", min_size=1)
        assert expected.max() > 2
        for other in (picture.astype(np.uint16) * 257, picture / 255, (picture / 255).astype(np.float32)):
            assert_array_equal(segment_image(other, method="mean_shift", min_size=1), expected)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((4, 4), 1.5), "image of float64 must lie within 0 to 1 for method='mean_shift', got 1.5 to 1.5"),
        (
            np.arange(4.0)[None] - 0.5,
            "image of float64 must lie within 0 to 1 for method='mean_shift', got -0.5 to",
        ),
        (
            np.full((4, 4), 300),
            "image of int64 must lie within 0 to 255 for method='mean_shift', got 300 to 300; sc",
        ),
        (np.full((4, 4), -1, np.int16), "image of int16 must lie within 0 to 32767 for method='mean_shift', got -1"),
    ],
)
def test_what_does_not_fit_into_levels_is_refused(image, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        segment_image(image, method="mean_shift")


def test_nan_is_outside_of_mean_shift(rng):
    image, _ = patches(rng)
    floating = image / 255
    floating[3, 4, 1], floating[5, 6] = np.nan, np.inf
    labels = segment_image(floating, method="mean_shift", range_bandwidth=24)
    assert_array_equal(np.argwhere(labels == 0), [[3, 4], [5, 6]])
