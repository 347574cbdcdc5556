"""Eigenvectors of graphs: equal to those of the dense matrix, and honest about how exact they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import eigh, subspace_angles
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh

from classicseg import pixel_affinity, pixel_features, region_graph, spectral_embedding
from classicseg.graph import _embedding, _multigrid, _small

MODES = ["fast", "accurate", "exact"]


@pytest.fixture
def small_grids(monkeypatch):
    """Let small images take the way of large ones: four grids or more."""
    monkeypatch.setattr(_embedding, "DENSE", 0)
    monkeypatch.setattr(_embedding, "DENSE_PER_VECTOR", 1)
    monkeypatch.setattr(_multigrid, "COARSEST", 30)


def picture(rng, shape=(14, 16)):
    """Three patches and noise, in which no eigenvalue is double."""
    image = rng.normal(0, 0.4, shape)
    image[:, shape[1] // 2 :] += 2
    image[shape[0] // 3 :, : shape[1] // 3] += 3
    return image


def exact(affinity, count):
    """Return eigenvalues and u of I - S by the dense matrix."""
    matrix = affinity.to_scipy().toarray().astype(np.float64)
    degree = matrix.sum(axis=1)
    nodes = np.flatnonzero(degree)
    root = np.sqrt(degree[nodes])
    values, vectors = eigh(np.eye(len(nodes)) - matrix[np.ix_(nodes, nodes)] / root / root[:, None])
    full = np.zeros((len(degree), count))
    full[nodes] = vectors[:, :count]
    return values[:count], full


def as_u(affinity, result):
    flat = result.vectors.reshape(-1, result.vectors.shape[-1]).astype(np.float64)
    return flat * np.sqrt(affinity.degree.reshape(-1, 1))


@pytest.mark.parametrize("mode", MODES)
def test_equals_the_dense_matrix(rng, small_grids, mode):
    affinity = pixel_affinity(picture(rng), 3, sigma=1)
    values, vectors = exact(affinity, 5)
    result = spectral_embedding(affinity, 5, mode=mode)
    assert result.converged.all()
    assert result.n_iter > 0
    assert result.vectors.shape == (14, 16, 5)
    assert result.vectors.dtype == (np.float64 if mode == "exact" else np.float32)
    tol = {"fast": 0.01, "accurate": 0.001, "exact": 1e-9}[mode]
    assert values.sum() - 1e-7 <= result.eigenvalues.sum() <= values.sum() * (1 + tol) + 1e-7
    u = as_u(affinity, result)
    assert_allclose(u.T @ u, np.eye(5), atol=1e-10 if mode == "exact" else 1e-4)
    angle = {"fast": 0.1, "accurate": 0.05, "exact": 1e-4}[mode]
    assert np.sin(subspace_angles(u[:, :4], vectors[:, :4])).max() < angle


@pytest.mark.parametrize("mode", MODES)
def test_residuals_are_those_of_the_vectors(rng, small_grids, mode):
    affinity = pixel_affinity(picture(rng), 2, sigma=1)
    result = spectral_embedding(affinity, 4, mode=mode)
    matrix, u = affinity.to_scipy().toarray().astype(np.float64), as_u(affinity, result)
    root = np.sqrt(matrix.sum(axis=1))
    rest = u - matrix / root / root[:, None] @ u - u * result.eigenvalues
    assert_allclose(result.residuals, np.linalg.norm(rest, axis=0), rtol=0.01, atol=1e-7 if mode == "exact" else 2e-6)
    assert result.eigenvalues[0] == 0
    if mode == "exact":
        assert result.residuals.max() <= 1e-6


def test_a_small_graph_is_solved_at_once(rng):
    affinity = pixel_affinity(picture(rng, (9, 10)), 2, sigma=1)
    values, vectors = exact(affinity, 4)
    result = spectral_embedding(affinity, 4)
    assert result.n_iter == 0
    assert result.converged.all()
    assert_allclose(result.eigenvalues, values, atol=1e-12)
    assert subspace_angles(as_u(affinity, result), vectors).max() < 1e-6
    assert_array_equal(np.ptp(result.vectors[..., 0]), 0)


def test_double_eigenvalues_have_the_space_of_the_dense_matrix(small_grids):
    """A flat square: the second and the third eigenvalue are the same by symmetry."""
    affinity = pixel_affinity(np.zeros((16, 16)), 2)
    values, vectors = exact(affinity, 3)
    result = spectral_embedding(affinity, 3, mode="exact")
    assert values[2] - values[1] < 1e-9
    assert_allclose(result.eigenvalues, values, atol=1e-9)
    assert subspace_angles(as_u(affinity, result), vectors).max() < 1e-3


@pytest.mark.parametrize("n_vectors", [1, 2, 3, 6])
def test_parts_that_nothing_joins_come_first(rng, small_grids, n_vectors):
    """A mask cuts the image into three parts, and leaves a pixel alone."""
    image, mask = picture(rng), np.ones((14, 16), bool)
    mask[:, 9:11] = mask[7:9, 9:] = False
    mask[0, 15], mask[:2, 14], mask[1, 14:] = True, False, False
    affinity = pixel_affinity(image, 2, sigma=1, mask=mask)
    affinity.weights[:, 0, 15] = 0
    result = spectral_embedding(affinity, n_vectors, mode="exact")
    values, vectors = exact(affinity, n_vectors)
    assert_allclose(result.eigenvalues, values, atol=1e-9)
    assert result.converged.all()
    if n_vectors >= 3:
        assert subspace_angles(as_u(affinity, result), vectors).max() < 1e-3
    volumes = []
    for k in range(min(n_vectors, 3)):  # each constant on one part, the one of most links first
        own = result.vectors[..., k] != 0
        assert np.ptp(result.vectors[own, k]) == 0
        volumes.append(affinity.degree[own].sum())
    assert volumes == sorted(volumes, reverse=True)
    assert (result.vectors[affinity.degree == 0] == 0).all()


@pytest.mark.parametrize("shape", [(1, 70), (70, 1), (2, 60), (5, 31), (33, 9)])
def test_images_of_any_shape(rng, small_grids, shape):
    affinity = pixel_affinity(rng.normal(size=shape), 3, sigma=1.5)
    values, _ = exact(affinity, 3)
    result = spectral_embedding(affinity, 3, mode="exact")
    assert_allclose(result.eigenvalues, values, atol=1e-8)


def test_the_same_bits_for_any_number_of_threads_and_every_time(rng, small_grids):
    affinity = pixel_affinity(picture(rng, (34, 10)), 2, sigma=1)
    found = [spectral_embedding(affinity, 4, n_threads=n) for n in (1, 3)]
    for other in found[1:]:
        assert_array_equal(other.vectors, found[0].vectors)
        assert_array_equal(other.eigenvalues, found[0].eigenvalues)


def test_the_largest_value_is_positive(rng, small_grids):
    for image in (picture(rng), -picture(rng)[::-1]):
        result = spectral_embedding(pixel_affinity(image, 2, sigma=1), 4)
        flat = result.vectors.reshape(-1, 4)
        assert (flat[np.abs(flat).argmax(axis=0), np.arange(4)] > 0).all()


@pytest.mark.parametrize("mode", MODES)
def test_what_has_not_converged_says_so(rng, small_grids, monkeypatch, mode):
    monkeypatch.setattr(_embedding, "STEPS", dict.fromkeys(MODES, 1))
    affinity = pixel_affinity(picture(rng), 2, sigma=1)
    with pytest.warns(RuntimeWarning, match=r"of 4 eigenvectors have not converged after [12] steps; a wider sigma"):
        result = spectral_embedding(affinity, 4, mode=mode)
    assert not result.converged.all()
    assert result.converged[0]  # which is known


def test_vectors_are_alike_within_a_segment_and_differ_between(rng):
    image = np.zeros((12, 18))
    image[:, 6:] += 1
    image[6:, 6:] += 1
    affinity = pixel_affinity(image + rng.normal(0, 0.05, image.shape), 3, sigma=0.2)
    vectors = spectral_embedding(affinity, 3).vectors
    means = np.stack([vectors[image == level].mean(axis=0) for level in range(3)])
    spread = max(vectors[image == level].std(axis=0).max() for level in range(3))
    assert min(np.linalg.norm(means[i] - means[j]) for i, j in ((0, 1), (0, 2), (1, 2))) > 20 * spread


@pytest.mark.parametrize("mode", MODES)
def test_groups_that_no_coarse_point_sees_have_their_vectors(small_grids, mode):
    """Coarse points lie on even rows and columns: marks on odd ones join points of another colour, and are gone."""
    image = np.zeros((24, 28))
    for number, (row, col) in enumerate(np.ndindex(4, 3)):
        for pixel in ((0, 0), (0, 1), (1, 0)):
            image[6 * row + 3 + pixel[0], 8 * col + 3 + pixel[1]] = 4.5 * (1 + 0.02 * number)
    affinity = pixel_affinity(image, 3, sigma=1, spatial_sigma=1)
    values, _ = exact(affinity, 4)
    result = spectral_embedding(affinity, 4, mode=mode)
    assert 0 < values.sum() < 1e-5
    assert_allclose(result.eigenvalues, values, atol=1e-6)
    assert (result.eigenvalues >= 0).all()
    assert result.converged.all()


@pytest.mark.parametrize("mode", MODES)
def test_a_small_part_comes_once(rng, small_grids, mode):
    """A group that is a part is known already: nothing but rounding is left of it, and that is no second vector."""
    image = picture(rng)
    image[3:6, 11:14] = 40 + picture(rng, (3, 3))
    affinity = pixel_affinity(image, 2, sigma=1)
    values, _ = exact(affinity, 5)
    assert values[1] < 1e-12 < 1e-4 < values[2]
    result = spectral_embedding(affinity, 5, mode=mode)
    assert_allclose(result.eigenvalues, values, rtol=0.02, atol=1e-7)


def test_pixels_outside_the_mask_have_no_vector(rng, small_grids):
    temperature, mask = (20 + picture(rng)).astype(np.float32), np.ones((14, 16), bool)
    mask[4:9, 5:8] = False
    temperature[~mask] = np.nan
    affinity = pixel_affinity(pixel_features(temperature, "T", mask=mask), 2, sigma=1)
    values, _ = exact(affinity, 4)
    result = spectral_embedding(affinity, 4)
    assert (result.vectors[~mask] == 0).all()
    assert_allclose(result.eigenvalues, values, rtol=0.02, atol=1e-7)


# --- Beside ARPACK ---------------------------------------------------------------------------------------------


def assert_equals_arpack(image, sigma):
    """On graphs of 4 neighbours, which ARPACK can factor."""
    affinity = pixel_affinity(image, 1, sigma=sigma)
    graph, count = affinity.to_scipy().astype(np.float64), 6
    assert connected_components(graph)[0] == 1
    root = np.sqrt(np.asarray(graph.sum(axis=1)).ravel())
    matrix = (eye_array(len(root)) - diags_array(1 / root) @ graph @ diags_array(1 / root)).tocsc()
    values, vectors = eigsh(matrix, count, sigma=-1e-4, v0=np.ones(len(root)))
    by_value = np.argsort(values)
    result = spectral_embedding(affinity, count, mode="exact")
    assert_allclose(result.eigenvalues, values[by_value], atol=1e-8)
    assert result.n_iter > 0
    gaps = np.diff(values[by_value])
    together = int(gaps[1:].argmax()) + 2  # vectors before the widest gap: no rotation mixes them with others
    angles = subspace_angles(as_u(affinity, result)[:, :together], vectors[:, by_value[:together]])
    assert np.sin(angles).max() <= 1e-5 / gaps[together - 1]
    fast = spectral_embedding(affinity, count)
    assert values.sum() - 1e-7 <= fast.eigenvalues.sum() <= values.sum() * 1.01 + 1e-7


def test_equals_arpack(rng):
    assert_equals_arpack(picture(rng, (22, 30)), 1.0)


def test_equals_arpack_on_photographs(test_data):
    image_module = pytest.importorskip("PIL.Image", reason="Pillow reads the photographs")
    paths = sorted((test_data / "bsds" / "images" / "train").glob("*.jpg"))[:2]
    if not paths:
        pytest.skip("no bsds in CLASSICSEG_TEST_DATA")
    for path in paths:
        assert_equals_arpack(np.asarray(image_module.open(path))[::3, ::3], 60.0)


# --- Sparse arrays ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factored", [False, True])
def test_sparse_arrays(rng, monkeypatch, factored):
    if factored:
        monkeypatch.setattr(_small, "DENSE", 0)
    affinity = pixel_affinity(picture(rng, (12, 14)), 1, sigma=1)
    values, vectors = exact(affinity, 4)
    result = spectral_embedding(affinity.to_scipy(), 4)
    assert result.vectors.shape == (168, 4)
    assert_allclose(result.eigenvalues, values, atol=1e-10)
    assert subspace_angles(as_u(affinity, result), vectors).max() < 1e-5
    assert result.converged.all()
    assert result.residuals.max() < 1e-8


@pytest.mark.parametrize("factored", [False, True])
def test_sparse_arrays_in_parts(rng, monkeypatch, factored):
    if factored:
        monkeypatch.setattr(_small, "DENSE", 0)
    blocks = [np.triu(rng.random((n, n)), 1) for n in (9, 20, 14)]
    matrix = np.zeros((45, 45))
    for start, block in zip((0, 10, 31), blocks):  # nodes 9 and 30 have no links
        matrix[start : start + len(block), start : start + len(block)] = block + block.T
    result = spectral_embedding(csr_array(matrix), 5)
    degree = matrix.sum(axis=1)
    nodes = degree > 0
    root = np.sqrt(degree[nodes])
    expected = eigh(np.eye(nodes.sum()) - matrix[np.ix_(nodes, nodes)] / root / root[:, None], eigvals_only=True)
    assert_allclose(result.eigenvalues, expected[:5], atol=1e-10)
    assert [np.count_nonzero(result.vectors[:, k]) for k in range(3)] == [20, 14, 9]
    assert (result.vectors[~nodes] == 0).all()


def test_links_that_nobody_can_tell_from_none_are_none():
    """They would be one part with an eigenvalue of rounding."""
    matrix = np.zeros((6, 6))
    for i, weight in enumerate((1, 1, 1e-14, 1, 1)):
        matrix[i, i + 1] = matrix[i + 1, i] = weight
    matrix[0, 5] = matrix[5, 0] = 0
    given = csr_array(matrix)
    result = spectral_embedding(given, 3)
    assert result.eigenvalues[1] == 0
    assert (np.count_nonzero(result.vectors[:, :2], axis=0) == 3).all()
    assert_array_equal(given.toarray(), matrix)


def test_a_graph_of_regions():
    labels = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((3, 3), int))
    dark = np.arange(12) % 4 < 2
    graph = region_graph(labels, np.where(dark, 10.0, 40.0)[labels - 1] + labels)
    weights = np.exp(-(graph.difference**2) / (2 * 8.0**2))
    similarity = csr_array((weights[graph.edge_index], graph.indices, graph.indptr))
    result = spectral_embedding(graph, 2, weights=weights)
    assert_array_equal(result.vectors, spectral_embedding(similarity, 2).vectors)
    sides = result.vectors[:, 1] > 0
    assert len(np.unique(sides * 2 + dark)) == 2


# --- Errors ----------------------------------------------------------------------------------------------------

PAIR = region_graph(np.array([[1, 2]]), np.array([[0.0, 1.0]]))
LINE = csr_array(np.array([[0.0, 1, 0], [1, 0, 2], [0, 2, 0]]))
ERRORS = [
    (LINE, {"n_vectors": 0}, ValueError, "n_vectors must be at least 1, got 0"),
    (LINE, {"n_vectors": 4}, ValueError, "n_vectors must be at most 3, got 4"),
    (LINE, {"n_vectors": 2.0}, TypeError, "n_vectors must be an integer, got 2.0 of type float"),
    (LINE, {"mode": "quick"}, ValueError, "mode must be one of 'fast', 'accurate', 'exact', got 'quick'"),
    (
        LINE,
        {"weights": [1.0]},
        ValueError,
        "weights must go with a RegionGraph, got them with another graph; leave them out",
    ),
    (
        PAIR,
        {},
        ValueError,
        "weights must be given with a RegionGraph, one for each edge; for example "
        "np.exp(-graph.difference**2 / (2 * sigma**2))",
    ),
    (PAIR, {"weights": [1.0, 1.0]}, ValueError, "weights must have shape (1,), one for each edge, got (2,)"),
    (LINE, {"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    (
        np.zeros((3, 3)),
        {},
        TypeError,
        "affinity must be a PixelAffinity or a SciPy sparse array, got ndarray; pass an image through "
        "pixel_affinity() first",
    ),
    (csr_array((2, 3)), {}, ValueError, "affinity must be square, got shape (2, 3)"),
    (-LINE, {}, ValueError, "affinity must not be negative, got -2.0; a weight of 0 is no link"),
    (LINE * np.nan, {}, ValueError, "affinity must be finite, got NaN or infinite weights; drop such links"),
    (
        csr_array(np.array([[0.0, 1], [2, 0]])),
        {},
        ValueError,
        "affinity must be symmetric, got other weights one way than back; take (W + W.T) / 2",
    ),
    (csr_array((3, 3)), {}, ValueError, "affinity must have links, got none; drop the nodes without them first"),
    (
        pixel_affinity([[0.0, 9.0]], 1, sigma=0.1),
        {},
        ValueError,
        "affinity must have links, got none; a larger sigma makes some",
    ),
    (pixel_affinity(np.zeros((2, 2)), 1), {"n_vectors": 5}, ValueError, "n_vectors must be at most 4, got 5"),
]


@pytest.mark.parametrize(("graph", "options", "error", "message"), ERRORS)
def test_arguments_are_refused_in_words(graph, options, error, message):
    with pytest.raises(error) as caught:
        spectral_embedding(graph, **{"n_vectors": 1, **options})
    assert str(caught.value) == message
