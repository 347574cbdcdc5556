"""A strict stand-in for CuPy on machines without a GPU: arrays in NumPy, kernels through `cudasim`.

It is meant to refuse what CuPy refuses, so that a host driver that runs here has a chance on a device: implicit
conversion to NumPy, mixing with NumPy arrays, transfers that are not asked for. Fresh memory is poisoned. What the
package does not use is absent, and an attribute that is missing here is looked up in CuPy's reference before it is
added. Transfers to the host are counted (`transfers`), so that tests can tell how often a driver waits.
"""

from __future__ import annotations

import operator
import time
import types
from typing import Any

import numpy as np

POISON = 0xCB
BINARY = "add sub mul truediv floordiv mod pow and_ or_ xor lt le gt ge eq ne lshift rshift".split()  # noqa: SIM905
METHODS = (
    "all any argmax argmin clip copy cumsum max mean min nonzero ravel repeat reshape std sum swapaxes take transpose "
    "view"
)
FUNCTIONS = (
    "abs absolute add all any argmax argmin array_equal atleast_1d bitwise_and bitwise_or broadcast_to clip "
    "concatenate count_nonzero cumsum diff divide equal expand_dims flatnonzero floor greater greater_equal invert "
    "isfinite isnan less less_equal logical_and logical_not max maximum mean min minimum moveaxis multiply nanmax "
    "nanmin negative nonzero not_equal power prod ravel repeat reshape rint sort sqrt stack std subtract sum take "
    "tile transpose true_divide unique where zeros_like"
)
TYPES = "bool_ float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64"


class _Memory:
    """What `ndarray.data` is: an address on the device."""

    def __init__(self, host: np.ndarray) -> None:
        self.ptr = host.ctypes.data


class _Flags:
    def __init__(self, host: np.ndarray) -> None:
        self.c_contiguous, self.f_contiguous = host.flags.c_contiguous, host.flags.f_contiguous
        self.owndata = host.flags.owndata


class ndarray:
    """An array "on the device"; only `get` and the functions below reach the host memory behind it."""

    __hash__ = None

    def __init__(self, host: np.ndarray) -> None:
        if host.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {host.dtype}")
        self._host = host

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    nbytes = property(lambda self: self._host.nbytes)
    itemsize = property(lambda self: self._host.itemsize)
    strides = property(lambda self: self._host.strides)
    flags = property(lambda self: _Flags(self._host))
    data = property(lambda self: _Memory(self._host))
    device = property(lambda self: Device(0))
    T = property(lambda self: ndarray(self._host.T))

    def get(self) -> np.ndarray:
        module.transfers += 1
        return self._host.copy()

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or not hasattr(module, ufunc.__name__):
            return NotImplemented
        return _call(ufunc, inputs, options)

    def __array_function__(self, function, kinds, inputs, options):
        if getattr(module, function.__name__, None) is None:
            return NotImplemented
        return _call(function, inputs, options)

    def __dlpack__(self, **options):
        return self._host.__dlpack__()

    def __dlpack_device__(self):
        return (2, 0)  # kDLCUDA

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __repr__(self):
        return f"fake_cupy.ndarray(shape={self.shape}, dtype={self.dtype})"

    def __getitem__(self, key):
        return _wrap(self._host[_key(key)])

    def __setitem__(self, key, value):
        self._host[_key(key)] = _host(value)

    def __neg__(self):
        return _wrap(-self._host)

    def __invert__(self):
        return _wrap(~self._host)

    def fill(self, value):
        self._host.fill(value)

    def astype(self, dtype, copy=True):
        made = self._host.astype(dtype, copy=copy)
        return self if made is self._host else ndarray(made)


def _operator(name: str, reflected: bool):
    function = getattr(operator, name)

    def apply(self, other):
        if other is None or isinstance(other, str):
            return NotImplemented
        pair = (_host(other), self._host) if reflected else (self._host, _host(other))
        return _wrap(function(*pair))

    return apply


def _inplace(name: str):
    function = getattr(operator, f"i{name}")

    def apply(self, other):
        function(self._host, _host(other))
        return self

    return apply


for _name in BINARY:
    _stem = _name.rstrip("_")
    setattr(ndarray, f"__{_stem}__", _operator(_name, False))
    if _stem not in {"lt", "le", "gt", "ge", "eq", "ne"}:
        setattr(ndarray, f"__r{_stem}__", _operator(_name, True))
        setattr(ndarray, f"__i{_stem}__", _inplace(_stem))


def _method(name: str):
    def apply(self, *inputs, **options):
        return _call(getattr(type(self._host), name), (self, *inputs), options)

    return apply


for _name in METHODS.split():
    setattr(ndarray, _name, _method(_name))


def _host(value: Any) -> Any:
    """Return what NumPy computes with; NumPy arrays are refused, as CuPy refuses them."""
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, tuple | list):
        return type(value)(_host(one) for one in value)
    return value


def _key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_key(one) for one in key)
    if isinstance(key, np.ndarray):
        return key  # CuPy uploads an index
    return _host(key)


def _wrap(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(_wrap(one) for one in result)
    return ndarray(np.asarray(result)) if isinstance(result, np.ndarray | np.generic) else result


def _call(function: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    out = options.get("out")
    options = {name: _host(value) for name, value in options.items()}
    result = function(*(_host(one) for one in inputs), **options)
    return result if out is None and isinstance(result, bool) else _wrap(result)


def empty(shape, dtype=float):
    made = np.empty(shape, dtype)
    made.reshape(-1).view(np.uint8)[...] = POISON
    return ndarray(made)


def empty_like(array, dtype=None):
    return empty(array.shape, dtype or array.dtype)


def full(shape, value, dtype=None):
    return ndarray(np.full(shape, value, dtype))


def zeros(shape, dtype=float):
    return ndarray(np.zeros(shape, dtype))


def ones(shape, dtype=float):
    return ndarray(np.ones(shape, dtype))


def arange(*limits, dtype=None):
    return ndarray(np.arange(*limits, dtype=dtype))


def asarray(value, dtype=None):
    """Upload, or return a device array as it is."""
    if isinstance(value, ndarray):
        return value if dtype is None or value.dtype == dtype else value.astype(dtype)
    if isinstance(value, list | tuple) and any(isinstance(one, ndarray) for one in value):
        return ndarray(np.asarray([one._host for one in value], dtype))
    return ndarray(np.array(value, dtype))


def array(value, dtype=None, order="K"):
    return ndarray(np.array(_host(value) if isinstance(value, ndarray) else value, dtype, order=order))


def ascontiguousarray(value, dtype=None):
    made = asarray(value, dtype)
    return made if made.flags.c_contiguous else ndarray(np.ascontiguousarray(made._host))


def asnumpy(value):
    return value.get() if isinstance(value, ndarray) else np.asarray(value)


def from_dlpack(value):
    """Take the memory of another library's device array, without a copy."""
    kind, _ = value.__dlpack_device__()
    if kind not in (2, 13):  # kDLCUDA, kDLCUDAManaged
        raise RuntimeError(
            "CPU arrays cannot be directly imported to CuPy. Use `cupy.array(numpy.from_dlpack(input))`."
        )
    return ndarray(np.from_dlpack(_HostView(value)))


class _HostView:
    """The emulated device's memory is the host's: say so to NumPy."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __dlpack__(self, **options):
        return self._value.__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


def get_array_module(*arrays):
    return module if any(isinstance(one, ndarray) for one in arrays) else np


class Device:
    """The one device there is."""

    def __init__(self, device: int | None = None) -> None:
        self.id = 0 if device is None else device
        if self.id != 0:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        clocks = {"ClockRate": 1_000_000, "MemoryClockRate": 1_000_000, "GlobalMemoryBusWidth": 64}
        self.attributes = {"MultiProcessorCount": 2, **clocks}
        self.compute_capability = "90"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self):
        return hash(self.id)

    def synchronize(self):
        pass


class Stream:
    """Work is done when a call returns, so a stream has nothing to order."""

    def __init__(self, *, non_blocking=False):
        self.ptr = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def synchronize(self):
        pass


class Event:
    """A point in time, at once when it is recorded."""

    def record(self):
        self.time = time.perf_counter()

    def synchronize(self):
        pass


class RawModule:
    """CUDA text, compiled by the emulator that `module.emulator` names."""

    def __init__(self, *, code, options=(), backend="nvrtc"):
        assert backend == "nvrtc"
        self._module = module.emulator.module(code, options)

    def get_function(self, name):
        kernel = self._module.get_function(name)

        def launch(grid, block, args, *, shared_mem=0):
            values = [one._host if isinstance(one, ndarray) else _scalar(one) for one in args]
            kernel(grid, block, values, shared_mem=shared_mem)

        return launch


def _scalar(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def _made() -> types.ModuleType:
    made = types.ModuleType("cupy", "A strict stand-in for CuPy.")
    made.__version__ = "0.0-emulated"
    made.transfers = 0
    made.emulator = None  # a cudasim.Emulator, set by the test's fixture
    for name in FUNCTIONS.split():
        setattr(made, name, (lambda function: lambda *a, **k: _call(function, a, k))(getattr(np, name)))
    for name in TYPES.split():
        setattr(made, name, getattr(np, name))
    for one in (empty, empty_like, full, zeros, ones, arange, asarray, array, ascontiguousarray, asnumpy, from_dlpack):
        setattr(made, one.__name__, one)
    made.ndarray, made.RawModule, made.get_array_module = ndarray, RawModule, get_array_module
    made.inf, made.nan = np.inf, np.nan
    made.cuda = types.SimpleNamespace(
        Device=Device,
        Stream=Stream,
        Event=Event,
        get_elapsed_time=lambda start, end: 1e3 * (end.time - start.time),
        is_available=lambda: True,
        get_current_stream=Stream,
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda device: {"name": b"emulated device"},
        ),
    )
    return made


module = _made()
