"""The house keeps its floors: a module imports lower floors only, and heavy packages only in their places.

Every import statement is read with `ast`, in function bodies too, so nothing has to run. Names that a package
re-exports lazily are strings; they are held equal to the imports under `if TYPE_CHECKING:`, which `ast` sees.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "classicseg"

# The design's floors. A half floor holds what its neighbours above and below both need to see.
FLOORS = {
    0: {"_array", "_errors", "_lazy"},
    0.5: {"_validate"},
    1: {"_kernels"},
    1.5: {"_device"},
    2: {"features"},
    3: {"regions", "metrics"},
    4: {"cluster"},
    5: {"superpixels", "graph"},
    5.5: {"_segment_walk"},
    6: {"_segment_tree", "refine", "tiles"},
    6.5: {"_segment"},
    7: {"thermal"},
    7.5: {"_info", "_warmup"},
    8: {"batch"},
    9: {"cli"},
    9.5: {"__main__"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}

# The rooms of the bridge, and what each may know of the others: operators on maps know nothing of refiners.
BRIDGE = {
    "_maps": set(),
    "_adapters": {"_maps", "_errors", "_features", "_refiner", "_results", "_scores", "_table"},
    "_pv_unet": {"_adapters", "_refiner"},
    "_scribbles": {"_refiner", "_results", "_table"},
}

# Where a package may be imported: a file below classicseg/, or a folder and everything in it.
PLACES = {
    "numba": ("_kernels/cpu/",),
    "llvmlite": ("_kernels/cpu/",),
    "cupy": ("_kernels/cuda/",),
    **dict.fromkeys(("torch", "torchvision", "onnx", "onnxruntime", "transformers", "sklearn"), ("refine/",)),
    # importlib imports what no import statement shows. Its submodules metadata and resources only read files.
    "importlib": ("_kernels/__init__.py", "_lazy.py"),
}
READS_FILES_ONLY = {"importlib.metadata", "importlib.resources"}
# cv2 fails to load on bare servers, and the learning libraries are large and no dependencies, so they are imported
# where they are used, never while a module loads.
INSIDE_FUNCTIONS_ONLY = {"cv2", "cupy", "torch", "torchvision", "onnx", "onnxruntime", "transformers", "sklearn"}
HIDDEN_IMPORTS = {"__import__", "import_module", ".import_module", "exec", "eval"}


class Import(NamedTuple):
    module: str  # full dotted name of the module or of the name taken from it
    line: int
    in_function: bool
    typing_only: bool


def imports_of(tree: ast.Module) -> Iterator[Import]:
    yield from _walk(tree, in_function=False, typing_only=False)


def _walk(node: ast.AST, in_function: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, in_function, typing_only)
        elif isinstance(child, ast.ImportFrom):
            prefix = "." * child.level + (child.module or "")
            for alias in child.names:
                yield Import(f"{prefix}.{alias.name}", child.lineno, in_function, typing_only)
        elif isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            for statement in child.body:
                yield from _walk(ast.Module([statement], []), in_function, True)
            for statement in child.orelse:
                yield from _walk(ast.Module([statement], []), in_function, typing_only)
        else:
            inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(child, inside, typing_only)


def room_of(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else path.stem


def violations(package: Path) -> list[str]:
    found = []
    for file in sorted(package.rglob("*.py")):
        path = file.relative_to(package)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for imported in imports_of(tree):
            problem = _floor_problem(package, path, imported) or _place_problem(path, imported)
            if problem:
                found.append(f"{path.as_posix()}:{imported.line}: {problem}")
        for node in ast.walk(tree):
            name = getattr(node, "id", None) or f".{getattr(node, 'attr', '')}"
            if name in HIDDEN_IMPORTS and not _allowed(path, "importlib"):
                found.append(f"{path.as_posix()}:{node.lineno}: {name} hides an import")
    return found


def _floor_problem(package: Path, path: Path, imported: Import) -> str | None:
    if imported.module.startswith("."):
        return f"relative import {imported.module}; name the module in full"
    root, *rest = imported.module.split(".")
    if root != package.name:
        return None
    if path == Path("__init__.py") or rest == ["__version__"]:
        return None  # the front door re-exports every floor, and the version is a constant of it
    here, there = room_of(path), rest[0] if rest else ""
    if here not in FLOOR_OF:
        return f"{here} has no floor; give it one in tests/test_floors.py and in the design"
    if there not in FLOOR_OF:
        return f"{imported.module} is taken from the front door; import it from its room"
    if here != there and FLOOR_OF[there] >= FLOOR_OF[here]:
        return f"{here} (floor {FLOOR_OF[here]}) imports {there} (floor {FLOOR_OF[there]})"
    return None


def _place_problem(path: Path, imported: Import) -> str | None:
    top = imported.module.split(".")[0]
    reads_files = any((imported.module + ".").startswith(name + ".") for name in READS_FILES_ONLY)
    if top in PLACES and not reads_files and not _allowed(path, top):
        return f"{top} belongs to {' and '.join(PLACES[top])} only"
    if top in INSIDE_FUNCTIONS_ONLY and not imported.in_function and not imported.typing_only:
        return f"{top} must be imported inside the function that uses it"
    return None


def _allowed(path: Path, package: str) -> bool:
    return any(
        path.as_posix() == place or (path.as_posix().startswith(place) and place.endswith("/"))
        for place in PLACES[package]
    )


def lazy_disagreements(package: Path) -> list[str]:
    """Compare the strings given to `lazy_exports` with the imports that type checkers and the floors see."""
    found = []
    for file in sorted(package.rglob("__init__.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        here = ".".join([package.name, *file.relative_to(package).parent.parts])
        lazy = {name for node in ast.walk(tree) for name in _lazy_names(here, node)}
        typed = {imported.module for imported in imports_of(tree) if imported.typing_only}
        if lazy and lazy != typed:
            found.append(f"{here}: {sorted(lazy ^ typed)} in only one of lazy_exports and TYPE_CHECKING")
    return found


def _lazy_names(here: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lazy_exports":
        for module, names in ast.literal_eval(node.args[1]).items():
            yield from (f"{here}.{module}.{name}" for name in names)
        for keyword in node.keywords:
            yield from (f"{here}.{name}" for name in ast.literal_eval(keyword.value))


def test_every_import_keeps_its_floor_and_place():
    assert violations(PACKAGE) == []


@pytest.mark.parametrize("room", BRIDGE)
def test_a_room_of_the_bridge_knows_what_it_may(room):
    known = set()
    for file in (PACKAGE / "refine" / room).glob("*.py"):
        modules = (imported.module.split(".") for imported in imports_of(ast.parse(file.read_text(encoding="utf-8"))))
        known |= {parts[2] for parts in modules if parts[:2] == ["classicseg", "refine"]}
    assert known - {room} == BRIDGE[room]


def test_lazy_names_equal_the_typed_imports():
    assert lazy_disagreements(PACKAGE) == []


def test_every_room_that_exists_has_a_floor():
    rooms = {room_of(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms <= FLOOR_OF.keys()


@pytest.mark.parametrize(
    ("where", "line", "complaint"),
    [
        (
            "_array.py",
            "from classicseg._kernels.cpu import kmeans",
            "_array (floor 0) imports _kernels (floor 1)",
        ),
        ("_array.py", "import classicseg.cluster", "_array (floor 0) imports cluster (floor 4)"),
        ("regions/_a.py", "import classicseg.metrics", "regions (floor 3) imports metrics (floor 3)"),
        (
            "thermal/_a.py",
            "def f():\n    from classicseg.batch import run_batch",
            "thermal (floor 7) imports batch",
        ),
        ("thermal/_a.py", "from classicseg import batch", "thermal (floor 7) imports batch"),
        ("thermal/_a.py", "from classicseg import kmeans", "classicseg.kmeans is taken from the front door"),
        ("thermal/_a.py", "import classicseg", "classicseg is taken from the front door"),
        ("thermal/_a.py", "from ..batch import run_batch", "relative import ..batch.run_batch"),
        ("thermal/_a.py", "class A:\n    from classicseg.cli import main", "thermal (floor 7) imports cli"),
        ("attic.py", "import classicseg._array", "attic has no floor"),
        ("cluster/_a.py", "import numba", "numba belongs to _kernels/cpu/ only"),
        ("_kernels/_a.py", "from numba.core import config", "numba belongs to _kernels/cpu/ only"),
        ("cluster/_a.py", "def f():\n    import cupy as cp", "cupy belongs to _kernels/cuda/ only"),
        ("_kernels/cuda/a.py", "import cupy", "cupy must be imported inside the function that uses it"),
        ("thermal/_a.py", "import cv2", "cv2 must be imported inside the function that uses it"),
        ("thermal/_a.py", "if True:\n    from cv2 import imread", "cv2 must be imported inside the function"),
        ("cluster/_a.py", "def f():\n    import torch", "torch belongs to refine/ only"),
        (
            "batch/_a.py",
            "def f():\n    from onnxruntime import InferenceSession",
            "onnxruntime belongs to refine/ only",
        ),
        ("refine/_a.py", "import torch", "torch must be imported inside the function that uses it"),
        ("refine/_a.py", "from sklearn.base import clone", "sklearn must be imported inside the function"),
        ("batch/_a.py", "import importlib", "importlib belongs to _kernels/__init__.py and _lazy.py only"),
        ("batch/_a.py", "from importlib import import_module", "importlib belongs to"),
        ("batch/_a.py", "import importlib.util", "importlib belongs to"),
        ("batch/_a.py", "m = __import__('numba')", "__import__ hides an import"),
        ("batch/_a.py", "pkgutil.importlib.import_module('numba')", ".import_module hides an import"),
        ("batch/_a.py", "exec('import numba')", "exec hides an import"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, where, line, complaint):
    package = planted(tmp_path, where, line)
    (found,) = violations(package)
    assert where in found
    assert complaint in found


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("batch/_a.py", "from classicseg.thermal import read\nfrom classicseg import __version__"),
        ("batch/_a.py", "import importlib.metadata\nfrom importlib import resources"),
        ("thermal/_a.py", "from classicseg.thermal._fff import parse\nfrom classicseg import regions"),
        ("thermal/_a.py", "def f():\n    import cv2"),
        ("refine/_a.py", "def f():\n    import torch\n    from transformers import SamModel"),
        ("_kernels/cpu/a.py", "import numba"),
        ("_kernels/__init__.py", "import importlib"),
        ("__init__.py", "from classicseg.batch import run_batch"),
    ],
)
def test_what_is_allowed_is_not_reported(tmp_path, where, line):
    assert violations(planted(tmp_path, where, line)) == []


@pytest.mark.parametrize(
    ("typed", "lazy"),
    [
        ("from classicseg.cluster import kmeans", "{'cluster': ('kmeans', 'KMeansResult')}"),
        ("from classicseg.cluster import KMeansResult, kmeans", "{'cluster': ('kmeans',)}"),
        ("from classicseg.cluster import kmeans", "{'regions': ('kmeans',)}"),
        ("from classicseg.cluster import kmeans", "{'cluster': ('kmeans',)}, subpackages=('cluster',)"),
    ],
)
def test_a_planted_lazy_disagreement_is_found(tmp_path, typed, lazy):
    body = f"if TYPE_CHECKING:\n    {typed}\nelse:\n    __getattr__, __dir__ = lazy_exports(__name__, {lazy})"
    (found,) = lazy_disagreements(planted(tmp_path, "__init__.py", body))
    assert "in only one of" in found


def planted(folder: Path, where: str, text: str) -> Path:
    file = folder / "classicseg" / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")
    return folder / "classicseg"
