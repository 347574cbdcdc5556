import os
import sys
import warnings
from importlib import metadata
from types import SimpleNamespace

import pytest

from classicseg import __version__, _info
from classicseg.refine import RefinerWarning


def fact(label):
    (line,) = [line for line in _info.info_lines() if line.startswith(label)]
    return line[14:]


def test_every_line_has_a_label_and_a_value():
    lines = _info.info_lines()
    assert len(lines) >= 13
    for line in lines:
        assert line[:14].strip()
        assert line[12:14].isspace()
        assert line[14:].strip()


def test_versions_are_those_imported():
    import numpy as np

    assert fact("classicseg") == __version__
    assert fact("numpy") == np.__version__
    assert fact("Python").startswith(".".join(map(str, sys.version_info[:3])))


def test_refiners_are_named_and_broken_ones_explained(monkeypatch):
    def available():
        warnings.warn("the refiner 'b' of x:y is left out: no licence", RefinerWarning, stacklevel=1)
        warnings.warn("something else", FutureWarning, stacklevel=1)
        return {"a": None, "c": None}

    monkeypatch.setattr("classicseg.refine.available_refiners", available)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert _info.refiners() == [
            ("refiners", "a, c"),
            ("refiner", "the refiner 'b' of x:y is left out: no licence"),
        ]
    monkeypatch.setattr("classicseg.refine.available_refiners", dict)
    assert fact("refiners") == "none"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(_info, "installed_distributions", dict)
    assert fact("scipy") == "not installed"


def test_distribution_names_are_normalised(monkeypatch):
    class Fake:
        def __init__(self, name, version):
            self.metadata = {"Name": name}
            self.version = version

    fakes = [Fake("OpenCV_Python", "5.0"), Fake(None, "0"), Fake("opencv-python", "4.9")]
    monkeypatch.setattr(metadata, "distributions", lambda: fakes)
    assert _info.installed_distributions() == {"opencv-python": "5.0"}  # the first on sys.path is the one imported


def test_two_opencv_distributions_are_a_conflict():
    installed = {"numpy": "2", "opencv-python": "5.0", "opencv-contrib-python": "4.9"}
    (text,) = _info.conflicts(installed)
    assert text.startswith("opencv-python and opencv-contrib-python both install cv2")
    assert "pip uninstall opencv-python opencv-contrib-python" in text
    assert "-headless" in text


def test_two_cupy_distributions_are_a_conflict():
    (text,) = _info.conflicts(["cupy-cuda13x", "cupy-cuda12x"])
    assert text.startswith("cupy-cuda12x and cupy-cuda13x both install cupy; keep the one for your CUDA version")


def test_both_conflicts_are_told(monkeypatch):
    installed = dict.fromkeys(["opencv-python", "opencv-python-headless", "cupy", "cupy-cuda12x"], "1")
    monkeypatch.setattr(_info, "installed_distributions", lambda: installed)
    assert [line[:8] for line in _info.info_lines()][-2:] == ["conflict", "conflict"]


@pytest.mark.parametrize("installed", [{}, {"opencv-python": "5"}, {"cupy-cuda12x": "13", "opencv-python": "5"}])
def test_one_of_each_is_no_conflict(installed):
    assert _info.conflicts(installed) == []


def test_opencv_names_its_distribution(monkeypatch):
    fake = type(sys)("cv2")
    fake.__version__ = "9.8.7"
    monkeypatch.setitem(sys.modules, "cv2", fake)
    assert _info.opencv_state({"opencv-python": "9.8.7.1"}) == "9.8.7 (opencv-python 9.8.7.1)"
    assert _info.opencv_state({}) == "9.8.7 (not from a pip package)"


def test_opencv_that_does_not_load_says_what_still_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    text = _info.opencv_state({"opencv-python": "5.0"})
    assert text.startswith("opencv-python 5.0 is installed but does not load: ")
    assert text.endswith("; thermal reading, batch, demo and report do not need it")
    assert _info.opencv_state({}).startswith("not installed;")


def test_threads_say_where_the_number_comes_from(monkeypatch):
    monkeypatch.delenv("CLASSICSEG_NUM_THREADS", raising=False)
    assert "every usable processor" in fact("threads")
    monkeypatch.setenv("CLASSICSEG_NUM_THREADS", "3")
    assert fact("threads").startswith("3 by default (CLASSICSEG_NUM_THREADS)")


def test_a_bad_thread_setting_is_told_not_raised(monkeypatch):
    monkeypatch.setenv("CLASSICSEG_NUM_THREADS", "many")
    assert fact("threads").startswith("unknown: CLASSICSEG_NUM_THREADS must be")


def test_processors_tell_a_limit(monkeypatch):
    from classicseg._kernels.cpu import _jit

    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(_jit, "available_processors", lambda: 2)
    assert fact("processors").startswith("64 x ")
    assert fact("processors").endswith("; 2 usable here (affinity mask or cgroup quota)")
    monkeypatch.setattr(_jit, "available_processors", lambda: 64)
    assert "usable here" not in fact("processors")


def test_gpu_is_what_the_driver_lists(tmp_path):
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 12\n")
    assert _info.gpu_state({"cupy-cuda12x": "13.4"}, tmp_path).startswith("NVIDIA H200; cupy-cuda12x 13.4; ")
    nothing = _info.gpu_state({}, tmp_path / "none")
    assert nothing == "no NVIDIA device; no CuPy installed; everything runs on the CPU"


def fake_cupy(monkeypatch, is_available):
    def properties(device):
        return {"name": b"NVIDIA H200"}

    runtime = SimpleNamespace(getDeviceCount=lambda: 2, getDeviceProperties=properties)
    fake = type(sys)("cupy")
    fake.__version__ = "14.2"
    fake.cuda = SimpleNamespace(is_available=is_available, runtime=runtime)
    monkeypatch.setitem(sys.modules, "cupy", fake)


def test_gpu_is_usable_when_cupy_says_so(monkeypatch):
    fake_cupy(monkeypatch, lambda: True)
    assert _info.cuda_state().startswith("CuPy sees NVIDIA H200, NVIDIA H200; k-means runs there on what ")


def test_cupy_without_a_driver_is_told(monkeypatch):
    fake_cupy(monkeypatch, lambda: False)
    assert _info.cuda_state().startswith("everything runs on the CPU: CuPy 14.2 finds no CUDA device; see that ")

    def broken():
        raise OSError("libcuda is a stub")

    fake_cupy(monkeypatch, broken)
    assert "CuPy 14.2 found no usable driver (libcuda is a stub)" in _info.cuda_state()


def test_cupy_that_does_not_load_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "CuPy cannot be imported (" in _info.cuda_state()
    assert "pip install 'classicseg[cuda12]' or 'classicseg[cuda13]'" in _info.cuda_state()


def test_cache_tells_folder_count_and_size(monkeypatch, tmp_path):
    from classicseg._kernels.cpu import _jit

    monkeypatch.setattr(_jit, "cache_state", lambda: _jit.CacheState(tmp_path, "on"))
    assert fact("kernel cache") == f"{tmp_path} (0 kernels, 0.0 MB; run `classicseg warmup` to compile everything once)"
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "lloyd_step.nbi").write_bytes(bytes(500_000))
    (tmp_path / "sub" / "lloyd_step.1.nbc").write_bytes(bytes(1_000_000))
    assert fact("kernel cache") == f"{tmp_path} (1 kernels, 1.5 MB)"


def test_cache_that_is_off_says_why(monkeypatch):
    from classicseg._kernels.cpu import _jit

    monkeypatch.setattr(_jit, "cache_state", lambda: _jit.CacheState(None, "not writable (why)"))
    assert fact("kernel cache") == "off: not writable (why)"
