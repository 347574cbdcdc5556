"""Transposed convolution: every value of a map writes a scaled copy of the kernel, and copies that overlap add up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_finite, check_numbers
from classicseg.refine._maps.grid import Array, Pair, as_grid, check_map, check_pair, check_shape, floating, from_grid

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def transposed_convolution(
    array: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
) -> Array:
    """Write a copy of the kernel, scaled by each value of a map, every `stride` places, and add up what overlaps.

    Parameters
    ----------
    array : array_like, shape (N,), (M, N) or (M, N, C)
        Finite numbers.
    kernel : array_like, shape (a,) for a map of one axis; (a, b) for others, or (a, b, C, D) for (M, N, C)
        Weights, not flipped. A kernel of four axes maps C channels to D, as layers of networks do; one of two axes is
        used on every channel for itself. PyTorch holds the weights of ``ConvTranspose2d`` as (C, D, a, b):
        ``weight.transpose(2, 3, 0, 1)`` brings them into this form.
    stride : int or pair of int, optional
        Rows and columns from one copy to the next: the factor by which the map grows.
    padding : int or pair of int, optional
        Rows and columns that are cut off at every border: the padding of the convolution that this undoes in shape.
    output_padding : int or pair of int, optional
        Rows and columns that are added at the lower and right border, less than `stride` or `dilation`: of the maps
        that a strided convolution brings to one shape, which one.
    dilation : int or pair of int, optional
        Rows and columns from one weight of the kernel to the next.

    Returns
    -------
    ndarray of float, shape (N',), (M', N') or (M', N', C or D)
        ``N' = (N - 1) * stride - 2 * padding + dilation * (b - 1) + output_padding + 1``. float32 where that holds the
        values of both arguments, else float64.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or the padding cuts everything off.

    Notes
    -----
    It is the product with the transposed matrix of the convolution, ``convolution_matrix(...).T``. Where the kernel's
    size is no multiple of the stride, the copies overlap unevenly and leave a checkerboard: see `checkerboard`.
    Source: M. D. Zeiler et al., "Deconvolutional networks", CVPR 2010, doi:10.1109/CVPR.2010.5539957; J. Long,
    E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015,
    doi:10.1109/CVPR.2015.7298965.

    Examples
    --------
    >>> transposed_convolution([10, 20], [1, 2, 3], stride=2)  # 30 and 20 meet in the middle
    array([10., 20., 50., 40., 60.])
    """
    array = check_map("array", array)
    kernel = check_kernel(kernel, array)
    stride = check_pair("stride", stride, array.ndim, low=1, unused=1)
    padding = check_pair("padding", padding, array.ndim, low=0, unused=0)
    output_padding = check_pair("output_padding", output_padding, array.ndim, low=0, unused=0)
    dilation = check_pair("dilation", dilation, array.ndim, low=1, unused=1)
    for more, step, gap in zip(output_padding, stride, dilation):
        if more >= max(step, gap):
            raise ValueError(
                f"output_padding must be less than stride or dilation, got {more} with stride {step} and "
                f"dilation {gap}; it chooses among the shapes that one stride makes equal"
            )
    grid = overlap_add(as_grid(array), kernel, stride, padding, output_padding, dilation)
    return from_grid(grid, array.ndim)


def overlap_add(
    grid: Array, kernel: Array, stride: Pair, padding: Pair, output_padding: Pair = (0, 0), dilation: Pair = (1, 1)
) -> Array:
    """Return the transposed convolution of an (M, N, C) grid with a kernel of two or four axes."""
    reach = [gap * (side - 1) + 1 for gap, side in zip(dilation, kernel.shape)]
    spread = [(n - 1) * step + 1 for n, step in zip(grid.shape, stride)]
    full = [written + more - 1 + r for written, more, r in zip(spread, output_padding, reach)]
    for cut, n, axis in zip(padding, full, ("rows", "columns")):
        if 2 * cut >= n:
            raise ValueError(
                f"padding must leave something of the output, got {cut}, which cuts off {2 * cut} of {n} {axis}"
            )
    n_channels = kernel.shape[3] if kernel.ndim == 4 else grid.shape[2]
    out = np.zeros((*full, n_channels), floating(grid, kernel))
    grid, kernel = grid.astype(out.dtype, copy=False), kernel.astype(out.dtype, copy=False)
    for i, j in np.ndindex(kernel.shape[:2]):
        row, col = i * dilation[0], j * dilation[1]
        copy = grid @ kernel[i, j] if kernel.ndim == 4 else grid * kernel[i, j]
        out[row : row + spread[0] : stride[0], col : col + spread[1] : stride[1]] += copy
    return out[padding[0] : full[0] - padding[0], padding[1] : full[1] - padding[1]]


def check_kernel(kernel: ArrayLike, array: Array) -> Array:
    """Return the weights of a kernel with its two axes of places, and two of channels where they are given."""
    weights = check_numbers("kernel", kernel)
    ndim = (1,) if array.ndim == 1 else (2,) if array.ndim == 2 else (2, 4)
    if weights.ndim not in ndim:
        shapes = {1: "(a,)", 2: "(a, b)", 4: f"(a, b, {array.shape[-1]}, D)"}
        raise ValueError(
            f"kernel must have shape {' or '.join(shapes[n] for n in ndim)} for an array of shape {array.shape}, "
            f"got {weights.shape}"
        )
    if weights.size == 0:
        raise ValueError(f"kernel must not be empty, got shape {weights.shape}")
    if weights.ndim == 4 and weights.shape[2] != array.shape[2]:
        raise ValueError(
            f"kernel must have the array's {array.shape[2]} channels on its third axis, got shape {weights.shape}; "
            "PyTorch's weights are brought into this form by .transpose(2, 3, 0, 1)"
        )
    check_finite("kernel", weights, "replace such weights")
    return weights[None] if weights.ndim == 1 else weights


def convolution_matrix(
    kernel: ArrayLike,
    shape: int | tuple[int, ...],
    *,
    stride: int | Pair = 1,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
) -> csr_array:
    """Return the matrix that a convolution is: its product with a map, and its transpose's, are the two ways.

    Parameters
    ----------
    kernel : array_like, shape (a,) or (a, b)
        Weights, not flipped, as convolutions in networks have them.
    shape : int or tuple of int
        Rows and columns of the map that is convolved; one number where the kernel has one axis.
    stride, padding, dilation : int or pair of int, optional
        As those of `transposed_convolution`.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (n_out, n_in)
        With ``matrix = convolution_matrix(...)``, ``matrix @ large.ravel()`` is the convolution, row by row, and
        ``matrix.T @ small.ravel()`` the transposed convolution.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or the kernel reaches further than the padded map.

    Notes
    -----
    Source: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016, arXiv:1603.07285.

    Examples
    --------
    >>> convolution_matrix([1, 2, 3], 4, stride=2, padding=1).toarray()
    array([[2., 3., 0., 0.],
           [0., 1., 2., 3.]])
    """
    from scipy.sparse import coo_array

    ndim = np.ndim(check_numbers("kernel", kernel))
    if ndim not in (1, 2):
        raise ValueError(f"kernel must have shape (a,) or (a, b), got {np.shape(kernel)}")
    weights = check_kernel(kernel, np.empty((1,) * ndim))
    sides = check_shape(shape, ndim)
    options = (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    steps, cuts, gaps = (check_pair(name, value, ndim, low=low, unused=low) for name, value, low in options)
    touched = [_touched(*axis) for axis in zip(sides, weights.shape, steps, cuts, gaps, ("rows", "columns"))]
    (rows, row_inside), (cols, col_inside) = touched
    out_shape = rows.shape[0], cols.shape[0]
    # One entry per output (two axes) and weight (two axes).
    source = rows[:, None, :, None] * sides[1] + cols[None, :, None, :]
    target = np.arange(out_shape[0] * out_shape[1]).reshape(*out_shape, 1, 1)
    inside = row_inside[:, None, :, None] & col_inside[None, :, None, :]
    value, target = (np.broadcast_to(part, inside.shape)[inside] for part in (weights.astype(np.float64), target))
    n_out, n_in = out_shape[0] * out_shape[1], sides[0] * sides[1]
    return coo_array((value, (target, source[inside])), shape=(n_out, n_in)).tocsr()


def _touched(
    n: int, side: int, step: int, cut: int, gap: int, axis: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which places each output of a convolution sees along an axis, (n_out, side), and which exist."""
    reach = gap * (side - 1) + 1
    if reach > n + 2 * cut:
        raise ValueError(
            f"kernel must not reach further than the padded map, got {reach} {axis} on {n + 2 * cut}; add padding"
        )
    first = np.arange(0, n + 2 * cut - reach + 1, step, dtype=np.int64) - cut
    seen = first[:, None] + gap * np.arange(side)
    return seen, (seen >= 0) & (seen < n)
