"""The colours that regions keep histograms of, chosen from photographs: writes classicseg/features/_palette.py.

    python -m benchmarks.fit_palette --data DIR

`DIR` is a data set in the layout of Berkeley's. Only the pictures of its split `train` are looked at, 26 for the file
that comes with classicseg, and nothing of what people drew on them: PIXELS of each, as `color_codes` compares them, and
the best of several k-means. All is seeded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.data import pictures_of, read_image
from classicseg import kmeans
from classicseg._kernels import kernels_for
from classicseg.features import _cues, _palette

PIXELS = 3000  # of each picture
COLORS = 64
STARTS = 8  # of k-means, the best of which is kept
HEAD = '''"""Colours that regions count: L times 0.7, a, b. Written by `python -m benchmarks.fit_palette`."""

PALETTE = (
'''


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_palette", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path(_palette.__file__), metavar="FILE")
    options = parser.parse_args(arguments)
    images = [read_image(picture.image) for picture in pictures_of(options.data) if picture.split == "train"]
    options.out.write_text(text_of(palette_of(images)), encoding="utf-8")
    print(f"wrote {COLORS} colours of {len(images)} pictures to {options.out}")


def palette_of(images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return colours (COLORS, 3), darkest first."""
    rng = np.random.default_rng(0)
    pixels = np.concatenate([colors_of(image)[rng.integers(0, image[..., 0].size, PIXELS)] for image in images])
    found = [kmeans(pixels, COLORS, init="k-means++", rng=start) for start in range(STARTS)]
    centers = min(found, key=lambda result: result.inertia).centers.round(1) + np.float32(0)  # no -0
    return centers[np.lexsort(centers.T[::-1])]


def colors_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return every pixel (n, 3) as `color_codes` compares it."""
    planes = _cues.scene_of(image).planes
    smoothed = np.empty_like(planes)
    kernels_for(planes, "gradients").smooth(planes, None, _cues.COLOR_SIGMA, smoothed)
    return smoothed.reshape(3, -1).T * np.array(_cues.PALETTE_WEIGHTS, np.float32)


def text_of(palette: NDArray[np.float32]) -> str:
    rows = (", ".join(f"{value:.1f}" for value in color) for color in palette)
    return HEAD + "".join(f"    ({row}),\n" for row in rows) + ")\n"


if __name__ == "__main__":
    main()
