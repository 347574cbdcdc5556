"""From eigenvectors to segments: each node goes to one of as many directions as there are vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for

Array = NDArray[Any]
ROTATIONS = 100  # most of Yu and Shi's rounds; they take about 20
CLOSE = 1e-6  # relative change of their objective that ends them
STEPS = 50  # most of k-means
FEW, SAMPLE = 8192, 16  # of more nodes only every so many tell the rotation and the centers


def candidates(vectors: Array, degree: NDArray[np.float64], tries: int) -> list[NDArray[np.int32]]:
    """Return segmentations of nodes by their eigenvectors (n, K), with K segments each, none of them empty.

    `tries` of them are by k-means, each with other first centers.
    """
    vectors, n_segments, rng = vectors.astype(np.float64), vectors.shape[1], np.random.default_rng(0)
    found = [rotated_labels(vectors, degree)]
    found += [clustered_labels(vectors, degree, n_segments, rng) for _ in range(tries)]
    return [with_all_segments(labels, degree, n_segments) for labels in found]


def rotated_labels(vectors: Array, degree: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the segment of each node by the rotation that brings its vectors (n, K) closest to 0 and 1.

    This is the discretisation of S. X. Yu and J. Shi; it begins at the node of the largest degree, and at those whose
    directions are farthest from the ones before.
    """
    kernels, none = kernels_for(vectors, "ncut"), np.zeros(vectors.shape[1])
    every = _unit_rows(vectors)
    unit = _sampled(every)
    rotation = _first_rotation(unit, int(_sampled(degree).argmax()))
    before = 0.0
    for _ in range(ROTATIONS):
        nearest = kernels.most_alike(unit, rotation.T.copy(), none)
        sums = np.zeros(rotation.shape)  # of the directions of the nodes of each segment
        for k in range(len(sums)):
            sums[k] = unit[nearest == k].sum(axis=0)
        left, values, right = np.linalg.svd(sums)
        if values.sum() <= before * (1 + CLOSE):
            break
        before, rotation = float(values.sum()), (left @ right).T
    labels: NDArray[np.int32] = kernels.most_alike(every, rotation.T.copy(), none)
    return labels


def _first_rotation(unit: Array, first: int) -> Array:
    """Return directions (K, K), one in each column, of nodes that are as far from each other as can be."""
    rotation = np.zeros((unit.shape[1],) * 2)
    rotation[:, 0] = unit[first]
    near = np.zeros(len(unit))
    for k in range(1, len(rotation)):
        near += np.abs(np.einsum("ij,j->i", unit, rotation[:, k - 1]))
        rotation[:, k] = unit[near.argmin()]
    return rotation


def clustered_labels(
    vectors: Array, degree: NDArray[np.float64], n_segments: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return the segment of each node by k-means of its vectors (n, K), each node counted by its degree.

    With all the eigenvectors this would be the normalized cut itself, as Bach and Jordan show. Centers begin far apart,
    as by k-means++.
    """
    every, vectors, degree = vectors, _sampled(vectors), _sampled(degree)
    near = degree / degree.sum()  # how likely a node is the next center
    centers = np.empty((n_segments, vectors.shape[1]))
    closest = np.full(len(vectors), np.inf)
    for k in range(n_segments):
        centers[k] = vectors[min(int(np.searchsorted(np.cumsum(near), rng.random())), len(vectors) - 1)]
        closest = np.minimum(closest, ((vectors - centers[k]) ** 2).sum(axis=1))
        total = float((degree * closest).sum())
        near = degree * closest / total if total > 0 else degree / degree.sum()
    labels = np.zeros(len(vectors), np.int32)
    for _ in range(STEPS):
        before = labels
        labels = _nearest(vectors, centers)
        if np.array_equal(labels, before):
            break
        volume = np.bincount(labels, degree, n_segments)
        for column in range(vectors.shape[1]):
            sums = np.bincount(labels, degree * vectors[:, column], n_segments)
            centers[volume > 0, column] = sums[volume > 0] / volume[volume > 0]
    return _nearest(every, centers)


def _nearest(vectors: Array, centers: Array) -> NDArray[np.int32]:
    found: NDArray[np.int32] = kernels_for(vectors, "ncut").most_alike(vectors, centers, (centers**2).sum(axis=1) / 2)
    return found


def _sampled(values: Array) -> Array:
    return values if len(values) <= FEW else values[::SAMPLE]


def with_all_segments(labels: NDArray[np.int32], degree: NDArray[np.float64], n_segments: int) -> NDArray[np.int32]:
    """Return labels of which each has a node: a missing one takes half of the largest segment, in order of nodes."""
    labels = labels.copy()
    for missing in np.flatnonzero(np.bincount(labels, minlength=n_segments) == 0):
        count, volume = np.bincount(labels, minlength=n_segments), np.bincount(labels, degree, n_segments)
        largest = int(np.where(count > 1, volume, -1).argmax())
        members = np.flatnonzero(labels == largest)
        labels[members[len(members) // 2 :]] = missing
    return labels


def _unit_rows(vectors: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    found: Array = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found
