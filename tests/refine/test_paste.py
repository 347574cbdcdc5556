"""Pasting masks: boxes of ones, the slow twin, PyTorch, sub-pixel shifts, borders, thresholds."""

import naive_upsample as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg.refine import paste_masks

SHAPE = (20, 24)
BOXES = np.array(
    [
        [2, 3, 9, 15],
        [2.3, 3.8, 9.6, 15.1],
        [-4.5, -3.0, 6.2, 8.0],  # beyond the upper left
        [12.0, 15.5, 27.0, 30.0],  # beyond the lower right
        [5.2, 5.3, 5.9, 6.4],  # smaller than a pixel
        [-30, -30, -20, -20],  # outside
        [4.5, 4, 4.5, 9],  # without area
    ]
)


def test_a_mask_of_ones_is_its_box():
    (found,) = paste_masks(np.ones((1, 28, 28)), [[2, 3, 9, 15]], SHAPE)
    expected = np.zeros(SHAPE, bool)
    expected[2:9, 3:15] = True
    assert found.dtype == bool
    assert_array_equal(found, expected)


@pytest.mark.parametrize("box", BOXES[:6])
@pytest.mark.parametrize("sides", [(9, 7), (1, 1), (2, 5)])
def test_probabilities_equal_the_slow_twin(rng, box, sides):
    mask = rng.random(sides)
    (found,) = paste_masks(mask[None], [box], SHAPE, threshold=None)
    assert_allclose(found, naive.paste(mask, box, SHAPE), atol=1e-12)


def test_probabilities_equal_pytorch(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    masks = rng.random((6, 28, 28))
    found = paste_masks(masks, BOXES[:6], SHAPE, threshold=None)
    for mask, box, ours in zip(masks, BOXES, found):
        rows = 2 * (np.arange(SHAPE[0]) + 0.5 - box[0]) / (box[2] - box[0]) - 1
        cols = 2 * (np.arange(SHAPE[1]) + 0.5 - box[1]) / (box[3] - box[1]) - 1
        grid = torch.from_numpy(np.stack(np.meshgrid(cols, rows), axis=2))[None]
        theirs = torch.nn.functional.grid_sample(torch.from_numpy(mask)[None, None], grid, align_corners=False)
        assert_allclose(ours, theirs[0, 0], atol=1e-12)


def test_a_threshold_cuts_the_probabilities(rng):
    masks = rng.random((7, 28, 28))
    soft = paste_masks(masks, BOXES, SHAPE, threshold=None)
    for threshold in (0.1, 0.5, 0.9):
        assert_array_equal(paste_masks(masks, BOXES, SHAPE, threshold=threshold), soft >= threshold)
    assert_array_equal(paste_masks(masks, BOXES, SHAPE), soft >= 0.5)
    assert paste_masks(np.full((1, 28, 28), 0.5), [[2, 3, 9, 15]], SHAPE)[0, 4, 8]  # just enough


def test_boxes_of_hardly_any_area_get_an_empty_mask():
    boxes = [[2, 3, 2 + 5e-324, 9], [0, 0, 5e-324, 9], [0, 0, 9, 1e-31], [0, 0, 1e-20, 1e-20]]
    assert not paste_masks(np.ones((4, 28, 28)), boxes, SHAPE).any()


def test_a_box_larger_than_any_image():
    assert paste_masks(np.ones((1, 28, 28)), [[-3e38, -3e38, 3e38, 3e38]], SHAPE).all()


def test_a_disc_comes_back_as_a_disc():
    """Cut out of the image at 28 × 28 and pasted back, large or small, at whole or broken places."""
    rows, cols = np.mgrid[:120, :150] + 0.5
    side = (np.arange(28) + 0.5) / 28
    for middle, radius in (((60, 70), 40), ((50.3, 80.6), 33.7), ((30, 100), 9)):
        disc = np.hypot(rows - middle[0], cols - middle[1]) <= radius
        small = np.hypot(*(2 * radius * (side - 0.5) for side in np.meshgrid(side, side))) <= radius
        box = [middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius]
        found = paste_masks(small[None], [box], disc.shape)
        assert (disc & found[0]).sum() > 0.96 * (disc | found[0]).sum()


def test_moving_the_box_moves_the_mask(rng):
    mask = rng.random((1, 28, 28))
    here, there = (
        paste_masks(mask, [[r, c, r + 7.3, c + 9.1]], SHAPE, threshold=None) for r, c in ((2.4, 3.1), (5.4, 8.1))
    )
    assert_allclose(there[0, 3:, 5:], here[0, :-3, :-5], atol=1e-12)


def test_dtypes_and_the_callers_arrays():
    masks, boxes = np.ones((1, 4, 4), np.float32), np.array([[1.0, 1, 5, 5]])
    for argument in (masks, boxes):
        argument.flags.writeable = False
    assert paste_masks(masks, boxes, SHAPE, threshold=None).dtype == np.float32
    assert paste_masks(masks > 0, boxes, SHAPE, threshold=None).dtype == np.float32
    assert paste_masks(masks.astype(float), boxes, SHAPE, threshold=None).dtype == np.float64
    assert_array_equal(boxes, [[1, 1, 5, 5]])
    assert paste_masks(np.empty((0, 28, 28)), np.empty((0, 4)), SHAPE).shape == (0, *SHAPE)


ONE = np.ones((1, 2, 2))
BOX = [[0, 0, 2, 2]]
REFUSED = [
    ((np.ones((2, 2)), BOX, SHAPE), {}, ValueError, "masks must have shape (n, a, b), one mask per box, got (2, 2)"),
    (
        (np.ones((1, 0, 2)), BOX, SHAPE),
        {},
        ValueError,
        "masks must have shape (n, a, b), one mask per box, got (1, 0, 2)",
    ),
    (
        (ONE * np.nan, BOX, SHAPE),
        {},
        ValueError,
        "masks must be finite, got 4 NaN or infinite values; leave such masks out",
    ),
    (
        (ONE * -4, BOX, SHAPE),
        {},
        ValueError,
        "masks must be probabilities of 0 to 1, got -4 to -4; pass logits through 1 / (1 + np.exp(-x))",
    ),
    (
        (ONE * 1.5, BOX, SHAPE),
        {},
        ValueError,
        "masks must be probabilities of 0 to 1, got 1.5 to 1.5; pass logits through 1 / (1 + np.exp(-x))",
    ),
    ((ONE, BOX * 2, SHAPE), {}, ValueError, "boxes must be as many as masks, 1, got 2"),
    (
        (ONE, [[0, 3, 2, 2]], SHAPE),
        {},
        ValueError,
        "boxes must have row_min <= row_max and col_min <= col_max, got [0.0, 3.0, 2.0, 2.0] in row 0; pass boxes "
        "of x, y, width, height through boxes_from_coco() first",
    ),
    ((ONE, BOX, 20), {}, ValueError, "shape must be two whole numbers, rows and columns, got 20"),
    ((ONE, BOX, (20, 24, 3)), {}, ValueError, "shape must be two whole numbers, rows and columns, got (20, 24, 3)"),
    ((ONE, BOX, (0, 24)), {}, ValueError, "shape[0] must be at least 1, got 0"),
    ((ONE, BOX, SHAPE), {"threshold": 1.5}, ValueError, "threshold must be at most 1, got 1.5"),
    ((ONE, BOX, SHAPE), {"threshold": 0}, ValueError, "threshold must be greater than 0, got 0.0"),
    ((ONE, BOX, SHAPE), {"threshold": "half"}, TypeError, "threshold must be a number, got 'half' of type str"),
]


@pytest.mark.parametrize(("arguments", "given", "error", "message"), REFUSED)
def test_refused(arguments, given, error, message):
    with pytest.raises(error) as caught:
        paste_masks(*arguments, **given)
    assert str(caught.value) == message
