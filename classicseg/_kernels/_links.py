"""What the weights of an affinity are made of, as the kernels take it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Links(NamedTuple):
    """A pixel and the one at an offset are linked by exp(-exponent), one exponent for each pair."""

    planes: Any  # (C, M, N) float32, features divided by their widths
    barrier: Any  # (M, N) float32, exponent that the strongest contour on the way adds; empty where there is none
    outside: Any  # (M, N) float32, 0 inside the mask and a weight's end outside; empty where all are inside
    offsets: Any  # (O, 2) int64, down and right, in raster order
    place: Any  # (O,) float32, squared difference of the features that are positions
    spatial: Any  # (O,) float32, exponent of the distance in the image
    steps: Any  # (S, 2) int64, offsets of the pixels on the line to each offset, one line after the other
    line: Any  # (O + 1,) int64, where each line begins in `steps`
