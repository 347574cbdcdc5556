import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import classicseg
from classicseg import _segment, cli
from classicseg.refine import InstanceResult, PanopticResult, Segment, SemanticResult
from classicseg.refine._registry import EMBEDDED
from classicseg.thermal import _smooth
from classicseg.thermal._flight import synthetic_flight


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flight")
    synthetic_flight(folder, n_frames=2, shape=(160, 192))
    return folder


def status(*arguments):
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code


def test_version_and_help(capsys):
    assert status("--version") == 0
    assert capsys.readouterr().out == f"classicseg {classicseg.__version__}\n"
    for command in ("batch", "demo", "segment", "info", "warmup"):
        assert status(command, "--help") == 0
        assert "usage: classicseg " + command in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["batch"], ["batch", "x"], ["segment", "x"]])
def test_what_cannot_be_parsed_is_usage(arguments, capsys):
    assert status(*arguments) == 2
    assert "usage:" in capsys.readouterr().err


def test_batch_exit_status(folder, tmp_path, capsys):
    assert status("batch", folder, "--out", tmp_path / "all", "--workers", 1) == 1  # one frame is broken
    said = capsys.readouterr()
    assert "2 of 3 frames analysed" in said.out
    assert "1 failed" in said.out
    assert said.out.splitlines()[-1] == f"report: {tmp_path / 'all' / 'report.html'}"
    assert "3/3 frames" in said.err
    good = [folder / "SYN_0001.jpg", folder / "SYN_0002.jpg"]
    assert status("batch", *good, "--out", tmp_path / "good", "--workers", 1, "--emissivity", 0.8) == 0
    assert status("batch", *good, folder / "missing.jpg", "--out", tmp_path / "good", "--emissivity", 0.8) == 1
    assert "not looked into: missing.jpg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--out", "out"], "inputs must name at least one file"),
        (["FOLDER", "--out", "out", "--emissivity", "2"], "emissivity must be at most 1.0, got 2.0"),
        (["FOLDER", "--out", "out", "--profile", "none such"], "none such"),
        (["FOLDER", "--out", "out", "--workers", "0"], "workers must be at least 1, got 0"),
        (["FOLDER", "--out", "/dev/null"], "cannot be written"),
    ],
)
def test_batch_usage(folder, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert status("batch", *(str(folder) if a == "FOLDER" else a for a in arguments)) == 2
    said = capsys.readouterr().err
    assert said.startswith("classicseg: error: ")
    assert message in said
    assert not (tmp_path / "out").exists()


def test_every_option_reaches_the_run(monkeypatch, tmp_path):
    import classicseg.batch

    seen = {}

    def run_batch(inputs, out, **rest):
        seen.update(rest, inputs=inputs, out=out)
        raise KeyboardInterrupt

    monkeypatch.setattr(classicseg.batch, "run_batch", run_batch)
    numbers = {"emissivity": 0.9, "distance_m": 25.0, "reflected_celsius": -5.0, "atmospheric_celsius": 20.0}
    numbers |= {"relative_humidity": 0.4, "window_transmission": 0.8, "window_celsius": 21.0, "nodata": -1.0}
    numbers |= {"min_delta": 4.0, "min_area": 9, "spatial_bandwidth": 3, "range_bandwidth": 1.5}
    words = {"profile": "p.toml", "calibration": "c.json", "unit": "counts", "method": "mean_shift"}
    typed = [f"--{name.replace('_', '-')}={value}" for name, value in {**numbers, **words}.items()]
    assert status("batch", "a", "b", "--out=o", "--state=s", "--workers=3", "--no-overlays", *typed) == 130
    assert (seen["inputs"], seen["out"], seen["state"], seen["workers"]) == (["a", "b"], "o", "s", 3)
    assert not seen["options"].overlays
    assert {name: getattr(seen["options"], name) for name in numbers | words} == numbers | words
    assert not seen["options"].calibration_any_camera
    assert status("batch", "a", "--out=o", "--calibration=c.json", "--calibration-any-camera") == 130
    assert seen["options"].calibration_any_camera


def test_a_picture_beside_a_frame_is_no_failure(tmp_path, capsys):
    """Drones take one of each; only a folder in which nothing has temperatures is a failure."""
    flight = synthetic_flight(tmp_path / "made", n_frames=1, shape=(160, 192))
    (tmp_path / "in").mkdir()
    Image.new("RGB", (32, 24)).save(tmp_path / "in" / "DJI_0001_V.JPG")
    assert status("batch", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1) == 1
    shutil.copyfile(flight.paths[0], tmp_path / "in" / "DJI_0001_R.JPG")
    assert status("batch", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1) == 0
    assert "1 without temperatures, see 'Not analysed' in the report" in capsys.readouterr().out


def test_segment(tmp_path, capsys):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 200
    Image.fromarray(picture).save(tmp_path / "in.png")
    options = ["--method", "kmeans", "--n-clusters", 2, "--rng", 1, "--min-size", 10]
    assert status("segment", tmp_path / "in.png", "-o", tmp_path / "labels.png", *options) == 0
    assert "2 regions" in capsys.readouterr().out
    with Image.open(tmp_path / "labels.png") as labels:
        assert sorted(set(np.asarray(labels).ravel().tolist())) == [1, 2]
    assert status("segment", tmp_path / "missing.png", "-o", tmp_path / "labels.png") == 2
    assert "missing.png" in capsys.readouterr().err


def test_segment_by_the_tree_of_regions(tmp_path, capsys):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 20:] = 60
    picture[:, 40:] = 200
    Image.fromarray(picture).save(tmp_path / "in.png")
    files = [tmp_path / "in.png", "-o", tmp_path / "labels.npy"]
    assert status("segment", *files) == 0
    assert "3 regions" in capsys.readouterr().out
    assert_array_equal(np.load(tmp_path / "labels.npy"), classicseg.segment(picture))
    assert status("segment", *files, "--scale", 1) == 0
    assert "1 regions" in capsys.readouterr().out
    assert status("segment", *files, "--scale", 2) == 2
    assert "scale must be at most 1, got 2.0" in capsys.readouterr().err


def test_segment_temperatures_of_little_contrast(tmp_path, capsys):
    heat = np.full((40, 60), 20, np.float32)
    heat[10:30, 15:45] += 0.5
    Image.fromarray(heat).save(tmp_path / "in.tif")
    files = [tmp_path / "in.tif", "-o", tmp_path / "labels.npy"]
    for options, expected in ((), "1 regions"), (("--unit", 2), "2 regions"):
        assert status("segment", *files, *options) == 0
        assert expected in capsys.readouterr().out
    assert_array_equal(np.load(tmp_path / "labels.npy"), classicseg.segment(heat, unit=2))


class Halves:
    """A refiner that takes what lies above the middle for sky."""

    task, classes = "semantic", ("sky", "ground")

    def refine(self, regions):
        above = (regions.column("row") < 0.5).astype(np.float32)
        return SemanticResult(np.stack([above, 1 - above], axis=1))


class OneThing(Halves):
    def __init__(self, task="instances"):
        self.task = task

    def refine(self, regions):
        one = regions.rows == 1
        if self.task == "panoptic":
            segments = (Segment(70_000, 0, True, int(one.sum())),)
            return PanopticResult(np.where(one, 70_000, 0), segments)
        return InstanceResult(one[None], np.array([0.9]), np.array([1]))


def test_segment_with_a_refiner(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(EMBEDDED, "halves", Halves)
    monkeypatch.setitem(EMBEDDED, "one", OneThing)
    picture = np.full((40, 60, 3), 200, np.uint8)
    picture[20:] = 40, 80, 30
    Image.fromarray(picture).save(tmp_path / "in.png")
    out = tmp_path / "out.npy"
    files = [tmp_path / "in.png", "-o", out]
    assert status("segment", *files, "--refiner", "halves") == 0
    assert capsys.readouterr().out == f"classes 1 sky, 2 ground: {out}\n"
    assert_array_equal(np.load(out), np.where(np.arange(40)[:, None] < 20, 1, 2).repeat(60, axis=1))
    assert status("segment", *files, "--refiner", "one") == 0
    assert capsys.readouterr().out == f"1 instances: {out}\n"
    assert_array_equal(np.load(out), (np.arange(40)[:, None] >= 20).repeat(60, axis=1))
    assert status("segment", *files, "--refiner", "one:task=panoptic") == 0
    assert capsys.readouterr().out == f"segments up to 70000: {out}\n"
    assert status("segment", *files, "--refiner", "nobody") == 2
    assert "refiner must be one of" in capsys.readouterr().err


def test_segment_by_mean_shift(tmp_path, capsys):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 20:] = 60
    picture[:, 40:] = 200
    Image.fromarray(picture).save(tmp_path / "in.png")
    files = [tmp_path / "in.png", "-o", tmp_path / "labels.npy", "--method", "mean_shift"]
    assert status("segment", *files, "--min-size", 10) == 0
    assert "3 regions" in capsys.readouterr().out
    assert status("segment", *files, "--range-bandwidth", 120, "--spatial-bandwidth", 2) == 0
    assert "2 regions" in capsys.readouterr().out
    assert status("segment", *files, "--spatial-bandwidth", 0) == 2
    assert "spatial_bandwidth must be at least 1, got 0" in capsys.readouterr().err
    assert status("segment", *files, "--n-clusters", 3) == 2
    said = capsys.readouterr().err
    assert said == (
        "classicseg: error: n_clusters must go with method='kmeans', got it with 'mean_shift'; leave it out\n"
    )


def test_help_tells_the_methods_and_their_defaults(capsys):
    for command, windows in (("batch", _smooth.Windows()), ("segment", (_segment.SPATIAL, _segment.RANGE))):
        assert status(command, "--help") == 0
        said = " ".join(capsys.readouterr().out.split())
        space, levels = (f"{value:g}" for value in windows)
        for option, value in (("--spatial-bandwidth PX", space), ("--range-bandwidth \\w+", levels)):
            assert re.search(rf"{option} (?:(?! --).)*\(default: {value}\)", said)
        assert f"--method {{{','.join(_segment.METHODS if command == 'segment' else _smooth.METHODS)}}}" in said
    assert (cli.SEGMENT_METHODS, cli.METHODS) == (_segment.METHODS, _smooth.METHODS)
    assert f"(default: {_segment.N_CLUSTERS})" in said
    assert f"(default: {_segment.SCALE})" in said
    assert f"(default: {_segment.MIN_SIZE}; of the others {_segment.SMALLEST})" in said


def test_info_and_warmup(capsys):
    assert status("info") == 0
    assert f"classicseg    {classicseg.__version__}" in capsys.readouterr().out
    assert status("warmup") == 0
    assert " s\n" in capsys.readouterr().out


def test_demo_command(tmp_path, capsys):
    assert status("demo", "--out", tmp_path, "--frames", 4) == 0
    lines = capsys.readouterr().out.splitlines()
    first = ["4", "1", "known", "precision", "recall", "temperature", "as", "report:"]
    assert [line.split()[0] for line in lines] == first
    assert lines[-1].endswith("report.html")


def test_module_runs_without_cv2(folder, tmp_path):
    """The main job imports neither cv2 nor scikit-image, and a blocked cv2 does not matter."""
    code = (
        "import sys; sys.modules['cv2'] = None\n"
        "from classicseg.cli import main\n"
        f"status = main(['batch', {str(folder)!r}, '--out', {str(tmp_path / 'out')!r}, '--workers', '1'])\n"
        "assert 'skimage' not in sys.modules\n"
        "sys.exit(status)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 1
    done = subprocess.run([sys.executable, "-m", "classicseg", "--version"], check=True, capture_output=True)
    assert classicseg.__version__ in done.stdout.decode()
