"""Scores of superpixels: how well their borders keep to those of the ground truth, and what shape they have."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._kernels import adopt, kernels_for
from classicseg._validate import check_choice, check_finite, check_image, check_int, check_mask
from classicseg.metrics._contingency import ContingencyTable, check_judged, contingency_table, count_pairs
from classicseg.metrics._labels import Array, check_label_image, check_label_pair, check_void

Definition = Literal["neubert-protzel", "levinshtein", "best-overlap"]
DEFINITIONS: tuple[Definition, ...] = ("neubert-protzel", "levinshtein", "best-overlap")
TOLERANCE = 0.0025  # of the diagonal: 1 pixel at 481 × 321


def achievable_segmentation_accuracy(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return the accuracy of the best segmentation that can be made by joining superpixels.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The superpixels.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        Part of the pixels that are right when each superpixel is given the region that it overlaps most; 1 is best.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Source: M.-Y. Liu, O. Tuzel, S. Ramalingam, R. Chellappa, "Entropy rate superpixel segmentation", CVPR 2011,
    doi:10.1109/CVPR.2011.5995323.

    Examples
    --------
    >>> achievable_segmentation_accuracy([[1, 1, 2, 2]], [[1, 1, 1, 2]])
    0.75
    """
    return 1 - _wrong_pixels(check_judged(contingency_table(labels_true, labels_pred, void=void, mask=mask)))


def undersegmentation_error(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    definition: Definition = "neubert-protzel",
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return how far superpixels reach over the borders of the ground truth.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The superpixels.
    definition : {"neubert-protzel", "levinshtein", "best-overlap"}, default "neubert-protzel"
        "neubert-protzel": of every pair of a region and a superpixel that meet, the smaller one of the parts of the
        superpixel inside and outside the region, over all pixels; it does not depend on the superpixels' size.
        "levinshtein": the mean over the regions of the area that the superpixels touching them have too much,
        relative to the region's; a thin leak counts the whole superpixel, and small regions dominate.
        "best-overlap": the pixels outside the region that their superpixel overlaps most, over all pixels, which is
        1 - `achievable_segmentation_accuracy`.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        0 is best, where no superpixel crosses a border. "levinshtein" has no upper bound.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Sources, by definition: P. Neubert, P. Protzel, "Superpixel benchmark and comparison", Forum Bildverarbeitung
    2012; A. Levinshtein et al., "TurboPixels: Fast Superpixels Using Geometric Flows", IEEE TPAMI 31(12), 2009,
    doi:10.1109/TPAMI.2009.96; M. Van den Bergh et al., "SEEDS: Superpixels Extracted via Energy-Driven Sampling",
    ECCV 2012, doi:10.1007/978-3-642-33786-4_2.

    Examples
    --------
    >>> undersegmentation_error([[1, 1, 2, 2]], [[1, 1, 1, 2]])
    0.5
    >>> undersegmentation_error([[1, 1, 2, 2]], [[1, 1, 1, 2]], definition="levinshtein")
    0.75
    """
    definition = check_choice("definition", definition, DEFINITIONS)
    table = check_judged(contingency_table(labels_true, labels_pred, void=void, mask=mask))
    if definition == "best-overlap":
        return _wrong_pixels(table)
    area = table.area_pred[table.cols]  # of the superpixel of each cell
    if definition == "neubert-protzel":
        return float(np.minimum(table.n_pixels, area - table.n_pixels).sum() / table.n_pixels.sum())
    touching = np.bincount(table.rows, area)
    return float(np.mean((touching - table.area_true) / table.area_true))


def explained_variation(image: ArrayLike, labels: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    """Return the part of an image's variance that the means of its superpixels keep.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        Colours, temperatures or other values; the channels' variances are added, so bring them to one unit.
    labels : array_like of int, shape (M, N)
        The superpixels.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; NaN is allowed outside it only.

    Returns
    -------
    float
        0 (one region) to 1 (every region of one value); 1 for an image of one value. It needs no ground truth.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or lies on a CUDA device.

    Notes
    -----
    Source: A. P. Moore et al., "Superpixel lattices", CVPR 2008, doi:10.1109/CVPR.2008.4587471.

    Examples
    --------
    >>> explained_variation([[0, 2, 10, 12]], [[1, 1, 2, 2]])
    0.9615384615384616
    """
    values = check_image("image", image)
    regions = check_label_image("labels", labels, cuda=False)
    if values.shape[:2] != regions.shape:
        raise ValueError(f"labels must have the image's shape {values.shape[:2]}, got {regions.shape}")
    inside = check_mask(mask, regions.shape)
    if inside is not None and not inside.any():
        raise ValueError("mask must mark at least one pixel as True, got none")
    values = values.reshape(*regions.shape, -1)
    judged = values if inside is None or values.dtype.kind != "f" else np.where(inside[..., None], values, 0)
    check_finite("image", judged, "mark such pixels False in mask")
    places, n_places = _places(regions, inside)
    total, between = kernels_for(regions, "superpixels").variance_sums(
        places, np.ascontiguousarray(judged).reshape(len(places), -1), n_places
    )
    return float(between / total) if total else 1.0


def compactness(labels: ArrayLike, *, mask: ArrayLike | None = None) -> float:
    """Return how close superpixels come to discs.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        The superpixels. CuPy arrays are counted on their device.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; its border counts as that of the image.

    Returns
    -------
    float
        Isoperimetric quotient of the superpixels, 4π area / perimeter², weighted by area. The perimeter is the
        number of pixel sides towards other superpixels and the outside, so squares have π/4, which is the most.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel takes part.

    Notes
    -----
    Source: A. Schick, M. Fischer, R. Stiefelhagen, "Measuring and evaluating the compactness of superpixels",
    ICPR 2012.

    Examples
    --------
    >>> compactness([[1, 1, 2, 2], [1, 1, 2, 2]])
    0.7853981633974483
    """
    regions = _check_image_of_labels("labels", labels)
    inside = check_mask(adopt(mask), regions.shape, cuda=True)
    if inside is not None:
        check_same_device("mask", inside, "labels", regions)
    table = check_judged(count_pairs(regions, _outer_sides(regions, inside), inside, check_void(None)))
    perimeter = np.bincount(table.rows, table.n_pixels * table.pred[table.cols])
    area = table.area_true
    return float((4 * math.pi * (area / perimeter) ** 2).sum() / area.sum())


def boundary_recall(labels_true: ArrayLike, labels_pred: ArrayLike, *, tolerance: int | None = None) -> float:
    """Return the part of the ground truth's boundary that lies near a boundary of the superpixels.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth. On CuPy arrays it is computed on their device.
    labels_pred : array_like of int, shape (M, N)
        The superpixels.
    tolerance : int, optional
        Pixels in each direction that count as near: a square of 2 `tolerance` + 1. Default: 0.0025 of the
        diagonal, rounded, which is 1 at 481 × 321.

    Returns
    -------
    float
        0 to 1, which is best; 1 where the ground truth has no boundary. For contours, where each pixel may be found
        once only, see `boundary_f`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    A pixel belongs to the boundary when one of its 4 neighbours has another label.
    Source: D. Stutz, A. Hermans, B. Leibe, "Superpixels: An evaluation of the state-of-the-art", Computer Vision
    and Image Understanding 166, 2018, doi:10.1016/j.cviu.2017.03.007.

    Examples
    --------
    >>> boundary_recall([[1, 1, 1, 2, 2, 2]], [[1, 2, 2, 2, 2, 2]], tolerance=1)
    0.5
    """
    true, pred, radius = _boundaries(labels_true, labels_pred, tolerance)
    found = int((true & _near(pred, radius)).sum())
    n_true = int(true.sum())
    return found / n_true if n_true else 1.0


def boundary_precision(labels_true: ArrayLike, labels_pred: ArrayLike, *, tolerance: int | None = None) -> float:
    """Return how much of the superpixels' boundary lies near one of the ground truth, as the superpixel benchmark does.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth. On CuPy arrays it is computed on their device.
    labels_pred : array_like of int, shape (M, N)
        The superpixels.
    tolerance : int, optional
        Pixels in each direction that count as near: a square of 2 `tolerance` + 1. Default: 0.0025 of the
        diagonal, rounded, which is 1 at 481 × 321.

    Returns
    -------
    float
        Boundary pixels of the ground truth near the superpixels', over themselves and the boundary pixels of the
        superpixels that are not near the ground truth's. 1 is best, and the answer where there are neither.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Notes
    -----
    True positives are counted in the ground truth, false ones in the superpixels, so that recall and precision
    share their numerator. Superpixels have more borders than an image has contours: the number says little alone.
    Source: D. Stutz, A. Hermans, B. Leibe, "Superpixels: An evaluation of the state-of-the-art", Computer Vision
    and Image Understanding 166, 2018, doi:10.1016/j.cviu.2017.03.007.

    Examples
    --------
    >>> boundary_precision([[1, 1, 1, 2, 2, 2]], [[1, 2, 2, 2, 2, 2]], tolerance=1)
    0.5
    """
    true, pred, radius = _boundaries(labels_true, labels_pred, tolerance)
    found = int((true & _near(pred, radius)).sum())
    wrong = int((pred & ~_near(true, radius)).sum())
    return found / (found + wrong) if found + wrong else 1.0


def _wrong_pixels(table: ContingencyTable) -> float:
    """Return the part of the pixels outside the region that their superpixel overlaps most."""
    right = kernels_for(table.cols, "partitions").largest(table.cols, table.n_pixels, len(table.pred)).sum()
    n_pixels = table.n_pixels.sum()
    return float((n_pixels - right) / n_pixels)


def _places(labels: Array, inside: Array | None) -> tuple[NDArray[np.int64], int]:
    """Return for every pixel a number below the second result that its region has alone, -1 outside."""
    low, high = int(labels.min()), int(labels.max())
    if high - low < 4 * labels.size:
        places, n_places = labels.ravel().astype(np.int64) - low, high - low + 1
    else:
        distinct, places = np.unique(labels, return_inverse=True)
        places, n_places = places.reshape(-1), len(distinct)
    return places if inside is None else np.where(inside.ravel(), places, -1), n_places


def _check_image_of_labels(name: str, labels: object) -> Array:
    array = check_label_image(name, labels)
    if array.ndim != 2:
        raise ValueError(f"{name} must have shape (M, N), got {array.shape}; pass one label image at a time")
    return array


def _outer_sides(labels: Array, inside: Array | None) -> Array:
    """Return how many of the 4 sides of each pixel border on another label or on the outside."""
    sides: Array = (labels != labels).astype(np.uint8)  # zeros where the labels lie
    for image, out in ((labels, sides), (labels.T, sides.T)):
        within = None if inside is None else (inside if out is sides else inside.T)
        other = image[1:] != image[:-1]
        if within is not None:
            other |= within[1:] != within[:-1]
        out[1:] += other
        out[:-1] += other
        out[:1] += 1
        out[-1:] += 1
    return sides


def _boundaries(labels_true: ArrayLike, labels_pred: ArrayLike, tolerance: int | None) -> tuple[Array, Array, int]:
    true, pred, _ = check_label_pair(labels_true, labels_pred, None)
    _check_image_of_labels("labels_true", true)
    radius = round(TOLERANCE * math.hypot(*true.shape))
    if tolerance is not None:
        radius = check_int("tolerance", tolerance, low=0)
    return _boundary(true), _boundary(pred), radius


def _boundary(labels: Array) -> Array:
    """Mark pixels with one of 4 neighbours of another label, on both sides of the border."""
    marks: Array = labels != labels
    for image, out in ((labels, marks), (labels.T, marks.T)):
        other = image[1:] != image[:-1]
        out[1:] |= other
        out[:-1] |= other
    return marks


def _near(marks: Array, radius: int) -> Array:
    """Mark the square of 2 `radius` + 1 around every mark; a pass along an axis doubles what is reached."""
    out = marks.copy()
    for axis in (out, out.T):
        reached = 0
        while reached < radius:
            step = min(reached + 1, radius - reached)  # not 2 reached + 1: the border cuts off half of a square
            before = axis.copy()
            axis[step:] |= before[:-step]
            axis[:-step] |= before[step:]
            reached += step
    return out
