"""Images with planted ties for k-means, and what must hold of every result."""

import numpy as np
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

KINDS = (np.uint8, np.uint16, np.float32, np.float64)
# A row of samples, and rasters around 16 × 16: one less, one more, and several with a rest.
SHAPES = [(1, 1), (1, 2), (1, 255), (1, 256), (1, 257), (15, 17), (16, 16), (17, 16), (33, 31), (70, 5), (3, 1000)]
seeds = st.integers(0, 2**32 - 1)
counts = st.sampled_from((1, 3, 5))  # of features: kernels are compiled for each


def planted(rng, shape, n_features, n_clusters, dtype):
    """Return an image and centers among its samples; half the samples lie midway between two of the centers.

    All values are whole multiples of a power of two, and midpoints too, so that distances tie exactly.
    """
    top = {np.uint8: 127, np.uint16: 32_000}.get(dtype, 500)
    unit = 1.0 if np.issubdtype(dtype, np.integer) else 0.25
    samples = 2 * rng.integers(0, top, (shape[0] * shape[1], n_features)).astype(np.float64)
    centers = samples[rng.integers(0, len(samples), n_clusters)]
    ties = rng.random(len(samples)) < 0.5
    pairs = centers[rng.integers(0, n_clusters, (2, int(ties.sum())))]
    samples[ties] = pairs.mean(axis=0)
    return (samples * unit).astype(dtype).reshape(*shape, n_features), centers * unit


def squared(samples, centers):
    """Squared distances (n, K) in float64, features added in order."""
    total = np.zeros((len(samples), len(centers)))
    for f in range(samples.shape[1]):
        total += (samples[:, f, None].astype(np.float64) - centers[None, :, f]) ** 2
    return total


def assert_same(one, other):
    """Every bit of two results is the same."""
    assert_array_equal(one.labels, other.labels)
    assert one.centers.tobytes() == other.centers.tobytes()
    assert one.inertia == other.inertia
    assert (one.n_iter, one.converged) == (other.n_iter, other.converged)


def assert_nearest(samples, found, weights=1.0, rtol=1e-6):
    """Labels are nearest up to ties, and the inertia is that of labels and centers."""
    distance = squared(samples, found.centers)
    chosen = np.take_along_axis(distance, found.labels.reshape(-1, 1), axis=1)[:, 0]
    # A squared distance moves by 2 · distance · rounding of a sample, which is that of its range in float32.
    rounding = float(np.ptp(samples.astype(np.float64), axis=0).max(initial=0)) * 2.0**-22
    slack = rounding * (2 * np.sqrt(distance.min(axis=1)) + rounding) * samples.shape[1]
    assert (chosen <= distance.min(axis=1) * (1 + rtol) + slack).all()
    assert_allclose(found.inertia, (chosen * weights).sum(), rtol=1e-5, atol=(slack * weights).sum())


def assert_means(samples, labels, found, before, rtol=1e-6):
    """Centers are the means of the labels that the centers `before` gave; an empty cluster keeps its center."""
    for k, center in enumerate(found.centers):
        own = samples[labels.ravel() == k].astype(np.float64)
        expected = own.mean(axis=0) if len(own) else before[k]
        assert_allclose(center, expected, rtol=0, atol=rtol * max(np.abs(samples).max(), 1e-300))
