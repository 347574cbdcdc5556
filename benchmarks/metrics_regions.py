"""Covering, Rand index and variation of information of label images, against NumPy and scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.images import noisy, photograph
from benchmarks.registry import Agreement, Context, Outputs, Row

SIZE = (321, 481)  # of the Berkeley images
ALL_THREE = ("classicseg", "NumPy", "NumPy, by tables")
TOLERANCE = 1e-9  # between sums of logarithms in another order


def rows(context: Context) -> list[Row]:
    size = (24, 32) if context.tiny else SIZE
    found = [
        Row(
            f"covering, PRI and VOI, {kind}, {dtype}",
            {"score": "all", "kind": kind, "dtype": dtype, "size": size},
            contenders=ALL_THREE,
            goals={} if kind == NOISY else {"NumPy": 20},  # where every pixel is a run of its own, runs gain little
        )
        for kind in KINDS
        for dtype in ("int32", "int64")
    ]
    found += [
        Row(
            f"variation of information, {kind}, int64",
            {"score": "variation", "kind": kind, "dtype": "int64", "size": size},
            contenders=("classicseg", "scikit-image"),
            goals={"scikit-image": 5},
        )
        for kind in KINDS
    ]
    if context.tiny:
        return found[:1] + found[-1:]
    large = {"score": "all", "kind": "superpixels", "dtype": "int32", "size": (3000, 4000)}
    found.append(Row("covering, PRI and VOI, superpixels, int32, 12 MP", large, contenders=ALL_THREE, repeats=3))
    return found


def coarse(size: tuple[int, int]) -> NDArray[Any]:
    """Return a ground truth: a photograph in large patches."""
    from scipy import ndimage

    gray = ndimage.gaussian_filter(photograph(*size).mean(axis=2), 6)
    return 1 + gray // 32


def superpixels(size: tuple[int, int]) -> NDArray[Any]:
    """Return patches of about 400 pixels that follow the photograph's edges."""
    from scipy import ndimage

    rows, cols = np.indices(size)
    gray = ndimage.gaussian_filter(photograph(*size).mean(axis=2), 1)
    return (rows // 20 * 1000 + cols // 20) * 2 + (gray > ndimage.gaussian_filter(gray, 10))


def levels(size: tuple[int, int]) -> NDArray[Any]:
    """Return 12 grey levels of a noisy photograph, whose label changes at nearly every pixel."""
    return noisy(photograph(*size), 20).mean(axis=2) // 22


NOISY = "noisy grey levels"
KINDS = {"regions": coarse, "superpixels": superpixels, NOISY: levels}


def images(kind: str, dtype: str, size: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    true, pred = np.roll(coarse(size), 3, axis=1), KINDS[kind](size)
    return true.astype(dtype), pred.astype(dtype)


def ours(score: str, kind: str, dtype: str, size: tuple[int, int]) -> Callable[[], Any]:
    from classicseg.metrics import region_scores, variation_of_information

    true, pred = images(kind, dtype, size)
    if score == "variation":
        return lambda: variation_of_information(true, pred)

    def scores() -> tuple[float, float, float, float]:
        found = region_scores(true, pred)
        return found.covering, found.probabilistic_rand_index, found.split, found.merge

    return scores


def numpy(score: str, kind: str, dtype: str, size: tuple[int, int]) -> Callable[[], Any]:
    """As one writes it: number the labels, count pairs, and apply the definitions to the whole table."""
    true, pred = images(kind, dtype, size)

    def scores() -> list[float]:
        (rows, of_true), (cols, of_pred) = (np.unique(labels, return_inverse=True) for labels in (true, pred))
        pairs = of_true.ravel() * len(cols) + of_pred.ravel()
        return from_table(np.bincount(pairs, minlength=len(rows) * len(cols)).reshape(len(rows), len(cols)))

    return scores


def numpy_tables(score: str, kind: str, dtype: str, size: tuple[int, int]) -> Callable[[], Any]:
    """As one writes it in a hurry for small labels: tables of values number them, and nothing is sorted."""
    true, pred = images(kind, dtype, size)

    def numbered(labels: NDArray[Any]) -> NDArray[Any]:
        labels = labels - labels.min()
        occurs = np.zeros(labels.max() + 1, bool)
        occurs[labels.ravel()] = True
        return (np.cumsum(occurs) - 1)[labels]

    def scores() -> list[float]:
        of_true, of_pred = numbered(true), numbered(pred)
        n_cols = int(of_pred.max()) + 1
        return from_table(np.bincount((of_true * n_cols + of_pred).ravel(), minlength=0), n_cols)

    return scores


def from_table(counts: NDArray[Any], n_cols: int | None = None) -> list[float]:
    if n_cols is not None:
        counts = np.append(counts, np.zeros(-len(counts) % n_cols, counts.dtype)).reshape(-1, n_cols)
    area_true, area_pred, n_pixels = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    iou = (counts / (area_true[:, None] + area_pred - counts)).max(axis=1)
    pairs = n_pixels * (n_pixels - 1)
    apart = (area_true**2).sum() + (area_pred**2).sum() - 2 * (counts**2).sum()
    joint = bits(counts / n_pixels)
    split, merge = joint - bits(area_true / n_pixels), joint - bits(area_pred / n_pixels)
    return [(area_true * iou).sum() / n_pixels, 1 - apart / pairs, split, merge]


def bits(shares: NDArray[Any]) -> float:
    positive = shares[shares > 0]
    return -(positive * np.log2(positive)).sum()


def scikit_image(score: str, kind: str, dtype: str, size: tuple[int, int]) -> Callable[[], Any]:
    from skimage.metrics import variation_of_information

    true, pred = images(kind, dtype, size)
    return lambda: variation_of_information(true, pred)


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, *_ = outputs.values()
    off = {name: float(np.abs(given["result"] - mine["result"]).max()) for name, given in outputs.items()}
    apart = tuple(name for name, difference in off.items() if difference > TOLERANCE)
    return Agreement(not apart, f"within {max(off.values()):.1g}", apart)
