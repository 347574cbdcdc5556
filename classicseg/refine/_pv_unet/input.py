"""What the thermal network is given: how warm a pixel is beside its surroundings and beside levels of the frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK, NEAR = 16, 5  # the level around a pixel: the median of 5 × 5 blocks' medians, each of 16 × 16 pixels
KELVIN = 5.0  # become 1
# What is farther than so many 5 K from its surroundings and the median, the lower and the upper level, looks that far.
# Of the outer levels it matters on which side a pixel is: where modules are the warm part, hot is above the upper one.
MOST = (6.0, 6.0, 1.0, 1.0)
LEVELS = (0.05, 0.5, 0.95)  # quantiles of the frame
RANGE = 15.0  # K that the 5-95 % range of a frame in counts is taken for
SOME = 7  # every seventh pixel gives the quantiles of a frame within a hundredth of its range


def network_input(image: NDArray[Any], celsius: bool) -> NDArray[np.float32]:
    """Return the differences (M, N, 4) of `image` (M, N) to the level around each pixel and to levels of the frame.

    Those are its median and its 5 % and 95 % quantiles. In °C a difference of 5 K becomes 1 whatever else is in view.
    Counts mean another temperature in every camera, so for them the frame's own range stands in for the unit.
    """
    values = np.asarray(image, np.float32)
    low, middle, high = np.quantile(values.ravel()[:: SOME if values.size >= 1000 else 1], LEVELS)
    unit = KELVIN if celsius else KELVIN / RANGE * max(float(high - low), 1e-6 * (1 + abs(float(middle))))
    levels = surroundings(values), np.float32(middle), np.float32(low), np.float32(high)
    seen = np.stack([values - level for level in levels], axis=-1)
    seen /= np.float32(unit)
    most = np.array(MOST, np.float32)
    return np.clip(seen, -most, most, out=seen)


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
