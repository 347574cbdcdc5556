"""Connected regions by union-find, and the merging of small ones."""

import heapq

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks

STRIP = 128  # rows per block of the parallel scan; strips are joined afterwards, so any value gives the same labels


def connected(labels, inside, connectivity, n_threads=None):
    """Number the connected regions of equal label from 1 in raster order of their first pixel; 0 outside."""
    n_rows = labels.shape[0]
    parent = np.empty(labels.shape, np.int32)
    flat = parent.reshape(-1)
    diagonal = connectivity == 2

    def scan(block):
        join_rows(labels, inside, flat, block * STRIP, min((block + 1) * STRIP, n_rows), diagonal)

    n_blocks = -(-n_rows // STRIP)
    run_blocks(scan, n_blocks, n_threads)
    for block in range(1, n_blocks):
        join_row_above(labels, inside, flat, block * STRIP, diagonal)
    regions = np.empty(labels.shape, np.int32)
    count = number(flat, inside.reshape(-1), regions.reshape(-1))
    return regions, count


@jit
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # halve the path on the way
        i = parent[i]
    return i


@jit
def _join(parent, a, b):
    """Join two trees; the lower root wins, so that every root is the first pixel of its region."""
    a = _root(parent, a)
    b = _root(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@jit
def join_rows(labels, inside, parent, start, stop, diagonal):
    n_cols = labels.shape[1]
    for row in range(start, stop):
        for col in range(n_cols):
            i = row * n_cols + col
            parent[i] = i
            if inside[row, col] and col > 0 and inside[row, col - 1] and labels[row, col - 1] == labels[row, col]:
                parent[i] = _root(parent, i - 1)
        if row > start:
            join_row_above(labels, inside, parent, row, diagonal)


@jit
def join_row_above(labels, inside, parent, row, diagonal):
    n_cols = labels.shape[1]
    for col in range(n_cols):
        if not inside[row, col]:
            continue
        label = labels[row, col]
        i = row * n_cols + col
        for shift in range(-1, 2):
            other = col + shift
            if other < 0 or other >= n_cols or (shift != 0 and not diagonal):
                continue
            if inside[row - 1, other] and labels[row - 1, other] == label:
                _join(parent, i, i - n_cols + shift)


@jit
def number(parent, inside, regions):
    """Replace roots by 1, 2, ... in raster order. A root precedes its region, so one pass is enough."""
    count = 0
    for i in range(parent.shape[0]):
        if not inside[i]:
            regions[i] = 0
        elif parent[i] == i:
            count += 1
            regions[i] = count
        else:
            regions[i] = regions[_root(parent, i)]
    return count


@jit
def border_edges(regions, diagonal, edges):
    """List the pair of regions (lower first) of every two neighbouring pixels that lie in different ones.

    Returns how many there are and writes the first ``len(edges)`` of them; each pixel looks left and up only.
    """
    count = 0
    n_rows, n_cols = regions.shape
    for row in range(n_rows):
        for col in range(n_cols):
            region = regions[row, col]
            for step in range(4 if diagonal else 2):
                r = row if step == 0 else row - 1
                c = col + 1 if step == 3 else (col if step == 1 else col - 1)
                if region == 0 or r < 0 or c < 0 or c >= n_cols:
                    continue
                other = regions[r, c]
                if other == 0 or other == region:
                    continue
                if count < edges.shape[0]:
                    edges[count, 0] = min(region, other)
                    edges[count, 1] = max(region, other)
                count += 1
    return count


@jit
def sole_neighbours(regions, sole):
    """Write to `sole` (R + 1,) the one region that lies around each, by 8 neighbours; -1 for none or several.

    What touches the border of the image or the outside has the outside for a neighbour.
    """
    n_rows, n_cols = regions.shape
    sole[:] = -2  # nothing seen yet
    for row in range(n_rows):
        for col in range(n_cols):
            region = regions[row, col]
            if row == 0 or col == 0 or row == n_rows - 1 or col == n_cols - 1:
                sole[region] = -1
            for step in range(4):  # left, up, up-left, up-right: each pair of pixels once
                r = row if step == 0 else row - 1
                c = col + 1 if step == 3 else (col if step == 1 else col - 1)
                if r >= 0 and c >= 0 and c < n_cols and regions[r, c] != region:
                    _see(sole, region, regions[r, c])
                    _see(sole, regions[r, c], region)
    for region in range(sole.shape[0]):
        if sole[region] <= 0:
            sole[region] = -1


@jit
def _see(sole, region, other):
    if sole[region] == -2:
        sole[region] = other
    elif sole[region] != other:
        sole[region] = -1


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
        parent[r] = _root(parent, r)


@jit
def _append(first, last, following, owner, head, end):
    """Append the linked list head..end to the list of `owner`."""
    if last[owner] < 0:
        first[owner] = head
    else:
        following[last[owner]] = head
    last[owner] = end


@jit
def _closest(r, area, sums, edges, first, following, parent, touched):
    half = first[r]
    while half >= 0:  # common border with each neighbour, halves of one edge lie in different lists
        touched[_root(parent, edges[half // 2, 1 - half % 2] - 1)] += 1
        half = following[half]
    best = np.int64(-1)
    best_cost = np.inf
    half = first[r]
    while half >= 0:
        other = _root(parent, edges[half // 2, 1 - half % 2] - 1)
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
        touched[_root(parent, edges[half // 2, 1 - half % 2] - 1)] = 0
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
    for row in range(regions.shape[0]):
        for col in range(regions.shape[1]):
            r = regions[row, col] - 1
            if r >= 0:
                area[r] += 1
                for c in range(image.shape[2]):
                    sums[r, c] += np.float64(image[row, col, c])
