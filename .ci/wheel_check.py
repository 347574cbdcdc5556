"""Check the installed wheel from an empty folder: what it holds, what it must not hold, and that it works."""

import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import numpy as np

import classicseg

packed = {str(path) for path in files("classicseg") or ()}
wanted = {"classicseg/py.typed", "classicseg/batch/report.html", "classicseg/batch/report.css"}
wanted |= {"classicseg/_segment_weights.json"}
wanted |= {f"classicseg/refine/_pv_unet/pv_unet.{ending}" for ending in ("onnx", "md")}
wanted |= {f"classicseg/_kernels/cuda/{name}" for name in ("color.cu", "kmeans.cu", "samples.cuh")}
assert wanted <= packed, f"missing from the wheel: {sorted(wanted - packed)}"
assert any(name.startswith("classicseg/thermal/profiles/") and name.endswith(".toml") for name in packed)
strangers = [name for name in packed if name.split("/")[0] in {"tests", "benchmarks", "notebooks"}]
assert not strangers, f"in the wheel, and should not be: {strangers}"
assert Path(classicseg.__file__).is_relative_to(sys.prefix), f"not the installed package: {classicseg.__file__}"

image = np.zeros((16, 16, 3), np.uint8)
image[4:8, 4:8] = 200
labels = classicseg.connected_regions(classicseg.kmeans(image, 2, rng=0).labels)
assert labels.max() == 2

frame = np.full((64, 96), 20, np.float32)
found = classicseg.refine_labels(frame, np.ones(frame.shape, int), "pv_unet")
assert found.classes[found.labels[32, 48]] == "background"
assert classicseg.segment(np.kron(image, np.ones((8, 8, 1), np.uint8))).max() == 2

command = Path(sys.executable).with_name("classicseg")
for arguments in (["info"], ["demo", "--frames", "3", "--out", "demo-output"]):
    subprocess.run([command, *arguments], check=True)
assert list(Path("demo-output").rglob("report.html"))
