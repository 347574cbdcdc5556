"""What the benchmark of superpixels says of scores and memory."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import superpixels_memory as memory  # noqa: E402
from benchmarks import superpixels_scores as scores  # noqa: E402
from benchmarks.registry import Context  # noqa: E402


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    (found,) = scores.rows(Context(tmp_path_factory.mktemp("scratch"), tiny=True))
    return found


def squares(image):
    rows, cols = np.indices(image.shape[:2])
    return rows // 16 * 9 + cols // 16


def test_our_scores_are_told_beside_theirs_and_worse_ones_do_not_agree(row):
    mine, theirs = scores.ours(**row.parameters)(), scores.scikit_image(**row.parameters)()
    agreement = scores.agree(row, {"classicseg": mine, "scikit-image": theirs})
    assert agreement.agrees
    for name in scores.NAMES:
        assert name in agreement.text
    blocks = scores.each(row.parameters["folder"], squares)()
    assert blocks.keys() == mine.keys()
    assert not scores.agree(row, {"classicseg": blocks, "scikit-image": theirs}).agrees
    assert scores.agree(row, {"classicseg": mine, "scikit-image": blocks}).agrees


def test_without_pictures_generated_ones_stand_for_them(tmp_path):
    found = scores.rows(Context(tmp_path, data=tmp_path / "nothing"))
    assert [row.name for row in found] == [f"SLIC, 4 generated pictures, {n} superpixels" for n in (100, 400, 1000)]
    photographs = scores.rows(Context(tmp_path / "other", data=tmp_path / "pictures"))
    assert photographs[0].name == "SLIC, 4 photographs, 100 superpixels"


def test_memory_counts_what_lies_above_the_labels():
    labels, image = np.ones((50, 60), np.int32), np.zeros((50, 60, 3))

    def call(image, labels):
        part = image + 1.0  # 24 bytes per pixel
        return labels + int(part[0, 0, 0])

    assert memory.measured(call, image, labels)()["bytes_per_pixel"] == pytest.approx(24, abs=1)
    assert memory.measured(lambda image, labels: labels.copy(), image, labels)()["bytes_per_pixel"] < 1


@pytest.mark.parametrize(("peak", "kept"), [(23.9, True), (24.0, False)])
def test_a_promise_of_memory_is_judged_where_pixels_outweigh_tables(peak, kept):
    outputs = {"classicseg": {"bytes_per_pixel": np.array(peak)}, "scikit-image": {"bytes_per_pixel": np.array(99.0)}}
    large, *_ = memory.rows(Context(ROOT))
    agreement = memory.agree(large, outputs)
    assert agreement.agrees == kept
    assert list(agreement.apart) == ["scikit-image"]  # no ratio of times is claimed
    assert f"classicseg {peak}, scikit-image 99.0; promised < 24" in agreement.text
    assert memory.agree(memory.rows(Context(ROOT, tiny=True))[0], outputs).agrees
