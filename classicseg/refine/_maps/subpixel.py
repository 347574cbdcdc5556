"""Sub-pixel rearrangement: channels become places, and places channels."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from classicseg._validate import check_choice
from classicseg.refine._maps.grid import Array, Pair, check_map, check_pair

Order = Literal["CRD", "DCR"]
ORDERS: tuple[Order, ...] = ("CRD", "DCR")


def pixel_shuffle(array: ArrayLike, scale: int | Pair, *, order: Order = "CRD") -> Array:
    """Lay the channels of every pixel out as a block of `scale` × `scale` pixels.

    Parameters
    ----------
    array : array_like, shape (M, N, r * s * C)
        Finite numbers; r and s are the rows and columns of `scale`.
    scale : int or pair of int
        Rows and columns of a block; one number is for both.
    order : {"CRD", "DCR"}, optional
        Which channel goes where in the block, in ONNX's words. With "CRD" the channels of a block are those of the
        first output channel, row by row, then those of the second: PyTorch's ``pixel_shuffle``. With "DCR" they are
        the output channels of the block's first pixel, then those of its second: TensorFlow's ``depth_to_space`` and
        the formula of the source. With C = 1 they are the same.

    Returns
    -------
    ndarray, shape (r * M, s * N, C)
        The rearranged array, in its dtype.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", CVPR 2016, doi:10.1109/CVPR.2016.207.

    Examples
    --------
    >>> pixel_shuffle([[[1, 2, 3, 4], [5, 6, 7, 8]]], 2)[..., 0]
    array([[1, 2, 5, 6],
           [3, 4, 7, 8]])
    """
    array = check_map("array", array, ndim=(3,))
    r, s = check_pair("scale", scale, 2, low=1, unused=1)
    order = check_choice("order", order, ORDERS)
    n_rows, n_cols, n_channels = array.shape
    if n_channels % (r * s):
        raise ValueError(
            f"array must have a multiple of {r} × {s} = {r * s} channels for blocks of that size, got {n_channels}"
        )
    if order == "CRD":
        blocks = array.reshape(n_rows, n_cols, -1, r, s).transpose(0, 3, 1, 4, 2)
    else:
        blocks = array.reshape(n_rows, n_cols, r, s, -1).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(r * n_rows, s * n_cols, -1)


def pixel_unshuffle(array: ArrayLike, scale: int | Pair, *, order: Order = "CRD") -> Array:
    """Make every block of `scale` × `scale` pixels one pixel of as many times the channels: back from `pixel_shuffle`.

    Parameters
    ----------
    array : array_like, shape (r * M, s * N, C)
        Finite numbers; r and s are the rows and columns of `scale`.
    scale : int or pair of int
        Rows and columns of a block; one number is for both.
    order : {"CRD", "DCR"}, optional
        As that of `pixel_shuffle`.

    Returns
    -------
    ndarray, shape (M, N, r * s * C)
        The rearranged array, in its dtype.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Examples
    --------
    >>> pixel_unshuffle(np.arange(8).reshape(2, 4, 1), 2)
    array([[[0, 1, 4, 5],
            [2, 3, 6, 7]]])
    """
    array = check_map("array", array, ndim=(3,))
    r, s = check_pair("scale", scale, 2, low=1, unused=1)
    order = check_choice("order", order, ORDERS)
    n_rows, n_cols, n_channels = array.shape
    if n_rows % r or n_cols % s:
        raise ValueError(
            f"array must be made of whole blocks of {r} × {s} pixels, got shape {array.shape}; cut off or pad the rest"
        )
    blocks = array.reshape(n_rows // r, r, n_cols // s, s, n_channels)
    axes = (0, 2, 4, 1, 3) if order == "CRD" else (0, 2, 1, 3, 4)
    return blocks.transpose(axes).reshape(n_rows // r, n_cols // s, -1)
