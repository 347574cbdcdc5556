"""The README's Python runs as it stands. Its shell lines are those of the command line's own tests."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from classicseg.thermal._flight import synthetic_flight

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
NEEDS = {"skimage": "skimage"}  # in the text -> the package that its block needs, from the extra "test"


def test_there_are_blocks():
    assert len(BLOCKS) >= 3


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="whole pictures take minutes without the JIT")
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_block_runs(block, tmp_path, monkeypatch):
    for word, package in NEEDS.items():
        if word in block:
            pytest.importorskip(package)
    for name in sorted(set(re.findall(r'"(flight/[^"]+)"', block))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        made = synthetic_flight(tmp_path / "made", n_frames=1)
        shutil.copyfile(made.paths[0], tmp_path / name)
    monkeypatch.chdir(tmp_path)
    regions = np.repeat(np.repeat([[1, 2], [3, 4]], 24, axis=0), 32, axis=1).astype(np.int32)
    names = {"labels_true": regions, "labels_pred": np.roll(regions, 2, axis=1)}  # what a reader has of their own
    exec(compile(block, "README.md", "exec"), names)
    if "spots" in names:  # what the comments beside the lines say
        assert (names["frame"].temperature.shape, names["frame"].temperature.dtype) == ((512, 640), np.float32)
        assert str(names["frame"].parameters["emissivity"]) == "Parameter(value=0.9, unit='1', source='override')"
        assert (names["spots"].labels.shape, names["spots"].labels.dtype) == ((512, 640), np.int32)
        assert len(names["spots"].table["delta_celsius"]) > 0
