"""What lanes are: the functions of `_lanes` in plain NumPy, which is what runs with the JIT off."""

import functools
import operator

import numpy as np

BYTES = 64  # of a vector: one register of AVX-512, two of AVX2
WIDE, NARROW = BYTES // 8, BYTES // 4  # numbers in a vector of float64, of float32


def load(array, at):
    """The lanes of `array` from index `at`."""
    return array[at : at + BYTES // array.itemsize]


def load_wide(array, at):
    """As many lanes of a float32 array as float64 has, in float64."""
    return array[at : at + WIDE].astype(np.float64)


def load_as(out, array, at):
    """As many lanes of an array of float32 as the vectors of `out` have, in its dtype."""
    return array[at : at + BYTES // out.itemsize].astype(out.dtype)


def store(array, at, lanes):
    """Put the lanes into `array` from index `at`."""
    array[at : at + len(lanes)] = lanes


def spread(number):
    """Lanes that are all `number`."""
    number = np.asarray(number)
    return np.full(BYTES // number.itemsize, number)


def spread_from(array, at):
    """Lanes that are all the number of `array` at index `at`."""
    return spread(array[at])


def ramp(start):
    """Lanes `start`, `start` + 1, ..."""
    start = np.asarray(start)
    return start + np.arange(BYTES // start.itemsize).astype(start.dtype)


def where(mask, inside, outside):
    """Lanes of `inside` where the mask holds, else of `outside`."""
    return np.where(mask, inside, outside)


def bits(*masks):
    """Masks of up to 64 lanes as one int64, the first lane its lowest bit."""
    found = sum(1 << lane for lane in np.flatnonzero(np.concatenate(masks)).tolist())
    return found if found < 1 << 63 else found - (1 << 64)


def first_of(bits):
    """The place of the lowest bit that is set."""
    number = int(bits)
    return (number & -number).bit_length() - 1


def count_of(bits):
    """How many bits are set."""
    return (int(bits) & (1 << 64) - 1).bit_count()


def lowest(lanes):
    """The least of the lanes."""
    return lanes.min()


def size(lanes):
    """Lanes without their signs."""
    return np.abs(lanes)


def fused(one, other, more):
    """`one` · `other` + `more`, rounded once by processors that can."""
    return one * other + more


def total(lanes):
    """The sum in float64: the halves are added until one number is left."""
    lanes = lanes.astype(np.float64)
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return lanes[0]


def each(function, *arguments):
    """Call a compiled function for each channel: with its parts of the tuples, and what is no tuple as it is."""
    n_channels = next(len(argument) for argument in arguments if isinstance(argument, tuple))
    function = getattr(function, "py_func", function)  # compiled, it has no way to be called from Python
    return tuple(function(*(_part(argument, c) for argument in arguments)) for c in range(n_channels))


def together(parts):
    """The sum of a tuple from first to last."""
    return functools.reduce(operator.add, parts)


def _part(argument, index):
    return argument[index] if isinstance(argument, tuple) else argument
