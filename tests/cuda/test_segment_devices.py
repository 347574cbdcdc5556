"""segment of images on a GPU: the labels and the tree of the CPU."""

import numpy as np
import pytest

from classicseg import segment, segment_tree


def picture(kind):
    rng = np.random.default_rng(4)
    image = np.full((60, 80, 3), (70, 120, 40), np.uint8)
    image[10:40, 20:60] = 200, 60, 30
    image[30:55, 5:30] = 40, 60, 180
    image = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    return {"colours": image, "gray": image[..., 0] / 255, "temperatures": image[..., 0] / 9}[kind]


@pytest.mark.parametrize("kind", ["colours", "gray", "temperatures"])
def test_labels_are_those_of_the_cpu(cuda, kind):
    image = picture(kind)
    found = cuda.take(segment(cuda.put(image), 0.4))
    assert found.dtype == np.int32
    assert found.max() > 1
    np.testing.assert_array_equal(found, segment(image, 0.4))


def test_masks_and_depth_lie_where_the_image_does(cuda):
    image, mask, depth = picture("colours"), np.ones((60, 80), bool), np.full((60, 80), 2.0)
    mask[:9], depth[:, 40:], depth[20, 7] = False, 3.0, np.nan
    on_device = {"mask": cuda.put(mask), "depth": cuda.put(depth)}
    tree, expected = segment_tree(cuda.put(image), **on_device), segment_tree(image, mask=mask, depth=depth)
    assert all(isinstance(part, np.ndarray) for part in (tree.labels, tree.heights))
    np.testing.assert_array_equal(tree.cut(n_segments=5), expected.cut(n_segments=5))
    np.testing.assert_array_equal(tree.heights, expected.heights)
    for name, other in on_device.items():
        with pytest.raises(TypeError, match=f"^{name} must lie where image does"):
            segment_tree(image, **{name: other})
        with pytest.raises(TypeError, match=f"^{name} must lie where image does"):
            segment_tree(cuda.put(image), **{name: other.get()})
