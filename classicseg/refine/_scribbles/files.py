"""Files that hold what scribbles taught: NumPy's .npz, plain arrays without pickled objects."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from classicseg._errors import FileFormatError, UnreadableError
from classicseg.refine._refiner import check_classes
from classicseg.refine._scribbles.basis import RINGS, Basis
from classicseg.refine._scribbles.model import Coefficients, Model, Options, check_options

FORMAT = "classicseg scribbles 1"  # another number where older versions would misread a file
NUMBERS = ("centers", "scales", "landmarks", "width", "whitening", "values")
WANTED = "a file that ScribbleRefiner.save() wrote"


def write(path: str | os.PathLike[str], classes: tuple[str, ...], model: Model, options: Options) -> None:
    """Write a model; a crash leaves no half-written file."""
    basis, learnt = model.basis, model.coefficients
    content: dict[str, Any] = {
        "format": FORMAT,
        "classes": classes,
        "options": options,
        "names": basis.names,
        "centers": basis.centers,
        "scales": basis.scales,
        "landmarks": basis.landmarks,
        "width": basis.width,
        "whitening": basis.whitening,
        "seen": learnt.seen,
        "values": learnt.values,
    }
    target = Path(path)
    partial = target.with_name(target.name + ".part")
    try:
        with partial.open("wb") as file:
            np.savez(file, **content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], Model, Options]:
    """Return classes, model and options of a file."""
    try:
        with Path(path).open("rb") as file:  # NumPy leaves a file open that it cannot read
            content = np.load(file, allow_pickle=False)
            found = dict(content) if isinstance(content, np.lib.npyio.NpzFile) else {}
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error), WANTED) from error
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise FileFormatError(path, f"no arrays ({error})", WANTED) from error
    if str(found.get("format")) != FORMAT:
        raise FileFormatError(path, f"the format {found.get('format', 'of another kind')}", f"{FORMAT!r}, {WANTED}")
    try:
        return _model(found)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise FileFormatError(path, f"arrays that do not fit together ({error})", WANTED) from error


def _model(found: dict[str, Any]) -> tuple[tuple[str, ...], Model, Options]:
    """Return what the arrays hold, if they go together."""
    classes, names = (tuple(str(name) for name in found[key]) for key in ("classes", "names"))
    regularization, smoothness, n_most = found["options"].tolist()
    options = check_options(regularization, smoothness, int(n_most))
    numbers = {name: found[name].astype(np.float64) for name in NUMBERS}
    values = numbers.pop("values")
    basis = Basis(names, **{**numbers, "width": float(numbers["width"])})
    learnt = Coefficients(
        found["seen"].astype(np.int64, casting="same_kind"), values, len(check_classes("classes", classes))
    )
    n_landmarks, rank = basis.whitening.shape
    shapes = {
        "centers": (len(names),),
        "scales": (len(names),),
        "landmarks": (n_landmarks, (1 + RINGS) * len(names)),
        "values": (rank + 1, len(learnt.seen)),
    }
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise ValueError(f"{name} of shape {found[name].shape} instead of {shape}")
    if not set(learnt.seen.tolist()) <= set(range(len(classes))):
        raise ValueError(f"classes {learnt.seen.tolist()} of {len(classes)}")
    return classes, Model(basis, learnt, options.smoothness), options
