"""Codes of the neighbourhood of a pixel, with a codebook fixed in advance: basic image features, binary patterns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg.features._jets import Jet

Codes = NDArray[np.uint8]
# Neighbours of a pixel in a circle, as (row, column).
CIRCLE = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
N_PATTERNS = 10


def n_textons(n_orientations: int) -> int:
    """Return how many textons there are: flat, slopes, 2 blobs, 2 kinds of lines, saddle."""
    return 3 * n_orientations + 4


def textons(responses: Jet, contrast: float, n_orientations: int) -> Codes:
    """Name the local shape of brightness: 0 flat; 1 to n slopes; n + 1 dark blob; n + 2 light blob; then n dark lines,
    n light lines, and the saddle.
    """
    codes = np.empty(responses.x.shape, np.uint8)
    angles = 2 * math.pi / n_orientations * np.arange(n_orientations)  # doubled: a direction and its opposite are one
    directions = np.array([np.cos(angles), np.sin(angles)], np.float32)
    kernels_for(codes, "texture").textons(*responses, np.float32(contrast), directions, codes)
    return codes


def binary_patterns(image: NDArray[Any], start: int, stop: int) -> Codes:
    """Name the pattern of rows `start` to `stop` by which of the 8 neighbours are at least as bright.

    Patterns with at most two changes around the circle are numbered by their bright neighbours, 0 to 8; the others
    are 9. Beyond the border of the image the last pixel goes on.
    """
    rows = np.arange(start - 1, stop + 1).clip(0, image.shape[0] - 1)
    part = np.pad(image[rows], ((0, 0), (1, 1)), mode="edge")
    centre = part[1:-1, 1:-1]
    bits = np.zeros(centre.shape, np.uint8)
    for i, (row, col) in enumerate(CIRCLE):
        near = part[1 + row : part.shape[0] - 1 + row, 1 + col : part.shape[1] - 1 + col]
        bits |= (near >= centre).view(np.uint8) << np.uint8(i)
    return _PATTERN_OF[bits]


def _pattern(bits: int) -> int:
    circle = [bits >> i & 1 for i in range(8)]
    changes = sum(circle[i] != circle[i - 1] for i in range(8))
    return sum(circle) if changes <= 2 else N_PATTERNS - 1


_PATTERN_OF = np.array([_pattern(bits) for bits in range(256)], np.uint8)
