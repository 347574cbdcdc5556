"""One-to-one matching of pixels that lie near each other: as many pairs as possible, and of those the nearest.

Successive shortest augmenting paths: J. Edmonds and R. M. Karp, J. ACM 19(2), 1972, doi:10.1145/321694.321699, with
the dual variables of R. Jonker and A. Volgenant, Computing 38, 1987, doi:10.1007/BF02278710. Each row may also be
left out, at a price above that of any rearrangement. Once a crowded place has been searched, the duals of its rows
stand near that price, and the next search there ends after a few steps: this is why nothing is split into parts.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called

FAR = np.int64(1 << 62)
NONE = np.int32(-1)


def match(mask_rows, mask_cols, reach, costs):
    """Match the set pixels of two masks (M, N); return the flat pixels (n,), (n,) of the pairs.

    Pixels d rows apart may pair when they are at most ``reach[d + r]`` columns apart, r being the largest d, at
    ``costs[d + r, r + columns]``. The fewer pixels of the two should be the rows.
    """
    radius = (len(reach) - 1) // 2
    n_cols = np.count_nonzero(mask_cols)
    rows, cols = np.flatnonzero(mask_rows).astype(np.int32), np.empty(n_cols, np.int32)
    before = np.empty((mask_rows.shape[0] + 2 * radius, mask_rows.shape[1] + 2 * radius + 1), np.int32)
    list_pixels(mask_cols, radius, before, cols)
    starts, columns, prices = candidates(rows, cols, before, reach, costs, mask_rows.shape[1])
    left_out = np.int64(costs.max()) * (len(rows) + 1) + 1  # no path of exchanges costs as much
    col_of = assign(starts, columns, prices, n_cols, left_out)
    return rows[col_of >= 0], cols[col_of[col_of >= 0]]


@jit
def list_pixels(mask, radius, before, pixels):
    """List the set pixels in raster order, and write how many come before each place of the padded `before`."""
    n_rows, n_cols = mask.shape
    count = np.int32(0)
    before[:radius] = 0
    for row in range(n_rows):
        line = before[row + radius]
        line[: radius + 1] = count
        for col in range(n_cols):
            if mask[row, col]:
                pixels[count] = row * n_cols + col
                count += np.int32(1)
            line[radius + 1 + col] = count
        line[radius + 1 + n_cols :] = count
    before[n_rows + radius :] = count


@jit
def candidates(rows, cols, before, reach, costs, width):
    """Return where the candidates of each row start (n + 1,), which columns they are and what they cost."""
    radius = (reach.shape[0] - 1) // 2
    starts = np.zeros(rows.shape[0] + 1, np.int64)
    for i in range(rows.shape[0]):
        row, col = rows[i] // width, rows[i] % width + radius
        starts[i + 1] = starts[i]
        for k in range(reach.shape[0]):
            line = before[row + k]
            starts[i + 1] += line[col + reach[k] + 1] - line[col - reach[k]]
    columns = np.empty(starts[-1], np.uint32)  # an index that cannot be negative is used as it is
    prices = np.empty(starts[-1], np.int32)
    e = 0
    for i in range(rows.shape[0]):
        row, col = rows[i] // width, rows[i] % width + radius
        for k in range(reach.shape[0]):
            line, price = before[row + k], costs[k]
            first = np.int64(rows[i]) + (k - radius) * width - radius  # the pixel that `price` begins with
            for j in range(line[col - reach[k]], line[col + reach[k] + 1]):
                columns[e] = j
                prices[e] = price[cols[j] - first]
                e += 1
    return starts, columns, prices


@jit
def assign(starts, columns, prices, n_cols, left_out):
    """Return the column of each row, -1 where it is left out: as many as possible, at the least price."""
    n_rows = starts.shape[0] - 1
    u, v = np.zeros(n_rows, np.int64), np.zeros(n_cols, np.int64)
    col_of, row_of = np.full(n_rows, NONE), np.full(n_cols, NONE)
    distance, come_from = np.full(n_cols, FAR), np.empty(n_cols, np.int32)
    seen, settled = np.empty(n_cols, np.int32), np.empty(n_cols, np.int32)
    heap = np.empty(columns.shape[0], np.int64)
    ready = np.empty(n_cols, np.int32)
    graph, duals = (starts, columns, prices), (u, v)
    _take_cheapest(graph, u, col_of, row_of)
    for row in range(n_rows):
        if col_of[row] < 0 and starts[row] < starts[row + 1]:
            tree = (distance, come_from, seen, settled)
            length, last, end, n_seen, n_settled = _search(graph, duals, row, row_of, left_out, tree, heap, ready)
            _raise(u, v, row, row_of, distance, settled[:n_settled], length)
            _exchange(row, last, end, col_of, row_of, come_from)
            distance[seen[:n_seen]] = FAR
    return col_of


@jit_called
def _take_cheapest(graph, u, col_of, row_of):
    """Set each row's dual to its lowest price and give it the first column of that price that is free.

    A pixel that is set in both masks so gets its twin, though a later exchange may part them.
    """
    starts, columns, prices = graph
    for i in range(col_of.shape[0]):
        lowest = FAR
        for e in range(starts[i], starts[i + 1]):
            lowest = min(lowest, np.int64(prices[e]))
        u[i] = lowest
        for e in range(starts[i], starts[i + 1]):
            if prices[e] == lowest and row_of[columns[e]] < 0:
                col_of[i], row_of[columns[e]] = columns[e], i
                break


@jit_called
def _search(graph, duals, row, row_of, left_out, tree, heap, ready):
    """Find the cheapest way to place `row`: a path of exchanges to a free column, or to a row that is left out.

    Dijkstra over columns. Of ways of equal length the first found stays; `ready` are columns at no more distance
    than where the search stands, which need no heap. Returns the length, the last row, the column it gets (-1 for
    none), and how many columns were seen and settled.
    """
    starts, columns, prices = graph
    u, v = duals
    distance, come_from, seen, settled = tree
    bits = _bits(row_of.shape[0])
    i, here = row, np.int64(0)
    best, last, end = left_out - u[row], row, NONE
    n_seen, n_settled, n_heap, n_ready = 0, 0, 0, 0
    while True:
        if here + left_out - u[i] < best:
            best, last, end = here + left_out - u[i], i, NONE
        own, its = columns[starts[i] : starts[i + 1]], prices[starts[i] : starts[i + 1]]
        base = here - u[i]
        for e in range(own.shape[0]):
            j = own[e]
            there = base + its[e] - v[j]
            if there < best and there < distance[j]:
                if distance[j] == FAR:
                    seen[n_seen] = j
                    n_seen += 1
                distance[j], come_from[j] = there, i
                if row_of[j] < 0:
                    best, last, end = there, i, j
                elif there == here:
                    ready[n_ready] = j
                    n_ready += 1
                else:
                    _push(heap, n_heap, there << bits | j)
                    n_heap += 1
        j = NONE
        if best > here and n_ready > 0:
            n_ready -= 1
            j = ready[n_ready]
        while best > here and j < 0 and n_heap > 0 and heap[0] >> bits < best:
            key = _pop(heap, n_heap)
            n_heap -= 1
            if distance[key & ((1 << bits) - 1)] == key >> bits:  # else it was reached in a shorter way since
                j = np.int32(key & ((1 << bits) - 1))
        if j < 0:
            return best, last, end, n_seen, n_settled
        settled[n_settled] = j
        n_settled += 1
        i, here = row_of[j], distance[j]


@jit
def _bits(n):
    """Return how many bits hold the numbers below `n`."""
    bits = np.int64(1)
    while (np.int64(1) << bits) < n:
        bits += 1
    return bits


@jit_called
def _raise(u, v, row, row_of, distance, settled, length):
    """Change the duals so that every step of the path costs nothing and no other step less than nothing."""
    u[row] += length
    for j in settled:
        u[row_of[j]] += length - distance[j]
        v[j] -= length - distance[j]


@jit_called
def _exchange(row, last, end, col_of, row_of, come_from):
    """Give the last row of the path the column `end`, the one before it the last's, and so on back to `row`."""
    i, j = last, end
    while True:
        given_up = col_of[i]
        col_of[i] = j
        if j >= 0:
            row_of[j] = i
        if i == row:
            return
        j = given_up
        i = come_from[j]


@jit
def _push(heap, size, key):
    i = size
    while i > 0 and heap[(i - 1) >> 1] > key:
        heap[i] = heap[(i - 1) >> 1]
        i = (i - 1) >> 1
    heap[i] = key


@jit
def _pop(heap, size):
    """Move the place of the least down to the end, without asking whether to stop, and what was last up from there."""
    top, last = heap[0], heap[size - 1]
    i, child = 0, 1
    while child + 1 < size:
        child += np.int64(heap[child + 1] < heap[child])  # a sum, not a branch that is wrong half of the time
        heap[i] = heap[child]
        i, child = child, 2 * child + 1
    _push(heap, i, last)
    return top
