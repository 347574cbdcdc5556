"""What the tests of `felzenszwalb` share."""

import numpy as np

SMALL = {"SHARE": 0.3, "SMALLEST_ROUND": 1, "BUCKET": 50, "PIXELS_OF_STRIP": 40}  # many rounds, strips and buckets


def patches(rng, shape, n_channels=3, noise=12):
    """Blocks of random colours and noise, so that there are edges, textures and equal weights."""
    small = rng.integers(20, 230, (-(-shape[0] // 7), -(-shape[1] // 9), n_channels))
    image = small.repeat(7, axis=0).repeat(9, axis=1)[: shape[0], : shape[1]]
    return (image + rng.integers(-noise, noise + 1, image.shape)).astype(np.uint8)
