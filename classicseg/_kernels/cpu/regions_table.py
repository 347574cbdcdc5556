"""What regions are like: place, shape and values. A region at a time, from its runs, while its pixels are in cache.

No number depends on how regions are dealt out to threads: every region is added up by one of them, in raster order.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called, jit_vectorised, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, for_regions, in_pieces, n_strips, region_runs

TOP = 255  # the highest of the buckets that values are dealt into; more of them leave the fastest cache
TINY = 1e-290
MEAN, STD, LOW, HIGH, MEDIAN = range(5)


def shapes(labels, n_regions, n_threads=None):
    """Return (runs, boxes, centroids, medoids) of the regions of a contiguous int32 image; rows as in `RegionRuns`."""
    runs = region_runs(labels, n_regions, n_threads)
    boxes, medoids = np.zeros((n_regions, 4), np.int64), np.zeros((n_regions, 2), np.int64)
    centroids = np.zeros((n_regions, 2))

    def describe(begin, end):
        place_regions(runs[:3], labels.shape[1], begin, end, (boxes, centroids, medoids))

    for_regions(describe, runs.area, n_threads)
    return runs, boxes, centroids, medoids


def perimeters(labels, runs, n_threads=None):
    """Return the perimeter of each region (n,), as a chain through the centers of its border pixels."""
    border = np.empty(labels.shape, np.uint8)
    pieces, owners = in_pieces(runs)
    counts, steps = np.zeros((len(owners), 3), np.int64), np.zeros((len(runs.area), 3), np.int64)

    def mark(block):
        mark_border(labels, block * STRIP, min((block + 1) * STRIP, labels.shape[0]), border)

    run_blocks(mark, n_strips(labels), n_threads)
    for_regions(lambda begin, end: count_steps(labels, border, pieces[:3], begin, end, counts), pieces.area, n_threads)
    np.add.at(steps, owners, counts)
    return steps @ np.array([1, np.sqrt(2), (1 + np.sqrt(2)) / 2])


def values(image, runs, with_median, n_threads=None):
    """Return mean, std, min, max and median (n, C, 5) of each region in `image` (pixels, C).

    Where one region has most of the pixels, threads share the channels instead of the regions.
    """
    n, n_channels = len(runs.area), image.shape[1]
    found = np.full((n, n_channels, 5), np.nan)
    if 2 * runs.area.max(initial=0) > runs.area.sum():
        run_blocks(lambda c: sum_up(image, runs[:3], 0, n, c, c + 1, with_median, found), n_channels, n_threads)
    else:

        def describe(begin, end):
            sum_up(image, runs[:3], begin, end, 0, n_channels, with_median, found)

        for_regions(describe, runs.area, n_threads)
    return found


@jit
def place_regions(runs, n_cols, first_region, last_region, out):
    """Write box (row_min, col_min, row_max, col_max), centroid and medoid of regions, each (row, col)."""
    first, begins, ends = runs
    boxes, centroids, medoids = out
    for r in range(first_region, last_region):
        if first[r] == first[r + 1]:
            continue
        area = rows = cols = np.int64(0)
        left, right = n_cols, np.int64(0)
        for i in range(first[r], first[r + 1]):
            row = np.int64(begins[i]) // n_cols
            begin, end = begins[i] - row * n_cols, ends[i] - row * n_cols
            area += end - begin
            rows += row * (end - begin)
            cols += (begin + end - 1) * (end - begin) // 2  # the sum of begin, ..., end - 1
            left, right = min(left, begin), max(right, end)
        boxes[r, 0], boxes[r, 2] = begins[first[r]] // n_cols, begins[first[r + 1] - 1] // n_cols + 1
        boxes[r, 1], boxes[r, 3] = left, right
        centroids[r, 0], centroids[r, 1] = rows / area, cols / area
        _nearest_pixel(runs, n_cols, r, centroids[r], medoids[r])


@jit_called
def _nearest_pixel(runs, n_cols, r, center, out):
    """Write the pixel of region r that is nearest to its center; of equals the first in raster order."""
    first, begins, ends = runs
    best = np.inf
    for i in range(first[r], first[r + 1]):
        row = np.int64(begins[i]) // n_cols
        begin, end = begins[i] - row * n_cols, ends[i] - row * n_cols
        down = (row - center[0]) * (row - center[0])
        near = np.int64(np.floor(center[1]))  # the two columns around the center, or the run's end
        for step in range(2):
            col = min(max(near + step, begin), end - 1)
            distance = down + (col - center[1]) * (col - center[1])
            if distance < best:
                best = distance
                out[0], out[1] = row, col


@jit
def mark_border(labels, begin, end, border):
    """Mark the pixels of some rows that lie at the image's edge or differ from one of 4 neighbours; vector code."""
    n_rows, n_cols = labels.shape
    for row in range(begin, end):
        line, out = labels[row], border[row]
        if row == 0 or row == n_rows - 1:
            out[:] = 1
            continue
        above, below = labels[row - 1], labels[row + 1]
        out[0] = out[n_cols - 1] = 1
        for col in range(1, n_cols - 1):
            across = (line[col] != line[col - 1]) | (line[col] != line[col + 1])
            out[col] = np.uint8(across | (line[col] != above[col]) | (line[col] != below[col]))


@jit
def count_steps(labels, border, runs, first_region, last_region, steps):
    """Count the border pixels of regions by the steps of the chain through them: 1, √2 or half of each long.

    Which it is, the border pixels of the same region around it say: `sides` of them by a side, the others by a
    corner; where they form no thin line, no step is counted.
    """
    first, begins, ends = runs
    n_cols = labels.shape[1]
    for r in range(first_region, last_region):
        for i in range(first[r], first[r + 1]):
            row = np.int64(begins[i]) // n_cols
            for col in range(begins[i] - row * n_cols, ends[i] - row * n_cols):
                if not border[row, col]:
                    continue
                sides, corners = _border_around(labels, border, row, col)
                if (sides == 2 or sides == 3) and corners <= 2:
                    steps[r, 0] += 1
                elif (sides == 0 and corners == 2) or (sides == 1 and corners == 3):
                    steps[r, 1] += 1
                elif sides == 1 and (corners == 1 or corners == 2):
                    steps[r, 2] += 1


@jit_called
def _border_around(labels, border, row, col):
    """Count the border pixels of the same label among 4 neighbours by a side, and 4 by a corner."""
    sides = corners = 0
    if 0 < row < labels.shape[0] - 1 and 0 < col < labels.shape[1] - 1:  # as below, without a branch per neighbour
        label = labels[row, col]
        for r in range(row - 1, row + 2, 2):
            sides += border[r, col] & (labels[r, col] == label)
            corners += border[r, col - 1] & (labels[r, col - 1] == label)
            corners += border[r, col + 1] & (labels[r, col + 1] == label)
        sides += border[row, col - 1] & (labels[row, col - 1] == label)
        sides += border[row, col + 1] & (labels[row, col + 1] == label)
        return sides, corners
    for r in range(max(row - 1, 0), min(row + 2, labels.shape[0])):
        for c in range(max(col - 1, 0), min(col + 2, labels.shape[1])):
            same = np.int64(border[r, c] & (labels[r, c] == labels[row, col]))
            if r != row and c != col:
                corners += same
            elif r != row or c != col:
                sides += same
    return sides, corners


@jit
def sum_up(image, runs, first_region, last_region, first_channel, last_channel, with_median, out):
    """Write mean, std, min, max and, if wanted, median of the values of regions, channel by channel."""
    first, begins, ends = runs
    most = 0
    for r in range(first_region, last_region):
        area = 0
        for i in range(first[r], first[r + 1]):
            area += ends[i] - begins[i]
        most = max(most, area)
    held, room = np.empty(most), np.empty(most)
    for r in range(first_region, last_region):
        if first[r] == first[r + 1]:
            continue
        for c in range(first_channel, last_channel):
            n = 0
            for i in range(first[r], first[r + 1]):
                for pixel in range(begins[i], ends[i]):
                    held[n] = image[pixel, c]
                    n += 1
            _describe(held[:n], room, with_median, out[r, c])


@jit_vectorised
def _describe(held, room, with_median, out):
    total, low, high = 0.0, held[0], held[0]
    for i in range(held.shape[0]):
        total += held[i]
        low, high = min(low, held[i]), max(high, held[i])
    mean = total / held.shape[0]
    squares = 0.0
    for i in range(held.shape[0]):
        squares += (held[i] - mean) * (held[i] - mean)
    out[MEAN], out[STD], out[LOW], out[HIGH] = mean, np.sqrt(squares / held.shape[0]), low, high
    if with_median:
        out[MEDIAN] = _median(held, room, low, high)


@jit_called
def _median(held, room, low, high):
    """Return the middle value, or the mean of the two middle ones; `room` is for as many values."""
    n = held.shape[0]
    lower = _value_of_rank(held, room, (n - 1) // 2, low, high)
    if n % 2 == 1 or lower == high:
        return lower
    not_above, upper = 0, high
    for i in range(n):
        if held[i] <= lower:
            not_above += 1
        else:
            upper = min(upper, held[i])
    return lower if not_above > n // 2 else (lower + upper) / 2


@jit_called
def _value_of_rank(held, room, rank, low, high):
    """Return the value that `rank` values precede, among values from `low` to `high`.

    They are dealt into buckets in their order, and those of the right bucket again, until it holds one value.
    Every turn parts the lowest from the highest, and the bounds fit any values: temperatures as well as counts.
    `lift` keeps the scale finite where values differ by almost nothing.
    """
    counts = np.empty(TOP + 1, np.int64)
    source, n = held, held.shape[0]
    while low < high:
        lift = 2.0**600 if high - low < TINY else 1.0
        bottom, scale = low, TOP / ((high - low) * lift)
        counts[:] = 0
        for i in range(n):
            counts[int((source[i] - bottom) * lift * scale)] += 1
        bucket = 0
        while counts[bucket] <= rank:
            rank -= counts[bucket]
            bucket += 1
        kept, low, high = 0, np.inf, -np.inf
        for i in range(n):
            value = source[i]
            if int((value - bottom) * lift * scale) == bucket:
                room[kept] = value
                kept += 1
                low, high = min(low, value), max(high, value)
        source, n = room, kept
    return low
