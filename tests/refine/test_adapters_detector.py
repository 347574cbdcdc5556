"""Detectors of objects, and classifiers of what is around each region."""

import sys

import fake_torch
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import (
    Refiner,
    RefinerError,
    check_result,
    describe_regions,
    from_detector,
    from_region_head,
    paste_masks,
    refine_labels,
)
from classicseg.refine._adapters.region_head import widened

CLASSES = ("module", "hot spot")


def scene():
    """Two modules 8 × 12, numbers 5 and 9, on ground 1 in a frame of 24 × 40; the first column lies outside."""
    image, labels = np.full((24, 40), 20, np.uint8), np.ones((24, 40), int)
    for number, col in ((5, 4), (9, 24)):
        image[8:16, col : col + 12], labels[8:16, col : col + 12] = 150 + number, number
    labels[:, 0] = 0
    return image, labels


def table():
    return describe_regions(*scene())


def found_by(answer, regions=None, **given):
    """Return the checked result of a detector that always answers the same."""
    regions = table() if regions is None else regions
    refiner = from_detector(lambda image: answer, **{"classes": CLASSES, **given})
    return check_result(refiner.refine(regions), regions, refiner)


BOXES = np.array([[4.0, 8.0, 16.0, 16.0], [24.5, 8.0, 36.0, 15.5], [0.0, 0.0, 4.0, 4.0]])  # x_min, y_min, x_max, y_max
LABELS, SCORES = np.array([1, 2, 1]), np.array([0.7, 0.9, 0.4])


def answer(**changes):
    return {"boxes": BOXES, "labels": LABELS, "scores": SCORES, **changes}


# --- Detectors -------------------------------------------------------------------------------------------------


def test_boxes_labels_and_scores_by_descending_score():
    found = found_by(answer())
    assert_array_equal(found.boxes, [[8, 24.5, 15.5, 36], [8, 4, 16, 16]])  # rows first
    assert_array_equal(found.categories, [1, 0])
    assert_allclose(found.scores, [0.9, 0.7])
    assert_array_equal(found_by(answer(), min_score=0.4).boxes[:2], found.boxes)
    assert_array_equal(found_by(answer(scores=[0.4, 0.9, 0.7])).boxes, [[8, 24.5, 15.5, 36], [0, 0, 4, 4]])
    assert_array_equal(found_by(answer(labels=LABELS - 1), first_label=0).categories, [1, 0])


def test_what_a_detector_is_given_and_called():
    given = []

    def detect(image):
        given.append(image)
        return answer()

    regions, refiner = table(), from_detector(detect, classes=CLASSES)
    refiner.refine(regions)
    assert given[0] is regions.image
    assert isinstance(refiner, Refiner)
    assert (refiner.name, refiner.task, refiner.classes) == ("detect", "instances", CLASSES)
    assert repr(refiner) == "<detect: module, hot spot>"


@pytest.mark.parametrize("axes", [3, 4])
def test_masks_of_the_whole_image(axes):
    soft = np.random.default_rng(0).random((3, 24, 40)).astype(np.float32)
    found = found_by(answer(masks=soft if axes == 3 else soft[:, None]))
    expected = soft[[1, 0]]
    expected[..., 0] = 0  # outside
    assert_array_equal(found.masks, expected)
    hard = found_by(answer(masks=soft > 0.5))
    assert hard.masks.dtype == bool
    assert_array_equal(hard.masks, expected > 0.5)


@pytest.mark.parametrize("axes", [3, 4])
def test_masks_drawn_inside_boxes_are_pasted(axes):
    soft = np.random.default_rng(0).random((3, 28, 28)).astype(np.float32)
    found = found_by(answer(masks=soft if axes == 3 else soft[:, None]))
    expected = paste_masks(soft[[1, 0]], [[8, 24.5, 15.5, 36], [8, 4, 16, 16]], (24, 40), threshold=None)
    assert_allclose(found.masks, expected, atol=1e-6)
    assert found.masks.dtype == np.float32
    whole = found_by(answer(masks=np.ones((3, 28, 28))))
    assert_array_equal(whole.masks[1] >= 0.5, scene()[1] == 5)


def test_without_masks_objects_are_the_regions_in_their_boxes():
    """The first box holds a module and no half of the ground; the second more than half of a module's pixels."""
    found = found_by(answer())
    labels = scene()[1]
    assert_array_equal(found.masks[1], labels == 5)
    assert_array_equal(found.masks[0], labels == 9)
    half = answer(boxes=[[4, 8, 10, 16], [24, 8, 29.4, 16], [0, 0, 9, 9]])
    masks = found_by(half, min_score=0).masks
    assert_array_equal(masks[1], labels == 5)  # just half
    # No region lies in the others by half: they are the pixels whose centers are inside, but those outside the mask.
    box = np.zeros((24, 40), bool)
    box[8:16, 24:29] = True
    assert_array_equal(masks[0], box)
    box[...] = False
    box[:9, 1:9] = True
    assert_array_equal(masks[2], box)


def test_doubles_of_one_class_go():
    boxes = [[4, 8, 16, 16], [4, 8, 16, 15], [4, 8, 16, 15]]
    doubles = answer(boxes=boxes, labels=[1, 1, 2], scores=[0.7, 0.9, 0.8])
    assert_allclose(found_by(doubles).scores, [0.9, 0.8, 0.7])
    thinned = found_by(doubles, max_iou=0.5)
    assert_allclose(thinned.scores, [0.9, 0.8])
    assert_array_equal(thinned.categories, [0, 1])


@pytest.mark.parametrize("masks", [None, np.zeros((0, 28, 28)), np.zeros((0, 1, 24, 40))])
def test_a_detector_that_finds_nothing(masks):
    nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "scores": np.zeros(0)}
    found = found_by(nothing if masks is None else {**nothing, "masks": masks}, max_iou=0.5)
    assert found.masks.shape == (0, 24, 40)
    assert found.boxes.shape == (0, 4)
    assert found_by({"boxes": [], "labels": [], "scores": []}).scores.shape == (0,)


def test_labels_by_refine_labels():
    found = refine_labels(*scene(), from_detector(lambda image: answer(), classes=CLASSES))
    assert_array_equal(found.labels, np.select([scene()[1] == 9, scene()[1] == 5], [1, 2], 0))
    assert_allclose(found.probabilities[scene()[1] == 9], [[0, 0.9]] * 96)


def test_a_pytorch_module_is_called_as_torchvisions_are():
    torch = pytest.importorskip("torch", reason="PyTorch comes with the extra refine")
    seen = []

    class Detector(torch.nn.Module):
        """Answers as `torchvision.models.detection.maskrcnn_resnet50_fpn` does."""

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, images):
            seen.append((images, self.training, torch.is_grad_enabled()))
            (image,) = images
            soft = torch.zeros(2, 1, *image.shape[1:])
            soft[0, 0, 8:16, 4:16] = soft[1, 0, 8:16, 24:36] = 0.9
            boxes = torch.tensor([[4.0, 8, 16, 16], [24, 8, 36, 16]], requires_grad=True)
            return [{"boxes": boxes, "labels": torch.tensor([1, 2]), "scores": torch.tensor([0.9, 0.8]), "masks": soft}]

    module, regions = Detector(), table()
    refiner = from_detector(module, classes=CLASSES)
    found = check_result(refiner.refine(regions), regions, refiner)
    ((images, training, gradients),) = seen
    assert_allclose(images[0][0].numpy()[:, 1:], scene()[0][:, 1:] / 255, atol=1e-6)
    assert images[0].shape == (3, 24, 40)
    assert (training, gradients, module.training) == (False, False, True)
    assert_array_equal(found.masks >= 0.5, [scene()[1] == 5, scene()[1] == 9])
    assert_array_equal(found.categories, [0, 1])


def test_the_steps_of_a_module(monkeypatch):
    """The same with a stand-in for PyTorch."""
    log, regions = [], table()
    monkeypatch.setitem(sys.modules, "torch", fake_torch.library(log))

    class Detector(fake_torch.Module):
        def forward(self, images):
            (self.seen,) = (image.array for image in images)
            return [{name: fake_torch.Tensor(part, log) for name, part in answer().items()}]

    module = Detector(log)
    found = from_detector(module, classes=CLASSES).refine(regions)
    steps = ["no gradients", ("to", "gpu:0", "float32"), ("run", "evaluating"), "gradients", "cpu", "cpu", "cpu"]
    assert log == steps
    assert module.training
    assert_allclose(module.seen[:, :, 1:], np.stack([scene()[0][:, 1:] / 255] * 3), atol=1e-6)
    assert_allclose(found.scores, [0.9, 0.7])
    assert_array_equal(found.masks[1], scene()[1] == 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([answer()] * 2, 'the detector must return a mapping with "boxes", "labels", "scores", got a list of 2'),
        (
            {"boxes": BOXES, "masks": 1},
            "the detector must return boxes, labels and scores, got boxes, masks without labels, scores",
        ),
        ({}, "the detector must return boxes, labels and scores, got nothing without boxes, labels, scores"),
        (
            answer(scores=SCORES[:2]),
            "boxes, labels and scores must have shapes (n, 4), (n,) and (n,), got (3, 4), (3,) and (2,)",
        ),
        (
            answer(boxes=BOXES[:, :3]),
            "boxes, labels and scores must have shapes (n, 4), (n,) and (n,), got (3, 3), (3,) and (3,)",
        ),
        (
            answer(boxes=BOXES[:, ::-1]),
            "boxes must be x_min, y_min, x_max, y_max, finite, min <= max; convert x, y, width, height",
        ),
        (
            answer(boxes=np.where(BOXES == 36, np.nan, BOXES)),
            "boxes must be x_min, y_min, x_max, y_max, finite, min <= max; convert x, y, width, height",
        ),
        (
            answer(scores=np.where(SCORES == 0.4, np.nan, SCORES)),
            "scores must be finite, got NaN or infinite values; look for overflow",
        ),
        (answer(labels=LABELS * 1.0), "labels must be whole numbers of an integer dtype, got float64"),
        (
            answer(labels=LABELS + 1),
            "labels must lie in 1 to 2 for the 2 classes, got 2 to 3; first_label= is that of the first class",
        ),
        (
            answer(labels=LABELS - 1),
            "labels must lie in 1 to 2 for the 2 classes, got 0 to 1; first_label= is that of the first class",
        ),
        (
            answer(masks=np.zeros((2, 28, 28))),
            "masks must have shape (3, M, N) or (3, 1, M, N), got (2, 28, 28)",
        ),
        (
            answer(masks=np.zeros((3, 2, 28, 28))),
            "masks must have shape (3, M, N) or (3, 1, M, N), got (3, 2, 28, 28)",
        ),
        (
            answer(masks=np.full((3, 28, 28), 7)),
            "masks must be probabilities of 0 to 1, got 7 to 7; pass logits through 1 / (1 + np.exp(-x))",
        ),
        (answer(scores=["a", "b", "c"]), "scores must be of an integer or floating dtype, got <U1; pass numbers"),
    ],
)
def test_a_bad_answer(given, message):
    with pytest.raises(RefinerError) as caught:
        found_by(given)
    assert str(caught.value) == f"refiner <lambda>: {message}"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"function": 3}, TypeError, "function must be callable, got 3 of type int"),
        ({"classes": []}, ValueError, "classes must name at least one class, got none"),
        ({"first_label": 0.5}, TypeError, "first_label must be an integer, got 0.5 of type float"),
        ({"min_score": 2}, ValueError, "min_score must be at most 1, got 2.0"),
        ({"max_iou": -1}, ValueError, "max_iou must be at least 0, got -1.0"),
    ],
)
def test_a_bad_option_of_from_detector(given, error, message):
    with pytest.raises(error) as caught:
        from_detector(**{"function": scene, "classes": CLASSES, **given})
    assert str(caught.value) == message


# --- A head per region -----------------------------------------------------------------------------------------


def brightness(pictures):
    share = pictures.mean(axis=(1, 2, 3))
    return np.stack([1 - share, share], axis=1)


def test_every_region_is_shown_by_its_box():
    """Without a margin a box of one value is a picture of it, and the ground's picture shows all of the frame."""
    regions, seen = table(), []
    refiner = from_region_head(
        lambda pictures: seen.append(pictures) or brightness(pictures), classes=CLASSES, size=4, margin=0, batch_size=2
    )
    found = check_result(refiner.refine(regions), regions, refiner).probabilities
    assert [pictures.shape for pictures in seen] == [(2, 4, 4, 1), (1, 4, 4, 1)]
    assert seen[0].dtype == np.float32
    assert_allclose(seen[0][1], 155 / 255, atol=1e-6)
    assert_allclose(seen[1][0], 159 / 255, atol=1e-6)
    assert_allclose(found[1:, 1], [155 / 255, 159 / 255], atol=1e-6)
    assert 20 / 255 < found[0, 1] < 155 / 255
    assert (refiner.task, refiner.classes) == ("semantic", CLASSES)


def test_a_picture_is_the_box_of_the_image_itself():
    """At the size of the box, a cell is a pixel; at a smaller one it is the mean of several."""
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3)).astype(np.uint8)
    labels = np.ones((12, 20), int)
    labels[2:8, 5:11] = 2
    seen = []
    head = from_region_head(lambda one: seen.append(one) or brightness(one), classes=CLASSES, size=6, margin=0)
    head.refine(describe_regions(image, labels))
    assert_allclose(seen[0][1], image[2:8, 5:11] / 255, atol=1e-6)
    small = from_region_head(lambda one: seen.append(one) or brightness(one), classes=CLASSES, size=2, margin=0)
    small.refine(describe_regions(image, labels))
    means = image[2:8, 5:11].reshape(2, 3, 2, 3, 3).mean(axis=(1, 3)) / 255
    assert_allclose(seen[1][1], means, atol=1e-6)
    wide = from_region_head(lambda one: seen.append(one) or brightness(one), classes=CLASSES, size=10, margin=1 / 3)
    wide.refine(describe_regions(image, labels))
    assert_allclose(seen[2][1], image[:10, 3:13] / 255, atol=1e-6)


def test_margins_end_at_the_border_of_the_image():
    boxes = np.array([[0, 2, 4, 10], [5, 5, 6, 7]])
    assert_allclose(widened(boxes, 0.5, (6, 12)), [[0, 0, 6, 12], [4.5, 4, 6, 8]])
    assert_array_equal(widened(boxes, 0, (6, 12)), boxes)


def test_scores_of_all_batches_are_read_alike():
    """Logits of one batch that look like probabilities do not make them such: all regions are looked at together."""
    logits = np.array([[0.25, 0.75], [3, -1], [0.5, 0.5]])
    places = iter(logits)
    head = from_region_head(lambda one: next(places)[None], classes=CLASSES, batch_size=1)
    found = head.refine(table()).probabilities
    powers = np.exp(logits)
    assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


def test_one_score_for_two_classes():
    head = from_region_head(lambda one: np.array([[-1], [0], [2]]), classes=CLASSES, output="logits")
    assert_allclose(head.refine(table()).probabilities[:, 1], 1 / (1 + np.exp([1, 0, -2])), atol=1e-6)


def test_a_pytorch_module_takes_channels_first():
    torch = pytest.importorskip("torch", reason="PyTorch comes with the extra refine")
    seen = []

    class Head(torch.nn.Module):
        def forward(self, pictures):
            seen.append((pictures, self.training))
            share = pictures.mean(dim=(1, 2, 3))
            return {"logits": torch.stack([1 - share, share], dim=1)}

    image = np.stack([scene()[0]] * 3, axis=2)
    regions = describe_regions(image, scene()[1])
    found = from_region_head(Head(), classes=CLASSES, size=8).refine(regions).probabilities
    ((pictures, training),) = seen
    assert pictures.shape == (3, 3, 8, 8)
    assert not training
    assert_allclose(
        found, from_region_head(brightness, classes=CLASSES, size=8).refine(regions).probabilities, atol=1e-6
    )


def test_the_steps_of_a_module_that_is_a_head(monkeypatch):
    """The same with a stand-in for PyTorch, and with scores that rows, columns and channels tell apart."""
    log, image = [], np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
    regions = describe_regions(image, scene()[1])

    def corner(pictures):
        return brightness(pictures[:, :3, :5, :1])

    expected = from_region_head(corner, classes=CLASSES, size=8, batch_size=2).refine(regions).probabilities
    monkeypatch.setitem(sys.modules, "torch", fake_torch.library(log))

    class Head(fake_torch.Module):
        def forward(self, pictures):
            return fake_torch.Tensor(corner(pictures.array.transpose(0, 2, 3, 1)), log)

    found = from_region_head(Head(log), classes=CLASSES, size=8, batch_size=2).refine(regions).probabilities
    assert_allclose(found, expected, atol=1e-6)
    assert log == 2 * ["no gradients", ("to", "gpu:0", "float32"), ("run", "evaluating"), "gradients", "cpu"]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((3, 4)), "scores must have shape (3, 2), one per picture and class, got (3, 4)"),
        (np.zeros((2, 2)), "scores must have shape (3, 2), one per picture and class, got (2, 2)"),
        (np.zeros(3), "scores must have shape (3, 2), one per picture and class, got (3,)"),
        *(
            (
                np.full((3, 2), value),
                "scores must be finite, got NaN or infinite values; see that the image is in the unit that the "
                "classifier was trained on (normalize=)",
            )
            for value in (-np.inf, 1e300)
        ),
        (
            np.full((3, 2), np.nan),
            "scores must be finite, got NaN or infinite values; see that the image is in the unit that the classifier "
            "was trained on (normalize=)",
        ),
        (
            np.zeros((3, 1)),
            'output must be "logits" or "probabilities" where one score tells two classes apart, got "auto"; it is '
            '"probabilities" if the network ends in a sigmoid',
        ),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(RefinerError) as caught:
        from_region_head(lambda one: scores, classes=CLASSES).refine(table())
    assert str(caught.value) == f"refiner <lambda>: {message}"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"function": "net"}, TypeError, "function must be callable, got 'net' of type str"),
        ({"size": 0}, ValueError, "size must be at least 1, got 0"),
        ({"margin": -0.1}, ValueError, "margin must be at least 0, got -0.1"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        (
            {"output": "softmax"},
            ValueError,
            "output must be one of 'auto', 'logits', 'probabilities', got 'softmax'",
        ),
    ],
)
def test_a_bad_option_of_from_region_head(given, error, message):
    with pytest.raises(error) as caught:
        from_region_head(**{"function": brightness, "classes": CLASSES, **given})
    assert str(caught.value) == message
