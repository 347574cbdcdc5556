"""SLIC on a GPU: the twin of the CPU's kernels, with the same labels.

Pixels, centers and sums stay on the device; nothing waits for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels._slic import Centers
from classicseg._kernels.cuda import color
from classicseg._kernels.cuda._module import defines, kernels
from classicseg._kernels.cuda.mean_shift_filter import TYPES
from classicseg._kernels.cuda.slic_connect import connected_parts

__all__ = ["Centers", "Tiles", "assign", "color_reach", "connected_parts", "in_tiles", "moved", "planes", "smooth"]

THREADS = 256  # as in slic.cu
SIDE = 32  # of the tile of a block, as in slic.cu
FUNCTIONS = ("whole", "filtered", "assign", "moved", "farthest")
MOST_PIXELS = 1 << 29  # as of slic_connect.py
TINY = np.float32(1e-30)  # weight of pixels so far outside that no Gaussian reaches them
TRUNCATE = 4.0  # widths to each side that a Gaussian is summed over
NARROWEST = 1e-15  # width of one that smooths at all
CHECK_EVERY = 8  # iterations between looks at whether the centers stay: then the next ones change nothing


class Tiles(NamedTuple):
    """The pixels, in the order of the image."""

    planes: Any  # (C, M, N) float32, whole numbers; the first plane is NaN where a pixel takes no part


def in_tiles(
    image: Any,
    mask: Any,
    origin: float | None,
    factor: float | None,
    exponent: int,
    to_lab: bool,
    squares: bool = False,
    n_threads: int | None = None,
) -> Tiles:
    """Return `Tiles` of `image` (M, N, C), as on the CPU; `squares` and `n_threads` mean nothing on a GPU."""
    found = planes(image, mask, origin, factor, to_lab)
    with image.device as device:
        run = _kernels(len(found), device)
        run.whole(*_launch(found[0].size), (*_mask(mask), np.int64(found[0].size), np.float32(2.0**exponent), found))
    return Tiles(found)


def planes(
    image: Any, mask: Any, origin: float | None, factor: float | None, to_lab: bool, n_threads: int | None = None
) -> Any:
    """Return the channels of `image` (M, N, C) as `in_tiles` reads them, (C, M, N) float32."""
    n_rows, n_cols, n_channels = image.shape
    if n_rows * n_cols > MOST_PIXELS:
        raise ValueError(f"superpixels on a GPU are of at most 2**29 pixels, got {n_rows} x {n_cols}; cut tiles")
    import cupy

    with image.device:
        out = cupy.empty((n_channels, n_rows, n_cols), np.float32)
        if factor is None:
            color.lab(image, out)
            return out
        n_pixels = n_rows * n_cols
        given = cupy.ascontiguousarray(image), *_mask(mask), np.int64(n_pixels), np.int32(n_channels)
        how = np.float64(origin or 0.0), np.float64(factor)
        steps = (n_channels, 1) if to_lab else (1, n_pixels)  # from pixel to pixel, and from channel to channel
        values = cupy.empty(image.shape, np.float32) if to_lab else out
        run = kernels("slic_values", ("scaled",), values_constants_of(image.dtype), image.device.id)
        run.scaled(*_launch(n_pixels), (*given, *how, *map(np.int64, steps), values))
        if to_lab:
            color.lab(values, out)
    return out


def smooth(planes: Any, mask: Any, widths: tuple[float, float], n_threads: int | None = None) -> None:
    """Smooth every plane by a Gaussian, in place; under a mask by the mean of the pixels inside, weighted."""
    import cupy

    with planes.device:
        weight = None
        if mask is not None:
            weight = mask.astype(np.float32)
            _gaussian(weight, widths)
            weight = cupy.maximum(weight, TINY)
        for plane in planes:
            if mask is not None:
                plane[~mask] = 0
            _gaussian(plane, widths)
            if weight is not None:
                plane /= weight


def assign(
    tiles: Tiles, shape: tuple[int, int], centers: Centers, scale: tuple[float, float], labels: Any = None,
    n_threads: int | None = None,
) -> Any:  # fmt: skip
    """Return int64 sums (K, 3 + C) of the pixels nearest to each center, as on the CPU; write `labels` where given."""
    import cupy

    n_channels, n_rows, n_cols = tiles.planes.shape
    n_centers = len(centers.weight)
    with tiles.planes.device as device:
        sums = cupy.zeros((n_centers, 3 + n_channels), np.uint64)
        run = _kernels(n_channels, device)
        write = np.int32(labels is not None)
        labels = cupy.empty(1, np.int32) if labels is None else labels
        given = tiles.planes, np.int32(n_rows), np.int32(n_cols), *centers, np.int32(n_centers)
        n_tiles = -(-n_rows // SIDE) * -(-n_cols // SIDE)
        run.assign((n_tiles,), (THREADS,), (*given, *map(np.float64, scale), labels, write, sums))
        return sums.view(np.int64)


def moved(sums: Any, weight: Any, reach: tuple[float, float]) -> Centers:
    """Return the centers at the means of their pixels, as on the CPU."""
    import cupy

    n_centers, n_channels = sums.shape[0], sums.shape[1] - 3
    with sums.device as device:
        run = _kernels(n_channels, device)
        position, values = (cupy.empty((n_centers, n), np.float64) for n in (2, n_channels))
        window = cupy.empty((n_centers, 4), np.int32)
        given = sums, np.int32(n_centers), *map(np.float64, reach)
        run.moved(*_launch(n_centers), (*given, position, values, window))
    return Centers(position, values, weight, window)


def color_reach(tiles: Tiles, shape: tuple[int, int], labels: Any, colors: Any, n_threads: int | None = None) -> Any:
    """Return (K,) float64: the largest squared difference of a pixel's values from its segment's `colors` (K, C)."""
    import cupy

    with labels.device as device:
        most = cupy.zeros(len(colors), np.int64)
        run = _kernels(len(tiles.planes), device)
        run.farthest(*_launch(labels.size), (tiles.planes, labels, np.int64(labels.size), colors, most))
        return most.view(np.float64)


def constants_of(n_channels: int) -> tuple[str, ...]:
    """Return the compiler's options for pixels of so many values."""
    return defines(CHANNELS=n_channels)


def values_constants_of(dtype: np.dtype[Any]) -> tuple[str, ...]:
    """Return the compiler's options for images of this dtype."""
    return defines(PIXEL=TYPES[dtype.str[1:]])


def _kernels(n_channels: int, device: Any) -> Any:
    return kernels("slic", FUNCTIONS, constants_of(n_channels), device.id)


def _mask(mask: Any) -> tuple[Any, Any]:
    """Return the mask's two arguments; where there is none, any array of its type."""
    import cupy

    return (cupy.zeros(1, np.bool_), np.int32(0)) if mask is None else (cupy.ascontiguousarray(mask), np.int32(1))


def _gaussian(plane: Any, widths: tuple[float, float]) -> None:
    """Smooth a plane in place, first down its columns, with the weights and the order of sums of scipy.ndimage."""
    import cupy

    run = _kernels(1, plane.device)
    steps = plane.shape[1], 1
    for n, step, width in zip(plane.shape, steps, widths):
        if width <= NARROWEST:
            continue
        radius = int(TRUNCATE * width + 0.5)
        weights = np.exp(-0.5 / (width * width) * np.arange(-radius, radius + 1) ** 2)
        weights = cupy.asarray(weights / weights.sum())
        given = plane.copy(), weights, np.int32(radius), np.int64(plane.size), np.int32(n), np.int32(step)
        run.filtered(*_launch(plane.size), (*given, plane))


def _launch(n: int) -> tuple[tuple[int], tuple[int]]:
    return (-(-n // THREADS),), (THREADS,)
