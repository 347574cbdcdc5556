"""The GPU benchmark runs as it stands, on an emulated device, where its times mean nothing."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are run from a checkout and never installed

from benchmarks import gpu, gpu_cues, gpu_graph, gpu_kmeans, gpu_mean_shift, gpu_superpixels
from benchmarks.registry import Context, Row


@pytest.fixture(params=range(14))
def row(request, tmp_path):
    return gpu.CASE.rows(Context(tmp_path, tiny=True))[request.param]


def test_every_row_gives_the_same_bits_on_both_devices(cuda, row, monkeypatch):
    monkeypatch.setattr(gpu_kmeans, "TIMED", 2)
    outputs = {}
    monkeypatch.setattr(gpu_superpixels, "TIMED", 2)
    monkeypatch.setattr(gpu_graph, "TIMED", 2)
    monkeypatch.setattr(gpu_cues, "TIMED", 2)
    parts = (gpu_kmeans, gpu_mean_shift, gpu_superpixels, gpu_graph, gpu_cues)
    part = {part.__name__.rpartition(".")[2]: part for part in parts}[row.part]
    for contender in gpu.CASE.contenders:
        result = getattr(part, contender.prepare)(**row.parameters)()
        result = result if isinstance(result, dict) else {"result": result}  # as the worker saves it
        outputs[contender.name] = {name: np.asarray(value) for name, value in result.items()}
    agreement = gpu.CASE.agree(row, outputs)
    assert agreement.agrees, agreement.text
    facts, step = outputs["CUDA"], "first_step_us" if part is gpu_mean_shift else "iteration_us"
    assert facts[step] > 0
    assert facts["times_the_floor"] == facts[step] / facts["floor_us"]


def test_every_row_is_tried(tmp_path):
    assert len(gpu.CASE.rows(Context(tmp_path, tiny=True))) == 14


def test_another_answer_is_told(tmp_path):
    one = {"labels": np.zeros((1, 4, 5), int), "centers": np.zeros((1, 2, 3))}
    other = {"labels": np.zeros((1, 4, 5), int), "centers": np.ones((1, 2, 3))}
    other["labels"][0, 0, 0] = 1
    found = gpu_kmeans.agree(Row("r", {}), {"CUDA": one, "CPU": other})
    assert not found.agrees
    assert found.text == "5.0000 % of the labels differ, centers differ"


@pytest.mark.parametrize(("dtype", "most_apart"), [(np.uint8, 0), (np.float32, 2)])
def test_another_image_is_told(dtype, most_apart):
    """One pixel in a thousand may lie elsewhere, of temperatures alone."""
    row = Row("r", {"rule": ["flat", 6, 2]})
    one = np.zeros((1, 40, 50, 1), dtype)
    for n_apart in (0, 1, 2, 3):
        other = one.copy()
        other[0, 0, :n_apart] = 1
        other[0, 1] = 0 if dtype == np.uint8 else 1.9e-3
        found = gpu_mean_shift.agree(row, {"CUDA": {"result": one}, "CPU": {"result": other}})
        assert found.agrees == (n_apart <= most_apart), found.text


def test_other_labels_are_told():
    one = np.zeros((4, 5), int)
    other = one.copy()
    other[0, 0] = 1
    found = gpu_superpixels.agree(Row("r", {}), {"CUDA": {"result": one}, "CPU": {"result": other}})
    assert not found.agrees
    assert found.text == "5.0000 % of the labels differ"


@pytest.mark.parametrize(
    ("work", "most", "text"),
    [
        ("affinity", 0, "1 weights differ"),
        ("product", 1e-6, "within 2e-02 of the largest"),
        ("eigenvectors", 9e-3, "within 2e-02 of the mean"),
    ],
)
def test_other_weights_and_products_are_told(work, most, text):
    one = np.ones((4, 5))
    for apart in (0, 1e-6, 9e-3, 2e-2):
        agrees = apart <= most
        other = one.copy()
        other[0, 0] -= apart
        found = gpu_graph.agree(Row("r", {"work": work}), {"CUDA": {"result": other}, "CPU": {"result": one}})
        assert found.agrees == agrees
    assert found.text == text


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

    assert gpu_kmeans.floor_us([Samples], 16) == pytest.approx(57.4, abs=0.1)  # 16 * (5 + 5) operations per pixel
    assert gpu_kmeans.floor_us([Samples], 1) == pytest.approx(10.0, abs=0.1)  # 4 bytes per pixel
    # 40 links of each pixel of 1 MP, and 3 channels, or 16 vectors and their products
    assert gpu_graph.bytes_of([1000, 1000], "affinity", 0) == 172e6
    assert gpu_graph.bytes_of([1000, 1000], "product", 16) == 288e6
    assert gpu_graph.bytes_of([1000, 1000], "eigenvectors", 16) == 3 * 288e6
    # 12 million windows of 17 × 17 pixels, 11 operations each
    assert gpu_mean_shift.floor_us(["opencv", 8, 20], (1, 3000, 4000, 3)) == pytest.approx(1140, abs=1)


def test_other_cues_are_told():
    one = {name: np.zeros((4, 5), np.uint8) for name in gpu_cues.FOUND}
    other = one | {"colors": np.ones((4, 5), np.uint8)}
    assert gpu_cues.agree(Row("r", {}), {"CUDA": one, "CPU": one}).agrees
    found = gpu_cues.agree(Row("r", {}), {"CUDA": other, "CPU": one})
    assert (found.agrees, found.text) == (False, "colors differ")
