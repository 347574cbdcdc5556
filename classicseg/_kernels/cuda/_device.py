"""Arrays on a CUDA device: where they come from, and whether there is a device at all."""

from __future__ import annotations

from typing import Any

INSTALL = "pip install 'classicseg[cuda12]' or 'classicseg[cuda13]', whichever CUDA version nvidia-smi shows"


def missing() -> str | None:
    """Return why CUDA cannot be used here and the way out, or None."""
    try:
        import cupy
    except ImportError as error:
        return f"CuPy cannot be imported ({error}); {INSTALL}"
    try:
        found = bool(cupy.cuda.is_available())  # False without a driver, where most other calls raise
    except Exception as error:  # noqa: BLE001 - a broken driver raises whatever it likes; it is told, not hidden
        return f"CuPy {cupy.__version__} found no usable driver ({error}); see that nvidia-smi works"
    return None if found else f"CuPy {cupy.__version__} finds no CUDA device; see that nvidia-smi lists one"


def devices() -> list[str]:
    """Return the name of each device that CuPy sees."""
    import cupy

    properties = map(cupy.cuda.runtime.getDeviceProperties, range(cupy.cuda.runtime.getDeviceCount()))
    return [one["name"].decode() for one in properties]


def upload(array: Any) -> Any:
    """Return a copy of a NumPy array on the current device."""
    import cupy

    return cupy.asarray(array)


def from_dlpack(array: Any) -> Any:
    """Return the CuPy array that shares the memory of another library's array on a CUDA device."""
    import cupy

    return cupy.from_dlpack(array)
