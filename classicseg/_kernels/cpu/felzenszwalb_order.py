"""Edges of a bucket in order of weight, then direction, then pixel: by digits, the lowest first."""

import numpy as np

from classicseg._kernels.cpu._jit import jit, jit_called

BITS = 9  # of a digit; the first has 2 of the direction
DIGITS = 1 << BITS


@jit
def sort_buckets(bits, edges, begins, ends, first, last, sizes):
    """Put buckets `first` to `last` in order, each from its first place on, and write their sizes.

    Weights are `bits`, in which floats from 0 on stand in order. Strips have filled a bucket from ``begins[bucket]`` to
    ``ends[:, bucket]``, each in the order of pixels within a direction, which stays where weights are equal.
    """
    for bucket in range(first, last):
        total = 0
        for strip in range(ends.shape[0]):
            total += ends[strip, bucket] - begins[bucket, strip]
        sizes[bucket] = total
        if total == 0:
            continue
        keys, codes = np.empty((2, total), bits.dtype), np.empty((2, total), np.uint32)
        at = 0
        for strip in range(ends.shape[0]):
            begin, end = begins[bucket, strip], ends[strip, bucket]
            _copy(bits[begin:end], keys[0, at:])
            _copy(edges[begin:end], codes[0, at:])
            at += end - begin
        side = sort_digits(keys, codes)
        place = begins[bucket, 0]
        _copy(keys[side], bits[place:])
        _copy(codes[side], edges[place:])


@jit_called
def _copy(values, into):
    for i in range(values.shape[0]):
        into[i] = values[i]


@jit_called
def sort_digits(keys, codes):
    """Sort what is in row 0 of each, back and forth between the rows; return the row that it ends in."""
    lowest = highest = np.int64(keys[0, 0])
    for i in range(keys.shape[1]):
        lowest, highest = min(lowest, np.int64(keys[0, i])), max(highest, np.int64(keys[0, i]))
    span = highest - lowest
    count = np.empty(DIGITS + 1, np.int64)
    digit, side = 0, 0
    while digit == 0 or span >> (digit * BITS - 2) > 0:
        # Bits of the direction below, by which the first digit is shifted up, and bits of the key that others left out.
        how = (2, 0, 3) if digit == 0 else (0, digit * BITS - 2, 0)
        if _count_digits(keys[side], codes[side], lowest, how, count):
            _deal(keys[side], codes[side], lowest, how, count, keys[1 - side], codes[1 - side])
            side = 1 - side
        digit += 1
    return side


@jit_called
def digit_of(key, code, lowest, how):
    left, right, directions = how
    return ((((np.int64(key) - lowest) >> right) << left) & (DIGITS - 1)) | ((np.int64(code) >> 30) & directions)


@jit_called
def _count_digits(keys, codes, lowest, how, count):
    """Write how many entries have a lower digit; say whether there are two different ones."""
    for value in range(DIGITS + 1):
        count[value] = 0
    for i in range(keys.shape[0]):
        count[digit_of(keys[i], codes[i], lowest, how) + 1] += 1
    if count[digit_of(keys[0], codes[0], lowest, how) + 1] == keys.shape[0]:
        return False
    for value in range(DIGITS):
        count[value + 1] += count[value]
    return True


@jit_called
def _deal(keys, codes, lowest, how, place, other_keys, other_codes):
    for i in range(keys.shape[0]):
        value = digit_of(keys[i], codes[i], lowest, how)
        at = place[value]
        other_keys[at], other_codes[at] = keys[i], codes[i]
        place[value] = at + 1
