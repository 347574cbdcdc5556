"""What a refiner gave, held against what it promised; an error says which refiner, which rule, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_array, check_float, check_int, check_integers, check_numbers
from classicseg.features._planes import row_blocks
from classicseg.refine._errors import RefinerError
from classicseg.refine._refiner import Refiner, refiner_name
from classicseg.refine._results import RESULT_OF, InstanceResult, PanopticResult, RefineResult, Segment, SemanticResult
from classicseg.refine._scores import SLACK
from classicseg.refine._table import RegionTable

Array = NDArray[Any]


def check_result(result: object, table: RegionTable, refiner: Refiner) -> RefineResult:
    """Return a refiner's result in its normal form, or say what is wrong with it.

    Parameters
    ----------
    result : SemanticResult, InstanceResult or PanopticResult
        What `refiner` gave; arrays may be of any dtype that holds such numbers, and of any array library.
    table : RegionTable
        What it was given.
    refiner : Refiner
        Which task and classes it has, and its name for errors.

    Returns
    -------
    SemanticResult, InstanceResult or PanopticResult
        The same with NumPy arrays of the documented dtypes; what fits is not copied.

    Raises
    ------
    RefinerError
        If `result` is not of the refiner's task, an array has the wrong shape, dtype or value, or a class does not
        exist. Probabilities outside the mask are not looked at.

    Examples
    --------
    >>> class Cold:
    ...     task, classes = "semantic", ("cold", "hot")
    ...
    ...     def refine(self, regions):
    ...         return SemanticResult(np.ones((len(regions.numbers), 2)))
    >>> from classicseg.refine import describe_regions
    >>> table = describe_regions([[1.0, 1.0, 9.0]], [[1, 1, 2]])
    >>> check_result(Cold().refine(table), table, Cold())
    Traceback (most recent call last):
        ...
    classicseg.refine._errors.RefinerError: refiner Cold: probabilities must sum to 1 over the classes within 0.001, \
got 2 in region 1; pass logits through a softmax first
    """
    expected = RESULT_OF[refiner.task]
    try:
        if not isinstance(result, expected):
            found = f"{type(result).__name__}; put the arrays into one"
            raise TypeError(f"refine must return a {expected.__name__} for task {refiner.task!r}, got {found}")
        if isinstance(result, SemanticResult):
            return _semantic(result, table, refiner.classes)
        if isinstance(result, InstanceResult):
            return _instances(result, table, refiner.classes)
        return _panoptic(result, table, refiner.classes)
    except (ValueError, TypeError) as error:
        raise RefinerError(refiner_name(refiner), str(error)) from error


def _semantic(result: SemanticResult, table: RegionTable, classes: tuple[str, ...]) -> SemanticResult:
    found = _numbers("probabilities", result.probabilities)
    by_pixel, by_region = (*table.labels.shape, len(classes)), (len(table.numbers), len(classes))
    if found.shape == by_region:
        bad = _first_bad(found[:, None], np.ones((len(found), 1), bool))
        place = None if bad is None else f"region {table.numbers[bad[0]]}"
    elif found.shape == by_pixel:
        bad = _first_bad(found, table.mask)
        place = None if bad is None else f"pixel {bad}"
    else:
        raise ValueError(
            f"probabilities must have shape {by_pixel}, per pixel, or {by_region}, per region, for the classes "
            f"{', '.join(classes)}; got {found.shape}"
        )
    if bad is not None:
        rule, value, way_out = _fault(found[bad[0]] if found.ndim == 2 else found[bad])
        raise ValueError(f"probabilities must {rule}, got {value:.6g} in {place}; {way_out}")
    return SemanticResult(found)


def _first_bad(probabilities: Array, inside: NDArray[np.bool_]) -> tuple[int, int] | None:
    """Return the first place inside the mask whose numbers (M, N, K) are no probabilities; None where all are."""
    for rows in row_blocks(probabilities):
        part = probabilities[rows]
        with np.errstate(invalid="ignore", over="ignore"):
            good = (part.min(axis=2) >= -SLACK) & (np.abs(part.sum(axis=2) - 1) <= SLACK)  # so none exceeds 1 by much
        bad = np.argwhere(inside[rows] & ~good)
        if len(bad):
            return rows.start + int(bad[0, 0]), int(bad[0, 1])
    return None


def _fault(numbers: Array) -> tuple[str, float, str]:
    """Return the rule that these numbers (K,) break, the value that does, and the way out."""
    softmax = "pass logits through a softmax first"
    odd = numbers[~np.isfinite(numbers)]
    if len(odd):
        return "be finite", float(odd[0]), "look for overflow or a division by zero before the softmax"
    if numbers.min() < -SLACK:
        return "lie in 0 to 1", float(numbers.min()), softmax
    return f"sum to 1 over the classes within {SLACK:g}", float(numbers.sum(dtype=np.float64)), softmax


def _instances(result: InstanceResult, table: RegionTable, classes: tuple[str, ...]) -> InstanceResult:
    masks = check_array("masks", result.masks)
    if masks.ndim != 3 or masks.shape[1:] != table.labels.shape:
        n_rows, n_cols = table.labels.shape
        raise ValueError(f"masks must have shape (n, {n_rows}, {n_cols}), each of the image's, got {masks.shape}")
    if masks.dtype != bool:
        if masks.dtype.kind != "f":
            raise TypeError(f"masks must be bool, or floats from 0 to 1, got {masks.dtype}; compare them first, > 0")
        masks = _within_one("masks", masks, "pass logits through a sigmoid first")
    n = len(masks)
    scores = _within_one("scores", result.scores, "pass logits through a softmax or a sigmoid first", (n,))
    boxes = check_numbers("boxes", result.boxes).astype(np.float64, copy=False)
    if boxes.shape != (n, 4):
        raise ValueError(f"boxes must have shape ({n}, 4), one for each mask, got {boxes.shape}")
    good = np.isfinite(boxes).all(axis=1) & (boxes[:, :2] <= boxes[:, 2:]).all(axis=1)
    if not good.all():
        wrong = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"boxes must be row_min, col_min, row_max, col_max, got {boxes[wrong].tolist()} in row {wrong}; "
            "leave them out for those of the masks"
        )
    return InstanceResult(masks, scores, _categories(result.categories, n, classes), boxes)


def _categories(categories: object, n: int, classes: tuple[str, ...]) -> NDArray[np.int64]:
    found = check_array("categories", categories)
    if found.shape != (n,):
        raise ValueError(f"categories must have shape ({n},), one for each mask, got {found.shape}")
    for category in found.tolist():
        _check_category("categories", category, classes)
    return found.astype(np.int64, copy=False)


def _check_category(name: str, category: object, classes: tuple[str, ...]) -> None:
    index = check_int(name, category)
    if not 0 <= index < len(classes):
        raise ValueError(
            f"{name} must be from 0 to {len(classes) - 1}, the places of {', '.join(classes)}, got {index}; "
            "name every class in classes"
        )


def _panoptic(result: PanopticResult, table: RegionTable, classes: tuple[str, ...]) -> PanopticResult:
    ids = check_integers("segment_ids", result.segment_ids)
    if ids.shape != table.labels.shape:
        raise ValueError(f"segment_ids must have the image's shape {table.labels.shape}, got {ids.shape}")
    occurring, counts = np.unique(ids, return_counts=True)
    area = dict(zip(occurring.tolist(), counts.tolist()))
    if min(area) < 0:
        raise ValueError(f"segment_ids must not be negative, got {min(area)}; 0 stands for no segment")
    if not isinstance(result.segments, Iterable):
        raise TypeError(f"segments must be a sequence of Segment, got {result.segments!r}")
    segments = tuple(result.segments)
    listed = set()
    for segment in segments:
        if not isinstance(segment, Segment):
            raise TypeError(f"segments must be of type Segment, got {segment!r}")
        number = check_int("id of a segment", segment.id, low=1)
        if number in listed:
            raise ValueError(f"segments must name each id once, got {number} again")
        listed.add(number)
        if segment.area != area.get(number, 0) or not segment.area:
            raise ValueError(
                f"area of segment {number} must be its pixels in segment_ids, {area.get(number, 0)}, got {segment.area}"
                "; leave out segments without pixels"
            )
        _check_category(f"category of segment {number}", segment.category, classes)
        check_float(f"score of segment {number}", segment.score, low=0, high=1)
    unlisted = area.keys() - listed - {0}
    if unlisted:
        raise ValueError(f"segments must name every id in segment_ids, got none for {min(unlisted)}")
    return PanopticResult(ids.astype(np.int32, copy=False), segments)


def _numbers(name: str, value: object) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # too large for float32 is too large for a probability
        return check_numbers(name, value).astype(np.float32, copy=False)


def _within_one(name: str, value: object, way_out: str, shape: tuple[int, ...] | None = None) -> NDArray[np.float32]:
    """Return numbers that lie in 0 to 1, but for rounding."""
    found = _numbers(name, value)
    if shape is not None and found.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, one for each mask, got {found.shape}")
    low, high = float(found.min(initial=0)), float(found.max(initial=0))  # NaN where one is
    if not (low >= -SLACK and high <= 1 + SLACK):
        raise ValueError(f"{name} must lie in 0 to 1, got {high if low >= -SLACK else low:.6g}; {way_out}")
    return within_one(found)


def within_one(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return numbers without what rounding put beyond 0 to 1."""
    fits = found.min(initial=0) >= 0 and found.max(initial=1) <= 1
    return found if fits else found.clip(0, 1)
