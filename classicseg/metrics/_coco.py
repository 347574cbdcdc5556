"""Average precision and recall as COCO defines them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_choice, check_int
from classicseg.metrics._coco_files import table_of_results, table_of_truth
from classicseg.metrics._instances import Instances, Table, table_of_instances
from classicseg.metrics._runs import Runs

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
ALMOST_ONE = 1 - 1e-10  # a threshold above it would refuse equal masks whose IoU was rounded


@dataclass(frozen=True, eq=False)
class CocoScores:
    """The twelve numbers of COCO's detection evaluation, and the arrays that they are means of.

    NaN stands where there is no ground truth to find; COCO's own programs print -1.

    Parameters
    ----------
    ap, ap_50, ap_75 : float
        Average precision: mean over classes and IoU thresholds 0.50, 0.55, ..., 0.95; at 0.50 and at 0.75.
    ap_small, ap_medium, ap_large : float
        The same over thresholds, for instances of at most 32² pixels, 32² to 96², and at least 96².
    ar_1, ar_10, ar_100 : float
        Average recall: highest recall, mean over classes and thresholds, with that many predictions per image and
        class (the three of `max_detections`).
    ar_small, ar_medium, ar_large : float
        Average recall by size.
    precision : ndarray, shape (10, 101, K, 4, 3)
        By IoU threshold, recall (0, 0.01, ..., 1), class, size (all, small, medium, large), most predictions.
    recall : ndarray, shape (10, K, 4, 3)
        Highest recall, by the same without recall.
    classes : ndarray, shape (K,)
        The classes, sorted.
    class_ap : ndarray, shape (K,)
        Average precision of each class.
    max_detections : tuple of int
        How many predictions per image and class counted.
    """

    ap: float
    ap_50: float
    ap_75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    classes: NDArray[Any]
    class_ap: NDArray[np.float64]
    max_detections: tuple[int, int, int]


def coco_average_precision(
    truth: Instances | Mapping[str, Any] | str | os.PathLike[str],
    results: Instances | Sequence[Mapping[str, Any]] | str | os.PathLike[str],
    *,
    kind: str = "boxes",
    max_detections: tuple[int, int, int] = (1, 10, 100),
) -> CocoScores:
    """Return average precision and recall as the COCO detection challenge defines them.

    Predictions of a class choose by descending score, image by image, the free ground truth of highest IoU, which
    must reach the threshold. Those that find a crowd, or ground truth outside the range of sizes, are left out, as
    are those outside the range that find none; the others are right or wrong. Precision at a recall is the highest
    at that recall or beyond; average precision is its mean over 101 recalls.

    Parameters
    ----------
    truth : Instances, dict, str or Path
        What is there: columns of arrays, or COCO's `images`, `annotations` and `categories`, or the path of a JSON
        file with them. Masks in COCO's form are polygons or run lengths.
    results : Instances, list of dict, str or Path
        What was found: columns with scores, or COCO's list of `image_id`, `category_id`, `score` and `bbox` or
        `segmentation` (run lengths), or the path of a JSON file with it.
    kind : {"boxes", "masks"}
        What is compared.
    max_detections : tuple of three int
        How many predictions per image and class count, the best ones; average precision uses the last. Raise it
        where images hold more than 100 objects of one class.

    Returns
    -------
    CocoScores
        The twelve published numbers, and precision and recall by threshold, class, size and count.

    Raises
    ------
    ValueError, TypeError
        If an argument is of another form, or a result lies in an image that the ground truth does not know.
    FileFormatError
        If a file or a COCO dict is broken; the message names the row.

    Notes
    -----
    T.-Y. Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, doi:10.1007/978-3-319-10602-1_48, and
    the rules of its detection evaluation. Results of classes that the ground truth does not have are left out. The
    size of a predicted mask is that of the mask, also where the result has a `bbox` beside it. Ties of score go to
    the lower image, then to the earlier row; ties of IoU to the later ground truth.

    Examples
    --------
    >>> truth = Instances(images=[1, 1], classes=[3, 3], boxes=[[0, 0, 9, 9], [20, 20, 30, 30]])
    >>> found = Instances(images=[1], classes=[3], boxes=[[0, 0, 9, 9]], scores=[0.8])
    >>> round(coco_average_precision(truth, found).ap, 4)
    0.505
    """
    kind = check_choice("kind", kind, ("boxes", "masks"))
    limits = _check_limits(max_detections)
    known, found = _tables(truth, results, kind)
    precision, recall = _curves(known, found, np.array(limits, np.int64))
    return _summary(precision, recall, known.all_classes, limits)


def _check_limits(limits: Sequence[int]) -> tuple[int, int, int]:
    if not isinstance(limits, (tuple, list)) or len(limits) != 3:
        raise ValueError(f"max_detections must be three integers, as (1, 10, 100), got {limits!r}")
    a, b, c = (check_int("max_detections", limit, low=1) for limit in limits)
    if not a < b < c:
        raise ValueError(f"max_detections must rise, got {tuple(limits)}; sort it and leave out repeats")
    return a, b, c


def _tables(truth: Any, results: Any, kind: str) -> tuple[Table, Table]:
    """Return both as columns, with all images and the classes of the ground truth."""
    files = not isinstance(truth, Instances)
    known = table_of_truth("truth", truth, kind) if files else table_of_instances("truth", truth, kind, scored=False)
    if isinstance(results, Instances):
        found = table_of_instances("results", results, kind, scored=True)
    else:
        found = table_of_results("results", results, kind, known.all_images if files else None)
    for name, one, other in (("images", known.images, found.images), ("classes", known.classes, found.classes)):
        if len(one) and len(other) and (one.dtype.kind == "U") != (other.dtype.kind == "U"):
            raise TypeError(
                f"{name} must be named alike, got {one[0].item()!r} in truth, {other[0].item()!r} in results"
            )
    images = [table.all_images for table in (known, found) if len(table.all_images)]
    all_images = np.unique(np.concatenate(images)) if images else np.empty(0, np.int64)
    return known._replace(all_images=all_images), found._replace(all_images=all_images, all_classes=known.all_classes)


def _curves(truth: Table, pred: Table, limits: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision (K, areas, limits, thresholds, recalls) and recall (K, areas, limits, thresholds)."""
    kernels = kernels_for(limits, "detections")
    keys_true, order_true = _sorted_keys(truth)
    keys, order = _sorted_keys(pred)
    rank = np.arange(len(keys)) - np.searchsorted(keys, keys)
    keys, order, rank = (column[rank < limits[-1]] for column in (keys, order, rank))
    groups, size = _groups(keys, keys_true)
    iou = _ious(truth, order_true, pred, order, groups, size)
    role = _roles(truth.areas[order_true], truth.crowd[order_true], kernels)
    found = np.full((len(AREAS), len(THRESHOLDS), len(keys)), kernels.WRONG, np.uint8)
    found += _outside(pred.areas[order])[:, None].astype(np.uint8) * np.uint8(kernels.IGNORED)
    kernels.match(groups, iou, np.minimum(THRESHOLDS, ALMOST_ONE), role, found)

    n_classes, n_images = len(truth.all_classes), len(truth.all_images)
    first = np.searchsorted(keys, np.arange(n_classes + 1) * n_images)
    first_true = np.searchsorted(keys_true, np.arange(n_classes + 1) * n_images)
    recall = np.full((n_classes, len(AREAS), len(limits), len(THRESHOLDS)), np.nan)
    precision = np.full((*recall.shape, len(RECALLS)), np.nan)
    for k in range(n_classes):
        own = slice(first[k], first[k + 1])
        by_score = first[k] + np.argsort(-pred.scores[order[own]], kind="stable")
        n_true = (role[:, first_true[k] : first_true[k + 1]] == kernels.JUDGED).sum(axis=1)
        kernels.sweep(found[:, :, by_score], rank[by_score], limits, n_true, RECALLS, precision[k], recall[k])
    return precision, recall


def _sorted_keys(table: Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one number per class and image, rising, and the rows in this order; by descending score within."""
    known = np.flatnonzero(np.isin(table.classes, table.all_classes))
    classes = np.searchsorted(table.all_classes, table.classes[known])
    keys = classes * len(table.all_images) + np.searchsorted(table.all_images, table.images[known])
    order = np.lexsort((-table.scores[known], keys))
    return keys[order], known[order]


def _groups(keys: NDArray[np.int64], keys_true: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return where predictions and ground truth of one class and image begin and end, and their IoU table begins."""
    both = np.intersect1d(keys, keys_true)
    sides = [np.searchsorted(column, both, side) for column in (keys, keys_true) for side in ("left", "right")]
    ends = np.cumsum((sides[1] - sides[0]) * (sides[3] - sides[2]), dtype=np.int64)
    begins = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    return np.stack([*sides, begins], axis=1).astype(np.int64), int(ends[-1]) if len(ends) else 0


def _ious(
    truth: Table,
    order_true: NDArray[np.int64],
    pred: Table,
    order: NDArray[np.int64],
    groups: NDArray[np.int64],
    size: int,
) -> NDArray[np.float64]:
    """Return the IoU of all pairs that lie in one group, group by group."""
    out, crowd = np.empty(size), truth.crowd[order_true]
    if isinstance(truth.shapes, Runs) and isinstance(pred.shapes, Runs):
        known, found = truth.shapes.take(order_true), pred.shapes.take(order)
        _check_shapes(known, truth.images[order_true], found, pred.images[order])
        kernels_for(out, "runs").mask_tables(groups, known.columns(), found.columns(), crowd, out)
    else:
        boxes, others = np.asarray(truth.shapes)[order_true], np.asarray(pred.shapes)[order]
        kernels_for(out, "boxes").box_tables(groups, boxes, others, crowd, out)
    return out


def _check_shapes(truth: Runs, images: NDArray[Any], pred: Runs, images_pred: NDArray[Any]) -> None:
    """Refuse masks of one image that differ in shape: their pixels are not the same."""
    lying_in = np.concatenate([images, images_pred]) if len(images) and len(images_pred) else images
    if not len(lying_in) or len(lying_in) == len(images):
        return
    shapes = np.concatenate([truth.shapes, pred.shapes])
    names, first, which = np.unique(lying_in, return_index=True, return_inverse=True)
    for i in np.flatnonzero((shapes != shapes[first][which]).any(axis=1)):
        one, other = tuple(shapes[first[which[i]]].tolist()), tuple(shapes[i].tolist())
        raise ValueError(
            f"masks of one image must be of one shape, got {one} and {other} in image {names[which[i]].item()!r}; "
            "bring the predictions to the size of the image first"
        )


def _outside(areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say for every range of sizes what lies outside; both ends belong to it, as in COCO's programs."""
    return np.array([(areas < low) | (areas > high) for low, high in AREAS.values()])


def _roles(areas: NDArray[np.float64], crowd: NDArray[np.bool_], kernels: Any) -> NDArray[np.int8]:
    role: NDArray[np.int8] = np.where(_outside(areas), kernels.PASSED_OVER, kernels.JUDGED).astype(np.int8)
    role[:, crowd] = kernels.CROWD
    return role


def _summary(
    precision: NDArray[np.float64], recall: NDArray[np.float64], classes: NDArray[Any], limits: tuple[int, int, int]
) -> CocoScores:
    half, three_quarters = 0, 5  # IoU 0.50 and 0.75 among the thresholds
    last = precision[:, :, -1]
    return CocoScores(
        ap=_mean(last[:, 0]),
        ap_50=_mean(last[:, 0, half]),
        ap_75=_mean(last[:, 0, three_quarters]),
        ap_small=_mean(last[:, 1]),
        ap_medium=_mean(last[:, 2]),
        ap_large=_mean(last[:, 3]),
        ar_1=_mean(recall[:, 0, 0]),
        ar_10=_mean(recall[:, 0, 1]),
        ar_100=_mean(recall[:, 0, 2]),
        ar_small=_mean(recall[:, 1, 2]),
        ar_medium=_mean(recall[:, 2, 2]),
        ar_large=_mean(recall[:, 3, 2]),
        precision=precision.transpose(3, 4, 0, 1, 2),
        recall=recall.transpose(3, 0, 1, 2),
        classes=classes,
        class_ap=np.array([_mean(last[k, 0]) for k in range(len(classes))]),
        max_detections=limits,
    )


def _mean(values: NDArray[np.float64]) -> float:
    """Return the mean of what is not NaN; NaN where nothing is."""
    some = values[~np.isnan(values)]
    return float(some.mean()) if some.size else float("nan")
