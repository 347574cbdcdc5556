"""What both twins of the colour kernels compute with: RGB (sRGB) to CIE Lab and Luv, D65 white point, 2° observer."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

# The constants scikit-image uses, so that both agree to rounding: the primaries of ITU-R BT.709 (matrix of C. Poynton,
# "Frequently asked questions about color", 1997), CIE 1931 white D65, the curve of IEC 61966-2-1.
XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
MATRIX = XYZ_FROM_RGB.astype(np.float32)
RELATIVE = (XYZ_FROM_RGB / WHITE[:, None]).astype(np.float32)  # X/Xn, Y/Yn, Z/Zn
U_WHITE = np.float32(4 * WHITE[0] / (WHITE @ [1, 15, 3]))
V_WHITE = np.float32(9 * WHITE[1] / (WHITE @ [1, 15, 3]))


@functools.cache  # 65,536 powers, however small the image
def linear_table(highest: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the linear light of each encoded whole number from 0 to `highest`."""
    encoded = np.arange(highest + 1) / highest
    return np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92).astype(np.float32)
