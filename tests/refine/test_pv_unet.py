"""The thermal network that is shipped: what it says of frames it has not seen, and what runs it."""

import pickle
import sys
import warnings

import naive_unet
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scenes import heat, module_field
from scipy import ndimage

from benchmarks.pv_unet import evaluate
from benchmarks.pv_unet.generation import HOT_SPOT, MODULE, frames
from classicseg.refine import Refiner, describe_regions, pv_unet, refine_labels
from classicseg.refine._adapters.onnx import OnnxNetwork
from classicseg.refine._pv_unet.input import network_input
from classicseg.refine._pv_unet.network import CLASSES, PATH

HELD_OUT = 2  # a seed that neither training nor evaluation uses


def probabilities(image, refiner=None, mask=None):
    labels = np.ones(np.shape(image)[:2], np.int32)
    return (refiner or pv_unet()).refine(describe_regions(image, labels, mask=mask)).probabilities


@pytest.fixture(scope="module")
def held_out():
    return list(frames(12, rng=HELD_OUT))


# --- what it says ---


def test_frames_that_it_has_not_seen(held_out):
    """And far better than rules that know as much: a threshold, and clusters named by frames it learned from."""
    scores = evaluate.pixel_scores(held_out)
    network = scores["network"]
    assert network["background"] > 0.88
    assert network["module"] > 0.88
    assert network["hot spot"] > 0.33
    for rule in ("threshold", "k-means"):
        assert network["mean"] > scores[rule]["mean"] + 0.2
        assert network["hot spot"] > scores[rule]["hot spot"] + 0.1


@pytest.mark.parametrize(("box", "kelvin"), [((20, 12, 26, 18), 15.0), ((115, 158, 149, 180), 9.0)])
def test_a_field_of_another_hand(rng, box, kelvin):
    """The field that `find_hotspots` is tested on: its modules, and a cell or a module that is too warm."""
    field, boxes = module_field(rng)
    modules, hot = np.zeros(field.shape, bool), np.zeros(field.shape, bool)
    for top, left, bottom, right in boxes:
        modules[top:bottom, left:right] = True
    hot[box[0] : box[2], box[1] : box[3]] = True
    said = probabilities(heat(field, box, kelvin))
    assert (said[..., 0] < 0.5)[modules].mean() > 0.98
    assert said[hot, HOT_SPOT].max() > 0.5
    assert said[~ndimage.binary_dilation(hot), HOT_SPOT].max() < 0.5  # its edge lies between two pixels
    assert probabilities(field)[..., HOT_SPOT].max() < 0.5


def test_bare_ground_has_neither(rng):
    ground = ndimage.gaussian_filter(rng.normal(size=(96, 128)), 1.5)
    ground = 20 + 2 * ground / ground.std() + rng.normal(0, 0.1, ground.shape)
    assert probabilities(ground.astype(np.float32))[..., 0].min() > 0.5


def test_the_day_does_not_matter(held_out):
    frame = held_out[1].temperature
    assert_allclose(probabilities(frame + 64), probabilities(frame), atol=2e-3)


def test_counts_are_scaled_by_the_frame(held_out):
    frame = held_out[1].temperature
    counts = np.rint(10000 + 400 * (frame - frame.min())).astype(np.uint16)
    finer = np.rint(20000 + 100 * (frame - frame.min())).astype(np.uint16)
    said = probabilities(counts)
    assert (said.argmax(axis=-1) == probabilities(finer).argmax(axis=-1)).mean() > 0.99
    assert_array_equal(probabilities(counts.astype(np.float32), pv_unet(unit="counts")), said)
    assert_array_equal(
        probabilities(np.rint(frame).astype(np.int32), pv_unet(unit="celsius")), probabilities(np.rint(frame))
    )


# --- what runs it ---


def test_it_is_small_and_says_what_its_classes_are():
    assert PATH.stat().st_size < 500_000
    nodes, weights = naive_unet.read_network(PATH)
    assert 90_000 < sum(tensor.size for tensor in weights.values()) < 120_000
    assert nodes[-1][0] == "Softmax"
    assert naive_unet.notes(PATH) == {"classes": ",".join(CLASSES)}


def test_its_model_card_names_the_classes():
    text = PATH.with_suffix(".md").read_text(encoding="utf-8")
    for name in CLASSES:
        assert name in text


def test_it_is_the_network_that_the_file_defines(held_out):
    """Read byte by byte and summed window by window in float64."""
    frame = held_out[1].temperature[:40, :56]
    expected = naive_unet.run_network(PATH, naive_unet.network_input(frame, True).transpose(2, 0, 1))
    assert_allclose(probabilities(frame), expected.transpose(1, 2, 0), atol=1e-5)


def test_onnx_runtime_says_the_same(held_out):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    for frame in (held_out[0].temperature, held_out[1].temperature[:61, :45]):
        expected = probabilities(frame)
        assert_allclose(probabilities(frame, pv_unet(backend="onnxruntime")), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 9), (64, 65)])
def test_any_size(rng, shape):
    said = probabilities(rng.normal(20, 1, shape).astype(np.float32))
    assert said.shape == (*shape, len(CLASSES))
    assert_allclose(said.sum(axis=-1), 1, atol=1e-5)


def test_tiles_change_nothing(held_out):
    frame = held_out[3].temperature
    assert_allclose(probabilities(frame, pv_unet(tile=240)), probabilities(frame), atol=1e-5)


def test_mosaics_are_run_in_tiles(monkeypatch):
    """Frames of 640 × 512 are run in one piece."""
    shapes = []

    def answer(self, tile):
        shapes.append(tile.shape[2:])
        return np.full((1, len(CLASSES), *tile.shape[2:]), 1 / 3, np.float32)

    monkeypatch.setattr(OnnxNetwork, "__call__", answer)
    for shape, tiles in (((512, 640), [(512, 640)]), ((20, 2000), [(24, 672)] * 4)):
        shapes.clear()
        probabilities(np.zeros(shape, np.float32))
        assert shapes == tiles
    shapes.clear()
    probabilities(np.zeros((20, 2000), np.float32), pv_unet(tile=None))
    assert shapes == [(24, 2000)]


def test_what_is_masked_does_not_matter(held_out):
    frame = held_out[1].temperature.copy()
    mask = np.ones(frame.shape, bool)
    mask[:30, :50] = False
    expected = probabilities(frame, mask=mask)
    frame[~mask] = np.nan
    assert_array_equal(probabilities(frame, mask=mask), expected)


def test_it_is_a_refiner_and_pickles(held_out):
    refiner = pv_unet()
    assert isinstance(refiner, Refiner)
    assert (refiner.task, refiner.classes) == ("semantic", CLASSES)
    frame = held_out[1].temperature
    before = frame.copy()
    expected = probabilities(frame, refiner)
    assert_array_equal(probabilities(frame, pickle.loads(pickle.dumps(refiner))), expected)
    assert_array_equal(frame, before)


def test_by_name(held_out):
    frame = held_out[1].temperature
    refined = refine_labels(frame, np.ones(frame.shape, np.int32), "pv_unet:unit=celsius", pooling=0.0)
    assert refined.classes == CLASSES
    assert_array_equal(refined.labels, probabilities(frame).argmax(axis=-1))


# --- what it is given ---


@pytest.mark.parametrize("celsius", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 33), (90, 50)])
def test_input_by_definition(rng, shape, celsius):
    values = rng.normal(30, 5, shape).astype(np.float32)
    values.ravel()[::50] += 40  # cut off
    if celsius or values.size > 1:
        assert_allclose(network_input(values, celsius), naive_unet.network_input(values, celsius), atol=2e-6)


def test_a_hot_spot_changes_its_own_input_only(held_out):
    """Differences are kelvins whatever else is in view: no small spot moves a level, none is the largest value."""
    frame = held_out[1].temperature
    hot = frame.copy()
    hot[100:104, 100:104] += 60
    changed = np.abs(network_input(hot, True) - network_input(frame, True)).max(axis=-1)
    changed[100:104, 100:104] = 0
    assert changed.max() < 0.05  # a quarter of a kelvin


def test_a_flat_frame_in_counts():
    assert_array_equal(network_input(np.full((20, 20), 7, np.uint16), False), np.zeros((20, 20, 4)))


# --- what is refused ---


def test_pictures_are_refused():
    image = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match=r"image must have shape \(M, N\), temperatures or counts, for pv_unet; got "):
        probabilities(image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "kelvin"}, "unit must be one of 'celsius', 'counts', got 'kelvin'"),
        ({"backend": "torch"}, "backend must be one of 'opencv', 'onnxruntime', got 'torch'"),
        ({"tile": 0}, "tile must be at least 232, got 0"),
        ({"tile": 231}, "tile must be at least 232, got 231"),
        ({"tile": "large"}, "tile must be an integer, got 'large' of type str"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises((ValueError, TypeError)) as caught:
        pv_unet(**options)
    assert message in str(caught.value)


def test_without_opencv(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match="install opencv-python, or opencv-python-headless"):
        pv_unet()


# --- made frames ---


def test_a_longer_run_of_frames_begins_with_the_shorter(held_out):
    for made, again in zip(held_out, frames(2, rng=HELD_OUT)):
        assert_array_equal(made.temperature, again.temperature)
        assert_array_equal(made.labels, again.labels)


def test_made_frames_show_all_classes_and_hot_spots_are_hot(held_out):
    counts = np.bincount(np.concatenate([made.labels.ravel() for made in held_out]), minlength=len(CLASSES))
    assert (counts > 500).all()
    assert any((made.labels == 0).all() for made in frames(20, rng=HELD_OUT, shape=(32, 32)))
    for made in held_out:
        assert made.temperature.shape == made.labels.shape
        assert np.isfinite(made.temperature).all()
        hot, module = made.labels == HOT_SPOT, made.labels == MODULE
        if hot.any():
            assert np.median(made.temperature[hot]) > np.median(made.temperature[module]) + 0.5


def test_scores_of_spots_by_hand():
    spots = evaluate.Spots(np.array([[10.0, 10.0], [11.0, 12.0], [50.0, 50.0]]))
    assert spots.counts([(8, 8, 14, 14), (80, 80, 90, 90)]) == (1, 2, 1)
    assert evaluate.Spots(np.empty((0, 2))).counts([]) == (0, 0, 0)


def test_ways_to_find_spots_on_a_made_field(rng):
    """Both ways find a cell of 15 K; the frame flown on by 20 rows shows it again."""
    field, _ = module_field(rng)
    here = heat(field, (60, 90, 66, 96), 15.0)
    boxes = [(60.0, 90.0, 66.0, 96.0), (40.0, 90.0, 46.0, 96.0)]
    first, second = (
        evaluate.Job(str(n), frame, (box,)) for n, (frame, box) in enumerate(zip((here, here[20:]), boxes))
    )
    for name, counts in evaluate.spot_scores([first]).items():
        assert counts == {"found": 1, "known": 1, "elsewhere": 0}, name
    for name, counts in evaluate.seen_again(first, second).items():
        assert counts == {"twice": 2, "in view of both": 2}, name


def test_boxes_of_spots():
    hot = np.zeros((12, 12), bool)
    hot[2:4, 3:6] = hot[9, 9:11] = True  # the second is too small
    assert list(evaluate.boxes_of(hot)) == [(2, 3, 4, 6)]
    assert_array_equal(evaluate.centroids(evaluate.large_regions(hot)), [[2.5, 4.0]])


def test_training_writes_a_network(tmp_path, capsys, held_out):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    from benchmarks.pv_unet import train

    path = tmp_path / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter
        train.main(["--frames", "2", "--steps", "2", "--out", str(path)])
    assert "108795 weights" in capsys.readouterr().out
    assert naive_unet.notes(path) == naive_unet.notes(PATH)
    image = naive_unet.network_input(held_out[1].temperature[:16, :24], True).transpose(2, 0, 1)
    assert_allclose(naive_unet.run_network(path, image).sum(axis=0), 1, atol=1e-6)
