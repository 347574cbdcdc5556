"""Peers that cannot live beside our other packages: each in an environment of its own.

``python -m benchmarks.environments DIR`` makes them, one folder each, from the package index; cases find them by
``--environments DIR``. An environment that cannot be made here is told of, and its peer is then not run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import NOT_INSTALLED


@dataclass(frozen=True)
class Environment:
    """What is installed, step by step; later steps may be built with what the earlier ones brought."""

    steps: Sequence[Sequence[str]]  # arguments of pip install


IMAGES = "scikit-image"  # holds the photographs that the cases share
ENVIRONMENTS: Mapping[str, Environment] = {
    "ximgproc": Environment([["opencv-contrib-python", IMAGES]]),  # it replaces opencv-python
    "fast-slic": Environment(
        [["cython", "numpy", "setuptools", "wheel", IMAGES], ["--no-build-isolation", "fast-slic"]]  # needs a compiler
    ),
    "pymaxflow": Environment([["PyMaxflow", IMAGES]]),  # GPL
}
ASK = """
import json, sys
from importlib import metadata
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def make(folder: Path, environments: Mapping[str, Environment] = ENVIRONMENTS) -> list[str]:
    """Make the environments below `folder`; return the names of those that could not be made."""
    failed = []
    for name, environment in environments.items():
        venv.create(folder / name, with_pip=True, clear=True)
        for step in environment.steps:
            if subprocess.run([str(interpreter(folder, name)), "-m", "pip", "install", *step]).returncode:
                failed.append(name)
                break
    return failed


def interpreter(folder: Path, name: str) -> Path:
    return folder / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def versions_there(folder: Path, name: str, packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of distributions in an environment, as `machine.versions` does of our own."""
    wanted = list(packages)
    found: dict[str, str] = {}
    if (python := interpreter(folder, name)).exists():
        done = subprocess.run([str(python), "-c", ASK, *wanted], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
    return {package: found.get(package, NOT_INSTALLED) for package in wanted}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.environments DIR")
    if gone := make(Path(sys.argv[1])):
        sys.exit(f"not made: {', '.join(gone)}")
