"""Public names are the documented ones, and each is documented in full (numpydoc)."""

import dataclasses
import importlib
import inspect
import re
import tomllib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = [
    "classicseg",
    "classicseg.batch",
    "classicseg.cluster",
    "classicseg.features",
    "classicseg.graph",
    "classicseg.metrics",
    "classicseg.refine",
    "classicseg.regions",
    "classicseg.thermal",
]
NAMES = [f"{package}.{name}" for package in PACKAGES for name in importlib.import_module(package).__all__]


def resolve(name: str) -> object:
    package, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(package), attribute)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_holds_the_public_names_and_no_others(package):
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    public = {name for name, value in vars(module).items() if is_public(package, name, value)}
    assert public <= set(module.__all__)
    assert [name for name in module.__all__ if name.startswith("_") or not hasattr(module, name)] == []


def is_public(package: str, name: str, value: object) -> bool:
    """Say whether `value` looks like a name of `package` itself: no module, nothing taken from elsewhere."""
    if name.startswith("_") or inspect.ismodule(value) or name in {"TYPE_CHECKING", "lazy_exports"}:
        return False
    return getattr(value, "__module__", package).startswith(package)


def test_a_name_is_public_in_one_place_besides_the_front_door():
    elsewhere = [name.rpartition(".")[2] for name in NAMES if name.count(".") > 1]
    assert sorted(elsewhere) == sorted(set(elsewhere))


def methods(name: str) -> list[str]:
    """Return the public methods and properties that a public class defines itself."""
    value = resolve(name)
    if not inspect.isclass(value):
        return []
    documented = (types.FunctionType, property, classmethod, staticmethod)
    own = [key for key, member in vars(value).items() if isinstance(member, documented)]
    return [f"{name}.{key}" for key in own if not key.startswith("_")]


@pytest.mark.parametrize("name", [*NAMES, *(method for name in NAMES for method in methods(name))])
def test_numpydoc_finds_nothing_to_say(name):
    numpydoc = pytest.importorskip("numpydoc.validate", reason="numpydoc comes with the extra dev")
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]
    assert config["checks"][0] == "all"
    excluded = config["checks"][1:]  # after "all", numpydoc reads the rest as exceptions
    if name in NAMES and getattr(resolve(name), "_is_protocol", False):
        excluded.append("PR01")  # nobody makes one, and what Python lets it be made of is no parameter of ours
    complaints = numpydoc.validate(name)["errors"]
    assert [f"{code}: {text}" for code, text in complaints if code not in excluded] == []


# Functions that take the place of another library's keep its signature, so that only the import changes.
DROP_INS = {"classicseg.felzenszwalb", "classicseg.slic"}


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isfunction(resolve(name)) and name not in DROP_INS])
def test_options_are_keyword_only_and_words(name):
    """A call reads without its signature at hand: at most three arguments by position, and no bare flag."""
    parameters = inspect.signature(resolve(name)).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 3
    assert [p.name for p in positional if isinstance(p.default, bool)] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("Result")])
def test_results_are_frozen(name):
    result = resolve(name)
    assert result.__dataclass_params__.frozen


@pytest.mark.parametrize("name", NAMES)
def test_names_follow_the_vocabulary(name):
    value = resolve(name)
    described = inspect.isfunction(value) or dataclasses.is_dataclass(value)
    names = set(inspect.signature(value).parameters) if described else set()
    other_words = {
        "img",
        "X",
        "multichannel",
        "seg",
        "segments",
        "k",
        "num_segments",
        "max_iter",
        "eps",
        "seed",
    }
    other_words |= {"random_state", "neighbors", "temp", "t", "thr", "gt", "dt", "adj", "codebook", "window"}
    if name == "classicseg.refine.PanopticResult":
        names -= {"segments"}  # records of them, beside the image of their numbers
    assert not names & other_words


def test_public_names_are_spelt_in_one_way():
    for name in NAMES:
        assert re.fullmatch(r"[a-z][a-z0-9_]*|[A-Z][A-Za-z0-9]*", name.rpartition(".")[2])
