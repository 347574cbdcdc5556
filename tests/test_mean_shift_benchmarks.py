"""What mean shift is measured with: the peers written from their papers, the score of agreement, the growth plot."""

import sys
from pathlib import Path

import naive_mean_shift_features as naive
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import grid_shift, growth, mean_shift_features, table  # noqa: E402
from benchmarks.registry import Row  # noqa: E402


def naive_meanshift_pp(samples, side):
    """Return where MeanShift++ moves every sample: all at once, to the mean of the 27 cells around it."""
    points = samples.astype(np.float64)
    for _ in range(300):
        cells = np.floor(points / side).astype(int)
        near = (np.abs(cells[:, None] - cells) <= 1).all(axis=2)
        means = near @ points / near.sum(axis=1)[:, None]
        moved, points = np.linalg.norm(means - points, axis=1).max(), means
        if moved <= 1e-3 * side:
            return points
    raise AssertionError("it must come to rest")


@pytest.mark.parametrize("side", [9.0, 16.0, 40.0])
def test_grids_equal_the_slow_twin(rng, side):
    samples = (rng.integers(0, 255, (5, 3))[rng.integers(0, 5, 160)] + rng.integers(-12, 13, (160, 3))).clip(0, 255)
    ends = naive_meanshift_pp(samples, side)
    for method in (grid_shift.meanshift_pp, grid_shift.grid_shift):
        labels, modes = method(samples.astype(np.uint8), side)
        assert_allclose(modes[labels], ends, atol=2e-3 * side)
        assert len(np.unique(labels)) == len(modes) > 1


def test_adjusted_rand_of_known_partitions():
    one = np.array([0, 0, 1, 1, 2, 2])
    assert mean_shift_features.adjusted_rand(one, np.array([5, 5, 3, 3, 0, 0])) == 1
    assert mean_shift_features.adjusted_rand(one, np.zeros(6, int)) == 0
    # 15 pairs, of which 3 and 3 are together, and 1 in both: (1 - 9 / 15) / (3 - 9 / 15)
    assert_allclose(mean_shift_features.adjusted_rand(one, np.array([0, 0, 1, 2, 1, 2])), 0.4 / 2.4)
    assert mean_shift_features.adjusted_rand(np.zeros(4, int), np.ones(4, int)) == 1


def test_own_paths_are_brute_force(rng):
    samples = mean_shift_features.photograph(9, 9).reshape(-1, 3)
    found = mean_shift_features.own_paths(9, 32.0)()
    labels, modes, _ = naive.mean_shift(samples, 32.0, np.unique(samples, axis=0), assign="basin")
    assert_allclose(found["modes"], modes)
    assert_array_equal(found["labels"], labels)


def test_no_ratio_is_claimed_against_a_peer_nearer_to_brute_force():
    brute, worse = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    modes = np.zeros((2, 3))
    found = {name: {"labels": labels, "modes": modes} for name, labels in (("own", brute), ("worse", worse))}
    row = Row("r", {"side": 2, "bandwidth": 1.0})
    outputs = {
        mean_shift_features.OURS: found["own"],
        mean_shift_features.PATHS: found["own"],
        mean_shift_features.GRID: found["worse"],
    }
    assert mean_shift_features.agree(row, outputs).agrees
    outputs[mean_shift_features.OURS], outputs[mean_shift_features.GRID] = found["worse"], found["own"]
    assert mean_shift_features.agree(row, outputs).apart == (mean_shift_features.GRID,)


def growth_result():
    facts = {"function": growth.FEATURES, "bandwidth": "8", "dtype": "uint8", "bytes_per_pixel": 21.5}
    rows = [
        {"row": "r", "contenders": {"classicseg": {"times_s": [0.3, 0.2], "facts": facts | {"pixels": pixels}}}}
        for pixels in (400, 100)
    ]
    machine = {"cpu": "a processor", "processors": 2, "memory_gb": 8, "system": "Linux"}
    made = {"case": "growth", "title": "Growth", "date": "2026-01-02", "machine": machine, "versions": {"numpy": "2"}}
    return made | {"threads": 2, "data": "generated", "rows": rows}


def test_growth_is_a_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; it comes with the extra benchmarks")
    assert growth.lines(growth_result(), growth.FEATURES) == [("8", "uint8", [(100, 0.2, 21.5), (400, 0.2, 21.5)])]
    assert growth.lines(growth_result(), growth.FILTER) == []
    growth.plot(growth_result(), tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 10_000
    text = table.table(growth_result(), [])
    assert "![Growth](results/growth-2026-01-02.png)" in text
    assert "|" not in text


def test_growth_counts_what_is_allocated():
    found = growth.ours(growth.FEATURES, [100, 120], 32, "float32")()
    assert 10 < found["bytes_per_pixel"] < 1000
    assert found["pixels"] == 12_000
