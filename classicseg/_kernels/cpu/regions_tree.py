"""Merging of regions, the closest pair of neighbours first, until no neighbours are left.

Every region knows the nearest of its neighbours, by the edge between them; a tree of least weights finds the nearest
pair of all. What merging changes is looked at again, and nothing else.

Tables, of which one row is read at a time:

- `regions` (R, 1 + 2 C) float64: area, sums and means; one that was merged has the row of the lowest in it.
- `lists` (R, 3) int32: first and last half edge of each region, and the edge to its nearest neighbour.
- `links` (E + 1, 4) int32: the two regions of each edge, the first -1 where it is no more; and the half edge that
  follows each of its halves in the list of its region, -1 for none. Half edge 2e is the side of ``links[e, 0]``,
  2e + 1 the other; the last edge stands for none.
- `edges` (E + 1, 2 + V) float64: length, weight, and V values that the weight comes from.
"""

from typing import NamedTuple

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_lean, jit_lean_called, run_blocks
from classicseg._kernels.cpu.regions_runs import STRIP, n_strips

WARD, MEAN, SINGLE, CONTRAST = range(4)
FIRST, LAST, NEAREST = range(3)
LENGTH, WEIGHT, VALUE = range(3)
NEXT = 2
FAN = 8  # children of a node in the tree of least weights


def merge_all(area, sums, ends, length, value, linkage, most_steps, threshold):
    """Return the steps (n, 2), rows of the lower and the higher region, and the weight of each.

    `ends` (E, 2) are rows, of which the merged region keeps the lower one; `value` (E,) is what an edge has of its own:
    the mean difference for SINGLE, the sum of contrasts for CONTRAST. A tie goes to the lowest lower row, then to the
    lowest higher row. Ends after `most_steps`, or at the first step whose weight is not below `threshold`.
    """
    regions = np.concatenate([area[:, None], sums, sums / np.maximum(area, 1)[:, None]], axis=1, dtype=np.float64)
    tables = no_steps(len(area), ends, length, value[:, None])
    n_steps = merge_until(regions, *tables, linkage, min(most_steps, len(area)), float(threshold))
    return taken(tables, n_steps)


class Tables(NamedTuple):
    """What merging works on beside the regions, in the order of the arguments."""

    lists: np.ndarray
    links: np.ndarray
    edges: np.ndarray
    least: np.ndarray  # the tree of least weights
    begins: np.ndarray  # where each of its levels begins
    seen: np.ndarray  # (R, 2): the last step in which an edge to a region was met, and that edge
    halves: np.ndarray  # (E + 1,): the half edges of the merged region
    fresh: np.ndarray  # (E + 1,): and their weights
    steps: np.ndarray  # (R, 2) int32
    heights: np.ndarray  # (R,)


def no_steps(n_regions, ends, length, values):
    """Return the tables before the first step; `ends` (E, 2) are rows, `values` (E, V) what edges have of their own."""
    n_edges = len(ends)
    links = np.full((n_edges + 1, 4), -1, np.int32)
    links[:-1, :NEXT] = ends
    edges = np.full((n_edges + 1, VALUE + values.shape[1]), np.inf)
    edges[:-1, LENGTH], edges[:-1, VALUE:] = length, values
    begins = _levels(n_regions)
    least = np.full(begins[-1], np.inf)
    lists, seen = np.full((n_regions, 3), -1, np.int32), np.full((n_regions, 2), -1, np.int32)
    halves, fresh = np.empty(n_edges + 1, np.int64), np.empty(n_edges + 1)
    return Tables(
        lists, links, edges, least, begins, seen, halves, fresh, np.empty((n_regions, 2), np.int32), np.empty(n_regions)
    )


def taken(tables, n_steps):
    """Return the steps and their heights."""
    return tables.steps[:n_steps].copy(), tables.heights[:n_steps].copy()


@jit_lean
def merge_until(
    regions, lists, links, edges, least, begins, seen, halves, fresh, steps, heights, linkage, most_steps, threshold
):
    """Write the steps of `merge_all` and return how many there are."""
    list_edges(lists, links)
    for e in range(links.shape[0] - 1):
        edges[e, WEIGHT] = _weigh(regions, links, edges, linkage, e)
    find_nearest(lists, links, edges, least, begins)
    n_steps = 0
    while n_steps < most_steps:
        e = lists[row_of_least(least, begins), NEAREST]
        if e == links.shape[0] - 1 or edges[e, WEIGHT] >= threshold:
            break
        low, high = min(links[e, 0], links[e, 1]), max(links[e, 0], links[e, 1])
        steps[n_steps, 0], steps[n_steps, 1], heights[n_steps] = low, high, edges[e, WEIGHT]
        join_rows(regions, low, high)
        count = unite_edges(lists, links, edges, low, high, e, linkage == SINGLE, n_steps, seen, halves)
        for i in range(count):
            fresh[i] = _weigh(regions, links, edges, linkage, halves[i] >> 1)
        look_again(lists, links, edges, least, begins, low, high, halves, fresh, count)
        n_steps += 1
    return n_steps


@jit_inline
def join_rows(regions, low, high):
    """Add up areas and sums of two regions in the row of the lower one, and take its means anew."""
    n_channels = regions.shape[1] // 2
    for k in range(1 + n_channels):
        regions[low, k] += regions[high, k]
    for k in range(1, 1 + n_channels):
        regions[low, k + n_channels] = regions[low, k] / regions[low, 0]


@jit_lean_called
def list_edges(lists, links):
    """List the half edges of each region."""
    none = links.shape[0] - 1
    for half in range(2 * none):
        owner = links[half // 2, half % 2]
        last = lists[owner, LAST]
        if last < 0:
            lists[owner, FIRST] = half
        else:
            links[last // 2, NEXT + last % 2] = half
        lists[owner, LAST] = half


@jit_lean_called
def find_nearest(lists, links, edges, least, begins):
    """Find the nearest neighbour of every region; all edges are weighed."""
    none = links.shape[0] - 1
    for r in range(lists.shape[0]):
        lists[r, NEAREST] = none
    for e in range(none):
        for side in range(2):
            if precedes(links, edges, e, lists[links[e, side], NEAREST]):
                lists[links[e, side], NEAREST] = e
    for r in range(lists.shape[0]):
        set_weight(least, begins, r, edges[lists[r, NEAREST], WEIGHT])


@jit_lean_called
def unite_edges(lists, links, edges, low, high, e, single, step, seen, halves):
    """Give a region the edges of another one, but for the edge `e` between them, and make two edges to one neighbour
    one.

    Writes the half edges that stay to `halves`, and returns how many there are.
    """
    last = lists[low, LAST]
    links[last // 2, NEXT + last % 2] = lists[high, FIRST]  # both lists have the edge between the two
    lists[low, LAST] = lists[high, LAST]
    links[e, 0] = -1
    half, before, count = np.int64(lists[low, FIRST]), np.int64(-1), 0
    while half >= 0:
        edge, side = half >> 1, half & 1
        after = np.int64(links[edge, NEXT + side])
        stays = links[edge, 0] >= 0
        if stays:
            other = links[edge, 1 - side]
            if seen[other, 0] == step:
                kept = seen[other, 1]
                _unite(edges, single, kept, edge)
                stays, links[edge, 0] = False, -1
                if lists[other, NEAREST] == edge:
                    lists[other, NEAREST] = kept
            else:
                seen[other, 0], seen[other, 1] = step, edge
        if stays:
            links[edge, side] = low
            if before >= 0:
                links[before >> 1, NEXT + (before & 1)] = half
            else:
                lists[low, FIRST] = half
            halves[count] = before = half
            count += 1
        half = after
    if before >= 0:
        links[before >> 1, NEXT + (before & 1)] = -1
    else:
        lists[low, FIRST] = -1
    lists[low, LAST] = before
    return count


@jit_lean_called
def look_again(lists, links, edges, least, begins, low, high, halves, fresh, count):
    """Give the edges of a merged region their fresh weights, and find the nearest ones of it and of its neighbours."""
    set_weight(least, begins, high, np.inf)
    nearest = np.int64(links.shape[0] - 1)
    for i in range(count):
        edge, side = halves[i] >> 1, halves[i] & 1
        other, before = links[edge, 1 - side], edges[edge, WEIGHT]
        weight = fresh[i]
        edges[edge, WEIGHT] = weight
        if lists[other, NEAREST] == edge:
            if weight > before:
                lists[other, NEAREST] = nearest_edge(lists, links, edges, other)
            set_weight(least, begins, other, edges[lists[other, NEAREST], WEIGHT])
        elif precedes(links, edges, edge, lists[other, NEAREST]):
            lists[other, NEAREST] = edge
            set_weight(least, begins, other, weight)
        if precedes(links, edges, edge, nearest):
            nearest = edge
    lists[low, NEAREST] = nearest
    set_weight(least, begins, low, edges[nearest, WEIGHT])


@jit_inline
def _weigh(regions, links, edges, linkage, e):
    if linkage == SINGLE:
        return edges[e, VALUE]
    if linkage == CONTRAST:
        return edges[e, VALUE] / edges[e, LENGTH]
    a, b, n_channels = links[e, 0], links[e, 1], regions.shape[1] // 2
    squares = 0.0
    for k in range(1 + n_channels, 1 + 2 * n_channels):
        squares += (regions[a, k] - regions[b, k]) * (regions[a, k] - regions[b, k])
    if linkage == WARD:
        return squares * (regions[a, 0] * regions[b, 0] / (regions[a, 0] + regions[b, 0]))
    return np.sqrt(squares)


@jit_inline
def _unite(edges, single, kept, gone):
    """Give an edge what another one between the same regions has, and the lower weight of the two until now."""
    edges[kept, LENGTH] += edges[gone, LENGTH]
    for k in range(VALUE, edges.shape[1]):
        less, more = min(edges[kept, k], edges[gone, k]), edges[kept, k] + edges[gone, k]
        edges[kept, k] = less if single else more
    edges[kept, WEIGHT] = min(edges[kept, WEIGHT], edges[gone, WEIGHT])


@jit_inline
def precedes(links, edges, e, f):
    """Say whether edge e is to be merged before f."""
    if edges[e, WEIGHT] != edges[f, WEIGHT]:
        return edges[e, WEIGHT] < edges[f, WEIGHT]
    low_e, low_f = min(links[e, 0], links[e, 1]), min(links[f, 0], links[f, 1])
    return low_e < low_f or (low_e == low_f and max(links[e, 0], links[e, 1]) < max(links[f, 0], links[f, 1]))


@jit_lean_called
def nearest_edge(lists, links, edges, region):
    best = np.int64(links.shape[0] - 1)
    half = np.int64(lists[region, FIRST])
    while half >= 0:
        edge = half >> 1
        if links[edge, 0] >= 0 and precedes(links, edges, edge, best):
            best = edge
        half = np.int64(links[edge, NEXT + (half & 1)])
    return best


# --- The tree of least weights ---------------------------------------------------------------------------------


def _levels(n_regions):
    """Return where each level of the tree begins, and where the last one ends, which has `FAN` nodes."""
    sizes = [-(-max(n_regions, 1) // FAN) * FAN]
    while sizes[-1] > FAN:
        sizes.append(-(-sizes[-1] // FAN**2) * FAN)
    return np.cumsum([0, *sizes])


@jit_lean_called
def set_weight(least, begins, row, weight):
    """Set the weight of a region's nearest edge, and the nodes whose least weight it was or becomes."""
    before, least[row] = least[row], weight
    for level in range(1, begins.shape[0] - 1):
        row //= FAN
        node = begins[level] + row
        old = least[node]
        if weight > old:
            if before > old:
                return
            weight = _least_of(least, begins[level - 1] + row * FAN)
        if weight == old:
            return
        before, least[node] = old, weight


@jit_inline
def _least_of(least, first):
    """Return the least weight of `FAN` nodes, in pairs, which do not wait for each other."""
    a = min(min(least[first], least[first + 1]), min(least[first + 2], least[first + 3]))
    return min(a, min(min(least[first + 4], least[first + 5]), min(least[first + 6], least[first + 7])))


@jit_lean_called
def row_of_least(least, begins):
    """Return the first row of the least weight.

    It is the lower row of its edge, and no edge of that weight goes before: the region on the other side has the same
    least weight, and a row after it.
    """
    top = begins.shape[0] - 2
    lowest = _least_of(least, begins[top])
    row = 0
    for level in range(top, -1, -1):
        node = begins[level] + row * FAN
        while least[node] != lowest:
            node += 1
        row = node - begins[level]
    return row


# --- Cuts ------------------------------------------------------------------------------------------------------


def renumbered(labels, numbers, n_threads=None, out=None):
    """Return ``numbers[labels]``, written to `out` where there is one, which may be `labels`."""
    out = np.empty(labels.shape, numbers.dtype) if out is None else out

    def paint(block):
        here = slice(block * STRIP, (block + 1) * STRIP)
        look_up(labels[here].reshape(-1), numbers, out[here].reshape(-1))

    run_blocks(paint, n_strips(labels), n_threads)
    return out


@jit
def look_up(labels, numbers, out):
    for i in range(labels.shape[0]):
        out[i] = numbers[np.uint32(labels[i])]  # with an index that may be negative it takes a third longer
