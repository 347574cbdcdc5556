"""`import classicseg` is light, its names are lazy, and type checkers see every one of them."""

import pickle
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import classicseg

ROOT = Path(__file__).parents[1]
HEAVY = ("numba", "llvmlite", "cv2", "scipy", "skimage", "cupy", "PIL", "matplotlib", "pandas")
LEARNING = ("torch", "torchvision", "onnx", "onnxruntime", "transformers", "sklearn")


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages in `sys.modules` of a new interpreter after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import classicseg",
        "import classicseg; classicseg.__version__; dir(classicseg)",
        "from classicseg import ClassicsegError, FileFormatError, NotRadiometricError",
        "import classicseg.thermal",
        "import classicseg.metrics; dir(classicseg.metrics)",
        "import classicseg.refine; dir(classicseg.refine)",
    ],
)
def test_import_loads_numpy_and_nothing_heavier(statement):
    assert not loaded_by(statement) & {*HEAVY, *LEARNING}


def test_the_probe_sees_a_heavy_import():
    assert "scipy" in loaded_by("import scipy")


def test_reading_frames_loads_neither_numba_nor_cv2():
    loaded = loaded_by("from classicseg.thermal import read")
    assert "classicseg" in loaded
    assert not loaded & {"numba", "cv2", "skimage"}


def test_every_public_name_is_there_and_listed():
    for name in classicseg.__all__:
        assert getattr(classicseg, name).__name__ == name
        assert name in dir(classicseg)


@pytest.mark.parametrize("name", ["thermal", "regions", "features", "cluster", "batch", "metrics", "graph", "refine"])
def test_subpackages_are_attributes_without_importing_them(name):
    code = f"import classicseg; print(classicseg.{name}.__name__); assert {name!r} in dir(classicseg)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == f"classicseg.{name}"


def test_star_import_gives_exactly_the_public_names():
    namespace: dict[str, object] = {}
    exec("from classicseg import *", namespace)
    assert namespace.keys() - {"__builtins__"} == set(classicseg.__all__)


def test_dir_shows_no_private_name():
    assert [name for name in dir(classicseg) if name.startswith("_") and not name.startswith("__")] == []


def test_a_misspelt_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'classicseg' has no attribute 'k_means'$"):
        _ = classicseg.k_means
    with pytest.raises(ImportError, match="cannot import name 'k_means'"):
        exec("from classicseg import k_means")


def test_no_flat_name_hides_a_module():
    package = ROOT / "classicseg"
    modules = {path.stem for path in package.glob("*.py")} | {path.name for path in package.iterdir() if path.is_dir()}
    assert not modules & set(classicseg.__all__)
    for name in classicseg.__all__:
        assert not isinstance(getattr(classicseg, name), types.ModuleType)


def test_results_survive_pickling():
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)[..., None]
    result = classicseg.kmeans(image, 2, rng=0)
    again = pickle.loads(pickle.dumps(result))
    assert type(again) is classicseg.KMeansResult
    np.testing.assert_array_equal(again.labels, result.labels)
    np.testing.assert_array_equal(again.centers, result.centers)


def test_errors_survive_pickling():
    error = classicseg.NotRadiometricError("a.jpg", "no FLIR segment", "a radiometric JPEG")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is classicseg.NotRadiometricError
    assert str(again) == str(error)
    assert (again.path, again.found, again.expected) == ("a.jpg", "no FLIR segment", "a radiometric JPEG")


CONSUMER = """\
import numpy as np

import classicseg
from classicseg import KMeansResult, connected_regions, kmeans
from classicseg.thermal import find_hotspots, read

image = np.zeros((4, 6, 3), np.uint8)
result: KMeansResult = kmeans(image, 2, rng=0)
labels = connected_regions(result.labels)
same = classicseg.kmeans(image, 2)
frame = read("frame.jpg")
spots = classicseg.thermal.find_hotspots(frame)
try:
    pass
except classicseg.FileFormatError as error:
    print(error.path)
"""


# What is written, what a slip of the pen makes of it, and what mypy must say then.
MISTAKES = {
    "import": (
        "import KMeansResult, connected_regions",
        "import KMeansResult, conected_regions",
        "conected_regions",
    ),
    "attribute": ("classicseg.kmeans(", "classicseg.kmean(", 'no attribute "kmean"'),
    "subpackage": ("thermal.find_hotspots", "thermal.find_hotspot", 'no attribute "find_hotspot"'),
    "from_subpackage": ("find_hotspots, read", "find_hotspots, reads", 'no attribute "reads"'),
    "option": ("rng=0", "seed=0", 'Unexpected keyword argument "seed"'),
    "result": ("result: KMeansResult", "result: int", "Incompatible types"),
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What mypy says about the consumer and about each of its mistakes, by script name."""
    api = pytest.importorskip("mypy.api", reason="mypy is not installed; it comes with the extra dev")
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "right.py").write_text(CONSUMER)
    for name, (right, wrong, _) in MISTAKES.items():
        assert right in CONSUMER
        (folder / f"wrong_{name}.py").write_text(CONSUMER.replace(right, wrong))
    # Errors inside the package are the lint leg's matter; here only the consumers are judged.
    options = ["--config-file", str(ROOT / "setup.cfg"), "--follow-imports=silent", "--no-error-summary"]
    options += ["--cache-dir", str(folder / "cache")]
    scripts = sorted(folder.glob("*.py"))
    output, errors, _ = api.run([*options, *map(str, scripts)])
    assert errors == ""
    lines = output.splitlines()
    return {path.stem: "\n".join(line for line in lines if line.startswith(str(path))) for path in scripts}


def test_mypy_accepts_a_consumer(complaints):
    assert complaints["right"] == ""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mypy_refuses_a_mistake(complaints, mistake):
    assert MISTAKES[mistake][2] in complaints[f"wrong_{mistake}"]
