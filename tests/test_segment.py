"""The one-command segmentation of an image file."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from classicseg import FileFormatError
from classicseg._segment import read_picture, segment_file, segment_image


def squares():
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:40, 10:40] = (200, 30, 30)
    image[10:40, 45:75] = (30, 30, 200)
    return image


def test_finds_the_squares():
    labels = segment_image(squares(), n_clusters=3)
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
        labels = segment_image(image, n_clusters=6)
        assert (labels == labels[20, 20]).sum() == 900
        assert (labels == 0).sum() == np.isnan(image).sum()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_files(tmp_path, suffix):
    picture, labels_path = tmp_path / "in.png", tmp_path / f"out{suffix}"
    Image.fromarray(squares()).save(picture)
    assert segment_file(picture, labels_path, n_clusters=3) == 3
    labels = np.load(labels_path) if suffix == ".npy" else np.asarray(Image.open(labels_path))
    assert_array_equal(labels, segment_image(squares(), n_clusters=3))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["in.png", labels_path.name])


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


def test_too_many_regions_for_a_png(tmp_path):
    picture = tmp_path / "in.png"
    checks = np.indices((300, 300)).sum(axis=0) % 2 * 255
    Image.fromarray(checks.astype(np.uint8)).save(picture)
    with pytest.raises(ValueError, match="90000 regions do not fit into a 16-bit PNG"):
        segment_file(picture, tmp_path / "out.png", n_clusters=2, min_size=1)
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"method": "best"}, "method must be one of 'kmeans'"), ({"min_size": 0}, "min_size must be at least 1")],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        segment_image(squares(), **options)
