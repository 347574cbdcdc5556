"""k-means, one Lloyd step: assign every sample to its nearest center, and sum samples by center."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks

BLOCK = 1024  # samples whose distances stay in the first-level cache
PARTS = 64  # partial sums; fixed, so that float sums do not depend on the thread count


def lloyd_step(features, centers, weights, labels, n_threads=None):
    """Assign all samples, then return per center ``sums`` (K, F), ``mass`` (K,) and the inertia, in float64.

    `features` (N, F) float32, `centers` (K, F) float64, `weights` (N,) float64 or empty for one each; writes
    `labels` (N,) int32. A tie goes to the lower index.
    """
    n_samples, n_features = features.shape
    n_clusters = centers.shape[0]
    centers = centers.astype(np.float32)
    sums = np.zeros((PARTS, n_clusters, n_features))
    mass = np.zeros((PARTS, n_clusters))
    inertia = np.zeros(PARTS)

    def part(p):
        start, stop = p * n_samples // PARTS, (p + 1) * n_samples // PARTS
        step_part(
            features[start:stop],
            centers,
            labels[start:stop],
            weights[start:stop],
            sums[p],
            mass[p],
            inertia[p : p + 1],
        )

    run_blocks(part, PARTS, n_threads)
    return sums.sum(axis=0), mass.sum(axis=0), float(inertia.sum())


@jit
def step_part(features, centers, labels, weights, sums, mass, inertia):
    best = np.empty(BLOCK, np.float32)
    columns = np.empty((features.shape[1], BLOCK), np.float32)
    for start in range(0, features.shape[0], BLOCK):
        stop = min(start + BLOCK, features.shape[0])
        _transpose(features[start:stop], columns)
        nearest(columns, stop - start, centers, best, labels[start:stop])
        if weights.size:
            _add_weighted(features[start:stop], labels[start:stop], weights[start:stop], sums, mass)
            for i in range(stop - start):
                inertia[0] += np.float64(best[i]) * weights[start + i]
        else:
            _add(features[start:stop], labels[start:stop], sums, mass)
            for i in range(stop - start):
                inertia[0] += np.float64(best[i])


@jit
def _transpose(samples, columns):
    for i in range(samples.shape[0]):
        for f in range(samples.shape[1]):
            columns[f, i] = samples[i, f]


@jit
def nearest(columns, n, centers, best, labels):
    """Nearest center of `n` samples by squared distance; one center at a time keeps the inner loops vectorised."""
    distance = np.empty(n, np.float32)
    for k in range(centers.shape[0]):
        distance[:] = np.float32(0)
        for f in range(centers.shape[1]):
            center = centers[k, f]
            column = columns[f]
            for i in range(n):
                difference = column[i] - center
                distance[i] += difference * difference
        index = np.int32(k)
        if k == 0:
            for i in range(n):
                best[i] = distance[i]
                labels[i] = index
        else:
            for i in range(n):
                closer = distance[i] < best[i]  # strict: a tie stays with the lower index
                labels[i] = index if closer else labels[i]
                best[i] = distance[i] if closer else best[i]


@jit
def _add(samples, labels, sums, mass):
    for i in range(samples.shape[0]):
        k = labels[i]
        mass[k] += 1.0
        for f in range(samples.shape[1]):
            sums[k, f] += np.float64(samples[i, f])


@jit
def _add_weighted(samples, labels, weights, sums, mass):
    for i in range(samples.shape[0]):
        k = labels[i]
        mass[k] += weights[i]
        for f in range(samples.shape[1]):
            sums[k, f] += np.float64(samples[i, f]) * weights[i]
