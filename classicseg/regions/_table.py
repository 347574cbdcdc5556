"""A table of regions: what each of them is like."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_image
from classicseg.regions._check import check_channels, check_regions, check_threads, for_kernels

Property = Literal[
    "area", "box", "centroid", "medoid", "perimeter", "touches_border", "mean", "std", "min", "max", "median"
]
PROPERTIES: tuple[Property, ...] = get_args(Property)
OF_VALUES = ("mean", "std", "min", "max", "median")  # in the order of the kernel
Columns = dict[str, NDArray[Any]]


def region_table(
    labels: ArrayLike,
    image: ArrayLike | None = None,
    *,
    properties: Sequence[Property] | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> Columns:
    """Describe every region by its place, its shape and its values in an image.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside, as `connected_regions` gives them. Regions need not be connected;
        numbers may be missing. Add 1 to labels that begin at 0, such as those of `felzenszwalb`.
    image : array_like, shape (M, N) or (M, N, C), optional
        Colours, temperatures or other values.
    properties : sequence of str, optional
        Which of the properties below are wanted. Default: all, and without an image all that need none. Medians
        and perimeters take most of the time.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others belong to no region. NaN is allowed there, and outside the regions.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Columns, one row per region in the order of labels; ``pandas.DataFrame`` and ``pyarrow.table`` take it as
        it is. The columns of each property:

        - ``label``, always there;
        - "area": ``area``, pixels;
        - "box": ``row_min``, ``col_min``, ``row_max``, ``col_max``, half open;
        - "centroid": ``centroid_row``, ``centroid_col``, the mean position, which may lie outside the region;
        - "medoid": ``medoid_row``, ``medoid_col``, the region's own pixel whose squared distances to all its
          pixels have the least sum, which is the one nearest to the centroid; a tie goes to the first in raster
          order;
        - "perimeter": ``perimeter``, pixels, as `skimage.measure.perimeter`: the length of the chain through
          the centers of the border pixels, holes included;
        - "touches_border": ``touches_border``, whether a pixel lies at the image's edge;
        - "mean", "std", "min", "max", "median" of the image: a column of that name for an image (M, N), and
          ``mean_0``, ``mean_1``, ... for its channels. The standard deviation is that of the population; the
          median of an even number of values is the mean of the middle two.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels), `image` has NaN inside a region, or is missing where a property needs it.

    See Also
    --------
    region_graph : Which regions lie side by side.

    Notes
    -----
    Values are added up as float64, whose integers are exact up to 2^53. Source of the perimeter: K. Benkrid,
    D. Crookes, "Design and FPGA Implementation of a Perimeter Estimator", Irish Machine Vision and Image Processing
    Conference, 2000.

    Examples
    --------
    >>> table = region_table([[1, 1, 2], [1, 0, 2]], [[10, 20, 5], [30, 99, 7]], properties=["area", "box", "mean"])
    >>> for name, column in table.items():
    ...     print(name, column)
    label [1 2]
    area [3 2]
    row_min [0 0]
    col_min [0 2]
    row_max [2 2]
    col_max [2 3]
    mean [20.  6.]
    """
    regions, n_regions = check_regions(labels, mask)
    image = None if image is None else check_image("image", image)
    wanted = _check_properties(properties, image)
    channels = check_channels(image, regions)
    n_threads = check_threads(n_threads)
    kernels = kernels_for(regions, "regions_table")
    flat = image is not None and image.ndim == 2
    found = _describe(kernels, regions, n_regions, channels, wanted, flat, n_threads)
    present = found["label"] > 0
    return found if present.all() else {name: column[present] for name, column in found.items()}


def _check_properties(properties: Sequence[Property] | None, image: object) -> tuple[Property, ...]:
    """Return the wanted properties in the order of the table."""
    if properties is None:
        return tuple(name for name in PROPERTIES if image is not None or name not in OF_VALUES)
    if isinstance(properties, str):
        raise TypeError(f"properties must be a sequence of names, got the text {properties!r}; put it in a list")
    wanted = {check_choice("properties", name, PROPERTIES) for name in properties}
    if image is None and (of_values := [name for name in OF_VALUES if name in wanted]):
        raise ValueError(f"image must be given for the properties {', '.join(of_values)}, got None")
    return tuple(name for name in PROPERTIES if name in wanted)


def _describe(
    kernels: ModuleType,
    regions: NDArray[np.int32],
    n_regions: int,
    channels: NDArray[Any],
    wanted: tuple[Property, ...],
    flat: bool,
    n_threads: int | None,
) -> Columns:
    """Return the columns of all labels up to the highest; 0 in the column of labels for those that do not occur."""
    runs, boxes, centroids, medoids = kernels.shapes(regions, n_regions, n_threads)
    found: Columns = {"label": np.where(runs.area > 0, np.arange(1, n_regions + 1, dtype=np.int32), np.int32(0))}
    n_rows, n_cols = regions.shape
    shape: dict[str, Columns] = {
        "area": {"area": runs.area},
        "box": dict(zip(("row_min", "col_min", "row_max", "col_max"), np.ascontiguousarray(boxes.T))),
        "centroid": dict(zip(("centroid_row", "centroid_col"), np.ascontiguousarray(centroids.T))),
        "medoid": dict(zip(("medoid_row", "medoid_col"), np.ascontiguousarray(medoids.T))),
        "touches_border": {"touches_border": (boxes[:, :2] == 0).any(1) | (boxes[:, 2:] == (n_rows, n_cols)).any(1)},
    }
    if "perimeter" in wanted:
        shape["perimeter"] = {"perimeter": kernels.perimeters(regions, runs, n_threads)}
    for name in wanted:
        found |= shape.get(name, {})
    if any(name in OF_VALUES for name in wanted):
        pixels = for_kernels(channels).reshape(regions.size, -1)
        numbers = kernels.values(pixels, runs, "median" in wanted, n_threads)
        for i, of_values in enumerate(OF_VALUES):
            if of_values in wanted:
                found |= _columns(of_values, numbers[..., i], channels.dtype, flat)
    return found


def _columns(name: str, numbers: NDArray[np.float64], dtype: np.dtype[Any], flat: bool) -> Columns:
    """Return a property of the values, a column for each channel; extremes are in the image's own dtype."""
    if name in ("min", "max"):
        with np.errstate(invalid="ignore"):  # the NaN of labels that do not occur
            numbers = numbers.astype(dtype)
    channels = np.ascontiguousarray(numbers.T)
    return {name: channels[0]} if flat else {f"{name}_{c}": channel for c, channel in enumerate(channels)}
