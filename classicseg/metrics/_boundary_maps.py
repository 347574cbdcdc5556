"""Boundary maps as the Berkeley benchmark makes them, and the checks of those that are given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_array
from classicseg.metrics._labels import check_label_image

Array = NDArray[Any]


def boundary_map(labels: ArrayLike) -> NDArray[np.bool_]:
    """Mark the pixels of a label image that lie on a boundary between regions.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        Label image of any integer dtype. A CuPy array is worked on where it lies.

    Returns
    -------
    ndarray of bool, shape (M, N)
        True where the pixel, its right, its lower and its lower right neighbour do not all have one label; beyond
        the last row and column the image is continued by its last values. A CuPy array for a CuPy array.

    Raises
    ------
    ValueError, TypeError
        If `labels` has the wrong shape or dtype.

    Notes
    -----
    These lines are up to two pixels wide; `thin` of them gives the boundaries that the Berkeley ground truth holds.
    Source: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation",
    IEEE TPAMI 33(5), 2011, doi:10.1109/TPAMI.2010.161.

    Examples
    --------
    >>> boundary_map([[1, 1, 2], [1, 1, 2], [1, 1, 2]])
    array([[False,  True, False],
           [False,  True, False],
           [False,  True, False]])
    """
    image = check_label_image("labels", labels)
    _check_axes("labels", image)
    boundary: NDArray[np.bool_] = image != image  # all False, on the device of the image
    across, down = image[:, 1:] != image[:, :-1], image[1:] != image[:-1]
    boundary[:, :-1] |= across
    boundary[:-1] |= down
    boundary[:-1, :-1] |= across[1:]  # and down[:, 1:] is True only where one of the three is
    return boundary


def thin(boundaries: ArrayLike) -> NDArray[np.bool_]:
    """Thin a boundary map to lines one pixel wide, as the Berkeley benchmark does before it counts.

    Parameters
    ----------
    boundaries : array_like of bool, shape (M, N)
        Boundary map. A CuPy array is copied to the host.

    Returns
    -------
    ndarray of bool, shape (M, N)
        What is left when nothing can be removed any more; connected parts stay connected, and none vanishes.

    Raises
    ------
    ValueError, TypeError
        If `boundaries` has the wrong shape or dtype.

    Notes
    -----
    The same pixels as MATLAB's ``bwmorph(..., 'thin', Inf)`` and `skimage.morphology.thin`; nothing is set outside
    the image. Source: Z. Guo, R. W. Hall, "Parallel Thinning with Two-Subiteration Algorithms", Communications of
    the ACM 32(3), 1989, doi:10.1145/62065.62074.

    Examples
    --------
    >>> thin([[True, True, True], [True, True, True], [True, True, True]]).astype(int)
    array([[0, 0, 0],
           [0, 1, 0],
           [0, 0, 0]])
    """
    image = check_boundaries("boundaries", boundaries)
    thinned: NDArray[np.bool_] = kernels_for(image, "thin").thin(image)
    return thinned


def check_boundaries(name: str, boundaries: object) -> Array:
    """Return a boundary map as a contiguous bool array (M, N) on the host."""
    array = to_host(check_array(name, adopt(boundaries), cuda=True))
    check_bool(name, array)
    _check_axes(name, array)
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return np.ascontiguousarray(array)


def check_bool(name: str, array: Array) -> None:
    """Refuse anything but booleans: 0 and 1 may be a map or the labels of two regions."""
    if array.dtype.kind != "b":
        raise TypeError(
            f"{name} must be boolean, got {array.dtype}; make a map of 0 and 1 one with > 0, "
            "and a label image with boundary_map()"
        )


def check_boundary_stack(name: str, boundaries: Any) -> list[Array]:
    """Return one or several boundary maps of one shape as a list: (M, N), (n, M, N) or a sequence of maps."""
    if is_sequence_of_maps(name, boundaries):
        maps = [check_boundaries(name, one) for one in boundaries]
        shapes = sorted({one.shape for one in maps})
        if len(shapes) > 1:
            raise ValueError(f"{name} must hold maps of one shape, got {' and '.join(map(str, shapes))}")
        return maps
    array = to_host(check_array(name, adopt(boundaries), cuda=True))
    check_bool(name, array)
    if array.ndim not in (2, 3):
        raise ValueError(f"{name} must have shape (M, N) or (n, M, N), got {array.shape}; stack the maps of one image")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    return [np.ascontiguousarray(one) for one in (array if array.ndim == 3 else array[None])]


def is_sequence_of_maps(name: str, value: Any) -> bool:
    """Say whether `value` is a list or tuple of images; the rows of one image given as lists are not."""
    if not isinstance(value, (list, tuple)) or len(value) == 0:
        return False
    first = value[0]
    return bool((first.ndim if hasattr(first, "ndim") else check_array(name, first).ndim) == 2)


def _check_axes(name: str, array: Array) -> None:
    if array.ndim != 2:
        raise ValueError(f"{name} must have shape (M, N), got {array.shape}; pass one image at a time")
