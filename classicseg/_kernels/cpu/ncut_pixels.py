"""Cutting a graph of pixels: half a stencil as in `affinity`, `labels` (M, N) int32 with -1 where no pixel counts."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, run_blocks
from classicseg._kernels.cpu.affinity import ROWS, links_of_labels, margins, padded_columns
from classicseg._kernels.cpu.ncut_refine import LEAST, ROUNDING

SWEEPS = 60  # most visits of pixels


def restricted(weights, offsets, box, inside, n_threads=None):
    """Return the weights of a box (row, column) of the image, only of links between pixels `inside` (M, N) bool."""
    (top, left), (n_rows, n_cols) = margins(offsets), inside.shape
    out = np.zeros((top + n_rows, len(offsets), padded_columns(offsets, n_cols)), np.float32)

    def block(index):
        rows = index * ROWS, min((index + 1) * ROWS, n_rows)
        _restrict_rows(weights, offsets, (top, left), box, inside, rows, out)

    run_blocks(block, -(-n_rows // ROWS), n_threads)
    return out


@jit
def _restrict_rows(weights, offsets, margin, box, inside, rows, out):
    top, left = margin
    n_rows, n_cols = inside.shape
    for row in range(rows[0], rows[1]):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                if inside[row, col] and inside[row + down, col + right]:
                    out[top + row, o, left + col] = weights[top + box[0] + row, o, left + box[1] + col]


def best_place(weights, offsets, rank, degree_in_order):
    """Return how many of the first pixels in an order to cut off: the fewest of those with the lowest normalized cut.

    `rank` (M, N) int32 is the place of each pixel in it, -1 for those that do not count.
    """
    steps = np.zeros(len(degree_in_order))
    _steps_of_cut(weights, offsets, margins(offsets), rank, steps)
    across, volume = np.cumsum(steps)[:-1], np.cumsum(degree_in_order)
    value = across / volume[:-1] + across / np.maximum(volume[-1] - volume[:-1], degree_in_order[-1])
    return int(value.argmin()) + 1


@jit
def _steps_of_cut(weights, offsets, margin, rank, steps):
    """Add to each place what the cut grows when the pixel there goes to the other side."""
    top, left = margin
    n_rows, n_cols = rank.shape
    for row in range(n_rows):
        for o in range(len(offsets)):
            down, right = offsets[o]
            if row + down >= n_rows:
                continue
            for col in range(max(0, -right), min(n_cols, n_cols - right)):
                weight = np.float64(weights[top + row, o, left + col])
                if weight > 0:
                    one, other = rank[row, col], rank[row + down, col + right]
                    steps[min(one, other)] += weight
                    steps[max(one, other)] -= weight


def refined(weights, offsets, degree, labels, n_labels, n_threads=None):
    """Move pixels between the segments `labels`, in place, and return the normalized cut; as `ncut_refine.refined`.

    Only pixels beside another segment move. First all of them are visited, then those beside pixels that moved, and
    all once more when none moves, until none of all moves.
    """
    across, volume, count = _sums(weights, offsets, labels, n_labels, n_threads)
    waiting, all_wait = np.ones(labels.shape, np.bool_), True
    for _ in range(SWEEPS):
        moved = move_pixels(weights, offsets, margins(offsets), degree, labels, across, volume, count, waiting)
        if moved == 0 and all_wait:
            break
        all_wait = moved == 0
        if all_wait:
            waiting[:] = True
    across, volume, count = _sums(weights, offsets, labels, n_labels, n_threads)
    return float((across[volume > 0] / volume[volume > 0]).sum())


def _sums(weights, offsets, labels, n_labels, n_threads):
    within, across = links_of_labels(weights, offsets, labels, n_labels, n_threads)
    return across, within + across, np.bincount(labels[labels >= 0], minlength=n_labels)


@jit
def move_pixels(weights, offsets, margin, degree, labels, across, volume, count, waiting):
    """Visit the pixels that are `waiting` (M, N) bool once; return how many moved."""
    top, left = margin
    n_rows, n_cols = labels.shape
    to, near = np.zeros(len(volume)), np.empty(len(volume), np.int32)
    moved = 0
    for row in range(n_rows):
        for col in range(n_cols):
            if not waiting[row, col]:
                continue
            waiting[row, col] = False
            here = labels[row, col]
            if here < 0 or not beside_another(labels, row, col):
                continue
            own = degree[row, col]
            rest = volume[here] - own
            if count[here] == 1 or rest <= ROUNDING * volume[here]:
                continue
            n_near = 0
            for o in range(len(offsets)):
                down, right = offsets[o]
                for side in range(2):
                    if side == 0:
                        other_row, other_col, weight = row + down, col + right, weights[top + row, o, left + col]
                    else:
                        other_row, other_col = row - down, col - right
                        weight = weights[top + row - down, o, left + col - right]
                    if weight > 0:
                        there = labels[other_row, other_col]
                        if to[there] == 0:
                            near[n_near] = there
                            n_near += 1
                        to[there] += weight
            kept = across[here] - own + 2 * to[here]
            loss = kept / rest - across[here] / volume[here]
            best, chosen = -LEAST, here
            for k in range(n_near):
                there = near[k]
                if there != here:
                    joined = across[there] + own - 2 * to[there]
                    change = loss + joined / (volume[there] + own) - across[there] / volume[there]
                    if change < best or (change == best and there < chosen):
                        best, chosen = change, there
            if chosen != here:
                across[here], volume[here] = kept, rest
                across[chosen] += own - 2 * to[chosen]
                volume[chosen] += own
                count[here] -= 1
                count[chosen] += 1
                labels[row, col] = chosen
                moved += 1
                waiting[max(row - 1, 0) : row + 2, col] = True
                waiting[row, max(col - 1, 0) : col + 2] = True
            for k in range(n_near):
                to[near[k]] = 0
    return moved


@jit
def beside_another(labels, row, col):
    """Say whether a pixel shares a side with one of another label."""
    n_rows, n_cols = labels.shape
    here = labels[row, col]
    return (
        (row > 0 and labels[row - 1, col] != here)
        or (col > 0 and labels[row, col - 1] != here)
        or (row + 1 < n_rows and labels[row + 1, col] != here)
        or (col + 1 < n_cols and labels[row, col + 1] != here)
    )
