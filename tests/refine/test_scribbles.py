"""Scribbles: marks in, classes of all regions out, whatever the order of clicks; and as a refiner of other images."""

import doctest
import pickle

import naive_scribbles as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import refine, refine_labels
from classicseg.refine import (
    Refiner,
    RefinerError,
    Scribbles,
    describe_regions,
    from_scribbles,
    load_refiner,
    load_scribbles,
)

CLASSES = ("ground", "module", "hot spot")
VALUES = np.array([20.0, 34.0, 52.0])


def scene(rng, shape=(8, 10)):
    """Rows of modules on ground, some squares of which are hot: the image, the class of each pixel, and the squares."""
    square = np.ones((4, 4), int)
    module = np.broadcast_to(np.arange(shape[1]) % 4 >= 2, shape)
    hot = module & (rng.random(shape) < 0.15)
    hot[0, 2:4] = False, True  # the top row shows each class where tests click
    classes = np.kron(module + hot.astype(int), square)
    labels = np.kron(np.arange(1, shape[0] * shape[1] + 1).reshape(shape), square)
    return (VALUES[classes] + rng.normal(0, 0.5, classes.shape)).astype(np.float32), classes, labels


CLICKS = {0: (1, 5), 1: (1, 9), 2: (1, 13)}  # class → row and column of a pixel


@pytest.fixture
def marked(rng):
    """Scribbles with a click for each class, and the truth."""
    image, classes, labels = scene(rng)
    labels[20:24, 20:28] = 0  # outside, and numbers with gaps
    scribbles = Scribbles(describe_regions(image, labels), CLASSES)
    for c, place in CLICKS.items():
        scribbles.add(CLASSES[c], *place)
    return scribbles, classes


def test_a_click_for_each_class_tells_all_regions_apart(marked):
    scribbles, classes = marked
    labels = scribbles.labels()
    outside = scribbles.regions.labels == 0
    assert_array_equal(labels[outside], -1)
    assert labels.dtype == np.int32
    assert (labels == classes)[~outside].mean() > 0.95


@pytest.mark.parametrize("most", [12, 96])
@pytest.mark.parametrize("smoothness", [0.0, 1.0])
def test_probabilities_equal_their_slow_twin(marked, rng, smoothness, most):
    scribbles, classes = marked
    options = {"regularization": 0.02, "smoothness": smoothness, "n_landmarks": most}
    scribbles = Scribbles(scribbles.regions, CLASSES, **options)
    strokes = np.where(rng.random(classes.shape) < 0.03, classes, -1)
    strokes[9, 9] = (classes[9, 9] + 1) % 3  # a region whose marks differ, two to one
    strokes[10, 9:11] = classes[9, 9]
    scribbles.add_strokes(strokes)
    found = scribbles.probabilities()
    expected = naive.probabilities(scribbles.regions, strokes, 3, *options.values())
    assert_allclose(found, expected, atol=2e-5)
    assert found.dtype == np.float32
    assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_the_order_of_clicks_does_not_count(marked, rng):
    scribbles, classes = marked
    pixels = [(int(row), int(col), int(classes[row, col])) for row, col in rng.integers(0, 32, (40, 2))]
    found = []
    for order in (pixels, pixels[::-1]):
        other = Scribbles(scribbles.regions, CLASSES)
        for row, col, category in order:
            other.add(category, row, col)
        found.append(other.probabilities())
    assert_array_equal(*found)
    at_once = Scribbles(scribbles.regions, CLASSES)
    strokes = np.full(classes.shape, -1)
    for row, col, category in pixels:
        strokes[row, col] = category
    at_once.add_strokes(strokes)
    assert_array_equal(at_once.probabilities(), found[0])
    assert_array_equal(at_once.strokes, np.where(scribbles.regions.mask, strokes, -1))


def test_marks_taken_back_were_never_there(marked):
    scribbles, _ = marked
    before, strokes = scribbles.probabilities(), scribbles.strokes
    scribbles.add("hot spot", [20, 21, 20], [1, 1, 1])  # one pixel twice
    assert not np.array_equal(scribbles.probabilities(), before)
    scribbles.remove([20, 21, 30], [1, 1, 30])  # one that was never marked
    assert_array_equal(scribbles.probabilities(), before)
    assert_array_equal(scribbles.strokes, strokes)


def test_a_mark_replaces_the_one_that_was_there(marked):
    scribbles, _ = marked
    other = Scribbles(scribbles.regions, CLASSES)
    other.add_strokes(scribbles.strokes)
    other.add("ground", 25, 25)
    scribbles.add("hot spot", 25, 25)
    scribbles.add("ground", 25, 25)
    assert_array_equal(scribbles.probabilities(), other.probabilities())
    assert scribbles.strokes[25, 25] == 0


def test_a_region_takes_what_most_of_its_marks_say(marked):
    scribbles, _ = marked
    before = scribbles.probabilities()[1]
    scribbles.add("module", 1, 6)
    scribbles.add("ground", [2, 3], [5, 6])  # three of ground and one of module in one region
    torn = scribbles.probabilities()[1]
    assert torn.argmax() == 0
    assert before[1] < torn[1]
    scribbles.add("module", [0, 2, 3], [7, 7, 7])  # four of module against three
    assert torn[1] < scribbles.probabilities()[1, 1]


def test_marks_outside_the_mask_are_left_out(marked):
    scribbles, _ = marked
    before = scribbles.probabilities()
    scribbles.add("ground", [20, 21], [20, 22])
    strokes = np.full(scribbles.strokes.shape, -1)
    strokes[20:24, 20:28] = 2
    scribbles.add_strokes(strokes)
    assert_array_equal(scribbles.probabilities(), before)
    assert (scribbles.strokes[20:24, 20:28] == -1).all()


def test_without_marks_all_classes_are_alike_and_unmarked_ones_are_impossible(marked):
    scribbles, _ = marked
    fresh = Scribbles(scribbles.regions, CLASSES)
    assert_allclose(fresh.probabilities(), 1 / 3, atol=1e-6)
    fresh.add("module", 5, 5)
    assert_array_equal(fresh.probabilities(), np.tile(np.float32([0, 1, 0]), (len(fresh.regions.numbers), 1)))
    fresh.add("ground", 1, 1)
    assert_array_equal(fresh.probabilities()[:, 2], 0)


def test_classes_in_another_order_have_the_same_probabilities(marked):
    scribbles, _ = marked
    strokes = scribbles.strokes
    other = Scribbles(scribbles.regions, CLASSES[::-1])
    other.add_strokes(np.where(strokes == -1, -1, 2 - strokes))
    assert_allclose(other.probabilities()[:, ::-1], scribbles.probabilities(), atol=1e-6)


def test_strokes_are_a_copy_and_nothing_given_is_changed(marked):
    scribbles, classes = marked
    regions = scribbles.regions
    before = pickle.dumps(regions)
    marks = scribbles.strokes.copy()
    scribbles.strokes[:] = 1
    assert_array_equal(scribbles.strokes, marks)
    strokes = np.where(classes == 1, 1, -1)
    strokes.setflags(write=False)
    copy = strokes.copy()
    refiner = from_scribbles(strokes, CLASSES)
    refiner.refine(regions)
    scribbles.add_strokes(strokes)
    scribbles.labels()
    assert_array_equal(strokes, copy)
    assert pickle.dumps(regions) == before


def test_colour_images_take_scribbles_too(rng):
    _, classes, labels = scene(rng)
    colours = np.array([[40, 90, 30], [40, 60, 140], [230, 80, 30]])[classes] + rng.integers(-6, 7, (*classes.shape, 3))
    scribbles = Scribbles(describe_regions(colours.astype(np.uint8), labels), CLASSES)
    for c, place in CLICKS.items():
        scribbles.add(c, *place)
    assert (scribbles.labels() == classes).mean() > 0.95


# --- Refiners --------------------------------------------------------------------------------------------------


def test_a_refiner_gives_what_the_same_marks_give_by_hand(marked):
    scribbles, _ = marked
    regions, strokes = scribbles.regions, scribbles.strokes
    refiner = from_scribbles(strokes, CLASSES)
    assert isinstance(refiner, Refiner)
    assert (refiner.task, refiner.classes, refiner.name, refiner.files) == ("semantic", CLASSES, "scribbles", ())
    result = refine_labels(regions.image, regions.labels, refiner)
    assert_array_equal(result.result.probabilities, scribbles.probabilities())
    assert_array_equal(result.labels, scribbles.labels())
    strokes[:] = -1  # the refiner has its own
    assert_array_equal(refiner.refine(regions).probabilities, scribbles.probabilities())


def test_a_refiner_takes_the_options_of_scribbles(marked):
    regions, strokes = marked[0].regions, marked[0].strokes
    options = {"regularization": 0.5, "smoothness": 0.25, "n_landmarks": 7}
    scribbles = Scribbles(regions, CLASSES, **options)
    scribbles.add_strokes(strokes)
    found = from_scribbles(strokes, CLASSES, **options).refine(regions).probabilities
    assert_array_equal(found, scribbles.probabilities())
    assert np.abs(found - marked[0].probabilities()).max() > 0.01


def test_what_was_learnt_on_one_image_tells_another(marked, rng):
    scribbles, _ = marked
    image, classes, labels = scene(rng)
    for refiner in (
        scribbles.refiner(),
        from_scribbles(np.zeros((1, 1), int), CLASSES).fit([scribbles.regions], [scribbles.strokes]),
    ):
        found = refine_labels(image, labels, refiner)
        assert (found.labels == classes).mean() > 0.95


def test_smoothness_counts_on_other_images(marked, rng):
    regions, strokes = marked[0].regions, marked[0].strokes
    image, _, labels = scene(rng)
    table = describe_regions(image + rng.normal(0, 4, image.shape), labels)
    rough = []
    for smoothness in (0.0, 1.0, 10.0):
        refiner = from_scribbles(strokes, CLASSES, smoothness=smoothness).fit([regions], [strokes])
        found = refiner.refine(table).probabilities
        rough.append(np.abs(found[table.edges[:, 0]] - found[table.edges[:, 1]]).sum())
    assert rough[0] > rough[1] + 2 > rough[2] + 4


def test_a_refiner_keeps_what_it_is_when_marks_are_added(marked):
    scribbles, _ = marked
    refiner = scribbles.refiner()
    before = refiner.refine(scribbles.regions).probabilities
    scribbles.add("hot spot", 1, 1)
    scribbles.remove([1, 1], [9, 13])
    assert_array_equal(refiner.refine(scribbles.regions).probabilities, before)


def test_several_images_teach_together(rng):
    scenes = [scene(rng) for _ in range(3)]
    tables = [describe_regions(image, labels) for image, _, labels in scenes]
    targets = [np.where(classes == c, c, -1) for c, (_, classes, _) in enumerate(scenes)]  # a class from each image
    refiner = from_scribbles(np.zeros((1, 1), int), CLASSES)
    assert refiner.fit(tables, targets) is refiner
    for (_, classes, _), table in zip(scenes, tables):
        assert (refiner.refine(table).probabilities.argmax(axis=1)[table.rows] == classes).mean() > 0.95


def test_a_file_keeps_every_bit(marked, tmp_path, rng):
    scribbles, _ = marked
    refiner, file = scribbles.refiner(), tmp_path / "flight.npz"
    refiner.save(file)
    assert [path.name for path in tmp_path.iterdir()] == ["flight.npz"]
    image, _, labels = scene(rng)
    table = describe_regions(image, labels)
    loaded = load_scribbles(file), load_refiner(f"scribbles:file={file}"), pickle.loads(pickle.dumps(refiner))
    for other in loaded:
        assert other.classes == refiner.classes
        assert_array_equal(other.refine(table).probabilities, refiner.refine(table).probabilities)
    assert loaded[0].files == (str(file),)
    again = loaded[0].fit([scribbles.regions], [scribbles.strokes])  # with the options of the file
    assert_array_equal(again.refine(table).probabilities, refiner.refine(table).probabilities)
    assert again.files == ()


def test_a_file_keeps_the_options(marked, tmp_path):
    regions, strokes = marked[0].regions, marked[0].strokes
    options = {"regularization": 0.5, "smoothness": 0.25, "n_landmarks": 7}
    first = from_scribbles(strokes, CLASSES, **options).fit([regions], [strokes])
    first.save(tmp_path / "a.npz")
    other = load_scribbles(tmp_path / "a.npz").fit([regions], [strokes])
    assert_array_equal(other.refine(regions).probabilities, first.refine(regions).probabilities)


# --- Errors ----------------------------------------------------------------------------------------------------

CALLS = {
    "regions": (
        lambda s: Scribbles(np.zeros((2, 2)), CLASSES),
        TypeError,
        "regions must be a RegionTable, got ndarray; call describe_regions()",
    ),
    "classes": (
        lambda s: Scribbles(s.regions, ()),
        ValueError,
        "classes must name at least one class, got none",
    ),
    "regularization": (
        lambda s: Scribbles(s.regions, CLASSES, regularization=0),
        ValueError,
        "regularization must be at least 1e-09, got 0.0",
    ),
    "smoothness": (
        lambda s: Scribbles(s.regions, CLASSES, smoothness=-1),
        ValueError,
        "smoothness must be at least 0, got -1.0",
    ),
    "n_landmarks": (
        lambda s: from_scribbles([[0]], CLASSES, n_landmarks=0),
        ValueError,
        "n_landmarks must be at least 1, got 0",
    ),
    "no such class": (
        lambda s: s.add("roof", 0, 0),
        ValueError,
        "category must be one of 'ground', 'module', 'hot spot', got 'roof'",
    ),
    "no such index": (lambda s: s.add(3, 0, 0), ValueError, "category must be at most 2, got 3"),
    "beside the image": (
        lambda s: s.add(0, [0, 32], [0, 0]),
        ValueError,
        "rows must lie within the image, 0 to 31, got 0 to 32",
    ),
    "before the image": (
        lambda s: s.remove(0, -1),
        ValueError,
        "cols must lie within the image, 0 to 39, got -1 to -1",
    ),
    "a mask instead of places": (
        lambda s: s.add(0, [True, False], [0, 1]),
        TypeError,
        "rows must be places of pixels, got bool; np.nonzero(mask) gives rows and cols of a mask",
    ),
    "a mask instead of strokes": (
        lambda s: s.add_strokes(np.zeros((32, 40), bool)),
        TypeError,
        "strokes must be the places of classes, got bool; np.where(strokes, 0, -1) marks the first class",
    ),
    "unequal": (
        lambda s: s.add(0, [0, 1], [0, 1, 2]),
        ValueError,
        "rows and cols must be as many, got 2 and 3",
    ),
    "strokes of another shape": (
        lambda s: s.add_strokes(np.zeros((4, 4), int)),
        ValueError,
        "strokes must have the image's shape (32, 40), got (4, 4)",
    ),
    "strokes of no class": (
        lambda s: s.add_strokes(np.full((32, 40), 3)),
        ValueError,
        "strokes must be -1 or the place of a class, 0 to 2, got values from 3 to 3; -1 stands where nothing is known",
    ),
    "nothing marked": (
        lambda s: from_scribbles([[-1, -1]], CLASSES),
        ValueError,
        "strokes must mark a pixel to learn from, got -1 everywhere; 0 is the first class",
    ),
    "nothing learnt": (
        lambda s: Scribbles(s.regions, CLASSES).refiner(),
        ValueError,
        "scribbles must mark a pixel to learn from, got none; call add() first",
    ),
    "strokes of another image": (
        lambda s: from_scribbles([[0, 1]], CLASSES).refine(s.regions),
        ValueError,
        "strokes must have the image's shape (32, 40), got (1, 2)",
    ),
    "strokes outside": (
        lambda s: from_scribbles(np.where(s.regions.mask, -1, 1), CLASSES).refine(s.regions),
        ValueError,
        "strokes must mark a pixel of a region, got marks outside the mask only; mark others",
    ),
    "no images": (
        lambda s: from_scribbles([[0]], CLASSES).fit([], []),
        ValueError,
        "targets must be one for each of at least one of regions, got 0 for 0",
    ),
    "targets of another shape": (
        lambda s: from_scribbles([[0]], CLASSES).fit([s.regions, s.regions], [s.strokes, [[0]]]),
        ValueError,
        "targets[1] must have the image's shape (32, 40), got (1, 1)",
    ),
    "targets that say nothing": (
        lambda s: from_scribbles([[0]], CLASSES).fit([s.regions], [np.where(s.regions.mask, -1, 0)]),
        ValueError,
        "targets must name the class of a pixel of a region, got -1 everywhere inside the masks",
    ),
    "saved too early": (
        lambda s: from_scribbles([[0]], CLASSES).save("nowhere.npz"),
        ValueError,
        "a refiner must have learnt before it is saved, got strokes on one image; "
        "call fit([describe_regions(image, labels)], [strokes]) first",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_an_error_says_what_to_do(marked, case):
    call, error, message = CALLS[case]
    with pytest.raises(error) as caught:
        call(marked[0])
    assert str(caught.value) == message


def test_an_image_of_other_channels_is_refused_by_name(marked, rng):
    refiner = marked[0].refiner()
    _, classes, labels = scene(rng)
    with pytest.raises(RefinerError) as caught:
        refine_labels(np.repeat(classes[..., None], 3, axis=2).astype(np.uint8), labels, refiner)
    assert str(caught.value) == (
        "refiner scribbles: raised ValueError: regions must have the features that were learnt from, got none named "
        "'temperature_mean', 'temperature_std', 'temperature_min', 'temperature_max', 'temperature_relative'; "
        "describe images of the same channels, with the same unit"
    )


def test_an_image_of_more_channels_is_refused_too(rng):
    _, classes, labels = scene(rng)
    two, four = (describe_regions(rng.random((*classes.shape, n), np.float32), labels) for n in (2, 4))
    scribbles = Scribbles(two, CLASSES)
    scribbles.add(0, 0, 0)
    message = "regions must have the features that were learnt from, got also 'channel_2_mean', 'channel_2_std', "
    with pytest.raises(ValueError, match=message):
        scribbles.refiner().refine(four)
    with pytest.raises(ValueError, match=message):
        from_scribbles([[0]], CLASSES).fit([two, four], [classes, classes])


def test_files_that_are_none(marked, tmp_path):
    names = ("missing.npz", "text.npz", "other.npz", "cut.npz", "single.npy")
    missing, text, other, cut, single = (tmp_path / name for name in names)
    text.write_text("scribbles")
    np.save(single, np.zeros(3))
    np.savez(other, format="classicseg scribbles 0")
    marked[0].refiner().save(cut)
    with np.load(cut) as file:
        content = dict(file)
    wanted = "a file that ScribbleRefiner.save() wrote"
    expected = {missing: "found No such file or directory", text: "found no arrays", other: "found the format"}
    expected[single] = "found the format of another kind"
    for path, told in expected.items():
        with pytest.raises(refine._errors.ClassicsegError, match=f"{path.name}: {told}") as caught:
            load_scribbles(path)
        assert str(caught.value).endswith(wanted)
    spoilt = [{**content, "seen": np.array([0, 1, 7])}]
    spoilt += [{**content, name: np.zeros(3)} for name in content]
    spoilt += [{key: value for key, value in content.items() if key != name} for name in content]
    whole = cut.read_bytes()
    for place, byte in ((4, 127), (6, 1)):  # of a newer zip; encrypted
        at = whole.index(b"PK\x01\x02") + place + 2
        cut.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        with pytest.raises(refine._errors.ClassicsegError, match=r"cut\.npz: found no arrays"):
            load_scribbles(cut)
    for arrays in spoilt:
        np.savez(cut, **arrays)
        with pytest.raises(refine._errors.ClassicsegError, match=r"cut\.npz: found") as caught:
            load_scribbles(cut)
        assert str(caught.value).endswith(wanted)


@pytest.mark.parametrize("documented", [Scribbles, from_scribbles])
def test_examples_are_what_comes_out(documented):
    names = {name: getattr(refine, name) for name in refine.__all__} | {"np": np}
    for example in doctest.DocTestFinder(recurse=False).find(documented, globs=names):
        result = doctest.DocTestRunner().run(example)
        assert result.attempted
        assert not result.failed
