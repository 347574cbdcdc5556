"""Runs of a label image, the stretches of one label in a row: strip by strip, and in the order of regions.

What is known of a region follows from its runs, of which there are far fewer than pixels.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu._marks import WORD, list_starts

STRIP = 128  # rows per block of the parallel scans; strips are joined afterwards, so any value gives the same labels
SHARE = 1 << 16  # pixels, about, of the regions that are described at a time; any value gives the same numbers

PIECE = 1024  # runs, of a large region that several threads share; any value gives the same numbers


class RegionRuns(NamedTuple):
    """The runs of region r are ``first[r]`` to ``first[r + 1]``, in raster order; row r is the label r + 1."""

    first: np.ndarray  # (R + 1,)
    begins: np.ndarray  # flat position of the first pixel of each run
    ends: np.ndarray  # and the one after the last
    area: np.ndarray  # (R,) pixels


def n_strips(labels):
    return -(-labels.shape[0] // STRIP)


def strip_runs(labels, inside, n_threads=None):
    """Return (starts, values) of each strip of rows: where runs begin, and their labels, negative outside.

    Starts are flat positions in the strip, its end last. `labels` are contiguous and of any integer dtype, with
    values that int32 holds; `inside` is boolean, None for all.
    """
    found = [None] * n_strips(labels)

    def scan(block):
        here = slice(block * STRIP, (block + 1) * STRIP)
        found[block] = _runs(labels[here], None if inside is None else inside[here])

    run_blocks(scan, len(found), n_threads)
    return found


def _runs(labels, inside):
    """As `strip_runs`, of one strip; NumPy's vector code finds the changes of label in whatever dtype there is."""
    flat = labels.reshape(-1)
    marks = np.zeros(-(-flat.size // WORD) * WORD, np.uint8)
    begins = marks[: flat.size].view(bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    if inside is not None:
        within = inside.reshape(-1)
        begins[1:] |= np.not_equal(within[1:], within[:-1])
    begins[:: labels.shape[1]] = True  # a run never goes on in the next row
    starts = np.empty(np.count_nonzero(begins) + WORD, np.int32)
    count = list_starts(marks, flat.size, starts)
    values = np.empty(count, np.int32)
    read_values(flat.view(np.uint8) if flat.dtype == bool else flat, starts, values)
    if inside is not None:
        leave_out(within.view(np.uint8), starts, values)
    return starts[: count + 1], values


@jit
def read_values(labels, starts, values):
    for i in range(values.shape[0]):
        values[i] = labels[np.uint32(starts[i])]


@jit
def leave_out(inside, starts, values):
    """Replace the label of runs outside by -1."""
    for i in range(values.shape[0]):
        if not inside[np.uint32(starts[i])]:
            values[i] = -1


def runs_inside(inside, n_threads=None):
    """Return (starts, values) of each strip of a boolean image: where runs of True begin and end in turn; and zeros.

    Positions are those in rows with one pixel more at the end, which is outside, so that no run goes on in the next.
    """
    found = [None] * n_strips(inside)

    def scan(block):
        found[block] = _runs_inside(inside[block * STRIP : (block + 1) * STRIP])

    run_blocks(scan, len(found), n_threads)
    return found


def _runs_inside(inside):
    n_rows, n_cols = inside.shape
    size = n_rows * (n_cols + 1)
    marks = np.zeros(-(-size // WORD) * WORD, np.uint8)
    changes = marks[:size].view(bool).reshape(n_rows, n_cols + 1)
    np.not_equal(inside[:, 1:], inside[:, :-1], out=changes[:, 1:n_cols])
    changes[:, 0], changes[:, n_cols] = inside[:, 0], inside[:, n_cols - 1]
    starts = np.empty(np.count_nonzero(changes) + WORD, np.int32)
    count = list_starts(marks, size, starts)
    return starts[: count + 1], np.zeros(count // 2, np.int32)


def region_runs(labels, n_regions, n_threads=None):
    """Return the runs of the regions 1..n of a contiguous int32 image; 0 is outside."""
    strips = strip_runs(labels, None, n_threads)
    first = np.zeros(n_regions + 1, np.int64)
    for _, values in strips:
        count_runs(values, first)
    np.cumsum(first, out=first)
    wide = np.int32 if labels.size < 2**31 else np.int64
    begins, ends = np.empty(first[-1], wide), np.empty(first[-1], wide)
    area, place = np.zeros(n_regions, np.int64), first[:-1].copy()
    for block, (starts, values) in enumerate(strips):
        place_runs(starts, values, block * STRIP * labels.shape[1], place, begins, ends, area)
    return RegionRuns(first, begins, ends, area)


@jit
def count_runs(values, counts):
    """Add one to ``counts[label]`` for every run of a label from 1 on."""
    for i in range(values.shape[0]):
        if values[i] > 0:
            counts[values[i]] += 1


@jit
def place_runs(starts, values, offset, place, begins, ends, area):
    """Write the runs of a strip, which begins at pixel `offset`, to the places of their regions."""
    for i in range(values.shape[0]):
        r = values[i] - 1
        if r >= 0:
            begins[place[r]] = offset + starts[i]
            ends[place[r]] = offset + starts[i + 1]
            area[r] += starts[i + 1] - starts[i]
            place[r] += 1


def in_pieces(runs):
    """Return the runs in pieces of at most `PIECE` runs of one region, as regions of their own, and whose they are."""
    counts = -(-np.diff(runs.first) // PIECE)
    if counts.max(initial=0) <= 1:
        return runs, np.arange(len(counts))
    owners = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.append(runs.first[owners] + within * PIECE, runs.first[-1])
    total = np.append(0, np.cumsum(runs.ends - runs.begins, dtype=np.int64))
    return RegionRuns(first, runs.begins, runs.ends, np.diff(total[first])), owners


def for_regions(function, area, n_threads=None):
    """Call ``function(begin, end)`` for blocks of regions of about `SHARE` pixels, on several threads."""
    if len(area) == 0:
        return
    total = np.cumsum(area)
    bounds = np.unique(np.searchsorted(total, np.arange(SHARE, int(total[-1]), SHARE)))
    bounds = [0, *(int(bound) + 1 for bound in bounds if bound + 1 < len(area)), len(area)]
    run_blocks(lambda block: function(bounds[block], bounds[block + 1]), len(bounds) - 1, n_threads)
