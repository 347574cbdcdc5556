"""From eigenvectors to segments: each node goes to one of as many directions as there are vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg.cluster import kmeans

Array = NDArray[Any]
ROTATIONS = 100  # most of Yu and Shi's rounds; they take about 20
CLOSE = 1e-6  # relative change of their objective that ends them
CLOSE_CENTERS = 0.01  # how far centers still move when k-means ends, where vectors have the length 1
MOST_CLUSTERED = 64  # vectors that k-means takes
TRIES = 3  # of k-means, which differ in their first centers
SAMPLE = 16  # a node in so many tells the rotation and the centers, where there are many
FEW = 4096  # nodes, of which all tell it


def candidates(vectors: Array, degree: NDArray[np.float64]) -> list[NDArray[np.int32]]:
    """Return segmentations of nodes by their eigenvectors (n, K), with K segments each, some of which may be empty."""
    found = [rotated_labels(vectors, degree)]
    if vectors.shape[1] <= MOST_CLUSTERED:
        scaled = vectors * vectors.dtype.type(np.sqrt(degree.sum()))
        found += [clustered_labels(scaled, degree, seed) for seed in range(TRIES)]
    return found


def rotated_labels(vectors: Array, degree: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the segment of each node by the rotation that brings its vectors (n, K) closest to 0 and 1.

    This is the discretisation of S. X. Yu and J. Shi; it begins at the node of the largest degree, and at those whose
    directions are farthest from the ones before.
    """
    unit = _unit_rows(vectors)
    sample = _sampled(unit)
    rotation = _first_rotation(sample, int(_sampled(degree).argmax()))
    before = 0.0
    for _ in range(ROTATIONS):
        nearest = (sample @ rotation).argmax(axis=1)
        sums = np.zeros(rotation.shape)  # of the directions of the nodes of each segment
        for k in range(len(sums)):
            sums[k] = sample[nearest == k].sum(axis=0)
        left, values, right = np.linalg.svd(sums)
        if values.sum() <= before * (1 + CLOSE):
            break
        before, rotation = float(values.sum()), (left @ right).T
    return (unit @ rotation).argmax(axis=1).astype(np.int32)


def _first_rotation(unit: Array, first: int) -> Array:
    """Return directions (K, K), one in each column, of nodes that are as far from each other as can be."""
    rotation = np.zeros((unit.shape[1],) * 2)
    rotation[:, 0] = unit[first]
    near = np.zeros(len(unit))
    for k in range(1, len(rotation)):
        near += np.abs(unit @ rotation[:, k - 1])
        rotation[:, k] = unit[near.argmin()]
    return rotation


def clustered_labels(vectors: Array, degree: NDArray[np.float64], seed: int) -> NDArray[np.int32]:
    """Return the segment of each node by k-means of its vectors (n, K), each node counted by its degree.

    With all the eigenvectors this would be the normalized cut itself, as Bach and Jordan show.
    """
    sample, weight = (np.ascontiguousarray(_sampled(values)) for values in (vectors, degree))
    options: dict[str, Any] = {"init": "k-means++", "tol": CLOSE_CENTERS, "rng": seed, "n_threads": 1}
    return kmeans(sample, vectors.shape[1], sample_weight=weight, **options).predict(vectors)


def with_all_segments(labels: NDArray[np.int32], degree: NDArray[np.float64], n_segments: int) -> NDArray[np.int32]:
    """Return labels of which each has a node: a missing one takes half of the largest segment, in order of nodes."""
    labels = labels.copy()
    for missing in np.flatnonzero(np.bincount(labels, minlength=n_segments) == 0):
        count, volume = np.bincount(labels, minlength=n_segments), np.bincount(labels, degree, n_segments)
        largest = int(np.where(count > 1, volume, -1).argmax())
        members = np.flatnonzero(labels == largest)
        labels[members[len(members) // 2 :]] = missing
    return labels


def _sampled(values: Array) -> Array:
    return values if len(values) <= FEW else values[:: max(1, min(SAMPLE, len(values) // FEW))]


def _unit_rows(vectors: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    found: Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found
