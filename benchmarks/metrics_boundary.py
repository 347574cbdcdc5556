"""One-to-one matching of boundary pixels, against the same assignment by SciPy.

Both get a boundary map and those of the annotators, and give the number of pairs with each and their distances. The
SciPy form is the smallest that has the same answer: candidate pairs step by step of the window, the map with fewer
pixels as rows, one outlier per row at a price above any sum of distances, and the sparse
`min_weight_full_bipartite_matching`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.images import photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

MAX_DISTANCE = 0.0075
UNITS = 100  # distances in hundredths of a pixel, rounded, as match_boundaries() compares them
OURS, PEER = "classicseg", "SciPy"
ANNOTATORS = 5
DATA_IMAGES = 3  # with real data: drawings of that many images


def rows(context: Context) -> list[Row]:
    if context.tiny:
        return [row(context, "tiny", *drawn((48, 64), 4, 2))]
    found = [
        row(context, f"{size[0]} × {size[1]}, {name}, {n} annotator{'s' * (n > 1)}", *drawn(size, levels, n))
        for size, name, levels, n in (
            ((481, 321), "regions", 4, 1),
            ((481, 321), "regions", 4, ANNOTATORS),
            ((481, 321), "oversegmentation", 24, ANNOTATORS),
            ((1000, 1000), "regions", 4, 1),
        )
    ]
    return found + berkeley(context)


def row(context: Context, name: str, pred: np.ndarray, true: list[np.ndarray]) -> Row:
    path = context.scratch / f"boundaries-{name.replace(' ', '-')}.npz"
    np.savez(path, pred=pred, true=np.stack(true))
    return Row(f"boundary matching, {name}", {"source": str(path)}, contenders=(OURS, PEER), goals={PEER: 10})


def drawn(size: tuple[int, int], levels: int, annotators: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return boundaries of a photograph's gray levels, and of smoother versions of it as annotators would draw them."""
    from scipy import ndimage

    from classicseg.metrics import boundary_map, thin

    gray = photograph(*size).mean(axis=2)

    def lines(sigma: float, n: int) -> np.ndarray:
        smooth = ndimage.gaussian_filter(gray, sigma)
        return thin(boundary_map(np.digitize(smooth, np.quantile(smooth, np.arange(1, n) / n))))

    return lines(3, levels), [lines(4 + annotator, 4) for annotator in range(annotators)]


def berkeley(context: Context) -> list[Row]:
    """Return rows of the benchmark's own contour maps and drawings, where `data` holds them."""
    folder = context.data / "bsds" / "bench_oracle" if context.data else None
    if folder is None or not folder.is_dir():
        return []
    from scipy.io import loadmat

    from classicseg.metrics import thin

    found = []
    for path in sorted((folder / "ucm2").glob("*.mat"))[:DATA_IMAGES]:
        cells = loadmat(folder / "groundTruth" / path.name)["groundTruth"][0]
        true = [cell[0, 0]["Boundaries"] > 0 for cell in cells]
        strength = loadmat(path)["ucm2"][2::2, 2::2]
        for level in (0.05, 1 / 6):
            name = f"BSDS500 {path.stem}, contours of at least {level:.2f}, {len(true)} annotators"
            found.append(row(context, name, thin(strength >= level), true))
    return found


def ours(source: str) -> Callable[[], Any]:
    from classicseg.metrics import match_boundaries

    pred, true = load(source)

    def matched() -> dict[str, Any]:
        found = [match_boundaries(one, pred, max_distance=MAX_DISTANCE) for one in true]
        return {
            "pairs": [len(match.distance) for match in found],
            "price": [np.rint(UNITS * match.distance).sum() for match in found],
        }

    return matched


def scipy(source: str) -> Callable[[], Any]:
    pred, true = load(source)

    def matched() -> dict[str, Any]:
        found = [assignment(*sorted((one, pred), key=np.count_nonzero)) for one in true]
        return {"pairs": [pairs for pairs, _ in found], "price": [price for _, price in found]}

    return matched


def load(source: str) -> tuple[np.ndarray, list[np.ndarray]]:
    with np.load(Path(source)) as maps:
        return maps["pred"], list(maps["true"])


def assignment(fewer: np.ndarray, more: np.ndarray) -> tuple[int, float]:
    """Return the number of pairs of the assignment with outliers, and the sum of their prices."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, columns, prices = candidates(fewer, more)
    n_rows, n_columns = np.count_nonzero(fewer), np.count_nonzero(more)
    outlier = float(prices.max(initial=0)) * (n_rows + 1) + 1
    every = np.arange(n_rows)
    weights = np.concatenate([prices, np.full(n_rows, outlier)]) + 1  # a weight of 0 would be no edge
    places = np.concatenate([rows, every]), np.concatenate([columns, n_columns + every])
    table = csr_array((weights, places), shape=(n_rows, n_columns + n_rows))
    of_row = min_weight_full_bipartite_matching(table)[1]
    chosen = np.isin(rows * (n_columns + n_rows) + columns, every * (n_columns + n_rows) + of_row)
    return int((of_row < n_columns).sum()), float(prices[chosen].sum())


def candidates(fewer: np.ndarray, more: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row, column and price of every two pixels that are near enough, one step of the window at a time."""
    limit = MAX_DISTANCE * np.hypot(*fewer.shape)
    radius = int(limit)
    index = np.full(np.add(more.shape, 2 * radius), -1)
    index[radius : radius + more.shape[0], radius : radius + more.shape[1]][more] = np.arange(np.count_nonzero(more))
    down, right = np.nonzero(fewer)
    found = []
    for row in range(-radius, radius + 1):
        for col in range(-radius, radius + 1):
            distance = np.hypot(row, col)
            if distance <= limit:
                other = index[down + radius + row, right + radius + col]
                near = np.flatnonzero(other >= 0)
                found.append((near, other[near], np.full(len(near), np.rint(UNITS * distance))))
    rows, columns, prices = (np.concatenate(part) for part in zip(*found))
    return rows, columns, prices


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, theirs = outputs[OURS], outputs[PEER]
    same = all(np.array_equal(mine[name], theirs[name]) for name in ("pairs", "price"))
    text = f"{int(np.sum(mine['pairs']))} pairs, {np.sum(mine['price']) / UNITS:.0f} pixels apart in all"
    return Agreement(same, text if same else f"{text}, against {int(np.sum(theirs['pairs']))} pairs")
