"""Slow twins of the features, in NumPy and float64, one pixel or one window at a time."""

import numpy as np

# Primaries of ITU-R BT.709 and the white point D65, as scikit-image has them.
XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = np.array([0.95047, 1.0, 1.08883])


def features(planes, weights, shape):
    """Stack planes as float64; the strings "x" and "y" stand for the column and the row."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    index = {"x": cols, "y": rows}
    return np.stack([w * (index[p] if isinstance(p, str) else p).astype(float) for p, w in zip(planes, weights)], -1)


def xyz(colour):
    """CIE XYZ of one colour whose red, green and blue range over 0 to 1."""
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in colour]
    return XYZ @ linear


def lab(colour):
    f = [r ** (1 / 3) if r > 0.008856 else 7.787 * r + 16 / 116 for r in xyz(colour) / WHITE]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def luv(colour):
    def hue(x, y, z):
        total = x + 15 * y + 3 * z
        return (4 * x / total, 9 * y / total) if total else (0.0, 0.0)

    x, y, z = xyz(colour)
    lightness = 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y
    (u, v), (u_white, v_white) = hue(x, y, z), hue(*WHITE)
    return [lightness, 13 * lightness * (u - u_white), 13 * lightness * (v - v_white)]


def convert(image, space):
    highest = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    one = {"Lab": lab, "Luv": luv}[space]
    return np.array([[one(colour) for colour in row] for row in image / highest])
