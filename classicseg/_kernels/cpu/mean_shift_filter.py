"""Mean shift of the pixels of a block: the planes that the kernels read, and their strips of rows."""

from __future__ import annotations

import numpy as np

from classicseg._kernels.cpu._jit import run_blocks
from classicseg._kernels.cpu.mean_shift_filter_round import round_strips
from classicseg._kernels.cpu.mean_shift_filter_square import square_strips

STRIP = 8  # rows of a block of work


def climb(image, mask, rule, write, place=None, n_threads=None):
    """Climb from every pixel of `image` (M, N, C); return which pixels' windows left it.

    `write(first, last, found)` gets rows of results (rows, N, C + 3) in float64, on any thread: values, row and
    column of the mode, and the weight of the last window, 0 of pixels that stay
    what they are: those outside the mask, and values beyond 2**62 bandwidths. Of a block of
    a larger image, `place` has the first row and column and the image's shape: pixels whose windows held pixels of
    the image that are not in the block have left it, and the others come out as from the whole image.
    """
    left = np.zeros(image.shape[:2], np.bool_)
    place = (0, 0, *image.shape[:2]) if place is None else place
    strip = (square_strips if rule.kernel == "opencv" else round_strips)(image, mask, rule, place, left)
    n_rows, n_cols, n_channels = image.shape

    def block(index):
        first, last = index * STRIP, min((index + 1) * STRIP, n_rows)
        found = np.zeros((last - first, n_cols, n_channels + 3))
        strip(first, last, found)
        write(first, last, found)

    run_blocks(block, -(-n_rows // STRIP), n_threads)
    return left


def climb_frames(frames, masks, rule, write, n_threads=None):
    """Climb in each of `frames` (B, M, N, C); `write` counts rows through all of them."""
    n_rows = frames.shape[1]
    for b, frame in enumerate(frames):

        def write_frame(first, last, found, top=b * n_rows):
            write(top + first, top + last, found)

        climb(frame, None if masks is None else masks[b], rule, write_frame, n_threads=n_threads)
