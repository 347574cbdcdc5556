"""Square windows: maximum, and the closing of a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for


def maximum(image: NDArray[Any], radius: int) -> NDArray[Any]:
    """Return the largest value within `radius` rows and columns of each pixel of `image` (M, N)."""
    image = np.ascontiguousarray(image)
    out = np.empty_like(image)
    kernels_for(image, "windows").maximum(image, radius, out)
    return out


def widened(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return `mask` grown by `radius` rows and columns."""
    return maximum(mask.view(np.uint8), radius).view(np.bool_)


def closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return the closing of `mask`: gaps of up to ``2 * radius`` pixels between parts of it are filled."""
    grown = widened(np.pad(mask, radius), radius)
    return ~widened(~grown, radius)[radius:-radius, radius:-radius] if radius else mask.copy()
