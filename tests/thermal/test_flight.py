"""The synthetic flight: readable, repeatable, and as hot as it says."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from classicseg import FileFormatError
from classicseg.thermal import read
from classicseg.thermal._flight import synthetic_flight

SHAPE = (192, 240)


@pytest.fixture(scope="module")
def flight(tmp_path_factory):
    return synthetic_flight(tmp_path_factory.mktemp("flight"), n_frames=8, shape=SHAPE)


def spots_of(flight, path):
    return flight.truth[path.rpartition("/")[2]]


def test_frames_read_as_temperatures_of_a_plant(flight):
    assert len(flight.paths) == 8
    for path in flight.paths:
        image = read(path)
        assert image.shape == SHAPE
        assert image.calibrated
        assert image.mask is None
        low, middle, high = np.percentile(image.temperature, (1, 50, 99))
        assert 15 < low < 25 < middle < 38
        assert high < 60


def test_spots_are_where_the_truth_says(flight):
    checked = 0
    for path in flight.paths:
        temperature = read(path).temperature
        for spot in spots_of(flight, path):
            row_min, col_min, row_max, col_max = spot.box
            assert 0 <= row_min < row_max <= SHAPE[0]
            assert 0 <= col_min < col_max <= SHAPE[1]
            if spot.kind == "cell" and not spot.cut:
                inside = temperature[row_min:row_max, col_min:col_max]
                assert inside.max() == pytest.approx(spot.temperature_celsius, abs=0.5)  # noise of 0.07
                at = np.unravel_index(inside.argmax(), inside.shape)
                assert math.hypot(at[0] + row_min - spot.row, at[1] + col_min - spot.col) < 4
                checked += 1
    assert checked >= 3


def test_every_kind_occurs_with_its_own_heat(tmp_path):
    flight = synthetic_flight(tmp_path, n_frames=10, shape=SHAPE)
    spots = [spot for path in flight.paths for spot in spots_of(flight, path) if not spot.cut]
    assert {spot.kind for spot in spots} == {"cell", "substring", "module"}
    for spot in spots:
        low, high = {"cell": (5, 30), "substring": (2.5, 6.1), "module": (3.9, 8.1)}[spot.kind]
        assert low < spot.delta_celsius < high


def test_ground_is_partly_hotter_than_modules(flight):
    # A global threshold must not be enough: pixels above the modules far from every spot.
    temperature = read(flight.paths[0]).temperature
    away = np.ones(SHAPE, bool)
    for spot in spots_of(flight, flight.paths[0]):
        row_min, col_min, row_max, col_max = spot.box
        away[max(row_min - 5, 0) : row_max + 5, max(col_min - 5, 0) : col_max + 5] = False
    assert np.count_nonzero(temperature[away] > np.median(temperature) + 3) > 50


def test_gps_moves_along_the_line(flight):
    positions = [read(path).position for path in flight.paths]
    north = np.diff([position.latitude for position in positions]) * 111_132
    assert (north > 0).all()
    np.testing.assert_allclose(north, 0.6 * SHAPE[0] * 0.039, rtol=0.01)
    times = [read(path).time for path in flight.paths]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_the_same_spot_has_the_same_number_in_overlapping_frames(tmp_path):
    flight = synthetic_flight(tmp_path, n_frames=6, shape=SHAPE)
    seen = [{spot.spot: spot.kind for spot in spots_of(flight, path)} for path in flight.paths]
    shared = [number for a, b in itertools.pairwise(seen) for number in a.keys() & b.keys()]
    assert shared
    for number in shared:
        assert len({frame[number] for frame in seen if number in frame}) == 1


def test_broken_file_is_refused(flight):
    with pytest.raises(FileFormatError, match="cut off or damaged"):
        read(flight.broken)


def test_same_rng_same_bytes(tmp_path):
    flights = [
        synthetic_flight(tmp_path / name, n_frames=2, shape=(128, 160), rng=rng)
        for name, rng in (("a", 3), ("b", np.random.default_rng(3)), ("c", 4))
    ]
    contents = [[Path(path).read_bytes() for path in (*flight.paths, flight.broken)] for flight in flights]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert flights[0].truth == flights[1].truth


def test_truth_is_written_as_json(flight, tmp_path):
    flight.write_truth(tmp_path / "truth.json")
    content = json.loads((tmp_path / "truth.json").read_text())
    assert set(content) == set(flight.truth)
    for name, spots in content.items():
        assert [tuple(spot["box"]) for spot in spots] == [spot.box for spot in flight.truth[name]]


@pytest.mark.parametrize(("options", "words"), [({"n_frames": 0}, "n_frames"), ({"shape": (64, 640)}, r"shape\[0\]")])
def test_bad_options(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        synthetic_flight(tmp_path, **options)
