"""The most probable class of each pixel."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips


def most_probable(probabilities, n_threads=None):
    """Return the class (M, N) int32 with the highest of the numbers (M, N, K), of equals the lowest, and that number.

    A NaN counts as the highest of all.
    """
    classes = np.empty(probabilities.shape[:2], np.int32)
    highest = np.empty(probabilities.shape[:2], probabilities.dtype)

    def strip(block):
        rows = slice(block * STRIP, (block + 1) * STRIP)
        find_highest(probabilities[rows], classes[rows], highest[rows])

    run_blocks(strip, n_strips(classes), n_threads)
    return classes, highest


@jit
def find_highest(probabilities, classes, highest):
    for row in range(probabilities.shape[0]):
        for col in range(probabilities.shape[1]):
            best, found = probabilities[row, col, 0], 0
            for k in range(1, probabilities.shape[2]):
                value = probabilities[row, col, k]
                if value > best or value != value:
                    best, found = value, k
            classes[row, col], highest[row, col] = found, best
