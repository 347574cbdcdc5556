"""The least cut of a grid of pixels between a source and a sink: capacities, of which `maxflow_trees` finds the flow.

Pixels lie among margins as wide as the stencil, flat, so that no loop asks where the image ends; nothing leads into the
margins. Capacities are whole numbers: the flow is exact, and the cut does not depend on the order of anything.
"""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.affinity import margins
from classicseg._kernels.cpu.maxflow_trees import ARC, EXCESS, run

ROWS = 64  # rows of a block of work
SOURCE, SINK = 1, 2  # of seeds
LARGEST = 2**30  # sum of the capacities of a pixel's links; what one of them can carry back and forth is less


def least_cut(weights, offsets, factors, net, scale, seeds, n_threads=None):
    """Return which pixels the source still reaches when no more can flow (M, N), and the flow.

    The link of a pixel to that at ``offsets[o]`` carries ``weights * factors[o]``, rounded. The source feeds a pixel
    with ``net * scale`` where that is positive, the sink takes it where it is negative, and as much as its links
    carry, plus 1, where `seeds` say so. More than that would change nothing, so the former is clipped to it.
    """
    n_rows, n_cols = net.shape
    capacity, nodes, shifts, (top, left, columns) = grid(weights, offsets, factors, net, scale, seeds, n_threads)
    flow = run(capacity, nodes, shifts)
    inner = nodes[:, ARC].reshape(-1, columns)[top : top + n_rows, left : left + n_cols]
    return inner > 0, flow


def grid(weights, offsets, factors, net, scale, seeds, n_threads=None):
    """Return capacities (n, 2 O) int32, nodes (n, 4) int32, shifts to the neighbours, and the margins and columns."""
    n_rows, n_cols = net.shape
    top, left = margins(offsets)
    columns = n_cols + 2 * left
    n_nodes = (n_rows + 2 * top) * columns
    capacity, nodes = np.zeros((n_nodes, 2 * len(offsets)), np.int32), np.zeros((n_nodes, 4), np.int32)
    shifts = np.empty(2 * len(offsets), np.int64)
    shifts[::2] = offsets[:, 0] * columns + offsets[:, 1]
    shifts[1::2] = -shifts[::2]

    def block(index):
        rows = index * ROWS, min((index + 1) * ROWS, n_rows)
        _fill_capacity(weights, offsets, factors, rows, (top, left, columns), n_cols, capacity)
        _fill_nodes(net, scale, seeds, rows, (top, left, columns), capacity, nodes)

    run_blocks(block, -(-n_rows // ROWS), n_threads)
    return capacity, nodes, shifts, (top, left, columns)


@jit
def _fill_capacity(weights, offsets, factors, rows, frame, n_cols, capacity):
    """Write what each pixel of `rows` can pass on, and get back: opposite neighbours side by side."""
    top, left, columns = frame
    for row in range(rows[0], rows[1]):
        first = (top + row) * columns + left
        for o in range(len(offsets)):
            down, right = offsets[o]
            forth, back = weights[top + row, o, left:], weights[top + row - down, o, left - right :]
            for col in range(n_cols):
                capacity[first + col, 2 * o] = np.int32(np.float64(forth[col]) * factors[o] + 0.5)
                capacity[first + col, 2 * o + 1] = np.int32(np.float64(back[col]) * factors[o] + 0.5)


@jit
def _fill_nodes(net, scale, seeds, rows, frame, capacity, nodes):
    """Write what the source feeds, or the sink takes, of each pixel of `rows`."""
    top, left, columns = frame
    for row in range(rows[0], rows[1]):
        first = (top + row) * columns + left
        for col in range(net.shape[1]):
            most = 1
            for d in range(capacity.shape[1]):
                most += capacity[first + col, d]
            value = net[row, col] * scale
            if seeds[row, col] == SOURCE:
                value = np.float64(most)
            elif seeds[row, col] == SINK:
                value = -np.float64(most)
            if value == 0:
                continue
            size = max(min(abs(value), np.float64(most)), 1.0)  # whoever prefers a side at all does so after rounding
            nodes[first + col, EXCESS] = np.int32(size + 0.5) if value > 0 else -np.int32(size + 0.5)
