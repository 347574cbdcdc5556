"""Kernels of the eigen-solver on CUDA beside those of the CPU, on the same graphs."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from numpy.testing import assert_allclose, assert_array_equal

from classicseg import pixel_affinity
from classicseg._kernels.cpu import blocks as cpu_blocks
from classicseg._kernels.cpu import multigrid as on_cpu
from classicseg._kernels.cuda import blocks, multigrid

SHAPES = [(1, 9), (9, 1), (6, 7), (17, 30), (5, 131)]
SIZES = [1, 31, 33, 300]


def graphs(device, rng, shape, radius=3.2, **options):
    image = rng.random(shape)
    options = {"sigma": 0.3, **options}
    there = {name: device.put(array) if isinstance(array, np.ndarray) else array for name, array in options.items()}
    return pixel_affinity(device.put(image), radius, **there), pixel_affinity(image, radius, **options)


def stored(affinity):
    return affinity.stored, affinity.offsets


def inside(kernels, vectors, affinity):
    return kernels.unpad(vectors, affinity.offsets, affinity.shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1, 1.5, 2, 5])
def test_coarser_grids(cuda, rng, shape, radius):
    found, expected = graphs(cuda, rng, shape, radius)
    parent = multigrid.parents(*stored(found), shape)
    own = on_cpu.parents(*stored(expected), shape)
    assert_array_equal(cuda.take(parent), own)
    assert cuda.take(parent).dtype == np.int32
    sums = multigrid.gathered(found.degree, parent)
    assert_array_equal(cuda.take(sums), on_cpu.gathered(expected.degree, own))
    weights, offsets = multigrid.coarse_weights(*stored(found), parent)
    own_weights, own_offsets = on_cpu.coarse_weights(*stored(expected), own)
    assert_array_equal(offsets, own_offsets)
    coarse = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    one, other = (to_csr(stencil, coarse) for stencil in ((cuda, weights, offsets), (None, own_weights, own_offsets)))
    assert_array_equal(one.indices, other.indices)
    assert_allclose(one.data, other.data, rtol=2e-6)


def to_csr(stencil, shape):
    """Return a grid's matrix; beside the stencil stands where it lies."""
    from scipy.sparse import csr_array

    from classicseg._kernels import kernels_for

    device, weights, offsets = stencil
    parts = kernels_for(weights, "affinity").to_csr(weights, offsets, shape)
    return csr_array(
        parts if device is None else tuple(device.take(part) for part in parts), shape=(np.prod(shape),) * 2
    )


def test_ties_go_to_the_first_point(cuda):
    affinity = pixel_affinity(cuda.put(np.zeros((3, 3))), 1.5)
    assert cuda.take(multigrid.parents(*stored(affinity), (3, 3))).tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_vectors", [1, 3])
def test_means_and_values_of_points_have_the_bits_of_the_cpu(cuda, rng, shape, n_vectors):
    found, expected = graphs(cuda, rng, shape, 2)
    parent, coarse = on_cpu.parents(*stored(expected), shape), ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    top, left, columns = 2, 4, coarse[1] + 9
    place = ((parent // coarse[1] + top) * columns + parent % coarse[1] + left).astype(np.int32)
    share = rng.random(shape).astype(np.float32)
    vectors = rng.normal(size=(n_vectors, *shape)).astype(np.float32)
    size = n_vectors, coarse[0] + 2 * top, columns
    padded = on_cpu.pad(vectors, expected.offsets), multigrid.pad(cuda.put(vectors), found.offsets)
    own, out = np.full(size, 7, np.float32), cuda.put(np.full(size, 7, np.float32))
    on_cpu.restrict(padded[0], share, place, own, margin(expected))
    multigrid.restrict(padded[1], cuda.put(share), cuda.put(place), out, margin(found))
    assert_array_equal(cuda.take(out), own)
    on_cpu.prolong(own, place, 1.3, padded[0], margin(expected))
    multigrid.prolong(out, cuda.put(place), 1.3, padded[1], margin(found))
    assert_array_equal(cuda.take(inside(multigrid, padded[1], found)), inside(on_cpu, padded[0], expected))
    assert np.count_nonzero(cuda.take(padded[1])) == np.count_nonzero(padded[0])


def margin(affinity):
    from classicseg._kernels import kernels_for

    return kernels_for(affinity.stored, "affinity").margins(affinity.offsets)


@pytest.mark.parametrize("shape", [(9, 1), (10, 131)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factors", [(-1, 1, 0), (0.9, 0.1, 0.9)])
@pytest.mark.parametrize("n_vectors", [pytest.param(1, id="one"), pytest.param(13, id="many")])
def test_a_step(cuda, rng, shape, dtype, factors, n_vectors):
    """`out` may be `other`; margins stay zero."""
    found, expected = graphs(cuda, rng, shape, 5)
    inverse, own = rng.random((2, *shape)).astype(dtype)
    vectors, more = rng.normal(size=(2, n_vectors, *shape)).astype(dtype)
    level = SimpleNamespace(
        weights=found.stored, offsets=found.offsets, shape=shape,
        inverse=lambda dtype: cuda.put(inverse), own=lambda dtype: cuda.put(own),
    )  # fmt: skip
    padded, out = (multigrid.pad(cuda.put(array), found.offsets) for array in (vectors, more))
    assert multigrid.step(level, padded, out, out, factors) is out
    ours = cuda.take(inside(multigrid, out, found))
    matrix = expected.to_scipy().astype(np.float64)
    walked = (matrix @ vectors.reshape(n_vectors, -1).T.astype(np.float64)).T.reshape(vectors.shape)
    exact = factors[0] * (walked * inverse + own * vectors) + factors[1] * vectors + factors[2] * more
    assert_allclose(ours, exact, rtol=0, atol=100 * np.finfo(dtype).eps)
    assert np.count_nonzero(cuda.take(out)) == np.count_nonzero(ours)


@pytest.mark.parametrize("density", [0.3, 0.6, 0.9])
def test_parts_of_a_graph(cuda, rng, density):
    found, expected = graphs(cuda, rng, (14, 45), 2, sigma=0.05, mask=rng.random((14, 45)) < density)
    part, n_parts = multigrid.components(*stored(found), found.degree)
    own, own_count = on_cpu.components(*stored(expected), expected.degree)
    assert_array_equal(cuda.take(part), own)
    assert (n_parts, cuda.take(part).dtype) == (own_count, np.int32)


@pytest.mark.parametrize("n_labels", [1, 2, 60])
def test_what_a_label_is_linked_to_most(cuda, rng, n_labels):
    """Weights of few values: many links of a label are its strongest, of which the first counts."""
    image = rng.integers(0, 2, (9, 40)).astype(np.float64)
    found, expected = (pixel_affinity(put(image), 2.5, sigma=2, spatial_sigma=np.inf) for put in (cuda.put, np.asarray))
    label = rng.integers(0, n_labels, (9, 40)).astype(np.int32)
    partner = multigrid.strongest(*stored(found), cuda.put(label), n_labels)
    own = on_cpu.strongest(*stored(expected), label, n_labels)
    assert_array_equal(cuda.take(partner), own)
    joined, count = multigrid.join(partner)
    own_joined, own_count = on_cpu.join(own)
    assert_array_equal(cuda.take(joined), own_joined)
    assert count == own_count


def test_every_pixel_a_label(cuda, rng):
    found, expected = graphs(cuda, rng, (9, 33), 3, mask=rng.random((9, 33)) < 0.8)
    label = np.arange(9 * 33, dtype=np.int32).reshape(9, 33)
    partner = cuda.take(multigrid.strongest(*stored(found), cuda.put(label), label.size))
    assert_array_equal(partner, on_cpu.strongest(*stored(expected), label, label.size))


# --- Vectors ---------------------------------------------------------------------------------------------------


@pytest.fixture
def short_spans(monkeypatch):
    monkeypatch.setattr(blocks, "SPAN", 256)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pair", [(4, 8), (36, 4), (8, 68)])
def test_inner_products(cuda, rng, short_spans, dtype, size, pair):
    left, right, weight = (rng.normal(size=(n, size)).astype(dtype) for n in (*pair, 1))
    found = blocks.inner_products(cuda.put(left), cuda.put(right), cuda.put(weight[0]))
    expected = (left.astype(np.float64) * weight[0]) @ right.T.astype(np.float64)
    assert_allclose(found, expected, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-11)
    assert isinstance(found, np.ndarray)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_combinations(cuda, rng, dtype, size):
    """Also into vectors that are among those combined, and of a second array; then more than registers hold."""
    arrays = [rng.normal(size=(12, size)).astype(dtype) for _ in range(2)]
    moves = [
        (rng.normal(size=(8, 4)), np.arange(2, 10), np.array([0, 9, 3, 4]), False),
        (rng.normal(size=(3, 4)), np.array([0, 11, 5]), np.array([8, 5, 1, 0]), True),
    ]
    there = [cuda.put(array) for array in arrays]
    blocks.combine(moves, there)
    cpu_blocks.combine(moves, arrays)
    for one, other in zip(there, arrays):
        assert_allclose(cuda.take(one), other, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-12)
    many = rng.normal(size=(44, size)).astype(dtype)
    move = rng.normal(size=(44, 36)), np.arange(44), np.arange(36), True
    there = cuda.put(many)
    blocks.combine([move], [there])
    expected = many.astype(np.float64)
    expected[:36] += move[0].T @ many.astype(np.float64)
    assert_allclose(cuda.take(there), expected, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_residuals(cuda, rng, short_spans, dtype, size):
    vectors, images, weight = (rng.normal(size=(n, size)).astype(dtype) for n in (4, 4, 1))
    values, weight = rng.normal(size=4), np.abs(weight[0])
    out = cuda.put(np.zeros((4, size), dtype))
    found = blocks.residuals(cuda.put(vectors), cuda.put(images), values, cuda.put(weight), out)
    rest = images.astype(np.float64) - values[:, None] * vectors
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    assert_allclose(cuda.take(out), rest, rtol=0, atol=tolerance)
    assert_allclose(found, (rest**2 * weight).sum(axis=1), rtol=tolerance)
    assert isinstance(found, np.ndarray)


def test_every_order_of_threads_gives_the_same(emulated_order, rng, short_spans):
    device = emulated_order
    found, expected = graphs(device, rng, (12, 23), 2, sigma=0.1)
    part, n_parts = multigrid.components(*stored(found), found.degree)
    own, own_count = on_cpu.components(*stored(expected), expected.degree)
    assert_array_equal(device.take(part), own)
    assert n_parts == own_count
    label = rng.integers(0, 9, (12, 23)).astype(np.int32)
    partner = multigrid.strongest(*stored(found), device.put(label), 9)
    assert_array_equal(device.take(partner), on_cpu.strongest(*stored(expected), label, 9))
    joined, _ = multigrid.join(partner)
    assert_array_equal(device.take(joined), on_cpu.join(device.take(partner))[0])
    left, weight = rng.normal(size=(8, 300)), rng.random(300)
    there = device.put(left)
    products = blocks.inner_products(there, there, device.put(weight))
    assert_allclose(products, left * weight @ left.T, rtol=1e-12, atol=1e-12)
    sums = blocks.residuals(there, there, np.zeros(8), device.put(weight), device.put(left * 0))
    assert_allclose(sums, np.diag(products), rtol=1e-12)


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    grids = (
        "(coarser and 5 and shape4) or (points and 3 and shape4) or (step and float32 and factors0 and one) or parts"
    )
    chosen = f"cuda-emulated and ({grids} or parts or pixel or ((inner or combi or resid) and 33 and float32))"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
