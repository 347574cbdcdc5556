"""Felzenszwalb's segmentation: a forest of pixels grown along the edges between neighbours, lightest first.

Edges are not kept. They are taken in rounds of rising weight: weighed anew from the image, those that can change
nothing any more left out, the rest sorted. Of a photograph a third is ever sorted. Forests of several scales grow
along one and the same order.
"""

import numpy as np

from classicseg._kernels.cpu._jit import run_blocks
from classicseg._kernels.cpu.felzenszwalb_edges import LEVELS, SHIFT, count_levels, fill_buckets
from classicseg._kernels.cpu.felzenszwalb_forest import join_small, mark_alive, mark_small, merge, number
from classicseg._kernels.cpu.felzenszwalb_order import sort_buckets
from classicseg._kernels.cpu.felzenszwalb_smooth import smoothed_planes

__all__ = ["grow", "smoothed_planes"]

STRIPS = 16  # of rows, that edges are found in side by side
PIXELS_OF_STRIP = 1 << 14  # at least: a small image is one strip, and starts no thread
BUCKET = 8192  # about so many edges are sorted together, within the second cache
BUCKETS_OF_BLOCK = 4
SHARE = 1.3  # edges of a round for each pixel, of four
LARGE_SHARE = 0.4  # the same where they would take much memory, 8 bytes each
SMALLEST_ROUND, LARGEST_ROUND = 1 << 16, 1 << 22


def grow(planes, scales, min_size, n_threads=None):
    """Return int32 labels (K, M, N) of `planes` (C, M, N) for each of the K `scales`; -1 where a plane is NaN.

    An edge joins two regions where its weight, the distance of its pixels' values, is below that of the last edge
    within either plus scale / pixels. Then regions of less than `min_size` pixels join the neighbour that their
    lightest edge leads to. Edges of one weight come by direction, →, ↓, ↘, ↙, then by their upper pixel in raster
    order. Labels count from 0 by first pixel.
    """
    shape, n_pixels = planes.shape[1:], planes[0].size
    homes = np.empty((len(scales), *shape), np.int32)
    link = np.full((len(scales), n_pixels), -1, np.int32)
    limit = np.repeat(np.array(scales, planes.dtype)[:, None], n_pixels, axis=1)

    def mark_frozen(k, least, rows):
        return mark_alive(link[k], limit[k], least, homes[k], *rows)

    def merge_all(k, batch):
        merge(*batch, shape[1], float(scales[k]), link[k], limit[k])

    def mark_those_below(k, least, rows):
        return mark_small(link[k], min_size, homes[k], *rows)

    def join_those_below(k, batch):
        join_small(*batch[1:], shape[1], min_size, link[k])

    _take_edges(planes, homes, False, mark_frozen, merge_all, n_threads)
    if min_size > 1:
        _take_edges(planes, homes, True, mark_those_below, join_those_below, n_threads)
    _by_strip(lambda k, rows: mark_small(link[k], 0, homes[k], *rows), homes, n_threads)
    run_blocks(lambda k: number(link[k], planes, homes[k]), len(scales), n_threads)
    return homes


def _strips(n_rows, n_cols):
    """Return the first row and the row after the last of every strip."""
    rows = max(1, PIXELS_OF_STRIP // n_cols, -(-n_rows // STRIPS))
    return [(start, min(start + rows, n_rows)) for start in range(0, n_rows, rows)]


def _by_strip(function, homes, n_threads):
    """Call ``function(k, rows)`` for every strip of every forest; return what it returns, (K, strips)."""
    strips = _strips(*homes.shape[1:])
    found = np.zeros((len(homes), len(strips)), np.bool_)

    def part(block):
        k, strip = divmod(block, len(strips))
        found[k, strip] = function(k, strips[strip])

    run_blocks(part, found.size, n_threads)
    return found


def _take_edges(planes, homes, small, mark, use, n_threads):
    """Let all forests use the edges in their order, round by round.

    Before each, ``mark(k, least weight to come, rows)`` writes the homes of a forest and says whether any pixel can
    still change; `select` tells what `small` means.
    """

    def marked(low):
        least = np.nextafter(np.array([low << SHIFT], np.uint32).view(np.float32)[0], np.float32(-1))
        return _by_strip(lambda k, rows: mark(k, least, rows), homes, n_threads).any()

    if not marked(0):
        return
    strips = _strips(*planes.shape[1:])
    counts = np.zeros((len(strips), LEVELS), np.int32)
    run_blocks(lambda i: count_levels(planes, homes, small, *strips[i], counts[i]), len(strips), n_threads)
    for i, (low, high) in enumerate(_rounds(counts.sum(axis=0, dtype=np.int64), planes[0].size)):
        if i > 0 and not marked(low):
            return
        _use(use, _sorted(planes, homes, small, low, high, counts, n_threads), len(homes), n_threads)


def _use(use, batch, n_forests, n_threads):
    run_blocks(lambda k: use(k, batch), n_forests, n_threads)


def _rounds(counts, n_pixels):
    """Return ranges of levels of so many edges each as there is room for, or of one level."""
    room = max(SMALLEST_ROUND, min(int(SHARE * n_pixels), LARGEST_ROUND), int(LARGE_SHARE * n_pixels))
    used = np.flatnonzero(counts)
    rounds, first = [], 0
    up_to = np.cumsum(counts[used])
    while first < len(used):
        before = up_to[first] - counts[used[first]]
        last = max(first, int(np.searchsorted(up_to, before + room, "right")) - 1)
        rounds.append((int(used[first]), int(used[last]) + 1))
        first = last + 1
    return rounds


def _sorted(planes, homes, small, low, high, counts, n_threads):
    """Return weights, edges, and the first and the number of each bucket, of edges of levels `low` to `high`."""
    strips = _strips(*planes.shape[1:])
    here = counts[:, low:high]
    before = np.cumsum(here.sum(axis=0, dtype=np.int64)) - here.sum(axis=0, dtype=np.int64)
    bucket_of = np.full(LEVELS, -1, np.int32)
    bucket_of[low:high] = before // BUCKET
    n_buckets = int(bucket_of[high - 1]) + 1
    bounds = np.searchsorted(bucket_of[low:high], np.arange(n_buckets + 1))
    up_to = np.concatenate([np.zeros((len(strips), 1), np.int64), np.cumsum(here, axis=1, dtype=np.int64)], axis=1)
    room = (up_to[:, bounds[1:]] - up_to[:, bounds[:-1]]).T  # (buckets, strips), at most
    ends = np.concatenate([[0], np.cumsum(room)])
    begins, ends = ends[:-1].reshape(room.shape), ends[:-1].reshape(room.shape).T.copy()
    size = int(room.sum())
    weights, edges = np.empty(size, planes.dtype), np.empty(size, np.uint32)

    def find(strip):
        levels = np.array([low, high])
        fill_buckets(planes, homes, small, *strips[strip], levels, bucket_of, weights, edges, ends[strip])

    run_blocks(find, len(strips), n_threads)
    bits = weights.view(np.uint32 if weights.itemsize == 4 else np.uint64)
    sizes = np.zeros(n_buckets, np.int64)

    def order(block):
        first = block * BUCKETS_OF_BLOCK
        sort_buckets(bits, edges, begins, ends, first, min(first + BUCKETS_OF_BLOCK, n_buckets), sizes)

    run_blocks(order, -(-n_buckets // BUCKETS_OF_BLOCK), n_threads)
    return weights, edges, begins[:, 0].copy(), sizes
