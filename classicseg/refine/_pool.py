"""Values of pixels gathered into regions, given back to pixels, and drawn to the regions' borders."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_array, check_choice, check_finite, check_float, check_image, check_weights
from classicseg.regions._check import OUTSIDE, check_regions, check_threads, for_kernels

Array = NDArray[Any]
How = Literal["mean", "max", "median"]
HOW: tuple[How, ...] = get_args(How)


def pool(
    values: ArrayLike,
    labels: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    how: How = "mean",
    n_threads: int | None = None,
) -> Array:
    """Return one value for each region from those of its pixels.

    Parameters
    ----------
    values : array_like, shape (M, N) or (M, N, K)
        Probabilities of K classes, features of a network, temperatures: any numbers. NaN is allowed outside the
        regions only.
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside. Numbers may be missing.
    weights : array_like, shape (M, N), optional
        How much each pixel counts in the mean, from 0 up: for example little at borders, which superpixels place
        least surely. A region whose weights are all 0 gets its plain mean.
    how : {"mean", "max", "median"}, default "mean"
        Means of probabilities are probabilities again. The maximum keeps what is hot on a few pixels, and the median
        is deaf to it; neither keeps the sum over classes.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray, shape (n,) or (n, K)
        A row for each region that occurs, by ascending label: those of `RegionTable`. float32 for float32, uint8
        and uint16, float64 for others.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels), or `values` have NaN inside a region.

    See Also
    --------
    unpool : The way back.
    snap : Both at once, by a weight.

    Notes
    -----
    Sums are of float64. A pool over superpixels loses what is smaller than they are: see `snap`.

    Examples
    --------
    >>> labels = [[1, 1, 4], [1, 0, 4]]
    >>> pool([[0.0, 0.5, 1.0], [1.0, 9.0, 0.0]], labels)
    array([0.5, 0.5])
    >>> pool([[0.0, 0.5, 1.0], [1.0, 9.0, 0.0]], labels, weights=[[1, 1, 1], [0, 0, 0]], how="mean")
    array([0.25, 1.  ])
    """
    given = _check_pixels("values", values, labels)
    how = check_choice("how", how, HOW)
    if weights is not None and how != "mean":
        raise ValueError(f"weights must go with how='mean', got them with {how!r}; leave them out")
    shares = None if weights is None else check_weights("weights", weights, given.regions.shape, given.regions > 0)
    area, table = _pooled(given, shares, how, check_threads(n_threads))
    found = table[area > 0].astype(given.dtype)
    return found.reshape(len(found), *given.shape[2:])


def unpool(table: ArrayLike, labels: ArrayLike, *, fill: float = 0) -> Array:
    """Return for each pixel the value of its region.

    Parameters
    ----------
    table : array_like, shape (n,) or (n, K)
        A row for each region that occurs, by ascending label, as `pool` returns them and `RegionTable` has them.
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside. Numbers may be missing.
    fill : float, default 0
        The value of pixels outside; -1 suits class labels.

    Returns
    -------
    ndarray, shape (M, N) or (M, N, K)
        Of the dtype of `table`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or dtype, `table` has not one row for each region, or its dtype does not
        hold `fill`.

    See Also
    --------
    pool : From pixels to regions.

    Examples
    --------
    >>> unpool([0, 2], [[1, 1, 4], [1, 0, 4]], fill=-1)
    array([[ 0,  0,  2],
           [ 0, -1,  2]])
    """
    regions, n_regions = check_regions(labels)
    present = kernels_for(regions, "pool").areas(regions, n_regions) > 0
    rows = check_table("table", table, int(present.sum()))
    by_label = np.empty((n_regions + 1, *rows.shape[1:]), rows.dtype)
    by_label[0] = _check_fill(fill, rows.dtype)
    by_label[1:][present] = rows
    return np.take(by_label, regions, axis=0)


def snap(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    weight: float = 0.5,
    n_threads: int | None = None,
) -> Array:
    """Draw the values of pixels to the mean of their region, so that classes end where regions do.

    Parameters
    ----------
    probabilities : array_like, shape (M, N) or (M, N, K)
        Probabilities of K classes, or other values, one set per pixel. NaN is allowed outside the regions only.
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside. Numbers may be missing.
    weight : float, default 0.5
        Share of the region's mean, from 0 to 1. 0 leaves all as it is; 1 gives all pixels of a region the same,
        which costs whatever is smaller than the regions, such as hot cells. One half keeps a small thing where its
        pixels are sure of it, and still takes the frayed edge off large ones.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    ndarray, of the shape of `probabilities`
        ``(1 - weight) * probabilities + weight * mean``; pixels outside stay as they are. Probabilities that sum to
        one still do. float32 for float32, uint8 and uint16, float64 for others.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, `labels` are no region labels (negative, or larger than
        the number of pixels), or `probabilities` have NaN inside a region.

    See Also
    --------
    pool : The means themselves.
    smooth : One class for each region, with as few borders as it takes.

    Examples
    --------
    >>> snap([[0.0, 0.5, 1.0], [1.0, 9.0, 0.0]], [[1, 1, 4], [1, 0, 4]])
    array([[0.25, 0.5 , 0.75],
           [0.75, 9.  , 0.25]])
    """
    given = _check_pixels("probabilities", probabilities, labels)
    weight = check_float("weight", weight, low=0, high=1)
    n_threads = check_threads(n_threads)
    _, means = _pooled(given, None, "mean", n_threads)
    shares = given.dtype.type(1 - weight), given.dtype.type(weight)
    own, means = given.channels.astype(given.dtype, copy=False), means.astype(given.dtype)
    mixed: Array = kernels_for(own, "pool").mix(given.regions, own, means, shares, n_threads)
    return mixed.reshape(given.shape)


def check_table(name: str, table: ArrayLike, n_rows: int) -> Array:
    """Return `table`, of any numbers, when it has `n_rows` rows or is one column of as many."""
    array = check_array(name, table)
    if array.ndim not in (1, 2) or len(array) != n_rows:
        raise ValueError(
            f"{name} must have shape ({n_rows},) or ({n_rows}, K), one row for each region that occurs, "
            f"got {array.shape}; pass what pool() gives for the same labels"
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be of a numeric or boolean dtype, got {array.dtype}; pass numbers")
    return array


def _check_fill(fill: float, dtype: np.dtype[Any]) -> Any:
    """Return `fill` as a number of `dtype`, which must hold it; NaN is one for floats."""
    if isinstance(fill, (float, np.floating)) and math.isnan(fill) and dtype.kind == "f":
        return dtype.type(fill)
    number = check_float("fill", fill)
    with np.errstate(all="ignore"):  # what does not fit is seen below
        held = np.asarray(number).astype(dtype)
    if not (np.isfinite(held) if dtype.kind == "f" else held == number):
        raise ValueError(f"fill must be a value of the table's dtype {dtype}, got {number}; convert the table first")
    return held


class _Pixels(NamedTuple):
    """Values of pixels beside the regions these belong to."""

    name: str
    shape: tuple[int, ...]  # as they were given
    channels: Array  # (M, N, K), of a dtype that kernels know
    regions: NDArray[np.int32]  # (M, N)
    n_regions: int  # the highest label

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return what means of them are given in."""
        return np.result_type(self.channels.dtype, np.float32)


def _check_pixels(name: str, values: ArrayLike, labels: ArrayLike) -> _Pixels:
    """Return the checked pair; whether values are finite inside the regions shows when they are pooled."""
    regions, n_regions = check_regions(labels)
    array = check_image(name, values)
    if array.shape[:2] != regions.shape:
        raise ValueError(f"{name} must have the labels' shape {regions.shape}, got {array.shape}")
    return _Pixels(name, array.shape, for_kernels(array.reshape(*regions.shape, -1)), regions, n_regions)


def _pooled(
    given: _Pixels, weights: Array | None, how: How, n_threads: int | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return areas (R,) and values (R, K) of the labels 1..R; those of labels that do not occur mean nothing."""
    kernels = kernels_for(given.channels, "pool")
    where = given.regions, given.channels.reshape(given.regions.size, -1)
    if how != "mean":
        _check_finite(given)  # a maximum may pass over NaN
        area, table = kernels.extremes(*where, how, given.n_regions, n_threads)
    elif weights is None:
        area, table = kernels.sums(*where, given.n_regions, n_threads)
        table /= np.maximum(area, 1)[:, None]
    else:
        area, table, total = kernels.weighted_sums(*where, weights.reshape(-1), given.n_regions, n_threads)
        table /= np.where(total > 0, total, 1)[:, None]
        if (unweighted := (total == 0) & (area > 0)).any():
            table[unweighted] = _pooled(given, None, "mean", n_threads)[1][unweighted]
    if not np.isfinite(table[area > 0]).all():
        _check_finite(given)
    return area, table


def _check_finite(given: _Pixels) -> None:
    inside = given.regions > 0
    check_finite(given.name, given.channels if inside.all() else given.channels[inside], OUTSIDE)
