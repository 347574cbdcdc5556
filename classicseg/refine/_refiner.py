"""What a refiner is: anything with a task, classes and a method `refine`."""

from __future__ import annotations

from functools import partial
from typing import Protocol, cast, runtime_checkable

from classicseg.refine._results import TASKS, RefineResult, Task
from classicseg.refine._table import RegionTable


@runtime_checkable
class Refiner(Protocol):
    """What turns regions into classes, objects or both; any object with these three members is one.

    A refiner may also have

    - ``name``: what messages call it; else the name of its type;
    - ``fit(regions, targets)``, which learns from a sequence of `RegionTable` and as many label images (M, N) of
      classes, -1 where they are not known, and returns the refiner;
    - ``refine_batch(regions)``, which takes a sequence of `RegionTable` and returns as many results: `refine_frames`
      asks it;
    - ``files``: paths of the files that decide what it answers, such as its weights.

    It must not change the arrays that it is given.

    Examples
    --------
    >>> from classicseg.refine import SemanticResult
    >>> class Brighter:
    ...     task = "semantic"
    ...     classes = ("dark", "bright")
    ...
    ...     def refine(self, regions):
    ...         bright = regions.column("gray_mean")
    ...         return SemanticResult(np.stack([1 - bright, bright], axis=1))
    >>> isinstance(Brighter(), Refiner)
    True
    """

    task: Task
    """What it gives: ``"semantic"``, ``"instances"`` or ``"panoptic"``, and so a `SemanticResult`, an
    `InstanceResult` or a `PanopticResult`."""

    classes: tuple[str, ...]
    """Names of the classes; results name a class by its place here, from 0 on."""

    def refine(self, regions: RegionTable) -> RefineResult:
        """Return what is in an image.

        Parameters
        ----------
        regions : RegionTable
            The image, its regions and what is known of them.

        Returns
        -------
        SemanticResult, InstanceResult or PanopticResult
            The one of its `task`.
        """
        ...


class Named:
    """How a refiner of this package is shown: by its name and classes."""

    name: str
    classes: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the model and the classes."""
        return f"<{self.name}: {', '.join(self.classes)}>"


def check_refiner(given: object) -> Refiner:
    """Return a refiner whose task and classes are what they must be."""
    if isinstance(given, type):
        raise TypeError(f"refiner must be an object, got the class {given.__name__}; make one with parentheses")
    # Not by isinstance: from Python 3.12 on it does not see members that an object passes on to another one.
    missing = [name for name in ("task", "classes", "refine") if not hasattr(given, name)]
    if missing:
        raise TypeError(
            f"refiner must have task, classes and refine, got {type(given).__name__} without {', '.join(missing)}; "
            "wrap a function with classicseg.refine.from_callable(), or load one by name with load_refiner()"
        )
    refiner = cast(Refiner, given)
    name = refiner_name(refiner)
    if not callable(refiner.refine):
        raise TypeError(f"refiner {name}: refine must be a method, got {refiner.refine!r}")
    if not isinstance(refiner.task, str) or refiner.task not in TASKS:
        raise ValueError(f"refiner {name}: task must be one of {', '.join(map(repr, TASKS))}, got {refiner.task!r}")
    check_classes(f"refiner {name}: classes", refiner.classes)
    return refiner


def check_classes(argument: str, classes: object) -> tuple[str, ...]:
    """Return names of classes as a tuple: at least one, each once."""
    if not isinstance(classes, (tuple, list)) or not all(isinstance(name, str) and name for name in classes):
        raise TypeError(f"{argument} must be a tuple of names, got {classes!r}; give each class a name")
    if not classes:
        raise ValueError(f"{argument} must name at least one class, got none")
    if len(set(classes)) < len(classes):
        raise ValueError(f"{argument} must name each class once, got {classes!r}")
    return tuple(classes)


def function_name(function: object) -> str:
    """Return what messages call a refiner made of a function: its name, be some of its arguments filled in or not."""
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else refiner_name(function)


def refiner_name(refiner: object) -> str:
    """Return what messages call a refiner."""
    name = getattr(refiner, "name", None)
    return name if isinstance(name, str) and name else type(refiner).__name__
