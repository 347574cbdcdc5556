"""Connected regions, their table, their graph and its merging, on a photograph."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

Size = tuple[int, int]
SMALL, LARGE = (1000, 1000), (3000, 4000)
THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
LEFT = 50  # regions that merging leaves
SKIMAGE, OPENCV = "scikit-image", "OpenCV"
# Columns of our table and what they are in scikit-image's; the other names are alike but for "intensity_".
BOX = ("row_min", "col_min", "row_max", "col_max")
OF_VALUES = ("mean", "std", "min", "max", "median")
TOLERANCE = 1e-6


def rows(context: Context) -> list[Row]:
    small, large = ((24, 32), (24, 32)) if context.tiny else (SMALL, LARGE)
    side = 6 if context.tiny else 32
    at, largest = ("tiny", "tiny") if context.tiny else ("1 MP", "12 MP")
    ours_and = {name: ("classicseg", name) for name in (SKIMAGE, OPENCV)}
    found = [
        Row(
            f"connected regions, {what}, {8 if connectivity == 2 else 4} neighbours, {largest}",
            {"work": "connected", "what": what, "size": large, "side": side, "connectivity": connectivity},
            contenders=ours_and[OPENCV if what in BINARY else SKIMAGE],
            goals=goals,
        )
        for what, connectivity, goals in (
            ("superpixels", 1, {SKIMAGE: 4}),
            ("8 grey levels", 1, {SKIMAGE: 4}),
            ("binary photograph", 1, {OPENCV: 1}),
            ("binary photograph", 2, {OPENCV: 1}),
            ("binary noise", 2, {}),
        )
    ]
    found += [
        Row(
            f"region table, {at}",
            {"work": "table", "size": size, "side": side},
            contenders=ours_and[SKIMAGE],
            once=(SKIMAGE,),
            goals={SKIMAGE: 20},
        )
        for at, size in {at: small, largest: large}.items()
    ]
    for work, goal in (("graph", 600), ("merging", 100)):
        found.append(
            Row(
                f"region {work}, {at}",
                {"work": work, "size": small, "side": side},
                contenders=ours_and[SKIMAGE],
                once=(SKIMAGE,) if work == "graph" else (),
                goals={SKIMAGE: goal},
            )
        )
    return found


# --- Inputs ----------------------------------------------------------------------------------------------------


def superpixels(size: Size, side: int) -> NDArray[np.int32]:
    """Return blocks of about `side` pixels whose corners and sides are bent, one for each label from 1 on."""
    rows, cols = np.indices(size, np.float32)
    wave = side / 5
    bent_rows = np.clip(rows + wave * np.sin(cols / wave), 0, size[0] - 1).astype(int) // side
    bent_cols = np.clip(cols + wave * np.sin(rows / wave), 0, size[1] - 1).astype(int) // side
    return (1 + bent_rows * (bent_cols.max() + 1) + bent_cols).astype(np.int32)


def grey_levels(size: Size, side: int) -> NDArray[np.int32]:
    return (photograph(*size)[..., 1] // 32).astype(np.int32)


def bright(size: Size, side: int) -> NDArray[np.bool_]:
    return photograph(*size)[..., 1] > 100


def noise(size: Size, side: int) -> NDArray[np.bool_]:
    return np.random.default_rng(0).random(size, np.float32) < 0.5


BINARY = {"binary photograph": bright, "binary noise": noise}
IMAGES: dict[str, Callable[[Size, int], NDArray[Any]]] = {
    "superpixels": superpixels,
    "8 grey levels": grey_levels,
    **BINARY,
}


# --- Contenders ------------------------------------------------------------------------------------------------


def ours(work: str, size: Size, side: int, what: str = "", connectivity: int = 2) -> Callable[[], Any]:
    from classicseg import connected_regions, merge_regions, region_graph, region_table

    if work == "connected":
        labels = IMAGES[what](tuple(size), side)
        return lambda: connected_regions(labels, connectivity, mask=labels if what in BINARY else None)
    labels, image = superpixels(tuple(size), side), photograph(*size)
    if work == "table":
        wanted = ("area", "box", "centroid", "perimeter", *OF_VALUES)
        return lambda: region_table(labels, image, properties=wanted)
    if work == "graph":
        return lambda: ordered(region_graph(labels, image, connectivity=connectivity))
    graph, threshold = region_graph(labels, image, connectivity=connectivity), threshold_of(labels, image)
    return lambda: merge_regions(graph, threshold=threshold, linkage="mean")


def ordered(graph: Any) -> dict[str, NDArray[Any]]:
    return {"edges": graph.edges + 1, "weights": graph.difference}


def scikit_image(work: str, size: Size, side: int, what: str = "", connectivity: int = 2) -> Callable[[], Any]:
    if work == "connected":
        from skimage.measure import label

        labels = IMAGES[what](tuple(size), side) + 1  # 0 is its background
        return lambda: label(labels, connectivity=connectivity)
    labels, image = superpixels(tuple(size), side), photograph(*size)
    if work == "table":
        from skimage.measure import regionprops_table

        wanted = ("label", "area", "bbox", "centroid", "perimeter", *(f"intensity_{name}" for name in OF_VALUES))
        return lambda: renamed(regionprops_table(labels, image, wanted))
    from skimage.graph import rag_mean_color

    if work == "graph":
        return lambda: listed(rag_mean_color(image, labels))
    return merging(labels, image)


def renamed(table: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    names = {f"bbox-{i}": name for i, name in enumerate(BOX)}
    names |= {"centroid-0": "centroid_row", "centroid-1": "centroid_col"}
    names |= {f"intensity_{name}-{c}": f"{name}_{c}" for name in OF_VALUES for c in range(3)}
    return {names.get(name, name): column for name, column in table.items()}


def listed(graph: Any) -> dict[str, NDArray[Any]]:
    edges = sorted((min(a, b), max(a, b), weight) for a, b, weight in graph.edges(data="weight"))
    pairs = np.array([edge[:2] for edge in edges], np.int32).reshape(-1, 2)
    return {"edges": pairs, "weights": np.array([edge[2] for edge in edges])}


def threshold_of(labels: NDArray[np.int32], image: NDArray[np.uint8]) -> float:
    """Return a threshold that leaves about `LEFT` regions; between two heights, so that rounding decides nothing."""
    from classicseg import merge_tree, region_graph

    heights = np.maximum.accumulate(merge_tree(region_graph(labels, image, connectivity=2), "mean").heights)
    n_steps = max(int(labels.max()) - LEFT, len(heights) // 2)
    above = heights[heights > heights[n_steps - 1]]
    return float((heights[n_steps - 1] + above[0]) / 2)


def merging(labels: NDArray[np.int32], image: NDArray[np.uint8]) -> Callable[[], Any]:
    """Merge by the example of scikit-image's gallery; its graph is copied, to be used again."""
    from skimage.graph import merge_hierarchical, rag_mean_color

    graph, threshold = rag_mean_color(image, labels), threshold_of(labels, image)

    def merge(graph: Any, source: int, target: int) -> None:
        for name in ("total color", "pixel count"):
            # Not +=, which would change the arrays that the copy shares with the graph.
            graph.nodes[target][name] = graph.nodes[target][name] + graph.nodes[source][name]
        graph.nodes[target]["mean color"] = graph.nodes[target]["total color"] / graph.nodes[target]["pixel count"]

    def weigh(graph: Any, source: int, target: int, neighbour: int) -> dict[str, float]:
        difference = graph.nodes[target]["mean color"] - graph.nodes[neighbour]["mean color"]
        return {"weight": np.linalg.norm(difference)}

    return lambda: merge_hierarchical(labels, graph, threshold, True, False, merge, weigh)


def opencv(work: str, size: Size, side: int, what: str = "", connectivity: int = 2) -> Callable[[], Any]:
    import cv2

    cv2.setNumThreads(THREADS)
    binary = IMAGES[what](tuple(size), side).astype(np.uint8)
    return lambda: cv2.connectedComponents(binary, connectivity=4 if connectivity == 1 else 8)[1]


# --- Agreement -------------------------------------------------------------------------------------------------


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, theirs = outputs.values()
    if row.parameters["work"] in ("connected", "merging"):
        same = is_renumbering(mine["result"], theirs["result"])
        return Agreement(same, "same regions" if same else "other regions")
    worst = max(float(np.abs(mine[name] - column).max(initial=0)) for name, column in theirs.items())
    return Agreement(worst <= TOLERANCE, f"within {worst:.1g}")


def is_renumbering(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Say whether two label images part the pixels alike."""
    n_pairs = len(np.unique(one.astype(np.int64) * (int(other.max()) + 1) + other))
    return n_pairs == len(np.unique(one)) == len(np.unique(other))
