"""The checkerboard test: does a transposed convolution leave a pattern on what has none?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_numbers
from classicseg.refine._maps.grid import Array, Pair, check_pair


@dataclass(frozen=True, eq=False)
class CheckerboardResult:
    """What a transposed convolution makes of a map that is 1 everywhere.

    Parameters
    ----------
    pattern : ndarray of float64, shape (s,), (s, t) or (s, t, C, D)
        What it repeats all over the inner output, for strides s and t: the sum of the weights that meet there.
    unevenness : float
        Largest less smallest value of the pattern, over the largest magnitude in it; the worst pair of channels. 0
        where there is no checkerboard, 1 where some places are never written.
    """

    pattern: NDArray[np.float64]  # (s,), (s, t) or (s, t, C, D)
    unevenness: float  # 0 none, 1 gaps, up to 2 where signs differ


def checkerboard(kernel: ArrayLike, stride: int | Pair) -> CheckerboardResult:
    """Say how uneven the copies of a kernel overlap that a transposed convolution writes every `stride` places.

    Parameters
    ----------
    kernel : array_like, shape (a,), (a, b) or (a, b, C, D)
        Weights, as `transposed_convolution` takes them; ``np.ones(a)`` tells about sizes alone.
    stride : int or pair of int
        Rows and columns from one copy to the next.

    Returns
    -------
    CheckerboardResult
        The pattern and its unevenness.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    Equal weights are even where the kernel's size is a multiple of the stride: 4 with stride 2, not 3. A network can
    learn weights that are even for any size, and seldom does; nearest or bilinear upsampling before a plain
    convolution is always even. Source: A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts",
    Distill, 2016, doi:10.23915/distill.00003.

    Examples
    --------
    >>> checkerboard(np.ones(3), 2).pattern
    array([2., 1.])
    >>> checkerboard(np.ones((4, 4)), 2).unevenness
    0.0
    """
    weights = check_numbers("kernel", kernel)
    if weights.ndim not in (1, 2, 4) or weights.size == 0:
        raise ValueError(f"kernel must have shape (a,), (a, b) or (a, b, C, D), not empty, got {weights.shape}")
    check_finite("kernel", weights, "replace such weights")
    stride = check_pair("stride", stride, weights.ndim, low=1, unused=1)
    pattern = weights.astype(np.float64)
    for axis, step in enumerate(stride[-min(weights.ndim, 2) :]):
        pattern = _folded(pattern, axis, step)
    spread = np.ptp(pattern, axis=(0, 1)[: weights.ndim])
    largest = np.abs(pattern).max(axis=(0, 1)[: weights.ndim])
    return CheckerboardResult(pattern, float(np.max(spread / np.where(largest > 0, largest, 1))))


def _folded(weights: Array, axis: int, step: int) -> Array:
    """Return the sums along an axis of every `step`-th weight, from each of the first on."""
    sums = [weights.take(range(first, weights.shape[axis], step), axis).sum(axis=axis) for first in range(step)]
    return np.stack(sums, axis=axis)
