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

    x, y, z = xyz([max(c, 0) for c in colour])  # of negative light there is no hue
    lightness = 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y
    (u, v), (u_white, v_white) = hue(x, y, z), hue(*WHITE)
    return [lightness, 13 * lightness * (u - u_white), 13 * lightness * (v - v_white)]


def convert(image, space):
    highest = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    one = {"Lab": lab, "Luv": luv}[space]
    return np.array([[one(colour) for colour in row] for row in image / highest])


def jet(image, sigma):
    """Derivatives x, y, xx, xy, yy of a gray image by the formulas, one pixel at a time."""
    reach = max(1, int(np.ceil(4 * sigma)))
    offset = np.arange(-reach, reach + 1)
    smooth = np.exp(-0.5 * (offset / sigma) ** 2)
    smooth /= smooth.sum()
    first = offset * smooth / (offset**2 * smooth).sum() * sigma
    second = (offset**2 - (offset**2 * smooth).sum()) * smooth
    second *= 2 * sigma**2 / (offset**2 * second).sum()
    shape = image.shape
    out = np.empty((5, *shape))
    for row, col in np.ndindex(shape):
        rows, cols = (row + offset).clip(0, shape[0] - 1), (col + offset).clip(0, shape[1] - 1)
        patch = image[np.ix_(rows, cols)].astype(float)
        pairs = [(smooth, first), (first, smooth), (smooth, second), (first, first), (second, smooth)]
        out[:, row, col] = [down @ patch @ right for down, right in pairs]
    return out


def texton(x, y, xx, xy, yy, contrast, n):
    """Name and margin of the texton of one pixel: the strongest of the seven measures of basic image features."""
    laplacian, shear = xx + yy, np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    measures = [contrast, 2 * np.hypot(x, y), laplacian, -laplacian]
    measures += [(shear + laplacian) / np.sqrt(2), (shear - laplacian) / np.sqrt(2), shear]
    which = int(np.argmax(measures))
    margin = np.ptp(np.sort(measures)[-2:])

    def turn(angle):
        return int(np.floor(angle / np.pi * n + 0.5)) % n

    # The direction in which a profile through the pixel bends most, upwards for a dark line.
    angles = np.arange(0, np.pi, np.pi / 720)
    bend = xx * np.cos(angles) ** 2 + 2 * xy * np.cos(angles) * np.sin(angles) + yy * np.sin(angles) ** 2
    across = {1: np.arctan2(y, x), 4: angles[bend.argmax()], 5: angles[bend.argmin()]}.get(which, 0)
    between = abs((across / np.pi * n + 0.5) % 1)  # 0 and 1: between two orientations
    clear = which not in (1, 4, 5) or n == 1 or 0.02 < between < 0.98
    first = [0, 1, n + 1, n + 2, n + 3, 2 * n + 3, 3 * n + 3][which]
    return first + (turn(across) if which in (1, 4, 5) else 0), margin if clear else 0.0


def binary_pattern(image, row, col):
    ring = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
    near = [(min(max(row + r, 0), image.shape[0] - 1), min(max(col + c, 0), image.shape[1] - 1)) for r, c in ring]
    bright = [bool(image[at] >= image[row, col]) for at in near]
    changes = sum(a != b for a, b in zip(bright, bright[1:] + bright[:1]))
    return sum(bright) if changes <= 2 else 9


def window_share(codes, n_bins, size, mask):
    """Share of each code in the square window around each pixel, of the pixels in the image and the mask."""
    radius = size // 2
    out = np.zeros((*codes.shape, n_bins))
    for row, col in np.ndindex(codes.shape):
        window = np.s_[max(row - radius, 0) : row + radius + 1, max(col - radius, 0) : col + radius + 1]
        inside = codes[window][mask[window]]
        if mask[row, col]:
            out[row, col] = np.bincount(inside, minlength=n_bins) / len(inside)
    return out


def window_energy(responses, n, size, mask):
    """Root mean square of even and odd filters at n orientations, and of centre-surround, in the window."""
    x, y, xx, xy, yy = responses
    planes = []
    for angle in np.pi * np.arange(n) / n:
        c, s = np.cos(angle), np.sin(angle)
        planes.append((c * x + s * y) ** 2 + (c * c * xx + 2 * c * s * xy + s * s * yy) ** 2)
    planes.append((xx + yy) ** 2)
    radius, out = size // 2, np.zeros((*mask.shape, n + 1))
    for row, col in zip(*np.nonzero(mask)):
        window = np.s_[max(row - radius, 0) : row + radius + 1, max(col - radius, 0) : col + radius + 1]
        out[row, col] = [np.sqrt(plane[window][mask[window]].mean()) for plane in planes]
    return out


def nearest_inside(image, mask, at):
    """Values of all the pixels inside the mask that are nearest to `at`."""
    rows, cols = np.nonzero(mask)
    distance = (rows - at[0]) ** 2 + (cols - at[1]) ** 2
    nearest = distance == distance.min()
    return image[rows[nearest], cols[nearest]].tolist()
