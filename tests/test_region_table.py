"""The table of regions: equal to its slow twin, to scikit-image, and to what figures are made to be."""

import naive_regions
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from skimage.measure import regionprops_table

from classicseg import connected_regions, region_table
from classicseg._kernels.cpu.regions_runs import PIECE, STRIP

DTYPES = ["uint8", "int8", "uint16", "int32", "int64", "float32", "float64"]
OF_PLACE = ["label", "area", "row_min", "col_min", "row_max", "col_max", "medoid_row", "medoid_col", "touches_border"]


def assert_tables_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        if name in OF_PLACE or name.startswith(("min", "max")):
            assert_array_equal(found[name], column, err_msg=name)
        else:
            assert_allclose(found[name], column, rtol=1e-12, atol=1e-12, err_msg=name)


def frame(rng, shape, dtype):
    values = rng.normal(20, 9, shape)
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else values.clip(0, 120).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_equals_the_slow_twin(rng, dtype, channels):
    labels = connected_regions(rng.integers(-1, 3, (14, 17)))
    image = frame(rng, (14, 17, *channels), dtype)
    found = region_table(labels, image)
    assert_tables_equal(found, naive_regions.region_table(labels, image))
    assert {found[name].dtype for name in found if name.startswith(("min", "max"))} == {np.dtype(dtype)}


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (STRIP - 1, 5), (STRIP, 5), (STRIP + 1, 5), (2 * STRIP, 3)])
def test_equals_the_slow_twin_at_the_bounds_of_strips(rng, shape):
    labels = np.kron(rng.integers(0, 9, (shape[0] // 8 + 1, shape[1] // 2 + 1)), np.ones((8, 2), int))
    labels = labels[: shape[0], : shape[1]] + 1
    image = rng.random(shape)
    assert_tables_equal(region_table(labels, image), naive_regions.region_table(labels, image))


def test_equals_scikit_image(rng):
    labels = connected_regions(np.kron(rng.integers(0, 4, (12, 15)), np.ones((5, 4), int))[:-1, :-2])
    image = rng.integers(0, 256, (*labels.shape, 3), np.uint8)
    names = ["area", "bbox", "centroid", "perimeter"]
    names += [f"intensity_{name}" for name in ("mean", "std", "min", "max", "median")]
    theirs = regionprops_table(labels, image, properties=["label", *names])
    ours = region_table(labels, image)
    boxes = dict(zip(("row_min", "col_min", "row_max", "col_max"), (f"bbox-{i}" for i in range(4))))
    pairs = {"label": "label", "area": "area", "perimeter": "perimeter", **boxes}
    pairs |= {"centroid_row": "centroid-0", "centroid_col": "centroid-1"}
    pairs |= {f"{n}_{c}": f"intensity_{n}-{c}" for n in ("mean", "std", "min", "max", "median") for c in range(3)}
    for own, other in pairs.items():
        assert_allclose(ours[own], theirs[other], rtol=1e-12, err_msg=own)


def disk(radius):
    rows, cols = np.indices((2 * radius + 5, 2 * radius + 5)) - radius - 2
    return (rows**2 + cols**2 <= radius**2).astype(int)


def test_figures_of_known_shape():
    ring = disk(20) - np.pad(disk(9), 11)
    (area,), (perimeter,) = (region_table(ring)[name] for name in ("area", "perimeter"))
    assert area == ring.sum()
    assert perimeter == pytest.approx(2 * np.pi * (20 + 9), rel=0.1)
    bar = np.zeros((7, 40), int)
    bar[3, 5:35] = 1
    table = region_table(bar)
    assert (table["row_min"], table["col_min"], table["row_max"], table["col_max"]) == (3, 5, 4, 35)
    assert (table["medoid_row"], table["medoid_col"]) == (3, 19)  # 19 and 20 are equally near: the first
    assert not table["touches_border"][0]


def test_the_medoid_lies_inside_where_the_centroid_does_not():
    hook = np.ones((9, 9), int)
    hook[1:8, 1:] = 0
    table = region_table(hook)
    assert hook[int(table["centroid_row"][0].round()), int(table["centroid_col"][0].round())] == 0
    row, col = table["medoid_row"][0], table["medoid_col"][0]
    assert hook[row, col] == 1
    places = np.argwhere(hook)
    sums = ((places[:, None] - places[None]) ** 2).sum(axis=(1, 2))
    assert ((np.array([row, col]) - places) ** 2).sum() == sums.min()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 255, 256, 257, 1000])
@pytest.mark.parametrize("kind", ["equal", "two values", "tiny", "wide", "integers"])
def test_medians_of_any_values(rng, n, kind):
    values = {
        "equal": np.full(n, 0.1),
        "two values": rng.choice([1.0, 2.0], n),
        "tiny": rng.integers(0, 50, n) * 5e-324,
        "wide": rng.normal(0, 1, n) * 10.0 ** rng.integers(-37, 37, n),
        "integers": rng.integers(-1000, 1000, n).astype(np.float64),
    }[kind]
    table = region_table(np.ones((1, n), int), values[None])
    assert table["median"][0] == np.median(values)
    assert table["min"][0] == values.min()
    assert table["max"][0] == values.max()


def test_the_spread_of_large_numbers_is_not_cancelled():
    image = np.array([[1e8, 1e8 + 1, 1e8 + 2]])
    assert region_table([[1, 1, 1]], image)["std"][0] == pytest.approx(np.sqrt(2 / 3), rel=1e-12)


def test_the_same_for_any_number_of_threads(rng):
    labels = connected_regions(np.kron(rng.integers(0, 3, (40, 30)), np.ones((12, 11), int)))
    image = rng.normal(0, 1, (*labels.shape, 2)).astype(np.float32)
    one = region_table(labels, image, n_threads=1)
    for n_threads in (2, 5):
        other = region_table(labels, image, n_threads=n_threads)
        for name, column in one.items():
            assert_array_equal(column, other[name])


def test_the_perimeter_of_every_neighbourhood():
    """All 256 ways in which a region can lie around one of its pixels, each with a label of its own."""
    labels = np.zeros((16 * 4, 16 * 4), int)
    for case in range(256):
        around = np.array([case >> bit & 1 for bit in range(8)])
        row, col = 4 * (case // 16), 4 * (case % 16)
        labels[row : row + 3, col : col + 3] = np.insert(around, 4, 1).reshape(3, 3) * (case + 1)
    found = region_table(labels, properties=["perimeter"])["perimeter"]
    assert_allclose(found, [naive_regions.perimeter(labels == label) for label in range(1, 257)])


@pytest.mark.parametrize("rows", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 3])
def test_a_region_of_most_pixels_is_shared_by_threads(rng, rows):
    """Its perimeter is counted in pieces of as many runs, one in a row here, and its channels are dealt out."""
    labels = np.full((rows, 3), 2)
    labels[-2:, 0] = 1
    image = rng.random((rows, 3, 2))
    one = region_table(labels, image, n_threads=1)
    assert_tables_equal(one, naive_regions.region_table(labels, image))
    assert_tables_equal(region_table(labels, image, n_threads=3), one)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_regions_part_the_image(seed):
    rng = np.random.default_rng(seed)
    labels = connected_regions(rng.integers(0, 3, (11, 13)))
    image = rng.integers(0, 256, (11, 13), np.uint8)
    table = region_table(labels, image)
    assert table["area"].sum() == labels.size
    assert (table["area"] * table["mean"]).sum() == pytest.approx(image.sum())
    assert_array_equal(labels[table["medoid_row"], table["medoid_col"]], table["label"])
    assert (table["min"] <= table["median"]).all()
    assert (table["median"] <= table["max"]).all()


def test_missing_numbers_are_left_out():
    table = region_table([[0, 3, 3], [0, 5, 0]], [[9, 1, 2], [9, 4, 9]])
    assert_array_equal(table["label"], [3, 5])
    assert_array_equal(table["mean"], [1.5, 4])
    assert_array_equal(table["max"], [2, 4])


def test_no_region_gives_an_empty_table():
    table = region_table(np.zeros((3, 4), int), np.zeros((3, 4)))
    assert {len(column) for column in table.values()} == {0}


def test_mask_is_as_if_the_labels_were_0(rng):
    labels, image = rng.integers(1, 4, (9, 8)), rng.random((9, 8))
    mask = rng.random((9, 8)) < 0.7
    expected = region_table(np.where(mask, labels, 0), image)
    found = region_table(labels, np.where(mask, image, np.nan), mask=mask)
    assert_tables_equal(found, expected)


def test_only_what_is_asked_for(rng):
    labels = np.ones((3, 4), int)
    assert list(region_table(labels, properties=["box"])) == ["label", "row_min", "col_min", "row_max", "col_max"]
    assert list(region_table(labels, np.ones((3, 4)), properties=("max", "area"))) == ["label", "area", "max"]
    assert "mean" not in region_table(labels)
    assert list(region_table(labels, np.ones((3, 4, 2)), properties=["std"])) == ["label", "std_0", "std_1"]
    assert list(region_table(labels, properties=[])) == ["label"]


def test_pandas_and_pyarrow_take_it(rng):
    table = region_table([[1, 1], [2, 2]], rng.random((2, 2, 3)))
    for column in table.values():
        assert column.ndim == 1
        assert column.flags.c_contiguous
        assert column.dtype.isnative
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert pandas.DataFrame(table).shape == (2, len(table))
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert pyarrow.table(table).num_rows == 2


def test_inputs_stay_unchanged(rng):
    labels, image = rng.integers(0, 4, (12, 12)), rng.random((12, 12))
    for array in (labels, image):
        array.setflags(write=False)
    found = region_table(labels[::2, ::2], image[::2, ::2])
    assert_tables_equal(found, region_table(labels[::2, ::2].copy(), image[::2, ::2].copy()))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: region_table([[-1]]), ValueError, "pass cluster labels through connected_regions() first"),
        (lambda: region_table([[0, 9]]), ValueError, "labels must be numbered 1..n, got 9 in an image of 2 pixels"),
        (lambda: region_table([[1]], [[1, 2]]), ValueError, "image must have the labels' shape (1, 1), got (1, 2)"),
        (lambda: region_table([[1]], [[np.nan]]), ValueError, "set the labels of such pixels to 0"),
        (lambda: region_table([[1]], properties=["mean"]), ValueError, "image must be given for the properties mean"),
        (lambda: region_table([[1]], properties=["size"]), ValueError, "properties must be one of 'area', 'box', "),
        (lambda: region_table([[1]], properties="area"), TypeError, "properties must be a sequence of names"),
        (lambda: region_table([[1]], n_threads=0), ValueError, "n_threads must be at least 1, got 0"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)
