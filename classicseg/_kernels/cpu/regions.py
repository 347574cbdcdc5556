"""Trees of runs, borders and sums of regions, and the merging of small ones."""

import heapq

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called
from classicseg._kernels.cpu._marks import list_marks, mark_changes, no_marks


@jit_called
def root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # halve the path on the way
        i = parent[i]
    return i


@jit
def join(parent, a, b):
    """Join two trees; the lower root wins, so that every root is the first run of its region."""
    a = root(parent, a)
    b = root(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@jit
def number(parent, rows):
    """Replace every run's parent by the number of its region: 1, 2, ... in raster order.

    A parent precedes its run and has its number by then, so one pass is enough.
    """
    count = 0
    for row in range(rows.shape[0]):
        for i in range(rows[row, 0], rows[row, 1]):
            if parent[i] == i:
                count += 1
                parent[i] = -count  # negative: not to be taken for a run
            else:
                parent[i] = parent[parent[i]]
    for row in range(rows.shape[0]):
        for i in range(rows[row, 0], rows[row, 1]):
            parent[i] = -parent[i]
    return count


@jit
def fill_strip(regions, runs, parent, rows, start, stop):
    for row in range(start, stop):
        line = regions[row]
        line[:] = 0
        for i in range(rows[row, 0], rows[row, 1]):
            line[runs[i, 0] : runs[i, 1]] = parent[i]


@jit
def border_edges(regions, wanted, diagonal, edges):
    """List the pair of regions (lower first) of every two neighbouring pixels that lie in different ones.

    Only pairs with a `wanted` region (R + 1,) are listed. Returns how many there are and writes the first
    ``len(edges)`` of them; each pixel looks left and up only.
    """
    count = 0
    n_rows, n_cols = regions.shape
    marks = no_marks(n_cols)
    places = np.empty(n_cols, np.int32)
    for row in range(n_rows):
        mark_borders(regions[max(row - 1, 0)], regions[row], diagonal, marks)
        for i in range(list_marks(marks, places)):
            col = places[i]
            region = regions[row, col]
            for step in range(4 if diagonal else 2):
                r = row if step == 0 else row - 1
                c = col + 1 if step == 3 else (col if step == 1 else col - 1)
                if region == 0 or r < 0 or c < 0 or c >= n_cols:
                    continue
                other = regions[r, c]
                if other == 0 or other == region or not (wanted[region] or wanted[other]):
                    continue
                if count < edges.shape[0]:
                    edges[count, 0] = min(region, other)
                    edges[count, 1] = max(region, other)
                count += 1
    return count


@jit_called
def mark_borders(above, line, diagonal, marks):
    """Mark the pixels of a row that differ from one to their left or above; vector code."""
    n_cols = line.shape[0]
    for col in range(n_cols):
        marks[col] = np.uint8(line[col] != above[col])
    for col in range(1, n_cols):
        marks[col] |= np.uint8(line[col] != line[col - 1])
    if diagonal:
        for col in range(1, n_cols):
            marks[col] |= np.uint8(line[col] != above[col - 1])
            marks[col - 1] |= np.uint8(line[col - 1] != above[col])


@jit
def sole_neighbours(regions, sole):
    """Write to `sole` (R + 1,) the one region that lies around each, by 8 neighbours; -1 for none or several.

    What touches the border of the image or the outside has the outside for a neighbour.
    """
    n_rows, n_cols = regions.shape
    sole[:] = -2  # nothing seen yet
    marks = no_marks(n_cols)
    places = np.empty(n_cols, np.int32)
    for row in range(n_rows):
        above, line = regions[max(row - 1, 0)], regions[row]
        sole[line[0]] = sole[line[n_cols - 1]] = -1
        if row == 0 or row == n_rows - 1:
            for col in range(n_cols):
                sole[line[col]] = -1
        mark_borders(above, line, True, marks)
        for i in range(list_marks(marks, places)):
            col = places[i]
            for c in range(max(col - 1, 0), min(col + 2, n_cols)):
                _see(sole, line[col], above[c])
            if col > 0:
                _see(sole, line[col], line[col - 1])
    for region in range(sole.shape[0]):
        if sole[region] <= 0:
            sole[region] = -1


@jit_called
def _see(sole, region, other):
    """Two regions lie side by side."""
    if region != other:
        sole[region] = other if sole[region] == -2 or sole[region] == other else -1
        sole[other] = region if sole[other] == -2 or sole[other] == region else -1


@jit
def merge_small(area, sums, edges, min_size, parent):
    """Merge every region below `min_size` into its closest neighbour, smallest first, of equals the lower index.

    Region r owns index r - 1 of `area` (R,) and `sums` (R, C); `edges` (E, 2) has the regions on either side of
    every step of border. Closest is the nearest mean, or with C = 0 the longest border; a tie goes to the lower
    index.
    Writes `parent` (R,): the index of the region that took each one in, itself where none did.
    """
    n = area.shape[0]
    first = np.full(n, -1, np.int64)  # each region's borders are a linked list of half edges 2e and 2e + 1
    last = np.full(n, -1, np.int64)
    following = np.full(2 * edges.shape[0], -1, np.int64)
    for half in range(2 * edges.shape[0]):
        _append(first, last, following, edges[half // 2, half % 2] - 1, half, half)
    touched = np.zeros(n, np.int64)
    for r in range(n):
        parent[r] = r
    smallest = [(area[r], r) for r in range(n) if area[r] < min_size]
    heapq.heapify(smallest)
    while len(smallest) > 0:
        size, r = heapq.heappop(smallest)
        if parent[r] != r or area[r] != size:
            continue  # was taken in, or grew and stands in the heap once more
        best = _closest(r, area, sums, edges, first, following, parent, touched)
        if best < 0:
            continue  # nothing next to it: it stays, whatever its size
        parent[r] = best
        area[best] += area[r]
        sums[best] += sums[r]
        _append(first, last, following, best, first[r], last[r])
        if area[best] < min_size:
            heapq.heappush(smallest, (area[best], best))
    for r in range(n):
        parent[r] = root(parent, r)


@jit_called
def _append(first, last, following, owner, head, end):
    """Append the linked list head..end to the list of `owner`."""
    if last[owner] < 0:
        first[owner] = head
    else:
        following[last[owner]] = head
    last[owner] = end


@jit_called
def _closest(r, area, sums, edges, first, following, parent, touched):
    half = first[r]
    while half >= 0:  # common border with each neighbour, halves of one edge lie in different lists
        touched[root(parent, edges[half // 2, 1 - half % 2] - 1)] += 1
        half = following[half]
    best = np.int64(-1)
    best_cost = np.inf
    half = first[r]
    while half >= 0:
        other = root(parent, edges[half // 2, 1 - half % 2] - 1)
        if other != r:
            cost = -np.float64(touched[other])
            if sums.shape[1] > 0:
                cost = 0.0
                for c in range(sums.shape[1]):
                    difference = sums[r, c] / area[r] - sums[other, c] / area[other]
                    cost += difference * difference
            if cost < best_cost or (cost == best_cost and other < best):
                best, best_cost = other, cost
        half = following[half]
    half = first[r]
    while half >= 0:
        touched[root(parent, edges[half // 2, 1 - half % 2] - 1)] = 0
        half = following[half]
    return best


@jit
def relabel(regions, new):
    """Replace every region number by ``new[number]``, in place."""
    for row in range(regions.shape[0]):
        for col in range(regions.shape[1]):
            regions[row, col] = new[regions[row, col]]


@jit
def relabel_by_parent(regions, parent):
    """Replace every region by the one that took it in, numbered 1, 2, ... by first pixel, in place."""
    number = np.zeros(parent.shape[0], np.int32)
    count = 0
    for row in range(regions.shape[0]):
        for col in range(regions.shape[1]):
            if regions[row, col] > 0:
                root = parent[regions[row, col] - 1]
                if number[root] == 0:
                    count += 1
                    number[root] = count
                regions[row, col] = number[root]


@jit
def sums_by_region(regions, image, area, sums):
    """Add area and channel sums of each region, region r into row r - 1."""
    n_cols, n_channels = regions.shape[1], image.shape[2]
    marks = no_marks(n_cols)
    changes = np.empty(n_cols, np.int32)
    for row in range(regions.shape[0]):
        mark_changes(regions[row], marks)
        n_changes = list_marks(marks, changes)
        begin = 0
        for i in range(n_changes + 1):
            end = changes[i] if i < n_changes else n_cols
            r = regions[row, begin] - 1
            if r >= 0:
                area[r] += end - begin
                if n_channels > 0:
                    for col in range(begin, end):
                        for c in range(n_channels):
                            sums[r, c] += np.float64(image[row, col, c])
            begin = end
