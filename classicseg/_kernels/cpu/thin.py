"""Thinning of binary images to lines one pixel wide."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called


def thin(mask):
    """Return `mask` (M, N) thinned until nothing changes; outside the image nothing is set."""
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = mask
    wear(padded.reshape(-1), padded.shape[1], REMOVED)
    return padded[1:-1, 1:-1] != 0


def _removed():
    """Return by half step and by code of the 8 neighbours whether a pixel goes: conditions G1, G2, G3 of Guo and Hall.

    The code has bit i - 1 set where neighbour i is: 1 is the right one, and they go round counterclockwise.
    """
    table = np.zeros((2, 256), np.bool_)
    for code in range(256):
        x = [bool(code >> i & 1) for i in range(8)]  # x[0] is neighbour 1
        crossings = sum(not x[i] and (x[i + 1] or x[(i + 2) % 8]) for i in (0, 2, 4, 6))
        pairs = sum(x[i] or x[i + 1] for i in (0, 2, 4, 6)), sum(x[i + 1] or x[(i + 2) % 8] for i in (0, 2, 4, 6))
        alike = crossings == 1 and 2 <= min(pairs) <= 3
        table[0, code] = alike and not ((x[1] or x[2] or not x[7]) and x[0])
        table[1, code] = alike and not ((x[5] or x[6] or not x[3]) and x[4])
    return table


REMOVED = _removed()


@jit
def wear(image, width, removed):
    """Remove pixels of the flat, padded `image` in half steps until two in a row remove none, in place.

    A half step looks at those pixels alone whose neighbours changed since it last did: bit k + 1 of a pixel says
    that it waits in list k, bit 0 that it is set.
    """
    waiting = np.empty((2, image.shape[0]), np.int32)
    count = np.zeros(2, np.int64)
    gone = np.empty(image.shape[0], np.int32)
    for p in range(image.shape[0]):
        if image[p] > 0:
            image[p] = 7
            waiting[0, count[0]] = p
            waiting[1, count[1]] = p
            count += 1
    while count[0] + count[1] > 0:
        for k in range(2):
            n_gone = 0
            for i in range(count[k]):
                p = waiting[k, i]
                image[p] &= 7 - (2 << k)
                if image[p] & 1 and removed[k, _code(image, p, width)]:
                    gone[n_gone] = p
                    n_gone += 1
            count[k] = 0
            for i in range(n_gone):
                image[gone[i]] = 0
            for i in range(n_gone):
                _wake(image, gone[i], width, waiting, count)


@jit_called
def _code(image, p, width):
    code = image[p + 1] & 1
    code |= (image[p - width + 1] & 1) << 1
    code |= (image[p - width] & 1) << 2
    code |= (image[p - width - 1] & 1) << 3
    code |= (image[p - 1] & 1) << 4
    code |= (image[p + width - 1] & 1) << 5
    code |= (image[p + width] & 1) << 6
    code |= (image[p + width + 1] & 1) << 7
    return code


@jit_called
def _wake(image, p, width, waiting, count):
    """Put the neighbours of a removed pixel on both lists, each at most once."""
    for first in (p - width - 1, p - 1, p + width - 1):
        for q in range(first, first + 3):
            for k in range(2):
                if image[q] & 1 and not image[q] >> (k + 1) & 1:
                    image[q] |= 2 << k
                    waiting[k, count[k]] = q
                    count[k] += 1
