"""Array recognition and argument checks that the functions' own tests do not reach."""

import sys
import types
from fractions import Fraction

import numpy as np
import pytest

from classicseg import _array, _validate
from classicseg._errors import FileFormatError, NotRadiometricError


class OnDevice:
    """A DLPack object that lives elsewhere."""

    def __init__(self, kind):
        self.kind = kind

    def __dlpack__(self, **kwargs):
        raise BufferError("device memory")

    def __dlpack_device__(self):
        return (self.kind, 0)


class InMemory:
    """A DLPack object in host memory."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack_is_taken_without_a_copy():
    array = np.arange(6.0)
    assert np.shares_memory(_array.as_array("features", InMemory(array)), array)
    with pytest.raises(TypeError, match=r"features is not in host memory .* copy it there first"):
        _array.as_array("features", OnDevice(8))  # Metal
    for host in (1, 3):  # memory of the processor, also where a GPU can reach it: some other thing is wrong
        with pytest.raises(TypeError) as caught:
            _array.as_array("features", OnDevice(host))
        assert str(caught.value) == (
            "features cannot be read from its library (device memory); pass it as a plain array, "
            "for example with .detach().float()"
        )
    with pytest.raises(
        TypeError, match=r"features lies on a CUDA device, .* pass classicseg\.to_device\(features, 'cpu'\)"
    ):
        _array.as_array("features", OnDevice(2))


def test_cupy_is_recognised_without_importing_it(monkeypatch):
    assert _array.array_kind(np.ones(2)) == "numpy"
    module = types.ModuleType("cupy")
    module.ndarray = type("ndarray", (), {})
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert _array.array_kind(module.ndarray()) == "cupy"
    with pytest.raises(TypeError, match=r"image is a CuPy array, .* pass classicseg\.to_device\(image, 'cpu'\)"):
        _array.as_array("image", module.ndarray())


@pytest.mark.parametrize(
    "value",
    [
        *(True, np.True_, np.array(True), None, [1, 2], np.ones(1)),
        *("5", b"5", bytearray(b"5"), np.array("5"), np.str_("5")),
        *(1j, np.complex64(1 + 2j), np.array(1j)),
    ],
)
def test_no_number(value):
    with pytest.raises(TypeError, match="tol must be a number"):
        _validate.check_float("tol", value)


@pytest.mark.parametrize(
    ("options", "value", "message"),
    [
        ({}, np.inf, "tol must be finite, got inf"),
        ({"above": 0}, 0, "tol must be greater than 0, got 0.0"),
        ({"high": 1}, 2, "tol must be at most 1, got 2.0"),
    ],
)
def test_float_rules(options, value, message):
    with pytest.raises(ValueError) as caught:
        _validate.check_float("tol", value, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "value", [2, 2.0, Fraction(2), np.float16(2), np.longdouble(2), np.uint8(2), np.array(2), np.array(2.0, ">f4")]
)
def test_numbers(value):
    number = _validate.check_float("tol", value)
    assert type(number) is float
    assert number == 2


@pytest.mark.parametrize("value", [10**400, -(10**400), Fraction(10**400)])
def test_numbers_that_no_float_holds(value):
    with pytest.raises(ValueError, match=r"^tol must be at most 1\.8e308 in size, got a longer number$"):
        _validate.check_float("tol", value)


class NoArray:
    """A value that cannot be made an array, for a reason of its own."""

    def __array__(self, dtype=None, copy=None):
        raise ValueError("the stream is closed")


def test_why_a_value_is_no_array():
    with pytest.raises(ValueError) as caught:
        _validate.check_array("image", NoArray())
    assert str(caught.value) == (
        "image must be an array, got a value of type NoArray that cannot be made one (the stream is closed); "
        "convert it first"
    )
    for ragged in ([[1, 2], [3]], ((1, 2), (3,))):
        with pytest.raises(ValueError) as caught:
            _validate.check_array("image", ragged)
        assert str(caught.value) == (
            "image must be a regular array, got a sequence whose parts differ in length; make them equally long"
        )


@pytest.mark.parametrize("value", ["1", True, np.True_, 1.0, None, np.array([1, 2])])
def test_choice_takes_nothing_else_for_one(value):
    with pytest.raises(ValueError, match="connectivity must be one of 1, 2, got "):
        _validate.check_choice("connectivity", value, (1, 2))


def test_choice_takes_numpy_scalars():
    assert type(_validate.check_choice("connectivity", np.int64(2), (1, 2))) is int
    assert type(_validate.check_choice("init", np.str_("random"), ("subset", "random"))) is str


@pytest.mark.parametrize("kind", [FileFormatError, NotRadiometricError])
def test_file_errors_survive_pickling(kind):
    import pickle

    error = kind("a.jpg", "nothing", "something")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "a.jpg: found nothing; expected something"
    assert again.path == "a.jpg"


def test_dtypes_become_those_that_kernels_know():
    for given, native in ((">u2", "u2"), ("<i8", "i8"), ("f2", "f4"), (">f4", "f4"), (">f8", "f8"), ("g", "f8")):
        array = _validate.check_image("image", np.ones((2, 3), given))
        assert array.dtype == np.dtype(native)
        assert array.dtype.isnative
    image = np.ones((2, 3), np.float32)
    assert _validate.check_image("image", image) is image
    beyond = np.full((2, 3), np.longdouble("1e400") if np.finfo(np.longdouble).max > 1e308 else np.inf)
    assert np.isinf(_validate.check_image("image", beyond)).all()


def test_a_matrix_is_an_array():
    matrix = np.ones((2, 3)).view(np.matrix)
    assert type(_validate.check_image("image", matrix)) is np.ndarray
    assert np.shares_memory(_validate.check_image("image", matrix), matrix)


def test_weights():
    weights = _validate.check_weights("sample_weight", [[1, 2], [0, 3]], (2, 2))
    assert weights.dtype == np.float64
    for bad, message in (
        ([1, 2], "sample_weight must have shape (2, 2), one value per sample, got (2,)"),
        ([[1, 2], [0, -3]], "sample_weight must not be negative, got -3.0; give samples that do not count a weight"),
        ([[1, 2], [0, np.nan]], "sample_weight must be finite, got 1 NaN or infinite values; give such samples"),
    ):
        with pytest.raises(ValueError) as caught:
            _validate.check_weights("sample_weight", bad, (2, 2))
        assert str(caught.value).startswith(message)


def test_up_to_64_features():
    assert _validate.check_features(np.zeros((2, 64))).shape == (2, 64)
    with pytest.raises(ValueError, match="features must have 1 to 64 values per sample"):
        _validate.check_features(np.zeros((2, 65)))


def test_labels_of_wide_dtypes_are_narrowed():
    labels = _validate.check_labels("labels", np.array([[1, 2]], np.int64))
    assert labels.dtype == np.int32
    for dtype in (np.uint32, np.int64, np.uint64):
        with pytest.raises(ValueError, match="labels must fit into int32, got values from 0 to 3000000000"):
            _validate.check_labels("labels", np.array([[0, 3_000_000_000]], dtype))
    with pytest.raises(ValueError, match="labels must have 2 axes"):
        _validate.check_labels("labels", np.zeros(3, int))
