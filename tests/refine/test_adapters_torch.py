"""PyTorch modules: with the real library where it is installed, and a fake of its few names where it is not."""

import sys
import warnings
from types import SimpleNamespace

import fake_torch
import numpy as np
import pytest
from naive_dense import convolved, softmax
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import Refiner, RefinerError, check_result, describe_regions, from_onnx, from_torch
from classicseg.refine._adapters.torch import moved, tensor_in

CLASSES = ("ground", "module", "hot spot", "shade")


def table_of(shape=(37, 45, 3), seed=0):
    image = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    return describe_regions(image, np.ones(shape[:2], int))


# --- With PyTorch ----------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    library = pytest.importorskip("torch", reason="PyTorch comes with the extra refine")
    library.manual_seed(0)
    return library


def convolution(torch, channels=3):
    return torch.nn.Conv2d(channels, 4, 3, padding=1)


def as_numpy(tensor):
    return tensor.detach().numpy()


def expected_of(layer, table):
    planes = table.image.reshape(*table.image.shape[:2], -1).transpose(2, 0, 1) / 255
    return softmax(convolved(planes, as_numpy(layer.weight), as_numpy(layer.bias)))


def u_net(torch):
    """Two levels, joined by a skip connection; an output sees at most 14 pixels."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fine, self.coarse = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 8, 3, padding=1)
            self.up, self.last = torch.nn.ConvTranspose2d(8, 8, 2, 2), torch.nn.Conv2d(16, 4, 3, padding=1)

        def forward(self, image):
            fine = torch.relu(self.fine(image))
            coarse = torch.relu(self.coarse(torch.nn.functional.max_pool2d(fine, 2)))
            return self.last(torch.cat([fine, self.up(coarse)], dim=1))

    return Net()


def answers(torch, how):
    """Return a module that wraps another's maps."""

    class Wrapped(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def forward(self, image):
            return how(self.layer(image))

    return Wrapped


def test_a_module_answers_as_its_formula_says(torch):
    layer, table = convolution(torch), table_of()
    refiner = from_torch(layer, classes=CLASSES, multiple=1)
    assert isinstance(refiner, Refiner)
    assert (refiner.name, refiner.classes, refiner.task) == ("Conv2d", CLASSES, "semantic")
    result = check_result(refiner.refine(table), table, refiner)
    assert_allclose(result.probabilities, expected_of(layer, table), atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        lambda maps: {"aux": maps * 0, "out": maps},
        lambda maps: {"logits": maps, "loss": None},
        lambda maps: (maps, maps * 0),
        lambda maps: [maps],
        lambda maps: maps.softmax(dim=1),
        lambda maps: maps.double(),
        lambda maps: maps.bfloat16().float(),
    ],
    ids=["torchvision", "transformers", "tuple", "list", "softmax", "float64", "bfloat16"],
)
def test_where_the_maps_are_held(torch, how):
    layer, table = convolution(torch), table_of((9, 11, 3))
    refiner = from_torch(answers(torch, how)(layer), classes=CLASSES, multiple=1)
    assert_allclose(refiner.refine(table).probabilities, expected_of(layer, table), atol=5e-3)


def test_maps_of_transformers_are_taken_and_enlarged(torch):
    """A tiny randomly initialised SegFormer answers at a quarter of the size, in a record."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    config = transformers.SegformerConfig(
        num_labels=4, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], decoder_hidden_size=8, num_attention_heads=[1] * 4
    )
    module, table = transformers.SegformerForSemanticSegmentation(config), table_of((32, 64, 3))
    found = from_torch(module, classes=CLASSES, normalize="imagenet").refine(table).probabilities
    planes = (table.image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    with torch.inference_mode():
        logits = module.eval()(torch.tensor(planes.transpose(2, 0, 1)[None], dtype=torch.float32)).logits
        large = torch.nn.functional.interpolate(logits, size=(32, 64), mode="bilinear", align_corners=False)
    assert_allclose(found, softmax(large[0].numpy()), atol=1e-5)


def test_tiles_of_a_u_net(torch):
    module, table, sees = u_net(torch), table_of((60, 75, 3)), 14
    whole = from_torch(module, classes=CLASSES, multiple=2).refine(table).probabilities
    found = from_torch(module, classes=CLASSES, multiple=2, tile=40, overlap=sees).refine(table).probabilities
    assert_allclose(found, whole, atol=1e-6)
    less = from_torch(module, classes=CLASSES, multiple=2, tile=40, overlap=2).refine(table).probabilities
    assert np.abs(less - whole).max() > 1e-4


def test_a_module_is_left_as_it_was(torch):
    """Dropout and batch normalisation run as in evaluation, and each part goes back to its own mode."""
    layer, table = convolution(torch), table_of((9, 11, 3))
    module = torch.nn.Sequential(layer, torch.nn.BatchNorm2d(4), torch.nn.Dropout(0.5))
    module.train()
    module[1].eval()  # frozen
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    refiner = from_torch(module, classes=CLASSES, multiple=1)
    found = refiner.refine(table).probabilities
    assert_array_equal(found, refiner.refine(table).probabilities)
    assert_allclose(found, expected_of(layer, table), atol=1e-4)  # 1e-5 is added to the variance of 1
    assert [part.training for part in module.modules()] == [True, True, False, True]
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, state[name])
    assert layer.weight.grad is None


def test_a_module_that_raises_is_left_as_it_was(torch):
    def fail(maps):
        raise RuntimeError("out of memory")

    module = answers(torch, fail)(convolution(torch))
    with pytest.raises(RuntimeError, match=r"^out of memory$"):
        from_torch(module, classes=CLASSES).refine(table_of())
    assert all(part.training for part in module.modules())


def test_a_module_of_half_floats(torch):
    layer, table = convolution(torch), table_of((9, 11, 3))
    expected = expected_of(layer, table)
    found = from_torch(layer.bfloat16(), classes=CLASSES, multiple=1).refine(table).probabilities
    assert found.dtype == np.float32
    assert_allclose(found, expected, atol=0.02)


def test_a_module_without_parameters(torch):
    class Negative(torch.nn.Module):
        def forward(self, image):
            return torch.cat([image, -image], dim=1)

    table = table_of((5, 6))
    found = from_torch(Negative(), classes=CLASSES[:2], multiple=1).refine(table).probabilities
    assert_allclose(found[..., 1], 1 / (1 + np.exp(table.image / 127.5)), atol=1e-6)


def test_a_module_is_moved_to_the_device(torch):
    """The device "meta" computes shapes only: that a module arrives there shows that it is moved."""
    layer = convolution(torch)
    from_torch(layer, classes=CLASSES, device="meta")
    assert layer.weight.device.type == "meta"


@pytest.mark.gpu
def test_a_module_on_a_gpu(torch):
    module, table = u_net(torch), table_of((60, 75, 3))
    on_cpu = from_torch(module, classes=CLASSES, multiple=2).refine(table).probabilities
    on_gpu = from_torch(module, classes=CLASSES, multiple=2, tile=40, overlap=16, device="cuda").refine(table)
    assert_allclose(on_gpu.probabilities, on_cpu, atol=1e-3)


@pytest.mark.parametrize("backend", ["opencv", "onnxruntime"])
def test_an_exported_module_answers_the_same(torch, tmp_path, backend):
    pytest.importorskip("onnx", reason="what torch.onnx.export needs is not installed")
    pytest.importorskip({"opencv": "cv2"}.get(backend, backend), exc_type=ImportError)
    module, table, path = u_net(torch).eval(), table_of(), tmp_path / "net.onnx"
    names = {"input_names": ["image"], "output_names": ["maps"]}
    sizes = {"image": {2: "rows", 3: "cols"}, "maps": {2: "rows", 3: "cols"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own libraries
        torch.onnx.export(module, torch.zeros(1, 3, 32, 48), path, dynamo=False, dynamic_axes=sizes, **names)
    expected = from_torch(module, classes=CLASSES).refine(table).probabilities
    found = from_onnx(path, classes=CLASSES, backend=backend).refine(table).probabilities
    assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            lambda maps: {"masks": maps, "boxes": maps},
            "answers must hold scores of classes as 'out' or 'logits', got 'masks', 'boxes'; wrap the module in one "
            "that returns the tensor",
        ),
        (lambda maps: None, "answers must be tensors, got NoneType; wrap the module in one that returns one"),
        (lambda maps: [], "answers must be tensors, got list; wrap the module in one that returns one"),
        (
            lambda maps: maps[:, :3],
            "answers must have one map per class, 4, got 3; name every class in the network's order, background too",
        ),
        (
            lambda maps: maps.flatten(1),
            "answers must have shape (1, K, 32, 32) for a tile of shape (1, 3, 32, 32), or rows and columns divided by "
            "a whole number; got (1, 4096); see that multiple= is what rows and columns must be a multiple of",
        ),
    ],
    ids=["names", "None", "empty", "classes", "flat"],
)
def test_an_answer_that_is_no_map(torch, how, message):
    refiner = from_torch(answers(torch, how)(convolution(torch)), classes=CLASSES)
    with pytest.raises(RefinerError) as caught:
        refiner.refine(table_of((9, 11, 3)))
    assert str(caught.value) == f"refiner Wrapped: {message}"


def test_what_is_no_module(torch):
    with pytest.raises(TypeError) as caught:
        from_torch(abs, classes=CLASSES)
    assert str(caught.value) == (
        "module must be a torch.nn.Module, got <built-in function abs> of type builtin_function_or_method; "
        "from_callable() takes functions"
    )


def test_a_device_that_is_not_there(torch):
    with pytest.raises(ValueError, match=r"^device must be one that PyTorch can use here, got 'abacus': "):
        from_torch(convolution(torch), classes=CLASSES, device="abacus")


# --- Without PyTorch -------------------------------------------------------------------------------------------


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError) as caught:
        from_torch(object(), classes=CLASSES)
    assert str(caught.value).startswith("from_torch needs PyTorch, which cannot be imported: ")
    assert str(caught.value).endswith(
        "; install it with pip install 'classicseg[refine]', or for the CPU alone as https://pytorch.org/get-started "
        "tells"
    )


@pytest.mark.parametrize("error", [RuntimeError("no such\n  device"), AssertionError("no such device")])
def test_a_device_that_pytorch_refuses(error):
    def to(device):
        raise error

    with pytest.raises(ValueError) as caught:
        moved(SimpleNamespace(to=to), "abacus")
    assert str(caught.value) == "device must be one that PyTorch can use here, got 'abacus': no such device"


class Shades(fake_torch.Module):
    """Four maps of the gray of what it is given."""

    def forward(self, image):
        self.seen = image.array
        gray = image.array.mean(axis=1)
        return {"out": fake_torch.Tensor(np.stack([gray, 2 * gray, 3 * gray, -gray], axis=1), self.log)}


MAPS = fake_torch.Tensor(np.zeros((1, 4, 2, 2)), [])
OTHER = fake_torch.Tensor(np.ones((1, 4, 2, 2)), [])


@pytest.mark.parametrize(
    "answer",
    [MAPS, {"aux": OTHER, "out": MAPS}, {"loss": None, "logits": MAPS, "aux": OTHER}, (MAPS, OTHER), [MAPS]],
    ids=["alone", "torchvision", "transformers", "tuple", "list"],
)
def test_the_tensor_in_an_answer(answer):
    assert tensor_in(answer) is MAPS


@pytest.mark.parametrize("answer", [{"aux": OTHER}, {"out": None}, (), [None], np.zeros(3)])
def test_no_tensor_in_an_answer(answer):
    with pytest.raises(
        ValueError, match=r"^answers must (hold scores of classes as 'out' or 'logits'|be tensors), got "
    ):
        tensor_in(answer)


def test_the_steps_of_a_run(monkeypatch):
    log, table = [], table_of((5, 8, 3))
    monkeypatch.setitem(sys.modules, "torch", fake_torch.library(log))
    module = Shades(log)
    refiner = from_torch(module, classes=CLASSES, device="gpu:0", multiple=4)
    found = check_result(refiner.refine(table), table, refiner).probabilities
    steps = ["no gradients", ("to", "gpu:0", "float32"), ("run", "evaluating"), "gradients", "cpu"]
    assert log == [("module to", "gpu:0"), *steps]
    assert module.seen.shape == (1, 3, 8, 8)
    assert module.training
    gray = table.image.mean(axis=2) / 255
    assert_allclose(found, softmax(np.stack([gray, 2 * gray, 3 * gray, -gray])), atol=1e-6)
