"""A small filter bank: first and second Gaussian derivatives, from which every orientation is steered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Plane = NDArray[np.float32]
GRAIN = 2.0**-28  # taps of up to 1 then have 28 bits, float32 has 24: sums of products stay within float64's 53


class Jet(NamedTuple):
    """Derivatives along columns (x) and rows (y) times sigma per order, so that they are in the image's units."""

    x: Plane
    y: Plane
    xx: Plane
    xy: Plane
    yy: Plane


def reach(sigma: float) -> int:
    """Return how many pixels a filter of this width reaches to each side."""
    return max(1, math.ceil(4 * sigma))


def jet(image: Array, sigma: float, start: int, stop: int, scale: float = 1.0) -> Jet:
    """Return the derivatives of rows `start` to `stop` of a gray image times `scale`, a power of two.

    Beyond the border of the image the last pixel goes on.
    """
    from scipy.ndimage import correlate1d

    smooth, first, second = _kernels(sigma)
    around = np.arange(start - reach(sigma), stop + reach(sigma)).clip(0, len(image) - 1)
    part = image[around].astype(np.float32) * np.float32(scale)
    inner = slice(reach(sigma), reach(sigma) + stop - start)

    def along(axis: int, plane: Plane, kernel: NDArray[np.float64]) -> Plane:
        return np.asarray(correlate1d(plane, kernel, axis, output=np.float32, mode="nearest"))

    rows = [along(0, part, kernel)[inner] for kernel in (smooth, first, second)]
    return Jet(
        along(1, rows[0], first),
        along(1, rows[1], smooth),
        along(1, rows[0], second),
        along(1, rows[1], first),
        along(1, rows[2], smooth),
    )


def _kernels(sigma: float) -> list[NDArray[np.float64]]:
    """Return the smoothing kernel, the first derivative times sigma and the second times sigma squared.

    Sampled and then corrected, so that they are exact on constants, ramps and parabolas however small sigma is. On
    constants to the last bit: the taps of the second derivative are whole multiples of GRAIN that sum to 0, so that
    in float64 all their products with a float32 number, and the sums of these, are exact.
    """
    offset = np.arange(-reach(sigma), reach(sigma) + 1.0)
    smooth = np.exp(-(offset**2) / (2 * sigma**2))
    smooth /= smooth.sum()
    first = offset * smooth
    second = (offset**2 - (offset**2 @ smooth)) * smooth
    first *= sigma / (first @ offset)
    second = np.rint(second * (2 * sigma**2 / (second @ offset**2) / GRAIN)) * GRAIN
    second[len(second) // 2] -= second.sum()
    return [smooth, first, second]


def oriented_energies(responses: Jet, n_orientations: int) -> Iterator[Plane]:
    """Yield odd² + even² of the filters that look along n_orientations directions, then their centre-surround².

    Orientation k looks across structures whose normal is k / n_orientations of half a turn from the column axis to
    the row axis. One orientation means the mean over all: of four, it is exact.
    """
    if n_orientations == 1:
        yield np.mean([_energy(responses, math.pi * k / 4) for k in range(4)], axis=0)
    else:
        for k in range(n_orientations):
            yield _energy(responses, math.pi * k / n_orientations)
    surround = responses.xx + responses.yy
    yield surround * surround


def _energy(responses: Jet, angle: float) -> Plane:
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    odd = c * responses.x + s * responses.y
    even = c * c * responses.xx + 2 * c * s * responses.xy + s * s * responses.yy
    return np.asarray(odd * odd + even * even)
