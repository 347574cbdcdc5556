"""Superpixels are as good as scikit-image's at the same number of segments, compared picture by picture."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage
from skimage import segmentation

from classicseg import metrics, slic

NAMES = ("boundary recall", "under-segmentation error", "achievable accuracy", "explained variation")
LOSS = 0.005  # of a mean over 40 photographs, whose standard error is below 0.003


def scores(image, people, labels):
    """Return the scores, each the better the higher, against all who drew the picture."""
    return [
        np.mean([metrics.boundary_recall(truth, labels) for truth in people]),
        -np.mean([metrics.undersegmentation_error(truth, labels) for truth in people]),
        np.mean([metrics.achievable_segmentation_accuracy(truth, labels) for truth in people]),
        metrics.explained_variation(image, labels),
    ]


def assert_as_good(pictures, n_segments, loss=LOSS):
    gains, counts = [], []
    for image, people in pictures:
        pair = slic(image, n_segments), segmentation.slic(image, n_segments)
        gains.append(np.subtract(*(scores(image, people, labels) for labels in pair)))
        counts.append([labels.max() for labels in pair])
    mean, noise = np.mean(gains, axis=0), np.std(gains, axis=0, ddof=1) / len(gains) ** 0.5
    for name, gain, error in zip(NAMES, mean, noise, strict=True):
        assert gain >= -min(2 * error, loss), f"{name} {gain:+.4f} ± {error:.4f}"
    ours, theirs = np.sum(counts, axis=0)
    assert ours == pytest.approx(theirs, rel=0.05)


def cells(seed, shape=(96, 144)):
    """A picture of cells under uneven light and noise, and what two draw of it."""
    rng = np.random.default_rng(seed)
    sites, (rows, cols) = rng.uniform((0, 0), shape, (9, 2)), np.indices(shape)
    wave = 3 * np.sin(cols / 11) + 2 * np.sin(rows / 7)
    truth = ((rows[..., None] + wave[..., None] - sites[:, 0]) ** 2 + (cols[..., None] - sites[:, 1]) ** 2).argmin(-1)
    light = 1 + 0.2 * ndimage.gaussian_filter(rng.normal(size=shape), 15)[..., None] * 15
    image = rng.uniform(30, 225, (9, 3))[truth] * light + rng.normal(0, 8, (*shape, 3))
    return np.clip(image, 0, 255).astype(np.uint8), [truth, truth // 2]


@pytest.mark.parametrize("n_segments", [100, 200])
def test_on_generated_pictures(n_segments):
    assert_as_good([cells(seed) for seed in range(20)], n_segments, loss=0.02)


def photographs(folder, splits="*"):
    scipy_io, image_io = pytest.importorskip("scipy.io"), pytest.importorskip("skimage.io")
    pictures = []
    for path in sorted((folder / "bsds" / "images").glob(f"{splits}/*.jpg")):
        truth = folder / "bsds" / "groundTruth" / path.parent.name / f"{path.stem}.mat"
        drawn = [entry["Segmentation"][0, 0] for entry in scipy_io.loadmat(truth)["groundTruth"][0]]
        pictures.append((image_io.imread(path), drawn))
    if not pictures:
        pytest.skip(f"the folder of test data has no bsds/images/{splits}/*.jpg")
    return pictures


@pytest.mark.parametrize("n_segments", [100, 400])
def test_on_photographs(test_data, n_segments):
    assert_as_good(photographs(test_data), n_segments)


TABLE = [[float(value) for value in row] for row in re.findall(r"\n +(\d+) +(0\.\d+) +(0\.\d+)(?=\n)", slic.__doc__)]


def test_the_table_of_the_docstring(test_data):
    pictures = photographs(test_data, "train")
    for compactness, *told in TABLE:
        found = [scores(image, people, slic(image, 400, compactness)) for image, people in pictures]
        assert_allclose(np.mean(found, axis=0)[[0, 2]], told, atol=6e-4)


def test_the_compactness_that_the_docstring_names_scores_best():
    assert max(TABLE, key=lambda row: row[1] + row[2])[0] == 20
    cells_of = [cells(seed) for seed in range(6)]
    recalls = [
        np.mean([scores(image, people, slic(image, 200, compactness))[0] for image, people in cells_of])
        for compactness in (1, 20, 200)
    ]
    assert recalls[1] == max(recalls)


def test_the_scores_tell_good_superpixels_from_bad_ones():
    image, people = cells(0)
    rows, cols = np.indices(image.shape[:2])
    squares = rows // 10 * 15 + cols // 10
    better = np.subtract(scores(image, people, slic(image, 150)), scores(image, people, squares))
    assert (better > 0.02).all()
    assert_array_equal(scores(image, people[:1], people[0])[:3], [1, 0, 1])
