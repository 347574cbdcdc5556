"""Refiners of a plug-in, as worker processes load them: written into a folder and installed there."""

import os

PLUGIN = '''\
import os
from pathlib import Path

import numpy as np

from classicseg.refine import InstanceResult, SemanticResult


class Warm:
    """Takes what is warmer than its neighbours for a hot spot; fails on the frames that a file names."""

    task = "semantic"
    classes = ("cold <b>", "warm", "hot spot")
    files = ()

    def __init__(self, kelvin=2.0, per_pixel=False, model=None):
        self.kelvin, self.per_pixel = kelvin, per_pixel
        self.bias = 0.0 if model is None else float(Path(model).read_text())

    def refine(self, regions):
        broken = os.environ.get("BROKEN_FRAMES", "")
        if os.path.isfile(broken) and regions.metadata["file"] in Path(broken).read_text():
            raise RuntimeError(f"no memory for {regions.metadata['file']}")
        heat = regions.column("temperature_relative") / self.kelvin + self.bias
        logits = np.stack([-heat, np.ones_like(heat), heat], axis=1)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return SemanticResult(shares[regions.rows] if self.per_pixel else shares)


class Nothing(Warm):
    """Finds no instance in any frame."""

    task = "instances"

    def refine(self, regions):
        return InstanceResult(np.zeros((0, *regions.labels.shape), bool), [], [])


class Unsound(Warm):
    def refine(self, regions):
        return SemanticResult(np.ones((len(regions.numbers), 3)))


def broken():
    raise RuntimeError("no licence")
'''
ENTRIES = """\
[classicseg.refiners]
warm = batch_plugin:Warm
nothing = batch_plugin:Nothing
unsound = batch_plugin:Unsound
broken = batch_plugin:broken
"""


def install(folder, version="1.0"):
    """Write the plug-in and what pip writes beside it."""
    (folder / "batch_plugin.py").write_text(PLUGIN)
    for old in folder.glob("*.dist-info"):
        for file in old.iterdir():
            file.unlink()
        old.rmdir()
    info = folder / f"batch_plugin-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: batch-plugin\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    os.utime(folder, (int(version[0]), int(version[0])))  # what was found here before is looked for again
