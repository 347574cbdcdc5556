"""Every CUDA text compiles for the devices it is meant for, without a stack frame and without a spill."""

import re
from pathlib import Path

import numpy as np
import nvrtc
import pytest

from classicseg._kernels import cuda
from classicseg._kernels.cuda import (
    _module,
    _stencil,
    affinity,
    blocks,
    color,
    contingency,
    kmeans,
    mean_shift_filter,
    slic,
)

FOLDER = Path(cuda.__file__).parent


def constants(n_planes, dtype, *, xy, weighted, n_clusters):
    return kmeans.constants_of([np.dtype(dtype)] * n_planes, xy, xy, weighted, n_clusters)


COLORS = [color.constants_of(np.dtype(dtype)) for dtype in (np.uint8, np.uint16, np.float32, np.float64)]
LABELS = [contingency.constants_of(np.dtype(one), np.dtype(other)) for one, other in ("iq", "HB", "bQ", "hI")]
PRODUCTS = [
    _stencil.product_constants(np.dtype(dtype), n)
    for dtype in (np.float32, np.float64)
    for n in _stencil.AT_ONCE[np.dtype(dtype)]
]
BLOCKS = [blocks.constants_of(np.dtype(dtype), n) for dtype in (np.float32, np.float64) for n in (4, 20, 32)]
KINDS = ("flat", "epanechnikov", "gaussian")


def climbs(dtype, n_channels, kernel):
    return mean_shift_filter.constants_of(np.dtype(dtype), n_channels, kernel)


# Text → sets of constants: the everyday one, a thermal one, and the corner of what register pressure depends on.
VARIANTS = {
    "affinity": [affinity.constants_of(n) for n in (1, 3, 33)],
    "affinity_links": [()],
    "affinity_product": PRODUCTS,
    "blocks": BLOCKS,
    "codes": [()],
    "color": COLORS,
    "contingency": LABELS,
    "gradients": [()],
    "kmeans": [
        constants(3, np.uint8, xy=True, weighted=False, n_clusters=16),
        constants(1, np.float32, xy=True, weighted=True, n_clusters=8),
        constants(64, np.float32, xy=False, weighted=True, n_clusters=70_000),
    ],
    "mean_shift_filter": [
        *(climbs(np.float32, 1, kernel) for kernel in KINDS),
        climbs(np.uint8, 3, "flat"),
        climbs(np.uint8, 8, "epanechnikov"),
        climbs(np.uint16, 33, "gaussian"),
    ],
    "mean_shift_filter_square": [climbs(np.uint8, n_channels, "opencv") for n_channels in (1, 2, 3)],
    "mean_shift_segment": [()],
    "multigrid": [()],
    "multigrid_parts": [()],
    "multigrid_step": PRODUCTS,
    "regions_connected": [()],
    "segment_sums": [()],
    "slic": [slic.constants_of(n) for n in (1, 3, 8, 33)],
    "slic_connect": [()],
    "slic_values": [slic.values_constants_of(np.dtype(dtype)) for dtype in "Bd"],
}
SHAPES = ((1, True), (3, False), (3, True), (4, True), (5, True), (14, True), (15, True), (30, True), (31, True))
EVERY_VARIANT = {
    "affinity": [affinity.constants_of(n) for n in (*range(13), 16, 33, 64)],
    "affinity_links": VARIANTS["affinity_links"],
    "affinity_product": PRODUCTS,
    "blocks": [blocks.constants_of(np.dtype(dtype), n) for dtype in "fd" for n in range(4, 33, 4)],
    "codes": VARIANTS["codes"],
    "color": COLORS,
    "contingency": LABELS,
    "gradients": VARIANTS["gradients"],
    "kmeans": [
        constants(n_planes, dtype, xy=xy, weighted=weighted, n_clusters=n_clusters)
        for dtype in (np.uint8, np.uint16, np.float32, np.float64)
        for n_planes, xy in (*SHAPES, (62, True), (64, False))
        for weighted, n_clusters in ((False, 16), (True, 1000))
    ]
    + [kmeans.constants_of([np.dtype(one) for one in "BBBd"], True, True, True, 16)],
    "mean_shift_filter": [
        climbs(dtype, n_channels, kernel)
        for kernel in KINDS
        for dtype, n_channels in (
            *((np.float32, n) for n in (*range(1, 13), 16, 17, 33, 64, 200)),
            *((dtype, 3) for dtype in "bBhHiIqQd"),
        )
    ],
    "mean_shift_filter_square": VARIANTS["mean_shift_filter_square"],
    "mean_shift_segment": VARIANTS["mean_shift_segment"],
    "multigrid": VARIANTS["multigrid"],
    "multigrid_parts": VARIANTS["multigrid_parts"],
    "multigrid_step": PRODUCTS,
    "regions_connected": VARIANTS["regions_connected"],
    "segment_sums": VARIANTS["segment_sums"],
    "slic": [slic.constants_of(n) for n in (*range(1, 13), 16, 33, 64)],
    "slic_connect": VARIANTS["slic_connect"],
    "slic_values": [slic.values_constants_of(np.dtype(dtype)) for dtype in "bBhHiIqQfd"],
}


def listed(variants):
    return [
        pytest.param(name, options, id="-".join([name, *(one[2:] for one in options)]))
        for name, sets in variants.items()
        for options in sets
    ]


@pytest.fixture(scope="module", autouse=True)
def compiler():
    if nvrtc.library_path() is None:
        pytest.skip("NVRTC is not installed; it comes with nvidia-cuda-nvrtc, of the extra test on Linux")


def check(name, options, architecture):
    text = _module.source(name)
    usage = nvrtc.compile_usage(text, f"{name}.cu", (*_module.OPTIONS, *options), architecture)
    on_stack = {kernel: (one.stack, one.spill_stores, one.spill_loads) for kernel, one in usage.items()}
    assert on_stack == dict.fromkeys(usage, (0, 0, 0))


def test_every_text_has_its_variants():
    assert {path.stem for path in FOLDER.glob("*.cu")} == VARIANTS.keys() == EVERY_VARIANT.keys()


def test_headers_are_put_in_their_places():
    """The run-time compiler gets one text and looks for no file; headers beside the texts are used by one at least."""
    texts = [_module.source(name) for name in VARIANTS]
    assert not [text for text in texts if '#include "' in text]
    for header in FOLDER.glob("*.cuh"):
        assert [text for text in texts if header.read_text(encoding="utf-8") in text]


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize(("name", "options"), listed(VARIANTS))
def test_no_stack_frame_and_no_spill(name, options, architecture):
    check(name, options, architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize(("name", "options"), listed(EVERY_VARIANT))
def test_no_stack_frame_and_no_spill_in_any_variant(name, options, architecture):
    check(name, options, architecture)


# Texts whose results have the bits of the CPU's; the others keep a stated bound.
OTHER_BITS = {"affinity_product", "blocks", "contingency", "multigrid_step"}
SAME_BITS = {name: VARIANTS[name] for name in VARIANTS if name not in OTHER_BITS}


@pytest.mark.parametrize(("name", "options"), listed(SAME_BITS))
def test_every_product_and_every_sum_rounds_by_itself(name, options):
    """As on the CPU: .rn forbids the assembler to fuse, and a fused float32 is an fmaf of the text."""
    ptx = nvrtc.compile_ptx(_module.source(name), f"{name}.cu", (*_module.OPTIONS, *options))
    assert not re.search(LOOSE, ptx)
    assert "fma.rn.f64" not in ptx


LOOSE = r"\b(mul|add|sub|div|sqrt)(\.approx|\.full|\.ftz)*\.f(32|64)\b|\.ftz\b"
FUSED = """
extern "C" __global__ void fused(const double* in, double* out, float* single) {
    out[0] = in[0] * in[1] + in[2];
    single[0] = single[1] / single[2];
}
"""


def test_a_fused_product_and_a_loose_division_are_found():
    kept = nvrtc.compile_ptx(FUSED, "planted.cu", _module.OPTIONS)
    assert "mul.rn.f64" in kept
    assert "fma.rn.f64" not in kept
    assert not re.search(LOOSE, kept)
    assert "fma.rn.f64" in nvrtc.compile_ptx(FUSED, "planted.cu", ())  # the compiler's own default
    assert re.search(LOOSE, nvrtc.compile_ptx(FUSED, "planted.cu", ("--use_fast_math",)))


STACK = """
extern "C" __global__ void indexed(const int* in, int* out) {
    int own[64];
    for (int i = 0; i < 64; i++) own[i] = in[i * blockDim.x];
    for (int i = 0; i < blockDim.x; i++) own[in[i] & 63] += own[in[i + 1] & 63];
    out[threadIdx.x] = own[in[threadIdx.x] & 63];
}
extern "C" __global__ void plain(int* out) { out[threadIdx.x] = 1; }
"""
SPILL = """
extern "C" __global__ void __launch_bounds__(1024) crowded(const float* in, float* out) {
    float own[128];
#pragma unroll
    for (int i = 0; i < 128; i++) own[i] = in[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 128; i++) out[i * 1024 + threadIdx.x] = own[i] * own[127 - i] + own[(i * 7) % 128];
}
"""


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
def test_a_planted_stack_frame_and_a_planted_spill_are_found(architecture):
    usage = nvrtc.compile_usage(STACK, "planted.cu", (), architecture)
    assert usage["indexed"].stack >= 256
    assert usage["plain"].stack == 0
    crowded = nvrtc.compile_usage(SPILL, "planted.cu", (), architecture)["crowded"]
    assert crowded.spill_stores > 0
    assert crowded.spill_loads > 0
    assert crowded.registers <= 64


def test_text_that_does_not_compile_shows_the_compilers_words():
    with pytest.raises(nvrtc.CompileFailed, match=r'planted.cu\(1\): error: identifier "nothing" is undefined'):
        nvrtc.compile_usage("__global__ void f(int* o) { o[0] = nothing; }", "planted.cu", (), "sm_90")


def test_a_log_without_a_report_is_an_error():
    with pytest.raises(RuntimeError, match="no report of every kernel"):
        nvrtc.parse_usage("ptxas info    : 0 bytes gmem")
