"""RGB to Lab and Luv, as pixel_features computes it, against scikit-image and OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.images import noisy, photograph
from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

# In units of CIE: what pixel_features promises against scikit-image; OpenCV interpolates the curves.
TOLERANCES = {"scikit-image": 3e-4, "OpenCV": 0.5}
UNITS = {"uint8": 255, "uint16": 65535, "float32": 1}


def rows(context: Context) -> list[Row]:
    size = (24, 32) if context.tiny else (1000, 1000)
    return [
        Row(f"{'tiny' if context.tiny else '1 MP'} {dtype} to {space}", {"size": size, "dtype": dtype, "space": space})
        for space in ("Lab", "Luv")
        for dtype in (("uint8",) if context.tiny else UNITS)
    ]


def image_of(size: tuple[int, int], dtype: str) -> np.ndarray:
    """Return a photograph with noise; the levels between those of 8 bits occur too where the dtype has them."""
    image = noisy(photograph(*size).astype(np.float32), 4).clip(0, 255) / 255 * UNITS[dtype]
    return image.astype(dtype)


def ours(size: tuple[int, int], dtype: str, space: str) -> Callable[[], Any]:
    from classicseg import pixel_features

    image = image_of(size, dtype)
    return lambda: dict(zip("abc", pixel_features(image, space).planes))


def scikit_image(size: tuple[int, int], dtype: str, space: str) -> Callable[[], Any]:
    from skimage import color

    image, convert = image_of(size, dtype), {"Lab": color.rgb2lab, "Luv": color.rgb2luv}[space]
    return lambda: dict(zip("abc", np.moveaxis(convert(image), 2, 0)))


def opencv(size: tuple[int, int], dtype: str, space: str) -> Callable[[], Any]:
    """Give OpenCV floats of 0 to 1: from integers it makes Lab of 8 bits, which are other numbers."""
    import cv2

    image, code = image_of(size, dtype), {"Lab": cv2.COLOR_RGB2Lab, "Luv": cv2.COLOR_RGB2Luv}[space]
    scale = np.float32(1 / UNITS[dtype])
    return lambda: dict(zip("abc", np.moveaxis(cv2.cvtColor(image.astype(np.float32) * scale, code), 2, 0)))


def agree(row: Row, outputs: Outputs) -> Agreement:
    mine, *_ = outputs.values()
    worst = {
        name: max(float(np.abs(mine[c] - given[c]).max()) for c in "abc") for name, given in list(outputs.items())[1:]
    }
    apart = tuple(name for name, difference in worst.items() if difference > TOLERANCES[name])
    text = "; ".join(f"{name} max {difference:.1g}" for name, difference in worst.items())
    return Agreement(not apart, text, () if len(apart) == len(worst) else apart)


CASE = Case(
    name="color",
    title="RGB to CIE Lab and Luv",
    contenders=(
        Contender("classicseg", "ours"),
        Contender("scikit-image", "scikit_image", ("scikit-image",)),
        Contender("OpenCV", "opencv", ("opencv-python",)),
    ),
    rows=rows,
    agree=agree,
)
