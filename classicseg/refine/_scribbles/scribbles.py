"""Classes of regions from a few clicks or strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_array, check_choice, check_int, check_integers
from classicseg.refine._refiner import check_classes
from classicseg.refine._scribbles.basis import learn_basis
from classicseg.refine._scribbles.model import (
    UNMARKED,
    Model,
    answer,
    check_options,
    check_strokes,
    learn_coefficients,
    shares_of,
)
from classicseg.refine._scribbles.refiner import ScribbleRefiner
from classicseg.refine._table import RegionTable


class Scribbles:
    """Marks on an image, and what they say of all of its regions.

    A few clicks or strokes for each class are enough: the regions they lie in teach a small model what the classes
    look like, and its answer is spread over borders that are hardly any. It is refitted whenever it is asked: in some
    milliseconds with a few thousand regions, in a tenth of a second with forty thousand.

    Parameters
    ----------
    regions : RegionTable
        The image, as `describe_regions` gives it. Regions should not straddle what is to be told apart, rather too
        small than too large: `felzenszwalb` with a small ``min_size`` keeps to edges best (add 1 to its labels, which
        count from 0).
    classes : sequence of str
        Names of the classes. With a hundred marked regions and more a refit takes some 20 ms for three, half a second
        for a dozen.
    regularization : float, default 0.001
        How strongly coefficients are drawn to 0: larger values make probabilities less sure, and follow marks less
        closely. Try 0.1 where marks contradict each other.
    smoothness : float, default 1.0
        How far marks and probabilities spread to neighbours that are alike. 0: not at all, each region for itself;
        0.3 where small things matter, 3 where large ones do.
    n_landmarks : int, default 96
        Regions that all others are compared to. More tell finer differences apart, and take time.

    Attributes
    ----------
    regions : RegionTable
        As given.
    classes : tuple of str
        As given.
    strokes : ndarray of int32, shape (M, N)
        The marks: classes as index into `classes`, -1 where there are none. A copy.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value.

    See Also
    --------
    from_scribbles : The same as a refiner.
    graph_cut : Foreground and background from strokes, by colour at borders alone.

    Notes
    -----
    What a region is like, with the means of 1 to 3 rings of neighbours, is compared to landmarks, regions of the
    image that are as far apart as can be; nearness to them is the basis of a softmax regression. Each region counts
    once, with the shares of the classes in its marks. Newton's method finds its only optimum, so the answer depends on
    which pixels are marked, never on the order of clicks. Then a random walk smooths it: between two neighbours the
    walker goes as likely as their border is long and their mean values are alike. Where a region is marked, its marks
    weigh as much as the model. Sources: T. F. Gonzalez, Theor. Comput. Sci. 38, 1985,
    doi:10.1016/0304-3975(85)90224-5 (landmarks); C. Williams, M. Seeger, "Using the Nyström Method to Speed Up Kernel
    Machines", NIPS 2000; F. Wu et al., "Simplifying Graph Convolutional Networks", ICML 2019 (rings); L. Grady,
    "Multilabel Random Walker Image Segmentation Using Prior Models", CVPR 2005, doi:10.1109/CVPR.2005.239.

    Examples
    --------
    >>> square = np.ones((4, 4), int)
    >>> image = np.kron([[20.0, 21, 50, 52], [22, 20, 51, 90], [21, 20, 50, 51]], square)
    >>> labels = np.kron(np.arange(1, 13).reshape(3, 4), square)
    >>> scribbles = Scribbles(describe_regions(image, labels), ("ground", "module", "hot spot"))
    >>> scribbles.add("ground", 0, 0)
    >>> scribbles.add("module", 0, 9)
    >>> scribbles.add("hot spot", [5, 5], [13, 14])
    >>> scribbles.labels()[::4, ::4]
    array([[0, 0, 1, 1],
           [0, 0, 1, 2],
           [0, 0, 1, 1]], dtype=int32)
    """

    def __init__(
        self,
        regions: RegionTable,
        classes: Sequence[str],
        *,
        regularization: float = 0.001,
        smoothness: float = 1.0,
        n_landmarks: int = 96,
    ) -> None:
        if not isinstance(regions, RegionTable):
            raise TypeError(f"regions must be a RegionTable, got {type(regions).__name__}; call describe_regions()")
        self.regions = regions
        self.classes = check_classes("classes", classes)
        self._options = check_options(regularization, smoothness, n_landmarks)
        self._strokes: NDArray[np.int32] = np.full(regions.labels.shape, UNMARKED, np.int32)
        self._marks = np.zeros((len(regions.numbers), len(self.classes)), np.int64)
        self._basis = learn_basis([regions], self._options.n_landmarks)
        self._features = self._basis.of(regions)

    @property
    def strokes(self) -> NDArray[np.int32]:
        """Return the marks: an index into `classes` for each pixel, -1 where there is none."""
        return self._strokes.copy()

    def add(self, category: str | int, rows: ArrayLike, cols: ArrayLike) -> None:
        """Mark pixels with a class; a mark that is there already is replaced.

        Parameters
        ----------
        category : str or int
            Name of the class, or its index.
        rows, cols : int or array_like of int
            The pixels, as many rows as columns. Those outside the mask stay unmarked.

        Raises
        ------
        ValueError, TypeError
            If there is no such class, or a pixel lies outside the image.
        """
        self._put(self._pixels(rows, cols), self._index(category))

    def add_strokes(self, strokes: ArrayLike) -> None:
        """Mark all pixels of an image of strokes, over those that are marked already.

        Parameters
        ----------
        strokes : array_like of int, shape (M, N)
            An index into `classes` for each pixel, -1 where nothing is to be marked.

        Raises
        ------
        ValueError, TypeError
            If `strokes` has another shape or dtype, or names no class.
        """
        given = check_strokes("strokes", strokes, len(self.classes), self._strokes.shape).ravel()
        pixels = np.flatnonzero(given != UNMARKED)
        self._put(pixels, given[pixels])

    def remove(self, rows: ArrayLike, cols: ArrayLike) -> None:
        """Take back what pixels are marked with; those without a mark stay so.

        Parameters
        ----------
        rows, cols : int or array_like of int
            The pixels, as many rows as columns.

        Raises
        ------
        ValueError, TypeError
            If a pixel lies outside the image.
        """
        self._put(self._pixels(rows, cols), UNMARKED)

    def probabilities(self) -> NDArray[np.float32]:
        """Return how probable each class is in each region, by the marks that are there now.

        Returns
        -------
        ndarray of float32, shape (n, K)
            A row for each of `regions`; they sum to 1. A class that nothing is marked with has 0; without any marks
            all have the same.
        """
        return answer(self._features, self._marks, self.regions, self._options)

    def labels(self) -> NDArray[np.int32]:
        """Return the most probable class of each pixel.

        Returns
        -------
        ndarray of int32, shape (M, N)
            Index into `classes`, the lowest in a tie; -1 outside the mask.
        """
        best = self.probabilities().argmax(axis=1).astype(np.int32)
        return np.append(best, np.int32(UNMARKED))[self.regions.rows]

    def refiner(self) -> ScribbleRefiner:
        """Return what was learnt so far as a refiner for other images, such as the frames of the same flight.

        Returns
        -------
        ScribbleRefiner
            It keeps what it is when marks are added here.

        Raises
        ------
        ValueError
            If nothing is marked.
        """
        if not self._marks.any():
            raise ValueError("scribbles must mark a pixel to learn from, got none; call add() first")
        learnt = learn_coefficients(self._features, shares_of(self._marks), self._options.regularization)
        return ScribbleRefiner(self.classes, Model(self._basis, learnt, self._options.smoothness), self._options)

    def _index(self, category: str | int) -> int:
        if isinstance(category, str):
            return self.classes.index(check_choice("category", category, self.classes))
        return check_int("category", category, low=0, high=len(self.classes) - 1)

    def _pixels(self, rows: ArrayLike, cols: ArrayLike) -> NDArray[np.int64]:
        """Return the flat positions of pixels, each once."""
        n_cols = self._strokes.shape[1]
        down, right = _check_places("rows", rows, len(self._strokes)), _check_places("cols", cols, n_cols)
        if down.shape != right.shape:
            raise ValueError(f"rows and cols must be as many, got {down.size} and {right.size}")
        return np.unique(down * n_cols + right)

    def _put(self, pixels: NDArray[np.int64], category: int | NDArray[np.int32]) -> None:
        """Mark pixels that are named once each, and keep count."""
        inside = self.regions.mask.ravel()[pixels]
        pixels, category = pixels[inside], np.broadcast_to(category, pixels.shape)[inside]
        rows, before = self.regions.rows.ravel()[pixels], self._strokes.ravel()[pixels]
        for change, marks in ((-1, before), (1, category)):
            some = marks != UNMARKED
            np.add.at(self._marks, (rows[some], marks[some]), change)
        self._strokes.reshape(-1)[pixels] = category


def _check_places(name: str, given: ArrayLike, side: int) -> NDArray[np.int64]:
    """Return rows or columns of pixels of an image as an array (n,); none are fine, as `nonzero` may find none."""
    if check_array(name, given).shape == (0,):
        return np.empty(0, np.int64)
    array = np.atleast_1d(check_integers(name, given, ndim=(0, 1)))
    if array.dtype == bool:
        raise TypeError(f"{name} must be places of pixels, got bool; np.nonzero(mask) gives rows and cols of a mask")
    array = array.astype(np.int64)
    if not 0 <= int(array.min()) <= int(array.max()) < side:
        raise ValueError(
            f"{name} must lie within the image, 0 to {side - 1}, got {int(array.min())} to {int(array.max())}"
        )
    return array


def from_scribbles(
    strokes: ArrayLike,
    classes: Sequence[str],
    *,
    regularization: float = 0.001,
    smoothness: float = 1.0,
    n_landmarks: int = 96,
) -> ScribbleRefiner:
    """Return a refiner that learns from strokes on the image it is given.

    Parameters
    ----------
    strokes : array_like of int, shape (M, N)
        An index into `classes` for each pixel that is marked, -1 elsewhere. A few pixels of each class are enough.
    classes : sequence of str
        Names of the classes.
    regularization : float, default 0.001
        How strongly coefficients are drawn to 0, as in `Scribbles`.
    smoothness : float, default 1.0
        How far marks and probabilities spread to neighbours that are alike, as in `Scribbles`.
    n_landmarks : int, default 96
        Regions that all others are compared to, as in `Scribbles`.

    Returns
    -------
    ScribbleRefiner
        For `refine_labels` and the image of the strokes. Its `fit` learns from other images instead, and is then for
        any.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value, or nothing is marked.

    See Also
    --------
    Scribbles : The same, click by click; how it works.

    Examples
    --------
    >>> image = np.repeat([[20.0, 20.5, 35.0, 35.5]], 3, axis=0)
    >>> refiner = from_scribbles([[0, -1, -1, -1], [-1, -1, -1, -1], [-1, -1, -1, 1]], ("cold", "warm"))
    >>> table = describe_regions(image, np.repeat([[1, 2, 3, 4]], 3, axis=0))
    >>> refiner.refine(table).probabilities.argmax(axis=1)
    array([0, 0, 1, 1])
    """
    names = check_classes("classes", classes)
    options = check_options(regularization, smoothness, n_landmarks)
    given = check_strokes("strokes", strokes, len(names), None)
    if not (given != UNMARKED).any():
        raise ValueError("strokes must mark a pixel to learn from, got -1 everywhere; 0 is the first class")
    return ScribbleRefiner(names, given.copy(), options)
