"""A function as a refiner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from classicseg._validate import check_choice, check_numbers
from classicseg.refine._errors import kind_of
from classicseg.refine._refiner import Refiner, check_classes, function_name
from classicseg.refine._results import (
    RESULT_OF,
    TASKS,
    InstanceResult,
    PanopticResult,
    RefineResult,
    SemanticResult,
    Task,
)
from classicseg.refine._table import RegionTable

Wants = Literal["regions", "image", "features"]
WANTS: tuple[Wants, ...] = get_args(Wants)


def from_callable(
    function: Callable[..., Any], *, classes: Sequence[str], task: Task = "semantic", wants: Wants = "regions"
) -> Refiner:
    """Make a refiner of a function.

    Parameters
    ----------
    function : callable
        Takes what `wants` says and returns arrays, of NumPy or of a library whose tensors lie in host memory:

        - for task "semantic", probabilities of the classes, per pixel (M, N, K) or per region (n, K), which sum to 1;
        - for "instances", ``(masks, scores, categories)`` or ``(masks, scores, categories, boxes)`` as in
          `InstanceResult`;
        - for "panoptic", ``(segment_ids, segments)`` as in `PanopticResult`.

        One of these results itself is taken too.
    classes : sequence of str
        Names of the classes, in the order of the function.
    task : {"semantic", "instances", "panoptic"}, default "semantic"
        What the function gives.
    wants : {"regions", "image", "features"}, default "regions"
        What it takes: the `RegionTable`, the image as it was given, or the features of the regions (n, F) float32.

    Returns
    -------
    Refiner
        The function as a refiner, under its own name.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.

    See Also
    --------
    from_sklearn : A classifier of regions.
    from_torch : A network that answers per pixel.

    Examples
    --------
    >>> def brightness(image):
    ...     share = image / 255
    ...     return np.stack([1 - share, share], axis=2)
    >>> refiner = from_callable(brightness, classes=["dark", "bright"], wants="image")
    >>> table = describe_regions(np.array([[0, 51, 255]], np.uint8), [[1, 1, 2]])
    >>> refiner.refine(table).probabilities[..., 1]
    array([[0. , 0.2, 1. ]], dtype=float32)
    """
    if not callable(function):
        raise TypeError(f"function must be callable, got {function!r} of type {type(function).__name__}")
    names = check_classes("classes", classes)
    return CallableRefiner(function, names, check_choice("task", task, TASKS), check_choice("wants", wants, WANTS))


class CallableRefiner:
    """A function as a refiner."""

    def __init__(self, function: Callable[..., Any], classes: tuple[str, ...], task: Task, wants: Wants) -> None:
        self.name = function_name(function)
        self.task = task
        self.classes = classes
        self._function = function
        self._wants = wants

    def __repr__(self) -> str:
        """Name the function, the task and the classes."""
        return f"<{self.name}, {self.task}: {', '.join(self.classes)}>"

    def refine(self, regions: RegionTable) -> RefineResult:
        """Return what the function makes of the regions, or of their image or features."""
        given = regions if self._wants == "regions" else getattr(regions, self._wants)
        return as_result(self._function(given), self.task)


def as_result(answer: Any, task: Task) -> RefineResult:
    """Return the arrays that a function gave as the result of its task; their shapes and values are checked later."""
    if isinstance(answer, RESULT_OF[task]):
        return answer
    if task == "semantic":
        return SemanticResult(check_numbers("probabilities", answer).astype(np.float32, copy=False))
    parts, allowed = answer if isinstance(answer, tuple) else (), (3, 4) if task == "instances" else (2,)
    if len(parts) not in allowed:
        form = "(masks, scores, categories)" if task == "instances" else "(segment_ids, segments)"
        raise TypeError(f"the function must return {form} for task {task!r}, got {kind_of(answer)}")
    return InstanceResult(*parts) if task == "instances" else PanopticResult(*parts)
