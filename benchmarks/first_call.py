"""The first call of each public function in a new process: compiling its kernels, and taking them from the cache.

Imports are done before the clock starts. Nobody can compile faster twice, so each row is one call.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import photograph, temperatures
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SHAPE = (480, 640)
ROOMS = (
    "classicseg.cluster",
    "classicseg.features",
    "classicseg.graph",
    "classicseg.refine._refine",
    "classicseg.regions",
    "classicseg.superpixels",
    "classicseg._segment_tree",
    "classicseg.thermal._hotspots",
)


def kmeans_colour() -> Any:
    from classicseg import kmeans

    return kmeans(photograph(*SHAPE), 8, rng=0, n_threads=THREADS).labels


def kmeans_colour_and_place() -> Any:
    from classicseg import kmeans, pixel_features

    return kmeans(pixel_features(photograph(*SHAPE), "RGBxy"), 8, rng=0, n_threads=THREADS).labels


def kmeans_temperature() -> Any:
    from classicseg import kmeans, pixel_features

    return kmeans(pixel_features(temperatures(*SHAPE), "Txy"), 8, tol=0.05, rng=0, n_threads=THREADS).labels


def kmeans_of_frames() -> Any:
    from classicseg import kmeans_frames, pixel_features

    frames = [pixel_features(temperatures(*SHAPE), "Txy") for _ in range(2)]
    return kmeans_frames(frames, 8, tol=0.05, rng=0, n_threads=THREADS)[0].labels


def pixel_features() -> Any:
    from classicseg import pixel_features

    return np.asarray(pixel_features(photograph(*SHAPE), "Labxy"))


def texture_features() -> Any:
    from classicseg import texture_features

    return texture_features(photograph(*SHAPE), n_threads=THREADS)


def motion_features() -> Any:
    from classicseg import motion_features

    image = photograph(*SHAPE)
    return motion_features(np.roll(image, 2, axis=1), image)


def connected_regions() -> Any:
    from classicseg import connected_regions

    return connected_regions(photograph(*SHAPE)[..., 0] // 32, n_threads=THREADS)


def merge_small_regions() -> Any:
    from classicseg import merge_small_regions

    columns = np.arange(SHAPE[1]) // 8 + 1
    return merge_small_regions(np.broadcast_to(columns, SHAPE), 1000 * SHAPE[0])


def region_table() -> Any:
    from classicseg import region_table

    return region_table(blocks(), photograph(*SHAPE), n_threads=THREADS)["mean_0"]


def region_graph() -> Any:
    from classicseg import region_graph

    return region_graph(blocks(), photograph(*SHAPE), n_threads=THREADS).contrast


def merge_tree() -> Any:
    from classicseg import merge_tree

    return merge_tree(three_regions()).heights


def merge_regions() -> Any:
    from classicseg import merge_regions

    return merge_regions(three_regions(), n_segments=2, n_threads=THREADS)


def three_regions() -> Any:
    """Return a graph made without its kernels, which have a row of their own."""
    from classicseg import RegionGraph

    area, mean, edges = np.full(3, 4), np.arange(3.0)[:, None], np.array([[0, 1], [1, 2]], np.int32)
    around = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1], np.int32), np.array([0, 0, 1, 1])
    labels = np.arange(1, 4, dtype=np.int32).repeat(4).reshape(3, 4)
    lengths = np.array([4, 4])
    return RegionGraph(labels, area, mean, np.arange(0, 12, 4), edges, lengths, np.ones(2), np.ones(2), *around)


def mean_shift() -> Any:
    from classicseg import mean_shift

    return mean_shift(photograph(*SHAPE), 32.0, n_threads=THREADS).labels


def mean_shift_filter() -> Any:
    from classicseg import mean_shift_filter

    return mean_shift_filter(photograph(*SHAPE)[:64, :64], 4, 16, n_threads=THREADS)


def mean_shift_segment() -> Any:
    from classicseg import mean_shift_segment

    return mean_shift_segment(photograph(*SHAPE)[:64, :64], 4, 16, n_threads=THREADS).labels


def slic() -> Any:
    from classicseg import slic

    return slic(photograph(*SHAPE), 300, n_threads=THREADS)


def felzenszwalb() -> Any:
    from classicseg import felzenszwalb

    return felzenszwalb(photograph(*SHAPE), 100, n_threads=THREADS)


def segment() -> Any:
    from classicseg import segment

    return segment(photograph(*SHAPE), n_threads=THREADS)


def segment_tree() -> Any:
    from classicseg import segment_tree

    return segment_tree(photograph(*SHAPE), n_threads=THREADS).heights


def contour_map() -> Any:
    from classicseg import RegionTree

    labels = np.arange(1, 4, dtype=np.int32).repeat(4).reshape(3, 4)
    merges = np.array([[1, 2], [1, 3]], np.int32)
    return RegionTree(labels, merges, np.array([1.0, 2.0]), np.arange(0, 12, 4)).contour_map(n_threads=THREADS)


def pixel_affinity() -> Any:
    from classicseg import pixel_affinity

    return pixel_affinity(photograph(*SHAPE), n_threads=THREADS).weights


def spectral_embedding() -> Any:
    from classicseg import pixel_affinity, spectral_embedding

    return spectral_embedding(pixel_affinity(photograph(*SHAPE), 2), 4, n_threads=THREADS).vectors


def graph_cut() -> Any:
    from classicseg import graph_cut

    seeds = np.zeros(SHAPE, np.uint8)
    seeds[SHAPE[0] // 2, SHAPE[1] // 4 : SHAPE[1] // 2], seeds[0] = 1, 2
    return graph_cut(photograph(*SHAPE), seeds, n_threads=THREADS).foreground


def graph_cut_of_regions() -> Any:
    from classicseg import graph_cut

    return graph_cut(three_regions(), [1, 0, 2]).foreground


def minimum_cut() -> Any:
    from classicseg import minimum_cut

    return minimum_cut(three_regions()).labels


def normalized_cut_of_regions() -> Any:
    from classicseg import normalized_cut

    return normalized_cut(three_regions(), 2, n_threads=THREADS)


def normalized_cut() -> Any:
    from classicseg import normalized_cut

    return normalized_cut(photograph(*SHAPE), 4, radius=2, n_threads=THREADS)


def split_tree() -> Any:
    from classicseg import split_tree

    return split_tree(three_regions(), n_segments=3).labels


def region_affinity() -> Any:
    from classicseg import region_affinity

    return region_affinity(three_regions()).toarray()


def refine_labels() -> Any:
    from classicseg import refine_labels

    return refine_labels(temperatures(*SHAPE), blocks(), Warm(), smoothing=1.0, n_threads=THREADS).labels


class Warm:
    """A refiner that costs no time of its own."""

    task, classes = "semantic", ("cold", "warm")

    def refine(self, regions: Any) -> Any:
        from classicseg.refine import SemanticResult

        warm = np.clip((regions.image - 15) / 30, 0, 1)
        return SemanticResult(np.stack([1 - warm, warm], axis=2))


def find_hotspots() -> Any:
    from classicseg.thermal import find_hotspots

    return find_hotspots(temperatures(*SHAPE)).labels


FUNCTIONS: dict[str, Callable[[], Any]] = {
    "kmeans, RGB": kmeans_colour,
    "kmeans, RGBxy": kmeans_colour_and_place,
    "kmeans, °C [T, x, y]": kmeans_temperature,
    "kmeans_frames, °C [T, x, y]": kmeans_of_frames,
    "pixel_features, Labxy": pixel_features,
    "texture_features": texture_features,
    "motion_features": motion_features,
    "mean_shift": mean_shift,
    "mean_shift_filter": mean_shift_filter,
    "mean_shift_segment": mean_shift_segment,
    "connected_regions": connected_regions,
    "merge_small_regions": merge_small_regions,
    "region_table": region_table,
    "region_graph": region_graph,
    "merge_tree": merge_tree,
    "merge_regions": merge_regions,
    "slic": slic,
    "felzenszwalb": felzenszwalb,
    "segment": segment,
    "segment_tree": segment_tree,
    "RegionTree.contour_map": contour_map,
    "pixel_affinity": pixel_affinity,
    "spectral_embedding, with pixel_affinity": spectral_embedding,
    "graph_cut": graph_cut,
    "graph_cut, regions": graph_cut_of_regions,
    "minimum_cut": minimum_cut,
    "normalized_cut, regions": normalized_cut_of_regions,
    "normalized_cut, with pixel_affinity": normalized_cut,
    "split_tree, regions": split_tree,
    "region_affinity": region_affinity,
    "refine_labels": refine_labels,
    "thermal.find_hotspots": find_hotspots,
}


def blocks() -> Any:
    """Return region labels: blocks of 16 × 16 pixels."""
    rows, cols = np.indices(SHAPE) // 16
    return (1 + rows * (SHAPE[1] // 16) + cols).astype(np.int32)


def rows(context: Context) -> list[Row]:
    chosen = ["connected_regions"] if context.tiny else FUNCTIONS
    return [Row(name, {"function": name}, repeats=0) for name in chosen]


def empty_cache(function: str) -> Callable[[], Any]:
    import_everything()
    return FUNCTIONS[function]


def filled_cache(function: str) -> Callable[[], Any]:
    """Let another process fill the kernel cache first, which both find through CLASSICSEG_CACHE_DIR."""
    subprocess.run([sys.executable, "-m", "benchmarks.first_call", function], check=True)
    return empty_cache(function)


def import_everything() -> None:
    import classicseg._kernels.cpu as kernels

    for name in (*ROOMS, "cv2", "skimage.data"):
        importlib.import_module(name)
    for module in pkgutil.iter_modules(kernels.__path__, f"{kernels.__name__}."):
        importlib.import_module(module.name)
    photograph(*SHAPE)  # loads the picture's reader


def agree(row: Row, outputs: Outputs) -> Agreement:
    compiled, cached = outputs.values()
    same = np.array_equal(compiled["result"], cached["result"])
    return Agreement(same, "same bits" if same else "results differ")


CASE = Case(
    name="first_call",
    title="First call in a new process, imports aside; goal at most 5 s with an empty cache, 0.3 s with a filled one",
    contenders=(Contender("empty cache", "empty_cache"), Contender("filled cache", "filled_cache")),
    rows=rows,
    agree=agree,
    cold=True,
    compare=False,
)

if __name__ == "__main__":
    FUNCTIONS[sys.argv[1]]()
