"""Moving nodes between the segments of a sparse graph as long as that lowers the normalized cut."""

import numpy as np

from classicseg._kernels.cpu._jit import jit

LEAST = 1e-12  # a move that gains less may be undone by rounding, and so on for ever
ROUNDING = 1e-12  # share of a segment's volume
SWEEPS = 60  # most visits of all nodes


def refined(indptr, indices, data, own, degree, labels, n_labels):
    """Move nodes between the segments `labels` (n,) int32, in place, and return the normalized cut.

    Nodes are visited in order, again and again until none moves: each goes to the linked segment where the normalized
    cut becomes lowest, of equal ones the one with the lowest label. The last node of a segment stays.
    """
    for _ in range(SWEEPS):
        across, volume, count = sums(indptr, indices, data, degree, labels, n_labels)  # anew: no rounding adds up
        if move_nodes(indptr, indices, data, own, degree, labels, across, volume, count) == 0:
            break
    across, volume, count = sums(indptr, indices, data, degree, labels, n_labels)
    return float((across[volume > 0] / volume[volume > 0]).sum())


@jit
def sums(indptr, indices, data, degree, labels, n_labels):
    """Return for each segment the weight of its links to others, the sum of its degrees and its nodes."""
    across, volume, count = np.zeros(n_labels), np.zeros(n_labels), np.zeros(n_labels, np.int64)
    for node in range(len(labels)):
        label = labels[node]
        volume[label] += degree[node]
        count[label] += 1
        for at in range(indptr[node], indptr[node + 1]):
            if labels[indices[at]] != label:
                across[label] += data[at]
    return across, volume, count


@jit
def move_nodes(indptr, indices, data, own, degree, labels, across, volume, count):
    """Visit all nodes once; return how many moved."""
    to = np.zeros(len(volume))  # the links of a node to each segment
    moved = 0
    for node in range(len(labels)):
        here = labels[node]
        on_border = False
        for at in range(indptr[node], indptr[node + 1]):
            on_border = on_border or labels[indices[at]] != here
        rest = volume[here] - degree[node]
        if not on_border or count[here] == 1 or rest <= ROUNDING * volume[here]:
            continue
        for at in range(indptr[node], indptr[node + 1]):
            to[labels[indices[at]]] += data[at]
        out = degree[node] - own[node]
        left = across[here] - out + 2 * to[here]
        loss = left / rest - across[here] / volume[here]
        best, chosen = -LEAST, here
        for at in range(indptr[node], indptr[node + 1]):
            there = labels[indices[at]]
            if there == here:
                continue
            joined = across[there] + out - 2 * to[there]
            change = loss + joined / (volume[there] + degree[node]) - across[there] / volume[there]
            if change < best or (change == best and there < chosen):
                best, chosen = change, there
        if chosen != here:
            across[here], volume[here] = left, rest
            across[chosen] += out - 2 * to[chosen]
            volume[chosen] += degree[node]
            count[here] -= 1
            count[chosen] += 1
            labels[node] = chosen
            moved += 1
        to[here] = 0
        for at in range(indptr[node], indptr[node + 1]):
            to[labels[indices[at]]] = 0
        to[chosen] = 0
    return moved
