"""The lanes of compiled kernels are what the plain functions say, to the bit."""

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from classicseg._kernels.cpu import _lanes as lanes
from classicseg._kernels.cpu._jit import jit_part
from classicseg._kernels.cpu.mean_shift_filter_window import falling

DTYPES = [np.float32, np.float64]


@pytest.fixture(params=DTYPES)
def numbers(request, rng):
    return rng.normal(0, 3, 64).astype(request.param)


def same(kernel, *arguments, plain=None):
    """Run the kernel compiled and as it is written, each into an array of its own; return both."""
    out = [np.zeros(16, arguments[0].dtype) for _ in range(2)]
    numba.njit(kernel)(*arguments, out[0])
    kernel(*arguments, out[1])
    assert_array_equal(*out)
    return out[0]


def test_lanes_from_an_index(numbers):
    def kernel(values, out):
        lanes.store(out, 0, lanes.load(values, 5))

    count = 64 // numbers.itemsize
    assert_array_equal(same(kernel, numbers)[:count], numbers[5 : 5 + count])


def test_lanes_that_are_widened(rng):
    values = rng.normal(0, 3, 40).astype(np.float32)

    def kernel(out, values):
        lanes.store(out, 0, lanes.load_wide(values, 7))

    compiled = np.zeros(8)
    numba.njit(kernel)(compiled, values)
    assert_array_equal(compiled, values[7:15].astype(np.float64))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lanes_of_the_dtype_of_another_array(rng, dtype):
    values = rng.normal(0, 3, 40).astype(np.float32)

    def kernel(out, values):
        lanes.store(out, 0, lanes.load_as(out, values, 7))

    count = 64 // np.dtype(dtype).itemsize
    found = np.zeros((2, count), dtype)
    numba.njit(kernel)(found[0], values)
    kernel(found[1], values)
    assert_array_equal(found, np.tile(values[7 : 7 + count].astype(dtype), (2, 1)))


def test_arithmetic_and_choice(numbers):
    def kernel(values, out):
        one, other, number = lanes.load(values, 0), lanes.load(values, 20), values[50]
        inside = (one <= other) & (one > number)
        lanes.store(out, 0, lanes.where(inside, one * other - number, number - one) + one * number)

    same(kernel, numbers)


def test_edges_of_comparisons(numbers):
    def kernel(values, out):
        one = lanes.load(values, 0)
        lanes.store(out, 0, lanes.where(one <= one, 1.0, one) - lanes.where(one > one, one, 0.0))

    assert_array_equal(same(kernel, numbers)[: 64 // numbers.itemsize], 1)


def test_numbers_that_are_spread_and_count_up(numbers):
    def kernel(values, out):
        lanes.store(out, 0, lanes.ramp(values[3]) * lanes.spread(values[4]))

    count = 64 // numbers.itemsize
    expected = (numbers[3] + np.arange(count, dtype=numbers.dtype)) * numbers[4]
    assert_array_equal(same(kernel, numbers)[:count], expected)


def test_the_order_of_a_total(numbers):
    """By halves; in another order the same numbers give another sum."""

    def kernel(values, out):
        out[0] = lanes.total(lanes.load(values, 0))

    values = numbers.copy()
    values[:4] = 2.0**60, 1, -(2.0**60), 1
    wide = values[: 64 // values.itemsize].astype(np.float64)
    while len(wide) > 1:
        wide = wide[: len(wide) // 2] + wide[len(wide) // 2 :]
    assert same(kernel, values)[0] == numbers.dtype.type(wide[0])
    assert wide[0] != values[: 64 // values.itemsize].sum(dtype=np.float64)


def test_a_total_of_float32_is_one_of_float64():
    def kernel(values):
        return lanes.total(lanes.load(values, 0))

    values = np.full(16, np.float32(2**24 + 2))
    values[3] = 1
    assert numba.njit(kernel)(values) == kernel(values) == 15 * (2**24 + 2) + 1


@jit_part
def scaled(number, scale, values):
    return lanes.load(values, 0) * number + scale


def test_tuples_part_by_part(numbers):
    def kernel(values, out):
        parts = lanes.each(scaled, (values[0], values[1], values[2]), (values[3], values[4], values[5]), values)
        lanes.store(out, 0, parts[0] - parts[1] * parts[2])

    same(kernel, numbers)


def test_a_tuple_is_added_from_first_to_last():
    def kernel(parts):
        return lanes.together(parts)

    parts = (2.0**60, 1.0, -(2.0**60), 3.0)
    assert numba.njit(kernel)(parts) == kernel(parts) == 3


def test_fused_is_the_sum_of_the_product_but_for_its_rounding(rng):
    def kernel(values, out):
        lanes.store(out, 0, lanes.fused(lanes.load(values, 0), 3.7, lanes.load(values, 8)))

    values, out = rng.normal(0, 1, 16), np.zeros(8)
    numba.njit(kernel)(values, out)
    assert_allclose(out, values[:8] * 3.7 + values[8:], rtol=0, atol=1e-15)


def test_the_gaussian_falls_as_it_should():
    part = np.linspace(0, 4.5 / 16, 4001)
    assert_allclose(
        falling(part) if numba.config.DISABLE_JIT else falling.py_func(part), np.exp(-16 * part), atol=3e-15
    )

    def kernel(values, out):
        lanes.store(out, 0, falling(lanes.load(values, 0)))

    out = np.zeros(8)
    numba.njit(kernel)(part[::500].copy(), out)
    assert_allclose(out, np.exp(-16 * part[:4000:500]), rtol=0, atol=3e-15)
    assert out[0] == 1
