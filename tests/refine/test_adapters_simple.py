"""Functions and classifiers of regions as refiners."""

import importlib.util
import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import (
    InstanceResult,
    PanopticResult,
    Refiner,
    RefinerError,
    Segment,
    SemanticResult,
    check_result,
    describe_regions,
    from_callable,
    from_sklearn,
)

CLASSES = ["dark", "middle", "bright"]


def table_of(seed=0, shape=(8, 12), unit=None):
    """Regions 1, 2, 4 (3 is missing) and 7 in two rows of two, the first pixel outside."""
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    labels = np.repeat(np.repeat([[1, 2], [4, 7]], 4, axis=0), 6, axis=1)
    labels[0, 0] = 0
    return describe_regions(image if unit is None else image.astype(np.float32), labels, unit=unit)


# --- Functions -------------------------------------------------------------------------------------------------


def thirds(given):
    return np.full((4, 3), 1 / 3)


@pytest.mark.parametrize("wants", ["regions", "image", "features"])
def test_a_function_is_given_what_it_wants(wants):
    table, given = table_of(), []
    refiner = from_callable(lambda one: given.append(one) or thirds(one), classes=CLASSES, wants=wants)
    result = check_result(refiner.refine(table), table, refiner)
    assert_allclose(result.probabilities, 1 / 3)
    assert result.probabilities.dtype == np.float32
    assert given[0] is (table if wants == "regions" else getattr(table, wants))


def test_what_a_function_as_a_refiner_is():
    refiner = from_callable(thirds, classes=CLASSES)
    assert isinstance(refiner, Refiner)
    assert (refiner.name, refiner.task, refiner.classes) == ("thirds", "semantic", ("dark", "middle", "bright"))
    assert repr(refiner) == "<thirds, semantic: dark, middle, bright>"
    assert_array_equal(pickle.loads(pickle.dumps(refiner)).refine(table_of()).probabilities, np.float32(thirds(None)))

    class Callable:
        def __call__(self, regions):
            return thirds(regions)

    assert from_callable(Callable(), classes=CLASSES).name == "Callable"
    assert from_callable(partial(partial(thirds), None), classes=CLASSES).name == "thirds"


def test_instances_of_a_function():
    masks = np.zeros((2, 8, 12), bool)
    masks[0, 1:3, 2:5] = masks[1, 4:, 6:] = True
    parts = (masks, [0.9, 0.5], [2, 0])
    table = table_of()
    for answer in (parts, (*parts, [[1, 2, 3, 5], [4, 6, 8, 12]]), InstanceResult(*parts)):
        refiner = from_callable(lambda regions, answer=answer: answer, classes=CLASSES, task="instances")
        result = check_result(refiner.refine(table), table, refiner)
        assert_array_equal(result.masks, masks)
        assert_array_equal(result.boxes, [[1, 2, 3, 5], [4, 6, 8, 12]])
        assert_array_equal(result.categories, [2, 0])


def test_panoptic_maps_of_a_function():
    ids = np.repeat([[1, 2]], 8, axis=0).repeat(6, axis=1)
    segments = (Segment(1, 0, False, 48), Segment(2, 2, True, 48))
    table = table_of()
    for answer in ((ids, segments), PanopticResult(ids, segments)):
        refiner = from_callable(lambda regions, answer=answer: answer, classes=CLASSES, task="panoptic")
        result = check_result(refiner.refine(table), table, refiner)
        assert_array_equal(result.segment_ids, ids)
        assert result.segments == segments


def test_a_function_may_return_a_result():
    result = SemanticResult(np.float32(thirds(None)))
    assert from_callable(lambda regions: result, classes=CLASSES).refine(table_of()) is result


def test_a_function_may_return_a_tensor():
    torch = pytest.importorskip("torch", reason="PyTorch comes with the extra refine")
    refiner = from_callable(lambda regions: torch.full((4, 3), 1 / 3), classes=CLASSES)
    assert_allclose(refiner.refine(table_of()).probabilities, 1 / 3)


@pytest.mark.parametrize(
    ("answer", "task", "error", "message"),
    [
        ("many", "semantic", TypeError, "probabilities must be an array, got the text 'many'; read the file into an "),
        (
            np.zeros((4, 3), complex),
            "semantic",
            TypeError,
            "probabilities must be of an integer or floating dtype, got ",
        ),
        (
            np.zeros((2, 8, 12), bool),
            "instances",
            TypeError,
            "the function must return (masks, scores, categories) for task 'instances', got a ndarray",
        ),
        (
            (1, 2),
            "instances",
            TypeError,
            "the function must return (masks, scores, categories) for task 'instances', got a tuple of 2",
        ),
        (
            {"segment_ids": 1},
            "panoptic",
            TypeError,
            "the function must return (segment_ids, segments) for task 'panoptic', got a dict",
        ),
    ],
)
def test_a_function_that_returns_something_else(answer, task, error, message):
    with pytest.raises(error) as caught:
        from_callable(lambda regions: answer, classes=CLASSES, task=task).refine(table_of())
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("function", "given", "error", "message"),
    [
        (np.zeros(3), {}, TypeError, "function must be callable, got array([0., 0., 0.]) of type ndarray"),
        (
            thirds,
            {"classes": CLASSES[:1] * 2},
            ValueError,
            "classes must name each class once, got ['dark', 'dark']",
        ),
        (
            thirds,
            {"task": "boxes"},
            ValueError,
            "task must be one of 'semantic', 'instances', 'panoptic', got 'boxes'",
        ),
        (
            thirds,
            {"wants": "labels"},
            ValueError,
            "wants must be one of 'regions', 'image', 'features', got 'labels'",
        ),
    ],
)
def test_a_bad_option_of_from_callable(function, given, error, message):
    with pytest.raises(error) as caught:
        from_callable(function, **{"classes": CLASSES, **given})
    assert str(caught.value) == message


# --- Classifiers -----------------------------------------------------------------------------------------------


class Nearest:
    """A classifier with scikit-learn's methods: probabilities fall with the distance to the mean of each class."""

    def fit(self, features, targets):
        self.classes_ = np.unique(targets)
        self.n_features_in_ = features.shape[1]
        self.means = np.stack([features[targets == one].mean(axis=0) for one in self.classes_])
        return self

    def predict_proba(self, features):
        near = 1 / (1e-9 + ((features[:, None] - self.means) ** 2).sum(axis=2))
        return near / near.sum(axis=1, keepdims=True)


def classes_of(table):
    """Targets of `table_of`: of the regions in order middle, bright, bright, dark, in most of their pixels."""
    target = np.array([-1, 1, 2, 2, 0])[table.rows + 1]
    target[0, 1:3] = 0  # 2 of 23
    target[:2, 6:] = -1  # half of the second
    target[4:6, :6] = 1  # half of the third: a tie, which goes to the first
    return target


def test_regions_learn_the_class_of_most_of_their_known_pixels():
    seen = []

    class Recorder(Nearest):
        def fit(self, features, targets):
            seen.append((features, targets))
            return super().fit(features, targets)

    tables = [table_of(0), table_of(1)]
    targets = [classes_of(table) for table in tables]
    targets[1][:4] = -1  # of the second image two regions are not known at all
    before = [target.copy() for target in targets]
    estimator = Recorder()
    refiner = from_sklearn(estimator, classes=CLASSES)
    assert refiner.fit(tables, targets) is refiner
    ((features, learnt),) = seen
    assert_array_equal(learnt, [1, 2, 1, 0, 1, 0])
    assert_array_equal(features, np.concatenate([tables[0].features, tables[1].features[2:]]))
    for target, old in zip(targets, before):
        assert_array_equal(target, old)


def test_probabilities_stand_in_the_columns_of_their_classes():
    """The estimator knows two of three classes: the third has a probability of 0."""
    table = table_of()
    refiner = from_sklearn(Nearest(), classes=CLASSES)
    target = np.array([-1, 2, 2, 0, 0])[table.rows + 1]
    found = check_result(refiner.fit([table], [target]).refine(table), table, refiner).probabilities
    assert_array_equal(found[:, 1], 0)
    assert_array_equal(found[:, [0, 2]], np.float32(refiner.estimator.predict_proba(table.features)))
    assert_array_equal(found.argmax(axis=1), [2, 2, 0, 0])


@pytest.mark.parametrize(
    ("own", "names", "columns"),
    [
        (["bright", "dark"], None, [0, 1]),
        (["bright", "dark"], CLASSES, [2, 0]),
        ([0, 2], CLASSES, [0, 2]),
        ([False, True], ["no", "yes"], [0, 1]),
        ([3, 7], None, [0, 1]),
        ([0.0, 1.0], CLASSES, [0, 1]),
    ],
)
def test_classes_of_a_fitted_estimator(own, names, columns):
    table = table_of()
    estimator = Nearest().fit(table.features, np.array(own)[[0, 1, 0, 1]])
    refiner = from_sklearn(estimator, classes=names)
    assert refiner.classes == tuple(names or map(str, own))
    found = refiner.refine(table).probabilities
    assert found.shape == (4, len(refiner.classes))
    assert_array_equal(found[:, columns], np.float32(estimator.predict_proba(table.features)))


def test_a_batch_is_what_its_images_are():
    tables = [table_of(seed) for seed in range(3)]
    refiner = from_sklearn(Nearest(), classes=CLASSES).fit(tables[:1], [classes_of(tables[0])])
    for together, table in zip(refiner.refine_batch(tables), tables, strict=True):
        assert_array_equal(together.probabilities, refiner.refine(table).probabilities)
    assert refiner.refine_batch([]) == []


def test_a_fitted_refiner_is_fitted_again_on_numbers():
    """After `fit` the estimator's classes are numbers of the refiner's, whatever they were before."""
    table = table_of()
    refiner = from_sklearn(Nearest().fit(table.features, np.array([3, 7, 3, 7])))
    found = refiner.fit([table], [np.where(table.rows == 0, 1, -1)]).refine(table).probabilities
    assert refiner.classes == ("3", "7")
    assert_array_equal(found, np.tile([0, 1], (4, 1)))


def test_a_real_classifier_in_a_pipeline():
    pytest.importorskip("sklearn", reason="scikit-learn comes with the extra benchmarks")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    tables = [table_of(seed) for seed in range(4)]
    targets = [np.where(table.column("gray_mean")[table.rows] > 0.5, 2, 0) for table in tables]
    refiner = from_sklearn(make_pipeline(StandardScaler(), LogisticRegression()), classes=CLASSES)
    refiner.fit(tables, targets)
    for table, target in zip(tables, targets):
        found = check_result(refiner.refine(table), table, refiner).probabilities
        assert_array_equal(found.argmax(axis=1)[table.rows], target)
        assert_array_equal(found[:, 1], 0)
    assert_array_equal(
        pickle.loads(pickle.dumps(refiner)).refine(tables[0]).probabilities, refiner.refine(tables[0]).probabilities
    )
    with pytest.raises(TypeError, match="estimator must have predict_proba, got LinearSVC"):
        from_sklearn(sklearn_svm().LinearSVC(), classes=CLASSES)


def sklearn_svm():
    from sklearn import svm

    return svm


@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas comes with the extra dev")
def test_an_estimator_that_knows_columns_by_name():
    """It is given those that it knows in its own order, and as a DataFrame, so that it does not warn."""
    from pandas import DataFrame

    class Named(Nearest):
        def fit(self, frame, targets):
            self.feature_names_in_ = np.array(frame.columns, object)
            return super().fit(frame.to_numpy(), targets)

        def predict_proba(self, frame):
            assert list(frame.columns) == list(self.feature_names_in_)
            return super().predict_proba(frame.to_numpy())

    table = table_of()
    names = ["log_area", "gray_mean", "col"]
    columns = np.stack([table.column(name) for name in names], axis=1)
    estimator = Named().fit(DataFrame(columns, columns=names), np.array(["a", "b", "a", "b"]))
    found = from_sklearn(estimator).refine(table).probabilities
    assert_array_equal(found, np.float32(Nearest.predict_proba(estimator, columns)))
    with pytest.raises(RefinerError) as caught:
        from_sklearn(estimator).refine(table_of(unit="celsius"))
    assert (
        "refiner Named: the estimator was fitted on features that the regions do not have: gray_mean; they have "
        in str(caught.value)
    )


def of_two_outputs():
    estimator = Nearest()
    estimator.classes_ = [np.arange(2), np.arange(3)]
    return estimator


def fitted():
    table = table_of()
    return Nearest().fit(table.features, np.array([0, 1, 2, 3]))


@pytest.mark.parametrize(
    ("estimator", "classes", "error", "message"),
    [
        (
            object(),
            CLASSES,
            TypeError,
            "estimator must have predict_proba, got object; wrap it, for example in "
            "sklearn.calibration.CalibratedClassifierCV",
        ),
        (
            Nearest(),
            None,
            ValueError,
            "classes must be given for an estimator that is not fitted, got None; name them in order",
        ),
        (
            fitted(),
            CLASSES,
            ValueError,
            "classes must hold those of the estimator, got 3 in it and dark, middle, bright; the estimator's are "
            "names, or numbers from 0 to 2 in the order of classes",
        ),
        (
            of_two_outputs(),
            CLASSES,
            ValueError,
            "estimator must have one output, got several; fit one on a column of classes",
        ),
        (
            Nearest().fit(np.eye(2), np.array(["dark", "grey"])),
            CLASSES,
            ValueError,
            "classes must hold those of the estimator, got 'grey' in it and dark, middle, bright; the estimator's are "
            "names, or numbers from 0 to 2 in the order of classes",
        ),
    ],
)
def test_a_bad_estimator(estimator, classes, error, message):
    with pytest.raises(error) as caught:
        from_sklearn(estimator, classes=classes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([], "targets must be as many as regions, 1, got 0"),
        ([np.zeros((8, 11), int)], "targets[0] must have the image's shape (8, 12), got (8, 11)"),
        (
            [np.full((8, 12), 3)],
            "targets[0] must hold indices of the 3 classes, from 0 on, and -1 where none is known; "
            "got values from 3 to 3",
        ),
        (
            [np.full((8, 12), -2)],
            "targets[0] must hold indices of the 3 classes, from 0 on, and -1 where none is known; "
            "got values from -2 to -2",
        ),
        ([np.full((8, 12), -1)], "targets must name the class of at least one region, got none but -1"),
    ],
)
def test_bad_targets(targets, message):
    with pytest.raises(ValueError, match="targets") as caught:
        from_sklearn(Nearest(), classes=CLASSES).fit([table_of()], targets)
    assert str(caught.value) == message


def test_what_only_shows_when_regions_are_refined():
    table = table_of()
    with pytest.raises(RefinerError) as caught:
        from_sklearn(Nearest(), classes=CLASSES).refine(table)
    assert str(caught.value) == "refiner Nearest: the estimator is not fitted; call fit(regions, targets) first"
    with pytest.raises(RefinerError) as caught:
        from_sklearn(Nearest().fit(np.eye(3), np.arange(3))).refine(table)
    wanted = f"the estimator was fitted on 3 features, the regions have {len(table.names)}: {', '.join(table.names)}"
    assert str(caught.value) == f"refiner Nearest: {wanted}; describe regions of the same kind of image"

    class Halves(Nearest):
        def predict_proba(self, features):
            return super().predict_proba(features)[:, :1]

    with pytest.raises(RefinerError) as caught:
        from_sklearn(Halves(), classes=CLASSES).fit([table], [classes_of(table)]).refine(table)
    assert str(caught.value) == (
        "refiner Halves: predict_proba must give 3 probabilities for each of 4 regions, got shape (4, 1)"
    )
