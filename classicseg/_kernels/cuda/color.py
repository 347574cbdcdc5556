"""RGB (sRGB) to CIE Lab and Luv on a GPU: the twin of the CPU's kernels, with the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from classicseg._kernels._color import MATRIX, RELATIVE, U_WHITE, V_WHITE, linear_table
from classicseg._kernels.cuda._module import defines, kernels

THREADS = 256  # as in color.cu
FUNCTIONS = ("lab", "luv")
PIXELS = {"u1": "unsigned char", "u2": "unsigned short", "f4": "float", "f8": "double"}
NUMBERS = np.concatenate([RELATIVE.ravel(), MATRIX.ravel(), [U_WHITE, V_WHITE]]).astype(np.float32)  # as in color.cu


def lab(image: Any, out: Any, n_threads: int | None = None) -> None:
    """Write L, a, b of `image` (M, N, 3) to `out` (3, M, N) float32 in C order.

    `image` is uint8, uint16, or floats of -0.5 to 1.5, of any strides.
    """
    _convert("lab", image, out)


def luv(image: Any, out: Any, n_threads: int | None = None) -> None:
    """Like `lab`, for L, u, v; negative colours are seen as 0."""
    _convert("luv", image, out)


def constants_of(dtype: np.dtype[Any]) -> tuple[str, ...]:
    """Return the compiler's options for images of this dtype; color.cu says what each constant means."""
    return defines(PIXEL=PIXELS[dtype.str[1:]], WHOLE=int(dtype.kind == "u"))


def _convert(function: str, image: Any, out: Any) -> None:
    import cupy

    run = kernels("color", FUNCTIONS, constants_of(image.dtype), image.device.id)
    n_pixels = image.shape[0] * image.shape[1]
    with image.device:
        numbers = cupy.asarray(NUMBERS)
        table = cupy.asarray(linear_table(np.iinfo(image.dtype).max)) if image.dtype.kind == "u" else numbers
        pixels = cupy.ascontiguousarray(image)
        given = pixels, np.int64(n_pixels), numbers, table, out
        getattr(run, function)((-(-n_pixels // THREADS),), (THREADS,), given)
