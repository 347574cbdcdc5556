"""What is learnt from marked regions: coefficients on a basis, and what they say of other regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_float, check_int, check_integers
from classicseg.refine._scribbles.basis import Basis, learn_basis
from classicseg.refine._scribbles.softmax import fit_softmax, softmax
from classicseg.refine._scribbles.spread import spread
from classicseg.refine._table import RegionTable

Floats = NDArray[np.float64]
UNMARKED = -1


class Options(NamedTuple):
    """How a model is learnt and used; see `Scribbles`."""

    regularization: float
    smoothness: float
    n_landmarks: int


def check_options(regularization: float, smoothness: float, n_landmarks: int) -> Options:
    """Return the checked options."""
    return Options(
        check_float("regularization", regularization, low=1e-9),
        check_float("smoothness", smoothness, low=0, high=1e9),
        check_int("n_landmarks", n_landmarks, low=1, high=1000),
    )


def check_strokes(name: str, strokes: ArrayLike, n_classes: int, shape: tuple[int, ...] | None) -> NDArray[np.int32]:
    """Return an image of class labels, -1 where there are none, in the shape of the image if that is known."""
    array = check_integers(name, strokes)
    if array.dtype == bool:  # False would be the first class
        raise TypeError(
            f"{name} must be the places of classes, got bool; np.where({name}, 0, -1) marks the first class"
        )
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have the image's shape {shape}, got {array.shape}")
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < UNMARKED or high >= n_classes:
        raise ValueError(
            f"{name} must be -1 or the place of a class, 0 to {n_classes - 1}, got values from {low} to {high}; "
            "-1 stands where nothing is known"
        )
    return array.astype(np.int32, copy=False)


def count_marks(strokes: NDArray[np.int32], table: RegionTable, n_classes: int) -> NDArray[np.int64]:
    """Return for each region how many of its pixels are marked with each class (n, K)."""
    counted = (strokes != UNMARKED) & table.mask
    pairs = table.rows[counted].astype(np.int64) * n_classes + strokes[counted]
    return np.bincount(pairs, minlength=len(table.numbers) * n_classes).reshape(-1, n_classes)


def shares_of(marks: NDArray[np.int64]) -> Floats:
    """Return the shares (n, K) of the classes in the marks of each region; 0 without marks."""
    return np.asarray(marks / np.maximum(marks.sum(axis=1, keepdims=True), 1))


class Coefficients(NamedTuple):
    """A softmax regression for those classes that marks have shown."""

    seen: NDArray[np.int64]  # (S,) the classes
    values: Floats  # (r + 1, S)
    n_classes: int

    def probabilities(self, features: Floats) -> Floats:
        """Return probabilities (n, K) from the features (n, r + 1) of a basis; alike where nothing was seen."""
        if self.seen.size == 0:
            return np.full((len(features), self.n_classes), 1 / self.n_classes)
        found = np.zeros((len(features), self.n_classes))
        found[:, self.seen] = softmax(features @ self.values)
        return found


def learn_coefficients(features: Floats, shares: Floats, regularization: float) -> Coefficients:
    """Learn from the marked regions, each of which counts once however many marks it has."""
    marked = shares.any(axis=1)
    seen = np.flatnonzero(shares.any(axis=0))
    values = np.zeros((features.shape[1], 0))
    if seen.size:
        values = fit_softmax(features[marked], shares[np.ix_(marked, seen)], regularization)
    return Coefficients(seen, values, shares.shape[1])


def answer(features: Floats, marks: NDArray[np.int64], table: RegionTable, options: Options) -> NDArray[np.float32]:
    """Return probabilities (n, K) of regions, learnt from the marks on some of them."""
    shares = shares_of(marks)
    own = learn_coefficients(features, shares, options.regularization).probabilities(features)
    return spread(own, shares, table, options.smoothness).astype(np.float32)


class Model(NamedTuple):
    """A basis, the coefficients on it, and how smooth its answers are."""

    basis: Basis
    coefficients: Coefficients
    smoothness: float

    def probabilities(self, table: RegionTable) -> NDArray[np.float32]:
        """Return probabilities (n, K) of the regions of any image."""
        own = self.coefficients.probabilities(self.basis.of(table))
        return spread(own, np.zeros_like(own), table, self.smoothness).astype(np.float32)


def learn_model(tables: Sequence[RegionTable], marks: Sequence[NDArray[np.int64]], options: Options) -> Model:
    """Learn from several images at once."""
    basis = learn_basis(tables, options.n_landmarks)
    features = np.concatenate([basis.of(table) for table in tables])
    shares = np.concatenate([shares_of(counts) for counts in marks])
    return Model(basis, learn_coefficients(features, shares, options.regularization), options.smoothness)
