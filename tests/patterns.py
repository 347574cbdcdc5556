"""Images of regular patterns, and masks."""

import numpy as np


def stripes(angle, shape=(40, 40), period=6.0, dtype=np.uint8):
    """Stripes whose normal is turned by `angle` from the column axis towards the row axis."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    wave = np.sin(2 * np.pi / period * (cols * np.cos(angle) + rows * np.sin(angle)))
    return (127.5 + 100 * wave).round().astype(dtype)


def holed_mask(rng, shape):
    """Return a mask with a hole wider than some Gaussians, and many small ones."""
    mask = rng.random(shape) < 0.6
    mask[: shape[0] // 3, : shape[1] // 3] = False
    mask[0, -1] = True
    return mask
