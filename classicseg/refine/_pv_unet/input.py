"""What the thermal network is given: how warm a pixel is beside its surroundings and beside the whole frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK, NEAR = 16, 5  # the level around a pixel: the median of 5 × 5 blocks' medians, each of 16 × 16 pixels
KELVIN = 5.0  # become 1
MOST = 6.0  # what is farther from its surroundings looks that far
RANGE = 15.0  # K that the 5-95 % range of a frame in counts is taken for
SOME = 7  # every seventh pixel gives the quantiles of a frame within a hundredth of its range


def network_input(image: NDArray[Any], celsius: bool) -> NDArray[np.float32]:
    """Return the differences (M, N, 2) of `image` (M, N) to the level around each pixel and to the frame's median.

    In °C a difference of 5 K becomes 1 whatever else is in view. Counts mean another temperature in every camera, so
    for them the frame's own range stands in for the unit.
    """
    values = np.asarray(image, np.float32)
    low, middle, high = np.quantile(values.ravel()[:: SOME if values.size >= 1000 else 1], (0.05, 0.5, 0.95))
    unit = KELVIN if celsius else KELVIN / RANGE * max(float(high - low), 1e-6 * (1 + abs(float(middle))))
    seen = np.stack([values - surroundings(values), values - np.float32(middle)], axis=-1)
    seen /= np.float32(unit)
    return np.clip(seen, -MOST, MOST, out=seen)


def surroundings(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level (M, N) around each pixel: medians of blocks, of their neighbourhoods, and straight between.

    A median, so that neither a hot spot nor a cold gap moves it. Beyond the borders the last pixel goes on.
    """
    from scipy import ndimage

    rows, cols = values.shape
    whole = np.pad(values, [(0, -rows % BLOCK), (0, -cols % BLOCK)], mode="edge")
    blocks = whole.reshape(whole.shape[0] // BLOCK, BLOCK, -1, BLOCK).swapaxes(1, 2)
    medians = np.median(blocks, axis=(2, 3)).astype(np.float32)
    level = ndimage.median_filter(medians, NEAR, mode="nearest")
    return np.asarray(ndimage.zoom(level, BLOCK, order=1, mode="nearest", grid_mode=True)[:rows, :cols])
