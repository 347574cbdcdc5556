"""k-means in its fast forms: the same bits as the plain form, which scores every sample against every center."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from classicseg import pixel_features
from classicseg._kernels.cpu import kmeans as kernels
from classicseg._kernels.cpu import kmeans_colors, kmeans_order
from classicseg._kernels.cpu.kmeans_tiles import SIDE, TILE, build_tiles
from classicseg.cluster._source import source_of


def picture(rng, shape, dtype, n_channels):
    """Smooth areas, steep borders and noise: tiles far from every border between clusters, and tiles on one."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    waves = [np.sin(rows / (17 + 5 * c)) * np.cos(cols / (23 - 3 * c)) > 0.1 * c for c in range(n_channels)]
    image = 60 + 110 * np.stack(waves, axis=-1) + rng.normal(0, 9, (*shape, n_channels)) + 0.2 * cols[..., None]
    return image.clip(0, 255).astype(dtype)


def runs(source, centers, n_iter, **options):
    """Yield labels, centers and inertia after every step."""
    state = kernels.start(source.samples, source.to_v(centers), 2, **options)
    for _ in range(n_iter):
        kernels.lloyd_step(state, 0.0)
        yield kernels.finish(state)


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert_array_equal(one[0], other[0])
        assert one[1].tobytes() == other[1].tobytes()
        assert one[2] == other[2]


def assert_same_runs(source, centers, n_iter):
    assert_same(runs(source, centers, n_iter), runs(source, centers, n_iter, bounds=False))


# With the JIT off, a scene as large as this would take minutes.
SHAPE = (40, 45) if numba.config.DISABLE_JIT else (300, 270)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", ["RGB", "RGBxy"])
def test_bounds_change_no_bit_of_any_step(rng, dtype, channels):
    image = picture(rng, SHAPE, dtype, 3)
    source = source_of(pixel_features(image, channels))
    assert_same_runs(source, source.take(rng.choice(source.n_samples, 9, replace=False)), 4 if SHAPE[0] < 99 else 15)


def test_bounds_with_weights_and_mask(rng):
    image = picture(rng, SHAPE, np.float32, 2)
    mask = rng.random(SHAPE) < 0.6
    source = source_of(image, mask, rng.random(SHAPE))
    assert_same_runs(source, source.take(np.arange(7)), 5)


def test_more_features_than_steps_are_compiled_for(rng):
    source = source_of(picture(rng, (40, 50), np.uint8, 7))
    assert_same_runs(source, source.take(rng.choice(2000, 6, replace=False)), 5)


def test_repeated_centers_part_once_the_first_has_moved(rng):
    """The second of two equal centers gets nothing at first, and its share as soon as the first has left it."""
    image = picture(rng, (40, 50), np.uint8, 3)
    source = source_of(image)
    centers = np.repeat(source.take(np.array([3, 700])), 2, axis=0)
    assert_same_runs(source, centers, 6)
    *_, last = runs(source, centers, 6)
    assert set(np.unique(last[0])) > {0, 2}


def test_converged_labels_are_not_looked_at_again(rng):
    """After the last step nothing has moved, so every tile is safe, and no score is taken."""
    source = source_of(picture(rng, (60, 70), np.uint8, 3))
    state = kernels.start(source.samples, source.to_v(source.take(np.array([0, 2000, 4000]))))
    for _ in range(60):
        kernels.lloyd_step(state, 0.0)
    assert kernels.progress(state)[1] == 0
    before = state.scored
    state.moved = np.inf
    kernels.lloyd_step(state, 0.0)
    assert state.scored - before < source.n_samples  # tiles with a tie within rounding are scored for ever
    assert kernels.progress(state)[1] == 0


@pytest.mark.parametrize("n", [1, TILE - 1, TILE, TILE + 1, SIDE * SIDE + 5])
def test_every_sample_is_in_one_tile(rng, n):
    if numba.config.DISABLE_JIT:
        n = min(n, 2 * TILE + 5)
    values = rng.integers(0, 256, (n, 2)).astype(np.uint8)
    tiles, _ = build_tiles(source_of(values).samples, 2)
    inside = np.arange(TILE) < tiles.count[:, None]
    code = tiles.corner[:, :1] + tiles.place[:, 1].astype(int) * 256 + tiles.place[:, 0]
    assert_array_equal(np.sort(code[inside]), np.arange(n))
    for f in range(2):
        assert_array_equal(tiles.values[:, f][inside], values[code[inside], f])
        low, high = tiles.middle[:, f] - tiles.half[:, f], tiles.middle[:, f] + tiles.half[:, f]
        held = np.where(inside, tiles.values[:, f], tiles.middle[:, f][:, None])
        assert (held.min(axis=1) >= low).all()
        assert (held.max(axis=1) <= high).all()
        assert tiles.totals[:, f].sum() == values[:, f].sum()
        assert tiles.squares[:, f].sum() == (values[:, f].astype(int) ** 2).sum()
    assert tiles.totals[:, 2].sum() == n


def test_sorting_makes_small_boxes(rng):
    """On pure noise too: a block of 64 tiles is cut four times along each of three colours."""
    n = SIDE * SIDE if not numba.config.DISABLE_JIT else 4 * TILE
    tiles, _ = build_tiles(source_of(rng.integers(0, 256, (n, 3)).astype(np.uint8)).samples, 1)
    volume = np.prod(2 * tiles.half / 255, axis=1)
    assert np.median(volume) < 2 * TILE / n


@pytest.fixture
def small_table(monkeypatch):
    """Count colours of small images too. Without the JIT a table of 2**24 takes minutes: red is 0 then, green < 8."""
    monkeypatch.setattr(kmeans_colors, "FEWEST", 1)
    if numba.config.DISABLE_JIT:
        monkeypatch.setattr(kmeans_colors, "SIZE", 1 << 11)
        return (0, 7, 255)
    return (255, 255, 255)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_clusters", [5, 300])
def test_distinct_colours_give_the_bits_of_the_pixels(rng, small_table, monkeypatch, masked, n_clusters):
    shape = (30, 31) if numba.config.DISABLE_JIT else (120, 130)
    image = np.minimum(picture(rng, shape, np.uint8, 3) // 8 * 8, np.array(small_table, np.uint8))
    source = source_of(image, rng.random(shape) < 0.7 if masked else None)
    centers = source.take(rng.choice(source.n_samples, n_clusters, replace=False)) + 0.25
    assert kernels.start(source.samples, source.to_v(centers)).replaced is not None
    colors = list(runs(source, centers, 4))
    monkeypatch.setattr(kmeans_colors, "FEWEST", 1 << 22)
    assert_same(colors, runs(source, centers, 4))


def test_too_many_distinct_colours_are_no_shortcut(small_table):
    samples = np.stack([np.zeros(900, int), np.arange(900) // 128, np.arange(900) % 128], axis=1).astype(np.uint8)
    assert kmeans_colors.distinct_colors(source_of(samples).samples, 1) is None  # told from some of them
    some_twice = np.concatenate([samples, samples[:200]])
    assert kmeans_colors.distinct_colors(source_of(some_twice).samples, 1) is None  # told from all
    assert kmeans_colors.distinct_colors(source_of(np.repeat(samples, 2, axis=0)).samples, 1) is not None


@pytest.mark.parametrize(
    "samples",
    [
        lambda image: image[..., :2],
        lambda image: image.astype(np.uint16),
        lambda image: pixel_features(image, "RGBx"),
    ],
)
def test_colours_are_counted_for_8_bit_rgb_only(rng, monkeypatch, samples):
    monkeypatch.setattr(kmeans_colors, "FEWEST", 1)
    source = source_of(samples(np.zeros((5, 6, 3), np.uint8)))
    assert kmeans_colors.distinct_colors(source.samples, 1) is None
    weighted = source_of(np.zeros((5, 6, 3), np.uint8), None, np.ones((5, 6)))
    assert kmeans_colors.distinct_colors(weighted.samples, 1) is None


def test_kernels_of_the_colour_tables():
    """On a few colours, so that they run without the JIT too."""
    red, green = np.zeros((2, 1, 5), np.uint8)
    blue = np.array([[3, 1, 3, 0, 3]], np.uint8)
    mask = np.array([[True, True, False, True, True]])
    tables = np.zeros((2, 4), np.int32)
    kmeans_colors.count_colors(red, green, blue, mask, 0, 3, tables[0])
    kmeans_colors.count_colors(red, green, blue, mask, 3, 5, tables[1])
    found, keys, weight = np.zeros(1, np.int64), np.empty(3, np.int32), np.empty(3)
    kmeans_colors.sum_tables(tables, 0, 4, found)
    assert found[0] == 3
    kmeans_colors.list_colors(tables[0], 0, 4, 0, keys, weight)
    assert_array_equal(keys, [0, 1, 3])
    assert_array_equal(weight, [1, 1, 2])
    out = np.full((1, 5), -1, np.int32)
    kmeans_colors.look_up(red, green, blue, mask, 0, 5, np.array([7, 8, 0, 9], np.uint8), out)
    assert_array_equal(out, [[9, 8, -1, 7, 9]])


@pytest.fixture
def short_lists(monkeypatch):
    """Put short lists in order too, in parts that the last sample but one leaves half empty."""
    monkeypatch.setattr(kmeans_order, "FEWEST", 1)
    monkeypatch.setattr(kmeans_order, "PART", 129)


@pytest.mark.parametrize("n_clusters", [8, 15, 300])
def test_colours_in_order_give_the_bits_of_the_pixels(rng, monkeypatch, short_lists, n_clusters):
    image = picture(rng, (30, 31) if numba.config.DISABLE_JIT else (120, 131), np.uint8, 3)
    source = source_of(image)
    centers = source.take(rng.choice(source.n_samples, n_clusters, replace=False)) + 0.25
    assert isinstance(kernels.start(source.samples, source.to_v(centers)).replaced, kmeans_order.Order)
    ordered = list(runs(source, centers, 4))
    monkeypatch.setattr(kmeans_order, "FEWEST", 1 << 30)
    assert_same(ordered, runs(source, centers, 4))


@pytest.mark.parametrize("n", [1, 128, 129, 130, 400])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_order_is_by_key_and_of_one_key_as_they_came(rng, short_lists, n, n_threads):
    colors = (rng.integers(0, 4, (n, 3)) * 80).astype(np.uint8)  # 64 colours: the key, of 7 bits, parts them all
    ordered, order = kmeans_order.in_order(source_of(colors).samples, 8, n_threads)
    assert_array_equal(np.sort(order.position), np.arange(n))
    values = np.concatenate(ordered.planes).T
    assert_array_equal(values[order.position], colors)
    number = values.astype(int) @ [1 << 16, 1 << 8, 1]
    assert (np.diff(number) != 0).sum() == len(np.unique(number)) - 1  # every colour in one run
    source_index = np.argsort(order.position)
    assert (np.diff(source_index)[np.diff(number) == 0] > 0).all()
    labels = np.full((1, n), -7, np.int32)
    order.labels[:] = number
    order.paint(labels, n_threads)
    assert_array_equal(labels[0], colors.astype(int) @ [1 << 16, 1 << 8, 1])


@pytest.mark.parametrize(
    "source",
    [
        lambda image: source_of(image[..., :2]),
        lambda image: source_of(image.astype(np.uint16)),
        lambda image: source_of(pixel_features(image, "RGBx")),
        lambda image: source_of(image, np.arange(30).reshape(5, 6) < 9),
        lambda image: source_of(image, None, np.ones((5, 6))),
    ],
)
def test_only_lists_of_plain_8_bit_rgb_are_put_in_order(monkeypatch, source):
    image = np.zeros((5, 6, 3), np.uint8)
    assert kmeans_order.in_order(source_of(image).samples, 8, 1) is None  # too short
    monkeypatch.setattr(kmeans_order, "FEWEST", 1)
    assert kmeans_order.in_order(source_of(image).samples, 8, 1) is not None
    assert kmeans_order.in_order(source_of(image).samples, 7, 1) is None  # too few centers
    assert kmeans_order.in_order(source(image).samples, 8, 1) is None
