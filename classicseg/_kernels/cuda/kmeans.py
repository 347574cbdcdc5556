"""k-means on a GPU: the twin of the CPU's kernels, with the same labels, centers and stop.

A step is two launches, `assign` and `update` of ``kmeans.cu``, and no word from the device: it keeps the centers and
how far they moved, and its own steps do nothing once they moved no farther than `tol`. So the host may run ahead, and
looks every `CHECK_EVERY` steps.

Per iteration every pixel is read once, with a byte of label. At F features and K clusters an assignment costs F
multiply-adds and about 5 operations to keep the two best per center; a center's scores are read once for up to 4
samples of a thread. The sums stay on the device, and only samples whose label changed touch them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classicseg._kernels._samples import Samples, scaled
from classicseg._kernels.cuda._module import defines, kernels

CHECK_EVERY = 8  # steps between two looks of the host; a look costs about what a step of a small image does

THREADS = 256  # as in kmeans.cu
BLOCKS_PER_MULTIPROCESSOR = 16  # several times what fits at once, so that the last ones to finish are short
SAMPLES_PER_INERTIA = 16384  # fixed, so that the bits of inertia do not depend on the device
MOST_SHARED = 48 << 10  # what every device gives a block without asking for more
FUNCTIONS = ("begin", "assign", "update", "label")
KINDS = ("u1", "u2", "f4", "f8")  # as kmeans.cu numbers them


@dataclass(frozen=True)
class State:
    """What the device keeps of B frames; the arrays change in place.

    `addresses` (B, 3 C + 2) int64 and `numbers` (B, 2 C + 2 F + 2) float64 describe the samples as ``kmeans.cu`` says;
    `centers` (B, K, F) float64; `sums` (B, K, F + 1) uint64 that hold int64; `labels` (B, M, N), the narrow ones of
    the last step; `scores` (B, K, row) and `heads` (B, 1 + 2 F) float32, made from the centers; `progress` (B, 2)
    float64, steps done and the last move.
    """

    run: Any  # the kernels
    samples: tuple[Samples, ...]
    batch: bool  # whether results have the frames' axis
    addresses: Any
    numbers: Any
    centers: Any
    sums: Any
    labels: Any
    scores: Any
    heads: Any
    progress: Any
    shared_bytes: int
    keep: tuple[Any, ...]  # arrays that only `addresses` refers to


def start(samples: Samples, centers: Any, n_threads: int | None = None) -> State:
    """Upload `centers` (K, F) and make room for the rest; `n_threads` means nothing on a GPU."""
    return _start((samples,), np.asarray(centers, np.float64)[None], np.zeros(1), batch=False)


def start_batch(frames: Sequence[Samples], centers: Any, exponents: Any = 0) -> State:
    """Like `start`, for frames alike in shape and features, each with its own `centers` (B, K, F) and its own stop.

    Moves are measured in 2**-exponents (B,) of what the gains make of them, and so is `tol`.
    """
    if len({_kind(one) for one in frames}) > 1:
        raise ValueError("the frames of a batch must have one shape, one dtype, the same features, and weights or none")
    exponents = np.broadcast_to(exponents, len(frames))
    return _start(tuple(frames), np.asarray(centers, np.float64), exponents, batch=True)


def lloyd_frames(
    frames: Sequence[Samples], centers: Any, exponents: Any, tol: float, max_num_iter: int, n_threads: int | None = None
) -> list[tuple[Any, Any, float, int, float]]:
    """Run B frames, each from its `centers` (K, F); those of one kind at once.

    Returns the labels, centers and inertia of each, its iterations, and its last move in the units of `tol`: what the
    gains make of it, times 2**exponent of the frame.
    """
    kinds = [_kind(one) for one in frames]
    found: dict[int, tuple[Any, Any, float, int, float]] = {}
    for kind in dict.fromkeys(kinds):
        chosen = [b for b, other in enumerate(kinds) if other == kind]
        state = start_batch(
            [frames[b] for b in chosen], np.stack([centers[b] for b in chosen]), [exponents[b] for b in chosen]
        )
        for step in range(1, max_num_iter + 1):
            lloyd_step(state, tol)
            if step % CHECK_EVERY == 0 and (progress(state)[1] <= tol).all():
                break  # frames that stopped earlier did nothing since
        found.update(zip(chosen, zip(*finish(state), *(each.tolist() for each in progress(state)))))
    return [found[b] for b in range(len(frames))]


def lloyd_step(state: State, tol: float) -> None:
    """Assign, sum and replace the centers, in each frame whose centers have moved farther than `tol` so far."""
    n_samples, n_columns, n_clusters = _sizes(state)
    n_frames, limit = len(state.samples), np.float64(tol)
    model = (np.int32(n_clusters), state.centers, state.scores, state.heads)
    change = (state.numbers, state.sums, state.progress, limit)
    with _device(state.samples[0]) as device:
        n_blocks = max(1, device.attributes["MultiProcessorCount"] * BLOCKS_PER_MULTIPROCESSOR // n_frames)
        per_block = -(-n_samples // (n_blocks * THREADS)) * THREADS
        place = (state.addresses, state.numbers, *map(np.int32, (n_columns, n_samples, per_block)))
        state.run.assign(
            (-(-n_samples // per_block), n_frames),
            (THREADS,),
            (*place, *model, state.progress, limit, state.labels, state.sums),
            shared_mem=state.shared_bytes,
        )
        state.run.update((n_frames,), (THREADS,), (*change, *model))


def progress(state: State) -> tuple[Any, Any]:
    """Return the steps really done and how far the farthest center moved in the last; arrays (B,) of a batch."""
    n_iter, moved = state.progress.get().T
    return (n_iter.astype(int), moved) if state.batch else (int(n_iter[0]), float(moved[0]))


def means(state: State) -> Any:
    """Return the state's centers on the host."""
    return state.centers.get() if state.batch else state.centers.get()[0]


def finish(state: State) -> tuple[Any, Any, Any]:
    """Return labels (M, N) int32 on the device, -1 outside the mask, centers on the host, and the inertia.

    Labels and inertia belong to the state's centers. A batch has (B, M, N), (B, K, F) and (B,).
    """
    import cupy

    n_samples, n_columns, n_clusters = _sizes(state)
    n_frames, n_parts = len(state.samples), -(-n_samples // SAMPLES_PER_INERTIA)
    model = (np.int32(n_clusters), state.centers, state.scores, state.heads)
    with _device(state.samples[0]):
        labels = cupy.empty((n_frames, *state.samples[0].shape), np.int32)
        parts = cupy.empty((n_frames, n_parts), np.float64)
        place = (state.addresses, state.numbers, *map(np.int32, (n_columns, n_samples, SAMPLES_PER_INERTIA)))
        state.run.label((n_parts, n_frames), (THREADS,), (*place, *model, labels, parts))
        inertia = np.array([math.fsum(row) for row in parts.get()])
        centers = state.centers.get()
    return (labels, centers, inertia) if state.batch else (labels[0], centers[0], float(inertia[0]))


def _start(frames: tuple[Samples, ...], centers: Any, exponents: Any, *, batch: bool) -> State:
    import cupy

    first = frames[0]
    (n_rows, n_columns), n_features = first.shape, first.n_features
    n_frames, n_clusters = centers.shape[:2]
    _check_size(first)
    row = _row(n_features)
    label_dtype, shared_bytes = _label_dtype(n_clusters), _shared_bytes(n_clusters, n_features)
    with _device(first) as device:
        constants = constants_of(_dtypes(first), first.x, first.y, first.weight is not None, n_clusters)
        run = kernels("kmeans", FUNCTIONS, constants, device.id)
        kept, addresses = zip(*map(_addresses, frames))
        none = -1 if label_dtype.kind == "i" else np.iinfo(label_dtype).max  # NONE in kmeans.cu
        state = State(
            run=run,
            samples=frames,
            batch=batch,
            addresses=cupy.asarray(np.array(addresses, np.int64)),
            numbers=cupy.asarray(np.array([_numbers(one, exponent) for one, exponent in zip(frames, exponents)])),
            centers=cupy.asarray(np.ascontiguousarray(centers)),
            sums=cupy.zeros((n_frames, n_clusters, n_features + 1), np.uint64),
            labels=cupy.full((n_frames, n_rows, n_columns), none, label_dtype),
            scores=cupy.empty((n_frames, n_clusters, row), np.float32),
            heads=cupy.empty((n_frames, 1 + 2 * n_features), np.float32),
            progress=cupy.asarray(np.array([[0.0, np.inf]] * n_frames)),
            shared_bytes=shared_bytes if shared_bytes <= MOST_SHARED else 0,
            keep=kept,
        )
        model = (np.int32(n_clusters), state.centers, state.scores, state.heads)
        run.begin((n_frames,), (THREADS,), (state.numbers, *model))
    return state


def constants_of(dtypes: Sequence[np.dtype[Any]], x: bool, y: bool, weighted: bool, n_clusters: int) -> tuple[str, ...]:
    """Return the compiler's options for planes of these dtypes; kmeans.cu says what each constant means."""
    kinds = sum(KINDS.index(dtype.str[1:]) << 2 * c for c, dtype in enumerate(dtypes))
    return defines(
        PLANES=len(dtypes),
        X=int(x),
        Y=int(y),
        KINDS_LOW=f"{kinds % 2**64}ull",
        KINDS_HIGH=f"{kinds >> 64}ull",
        WEIGHTED=int(weighted),
        LABEL={"u1": "uint8", "u2": "uint16", "i4": "int"}[_label_dtype(n_clusters).str[1:]],
        IN_SHARED=int(_shared_bytes(n_clusters, len(dtypes) + x + y) <= MOST_SHARED),
    )


def _label_dtype(n_clusters: int) -> np.dtype[Any]:
    """Return the narrowest dtype that holds every label and one number more."""
    return np.dtype(np.uint8 if n_clusters < 256 else np.uint16 if n_clusters < 65536 else np.int32)


def _shared_bytes(n_clusters: int, n_features: int) -> int:
    return n_clusters * (4 * _row(n_features) + 8 * (n_features + 1))


def _row(n_features: int) -> int:
    return -(-(n_features + 1) // 4) * 4  # ROW in kmeans.cu


def _dtypes(samples: Samples) -> tuple[np.dtype[Any], ...]:
    return tuple(plane.dtype for plane in samples.planes)


def _kind(samples: Samples) -> tuple[object, ...]:
    return samples.shape, _dtypes(samples), samples.x, samples.y, samples.weight is None


def _check_size(samples: Samples) -> None:
    n_rows, n_columns = samples.shape
    if n_rows * n_columns > 2**30:
        raise ValueError(f"k-means on a GPU takes at most 2**30 pixels at once, got {n_rows} x {n_columns}; cut tiles")
    if max(n_columns * samples.x, n_rows * samples.y) > 2**24:  # an index is exact in float32 up to there
        raise ValueError(f"x and y need an image of at most 2**24 rows and columns, got {samples.shape}; cut tiles")


def _addresses(samples: Samples) -> tuple[tuple[Any, ...], list[int]]:
    """Return the arrays to keep alive, and the row of `State.addresses`."""
    import cupy

    fits = [max(map(abs, plane.strides)) < 2**31 for plane in samples.planes]  # strides of an axis of 1 may be anything
    kept = [plane if fit else cupy.array(plane, order="C") for plane, fit in zip(samples.planes, fits)]
    planes = [number for plane in kept for number in (plane.data.ptr, *plane.strides)]
    mask = None if samples.mask is None else cupy.ascontiguousarray(samples.mask, dtype=np.bool_)
    weight = None if samples.weight is None else cupy.ascontiguousarray(samples.weight, dtype=np.float64)
    others = [0 if array is None else array.data.ptr for array in (mask, weight)]
    return (*kept, mask, weight), planes + others


def _numbers(samples: Samples, exponent: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the row of `State.numbers`."""
    scale = np.ldexp(1.0, -np.asarray(samples.exponent, np.int64))
    unit = [scaled(1.0, int(exponent))]
    return np.concatenate([samples.offset, scale, samples.gain, samples.sum_scale, unit]).astype(np.float64)


def _sizes(state: State) -> tuple[int, int, int]:
    n_rows, n_columns = state.samples[0].shape
    return n_rows * n_columns, n_columns, state.centers.shape[1]


def _device(samples: Samples) -> Any:
    """Return the device that holds the planes, to be used as a context."""
    import cupy

    return samples.planes[0].device if samples.planes else cupy.cuda.Device()
