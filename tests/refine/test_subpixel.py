"""Sub-pixel rearrangement: by hand, the formula of the source, PyTorch, and the way back."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg.refine import pixel_shuffle, pixel_unshuffle


def test_channels_of_a_pixel_become_a_block():
    array = np.arange(8).reshape(1, 1, 8)  # two output channels
    crd = pixel_shuffle(array, 2)
    assert_array_equal(crd[..., 0], [[0, 1], [2, 3]])
    assert_array_equal(crd[..., 1], [[4, 5], [6, 7]])
    dcr = pixel_shuffle(array, 2, order="DCR")
    assert_array_equal(dcr[..., 0], [[0, 2], [4, 6]])
    assert_array_equal(dcr[..., 1], [[1, 3], [5, 7]])


@pytest.mark.parametrize("scale", [1, 2, 3, (2, 3)])
def test_the_formula_of_the_source(rng, scale):
    """PS(T)[x, y, c] = T[x // r, y // s, C s (x mod r) + C (y mod s) + c], written for rows and columns."""
    r, s = np.broadcast_to(scale, 2)
    array = rng.random((3, 4, r * s * 2))
    shuffled = pixel_shuffle(array, scale, order="DCR")
    assert shuffled.shape == (3 * r, 4 * s, 2)
    for row, col, c in np.ndindex(shuffled.shape):
        assert shuffled[row, col, c] == array[row // r, col // s, 2 * s * (row % r) + 2 * (col % s) + c]


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_both_ways_equal_pytorch(rng, scale):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    array = rng.random((3, 4, 2 * scale * scale))
    expected = torch.nn.functional.pixel_shuffle(torch.from_numpy(array).permute(2, 0, 1)[None], scale)
    shuffled = pixel_shuffle(array, scale)
    assert_array_equal(shuffled, expected[0].permute(1, 2, 0))
    back = torch.nn.functional.pixel_unshuffle(expected, scale)
    assert_array_equal(pixel_unshuffle(shuffled, scale), back[0].permute(1, 2, 0))


@pytest.mark.parametrize("order", ["CRD", "DCR"])
@pytest.mark.parametrize("scale", [2, (2, 3), (3, 1)])
def test_there_and_back(rng, order, scale):
    r, s = np.broadcast_to(scale, 2)
    array = rng.integers(0, 99, (2, 3, r * s * 5)).astype(np.uint8)
    shuffled = pixel_shuffle(array, scale, order=order)
    assert shuffled.dtype == np.uint8
    assert_array_equal(pixel_unshuffle(shuffled, scale, order=order), array)


REFUSED = [
    (pixel_shuffle, np.ones((2, 2)), 2, {}, "array must have shape (M, N, C), got (2, 2); pass one map at a time"),
    (
        pixel_shuffle,
        np.ones((2, 2, 4)),
        (2, 3),
        {},
        "array must have a multiple of 2 × 3 = 6 channels for blocks of that size, got 4",
    ),
    (pixel_shuffle, np.ones((2, 2, 4)), 2, {"order": "RGB"}, "order must be one of 'CRD', 'DCR', got 'RGB'"),
    (pixel_shuffle, np.ones((2, 2, 4)), 0, {}, "scale must be at least 1, got 0"),
    (
        pixel_unshuffle,
        np.ones((4, 3, 1)),
        2,
        {},
        "array must be made of whole blocks of 2 × 2 pixels, got shape (4, 3, 1); cut off or pad the rest",
    ),
]


@pytest.mark.parametrize(("function", "array", "scale", "given", "message"), REFUSED)
def test_refused(function, array, scale, given, message):
    with pytest.raises(ValueError) as caught:
        function(array, scale, **given)
    assert str(caught.value) == message
