"""Texture features: slow twins, known textures, windows, masks, units, blocks, memory, errors."""

import os

import naive_features as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from patterns import stripes

from classicseg import kmeans, pixel_features, texture_features
from classicseg._kernels.cpu import texture
from classicseg.features import _planes, _texture
from classicseg.features._codes import binary_patterns, textons
from classicseg.features._jets import Jet, jet
from classicseg.features._windows import window_sizes, window_sums

KINDS = ["textons", "filters", "lbp"]
compiled = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="too many pixels with the JIT off")


# --- Filters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3])
def test_the_bank_equals_the_slow_twin(rng, sigma):
    image = rng.integers(0, 256, (11, 9)).astype(np.uint8)
    assert_allclose(np.stack(jet(image, sigma, 0, 11)), naive.jet(image, sigma), atol=2e-4)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 4.0])
def test_the_bank_is_exact_on_ramps_and_parabolas(sigma):
    rows, cols = np.mgrid[:80, :90] * 1.0
    middle = np.s_[35:45, 40:50]
    ramp = [part[middle] for part in jet(2 * cols - 3 * rows + 7, sigma, 0, 80)]
    for part, value in zip(ramp, [2 * sigma, -3 * sigma, 0, 0, 0]):
        assert_allclose(part, value, atol=3e-3)
    bowl = [part[middle] for part in jet(0.5 * cols**2 + cols * rows - rows**2, sigma, 0, 80)[2:]]
    for part, value in zip(bowl, np.array([1, 1, -2]) * sigma**2):
        assert_allclose(part, value, atol=0.05)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 3.7, 20.0])
def test_the_bank_sees_nothing_in_a_constant(sigma):
    for value in (77, 0.1, -273.15, 1e-6, 33333.34):
        for part in jet(np.full((9, 9), value), sigma, 0, 9):
            assert_array_equal(part, 0)


def test_rows_of_the_bank_do_not_depend_on_the_block(rng):
    image = rng.random((20, 7))
    whole = np.stack(jet(image, 1.0, 0, 20))
    assert_array_equal(np.stack(jet(image, 1.0, 5, 9)), whole[:, 5:9])
    assert_array_equal(np.stack(jet(image, 1.0, 19, 20)), whole[:, 19:])


@pytest.mark.parametrize("k", range(4))
def test_energy_is_largest_across_the_stripes(k):
    energy = texture_features(stripes(np.pi * k / 4), kind="filters", size=13)[20, 20]
    assert energy[:4].argmax() == k
    assert energy[(k + 2) % 4] < 0.1 * energy[k]  # along the stripes nothing changes


def test_one_orientation_does_not_see_the_angle():
    energies = [texture_features(stripes(a), kind="filters", size=25, n_orientations=1)[20, 20] for a in (0, 0.5, 1.3)]
    assert_allclose(energies[1:], [energies[0]] * 2, rtol=0.03)
    many = texture_features(stripes(0.5), kind="filters", size=25, n_orientations=8)[20, 20]
    assert_allclose(energies[1][0], np.sqrt((many[:8] ** 2).mean()), rtol=1e-5)
    assert_allclose(energies[1][1], many[8], rtol=1e-6)


# --- Textons ---------------------------------------------------------------------------------------------------


@settings(deadline=None)  # the first call may compile
@given(st.lists(st.floats(-50, 50, width=32), min_size=5, max_size=5), st.floats(0, 20, width=32), st.integers(1, 8))
def test_textons_equal_the_slow_twin(responses, contrast, n):
    expected, margin = naive.texton(*responses, contrast, n)
    if margin > 1e-3:  # nearer than that, rounding decides
        found = textons(Jet(*np.array(responses, np.float32)[:, None, None]), contrast, n)
        assert found.dtype == np.uint8
        assert found[0, 0] == expected


@pytest.mark.parametrize("n", range(1, 9))
def test_textons_of_every_orientation_equal_the_slow_twin(rng, n):
    responses = rng.normal(0, 20, (5, 1, 200)).astype(np.float32)
    found = textons(Jet(*responses), 5.0, n)[0]
    expected = [naive.texton(*one, 5.0, n) for one in responses[:, 0].T]
    clear = [margin > 1e-3 for _, margin in expected]
    assert_array_equal(found[clear], np.array([code for code, _ in expected])[clear])
    assert len(set(found[clear])) > min(n, 4) + 3  # slopes, blobs, lines and saddles are among them


def test_a_tie_of_textons_goes_to_the_first():
    zero = np.zeros((1, 1), np.float32)
    assert textons(Jet(zero, zero, zero, zero, zero), 0.0, 4)[0, 0] == 0  # every measure is 0
    one = np.ones((1, 1), np.float32)
    assert textons(Jet(one, zero, zero, zero, zero), 2.0, 4)[0, 0] == 0  # flat and slope are both 2
    assert textons(Jet(one, zero, one, zero, one), 0.5, 4)[0, 0] == 1  # slope and blob are both 2


def shape_of(image, n=4):
    """Name of the texton in the middle of an image."""
    histogram = texture_features(image, size=1, n_orientations=n)[image.shape[0] // 2, image.shape[1] // 2]
    assert sorted(histogram)[-2:] == [0, 255]
    return int(histogram.argmax())


def test_textons_of_known_shapes():
    rows, cols = np.mgrid[-10:11, -10:11] * 1.0
    paint = lambda values: np.clip(values, 0, 255).astype(np.uint8)  # noqa: E731
    assert shape_of(paint(rows * 0 + 90)) == 0
    assert [shape_of(paint(128 + 9 * side)) for side in (cols, rows + cols, rows, rows - cols)] == [1, 2, 3, 4]
    assert shape_of(paint(128 - 9 * cols)) == 1  # a slope up and a slope down look alike
    blob = 120 * np.exp(-(rows**2 + cols**2) / 8)
    assert [shape_of(paint(180 - blob)), shape_of(paint(60 + blob))] == [5, 6]
    across = [cols, (rows + cols) / 2**0.5, rows, (rows - cols) / 2**0.5]
    lines = [120 * np.exp(-(distance**2) / 4) for distance in across]
    assert [shape_of(paint(180 - line)) for line in lines] == [7, 8, 9, 10]
    assert [shape_of(paint(60 + line)) for line in lines] == [11, 12, 13, 14]
    assert shape_of(paint(128 + 3 * (cols**2 - rows**2))) == 15
    assert shape_of(paint(60 + lines[2]), n=1) == 5
    assert shape_of(paint(60 + lines[2]), n=8) == 19 + 4


def test_contrast_makes_weak_structure_flat():
    image = stripes(0.0)
    assert texture_features(image, contrast=300, size=5)[20, 20, 0] == 255
    assert texture_features(image, contrast=3, size=5)[20, 20, 0] < 60
    faint = (image // 50 + 100).astype(np.uint8)  # 4 gray levels, below the default of 5.1
    assert texture_features(faint, size=5)[20, 20, 0] == 255
    assert texture_features(faint, contrast=0.5, size=5)[20, 20, 0] < 60


@pytest.mark.parametrize("value", [np.uint8(77), np.uint16(1001), np.float32(0.1), np.float64(-273.15)])
def test_what_is_exactly_flat_is_flat_at_any_contrast(value):
    features = texture_features(np.full((9, 9), value), contrast=0, size=3)
    assert (features[..., 0] > 0).all()
    assert_array_equal(features[..., 1:], 0)


@pytest.mark.parametrize(("dtype", "unit"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_the_default_contrast_is_a_fiftieth_of_the_range(rng, dtype, unit):
    image = ((0.5 + rng.normal(0, 0.02, (40, 40))) * unit).astype(dtype)
    assert_array_equal(texture_features(image, size=3), texture_features(image, size=3, contrast=0.02 * unit))
    for other in (0.019, 0.021):
        assert (texture_features(image, size=3) != texture_features(image, size=3, contrast=other * unit)).any()


# --- Binary patterns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (7, 6)])
def test_binary_patterns_equal_the_slow_twin(rng, shape):
    image = rng.integers(0, 4, shape).astype(np.uint8)
    expected = [[naive.binary_pattern(image, row, col) for col in range(shape[1])] for row in range(shape[0])]
    assert_array_equal(binary_patterns(image, 0, shape[0]), expected)
    assert_array_equal(binary_patterns(image, shape[0] - 1, shape[0]), expected[-1:])


@pytest.mark.parametrize("change", [lambda v: v * 0.01 - 3, np.sqrt, lambda v: v.astype(np.uint16) * 200])
def test_binary_patterns_do_not_change_with_contrast(rng, change):
    image = rng.integers(0, 256, (12, 12)).astype(np.uint8)
    unit = 65535 if change(image).dtype == np.uint16 else 1
    histograms = texture_features(change(image), kind="lbp", size=5)
    assert_allclose(histograms / unit, texture_features(image, kind="lbp", size=5) / 255, rtol=1e-6)


def test_binary_patterns_do_not_change_with_a_quarter_turn(rng):
    image = rng.integers(0, 256, (12, 12)).astype(np.uint8)
    turned = texture_features(np.rot90(image), kind="lbp", size=5)
    assert_array_equal(turned, np.rot90(texture_features(image, kind="lbp", size=5)))


# --- Windows, masks, units -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.sampled_from([1, 3, 5, 9, 21]),
    rows=st.sampled_from([1, 2, 64]),
    seed=st.integers(0, 1000),
)
def test_histograms_equal_the_slow_twin(shape, size, rows, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, shape).astype(np.uint8)
    mask = rng.random(shape) < 0.8
    out = np.empty((*shape, 4), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture, "ROWS", rows)
        texture.window_histograms(np.where(mask, codes, 255).astype(np.uint8), size // 2, 100, out, 2)
    assert_allclose(np.where(mask[..., None], out, 0), 100 * naive.window_share(codes, 4, size, mask), rtol=1e-6)


def test_a_window_without_pixels_inside_is_empty():
    out = np.full((1, 3, 2), 7, np.float32)
    texture.window_histograms(np.array([[0, 255, 255]], np.uint8), 1, 1.0, out)
    assert_array_equal(out[0], [[1, 0], [1, 0], [0, 0]])


def test_codes_beyond_the_bins_count_nowhere():
    out = np.empty((1, 4, 2), np.float32)
    texture.window_histograms(np.array([[1, 2, 3, 0]], np.uint8), 3, 1.0, out)
    assert_array_equal(out[0], [[0.5, 0.5]] * 4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("size", [1, 5, 31])
def test_equals_the_slow_twin(rng, monkeypatch, kind, masked, size):
    monkeypatch.setattr(_texture, "BLOCK", 1)  # as low as blocks get: a few halos
    image = rng.random((31, 9))
    mask = rng.random((31, 9)) < 0.8 if masked else np.ones((31, 9), bool)
    options = {"kind": kind, "size": size, "mask": mask if masked else None}
    options |= {} if kind == "lbp" else {"sigma": 0.7, "n_orientations": 3}
    found = texture_features(np.where(mask, image, np.nan), **options)
    filled = _planes.filled(image, mask)
    if kind == "filters":
        assert_allclose(found, naive.window_energy(naive.jet(filled, 0.7), 3, size, mask), atol=2e-6)
        return
    codes = np.empty(image.shape, int)
    responses = None if kind == "lbp" else naive.jet(filled, 0.7)
    for at in np.ndindex(image.shape):
        if kind == "lbp":
            codes[at] = naive.binary_pattern(filled, *at)
        else:
            here = responses[(slice(None), *at)]
            codes[at], margin = naive.texton(*here, 0.02, 3)
            if margin < 1e-5:  # rounding decides: both may be right
                codes[at] = textons(Jet(*here.astype(np.float32)[:, None, None]), 0.02, 3)[0, 0]
    assert_allclose(found, naive.window_share(codes, found.shape[2], size, mask), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_units_follow_the_dtype(kind):
    image = stripes(0.4)
    options = {"kind": kind, "size": 9}
    eight = texture_features(image, **options)
    sixteen = texture_features(image * np.uint16(257), **options)
    unit = texture_features(image / 255, **options)
    assert eight.dtype == sixteen.dtype == unit.dtype == np.float32
    assert_allclose(sixteen, 257 * eight, rtol=1e-3, atol=1)
    assert_allclose(255 * unit, eight, rtol=1e-3, atol=0.01)
    if kind != "filters":
        assert_allclose(eight.sum(axis=2), 255, rtol=1e-5)
        assert_allclose(sixteen.sum(axis=2), 65535, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7, 8, 15, 10**9])
def test_sums_over_windows(rng, axis, n, radius):
    values = rng.integers(0, 100, (n, n + 1, 2)).astype(np.float32)
    before = values.copy()
    lines = np.moveaxis(values, axis, 0)
    expected = [lines[max(i - radius, 0) : i + radius + 1].sum(axis=0) for i in range(len(lines))]
    found = window_sums(values, radius, axis)
    assert found.dtype == np.float32
    assert_array_equal(np.moveaxis(found, axis, 0), expected)
    assert_array_equal(values, before)
    assert_array_equal(window_sizes(n, radius), [min(i + radius + 1, n) - max(i - radius, 0) for i in range(n)])


@pytest.mark.parametrize("kind", KINDS)
def test_colour_is_looked_at_through_its_luma(rng, kind):
    image = rng.integers(0, 256, (12, 12, 3)).astype(np.uint8)
    gray = (image.astype(float) @ [0.2126, 0.7152, 0.0722] / 255).astype(np.float32)
    found = texture_features(image, kind=kind, size=5, sigma=1.0)
    assert_allclose(found, 255 * texture_features(gray, kind=kind, size=5, sigma=1.0), rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_is_outside_the_mask_counts_nowhere(rng, kind, bad):
    image = rng.random((20, 20))
    mask = np.ones((20, 20), bool)
    mask[5:9, 5:9] = False
    features = texture_features(np.where(mask, image, bad), kind=kind, size=7, mask=mask)
    assert_array_equal(features, texture_features(np.where(mask, image, 0.3), kind=kind, size=7, mask=mask))
    assert np.isfinite(features).all()
    assert_array_equal(features[~mask], 0)


def test_a_pixel_outside_the_mask_is_seen_as_the_nearest_inside(rng):
    image = np.arange(63.0).reshape(7, 9)
    mask = rng.random((7, 9)) < 0.3
    filled = _planes.filled(image, mask)
    assert_array_equal(filled[mask], image[mask])
    for at in zip(*np.nonzero(~mask)):
        assert filled[at] in naive.nearest_inside(image, mask, at)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_of_all_pixels_is_no_mask(rng, kind):
    image = rng.random((20, 20))
    assert_allclose(
        texture_features(image, kind=kind, mask=np.ones((20, 20), bool)), texture_features(image, kind=kind), atol=1e-7
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 3)])
def test_tiny_images(kind, shape):
    features = texture_features(np.full(shape, 7, np.uint8), kind=kind)
    assert features.shape[:2] == shape
    expected = np.zeros(features.shape[2])
    if kind != "filters":
        expected[{"textons": 0, "lbp": 8}[kind]] = 255
    assert_allclose(features, np.broadcast_to(expected, features.shape), atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "n", "count"),
    [("textons", 1, 7), ("textons", 8, 28), ("filters", 1, 2), ("filters", 8, 9), ("lbp", 5, 10)],
)
def test_number_of_channels(kind, n, count):
    assert texture_features(np.zeros((3, 4)), kind=kind, n_orientations=n).shape == (3, 4, count)


@pytest.mark.parametrize("kind", KINDS)
def test_strides_and_read_only_images(rng, kind):
    image = np.asfortranarray(rng.integers(0, 256, (24, 20)).astype(np.uint8))[::-2, 1::3]
    image.flags.writeable = False
    assert_array_equal(texture_features(image, kind=kind), texture_features(image.copy(), kind=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_for_any_number_of_threads(rng, monkeypatch, kind):
    monkeypatch.setattr(texture, "ROWS", 4)
    monkeypatch.setattr(_texture, "BLOCK", 1)
    image = rng.integers(0, 256, (91, 10)).astype(np.uint8)
    one, three = (texture_features(image, kind=kind, size=5, n_threads=n) for n in (1, 3))
    assert_array_equal(one, three)


def test_textures_of_equal_brightness_are_told_apart():
    """Stripes of two directions and dots, which differ in no gray value that a window would show."""
    rows, cols = np.mgrid[:36, :36]
    dots = (127.5 + 100 * np.sin(rows * 0.9) * np.sin(cols * 0.9)).astype(np.uint8)
    image = np.hstack([stripes(0.0, (36, 36)), stripes(np.pi / 2, (36, 36)), dots])
    for kind in ("textons", "filters"):
        features = pixel_features(image, "", extra=texture_features(image, kind=kind, size=13))
        labels = kmeans(features, 3, rng=0, init=np.asarray(features)[18, [18, 54, 90]]).labels
        inner = [labels[:, 36 * part + 9 : 36 * part + 27] for part in range(3)]
        assert [np.unique(part).tolist() for part in inner] == [[0], [1], [2]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_larger_than_the_image_holds_all_of_it(rng, kind):
    image = rng.integers(0, 256, (9, 12)).astype(np.uint8)
    features = texture_features(image, kind=kind, size=10**9 + 1)
    assert_allclose(features, np.broadcast_to(features[4, 4], features.shape), rtol=1e-5)
    assert_allclose(features, texture_features(image, kind=kind, size=25), rtol=1e-5)


@compiled
def test_photographs_of_textures_are_told_apart():
    """Brick, grass, gravel and turned brick, of one mean and contrast: the nearest mean feature says which."""
    data = pytest.importorskip("skimage.data")
    # Every other pixel of a mean over 2 x 2, so that a window holds several bricks.
    halves = [photo().reshape(256, 2, 256, 2).mean(axis=(1, 3)) for photo in (data.brick, data.grass, data.gravel)]
    brick, grass, gravel = (128 + 40 * (half - half.mean()) / half.std() for half in halves)
    image = np.block([[brick, grass], [gravel, brick.T]]).clip(0, 255).astype(np.uint8)
    truth = np.arange(4).reshape(2, 2).repeat(256, axis=0).repeat(256, axis=1)
    right = {}
    features = {kind: texture_features(image, kind=kind, size=51) for kind in KINDS}
    features["both"] = np.concatenate([features["textons"], features["lbp"]], axis=-1)
    for name, channels in features.items():
        means = [channels[truth == k].mean(axis=0) for k in range(4)]
        distance = np.stack([((channels - mean) ** 2).sum(axis=-1) for mean in means])
        right[name] = (distance.argmin(axis=0) == truth).mean()
    assert right["textons"] > 0.9
    assert right["lbp"] > 0.7  # upright brick and turned brick are one to it
    assert right["both"] > 0.96
