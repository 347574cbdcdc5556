"""Images the cases share; made from what scikit-image's wheel holds, so every machine has the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BAND = 256  # rows that get their noise at once, so that 12 MP need no gigabytes of random numbers


def photograph(rows: int, cols: int) -> NDArray[np.uint8]:
    """Return a colour photograph of this size: tiled, not resized, so that its texture stays a camera's.

    The stereo pair of a motorcycle in a garage, one view beside the other, as Middlebury 2014 gave it to
    scikit-image at a quarter of the camera's resolution. Of the photographs in the wheel it has the most colours
    (0.41 per pixel) and the widest range of colour within 16 × 16 pixels (110 grey levels; the astronaut 98, the
    cup 85, the cat 71), so it flatters no method that prunes by tiles.
    """
    from skimage import data

    left, right, _ = data.stereo_motorcycle()
    tile = np.concatenate([left, right], axis=1)
    repeats = (-(-rows // tile.shape[0]), -(-cols // tile.shape[1]), 1)
    return np.ascontiguousarray(np.tile(tile, repeats)[:rows, :cols])


def noisy(image: NDArray[Any], sigma: float) -> NDArray[Any]:
    """Return the image plus N(0, sigma); rounded and clipped where it is of 8 bits."""
    rng = np.random.default_rng(0)
    out = np.empty_like(image)
    for start in range(0, len(image), BAND):
        band = image[start : start + BAND]
        found = band + rng.normal(0, sigma, band.shape)
        out[start : start + BAND] = np.clip(np.rint(found), 0, 255) if image.dtype == np.uint8 else found
    return out


def uniform_noise(rows: int, cols: int) -> NDArray[np.uint8]:
    """Return independent uniform 8-bit colours: nothing can be pruned or told from its neighbours."""
    return np.random.default_rng(0).integers(0, 256, (rows, cols, 3), np.uint8)


def temperatures(rows: int, cols: int) -> NDArray[np.float32]:
    """Return a frame in °C: the photograph's brightness as 15 to 45 °C, with the noise of a sensor (0.05 K)."""
    brightness = photograph(rows, cols).mean(axis=2)
    return noisy((15 + 30 / 255 * brightness).astype(np.float32), 0.05)


def uniform_temperatures(rows: int, cols: int) -> NDArray[np.float32]:
    """Return independent uniform values from 15 to 45 °C."""
    return np.random.default_rng(0).uniform(15, 45, (rows, cols)).astype(np.float32)
