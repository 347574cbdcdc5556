"""Connected regions by union-find over runs.

Strips of rows are joined in themselves on several threads, and their regions numbered; then the regions of strips are
joined with each other, of which there are fewer than runs. Runs that touch are first listed, without a branch, and
joined afterwards: which of them do is as good as random, and a branch mispredicted takes as long as all the rest.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_inline, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, runs_inside, strip_runs

PEN = 16  # pixels
PAIRS = 2048  # that are listed at a time: they stay in the fastest cache


class Form(NamedTuple):
    """How runs lie. Those that leave no gaps touch by a corner where two end side by side; others, where one begins
    at the end of the other.
    """

    step: int  # starts of each: 2 where runs have gaps between them, so that the end of each is listed too
    width: int  # positions in a row: with gaps there is one more at its end, where no run is
    reach: int  # positions that runs with gaps may lie apart
    ties: bool  # runs without gaps touch by corners


class Connected(NamedTuple):
    """Runs of a label image, and the regions that they belong to.

    A run lies between two places of `starts`, ``starts[i * form.step]`` and the next; its region is
    ``numbers[first[block] + regions[i]]``.
    """

    strips: list[tuple[np.ndarray, np.ndarray]]  # (starts, regions) of each strip
    first: np.ndarray  # (strips + 1,) place in `numbers` of what lies outside in each strip, which is 0
    numbers: np.ndarray  # int32, of the regions of strips
    n_regions: int
    form: Form


def connected(labels, inside, connectivity, n_threads=None):
    """Number the connected regions of equal label from 1 in raster order of their first pixel; 0 outside.

    `labels` are contiguous and of any integer dtype, with values that int32 holds, negative ones outside; `inside` is
    boolean, None for all, or `labels` itself, where only True is inside.
    """
    found = joined_runs(labels, inside, connectivity, n_threads)
    return painted(found, labels.shape, n_threads), found.n_regions


def joined_runs(labels, inside, connectivity, n_threads=None):
    """Return the runs of `connected` with their regions."""
    n_cols, corners = labels.shape[1], connectivity == 2
    if inside is labels:
        form, runs = Form(2, n_cols + 1, int(corners), False), runs_inside(labels, n_threads)
    else:
        form, runs = Form(1, n_cols, 0, corners), strip_runs(labels, inside, n_threads)
    strips, first = [None] * len(runs), np.zeros(len(runs) + 1, np.int64)

    def join(block):
        starts, values = runs[block]
        regions = join_strip(starts, values, form)
        first[block + 1] = number(regions) + 1
        strips[block] = starts, regions[1:]

    run_blocks(join, len(runs), n_threads)
    np.cumsum(first, out=first)
    numbers = np.arange(first[-1], dtype=np.int32)
    numbers[first[:-1]] = 0
    for block in range(1, len(runs)):
        above, regions_above = _rows_of(*strips[block - 1], runs[block - 1][1], form, (STRIP - 1) * form.width, None)
        line, regions = _rows_of(*strips[block], runs[block][1], form, 0, form.width)
        join_seam(above, line, regions_above, regions, form, numbers, first[block - 1 : block + 1])
    return Connected(strips, first, numbers, number(numbers), form)


def _rows_of(starts, regions, values, form, begin, end):
    """Return ((starts, values), regions) of the runs from one position of a strip to another."""
    places = starts[: len(values) * form.step]
    first = np.searchsorted(places, begin) // form.step
    last = len(values) if end is None else np.searchsorted(places, end) // form.step
    return (starts[first * form.step : last * form.step + 1], values[first:last]), regions[first:last]


def painted(found, shape, n_threads=None):
    """Return the number of the region of every pixel (M, N); 0 outside."""
    regions = np.empty(shape, np.int32)

    def paint(block):
        numbers = found.numbers[found.first[block] : found.first[block + 1]]
        strip = regions[block * STRIP : (block + 1) * STRIP].reshape(-1)
        if found.form.step == 1:
            fill_rows(strip, *found.strips[block], numbers)
        else:
            fill_rows_inside(strip, *found.strips[block], numbers, found.form.width)

    run_blocks(paint, len(found.strips), n_threads)
    return regions


def measured(found, n_threads=None):
    """Return the pixels of each region and the flat position of its first one; place 0 is for what lies outside.

    Of runs without gaps.
    """
    areas, firsts = np.zeros(len(found.numbers), np.int64), np.empty(len(found.numbers), np.int64)

    def measure(block):
        here = slice(found.first[block], found.first[block + 1])
        measure_runs(*found.strips[block], block * STRIP * found.form.width, areas[here], firsts[here])

    run_blocks(measure, len(found.strips), n_threads)
    area, first = np.zeros(found.n_regions + 1, np.int64), np.zeros(found.n_regions + 1, np.int64)
    add_up_regions(found.numbers, areas, firsts, area, first)
    return area, first


@jit
def measure_runs(starts, regions, offset, area, first):
    """Write pixels and first pixel of the regions of a strip, which begins at position `offset`."""
    for i in range(regions.shape[0]):
        region = np.uint32(regions[i])
        if area[region] == 0:
            first[region] = offset + starts[i]
        area[region] += starts[i + 1] - starts[i]


@jit
def add_up_regions(numbers, areas, firsts, area, first):
    """Add up the regions of strips, in their order, into those of the image."""
    for i in range(numbers.shape[0]):
        region = np.uint32(numbers[i])
        if area[region] == 0:
            first[region] = firsts[i]
        area[region] += areas[i]


@jit
def join_strip(starts, values, form):
    """Join the runs of a strip; return the parent of each at its place from 1 on, 0 for those outside."""
    n = values.shape[0]
    parent = np.empty(n + 1, np.int32)
    parent[0] = 0
    for i in range(n):
        parent[i + 1] = i + 1 if values[i] >= 0 else 0
    second = 0
    while second < n and starts[second * form.step] < form.width:
        second += 1
    pairs = np.empty((PAIRS, 2), np.int32)
    place, n_pairs = first_place(second * form.step, 2 * form.width), 1
    while n_pairs > 0:
        n_pairs, place = list_pairs((starts, values), (starts, values), form.width, place, form, pairs)
        for k in range(n_pairs):
            unite(parent, pairs[k, 0] + 1, pairs[k, 1] + 1)
    return parent


@jit
def join_seam(above, line, regions_above, regions, form, numbers, first):
    """Join the regions of the last row of a strip, from its runs, with those of the row below."""
    pairs = np.empty((PAIRS, 2), np.int32)
    place, n_pairs = first_place(0, form.width), 1
    while n_pairs > 0:
        n_pairs, place = list_pairs(above, line, -(STRIP - 1) * form.width, place, form, pairs)
        for k in range(n_pairs):
            unite(numbers, first[1] + regions[pairs[k, 0]], first[0] + regions_above[pairs[k, 1]])


@jit_inline
def first_place(start, row_end):
    """Return where the listing of pairs begins: the places in `starts` of both rows, and the end of the row."""
    return np.uint64(start), np.uint64(0), np.int64(row_end)


@jit_called
def list_pairs(above, line, down, place, form, pairs):
    """List runs of one label that touch, (one of a row, one of the row above), until `pairs` is full.

    `above` and `line` are (starts, values); what lies above a row is `down` positions before. Returns how many pairs
    there are, 0 only at the end, and the place to go on from. Of the two runs at a place the one that ends first is
    left, without a branch; unsigned places spare a look at their sign.
    """
    (starts_above, values_above), (starts, values) = above, line
    step, one, shift = np.uint64(form.step), np.uint64(1), np.uint64(form.step - 1)
    end_of_line, end_of_above = np.uint64(values.shape[0]) * step, np.uint64(values_above.shape[0]) * step
    last, last_above = end_of_line - one, end_of_above - one
    i, j, row_end = place
    n_pairs = 0
    while i < end_of_line and j < end_of_above and n_pairs + 3 <= pairs.shape[0]:
        begin, end = starts[i], starts[i + one]
        begin_above, end_above = starts_above[j] + down, starts_above[j + one] + down
        value, value_above = values[i >> shift], values_above[j >> shift]
        near = (begin < end_above + form.reach) & (begin_above < end + form.reach)
        pairs[n_pairs, 0], pairs[n_pairs, 1] = i >> shift, j >> shift
        n_pairs += np.int64(near & (value == value_above))
        if form.ties:
            tie = (end == end_above) & (end < row_end)
            pairs[n_pairs, 0], pairs[n_pairs, 1] = i, j + one
            n_pairs += np.int64(tie & (value == values_above[min(j + one, last_above)]))
            pairs[n_pairs, 0], pairs[n_pairs, 1] = i + one, j
            n_pairs += np.int64(tie & (value_above == values[min(i + one, last)]))
            row_end += form.width * np.int64((end == end_above) & (end == row_end))
        i += step * np.uint64(end <= end_above)
        j += step * np.uint64(end_above <= end)
    return n_pairs, (i, j, row_end)


@jit_inline
def unite(parent, a, b):
    """Join two trees, whose roots are the lowest in them. Both paths are climbed at once, and shortened."""
    while parent[a] != parent[b]:
        if parent[a] < parent[b]:
            a, b = b, a
        above = parent[a]
        parent[a] = parent[b]
        if above == a:
            break
        a = above


@jit
def number(parent):
    """Replace every parent by the number of its tree: 1, 2, ... in the order of the roots, 0 for that of place 0."""
    count = np.int32(0)
    for i in range(1, parent.shape[0]):
        above = parent[i]  # not above place i: it has its number by now
        count += np.int32(above == i)
        parent[i] = count if above == i else parent[np.uint32(above)]
    return count


@jit
def fill_rows(regions, starts, of_runs, numbers):
    """Write the numbers of runs that leave no gaps to the pixels of a strip."""
    for i in range(of_runs.shape[0]):
        _draw(regions, np.int64(starts[i]), np.int64(starts[i + 1]), numbers[np.uint32(of_runs[i])])


@jit
def fill_rows_inside(regions, starts, of_runs, numbers, width):
    """As `fill_rows`, of runs in rows of `width` positions, one more than there are pixels; 0 between them."""
    drawn, before, row_end = np.int64(0), np.int64(0), np.int64(width)  # `before`: rows, each with one such position
    for i in range(of_runs.shape[0]):
        while starts[2 * i] >= row_end:
            before += 1
            row_end += width
        begin, end = starts[2 * i] - before, starts[2 * i + 1] - before
        _draw(regions, drawn, begin, np.int32(0))
        _draw(regions, begin, end, numbers[np.uint32(of_runs[i])])
        drawn = end
    regions[drawn:] = 0


@jit_inline
def _draw(line, begin, end, number):
    """Write `number` from `begin` to `end`.

    The first `PEN` pixels are written whether they are so many or not: what follows is written over them.
    """
    if begin + PEN <= line.shape[0]:
        part = line[begin : begin + PEN]
        for k in range(PEN):
            part[k] = number
        begin += PEN
    if begin < end:
        part = line[begin:end]
        for k in range(part.shape[0]):
            part[k] = number
