"""Graphs of pixels of CuPy arrays: the weights of the CPU, bit for bit."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from numpy.testing import assert_allclose, assert_array_equal

from classicseg import pixel_affinity, pixel_features
from classicseg._kernels.cuda import _stencil
from classicseg._kernels.cuda import affinity as on_cuda
from classicseg.graph import assoc, cut, ncut

DTYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, np.float32, np.float64]
SHAPES = [(1, 1), (1, 9), (9, 1), (2, 3), (7, 131), (17, 5)]


def both(device, features, *given, mask=None, contour=None, **options):
    """Return the graph on the device and that on the CPU, whose weights are found to be the same."""
    there = {name: device.put(array) for name, array in {"mask": mask, "contour": contour}.items() if array is not None}
    found = pixel_affinity(device.put(features), *given, **there, **options)
    expected = pixel_affinity(features, *given, mask=mask, contour=contour, **options)
    assert_array_equal(device.take(found.weights).view(np.int32), expected.weights.view(np.int32))
    assert found.sigma == expected.sigma
    assert found.shape == expected.shape
    return found, expected


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [1, 1.5, 4, 5.2])
def test_weights_and_degrees_have_the_bits_of_the_cpu(cuda, rng, shape, radius):
    found, expected = both(cuda, rng.normal(size=(*shape, 3)), radius, sigma=1)
    assert_array_equal(cuda.take(found.degree), expected.degree)


def test_degrees_round_as_on_the_cpu(cuda, rng):
    """Weights of 1 to 1e-12, in which float64 rounds each sum."""
    found, expected = both(cuda, 4 * rng.normal(size=(12, 40)), 4, sigma=1, spatial_sigma=np.inf)
    assert_array_equal(cuda.take(found.degree), expected.degree)


@pytest.mark.parametrize("n_channels", [1, 2, 6, 7, 8])
@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_any_number_of_channels(cuda, rng, n_channels, distance):
    """Values of up to 6 channels live in registers."""
    both(cuda, 3 * rng.normal(size=(6, 8, n_channels)), 2, sigma=rng.uniform(1, 4, n_channels), distance=distance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(cuda, rng, dtype):
    both(cuda, rng.integers(0, 100, (6, 9, 2)).astype(dtype), 2)


def test_a_gray_image_and_its_default_width(cuda, rng):
    both(cuda, rng.integers(0, 256, (40, 37), dtype=np.uint8))
    both(cuda, 20 + rng.normal(size=(40, 37)).astype(np.float32) * 1e-3, 4)


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_mask_and_contour(cuda, rng, distance):
    features, contour, mask = rng.normal(size=(9, 12, 2)), rng.random((9, 12)) ** 4, rng.random((9, 12)) > 0.2
    features[~mask], contour[~mask] = np.nan, np.inf
    options = {"sigma": 2, "contour_sigma": 0.3, "distance": distance}
    found, expected = both(cuda, features, 3.7, mask=mask, contour=contour, **options)
    assert_array_equal(cuda.take(found.mask), mask)
    assert_array_equal(cuda.take(found.degree), expected.degree)
    both(cuda, features, mask=mask)  # its width is that of the pixels inside
    both(cuda, np.nan_to_num(features), 3, contour=np.abs(np.nan_to_num(contour, posinf=0)))
    assert both(cuda, np.nan_to_num(features), mask=np.ones((9, 12), bool))[0].mask is None


def test_features_on_the_device(cuda, rng):
    image, depth, mask = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8), rng.random((8, 9)), rng.random((8, 9)) > 0.1
    more = rng.random((8, 9)) > 0.1
    options = {"channel_weights": {"d": 40, "xy": 0.5}}
    there = pixel_features(cuda.put(image), "RGBxyd", depth=cuda.put(depth), mask=cuda.put(mask), **options)
    here = pixel_features(image, "RGBxyd", depth=depth, mask=mask, **options)
    for sigma in (None, (30, 20, 30, 9, 12, 5)):
        found = pixel_affinity(there, 3, sigma=sigma, mask=cuda.put(more))
        expected = pixel_affinity(here, 3, sigma=sigma, mask=more)
        assert_array_equal(cuda.take(found.weights), expected.weights)
        assert_array_equal(cuda.take(found.mask), mask & more)
    positions = [pixel_features(put(image), "xy", mask=put(mask)) for put in (cuda.put, np.asarray)]
    found, expected = (pixel_affinity(one, 2, sigma=20) for one in positions)
    assert_array_equal(cuda.take(found.weights), expected.weights)


@pytest.mark.parametrize("view", [lambda a: a[::-1, ::2], lambda a: a.transpose(1, 0, 2)[1:], lambda a: a[:, ::-1]])
def test_strides(cuda, rng, view):
    image, more, mask = rng.random((9, 12, 3)), rng.random((9, 12, 1)), rng.random((9, 12, 1)) > 0.2
    here, there = (
        {"mask": view(one)[..., 0], "contour": view(other)[..., 0]}
        for one, other in ((mask, more), (cuda.put(mask), cuda.put(more)))
    )
    found, expected = pixel_affinity(view(cuda.put(image)), 2, **there), pixel_affinity(view(image), 2, **here)
    assert_array_equal(cuda.take(found.weights), expected.weights)
    vectors = cuda.take(found.matvec(view(cuda.put(more))[..., 0]))
    assert_allclose(vectors, expected.matvec(view(more)[..., 0]))
    labels = view(cuda.put(mask))[..., 0].astype(np.uint8)
    assert ncut(found, labels) == pytest.approx(ncut(expected, view(mask)[..., 0].astype(int)))


def test_values_and_widths_of_any_size(cuda):
    image = np.array([[0.0, 1.0, 3.0, 1e4]])
    for scale in (1e-30, 1e30):
        both(cuda, image * scale, 2, sigma=scale)
    both(cuda, np.array([[3e38, -3e38, 3e38]]), 1, sigma=1e-30)
    both(cuda, np.linspace(0, 9, 400)[None], 8, sigma=1, spatial_sigma=np.inf)  # weights around the faintest


# --- What is counted of the links ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (8, 128), (9, 130), (3, 261)])
@pytest.mark.parametrize("radius", [1, 1.5, 4, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_with_vectors(cuda, rng, shape, radius, dtype):
    """8 vectors at a time, then 4, then 1; tiles of 4 rows and 128 columns."""
    found, expected = both(cuda, rng.normal(size=(*shape, 1)), radius, sigma=1)
    matrix = expected.to_scipy().astype(np.float64)
    vectors = rng.normal(size=(22, *shape)).astype(dtype)
    product = cuda.take(found.matvec(cuda.put(vectors)))
    assert product.dtype == dtype
    exact = (matrix @ vectors.reshape(22, -1).T.astype(np.float64)).T.reshape(vectors.shape)
    bound = (matrix @ abs(vectors.reshape(22, -1).T.astype(np.float64))).T.reshape(vectors.shape)
    assert (abs(product - exact) <= 8 * np.finfo(dtype).eps * bound).all()
    for k in (0, 7, 8, 15, 16, 19, 20, 21):  # any number at once gives the same bits
        assert_array_equal(cuda.take(found.matvec(cuda.put(vectors[k]))), product[k])


def test_vectors_of_any_shape_and_dtype(cuda, rng):
    found, expected = both(cuda, rng.random((7, 5)), 2, sigma=0.3)
    vectors = rng.normal(size=(3, 7, 5))
    assert_array_equal(
        cuda.take(found.matvec(cuda.put(vectors[1].ravel()))), cuda.take(found.matvec(cuda.put(vectors[1]))).ravel()
    )
    whole = rng.integers(0, 9, (7, 5))
    for dtype in (np.uint8, np.int64):
        product = cuda.take(found.matvec(cuda.put(whole.astype(dtype))))
        assert product.dtype == (np.float32 if dtype == np.uint8 else np.float64)
        assert_allclose(product, expected.matvec(whole), rtol=1e-5)
    assert cuda.take(found.matvec(cuda.put(np.empty((0, 7, 5))))).shape == (0, 7, 5)


@pytest.mark.parametrize("shape", [(1, 1), (9, 70), (70, 9)])
@pytest.mark.parametrize("n_labels", [1, 2, 40])
def test_what_is_cut(cuda, rng, shape, n_labels):
    found, expected = both(cuda, rng.normal(size=shape), 2.5, sigma=1)
    for low in (0, -1):  # with and without nodes that are left out
        labels = np.sort(rng.integers(low, min(n_labels, found.degree.size), shape), axis=0)
        for dtype in (np.int64, np.uint8) if low == 0 else (np.int32,):
            there = cuda.put(labels.astype(dtype))
            assert_allclose(cuda.take(assoc(found, there)), assoc(expected, labels), rtol=1e-13)
            assert cut(found, there) == pytest.approx(cut(expected, labels), rel=1e-13)
            assert ncut(found, there) == pytest.approx(ncut(expected, labels), rel=1e-13)


def test_sums_over_labels_are_exact(cuda):
    """Of links of weight 1 and 1e-11 in one sum no bit is lost."""
    image = np.zeros((5, 33))
    image[:, 16:] = np.sqrt(2 * 25)
    found, expected = both(cuda, image, 1, sigma=1, spatial_sigma=np.inf)
    weight = float(expected.weights[0, 0, 15])
    assert 1e-11 < weight < 2e-11
    labels = np.zeros(image.shape, np.int32)
    labels[:, 16:] = 1
    assert cut(found, cuda.put(labels)) == 5 * weight
    links = 2 * (5 * 31 + 4 * 33)
    assert cuda.take(assoc(found, cuda.put(labels * 0)))[0] == links + 10 * weight


def test_as_scipy_takes_it(cuda, rng):
    for shape, radius in (((6, 8), 2), ((1, 1), 3), ((9, 40), 5)):
        found, expected = both(
            cuda, rng.normal(size=shape), radius, sigma=0.2, mask=rng.random(shape) > 0.1 * len(shape)
        )
        one, other = found.to_scipy(), expected.to_scipy()
        assert one.has_canonical_format
        for name in ("data", "indices", "indptr"):
            assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).dtype == getattr(other, name).dtype


def test_every_order_of_threads_gives_the_same(emulated_order, rng):
    image, labels = rng.random((9, 40, 3)), rng.integers(-1, 3, (9, 40)).astype(np.int32)
    found, expected = both(emulated_order, image, 3)
    assert_allclose(emulated_order.take(assoc(found, emulated_order.put(labels))), assoc(expected, labels), rtol=1e-13)
    assert_array_equal(found.to_scipy().indices, expected.to_scipy().indices)
    vectors = rng.random((5, 9, 40))
    assert_allclose(emulated_order.take(found.matvec(emulated_order.put(vectors))), expected.matvec(vectors))


def test_offsets_side_by_side_are_one_run(emulated):
    offsets = np.array([[0, 1], [0, 2], [1, 3], [1, 5], [1, 6], [2, 7]])
    sizes, runs, n_runs = _stencil.runs(offsets, (4, 9), 64)
    assert runs.get().tolist() == [[0, 1, 2, 0], [1, 3, 3, 2], [1, 5, 6, 3], [2, 7, 7, 5]]
    assert n_runs == 4
    assert sizes.get().tolist() == [4, 9, 2, 8, 64, 6]


def test_vectors_are_shared_out_once():
    shares = list(_stencil.shares(np.empty((22, 1), np.float32), 5))
    assert [(first, grid) for first, grid, _ in shares] == [(0, (5, 2)), (16, (5, 1)), (20, (5, 2))]
    assert [options for *_, options in shares] == [_stencil.product_constants(np.dtype("f4"), n) for n in (8, 4, 1)]


def test_margins_of_vectors_stay_zero(cuda, rng):
    found, _ = both(cuda, rng.random((5, 6)), 3)
    padded = on_cuda.pad(cuda.put(rng.random((2, 5, 6))), found.offsets)
    product = on_cuda.product(found.stored, found.offsets, padded)
    inside = cuda.take(on_cuda.unpad(product, found.offsets, found.shape))
    assert np.count_nonzero(cuda.take(product)) == np.count_nonzero(inside) == 60


def test_the_host_waits_only_to_check(emulated, rng):
    """For values that are finite, and a pixel whose value is subtracted from the others of its channel."""
    image = emulated.put(rng.random((20, 30, 3)).astype(np.float32))
    emulated.cupy.transfers = 0
    found = pixel_affinity(image, 3, sigma=1)
    assert emulated.cupy.transfers <= 9
    emulated.cupy.transfers = 0
    found.matvec(emulated.put(rng.random((4, 20, 30))))
    found.degree  # noqa: B018 - computed at first use
    assert emulated.cupy.transfers == 0


def test_the_input_is_left_alone(cuda, rng):
    arrays = rng.random((6, 9, 3)), rng.random((6, 9)), rng.random((6, 9)) > 0.2
    there = [cuda.put(array) for array in arrays]
    found = pixel_affinity(there[0], 3, contour=there[1], mask=there[2])
    vectors = cuda.put(arrays[1])
    found.matvec(vectors)
    for array, copy in zip((*there, vectors), (*arrays, arrays[1])):
        assert_array_equal(cuda.take(array), copy)


def test_what_lies_apart_is_refused(cuda):
    image, mask, contour = np.zeros((5, 6)), np.ones((5, 6), bool), np.zeros((5, 6))
    for put in ((cuda.put, np.asarray), (np.asarray, cuda.put)):
        with pytest.raises(TypeError, match=r"^mask must lie where features does, "):
            pixel_affinity(put[0](image), mask=put[1](mask))
        with pytest.raises(TypeError, match=r"^contour must lie where features does, "):
            pixel_affinity(put[0](image), contour=put[1](contour))
        affinity = pixel_affinity(put[0](image), 2)
        with pytest.raises(TypeError, match=r"^vectors must lie where affinity does, "):
            affinity.matvec(put[1](image))
        with pytest.raises(TypeError, match=r"^labels must lie where affinity does, "):
            cut(affinity, put[1](mask))


def test_nan_is_refused_on_the_device(cuda):
    with pytest.raises(ValueError, match=r"^features must be finite, got 1 NaN or infinite values; mark such pixels"):
        pixel_affinity(cuda.put(np.array([[1.0, np.nan]])))


def test_images_too_large_are_refused():
    class Labels:
        size = 2**28 + 1

    with pytest.raises(ValueError, match=r"at most 2\*\*28 pixels, got 268435457; cut tiles"):
        on_cuda.links_of_labels(None, None, Labels(), 2)


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (contour or scipy or cut or (products and float32 and 5 and shape3))"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
