"""Bring an array to a device: the one place where data move between host and GPU, and only when asked."""

from __future__ import annotations

from typing import Any, Literal, get_args

from classicseg._array import array_kind, to_host
from classicseg._kernels import adopt, cuda_arrays
from classicseg._validate import check_array, check_choice

DeviceName = Literal["cpu", "cuda"]


def to_device(array: Any, device: DeviceName) -> Any:
    """Copy an array to the GPU or back; functions then compute where their input lies.

    Parameters
    ----------
    array : array_like, or an array of CuPy, PyTorch or another library that speaks DLPack
        What to bring there. Nothing is copied that lies there already.
    device : {"cpu", "cuda"}
        "cpu" gives a NumPy array. "cuda" gives a CuPy array on the current device, which
        ``with cupy.cuda.Device(1):`` chooses; a CuPy array or a tensor that lies on another GPU stays there.

    Returns
    -------
    numpy.ndarray or cupy.ndarray
        The array, of the same shape and dtype.

    Raises
    ------
    DeviceError
        If "cuda" is asked for and CuPy or a CUDA device is missing; the message says what to install.
    ValueError, TypeError
        If `device` is another word, or `array` is no array.

    Examples
    --------
    >>> to_device([[1, 2], [3, 4]], "cpu").shape
    (2, 2)
    """
    device = check_choice("device", device, get_args(DeviceName))
    adopted = adopt(array)
    if array_kind(adopted) == "cupy":
        return adopted if device == "cuda" else to_host(adopted)
    host = check_array("array", array)
    return cuda_arrays("upload")(host) if device == "cuda" else host
