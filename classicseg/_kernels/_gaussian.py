"""What both twins smooth by: the weights of a Gaussian."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

REACH = 3  # widths at which a Gaussian ends; 0.3 % of it lies beyond


@functools.cache
def half_gaussian(sigma: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the float32 weights of a Gaussian from its middle outwards; the sum of both sides is 1."""
    reach = int(REACH * sigma)
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (places / sigma) ** 2)
    return np.asarray((weights / weights.sum())[reach:], np.float32)
