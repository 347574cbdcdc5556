"""Label images as files."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]


def label_form(labels: Array, png: str, tif: str) -> tuple[str, str]:
    """Return which of two names a label image gets, and its form: a PNG where 16 bits hold its numbers, else a TIFF."""
    return (png, "PNG") if labels.max(initial=0) <= np.iinfo(np.uint16).max else (tif, "TIFF")


def write_labels(file: IO[bytes], labels: Array, form: str, palette: bytes | None = None) -> None:
    """Write a label image: a PNG of 16 bits, or of 8 with the colours of `palette`, or a TIFF of 32."""
    if palette is not None:
        image = Image.fromarray(labels.astype(np.uint8))
        image.putpalette(palette)
        image.save(file, form, compress_level=3)
    elif form == "PNG":
        Image.fromarray(labels.astype(np.uint16)).save(file, "PNG", compress_level=3)
    else:
        Image.fromarray(labels.astype(np.int32)).save(file, "TIFF", compression="tiff_adobe_deflate")
