"""Semantic classes and instances merged into one panoptic result, and the way back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import (
    check_array,
    check_float,
    check_image,
    check_int,
    check_labels,
    check_mask,
    check_numbers,
)
from classicseg.refine._results import InstanceResult, PanopticResult, Segment, SemanticResult, hard
from classicseg.regions._check import check_threads, for_kernels

Array = NDArray[Any]
HIGHEST = 65_535  # class: there is a table with a place for each
SLACK = 1e-3  # by which probabilities, scores and masks may leave 0 to 1: float16 rounds so


def panoptic_merge(
    semantic: SemanticResult | ArrayLike,
    instances: InstanceResult,
    *,
    things: Collection[int],
    min_score: float = 0.5,
    max_overlap: float = 0.5,
    min_area: int = 1,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> PanopticResult:
    """Cut an image into segments without overlap: objects from one model, what lies around them from another.

    The surest object comes first. Each takes those of its pixels that no surer one has, unless these have too much of
    it; then each class of stuff takes the pixels that are left.

    Parameters
    ----------
    semantic : SemanticResult, or array_like of shape (M, N, K) or (M, N)
        Probabilities of K classes per pixel; or the class of each pixel, -1 for none. Those of regions become those of
        pixels by `unpool`.
    instances : InstanceResult
        The objects, of the same classes.
    things : collection of int
        Classes of countable things. All others are stuff, such as ground and sky, of which there is one segment each.
        Where `semantic` sees a thing and no object lies, there is no segment.
    min_score : float, default 0.5
        Objects with a lower score are left out.
    max_overlap : float, default 0.5
        Objects are left out if surer ones have more than this share of them. Lower it if the same object is often
        found twice; raise it where objects stand in front of others.
    min_area : int, default 1
        Stuff with fewer pixels in the whole image is left out. About one hundredth of the image is usual for
        photographs, of which most scraps of a class are mistakes.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others belong to no segment and count in no area.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use.

    Returns
    -------
    PanopticResult
        Segments from 1 on: things by descending score, of equal ones the first, then stuff by class. The score of
        stuff is the mean probability of its class in it; 1 where only classes are given.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or an object is of a class that is not in `things`.

    See Also
    --------
    classes_from_panoptic, instances_from_panoptic : The way back.
    classicseg.metrics.panoptic_quality : How good the result is.

    Notes
    -----
    Source: A. Kirillov et al., "Panoptic Segmentation", CVPR 2019, doi:10.1109/CVPR.2019.00963.

    Examples
    --------
    >>> masks = np.array([[[0, 1, 1, 0]], [[0, 0, 1, 1]]], bool)
    >>> instances = InstanceResult(masks, np.array([0.7, 0.9], np.float32), np.array([1, 1]))
    >>> result = panoptic_merge([[0, 0, 0, 1]], instances, things=[1])
    >>> result.segment_ids
    array([[3, 2, 1, 1]], dtype=int32)
    >>> [(segment.id, segment.category, segment.area) for segment in result.segments]
    [(1, 1, 2), (2, 1, 1), (3, 0, 1)]
    """
    seen = _seen(semantic, mask, check_threads(n_threads))
    kinds = _check_things(things, seen.n_classes)
    objects = _check_objects(instances, seen.classes.shape, kinds)
    min_score = check_float("min_score", min_score, low=0, high=1)
    max_overlap = check_float("max_overlap", max_overlap, low=0, high=1)
    min_area = check_int("min_area", min_area, low=0)
    ids = np.zeros(seen.classes.shape, np.int32)
    placed = _place(objects, seen.inside, min_score, max_overlap, ids)
    return PanopticResult(ids, (*placed, *_fill(seen, kinds, min_area, len(placed), ids)))


def classes_from_panoptic(panoptic: PanopticResult) -> NDArray[np.int32]:
    """Return the class of each pixel.

    Parameters
    ----------
    panoptic : PanopticResult
        The segments.

    Returns
    -------
    ndarray of int32, shape (M, N)
        Class, from 0 on; -1 where there is no segment.

    Raises
    ------
    ValueError, TypeError
        If it is no panoptic result, or has a number in `segment_ids` that no segment has.

    See Also
    --------
    panoptic_merge : The way there.

    Examples
    --------
    >>> result = PanopticResult(np.array([[7, 0, 2]], np.int32), (Segment(2, 0, False, 1), Segment(7, 4, True, 1)))
    >>> classes_from_panoptic(result)
    array([[ 4, -1,  0]], dtype=int32)
    """
    rows = _rows_of(panoptic)
    return np.array([*(segment.category for segment in panoptic.segments), -1], np.int32)[rows]


def instances_from_panoptic(panoptic: PanopticResult) -> InstanceResult:
    """Return the things, each with a mask of its own.

    Parameters
    ----------
    panoptic : PanopticResult
        The segments.

    Returns
    -------
    InstanceResult
        One instance for each segment that is a thing, in their order; no two masks overlap.

    Raises
    ------
    ValueError, TypeError
        If it is no panoptic result, or has a number in `segment_ids` that no segment has.

    See Also
    --------
    panoptic_merge : The way there.

    Examples
    --------
    >>> result = PanopticResult(np.array([[7, 0, 2]], np.int32), (Segment(2, 0, False, 1), Segment(7, 4, True, 1)))
    >>> instances_from_panoptic(result).masks.astype(int)
    array([[[1, 0, 0]]])
    """
    rows = _rows_of(panoptic)
    things = [row for row, segment in enumerate(panoptic.segments) if segment.is_thing]
    masks = np.empty((len(things), *rows.shape), bool)
    for mask, row in zip(masks, things):
        np.equal(rows, row, out=mask)
    scores = np.array([panoptic.segments[row].score for row in things], np.float32)
    return InstanceResult(masks, scores, np.array([panoptic.segments[row].category for row in things], np.int64))


class _Seen(NamedTuple):
    """What a semantic model sees."""

    classes: NDArray[np.int32]  # (M, N), -1 for none and outside the mask
    probability: Array | None  # (M, N) of these classes
    n_classes: int | None  # None where only classes are known
    inside: NDArray[np.bool_] | None  # (M, N), None for all


class _Objects(NamedTuple):
    """What an instance model finds."""

    masks: Array  # (n, M, N)
    scores: NDArray[np.float32]  # (n,)
    categories: Array  # (n,)


def _seen(semantic: SemanticResult | ArrayLike, mask: ArrayLike | None, n_threads: int | None) -> _Seen:
    array = check_array("semantic", semantic.probabilities if isinstance(semantic, SemanticResult) else semantic)
    if isinstance(semantic, SemanticResult) and array.ndim == 2:
        raise ValueError(
            f"semantic must hold probabilities per pixel, (M, N, K), got {array.shape}; "
            "pass those of regions through unpool() first"
        )
    if array.ndim == 3:
        return _most_probable(for_kernels(check_image("semantic", array)), mask, n_threads)
    classes = check_labels("semantic", array)
    inside = check_mask(mask, classes.shape)
    if inside is not None:
        classes = np.where(inside, classes, np.int32(-1))
    if int(classes.min()) < -1:
        raise ValueError(f"semantic must hold classes from 0 on, or -1 for none, got {int(classes.min())}")
    if int(classes.max()) > HIGHEST:
        raise ValueError(
            f"semantic must hold classes up to {HIGHEST}, got {int(classes.max())}; set pixels of no class to -1"
        )
    return _Seen(classes, None, None, inside)


def _most_probable(probabilities: Array, mask: ArrayLike | None, n_threads: int | None) -> _Seen:
    inside = check_mask(mask, probabilities.shape[:2])
    classes, highest = kernels_for(probabilities, "classes").most_probable(probabilities, n_threads)
    if inside is not None:
        classes, highest = np.where(inside, classes, np.int32(-1)), np.where(inside, highest, 0)
    _check_shares("semantic", highest, "pass logits through a softmax first")
    return _Seen(classes, highest, probabilities.shape[2], inside)


def _check_things(things: Collection[int], n_classes: int | None) -> frozenset[int]:
    if isinstance(things, (str, bytes)) or not isinstance(things, Collection):
        raise TypeError(f"things must be a collection of class numbers, got {things!r}; put them into a list")
    highest = None if n_classes is None else n_classes - 1
    return frozenset(check_int("things", kind, low=0, high=highest) for kind in things)


def _check_objects(instances: InstanceResult, shape: tuple[int, ...], things: frozenset[int]) -> _Objects:
    if not isinstance(instances, InstanceResult):
        raise TypeError(
            f"instances must be an InstanceResult, got {type(instances).__name__}; put masks, scores and categories "
            "into one"
        )
    masks, categories = check_array("masks", instances.masks), check_array("categories", instances.categories)
    scores = check_numbers("scores", instances.scores).astype(np.float32)
    if masks.ndim != 3 or masks.shape[1:] != shape:
        raise ValueError(f"masks must have shape (n, {shape[0]}, {shape[1]}), each of the image's, got {masks.shape}")
    if masks.dtype.kind not in "bf":
        raise TypeError(f"masks must be bool, or floats from 0 to 1, got {masks.dtype}; compare them first, > 0")
    for name, column in (("scores", scores), ("categories", categories)):
        if column.shape != masks.shape[:1]:
            raise ValueError(f"{name} must have shape ({len(masks)},), one for each mask, got {column.shape}")
    if masks.dtype != bool:
        _check_shares("masks", masks, "pass logits through a sigmoid first")
    _check_shares("scores", scores, "pass logits through a softmax or a sigmoid first")
    for row, category in enumerate(categories.tolist()):
        if check_int("categories", category) not in things:
            raise ValueError(
                f"categories must be of the classes in things, {sorted(things)}, got {category} in row {row}; "
                "add it to things, or leave the object out"
            )
    return _Objects(masks, scores, categories)


def _check_shares(name: str, array: Array, way_out: str) -> None:
    """Refuse what does not lie in 0 to 1, but for rounding."""
    low, high = float(array.min(initial=0)), float(array.max(initial=0))  # NaN where one is
    if not (low >= -SLACK and high <= 1 + SLACK):
        raise ValueError(f"{name} must lie in 0 to 1, got {high if low >= -SLACK else low:.6g}; {way_out}")


def _place(
    objects: _Objects, inside: NDArray[np.bool_] | None, min_score: float, max_overlap: float, ids: NDArray[np.int32]
) -> list[Segment]:
    """Write the objects to `ids`, the surest first, and return their segments."""
    found: list[Segment] = []
    flat = ids.reshape(-1)
    for i in np.argsort(-objects.scores, kind="stable").tolist():
        if objects.scores[i] < np.float32(min_score):  # scores are float32, where 0.7 is less than Python's
            break
        own = np.flatnonzero(_drawn(objects.masks[i], inside))
        free = own[flat[own] == 0]
        if len(free) == 0 or (len(own) - len(free)) / len(own) > max_overlap:
            continue
        flat[free] = len(found) + 1
        score = float(objects.scores[i].clip(0, 1))
        found.append(Segment(len(found) + 1, int(objects.categories[i]), True, len(free), score))
    return found


def _drawn(mask: Array, inside: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return which pixels belong to an object."""
    return hard(mask) if inside is None else hard(mask) & inside


def _fill(seen: _Seen, things: frozenset[int], min_area: int, n_things: int, ids: NDArray[np.int32]) -> list[Segment]:
    """Write stuff to what is free in `ids`, and return its segments."""
    n_classes = int(seen.classes.max()) + 1
    is_stuff = np.array([*(kind not in things for kind in range(n_classes)), False])  # the last is class -1
    free = (ids == 0) & is_stuff[seen.classes]
    own = seen.classes[free]
    area = np.bincount(own, minlength=n_classes)
    kept = np.flatnonzero(area >= max(min_area, 1))
    numbers = np.zeros(n_classes, np.int32)
    numbers[kept] = np.arange(n_things + 1, n_things + 1 + len(kept))
    ids[free] = numbers[own]
    sums = area if seen.probability is None else np.bincount(own, seen.probability[free], n_classes)
    return [
        Segment(int(numbers[kind]), int(kind), False, int(area[kind]), min(float(sums[kind] / area[kind]), 1.0))
        for kind in kept
    ]


def _rows_of(panoptic: PanopticResult) -> NDArray[np.intp]:
    """Return for each pixel the place of its segment among the segments, -1 for none."""
    if not isinstance(panoptic, PanopticResult):
        raise TypeError(f"panoptic must be a PanopticResult, got {type(panoptic).__name__}; see panoptic_merge()")
    ids = check_labels("segment_ids", panoptic.segment_ids)
    numbers = np.array([0, *(segment.id for segment in panoptic.segments)])
    order = np.argsort(numbers)
    places = np.searchsorted(numbers[order], ids).clip(max=len(numbers) - 1)
    unknown = numbers[order][places] != ids
    if unknown.any():
        raise ValueError(f"segments must name every id in segment_ids, got none for {int(ids[unknown][0])}")
    rows: NDArray[np.intp] = order[places] - 1
    return rows
