"""Masks as runs of ones: a small form in which areas and overlaps are sums over a few positions.

Positions count down the columns, as in COCO files. One `Runs` holds many masks, each with its image's shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classicseg._kernels import kernels_for
from classicseg._validate import check_array

_SUB = 5  # as in the kernel: the finer grid on which polygons are drawn


class Runs(NamedTuple):
    """The edges of mask i are ``edges[first[i] : last[i]]``: where ones begin and end, in turn."""

    edges: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    shapes: NDArray[np.int64]  # (n, 2) rows and columns

    @property
    def area(self) -> NDArray[np.int64]:
        """Ones in each mask."""
        edges = np.zeros(len(self.edges) + 1, np.int64)
        edges[1:] = np.cumsum(np.where(_alternate(self), self.edges, -self.edges))
        return edges[self.last] - edges[self.first]

    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Return what the kernel of overlaps takes."""
        return self.edges, self.first, self.last, self.area

    def take(self, rows: NDArray[np.int64]) -> Runs:
        """Return some of the masks in this order."""
        return Runs(self.edges, self.first[rows], self.last[rows], self.shapes[rows])


def _alternate(runs: Runs) -> NDArray[np.bool_]:
    """Say of each edge whether ones end there; masks may begin at odd places."""
    begins = np.zeros(len(runs.edges), np.int64)
    filled = runs.first < runs.last
    begins[runs.first[filled]] = runs.first[filled]
    ends: NDArray[np.bool_] = (np.arange(len(begins)) - np.maximum.accumulate(begins)) % 2 == 1
    return ends


def joined(parts: Sequence[NDArray[np.int64]], shapes: Any) -> Runs:
    """Return the masks whose edges are given one by one."""
    last = np.cumsum([len(part) for part in parts], dtype=np.int64)
    edges = np.concatenate([np.empty(0, np.int64), *parts])
    return Runs(edges, np.concatenate([[0], last[:-1]]).astype(np.int64)[: len(parts)], last, _as_shapes(shapes))


def _as_shapes(shapes: Any) -> NDArray[np.int64]:
    return np.asarray(shapes, np.int64).reshape(-1, 2)


def of_array(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the edges of one mask."""
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = [0] if flat.size and flat[0] else []
    ends = [flat.size] if flat.size and flat[-1] else []
    return np.concatenate([starts, edges, ends]).astype(np.int64)


def to_array(edges: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return one mask of its edges."""
    flat = np.zeros(shape[0] * shape[1] + 1, np.int8)
    np.add.at(flat, edges[::2], 1)
    np.add.at(flat, edges[1::2], -1)
    return np.cumsum(flat[:-1], dtype=np.int8).astype(bool).reshape(shape, order="F")


def of_counts(name: str, counts: Any, size: int) -> NDArray[np.int64]:
    """Return the edges of run lengths: zeros, ones, zeros and so on; they must fill the image."""
    lengths = check_array(name, counts)
    if lengths.ndim != 1 or (lengths.size and lengths.dtype.kind not in "iu") or (lengths < 0).any():
        raise ValueError(f"{name} must hold run lengths of at least 0 in counts, got {str(counts)[:60]}")
    edges = np.cumsum(lengths, dtype=np.int64)
    _check_full(name, int(edges[-1]) if len(edges) else 0, size)
    return edges[: len(edges) // 2 * 2]


def _check_full(name: str, total: int, size: int) -> None:
    if total != size:
        raise ValueError(
            f"{name} must have run lengths that fill its image, got {total} for {size} pixels; "
            "look at size, which is [rows, columns]"
        )


def to_counts(edges: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return run lengths of zeros, ones, zeros and so on, none of them 0 but perhaps the first."""
    pairs = edges.reshape(-1, 2)
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    apart = pairs[1:, 0] > pairs[:-1, 1]  # runs that touch become one
    starts = pairs[np.concatenate([[True], apart]), 0] if len(pairs) else pairs[:, 0]
    ends = pairs[np.concatenate([apart, [True]]), 1] if len(pairs) else pairs[:, 1]
    edges = np.stack([starts, ends], axis=1).ravel()
    counts = np.diff(edges, prepend=0, append=size)
    return counts[:-1] if len(edges) and counts[-1] == 0 else counts


def of_texts(names: Sequence[str], texts: Sequence[bytes], shapes: Any) -> Runs:
    """Return the masks of COCO's compressed run lengths, all at once; `names` are for messages."""
    shapes = _as_shapes(shapes)
    first = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    edges, lengths = np.zeros(first[-1], np.int64), np.empty(len(texts), np.int64)
    kernels_for(edges, "runs").read_texts(np.frombuffer(b"".join(texts), np.uint8), first, edges, lengths)
    for i in np.flatnonzero(lengths < 0).tolist():
        raise ValueError(f"{names[i]} must have counts in COCO's compressed form, got {texts[i][:40]!r}")
    sizes = shapes[:, 0] * shapes[:, 1]
    totals = np.zeros(len(texts), np.int64)
    totals[lengths > 0] = edges[(first[:-1] + lengths - 1)[lengths > 0]]
    for i in np.flatnonzero(totals != sizes).tolist():
        _check_full(names[i], int(totals[i]), int(sizes[i]))
    return Runs(edges, first[:-1], first[:-1] + lengths // 2 * 2, shapes)


def to_text(counts: NDArray[np.int64]) -> str:
    """Return run lengths in COCO's compressed form."""
    text = np.empty(13 * len(counts), np.uint8)  # 13 characters hold 64 bits
    n = kernels_for(text, "runs").write_text(counts, text)
    return text[:n].tobytes().decode("ascii")


def of_polygons(outlines: Sequence[NDArray[np.float64]], owners: NDArray[np.int64], shapes: Any) -> Runs:
    """Return one mask per shape: the union of the polygons, (k, 2) points of x and y, that it owns.

    Which pixels lie inside follows COCO: outlines are drawn on a grid of five cells per pixel, and the middle column
    of cells of each pixel column enters and leaves the polygon where it crosses the outline.
    """
    shapes = _as_shapes(shapes)
    if not outlines:
        return joined([np.empty(0, np.int64)] * len(shapes), shapes)
    closed = np.concatenate([np.concatenate([points, points[:1]]) for points in outlines])
    corners = np.trunc(_SUB * closed + 0.5).astype(np.int64)
    first = np.concatenate([[0], np.cumsum([len(points) + 1 for points in outlines])]).astype(np.int64)
    most = int((np.abs(np.diff(corners[:, 0])) // _SUB + 2).sum()) + 2
    polygon, position = np.empty(most, np.int64), np.empty(most, np.int64)
    n = kernels_for(position, "runs").crossings(corners, first, shapes[owners], polygon, position)
    stride = int((shapes[:, 0] * shapes[:, 1]).max()) + 1
    polygon, position = np.divmod(np.sort(polygon[:n] * stride + position[:n]), stride)
    return _union(owners[polygon], position, shapes, stride)


def _union(owner: NDArray[np.int64], edges: NDArray[np.int64], shapes: NDArray[np.int64], stride: int) -> Runs:
    """Join the runs of several polygons of one owner; `edges` begin and end runs in turn, all below `stride`."""
    ends = np.arange(len(edges)) % 2
    events = np.sort((owner * stride + edges) * 2 + ends)  # where one run ends and another begins, it goes on
    step = 1 - 2 * (events % 2)
    depth = np.cumsum(step)
    outer = (depth == 0) | (depth == step)
    owner, edges = np.divmod(events[outer] // 2, stride)
    last = np.searchsorted(owner, np.arange(len(shapes)), side="right").astype(np.int64)
    return Runs(edges, np.concatenate([[0], last[:-1]]).astype(np.int64), last, shapes)


def of_dict(name: str, mask: Mapping[str, Any]) -> tuple[tuple[int, int], Any]:
    """Return shape and counts of a COCO run-length mask; text as bytes."""
    try:
        size, counts = mask["size"], mask["counts"]
        rows, cols = (int(side) for side in size)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{name} must have size [rows, columns] and counts, got a mapping with {sorted(map(str, mask))}"
        ) from None
    if rows < 0 or cols < 0:
        raise ValueError(f"{name} must have a size of at least 0, got {[rows, cols]}")
    return (rows, cols), counts.encode("latin-1", "replace") if isinstance(counts, str) else counts


def in_order(runs: Sequence[Runs], rows: Sequence[Sequence[int]]) -> Runs:
    """Return masks of several kinds in one; ``rows[k]`` says which row each mask of ``runs[k]`` becomes."""
    offsets = np.cumsum([0, *(len(part.edges) for part in runs)])
    first = np.concatenate([part.first + offset for part, offset in zip(runs, offsets)])
    last = np.concatenate([part.last + offset for part, offset in zip(runs, offsets)])
    together = Runs(
        np.concatenate([part.edges for part in runs]), first, last, np.concatenate([p.shapes for p in runs])
    )
    return together.take(np.argsort(np.concatenate([np.asarray(part, np.int64) for part in rows])))
