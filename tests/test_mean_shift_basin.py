"""Basins of attraction, paths that meet, blocks of samples, and the memory that mean shift of features takes."""

import math
import tracemalloc

import naive_mean_shift_features as naive
import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import mean_shift, pixel_features
from classicseg._kernels.cpu import mean_shift as kernel
from classicseg._kernels.cpu import mean_shift_climb, mean_shift_tree
from classicseg._kernels.cpu.mean_shift_tree import LEAF
from classicseg.cluster import _bandwidth, _columns

SLOW = bool(numba.config.DISABLE_JIT)  # then a window takes milliseconds
KERNELS = ("flat", "epanechnikov", "gaussian")


def heaps(rng, n, n_features):
    """Integer samples in heaps that touch: sums are exact, so paths of the flat kernel must agree bit for bit."""
    middles = rng.integers(0, 30, (6, n_features))
    return (middles[rng.integers(0, 6, n)] + rng.integers(-9, 10, (n, n_features))).astype(np.float32)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_features", [1, 2, 3, 5])
@pytest.mark.parametrize("seeds", ["bins", "samples"])
def test_basins_equal_the_slow_twin(rng, kernel, n_features, seeds):
    samples = heaps(rng, 40 if SLOW else 300, n_features)
    starts = naive.cells(samples, 8) if seeds == "bins" else np.unique(samples, axis=0)
    found = mean_shift(samples, 8, kernel=kernel, seeds=seeds, assign="basin")
    labels, modes, densities = naive.mean_shift(samples, 8, starts, kernel, assign="basin")
    assert_allclose(found.modes, modes, rtol=1e-10, atol=1e-10)
    assert_allclose(found.densities, densities, rtol=1e-10)
    assert_array_equal(found.labels, labels)


def test_basins_of_a_photograph_like_cloud_are_not_the_nearest_modes(rng):
    samples = heaps(rng, 2 * LEAF + 1, 2)
    basin, nearest = mean_shift(samples, 8, assign="basin"), mean_shift(samples, 8)
    assert_array_equal(basin.modes, nearest.modes)
    assert 0 < (basin.labels != nearest.labels).mean() < 0.5


def test_a_wide_heap_keeps_its_flank():
    """Samples at 5 climb the slope to 0, though a small heap at 8.5 is nearer."""
    samples = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 8.5], [90, 70, 50, 30, 20, 10, 40])[:, None]
    basin, nearest = mean_shift(samples, 2.5, assign="basin"), mean_shift(samples, 2.5)
    assert_array_equal(basin.modes, nearest.modes)
    mode = basin.modes.ravel()
    assert mode[1] == 8.5
    assert 5 - mode[0] > 8.5 - 5
    assert (basin.labels[samples[:, 0] == 5] == 0).all()
    assert (nearest.labels[samples[:, 0] == 5] == 1).all()
    assert_array_equal(basin.predict(samples), nearest.labels)


def test_orphans_are_those_whose_paths_end_beyond():
    samples = np.array([0.0, 0.0, 0.0, 1.5, 3.0, 10.0, 10.0])[:, None]
    options = {"seeds": [[0.0]], "cluster_all": False}
    near, basin = mean_shift(samples, 2, **options), mean_shift(samples, 2, assign="basin", **options)
    assert near.modes.tolist() == basin.modes.tolist() == [[0.375]]
    assert near.labels.tolist() == [0, 0, 0, 0, -1, -1, -1]
    # The path of 3 ends at 2.25, between it and 1.5: within 2 of the mode.
    assert basin.labels.tolist() == [0, 0, 0, 0, 0, -1, -1]
    everyone = mean_shift(samples, 2, seeds=[[0.0]], assign="basin")
    assert everyone.labels.tolist() == [0] * 7


@pytest.mark.parametrize("most", [1, 2, 3, 4, 6, 9, 14])
def test_paths_that_meet_keep_their_own_number_of_steps(rng, most):
    """One that joins another has the steps left that are its own, so it may have to stop before the other's end."""
    samples = heaps(rng, 60 if SLOW else 700, 2)
    found = mean_shift(samples, 4, seeds="samples", assign="basin", max_num_iter=most)
    distinct = np.unique(samples, axis=0)
    paths = [naive.climb(samples.astype(np.float64), sample, 4, "flat", 4e-3, most) for sample in distinct]
    assert found.n_iter == max(abs(steps) for _, _, steps in paths)
    assert found.converged == all(steps > 0 for _, _, steps in paths)
    labels, modes, densities = naive.mean_shift(samples, 4, distinct, most=most, assign="basin")
    assert_array_equal(found.modes, modes)
    assert_array_equal(found.densities, densities)
    assert_array_equal(found.labels, labels)


def test_a_table_of_one_row_changes_nothing(rng, monkeypatch):
    """Points that meet in a row of the table are told apart."""
    samples = rng.normal(0, 9, (40 if SLOW else 400, 3)).astype(np.float32)
    expected = mean_shift(samples, 7, assign="basin")
    width = mean_shift_climb.empty_table(3).shape[1]
    for rows in (1, 2, 7):
        monkeypatch.setattr(mean_shift_climb, "TABLE", rows * width)
        found = mean_shift(samples, 7, assign="basin")
        assert found.modes.tobytes() == expected.modes.tobytes()
        assert found.densities.tobytes() == expected.densities.tobytes()
        assert_array_equal(found.labels, expected.labels)
        assert found.n_iter == expected.n_iter


@pytest.mark.parametrize("seeds", ["bins", "samples"])
def test_steps_of_the_samples_count(seeds):
    samples = np.arange(60.0)[:, None] ** 1.02
    one = mean_shift(samples, 5, seeds=[[30.0]])
    found = mean_shift(samples, 5, seeds=[[30.0]], assign="basin")
    assert found.n_iter > one.n_iter
    assert found.converged
    stopped = mean_shift(samples, 5, seeds=[[30.0]], assign="basin", max_num_iter=one.n_iter)
    assert one.converged
    assert not stopped.converged
    every = mean_shift(samples, 5, seeds=seeds, assign="basin")
    assert every.n_iter >= found.n_iter


@pytest.mark.parametrize("kernel", KERNELS)
def test_basins_are_the_same_bits_for_any_number_of_threads(rng, kernel):
    samples = rng.normal(0, 9, (LEAF if SLOW else 1500, 3))
    one = mean_shift(samples, 12, kernel=kernel, assign="basin", n_threads=1)
    for n_threads in (2, 3):
        more = mean_shift(samples, 12, kernel=kernel, assign="basin", n_threads=n_threads)
        assert_array_equal(one.labels, more.labels)
        assert one.modes.tobytes() == more.modes.tobytes()
        assert one.n_iter == more.n_iter


def test_basins_inside_a_mask(rng):
    n_rows = 4 if SLOW else 20
    image = heaps(rng, n_rows * 30, 3).reshape(n_rows, 30, 3)
    mask = rng.random((n_rows, 30)) < 0.6
    found = mean_shift(image, 9, mask=mask, assign="basin")
    assert_array_equal(found.labels == -1, ~mask)
    assert_array_equal(found.labels[mask], mean_shift(image[mask], 9, assign="basin").labels)


@pytest.mark.parametrize(("assign", "error"), [("basins", ValueError), (None, ValueError)])
def test_bad_assign(assign, error):
    with pytest.raises(error, match="assign must be one of 'nearest', 'basin'"):
        mean_shift(np.zeros((4, 3)), 1, assign=assign)


@pytest.mark.skipif(SLOW, reason="a megapixel takes minutes without the JIT")
@pytest.mark.parametrize("kind", ["uint8", "float32", "masked", "RGBxy"])
def test_memory_of_a_megapixel(rng, kind):
    """4 bytes per feature and pixel, and 12 more, for distinct samples; buffers of fixed size come on top."""
    image = rng.integers(0, 256, (1000, 1000, 3), np.uint8)
    mask = None
    if kind in ("float32", "masked"):
        image = image + rng.random(image.shape, np.float32)
    if kind == "masked":
        mask = np.ones(image.shape[:2], bool)
        mask[::9] = False
    features = pixel_features(image, "RGBxy") if kind == "RGBxy" else image
    mean_shift(image[:8], 99.0)  # compiled
    tracemalloc.start()
    labels = mean_shift(features, 99.0, mask=mask, max_num_iter=2, n_threads=2).labels
    peak = tracemalloc.get_traced_memory()[1] - labels.nbytes
    tracemalloc.stop()
    assert peak / math.prod(labels.shape) < (30 if kind != "RGBxy" else 38)


@pytest.mark.parametrize("kind", ["uint8", "float64", "masked", "RGBxy"])
def test_blocks_mean_nothing(rng, monkeypatch, kind):
    """Samples are read, sorted, put under the tree and labelled block by block."""
    image = rng.integers(0, 60, (9, 13, 3) if SLOW else (23, 31, 3), np.uint8)
    mask = rng.random(image.shape[:2]) < 0.5 if kind == "masked" else None
    if mask is not None:
        mask[: len(mask) // 3] = False  # a whole block of it
    if kind == "float64":
        image = image + rng.random(image.shape) + 1e6
    features = pixel_features(image, "RGBxy") if kind == "RGBxy" else image
    others = features if kind == "RGBxy" else features[::-1]
    expected = mean_shift(features, mask=mask)
    predicted = expected.predict(others, mask=mask)
    monkeypatch.setattr(_columns, "BLOCK", 25)
    monkeypatch.setattr(_bandwidth, "CHUNK", 1)
    monkeypatch.setattr(mean_shift_tree, "BLOCK", 1)
    monkeypatch.setattr(mean_shift_tree, "PLACES", LEAF)
    monkeypatch.setattr(kernel, "LEAVES", 2)
    found = mean_shift(features, mask=mask)
    assert found.bandwidth == expected.bandwidth
    assert found.modes.tobytes() == expected.modes.tobytes()
    assert_array_equal(found.labels, expected.labels)
    assert_array_equal(found.predict(others, mask=mask), predicted)


def test_too_many_samples(monkeypatch):
    monkeypatch.setattr(_columns, "MOST", 12)
    assert mean_shift(np.zeros((11, 1)), 1).modes.tolist() == [[0.0]]
    with pytest.raises(ValueError, match=r"features must have fewer than 2\*\*31 samples, got 12; take every second"):
        mean_shift(np.zeros((12, 1)), 1)


def test_auto_looks_at_evenly_spaced_samples_inside_the_mask(rng):
    image = rng.normal(0, 9, (70, 60, 2)).astype(np.float32)
    mask = rng.random((70, 60)) < 0.6  # 2520 of them, so every third is looked at
    options = {"seeds": [[0.0, 0.0]], "max_num_iter": 1}
    assert mean_shift(image, mask=mask, **options).bandwidth == mean_shift(image[mask], **options).bandwidth
