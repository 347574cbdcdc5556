"""The emulator itself: right kernels give the right numbers, and each planted mistake is found."""

import subprocess
import sys
from pathlib import Path

import cudasim
import numpy as np
import pytest

PLANTED = Path(__file__).with_name("planted.cu").read_text(encoding="utf-8")
ORDERS = [cudasim.FORWARD, cudasim.REVERSE, cudasim.RANDOM]


def run(emulator, name, grid, block, *args, options=(), shared_mem=0):
    emulator.module(PLANTED, options).get_function(name)(grid, block, args, shared_mem=shared_mem)


def reverse(emulator, options=()):
    numbers, out = np.arange(64, dtype=np.int32), np.full(64, -1, np.int32)
    run(emulator, "reverse", (1,), (64,), numbers, out, options=options)
    return np.array_equal(out, numbers[::-1])


def tree_sum(emulator, options=()):
    numbers, out = np.arange(1, 33, dtype=np.int32), np.zeros(1, np.int32)
    run(emulator, "tree_sum", (1,), (32,), numbers, out, options=options, shared_mem=32 * 4)
    return out[0] == numbers.sum()


def count_positive(emulator, options=()):
    numbers, out = np.arange(-20, 44, dtype=np.int32), np.zeros(4, np.int32)
    run(emulator, "count_positive", (4,), (16,), numbers, out, options=options)
    return out.tolist() == [0, 11, 16, 16]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kernel", [reverse, tree_sum, count_positive])
def test_a_right_kernel_gives_the_same_in_every_order(emulator, kernel, order):
    emulator.order = order
    assert kernel(emulator)


@pytest.mark.parametrize("kernel", [reverse, tree_sum])
def test_a_missing_barrier_is_found(emulator, kernel):
    found = []
    for emulator.order in ORDERS:
        found.append(not kernel(emulator, ("-DNO_BARRIER",)))
    assert any(found)


@pytest.mark.parametrize("options", [(), ("-DNO_SECOND_TRY",)])
def test_a_swap_that_another_thread_forestalls_is_met(emulator, options):
    counts = []
    for emulator.order in ORDERS:
        count = np.zeros(1, np.int32)
        run(emulator, "count_by_swap", (2,), (50,), count, options=options)
        counts.append(int(count[0]))
    assert (set(counts) == {100}) != bool(options)


def test_functions_of_bytes(emulator):
    one, other = np.random.default_rng(5).integers(0, 2**32, (2, 40), np.uint32)
    one[:2], other[:2] = [0, 2**32 - 1], [2**32 - 1, 0]
    out = np.zeros((40, 2), np.uint32)
    run(emulator, "bytes", (1,), (40,), one, other, out)
    pair = [array[:, None].view(np.uint8).astype(np.int64) for array in (one, other)]
    assert np.array_equal(out[:, 0], (pair[0] * pair[1]).sum(axis=1) + 7)
    assert np.array_equal(out[:, 1:].copy().view(np.uint8), abs(pair[0] - pair[1]))


def test_poison_finds_shared_memory_that_nobody_set(emulator):
    assert not count_positive(emulator, ("-DNOT_SET",))


@pytest.mark.parametrize("blocks", [3, 4])
def test_a_grid_that_is_too_small_leaves_the_poison(emulator, fake_cupy, blocks):
    numbers = np.arange(100, dtype=np.int32)
    doubled = fake_cupy.empty(100, np.int32)
    fake_cupy.RawModule(code=PLANTED).get_function("twice")(
        (blocks,), (32,), (fake_cupy.asarray(numbers), doubled, np.int32(100))
    )
    right = np.array_equal(doubled.get(), 2 * numbers)
    assert right == (blocks == 4)
    if not right:
        assert set(doubled.get()[96:].view(np.uint8)) == {0xCB}


@pytest.mark.parametrize(
    ("grid", "block", "shared_mem", "complaint"),
    [
        ((0,), (32,), 0, "must be at least 1"),
        ((1, 65536), (32,), 0, "beyond CUDA's"),
        ((1,), (2048,), 0, "more than 1024 threads"),
        ((1,), (32, 8, 8), 0, "more than 1024 threads"),
        ((1,), (32,), 50_000, "50000 bytes of shared memory, more than 49152"),
    ],
)
def test_a_launch_that_cuda_refuses_is_refused(emulator, grid, block, shared_mem, complaint):
    numbers = np.zeros(32, np.int32)
    with pytest.raises(cudasim.EmulationError, match=complaint):
        run(emulator, "twice", grid, block, numbers, numbers, np.int32(32), shared_mem=shared_mem)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            (np.zeros(32, np.int64), np.zeros(32, np.int32), np.int32(1)),
            r"0 of twice is an array of i8, .* \*i4",
        ),
        ((np.zeros(32, np.int32), np.zeros(32, np.uint32), np.int32(1)), r"argument 1 of twice is an array of u4"),
        ((np.zeros(32, np.int32), np.zeros(32, np.int32), np.int64(1)), "argument 2 of twice is i8, .* i4"),
        ((np.zeros(32, np.int32), np.zeros(32, np.int32), 1), "argument 2 of twice is a int; .* NumPy scalars"),
        (
            (np.zeros(32, np.int32), np.int32(1), np.int32(1)),
            r"1 of twice is i4, .* parameter is \*i4",
        ),
        ((np.zeros(32, np.int32), np.zeros(32, np.int32)), "twice takes 3 arguments, got 2"),
    ],
)
def test_an_argument_of_another_type_is_refused(emulator, arguments, complaint):
    with pytest.raises(cudasim.EmulationError, match=complaint):
        run(emulator, "twice", (1,), (32,), *arguments)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("early_return", "after some threads of the block have returned"),
        ("divergent", "deadlock"),
        ("masks_differ", "different masks|deadlock"),
        ("left_out", "a mask that leaves it out"),
    ],
)
def test_an_undefined_barrier_ends_the_launch(emulator, name, complaint, order):
    emulator.order = order
    with pytest.raises(cudasim.EmulationError, match=f"{name}: .*({complaint})"):
        run(emulator, name, (1,), (32,), np.zeros(32, np.int32))
    assert reverse(emulator)  # the device works on


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("threads", [32, 64])
def test_warp_functions(emulator, order, threads):
    emulator.order = order
    numbers = np.random.default_rng(3).integers(-50, 50, threads).astype(np.int32)
    numbers[5] = 7
    out = np.zeros((threads, 12), np.int32)
    run(emulator, "warp_functions", (1,), (threads,), numbers, out)
    lane = np.arange(32)
    for start in range(0, threads, 32):
        warp, got = numbers[start : start + 32], out[start : start + 32].T
        assert np.array_equal(got[0], np.full(32, warp[3]))
        assert np.array_equal(got[1], warp[lane ^ 5])
        assert np.array_equal(got[2], warp[np.where(lane < 30, lane + 2, lane)])
        assert np.array_equal(got[3], warp[np.where(lane > 1, lane - 2, lane)])
        assert np.array_equal(got[4].view(np.uint32), np.full(32, ((warp > 0) * 2**lane).sum()))
        assert np.array_equal(got[5], np.full(32, warp.sum()))
        assert np.array_equal(got[6], np.full(32, (warp > 40).any()))
        assert np.array_equal(got[7], np.ones(32))
        assert np.array_equal(got[8], warp[np.where(lane % 8 < 7, lane + 1, lane)])
        assert np.array_equal(got[9], warp.reshape(2, 16).sum(1).repeat(16))
    assert np.array_equal(out[:, 10], np.full(threads, (numbers > 0).sum()))
    assert np.array_equal(out[:, 11], np.full(threads, 3))


def test_portable_fibers_do_the_same(build_folder, emulator):
    portable = cudasim.Emulator(build_folder, order=cudasim.RANDOM, flags=("-DCUDASIM_UCONTEXT",))
    assert reverse(portable)
    assert tree_sum(portable)
    assert not reverse(portable, ("-DNO_BARRIER",))


def test_text_that_does_not_compile_shows_the_compilers_words(emulator):
    with pytest.raises(cudasim.EmulationError, match=r"module.cu:2:\d+: error: .*nothing"):
        emulator.module('extern "C" __global__ void f(int* o) {\n    o[0] = nothing;\n}')


def test_options_and_names_must_be_known(emulator):
    with pytest.raises(cudasim.EmulationError, match="does not know what --use_fast_math should change"):
        emulator.module(PLANTED, ("--use_fast_math",))
    with pytest.raises(cudasim.EmulationError, match="no kernel thrice in this module; there are reverse, tree_sum"):
        emulator.module(PLANTED).get_function("thrice")


def test_a_module_is_built_once(emulator, tmp_path):
    first = cudasim.Emulator(tmp_path)
    assert reverse(first)
    built = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(built) == 2  # the scheduler and the module
    assert reverse(cudasim.Emulator(tmp_path, order=cudasim.REVERSE))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == built
    reverse(first, ("-DNO_BARRIER",))
    assert len(list(tmp_path.iterdir())) == 3


SANITIZED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import cudasim, numpy as np
emulator = cudasim.Emulator(Path(sys.argv[2]), order=int(sys.argv[4]), sanitize=True)
module = emulator.module(Path(sys.argv[1], "planted.cu").read_text(), [sys.argv[3]])
out = np.zeros(4096, np.int32)
module.get_function("twice")((129,), (32,), (out, out, np.int32(4096)))
module.get_function("past_shared")((1,), (1,), (out, np.int32(8)), shared_mem=32)
print("no access out of bounds")
"""


@pytest.mark.parametrize(
    ("define", "complaint"),
    [
        ("-DNOTHING", None),
        ("-DOUT_OF_RANGE", "twice"),
        ("-DOUT_OF_STATIC", "past_shared"),
        ("-DOUT_OF_DYNAMIC", "past_shared"),
    ],
)
def test_an_access_out_of_bounds_is_found(build_folder, sanitizer, define, complaint):
    command = [sys.executable, "-c", SANITIZED, str(Path(__file__).parent), str(build_folder), define, "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=sanitizer)
    if complaint is None:
        assert done.stdout == "no access out of bounds\n", done.stderr
    else:
        assert done.returncode != 0
        assert "ERROR: AddressSanitizer" in done.stderr
        assert complaint in done.stderr.split("is located")[0]
