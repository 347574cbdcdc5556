"""What `classicseg info` prints: versions, threads, GPU, kernel cache, and conflicting packages."""

from __future__ import annotations

import os
import platform
import sys
import warnings
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from classicseg import __version__

PACKAGES = ("numpy", "scipy", "scikit-image", "numba", "pillow")
# Distributions of one and the same import package: the last one installed overwrites the others' files.
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python-rolling",
)
CUPY = (
    "cupy",
    "cupy-cuda11x",
    "cupy-cuda12x",
    "cupy-cuda13x",
    "cupy-rocm-4-3",
    "cupy-rocm-5-0",
    "cupy-rocm-7-0",
)


def info_lines() -> list[str]:
    """Return the lines of `classicseg info`: a label, two or more blanks, what was found."""
    installed = installed_distributions()
    facts = [
        ("classicseg", __version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("system", f"{platform.system()} {platform.machine()}"),
        *((name, installed.get(name, "not installed")) for name in PACKAGES),
        ("OpenCV", opencv_state(installed)),
        ("processors", processors()),
        ("threads", threads()),
        ("GPU", gpu_state(installed)),
        ("kernel cache", cache()),
        *refiners(),
        *(("conflict", text) for text in conflicts(installed)),
    ]
    return [f"{label:<14}{value}" for label, value in facts]


def installed_distributions() -> dict[str, str]:
    """Return the version of every installed distribution, by its lower-case name with hyphens."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a half-removed package leaves metadata without a name
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return found


def opencv_state(installed: dict[str, str]) -> str:
    """Return OpenCV's version and its distribution, or why it cannot be imported."""
    owners = ", ".join(f"{name} {installed[name]}" for name in OPENCV if name in installed)
    try:
        import cv2
    except ImportError as error:
        reason = f"{owners} is installed but does not load: {error}" if owners else "not installed"
        return f"{reason}; thermal reading, batch, demo and report do not need it"
    return f"{cv2.__version__} ({owners or 'not from a pip package'})"


def processors() -> str:
    """Return how many processors the machine has, what they are called, and how many this process may use."""
    from classicseg._kernels.cpu._jit import available_processors

    total, usable = os.cpu_count() or 1, available_processors()
    limit = "" if usable == total else f"; {usable} usable here (affinity mask or cgroup quota)"
    return f"{total} x {cpu_model()}{limit}"


def cpu_model() -> str:
    """Return the processor's name, with its widest vector instructions where Linux tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(fields.get("flags", "").split())
    simd = next((name for flag, name in _SIMD if flag in flags), "")
    return ", ".join(filter(None, (fields.get("model name") or platform.machine(), simd)))


_SIMD = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"), ("sse4_2", "SSE4.2"))


def threads() -> str:
    """Return the number of threads that `n_threads=None` means here, and where that number comes from."""
    from classicseg._kernels.cpu._jit import thread_count

    source = "CLASSICSEG_NUM_THREADS" if os.environ.get("CLASSICSEG_NUM_THREADS") else "every usable processor"
    try:
        return f"{thread_count()} by default ({source}); set CLASSICSEG_NUM_THREADS to change it"
    except ValueError as error:
        return f"unknown: {error}"


def gpu_state(installed: dict[str, str], driver: Path = Path("/proc/driver/nvidia")) -> str:
    """Return the NVIDIA devices the driver lists, the CuPy there is for them, and whether they work together."""
    models = [
        line.partition(":")[2].strip()
        for path in sorted(driver.glob("gpus/*/information"))
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.startswith("Model:")
    ]
    cupy = ", ".join(f"{name} {installed[name]}" for name in CUPY if name in installed)
    devices = ", ".join(models) or "no NVIDIA device"
    return f"{devices}; {cupy or 'no CuPy installed'}; {cuda_state() if cupy else 'everything runs on the CPU'}"


def cuda_state() -> str:
    """Return what CuPy finds when it is asked, which says more than that it is installed."""
    from classicseg._kernels.cuda import _device

    if reason := _device.missing():
        return f"everything runs on the CPU: {reason}"
    return f"CuPy sees {', '.join(_device.devices())}; k-means runs there on what classicseg.to_device brings"


def cache() -> str:
    """Return where compiled kernels are kept and how large they are, or why nothing is kept."""
    from classicseg._kernels.cpu._jit import cache_state

    state = cache_state()
    if state.directory is None:
        return f"off: {state.reason}"
    files = [path for path in state.directory.rglob("*") if path.is_file()]
    kernels = sum(path.suffix == ".nbi" for path in files)
    size = sum(path.stat().st_size for path in files) / 1e6
    empty = "; run `classicseg warmup` to compile everything once" if not kernels else ""
    return f"{state.directory} ({kernels} kernels, {size:.1f} MB{empty})"


def refiners() -> list[tuple[str, str]]:
    """Return the names that refiners are loaded by, and why each plug-in that is broken was left out."""
    from classicseg.refine import RefinerWarning, available_refiners

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RefinerWarning)
        names = ", ".join(available_refiners()) or "none"
    broken = [str(one.message) for one in caught if issubclass(one.category, RefinerWarning)]
    return [("refiners", names), *(("refiner", text) for text in broken)]


def conflicts(installed: Iterable[str]) -> list[str]:
    """Return one sentence for each import package that more than one installed distribution provides."""
    present = set(installed)
    python = Path(sys.executable).name
    found = []
    for module, owners, keep in (
        ("cv2", OPENCV, "on a server keep the -headless one"),
        ("cupy", CUPY, "keep the one for your CUDA version"),
    ):
        both = [name for name in owners if name in present]
        if len(both) > 1:
            found.append(
                f"{' and '.join(both)} both install {module}; {keep}: "
                f"{python} -m pip uninstall {' '.join(both)}, then install the one you keep again"
            )
    return found
