"""`spectral_embedding` of graphs of CuPy arrays: the same solver as on the CPU, on kernels of the GPU."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from classicseg import pixel_affinity, spectral_embedding
from classicseg.graph._clusters import groups

DTYPES = {"fast": np.float32, "accurate": np.float32, "exact": np.float64}


def smooth(rng, shape):
    image = ndimage.gaussian_filter(rng.random((*shape, 3)), (3, 3, 0))
    return (image - image.min()) / np.ptp(image)


def both(device, image, radius, n_vectors, *, mask=None, sigma=0.1, **options):
    """Hold the result against that of the CPU; return both."""
    there = {} if mask is None else {"mask": device.put(mask)}
    found = spectral_embedding(pixel_affinity(device.put(image), radius, sigma=sigma, **there), n_vectors, **options)
    expected = spectral_embedding(pixel_affinity(image, radius, sigma=sigma, mask=mask), n_vectors, **options)
    vectors = device.take(found.vectors)
    assert vectors.dtype == expected.vectors.dtype
    assert_allclose(vectors, expected.vectors, atol=1e-3 * np.abs(expected.vectors).max())
    assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-3, atol=1e-8)
    assert_array_equal(found.converged, expected.converged)
    assert found.n_iter == expected.n_iter
    for name in ("eigenvalues", "residuals", "converged"):
        assert isinstance(getattr(found, name), np.ndarray)
    return found, expected


@pytest.mark.parametrize("mode", list(DTYPES))
def test_every_mode(cuda, rng, mode):
    found, _ = both(cuda, smooth(rng, (40, 52)), 3, 4, mode=mode)
    assert found.n_iter > 0
    assert found.converged.all()
    assert found.vectors.dtype == DTYPES[mode]
    if mode == "exact":
        assert (found.residuals <= 1e-6).all()


def test_vectors_are_eigenvectors(cuda, rng):
    image = smooth(rng, (70, 90))  # 6300 pixels: three grids
    affinity = pixel_affinity(cuda.put(image), 3, sigma=0.1)
    found = spectral_embedding(affinity, 4, mode="exact")
    matrix, degree = affinity.to_scipy().astype(np.float64), cuda.take(affinity.degree).ravel()
    vectors = cuda.take(found.vectors).reshape(-1, 4)
    rest = degree[:, None] * vectors * (1 - found.eigenvalues) - matrix @ vectors
    assert_allclose(np.linalg.norm(rest / np.sqrt(degree)[:, None], axis=0), found.residuals, atol=1e-9)
    assert_allclose(vectors.T @ (degree[:, None] * vectors), np.eye(4), atol=1e-8)


def test_few_pixels_are_solved_at_once(cuda, rng):
    found, expected = both(cuda, smooth(rng, (12, 14)), 2, 3)
    assert found.n_iter == 0
    assert_array_equal(cuda.take(found.vectors), expected.vectors)


@pytest.mark.parametrize("n_vectors", [1, 2, 4])
def test_parts_that_no_link_joins(cuda, rng, n_vectors):
    """As many eigenvalues of 0 as parts; 2 vectors are constant on one of 2 parts, or 1 on the larger."""
    image, mask = smooth(rng, (40, 45)), np.ones((40, 45), bool)
    mask[:, 20:24] = False
    mask[3:6, 30] = False
    found, _ = both(cuda, image, 3, n_vectors, mask=mask)
    assert (found.eigenvalues[:2] == 0).all()
    assert (cuda.take(found.vectors)[~mask] == 0).all()


def test_noise_with_groups_of_its_own(cuda, rng):
    """Squares that hold together, among pixels that hardly do."""
    image = rng.random((44, 50))
    image[5:9, 5:9], image[30:36, 20:25] = 3, -2
    both(cuda, image, 2, 4, sigma=0.2)


def test_what_has_no_links_is_refused(cuda):
    affinity = pixel_affinity(cuda.put(np.array([[0.0, 9.0]])), 1, sigma=0.1)
    with pytest.raises(ValueError, match=r"^affinity must have links, got none; a larger sigma makes some"):
        spectral_embedding(affinity, 1)


def test_the_host_decides_by_small_matrices_only(emulated, rng):
    """Vectors cross over on the coarsest grid alone."""
    affinity = pixel_affinity(emulated.put(smooth(rng, (90, 100))), 3, sigma=0.1)
    get, moved = type(affinity.stored).get, []

    def counted(self):
        moved.append(self.size)
        return get(self)

    type(affinity.stored).get = counted
    try:
        found = spectral_embedding(affinity, 2)
    finally:
        type(affinity.stored).get = get
    assert found.n_iter > 0
    assert sum(size >= 9000 for size in moved) <= 12
    assert len(moved) < 90


def test_every_order_of_threads_gives_the_same(emulated_order, rng):
    both(emulated_order, smooth(rng, (24, 30)), 2, 2)


@pytest.mark.parametrize("n_cols", [29, 30, 31, 32, 33, 38, 39])
def test_groups_of_pixels_are_those_of_the_cpu(cuda, rng, n_cols):
    """Margins of the smaller stencil end elsewhere than those of the larger one, on a GPU by the line of memory."""
    image, found = rng.normal(size=(9, n_cols)), []
    for place in (cuda.put, np.array):
        affinity = pixel_affinity(place(image), 5, sigma=0.5)
        found.append(groups(affinity.stored, affinity.offsets, affinity.shape, 9, 1.0, 1))
    on_device, on_host = found
    assert len(on_device) == len(on_host) > 3
    for (labels, number, volume), (expected, other, total) in zip(on_device, on_host, strict=True):
        assert_array_equal(cuda.take(labels) == number, expected == other)
        assert_allclose(volume, total, rtol=1e-6)
