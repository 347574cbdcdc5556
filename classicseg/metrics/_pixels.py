"""Scores of pixels with class labels: confusion matrix, accuracy, intersection over union, Dice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array, check_int
from classicseg.metrics._contingency import ContingencyTable, check_judged, contingency_table


@dataclass(frozen=True)
class ClassScores:
    """Scores of class labels, made of a confusion matrix.

    A class that occurs in neither image has no score: NaN, and left out of the means.

    Parameters
    ----------
    pixel_accuracy : float
        Part of the pixels whose class is right.
    mean_accuracy : float
        Mean of the part of each class of the ground truth that is found.
    mean_iou : float
        Mean of `iou` over the classes that occur.
    mean_dice : float
        Mean of `dice` over the classes that occur.
    frequency_weighted_iou : float
        Mean of `iou`, weighted by the pixels of the ground truth.
    iou : ndarray of float64, shape (n_classes,)
        Intersection over union (Jaccard index) of each class.
    dice : ndarray of float64, shape (n_classes,)
        Twice the intersection over the sum of both areas (F1 score) of each class.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    mean_dice: float
    frequency_weighted_iou: float
    iou: NDArray[np.float64]
    dice: NDArray[np.float64]


def confusion_matrix(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    n_classes: int,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> NDArray[np.int64]:
    """Count how many pixels of each class were given each class.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        Class of each pixel, 0 to `n_classes` - 1 where it is judged. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The class that it was given, in the same range.
    n_classes : int
        Number of classes.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged, often 255; they may lie outside the range.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
        Pixels by true class (row) and given class (column). Add up those of all images of a data set, then see
        `class_scores`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or a judged pixel has a class outside the range.

    Examples
    --------
    >>> confusion_matrix([[0, 0, 1, 255]], [[0, 1, 1, 1]], 2, void=255)
    array([[1, 1],
           [0, 1]])
    """
    n_classes = check_int("n_classes", n_classes, low=1)
    return _matrix(contingency_table(labels_true, labels_pred, void=void, mask=mask), n_classes)


def class_scores(confusion: ArrayLike) -> ClassScores:
    """Return all scores of class labels from a confusion matrix.

    Parameters
    ----------
    confusion : array_like of int, shape (n_classes, n_classes)
        Pixels by true class (row) and given class (column), as `confusion_matrix` counts them: of an image, or the
        sum over the images of a data set.

    Returns
    -------
    ClassScores
        Accuracy, intersection over union and Dice, per class and their means.

    Raises
    ------
    ValueError, TypeError
        If `confusion` is not square, has negative numbers, or counts no pixel.

    Notes
    -----
    The names follow J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    CVPR 2015, doi:10.1109/CVPR.2015.7298965.

    Examples
    --------
    >>> class_scores([[3, 1], [0, 4]]).iou
    array([0.75, 0.8 ])
    """
    counts = check_array("confusion", confusion)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"confusion must have shape (n_classes, n_classes), got {counts.shape}")
    if counts.dtype.kind not in "iu":
        raise TypeError(f"confusion must be numbers of pixels of an integer dtype, got {counts.dtype}")
    if counts.size and counts.min() < 0:
        raise ValueError(f"confusion must not be negative, got {counts.min()}")
    if not counts.any():
        raise ValueError("confusion must count at least one pixel, got none; leave out images without judged pixels")
    return _scores(counts.astype(np.int64))


def pixel_accuracy(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return the part of the pixels whose class is right.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        Class of each pixel. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The class that it was given.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        0 to 1, which is best. For a data set see `class_scores`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Examples
    --------
    >>> pixel_accuracy([[0, 0, 1, 255]], [[0, 1, 1, 1]], void=255)
    0.6666666666666666
    """
    table = check_judged(contingency_table(labels_true, labels_pred, void=void, mask=mask))
    right = table.true[table.rows] == table.pred[table.cols]
    return float(table.n_pixels[right].sum() / table.n_pixels.sum())


def mean_iou(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    n_classes: int | None = None,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return the mean over the classes of intersection over union.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        Class of each pixel, from 0 where it is judged. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The class that it was given, from 0 where it is judged.
    n_classes : int, optional
        Number of classes; a class above is refused. Default: what occurs.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        0 to 1, which is best. A class in neither image is left out. For a data set see `class_scores`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Examples
    --------
    >>> mean_iou([[0, 0, 1, 1]], [[0, 1, 1, 1]])
    0.5833333333333333
    """
    return _class_scores(labels_true, labels_pred, n_classes, void, mask).mean_iou


def dice(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    n_classes: int | None = None,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the Dice coefficient of each class.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        Class of each pixel, from 0 where it is judged. A boolean mask has the classes 0 and 1. CuPy arrays are
        counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The class that it was given, from 0 where it is judged.
    n_classes : int, optional
        Number of classes; a class above is refused. Default: what occurs.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    ndarray of float64, shape (n_classes,)
        0 to 1, which is best; NaN for a class in neither image. Of two boolean masks, element 1 is their Dice
        coefficient. The mean is in `class_scores`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Source: L. R. Dice, "Measures of the Amount of Ecologic Association Between Species", Ecology 26(3), 1945,
    doi:10.2307/1932409.

    Examples
    --------
    >>> dice([[0, 0, 1, 1]], [[0, 1, 1, 1]])
    array([0.66666667, 0.8       ])
    """
    return _class_scores(labels_true, labels_pred, n_classes, void, mask).dice


def frequency_weighted_iou(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    n_classes: int | None = None,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return the mean over the judged pixels of the intersection over union of their true class.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        Class of each pixel, from 0 where it is judged. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The class that it was given, from 0 where it is judged.
    n_classes : int, optional
        Number of classes; a class above is refused. Default: what occurs.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        0 to 1, which is best. For a data set see `class_scores`.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Examples
    --------
    >>> frequency_weighted_iou([[0, 1, 1, 1]], [[0, 0, 1, 1]])
    0.625
    """
    return _class_scores(labels_true, labels_pred, n_classes, void, mask).frequency_weighted_iou


def _class_scores(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    n_classes: int | None,
    void: int | ArrayLike | None,
    mask: ArrayLike | None,
) -> ClassScores:
    given = None if n_classes is None else check_int("n_classes", n_classes, low=1)
    table = check_judged(contingency_table(labels_true, labels_pred, void=void, mask=mask))
    return _scores(_matrix(table, given or 1 + max(int(table.true[-1]), int(table.pred[-1]), 0)))


def _matrix(table: ContingencyTable, n_classes: int) -> NDArray[np.int64]:
    for name, classes in (("labels_true", table.true), ("labels_pred", table.pred)):
        if len(classes) and not 0 <= classes[0] <= classes[-1] < n_classes:
            wrong = int(classes[0] if classes[0] < 0 else classes[-1])
            raise ValueError(
                f"{name} must be classes from 0 to {n_classes - 1} where pixels are judged, got {wrong}; name what is "
                "not judged in void (labels of the ground truth) or mask"
            )
    matrix = np.zeros((n_classes, n_classes), np.int64)
    matrix[table.true[table.rows], table.pred[table.cols]] = table.n_pixels
    return matrix


def _scores(confusion: NDArray[np.int64]) -> ClassScores:
    right, true, pred = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    iou, dice = _ratio(right, true + pred - right), _ratio(2 * right, true + pred)
    found = _ratio(right, true)
    return ClassScores(
        pixel_accuracy=float(right.sum() / true.sum()),
        mean_accuracy=float(np.nanmean(found)),
        mean_iou=float(np.nanmean(iou)),
        mean_dice=float(np.nanmean(dice)),
        frequency_weighted_iou=float((true * np.nan_to_num(iou)).sum() / true.sum()),
        iou=iou,
        dice=dice,
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return part / whole, NaN where both are zero."""
    ratio = np.full(len(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole != 0)
    return ratio
