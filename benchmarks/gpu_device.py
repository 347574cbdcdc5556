"""What the GPU cases share: whether there is a device, its rates, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

LANES = {"80": 64}  # float32 operations of a multiprocessor per cycle, by compute capability; 128 where not listed


class Rates(NamedTuple):
    """What the device does in a microsecond at the clocks that it reports."""

    bytes: float
    operations: float  # of all lanes


class Later:
    """A device array that comes to the host when it is saved, which is not part of the work."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._array.get()


def cannot_run() -> str | None:
    """Return why there is no GPU to measure, or None."""
    from classicseg._kernels.cuda._device import missing

    reason = missing()
    return reason and f"no GPU here: {reason}"


def device_name() -> str:
    import cupy

    return str(cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode())


def rates() -> Rates:
    import cupy

    device = cupy.cuda.Device()
    facts = device.attributes
    lanes = LANES.get(device.compute_capability, 128)
    return Rates(
        bytes=2e-3 * facts["MemoryClockRate"] * facts["GlobalMemoryBusWidth"] / 8,  # clocks are in kHz
        operations=1e-3 * facts["ClockRate"] * facts["MultiProcessorCount"] * lanes,
    )


def elapsed_us(work: Callable[[], object]) -> float:
    import cupy

    start, end = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    work()
    end.record()
    end.synchronize()
    return 1e3 * float(cupy.cuda.get_elapsed_time(start, end))
