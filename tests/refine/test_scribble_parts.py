"""What scribbles are made of: the regression, the basis and the walk, each equal to its slow twin."""

import naive_scribbles as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import describe_regions
from classicseg.refine._scribbles.basis import Basis, _farthest, learn_basis
from classicseg.refine._scribbles.softmax import fit_softmax, softmax
from classicseg.refine._scribbles.spread import spread

# --- Softmax regression ----------------------------------------------------------------------------------------


def samples(rng, n, n_features, n_classes, soft=False):
    features = np.column_stack([rng.normal(size=(n, n_features - 1)), np.ones(n)])
    targets = np.eye(n_classes)[np.arange(n) % n_classes]
    return features, softmax(2 * rng.normal(size=targets.shape)) if soft else targets


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize(("n", "n_features"), [(40, 6), (6, 6), (5, 30)])
@pytest.mark.parametrize("soft", [False, True])
def test_coefficients_are_those_of_the_least_loss(rng, n, n_features, n_classes, soft):
    features, targets = samples(rng, n, n_features, n_classes, soft)
    found = fit_softmax(features, targets, 0.3)
    expected = naive.fit(features, targets, 0.3)
    assert_allclose(found, expected, atol=1e-5)
    assert naive.loss(found, features, targets, 0.3) <= naive.loss(expected, features, targets, 0.3) * (1 + 1e-12)


@pytest.mark.parametrize("regularization", [1e-9, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize(("n", "n_features"), [(60, 8), (9, 40)])
def test_the_slope_is_0_at_the_coefficients(rng, n, n_features, regularization):
    features, targets = samples(rng, n, n_features, 3)  # fewer samples than features: the classes can be parted
    found = fit_softmax(features, targets, regularization)
    slope = features.T @ (softmax(features @ found) - targets) + regularization * found
    assert np.abs(slope).max() < 1e-6
    assert_allclose(found.sum(axis=1), 0, atol=1e-9 * np.abs(found).max())


def test_coefficients_equal_those_of_scikit_learn(rng):
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    features, targets = samples(rng, 50, 7, 4)
    peer = linear_model.LogisticRegression(C=1 / 0.3, fit_intercept=False, tol=1e-10, max_iter=5000)
    peer.fit(features, targets.argmax(axis=1))
    assert_allclose(fit_softmax(features, targets, 0.3), peer.coef_.T, atol=1e-5)


def test_large_features_and_a_single_class():
    features = np.array([[1e6, 1.0], [-1e6, 1.0], [0.0, 1.0]])
    targets = np.eye(3)[[0, 1, 2]]
    found = softmax(features @ fit_softmax(features, targets, 1e-6))
    assert_allclose(found, targets, atol=1e-3)
    assert_array_equal(fit_softmax(features, np.ones((3, 1)), 0.1), np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("places", "classes", "regularization"),
    [([-6.9, 34.3, 0.8], [0, 1, 1], 1e-9), ([26.5, -24.7, -3.0], [1, 2, 1], 1e-6)],
)
def test_steps_of_newtons_method_that_lead_astray_are_shortened(places, classes, regularization):
    features, targets = np.column_stack([places, np.ones(3)]), np.eye(3)[classes]  # full steps never end here
    found = fit_softmax(features, targets, regularization)
    slope = features.T @ (softmax(features @ found) - targets) + regularization * found
    assert np.abs(slope).max() < 1e-9


def test_a_sample_counts_as_often_as_its_targets_say(rng):
    features, targets = samples(rng, 12, 4, 3)
    twice = np.concatenate([features, features[:5]]), np.concatenate([targets, targets[:5]])
    counted = targets * np.where(np.arange(12) < 5, 2, 1)[:, None]
    assert_allclose(fit_softmax(features, counted, 0.1), fit_softmax(*twice, 0.1), atol=1e-7)


def test_softmax_of_scores_that_exp_cannot_hold():
    found = softmax(np.array([[1e4, 1e4, -1e4], [-1e4, -1e4, -1e4 + np.log(2)]]))
    assert_allclose(found, [[0.5, 0.5, 0], [0.25, 0.25, 0.5]], atol=1e-9)


# --- Basis -----------------------------------------------------------------------------------------------------


def grid(rng, shape=(6, 9), side=4, channels=()):
    """An image of squares, each with a value and a little noise, and their labels."""
    square = np.ones((side, side), int)
    image = np.kron(rng.choice([20.0, 24.0, 50.0], shape), square) + rng.normal(
        0, 0.3, (shape[0] * side, shape[1] * side)
    )
    labels = np.kron(np.arange(1, shape[0] * shape[1] + 1).reshape(shape), square)
    return (image[..., None] * np.ones(channels) if channels else image).astype(np.float32), labels


@pytest.fixture
def table(rng):
    """Regions of several sizes with borders of several lengths, one of them alone in a sea that is outside."""
    image, labels = grid(rng)
    image[:4, :12] = 20  # three that do not differ
    labels[5:11, 3:14] = labels[5, 5]
    labels[:, 24:28] = 0
    labels[12:, 32:] = 0
    labels[8:16, 28:32] = 0
    labels[20:, 28:32] = 0
    found = describe_regions(image, labels)
    assert len(np.unique(found.boundary_length)) > 3
    assert np.setdiff1d(np.arange(len(found.numbers)), found.edges).size == 1
    return found


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_the_basis_equals_its_slow_twin(table, most):
    basis = learn_basis([table], most)
    near, between = naive.nearness(table, most)
    found = basis.of(table)
    assert_array_equal(found[:, -1], 1)
    assert len(basis.landmarks) == len(between) <= min(most, len(table.numbers))
    # Inner products do not depend on how the features are turned: they are what Nyström's method makes of nearness.
    assert_allclose(
        found[:, :-1] @ found[:, :-1].T, near @ np.linalg.pinv(between, rcond=1e-6, hermitian=True) @ near.T, atol=1e-5
    )
    points = naive.surroundings(table)
    assert_allclose(basis.landmarks, points[naive.landmarks(points, most)], atol=1e-9)


def test_landmarks_are_nearness_1_to_themselves(table):
    basis = learn_basis([table], 8)
    near = basis.of(table)[:, :-1]
    assert_allclose(np.sort((near**2).sum(axis=1))[-8:], 1, atol=1e-6)
    assert (near**2).sum(axis=1).max() <= 1 + 1e-6


def test_landmarks_are_the_farthest_and_the_first_of_equals():
    points = np.array([[3.0], [0.0], [1.0], [-1.0], [1.0], [-3.0], [-1.0]])
    chosen, squared = _farthest(points, 100)
    assert_array_equal(chosen[:, 0], [0, 3, -3, 1, -1])
    assert_allclose(squared, (points - chosen.T) ** 2, atol=1e-12)
    assert_array_equal(_farthest(points, 2)[0][:, 0], [0, 3])


def test_a_basis_of_several_images_is_that_of_all_their_regions(rng):
    tables = [describe_regions(*grid(rng)), describe_regions(*grid(rng, (4, 5)))]
    basis = learn_basis(tables, 20)
    columns = np.concatenate([t.features[:, [t.names.index(name) for name in basis.names]] for t in tables])
    assert_allclose(basis.centers, np.median(columns, axis=0), rtol=1e-6)
    assert_array_equal(learn_basis(tables, 20).whitening, basis.whitening)


def test_places_do_not_count(rng):
    image, labels = grid(rng)
    here, mirrored = (
        describe_regions(image, labels),
        describe_regions(image[::-1, ::-1].copy(), labels[::-1, ::-1].copy()),
    )
    order = np.argsort([labels[row, col] for row, col in here.medoids])
    assert_array_equal(order, np.arange(len(order)))
    basis = learn_basis([here], 10)
    assert {"row", "col"}.isdisjoint(basis.names)
    assert_allclose(basis.of(mirrored), basis.of(here), atol=1e-4)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 300.0), (100.0, 0.0), (0.01, 5.0)])
def test_the_unit_of_the_image_does_not_count(rng, factor, offset):
    image, labels = grid(rng)
    first, other = (describe_regions(image.astype(np.float64) * f + o, labels) for f, o in ((1, 0), (factor, offset)))
    names = [name for name in first.names if not name.startswith("texture")]  # which may be on a scale of their own
    assert names
    nearer = learn_basis([first], 10).of(first), learn_basis([other], 10).of(other)
    inner = [near[:, :-1] @ near[:, :-1].T for near in nearer]
    assert_allclose(*inner, atol=2e-3)


def test_one_wild_region_does_not_bend_the_others(rng):
    image, labels = grid(rng)
    image[4:8, 4:8] = 1e6
    near = learn_basis([describe_regions(image, labels)], 30).of(describe_regions(image, labels))
    others = near[~np.isin(np.arange(54), (0, 1, 2, 9, 10, 11, 18, 19, 20)), :-1]
    assert np.ptp(others @ others.T) > 0.3  # the other regions are still told apart


def test_an_image_of_one_region_and_one_of_equal_regions():
    for labels in ([[1, 1], [1, 1]], [[1, 2], [3, 4]]):
        table = describe_regions(np.full((2, 2), 7.0), labels)
        basis = learn_basis([table], 96)
        assert np.isfinite(basis.of(table)).all()
        assert isinstance(basis, Basis)


# --- Walk ------------------------------------------------------------------------------------------------------


def known_and_own(rng, n, n_classes=3):
    own = softmax(rng.normal(size=(n, n_classes)))
    known = np.where(rng.random((n, 1)) < 0.2, np.eye(n_classes)[rng.integers(0, n_classes, n)], 0)
    return own, known


@pytest.mark.parametrize("smoothness", [0.0, 0.3, 1.0, 50.0])
def test_the_walk_equals_its_slow_twin(rng, table, smoothness):
    own, known = known_and_own(rng, len(table.numbers))
    found = spread(own, known, table, smoothness)
    assert_allclose(found, naive.spread(own, known, table, smoothness), atol=1e-9)
    assert_allclose(found.sum(axis=1), 1, atol=1e-12)


def test_without_steps_a_region_keeps_its_own_and_half_of_its_marks(rng, table):
    own, known = known_and_own(rng, len(table.numbers))
    marked = known.any(axis=1)
    found = spread(own, known, table, 0.0)
    assert_allclose(found[~marked], own[~marked])
    assert_allclose(found[marked], (own[marked] + known[marked]) / 2)


def test_a_walker_crosses_what_is_alike_and_stops_where_it_is_not():
    image = np.kron([[20.0, 20.1, 20.2, 60.0, 60.1, 60.2]], np.ones((4, 4)))
    table = describe_regions(image, np.kron(np.arange(1, 7)[None], np.ones((4, 4), int)))
    own, known = np.full((6, 2), 0.5), np.zeros((6, 2))
    known[0, 0] = 1
    first = spread(own, known, table, 1.0)[:, 0]
    assert (np.diff(first) <= 1e-12).all()
    assert first[2] > 0.52
    assert first[3] < 0.5 + 1e-9


def test_an_image_of_one_region_walks_nowhere():
    table = describe_regions(np.full((3, 3), 7.0), np.ones((3, 3), int))
    assert_allclose(spread(np.array([[0.3, 0.7]]), np.zeros((1, 2)), table, 1.0), [[0.3, 0.7]])
