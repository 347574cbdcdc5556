"""The affinity of pixels: equal to its slow twin and to its formula."""

import math

import naive_graph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import pixel_affinity, pixel_features
from classicseg._kernels.cpu.affinity import LANES, ROWS
from classicseg.graph import assoc, cut, ncut

SIGMA = (1.0, 2.0, 0.5, 1.5)


def dense(affinity):
    return affinity.to_scipy().toarray()


def assert_equals_the_slow_twin(affinity, expected):
    """Weights as exact as promised, and none too many or too few but where the least one is a matter of rounding."""
    found = dense(affinity)
    exponent = -np.log(np.maximum(expected, 1e-300))
    clear = (expected > 0) | (found == 0)
    assert np.all(clear | (found < 1.001e-12))
    present = expected > 1.001e-12
    assert np.all(np.abs(found / np.where(present, expected, 1) - 1)[present] <= 1e-6 * (1 + exponent[present]))
    assert_array_equal(found, found.T)


@pytest.mark.parametrize("n_features", [1, 2, 3, 4])
@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_equals_the_slow_twin(rng, n_features, distance):
    features = rng.normal(size=(6, 7, n_features)) + 100
    sigma = SIGMA[:n_features]
    affinity = pixel_affinity(features, 3.3, sigma=sigma, spatial_sigma=2, distance=distance)
    assert_equals_the_slow_twin(affinity, naive_graph.affinity(features, 3.3, sigma, 2, distance))
    assert affinity.sigma == sigma
    assert affinity.spatial_sigma == 2


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1),
        (1, 9),
        (9, 1),
        (2, 3),
        (ROWS - 1, 2),
        (ROWS, 2),
        (ROWS + 1, 3),
        (2 * ROWS + 1, 2),
        (2, LANES),
        (2, LANES + 1),
    ],
)
def test_every_block_and_border(rng, shape):
    features = rng.normal(size=(*shape, 1))
    affinity = pixel_affinity(features, 2.5, sigma=1, spatial_sigma=3)
    expected = naive_graph.affinity(features, 2.5, 1, 3)
    assert_equals_the_slow_twin(affinity, expected)
    assert_allclose(affinity.degree.ravel(), expected.sum(axis=1), rtol=1e-5)
    vector = rng.normal(size=shape)
    assert_allclose(affinity.matvec(vector).ravel(), expected @ vector.ravel(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("radius", "n_neighbours"), [(1, 4), (1.4, 4), (1.5, 8), (2, 12), (3, 28), (5, 80)])
def test_the_radius_is_that_of_a_disc_with_its_edge(radius, n_neighbours):
    affinity = pixel_affinity(np.zeros((13, 13)), radius)
    assert np.count_nonzero(dense(affinity)[6 * 13 + 6]) == n_neighbours
    assert len(affinity.offsets) * 2 == n_neighbours


def test_offsets_come_after_the_pixel_in_raster_order():
    offsets = pixel_affinity(np.zeros((3, 3)), 1.5).offsets
    assert offsets.tolist() == [[0, 1], [1, -1], [1, 0], [1, 1]]


def test_weights_tell_which_pixels_they_link(rng):
    features = rng.random((5, 6))
    affinity = pixel_affinity(features, 2, sigma=0.5)
    matrix = dense(affinity).reshape(5, 6, 5, 6)
    for weights, (down, right) in zip(affinity.weights, affinity.offsets, strict=True):
        for row in range(5):
            for col in range(6):
                there = row + down, col + right
                inside = there[0] < 5 and 0 <= there[1] < 6
                assert weights[row, col] == (matrix[(row, col, *there)] if inside else 0)


def test_the_formulas_of_the_docstring():
    image = [[0.0, 3.0]]
    for distance, weight in (("squared", math.exp(-9 / 8 - 1 / 18)), ("euclidean", math.exp(-3 / 8 - 1 / 18))):
        affinity = pixel_affinity(image, 1, sigma=2, spatial_sigma=3, distance=distance)
        assert affinity.weights[0, 0, 0] == pytest.approx(weight, rel=1e-6)
    assert pixel_affinity([[4.0, 4.0]], 1, spatial_sigma=np.inf).weights[0, 0, 0] == 1  # alike, and not near to it


def test_an_infinite_width_counts_no_distance():
    affinity = pixel_affinity(np.zeros((4, 5)), 3, spatial_sigma=np.inf)
    assert set(np.unique(dense(affinity))) == {0, 1}


def test_weights_below_the_least_are_none():
    step = math.sqrt(2 * 12 * math.log(10))
    for factor, present in ((0.999, True), (1.001, False)):
        weights = pixel_affinity([[0.0, factor * step]], 1, sigma=1, spatial_sigma=np.inf).weights
        assert (weights[0, 0, 0] > 0) == present
        assert weights[0, 0, 0] == 0 or weights[0, 0, 0] >= 1e-12


def test_default_widths():
    """The median distance of pixels that lie the radius apart, and never below 1/100 of the range."""
    ramp = np.arange(40.0) * np.ones((30, 1)) * 4
    affinity = pixel_affinity(ramp, 5)
    assert affinity.spatial_sigma == 2.5
    assert affinity.sigma == (20.0,)  # 4 a column; the 1000 pairs in columns, of which none differ, are the fewer
    assert pixel_affinity(np.zeros((9, 9, 3), np.uint8)).sigma == (2.55,) * 3
    assert pixel_affinity(np.zeros((9, 9), np.float32)).sigma == (0.01,)
    assert pixel_affinity(pixel_features(np.full((9, 9), 30.0), "T")).sigma == (0.1,)
    assert pixel_affinity(np.zeros((1, 1))).sigma == (0.01,)
    assert pixel_affinity([[0.0, 8.0, 16.0]], 5).sigma == (16.0,)  # as far apart as there are pixels


def test_one_hot_pixel_changes_no_width(rng):
    image = rng.normal(20, 1, (64, 64))
    hot = image.copy()
    hot[20, 30] = 1e4
    widths = [pixel_affinity(array, 5).sigma[0] for array in (image, hot)]
    assert widths[1] == pytest.approx(widths[0], rel=0.01)


def test_positions_and_weights_of_pixel_features(rng):
    image = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    depth = rng.random((7, 9))
    features = pixel_features(image, "RGBxyd", depth=depth, channel_weights={"d": 40, "xy": 0.5})
    for distance in ("squared", "euclidean"):
        options = {"sigma": (30, 20, 30, 9, 12, 5), "spatial_sigma": 4, "distance": distance}
        found = pixel_affinity(features, 3, **options)
        expected = naive_graph.affinity(np.asarray(features), 3, options["sigma"], 4, distance)
        assert_equals_the_slow_twin(found, expected)
        as_array = pixel_affinity(np.asarray(features), 3, **options)
        assert_allclose(found.weights, as_array.weights, rtol=1e-4, atol=1e-12)
    by_rule = [pixel_affinity(source, 3).sigma[0] for source in (features, np.asarray(features))]
    assert by_rule[0] == pytest.approx(by_rule[1], rel=1e-6)


def test_positions_alone():
    features = pixel_features(np.zeros((5, 6)), "xy")
    affinity = pixel_affinity(features, 2, sigma=0.5, spatial_sigma=np.inf)
    assert_equals_the_slow_twin(affinity, naive_graph.affinity(np.asarray(features), 2, 0.5, np.inf))


def test_pixels_outside_the_mask_have_no_links(rng):
    features = rng.normal(size=(9, 8, 3))
    mask = rng.random((9, 8)) > 0.3
    features[~mask] = rng.choice([np.nan, np.inf, -np.inf, 1e300], (int((~mask).sum()), 3))
    affinity = pixel_affinity(features, 3, sigma=1, spatial_sigma=2, mask=mask)
    clean = np.where(mask[..., None], features, 0)
    assert_equals_the_slow_twin(affinity, naive_graph.affinity(clean, 3, 1, 2, mask=mask))
    assert_array_equal(affinity.mask, mask)
    assert (affinity.degree[~mask] == 0).all()
    assert_allclose(pixel_affinity(features, 3, mask=mask).sigma, pixel_affinity(clean, 3, mask=mask).sigma)


def test_the_mask_of_features_counts_too(rng):
    image, own, more = rng.random((6, 6)), rng.random((6, 6)) > 0.2, rng.random((6, 6)) > 0.2
    affinity = pixel_affinity(pixel_features(image, "I", mask=own), 2, sigma=1, mask=more)
    assert_array_equal(affinity.mask, own & more)
    assert_array_equal(affinity.weights, pixel_affinity(image, 2, sigma=1, mask=own & more).weights)
    assert pixel_affinity(image, mask=np.ones((6, 6), bool)).mask is None


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_contours_stand_between_pixels(rng, distance):
    features, contour = rng.normal(size=(8, 9, 2)), rng.random((8, 9)) ** 4
    mask = rng.random((8, 9)) > 0.1
    contour[~mask] = np.nan
    affinity = pixel_affinity(
        features, 3.7, sigma=2, spatial_sigma=5, distance=distance, contour=contour, contour_sigma=0.3, mask=mask
    )
    clean = np.where(mask, contour, 0)
    assert_equals_the_slow_twin(affinity, naive_graph.affinity(features, 3.7, 2, 5, distance, mask, clean, 0.3))


def test_a_contour_between_lets_nothing_pass():
    contour = np.zeros((5, 7))
    contour[:, 3] = 1
    image = np.zeros((5, 7))
    affinity = pixel_affinity(image, 3, contour=contour, contour_sigma=0.1)
    assert cut(affinity, np.broadcast_to(np.arange(7) // 3 > 0, (5, 7)).astype(int)) == 0
    default = [pixel_affinity(image, 3, contour=contour, **width).weights for width in ({}, {"contour_sigma": 0.25})]
    assert_array_equal(*default)


def test_vectors_of_any_shape_and_dtype(rng):
    affinity = pixel_affinity(rng.random((7, 5)), 2, sigma=0.3)
    matrix, vectors = dense(affinity).astype(np.float64), rng.normal(size=(3, 7, 5))
    expected = (matrix @ vectors.reshape(3, -1).T).T
    assert_allclose(affinity.matvec(vectors), expected.reshape(3, 7, 5), rtol=1e-12, atol=1e-13)
    assert_array_equal(affinity.matvec(vectors[1]), affinity.matvec(vectors)[1])
    assert_array_equal(affinity.matvec(vectors[1].ravel()), affinity.matvec(vectors[1]).ravel())
    single = affinity.matvec(vectors.astype(np.float32))
    assert single.dtype == np.float32
    assert_allclose(single, expected.reshape(3, 7, 5), rtol=1e-4, atol=1e-5)
    whole = rng.integers(0, 9, (7, 5))
    assert_array_equal(affinity.matvec(whole), affinity.matvec(whole.astype(np.float64)))
    assert affinity.matvec(whole.astype(np.uint8)).dtype == np.float32
    assert affinity.matvec(np.empty((0, 7, 5))).shape == (0, 7, 5)


def test_as_scipy_takes_it(rng):
    affinity = pixel_affinity(rng.normal(size=(6, 8)), 2, sigma=0.2, mask=rng.random((6, 8)) > 0.2)
    matrix = affinity.to_scipy()
    assert matrix.dtype == np.float32
    assert matrix.has_canonical_format
    assert (matrix.data > 0).all()
    assert matrix.nnz == 2 * np.count_nonzero(affinity.weights)
    assert_allclose(matrix.sum(axis=1), affinity.degree.ravel(), rtol=1e-5)


def test_the_same_bits_for_any_number_of_threads(rng):
    image = rng.integers(0, 256, (5 * ROWS + 3, 20, 3), dtype=np.uint8)
    mask = rng.random(image.shape[:2]) > 0.1
    found = [pixel_affinity(image, 4, mask=mask, n_threads=n) for n in (1, 2, 7)]
    vectors, labels = rng.normal(size=(2, *mask.shape)), rng.integers(0, 5, mask.shape)
    for other in found[1:]:
        assert_array_equal(other.weights, found[0].weights)
        assert_array_equal(other.matvec(vectors, n_threads=3), found[0].matvec(vectors, n_threads=1))
        assert_array_equal(other.to_scipy(n_threads=3).data, found[0].to_scipy(n_threads=1).data)
        assert ncut(other, labels) == ncut(found[0], labels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_dtypes_give_the_same_weights(rng, dtype):
    image = rng.integers(0, 100, (6, 7, 2))
    expected = pixel_affinity(image.astype(np.float64), 2, sigma=20)
    assert_array_equal(pixel_affinity(image.astype(dtype), 2, sigma=20).weights, expected.weights)


def test_a_far_offset_of_the_values_changes_little(rng):
    """Temperatures in K or raw counts: differences are taken before anything is rounded to float32."""
    image = rng.integers(0, 64, (6, 7)) / 64
    expected = pixel_affinity(image, 2, sigma=0.3).weights
    assert_allclose(pixel_affinity(image + 2.0**30, 2, sigma=0.3).weights, expected, rtol=1e-5)


def test_values_and_widths_of_any_size():
    image = np.array([[0.0, 1.0, 3.0]])
    expected = pixel_affinity(image, 1, sigma=1).weights
    for scale in (1e-30, 1e30):
        assert_allclose(pixel_affinity(image * scale, 1, sigma=scale).weights, expected, rtol=1e-5)
    assert (pixel_affinity([[3e38, -3e38, 3e38]], 1, sigma=1e-30).weights == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.floats(0.5, 4), st.integers(0, 2**32 - 1))
def test_scaling_image_and_width_together_changes_nothing(n_rows, n_cols, scale, seed):
    image = np.random.default_rng(seed).normal(size=(n_rows, n_cols, 2))
    one, other = pixel_affinity(image, 2, sigma=0.7), pixel_affinity(image * scale, 2, sigma=0.7 * scale)
    assert_allclose(other.weights, one.weights, rtol=1e-4, atol=1e-12)


# --- What is cut -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_labels", [1, 2, 5])
def test_values_of_a_segmentation_equal_their_definitions(rng, n_labels):
    affinity = pixel_affinity(rng.normal(size=(ROWS + 3, 4)), 2.5, sigma=1, spatial_sigma=2)
    matrix = dense(affinity).astype(np.float64)
    for low in (0, -1):  # with and without nodes that are left out
        labels = rng.integers(low, n_labels, affinity.shape)
        flat = labels.ravel()
        for graph in (affinity, affinity.to_scipy(), affinity.to_scipy().tocsc()):
            whose = labels if graph is affinity else flat
            assert cut(graph, whose) == pytest.approx(naive_graph.cut(matrix, flat), rel=1e-12)
            assert_allclose(assoc(graph, whose), naive_graph.assoc(matrix, flat), rtol=1e-12)
            assert ncut(graph, whose) == pytest.approx(naive_graph.ncut(matrix, flat), rel=1e-12)


def test_a_node_linked_to_itself_counts_within():
    from scipy.sparse import csr_array

    graph = csr_array(np.array([[2.0, 1.0], [1.0, 0.0]]))
    assert assoc(graph, [0, 1]).tolist() == [3, 1]
    assert cut(graph, [0, 1]) == 1
    assert ncut(graph, [0, 1]) == pytest.approx(1 / 3 + 1)


def test_segments_without_links_count_nothing(rng):
    mask = np.ones((4, 4), bool)
    mask[:, 2] = False
    affinity = pixel_affinity(np.zeros((4, 4)), 1, mask=mask)
    labels = np.where(mask, 1 + (np.arange(4) > 2), 0)
    assert assoc(affinity, labels)[0] == 0
    assert ncut(affinity, labels) == 0
    assert cut(affinity, np.full((4, 4), -1)) == 0
    assert ncut(affinity, np.full((4, 4), -1)) == 0


def test_the_cut_of_a_corner_is_less_and_its_ncut_more():
    """The bias of the least cut to small segments, and how the normalized one mends it."""
    affinity = pixel_affinity(np.zeros((10, 10)), 1, sigma=1, spatial_sigma=np.inf)
    half, corner = np.repeat([[0], [1]], 5, axis=0) * np.ones((1, 10), int), np.zeros((10, 10), int)
    corner[0, 0] = 1
    assert cut(affinity, corner) == 2
    assert cut(affinity, half) == 10
    assert ncut(affinity, half) < 0.2 < 1 < ncut(affinity, corner)


# --- Errors ----------------------------------------------------------------------------------------------------

ERRORS = [
    ({"radius": 0.5}, ValueError, "radius must be at least 1, got 0.5"),
    ({"radius": 65}, ValueError, "radius must be at most 64.0, got 65.0"),
    ({"radius": "5"}, TypeError, "radius must be a number, got '5' of type str"),
    ({"sigma": 0}, ValueError, "sigma must be at least 1e-30, got 0.0"),
    ({"sigma": -1}, ValueError, "sigma must be at least 1e-30, got -1.0"),
    ({"sigma": np.nan}, ValueError, "sigma must be finite, got nan"),
    ({"sigma": (1, 2, 0)}, ValueError, "sigma must be at least 1e-30, got 0.0"),
    (
        {"sigma": (1, 2)},
        ValueError,
        "sigma must be a number or one for each of the 3 features, got shape (2,)",
    ),
    ({"spatial_sigma": 0}, ValueError, "spatial_sigma must be at least 1e-30, got 0.0"),
    ({"spatial_sigma": -np.inf}, ValueError, "spatial_sigma must be finite, got -inf"),
    ({"distance": "manhattan"}, ValueError, "distance must be one of 'squared', 'euclidean', got 'manhattan'"),
    ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    (
        {"contour": np.zeros((3, 4))},
        ValueError,
        "contour must have the features' shape (4, 5), got (3, 4)",
    ),
    (
        {"contour": np.full((4, 5), -0.5)},
        ValueError,
        "contour must not be negative, got -0.5; take np.abs() of a gradient",
    ),
    (
        {"contour": np.full((4, 5), np.nan)},
        ValueError,
        "contour must be finite, got 20 NaN or infinite values; mark such pixels False in mask",
    ),
    (
        {"contour": np.zeros((4, 5)), "contour_sigma": 0},
        ValueError,
        "contour_sigma must be at least 1e-30, got 0.0",
    ),
    ({"contour_sigma": 0.2}, ValueError, "contour_sigma must go with a contour, got it alone; leave it out"),
]


@pytest.mark.parametrize(("options", "error", "message"), ERRORS)
def test_options_are_refused_in_words(options, error, message):
    with pytest.raises(error) as caught:
        pixel_affinity(np.zeros((4, 5, 3)), **options)
    assert str(caught.value) == message


def test_vectors_and_labels_are_refused_in_words():
    affinity = pixel_affinity(np.zeros((4, 5)), 1)
    calls = {
        "vectors must have shape (4, 5), (20,) or (K, 4, 5), got (5, 4)": lambda: affinity.matvec(np.zeros((5, 4))),
        "labels must have the affinity's shape (4, 5), got (5, 4)": lambda: cut(affinity, np.zeros((5, 4), int)),
        "labels must be below the number of nodes 20, got 20; number the segments from 0": lambda: ncut(
            affinity, np.full((4, 5), 20)
        ),
        "affinity must have shape (3, 3), one row for each label, got (20, 20)": lambda: assoc(
            affinity.to_scipy(), [0, 1, 2]
        ),
        "affinity must be a PixelAffinity or a SciPy sparse array, got ndarray; pass an image through "
        "pixel_affinity() first": lambda: cut(np.zeros((3, 3)), [0, 1, 2]),
    }
    for message, call in calls.items():
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        assert str(caught.value) == message
