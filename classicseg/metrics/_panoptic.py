"""Panoptic quality: how well segments are found and drawn, things and stuff alike."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device
from classicseg._validate import check_int
from classicseg.metrics._contingency import ContingencyTable, count_pairs
from classicseg.metrics._labels import check_label_image

_NO_IMAGE: Any = object()


@dataclass(frozen=True, eq=False)
class PanopticImage:
    """An image cut into segments, each of one class.

    Parameters
    ----------
    labels : array_like of int, shape (M, N)
        The segment that each pixel belongs to; 0 is void, belonging to none. CuPy arrays are counted on their
        device.
    classes : dict of int to int or str
        Class of each segment in `labels`.
    crowd : collection of int, optional
        Segments of the ground truth that stand for a crowd: they need not be found, and a prediction of their class
        that lies in them by more than half is no error.

    Examples
    --------
    >>> PanopticImage([[1, 1, 2], [0, 2, 2]], {1: "car", 2: "road"}).classes
    {1: 'car', 2: 'road'}
    """

    labels: ArrayLike
    classes: Mapping[int, Any]
    crowd: Collection[int] = ()


@dataclass(frozen=True)
class PanopticAverage:
    """Means over classes; NaN where there are none.

    Parameters
    ----------
    pq, sq, rq : float
        Panoptic, segmentation and recognition quality.
    n_classes : int
        How many classes occur, in the ground truth or as an error.
    """

    pq: float
    sq: float
    rq: float
    n_classes: int


@dataclass(frozen=True, eq=False)
class PanopticScores:
    """Panoptic quality over all classes, and of each.

    Parameters
    ----------
    all, things, stuff : PanopticAverage
        Means over all classes, over those of countable things, and over the others; the latter two are None where
        `things` was not given.
    classes : ndarray, shape (K,)
        The classes that occur, sorted.
    pq, sq, rq : ndarray, shape (K,)
        Panoptic quality, ``sq * rq``; segmentation quality, the mean IoU of the segments found, 0 if none is;
        recognition quality, the F score of finding them.
    true_positives, false_positives, false_negatives : ndarray of int64, shape (K,)
        Segments found, predicted without counterpart, and missed.
    iou_sum : ndarray, shape (K,)
        Sum of the IoU of the segments found.
    """

    all: PanopticAverage
    things: PanopticAverage | None
    stuff: PanopticAverage | None
    classes: NDArray[Any]
    pq: NDArray[np.float64]
    sq: NDArray[np.float64]
    rq: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    false_negatives: NDArray[np.int64]
    iou_sum: NDArray[np.float64]


class _Segments(NamedTuple):
    """The segments that occur in one image, by ascending number; void, 0, is one of them where there is any."""

    void: NDArray[np.bool_]
    classes: list[Any]  # None for void
    crowd: NDArray[np.bool_]


class _Counts(NamedTuple):
    """What is summed over images, by class."""

    iou: dict[Any, float]
    found: dict[Any, int]
    wrong: dict[Any, int]
    missed: dict[Any, int]


def panoptic_quality(
    truth: PanopticImage | Iterable[PanopticImage],
    pred: PanopticImage | Iterable[PanopticImage],
    *,
    things: Collection[Any] | None = None,
) -> PanopticScores:
    """Return the panoptic quality of one image or of many.

    A predicted segment finds the ground truth segment of its class with which its intersection over union, void
    pixels of the ground truth left out, is greater than 0.5: there is at most one. Of each class, the quality is
    the sum of these IoU over the segments found plus half of those wrong and missed. Predictions that lie by more
    than half in void and in crowds of their class are not wrong.

    Parameters
    ----------
    truth, pred : PanopticImage, or iterables of it
        The ground truth and what is judged, image by image in the same order. Iterables are read one image at a
        time, so that generators serve for data sets larger than memory.
    things : collection of int or str, optional
        Classes of countable things; the others are stuff. None: the two are not told apart.

    Returns
    -------
    PanopticScores
        Means over all classes, things and stuff, and the numbers of each class.

    Raises
    ------
    ValueError, TypeError
        If label images differ in shape, a segment has no class or no pixel, or there are more images of one.

    See Also
    --------
    coco_panoptic_quality : The same from COCO's JSON and PNG files.

    Notes
    -----
    A. Kirillov et al., "Panoptic segmentation", CVPR 2019, doi:10.1109/CVPR.2019.00963. Several crowds of one class
    in an image count together.

    Examples
    --------
    >>> truth = PanopticImage([[1, 1, 2, 2]], {1: "car", 2: "road"})
    >>> pred = PanopticImage([[5, 6, 6, 6]], {5: "car", 6: "road"})
    >>> scores = panoptic_quality(truth, pred, things=["car"])
    >>> round(scores.all.pq, 4), scores.things.pq
    (0.3333, 0.0)
    """
    counts = _Counts({}, {}, {}, {})
    pairs = itertools.zip_longest(_images("truth", truth), _images("pred", pred), fillvalue=_NO_IMAGE)
    for i, (one, other) in enumerate(pairs):
        if one is _NO_IMAGE or other is _NO_IMAGE:
            short = "truth" if one is _NO_IMAGE else "pred"
            raise ValueError(f"{short} must have as many images as the other, got {i}; give both in the same order")
        table = _table(i, one, other)
        known, found = _segments(f"truth[{i}]", one, table.true), _segments(f"pred[{i}]", other, table.pred)
        _count(table, known, found, counts)
    return _scores(counts, things)


def _images(name: str, images: Any) -> Iterable[Any]:
    if isinstance(images, PanopticImage):
        return [images]
    if not isinstance(images, Iterable) or isinstance(images, (str, bytes, Mapping, np.ndarray)):
        raise TypeError(f"{name} must be a PanopticImage or an iterable of it, got {type(images).__name__}")
    return images


def _table(i: int, truth: Any, pred: Any) -> ContingencyTable:
    """Count the pixels that segments of both images have in common."""
    maps = []
    for name, image in ((f"truth[{i}]", truth), (f"pred[{i}]", pred)):
        if not isinstance(image, PanopticImage):
            raise TypeError(f"{name} must be a PanopticImage, got {type(image).__name__}; wrap label images in it")
        maps.append(check_label_image(f"{name}.labels", image.labels))
    if maps[0].shape != maps[1].shape:
        raise ValueError(
            f"pred[{i}].labels must have the shape of truth[{i}].labels, {maps[0].shape}, got {maps[1].shape}; "
            "resize by nearest neighbour first"
        )
    check_same_device(f"pred[{i}].labels", maps[1], f"truth[{i}].labels", maps[0])
    return count_pairs(maps[0], maps[1], None, np.empty(0, np.int64))


def _segments(name: str, image: PanopticImage, occurring: NDArray[np.int64]) -> _Segments:
    """Check that every segment has a class, and every class of a segment has pixels."""
    classes = {check_int(f"{name}.classes", segment): kind for segment, kind in image.classes.items()}
    if 0 in classes:
        raise ValueError(f"{name}.classes must not name segment 0, which is void, got {classes[0]!r}; renumber it")
    ids = occurring.tolist()
    for segment in ids:
        if segment != 0 and segment not in classes:
            raise ValueError(
                f"{name}.classes must name every segment of labels, got none for {segment}; "
                "set pixels of no segment to 0"
            )
    for empty in sorted(set(classes) - set(ids)):
        raise ValueError(f"{name}.classes must name segments of labels only, got {empty}, without a pixel")
    for unknown in sorted(set(image.crowd) - set(classes)):
        raise ValueError(f"{name}.crowd must hold segments of classes, got {unknown!r}")
    crowd = np.array([segment in image.crowd for segment in ids], bool)
    return _Segments(occurring == 0, [classes.get(segment) for segment in ids], crowd)


def _count(table: ContingencyTable, truth: _Segments, pred: _Segments, counts: _Counts) -> None:
    """Add one image to `counts`."""
    shared, in_void = table.counts, table.counts[truth.void].sum(axis=0)
    whole = table.area_true[:, None] + table.area_pred - shared - in_void
    # Two segments that share more than half of their union share more than half of each: no other can do so too.
    taken, hit = set(), set()
    for t, p in np.argwhere((2 * shared > whole) & ~(truth.void | truth.crowd)[:, None] & ~pred.void).tolist():
        if truth.classes[t] == pred.classes[p]:
            kind = truth.classes[t]
            counts.iou[kind] = counts.iou.get(kind, 0.0) + float(shared[t, p] / whole[t, p])
            _add(counts.found, kind)
            taken.add(t)
            hit.add(p)
    for t in np.flatnonzero(~(truth.void | truth.crowd)).tolist():
        if t not in taken:
            _add(counts.missed, truth.classes[t])
    crowds = np.flatnonzero(truth.crowd).tolist()
    for p in np.flatnonzero(~pred.void).tolist():
        if p not in hit:
            own = [t for t in crowds if truth.classes[t] == pred.classes[p]]
            if 2 * (in_void[p] + shared[own, p].sum()) <= table.area_pred[p]:
                _add(counts.wrong, pred.classes[p])


def _add(counts: dict[Any, int], kind: Any) -> None:
    counts[kind] = counts.get(kind, 0) + 1


def _scores(counts: _Counts, things: Collection[Any] | None) -> PanopticScores:
    kinds = {*counts.found, *counts.wrong, *counts.missed}
    if len({isinstance(kind, str) for kind in kinds}) > 1:
        raise TypeError(f"classes must be all integers or all strings, got both: {sorted(map(str, kinds))[:6]}")
    classes = sorted(kinds)
    found, wrong, missed = (
        np.array([column.get(kind, 0) for kind in classes], np.int64)
        for column in (counts.found, counts.wrong, counts.missed)
    )
    iou = np.array([counts.iou.get(kind, 0.0) for kind in classes], np.float64)
    pq = iou / (found + wrong / 2 + missed / 2)
    sq = iou / np.maximum(found, 1)
    rq = found / (found + wrong / 2 + missed / 2)
    every = np.ones(len(classes), bool)
    are_things = None if things is None else np.array([kind in things for kind in classes], bool)
    return PanopticScores(
        all=_average(pq, sq, rq, every),
        things=None if are_things is None else _average(pq, sq, rq, are_things),
        stuff=None if are_things is None else _average(pq, sq, rq, ~are_things),
        classes=np.array(classes),
        pq=pq,
        sq=sq,
        rq=rq,
        true_positives=found,
        false_positives=wrong,
        false_negatives=missed,
        iou_sum=iou,
    )


def _average(
    pq: NDArray[np.float64], sq: NDArray[np.float64], rq: NDArray[np.float64], which: NDArray[np.bool_]
) -> PanopticAverage:
    n = int(which.sum())
    if n == 0:
        return PanopticAverage(float("nan"), float("nan"), float("nan"), 0)
    return PanopticAverage(float(pq[which].mean()), float(sq[which].mean()), float(rq[which].mean()), n)
