"""The colours and the textons that regions keep histograms of: writes classicseg/features/_codebooks.py.

    python -m benchmarks.fit_codebooks --data DIR

`DIR` is a data set in the layout of Berkeley's. Only the pictures of its split `train` are looked at, 26 for the file
that comes with classicseg, and nothing of what people drew on them: PIXELS of each, as the codes compare them, and
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
from classicseg.features import _codebooks, _cues

PIXELS = 3000  # of each picture
COLORS, TEXTONS = 192, 24
STARTS = 8  # of k-means, the best of which is kept
HEAD = '''"""What regions keep histograms of. Written by `python -m benchmarks.fit_codebooks`."""
'''


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_codebooks", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path(_codebooks.__file__), metavar="FILE")
    options = parser.parse_args(arguments)
    images = [read_image(picture.image) for picture in pictures_of(options.data) if picture.split == "train"]
    options.out.write_text(text_of(*codebooks_of(images)), encoding="utf-8")
    print(f"wrote {COLORS} colours and {TEXTONS} textons of {len(images)} pictures to {options.out}")


def codebooks_of(images: list[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return colours (COLORS, 3), darkest first, and textons (TEXTONS, 5), faintest first."""
    rng = np.random.default_rng(0)
    places = [rng.integers(0, image[..., 0].size, PIXELS) for image in images]
    colors = _centers(np.concatenate([colors_of(image)[at] for image, at in zip(images, places)]), COLORS, 1)
    jets = _centers(np.concatenate([jets_of(image)[at] for image, at in zip(images, places)]), TEXTONS, 3)
    return colors[np.lexsort(colors.T[::-1])], jets[np.argsort((jets**2).sum(axis=1), kind="stable")]


def colors_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return every pixel (n, 3) as the codes of colours compare it."""
    planes = _cues.scene_of(image).planes
    smoothed = np.empty_like(planes)
    kernels_for(planes, "gradients").smooth(planes, None, _cues.COLOR_SIGMA, smoothed)
    return smoothed.reshape(3, -1).T * np.array(_cues.PALETTE_WEIGHTS, np.float32)


def jets_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return every pixel (n, 5) as the textons compare it."""
    light = _cues.scene_of(image).light
    jets = np.empty((5, *light.shape), np.float32)
    kernels_for(light, "codes").jets(light, _cues.TEXTON_SIGMA, _cues.TEXTON_CONTRAST, jets)
    return jets.reshape(5, -1).T


def text_of(colors: NDArray[np.float32], textons: NDArray[np.float32]) -> str:
    return (
        HEAD
        + _table("PALETTE", "L times 0.7, a, b", colors, 1)
        + _table("TEXTONS", "derivatives x, y, xx, xy, yy, squeezed", textons, 3)
    )


def _centers(samples: NDArray[np.float32], count: int, digits: int) -> NDArray[np.float32]:
    found = [kmeans(samples, count, init="k-means++", rng=start) for start in range(STARTS)]
    centers: NDArray[np.float32] = min(found, key=lambda result: result.inertia).centers.round(digits)
    return centers + np.float32(0)  # no -0


def _table(name: str, comment: str, rows: NDArray[np.float32], digits: int) -> str:
    lines = (", ".join(f"{value:.{digits}f}" for value in row) for row in rows)
    return f"\n{name} = (  # {comment}\n" + "".join(f"    ({line}),\n" for line in lines) + ")\n"


if __name__ == "__main__":
    main()
