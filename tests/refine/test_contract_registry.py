"""Refiners by name: those of other packages, loaded when they are asked for; a broken one is told of and left out."""

import sys
import warnings
from importlib.metadata import entry_points

import numpy as np
import pytest

from classicseg.refine import Refiner, RefinerError, RefinerWarning, SemanticResult, available_refiners, load_refiner
from classicseg.refine._registry import EMBEDDED, parse_spec

MODULE = """\
import numpy as np
from classicseg.refine import SemanticResult


class Uniform:
    task = "semantic"
    classes = ("a", "b")  # so that the class itself has all that a refiner has

    def __init__(self, classes=("a", "b"), weight=1.0, sure=False):
        if weight < 0:
            raise ValueError(f"weight must be at least 0, got {weight}")
        self.classes, self.weight, self.sure = classes, weight, sure

    def refine(self, regions):
        return SemanticResult(np.full((len(regions.numbers), 2), 0.5))


ready = Uniform(("x", "y"))


class Late(Uniform):
    classes = property(lambda self: open("weights that are gone"), lambda self, classes: None)


late = Late()
nothing = lambda: None
number = 7
loaded = True
"""
ENTRIES = """\
[classicseg.refiners]
uniform = some_plugin:Uniform
ready = some_plugin:ready
nothing = some_plugin:nothing
number = some_plugin:number
absent = some_plugin:Missing
ended = some_ending_plugin:Refiner
gone = some_plugin_that_is_gone:Refiner
loud = some_loud_plugin:Refiner
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """An installed package that brings refiners along, sound and broken ones; others are as if not installed."""
    (tmp_path / "some_plugin.py").write_text(MODULE)
    (tmp_path / "some_loud_plugin.py").write_text("raise RuntimeError('no licence')")
    (tmp_path / "some_ending_plugin.py").write_text("raise SystemExit('needs another Python')")
    info = tmp_path / "some_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        "classicseg.refine._registry.entry_points",
        lambda group: [entry for entry in entry_points(group=group) if entry.dist.name.startswith("some-")],
    )
    yield
    for name in ("some_plugin", "some_loud_plugin", "some_ending_plugin"):
        sys.modules.pop(name, None)


BROKEN = {
    "absent": "the refiner 'absent' of some_plugin:Missing is left out: cannot be imported from some_plugin:Missing: "
    "AttributeError: module 'some_plugin' has no attribute 'Missing'",
    "ended": "the refiner 'ended' of some_ending_plugin:Refiner is left out: cannot be imported from "
    "some_ending_plugin:Refiner: SystemExit: needs another Python",
    "gone": "the refiner 'gone' of some_plugin_that_is_gone:Refiner is left out: cannot be imported from "
    "some_plugin_that_is_gone:Refiner: ModuleNotFoundError: No module named 'some_plugin_that_is_gone'",
    "loud": "the refiner 'loud' of some_loud_plugin:Refiner is left out: cannot be imported from "
    "some_loud_plugin:Refiner: RuntimeError: no licence",
    "number": "the refiner 'number' of some_plugin:number is left out: some_plugin:number must be a callable that "
    "returns a refiner, got 7",
}


@pytest.mark.usefixtures("plugins")
def test_broken_plugins_are_left_out_with_a_warning_each():
    with pytest.warns(RefinerWarning) as caught:
        found = available_refiners()
    assert sorted(str(warning.message) for warning in caught) == list(BROKEN.values())
    assert all(warning.filename == __file__ for warning in caught)
    assert found.keys() == {"nothing", "ready", "uniform", *EMBEDDED}
    assert list(found) == sorted(found)
    assert isinstance(found["uniform"](sure=True), Refiner)


@pytest.mark.usefixtures("plugins")
def test_classes_that_cannot_be_asked_for(tmp_path):
    """Python before 3.12 asks for them at the import, later ones when the refiner is made."""
    (tmp_path / "some_plugin-1.0.dist-info" / "entry_points.txt").write_text(
        "[classicseg.refiners]\nlate = some_plugin:late\nuniform = some_plugin:Uniform\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefinerWarning)
        assert "uniform" in available_refiners()
    with pytest.raises(RefinerError, match=r"^refiner late: .*weights that are gone"):
        load_refiner("late")


@pytest.mark.usefixtures("plugins")
def test_only_the_one_asked_for_is_imported():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_refiner("uniform").classes == ("a", "b")
    assert "some_loud_plugin" not in sys.modules


@pytest.mark.usefixtures("plugins")
def test_options_reach_the_refiner():
    refiner = load_refiner("uniform:classes=hot|cold,weight=2.5,sure=true")
    assert (refiner.classes, refiner.weight, refiner.sure) == (("hot", "cold"), 2.5, True)
    assert load_refiner("ready") is load_refiner("ready")


@pytest.mark.usefixtures("plugins")
def test_of_two_plugins_of_one_name_it_is_always_the_same(tmp_path):
    info = tmp_path / "some_earlier-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-earlier\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[classicseg.refiners]\nuniform = some_plugin:ready\n")
    assert load_refiner("uniform:weight=2").weight == 2
    with pytest.warns(RefinerWarning) as caught:
        assert available_refiners()["uniform"](weight=3).weight == 3
    taken = "the refiner 'uniform' of some_plugin:ready is left out: the name is taken"
    assert taken in {str(warning.message) for warning in caught}


@pytest.mark.usefixtures("plugins")
def test_a_name_of_the_package_is_not_taken_by_a_plugin(monkeypatch):
    class Own:
        task, classes = "semantic", ("own",)

        def refine(self, regions):
            return SemanticResult(np.ones((len(regions.numbers), 1)))

    monkeypatch.setitem(EMBEDDED, "uniform", Own)
    with pytest.warns(RefinerWarning) as caught:
        found = available_refiners()
    taken = "the refiner 'uniform' of some_plugin:Uniform is left out: the name is taken"
    assert taken in {str(warning.message) for warning in caught}
    assert found["uniform"] is Own
    assert load_refiner("uniform").classes == ("own",)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("spec", BROKEN)
def test_a_broken_plugin_that_is_asked_for_is_an_error(spec):
    with pytest.raises(RefinerError) as caught:
        load_refiner(spec)
    assert str(caught.value) == f"refiner {spec}: " + BROKEN[spec].partition(" is left out: ")[2]


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            "uniform:weight=-1",
            RefinerError,
            "refiner uniform: cannot be made with {'weight': -1}: ValueError: weight must be at least 0, got -1",
        ),
        (
            "ready:weight=1",
            RefinerError,
            "refiner ready: cannot be made with {'weight': 1}: TypeError: some_plugin:ready is a refiner that takes no "
            "options",
        ),
        (
            "nothing",
            RefinerError,
            "refiner nothing: is none: refiner must have task, classes and refine, got NoneType without task, classes, "
            "refine; wrap a function with classicseg.refine.from_callable(), or load one by name with load_refiner()",
        ),
        (
            "uniform:classes=hot|hot",
            RefinerError,
            "refiner uniform: is none: refiner Uniform: classes must name each class once, got ('hot', 'hot')",
        ),
        (
            "uniform:weight",
            ValueError,
            "options of a refiner must be option=value,option=value, got 'weight' in 'uniform:weight'",
        ),
        (
            "uniform:1=2",
            ValueError,
            "options of a refiner must be option=value,option=value, got '1=2' in 'uniform:1=2'",
        ),
        (
            "uniform:a=1,a=2",
            ValueError,
            "options of a refiner must be given once each, got a again in 'uniform:a=1,a=2'",
        ),
        (7, TypeError, "refiner must be a string, got 7 of type int"),
    ],
    ids=["option", "no options", "none", "classes", "form", "name", "twice", "type"],
)
def test_bad_names_and_options(spec, error, message):
    with pytest.raises(error) as caught:
        load_refiner(spec)
    assert str(caught.value) == message


@pytest.mark.usefixtures("plugins")
def test_an_unknown_name_says_what_there_is():
    known = sorted({*EMBEDDED, "absent", "ended", "gone", "loud", "nothing", "number", "ready", "uniform"})
    with pytest.raises(ValueError) as caught:
        load_refiner("uniforme")
    assert str(caught.value) == (
        f"refiner must be one of {', '.join(map(repr, known))}, got 'uniforme'; install the package that brings it "
        "along, in the entry-point group 'classicseg.refiners'"
    )


def test_values_of_options():
    text = "name: a=1, b=-2.5 ,c=True,d=none,e=C:\\m=x.onnx,f=a|1|,g=1e-3,h=none|hot"
    assert parse_spec(text) == (
        "name",
        {
            "a": 1,
            "b": -2.5,
            "c": True,
            "d": None,
            "e": "C:\\m=x.onnx",
            "f": ("a", 1, ""),
            "g": 0.001,
            "h": ("none", "hot"),
        },
    )
    assert parse_spec("name") == parse_spec("name:") == ("name", {})
