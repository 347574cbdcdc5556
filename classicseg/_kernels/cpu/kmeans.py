"""k-means on the CPU: state, one Lloyd step, and the result. The twin of `cuda/kmeans.py`."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from classicseg._kernels._samples import scaled
from classicseg._kernels.cpu._jit import jit, run_blocks, thread_count
from classicseg._kernels.cpu.kmeans_colors import Colors, distinct_colors
from classicseg._kernels.cpu.kmeans_order import Order, in_order
from classicseg._kernels.cpu.kmeans_step import Assigned, Centers, Scratch, make_scratch, step_tiles
from classicseg._kernels.cpu.kmeans_sums import MIXED, UNKNOWN
from classicseg._kernels.cpu.kmeans_tiles import (
    HUGE_PAGES,
    TILE,
    Model,
    Tiles,
    allocate,
    build_tiles,
    count_ranges,
    over_ranges,
)

CHECK_EVERY = 1  # steps between two looks at `progress`
FAR = 1e150  # its square is still finite
UNROLLED = (3, 5)  # features that steps are compiled for, which doubles their speed; fewer are filled up with zeros


@dataclass
class State:
    """A run of k-means: tiles, centers, and what is known of the labels."""

    shape: tuple[int, int]
    masked: bool
    replaced: Colors | Order | None  # where tiles hold the distinct colours of an image, or its samples in order
    tiles: Tiles
    model: Model
    assigned: Assigned
    centers: np.ndarray  # float64 (K, F), in units of v
    sums: np.ndarray  # int64 (K, F + 1), exact for the labels known
    extent: np.ndarray  # float64 (F,), of |v| about
    scratch: list[Scratch]  # of each range of tiles
    unrolled: tuple[int, ...]  # of F or more zeros, whose length the compiler knows, or empty for many features
    n_threads: int
    bounds: bool
    travel: float = 0.0
    n_iter: int = 0
    moved: float = np.inf
    scored: int = 0


def start(samples, centers, n_threads=None, *, bounds=True):
    """Prepare a run from `centers` (K, F). Without `bounds` every step scores every sample against every center."""
    n_threads = thread_count(n_threads)
    shape, masked, replaced = samples.shape, samples.mask is not None, None
    others = distinct_colors(samples, n_threads) or in_order(samples, len(centers), n_threads) if bounds else None
    if others is not None:
        samples, replaced = others
    tiles, model = build_tiles(samples, n_threads)
    n_tiles, n_clusters = len(tiles.count), len(centers)
    assigned = Assigned(
        *allocate(((n_tiles, TILE), np.uint8 if n_clusters <= 256 else np.int32)),
        np.full(n_tiles, UNKNOWN, np.int32),
        np.full(n_tiles, -1.0),
    )
    sums = np.zeros((n_clusters, samples.n_features + 1), np.int64)
    extent = np.abs(tiles.middle).max(axis=0)
    unrolled = (0,) * next((n for n in UNROLLED if samples.n_features <= n), 0)
    scratch = [
        make_scratch(n_clusters, samples.n_features, len(unrolled)) for _ in range(count_ranges(n_tiles, n_threads))
    ]
    return State(
        shape,
        masked,
        replaced,
        tiles,
        model,
        assigned,
        centers.copy(),
        sums,
        extent,
        scratch,
        unrolled,
        n_threads,
        bounds,
    )


def assign(state):
    """Bring labels and sums up to date with the centers."""
    if not state.bounds:
        state.assigned.only[:] = UNKNOWN
        state.sums[:] = 0
    tiles, model = state.tiles, state.model
    size = (model.gain * np.maximum(np.abs(state.centers).max(axis=0), state.extent)) ** 2
    rounding = float(2.0**-44 * size.sum())
    columns = np.ascontiguousarray((state.centers * model.gain).T)
    repeats = _repeats(state.centers) if state.bounds else []
    columns[:, repeats] = FAR  # they never win: far away they cost nothing
    centers = Centers(
        state.centers,
        columns,
        state.travel if state.bounds else np.inf,
        rounding,
        rounding if state.bounds else np.inf,
    )
    changes = np.zeros((len(state.scratch), *state.sums.shape), np.int64)
    scored = [0] * len(state.scratch)

    def block(b, first, last):
        scored[b] = step_tiles(
            tiles, model, centers, state.assigned, first, last, changes[b], state.scratch[b], state.unrolled
        )

    over_ranges(block, len(tiles.count), state.n_threads)
    if len(repeats):
        state.assigned.safe[:] = -1.0  # where they really stand was not looked at
    state.sums += changes.sum(axis=0)
    state.scored += sum(scored)


def _repeats(centers):
    """Return the rows of `centers` that stand above already."""
    order = np.lexsort(centers.T)  # stable: of equals the lower index comes first
    return order[1:][(centers[order[1:]] == centers[order[:-1]]).all(axis=1)]


def lloyd_step(state, tol):
    """Assign, and move every center to the mean of its samples; nothing once a step moved none beyond `tol`."""
    if state.moved <= tol:
        return
    assign(state)
    scale, gain = state.model.sum_scale, state.model.gain
    filled = state.sums[:, -1] > 0
    means = state.centers.copy()  # an empty cluster keeps its center
    count = state.sums[filled, -1:] / scale[-1]
    means[filled] = state.sums[filled, :-1] / scale[:-1] / count
    way = np.zeros(len(means))
    for f in range(means.shape[1]):
        way += (gain[f] * (means[:, f] - state.centers[:, f])) ** 2
    state.moved = float(np.sqrt(way.max()))
    state.travel += 2 * state.moved * (1 + 1e-9)
    state.centers = means
    state.n_iter += 1


def progress(state):
    """Return the number of steps done, and how far the farthest center moved in the last one."""
    return state.n_iter, state.moved


def means(state):
    """Return the state's centers."""
    return state.centers.copy()


def finish(state):
    """Return labels (M, N), centers (K, F), and inertia, of the present centers."""
    assign(state)
    labels = _label_image(state.shape)
    if state.masked:
        labels[:] = -1
    if state.replaced is None:
        _paint(state, labels)
    else:
        _paint(state, state.replaced.labels)
        state.replaced.paint(labels, state.n_threads)
    return labels, state.centers.copy(), _inertia(state)


def lloyd_frames(frames, centers, exponents, tol, max_num_iter, n_threads=None):
    """Run B frames, each from its `centers` (K, F) and on one thread.

    Returns the labels, centers and inertia of each, its iterations, and its last move in the units of `tol`: what the
    gains make of it, times 2**exponent of the frame.
    """
    found = [None] * len(frames)

    def run(b):
        state, limit = start(frames[b], centers[b], 1), scaled(tol, -exponents[b])
        while state.n_iter < max_num_iter and state.moved > limit:
            lloyd_step(state, limit)
        found[b] = (*finish(state), state.n_iter, scaled(state.moved, exponents[b]))

    run_blocks(run, len(frames), n_threads)
    return found


def _label_image(shape):
    n_bytes = 4 * math.prod(shape)
    if HUGE_PAGES * 3 // 4 < n_bytes < HUGE_PAGES:  # for a little more memory they come in huge pages
        return allocate((shape, np.int32))[0]
    return np.empty(shape, np.int32)


def _paint(state, labels):
    tiles, model, assigned = state.tiles, state.model, state.assigned
    over_ranges(
        lambda _, first, last: paint(tiles, model, assigned, first, last, labels), len(tiles.count), state.n_threads
    )


def _inertia(state):
    """Return the sum of squared distances to the centers, from the sums: exact integers where the samples are."""
    scale, inertia = state.model.sum_scale, 0.0
    filled = np.flatnonzero(state.sums[:, -1] > 0)
    count = state.sums[filled, -1].tolist()
    mass = state.sums[filled, -1] / scale[-1]
    for f, gain in enumerate(state.model.gain):
        sums = state.sums[filled, f].tolist()
        # sum of v * v  -  sum over k of S * S / n, in units of scale[f]**2 / scale[-1]; Python's integers are exact.
        unit = Fraction(scale[f]) ** 2 / Fraction(scale[-1])
        between, rest = 0, 0.0
        for total, n in zip(sums, count):
            whole, left = divmod(total * total, n)
            between += whole
            rest += left / n
        within = float((Fraction(math.fsum(state.tiles.squares[:, f])) * unit - between) / unit) - rest / float(unit)
        away = state.centers[filled, f] - state.sums[filled, f] / scale[f] / mass
        inertia += gain * gain * (max(within, 0.0) + float((mass * away * away).sum()))
    return float(inertia)


@jit
def paint(tiles, model, assigned, first, last, out):
    """Write the labels of tiles `first` to `last` to the raster `out` (M, N)."""
    place, corner, count, labels, only = tiles.place, tiles.corner, tiles.count, assigned.labels, assigned.only
    for t in range(first, last):
        column, row = corner[t]
        for i in range(count[t]):
            label = np.int32(labels[t, i]) if only[t] == MIXED else only[t]
            if model.is_list:
                out[0, column + (np.int64(place[t, 1, i]) << 8) + place[t, 0, i]] = label
            else:
                out[row + place[t, 1, i], column + place[t, 0, i]] = label
