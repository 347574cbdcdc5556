"""Scores of one tile: the centers that can win in its box, the winners, and near-ties decided in float64."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_inline, jit_vectorised
from classicseg._kernels.cpu.kmeans_tiles import TILE

HUGE = np.float32(3e38)


@jit_inline
def find_candidates(middles, halves, t, gain, columns, spare, work, candidates):
    """List the centers that may be the nearest one of a point in the box of tile `t`.

    Returns the center nearest to the middle, the number of candidates, and by how much the squared distance to
    any other center exceeds that to the nearest one at least. Rows of `work` (F + 2, K): gain * (center - middle),
    its squared length, and this excess.
    """
    n_features, n_clusters = columns.shape
    length, excess = n_features, n_features + 1
    for k in range(n_clusters):
        work[length, k] = 0.0
    for f in range(n_features):
        at = gain[f] * middles[t, f]
        for k in range(n_clusters):
            offset = columns[f, k] - at
            work[f, k] = offset
            work[length, k] += offset * offset
    nearest, low = 0, np.inf
    for k in range(n_clusters):
        distance = work[length, k]
        nearest = k if distance < low else nearest
        low = distance if distance < low else low
    for k in range(n_clusters):
        work[excess, k] = work[length, k] * (1 - 1e-12) - low - spare
    for f in range(n_features):
        own, twice = work[f, nearest], 2 * halves[t, f]
        for k in range(n_clusters):
            work[excess, k] -= twice * abs(work[f, k] - own)
    work[excess, nearest] = 0.0
    n_candidates = 0
    rest = 1e300  # of one center: it is nearest for ever
    for k in range(n_clusters):
        candidates[n_candidates] = k
        wins = work[excess, k] <= 0
        n_candidates += wins
        rest = rest if wins else min(rest, work[excess, k])
    return nearest, n_candidates, rest


@jit_inline
def fill_table(work, gain, candidates, nearest, n_candidates, table):
    """Write a base and F slopes per candidate: base + slopes @ local is its squared distance, less a part common
    to all. Returns the greatest squared distance from a candidate to the middle."""
    n_features = gain.shape[0]
    widest = 0.0
    for j in range(n_candidates):
        k = candidates[j]
        widest = max(widest, work[n_features, k])
        for f in range(n_features):
            table[j, 1 + f] = np.float32(-2 * gain[f] * work[f, k])
        table[j, 0] = np.float32(work[n_features, k] - work[n_features, nearest])
    for j in range(n_candidates, (n_candidates + 3) // 4 * 4):  # fills up to four: never first nor second
        candidates[j] = 0
        for f in range(n_features):
            table[j, 1 + f] = np.float32(0)
        table[j, 0] = HUGE
    return widest


@jit_vectorised
def score_pair(local, table, candidates, lead, labels, unrolled):
    """Let two centers compete: one score, their difference, tells the winner and its lead."""
    n_features = len(unrolled) if len(unrolled) > 0 else local.shape[0]
    first, second = np.int32(candidates[0]), np.int32(candidates[1])
    for c in range(n_features + 1):
        table[1, c] -= table[0, c]
    for i in range(TILE):
        value = table[1, 0]
        for f in range(n_features):
            value += table[1, 1 + f] * local[f, i]
        labels[0, i] = second if value < 0 else first
        lead[i] = abs(value)


@jit_vectorised
def score(local, table, candidates, n_candidates, best, lead, labels, unrolled):
    """Find the best score of each sample, and its lead over the second best.

    Four centers at a time stay in registers.
    """
    n_features = len(unrolled) if len(unrolled) > 0 else local.shape[0]
    for i in range(TILE):
        best[i] = HUGE
        lead[i] = HUGE
    for j in range(0, n_candidates, 4):
        own0, own1 = np.int32(candidates[j]), np.int32(candidates[j + 1])
        own2, own3 = np.int32(candidates[j + 2]), np.int32(candidates[j + 3])
        for i in range(TILE):
            value0, value1 = table[j, 0], table[j + 1, 0]
            value2, value3 = table[j + 2, 0], table[j + 3, 0]
            for f in range(n_features):
                value0 += table[j, 1 + f] * local[f, i]
                value1 += table[j + 1, 1 + f] * local[f, i]
                value2 += table[j + 2, 1 + f] * local[f, i]
                value3 += table[j + 3, 1 + f] * local[f, i]
            first, second, label = rank(value0, own0, best[i], lead[i], labels[0, i])
            first, second, label = rank(value1, own1, first, second, label)
            first, second, label = rank(value2, own2, first, second, label)
            best[i], lead[i], labels[0, i] = rank(value3, own3, first, second, label)
    for i in range(TILE):
        lead[i] -= best[i]


@jit_vectorised
def rank(value, own, best, second, label):
    """Take one more score into account; a tie stays with the earlier center, and is decided again anyway."""
    wins = value < best
    loser = best if wins else value
    second = loser if loser < second else second
    label = own if wins else label
    best = value if wins else best
    return best, second, label


@jit
def lowest(values, sign, buffer):
    """Return the least of a tile's values times `sign`.

    By halves: the compiler does not vectorise a minimum of floats along a row.
    """
    sign = np.float32(sign)
    for i in range(TILE):
        buffer[i] = sign * values[i]
    half = TILE // 2
    while half >= 16:
        for i in range(half):
            buffer[i] = buffer[i] if buffer[i] < buffer[half + i] else buffer[half + i]
        half //= 2
    low = buffer[0]
    for i in range(1, 16):
        low = min(low, buffer[i])
    return np.float64(low)


@jit_inline
def decide_again(tiles, model, centers, candidates, lead, error, t, labels):
    """Decide near-ties of tile `t` by the definition, in float64 and without contraction."""
    n_stored, n_features = tiles.values.shape[1], model.gain.shape[0]
    value = np.empty(n_features)
    for i in range(tiles.count[t]):
        if lead[i] > error:
            continue
        for f in range(n_stored):
            value[f] = np.float64(tiles.values[t, f, i])
        if model.x:
            value[n_stored] = tiles.corner[t, 0] + np.int64(tiles.place[t, 0, i])
        if model.y:
            value[n_features - 1] = tiles.corner[t, 1] + np.int64(tiles.place[t, 1, i])
        best = np.inf
        for k in candidates:  # ascending, and strict: a tie goes to the lower index
            distance = 0.0
            for f in range(n_features):
                difference = model.gain[f] * (value[f] - centers[k, f])
                distance += difference * difference
            if distance < best:
                best = distance
                labels[0, i] = k
