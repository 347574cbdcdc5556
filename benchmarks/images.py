"""Images the cases share; made from what scikit-image's wheel holds, so every machine has the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def photograph(rows: int, cols: int) -> NDArray[np.uint8]:
    """Return a colour photograph of this size: tiled, not resized, so that its texture stays a camera's."""
    from skimage import data

    tile = data.astronaut()
    repeats = (-(-rows // tile.shape[0]), -(-cols // tile.shape[1]), 1)
    return np.ascontiguousarray(np.tile(tile, repeats)[:rows, :cols])


def noisy(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def temperatures(rows: int, cols: int) -> NDArray[np.float32]:
    """Return a frame in °C: warm textured ground, cooler stripes, one hot spot, sensor noise."""
    y, x = np.mgrid[:rows, :cols]
    ground = 31 + 2 * np.sin(x / 37) * np.cos(y / 29)
    stripes = 24 + 0.01 * x
    frame = np.where((y // max(rows // 8, 1)) % 2, stripes, ground)
    frame[rows // 4 : rows // 4 + 8, cols // 3 : cols // 3 + 8] += 15
    return (frame + np.random.default_rng(0).normal(0, 0.05, frame.shape)).astype(np.float32)
