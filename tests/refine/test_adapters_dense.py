"""Networks that answer per pixel: what reaches them, in which tiles, and what becomes of their maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_dense import convolved, halved, softmax
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import RefinerError, check_result, describe_regions
from classicseg.refine._adapters.dense import DenseRefiner, _spans, check_dense, fixed_tiling, tiled

CLASSES = ("ground", "module")
WEIGHTS = np.random.default_rng(5).normal(size=(2, 3, 3, 3)).astype(np.float32)
BIAS = np.array([0.1, -0.2], np.float32)


def options(classes=CLASSES, *, normalize=None, tile=None, overlap=None, multiple=1, output="logits"):
    return check_dense(classes, normalize=normalize, tile=tile, overlap=overlap, multiple=multiple, output=output)


class Network:
    """A network made of a function of (C, rows, cols), which remembers what it was given."""

    def __init__(self, function):
        self.function = function
        self.tiles = []

    def __call__(self, tile):
        self.tiles.append(tile.copy())
        return np.asarray(self.function(tile[0]), np.float32)[None]


def picture(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def refined(function, image, labels=None, **given):
    """Return the checked probabilities, and the network as it was called."""
    table = describe_regions(image, np.ones(image.shape[:2], int) if labels is None else labels)
    network = Network(function)
    refiner = DenseRefiner("Net", network, options(**given))
    return check_result(refiner.refine(table), table, refiner).probabilities, network


def one_layer(planes):
    return convolved(planes, WEIGHTS, BIAS)


def two_levels(planes):
    """A convolution, one on half the pixels, and both joined: a U-Net whose outputs see at most 6 × 6 pixels."""
    fine = convolved(planes, WEIGHTS, BIAS)
    coarse = convolved(halved(planes), WEIGHTS[:, ::-1], BIAS)
    return fine + coarse.repeat(2, axis=1).repeat(2, axis=2)


# --- Tiles -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(length=st.integers(1, 90), tile=st.integers(1, 40), overlap=st.integers(0, 12), multiple=st.integers(1, 8))
def test_tiles_cover_an_axis_and_their_weights_sum_to_one(length, tile, overlap, multiple):
    side = -(-tile // multiple) * multiple
    if side < 2 * overlap + multiple:
        return
    tiling = options(tile=tile, overlap=overlap, multiple=multiple).tiling
    spans, weights = _spans(length, side, tiling)
    check_spans(spans, weights, length, tiling)
    (longest,) = {span.stop - span.start for span in spans}
    assert longest <= min(side, length + multiple - 1)
    whole_steps = max((side - 2 * overlap) // multiple * multiple, multiple)
    assert len(spans) <= max(-(-(length - side) // whole_steps), 0) + 1  # as many as of the side that was asked for


@settings(deadline=None)
@given(length=st.integers(1, 90), side=st.integers(1, 40), overlap=st.integers(0, 12), multiple=st.integers(1, 50))
def test_tiles_of_a_fixed_size(length, side, overlap, multiple):
    """Whatever the user said of multiples: a network that takes tiles of 28 halves them twice at most."""
    if overlap and side < 2 * overlap + multiple:
        return
    tiling = fixed_tiling((side, side), overlap, multiple)
    spans, weights = _spans(length, side, tiling)
    check_spans(spans, weights, length, tiling)
    assert {span.stop - span.start for span in spans} == {side}


def check_spans(spans, weights, length, tiling):
    overlap, multiple = tiling.overlap, tiling.multiple
    side = spans[0].stop
    total = np.zeros(spans[-1].stop)
    for span, weight in zip(spans, weights):
        assert span.start % multiple == 0
        # Within half of the overlap of a border that is not the image's own a tile counts for nothing.
        inner = slice(
            (overlap + 1) // 2 if span.start else 0, side - ((overlap + 1) // 2 if span is not spans[-1] else 0)
        )
        assert not np.delete(weight, np.arange(side)[inner]).any()
        total[span] += weight
    assert_allclose(total, 1, atol=1e-6)
    assert 0 <= len(total) - length < max(side, multiple)


@pytest.mark.parametrize(
    ("network", "overlap", "multiple"), [(one_layer, 3, 1), (one_layer, 4, 3), (two_levels, 6, 2), (two_levels, 7, 4)]
)
def test_the_answer_does_not_depend_on_the_tiles(network, overlap, multiple):
    image = picture((31, 45, 3))
    whole, _ = refined(network, image, multiple=multiple)
    for tile in (2 * overlap + multiple, (20, 24)):
        found, called = refined(network, image, tile=tile, overlap=overlap, multiple=multiple)
        assert len(called.tiles) > 4
        assert {one.shape for one in called.tiles} == {called.tiles[0].shape}
        assert_allclose(found, whole, atol=1e-5)


def test_less_overlap_than_a_network_sees_shows():
    image = picture((31, 45, 3))
    whole, _ = refined(two_levels, image, multiple=2)
    found, _ = refined(two_levels, image, tile=16, overlap=2, multiple=2)
    assert np.abs(found - whole).max() > 1e-3


def test_tiles_that_disagree_leave_no_seam():
    """Each tile answers with its own mean: where two meet, one fades into the other over the overlap."""
    image = np.zeros((8, 64), np.uint8)
    image[:, 32:] = 255
    found, _ = refined(
        lambda planes: np.stack([0 * planes[0], 0 * planes[0] + 4 * planes.mean()]), image, tile=32, overlap=8
    )
    steps = np.abs(np.diff(found[0, :, 1]))
    assert 0 < steps.max() < 0.1
    assert np.ptp(found[0, :, 1]) > 0.4


def test_the_image_is_continued_by_its_mirror_image():
    image = picture((5, 7, 3))
    found, network = refined(one_layer, image, multiple=4)
    (seen,) = network.tiles
    assert seen.shape == (1, 3, 8, 8)
    mirrored = np.pad(image, ((0, 3), (0, 1), (0, 0)), mode="reflect") / np.float32(255)
    assert_array_equal(seen[0], mirrored.transpose(2, 0, 1))
    assert found.shape == (5, 7, 2)
    assert_allclose(found, softmax(one_layer(seen[0]))[:5, :7], atol=1e-6)


@pytest.mark.parametrize(("channels", "tile"), [(3, 12), (1, (12, 24))])
def test_a_network_may_write_into_what_it_is_given(channels, tile):
    """Neither the image nor what the next tile sees of this one changes, be the tile a part of the image in memory."""
    image = picture((24, 24, channels)).astype(np.float32) / 255
    before = image.copy()

    def careful(planes):
        return convolved(planes, WEIGHTS[:, :channels], BIAS)

    def careless(planes):
        answer = careful(planes)
        planes[...] = np.nan
        return answer

    whole, _ = refined(careful, image)
    for shape in (None, tile):
        network = DenseRefiner("Net", lambda one: np.float32(careless(one[0]))[None], options(tile=shape))
        found = network.refine(describe_regions(image, np.ones((24, 24), int))).probabilities
        assert_allclose(found, whole, atol=1e-5)
    assert_array_equal(image, before)


@pytest.mark.parametrize(("shape", "seen"), [((1, 1, 3), (4, 4)), ((1, 9, 3), (4, 12)), ((3, 16, 3), (4, 16))])
def test_images_smaller_than_a_tile_are_run_whole(shape, seen):
    found, network = refined(one_layer, picture(shape), tile=16, overlap=2, multiple=4)
    assert found.shape == (*shape[:2], 2)
    assert [tile.shape for tile in network.tiles] == [(1, 3, *seen)]


def test_tiles_are_no_longer_than_as_many_need_to_be():
    """Of 20 columns two tiles of 16 would see 12 twice, 8 of them for nothing."""
    _, network = refined(one_layer, picture((8, 20, 3)), tile=16, overlap=2, multiple=4)
    assert [tile.shape for tile in network.tiles] == [(1, 3, 8, 12)] * 2


# --- What reaches the network ----------------------------------------------------------------------------------


def seen_by_network(image, labels=None, **given):
    _, network = refined(lambda planes: np.zeros((2, *planes.shape[1:])), image, labels, **given)
    return network.tiles[0][0]


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_integers_are_over_their_range_and_floats_as_they_are(dtype, full):
    image = (picture((4, 5)) + 1).astype(dtype)
    seen = seen_by_network(image)
    assert seen.dtype == np.float32
    assert_allclose(seen, image[None].astype(np.float64) / full, rtol=1e-6)


def test_mean_and_standard_deviation_of_each_channel():
    image = picture((4, 5, 3))
    mean, deviation = [0.1, 0.2, 0.3], [1, 2, 4]
    expected = ((image / 255 - mean) / deviation).transpose(2, 0, 1)
    assert_allclose(seen_by_network(image, normalize=(mean, deviation)), expected, atol=1e-6)
    assert_allclose(
        seen_by_network(image, normalize=([0.5], [2])), ((image / 255 - 0.5) / 2).transpose(2, 0, 1), atol=1e-6
    )
    imagenet = (np.array([[255, 0, 51]]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    red = np.full((2, 2, 3), (255, 0, 51), np.uint8)
    assert_allclose(seen_by_network(red, normalize="imagenet")[:, 0, 0], imagenet[0], rtol=1e-5)


def test_a_function_makes_the_planes():
    image = np.array([[20.0, 21], [22, 30]])
    seen = seen_by_network(image, normalize=lambda frame: np.dstack([frame - np.median(frame)] * 3))
    assert_array_equal(seen, np.stack([image - 21.5] * 3))
    assert_array_equal(seen_by_network(image, normalize=lambda frame: frame.astype(int)), image[None].astype(int))


def test_pixels_outside_are_seen_as_the_nearest_inside():
    image = np.array([[np.nan, 20, 21, np.inf], [np.nan, 24, 25, -300]])
    before = image.copy()
    labels = np.array([[0, 1, 1, 0], [0, 1, 1, 0]])
    assert_array_equal(seen_by_network(image, labels)[0], [[20, 20, 21, 21], [24, 24, 25, 25]])
    given = []
    seen_by_network(image, labels, normalize=lambda frame: given.append(frame.copy()) or frame)
    assert_array_equal(given[0], [[20, 20, 21, 21], [24, 24, 25, 25]])
    assert_array_equal(image, before)


# --- What becomes of its maps ----------------------------------------------------------------------------------

LOGITS = np.random.default_rng(3).normal(0, 3, (3, 4, 6)).astype(np.float32)
THREE = ("a", "b", "c")


def maps_of(maps, classes=THREE, shape=(4, 6), output="auto"):
    found, _ = refined(lambda planes: maps, np.zeros(shape, np.uint8), classes=classes, output=output)
    return found


def test_logits_go_through_a_softmax():
    assert_allclose(maps_of(LOGITS), softmax(LOGITS), atol=1e-6)
    assert_allclose(maps_of(LOGITS * 1000), softmax(LOGITS * 1000.0), atol=1e-6)  # no overflow
    assert maps_of(LOGITS).dtype == np.float32


def test_probabilities_are_told_from_logits():
    given = softmax(LOGITS).transpose(2, 0, 1).astype(np.float16)
    assert_array_equal(maps_of(given), given.transpose(1, 2, 0))
    assert_allclose(maps_of(given, output="logits"), softmax(given.astype(np.float64)), atol=1e-6)
    one = np.concatenate([given[:1] - 1, given[1:2] + 1, given[2:]])  # sums to 1 and is negative
    assert_allclose(maps_of(one), softmax(one.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_one_map_for_two_classes_is_that_of_the_second(output):
    given = LOGITS[:1] if output == "logits" else np.abs(LOGITS[:1]) / 20
    second = 1 / (1 + np.exp(-given[0].astype(np.float64))) if output == "logits" else given[0]
    found = maps_of(given, CLASSES, output=output)
    assert_allclose(found, np.stack([1 - second, second], axis=2), atol=1e-6)


def test_smaller_maps_are_enlarged_between_centers():
    """By 2 along columns the weights are 3/4 and 1/4, and the border is repeated."""
    logits = np.zeros((2, 1, 3), np.float32)
    logits[1] = [[0, 4, 8]]
    found = maps_of(logits, CLASSES, shape=(2, 6))
    expected = 1 / (1 + np.exp(-np.array([0.0, 1, 3, 5, 7, 8])))
    assert_allclose(found[..., 1], [expected, expected], atol=1e-6)


# --- What is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (
            np.zeros((3, 4, 5)),
            "answers must have shape (1, K, 4, 6) for a tile of shape (1, 1, 4, 6), or rows and columns divided by a "
            "whole number; got (1, 3, 4, 5); see that multiple= is what rows and columns must be a multiple of",
        ),
        (
            np.zeros((3, 8, 12)),
            "answers must have shape (1, K, 4, 6) for a tile of shape (1, 1, 4, 6), or rows and columns divided by a "
            "whole number; got (1, 3, 8, 12); see that multiple= is what rows and columns must be a multiple of",
        ),
        (
            np.zeros(3),
            "answers must have shape (1, K, 4, 6) for a tile of shape (1, 1, 4, 6), or rows and columns divided by a "
            "whole number; got (1, 3); see that multiple= is what rows and columns must be a multiple of",
        ),
        (
            np.zeros((4, 4, 6)),
            "answers must have one map per class, 3, got 4; name every class in the network's order, background too",
        ),
        (
            np.zeros((1, 4, 6)),
            "answers must have one map per class, 3, got 1; name every class in the network's order, background too",
        ),
        (
            np.where(LOGITS > 5, np.nan, np.where(LOGITS < -5, np.inf, LOGITS)),
            f"answers must be finite, got {(np.abs(LOGITS) > 5).sum()} NaN or infinite values; see that the image is "
            "in the unit that the network was trained on (normalize=), and look for overflow",
        ),
    ],
    ids=["cols", "larger", "flat", "too many", "too few", "not finite"],
)
def test_a_bad_answer(maps, message):
    with pytest.raises(RefinerError) as caught:
        maps_of(maps)
    assert str(caught.value) == f"refiner Net: {message}"


def test_logits_as_far_apart_as_floats_are():
    """What networks give for a class that cannot be, such as masked ones: not a warning, and no NaN."""
    lowest, highest = np.finfo(np.float32).min, np.finfo(np.float32).max
    assert_array_equal(maps_of(np.full((2, 4, 6), highest), CLASSES), np.full((4, 6, 2), 0.5))
    for low, high in ((lowest, 5.0), (lowest, highest)):
        given = np.full((2, 4, 6), low, np.float32)
        given[1] = high
        assert_array_equal(maps_of(given, CLASSES), np.float32([0, 1]) + np.zeros((4, 6, 1)))


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_logits_beyond_float32_are_infinite(value):
    table = describe_regions(np.ones((4, 6), np.uint8), np.ones((4, 6), int))
    answers = np.full((1, 2, 4, 6), value)
    planes = answers[0].transpose(1, 2, 0)
    for network, normalize in ((lambda tile: answers, None), (lambda tile: tile, lambda image: planes)):
        refiner = DenseRefiner("Net", network, options(normalize=normalize))
        with pytest.raises(RefinerError, match=r"^refiner Net: answers must be finite, got 48 NaN or infinite values;"):
            refiner.refine(table)


def test_one_map_needs_a_word():
    with pytest.raises(RefinerError) as caught:
        maps_of(LOGITS[:1], CLASSES)
    assert str(caught.value) == (
        'refiner Net: output must be "logits" or "probabilities" where one score tells two classes apart, got "auto"; '
        'it is "probabilities" if the network ends in a sigmoid'
    )


NORMALIZE_FORM = 'normalize must be None, "imagenet", (mean, standard deviation) or a function of the image, got '


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"classes": ()}, ValueError, "classes must name at least one class, got none"),
        ({"classes": "ab"}, TypeError, "classes must be a tuple of names, got 'ab'; give each class a name"),
        ({"tile": 0}, ValueError, "tile must be at least 1, got 0"),
        ({"tile": (4, 5, 6)}, ValueError, "tile must be one side or (rows, cols), got (4, 5, 6)"),
        ({"tile": "512"}, TypeError, "tile must be an integer, got '512' of type str"),
        ({"overlap": -1}, ValueError, "overlap must be at least 0, got -1"),
        ({"multiple": 0}, ValueError, "multiple must be at least 1, got 0"),
        (
            {"tile": (40, 30), "overlap": 9, "multiple": 16},
            ValueError,
            "overlap must be at most 8, half of what tiles of 48 by 32 are larger than multiple=16, got 9; "
            "take larger tiles",
        ),
        (
            {"output": "softmax"},
            ValueError,
            "output must be one of 'auto', 'logits', 'probabilities', got 'softmax'",
        ),
        ({"normalize": "coco"}, ValueError, NORMALIZE_FORM + "'coco'"),
        ({"normalize": ([0],)}, ValueError, NORMALIZE_FORM + "([0],)"),
        (
            {"normalize": ([0, 1, 2], [1, 1])},
            ValueError,
            "normalize must give one mean and one standard deviation per channel, got shapes (3,) and (2,)",
        ),
        (
            {"normalize": ([0.0], [np.inf])},
            ValueError,
            "normalize must have finite means and standard deviations above 0, got [0.0] and [inf]",
        ),
        (
            {"normalize": ([0.0], [0.0])},
            ValueError,
            "normalize must have finite means and standard deviations above 0, got [0.0] and [0.0]",
        ),
    ],
)
def test_a_bad_option(given, error, message):
    with pytest.raises(error) as caught:
        options(**given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("normalize", "message"),
    [
        (
            ([0.1, 0.2], [1, 1]),
            "normalize must have a mean for each of the 3 channels of the image, got 2; a function of the image can "
            "give other channels",
        ),
        (
            lambda image: image[:2],
            "normalize must give planes of the image's shape (4, 6), or with channels, got (2, 6, 3)",
        ),
    ],
)
def test_normalize_that_does_not_go_with_the_image(normalize, message):
    with pytest.raises(ValueError, match="normalize") as caught:
        refined(one_layer, picture((4, 6, 3)), normalize=normalize)
    assert str(caught.value) == message


def test_default_overlap_is_a_quarter_of_the_tile():
    assert options(tile=64, multiple=8).tiling.overlap == 16
    assert options(tile=(64, 30), multiple=8).tiling.overlap == 8
    assert options(tile=32, multiple=32).tiling.overlap == 0
    assert options(tile=24, multiple=16).tiling == options(tile=32, overlap=8, multiple=16).tiling


def test_a_refiner_says_what_it_is():
    refiner = DenseRefiner("Net", one_layer, options())
    assert repr(refiner) == "<Net: ground, module>"


def test_every_pixel_is_asked_for():
    planes = picture((20, 30, 1)).astype(np.float32)
    found = tiled(planes, lambda tile: tile[0].transpose(1, 2, 0), 1, options(tile=8, overlap=2).tiling)
    assert_allclose(found, planes, rtol=1e-6)
