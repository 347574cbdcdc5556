"""Upsampling: every operator by which networks, and those before them, make a map larger."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from classicseg._validate import check_choice, check_unused
from classicseg.refine._maps.grid import Array, Pair, as_grid, check_map, check_pair, check_shape, floating, from_grid
from classicseg.refine._maps.interpolate import interpolate
from classicseg.refine._maps.subpixel import pixel_shuffle
from classicseg.refine._maps.transposed import check_kernel, overlap_add
from classicseg.refine._maps.unpool import max_unpool

Method = Literal["bed-of-nails", "nearest", "bilinear", "bicubic", "max-unpooling", "transposed", "subpixel"]
METHODS: tuple[Method, ...] = get_args(Method)
ANY_SHAPE = ("nearest", "bilinear", "bicubic", "max-unpooling")


def upsample(
    array: ArrayLike,
    scale: int | Pair | None = None,
    *,
    method: Method = "bilinear",
    shape: int | tuple[int, ...] | None = None,
    positions: ArrayLike | None = None,
    kernel: ArrayLike | None = None,
) -> Array:
    """Make a map of values, such as the probabilities of a coarse network, larger.

    Parameters
    ----------
    array : array_like, shape (N,), (M, N) or (M, N, C)
        Finite numbers; channels are taken one by one.
    scale : int or pair of int, optional
        Factor for rows and columns; one number is for both. Either `scale` or `shape` is given.
    method : {"bilinear", "nearest", "bicubic", "bed-of-nails", "max-unpooling", "transposed", "subpixel"}, optional
        What stands between the values. "bilinear" is right for probabilities, which stay within their range and keep
        their sum; "nearest" for labels.

        - "bed-of-nails": zeros; each value is the upper left of its block.
        - "nearest": the value itself.
        - "bilinear", "bicubic": the line, or the cubic, through the nearest two or four values of each axis. Pixels
          are areas: value i lies at i + 0.5, and the first and last are repeated beyond the border. The cubic is that
          of Keys with a = -0.75. It overshoots at edges.
        - "max-unpooling": zeros, and each value where `max_pool` had found it (`positions`).
        - "transposed": the sum of a `kernel` around every value, by default the bilinear one that FCNs start with.
          It is 0 beyond the border, so values fade there.
        - "subpixel": channels; an array (M, N, scale² · C) becomes one of C channels (`pixel_shuffle`).
    shape : int or tuple of int, optional
        Rows and columns of the result instead of a scale, for "nearest", "bilinear", "bicubic" and "max-unpooling".
        Fewer than those of the array are sampled without smoothing.
    positions : array_like of int, shape of `array`
        `MaxPoolResult.positions` for "max-unpooling", whose `shape` belongs to it.
    kernel : array_like, shape (a,) for a map of one axis; (a, b) for others, or (a, b, C, D) for (M, N, C)
        Weights for "transposed", as `transposed_convolution` takes them. The middle of the kernel lies on the block of
        its value; where that cannot be exact, half a place further up and to the left.

    Returns
    -------
    ndarray, shape (scale · N,), (scale · M, scale · N) or (scale · M, scale · N, C)
        "nearest", "bed-of-nails", "max-unpooling" and "subpixel" keep the dtype. The others compute in float32 where
        that holds the array's values, else in float64.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or an option is given to a method that has none such.

    Notes
    -----
    "bilinear" and "bicubic" are OpenCV's INTER_LINEAR and INTER_CUBIC of float images, and PyTorch's ``interpolate``
    with ``align_corners=False``; Pillow and MATLAB take a = -0.5. Source of the cubic: R. Keys, "Cubic convolution
    interpolation for digital image processing", IEEE TASSP 29, 1981, doi:10.1109/TASSP.1981.1163711. Edges of an
    image are followed by `guided_upsample`.

    Examples
    --------
    >>> upsample([1, 2], 2)
    array([1.  , 1.25, 1.75, 2.  ])
    >>> upsample([[1, 2], [3, 4]], 2, method="bicubic").round(2)
    array([[0.68, 1.02, 1.56, 1.89],
           [1.35, 1.68, 2.23, 2.56],
           [2.44, 2.77, 3.32, 3.65],
           [3.11, 3.44, 3.98, 4.32]])
    """
    array = check_map("array", array)
    method = check_choice("method", method, METHODS)
    if method != "max-unpooling":
        check_unused({"positions": positions}, method, "max-unpooling")
    if method != "transposed":
        check_unused({"kernel": kernel}, method, "transposed")
    factors, target = _sizes(array, scale, shape, method)
    if method == "subpixel":
        return pixel_shuffle(array, factors)
    if method == "max-unpooling":
        if positions is None:
            raise ValueError("positions must be given with method='max-unpooling'; max_pool() returns them")
        return max_unpool(array, positions, target if array.ndim > 1 else target[1])
    grid = as_grid(array)
    if method == "bed-of-nails":
        out = _nails(grid, factors)
    elif method == "nearest":
        out = _nearest(grid, target)
    elif method == "transposed":
        weights = _tents(factors, grid) if kernel is None else check_kernel(kernel, array)
        out = _transposed(grid, weights, factors)
    else:
        out = interpolate(grid, target, method)
    return from_grid(out, array.ndim)


def _sizes(array: Array, scale: object, shape: object, method: str) -> tuple[Pair, Pair]:
    """Return the factors and the shape of the result, of which one is given; with a shape, factors mean nothing."""
    if (scale is None) == (shape is None):
        which = "neither" if scale is None else "both"
        raise ValueError(f"scale or shape must be given, and not both, got {which}")
    if shape is not None:
        if method not in ANY_SHAPE:
            raise ValueError(
                f"shape must go with one of {', '.join(map(repr, ANY_SHAPE))}, got it with {method!r}; give scale"
            )
        return (1, 1), check_shape(shape, array.ndim)
    factors = check_pair("scale", scale, array.ndim, low=1, unused=1)
    n_rows, n_cols, _ = as_grid(array).shape
    return factors, (n_rows * factors[0], n_cols * factors[1])


def _nails(grid: Array, factors: Pair) -> Array:
    """Return zeros, with each value at the upper left of its block."""
    n_rows, n_cols, n_channels = grid.shape
    out = np.zeros((n_rows * factors[0], n_cols * factors[1], n_channels), grid.dtype)
    out[:: factors[0], :: factors[1]] = grid
    return out


def _nearest(grid: Array, target: Pair) -> Array:
    """Return the value whose area holds the middle of each pixel; a tie goes to the later one."""
    rows, cols = ((2 * np.arange(n) + 1) * side // (2 * n) for n, side in zip(target, grid.shape))
    out: Array = grid[rows][:, cols]
    return out


def _tents(factors: Pair, grid: Array) -> Array:
    """Return the weights of bilinear upsampling as a kernel: 1/4, 3/4, 3/4, 1/4 along an axis that grows twofold."""
    sides = [2 * factor - factor % 2 for factor in factors]
    rows, cols = (1 - np.abs(np.arange(n) - (n - 1) / 2) / factor for n, factor in zip(sides, factors))
    return np.outer(rows, cols).astype(floating(grid))


def _transposed(grid: Array, kernel: Array, factors: Pair) -> Array:
    """Return the transposed convolution, cut on both sides to as many times the grid."""
    lacking = [max(factor - side, 0) for side, factor in zip(kernel.shape, factors)]
    margins = [(more // 2, more - more // 2) for more in lacking]  # the middle of a small kernel, too, is the block's
    kernel = np.pad(kernel, [*margins, *[(0, 0)] * (kernel.ndim - 2)])
    excess = [side - factor for side, factor in zip(kernel.shape, factors)]
    cut = [-(-more // 2) for more in excess]
    back = [2 * left - more for left, more in zip(cut, excess)]  # an odd excess is cut off at the upper left
    return overlap_add(grid, kernel, factors, (cut[0], cut[1]), (back[0], back[1]))
