"""Connected regions by union-find over runs."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, strip_runs

PEN = 16  # pixels


def connected(labels, inside, connectivity, n_threads=None):
    """Number the connected regions of equal label from 1 in raster order of their first pixel; 0 outside.

    Union-find over runs. Strips are joined in themselves on several threads, then with each other; a root is the
    first run of its region, so the roots in their order have the numbers 1, 2, ... `labels` and `inside` are as
    `strip_runs` takes them. Run i is place i + 1 of `parent`; place 0 is the parent of the runs outside.
    """
    strips = strip_runs(labels, inside, n_threads)
    bounds = np.cumsum([1, *(len(values) for _, values in strips)])
    parent = np.zeros(bounds[-1], np.int32)
    regions = np.empty(labels.shape, np.int32)
    numbers = np.zeros(len(strips) + 1, np.int64)  # of the last region that begins before each strip
    corners = connectivity == 2
    n_cols = labels.shape[1]

    def join(block):
        join_strip(*strips[block], n_cols, parent, bounds[block], corners)

    def count(block):
        numbers[block + 1] = count_roots(parent, bounds[block], bounds[block + 1])

    def number(block):
        number_roots(parent, bounds[block], bounds[block + 1], numbers[block])

    def paint(block):
        starts, values = strips[block]
        look_up_numbers(values, parent, bounds[block])
        fill_strip(regions[block * STRIP : (block + 1) * STRIP].reshape(-1), starts, values)

    run_blocks(join, len(strips), n_threads)
    for block in range(1, len(strips)):
        join_strips(*strips[block - 1], *strips[block], n_cols, parent, bounds[block - 1], bounds[block], corners)
    run_blocks(count, len(strips), n_threads)
    np.cumsum(numbers, out=numbers)
    run_blocks(number, len(strips), n_threads)
    run_blocks(paint, len(strips), n_threads)
    return regions, int(numbers[-1])


@jit
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # halve the path on the way
        i = parent[i]
    return i


@jit
def _join(parent, a, b):
    """Join the trees of two roots; the lower one wins, so that every root is the first run of its region."""
    low, high = min(a, b), max(a, b)
    parent[high] = low
    return low


@jit
def join_strip(starts, values, n_cols, parent, offset, corners):
    """Join the runs of a strip, which are those from `offset` on, and make every parent a root of the strip."""
    begin_above = begin = end = 0
    for row in range(starts[values.shape[0]] // n_cols):
        begin_above, begin = begin, end
        while end < values.shape[0] and starts[end] < (row + 1) * n_cols:
            parent[offset + end] = offset + end if values[end] >= 0 else 0
            end += 1
        above, line = (starts, values, begin_above, begin, offset), (starts, values, begin, end, offset)
        _join_rows(above, line, n_cols, parent, corners)
    for i in range(offset, offset + end):
        parent[i] = parent[parent[i]]  # a parent precedes its run and has a root by then


@jit
def join_strips(starts_above, values_above, starts, values, n_cols, parent, offset_above, offset, corners):
    """Join the last row of a strip with the first one of the next."""
    last = values_above.shape[0]
    height = starts_above[last]
    begin = last
    while begin > 0 and starts_above[begin - 1] >= height - n_cols:
        begin -= 1
    end = 0
    while end < values.shape[0] and starts[end] < n_cols:
        end += 1
    above, line = (starts_above, values_above, begin, last, offset_above), (starts, values, 0, end, offset)
    _join_rows(above, line, n_cols - height, parent, corners)


@jit
def _join_rows(above, line, step, parent, corners):
    """Join the runs of a row with those above them, which lie `step` positions before.

    A row is (starts, values, its first run, the run after its last, the number of the strip's first run).
    """
    starts_above, values_above, near, end_above, offset_above = above
    starts, values, first, last, offset = line
    reach = np.int64(corners)  # columns that two runs may be apart
    for i in range(first, last):
        value = values[i]
        if value < 0:
            continue
        begin, end = starts[i] - step - reach, starts[i + 1] - step + reach
        while near < end_above and starts_above[near + 1] <= begin:
            near += 1
        root = _root(parent, offset + i)
        other = near
        while other < end_above and starts_above[other] < end:
            if values_above[other] == value:
                root = _join(parent, root, _root(parent, offset_above + other))
            other += 1


@jit
def count_roots(parent, begin, end):
    count = 0
    for i in range(begin, end):
        count += parent[i] == i
    return count


@jit
def number_roots(parent, begin, end, number):
    """Replace the parent of every root by minus its number, the ones after `number`."""
    for i in range(begin, end):
        if parent[i] == i:
            number += 1
            parent[i] = -number


@jit
def look_up_numbers(values, parent, offset):
    """Replace the label of every run of a strip by the number of its root; 0 outside."""
    for i in range(values.shape[0]):
        root = parent[offset + i]
        root = parent[root] if root > 0 else root  # most runs are one step from their root, and a loop is a branch
        while root > 0:
            root = parent[root]
        values[i] = -root


@jit
def fill_strip(regions, starts, numbers):
    """Write the number of every run to its pixels.

    The first `PEN` pixels of a run are written whether it is so long or not: the next runs are written over them.
    """
    for i in range(numbers.shape[0]):
        begin, end = np.int64(starts[i]), np.int64(starts[i + 1])
        if begin + PEN <= regions.shape[0]:
            line = regions[begin : begin + PEN]
            for k in range(PEN):
                line[k] = numbers[i]
            begin += PEN
        if begin < end:
            line = regions[begin:end]
            for k in range(end - begin):
                line[k] = numbers[i]
