"""What a climb of mean shift is told, alike for the CPU's kernels and for CUDA's."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EDGE = {"flat": 1.0, "epanechnikov": 1.0, "gaussian": 3.0}  # where the window ends, in bandwidths
GRID_SPACE = 1024.0  # center positions are multiples of this part of the power of two below the bandwidth
LARGEST = 2.0**62  # in units: larger values stay what they are, as float32 holds no other that is near
STEEPEST = 2.0**100  # factor of a squared difference


class Climb(NamedTuple):
    """What every pixel does: the kernel, its bandwidths (that of values per channel) and when it stops."""

    kernel: str
    spatial_bandwidth: float
    range_bandwidth: tuple[float, ...]
    tol: float
    max_num_iter: int


class Window(NamedTuple):
    """A round window in numbers, its values in units of 2**exponent.

    Squared differences of the channels are multiplied by `scales`, summed and held against `limit`; squared
    distances in pixels against `reach`; both limits are numbers of the dtype that kernels compute in.
    """

    dtype: type[np.floating[Any]]
    exponent: int
    scales: NDArray[Any]
    limit: float
    radius: float
    reach: float
    grid: float
    width: float  # the range bandwidth in units


def window_of(rule: Climb) -> Window:
    """Return the window of a rule other than OpenCV's."""
    widest, scales = range_scales(rule.range_bandwidth)
    exponent = math.frexp(widest)[1] - 1
    dtype = np.float32 if rule.kernel == "flat" else np.float64
    edge, width = EDGE[rule.kernel], math.ldexp(widest, -exponent)
    radius = rule.spatial_bandwidth * edge
    return Window(
        dtype=dtype,
        exponent=exponent,
        scales=scales.astype(dtype),
        limit=float(below((width * edge) ** 2, dtype)),
        radius=radius,
        reach=float(below(radius**2, dtype)),
        grid=2.0 ** (math.frexp(rule.spatial_bandwidth)[1] - 1) / GRID_SPACE,
        width=width,
    )


def range_scales(bandwidths: tuple[float, ...]) -> tuple[float, NDArray[np.float64]]:
    """Return one bandwidth of all channels, and the factors of their squared differences, whole where they can be."""
    widest = max(bandwidths)
    if all(value.is_integer() for value in bandwidths):
        common = math.lcm(*(int(value) for value in bandwidths))
        widest = common if common <= 8 * widest else widest
    return float(widest), np.minimum((widest / np.array(bandwidths)) ** 2, STEEPEST)


def below(value: float, dtype: type[np.floating[Any]]) -> np.floating[Any]:
    """Return the largest number of `dtype` that is at most `value`: what float32 can hold compares alike."""
    near = dtype(value)
    return near if float(near) <= value else np.nextafter(near, dtype(0))
