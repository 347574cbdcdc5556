"""Samples for the k-means tests, described alike for a device and for the oracle on the host."""

from typing import NamedTuple

import numpy as np

from classicseg._kernels._samples import Samples


class Problem(NamedTuple):
    """Samples on the device, the same on the host, and first centers in units of v."""

    samples: Samples
    host: Samples
    centers: np.ndarray


def problem(
    device,
    image,
    n_clusters,
    *,
    x=False,
    y=False,
    gain=None,
    mask=None,
    weight=None,
    view=None,
    centers=None,
    seed=0,
):
    """Describe the planes of `image` (M, N, C), of which `view` takes a part with strides of its own."""
    on_device = device.put(image)
    if view is not None:
        image, on_device = view(image), view(on_device)
    n_features = image.shape[2] + x + y
    inside = np.ones(image.shape[:2], bool) if mask is None else mask
    offset, exponent = np.zeros(image.shape[2]), np.zeros(image.shape[2], np.int64)
    if image.dtype.kind == "f":
        finite = image[inside].astype(np.float64)
        offset = (finite.max(axis=0) + finite.min(axis=0)) / 2
        exponent = np.ceil(np.log2(np.abs(finite - offset).max(axis=0) + 1e-300)).astype(np.int64)
    scale = np.ones(n_features + 1)
    if weight is not None:
        scale[:] = 2.0**40
        scale[: image.shape[2]] = 2.0**34
    if image.dtype.kind == "f":
        scale[: image.shape[2]] = 2.0**44
    host = Samples(
        shape=image.shape[:2],
        planes=tuple(image[..., c] for c in range(image.shape[2])),
        offset=offset,
        exponent=exponent,
        x=x,
        y=y,
        gain=np.ones(n_features) if gain is None else np.asarray(gain, np.float64),
        mask=mask,
        weight=weight,
        sum_scale=scale,
    )
    planes = tuple(on_device[..., c] for c in range(image.shape[2]))
    there = host._replace(
        planes=planes,
        mask=None if mask is None else device.put(mask),
        weight=None if weight is None else device.put(weight),
    )
    if centers is None:
        from oracle import values

        inside_values = values(host)[inside]
        chosen = np.random.default_rng(seed).choice(len(inside_values), n_clusters, replace=n_clusters > inside.sum())
        centers = inside_values[chosen]
    return Problem(there, host, np.ascontiguousarray(centers, np.float64))


def photograph(shape, n_planes=3, dtype=np.uint8, seed=0):
    """Smooth waves with noise, over the range of the dtype (°C for floats): neighbours are alike, as in pictures."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    phase = rng.uniform(0, 6, n_planes)
    waves = (
        np.sin(cols[..., None] / 9 + phase)
        + np.cos(rows[..., None] / 7 - phase)
        + rng.normal(0, 0.2, (*shape, n_planes))
    )
    if np.dtype(dtype).kind == "f":
        return (20 + 8 * waves).astype(dtype)
    top = np.iinfo(dtype).max
    return np.clip((waves + 2.5) / 5 * top, 0, top).astype(dtype)
