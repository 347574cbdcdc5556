"""Mean shift of pixels on a GPU: the twin of the CPU's kernels.

One thread climbs from one pixel, and takes another when it has arrived. OpenCV's rule has the CPU's bits on every
image, and the flat kernel on images of whole numbers; the weighted kernels round the same sums in float64, added in
another order, to the same grids. Floats in the flat window may lie on its edge in one order of rounding and not in
the other: modes of 99.9 % of the pixels agree to 1e-3 of the bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from classicseg._kernels._climb import EDGE, Climb, window_of
from classicseg._kernels.cuda._module import defines, kernels

THREADS = 128  # as in climbs.cuh
KINDS = {"flat": 0, "epanechnikov": 1, "gaussian": 2}  # as in mean_shift_filter.cu
MOST_PIXELS = 1 << 30  # of a frame
PIXELS_AT_ONCE = 1 << 22  # whose results are on the device at a time: 200 MB for three channels
WARPS_PER_MULTIPROCESSOR = 32  # about as many as fit at once
MOST_PER_WARP = 512  # pixels, of which each lane then takes 16 one after the other
FEW = 8  # channels whose values a thread keeps in registers
TYPES = {
    "i1": "signed char",
    "u1": "unsigned char",
    "i2": "short",
    "u2": "unsigned short",
    "i4": "int",
    "u4": "unsigned int",
    "i8": "long long",
    "u8": "unsigned long long",
    "f4": "float",
    "f8": "double",
}

Write = Callable[[int, int, Any], None]


def climb(
    image: Any, mask: Any, rule: Climb, write: Write, place: tuple[int, ...] | None = None, n_threads: int | None = None
) -> Any:
    """Climb from every pixel of `image` (M, N, C); return which pixels' windows left it.

    As on the CPU; `write` gets arrays on the device, of many rows, and is called on this thread.
    """
    masks = None if mask is None else mask[None]
    place = (0, 0, *image.shape[:2]) if place is None else place
    return _climb(image[None], masks, rule, write, place).reshape(image.shape[:2])


def climb_frames(frames: Any, masks: Any, rule: Climb, write: Write, n_threads: int | None = None) -> None:
    """Climb in each of `frames` (B, M, N, C); `write` counts rows through all of them."""
    _climb(frames, masks, rule, write, (0, 0, *frames.shape[1:3]))


def constants_of(dtype: np.dtype[Any], n_channels: int, kernel: str) -> tuple[str, ...]:
    """Return the compiler's options; mean_shift_filter.cu and its square twin say what each constant means."""
    if kernel == "opencv":
        return defines(CHANNELS=n_channels)
    return defines(PIXEL=TYPES[dtype.str[1:]], CHANNELS=n_channels, KIND=KINDS[kernel])


def _climb(frames: Any, masks: Any, rule: Climb, write: Write, place: tuple[int, ...]) -> Any:
    import cupy

    n_frames, n_rows, n_cols, n_channels = frames.shape
    if n_rows * n_cols > MOST_PIXELS:
        raise ValueError(f"mean shift on a GPU takes at most 2**30 pixels a frame, got {n_rows} x {n_cols}; cut tiles")
    with frames.device as device:
        left = cupy.zeros(n_frames * n_rows * n_cols, np.bool_)
        sizes = cupy.asarray(np.array([n_rows, n_cols, *place, rule.max_num_iter], np.int32))
        given = (cupy.ascontiguousarray(frames), *_mask(masks, left), np.int64(left.size))
        run = (_square if rule.kernel == "opencv" else _round)(given, sizes, rule)
        n_warps = device.attributes["MultiProcessorCount"] * WARPS_PER_MULTIPROCESSOR
        band = max(1, PIXELS_AT_ONCE // n_cols)
        for first in range(0, n_frames * n_rows, band):
            last = min(first + band, n_frames * n_rows)
            n_pixels = (last - first) * n_cols
            per_warp = min(MOST_PER_WARP, -(-n_pixels // (32 * n_warps)) * 32)
            grid = (-(-n_pixels // (per_warp * THREADS // 32)),)
            found = cupy.empty((last - first, n_cols, n_channels + 3), np.float64)
            part = (np.int64(first * n_cols), np.int64(n_pixels), np.int32(per_warp))
            run(grid, part, found, left[first * n_cols : last * n_cols])
            write(first, last, found)
    return left


def _mask(masks: Any, stand_in: Any) -> tuple[Any, Any]:
    """Return the mask's two arguments; where there is none, any array of its type."""
    import cupy

    return (stand_in, np.int32(0)) if masks is None else (cupy.ascontiguousarray(masks), np.int32(1))


def _square(given: tuple[Any, ...], sizes: Any, rule: Climb) -> Callable[..., None]:
    """Return the work on some pixels by OpenCV's rule."""
    import cupy

    frames, mask, masked, n_pixels = given
    constants = constants_of(frames.dtype, frames.shape[3], rule.kernel)
    run = kernels("mean_shift_filter_square", ("words_of", "climb"), constants, frames.device.id)
    words = cupy.empty(int(n_pixels), np.uint32)
    run.words_of((-(-int(n_pixels) // THREADS),), (THREADS,), (frames, mask, masked, n_pixels, words))
    limit = np.uint32(np.rint(rule.range_bandwidth[0] ** 2))
    fixed = (words, sizes, np.int32(rule.spatial_bandwidth), limit, np.float32(rule.tol))

    def work(grid: tuple[int], part: tuple[Any, ...], found: Any, left: Any) -> None:
        run.climb(grid, (THREADS,), (*fixed, *part, found, left))

    return work


def _round(given: tuple[Any, ...], sizes: Any, rule: Climb) -> Callable[..., None]:
    """Return the work on some pixels by a window that is round in position and in value."""
    import cupy

    frames, mask, masked, n_pixels = given
    n_channels = frames.shape[3]
    constants = constants_of(frames.dtype, n_channels, rule.kernel)
    run = kernels("mean_shift_filter", ("planes_of", "climb"), constants, frames.device.id)
    numbers = cupy.asarray(_numbers(rule))
    planes = cupy.empty((n_channels, int(n_pixels)), np.float32)
    run.planes_of((-(-int(n_pixels) // THREADS),), (THREADS,), (frames, mask, masked, n_pixels, numbers, planes))

    def work(grid: tuple[int], part: tuple[Any, ...], found: Any, left: Any) -> None:
        scratch = found if n_channels <= FEW else cupy.empty((int(part[1]), n_channels), np.float64)
        run.climb(grid, (THREADS,), (planes, sizes, numbers, n_pixels, *part, found, scratch, left))

    return work


def _numbers(rule: Climb) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of the rule in the order of mean_shift_filter.cu."""
    window, edge = window_of(rule), EDGE[rule.kernel]
    half = edge**2 / 2  # the exponent of a Gaussian where its window ends
    weighs = rule.kernel == "epanechnikov"  # its weights are the products of what is left of the limits
    return np.array(
        [
            window.radius,
            window.reach,
            window.limit,
            window.grid,
            rule.spatial_bandwidth**2,
            rule.tol**2,
            window.width**2,
            2.0**window.exponent,
            half / window.reach,
            half / window.limit,
            1 / (window.reach * window.limit) if weighs else 1.0,
            *window.scales,
        ]
    )
