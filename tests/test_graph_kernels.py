"""Kernels of the eigen-solver: inner products, combinations, coarser grids, parts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components

from classicseg import pixel_affinity
from classicseg._kernels.cpu import blocks, jacobi, multigrid, stencil
from classicseg._kernels.cpu.affinity import degrees, margins, to_csr
from classicseg.graph import _lobpcg
from classicseg.graph._dense import ritz
from classicseg.graph._multigrid import Level

SIZES = [1, 15, 16, 64, 65, 130]


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(blocks, "PIECE", 48)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_inner_products(rng, small_pieces, dtype, size):
    left, right, weight = (rng.normal(size=(n, size)).astype(dtype) for n in (4, 8, 1))
    found = blocks.inner_products(left, right, np.abs(weight[0]), 2)
    expected = (left.astype(np.float64) * np.abs(weight[0])) @ right.T.astype(np.float64)
    assert_allclose(found, expected, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-11)
    assert found.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_combinations(rng, small_pieces, dtype, size):
    """Move after move, in each array; what is added to, and what is a source and a target at once."""
    arrays = rng.normal(size=(2, 12, size)).astype(dtype)
    moves = [
        (rng.normal(size=(8, 4)), np.arange(2, 10), np.array([0, 9, 3, 4]), False),
        (rng.normal(size=(5, 8)), np.array([9, 0, 1, 11, 4]), np.arange(2, 10), True),
    ]
    expected = arrays.astype(np.float64)
    for factors, sources, targets, add in moves:
        found = np.einsum("sr,asn->arn", factors, expected[:, sources])
        expected[:, targets] = found + (expected[:, targets] if add else 0)
    blocks.combine(moves, list(arrays), 2)
    assert_allclose(arrays, expected, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_residuals(rng, small_pieces, size):
    vectors, images, weight = rng.normal(size=(4, size)), rng.normal(size=(4, size)), rng.random(size)
    values, out = rng.normal(size=4), np.empty((4, size))
    found = blocks.residuals(vectors, images, values, weight, out, 2)
    assert_allclose(out, images - values[:, None] * vectors, rtol=0, atol=1e-14)
    assert_allclose(found, (out**2 * weight).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 40])
def test_eigenvectors_of_small_matrices(rng, size):
    matrix = rng.normal(size=(size, size))
    matrix += matrix.T
    if size == 7:  # double eigenvalues, and one of 0
        turn = np.linalg.qr(matrix)[0]
        matrix = turn * [2, 2, 5, 0, -1, -1, 1e-9] @ turn.T
    values, vectors = jacobi.eigh(matrix)
    assert_allclose(values, np.linalg.eigvalsh(matrix), atol=1e-13 * max(size, 1))
    assert_allclose(vectors.T @ vectors, np.eye(size), atol=1e-13)
    assert_allclose(matrix @ vectors, vectors * values, atol=1e-12)


def test_a_vector_of_which_only_rounding_is_left_counts_nothing():
    """It is what is left of a known one, and would come again, of eigenvalue 0."""
    values, factors = ritz(np.diag([1, 1, 1e-10]), np.diag([0.5, 0.7, 0]), 2, 1e-20)
    assert_allclose(values, [0.5, 0.7])
    assert not factors[2].any()


@pytest.mark.parametrize("shape", [(1, 5), (7, 1), (6, 8), (7, 9), (2 * multigrid.BAND + 1, 3)])
def test_a_coarser_grid_keeps_every_link(rng, shape):
    """Each link of two pixels lies between their coarse points, or within one."""
    affinity = pixel_affinity(rng.random(shape), 3.2, sigma=0.4)
    parent = multigrid.parents(affinity.stored, affinity.offsets, shape)
    weights, offsets = multigrid.coarse_weights(affinity.stored, affinity.offsets, parent, 2)
    coarse = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    size = coarse[0] * coarse[1]
    gather = np.zeros((size, parent.size))
    gather[parent.ravel(), np.arange(parent.size)] = 1
    expected = gather @ affinity.to_scipy().toarray().astype(np.float64) @ gather.T
    np.fill_diagonal(expected, 0)
    found = np.zeros((size, size))
    data, indices, indptr = to_csr(weights, offsets, coarse)
    found[np.repeat(np.arange(size), np.diff(indptr)), indices] = data
    assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert_allclose(degrees(weights, offsets, coarse).ravel(), expected.sum(axis=1), rtol=1e-5, atol=1e-6)


def test_pixels_join_the_point_they_are_linked_to_most(rng):
    shape = (7, 8)
    affinity = pixel_affinity(rng.random(shape), 2, sigma=0.3)
    matrix = affinity.to_scipy().toarray().reshape(*shape, *shape)
    parent = multigrid.parents(affinity.stored, affinity.offsets, shape)
    for row in range(shape[0]):
        for col in range(shape[1]):
            if row % 2 == 0 and col % 2 == 0:
                assert parent[row, col] == row // 2 * 4 + col // 2
                continue
            near = [
                (-matrix[row, col, i, j], i // 2 * 4 + j // 2)
                for i in range(0, shape[0], 2)
                for j in range(0, shape[1], 2)
                if abs(i - row) <= 1 and abs(j - col) <= 1
            ]
            assert parent[row, col] == min(near)[1]


def test_a_tie_goes_to_the_first_point():
    affinity = pixel_affinity(np.zeros((3, 3)), 1.5)
    parent = multigrid.parents(affinity.stored, affinity.offsets, (3, 3))
    assert parent.tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]


def test_means_and_values_of_coarse_points(rng):
    shape = (6, 7)
    affinity = pixel_affinity(rng.random(shape), 2, sigma=0.4)
    parent = multigrid.parents(affinity.stored, affinity.offsets, shape)
    share = rng.random(shape).astype(np.float32)
    fine = rng.normal(size=(2, *shape)).astype(np.float32)
    padded, out = multigrid.pad(fine, affinity.offsets), np.empty((2, 3, 4), np.float32)
    margin = margins(affinity.offsets)
    multigrid.restrict(padded, share, parent, out, margin)
    for k in range(2):
        assert_allclose(
            out[k].ravel(), np.bincount(parent.ravel(), (share * fine[k]).ravel(), 12), rtol=1e-5, atol=1e-6
        )
    multigrid.prolong(out, parent, 1.5, padded, margin)
    found = multigrid.unpad(padded, affinity.offsets, shape)
    assert_allclose(found, fine + 1.5 * out.reshape(2, -1)[:, parent], rtol=1e-5)
    assert np.count_nonzero(padded) == np.count_nonzero(found)


@pytest.mark.parametrize("density", [0.3, 0.6, 0.9])
def test_parts_of_a_graph(rng, density):
    shape = (14, 15)
    affinity = pixel_affinity(rng.random(shape), 2, sigma=0.05, mask=rng.random(shape) < density)
    part, n_parts = multigrid.components(affinity.stored, affinity.offsets, affinity.degree)
    _, expected = connected_components(affinity.to_scipy())
    assert_array_equal(part == -1, affinity.degree == 0)
    inside = part >= 0
    _, first, numbers = np.unique(expected.reshape(shape)[inside], return_index=True, return_inverse=True)
    by_first = np.argsort(np.argsort(first))
    assert_array_equal(part[inside], by_first[numbers])
    assert n_parts == len(first)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 20), (20, 1), (2, 3), (stencil.ROWS + 1, 17), (2 * stencil.ROWS, 5), (4, 33)])
def test_steps_of_the_walk(rng, dtype, shape):
    """Rows in pairs and alone, columns that fill registers and do not; what `out` was may be what is added."""
    affinity = pixel_affinity(rng.random(shape), 3.2, sigma=0.4, mask=rng.random(shape) > 0.2)
    matrix, degree = affinity.to_scipy().toarray().astype(np.float64), affinity.degree.ravel()
    within = rng.random(shape)
    level = Level(affinity.stored, affinity.offsets, affinity.degree, within)
    vectors, other = (level.zeros(8, dtype) for _ in range(2))
    level.inside(vectors)[:], level.inside(other)[:] = rng.normal(size=(2, 8, *shape))
    given = [level.inside(array).reshape(8, -1).astype(np.float64) for array in (vectors, other)]
    share = np.divide(1, degree, out=np.zeros_like(degree), where=degree > 0)
    walked = (given[0] @ matrix + within.ravel() * given[0]) * share
    level.kernels.step(level, vectors, other, other, (0.5, -2, 3), 2)
    expected = 0.5 * walked - 2 * given[0] + 3 * given[1]
    assert_allclose(level.inside(other).reshape(8, -1), expected, rtol=0, atol=2e-5 if dtype == np.float32 else 1e-13)
    level.inside(other)[:] = 0
    assert not other.any()  # margins stay 0


@pytest.mark.parametrize("fresh", [1, 6])
def test_what_is_kept_of_the_last_directions(rng, monkeypatch, fresh):
    """Their inner products and those with the images are followed, or taken anew, and never of other vectors."""
    monkeypatch.setattr(_lobpcg, "FRESH", fresh)
    affinity = pixel_affinity(rng.random((20, 24)), 2, sigma=0.4)
    level = Level(affinity.stored, affinity.offsets, affinity.degree, np.zeros(affinity.shape))
    solver = _lobpcg.Solver(level, lambda right, room: right, 1)
    block = solver.block(np.full((1, 20, 24), 1 / np.sqrt(affinity.degree.sum())), 4, 4, np.float64)
    level.inside(block.vectors())[:] = rng.normal(size=(4, 20, 24))
    solver.start(block, 4)
    assert solver.run(block, lambda block, n_iter: False, 3) == 3
    flat, images = block.flat()
    weight, mine = level.weight(np.float64).ravel(), np.r_[4:8, 12:16]
    assert_allclose(block.grams, (flat[mine] * weight) @ flat[12:16].T, atol=1e-11)
    assert_allclose(block.products, (flat[mine] * weight) @ images[12:16].T, atol=1e-11)
    assert_allclose((flat[:8] * weight) @ flat[:8].T, np.diag([1, 0, 0, 0, 1, 1, 1, 1]), atol=1e-11)
    level.kernels.step(level, block.basis, block.basis, block.images, (-1, 1, 0), 1)
    assert_allclose(np.diag((flat[4:8] * weight) @ images[4:8].T), block.eigenvalues, atol=1e-11)
