"""Cuts of graphs are computed on the CPU, and say so to who has the image or the graph on a GPU."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from classicseg import graph_cut, minimum_cut, normalized_cut, pixel_affinity, split_tree

SEEDS = np.zeros((6, 7), int)
SEEDS[0, 0], SEEDS[5, 6] = 1, 2
WAY_OUT = r"pass classicseg.to_device\(\w+, 'cpu'\)"


def test_images_and_graphs_on_a_gpu_are_refused(cuda, rng):
    image = cuda.put(rng.integers(0, 256, (6, 7, 3), dtype=np.uint8))
    affinity = pixel_affinity(image, 1.5, sigma=30)
    for call in (
        lambda: graph_cut(image, SEEDS),
        lambda: graph_cut(affinity, SEEDS),
        lambda: minimum_cut(affinity),
        lambda: normalized_cut(image, 3),
        lambda: normalized_cut(affinity, 3),
        lambda: split_tree(affinity, n_segments=3),
    ):
        with pytest.raises(TypeError, match=f"on CUDA yet, and the input is a CuPy array; {WAY_OUT}"):
            call()


def test_seeds_and_costs_on_a_gpu_are_refused(cuda):
    image = np.arange(42).reshape(6, 7)
    with pytest.raises(TypeError, match=f"^seeds is a CuPy array, .*{WAY_OUT}"):
        graph_cut(image, cuda.put(SEEDS))
    with pytest.raises(TypeError, match=f"^costs is a CuPy array, .*{WAY_OUT}"):
        graph_cut(image, costs=cuda.put(np.zeros((6, 7, 2))))
