"""ONNX files: what is read of them without a library, and that backends answer as their formulas say."""

import contextlib
import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnx_writer as writer
import pytest
from naive_dense import convolved, softmax
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import FileFormatError
from classicseg.refine import Refiner, RefinerError, check_result, describe_regions, from_onnx, load_refiner
from classicseg.refine._adapters.onnx_file import OnnxInput, read_onnx

CLASSES = ("ground", "module", "hot spot")
RNG = np.random.default_rng(8)
WEIGHTS, BIAS = RNG.normal(0, 0.3, (3, 3, 3, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
LOGITS = writer.convolution(WEIGHTS, BIAS)
EXPECTED = "expected an ONNX model; torch.onnx.export writes one"


@pytest.fixture
def save(tmp_path):
    def write(data, name="net.onnx"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture(params=["opencv", "onnxruntime"])
def backend(request):
    if request.param == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime comes with the extra refine")
    else:
        pytest.importorskip("cv2", reason="OpenCV does not load on a machine without a display", exc_type=ImportError)
    return request.param


def table_of(shape=(9, 13, 3), seed=0):
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    return describe_regions(image, np.ones(shape[:2], int))


def expected_of(table):
    planes = table.image.transpose(2, 0, 1) / 255
    return softmax(convolved(planes, WEIGHTS, BIAS))


# --- What backends answer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [None, "Softmax", "Relu"])
def test_a_file_answers_as_its_formula_says(save, backend, last):
    """Of logits the softmax is taken, of a softmax it is not taken again."""
    table = table_of()
    refiner = from_onnx(
        save(writer.convolution(WEIGHTS, BIAS, last=last)), classes=CLASSES, backend=backend, multiple=1
    )
    assert isinstance(refiner, Refiner)
    found = check_result(refiner.refine(table), table, refiner).probabilities
    expected = expected_of(table)
    if last == "Relu":
        planes = table.image.transpose(2, 0, 1) / 255
        expected = softmax(np.maximum(convolved(planes, WEIGHTS, BIAS), 0))
    assert_allclose(found, expected, atol=1e-5)


def test_a_sigmoid_of_one_map(save, backend):
    table = table_of()
    path = save(writer.convolution(WEIGHTS[:1], BIAS[:1], last="Sigmoid"))
    refiner = from_onnx(path, classes=CLASSES[:2], backend=backend, multiple=1, output="probabilities")
    planes = table.image.transpose(2, 0, 1) / 255
    second = 1 / (1 + np.exp(-convolved(planes, WEIGHTS[:1], BIAS[:1])[0]))
    assert_allclose(refiner.refine(table).probabilities[..., 1], second, atol=1e-5)


def test_the_first_of_several_outputs(save, backend):
    """The first output of the file, not that of its first node."""
    shape = (1, 3, "rows", "cols")
    nodes = [writer.node("Relu", ["image"], ["aux"]), writer.node("Neg", ["image"], ["out"])]
    outputs = [writer.value("out", shape), writer.value("aux", shape)]
    table = table_of()
    refiner = from_onnx(
        save(writer.model(nodes, [writer.value("image", shape)], outputs)), classes=CLASSES, backend=backend, multiple=1
    )
    planes = table.image.transpose(2, 0, 1) / 255
    assert_allclose(refiner.refine(table).probabilities, softmax(-planes), atol=1e-6)


def test_images_of_any_size_one_after_the_other(save, backend):
    refiner = from_onnx(save(LOGITS), classes=CLASSES, backend=backend, multiple=1)
    for shape in ((9, 13, 3), (20, 6, 3), (9, 13, 3), (1, 1, 3)):
        table = table_of(shape)
        found = refiner.refine(table).probabilities
        assert_allclose(found, expected_of(table), atol=1e-5)


def test_a_file_that_fixes_its_size_is_run_in_tiles_of_it(save, backend):
    path = save(writer.convolution(WEIGHTS, BIAS, size=(16, 12)))
    refiner = from_onnx(path, classes=CLASSES, backend=backend, multiple=1)
    table = table_of((37, 30, 3))
    assert_allclose(refiner.refine(table).probabilities, expected_of(table), atol=1e-5)
    small = table_of((9, 11, 3))
    planes = np.pad(small.image, [(0, 7), (0, 1), (0, 0)], mode="reflect").transpose(2, 0, 1) / 255
    expected = softmax(convolved(planes, WEIGHTS, BIAS))[:9, :11]
    assert_allclose(refiner.refine(small).probabilities, expected, atol=1e-5)
    given = from_onnx(path, classes=CLASSES, backend=backend, multiple=1, tile=(16, 12), overlap=2)
    assert_allclose(given.refine(table).probabilities, expected_of(table), atol=1e-5)
    with pytest.raises(ValueError, match="tile") as caught:
        from_onnx(path, classes=CLASSES, backend=backend, tile=16)
    assert str(caught.value) == "tile must be that of the file, (16, 12), got 16; leave it out"


def test_a_file_that_fixes_a_size_below_multiple(save, backend):
    """It cannot be halved five times, so tiles need not begin at multiples of 32, which would leave gaps."""
    refiner = from_onnx(save(writer.convolution(WEIGHTS, BIAS, size=(12, 20))), classes=CLASSES, backend=backend)
    table = table_of((44, 52, 3))
    assert_allclose(refiner.refine(table).probabilities, expected_of(table), atol=1e-5)


def test_a_refiner_of_a_file_can_be_pickled(save, backend):
    table, path = table_of(), save(LOGITS)
    refiner = from_onnx(path, classes=CLASSES, backend=backend, multiple=4)
    again = pickle.loads(pickle.dumps(refiner))
    assert (again.name, again.classes, again.files) == ("net.onnx", CLASSES, (str(path),))
    assert_array_equal(again.refine(table).probabilities, refiner.refine(table).probabilities)


def test_names_of_classes_in_the_file(save, backend):
    path = save(writer.convolution(WEIGHTS, BIAS, notes={"author": "me", "classes": "ground, module,hot spot"}))
    assert from_onnx(path, backend=backend).classes == CLASSES
    assert from_onnx(path, classes=("a", "b", "c"), backend=backend).classes == ("a", "b", "c")


def test_a_file_by_name_and_options(save, backend):
    table, path = table_of(), save(LOGITS)
    spec = f"onnx:path={path},classes=ground|module|hot spot,backend={backend},normalize=imagenet"
    expected = from_onnx(path, classes=CLASSES, backend=backend, normalize="imagenet").refine(table)
    refiner = load_refiner(spec)
    assert refiner.classes == CLASSES
    assert_array_equal(refiner.refine(table).probabilities, expected.probabilities)
    with pytest.raises(RefinerError, match=r"none\.onnx: found No such file or directory"):
        load_refiner("onnx:path=none.onnx")


def test_both_backends_agree(save):
    pytest.importorskip("cv2", exc_type=ImportError)
    pytest.importorskip("onnxruntime", reason="ONNX Runtime comes with the extra refine")
    table, path = table_of((40, 50, 3)), save(LOGITS)
    found = [from_onnx(path, classes=CLASSES, backend=one).refine(table) for one in ("opencv", "onnxruntime")]
    assert_allclose(found[0].probabilities, found[1].probabilities, atol=1e-5)


def test_half_floats_by_onnx_runtime(save):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime comes with the extra refine")
    shape, half = (1, 3, "rows", "cols"), writer.FLOAT16
    data = writer.model(
        [writer.node("Neg", ["image"], ["out"])],
        [writer.value("image", shape, half)],
        [writer.value("out", shape, half)],
    )
    table = table_of()
    found = from_onnx(save(data), classes=CLASSES, backend="onnxruntime", multiple=1).refine(table).probabilities
    assert_allclose(found, softmax(-(table.image.transpose(2, 0, 1) / 255)), atol=1e-3)


def test_the_steps_of_onnx_runtime(save, monkeypatch):
    """A stand-in for ONNX Runtime is given the file, the devices there are, the input by name, and asked one output."""
    steps = []

    class Session:
        def __init__(self, path, providers):
            steps.append((path, providers))

        def run(self, names, inputs):
            (image,) = inputs.values()
            steps.append((names, list(inputs), image.dtype, image.shape))
            if image.shape[3] > 20:
                raise RuntimeError("no\nmemory")
            return [-image]

    library = types.ModuleType("onnxruntime")
    library.InferenceSession, library.get_available_providers = Session, lambda: ["CUDA", "CPU"]
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    shape, half = (1, 3, "rows", "cols"), writer.FLOAT16
    outputs = [writer.value("first", shape, half), writer.value("second", shape, half)]
    nodes = [writer.node("Neg", ["image"], ["first"]), writer.node("Relu", ["image"], ["second"])]
    path = save(writer.model(nodes, [writer.value("image", shape, half)], outputs))
    refiner = from_onnx(path, classes=CLASSES, backend="onnxruntime", multiple=1)
    table = table_of()
    expected = softmax(-(table.image.transpose(2, 0, 1) / 255))
    assert_allclose(refiner.refine(table).probabilities, expected, atol=1e-3)
    assert steps == [(str(path), ["CUDA", "CPU"]), (["first"], ["image"], np.float16, (1, 3, 9, 13))]
    with pytest.raises(RefinerError, match=r"the network cannot run on \(1, 3, 9, 21\): no memory; see that multiple="):
        refiner.refine(table_of((9, 21, 3)))


# --- What is read of a file ------------------------------------------------------------------------------------


def test_what_a_file_says_of_itself(save):
    shape = (1, 3, "rows", 64)
    data = writer.model(
        [writer.node("Mul", ["image", "factor"], ["out"])],
        [writer.value("image", shape), writer.value("factor", (1,))],  # older files list their values as inputs too
        [writer.value("out", shape), writer.value("more", shape)],
        {"factor": np.ones(1, np.float32)},
        {"classes": "Gr\u00fcn"},
    )
    path = save(data)
    file = read_onnx(path)
    assert file.path == str(path)
    assert file.inputs == (OnnxInput("image", 1, (1, 3, None, 64)),)
    assert file.outputs == ("out", "more")
    assert file.notes == {"classes": "Gr\u00fcn"}


def test_the_library_of_onnx_reads_the_same(save):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    data = writer.convolution(WEIGHTS, BIAS, size=(16, "cols"), last="Softmax", notes={"classes": "a,b"})
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    for kind, sizes in ((onnx.TensorProto.FLOAT, [1, 3, None, "w"]), (onnx.TensorProto.FLOAT16, [None, 3, 8, 2**33])):
        value = [onnx.helper.make_tensor_value_info(name, kind, sizes) for name in ("image", "maps")]
        node = onnx.helper.make_node("Neg", ["image"], ["maps"])
        made = onnx.helper.make_model(onnx.helper.make_graph([node], "g", value[:1], value[1:], doc_string="x" * 300))
        onnx.helper.set_model_props(made, {"a": "b", "c": ""})
        file = read_onnx(save(made.SerializeToString()))
        shape = tuple(size if isinstance(size, int) else None for size in sizes)
        assert file.inputs == (OnnxInput("image", int(kind), shape),)
        assert (file.outputs, file.notes) == (("maps",), {"a": "b", "c": ""})


def test_a_file_cut_anywhere_but_between_fields_is_refused(save):
    data = writer.convolution(WEIGHTS[:1, :1], BIAS[:1], notes={"classes": "a"})
    without_notes = writer.convolution(WEIGHTS[:1, :1], BIAS[:1])
    whole, read = read_onnx(save(data)), []
    for length in range(len(data)):
        with contextlib.suppress(FileFormatError):
            assert read_onnx(save(data[:length])).inputs == whole.inputs
            read.append(length)
    assert read == [
        len(without_notes) - 6,
        len(without_notes),
    ]  # before and after the 6 bytes of the operators' version


def test_fields_of_fixed_length_are_passed_over(save):
    fixed = b"\xa1\x06" + b"\xff" * 8 + b"\xa5\x06" + b"\xff" * 4  # fields 100 of 8 and of 4 bytes
    assert read_onnx(save(fixed + LOGITS)).inputs == read_onnx(save(LOGITS)).inputs


def test_noise_is_refused_or_read(save):
    rng = np.random.default_rng(0)
    data = bytearray(LOGITS)
    for _ in range(300):
        noisy = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            noisy[at] = rng.integers(0, 256)
        with contextlib.suppress(FileFormatError):
            read_onnx(save(bytes(noisy)))


# --- What is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "0 bytes that are no model: no graph"),
        (b"PNG and so on", "13 bytes that are no model: there is no field 8 of kind 7"),
        (b"\x12\x50abc", "5 bytes that are no model: field 2 ends 77 bytes beyond the file or what holds it"),
        (b"\x08\x08", "2 bytes that are no model: no graph"),
        (b"\x08\xff", "2 bytes that are no model: it ends within a number"),
        (b"\x0b\x08", "2 bytes that are no model: there is no field 1 of kind 3"),
        (b"\x38\x01", "2 bytes that are no model: field 7 is a number"),
        (b"\x08" + b"\xff" * 10 + b"\x01", "12 bytes that are no model: a number is longer than 64 bits"),
    ],
)
def test_a_file_that_is_not_onnx(save, data, found):
    path = save(data)
    with pytest.raises(FileFormatError) as caught:
        from_onnx(path, classes=CLASSES)
    assert str(caught.value) == f"{path}: found {found}; {EXPECTED}"


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "none.onnx"
    with pytest.raises(FileFormatError) as caught:
        from_onnx(path, classes=CLASSES)
    assert str(caught.value) == f"{path}: found No such file or directory; {EXPECTED}"
    with pytest.raises(TypeError) as caught:
        from_onnx(LOGITS, classes=CLASSES)
    assert str(caught.value).startswith("path must be the path of a file, got b'")


@pytest.mark.parametrize(
    ("shapes", "element", "found"),
    [
        (
            {"image": (1, 3, 8, 8), "scale": (1,)},
            1,
            "the inputs image (1, 3, 8, 8), scale (1); expected one input, an image, and an output",
        ),
        ({}, 1, "the inputs none; expected one input, an image, and an output"),
        (
            {"image": (1, 8, 8)},
            1,
            "the input image (1, 8, 8) of float32; expected an input (1, C, rows, cols) of floats",
        ),
        (
            {"image": (4, 3, "h", "w")},
            1,
            "the input image (4, 3, any, any) of float32; expected an input (1, C, rows, cols) of floats",
        ),
        (
            {"image": (1, 3, "h", "w")},
            2,
            "the input image (1, 3, any, any) of element type 2; expected an input (1, C, rows, cols) of floats",
        ),
    ],
)
def test_a_network_of_another_form(save, shapes, element, found):
    inputs = [writer.value(name, shape, element) for name, shape in shapes.items()]
    path = save(writer.model([writer.node("Neg", ["image"], ["out"])], inputs, [writer.value("out", (1, 3, 8, 8))]))
    with pytest.raises(FileFormatError) as caught:
        from_onnx(path, classes=CLASSES)
    assert str(caught.value) == f"{path}: found {found}"


def test_an_operator_that_no_backend_knows(save, backend, capfd):
    shape = (1, 3, "rows", "cols")
    path = save(
        writer.model(
            [writer.node("Guess", ["image"], ["out"])], [writer.value("image", shape)], [writer.value("out", shape)]
        )
    )
    with pytest.raises(FileFormatError, match="Guess") as caught:
        from_onnx(path, classes=CLASSES, backend=backend)
    name = {"opencv": "OpenCV", "onnxruntime": "ONNX Runtime"}[backend]
    assert str(caught.value).startswith(f"{path}: found what {name} ")
    assert "\n" not in str(caught.value)


def test_an_image_of_other_channels(save, backend):
    """OpenCV 5 would run on them without a word."""
    refiner = from_onnx(save(LOGITS), classes=CLASSES, backend=backend)
    with pytest.raises(RefinerError) as caught:
        refiner.refine(table_of((9, 13)))
    assert str(caught.value) == (
        "refiner net.onnx: the network takes 3 channels, the image has 1; pass a function as normalize= that returns "
        "as many"
    )
    gray = from_onnx(save(LOGITS), classes=CLASSES, backend=backend, normalize=lambda one: np.dstack([one] * 3) / 255)
    assert gray.refine(table_of((9, 13))).probabilities.shape == (9, 13, 3)


def test_an_image_that_the_network_cannot_run_on(save, backend, capfd):
    """Pooled by two and joined with what is not: an odd side cannot be."""
    shape = (1, 3, "rows", "cols")
    pool = writer.node("MaxPool", ["image"], ["half"], kernel_shape=[2, 2], strides=[2, 2])
    nodes = [pool, writer.node("ConvTranspose", ["half", "up"], ["again"], kernel_shape=[2, 2], strides=[2, 2])]
    nodes.append(writer.node("Concat", ["image", "again"], ["out"], axis=1))
    held = {"up": np.ones((3, 3, 2, 2), np.float32)}
    outputs = [writer.value("out", (1, 6, "rows", "cols"))]
    path = save(writer.model(nodes, [writer.value("image", shape)], outputs, held))
    table = table_of((9, 13, 3))
    even = from_onnx(path, classes=tuple("abcdef"), backend=backend, multiple=2)
    assert even.refine(table).probabilities.shape == (9, 13, 6)
    with pytest.raises(RefinerError, match=r"^refiner net.onnx: the network cannot run on \(1, 3, 9, 13\): ") as caught:
        from_onnx(path, classes=tuple("abcdef"), backend=backend, multiple=1).refine(table)
    assert str(caught.value).endswith("; see that multiple= is what rows and columns must be a multiple of")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"backend": "tensorrt"}, "backend must be one of 'opencv', 'onnxruntime', got 'tensorrt'"),
        (
            {"classes": None},
            'classes must be given, got None: {path} has no metadata "classes"; name them in the network\'s order',
        ),
        ({"classes": ("a", "a")}, "classes must name each class once, got ('a', 'a')"),
        ({"tile": -1}, "tile must be at least 1, got -1"),
    ],
)
def test_a_bad_option(save, given, message):
    path = save(LOGITS)
    with pytest.raises(ValueError, match=" ") as caught:
        from_onnx(path, **{"classes": CLASSES, **given})
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize(
    ("package", "backend", "message"),
    [
        ("cv2", "opencv", "from_onnx needs OpenCV, which cannot be imported: "),
        ("onnxruntime", "onnxruntime", 'backend="onnxruntime" needs ONNX Runtime, which cannot be imported: '),
    ],
)
def test_a_backend_that_cannot_be_imported(save, monkeypatch, package, backend, message):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError) as caught:
        from_onnx(save(LOGITS), classes=CLASSES, backend=backend)
    assert str(caught.value).startswith(message)
    assert "; install " in str(caught.value)


def test_one_backend_does_not_load_the_other(save):
    pytest.importorskip("cv2", exc_type=ImportError)
    code = f"from classicseg.refine import from_onnx; from_onnx({str(save(LOGITS))!r}, classes={CLASSES!r})"
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert not set(run.stdout.split()) & {"torch", "onnx", "onnxruntime", "transformers", "sklearn"}
