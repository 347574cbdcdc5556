"""Felzenszwalb's and Huttenlocher's segmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import FLOAT32_MAX, check_float, check_image, check_int, check_mask, check_numbers
from classicseg.features import PixelFeatures
from classicseg.features._channels import full_range
from classicseg.features._planes import check_inside

Array = NDArray[Any]

MOST_PIXELS = (1 << 30) - 1  # an edge is a pixel and 2 bits of direction
WIDEST = 1e4  # sigma
HIGHEST = 1e30  # of scale, in units of the values that are compared: all beyond it joins everything
LARGE = 60  # values beyond 2**±60 are brought near 1: their squares would leave the range of float32
LIMIT = 2.0**LARGE  # and those still beyond it count as that
SAMPLES = 1 << 16  # values that this is judged by


def felzenszwalb(
    image: ArrayLike | PixelFeatures,
    scale: float | Sequence[float] = 1,
    sigma: float = 0.8,
    min_size: int = 20,
    *,
    mask: ArrayLike | None = None,
    channel_axis: int | None = -1,
    n_threads: int | None = None,
) -> NDArray[np.int32]:
    """Segment an image by joining pixels along the edges between neighbours, the lightest first.

    Two regions are joined where the edge between them weighs hardly more than the heaviest that holds either one
    together; how much more depends on `scale` and on their size. So regions keep within them what varies slowly, and
    their size follows the image. Parameters, their meaning and defaults are those of
    ``skimage.segmentation.felzenszwalb``.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C), or PixelFeatures
        Image of any number of channels. Pixels differ by the Euclidean distance of their values.
    scale : float or sequence of K floats, default 1
        What a region of n pixels tolerates beyond its heaviest edge is ``scale / n``, in levels of 8 bits: an integer
        dtype's range counts as 255 of them, and floats are taken as 0 to 1. Higher makes larger regions. The default
        is for tiny ones; photographs are cut into objects by 100 to 1000, and score best by 300 to 500, with a
        `min_size` of 200 for boundaries and 800 for regions. For °C multiply by 255: ``255 * 20`` lets 20
        pixels differ by 1 K. A sequence is answered with one segmentation for each, from one sort of the edges.
    sigma : float, default 0.8
        Width of a Gaussian in pixels that smooths the image first; 0 smooths nothing.
    min_size : int, default 20
        Regions below this many pixels join the neighbour that their lightest edge leads to. For objects of a photograph
        of 480 × 320, 100 to 1000.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; only these are smoothed over. Others get -1. NaN is allowed there only.
    channel_axis : int or None, default -1
        Axis of the channels of a 3-D image.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all processors
        this process may use.

    Returns
    -------
    ndarray of int32, shape (M, N) or (K, M, N)
        Regions, connected by sides or corners and numbered from 0 by their first pixel; -1 outside the mask. Add 1 for
        the labels that `region_table` and `region_graph` take.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN inside the mask.

    Notes
    -----
    Images of float64 are compared in float64, and all labels are those of scikit-image 0.26, but where edges weigh the
    same. What differs:

    ====================  =======================================  ===============================================
    on                    scikit-image                             here
    ====================  =======================================  ===============================================
    equal weights         any order                                by direction (right, down, down right, down
                                                                   left), then by the upper or left pixel
    arithmetic            float64                                  float64 for float64 and for integers above
                                                                   16 bits, float32 for others
    wide integers         by the range of their dtype              range of 255, as lists of 8-bit values have
    more than 3 channels  warns                                    taken
    mask, many scales     none                                     as above
    labels                int64                                    int32
    n_threads             one                                      any
    ====================  =======================================  ===============================================

    Source: P. F. Felzenszwalb and D. P. Huttenlocher, "Efficient Graph-Based Image Segmentation", International Journal
    of Computer Vision 59(2), 2004, doi:10.1023/B:VISI.0000022288.19776.77.

    Examples
    --------
    >>> image = [[0.0, 0.1, 0.9], [0.1, 0.0, 0.8], [0.1, 0.2, 0.9]]
    >>> felzenszwalb(image, scale=100, sigma=0, min_size=1)
    array([[0, 0, 1],
           [0, 0, 1],
           [0, 0, 1]], dtype=int32)
    >>> felzenszwalb(image, scale=[10, 1000], sigma=0, min_size=1).max(axis=(1, 2)) + 1
    array([6, 1], dtype=int32)
    """
    array, inside = _channels(image, mask, channel_axis)
    scales = _scales(scale)
    sigma = check_float("sigma", sigma, low=0, high=WIDEST)
    min_size = check_int("min_size", min_size, low=0)
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise ValueError(f"image must have at most {MOST_PIXELS} pixels, got {array.shape[:2]}; cut it into tiles")
    levels = 255 / full_range(array.dtype)
    array, unit = _in_range(array, inside)
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    kernels: Any = kernels_for(array, "felzenszwalb")
    planes = kernels.smoothed_planes(array, inside, unit, dtype, sigma, n_threads)
    labels = kernels.grow(planes, [min(value / levels * unit, HIGHEST) for value in scales], min_size, n_threads)
    found: NDArray[np.int32] = labels if np.ndim(scale) else labels[0]
    return found


def _channels(
    image: ArrayLike | PixelFeatures, mask: ArrayLike | None, axis: int | None
) -> tuple[Array, NDArray[np.bool_] | None]:
    """Return the image as (M, N, C) and its mask."""
    if isinstance(image, PixelFeatures):
        inside = check_mask(mask, image.shape[:2])
        if image.mask is not None:
            inside = image.mask if inside is None else image.mask & inside
        return np.asarray(image), inside
    array = check_image("image", image)
    if array.ndim == 2:
        array = array[..., None]
    elif axis is None:
        raise ValueError(
            f"image must have shape (M, N) with channel_axis=None, got {array.shape}; volumes are not segmented: "
            "pass one slice at a time, or the axis of the channels"
        )
    else:
        array = np.moveaxis(array, check_int("channel_axis", axis, low=-3, high=2), -1)
    return array, check_mask(mask, array.shape[:2])


def _scales(scale: object) -> list[float]:
    array = check_numbers("scale", scale)
    if array.ndim > 1 or not array.size:
        raise ValueError(f"scale must be one number or a sequence of them, got shape {array.shape}")
    return [check_float("scale", float(value), low=0) for value in array.ravel()]


def _in_range(image: Array, mask: NDArray[np.bool_] | None) -> tuple[Array, float]:
    """Return the image in a dtype that is compared, and the power of two that brings it into the range of float32."""
    if image.dtype.kind != "f" and image.dtype.itemsize <= 2:
        return image, 1.0
    if image.dtype.kind != "f":
        image = image.astype(np.float64)
    top = check_inside("image", image, mask)
    if 2.0**-LARGE <= top <= 2.0**LARGE or top == 0:
        return image, 1.0
    if top < 1:
        return image, math.ldexp(1.0, min(-math.frexp(top)[1], 900))
    values = np.abs(image if mask is None else image[mask]).ravel()
    values = values[:: max(1, values.size // SAMPLES)]
    ordinary = float(np.median(values[values > 0])) if values.any() else 1.0  # not the highest, which may be an outlier
    unit = math.ldexp(1.0, -max(math.frexp(ordinary)[1], 0))
    bound = min(LIMIT / unit, FLOAT32_MAX)
    return np.clip(image, -bound, bound), unit
