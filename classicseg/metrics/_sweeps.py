"""The best setting of a method for a whole data set, and the best one for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array, check_finite


@dataclass(frozen=True)
class SweepScores:
    """Scores of a method over its settings, for a data set.

    Parameters
    ----------
    ods : float
        Score at the one setting that is best for the data set (optimal data-set scale).
    ois : float
        Score where each image gets the setting that is best for it (optimal image scale).
    best_setting : int
        Index of the setting of `ods`; the first of equals.
    best_setting_per_image : ndarray of int, shape (images,)
        Index of the setting of each image in `ois`; the first of equals.
    per_setting : ndarray of float64, shape (settings,)
        Score of the data set at each setting.
    """

    ods: float
    ois: float
    best_setting: int
    best_setting_per_image: NDArray[np.intp]
    per_setting: NDArray[np.float64]


def best_covering(covered: ArrayLike, area: ArrayLike) -> SweepScores:
    """Pool covering over the images of a data set and find the settings that cover best.

    Parameters
    ----------
    covered : array_like, shape (images, settings)
        `RegionScores.covered` of every image at every setting.
    area : array_like, shape (images,)
        `RegionScores.area` of every image.

    Returns
    -------
    SweepScores
        Covering as the Berkeley benchmark pools it: the sums over all images are divided, so an image with more
        annotators counts more.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value.

    Examples
    --------
    >>> scores = best_covering([[60, 80], [90, 20]], [100, 100])
    >>> scores.ods, scores.ois, scores.best_setting_per_image
    (0.75, 0.85, array([1, 0]))
    """
    pixels = _check_scores("covered", covered)
    areas = check_finite("area", check_array("area", area), "leave such images out").astype(np.float64)
    if areas.shape != pixels.shape[:1] or not (areas > 0).all():
        raise ValueError(
            f"area must hold one positive number of pixels per image, {len(pixels)} as covered has rows, "
            f"got shape {areas.shape}; leave images without ground truth out of both"
        )
    per_setting = pixels.sum(axis=0) / areas.sum()
    of_image = pixels.argmax(axis=1)
    ois = pixels[np.arange(len(pixels)), of_image].sum() / areas.sum()
    best = int(per_setting.argmax())
    return SweepScores(float(per_setting[best]), float(ois), best, of_image, per_setting)


def best_probabilistic_rand_index(scores: ArrayLike) -> SweepScores:
    """Average Rand indices over the images of a data set and find the settings where they are highest.

    Parameters
    ----------
    scores : array_like, shape (images, settings)
        `RegionScores.probabilistic_rand_index` of every image at every setting.

    Returns
    -------
    SweepScores
        Means over the images, as in the Berkeley benchmark.

    Raises
    ------
    ValueError, TypeError
        If `scores` has the wrong shape, dtype or value.

    Examples
    --------
    >>> best_probabilistic_rand_index([[0.75, 0.5], [0.25, 1.0]]).ods
    0.75
    """
    return _best_of_means(_check_scores("scores", scores), sign=1)


def best_variation_of_information(scores: ArrayLike) -> SweepScores:
    """Average variations of information over the images of a data set and find the settings where they are lowest.

    Parameters
    ----------
    scores : array_like, shape (images, settings)
        `RegionScores.variation_of_information` of every image at every setting, in bits.

    Returns
    -------
    SweepScores
        Means over the images, as in the Berkeley benchmark.

    Raises
    ------
    ValueError, TypeError
        If `scores` has the wrong shape, dtype or value.

    Examples
    --------
    >>> best_variation_of_information([[1.5, 2.0], [2.5, 1.0]]).ods
    1.5
    """
    return _best_of_means(_check_scores("scores", scores), sign=-1)


def _check_scores(name: str, scores: object) -> NDArray[Any]:
    array = check_array(name, scores)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must have shape (images, settings), not empty, got {array.shape}")
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be numbers, got {array.dtype}; take one score of each RegionScores")
    return check_finite(name, array, "leave such images out").astype(np.float64)


def _best_of_means(scores: NDArray[Any], sign: int) -> SweepScores:
    per_setting = scores.mean(axis=0)
    of_image = (sign * scores).argmax(axis=1)
    ois = scores[np.arange(len(scores)), of_image].mean()
    best = int((sign * per_setting).argmax())
    return SweepScores(float(per_setting[best]), float(ois), best, of_image, per_setting)
