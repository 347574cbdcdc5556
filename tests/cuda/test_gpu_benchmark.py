"""The GPU benchmark runs as it stands, on an emulated device, where its times mean nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are run from a checkout and never installed

from benchmarks import gpu
from benchmarks.registry import Context, Row


@pytest.fixture(params=[0, 1], ids=["image", "batch"])
def row(request, tmp_path):
    return gpu.rows(Context(tmp_path, tiny=True))[request.param]


def test_every_row_gives_the_same_bits_on_both_devices(cuda, row, monkeypatch):
    monkeypatch.setattr(gpu, "TIMED", 2)
    outputs = {}
    for contender in gpu.CASE.contenders:
        result = getattr(gpu, contender.prepare)(**row.parameters)()
        outputs[contender.name] = {name: np.asarray(value) for name, value in result.items()}
    agreement = gpu.agree(row, outputs)
    assert agreement.agrees, agreement.text
    facts = outputs["CUDA"]
    assert facts["iteration_us"] > 0
    assert facts["first_iteration_us"] > 0
    assert facts["times_the_floor"] == facts["iteration_us"] / facts["floor_us"]


def test_another_answer_is_told(tmp_path):
    one = {"labels": np.zeros((1, 4, 5), int), "centers": np.zeros((1, 2, 3))}
    other = {"labels": np.zeros((1, 4, 5), int), "centers": np.ones((1, 2, 3))}
    other["labels"][0, 0, 0] = 1
    found = gpu.agree(Row("r", {}), {"CUDA": one, "CPU": other})
    assert not found.agrees
    assert found.text == "5.0000 % of the labels differ, centers differ"


def test_the_floor_is_the_counted_one(fake_cupy, monkeypatch):
    """An H200 by its data sheet: 132 multiprocessors at 1.98 GHz, 4.8 TB/s."""

    class H200(fake_cupy.cuda.Device):
        def __init__(self):
            super().__init__()
            self.attributes = {"MultiProcessorCount": 132, "ClockRate": 1_980_000}
            self.attributes |= {"MemoryClockRate": 3_125_000, "GlobalMemoryBusWidth": 6144}

    monkeypatch.setattr(fake_cupy.cuda, "Device", H200)

    class Samples:
        shape, planes, n_features = (3000, 4000), [np.empty((1, 1), np.uint8)] * 3, 5

    assert gpu.floor_us([Samples], 16) == pytest.approx(57.4, abs=0.1)  # 16 * (5 + 5) operations per pixel
    assert gpu.floor_us([Samples], 1) == pytest.approx(10.0, abs=0.1)  # 4 bytes per pixel
