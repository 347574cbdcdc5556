"""Least cuts: of pixels beside the flow of SciPy and of PyMaxflow, and of regions beside networkx.

The peers get the weights of their links for nothing; ours computes them from the image. SciPy's flow is of int32, sums
of all that flows too, so that its capacities are coarse.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OURS, SCIPY, PYMAXFLOW, NETWORKX = "classicseg", "SciPy", "PyMaxflow", "networkx"
SIGMA, SMOOTHNESS = 8.0, 4.0
COLORS, SPREAD = ((150.0, 150.0, 150.0), (60.0, 50.0, 45.0)), 40.0  # of background and foreground
STROKES, LENGTH, BRIGHT = 20, 60, 110.0  # scribbles, their length, and what is background
COARSE, FINE = 256.0, 2.0**20  # units of capacity
TOLERANCE = {SCIPY: 1e-3, PYMAXFLOW: 1e-5, NETWORKX: 1e-9}
OFFSETS = {1: ((0, 1), (1, 0)), 2: ((0, 1), (1, -1), (1, 0), (1, 1))}


def rows(context: Context) -> list[Row]:
    sizes = {"tiny": (12, 14)} if context.tiny else {"481×321": (321, 481), "1 MP": (1000, 1000)}
    found = []
    for name, size in sizes.items():
        slow, goals = (SCIPY,) if size[0] == 1000 else (), {SCIPY: 12.0, PYMAXFLOW: 1.0}
        found += [
            cut(f"s-t cut of costs, {name}", "costs", size, 1, (OURS, SCIPY, PYMAXFLOW), goals, slow),
            cut(f"s-t cut of costs, 8 neighbours, {name}", "costs", size, 2, (OURS, PYMAXFLOW), {PYMAXFLOW: 1.0}),
            cut(f"s-t cut of scribbles, {name}", "seeds", size, 1, (OURS, PYMAXFLOW), {PYMAXFLOW: 1.0}),
        ]
    count = 12 if context.tiny else 370
    found.append(
        cut(f"least cut of {count} regions", "regions", sizes.popitem()[1], count, (OURS, NETWORKX), {}, (NETWORKX,))
    )
    return found


def cut(
    name: str,
    work: str,
    size: tuple[int, int],
    option: int,
    contenders: tuple[str, ...],
    goals: dict[str, float],
    once: tuple[str, ...] = (),
) -> Row:
    parameters = {"work": work, "size": list(size), "option": option}
    return Row(name, parameters, contenders=contenders, once=once, goals=goals)


def ours(work: str, size: list[int], option: int) -> Callable[[], Any]:
    from classicseg import graph_cut, minimum_cut

    if work == "regions":
        graph = regions(size, option)
        return lambda: minimum_cut(graph).weight
    image, costs, seeds = problem(work, size)
    options = {"smoothness": SMOOTHNESS, "sigma": SIGMA, "connectivity": option, "n_threads": THREADS}
    return lambda: graph_cut(image, seeds, costs=costs, **options).energy


def scipy_csr(work: str, size: list[int], option: int) -> Callable[[], Any]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import maximum_flow

    least, net, links = integers(work, size, option, COARSE)
    n = net.size
    index = np.arange(n, dtype=np.int32).reshape(size)

    def solve() -> float:
        source, sink = np.flatnonzero(net > 0), np.flatnonzero(net < 0)
        tails, heads, rooms = [np.full(len(source), n), sink], [source, np.full(len(sink), n + 1)], []
        rooms += [net.reshape(-1)[source], -net.reshape(-1)[sink]]
        for one, other, room in links:
            ends = index[one].reshape(-1), index[other].reshape(-1)
            tails += ends
            heads += ends[::-1]
            rooms += [room.reshape(-1)] * 2
        parts = np.concatenate(rooms).astype(np.int32), (np.concatenate(tails), np.concatenate(heads))
        graph = coo_array(parts, shape=(n + 2, n + 2)).tocsr()
        return least + maximum_flow(graph, n, n + 1).flow_value / COARSE

    return solve


def pymaxflow(work: str, size: list[int], option: int) -> Callable[[], Any]:
    import maxflow

    least, net, links = integers(work, size, option, FINE)
    wide = []
    for (one, _, room), (down, right) in zip(links, OFFSETS[option]):
        weights, structure = np.zeros(size, np.int64), np.zeros((3, 3), np.int64)
        weights[one], structure[1 + down, 1 + right] = room, 1
        wide.append((weights, structure))
    fed, taken = np.maximum(net, 0), np.maximum(-net, 0)

    def solve() -> float:
        graph = maxflow.Graph[int](net.size, len(wide) * net.size)
        nodes = graph.add_grid_nodes(tuple(size))
        for weights, structure in wide:
            graph.add_grid_edges(nodes, weights=weights, structure=structure, symmetric=True)
        graph.add_grid_tedges(nodes, fed, taken)
        flow = graph.maxflow()
        graph.get_grid_segments(nodes)
        return float(least + flow / FINE)

    return solve


def networkx_cut(work: str, size: list[int], option: int) -> Callable[[], Any]:
    import networkx

    found = regions(size, option)
    apart = found.difference[found.difference > 0]
    weights = found.boundary_length * np.exp(-((found.difference / np.median(apart)) ** 2) / 2)
    graph = networkx.Graph()
    graph.add_weighted_edges_from((*pair, weight) for pair, weight in zip(found.edges.tolist(), weights.tolist()))
    return lambda: networkx.stoer_wagner(graph)[0]


def problem(work: str, size: list[int]) -> tuple[NDArray[np.uint8], NDArray[Any] | None, NDArray[np.uint8] | None]:
    """Return an image, and costs of two colours or scribbles on dark and bright parts."""
    image = photograph(*size)
    if work == "costs":
        apart = [((image.astype(np.float64) - color) ** 2).sum(axis=2) for color in COLORS]
        return image, np.stack(apart, axis=2) / (2 * SPREAD**2), None
    seeds, rng = np.zeros(size, np.uint8), np.random.default_rng(1)
    length = min(LENGTH, size[1] // 2)
    for _ in range(STROKES):
        row, col = rng.integers(0, size[0]), rng.integers(0, size[1] - length)
        stroke = seeds[row, col : col + length]
        stroke[:] = np.where(image[row, col : col + length].mean(axis=1) > BRIGHT, 2, 1)
    return image, None, seeds


def integers(
    work: str, size: list[int], connectivity: int, unit: float
) -> tuple[float, NDArray[np.int64], list[tuple[Any, Any, NDArray[np.int64]]]]:
    """Return what is paid in any case, what a pixel pays more as background, and the links' ends and capacities."""
    image, costs, seeds = problem(work, size)
    values, links = image.astype(np.float64), []
    for down, right in OFFSETS[connectivity]:
        here = slice(0, size[0] - down), slice(max(0, -right), min(size[1], size[1] - right))
        there = slice(down, size[0]), slice(max(0, right), min(size[1], size[1] + right))
        weights = np.exp(-((values[here] - values[there]) ** 2).sum(axis=2) / (2 * SIGMA**2)) / np.hypot(down, right)
        links.append((here, there, np.rint(weights * SMOOTHNESS * unit).astype(np.int64)))
    if costs is not None:
        return float(costs.min(axis=2).sum()), np.rint((costs[..., 0] - costs[..., 1]) * unit).astype(np.int64), links
    assert seeds is not None
    return 0.0, np.array([0, 1, -1])[seeds] * round(9 * SMOOTHNESS * unit), links


def regions(size: list[int], count: int) -> Any:
    from classicseg import region_graph, slic

    image = photograph(*size)
    return region_graph(slic(image, count), image)


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine = float(outputs[OURS]["result"])
    texts, apart = [], []
    for name, found in outputs.items():
        if name != OURS:
            off = abs(float(found["result"]) - mine) / max(abs(mine), 1e-30)
            texts.append(f"{name} within {off:.0e}")
            if off > TOLERANCE[name]:
                apart.append(name)
    return Agreement(not apart, "; ".join(texts), tuple(apart))
