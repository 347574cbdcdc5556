"""Scores of a segmentation as a partition: covering, Rand indices, variation of information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from numpy.typing import ArrayLike

from classicseg._kernels import kernels_for
from classicseg.metrics._contingency import ContingencyTable, check_judged, contingency_table, count_pairs
from classicseg.metrics._labels import check_label_stack, check_void


class VariationOfInformation(NamedTuple):
    """Bits that one partition says beyond the other; their sum is the variation of information.

    Parameters
    ----------
    split : float
        Bits of `labels_pred` given `labels_true`: how far it cuts up the regions of the ground truth.
    merge : float
        Bits of `labels_true` given `labels_pred`: how far it joins regions of the ground truth.
    """

    split: float
    merge: float


class AdaptedRand(NamedTuple):
    """Agreement about the pairs of pixels that lie in one region.

    Parameters
    ----------
    error : float
        One minus the harmonic mean of precision and recall.
    precision : float
        Of the pairs that `labels_pred` puts together, the part that belongs together.
    recall : float
        Of the pairs that belong together, the part that `labels_pred` puts together.
    """

    error: float
    precision: float
    recall: float


@dataclass(frozen=True)
class RegionScores:
    """Scores of one segmentation against one or several annotators.

    Parameters
    ----------
    covering : float
        `covered` / `area`, at most 1, which is best.
    probabilistic_rand_index : float
        Mean over the annotators of the Rand index, at most 1, which is best.
    variation_of_information : float
        `split` + `merge`, in bits; 0 is best.
    split : float
        Mean over the annotators, in bits, see `VariationOfInformation`.
    merge : float
        Mean over the annotators, in bits, see `VariationOfInformation`.
    covered : float
        Pixels of the annotators' regions, each times its highest intersection over union with any region.
    area : int
        Pixels of the annotators' regions, of all annotators. Over the images of a data set the benchmark adds up
        `covered` and `area`, see `best_covering`.
    """

    covering: float
    probabilistic_rand_index: float
    variation_of_information: float
    split: float
    merge: float
    covered: float
    area: int


def region_scores(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> RegionScores:
    """Compute covering, probabilistic Rand index and variation of information from one table per annotator.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N) or (n, M, N), or a sequence of n images
        The ground truth, of one annotator or of several. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The segmentation. Labels are names: their values mean nothing, and regions need not be connected.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    RegionScores
        The three scores, and the sums by which covering is pooled over images.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Covering takes the size of regions into account and forgives no missing one; the Rand index is close to 1 for
    any segmentation of an image with many regions; the variation of information is a metric. All three as the
    Berkeley benchmark defines them.
    Source: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation",
    IEEE TPAMI 33(5), 2011, doi:10.1109/TPAMI.2010.161.

    Examples
    --------
    >>> scores = region_scores([[1, 1, 2, 2]], [[1, 1, 1, 2]])
    >>> round(scores.covering, 4), round(scores.probabilistic_rand_index, 4)
    (0.5833, 0.5)
    >>> round(scores.split, 4), round(scores.merge, 4)
    (0.5, 0.6887)
    """
    sums = _sums_per_annotator(labels_true, labels_pred, void, mask)
    covered, area = sum(one.covered for one in sums), sum(one.n_pixels for one in sums)
    split, merge = _mean_bits(sums)
    return RegionScores(covered / area, _mean_rand_index(sums), split + merge, split, merge, covered, area)


def covering(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return how well regions cover those of the ground truth.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N) or (n, M, N), or a sequence of n images
        The ground truth, of one annotator or of several. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The segmentation that covers it.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        Mean over the regions of all annotators, weighted by area, of the highest intersection over union with any
        region of `labels_pred`: 1 for equal partitions, never 0.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Source: P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "From contours to regions: An empirical evaluation",
    CVPR 2009, doi:10.1109/CVPR.2009.5206707.

    Examples
    --------
    >>> round(covering([[1, 1, 2, 2]], [[1, 1, 1, 2]]), 4)
    0.5833
    """
    sums = _sums_per_annotator(labels_true, labels_pred, void, mask)
    return sum(one.covered for one in sums) / sum(one.n_pixels for one in sums)


def probabilistic_rand_index(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> float:
    """Return the mean over annotators of the part of all pairs of pixels on which both partitions agree.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N) or (n, M, N), or a sequence of n images
        The ground truth, of one annotator or of several. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The segmentation.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    float
        0 to 1, which is best. Of a single annotator it is the Rand index; of a single pixel it is 1.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Two partitions agree on a pair of pixels that both put together, or both apart. The number of pairs is exact.
    Source: R. Unnikrishnan, C. Pantofaru, M. Hebert, "Toward Objective Evaluation of Image Segmentation
    Algorithms", IEEE TPAMI 29(6), 2007, doi:10.1109/TPAMI.2007.1046.

    Examples
    --------
    >>> probabilistic_rand_index([[1, 1, 2, 2]], [[1, 1, 1, 2]])
    0.5
    """
    return _mean_rand_index(_sums_per_annotator(labels_true, labels_pred, void, mask))


def variation_of_information(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> VariationOfInformation:
    """Return the bits by which a segmentation splits and merges regions of the ground truth.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N) or (n, M, N), or a sequence of n images
        The ground truth, of one annotator or of several. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The segmentation.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    VariationOfInformation
        ``(split, merge)`` in bits, 0 is best; mean over the annotators. The order is that of scikit-image.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    The entropy of each partition given the other one.
    Source: M. Meilă, "Comparing clusterings: an information based distance", Journal of Multivariate Analysis
    98(5), 2007, doi:10.1016/j.jmva.2006.11.013.

    Examples
    --------
    >>> variation_of_information([[1, 1, 2, 2]], [[1, 2, 3, 3]])
    VariationOfInformation(split=0.5, merge=0.0)
    """
    return VariationOfInformation(*_mean_bits(_sums_per_annotator(labels_true, labels_pred, void, mask)))


def adapted_rand_error(
    labels_true: ArrayLike,
    labels_pred: ArrayLike,
    *,
    void: int | ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> AdaptedRand:
    """Return how far two partitions disagree about the pairs of pixels that lie in one region.

    Parameters
    ----------
    labels_true : array_like of int, shape (M, N)
        The ground truth. CuPy arrays are counted on their device.
    labels_pred : array_like of int, shape (M, N)
        The segmentation.
    void : int or sequence of int, optional
        Labels of the ground truth whose pixels are not judged; the challenges on neurons leave out 0.
    mask : array_like of bool, shape (M, N), optional
        True where pixels are judged.

    Returns
    -------
    AdaptedRand
        ``(error, precision, recall)``, each 0 to 1. Where a partition puts no two pixels together there is nothing
        to be wrong about: its part is 1.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or no pixel is judged.

    Notes
    -----
    Unlike the Rand index it does not count the pairs that both put apart, which are nearly all. The error is that
    of scikit-image; version 0.26 of it divides for "precision" by the pairs of the ground truth, so that its two
    other numbers stand in the other order, against its own documentation.
    Source: I. Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for
    connectomics", Frontiers in Neuroanatomy 9:142, 2015, doi:10.3389/fnana.2015.00142.

    Examples
    --------
    >>> adapted_rand_error([[1, 1, 1, 2]], [[1, 1, 2, 2]])
    AdaptedRand(error=0.6, precision=0.5, recall=0.3333333333333333)
    """
    sums = _sums(contingency_table(labels_true, labels_pred, void=void, mask=mask))
    in_true, in_pred, in_both = (pairs - sums.n_pixels for pairs in (sums.in_true, sums.in_pred, sums.in_both))
    precision, recall = (in_both / among if among else 1.0 for among in (in_pred, in_true))
    error = 1 - 2 * in_both / (in_true + in_pred) if in_true + in_pred else 0.0
    return AdaptedRand(error, precision, recall)


class PartitionSums(NamedTuple):
    """What the scores of two partitions are made of."""

    n_pixels: int
    covered: float  # pixels of the ground truth's regions, times the best overlap of their region
    in_true: int  # ordered pairs of pixels, also of one with itself, that lie in one region of the ground truth,
    in_pred: int  # of the other partition,
    in_both: int  # and of both
    split: float  # bits, times the pixels
    merge: float


def _sums(table: ContingencyTable) -> PartitionSums:
    cells = check_judged(table).rows, table.cols, table.n_pixels
    return PartitionSums(
        *kernels_for(table.rows, "partitions").partition_sums(*cells, len(table.true), len(table.pred))
    )


def _sums_per_annotator(
    labels_true: ArrayLike, labels_pred: ArrayLike, void: int | ArrayLike | None, mask: ArrayLike | None
) -> list[PartitionSums]:
    true, pred, inside = check_label_stack(labels_true, labels_pred, mask)
    not_judged = check_void(void)
    return [_sums(count_pairs(one, pred, inside, not_judged)) for one in true]


def _mean_rand_index(sums: list[PartitionSums]) -> float:
    return sum(map(_rand_index, sums)) / len(sums)


def _rand_index(sums: PartitionSums) -> float:
    pairs = sums.n_pixels * (sums.n_pixels - 1)
    return 1 - (sums.in_true + sums.in_pred - 2 * sums.in_both) / pairs if pairs else 1.0


def _mean_bits(sums: list[PartitionSums]) -> tuple[float, float]:
    """Return the bits of split and merge, each the mean over the annotators."""
    split = sum(one.split / one.n_pixels for one in sums)
    merge = sum(one.merge / one.n_pixels for one in sums)
    return split / len(sums), merge / len(sums)
