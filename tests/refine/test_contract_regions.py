"""What refiners are given: equal to its slow twin, finite whatever is outside, and the same in every unit's terms."""

import pickle

import naive_refine
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg import connected_regions, region_table
from classicseg.features import pixel_features
from classicseg.refine import describe_regions


def regions(rng, shape=(23, 31), gaps=True):
    """Region labels with gaps: some of them are outside."""
    labels = connected_regions(np.kron(rng.integers(0, 3, (6, 8)), np.ones((4, 4), int))[: shape[0], : shape[1]])
    labels[labels % 4 == 1] *= not gaps
    return labels


def colours(rng, shape):
    return np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((4, 4, 1), int))[: shape[0], : shape[1]].astype(np.uint8)


KINDS = {
    "RGB": (lambda image: image, ("L", "a", "b"), lambda image: np.asarray(pixel_features(image, "Lab"))),
    "gray": (lambda image: image[..., 0], ("gray",), lambda image: image[..., 0] / 255),
    "16 bits": (lambda image: image[..., 0] * np.uint16(257), ("gray",), lambda image: image[..., 0] / 255),
    "temperature": (lambda image: image[..., 0] / 7 - 9, ("temperature",), lambda image: image[..., 0] / 7 - 9),
    "two bands": (lambda image: image[..., :2], ("channel_0", "channel_1"), lambda image: image[..., :2] / 255),
    "float bands": (
        lambda image: image[..., [0, 1, 2, 0]] * 3.0,
        ("channel_0", "channel_1", "channel_2", "channel_3"),
        lambda image: image[..., [0, 1, 2, 0]] * 3.0,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_features_equal_their_slow_twin(rng, kind):
    make, names, channels = KINDS[kind]
    labels = regions(rng)
    image = colours(rng, labels.shape)
    table = describe_regions(make(image), labels)
    planes = np.moveaxis(channels(image).reshape(*labels.shape, -1), -1, 0) * (labels > 0)
    expected = naive_refine.features(names, planes, labels)
    assert set(table.names) == set(expected)
    assert len(table.names) == len(expected)
    for name, column in expected.items():
        # The square of the image's range is 5 digits, so float32 leaves 1e-3 of a difference of Lab.
        assert_allclose(table.column(name), column, rtol=2e-4, atol=2e-3 if kind == "RGB" else 2e-4, err_msg=name)
    assert table.features.dtype == np.float32
    assert table.features.shape == (len(table.numbers), len(table.names))


def test_places_and_neighbours(rng):
    labels = regions(rng)
    image = colours(rng, labels.shape)
    table = describe_regions(image, labels)
    pairs, lengths = naive_refine.edges(labels)
    assert_array_equal(table.edges, pairs)
    assert_array_equal(table.boundary_length, lengths)
    assert_array_equal(table.numbers, np.unique(labels)[1:])
    assert_array_equal(table.rows >= 0, table.mask)
    assert_array_equal(table.numbers[table.rows[table.mask]], labels[table.mask])
    assert_array_equal(table.mask, labels > 0)
    assert_array_equal(table.area, [(labels == number).sum() for number in table.numbers])
    for box, medoid, number in zip(table.boxes, table.medoids, table.numbers):
        places = np.argwhere(labels == number)
        assert_array_equal(box, [*places.min(axis=0), *places.max(axis=0) + 1])
        assert labels[tuple(medoid)] == number
    assert table.image is image
    assert table.labels is labels


def test_dtypes_are_those_of_the_contract(rng):
    table = describe_regions(colours(rng, (23, 31)), regions(rng), metadata={"file": "a.jpg"})
    dtypes = {name: str(value.dtype) for name, value in vars(table).items() if isinstance(value, np.ndarray)}
    assert dtypes == {
        "image": "uint8",
        "labels": "int32",
        "numbers": "int32",
        "rows": "int32",
        "features": "float32",
        "edges": "int32",
        "boundary_length": "int64",
        "area": "int64",
        "boxes": "int64",
        "medoids": "int64",
        "mask": "bool",
    }
    assert table.metadata == {"file": "a.jpg"}
    again = pickle.loads(pickle.dumps(table))
    assert_array_equal(again.features, table.features)
    assert again.names == table.names


def test_a_mask_is_as_if_the_labels_were_0_there(rng):
    labels = regions(rng, gaps=False)
    image = rng.normal(20, 5, labels.shape)
    mask = rng.random(labels.shape) < 0.7
    masked, cut = describe_regions(image, labels, mask=mask), describe_regions(image, labels * mask)
    assert_array_equal(masked.features, cut.features)
    assert_array_equal(masked.labels, labels * mask)
    assert_array_equal(masked.edges, cut.edges)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_is_outside_changes_nothing(rng, odd, channels):
    labels = regions(rng)
    image = rng.random((*labels.shape, channels))
    image[labels == 0] = odd
    found = describe_regions(image, labels).features
    image[labels == 0] = 0.5
    assert_array_equal(found, describe_regions(image, labels).features)


@pytest.mark.parametrize("largest", [1e-38, 1e13, 3e38])
@pytest.mark.parametrize("channels", [1, 4])
def test_features_are_finite_for_every_float(rng, largest, channels):
    labels = regions(rng)
    image = (rng.choice([-1, 1, 0.5], (*labels.shape, channels)) * largest).astype(np.float32)
    table = describe_regions(image, labels)
    assert np.isfinite(table.features).all()
    one = "temperature_max" if channels == 1 else "channel_0_max"
    assert table.column(one).max() == np.float32(largest)
    assert table.column("texture_fine").max() > 0 or largest < 1


def test_steepness_follows_the_unit_where_squares_leave_float32(rng):
    labels = regions(rng)
    image = rng.normal(0, 1, labels.shape).astype(np.float32)
    for name in ("texture_fine", "texture_coarse"):
        small, large = (describe_regions(image * np.float32(2.0**k), labels).column(name) for k in (0, 90))
        assert_allclose(large, small * 2.0**90, rtol=1e-5)


def test_celsius_in_integers_is_not_scaled():
    labels = [[1, 1, 2, 2]]
    table = describe_regions([[20, 22, 30, 30]], labels, unit="celsius")
    assert_array_equal(table.column("temperature_mean"), [21, 30])
    assert_allclose(
        describe_regions(np.array([[20, 22, 30, 30]], np.uint8), labels).column("gray_mean"), [21 / 255, 30 / 255]
    )


def test_a_last_axis_of_one_channel_is_none(rng):
    labels = regions(rng)
    image = rng.normal(20, 5, labels.shape)
    flat, deep = describe_regions(image, labels), describe_regions(image[..., None], labels)
    assert flat.names == deep.names
    assert_array_equal(flat.features, deep.features)
    assert deep.image.shape == (*labels.shape, 1)


def test_figures_of_known_shape():
    labels = np.zeros((60, 80), np.int32)
    rows, cols = np.mgrid[:60, :80]
    disk = (rows - 20) ** 2 + (cols - 20) ** 2 <= 15**2
    labels[disk] = 1
    labels[(rows - 20) ** 2 + (cols - 20) ** 2 < 12**2] = 0  # a ring
    labels[50, 5:45] = 2  # a line
    labels[20:40, 50:70] = 3  # a square
    labels[5, 60] = 4  # a pixel
    table = describe_regions(np.zeros((60, 80)), labels)
    ring, line, square, pixel = range(4)
    fullness, elongation = table.column("fullness"), table.column("elongation")
    assert fullness[ring] == pytest.approx((15**2 - 12**2) / (15**2 + 12**2), rel=0.1)
    assert fullness[[line, square, pixel]] == pytest.approx([3 / np.pi] * 3)
    assert elongation[line] == pytest.approx(1 - 1 / 40)
    assert elongation[[square, pixel]] == pytest.approx([0, 0], abs=1e-6)
    assert elongation[ring] < 0.01
    assert_allclose(table.column("extent")[[line, square, pixel]], 1)
    assert_allclose(table.column("row"), [20.5 / 60, 50.5 / 60, 0.5, 5.5 / 60])
    assert_allclose(table.column("contrast_max"), 0)  # no neighbours


def test_wide_images_tell_the_shape_too():
    """Row and column as whole numbers of 8, 16 and 32 bits."""
    for height, side in ((2, 100), (2, 300), (2, 70_000), (200, 250)):
        labels = np.repeat([1, 2], [side - 8, 8])[None].repeat(height, axis=0)
        along = np.array([side - 8, 8])
        expected = 1 - np.minimum(along / height, height / along)
        assert_allclose(describe_regions(np.zeros(labels.shape), labels).column("elongation"), expected, rtol=1e-6)


def test_the_same_for_any_number_of_threads_and_on_read_only_arrays(rng):
    labels = np.kron(regions(rng), np.ones((9, 5), np.int32))
    image = rng.normal(20, 5, (*labels.shape, 4)).astype(np.float32)
    before = image.copy(), labels.copy()
    for array in (image, labels):
        array.setflags(write=False)
    one = describe_regions(image, labels, n_threads=1)
    for n_threads in (2, 5):
        assert_array_equal(one.features, describe_regions(image, labels, n_threads=n_threads).features)
    assert_array_equal(image, before[0])
    assert_array_equal(labels, before[1])


def test_a_region_alone_has_no_neighbours():
    table = describe_regions(np.full((3, 3), 7.0), np.ones((3, 3), int))
    assert table.edges.shape == (0, 2)
    assert table.column("temperature_relative").tolist() == [0]
    assert table.column("contrast_mean").tolist() == [0]


def test_values_are_those_of_the_table_of_regions(rng):
    labels, image = regions(rng), rng.normal(20, 5, (23, 31))
    columns = region_table(labels, image)
    table = describe_regions(image, labels)
    for name in ("mean", "std", "min", "max"):
        assert_allclose(table.column(f"temperature_{name}"), columns[name], rtol=1e-5)


REFUSED = {
    "another shape": (
        {"labels": np.ones((3, 3), int)},
        ValueError,
        "image must have the labels' shape (3, 3), got (2, 3)",
    ),
    "no region": (
        {"labels": np.zeros((2, 3), int)},
        ValueError,
        "labels must have a region inside the mask, got none; regions are numbered from 1 on",
    ),
    "nothing inside the mask": (
        {"mask": np.zeros((2, 3), bool)},
        ValueError,
        "labels must have a region inside the mask, got none; regions are numbered from 1 on",
    ),
    "cluster labels": (
        {"labels": [[0, 0, 1], [-1, 0, 1]]},
        ValueError,
        "labels must not be negative; pass cluster labels through connected_regions() first",
    ),
    "numbers far apart": (
        {"labels": [[1, 1, 1], [1, 1, 9000]]},
        ValueError,
        "labels must be numbered 1..n, got 9000 in an image of 6 pixels; pass them through connected_regions() first",
    ),
    "NaN inside": (
        {"image": [[1, 2, np.nan], [1, 2, 3]]},
        ValueError,
        "image must be finite, got 1 NaN or infinite values; set the labels of such pixels to 0",
    ),
    "colour in degrees": (
        {"image": np.zeros((2, 3, 3)), "unit": "celsius"},
        ValueError,
        "unit='celsius' needs an image of shape (M, N), got (2, 3, 3); leave it out for colour",
    ),
    "another unit": ({"unit": "kelvin"}, ValueError, "unit must be one of 'celsius', got 'kelvin'"),
    "colours beyond 1": (
        {"image": np.full((2, 3, 3), 40.0)},
        ValueError,
        "image must range over 0 to 1, got values beyond; divide by the highest value that the source can hold, such "
        "as 255",
    ),
    "metadata of text": (
        {"metadata": "frame.jpg"},
        TypeError,
        'metadata must map names to values, got \'frame.jpg\' of type str; pass a dict such as {"file": "frame.jpg"}',
    ),
    "no threads": ({"n_threads": 0}, ValueError, "n_threads must be at least 1, got 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case):
    options, error, message = REFUSED[case]
    with pytest.raises(error) as caught:
        describe_regions(**{"image": np.zeros((2, 3)), "labels": [[1, 1, 2], [1, 1, 2]], **options})
    assert str(caught.value) == message


def test_a_feature_that_is_not_there():
    table = describe_regions(np.zeros((2, 3)), np.ones((2, 3), int))
    with pytest.raises(ValueError, match=r"^name must be one of 'temperature_mean', .*'touches_border', got 'heat'$"):
        table.column("heat")
