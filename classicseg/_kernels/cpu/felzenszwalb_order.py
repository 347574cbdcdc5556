"""Edges of a bucket in order of weight, then direction, then pixel: by digits, the lowest first."""

import numpy as np

from classicseg._kernels.cpu._jit import jit

BITS = 9  # of a digit; the first has 2 of the direction
DIGITS = 1 << BITS


@jit
def sort_buckets(bits, edges, begins, ends, first, last, sizes):
    """Put buckets `first` to `last` in order, each from its first place on, and write their sizes.

    Weights are `bits`, in which floats from 0 on stand in order. Strips have filled a bucket from ``begins[bucket]`` to
    ``ends[:, bucket]``, each in the order of pixels within a direction, which stays where weights are equal.
    """
    count = np.empty(DIGITS + 1, np.int64)
    for bucket in range(first, last):
        total = 0
        for strip in range(ends.shape[0]):
            total += ends[strip, bucket] - begins[bucket, strip]
        sizes[bucket] = total
        if total == 0:
            continue
        keys, codes = np.empty(total, bits.dtype), np.empty(total, np.uint32)
        span, lowest = _gather(bits, edges, begins[bucket], ends[:, bucket], keys, codes)
        place = begins[bucket, 0]
        other_keys, other_codes = bits[place : place + total], edges[place : place + total]
        digit, moved = 0, False
        while digit == 0 or span >> (digit * BITS - 2) > 0:
            if _count_digits(keys, codes, lowest, digit, count):
                _deal(keys, codes, lowest, digit, count, other_keys, other_codes)
                keys, codes, other_keys, other_codes = other_keys, other_codes, keys, codes
                moved = not moved
            digit += 1
        if not moved:
            other_keys[:] = keys
            other_codes[:] = codes


@jit
def _gather(bits, edges, begins, ends, keys, codes):
    """Write the pieces of a bucket one after the other; return the range of keys and the lowest."""
    at = 0
    for strip in range(begins.shape[0]):
        n = ends[strip] - begins[strip]
        from_keys, from_codes = bits[begins[strip] : ends[strip]], edges[begins[strip] : ends[strip]]
        into_keys, into_codes = keys[at : at + n], codes[at : at + n]
        for i in range(n):
            into_keys[i], into_codes[i] = from_keys[i], from_codes[i]
        at += n
    lowest = highest = keys[0]
    for i in range(at):
        lowest, highest = min(lowest, keys[i]), max(highest, keys[i])
    return np.int64(highest) - np.int64(lowest), np.int64(lowest)


@jit
def digit_of(key, code, lowest, digit):
    above = np.int64(key) - lowest
    if digit == 0:
        return ((above << 2) & (DIGITS - 1)) | (np.int64(code) >> 30)
    return (above >> (digit * BITS - 2)) & (DIGITS - 1)


@jit
def _count_digits(keys, codes, lowest, digit, count):
    """Write how many entries have a lower digit; say whether there are two different ones."""
    count[:] = 0
    for i in range(keys.shape[0]):
        count[digit_of(keys[i], codes[i], lowest, digit) + 1] += 1
    if count[digit_of(keys[0], codes[0], lowest, digit) + 1] == keys.shape[0]:
        return False
    for value in range(DIGITS):
        count[value + 1] += count[value]
    return True


@jit
def _deal(keys, codes, lowest, digit, place, other_keys, other_codes):
    for i in range(keys.shape[0]):
        value = digit_of(keys[i], codes[i], lowest, digit)
        at = place[value]
        other_keys[at], other_codes[at] = keys[i], codes[i]
        place[value] = at + 1
