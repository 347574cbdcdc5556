"""`PixelFeatures`: what the features of a pixel are made of, instead of a matrix that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._array import array_kind

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PixelFeatures:
    """A recipe for the features of every pixel; ``np.asarray(features)`` is the (M, N, F) float32 array.

    Made by `pixel_features`; frozen, and it keeps the arrays it was made from instead of a matrix. Feature f of a
    pixel is ``weights[f]`` times its value in ``planes[f]``; where that is None, the feature is the position:
    the column index for the name x, the row index for y. Two recipes are equal only when they are the same object:
    compare the arrays.

    Parameters
    ----------
    shape : tuple of int
        Shape (M, N, F) of the features as an array.
    names : tuple of str
        One name per feature, such as ("R", "G", "B", "x", "y").
    planes : tuple of (ndarray of shape (M, N) or None)
        Source of each feature, in its own dtype and any strides: a view of the image, the depth or the extra
        channels, or a plane computed once. None for x and y.
    weights : tuple of float
        Factor of each feature, the scaling of x and y included.
    mask : ndarray of bool, shape (M, N), or None
        True where pixels take part; None where all do.
    full_range : float
        What counts as the whole range of the values, by token and dtype (U in the notes of `pixel_features`).
    """

    shape: tuple[int, int, int]
    names: tuple[str, ...]
    planes: tuple[Array | None, ...]
    weights: tuple[float, ...]
    mask: NDArray[np.bool_] | None
    full_range: float

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the features as an (M, N, F) float32 array."""
        if copy is False:
            raise ValueError("PixelFeatures keeps no array, so copy=False cannot be met; use np.asarray(features)")
        if any(array_kind(plane) != "numpy" for plane in self.planes):
            raise TypeError(
                "features lie on a CUDA device, and NumPy wants them on the host; make them of arrays from "
                "classicseg.to_device(array, 'cpu')"
            )
        out = np.empty(self.shape, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # outside the mask anything may stand
            for f, (name, weight) in enumerate(zip(self.names, self.weights)):
                # With dtype= a plane is widened in small buffers, never as a whole.
                plane, factor = self._plane(f, name), np.float32(weight)
                np.multiply(plane, factor, out=out[..., f], dtype=np.float32, casting="same_kind")
        return out if dtype is None else out.astype(dtype, copy=False)

    def _plane(self, f: int, name: str) -> Array:
        plane = self.planes[f]
        if plane is not None:
            return plane
        index = np.arange(self.shape["yx".index(name)], dtype=np.float32)
        return index[:, None] if name == "y" else index[None, :]
