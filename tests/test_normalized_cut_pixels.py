"""Normalized cuts of graphs of pixels."""

import warnings

import naive_ncut
import numpy as np
import pytest
from ncut_scenes import picture, surfaces
from numpy.testing import assert_array_equal
from scenes import module_field

from classicseg import normalized_cut, pixel_affinity, pixel_features, split_tree
from classicseg._kernels.cpu import ncut_pixels as kernels
from classicseg.graph import _embedding, _multigrid, _pixel_graph, ncut


@pytest.fixture
def small_graphs(monkeypatch):
    """Let small images take the way of large ones: several grids, and no graph of pixels as a sparse one."""
    monkeypatch.setattr(_embedding, "DENSE", 0)
    monkeypatch.setattr(_embedding, "DENSE_PER_VECTOR", 1)
    monkeypatch.setattr(_multigrid, "COARSEST", 60)
    monkeypatch.setattr(_pixel_graph, "FEW", 40)
    monkeypatch.setattr(_pixel_graph, "COARSE", 100)


def dense(affinity):
    return affinity.to_scipy().toarray().astype(np.float64)


def same_parts(one, other):
    return (
        len(np.unique(np.stack([one.ravel(), other.ravel()]), axis=1).T) == len(np.unique(one)) == len(np.unique(other))
    )


def test_three_surfaces_are_three_segments(rng, small_graphs):
    image = picture(rng)
    assert same_parts(normalized_cut(image, 3, radius=3, sigma=0.7), surfaces())
    assert same_parts(normalized_cut(image, threshold=0.1, radius=3, sigma=0.7), surfaces())


def test_three_surfaces_of_a_small_image(rng):
    assert same_parts(normalized_cut(picture(rng), 3, radius=3, sigma=0.7), surfaces())


@pytest.mark.parametrize("n_segments", [1, 2, 5, 12])
def test_just_as_many_segments_as_asked_for(rng, small_graphs, n_segments):
    labels = normalized_cut(picture(rng), n_segments, radius=2, sigma=1)
    numbers, first = np.unique(labels, return_index=True)
    assert numbers.tolist() == list(range(n_segments))
    assert (np.diff(first) > 0).all()
    assert labels.dtype == np.int32


def test_every_pixel_a_segment():
    labels = normalized_cut(np.arange(12.0).reshape(3, 4), 12, radius=1, sigma=5)
    assert_array_equal(labels.ravel(), np.arange(12))


def test_the_tree_of_pixels_is_what_it_says(rng, small_graphs):
    affinity = pixel_affinity(picture(rng), 2.5, sigma=1)
    tree = split_tree(affinity, n_segments=6)
    matrix = dense(affinity)
    for step in range(5):
        before, after = (tree.cut(n_segments=count).ravel() for count in (step + 1, step + 2))
        label = next(one for one in range(step + 1) if len(np.unique(after[before == one])) == 2)
        members = np.flatnonzero(before == label)
        value = naive_ncut.value(matrix[np.ix_(members, members)], after[members])
        assert tree.values[step] == pytest.approx(value, rel=1e-5, abs=1e-9)
    assert_array_equal(normalized_cut(affinity, threshold=tree.values[0] / 2), np.zeros((16, 20), np.int32))


def test_an_image_is_cut_as_its_affinity(rng, small_graphs):
    image = picture(rng)
    mask = rng.random(image.shape) > 0.1
    by_image = normalized_cut(image, 3, radius=3, sigma=0.7, spatial_sigma=2, mask=mask)
    affinity = pixel_affinity(image, 3, sigma=0.7, spatial_sigma=2, mask=mask)
    assert_array_equal(by_image, normalized_cut(affinity, 3))
    assert_array_equal(by_image < 0, ~mask)
    regions = normalized_cut(affinity, 3, connected=True)
    assert regions.min() == 0
    assert_array_equal(regions == 0, ~mask)


def test_default_widths(rng):
    image = picture(rng)
    assert_array_equal(normalized_cut(image, 2), normalized_cut(pixel_affinity(image, 5), 2))


def test_the_same_bits_for_any_number_of_threads(rng, small_graphs):
    image = picture(rng, (40, 50))
    for options in ({"n_segments": 5}, {"threshold": 0.2}):
        one, three = (normalized_cut(image, radius=2, sigma=1, n_threads=n, **options) for n in (1, 3))
        assert_array_equal(one, three)


def test_parts_that_no_link_joins(small_graphs):
    image = np.zeros((14, 24))
    image[:, 8:16], image[:, 16:] = 100, 200
    truth = np.repeat([0, 1, 2], 8)[None] * np.ones((14, 1), int)
    assert_array_equal(normalized_cut(image, 3, radius=2, sigma=1), truth)
    assert_array_equal(normalized_cut(image, threshold=1e-9, radius=2, sigma=1), truth)
    two = normalized_cut(image, 2, radius=2, sigma=1)
    assert ncut(pixel_affinity(image, 2, sigma=1), two) == 0
    four = normalized_cut(image, 4, radius=2, sigma=1)
    assert four.max() == 3
    assert all(len(np.unique(truth[four == label])) == 1 for label in range(4))


def test_a_mask_in_parts_and_nan_outside(rng, small_graphs):
    image = picture(rng)
    mask = np.ones(image.shape, bool)
    mask[:, 9:12] = mask[7:9] = False
    image[~mask] = np.nan
    labels = normalized_cut(image, 4, radius=2, sigma=1, mask=mask)
    assert_array_equal(labels < 0, ~mask)
    quarters = (np.arange(16)[:, None] > 8) * 2 + (np.arange(20) > 10)
    assert same_parts(labels[mask], quarters[mask])


def test_pixels_without_links_go_to_the_nearest_segment(small_graphs):
    image = np.zeros((12, 16))
    image[:, 8:] = 3
    image[5, 2], image[5, 13] = 1e4, -1e4
    labels = normalized_cut(image, 2, radius=1.5, sigma=1)
    assert_array_equal(labels, np.repeat([[0] * 8 + [1] * 8], 12, axis=0))
    tree = split_tree(image, threshold=0.5, radius=1.5, sigma=1)
    assert_array_equal(tree.cut(n_segments=2), labels)


def test_nothing_is_linked():
    image = np.arange(6.0).reshape(2, 3) * 1e6
    assert normalized_cut(image, 1, sigma=1).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert normalized_cut(image, threshold=0.5, sigma=1, mask=image > 0).tolist() == [[-1, 0, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match=r"^n_segments must be at most 1, got 2$"):
        normalized_cut(image, 2, sigma=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 60), (60, 1), (2, 2), (8, 9)])
def test_constant_and_narrow_images(shape, small_graphs):
    image = np.full(shape, 5, np.uint8)
    most = min(4, image.size)
    for n_segments in range(1, most + 1):
        assert normalized_cut(image, n_segments).max() == n_segments - 1
    assert normalized_cut(image, threshold=1e-4).max() == 0


def test_a_thermal_frame(rng):
    """Solar modules are cut from the frames and the soil between."""
    frame = module_field(rng)[0][:48, :64]
    features = pixel_features(frame, "T")
    labels = normalized_cut(features, 8, radius=2, sigma=1.0)
    assert labels.max() == 7
    affinity = pixel_affinity(features, 2, sigma=1.0)
    quarters = (np.arange(48)[:, None] // 24) * 4 + np.arange(64) // 16
    assert ncut(affinity, labels) < 0.5 * ncut(affinity, quarters)


def test_no_higher_than_the_discretisers_of_scikit_learn(rng):
    spectral = pytest.importorskip("sklearn.cluster")
    from skimage import data

    rows, cols = np.mgrid[:20, :24]
    images = {
        "surfaces": picture(rng, (20, 24), 0.6) * 60,
        "rings": 127 + 100 * np.sin(np.hypot(rows - 10, cols - 8) / 4) + rng.normal(0, 10, (20, 24)),
        "noise": rng.uniform(0, 255, (20, 24)),
        "astronaut": data.astronaut()[20:240:11, 120:384:11],
        "coffee": data.coffee()[::20, ::25],
    }
    for name, image in images.items():
        affinity = pixel_affinity(image, 2.5, sigma=40)
        for n_segments in (3, 7):
            found = ncut(affinity, normalized_cut(affinity, n_segments))
            for method in ("kmeans", "discretize", "cluster_qr"):
                options = {"assign_labels": method, "random_state": 0, "eigen_solver": "arpack"}
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # that the graph may be in parts
                    theirs = spectral.spectral_clustering(affinity.to_scipy(), n_clusters=n_segments, **options)
                labels = theirs.reshape(affinity.shape).astype(np.int32)
                assert found <= ncut(affinity, labels) + 1e-9, (name, n_segments, method)


def test_no_higher_than_a_segmentation_known_to_be_good(rng, small_graphs):
    """The generated counterpart: the surfaces themselves."""
    affinity = pixel_affinity(picture(rng), 2.5, sigma=0.7)
    good = surfaces().astype(np.int32)
    kernels.refined(affinity.stored, affinity.offsets, affinity.degree, good, 3)
    assert ncut(affinity, normalized_cut(affinity, 3)) <= ncut(affinity, good) + 1e-6
