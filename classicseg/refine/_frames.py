"""Many label images refined by one model, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from numpy.typing import ArrayLike

from classicseg._validate import check_int
from classicseg.refine._check import check_result
from classicseg.refine._errors import RefinerError
from classicseg.refine._refine import Options, RefinedLabels, ask, check_bridge, named, on_pixels
from classicseg.refine._refiner import Refiner, refiner_name
from classicseg.refine._results import RefineResult
from classicseg.refine._table import RegionTable, Unit, describe_regions

MISSING: Any = object()


def refine_frames(
    images: Iterable[ArrayLike],
    labels: Iterable[ArrayLike],
    refiner: Refiner | str,
    *,
    masks: Iterable[ArrayLike | None] | None = None,
    unit: Unit | None = None,
    batch_size: int = 8,
    pooling: float = 0.5,
    smoothing: float = 0.0,
    n_threads: int | None = None,
) -> Iterator[RefinedLabels]:
    """Let a learned model say what the regions of many images are, several images at a time.

    A refiner with a method ``refine_batch`` is given `batch_size` images at once; any other is asked one by one.

    Parameters
    ----------
    images : iterable of array_like, shape (M, N) or (M, N, C)
        Pictures, as `refine_labels` takes one; they may differ in shape, and a generator is read as needed.
    labels : iterable of array_like of int, shape (M, N)
        Region labels of each image.
    refiner : Refiner or str
        The model, or its name and options as for `load_refiner`.
    masks : iterable of array_like of bool or None, optional
        Where the pixels of each image take part; None for all of an image.
    unit : {"celsius"}, optional
        "celsius": images (M, N) hold temperatures. Default: those of floats do.
    batch_size : int, default 8
        Images that are held and asked about at once, from 1 on. More help a refiner whose every call costs, such as a
        forest or a device, and take as much more memory.
    pooling, smoothing : float
        As for `refine_labels`.
    n_threads : int, optional
        Threads to use beside the refiner's own; the result does not depend on it. Default:
        ``CLASSICSEG_NUM_THREADS``, else all processors this process may use.

    Returns
    -------
    iterator of RefinedLabels
        Of each image what `refine_labels` gives, in their order.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value, or, while iterating, an image or its labels, or there are not as
        many labels or masks as images; a note on the error says which image.
    RefinerError
        While iterating, if the refiner raises or gives what is no result of its task.

    See Also
    --------
    refine_labels : For one image, with metadata.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> images = [np.array([[10, 11, 200]], np.uint8), np.array([[220, 9, 12]], np.uint8)]
    >>> labels = [[[1, 1, 2]], [[1, 2, 2]]]
    >>> refiner = from_sklearn(LogisticRegression(), classes=["dark", "bright"])
    >>> refiner = refiner.fit([describe_regions(images[0], labels[0])], [[[0, 0, 1]]])
    >>> [refined.labels.tolist() for refined in refine_frames(images, labels, refiner)]
    [[[0, 0, 1]], [[1, 0, 0]]]
    """
    model, options = check_bridge(refiner, pooling, smoothing, n_threads)
    batch_size = check_int("batch_size", batch_size, low=1)
    columns = {"images": images, "labels": labels} | ({} if masks is None else {"masks": masks})
    for name, column in columns.items():
        if not isinstance(column, Iterable):
            raise TypeError(f"{name} must be a sequence, got {type(column).__name__}; put a single one in a list")
    return _refined(_batches(_described(columns, unit, n_threads), batch_size), model, options)


def _described(
    columns: Mapping[str, Iterable[ArrayLike | None]], unit: Unit | None, n_threads: int | None
) -> Iterator[RegionTable]:
    for number, frame in enumerate(zip_longest(*columns.values(), fillvalue=MISSING)):
        missing = [name for name, part in zip(columns, frame) if part is MISSING]
        if missing:
            raise ValueError(
                f"{', '.join(columns)} must be as many, got {number} {' and '.join(missing)} and more others"
            )
        image, labels, mask = (*frame, None)[:3]
        try:
            yield describe_regions(image, labels, mask=mask, unit=unit, n_threads=n_threads)
        except (ValueError, TypeError) as error:
            error.add_note(f"of image {number}, counted from 0")
            raise


def _batches(tables: Iterator[RegionTable], size: int) -> Iterator[list[RegionTable]]:
    batch = []
    try:
        for table in tables:
            batch.append(table)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch  # an image that is wrong takes none of those before it along
        raise
    if batch:
        yield batch


def _refined(batches: Iterator[list[RegionTable]], model: Refiner, options: Options) -> Iterator[RefinedLabels]:
    together = callable(getattr(model, "refine_batch", None))
    for tables in batches:
        answers = ask_batch(model, tables) if together else (ask(model, regions) for regions in tables)
        for regions, result in zip(tables, answers):
            yield on_pixels(model, regions, result, options)


def ask_batch(refiner: Any, tables: Sequence[RegionTable]) -> list[RefineResult]:
    """Return a refiner's checked results for several images, by its `refine_batch`."""
    with named(refiner):
        results = list(refiner.refine_batch(tables))
    if len(results) != len(tables):
        raise RefinerError(
            refiner_name(refiner),
            f"refine_batch must return as many results as images, {len(tables)}, got {len(results)}",
        )
    return [check_result(result, regions, refiner) for result, regions in zip(results, tables)]
