"""Superpixels are as good as scikit-image's at the same number of segments, compared picture by picture."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
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


@pytest.mark.parametrize("n_segments", [100, 400])
def test_on_photographs(test_data, n_segments):
    scipy_io, image_io = pytest.importorskip("scipy.io"), pytest.importorskip("skimage.io")
    pictures = []
    for path in sorted((test_data / "bsds" / "images").rglob("*.jpg")):
        truth = test_data / "bsds" / "groundTruth" / path.parent.name / f"{path.stem}.mat"
        drawn = [entry["Segmentation"][0, 0] for entry in scipy_io.loadmat(truth)["groundTruth"][0]]
        pictures.append((image_io.imread(path), drawn))
    if not pictures:
        pytest.skip("the folder of test data has no bsds/images/**/*.jpg")
    assert_as_good(pictures, n_segments)


def test_the_scores_tell_good_superpixels_from_bad_ones():
    image, people = cells(0)
    rows, cols = np.indices(image.shape[:2])
    squares = rows // 10 * 15 + cols // 10
    better = np.subtract(scores(image, people, slic(image, 150)), scores(image, people, squares))
    assert (better > 0.02).all()
    assert_array_equal(scores(image, people[:1], people[0])[:3], [1, 0, 1])
