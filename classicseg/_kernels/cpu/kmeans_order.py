"""Long lists of 8-bit colours, put in order before they are cut into tiles.

Without positions any two samples may share a tile, however far apart they lie in the image. That makes far smaller
boxes than sorting within blocks of it alone: of 16 centers 1.8 are scored per pixel of a photograph instead of 4.4.
Putting 1 MP in order takes one thread 4 ms, and spares 0.4 ms of every step with 4 centers, 0.7 with 16, 1.2 with 64.
"""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.kmeans_keys import plan_tables
from classicseg._kernels.cpu.kmeans_tiles import allocate

FEWEST_CENTERS = 8  # with fewer, ten steps spare less than the order costs
FEWEST = 1 << 17  # samples: fewer are one or two blocks of tiles, which are in order anyway
ORDER_BITS = 7
PART = 1 << 16  # samples that are counted, and put into place, in one go


class Order(NamedTuple):
    """Where the samples of a list went."""

    position: Any  # uint32 (n,)
    labels: Any  # int32 (1, n), memory for the labels of the ordered samples

    def paint(self, out, n_threads):
        """Write the labels of the ordered samples to their own places in `out` (1, n)."""
        _over_parts(lambda _, first, last: take(self.labels, self.position, first, last, out), out.shape[1], n_threads)


def in_order(samples, n_clusters, n_threads):
    """Return `samples` in an order by colour, and the way back; or None where it does not pay."""
    if n_clusters < FEWEST_CENTERS or not _suits(samples):
        return None
    n, planes = samples.shape[1], samples.planes
    few = np.stack([plane[0, :: max(n // PART, 1)] for plane in planes])
    tables = plan_tables(few, samples.gain, ORDER_BITS)
    n_parts = -(-n // PART)
    # Labels too in the same piece: memory that comes and goes in smaller ones is given back, and touched anew.
    keys, position, values, labels = allocate(
        (n, np.uint8), (n, np.uint32), ((len(planes), n), np.uint8), ((1, n), np.int32)
    )
    counts = np.zeros((n_parts, 2, 1 << ORDER_BITS), np.int32)
    _over_parts(lambda p, first, last: count_keys(*planes, tables, first, last, keys, counts[p]), n, n_threads)
    # Key by key, and of one key part by part: the order is that of one part, whoever counted.
    flat = counts.reshape(2 * n_parts, -1)
    starts = np.ascontiguousarray((np.cumsum(flat.T).reshape(flat.T.shape) - flat.T).T, np.uint32).reshape(counts.shape)
    _over_parts(
        lambda p, first, last: put_in_order(*planes, keys, starts[p], first, last, position, *values), n, n_threads
    )
    return samples._replace(planes=tuple(plane[None] for plane in values)), Order(position, labels)


def _suits(samples):
    return (
        samples.is_list
        and len(samples.planes) == 3
        and all(plane.dtype == np.uint8 for plane in samples.planes)
        and samples.mask is None
        and samples.weight is None
        and samples.shape[1] >= FEWEST
    )


def _over_parts(function, n, n_threads):
    run_blocks(lambda p: function(p, p * PART, min((p + 1) * PART, n)), -(-n // PART), n_threads)


@jit
def count_keys(red, green, blue, tables, first, last, keys, counts):
    """Write the keys of samples `first` to `last`, and count them.

    The two halves have counters of their own: a counter is seldom needed again at once.
    """
    n, half = last - first, (last - first) // 2
    reds, greens, blues, out = red[0, first:last], green[0, first:last], blue[0, first:last], keys[first:last]
    for i in range(half):
        j = half + i
        key = tables[0, reds[i]] + tables[1, greens[i]] + tables[2, blues[i]]
        other = tables[0, reds[j]] + tables[1, greens[j]] + tables[2, blues[j]]
        out[i], out[j] = key, other
        counts[0, key] += 1
        counts[1, other] += 1
    if n % 2 == 1:
        key = tables[0, reds[n - 1]] + tables[1, greens[n - 1]] + tables[2, blues[n - 1]]
        out[n - 1] = key
        counts[1, key] += 1


@jit
def put_in_order(red, green, blue, keys, starts, first, last, position, out_red, out_green, out_blue):
    """Write samples `first` to `last` to their places, the two halves side by side."""
    n, half = last - first, (last - first) // 2
    reds, greens, blues = red[0, first:last], green[0, first:last], blue[0, first:last]
    own, to = keys[first:last], position[first:last]
    for i in range(half):
        j = half + i
        key, other = own[i], own[j]
        p, q = starts[0, key], starts[1, other]
        starts[0, key] += 1
        starts[1, other] += 1
        to[i], to[j] = p, q
        out_red[p], out_red[q] = reds[i], reds[j]
        out_green[p], out_green[q] = greens[i], greens[j]
        out_blue[p], out_blue[q] = blues[i], blues[j]
    if n % 2 == 1:
        p = starts[1, own[n - 1]]
        to[n - 1] = p
        out_red[p], out_green[p], out_blue[p] = reds[n - 1], greens[n - 1], blues[n - 1]


@jit
def take(labels, position, first, last, out):
    for i in range(first, last):
        out[0, i] = labels[0, position[i]]
