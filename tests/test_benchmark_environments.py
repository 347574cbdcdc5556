"""Peers with an environment of their own: found, asked for versions, run by their interpreter, told when absent."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # benchmarks are run from a checkout and never installed

from benchmarks import environments, runner  # noqa: E402
from benchmarks.registry import Agreement, Case, Contender, Context, Row, load_case  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for an environment is a shell script")
ROW = Row("r", {"size": [8, 9], "dtype": "uint8", "space": "Lab"}, part="color")


@pytest.fixture
def folder(tmp_path):
    """A folder with one environment: this interpreter, which leaves a note when it is started."""
    python = environments.interpreter(tmp_path, "own")
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$2" >> "{tmp_path}/started"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return tmp_path


def case_of(*contenders):
    return Case("color", "t", contenders, lambda context: [ROW], lambda row, outputs: Agreement(True, "yes"))


OURS = Contender("classicseg", "ours")
PEER = Contender("peer", "scikit_image", ("scikit-image",), environment="own")


def test_a_peer_is_run_by_the_interpreter_of_its_environment(folder):
    found = runner.run_row(case_of(OURS, PEER), ROW, repeats=0, threads=1, environments=folder)
    assert all("times_s" in contender for contender in found["contenders"].values())
    assert "benchmarks.worker" in (folder / "started").read_text().split()


def test_without_that_environment_it_runs_beside_ours(tmp_path):
    found = runner.run_row(case_of(OURS, PEER), ROW, repeats=0, threads=1, environments=tmp_path)
    assert "times_s" in found["contenders"]["peer"]


def test_what_is_missing_there_is_told(folder):
    peer = replace(PEER, packages=("scikit-image", "no-such-distribution"))
    found = runner.run_row(case_of(OURS, peer), ROW, repeats=0, threads=1, environments=folder)
    reason = "no-such-distribution is not installed in the environment of its own"
    assert found["contenders"]["peer"] == {"not_run": reason}


def test_versions_are_those_of_the_environment(folder, monkeypatch):
    monkeypatch.setattr(environments, "ASK", 'print(\'{"scikit-image": "99"}\')')
    case = case_of(OURS, PEER)
    assert runner.versions_of(case.contenders, folder)["scikit-image"] == "99"
    assert runner.versions_of(case.contenders, None)["scikit-image"] != "99"
    result = runner.run_case(
        case, Context(folder, environments=folder), repeats=0, threads=1, progress=lambda line: None
    )
    assert result["versions"]["scikit-image"] == "99"


def test_every_environment_that_a_contender_names_can_be_made():
    contenders = [one for name in ("superpixels", "graph") for one in load_case(name).contenders]
    named = {one.environment: one.packages for one in contenders if one.environment}
    assert named.keys() == environments.ENVIRONMENTS.keys()
    for name, packages in named.items():
        installed = {argument for step in environments.ENVIRONMENTS[name].steps for argument in step}
        assert installed >= {*packages, environments.IMAGES}


def test_one_that_cannot_be_made_is_named_and_the_others_are_made(tmp_path, monkeypatch):
    asked = []

    def run(command):
        asked.append(command[-1])
        return type("Done", (), {"returncode": int(command[-1] == "broken")})

    monkeypatch.setattr(environments.subprocess, "run", run)
    monkeypatch.setattr(environments.venv, "create", lambda *arguments, **options: None)
    wanted = {
        "a": environments.Environment([["broken"], ["never"]]),
        "b": environments.Environment([["one"], ["two"]]),
    }
    assert environments.make(tmp_path, wanted) == ["a"]
    assert asked == ["broken", "one", "two"]
