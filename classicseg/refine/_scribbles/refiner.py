"""What scribbles taught, as a refiner: of the image they are on, or of any."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg.refine._results import SemanticResult, Task
from classicseg.refine._scribbles.basis import learn_basis
from classicseg.refine._scribbles.files import read, write
from classicseg.refine._scribbles.model import (
    Model,
    Options,
    answer,
    check_strokes,
    count_marks,
    learn_model,
)
from classicseg.refine._table import RegionTable


class ScribbleRefiner:
    """Classes of regions, learnt from marks; `from_scribbles`, `Scribbles.refiner` and `load_scribbles` make it.

    Parameters
    ----------
    classes : tuple of str
        Names of the classes.
    learnt : ndarray of int32, shape (M, N), or a model
        Strokes, to learn from when their image is given, or what was learnt already, which is for any image.
    options : tuple
        How to learn: regularization, smoothness and number of landmarks.

    Attributes
    ----------
    task : str
        ``"semantic"``.
    classes : tuple of str
        As given.
    name : str
        ``"scribbles"``: what messages call it.
    files : tuple of str
        The file that it was loaded from, if it was.

    See Also
    --------
    Scribbles : Marking an image; how it works.
    """

    task: Task = "semantic"
    name = "scribbles"

    def __init__(self, classes: tuple[str, ...], learnt: NDArray[np.int32] | Model, options: Options) -> None:
        self.classes = classes
        self.files: tuple[str, ...] = ()
        self._learnt = learnt
        self._options = options

    def refine(self, regions: RegionTable) -> SemanticResult:
        """Return how probable each class is in each region.

        Parameters
        ----------
        regions : RegionTable
            The image that the strokes are on, or any image once something was learnt.

        Returns
        -------
        SemanticResult
            Probabilities (n, K), a row for each region. A class that was never marked has 0.

        Raises
        ------
        ValueError
            If the strokes have another shape than the image, or mark nothing inside its mask, or the image has other
            features than those that were learnt from.
        """
        if isinstance(self._learnt, Model):
            return SemanticResult(self._learnt.probabilities(regions))
        strokes = check_strokes("strokes", self._learnt, len(self.classes), regions.labels.shape)
        marks = count_marks(strokes, regions, len(self.classes))
        if not marks.any():
            raise ValueError("strokes must mark a pixel of a region, got marks outside the mask only; mark others")
        basis = learn_basis([regions], self._options.n_landmarks)
        return SemanticResult(answer(basis.of(regions), marks, regions, self._options))

    def fit(self, regions: Sequence[RegionTable], targets: Sequence[ArrayLike]) -> ScribbleRefiner:
        """Learn from several images, instead of what was learnt or marked before.

        Parameters
        ----------
        regions : sequence of RegionTable
            The images, described by regions of one kind: their sizes and shapes count.
        targets : sequence of array_like of int, shape (M, N)
            For each image an index into `classes` for each pixel, -1 where it is not known: a few strokes, or all.

        Returns
        -------
        ScribbleRefiner
            Itself, from now on for any image with the same features.

        Raises
        ------
        ValueError, TypeError
            If there is not one image of targets for each of `regions`, of its shape and with classes that exist, or
            no pixel of a region has one.
        """
        tables = list(regions)
        if len(tables) != len(targets) or not tables:
            raise ValueError(
                f"targets must be one for each of at least one of regions, got {len(targets)} for {len(tables)}"
            )
        marks = [
            count_marks(
                check_strokes(f"targets[{i}]", target, len(self.classes), table.labels.shape), table, len(self.classes)
            )
            for i, (table, target) in enumerate(zip(tables, targets))
        ]
        if not any(counts.any() for counts in marks):
            raise ValueError("targets must name the class of a pixel of a region, got -1 everywhere inside the masks")
        self._learnt = learn_model(tables, marks, self._options)
        self.files = ()
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was learnt into a file, for `load_scribbles` and ``classicseg batch --refiner``.

        Parameters
        ----------
        path : path
            The file, by custom ``.npz``; replaced if it exists.

        Raises
        ------
        ValueError
            If nothing was learnt yet: strokes belong to their image.
        """
        if not isinstance(self._learnt, Model):
            raise ValueError(
                "a refiner must have learnt before it is saved, got strokes on one image; "
                "call fit([describe_regions(image, labels)], [strokes]) first"
            )
        write(path, self.classes, self._learnt, self._options)


def load_scribbles(file: str | os.PathLike[str]) -> ScribbleRefiner:
    """Return the refiner that `ScribbleRefiner.save` wrote.

    Parameters
    ----------
    file : path
        The file. On the command line: ``--refiner scribbles:file=PATH``.

    Returns
    -------
    ScribbleRefiner
        For images with the same features as those that it was learnt from, such as the frames of one flight.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or is no such file.

    See Also
    --------
    load_refiner : Any refiner by name.

    Notes
    -----
    Regions should be of the kind that was learnt from, as their sizes and shapes count. Those of ``classicseg batch``
    are superpixels of about 100 pixels, ``slic(temperature, temperature.size // 100, 0.1, channel_axis=None,
    scaling=10)``, and each hot spot is one of its own.
    """
    classes, model, options = read(file)
    refiner = ScribbleRefiner(classes, model, options)
    refiner.files = (os.fspath(file),)
    return refiner
