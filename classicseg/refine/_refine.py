"""Label images refined by a learned model: regions out, its answer back onto the pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_float
from classicseg.refine._check import check_result, within_one
from classicseg.refine._errors import RefinerError
from classicseg.refine._pool import snap, unpool
from classicseg.refine._potts import STRONGEST, smooth
from classicseg.refine._refiner import Refiner, check_refiner, refiner_name
from classicseg.refine._registry import load_refiner
from classicseg.refine._results import InstanceResult, PanopticResult, RefineResult, SemanticResult, hard
from classicseg.refine._table import RegionTable, Unit, describe_regions

Refined = tuple[NDArray[np.int32], NDArray[np.float32]]  # labels and probabilities


@dataclass(frozen=True, eq=False)
class RefinedLabels:
    """What a refiner made of a label image.

    Parameters
    ----------
    labels : ndarray of int32, shape (M, N)
        Of a semantic refiner, the class of each pixel as index into `classes`, -1 outside the mask. Of instances,
        1, 2, … by descending score, the surer one where two overlap, and 0 where there is none. Of a panoptic one,
        numbers of segments, 0 where there is none.
    probabilities : ndarray of float32, shape (M, N, K)
        Of each class; 0 outside the mask. Of instances, the largest product of score and mask, which need not sum
        to 1. Of a panoptic refiner 0 or 1.
    classes : tuple of str
        Names of the K classes.
    result : SemanticResult, InstanceResult or PanopticResult
        As the refiner gave it, checked.
    regions : RegionTable
        What the refiner was given.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    result: RefineResult
    regions: RegionTable


def refine_labels(
    image: ArrayLike,
    labels: ArrayLike,
    refiner: Refiner | str,
    *,
    mask: ArrayLike | None = None,
    unit: Unit | None = None,
    metadata: Mapping[str, Any] | None = None,
    pooling: float = 0.5,
    smoothing: float = 0.0,
    n_threads: int | None = None,
) -> RefinedLabels:
    """Let a learned model say what the regions of an image are.

    Parameters
    ----------
    image : array_like, shape (M, N) or (M, N, C)
        RGB or gray picture, temperatures, or several bands.
    labels : array_like of int, shape (M, N)
        Region labels 1, 2, ..., and 0 outside: `segment`, `slic`, `connected_regions`. Numbers may be missing.
    refiner : Refiner or str
        The model, such as `from_torch` wraps one, or its name and options as for `load_refiner`.
    mask : array_like of bool, shape (M, N), optional
        True where pixels take part; the others belong to no region and may hold anything.
    unit : {"celsius"}, optional
        "celsius": an image (M, N) holds temperatures. Default: it does if it is of floats.
    metadata : mapping of str to object, optional
        What is known of the image, for the refiner, such as position, time and file.
    pooling : float, default 0.5
        How much the mean of its region counts in a pixel's probabilities, 0 to 1, where a semantic refiner answers
        per pixel. One half takes the frayed edge off large things and keeps small ones; 1 makes regions whole, and
        loses what is smaller than they are.
    smoothing : float, default 0.0
        Strength with which neighbouring regions are drawn to one class, from 0 on, as for `smooth`: 0.5 to 2 suits
        most refiners. With any, every region has one class. Of semantic refiners only.
    n_threads : int, optional
        Threads to use beside the refiner's own; the result does not depend on it. Default:
        ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    RefinedLabels
        Labels and probabilities per pixel.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, see `describe_regions`.
    RefinerError
        If the refiner raises, cannot be loaded, or gives what is no result of its task: the message names it.

    See Also
    --------
    describe_regions : What the refiner is told.
    refine_frames : The same for many images.
    snap, smooth : What `pooling` and `smoothing` do.

    Examples
    --------
    >>> from classicseg.refine import from_callable
    >>> def hot(regions):
    ...     share = regions.column("temperature_mean") / 100
    ...     return np.stack([1 - share, share], axis=1)
    >>> refiner = from_callable(hot, classes=["cold", "hot"])
    >>> refine_labels([[20.0, 20.0, 90.0]], [[1, 1, 2]], refiner).labels
    array([[0, 0, 1]], dtype=int32)
    """
    model, options = check_bridge(refiner, pooling, smoothing, n_threads)
    regions = describe_regions(image, labels, mask=mask, unit=unit, metadata=metadata, n_threads=n_threads)
    return on_pixels(model, regions, ask(model, regions), options)


class Options(NamedTuple):
    """How an answer comes back onto the pixels."""

    pooling: float
    smoothing: float
    n_threads: int | None


def check_bridge(
    refiner: Refiner | str, pooling: float, smoothing: float, n_threads: int | None
) -> tuple[Refiner, Options]:
    """Return the refiner, loaded if it is named, and options that go with it."""
    model = check_refiner(load_refiner(refiner) if isinstance(refiner, str) else refiner)
    pooling = check_float("pooling", pooling, low=0, high=1)
    smoothing = check_float("smoothing", smoothing, low=0, high=STRONGEST)
    if smoothing and model.task != "semantic":
        raise ValueError(f"smoothing must be 0 for a refiner of task {model.task!r}, got {smoothing}; leave it out")
    return model, Options(pooling, smoothing, n_threads)


def on_pixels(model: Refiner, regions: RegionTable, result: RefineResult, options: Options) -> RefinedLabels:
    """Return a checked result as labels and probabilities of pixels."""
    if isinstance(result, SemanticResult):
        found = _semantic(result, regions, options)
    elif isinstance(result, InstanceResult):
        found = _instances(result, regions, len(model.classes))
    else:
        found = _panoptic(result, regions, len(model.classes))
    return RefinedLabels(*found, tuple(model.classes), result, regions)


def ask(refiner: Refiner, regions: RegionTable) -> RefineResult:
    """Return a refiner's checked result; whatever it raises becomes an error that names it."""
    with named(refiner):
        result = refiner.refine(regions)
    return check_result(result, regions, refiner)


@contextmanager
def named(refiner: Refiner) -> Iterator[None]:
    """Turn whatever a refiner raises into an error that names it."""
    try:
        yield
    except RefinerError:
        raise
    except Exception as error:
        raise RefinerError(refiner_name(refiner), f"raised {type(error).__name__}: {error}") from error


def _semantic(result: SemanticResult, regions: RegionTable, options: Options) -> Refined:
    pooling, smoothing, n_threads = options
    given = result.probabilities
    if given.ndim == 3:
        given = _inside(given, regions.mask)
        if pooling:
            given = snap(given, regions.labels, weight=pooling, n_threads=n_threads)
    given = within_one(given)
    found = unpool(given, regions.labels) if given.ndim == 2 else given
    if smoothing:
        of_region = smooth(given, regions, smoothing, n_threads=n_threads).labels
    elif given.ndim == 2:
        of_region = given.argmax(axis=1).astype(np.int32)
    else:
        numbers = np.ascontiguousarray(found)
        classes, _ = kernels_for(numbers, "classes").most_probable(numbers, n_threads)
        return np.where(regions.mask, classes, np.int32(-1)), found
    return unpool(of_region, regions.labels, fill=-1), found


def _instances(result: InstanceResult, regions: RegionTable, n_classes: int) -> Refined:
    labels = np.zeros(regions.labels.shape, np.int32)
    probabilities = np.zeros((*labels.shape, n_classes), np.float32)
    descending = np.argsort(-result.scores, kind="stable")  # of equals the first is the surer one
    for place, i in reversed(list(enumerate(descending.tolist()))):
        labels[hard(result.masks[i])] = place + 1
        of_class = probabilities[..., result.categories[i]]
        np.maximum(of_class, result.scores[i] * result.masks[i], out=of_class)
    return np.where(regions.mask, labels, np.int32(0)), _inside(probabilities, regions.mask)


def _panoptic(result: PanopticResult, regions: RegionTable, n_classes: int) -> Refined:
    labels = np.where(regions.mask, result.segment_ids, np.int32(0))
    known = sorted(result.segments, key=lambda segment: segment.id)
    ids, categories = (np.array([0, *column]) for column in ([s.id for s in known], [s.category for s in known]))
    category = categories[np.searchsorted(ids, labels)]
    probabilities = (category[..., None] == np.arange(n_classes)) & (labels > 0)[..., None]
    return labels, probabilities.astype(np.float32)


def _inside(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return values (M, N, K) with 0 outside the mask."""
    return values if mask.all() else np.where(mask[..., None], values, np.float32(0))
