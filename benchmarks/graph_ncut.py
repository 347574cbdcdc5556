"""Normalized cuts: of regions beside scikit-image at its default threshold, and of pixels beside scikit-learn.

Both get the graph of regions; ours computes the weights of its edges, theirs has them. Scikit-learn gets a graph of 4
neighbours, which is what it can take.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.graph_affinity import OURS, SIGMA, SPATIAL_SIGMA
from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
SKIMAGE, SKLEARN, AT_FEW = "scikit-image", "scikit-learn", "classicseg, 370 regions"
SIZE, COMPACTNESS = (512, 512), 30
SUPERPIXELS = {370: 400, 1000: 1050, 4000: 4300}  # asked for, to get about so many
WIDTH = float(np.sqrt(255 / 2))  # of colours, that of scikit-image's example
THRESHOLD = 0.001
RNG = 1  # of its first vector: with its default 0 it ends in an error at some sizes
RADIUS = 5
ROUNDING = 1e-9


def rows(context: Context) -> list[Row]:
    if context.tiny:
        regions = {"work": "regions", "size": [24, 32], "count": 12}
        pixels = {"work": "pixels", "size": [16, 20], "count": 3}
        return [
            Row("normalized cut of regions, tiny", regions, contenders=(OURS, SKIMAGE)),
            Row("3 segments, tiny", pixels, contenders=(OURS, SKLEARN)),
        ]
    found = [
        Row(
            f"normalized cut of {count} regions",
            {"work": "regions", "size": SIZE, "count": count},
            contenders=(OURS, SKIMAGE),
            once=(SKIMAGE,),
            goals={SKIMAGE: goal},
        )
        for count, goal in ((370, 130.0), (1000, 210.0))
    ]
    parameters = {"work": "regions", "size": SIZE, "count": 4000}
    found.append(Row("normalized cut of 4000 regions", parameters, contenders=(OURS, AT_FEW), goals={AT_FEW: 1 / 20}))
    parameters = {"work": "pixels", "size": (321, 481), "count": 16}
    found.append(
        Row(
            "16 segments, 481×321, from image to labels",
            parameters,
            contenders=(OURS, SKLEARN),
            once=(SKLEARN,),
            goals={SKLEARN: 3.0},
        )
    )
    return found


def ours(work: str, size: list[int], count: int) -> Callable[[], Any]:
    from classicseg import normalized_cut

    if work == "regions":
        graph = regions(tuple(size), count)
        return lambda: labels_of(graph, normalized_cut(graph, threshold=THRESHOLD, sigma=WIDTH, n_threads=THREADS))
    image = photograph(*size)
    options = {"radius": RADIUS, "sigma": SIGMA, "spatial_sigma": SPATIAL_SIGMA, "n_threads": THREADS}
    return lambda: normalized_cut(image, count, **options).reshape(-1)


def ours_at_few(work: str, size: list[int], count: int) -> Callable[[], Any]:
    return ours(work, size, 370)


def skimage_cut(work: str, size: list[int], count: int) -> Callable[[], Any]:
    from skimage.graph import cut_normalized

    graph = regions(tuple(size), count)
    similar = graph.to_networkx(np.exp(-(graph.difference**2) / (2 * WIDTH**2)))

    def call() -> NDArray[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return labels_of(graph, cut_normalized(graph.labels, similar, THRESHOLD, in_place=False, rng=RNG))

    return call


def sklearn_cut(work: str, size: list[int], count: int) -> Callable[[], Any]:
    """Segment as its documentation does: the gradient as distance, and its algebraic multigrid."""
    from scipy.sparse import csr_array
    from sklearn.cluster import spectral_clustering

    image = photograph(*size)

    def call() -> NDArray[Any]:
        from classicseg import pixel_affinity

        links = csr_array(pixel_affinity(image, 1, sigma=SIGMA, spatial_sigma=np.inf).to_scipy(), dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the eigenvectors have not converged
            found: NDArray[Any] = spectral_clustering(
                links, n_clusters=count, eigen_solver="amg", assign_labels="kmeans", random_state=0
            )
        return found

    return call


@cache
def regions(size: tuple[int, int], count: int) -> Any:
    from classicseg import region_graph, slic

    image = photograph(*size)
    return region_graph(slic(image, SUPERPIXELS.get(count, count), COMPACTNESS), image, connectivity=2)


def labels_of(graph: Any, labels: NDArray[Any]) -> NDArray[Any]:
    """Return the label of each region."""
    found: NDArray[Any] = labels.reshape(-1)[graph.first_pixel]
    return found


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Say what the normalized cuts are: ours with as many segments as theirs is to be no higher."""
    from classicseg import normalized_cut, pixel_affinity, region_affinity
    from classicseg.graph import ncut

    size, count = tuple(row.parameters["size"]), row.parameters["count"]
    peers = [name for name in outputs if name not in (OURS, AT_FEW)]
    if row.parameters["work"] == "pixels":
        graph = pixel_affinity(photograph(*size), RADIUS, sigma=SIGMA, spatial_sigma=SPATIAL_SIGMA)
        values = {name: ncut(graph, outputs[name]["result"].reshape(size)) for name in (OURS, *peers)}
        text = ", ".join(f"{name} {value:.4f}" for name, value in values.items())
        return Agreement(values[OURS] <= min(values.values()) + ROUNDING, f"Ncut of {count} segments: {text}")
    graph = regions(size, count)
    affinity = region_affinity(graph, sigma=WIDTH)
    mine = np.unique(outputs[OURS]["result"], return_inverse=True)[1]
    text = f"{mine.max() + 1} segments, Ncut {ncut(affinity, mine):.4f}"
    agrees = True
    for name in peers:
        theirs = np.unique(outputs[name]["result"], return_inverse=True)[1]
        n_segments, peer = int(theirs.max()) + 1, ncut(affinity, theirs)
        found = ncut(affinity, labels_of(graph, normalized_cut(graph, n_segments, sigma=WIDTH)))
        text += f"; with the {n_segments} of {name} {found:.4f}, theirs {peer:.4f}"
        agrees = agrees and found <= peer * (1 + ROUNDING) + ROUNDING
    return Agreement(agrees, text)
