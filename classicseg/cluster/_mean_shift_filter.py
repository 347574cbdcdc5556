"""The mean-shift filter: every pixel takes the value of the mode that it climbs to."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classicseg._array import check_same_device, to_host
from classicseg._kernels import adopt, kernels_for
from classicseg._kernels._climb import Climb
from classicseg._validate import (
    FLOAT32_MAX,
    check_choice,
    check_finite,
    check_float,
    check_image,
    check_int,
    check_mask,
    check_numbers,
)

Kernel = Literal["flat", "gaussian", "epanechnikov", "opencv"]
KERNELS: tuple[str, ...] = get_args(Kernel)
STOP = {"opencv": (1.0, 5)}  # tol and max_num_iter by default; of the others:
STOP_ELSE = (0.01, 50)
WIDEST = 4096  # pixels of spatial bandwidth
FINEST, COARSEST = 1e-30, FLOAT32_MAX  # range bandwidth
LOOSEST, LONGEST = 1e6, 10**6  # tolerance, steps
OPENCV_RANGE = 442  # black to white is 441.7


class Problem(NamedTuple):
    """Arguments of a climb, checked: the image as (M, N, C), a batch as (B, M, N, C)."""

    image: NDArray[Any]
    mask: NDArray[np.bool_] | None
    kernel: str
    spatial_bandwidth: float
    range_bandwidth: tuple[float, ...]
    tol: float
    max_num_iter: int
    n_threads: int | None


def mean_shift_filter(
    image: ArrayLike,
    spatial_bandwidth: float,
    range_bandwidth: float | ArrayLike,
    *,
    kernel: Kernel = "flat",
    tol: float | None = None,
    max_num_iter: int | None = None,
    mask: ArrayLike | None = None,
    n_threads: int | None = None,
) -> NDArray[Any]:
    """Smooth an image and keep its edges: every pixel climbs to the mode of its surroundings, and takes its value.

    From its own position and value a pixel moves to the mean of the pixels near in both, and again from there,
    until it stays. No number of clusters is given, and a value far from the others changes nothing beyond its own
    pixel.

    Parameters
    ----------
    image : array_like, shape (M, N), (M, N, C) or (B, M, N, C)
        Image of any number of channels: colours, °C, bands, colour and depth. Computed in float32. With 4 axes a
        batch: each of its B frames gives what it gives by itself. A CuPy array is computed on its device.
    spatial_bandwidth : float
        Radius of the window in pixels, up to 4096: how far a pixel looks. 5 to 10 smooths texture; time grows with
        the square.
    range_bandwidth : float or array_like, shape (C,)
        Radius of the window in the image's own units: pixels farther apart in value than this do not act on each
        other. Choose about twice the noise, less than the contrast that is to stay; 10 to 40 for 8-bit colours, 1
        or 2 for °C. With one per channel, differences are divided by them, and the distance is at most 1.
    kernel : {"flat", "gaussian", "epanechnikov", "opencv"}, default "flat"
        Weight of a pixel in the mean, as a product of one of position and one of value, with d the distance in
        bandwidths. ``"flat"``: 1 up to d = 1. ``"epanechnikov"``: 1 - d² up to d = 1. ``"gaussian"``: exp(-d²/2)
        up to d = 3; smoothest, and slowest. ``"opencv"``: the flat one in a square window, positions and values
        rounded to whole numbers after each step: the bits of ``cv2.pyrMeanShiftFiltering(maxLevel=0)``, for uint8
        of up to 3 channels.
    tol : float, optional
        A pixel stays where its step, in bandwidths, is at most this. Default: 0.01; for ``"opencv"`` 1, its epsilon
        (|Δx| + |Δy| + the squared change of value).
    max_num_iter : int, optional
        Most steps of a pixel. Default: 50; for ``"opencv"`` 5.
    mask : array_like of bool, shape (M, N), of a batch (B, M, N), optional
        True where pixels take part. The others keep their value and act on none.
    n_threads : int, optional
        Threads to use; the result does not depend on it. Default: ``CLASSICSEG_NUM_THREADS``, else all
        processors this process may use. Means nothing on a GPU.

    Returns
    -------
    ndarray, shape and dtype of `image`, on its device
        The value of every pixel's mode, rounded to the nearest whole number for integer images.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, dtype or value, or `image` has NaN inside the mask.

    Notes
    -----
    Means are rounded to less than 0.001 of the bandwidth, so that the same pixels lie in a window on every machine:
    images of whole numbers have one result on CPU and GPU. Of other floats modes agree to 0.001 of the bandwidths
    but for about one pixel in a thousand, in whose window another lies on the edge.
    The kernel is that of the mean; the density whose modes are found has its shadow (for ``"flat"`` the
    Epanechnikov density). Sources: D. Comaniciu and P. Meer, "Mean Shift: A Robust Approach Toward Feature Space
    Analysis", IEEE Trans. Pattern Anal. Mach. Intell. 24(5), 2002, doi:10.1109/34.1000236; Y. Cheng, "Mean Shift,
    Mode Seeking, and Clustering", IEEE Trans. Pattern Anal. Mach. Intell. 17(8), 1995, doi:10.1109/34.400568.

    Examples
    --------
    >>> mean_shift_filter([[10.0, 12.0, 11.0, 90.0, 91.0]], 4, 20).tolist()
    [[11.0, 11.0, 11.0, 90.5, 90.5]]
    """
    problem, shape = checked(image, spatial_bandwidth, range_bandwidth, kernel, tol, max_num_iter, mask, n_threads)
    out = problem.image.copy()
    rows = all_rows(out)

    def write(first: int, last: int, found: NDArray[np.float64]) -> None:
        values, moved = found[..., :-3], found[..., -1:] > 0
        values = values if out.dtype.kind == "f" else np.rint(values)
        rows[first:last] = np.where(moved, values.astype(out.dtype), rows[first:last])

    climb(problem, write)
    return out.reshape(shape)


def climb(problem: Problem, write: Any) -> None:
    """Run the kernels; `write` gets rows of values, positions and weights as they are found, as `all_rows` counts."""
    kernels: Any = kernels_for(problem.image, "mean_shift_filter")
    frames, masks = as_frames(problem)
    kernels.climb_frames(frames, masks, Climb(*problem[2:7]), write, n_threads=problem.n_threads)


def as_frames(problem: Problem) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return image and mask as a batch; one image is a batch of one frame."""
    image, mask = problem.image, problem.mask
    if image.ndim == 4:
        return image, mask
    return image[None], None if mask is None else mask[None]


def all_rows(array: NDArray[Any]) -> NDArray[Any]:
    """Return an image or a batch (..., N, C) as one image: all rows, one frame below the other."""
    return array.reshape(-1, *array.shape[-2:])


def checked(
    image: ArrayLike,
    spatial_bandwidth: float,
    range_bandwidth: float | ArrayLike,
    kernel: str,
    tol: float | None,
    max_num_iter: int | None,
    mask: ArrayLike | None,
    n_threads: int | None,
) -> tuple[Problem, tuple[int, ...]]:
    """Check the arguments; return them with the image's own shape."""
    array = check_image("image", adopt(image), ndim=(2, 3, 4), cuda=True)
    shape, array = array.shape, array if array.ndim > 2 else array[..., None]
    inside = check_mask(adopt(mask), array.shape[:-1], cuda=True)
    if inside is not None:
        check_same_device("mask", inside, "image", array)
    kernel = check_choice("kernel", kernel, KERNELS)
    space = check_float("spatial_bandwidth", spatial_bandwidth, low=1, high=WIDEST)
    widths = _widths(range_bandwidth, array.shape[-1])
    default_tol, default_iter = STOP.get(kernel, STOP_ELSE)
    tol = default_tol if tol is None else check_float("tol", tol, low=0, high=LOOSEST)
    max_num_iter = (
        default_iter if max_num_iter is None else check_int("max_num_iter", max_num_iter, low=1, high=LONGEST)
    )
    if n_threads is not None:
        n_threads = check_int("n_threads", n_threads, low=1)
    if kernel == "opencv":
        _check_opencv(array, space, widths)
    check_finite("image", array if inside is None else array[inside], "mark such pixels False in mask")
    if inside is not None and inside.all():
        inside = None
    return Problem(array, inside, kernel, space, widths, tol, max_num_iter, n_threads), shape


def _widths(range_bandwidth: float | ArrayLike, n_channels: int) -> tuple[float, ...]:
    if getattr(range_bandwidth, "ndim", int(isinstance(range_bandwidth, (list, tuple)))) == 0:
        return (check_float("range_bandwidth", range_bandwidth, low=FINEST, high=COARSEST),) * n_channels
    given = to_host(check_numbers("range_bandwidth", adopt(range_bandwidth), cuda=True))
    if given.shape != (n_channels,):
        raise ValueError(
            f"range_bandwidth must be one number, or one per channel in shape {(n_channels,)}, got shape {given.shape}"
        )
    return tuple(check_float("range_bandwidth", float(value), low=FINEST, high=COARSEST) for value in given)


def _check_opencv(image: NDArray[Any], space: float, widths: tuple[float, ...]) -> None:
    if image.dtype != np.uint8 or image.shape[-1] > 3:
        raise TypeError(
            f"image must be uint8 with up to 3 channels for kernel='opencv', got {image.dtype} with "
            f"{image.shape[-1]}; take kernel='flat' for other images"
        )
    if not space.is_integer():
        raise ValueError(f"spatial_bandwidth must be a whole number for kernel='opencv', got {space}")
    if min(widths) != max(widths) or widths[0] > OPENCV_RANGE:
        raise ValueError(
            f"range_bandwidth must be one number up to {OPENCV_RANGE} for kernel='opencv', "
            f"got {', '.join(f'{value:g}' for value in widths)}"
        )
