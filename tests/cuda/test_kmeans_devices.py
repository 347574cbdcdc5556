"""The k-means kernels against the definition: bit-equal labels, centers and stop, on every device."""

import subprocess
import sys

import numpy as np
import oracle
import pytest
from problems import photograph, problem


def check(device, given, n_steps=4, tol=0.0):
    """Run `n_steps` on the device beside the definition; compare every bit but those of the inertia."""
    kernels = device.kernels
    state = kernels.start(given.samples, given.centers)
    centers, moved, n_iter = given.centers, np.inf, 0
    assert_finish(device, state, given.host, centers)
    for _ in range(n_steps):
        kernels.lloyd_step(state, tol)
        if moved > tol:
            centers, moved = oracle.lloyd_step(given.host, centers)
            n_iter += 1
        assert kernels.progress(state) == (n_iter, moved)
    assert_finish(device, state, given.host, centers)
    return n_iter


def assert_finish(device, state, host, centers):
    labels, found, inertia = device.kernels.finish(state)
    expected, expected_inertia = oracle.finish(host, centers)
    assert np.array_equal(found, centers)
    labels = device.take(labels)
    assert labels.dtype == np.int32
    assert np.array_equal(labels, expected)
    assert inertia == pytest.approx(expected_inertia, rel=1e-10, abs=1e-300)


def rgbxy(device, **options):
    """The everyday case: an RGB image with positions that weigh less than colours."""
    return problem(device, photograph((37, 41)), 16, x=True, y=True, gain=[1, 1, 1, 0.75, 0.75], **options)


def test_rgbxy(device):
    assert check(device, rgbxy(device)) == 4


def test_every_order_of_threads_gives_the_same(emulated_order):
    check(emulated_order, rgbxy(emulated_order), n_steps=2)


@pytest.mark.parametrize("n_clusters", [1, 2, 17])
def test_numbers_of_clusters(device, n_clusters):
    check(device, problem(device, photograph((29, 33)), n_clusters))


@pytest.mark.parametrize(("n_planes", "n_clusters"), [(3, 255), (3, 256), (20, 300)])
def test_more_clusters_than_a_byte_counts_and_than_shared_memory_holds(device, n_planes, n_clusters):
    check(device, problem(device, photograph((29, 33), n_planes), n_clusters), n_steps=2)


@pytest.mark.parametrize(
    ("dtype", "n_planes", "weighted"),
    [
        (np.uint8, 1, True),
        (np.uint16, 1, False),
        (np.uint16, 2, True),
        (np.float32, 1, False),
        (np.float32, 5, True),
        (np.float64, 3, False),
    ],
)
def test_dtypes_masks_and_weights(device, rng, dtype, n_planes, weighted):
    shape = (31, 45)
    image = photograph(shape, n_planes, dtype)
    mask = rng.random(shape) < 0.8
    if image.dtype.kind == "f":
        image[~mask] = np.nan  # what lies outside the mask is never read
    weight = np.round(rng.uniform(0, 3, shape), 2) if weighted else None
    gain = rng.uniform(0.2, 2, n_planes + 2)
    check(device, problem(device, image, 5, x=True, y=True, gain=gain, mask=mask, weight=weight))


@pytest.mark.parametrize("n_planes", [7, 17, 64])
def test_many_features(device, rng, n_planes):
    check(device, problem(device, photograph((17, 19), n_planes), 3, gain=rng.uniform(0.5, 2, n_planes)), n_steps=2)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 255), (1, 256), (1, 257), (2, 512), (3, 341), (1, 1025), (700, 3), (41, 50)]
)
def test_sizes_around_the_borders_of_blocks(device, shape):
    rng = np.random.default_rng(shape)
    check(device, problem(device, rng.integers(0, 256, (*shape, 1), np.uint8), 4, x=True, y=True), n_steps=2)


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[::-1, ::2],
        lambda image: image.transpose(1, 0, 2)[3:],
        lambda image: image[5:6, :, ::-1],
        lambda image: image[:, ::-3],
    ],
)
def test_planes_of_any_strides(device, view):
    check(device, problem(device, photograph((37, 41)), 6, view=view), n_steps=2)


def test_masks_and_weights_of_any_strides(device, rng):
    given = problem(device, photograph((23, 31)), 4)
    mask, weight = rng.random((31, 46)) < 0.7, rng.integers(1, 4, (23, 62)).astype(np.float64)
    scale = np.full(4, 2.0**30)
    there = given.samples._replace(mask=device.put(mask)[:, ::2].T, weight=device.put(weight)[:, ::-2], sum_scale=scale)
    host = given.host._replace(mask=mask[:, ::2].T, weight=weight[:, ::-2], sum_scale=scale)
    check(device, given._replace(samples=there, host=host), n_steps=2)


def test_a_stride_that_means_nothing_may_be_of_any_size(emulated):
    """An axis of length 1 may have any stride; kernels count in 32 bits."""
    row = photograph((1, 300), 1)[..., 0]
    strided = type(emulated.put(row))(np.lib.stride_tricks.as_strided(row, strides=(2**40, 1)))
    given = problem(emulated, row[..., None], 3)
    check(emulated, given._replace(samples=given.samples._replace(planes=(strided,))), n_steps=2)


def test_planes_that_lie_apart(device):
    planes = [photograph((23, 31), 1, seed=seed)[..., 0] for seed in range(3)]
    given = problem(device, np.stack(planes, axis=-1), 6)
    check(device, given._replace(samples=given.samples._replace(planes=tuple(map(device.put, planes)))), n_steps=2)


@pytest.mark.parametrize("repeats", [1, 12])
def test_planes_of_different_dtypes(device, repeats):
    """Colours in bytes beside a depth in metres and counts of 16 bits: each plane has its own kind."""
    shape = (23, 31)
    kinds = [np.uint8, np.float32, np.uint16] * repeats + [np.float64]
    single = [problem(device, photograph(shape, 1, kind, seed), 1) for seed, kind in enumerate(kinds)]
    gain = np.array([1.0, 90.0, 1 / 256] * repeats + [60.0, 2.0, 2.0])

    def joined(parts):
        first = parts[0]._replace(planes=tuple(part.planes[0] for part in parts), x=True, y=True, gain=gain)
        offset, exponent = (np.concatenate([getattr(part, name) for part in parts]) for name in ("offset", "exponent"))
        scale = np.concatenate([*(part.sum_scale[:1] for part in parts), np.ones(3)])
        return first._replace(offset=offset, exponent=exponent, sum_scale=scale)

    host = joined([one.host for one in single])
    centers = oracle.values(host).reshape(-1, len(gain))[::97]
    check(device, single[0]._replace(samples=joined([one.samples for one in single]), host=host, centers=centers))


def test_a_cluster_without_samples_keeps_its_center(device):
    centers = np.array([[10.0, 20, 30], [1e6, 0, 0], [200, 210, 220], [-1e30, 0, 0]])
    given = problem(device, photograph((21, 33)), 4, centers=centers)
    check(device, given)
    state = device.kernels.start(given.samples, given.centers)
    device.kernels.lloyd_step(state, 0.0)
    found = device.kernels.finish(state)[1]
    assert np.array_equal(found[[1, 3]], centers[[1, 3]])
    assert not np.array_equal(found[[0, 2]], centers[[0, 2]])


@pytest.mark.parametrize("size", [1e15, 1e18, 8e18, 1.6e19, 3e19, 1e20, 1e22, 1e30, 1e150])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_centers_that_are_all_far_away(device, dtype, size):
    """Scores overflow before the bound on their error does; the nearest is the second, whose label is not 0."""
    centers = np.array([[1.1, 1.1, -1.1], [1, 1, -1], [1.1, -1.1, 1.1]]) * size
    given = problem(device, photograph((9, 31), 3, dtype), 3, centers=centers)
    assert_finish(device, device.kernels.start(given.samples, centers), given.host, centers)
    assert set(np.unique(oracle.finish(given.host, centers)[0])) == {1}


@pytest.mark.parametrize("size", [1e18, 1.5e19, 1e20, 1e30])
def test_centers_of_which_some_are_far_away(device, size):
    centers = np.array([[size, 0, 0], [90, 100, 110], [0, -size, size], [140, 150, 160]])
    given = problem(device, photograph((9, 31)), 4, centers=centers)
    assert_finish(device, device.kernels.start(given.samples, centers), given.host, centers)
    assert set(np.unique(oracle.finish(given.host, centers)[0])) == {1, 3}


def test_gains_whose_squares_overflow(device):
    given = problem(device, photograph((9, 31)), 4, gain=[1e25, 1e21, 1e15])
    assert_finish(device, device.kernels.start(given.samples, given.centers), given.host, given.centers)


def test_equal_centers_leave_all_to_the_first(device):
    centers = np.repeat([[90.0, 90, 90], [160, 160, 160]], 3, axis=0)
    given = problem(device, photograph((21, 33)), 6, centers=centers)
    check(device, given)
    labels = device.take(device.kernels.finish(device.kernels.start(given.samples, centers))[0])
    assert set(np.unique(labels)) == {0, 3}


@pytest.mark.parametrize("shift", [0.0, 1e-13, -1e-13, 1e-9, -1e-9, 1e-6, -1e-6])
def test_samples_between_two_centers_are_decided_in_float64(device, shift):
    """Half of all samples lie within `shift` of the plane between two centers, where float32 cannot tell."""
    rng = np.random.default_rng(5)
    image = rng.integers(0, 256, (24, 40, 3), np.uint8)
    image[:, ::2, 0] = 100
    centers = np.array([[130.0, 40, 200], [70, 40, 200], [100, 250, 250]])
    centers[1, 0] += shift
    check(device, problem(device, image, 3, centers=centers, gain=[1.1, 0.9, 1.3]), n_steps=1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_many_near_ties(device, dtype):
    """Centers in pairs that mirror each other in a sample, moved by less than the rounding of float32."""
    rng = np.random.default_rng(11)
    given = problem(device, photograph((16, 48), 3, dtype), 1)
    v = oracle.values(given.host).reshape(-1, 3)
    middle = v[rng.choice(len(v), 40, replace=False)]
    away = rng.normal(0, 0.02 * v.std(), (40, 3))
    noise = rng.normal(0, 1, (40, 3)) * np.abs(v).max() * 2.0 ** rng.integers(-50, -22, (40, 1))
    centers = np.concatenate([middle + away, middle - away + noise])
    distance = np.sort(oracle.squared_distances(given.host, centers), axis=-1)
    assert ((distance[..., 1] - distance[..., 0]) < 1e-3 * distance[..., 0]).sum() >= 30
    check(device, given._replace(centers=centers), n_steps=2)


def test_the_bound_on_rounding_holds_where_it_is_tightest(cuda):
    """One pixel between two centers, many times: near and far, and closer to the middle than float32 can tell."""
    rng = np.random.default_rng(7)
    given = []
    for _ in range(2000):
        image = rng.integers(0, 256, (1, 1, 3), np.uint8)
        sample = rng.normal(size=3) * 10 ** rng.uniform(-3, 2)
        middle = image[0, 0] - sample
        normal = rng.normal(size=3)
        normal -= sample * (normal @ sample) / (sample @ sample)  # the pixel lies in the plane between the centers
        reach = 10 ** rng.uniform(-4, 2.4)
        away = normal / np.linalg.norm(normal) * reach
        shift = rng.normal(size=3) * 2.0**-24 * 10 ** rng.uniform(-2, 0.5) * (reach + np.linalg.norm(sample))
        given.append(problem(cuda, image, 2, centers=np.stack([middle + away + shift, middle - away])))
    state = cuda.kernels.start_batch([one.samples for one in given], np.stack([one.centers for one in given]))
    labels = cuda.take(cuda.kernels.finish(state)[0]).ravel()
    expected = np.array([oracle.finish(one.host, one.centers)[0].item() for one in given])
    assert 700 < expected.sum() < 1300
    assert np.array_equal(labels, expected)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_floats_of_any_size(device, scale):
    image = (photograph((21, 33), 2, np.float64) * scale).astype(np.float32)
    check(device, problem(device, image, 4))


def test_small_counts_beside_large_ones_are_summed_exactly(device):
    """Counts are kept as differences from the middle of all centers, and come back whole."""
    rng = np.random.default_rng(8)
    image = np.where(
        rng.random((20, 31, 1)) < 0.5, rng.integers(0, 60, (20, 31, 1)), rng.integers(6e4, 65536, (20, 31, 1))
    )
    check(device, problem(device, image.astype(np.uint16), 3, centers=[[20.3], [40.7], [61234.56]]))


def test_a_gain_of_zero_and_one_that_float32_cannot_hold(device):
    check(device, problem(device, photograph((21, 33)), 4, gain=[1.0, 0.0, 1e-25]))


def test_steps_after_the_stop_change_nothing(device):
    given = problem(device, photograph((29, 33)), 5)
    done = check(device, given, n_steps=12, tol=6.0)
    assert 1 < done < 12


def test_steps_after_the_stop_do_nothing(cuda):
    """They would cost as much as the others, though what they change is not looked at."""
    given = problem(cuda, photograph((29, 33)), 5)
    state = cuda.kernels.start(given.samples, given.centers)
    for _ in range(12):
        cuda.kernels.lloyd_step(state, 6.0)
    before = [cuda.take(array).copy() for array in (state.labels, state.sums)]
    assert not np.array_equal(before[0], cuda.take(cuda.kernels.finish(state)[0])[None])  # there would be work
    cuda.kernels.lloyd_step(state, 6.0)
    assert np.array_equal(cuda.take(state.labels), before[0])
    assert np.array_equal(cuda.take(state.sums), before[1])


def test_a_start_is_not_changed_by_the_run(device):
    given = rgbxy(device)
    before, centers = device.take(given.samples.planes[0]).copy(), given.centers.copy()
    check(device, given, n_steps=2)
    assert np.array_equal(device.take(given.samples.planes[0]), before)
    assert np.array_equal(given.centers, centers)


def test_samples_without_planes(emulated):
    """Positions alone: the kernels take it, though no image names a device then."""
    given = problem(emulated, np.zeros((20, 30, 0), np.uint8), 4, x=True, y=True)
    check(emulated, given, n_steps=2)


@pytest.mark.parametrize("tol", [0.0, 3.0])
def test_a_batch_gives_what_its_frames_give(cuda, tol):
    """Frames with masks of their own or none, ranges of their own, and different steps to the stop."""
    rng = np.random.default_rng(2)
    shape, given = (26, 30), []
    for seed, spread in enumerate([1.0, 40.0, 0.1]):
        image = photograph(shape, 1, np.float32, seed) * np.float32(spread)
        mask = rng.random(shape) < 0.7 if seed else None
        given.append(problem(cuda, image, 5, x=True, y=True, gain=[60, 1, 1], mask=mask, seed=seed))
    kernels = cuda.kernels
    state = kernels.start_batch([one.samples for one in given], np.stack([one.centers for one in given]))
    for _ in range(10):
        kernels.lloyd_step(state, tol)
    labels, centers, inertia = kernels.finish(state)
    n_iter, moved = kernels.progress(state)
    for b, one in enumerate(given):
        single = kernels.start(one.samples, one.centers)
        for _ in range(10):
            kernels.lloyd_step(single, tol)
        assert kernels.progress(single) == (n_iter[b], moved[b])
        found = kernels.finish(single)
        assert np.array_equal(cuda.take(labels[b]), cuda.take(found[0]))
        assert np.array_equal(centers[b], found[1])
        assert inertia[b] == found[2]
        assert np.array_equal(cuda.take(labels[b]), oracle.finish(one.host, centers[b])[0])
    assert tol == 0 or len(set(n_iter)) > 1


def test_frames_of_different_kinds_are_no_batch(cuda):
    small, large = (problem(cuda, photograph(shape), 2) for shape in ((8, 9), (8, 10)))
    with pytest.raises(ValueError, match="frames of a batch must have one shape"):
        cuda.kernels.start_batch([small.samples, large.samples], np.stack([small.centers, large.centers]))


@pytest.mark.parametrize(
    ("shape", "complaint"), [((2**15, 2**15 + 1), r"at most 2\*\*30 pixels"), ((1, 2**24 + 1), r"at most 2\*\*24 rows")]
)
def test_images_too_large_for_the_kernels_are_refused(cuda, shape, complaint):
    given = problem(cuda, photograph((8, 9)), 2, x=True)
    with pytest.raises(ValueError, match=complaint):
        cuda.kernels.start(given.samples._replace(shape=shape), given.centers)


def test_the_host_asks_for_progress_and_for_the_result_only(emulated):
    given = rgbxy(emulated)
    state = emulated.kernels.start(given.samples, given.centers)
    emulated.cupy.transfers = 0
    for _ in range(emulated.kernels.CHECK_EVERY):
        emulated.kernels.lloyd_step(state, 0.0)
    assert emulated.cupy.transfers == 0
    emulated.kernels.progress(state)
    assert emulated.cupy.transfers == 1
    emulated.kernels.finish(state)
    assert emulated.cupy.transfers == 3  # centers and partial inertias; labels stay


def test_text_is_compiled_once_per_set_of_constants(emulated, monkeypatch):
    compiled = []
    raw_module = emulated.cupy.RawModule
    monkeypatch.setattr(emulated.cupy, "RawModule", lambda **given: compiled.append(given) or raw_module(**given))
    for n_clusters in (3, 4, 3):
        given = problem(emulated, photograph((8, 9)), n_clusters)
        emulated.kernels.start(given.samples, given.centers)
    assert len(compiled) == 1
    emulated.kernels.start(given.samples._replace(x=True, gain=np.ones(4), sum_scale=np.ones(5)), np.ones((3, 4)))
    assert len(compiled) == 2


def test_no_access_out_of_bounds(build_folder, sanitizer):
    """The same tests in a process whose kernels are built with AddressSanitizer."""
    chosen = "cuda-emulated and (borders or strides or float32-5 or shared_memory or batch)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, __file__]
    own = {"CLASSICSEG_SANITIZE": "1", "CLASSICSEG_CUDA_BUILD": str(build_folder)}
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer | own)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
