"""Classifiers of regions with scikit-learn's methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._validate import check_labels
from classicseg.refine._errors import RefinerError
from classicseg.refine._refiner import Named, check_classes
from classicseg.refine._results import SemanticResult, Task
from classicseg.refine._table import RegionTable


def from_sklearn(estimator: Any, *, classes: Sequence[str] | None = None) -> SklearnRefiner:
    """Make a refiner of a classifier of regions: any estimator with ``predict_proba``.

    Parameters
    ----------
    estimator : object
        A classifier, or a pipeline that ends in one, whose inputs are the features of regions: ``fit(features,
        targets)`` and ``predict_proba(features)`` as in scikit-learn. Fitted, or to be fitted with the refiner's
        `fit`. One that was fitted on a DataFrame is given the columns that it knows by their names.
    classes : sequence of str, optional
        Names of the classes. The estimator's own are these names, or numbers that index them; one that it never saw
        has a probability of 0. Default: the estimator's own, as text, which a fitted one has.

    Returns
    -------
    SklearnRefiner
        A refiner of task "semantic" that answers per region, with the methods `fit` and `refine_batch`.

    Raises
    ------
    TypeError
        If the estimator has no ``predict_proba``.
    ValueError
        If `classes` are missing and the estimator is not fitted, or do not hold the estimator's own.

    See Also
    --------
    from_callable : Any function of the features.

    Notes
    -----
    Regions inherit the class that most of their pixels have. A region that spans two classes cannot be right, so
    superpixels should be smaller than the smallest object; `refine_labels` mixes in no more of a region's mean than its
    `pooling` says.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> image = np.array([[10, 12, 200, 205], [11, 13, 210, 90]], np.uint8)
    >>> table = describe_regions(image, [[1, 2, 3, 4], [1, 2, 3, 4]])
    >>> refiner = from_sklearn(LogisticRegression(), classes=["dark", "bright"])
    >>> refiner = refiner.fit([table], [[[0, 0, 1, 1], [0, 0, 1, 1]]])
    >>> refiner.refine(table).probabilities.argmax(axis=1)
    array([0, 0, 1, 1])
    """
    if not callable(getattr(estimator, "predict_proba", None)):
        raise TypeError(
            f"estimator must have predict_proba, got {type(estimator).__name__}; wrap it, for example in "
            "sklearn.calibration.CalibratedClassifierCV"
        )
    own = _own_classes(estimator)
    if classes is not None:
        names = check_classes("classes", classes)
        if own is not None:
            _places(own, names)
        return SklearnRefiner(estimator, names)
    if own is None:
        raise ValueError("classes must be given for an estimator that is not fitted, got None; name them in order")
    return SklearnRefiner(estimator, tuple(map(str, own)), in_order=True)


class SklearnRefiner(Named):
    """A classifier of regions as a refiner; `from_sklearn` makes one.

    Parameters
    ----------
    estimator : object
        The classifier.
    classes : tuple of str
        Names of the classes.
    in_order : bool, default False
        Whether the classes are the estimator's own, one by one.
    """

    task: Task = "semantic"

    def __init__(self, estimator: Any, classes: tuple[str, ...], *, in_order: bool = False) -> None:
        self.name = type(estimator).__name__
        self.estimator = estimator
        self.classes = classes
        self._in_order = in_order

    def fit(self, regions: Sequence[RegionTable], targets: Sequence[ArrayLike]) -> SklearnRefiner:
        """Fit the estimator, in place, on regions of known class.

        Parameters
        ----------
        regions : sequence of RegionTable
            Images and their regions.
        targets : sequence of array_like of int, shape (M, N)
            For each image, the class of every pixel as index into `classes`; -1 where it is not known. A region is of
            the class that most of its known pixels have, of several as frequent the first; one without any is left
            out.

        Returns
        -------
        SklearnRefiner
            This refiner.

        Raises
        ------
        ValueError, TypeError
            If there are not as many `targets` as `regions`, one has another shape than its image, or an index of no
            class, or all of them are unknown.
        """
        if len(regions) != len(targets):
            raise ValueError(f"targets must be as many as regions, {len(regions)}, got {len(targets)}")
        pairs = [
            (table.features, _majority(f"targets[{i}]", target, table, len(self.classes)))
            for i, (table, target) in enumerate(zip(regions, targets))
        ]
        known = [(features[found >= 0], found[found >= 0]) for features, found in pairs]
        if not any(len(found) for _, found in known):
            raise ValueError("targets must name the class of at least one region, got none but -1")
        self.estimator.fit(*(np.concatenate(parts) for parts in zip(*known)))
        self._in_order = False  # what it knows now are indices
        return self

    def refine(self, regions: RegionTable) -> SemanticResult:
        """Return the probability of each class in every region (n, K)."""
        return self.refine_batch([regions])[0]

    def refine_batch(self, regions: Sequence[RegionTable]) -> list[SemanticResult]:
        """Return the same for several images, of which the estimator sees all regions at once."""
        if not regions:
            return []
        try:
            own = _own_classes(self.estimator)
            if own is None:
                raise ValueError("the estimator is not fitted; call fit(regions, targets) first")
            inputs = np.concatenate([self._columns(table) for table in regions])
            found = np.asarray(self.estimator.predict_proba(self._named(inputs)))
            if found.shape != (len(inputs), len(own)):
                raise ValueError(
                    f"predict_proba must give {len(own)} probabilities for each of {len(inputs)} regions, got shape "
                    f"{found.shape}"
                )
            columns = range(len(own)) if self._in_order else _places(own, self.classes)
        except ValueError as error:
            raise RefinerError(self.name, str(error)) from error
        probabilities = np.zeros((len(inputs), len(self.classes)), np.float32)
        probabilities[:, list(columns)] = found
        ends = np.cumsum([len(table.numbers) for table in regions])
        return [SemanticResult(part) for part in np.split(probabilities, ends[:-1])]

    def _columns(self, table: RegionTable) -> NDArray[np.float32]:
        """Return the features (n, F) that the estimator was fitted on, in its order."""
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is None:
            wanted = getattr(self.estimator, "n_features_in_", table.features.shape[1])
            if wanted != table.features.shape[1]:
                raise ValueError(
                    f"the estimator was fitted on {wanted} features, the regions have {table.features.shape[1]}: "
                    f"{', '.join(table.names)}; describe regions of the same kind of image"
                )
            return table.features
        missing = [name for name in names if name not in table.names]
        if missing:
            raise ValueError(
                f"the estimator was fitted on features that the regions do not have: {', '.join(missing)}; they have "
                f"{', '.join(table.names)}"
            )
        return table.features[:, [table.names.index(name) for name in names]]

    def _named(self, inputs: NDArray[np.float32]) -> Any:
        """Return inputs as a DataFrame for an estimator that was fitted on one: it warns at plain arrays."""
        names = getattr(self.estimator, "feature_names_in_", None)
        if names is None:
            return inputs
        from pandas import DataFrame

        return DataFrame(inputs, columns=names)


def _own_classes(estimator: Any) -> list[Any] | None:
    """Return the classes that an estimator was fitted on, None for one that is not."""
    own = getattr(estimator, "classes_", None)  # of pipelines and searches a property that may raise AttributeError
    if own is None:
        return None
    if any(np.ndim(one) for one in own):
        raise ValueError("estimator must have one output, got several; fit one on a column of classes")
    return list(np.asarray(own).tolist())


def _places(own: list[Any], names: tuple[str, ...]) -> list[int]:
    """Return for each class of an estimator its index in `names`, by name or by number."""
    indices = [names.index(one) if one in names else one for one in own]
    for one, index in zip(own, indices):
        if isinstance(index, str) or index not in range(len(names)):
            raise ValueError(
                f"classes must hold those of the estimator, got {one!r} in it and {', '.join(names)}; the estimator's "
                f"are names, or numbers from 0 to {len(names) - 1} in the order of classes"
            )
    return [int(index) for index in indices]


def _majority(argument: str, target: ArrayLike, table: RegionTable, n_classes: int) -> NDArray[np.int64]:
    """Return the class that most known pixels of each region have, -1 for regions without any."""
    image = check_labels(argument, target)
    if image.shape != table.labels.shape:
        raise ValueError(f"{argument} must have the image's shape {table.labels.shape}, got {image.shape}")
    low, high = int(image.min()), int(image.max())
    if low < -1 or high >= n_classes:
        raise ValueError(
            f"{argument} must hold indices of the {n_classes} classes, from 0 on, and -1 where none is known; "
            f"got values from {low} to {high}"
        )
    known = table.mask & (image >= 0)
    pairs = table.rows[known].astype(np.int64) * n_classes + image[known]
    counts = np.bincount(pairs, minlength=len(table.numbers) * n_classes).reshape(-1, n_classes)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
