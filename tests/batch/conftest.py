"""A small flight and its undisturbed result."""

import os
import sys
from pathlib import Path

import pytest

from classicseg.batch import run_batch
from classicseg.thermal._flight import synthetic_flight

pytest.register_assert_rewrite("batch_trees")
HERE = Path(__file__).parent
SHAPE = (256, 320)  # shows enough modules for hot spots to be found, takes about 40 ms


@pytest.fixture(scope="session")
def flight(tmp_path_factory):
    """Ten good frames and a broken one."""
    return synthetic_flight(tmp_path_factory.mktemp("flight"), n_frames=10, shape=SHAPE)


@pytest.fixture(scope="session")
def folder(flight):
    return os.path.dirname(flight.paths[0])


@pytest.fixture(scope="session")
def undisturbed(folder, tmp_path_factory):
    """Output folder of a run with one worker that nothing disturbed."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run_batch(folder, out, workers=1)
    return out


@pytest.fixture
def fakes(monkeypatch):
    """The module of stand-ins for the work on a frame, importable in worker processes too."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])))
    import batch_fakes

    return batch_fakes


@pytest.fixture
def command():
    """The start of a command line that runs classicseg from a fresh interpreter."""
    return [sys.executable, "-m", "classicseg"]
