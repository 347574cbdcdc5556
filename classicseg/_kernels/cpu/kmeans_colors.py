"""Large 8-bit RGB images as their distinct colours: a photograph of 12 megapixels has some hundred thousand.

Counting them takes about as long as sorting all pixels into tiles, and every step is then nearly free.
"""

from typing import Any, NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks

FEWEST = 1 << 22  # samples: tables of all 2**24 colours do not pay for fewer
MOST_DISTINCT = 0.5  # of the samples: with more, colours are no shortcut
TRIED = 1 << 16  # samples that are looked at first
FEWEST_REPEATS = 0.005  # among those tried: uniform noise has 0.002, a photograph with noise of N(0, 4) 0.1
SIZE = 1 << 24  # colours there are
SLICES = 16  # of the table and of the image, shared out to threads
PARTS = 4  # tables that are counted side by side, 64 MB each; more threads than that wait


class Colors(NamedTuple):
    """Distinct colours of an image, as a list of samples with weights."""

    planes: Any  # the image's three planes, uint8 (1, n)
    mask: Any  # bool (1, n), or (0, 0)
    keys: Any  # int32 (U,), red, green and blue in 24 bits
    labels: Any  # int32 (1, U), memory for their labels

    def paint(self, out, n_threads):
        """Write the labels of the colours to their samples in `out` (1, n)."""
        table = np.empty(SIZE, np.int32 if self.labels.max() > 255 else np.uint8)
        table[self.keys] = self.labels[0]
        n = out.shape[1]
        run_blocks(
            lambda p: look_up(*self.planes, self.mask, p * n // SLICES, (p + 1) * n // SLICES, table, out),
            SLICES,
            n_threads,
        )


def distinct_colors(samples, n_threads):
    """Return `samples` with one sample per colour, weighted by its count, and the way back; or None."""
    if not _suits(samples):
        return None
    n = samples.shape[1]
    planes = samples.planes
    tried = [plane[0, :: max(n // TRIED, 1)].astype(np.int32) for plane in planes]
    repeats = 1 - len(np.unique(tried[0] << 16 | tried[1] << 8 | tried[2])) / len(tried[0])
    if repeats < FEWEST_REPEATS:
        return None
    mask = np.empty((0, 0), np.bool_) if samples.mask is None else samples.mask
    n_parts = min(n_threads, PARTS)
    tables = np.zeros((n_parts, SIZE), np.int32)
    run_blocks(
        lambda p: count_colors(*planes, mask, p * n // n_parts, (p + 1) * n // n_parts, tables[p]), n_parts, n_threads
    )
    borders = [p * SIZE // SLICES for p in range(SLICES + 1)]
    found = np.empty(SLICES, np.int64)
    run_blocks(lambda p: sum_tables(tables, borders[p], borders[p + 1], found[p : p + 1]), SLICES, n_threads)
    first = np.concatenate([[0], np.cumsum(found)])
    if first[-1] > MOST_DISTINCT * n:
        return None
    keys, weight = np.empty(first[-1], np.int32), np.empty((1, first[-1]))
    run_blocks(
        lambda p: list_colors(tables[0], borders[p], borders[p + 1], first[p], keys, weight[0]), SLICES, n_threads
    )
    colors = [np.uint8(keys >> shift & 255)[None] for shift in (16, 8, 0)]
    # Counts times 8-bit values are integers: the sums are those of the single samples, to the bit.
    distinct = samples._replace(shape=weight.shape, planes=tuple(colors), mask=None, weight=weight)
    return distinct, Colors(planes, mask, keys, np.empty((1, len(keys)), np.int32))


def _suits(samples):
    return (
        samples.is_list
        and len(samples.planes) == 3
        and all(plane.dtype == np.uint8 for plane in samples.planes)
        and samples.weight is None
        and samples.shape[1] >= FEWEST
    )


@jit
def count_colors(red, green, blue, mask, first, last, table):
    for i in range(first, last):
        if mask.size == 0 or mask[0, i]:
            table[np.int64(red[0, i]) << 16 | np.int64(green[0, i]) << 8 | np.int64(blue[0, i])] += 1


@jit
def sum_tables(tables, first, last, found):
    """Add up the tables into the first one, and count the colours that occur."""
    for part in range(1, tables.shape[0]):
        for i in range(first, last):
            tables[0, i] += tables[part, i]
    n = 0
    for i in range(first, last):
        n += tables[0, i] > 0
    found[0] = n


@jit
def list_colors(table, first, last, n, keys, weight):
    for i in range(first, last):
        if table[i] > 0:
            keys[n] = i
            weight[n] = table[i]
            n += 1


@jit
def look_up(red, green, blue, mask, first, last, table, out):
    for i in range(first, last):
        if mask.size == 0 or mask[0, i]:
            out[0, i] = table[np.int64(red[0, i]) << 16 | np.int64(green[0, i]) << 8 | np.int64(blue[0, i])]
