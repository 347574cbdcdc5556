import math

import pytest

from classicseg.batch._demo import _compare, run_demo
from classicseg.batch._run import BatchSummary
from classicseg.thermal._flight import TrueSpot

SUMMARY = BatchSummary("out", "out/report.html", 3, 2, 1, 0, 0, 3)


def true(row, col, cut=False):
    box = (int(row) - 3, int(col) - 3, int(row) + 3, int(col) + 3)
    return TrueSpot(0, "cell", row, col, box, 36, 10.0, 40.0, cut)


def found(row, col, celsius=40.5, file="a"):
    return {"file": file, "row": str(row), "col": str(col), "max_celsius": str(celsius)}


def compare(truth, rows):
    return _compare(SUMMARY, "flight", {"a": truth}, rows)


def test_matches_are_one_to_one():
    result = compare([true(10, 10), true(50, 50)], [found(11, 11), found(12, 10), found(90, 90)])
    assert (result.n_true, result.n_found, result.n_matched) == (2, 3, 1)
    assert result.precision == pytest.approx(1 / 3)
    assert result.recall == 0.5
    assert result.temperature_error == pytest.approx(0.5)
    assert not result.as_expected


def test_spots_cut_by_the_border_count_nowhere():
    seen = compare([true(10, 10), true(0, 50, cut=True)], [found(10, 10), found(1, 50)])
    unseen = compare([true(10, 10), true(0, 50, cut=True)], [found(10, 10)])
    for result in (seen, unseen):
        assert (result.n_true, result.n_found, result.n_matched) == (1, 1, 1)
        assert result.as_expected


def test_nothing_found():
    result = compare([true(10, 10)], [])
    assert (result.precision, result.recall, result.temperature_error) == (0.0, 0.0, math.inf)
    assert not result.as_expected


def test_what_spoils_the_expectation():
    good = [true(10, 10)]
    assert compare(good, [found(10, 10)]).as_expected
    assert not compare(good, [found(10, 10, 43.0)]).as_expected
    broken = BatchSummary("out", "out/report.html", 3, 1, 2, 0, 0, 3)
    assert not _compare(broken, "flight", {"a": good}, [found(10, 10)]).as_expected


def test_the_demo_meets_its_expectation(tmp_path):
    result = run_demo(tmp_path, n_frames=4)
    assert (result.summary.n_frames, result.summary.n_failed) == (5, 1)
    assert result.as_expected, result
