"""Refiners by name: those of the package, and those that other packages bring along."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from classicseg._validate import check_str
from classicseg.refine._errors import RefinerError, RefinerWarning
from classicseg.refine._refiner import Refiner, check_refiner

GROUP = "classicseg.refiners"
Make = Callable[..., Refiner]


def _onnx(**options: Any) -> Refiner:
    from classicseg.refine._adapters.onnx import from_onnx

    return from_onnx(**options)


def _pv_unet(**options: Any) -> Refiner:
    from classicseg.refine._pv_unet.network import pv_unet

    return pv_unet(**options)


def _scribbles(**options: Any) -> Refiner:
    from classicseg.refine._scribbles.refiner import load_scribbles

    return load_scribbles(**options)


# Refiners of the package by name; each imports what makes it when it is called.
EMBEDDED: dict[str, Make] = {"onnx": _onnx, "pv_unet": _pv_unet, "scribbles": _scribbles}
_WORDS = {"true": True, "false": False, "none": None}


def available_refiners() -> dict[str, Make]:
    """Return what makes each refiner that can be loaded by name.

    These are the refiners of this package, and those that installed packages name as entry points of the group
    ``classicseg.refiners``. An entry point is a callable that returns a refiner, such as its class, or a refiner.
    One that cannot be imported, or whose name is taken, is left out.

    Returns
    -------
    dict of str to callable
        By name in alphabetical order; keyword arguments are the refiner's options.

    Warns
    -----
    RefinerWarning
        For each entry point that is left out, with its name.

    See Also
    --------
    load_refiner : Make one.

    Examples
    --------
    >>> isinstance(available_refiners(), dict)
    True
    """
    found = dict(EMBEDDED)
    for entry in _entries():
        if entry.name in found:
            _warn(entry, "the name is taken")
            continue
        try:
            found[entry.name] = _make(entry)
        except RefinerError as error:
            _warn(entry, error.message)
    return dict(sorted(found.items()))


def load_refiner(spec: str) -> Refiner:
    """Make a refiner by its name and options.

    Parameters
    ----------
    spec : str
        ``"name"``, or ``"name:option=value,option=value"``. Values are read as whole numbers, as numbers, as
        ``true``, ``false`` and ``none``, and else as text; ``a|b`` is a tuple of numbers and texts.

    Returns
    -------
    Refiner
        The refiner.

    Raises
    ------
    ValueError
        If there is no refiner of that name, or an option is not of the form ``option=value``.
    RefinerError
        If the refiner cannot be imported or made, or is none.

    See Also
    --------
    available_refiners : The names.

    Examples
    --------
    >>> load_refiner("nobody")
    Traceback (most recent call last):
        ...
    ValueError: ...
    """
    name, options = parse_spec(spec)
    make = EMBEDDED.get(name)
    if make is None:
        make = _make(_entry(name))
    try:
        refiner = make(**options)
    except RefinerError:
        raise
    except Exception as error:
        raise RefinerError(name, f"cannot be made with {options or 'no options'}: {_told(error)}") from error
    try:
        return check_refiner(refiner)
    except Exception as error:  # its task and classes may be properties that raise
        raise RefinerError(name, f"is none: {error}") from error


def origin(spec: str) -> str:
    """Return the package and version that a refiner comes from; nothing for those of this package."""
    name, _ = parse_spec(spec)
    if name in EMBEDDED:
        return ""
    package = _entry(name).dist
    return "" if package is None else f"{package.name} {package.version}"


def parse_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """Return name and options of ``"name:option=value,option=value"``."""
    name, _, text = check_str("refiner", spec).strip().partition(":")
    options: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key.isidentifier() and equals):
            raise ValueError(f"options of a refiner must be option=value,option=value, got {part!r} in {spec!r}")
        if key in options:
            raise ValueError(f"options of a refiner must be given once each, got {key} again in {spec!r}")
        options[key] = tuple(map(_number, value.split("|"))) if "|" in value else _value(value)
    return name, options


def _value(text: str) -> Any:
    return _WORDS.get(text.lower(), _number(text))


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _entries() -> list[EntryPoint]:
    """Return the entry points in a fixed order, whatever the order of folders on the search path."""
    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def _entry(name: str) -> EntryPoint:
    entries = _entries()
    for entry in entries:
        if entry.name == name:
            return entry
    known = sorted({*EMBEDDED, *(entry.name for entry in entries)})
    raise ValueError(
        f"refiner must be one of {', '.join(map(repr, known))}, got {name!r}; install the package that brings it "
        f"along, in the entry-point group {GROUP!r}"
    )


def _make(entry: EntryPoint) -> Make:
    """Import what an entry point names; a refiner that is made already takes no options."""
    try:
        found = entry.load()
        is_made = isinstance(found, Refiner) and not isinstance(found, type)
    except (Exception, SystemExit) as error:  # whatever a module of somebody else's does while it is imported
        raise RefinerError(entry.name, f"cannot be imported from {entry.value}: {_told(error)}") from error
    if is_made:
        return functools.partial(_as_it_is, found, entry.value)
    if not callable(found):
        raise RefinerError(entry.name, f"{entry.value} must be a callable that returns a refiner, got {found!r}")
    make: Make = found
    return make


def _as_it_is(refiner: Refiner, place: str, **options: object) -> Refiner:
    if options:
        raise TypeError(f"{place} is a refiner that takes no options")
    return refiner


def _warn(entry: EntryPoint, reason: str) -> None:
    warnings.warn(f"the refiner {entry.name!r} of {entry.value} is left out: {reason}", RefinerWarning, stacklevel=3)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
