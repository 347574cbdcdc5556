"""The thermal network that comes with the package."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classicseg._validate import check_choice, check_int
from classicseg.refine._adapters.onnx import Backend, from_onnx
from classicseg.refine._pv_unet.input import network_input
from classicseg.refine._refiner import Refiner

CLASSES = ("background", "module", "hot spot")
PATH = Path(__file__).with_name("pv_unet.onnx")
UNITS = ("celsius", "counts")
MULTIPLE = 8  # it halves rows and columns three times
OVERLAP = 112  # pixels: more than the 103 that it sees from end to end, so tiles change nothing
TILE = 768  # pixels: frames of 640 × 512 in one piece, and 0.3 GB at a time of mosaics


def pv_unet(*, unit: str | None = None, backend: Backend = "opencv", tile: int | None = TILE) -> Refiner:
    """Return the small thermal network for solar plants that comes with the package.

    A U-Net of 108 000 weights that says of every pixel of a thermal frame whether it is background, a solar module, or
    a hot spot on a module. It learned from made frames only; ``pv_unet.md`` beside it is its model card, with what it
    scores on made and on real frames, and where it fails. Read it before you rely on the answers: a hot spot here is
    what looks like one, where `classicseg.thermal.find_hotspots` compares the same place on many modules.

    Parameters
    ----------
    unit : {"celsius", "counts"}, optional
        Of the images that it will be given. Default: floats are °C, integers are counts of a camera. In counts the
        frame's own range stands in for 15 K, so that a quiet frame looks livelier than it is.
    backend : {"opencv", "onnxruntime"}, default "opencv"
        What runs the network; their answers agree to 1e-5.
    tile : int or None, default 768
        Rows and columns of the tiles in which larger images are run, at most, in pixels and at least 232. The answer
        does not depend on it, to 1e-5; less takes less memory and more time. None: the whole image at once, 0.5 GB
        for every megapixel.

    Returns
    -------
    Refiner
        Task "semantic", classes ``"background"``, ``"module"`` and ``"hot spot"``, probabilities per pixel. It takes
        images of shape (M, N).

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong type or value; from ``refine``, if the image has channels.
    ImportError
        If OpenCV, or ONNX Runtime for its backend, cannot be imported.

    See Also
    --------
    from_onnx : The same for a network of your own.
    classicseg.thermal.find_hotspots : Hot spots by comparing modules.

    Notes
    -----
    It sees four differences for each pixel: to the median of its surroundings (80 × 80 pixels) and to that of the
    frame, cut off at 30 K, and to the frame's 5 % and 95 % quantiles, cut off at 5 K; 5 K are 1 in all. So it does not
    know how warm the day was, and 10 K stay 10 K whatever else is in view. Modules between 10 and 55 pixels wide are
    what it learned from.

    Source of the architecture: O. Ronneberger et al., "U-Net: Convolutional networks for biomedical image
    segmentation", MICCAI 2015, doi:10.1007/978-3-319-24574-4_28.

    Examples
    --------
    >>> frame = np.full((64, 96), 20, np.float32)
    >>> refiner = pv_unet()
    >>> result = refiner.refine(describe_regions(frame, np.ones((64, 96), int)))
    >>> refiner.classes[result.probabilities[32, 48].argmax()], result.probabilities.shape
    ('background', (64, 96, 3))
    """
    if unit is not None:
        unit = check_choice("unit", unit, UNITS)
    if tile is not None:
        tile = check_int("tile", tile, low=2 * OVERLAP + MULTIPLE)
    return from_onnx(
        PATH,
        classes=CLASSES,
        backend=backend,
        tile=tile,
        overlap=None if tile is None else OVERLAP,
        multiple=MULTIPLE,
        normalize=partial(_normalized, unit=unit),
        output="probabilities",
    )


def _normalized(image: NDArray[Any], unit: str | None) -> NDArray[np.float32]:
    if image.ndim != 2:
        raise ValueError(
            f"image must have shape (M, N), temperatures or counts, for pv_unet; got {image.shape}; pass the "
            "temperatures that classicseg.thermal.read gives, not a picture in false colours"
        )
    return network_input(image, celsius=image.dtype.kind == "f" if unit is None else unit == "celsius")
