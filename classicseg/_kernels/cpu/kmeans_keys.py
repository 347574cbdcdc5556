"""Keys that bring samples close to one another: a few bits per feature, as a k-d tree would part them."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_vectorised

KEY_BITS = 9  # of a full block: 128 samples per key, 8 keys per tile; more made sorting dearer than they saved
CHUNK = 1024  # samples whose keys are made at once, within the first-level cache


def sort_block(block, gain, keys, order):
    """Write the order of the samples of `block` (F, n) by key, those of one key in their own order."""
    n_bits = KEY_BITS
    while len(keys) < 16 << n_bits:
        n_bits -= 1
    if block.dtype == np.uint8:
        look_up_keys(block, plan_tables(block, gain, n_bits), keys)
    else:
        write_keys(block, *plan_keys(block, gain, n_bits), keys)
    sort_keys(keys, 1 << n_bits, order)


@jit
def plan_keys(block, gain, n_bits):
    """Share out the bits of the key, one by one, to the feature whose cells are the widest by then.

    As the levels of a k-d tree, the widest feature's bit is on top. Returns, per feature, the least value, the factor
    that scales it to [0, 1], the number of its bits, and (F, n_bits) what each of them counts.
    """
    n_features = block.shape[0]
    low, step = np.empty(n_features, np.float32), np.empty(n_features, np.float32)
    bits, weight = np.zeros(n_features, np.int32), np.zeros((n_features, n_bits), np.float32)
    wide = np.empty(n_features)
    for f in range(n_features):
        least, most = block[f, 0], block[f, 0]
        for i in range(0, block.shape[1], 16):  # a sample of them will do: the others are clipped
            least, most = min(least, block[f, i]), max(most, block[f, i])
        low[f] = least
        span = np.float32(most) - np.float32(least)
        step[f] = np.float32(1) / span if span > 0 else np.float32(0)
        wide[f] = gain[f] * span
    for place in range(n_bits - 1, -1, -1):
        f = 0
        for other in range(1, n_features):
            f = other if wide[other] > wide[f] else f
        wide[f] *= 0.5
        weight[f, bits[f]] = 1 << place
        bits[f] += 1
    return low, step, bits, weight


@jit
def plan_tables(block, gain, n_bits):
    """Return what each value of each feature of uint8 adds to the key, int32 (F, 256)."""
    low, step, bits, weight = plan_keys(block, gain, n_bits)
    tables = np.zeros((block.shape[0], 256), np.int32)
    for f in range(block.shape[0]):
        for value in range(256):
            rest = (np.float32(value) - low[f]) * step[f]
            for b in range(bits[f]):
                if rest >= np.float32(0.5):
                    tables[f, value] += np.int32(weight[f, b])
                    rest -= np.float32(0.5)
                rest *= np.float32(2)
    return tables


@jit
def look_up_keys(block, tables, keys):
    for i in range(keys.shape[0]):
        keys[i] = tables[0, np.int64(block[0, i])]
    for f in range(1, block.shape[0]):
        for i in range(keys.shape[0]):
            keys[i] += tables[f, np.int64(block[f, i])]


@jit_vectorised
def write_keys(block, low, step, bits, weight, keys):
    """Write the keys bit by bit, in floats: int32 shifts would be widened to int64.

    `step` scales a feature to [0, 1); its bits, the highest first, count `weight[f, b]` each.
    """
    rest, key = np.zeros(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    one, none, half = np.float32(1), np.float32(0), np.float32(0.5)
    for first in range(0, keys.shape[0], CHUNK):
        last = min(first + CHUNK, keys.shape[0])
        for i in range(CHUNK):
            key[i] = none
        for f in range(block.shape[0]):
            if bits[f] == 0:
                continue
            for i in range(last - first):
                rest[i] = (np.float32(block[f, first + i]) - low[f]) * step[f]
            for b in range(bits[f]):
                count = weight[f, b]
                for i in range(CHUNK):
                    upper = rest[i] >= half
                    key[i] += count if upper else none
                    rest[i] = (rest[i] - half if upper else rest[i]) * (one + one)
        for i in range(last - first):
            keys[first + i] = np.int32(key[i])


@jit
def sort_keys(keys, n_keys, order):
    """Counting sort. The two halves have counters of their own: a counter is seldom needed again at once."""
    half = keys.shape[0] // 2
    start = np.zeros((n_keys, 2), np.int32)
    for i in range(half):
        start[keys[i], 0] += 1
        start[keys[half + i], 1] += 1
    if keys.shape[0] % 2 == 1:
        start[keys[-1], 1] += 1
    total = np.int32(0)
    for k in range(n_keys):
        for part in range(2):
            total, start[k, part] = total + start[k, part], total
    for i in range(half):
        first, second = start[keys[i], 0], start[keys[half + i], 1]
        order[first], order[second] = i, half + i
        start[keys[i], 0] = first + 1
        start[keys[half + i], 1] = second + 1
    if keys.shape[0] % 2 == 1:
        order[start[keys[-1], 1]] = keys.shape[0] - 1
