"""Segmenters that are asked by prompts: what regions become, which answers are kept, and a real model."""

import sys
import types

import fake_torch
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import (
    PromptPredictor,
    Refiner,
    RefinerError,
    check_result,
    describe_regions,
    from_promptable,
    refine_labels,
    sam_predictor,
)
from classicseg.refine._adapters.picture import picture_of
from classicseg.refine._adapters.prompts import candidates, low_mask, low_shape, prompts_of, stability

SIDE = 32  # of the fake's masks of low resolution


def scene():
    """Ground with two modules 8 × 12, in a frame of 24 × 40; the first column lies outside."""
    image = np.full((24, 40), 20, np.uint8)
    labels = np.ones(image.shape, int)
    for number, col in ((5, 4), (9, 24)):
        image[8:16, col : col + 12], labels[8:16, col : col + 12] = 150 + number, number
    labels[:, 0] = 0
    return image, labels


def logits_of(masks):
    """Masks (c, M, N) as logits of low resolution, by whether the middle of a cell is inside; padded below."""
    rows, cols = masks.shape[1:]
    out = np.full((len(masks), SIDE, SIDE), -9.0, np.float32)
    scale = SIDE / max(rows, cols)
    for i in range(round(rows * scale)):
        for j in range(round(cols * scale)):
            out[:, i, j] = np.where(masks[:, int((i + 0.5) / scale), int((j + 0.5) / scale)], 9, -9)
    return out


class Fake:
    """A predictor that knows the objects of a picture, and remembers what it was asked.

    It answers with the brightest part around the first point: the object, the object with a rim, and everything.
    """

    mask_size = SIDE

    def __init__(self, scores=(0.9, 0.95, 0.5), sharp=(9, 9, 9)):
        self.images, self.asked = [], []
        self.scores, self.sharp = scores, sharp

    def set_image(self, image):
        self.images.append(image)

    def predict(self, *, point_coords, point_labels, box, mask_input, multimask_output):
        self.asked.append((point_coords, point_labels, box, mask_input, multimask_output))
        image = self.images[-1][..., 0]
        x, y = (int(place) for place in (point_coords[0] if point_coords is not None else (box[:2] + box[2:]) / 2))
        same = image == image[y, x]
        rim = same.copy()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            rim |= np.roll(same, step, axis)
        masks = np.stack([same, rim, np.ones_like(same)])
        return masks, np.array(self.scores), logits_of(masks) * np.array(self.sharp)[:, None, None] / 9


def table():
    return describe_regions(*scene())


# --- What regions become ---------------------------------------------------------------------------------------


def test_a_prompt_tells_medoids_box_and_mask():
    ground, left, right = prompts_of(table(), n_prompts=64, n_negatives=4)
    labels = scene()[1]
    assert_array_equal(left.mask, labels == 5)
    assert_array_equal(left.box, [4, 8, 15, 15])  # x and y of the first and of the last pixels
    assert_array_equal(left.point_labels, [1, 0])
    x, y = left.points[0]
    assert labels[int(y), int(x)] == 5
    assert abs(x - 9.5) <= 0.5
    assert abs(y - 11.5) <= 0.5
    assert_array_equal(left.points[1], ground.points[0])  # its one neighbour
    assert_array_equal(ground.points, np.stack([ground.points[0], left.points[0], right.points[0]]))
    assert {part.points.dtype for part in (ground, left, right)} == {np.dtype(np.float32)}


def test_neighbours_with_the_longest_border_are_told_first():
    """Region 5 shares 2, 2, 6, 2 and 4 sides with 1, 2, 3, 4 and 6; of equals the lower number goes first."""
    labels = np.array(
        [
            [1, 1, 1, 1, 1, 1, 1, 1],
            [2, 5, 5, 5, 5, 5, 5, 4],
            [2, 5, 5, 5, 5, 5, 5, 4],
            [3, 3, 3, 3, 3, 3, 3, 3],
        ]
    )
    labels[0, 3:] = 6
    regions = describe_regions(labels.astype(np.uint8), labels)
    prompt = list(prompts_of(regions, 64, 3))[4]
    told = [int(labels[int(y), int(x)]) for x, y in prompt.points]
    assert told == [5, 3, 6, 1]
    assert [int(labels[int(y), int(x)]) for x, y in list(prompts_of(regions, 64, 9))[4].points] == [5, 3, 6, 1, 2, 4]
    assert len(list(prompts_of(regions, 64, 0))[4].points) == 1


def test_many_regions_are_merged_first():
    """Every module is cut into 12 columns and the ground into quarters: merged to three, they are whole again."""
    image, labels = scene()
    columns = np.arange(40)[None] + np.zeros((24, 1), int)
    fine = np.where(labels == 1, 1 + columns // 10, np.where(labels > 0, 10 + columns, 0))
    merged = candidates(describe_regions(image, fine), 3)
    assert merged.labels.max() == 3
    for number in (1, 5, 9):
        assert len(np.unique(merged.labels[labels == number])) == 1
    assert_array_equal(merged.labels == 0, labels == 0)
    whole = candidates(describe_regions(image, merged.labels), 3)
    for name in ("numbers", "edges", "boundary_length", "boxes", "medoids"):
        assert_array_equal(getattr(merged, name), getattr(whole, name))


def test_regions_that_do_not_touch_stay_apart():
    labels = np.zeros((8, 20), int)
    for number in range(1, 6):
        labels[2:6, 4 * number - 3 : 4 * number - 1] = number
    labels[2:4] += 5 * (labels[2:4] > 0)
    regions = describe_regions(labels.astype(np.uint8), labels)
    assert len(regions.numbers) == 10
    assert len(list(prompts_of(regions, 2, 4))) == 5


@pytest.mark.parametrize(("shape", "fit", "inner"), [((24, 40), "pad", (19, 32)), ((40, 24), "stretch", (32, 32))])
def test_a_mask_of_low_resolution_holds_the_share_of_each_cell(shape, fit, inner):
    assert low_shape(shape, SIDE, fit) == inner
    mask = np.zeros(shape, bool)
    mask[8:16, 4:16] = True
    logits = low_mask(mask, SIDE, fit)
    assert logits.shape == (1, SIDE, SIDE)
    assert logits.dtype == np.float32
    share = (logits[0] / 8 + 1) / 2
    assert not share[inner[0] :].any()
    assert not share[:, inner[1] :].any()
    cells = np.array(inner) / np.array(shape)
    assert_allclose(share.sum(), 8 * 12 * cells.prod(), rtol=0.05)
    centre = (np.array([12, 10]) * cells).astype(int)
    assert share[tuple(centre)] == 1
    assert_allclose(low_mask(np.ones((64, 64), bool), SIDE, "pad"), 8)
    quarter = np.zeros((128, 128), bool)
    quarter[:, 31:] = True  # a quarter of the cells in column 7, which hold columns 28 to 31
    assert_allclose(low_mask(quarter, SIDE, "pad")[0, :, 6:9], np.tile([-8, -4, 8], (SIDE, 1)), atol=1e-6)


def test_stability_is_the_overlap_of_two_cuts():
    logits = np.full((3, 4, 8), -5.0)
    logits[0, 0, :4] = 5
    logits[1, 0, :4] = [5, 5, 0.5, -0.5]
    logits[1, 3] = 0.5  # outside of an image that is 4 × 16: what is there does not count
    assert_array_equal(stability(logits.repeat(2, axis=1)[:, :8], (2, 16), "pad"), [1, 0.5, 0])
    assert_array_equal(stability(logits[:1], (4, 8), "stretch"), [1])


# --- What the predictor sees -----------------------------------------------------------------------------------


def test_the_image_is_set_once_and_prompts_are_told():
    fake = Fake()
    refiner = from_promptable(fake)
    assert isinstance(refiner, Refiner)
    assert isinstance(fake, PromptPredictor)
    assert (refiner.task, refiner.classes, refiner.name) == ("instances", ("object",), "Fake")
    refiner.refine(table())
    (picture,) = fake.images
    image, _ = scene()
    assert_array_equal(picture[:, 1:], np.stack([image] * 3, axis=2)[:, 1:])
    assert picture.flags.c_contiguous
    assert len(fake.asked) == 3
    for (points, kinds, box, mask, several), prompt in zip(fake.asked, prompts_of(table(), 64, 4), strict=True):
        assert_array_equal(points, prompt.points)
        assert_array_equal(kinds, prompt.point_labels)
        assert_array_equal(box, prompt.box)
        assert_array_equal(mask, low_mask(prompt.mask, SIDE, "pad"))
        assert several is True


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        (("medoid",), [1, None, None]),
        (("box",), [0, "box", None]),
        (("neighbours", "box"), [-1, "box", None]),
        (("mask", "medoid", "neighbours"), [2, None, "mask"]),
    ],
)
def test_only_what_is_chosen_is_told(prompt, told):
    fake = Fake()
    from_promptable(fake, prompt=prompt, n_negatives=1).refine(table())
    points, kinds, box, mask, _ = fake.asked[0]
    assert (box is not None, mask is not None) == (told[1] is not None, told[2] is not None)
    if told[0] == 0:
        assert points is kinds is None
    else:
        assert_array_equal(kinds, [1, 0] if told[0] == 2 else [max(told[0], 0)])
        assert len(points) == len(kinds)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_colours_are_shown_as_they_are(dtype):
    rgb = np.arange(24 * 40 * 3).reshape(24, 40, 3) % 256
    given = {np.uint8: rgb, np.uint16: rgb * 257, np.float32: rgb / 255}[dtype].astype(dtype)
    shown = picture_of(describe_regions(given, np.ones((24, 40), int)), None)
    assert shown.dtype == np.uint8
    assert_array_equal(shown, rgb)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_temperatures_are_stretched_and_what_is_outside_is_not_looked_at(scale):
    image = np.linspace(0, 10, 960).reshape(24, 40) * scale
    labels = np.ones(image.shape, int)
    labels[:4], image[:4] = 0, np.nan
    inside = image[4:]
    low, high = np.percentile(inside, (1, 99))
    shown = picture_of(describe_regions(image, labels), None)
    assert_array_equal(shown[..., 0], shown[..., 2])
    expected = 255 * ((inside - low) / (high - low)).clip(0, 1)
    assert_allclose(shown[4:, :, 1], expected, atol=0.51)
    assert_array_equal(shown[0], shown[4])  # the nearest inside
    flat = picture_of(describe_regions(np.full((3, 4), 20.0), np.ones((3, 4), int)), None)
    assert_array_equal(flat, 0)


def test_a_function_draws_the_picture():
    fake = Fake()
    drawn = np.dstack([scene()[0], scene()[0] // 2, scene()[0] // 3])
    from_promptable(fake, picture=lambda image: drawn).refine(table())
    assert_array_equal(fake.images[0], drawn)


# --- Which answers are kept ------------------------------------------------------------------------------------


def test_the_best_of_several_masks_is_kept():
    """The mask with a rim scores more than the object alone and overlaps it: one object each is left, and ground."""
    regions = table()
    refiner = from_promptable(Fake())
    found = check_result(refiner.refine(regions), regions, refiner)
    labels = scene()[1]
    assert len(found.masks) == 3
    assert_allclose(found.scores, 0.95)
    for number in (5, 9):
        (mask,) = (mask for mask in found.masks if (mask & (labels == number)).sum() == mask[labels > 1].sum() == 96)
        assert mask.sum() == 96 + 40  # the rim
    assert not (found.masks & (labels == 0)).any()


def test_masks_of_a_low_score_or_of_unsure_borders_go():
    regions = table()
    low = from_promptable(Fake(scores=(0.9, 0.87, 0.5))).refine(regions)
    assert sorted(mask.sum() for mask in low.masks) == [96, 96, regions.area[0]]
    everything = from_promptable(Fake(scores=(0.9, 0.87, 0.5)), min_score=0.5, max_iou=1).refine(regions)
    assert_allclose(everything.scores, [0.9] * 3 + [0.87] * 3 + [0.5] * 3)
    # Logits of ±0.5 are between the two cuts.
    unsure = from_promptable(Fake(sharp=(9, 0.5, 9))).refine(regions)
    assert_allclose(unsure.scores, 0.9)
    assert len(from_promptable(Fake(sharp=(9, 0.5, 9)), min_stability=0).refine(regions).masks) == 3


def test_overlaps_go_by_max_iou():
    """The object alone overlaps that with its rim by 96 / 136."""
    few = from_promptable(Fake(), max_iou=0.7).refine(table())
    many = from_promptable(Fake(), max_iou=0.72).refine(table())
    assert len(few.masks) == 3
    assert len(many.masks) == 5
    assert (np.diff(many.scores) <= 0).all()


def test_nothing_is_kept():
    regions = table()
    refiner = from_promptable(Fake(), min_score=1)
    found = check_result(refiner.refine(regions), regions, refiner)
    assert found.masks.shape == (0, 24, 40)
    assert found.boxes.shape == (0, 4)


def test_scores_above_one_are_one():
    found = from_promptable(Fake(scores=(0.9, 1.02, 0.5))).refine(table())
    assert found.scores.max() == 1


def test_labels_by_refine_labels():
    image, labels = scene()
    found = refine_labels(image, labels, from_promptable(Fake(scores=(0.95, 0.9, 0.5))))
    assert len(np.unique(found.labels)) == 4
    for number in (5, 9):
        assert len(np.unique(found.labels[labels == number])) == 1


# --- What is refused -------------------------------------------------------------------------------------------


class Answering(Fake):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def predict(self, **asked):
        return self.answer


ONE = np.zeros((1, 24, 40), bool)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"masks": ONE}, "predict must return (masks, scores, logits), got a dict"),
        ((ONE, [0.9]), "predict must return (masks, scores, logits), got a tuple of 2"),
        ((ONE[:, :5], [1], ONE), "masks must have the image's shape, (c, 24, 40), got (1, 5, 40)"),
        (
            (ONE, [1, 1], ONE),
            "scores and logits must be as many as masks, 1, got shapes (2,) and (1, 24, 40)",
        ),
        (
            (ONE, [1.0], ONE[0] * 1.0),
            "scores and logits must be as many as masks, 1, got shapes (1,) and (24, 40)",
        ),
        (
            (ONE, [np.nan], ONE * 1.0),
            "scores and logits must be finite, got NaN or infinite values; look for overflow",
        ),
    ],
    ids=["dict", "two", "masks", "scores", "logits", "NaN"],
)
def test_a_bad_answer(answer, message):
    with pytest.raises(RefinerError) as caught:
        from_promptable(Answering(answer)).refine(table())
    assert str(caught.value) == f"refiner Answering: {message}"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"predictor": abs},
            TypeError,
            "predictor must have the methods set_image and predict, got builtin_function_or_method without set_image "
            "and predict; sam_predictor() makes one of a model of transformers",
        ),
        (
            {"classes": ["a", "b"]},
            ValueError,
            "classes must name one class, since prompts tell none apart, got a, b",
        ),
        (
            {"prompt": "medoid"},
            TypeError,
            "prompt must be a sequence of words, got 'medoid'; put it in a tuple, as in ('medoid',)",
        ),
        (
            {"prompt": ("text",)},
            ValueError,
            "prompt must be one of 'medoid', 'neighbours', 'box', 'mask', got 'text'",
        ),
        (
            {"prompt": ("neighbours",)},
            ValueError,
            "prompt must tell where the object is, by medoid, box or mask, got ('neighbours',)",
        ),
        ({"n_prompts": 0}, ValueError, "n_prompts must be at least 1, got 0"),
        ({"n_negatives": -1}, ValueError, "n_negatives must be at least 0, got -1"),
        ({"min_score": 1.5}, ValueError, "min_score must be at most 1, got 1.5"),
        ({"min_stability": -1}, ValueError, "min_stability must be at least 0, got -1.0"),
        ({"max_iou": 2}, ValueError, "max_iou must be at most 1, got 2.0"),
        ({"fit": "crop"}, ValueError, "fit must be one of 'pad', 'stretch', got 'crop'"),
        ({"picture": "gray"}, TypeError, "picture must be a function of the image, got 'gray' of type str"),
    ],
)
def test_a_bad_option(given, error, message):
    with pytest.raises(error) as caught:
        from_promptable(**{"predictor": Fake(), **given})
    assert str(caught.value) == message


def test_images_that_no_picture_is_made_of():
    regions = describe_regions(np.zeros((4, 6, 5)), np.ones((4, 6), int))
    with pytest.raises(ValueError, match="channels") as caught:
        from_promptable(Fake()).refine(regions)
    assert str(caught.value) == (
        "image must be gray or RGB to be shown to this refiner, got 5 channels; pass a function as picture= that makes "
        "RGB of it"
    )
    with pytest.raises(ValueError, match="picture") as caught:
        from_promptable(Fake(), picture=lambda image: image[..., :3]).refine(regions)
    assert str(caught.value) == ("picture must give RGB of uint8, shape (4, 6, 3), got float64 of shape (4, 6, 3)")


# --- Segment Anything, tiny and with random weights ------------------------------------------------------------


@pytest.fixture(scope="module")
def sam():
    """A model of 64 pixels with 16 × 16 patches of 4: its masks are 64 × 64."""
    torch = pytest.importorskip("torch", reason="PyTorch comes with the extra refine")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    vision = transformers.SamVisionConfig(
        hidden_size=32,
        output_channels=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=64,
        patch_size=4,
        window_size=4,
        global_attn_indexes=[0],
        mlp_dim=32,
        num_pos_feats=16,
    )
    prompt = transformers.SamPromptEncoderConfig(hidden_size=32, image_size=64, patch_size=4, mask_input_channels=16)
    decoder = transformers.SamMaskDecoderConfig(
        hidden_size=32, mlp_dim=32, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=32
    )
    config = transformers.SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    return transformers.SamModel(config).train()


def asked():
    """A prompt of every part, for a picture 48 × 96."""
    mask = np.zeros((48, 96), bool)
    mask[10:30, 20:60] = True
    return {
        "point_coords": np.array([[40, 20], [80, 40]], np.float32),
        "point_labels": np.array([1, 0]),
        "box": np.array([20, 10, 59, 29], np.float32),
        "mask_input": low_mask(mask, 64, "pad"),
    }


def picture():
    return np.random.default_rng(0).integers(0, 256, (48, 96, 3)).astype(np.uint8)


def test_the_predictor_of_a_model_gives_what_its_own_processor_does(sam):
    import torch
    from transformers import SamImageProcessorPil

    predictor = sam_predictor(sam)
    assert isinstance(predictor, PromptPredictor)
    predictor.set_image(picture())
    processor = SamImageProcessorPil(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}, mask_size={"longest_edge": 64}
    )
    inputs = processor(picture(), return_tensors="pt")
    sam.eval()
    with torch.inference_mode():
        expected = sam.get_image_embeddings(inputs["pixel_values"])
        assert_allclose(predictor._embeddings.numpy(), expected.numpy(), atol=0.02)  # Pillow rounds in between
        # The same prompt in the model's own pixels: 64 / 96 of the image's.
        prompt, scale = asked(), 64 / 96
        answer = sam(
            image_embeddings=predictor._embeddings,
            input_points=torch.tensor(prompt["point_coords"] * scale)[None, None],
            input_labels=torch.tensor([[[1, 0]]]),
            input_boxes=torch.tensor(prompt["box"] * scale)[None, None],
            input_masks=torch.tensor(prompt["mask_input"])[None],
        )
        sizes = (inputs["original_sizes"], inputs["reshaped_input_sizes"])
        large = processor.post_process_masks(answer.pred_masks, *sizes, pad_size={"height": 64, "width": 64})
    sam.train()
    masks, scores, logits = predictor.predict(**prompt)
    assert masks.shape == (3, 48, 96)
    assert masks.dtype == bool
    assert 0 < masks.sum() < masks.size
    assert_allclose(logits, answer.pred_masks[0, 0].numpy(), atol=1e-5)
    assert_allclose(scores, answer.iou_scores[0, 0].numpy(), atol=1e-5)
    assert (masks != large[0][0].numpy()).mean() < 1e-3
    assert sam.training


@pytest.mark.parametrize("parts", [("point_coords", "point_labels"), ("box",), ("mask_input", "box"), ()])
def test_the_predictor_of_a_model_takes_any_part(sam, parts):
    predictor = sam_predictor(sam)
    predictor.set_image(picture())
    prompt = {name: asked()[name] for name in parts} or asked()
    several = predictor.predict(**prompt)
    assert [len(part) for part in several] == [3, 3, 3]
    assert [len(part) for part in predictor.predict(**prompt, multimask_output=False)] == [1, 1, 1]


def test_a_model_as_a_refiner(sam):
    """Weights are random, so masks are nonsense: that they come back, and whole, is what is asked."""
    image = picture()
    labels = np.repeat(np.repeat(np.arange(1, 9).reshape(2, 4), 24, axis=0), 24, axis=1)
    regions = describe_regions(image, labels)
    refiner = from_promptable(sam_predictor(sam), min_score=0, min_stability=0, n_prompts=4)
    found = check_result(refiner.refine(regions), regions, refiner)
    assert 1 <= len(found.masks) <= 12
    assert refiner.name == "TransformersSam"


def test_what_is_no_model(sam):
    with pytest.raises(TypeError) as caught:
        sam_predictor(sam.vision_encoder)
    assert str(caught.value) == (
        "model must be a SamModel of transformers, got SamVisionEncoder; predictors of other packages go to "
        "from_promptable() as they are"
    )


# --- The same steps with a stand-in for PyTorch ----------------------------------------------------------------


class FakeSam(fake_torch.Module):
    """A model of 32 pixels whose masks are 16 × 16: it finds what is brighter than its prompt's first point less 1."""

    config = types.SimpleNamespace(
        vision_config=types.SimpleNamespace(image_size=32),
        prompt_encoder_config=types.SimpleNamespace(image_embedding_size=4),
    )
    prompt_encoder = None

    def get_image_embeddings(self, pixels):
        self.log.append(("see", "training" if self.training else "evaluating"))
        self.pixels = pixels.array
        return pixels

    def forward(self, *, image_embeddings, multimask_output, **prompt):
        self.asked = {name: part.array for name, part in prompt.items()}
        red = image_embeddings.array[0, 0].reshape(16, 2, 16, 2).mean(axis=(1, 3))
        logits = np.stack([red - red.mean(), red - red.max() - 1, np.ones((16, 16))])
        n = 3 if multimask_output else 1
        answer = {"pred_masks": logits[None, None, :n], "iou_scores": np.array([[[0.9, 0.8, 0.7]]])[..., :n]}
        return types.SimpleNamespace(**{name: fake_torch.Tensor(part, self.log) for name, part in answer.items()})


def test_the_steps_of_a_predictor(monkeypatch):
    """A picture 32 × 64 goes into 32 × 32 at half its size, and its prompts with it."""
    log = []
    monkeypatch.setitem(sys.modules, "torch", fake_torch.library(log))
    image = np.zeros((32, 64, 3), np.uint8)
    image[8:24, 16:40] = 200
    model = FakeSam(log)
    predictor = sam_predictor(model, device="gpu:0")
    assert predictor.mask_size == 16
    predictor.set_image(image)
    assert model.pixels.shape == (1, 3, 32, 32)
    assert_allclose(model.pixels[0, :, 8, 10], (200 / 255 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225])
    assert_array_equal(model.pixels[0, :, 16:], 0)  # what is padded
    assert model.pixels[0, :, :16].all()
    masks, scores, logits = predictor.predict(
        point_coords=np.array([[20, 10], [60, 31]], np.float32),
        point_labels=np.array([1, 0]),
        box=np.array([16, 8, 39, 23], np.float32),
        mask_input=np.ones((1, 16, 16), np.float32),
    )
    assert_array_equal(model.asked["input_points"], [[[[10, 5], [30, 15.5]]]])
    assert_array_equal(model.asked["input_labels"], [[[1, 0]]])
    assert_array_equal(model.asked["input_boxes"], [[[8, 4, 19.5, 11.5]]])
    assert_array_equal(model.asked["input_masks"], np.ones((1, 1, 16, 16)))
    assert_array_equal(scores, np.float32([0.9, 0.8, 0.7]))
    assert logits.shape == (3, 16, 16)
    bright = image[..., 0] > 0
    bright[[8, 8, 23, 23], [16, 39, 16, 39]] = False  # between the centers of larger pixels corners are round
    assert_array_equal(masks[0], bright)
    assert_array_equal(masks[1:], np.broadcast_to([[[False]], [[True]]], (2, 32, 64)))
    assert log[0] == ("module to", "gpu:0")
    assert [step for step in log if step[0] in ("see", "run")] == [("see", "evaluating"), ("run", "evaluating")]
    assert model.training
    assert list(predictor.predict(box=np.zeros(4, np.float32), multimask_output=False)[1]) == [np.float32(0.9)]
    assert list(model.asked) == ["input_boxes"]


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ImportError, match=r"^sam_predictor needs PyTorch, which cannot be imported: .*; install it with"
    ):
        sam_predictor(object())
