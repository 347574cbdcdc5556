"""What a refiner is given: an image, its regions, and what is known of them, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_image
from classicseg.refine._features import check_unit, features_of, values_of
from classicseg.regions import region_graph, region_table
from classicseg.regions._check import check_channels, check_regions, check_threads
from classicseg.regions._table import PROPERTIES, Property

Array = NDArray[Any]
Unit = Literal["celsius"]
NEEDED: tuple[Property, ...] = tuple(name for name in PROPERTIES if name != "median")  # which takes half of the time


@dataclass(frozen=True, eq=False)
class RegionTable:
    """An image and its regions, as `describe_regions` sees them: n regions with F features each.

    Row r of every array of shape (n, ...) is the region whose label is ``numbers[r]``.

    Parameters
    ----------
    image : ndarray, shape (M, N) or (M, N, C)
        As it was given, in its own dtype. Outside the mask anything may stand, NaN too.
    labels : ndarray of int32, shape (M, N)
        Region of each pixel, 0 outside. Numbers may have gaps.
    numbers : ndarray of int32, shape (n,)
        The labels that occur, ascending.
    rows : ndarray of int32, shape (M, N)
        Row of each pixel's region: labels without gaps, from 0 on; -1 outside.
    names : tuple of str
        Names of the F features.
    features : ndarray of float32, shape (n, F)
        What each region is like; finite.
    edges : ndarray of int32, shape (n_edges, 2)
        Rows of two regions that share a side of a pixel, the lower one first, each pair once, in order.
    boundary_length : ndarray of int64, shape (n_edges,)
        Sides of pixels that the two share.
    area : ndarray of int64, shape (n,)
        Pixels.
    boxes : ndarray of int64, shape (n, 4)
        ``row_min, col_min, row_max, col_max``, half open.
    medoids : ndarray of int64, shape (n, 2)
        Row and column of the pixel of the region that is nearest to its centroid: always inside.
    mask : ndarray of bool, shape (M, N)
        True where pixels belong to a region.
    metadata : dict
        Whatever the caller knows of the image.
    """

    image: Array
    labels: NDArray[np.int32]
    numbers: NDArray[np.int32]
    rows: NDArray[np.int32]
    names: tuple[str, ...]
    features: NDArray[np.float32]
    edges: NDArray[np.int32]
    boundary_length: NDArray[np.int64]
    area: NDArray[np.int64]
    boxes: NDArray[np.int64]
    medoids: NDArray[np.int64]
    mask: NDArray[np.bool_]
    metadata: Mapping[str, Any]

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one feature of all regions.

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        ndarray of float32, shape (n,)
            The feature, a view.

        Raises
        ------
        ValueError
            If there is no feature of that name.
        """
        if name not in self.names:
            raise ValueError(f"name must be one of {', '.join(map(repr, self.names))}, got {name!r}")
        return self.features[:, self.names.index(name)]


def describe_regions(
    image: ArrayLike,
    labels: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    unit: Unit | None = None,
    metadata: Mapping[str, Any] | None = None,
    n_threads: int | None = None,
) -> RegionTable:
    """Describe regions for a refiner: their values, texture, neighbours, shapes and places.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        RGB or gray picture, temperatures, or several bands.
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside: `segment`, `slic`, `connected_regions`. Numbers may be missing, and
        regions need not be connected.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others belong to no region and may hold anything.
    unit : {"celsius"}, optional
        "celsius": an image (M, N) holds temperatures. Default: it does if it is of floats.
    metadata : mapping of str to object, optional
        What is known of the image, for the refiner, such as position, time and file.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    RegionTable
        The regions. Their features, by name:

        - of each channel ``c``: ``c_mean``, ``c_std``, ``c_min``, ``c_max``, and ``c_relative``, the mean less the
          median of the neighbours' means (0 without neighbours). Channels are ``L``, ``a``, ``b`` of CIE Lab for
          three channels, ``temperature`` in the image's own unit, ``gray`` for one channel of integers, and
          ``channel_0``, ``channel_1``, … for others; integers range over 0 to 1 there, floats are as they are;
        - ``contrast_mean``, ``contrast_max``: mean distance of the values on both sides of its borders, over all of
          them and over that with the neighbour where it is greatest;
        - ``texture_fine``, ``texture_coarse``: mean steepness inside, in the channels' unit per pixel, seen through
          Gaussians of 1 and 2 pixels;
        - ``log_area``, ``log_perimeter``: logarithms of pixels, and of 1 and the perimeter;
        - ``elongation``: 0 for a disk or a square, towards 1 for a line; ``extent``: share of its box that it fills;
          ``fullness``: its area over that of the ellipse of its second moments, 1 for a disk, less with holes and
          arms;
        - ``row``, ``col``: its centroid from 0 to 1; ``touches_border``: 1 if a pixel lies at the image's edge.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels) or name no region inside the mask, or `image` has NaN inside a region.

    See Also
    --------
    refine_labels : Describe regions and hand them to a refiner.
    classicseg.region_table : Properties of regions as columns.

    Examples
    --------
    >>> table = describe_regions([[20.0, 21.0, 35.0], [20.0, 21.0, 35.0]], [[1, 1, 4], [1, 1, 4]])
    >>> table.numbers, table.column("temperature_relative")
    (array([1, 4], dtype=int32), array([-14.5,  14.5], dtype=float32))
    """
    array = check_image("image", image)
    regions, _ = check_regions(labels, mask)
    check_channels(array, regions)
    check_unit(unit, array)
    known = _check_metadata(metadata)
    n_threads = check_threads(n_threads)
    inside = regions > 0
    if not inside.any():
        raise ValueError("labels must have a region inside the mask, got none; regions are numbered from 1 on")
    values = values_of(array, inside, unit)
    channels = np.stack(list(values.planes), axis=-1)
    table = region_table(regions, channels, properties=NEEDED, n_threads=n_threads)
    graph = region_graph(regions, channels, n_threads=n_threads)
    row_of = np.full(int(regions.max()) + 1, -1, np.int32)
    row_of[table["label"]] = np.arange(len(table["label"]), dtype=np.int32)
    edges = row_of[graph.edges + 1]
    names, features = features_of(values, regions, table, (edges, graph.boundary_length, graph.contrast), n_threads)
    return RegionTable(
        image=array,
        labels=regions,
        numbers=table["label"],
        rows=row_of[regions],
        names=names,
        features=features,
        edges=edges,
        boundary_length=graph.boundary_length,
        area=table["area"],
        boxes=np.stack([table[name] for name in ("row_min", "col_min", "row_max", "col_max")], axis=1),
        medoids=np.stack([table["medoid_row"], table["medoid_col"]], axis=1),
        mask=inside,
        metadata=known,
    )


def _check_metadata(metadata: object) -> dict[str, Any]:
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise TypeError(
            f"metadata must map names to values, got {metadata!r} of type {type(metadata).__name__}; "
            'pass a dict such as {"file": "frame.jpg"}'
        )
    return dict(metadata)
