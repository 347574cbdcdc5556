"""Modules: what has their shape, what repeats like them, what is missing between them."""

import functools
import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scenes import heat, module_field
from scipy import ndimage

from classicseg._kernels.cpu.modules import moments
from classicseg.cluster import kmeans
from classicseg.thermal import _smooth, find_hotspots, read
from classicseg.thermal._lattice import Cells, alike, missing, offsets, regular
from classicseg.thermal._smooth import _cuts
from classicseg.thermal._surfaces import _filled, _put_back, find_modules

PITCH = (40.0, 25.0)  # rows, columns between the middles of modules


def rectangles(centers, height=36, width=22, share=1.0):
    """Cells as the moments of whole rectangles give them; `share` of their area is left."""
    n = len(centers)
    area = np.full(n, height * width * share)
    spread = np.tile([height**2 / 12, width**2 / 12, 0.0], (n, 1))
    return Cells(np.arange(1, n + 1), np.asarray(centers, np.float64), area, spread)


def joined(*parts):
    names = ("centers", "area", "spread")
    fields = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    return Cells(np.arange(1, len(fields[0]) + 1), *fields)


def lattice(rows, cols, without=()):
    places = [(r * PITCH[0], c * PITCH[1]) for r in range(rows) for c in range(cols) if (r, c) not in without]
    return np.array(places)


def shape_of(mask):
    rows, cols = np.nonzero(mask)
    spread = [[rows.var(), cols.var(), ((rows - rows.mean()) * (cols - cols.mean())).mean()]]
    return Cells(np.array([1]), np.array([[rows.mean(), cols.mean()]]), np.array([float(len(rows))]), np.array(spread))


def test_filling_and_sides_tell_parallelograms_from_ragged_shapes():
    rectangle = np.ones((30, 20), bool)
    sheared = np.zeros((30, 60), bool)
    for row in range(30):
        sheared[row, row : row + 20] = True
    corner = np.ones((34, 22), bool)
    corner[:24, 10:] = False
    assert shape_of(rectangle).filling == pytest.approx(1, abs=0.01)
    assert shape_of(sheared).filling == pytest.approx(1, abs=0.01)
    assert shape_of(corner).filling < 0.8
    assert_allclose(np.ravel(shape_of(rectangle).sides), [30, 20], rtol=0.01)


def test_alike_are_near_and_of_one_shape_and_size_and_never_oneself():
    cells = rectangles(lattice(2, 3))
    found = alike(cells)
    for i, others in enumerate(found):
        others = others[others >= 0]
        assert i not in others
        distance = np.hypot(*(cells.centers[others] - cells.centers[i]).T)
        assert_array_equal(distance, np.sort(distance))
    lying = rectangles([[0.0, 75.0]], 22, 36)
    hollow = rectangles([[40.0, 75.0]], share=0.4)
    far = rectangles([[0.0, 400.0], [0.0, 425.0]])
    mixed = joined(cells, lying, hollow, far)
    assert (alike(mixed)[6:8] == -1).all()
    assert_array_equal(np.sort(alike(mixed)[8:], axis=1)[:, -1], [9, 8])
    assert len(regular(mixed)) == 6  # the two far ones have one neighbour each


@pytest.mark.parametrize("hole", [(2, 2), (0, 2), (2, 0)])
def test_a_module_missing_between_others_is_found_once(hole):
    """A module with a large defect is not smooth, and it is the one that the inspection is about."""
    cells = rectangles(lattice(5, 5, without=[hole]))
    found = missing(cells, np.empty((0, 2)))
    assert len(found) == 1
    place, source = found[0]
    assert_allclose(place, np.multiply(hole, PITCH), atol=1)
    assert np.hypot(*(cells.centers[source] - place)) <= PITCH[0] + 1  # it takes the shape of a neighbour


def test_a_module_put_back_at_the_border_ends_there():
    centers = np.add(lattice(2, 4), [42, 15])
    cells, owner = rectangles(centers), np.zeros((110, 110), np.int32)
    for number, (row, col) in enumerate(centers.astype(int), start=1):
        owner[row - 18 : row + 18, col - 11 : col + 11] = number
    before, everywhere = owner.copy(), np.ones(owner.shape, bool)
    values = np.full(owner.shape, 30.0, np.float32)
    found = _put_back(owner, cells, np.array([[2.0, 15.0]]), values, everywhere, everywhere)
    assert_array_equal(found[8:], [[2, 15]])
    rows, cols = np.nonzero(owner != before)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (0, 19, 4, 25)


def test_beside_a_row_only_a_doubtful_region_is_a_module():
    cells = rectangles(lattice(2, 4))
    assert missing(cells, np.empty((0, 2))) == []
    doubtful = np.array([[0.0, 4 * PITCH[1]]])
    ((place, source),) = missing(cells, doubtful)
    assert_allclose(place, doubtful[0], atol=1)
    assert source < len(cells)


def test_offsets_lead_from_a_module_to_its_neighbours():
    centers = np.array([[0.0, 0.0], [0.0, 10.2], [0.0, 30.0]])
    assert_array_equal(offsets(centers, 1)[:, 0], [[0, 10], [0, -10], [0, -20]])
    assert offsets(centers, 8).shape == (3, 2, 2)


@pytest.fixture
def field(rng):
    return module_field(rng)


def patches(rng, boxes, shape=(240, 320), cut=None):
    """Smooth patches on rough soil; `cut` takes pixels out of each."""
    temperature = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1.2)
    temperature = 31 + 2.5 * temperature / temperature.std()
    for top, left, bottom, right in boxes:
        inside = np.ones((bottom - top, right - left), bool)
        if cut is not None:
            inside[cut] = False
        temperature[top:bottom, left:right][inside] = 33.0
    return (temperature + rng.normal(0, 0.15, shape)).astype(np.float32)


def n_modules(temperature):
    found = find_modules(temperature, np.ones(temperature.shape, bool))
    return 0 if found is None else len(found.centers)


def grid_of_boxes(height, width, step):
    starts = [(r, c) for r in range(6, 240 - height, step[0]) for c in range(6, 320 - width, step[1])]
    return [(r, c, r + height, c + width) for r, c in starts]


def test_smooth_patches_that_are_no_modules(rng):
    """Bare earth, puddles and roofs are smooth too; each rule keeps one kind of them out."""
    boxes = grid_of_boxes(34, 22, (42, 30))
    assert n_modules(patches(rng, boxes)) > 0.8 * len(boxes)
    assert n_modules(patches(rng, boxes, cut=np.s_[:24, 9:])) == 0  # ragged: corners of 9 pixels' breadth
    assert n_modules(patches(rng, grid_of_boxes(70, 70, (78, 78)))) == 0  # each above 3 % of the frame: roofs
    single = [(10, 10, 44, 32), (10, 250, 40, 310), (150, 20, 230, 40), (100, 140, 120, 160), (180, 230, 222, 290)]
    assert n_modules(patches(rng, single)) == 0  # no two alike


def test_a_row_holds_the_frames_between_its_modules(field):
    """Defects at the frame of a module, junction boxes and clamps, lie there."""
    temperature, boxes = field
    owner = find_modules(temperature, np.ones(temperature.shape, bool)).owner
    for (top, _, bottom, right), (other_top, left, _, _) in itertools.pairwise(boxes):
        if top == other_top:
            assert (owner[top + 5 : bottom - 5, right:left] > 0).all()


def test_a_hot_spot_is_part_of_its_module(field):
    """Its rim is rough; left out, it would be a hole, and the module with the finding be none for its shape."""
    temperature, boxes = field
    top, left, _, _ = boxes[5]
    spot = (top + 13, left + 6, top + 25, left + 16)
    found = find_modules(heat(temperature, spot, 15.0), np.ones(temperature.shape, bool))
    assert found.cells[spot[0] - 1 : spot[2] + 1, spot[1] - 1 : spot[3] + 1].all()
    assert len(found.centers) == len(boxes)


def test_only_rough_regions_within_one_other_are_filled_in():
    regions = np.ones((12, 14), np.int32)
    regions[2:10, 2:9] = 2  # a module
    regions[4:6, 4:6] = 3  # a hot spot on it: rough
    regions[7:9, 4:6] = 4  # a smooth part of it
    regions[5, 9] = 5  # rough, between the module and the ground
    smooth = np.isin(regions, (1, 2, 4))
    sums = np.zeros((5, 7), np.int64)
    moments(regions, smooth, sums)
    filled, of_filled = _filled(regions, sums)
    expected = np.where(regions == 3, 2, regions)
    assert_array_equal(filled, expected)
    again = np.zeros((5, 7), np.int64)
    moments(expected, smooth, again)
    assert_array_equal(of_filled, again)


def test_masked_pixels_belong_to_no_module(field):
    """The mark of a spot meter or a label that the camera burned in covers the middle of a module, or all of a row."""
    temperature, boxes = field
    top, left, bottom, _ = boxes[5]
    for hole in (
        np.s_[top + 13 : top + 21, left + 7 : left + 15],
        np.s_[top + 12 : top + 18],
        np.s_[bottom : bottom + 3],
    ):
        inside = np.ones(temperature.shape, bool)
        inside[hole] = False
        found = find_modules(np.where(inside, temperature, 0).astype(np.float32), inside)
        assert len(found.centers) > 30
        assert not found.owner[~inside].any()
        assert not found.cells[~inside].any()
        assert not find_hotspots(temperature, mask=inside).surfaces[~inside].any()


def test_each_row_of_modules_is_one_surface(field):
    temperature, boxes = field
    surfaces = find_hotspots(temperature).surfaces
    assert surfaces.max() == 2  # rows are two modules tall
    for number, rows in ((1, boxes[:24]), (2, boxes[24:])):
        assert {int(surfaces[(a + c) // 2, (b + d) // 2]) for a, b, c, d in rows} == {number}


def test_cold_sky_above_changes_nothing(rng, field):
    temperature, boxes = field
    sky = 5 + rng.normal(0, 0.15, (70, temperature.shape[1]))
    result = find_hotspots(np.vstack([sky, temperature]).astype(np.float32))
    assert result.n_modules == len(boxes)
    assert not result.surfaces[:66].any()


def replaced(field, rng, number, level, roughness):
    """Put other ground in the place of one module in a row; return where that is."""
    temperature, boxes = field
    top, left, bottom, right = boxes[number]
    ground = ndimage.gaussian_filter(rng.normal(0, 1, (bottom - top + 6, right - left + 6)), 1.2)
    temperature[top - 3 : bottom + 3, left - 3 : right + 3] = level + roughness * ground / ground.std()
    temperature += rng.normal(0, 0.05, temperature.shape).astype(np.float32)
    return np.s_[top + 3 : bottom - 3, left + 3 : right - 3]


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize(
    ("level", "roughness"),
    [(20.0, 0.05), (31.0, 2.5), (np.repeat([20.0, 32.5], 14), 0.05)],
    ids=["shadow", "soil", "half in shadow"],
)
def test_a_gap_in_a_row_stays_a_gap(field, rng, number, level, roughness):
    """A module that was taken away leaves cold shadow or soil behind, which is no finding."""
    place = replaced(field, rng, number, level, roughness)
    result = find_hotspots(field[0])
    assert result.n_modules == len(field[1]) - 1
    assert not result.surfaces[place].any()
    assert len(result) == 0


def test_a_mask_of_every_other_row_is_no_error(field):
    """k-means looks at every few rows of a large frame; a mask may leave just those out."""
    inside = np.zeros(field[0].shape, bool)
    inside[1::2] = True
    for mask in (inside, ~inside):
        found = find_modules(field[0], mask)
        assert found is None or not found.owner[~mask].any()


def test_a_module_hot_over_half_its_glass_is_put_back(field):
    temperature, boxes = field
    top, left, bottom, right = boxes[5]
    down, across = np.mgrid[: bottom - top, : right - left]
    hot = np.zeros_like(temperature)
    hot[top:bottom, left:right] = 18.0 * (down / (bottom - top) + across / (right - left) < 1)
    result = find_hotspots(temperature + ndimage.gaussian_filter(hot, 0.6))
    assert result.n_modules == len(boxes)
    assert len(result) == 1
    assert result.table["area_px"][0] > 300
    assert result.table["delta_celsius"][0] > 15


def rough_glass(seed, level):
    """A field below clear sky whose glass has a texture of `level` K, as of reflected clouds, and one hot cell."""
    rng = np.random.default_rng(seed)
    temperature, boxes = module_field(rng)
    clouds = ndimage.gaussian_filter(rng.normal(0, 1, temperature.shape), 1.0)
    for top, left, bottom, right in boxes:
        temperature[top:bottom, left:right] += (level / clouds.std() * clouds)[top:bottom, left:right]
    sky = 5 + rng.normal(0, 0.15, (60, temperature.shape[1]))
    top, left, _, _ = boxes[5]
    spot = (top + 73, left + 6, top + 85, left + 16)
    return heat(np.vstack([sky, temperature]).astype(np.float32), spot, 12.0), len(boxes)


@pytest.mark.parametrize("level", [0.3, 0.35])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_center_on_the_threshold_hides_no_modules(seed, level):
    """The middle of the modules' texture lies at 1.24-1.37 octaves where k-means makes them one cluster."""
    temperature, n_boxes = rough_glass(seed, level)
    result = find_hotspots(temperature)
    assert (result.n_modules, len(result)) == (n_boxes, 1)


@pytest.mark.parametrize(
    ("texture", "smooth"),
    [
        ([0.4, 1.0, 1.6], [[1, 1, 0]]),
        ([0.4, 1.3, 1.4], [[1, 0, 0], [1, 1, 0]]),
        ([1.2, 0.4, 1.3], [[1, 1, 0], [1, 1, 1], [0, 1, 0]]),
        ([1.2, 1.7], [[1, 0]]),  # something is smooth
        ([1.25, 1.3], [[0, 0], [1, 0]]),
    ],
)
def test_the_usual_cut_comes_first_then_the_doubtful_centers_one_by_one(texture, smooth):
    assert_array_equal(_cuts(np.array(texture)), np.array(smooth, bool))


def test_the_hot_cell_of_the_xts_frame_is_found_whatever_the_seed_and_the_crop(test_data, monkeypatch):
    """A DJI Zenmuse XT S frame whose modules lie on the threshold in texture: 1.20-1.27 octaves."""
    counts = read(test_data / "thermal" / "dji_models" / "XTS_0004.jpg").values.astype(np.float32)
    views = [counts[::-1], counts[:, ::-1], counts[8:], counts[:-8], counts[:, 8:], counts[:, :-8]]
    for view in views:
        result = find_hotspots(np.ascontiguousarray(view))
        assert len(result) == 1
        assert result.n_modules > 200
    for seed in range(12):
        monkeypatch.setattr(_smooth, "kmeans", functools.partial(_seeded, seed))
        result = find_hotspots(counts)
        assert len(result) == 1
        assert result.n_modules > 200


def _seeded(seed, features, n_clusters, **options):
    return kmeans(features, n_clusters, **{**options, "rng": seed})
