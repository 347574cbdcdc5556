"""The methods that are compared: what each does with a picture, and the settings that it is tried at.

A method that needs no tuning would still have one setting. Sweeps run from a few large to many small regions, so
that for every picture some setting comes near to what people drew; they are as dense as is useful, and no denser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from benchmarks.quality import ours, peers

Settings = tuple[Mapping[str, Any], ...]
CLASSICSEG, SKIMAGE, SKLEARN, OPENCV = "classicseg", "scikit-image", "scikit-learn", "OpenCV"


@dataclass(frozen=True)
class Method:
    """One way to segment a picture."""

    name: str
    library: str
    segment: Callable[..., Any]  # (what `prepare` returned, **setting) → label image
    settings: Settings
    prepare: Callable[[Any], Any] = lambda image: image  # what all settings share; every one is charged its time
    packages: tuple[str, ...] = ()  # distributions it needs; it is left out where one is missing

    @property
    def slug(self) -> str:
        return "".join(c if c.isalnum() else "-" for c in f"{self.library} {self.name}".lower())


def sweep(**values: tuple[Any, ...]) -> Settings:
    """Return every combination of the values given per parameter."""
    return tuple(dict(zip(values, chosen)) for chosen in product(*values.values()))


CLUSTERS, SMALLEST = (2, 3, 4, 6, 8, 12), (500, 1500, 4000)
MERGED = (500, 2000, 6000)
GROWN, GROWN_SMALLEST = (100, 200, 300, 500, 800, 1200), (200, 800, 2000)
THRESHOLDS = (10, 15, 20, 25, 30, 40, 50, 60)
SCALES = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
ALONE = sweep(n_segments=(4, 8, 16, 32), compactness=(1, 3, 10))  # few superpixels, as what they are is regions

METHODS = (
    Method("segment", CLASSICSEG, ours.cut, sweep(scale=SCALES), prepare=ours.tree_of_lines),
    Method("segment, plain weights", CLASSICSEG, ours.cut, sweep(scale=SCALES), prepare=ours.tree_by_hand),
    Method("k-means RGB", CLASSICSEG, ours.kmeans_colour, sweep(n_clusters=CLUSTERS, min_size=SMALLEST)),
    Method(
        "k-means RGBxy",
        CLASSICSEG,
        ours.kmeans_place,
        sweep(n_clusters=(3, 5, 8, 12), xy=(0.1, 0.3, 1.0), min_size=(500, 1500)),
    ),
    Method("k-means Lab", CLASSICSEG, ours.kmeans_lab, sweep(n_clusters=CLUSTERS, min_size=SMALLEST)),
    Method(
        "mean shift Luv",
        CLASSICSEG,
        ours.mean_shift_luv,
        sweep(spatial=(6,), colour=(5, 7, 9, 12), min_size=MERGED),
    ),
    Method(
        "mean shift RGB, OpenCV's window",
        CLASSICSEG,
        ours.mean_shift_opencv,
        sweep(spatial=(6,), colour=(8, 12, 16, 22, 30), min_size=MERGED),
    ),
    Method("SLIC", CLASSICSEG, ours.slic, ALONE),
    Method("SLIC, regions merged", CLASSICSEG, ours.cut, sweep(threshold=THRESHOLDS), prepare=ours.tree_of_colours),
    Method(
        "SLIC, merged in Lab",
        CLASSICSEG,
        ours.cut,
        sweep(threshold=(6, 9, 12, 15, 18, 21, 25, 30)),
        prepare=ours.tree_of_lab,
    ),
    Method(
        "SLIC, merged by Ward",
        CLASSICSEG,
        ours.cut,
        sweep(n_segments=(2, 3, 4, 6, 8, 12, 16, 24)),
        prepare=ours.tree_by_ward,
    ),
    Method(
        "SLIC, merged by borders",
        CLASSICSEG,
        ours.cut,
        sweep(threshold=(14, 17, 20, 24, 28, 32, 38, 46)),
        prepare=ours.tree_of_borders,
    ),
    Method(
        "SLIC, normalized cut",
        CLASSICSEG,
        ours.cut_normalized,
        sweep(n_segments=(2, 3, 4, 6, 8, 12, 16, 24, 32)),
        prepare=ours.tree_of_cuts,
    ),
    Method(
        "Felzenszwalb",
        CLASSICSEG,
        ours.felzenszwalb,
        sweep(scale=GROWN, min_size=GROWN_SMALLEST),
    ),
    Method(
        "k-means RGB",
        SKLEARN,
        peers.sklearn_kmeans,
        sweep(n_clusters=CLUSTERS, min_size=SMALLEST),
        packages=("scikit-learn",),
    ),
    Method(
        "SLIC",
        SKIMAGE,
        peers.slic,
        ALONE,
        packages=("scikit-image",),
    ),
    Method(
        "Felzenszwalb",
        SKIMAGE,
        peers.felzenszwalb,
        sweep(scale=GROWN, min_size=GROWN_SMALLEST),
        packages=("scikit-image",),
    ),
    Method(
        "quickshift",
        SKIMAGE,
        peers.merged,
        sweep(min_size=(500, 1500, 4000, 10000)),
        prepare=peers.quickshift,
        packages=("scikit-image",),
    ),
    Method(
        "watershed",
        SKIMAGE,
        peers.watershed,
        sweep(depth=(10, 20, 30, 45), min_size=(1500, 4000, 10000)),
        prepare=peers.gradient,
        packages=("scikit-image",),
    ),
    Method(
        "SLIC, regions merged",
        SKIMAGE,
        peers.merge_hierarchical,
        sweep(threshold=THRESHOLDS),
        prepare=peers.region_graph,
        packages=("scikit-image",),
    ),
    Method(
        "SLIC, edges cut",
        SKIMAGE,
        peers.cut_threshold,
        sweep(threshold=THRESHOLDS),
        prepare=peers.region_graph,
        packages=("scikit-image",),
    ),
    Method(
        "SLIC, normalized cut",
        SKIMAGE,
        peers.cut_normalized,
        sweep(threshold=(0.001, 0.004, 0.015, 0.06)),
        prepare=peers.similarity_graph,
        packages=("scikit-image",),
    ),
    Method(
        "pyrMeanShift",
        OPENCV,
        peers.pyramid_mean_shift,
        sweep(spatial=(8,), colour=(12, 18, 26, 36, 50), min_size=MERGED),
        packages=("opencv-python",),
    ),
)


def tiny(method: Method) -> Settings:
    """Return the ends of the sweep, enough to see that a method works."""
    return method.settings[0], method.settings[-1]
