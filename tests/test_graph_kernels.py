"""Kernels of the eigen-solver: inner products, combinations, coarser grids, parts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components

from classicseg import pixel_affinity
from classicseg._kernels.cpu import blocks, jacobi, multigrid
from classicseg._kernels.cpu.affinity import degrees, margins, to_csr

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
