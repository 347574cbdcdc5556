"""Dense flow between two frames, as motion_features computes it, against others; judged by shifts that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.registry import Agreement, Case, Contender, Context, Outputs, Row

SHIFTS = ((0.5, -0.25), (1.3, 2.7), (-6.5, 9.2))  # rows, columns
IMAGES = ("coffee", "brick")
MEDIAN, MOST = 0.2, 1.0  # pixels that half, and 95 of 100 pixels, may be off: beyond, it is another answer
MARGIN = 20  # beside the border a shift brings in what was not seen before


def rows(context: Context) -> list[Row]:
    cases = [(image, shift) for image in IMAGES for shift in SHIFTS]
    return [
        Row(f"{image}, {shift[0]} rows, {shift[1]} columns", {"image": image, "shift": shift})
        for image, shift in (cases[:1] if context.tiny else cases)
    ]


def frames(image: str, shift: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return a gray photograph and itself moved, each rounded to 8 bits."""
    from scipy import ndimage
    from skimage import data

    photo = getattr(data, image)()
    gray = photo.astype(float) if photo.ndim == 2 else photo @ [0.2126, 0.7152, 0.0722]
    moved = ndimage.shift(gray, shift, order=3, mode="nearest")
    before, after = (frame.clip(0, 255).round().astype(np.uint8) for frame in (gray, moved))
    return before, after


def ours(image: str, shift: tuple[float, float]) -> Callable[[], Any]:
    from classicseg import motion_features

    before, after = frames(image, shift)
    return lambda: motion_features(before, after)


def farneback(image: str, shift: tuple[float, float]) -> Callable[[], Any]:
    import cv2

    before, after = frames(image, shift)
    return lambda: cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 5, 15, 3, 5, 1.1, 0)


def lucas_kanade(image: str, shift: tuple[float, float]) -> Callable[[], Any]:
    from skimage.registration import optical_flow_ilk

    before, after = (frame / np.float32(255) for frame in frames(image, shift))
    return lambda: np.moveaxis(optical_flow_ilk(before, after, radius=7)[::-1], 0, 2)


def agree(row: Row, outputs: Outputs) -> Agreement:
    """Compare with the known shift; who is off by more than MEDIAN or MOST gave another answer."""
    off = {name: errors(given["result"], row.parameters["shift"]) for name, given in outputs.items()}
    apart = tuple(name for name, (half, most) in off.items() if half > MEDIAN or most > MOST)
    text = "; ".join(f"{name} off by {half:.2f}, {most:.2f}" for name, (half, most) in off.items())
    return Agreement(not apart, f"{text} pixels (median, 95 of 100)", apart)


def errors(flow: np.ndarray, shift: tuple[float, float]) -> tuple[float, float]:
    off = np.hypot(flow[..., 0] - shift[1], flow[..., 1] - shift[0])[MARGIN:-MARGIN, MARGIN:-MARGIN]
    return float(np.median(off)), float(np.percentile(off, 95))


CASE = Case(
    name="flow",
    title="Dense flow between frames of a known shift",
    contenders=(
        Contender("classicseg", "ours", ("opencv-python",)),
        Contender("Farneback (OpenCV)", "farneback", ("opencv-python",)),
        Contender("Lucas-Kanade (scikit-image)", "lucas_kanade", ("scikit-image",)),
    ),
    rows=rows,
    agree=agree,
)
