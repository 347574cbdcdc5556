"""k-means by its definition, in NumPy float64, on the plain description of samples that the kernels take."""

import numpy as np


def values(samples):
    """Return v (M, N, F) float64 of host samples; only planes of float dtype are scaled."""
    columns = []
    for c, plane in enumerate(samples.planes):
        v = plane.astype(np.float64)
        if plane.dtype.kind == "f":
            v = ((v - samples.offset[c]) * 2.0 ** -float(samples.exponent[c])).astype(np.float32).astype(np.float64)
        columns.append(v)
    rows, cols = np.mgrid[: samples.shape[0], : samples.shape[1]].astype(np.float64)
    columns += [cols] * samples.x + [rows] * samples.y
    return np.stack(columns, axis=-1)


def squared_distances(samples, centers):
    """Return the float64 distances (M, N, K) that define labels: features in order, no contraction."""
    v = values(samples)
    out = np.zeros((*samples.shape, len(centers)))
    for f in range(v.shape[-1]):
        t = samples.gain[f] * (v[..., f, None] - centers[:, f])
        out += t * t
    return out


def finish(samples, centers):
    """Return labels, -1 outside the mask, and the inertia."""
    distance = squared_distances(samples, centers)
    inside = np.ones(samples.shape, bool) if samples.mask is None else samples.mask
    labels = np.where(inside, distance.argmin(axis=-1), -1).astype(np.int32)  # argmin: a tie goes to the lower index
    weight = np.ones(samples.shape) if samples.weight is None else samples.weight
    return labels, float((weight * distance.min(axis=-1))[inside].sum())


def lloyd_step(samples, centers):
    """Return the new centers, and how far the farthest moved."""
    labels, _ = finish(samples, centers)
    inside = labels >= 0
    weight = np.ones(samples.shape) if samples.weight is None else samples.weight
    v = np.concatenate([values(samples), np.ones((*samples.shape, 1))], axis=-1)[inside]
    amounts = np.rint(weight[inside][:, None] * v * samples.sum_scale).astype(np.int64)
    sums = np.zeros((len(centers), v.shape[-1]), np.int64)
    np.add.at(sums, labels[inside], amounts)
    new = centers.copy()
    filled = sums[:, -1] > 0  # an empty cluster keeps its center
    new[filled] = sums[filled, :-1] / samples.sum_scale[:-1] / (sums[filled, -1:] / samples.sum_scale[-1])
    way = np.zeros(len(centers))
    for f in range(new.shape[1]):
        t = samples.gain[f] * (new[:, f] - centers[:, f])
        way += t * t
    return new, float(np.sqrt(way.max()))
