"""Every public algorithm on every bad or odd input: a defined result, or an error that says what to do."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from bad_input import FORMS, MASKS, SAME, Refused, asked, plain
from bad_input_subjects import SUBJECTS, modules, patches, squares
from numpy.testing import assert_allclose, assert_array_equal

import classicseg
from classicseg import thermal

# Public functions that compute nothing from an array: their bad input is that of the tests named.
OTHERS = {
    "to_device": "tests/cuda/test_device.py",
    "merge_tree": "tests/test_region_tree.py",
    "merge_regions": "tests/test_region_tree.py",
    "region_affinity": "tests/test_normalized_cut.py",
    "spectral_embedding": "tests/test_embedding.py",
    "minimum_cut": "tests/test_minimum_cut.py",
    "thermal.read": "tests/thermal/test_fuzz.py",
    "thermal.read_boxes": "tests/thermal/test_boxes.py",
    "thermal.fit_calibration": "tests/thermal/test_calibration.py",
    "thermal.load_profile": "tests/thermal/test_severity.py",
}


def ids(subject):
    return subject.name


def snapshot(value):
    """What must not change: the bytes and how they are held."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    return value.tobytes(), value.dtype, value.shape, value.strides, value.flags.writeable


def check(outcome, call, value, clean):
    """Hold one call against the table; `clean` makes the arguments of the call on a clean copy."""
    before = snapshot(value)
    if isinstance(outcome, Refused):
        with pytest.raises(outcome.error) as caught:
            call(value)
        assert str(caught.value) == outcome.message
        assert type(caught.value) is outcome.error
    else:
        result = call(value)
        if outcome == SAME:
            for found, expected in zip(result, call(clean(value)), strict=True):
                assert_same(found, expected)
        else:
            outcome(result)
    assert snapshot(value) == before


def assert_same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype
    if found.dtype.kind == "f":
        assert_allclose(found, expected, rtol=1e-6)
    else:
        assert_array_equal(found, expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=ids)
def test_an_array_of_another_form(subject, form):
    outcome = subject.odd[form]
    if isinstance(outcome, Refused):
        outcome = Refused(outcome.error, outcome.message.format(name=subject.argument))
    check(outcome, subject.call, FORMS[form](subject.clean()), plain)


@pytest.mark.parametrize("form", MASKS)
@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if subject.masks], ids=ids)
def test_a_mask_of_another_form(subject, form):
    image = subject.clean()
    check(subject.masks[form], lambda mask: subject.call(image, mask=mask), MASKS[form](image), asked)


@pytest.mark.parametrize("subject", SUBJECTS, ids=ids)
def test_no_form_is_left_out(subject):
    assert subject.odd.keys() == FORMS.keys()
    assert subject.masks is None or subject.masks.keys() == MASKS.keys()
    takes_mask = "mask" in inspect.signature(function(subject.covers)).parameters
    assert not takes_mask or any(other.masks for other in SUBJECTS if other.covers == subject.covers)


def function(name):
    room, _, own = name.rpartition(".")
    return getattr(getattr(classicseg, room) if room else classicseg, own)


def test_every_public_algorithm_is_in_the_table():
    """A new public function gets its row here, or its reason above."""
    public = {name for name in classicseg.__all__ if inspect.isfunction(getattr(classicseg, name))}
    public |= {f"thermal.{name}" for name in thermal.__all__ if inspect.isfunction(getattr(thermal, name))}
    assert public == {subject.covers for subject in SUBJECTS} | OTHERS.keys()


def weights(**changes):
    changed = np.ones((9, 12))
    changed[4, 5] = changes.get("one", 1.0)
    return {"sample_weight": changed}


KMEANS_OPTIONS = [
    ({"n_clusters": 0}, ValueError, "n_clusters must be at least 1, got 0"),
    ({"n_clusters": -3}, ValueError, "n_clusters must be at least 1, got -3"),
    ({"n_clusters": 109}, ValueError, "n_clusters must be at most 108, got 109"),
    ({"n_clusters": 2.0}, TypeError, "n_clusters must be an integer, got 2.0 of type float"),
    ({"n_clusters": True}, TypeError, "n_clusters must be an integer, got True of type bool"),
    ({"n_clusters": "8"}, TypeError, "n_clusters must be an integer, got '8' of type str"),
    ({"n_clusters": None}, TypeError, "n_clusters must be an integer, got None of type NoneType"),
    ({"n_clusters": [2, 3]}, TypeError, "n_clusters must be an integer, got [2, 3] of type list"),
    ({"max_num_iter": 0}, ValueError, "max_num_iter must be at least 1, got 0"),
    ({"tol": -0.5}, ValueError, "tol must be at least 0, got -0.5"),
    ({"tol": np.nan}, ValueError, "tol must be finite, got nan"),
    ({"tol": "small"}, TypeError, "tol must be a number, got 'small' of type str"),
    ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
    (
        {"init": "kmeans++"},
        ValueError,
        "init must be one of 'subset', 'random', 'uniform', 'k-means++', got 'kmeans++'",
    ),
    (
        {"init": np.zeros((2, 3))},
        ValueError,
        "init must have shape (n_clusters, n_features) = (3, 3), got (2, 3)",
    ),
    (
        {"init": np.full((3, 3), np.inf)},
        ValueError,
        "init must be finite, got 9 NaN or infinite values; give every center a number for every feature",
    ),
    (
        weights(one=-1.0),
        ValueError,
        "sample_weight must not be negative, got -1.0; give samples that do not count a weight of 0",
    ),
    (
        weights(one=np.nan),
        ValueError,
        "sample_weight must be finite, got 1 NaN or infinite values; give such samples a weight of 0",
    ),
    (
        weights(one=np.inf),
        ValueError,
        "sample_weight must be finite, got 1 NaN or infinite values; give such samples a weight of 0",
    ),
    (
        {"sample_weight": np.zeros((9, 12))},
        ValueError,
        "sample_weight must have a positive sum inside the mask, got only zeros",
    ),
    (
        {"sample_weight": np.ones(108)},
        ValueError,
        "sample_weight must have shape (9, 12), one value per sample, got (108,)",
    ),
    (
        {"sample_weight": np.ones((9, 12), complex)},
        TypeError,
        "sample_weight must be of an integer or floating dtype, got complex128; "
        "take the part you need, for example np.abs() or .real",
    ),
]


def options_id(value):
    return "-".join(value) if isinstance(value, dict) else ""


@pytest.mark.parametrize(("options", "error", "message"), KMEANS_OPTIONS, ids=options_id)
def test_a_bad_option_of_kmeans(options, error, message):
    with pytest.raises(error) as caught:
        classicseg.kmeans(patches(), **{"n_clusters": 3, **options})
    assert str(caught.value) == message


@pytest.mark.parametrize("form", ["strided", "read-only", "memory-mapped", "big-endian", "list", "DLPack"])
@pytest.mark.parametrize("argument", ["sample_weight", "init"])
def test_other_arrays_of_kmeans_in_another_form(argument, form):
    clean = np.arange(108.0).reshape(9, 12) if argument == "sample_weight" else patches()[::4, ::4].reshape(-1, 3)[:3]
    given = FORMS[form](clean)
    before = snapshot(given)
    found = classicseg.kmeans(patches(), 3, rng=0, **{argument: given})
    expected = classicseg.kmeans(patches(), 3, rng=0, **{argument: clean.astype(np.float64)})
    assert_array_equal(found.labels, expected.labels)
    assert_array_equal(found.centers, expected.centers)
    assert snapshot(given) == before


REGIONS_OPTIONS = [
    ({"connectivity": 8}, ValueError, "connectivity must be one of 1, 2, got 8"),
    ({"connectivity": True}, ValueError, "connectivity must be one of 1, 2, got True"),
    ({"n_threads": -1}, ValueError, "n_threads must be at least 1, got -1"),
]
MERGE_OPTIONS = [
    ({"min_size": 0}, ValueError, "min_size must be at least 1, got 0"),
    ({"min_size": 2.5}, TypeError, "min_size must be an integer, got 2.5 of type float"),
    ({"connectivity": 4}, ValueError, "connectivity must be one of 1, 2, got 4"),
    ({"image": patches()[1:]}, ValueError, "image must have the labels' shape (9, 12), got (8, 12, 3)"),
]


@pytest.mark.parametrize(("options", "error", "message"), REGIONS_OPTIONS, ids=options_id)
def test_a_bad_option_of_connected_regions(options, error, message):
    with pytest.raises(error) as caught:
        classicseg.connected_regions(squares(), **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(("options", "error", "message"), MERGE_OPTIONS, ids=options_id)
def test_a_bad_option_of_merge_small_regions(options, error, message):
    with pytest.raises(error) as caught:
        classicseg.merge_small_regions(squares(), **{"min_size": 10, **options})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            np.array([[1, 3_000_000_000]]),
            ValueError,
            "labels must fit into int32, got values from 1 to 3000000000; renumber them first",
        ),
        (
            np.array([[1, -1]]),
            ValueError,
            "labels must not be negative; pass cluster labels through connected_regions() first",
        ),
    ],
)
def test_bad_label_values(labels, error, message):
    with pytest.raises(error) as caught:
        classicseg.merge_small_regions(labels, 10)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("boxes", "error", "message"),
    [
        ([[0, 0, 9, 9, 9]], ValueError, "boxes must have shape (n, 4): row_min, col_min, row_max, col_max; got (1, 5)"),
        (
            [[0.0, 0.0, 9.5, 9.0]],
            TypeError,
            "boxes must be whole pixels of an integer dtype, got float64; round them first",
        ),
        (
            [[0, 0, 9, 9], [5, 5, 5, 9]],
            ValueError,
            "boxes must have 0 <= min < max within the frame of shape (240, 320), got [5, 5, 5, 9] in row 1",
        ),
        ("boxes.csv", TypeError, "boxes must be an array, got the text 'boxes.csv'; read the file into an array first"),
    ],
    ids=["columns", "floats", "empty box", "path"],
)
def test_bad_boxes(boxes, error, message):
    with pytest.raises(error) as caught:
        thermal.heat_in_boxes(modules(), boxes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"min_area": 0}, ValueError, "min_area must be at least 1, got 0"),
        ({"min_delta": np.inf}, ValueError, "min_delta must be finite, got inf"),
    ],
    ids=options_id,
)
def test_a_bad_option_of_find_hotspots(options, error, message):
    with pytest.raises(error) as caught:
        thermal.find_hotspots(modules(), **options)
    assert str(caught.value) == message


def test_the_tests_named_for_the_others_are_there():
    for name, path in OTHERS.items():
        assert name.rpartition(".")[2] in (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
