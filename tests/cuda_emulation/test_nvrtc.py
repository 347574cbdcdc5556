"""Every CUDA text compiles for the devices it is meant for, without a stack frame and without a spill."""

from pathlib import Path

import nvrtc
import pytest

from classicseg._kernels import cuda
from classicseg._kernels.cuda import _module

FOLDER = Path(cuda.__file__).parent


def kmeans(pixel, planes, *, xy, weighted, label, in_shared):
    shape = {"PIXEL": pixel, "PLANES": planes, "X": int(xy), "Y": int(xy)}
    return _module.defines(**shape, WEIGHTED=int(weighted), LABEL=label, IN_SHARED=int(in_shared))


# Text → sets of constants: the everyday one, a thermal one, and the corners of what register pressure depends on.
VARIANTS = {
    "kmeans": [
        kmeans("uint8", 3, xy=True, weighted=False, label="uint8", in_shared=True),
        kmeans("float", 1, xy=True, weighted=True, label="uint8", in_shared=True),
        kmeans("float", 64, xy=False, weighted=True, label="int", in_shared=False),
    ]
}
EVERY_VARIANT = {
    "kmeans": [
        kmeans(pixel, planes, xy=xy, weighted=weighted, label=label, in_shared=in_shared)
        for pixel in ("uint8", "uint16", "float", "double")
        for planes, xy in (
            (1, True),
            (3, False),
            (3, True),
            (4, True),
            (5, True),
            (14, True),
            (15, True),
            (30, True),
            (31, True),
            (62, True),
            (64, False),
        )
        for weighted, label, in_shared in ((False, "uint8", True), (True, "uint16", False))
    ]
}


def listed(variants):
    return [
        pytest.param(name, constants, id="-".join([name, *(one[2:] for one in constants)]))
        for name, sets in variants.items()
        for constants in sets
    ]


@pytest.fixture(scope="module", autouse=True)
def compiler():
    if nvrtc.library_path() is None:
        pytest.skip("NVRTC is not installed; it comes with nvidia-cuda-nvrtc, of the extra test on Linux")


def check(name, constants, architecture):
    options = (*_module.OPTIONS, *constants)
    usage = nvrtc.compile_usage(_module.source(name), f"{name}.cu", options, architecture)
    assert {kernel: (one.stack, one.spill_stores, one.spill_loads) for kernel, one in usage.items()} == dict.fromkeys(
        usage, (0, 0, 0)
    )


def test_every_text_has_its_variants():
    assert {path.stem for path in FOLDER.glob("*.cu")} == VARIANTS.keys() == EVERY_VARIANT.keys()


@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize(("name", "constants"), listed(VARIANTS))
def test_no_stack_frame_and_no_spill(name, constants, architecture):
    check(name, constants, architecture)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", nvrtc.ARCHITECTURES)
@pytest.mark.parametrize(("name", "constants"), listed(EVERY_VARIANT))
def test_no_stack_frame_and_no_spill_in_any_variant(name, constants, architecture):
    check(name, constants, architecture)


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
